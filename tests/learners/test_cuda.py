"""Networks on a GPU learn what they learn on the CPU, to rounding; skipped where torch sees none."""

import numpy as np
import pytest
import torch

import marl_sim as ms
from marl_sim.learners import A2C, COMA, DQN, DRQN, LIO, LOLA, MAA2C, MAPPO, PPO, QMIX, REINFORCE, VDN

SMALL = dict(steps=8, hidden=(8,))
LEARNERS = [
    DQN(hidden=(8,), batch=8, buffer=64, path="torch"), DRQN(memory=4, batch=2, length=3), A2C(**SMALL),
    PPO(**SMALL, memory=4), REINFORCE(**SMALL), MAPPO(**SMALL), MAA2C(**SMALL), COMA(**SMALL), VDN(batch=4),
    QMIX(batch=4), LOLA(**SMALL), LIO(**SMALL),
]  # fmt: skip

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no GPU here")


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda x: type(x).__name__)
def test_a_gpu_trains_saves_and_resumes(learner):
    game = ms.Society(ms.PureCoordination(), n_agents=2, horizon=ms.Fixed(4), encode="index")

    def trainer(device):
        return ms.Trainer(game, learner, seeds=2, episodes=20, num_envs=2, device=device, team_reward="sum")

    first = trainer("cuda")
    list(first.run())
    state = first.state_dict()
    assert all(isinstance(array, np.ndarray) for array in state.values())
    on_cpu = trainer("cpu")
    on_cpu.load_final_state(first.final_state())
    here, there = on_cpu.evaluate(8), first.evaluate(8)
    assert [row["reward"] for row in here] == [row["reward"] for row in there]
