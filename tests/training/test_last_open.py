"""What was open where a clock stopped: values of what comes after count legal actions alone."""

import numpy as np
import pytest
import torch
from gymnasium import spaces
from pettingzoo import ParallelEnv

from marl_sim.learners import COMA, DQN, DRQN, QMIX, VDN
from marl_sim.training.outside import OutsideWorlds
from marl_sim.training.rollout import Trainer

GAMMA = 0.9
DEEP = dict(hidden=(16,), batch=16, buffer=256, lr=0.01, epsilon=0.5, gamma=GAMMA, target_every=20)
STREAMED = dict(hidden=(16,), steps=2, lr=0.03, gamma=GAMMA, entropy=0.0, epsilon=0.3, target_every=4)
LEARNERS = [
    DQN(**DEEP), DQN(**DEEP, double=True, n_step=2), DRQN(**DEEP, memory=4, length=2), VDN(**DEEP),
    QMIX(**DEEP, mixing=4), COMA(**STREAMED, lam=0.0),
]  # fmt: skip


class Cut(ParallelEnv):
    """Episodes of one step. From state 1 action 1 pays 1, action 0 nothing, and the game is over; from state 0 nothing
    pays and the clock stops in state 1, where action 1 would be closed. `told`: "obs" or "infos" tell the mask."""

    metadata = {"name": "cut_v0"}
    possible_agents = ["one"]

    def __init__(self, told="obs", last=(1, 0)):
        self.told, self.last = told, last

    def observation_space(self, agent):
        seen = spaces.Box(0, 1, (2,), np.float32)
        return spaces.Dict({"observation": seen, "action_mask": spaces.MultiBinary(2)}) if self.told == "obs" else seen

    def action_space(self, agent):
        return spaces.Discrete(2)

    def _shown(self, state, mask):
        seen, mask = np.eye(2, dtype=np.float32)[state], np.int8(mask)
        if self.told == "obs":
            return {"one": {"observation": seen, "action_mask": mask}}, {"one": {}}
        return {"one": seen}, {"one": {"action_mask": mask}}

    def reset(self, seed=None, options=None):
        self.agents, self.state = ["one"], seed % 2
        return self._shown(self.state, (1, 1))

    def step(self, actions):
        self.agents, over = [], self.state == 1
        seen, infos = self._shown(1, self.last)
        return seen, {"one": float(over and actions["one"] == 1)}, {"one": over}, {"one": not over}, infos


def value_of_state_0(trainer):
    """The larger of the two action values, where nothing but the next state counts."""
    lanes, obs = trainer.heads[0].lanes, np.eye(2, dtype=np.float32)[None, [0]]
    if isinstance(trainer.learner, COMA):
        critic, who = lanes.net.of("critic", lanes.params), torch.zeros(1, 1, dtype=torch.long)
        return lanes.net.judge_with(critic, torch.zeros(1, 1, 0), torch.tensor(obs), who).max().item()
    if isinstance(trainer.learner, DQN):
        return lanes.values(obs).max()
    q = lanes._look(lanes.params, obs, None, 1)[0].max()
    alone = torch.tensor(q, dtype=torch.float32).reshape(1, 1, 1, 1)
    return lanes.mixed(lanes.params, alone, torch.tensor(obs)[:, :, None, None]).item()


@pytest.mark.parametrize("learner", LEARNERS, ids=lambda one: type(one).__name__)
def test_what_comes_after_a_truncation_counts_what_is_open_there(learner):
    """State 1 is worth 1 by the action that is closed where the clock stops, and 0 by the one that is open; state 0 is
    nearer to nothing than to the discounted 1."""
    trainer = Trainer(Cut, learner, seeds=1, episodes=100, num_envs=4, block=100)
    for _ in trainer.run():
        pass
    assert abs(value_of_state_0(trainer)) < GAMMA / 2


def test_where_nothing_is_said_everything_may_be_open():
    trainer = Trainer(lambda: Cut(last=(0, 0)), DQN(**DEEP), seeds=1, episodes=100, num_envs=4, block=100)
    for _ in trainer.run():
        pass
    assert value_of_state_0(trainer) > GAMMA / 2


@pytest.mark.parametrize("told", ["obs", "infos"])
def test_worlds_say_what_was_open_where_an_agent_ended(told):
    worlds = OutsideWorlds(lambda: Cut(told), 2, (0,))
    worlds.reset()
    for _ in range(3):
        step = worlds.step(np.ones((2, 1), np.int64))
        assert step.final_legal.tolist() == [[[True, False]]] * 2
