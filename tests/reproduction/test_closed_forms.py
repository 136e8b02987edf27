"""A society of known habits earns what arithmetic says (sizes and numbers of Dasgupta & Musolesi).

With probability p of cooperating, rates d and c of punishing defectors and cooperators, and J judgements an episode:

    payoff  = 50 * (4p + 2)                                       50 pair-rounds: CC pays 6, CD 4, DD 2
    fined   = -3 J (p c + (1 - p) d)
    judging = J (-10 p c + just (1 - p) d)
"""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.core.simulator import Simulator

EPISODES = 40
WORLDS = 25


def expected(p, d, c, judgements, just=2.0):
    payoff = 50 * (4 * p + 2)
    fined = -3 * judgements * (p * c + (1 - p) * d)
    return payoff, fined, judgements * (-10 * p * c + just * (1 - p) * d)


def habits(game, p, d, c):
    """Episode sums of each reward component, [episodes, components], when everybody acts by these rates."""
    sim = Simulator(game, num_envs=WORLDS, seed=0)
    sim.reset()
    rng = np.random.default_rng(0)
    running, ended = np.zeros((WORLDS, len(game.components))), []
    defected = sim.state["defected"]
    while len(ended) < EPISODES * WORLDS:
        kind = game.stages[sim.stage[0]].kind
        chance = rng.random(sim.acting.shape)
        if kind == "play":
            actions = chance >= p
        elif kind == "punish":
            guilty = np.take_along_axis(defected, np.maximum(sim.state["target"], 0), axis=1) == 1
            actions = chance < np.where(guilty, d, c)
        else:
            actions = (chance * (game.n_agents - 1)).astype(int)
        step = sim.step(np.where(sim.acting, actions, 0).astype(np.int64))
        running += np.stack([step.components[name].sum(1) for name in game.components], axis=1)
        for w in np.flatnonzero(step.truncated):
            ended.append(running[w].copy())
            running[w] = 0
    return np.array(ended)


@pytest.mark.parametrize("by, judgements", [("none", 0), ("partner", 100), ("witness", 100), ("both", 200)])
@pytest.mark.parametrize("selection", [False, True])
@pytest.mark.parametrize("p, d, c", [(0.995, 0.9, 0.1), (0.005, 0.1, 0.1), (0.5, 0.9, 0.1)])
def test_rewards_are_what_the_rates_say(by, judgements, selection, p, d, c):
    game = ms.make("direct_punishment", by=by, selection=selection)
    sums = habits(game, p, d, c)
    wanted = dict(zip(("payoff", "fined", "judging"), expected(p, d, c, judgements), strict=True))
    for k, name in enumerate(game.components):
        error = sums[:, k].std() / np.sqrt(len(sums))
        assert abs(sums[:, k].mean() - wanted[name]) < 4.5 * error + 1e-9, name


@pytest.mark.parametrize("p, reward", [(1.0, 300.0), (0.0, 100.0)])
def test_without_punishment_all_cooperate_earns_300_and_all_defect_100(p, reward):
    assert (habits(ms.make("direct_punishment", by="none"), p, 0, 0).sum(1) == reward).all()


def test_one_judge_outweighs_the_temptation():
    """Punished at 0.9 for defecting, 0.1 for cooperating: defection loses 2.4 more, and tempts with 1."""
    game = ms.make("direct_punishment", by="partner")
    matrix, fine = game.dilemma.matrix, game.part(ms.Punishment).fine
    temptation = matrix[1, :, 0] - matrix[0, :, 0]
    assert temptation.tolist() == [1.0, 1.0]
    assert fine * (0.9 - 0.1) == pytest.approx(2.4)
    assert game.part(ms.Punishment).just == 2.0
    assert ms.make("direct_punishment", by="partner", costly=True).part(ms.Punishment).just == -3.0
