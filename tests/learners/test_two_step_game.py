"""VDN and QMIX in the two-step game of QMIX's paper: what each can learn of it, against theory."""

from typing import Any, ClassVar

import numpy as np
import pytest
import torch

import marl_sim as ms
from marl_sim.core.fields import Field
from marl_sim.learners import QMIX, VDN


@ms.rule
def agent_0_chooses(acting: Any) -> None:
    """Agent 0 decides alone."""
    acting[0] = 1


@ms.rule
def go_there(action: Any, branch: Any) -> None:
    """Its choice is the matrix that both play next."""
    branch[0] = action[0]


@ms.rule
def pay_all(n: Any, action: Any, branch: Any, payoff: Any) -> None:
    """2A pays 7 whatever they do, 2B pays 0, 1, 1 or 8."""
    paid = 7.0
    if branch[0] == 1:
        paid = 8.0 * action[0] * action[1] + (1 - action[0]) * action[1] + action[0] * (1 - action[1])
    for i in range(n):
        payoff[i] += paid


@ms.rule
def where_we_are(branch: Any, out: Any) -> None:
    """The matrix that is played."""
    out[0] = branch[0]


class TwoSteps(ms.GroupDilemma):
    """The two-step game of Rashid et al. (2018), section 5."""

    rewards: ClassVar[tuple[str, ...]] = ("payoff",)

    def state(self, game):
        return {"branch": ms.ints(1)}

    def stages(self, game):
        first = ms.Stage("first", ("2A", "2B"), acting=agent_0_chooses, then=(go_there,), phase=40)
        return [first, ms.Stage("play", ("A", "B"), then=(pay_all,))]

    def fields(self, game):
        return {"play": [Field("branch", 1, where_we_are, 2)]}


MATRIX_2B = np.array([[0.0, 1.0], [1.0, 8.0]])
TWO_STEPS = dict(
    gamma=1.0, epsilon=1.0, hidden=(32,), lr=3e-3, batch=64, buffer=4096, train_every=16, target_every=50, warmup=512
)


def trained(learner, episodes=300):
    game = ms.Group(TwoSteps(), n_agents=2, horizon=ms.Fixed(1), encode="one_hot")
    trainer = ms.Trainer(game, learner, seeds=6, episodes=episodes, num_envs=16, block=100)
    for _ in trainer.run():
        pass
    return trainer


def table(trainer, branch):
    """Q_tot [seeds, 2, 2] of the joint actions in a matrix, as all seeds value them."""
    worlds = trainer.worlds.another(1, trainer.seeds)
    worlds.reset()
    first = np.zeros((6, 2), np.int64)
    first[:, 0] = branch
    worlds.step(first)
    lanes = trainer.heads[0].lanes
    obs = torch.from_numpy(worlds.obs.copy())[:, None, None]
    with torch.no_grad():
        q = lanes.q(lanes.params, obs, torch.zeros(6, 1, 2, 0))[:, 0, 0]
        pairs = [torch.stack([q[:, 0, a], q[:, 1, b]], -1) for a in range(2) for b in range(2)]
        joint = torch.stack(pairs, 1)[:, None]
        return lanes.mixed(lanes.params, joint, obs.expand(-1, 1, 4, 2, -1))[:, 0].reshape(6, 2, 2).numpy()


def test_vdn_takes_the_sure_seven_as_its_sums_force_it_to():
    """Under uniform exploration its values are the best sums: least squares gives 6.5 for the best of 2B, below 7."""
    rows = np.array([[a == 0, a == 1, b == 0, b == 1] for a in range(2) for b in range(2)], float)
    best_sums = (rows @ np.linalg.lstsq(rows, MATRIX_2B.ravel(), rcond=None)[0]).reshape(2, 2)
    assert best_sums == pytest.approx(np.array([[-1.5, 2.5], [2.5, 6.5]]))
    trainer = trained(VDN(**TWO_STEPS))
    assert np.abs(table(trainer, 1) - best_sums).max() < 0.5
    assert np.abs(table(trainer, 0) - 7).max() < 0.3
    assert [row["reward"] for row in trainer.evaluate(8)] == [14.0] * 6  # 7 each


def test_qmix_finds_the_eight():
    """A monotone mixture can be 0, 1, 1, 8: its best is worth more than 7, so that agent 0 goes there."""
    trainer = trained(QMIX(**TWO_STEPS, mixing=8))
    assert np.abs(table(trainer, 1) - MATRIX_2B).max() < 0.5
    assert np.abs(table(trainer, 0) - 7).max() < 0.3
    assert [row["reward"] for row in trainer.evaluate(8)] == [16.0] * 6  # 8 each
