"""Training in environments that are not ours: ends, turns, unequal agents, boxes and pictures; and what is learned."""

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo import AECEnv, ParallelEnv

from marl_sim.learners import A2C, DQN, MAPPO, PPO, REINFORCE
from marl_sim.training.rollout import Trainer

SMALL = dict(steps=16, hidden=(16,), lr=0.02)
DEEP = DQN(hidden=(16,), batch=16, buffer=256, lr=0.01, epsilon=0.3, gamma=0.9)
EVERYBODY = [DEEP, A2C(**SMALL)]
EVERYBODY += [pytest.param(one, marks=pytest.mark.slow) for one in (PPO(**SMALL), REINFORCE(**SMALL, gamma=0.9))]


def by_name(learner):
    return type(learner).__name__


def all_rows(trainer):
    return [row for rows in trainer.run() for row in rows]


class Apart(ParallelEnv):
    """Agent `left` leaves after one step, paid 1 for action 1; `stays` three steps, paid 1 for action 2 of 3 in the
    last alone. Their observations and choices are of different sizes."""

    metadata = {"name": "apart_v0"}
    possible_agents = ["left", "stays"]

    def observation_space(self, agent):
        return spaces.Box(0, 1, (2 if agent == "left" else 5,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(2 if agent == "left" else 3)

    def _seen(self):
        return {a: np.full(self.observation_space(a).shape, self.time / 3, np.float32) for a in self.agents}

    def reset(self, seed=None, options=None):
        self.agents, self.time = self.possible_agents[:], 0
        return self._seen(), {a: {} for a in self.agents}

    def step(self, actions):
        self.time += 1
        seen = self._seen()
        reward = dict.fromkeys(self.agents, 0.0)
        if "left" in self.agents:
            reward["left"] = float(actions["left"] == 1)
        if self.time == 3:
            reward["stays"] = float(actions["stays"] == 2)
        over = {a: a == "left" or self.time == 3 for a in self.agents}
        no = dict.fromkeys(self.agents, False)
        infos = {a: {} for a in self.agents}
        self.agents = [a for a in self.agents if not over[a]]
        return seen, reward, over, no, infos


class Turns(AECEnv):
    """Two take turns; who guesses its own number (0 or 1) is paid by the other's move: rewards go to whoever waits."""

    metadata = {"name": "turns_v0", "is_parallelizable": False}

    def __init__(self):
        super().__init__()
        self.possible_agents = ["first", "second"]

    def observation_space(self, agent):
        return spaces.Dict({"observation": spaces.Box(0, 1, (1,), np.float32), "action_mask": spaces.MultiBinary(3)})

    def action_space(self, agent):
        return spaces.Discrete(3)

    def observe(self, agent):
        mask = np.array([1, 1, 0], np.int8)
        return {"observation": np.array([float(agent == "second")], np.float32), "action_mask": mask}

    def reset(self, seed=None, options=None):
        self.agents = self.possible_agents[:]
        for name, value in (
            ("rewards", 0.0),
            ("_cumulative_rewards", 0.0),
            ("terminations", False),
            ("truncations", False),
        ):
            setattr(self, name, dict.fromkeys(self.agents, value))
        self.infos = {a: {} for a in self.agents}
        self.moves, self.agent_selection = [], "first"

    def step(self, action):
        if self.terminations[self.agent_selection]:
            return self._was_dead_step(action)
        assert action < 2
        self._cumulative_rewards[self.agent_selection] = 0
        self.rewards = dict.fromkeys(self.agents, 0.0)
        self.moves.append(action)
        if len(self.moves) == 2:  # both are paid with the last move: the first for 1, the second for 0
            self.rewards = {"first": float(self.moves[0] == 1), "second": float(self.moves[1] == 0)}
            self.terminations = dict.fromkeys(self.agents, True)
        self._accumulate_rewards()
        self.agent_selection = "second" if self.agent_selection == "first" else "first"
        return None


class Aim(ParallelEnv):
    """One agent names a number from -2 to 6; it is paid less the square of its distance from 3. One step."""

    metadata = {"name": "aim_v0"}
    possible_agents = ["shooter"]

    def observation_space(self, agent):
        return spaces.Box(0, 1, (1,), np.float32)

    def action_space(self, agent):
        return spaces.Box(-2, 6, (1,), np.float32)

    def reset(self, seed=None, options=None):
        self.agents = ["shooter"]
        return {"shooter": np.zeros(1, np.float32)}, {"shooter": {}}

    def step(self, actions):
        self.agents = []
        paid = -((float(actions["shooter"][0]) - 3.0) ** 2)
        return (
            {"shooter": np.zeros(1, np.float32)},
            {"shooter": paid},
            {"shooter": True},
            {"shooter": False},
            {"shooter": {}},
        )


class Look(ParallelEnv):
    """A picture of bytes, 4 x 4 with one channel: a bright pixel in the upper or the lower half says which is right."""

    metadata = {"name": "look_v0"}
    possible_agents = ["viewer"]

    def observation_space(self, agent):
        return spaces.Box(0, 255, (4, 4, 1), np.uint8)

    def action_space(self, agent):
        return spaces.Discrete(2)

    def _draw(self):
        self.half = int(self.rng.integers(2))
        picture = np.zeros((4, 4, 1), np.uint8)
        picture[2 * self.half + self.rng.integers(2), self.rng.integers(4), 0] = 255
        return {"viewer": picture}

    def reset(self, seed=None, options=None):
        self.agents, self.rng = ["viewer"], np.random.default_rng(seed)
        return self._draw(), {"viewer": {}}

    def step(self, actions):
        paid = float(actions["viewer"] == self.half)
        self.agents = []
        return self._draw(), {"viewer": paid}, {"viewer": True}, {"viewer": False}, {"viewer": {}}


@pytest.mark.parametrize("learner", EVERYBODY, ids=by_name)
def test_agents_that_end_early_and_differ_in_size_learn_what_pays(learner):
    trainer = Trainer(Apart, learner, seeds=5, episodes=400, num_envs=4, block=400)
    all_rows(trainer)
    for row in trainer.evaluate(8):
        assert (row["reward_left"], row["reward_stays"]) == (1.0, 1.0)


@pytest.mark.parametrize("learner", EVERYBODY, ids=by_name)
def test_taking_turns_rewards_reach_whoever_waits(learner):
    """Both are paid with the second's move; the illegal third action is never tried (the environment would stop)."""
    trainer = Trainer(Turns, learner, seeds=5, episodes=300, num_envs=4, block=300)
    all_rows(trainer)
    for row in trainer.evaluate(8):
        assert (row["reward_first"], row["reward_second"]) == (1.0, 1.0)


@pytest.mark.parametrize(
    "learner",
    [
        A2C(steps=16, hidden=(16,), lr=0.01),
        pytest.param(PPO(steps=16, hidden=(16,), lr=0.01), marks=pytest.mark.slow),
    ],
    ids=by_name,
)
def test_numbers_of_a_box_are_learned(learner):
    """The best number is 3; a mean within 0.5 of it loses at most 0.25 (chance: 16 / 3 + ... > 5 on average)."""
    trainer = Trainer(Aim, learner, seeds=5, episodes=1500, num_envs=8, block=1500)
    all_rows(trainer)
    for row in trainer.evaluate(8):
        assert row["reward"] > -0.25


@pytest.mark.parametrize(
    "learner",
    [A2C(**SMALL, channels=(4,)), pytest.param(PPO(**SMALL, channels=(4,)), marks=pytest.mark.slow)],
    ids=by_name,
)
def test_pictures_are_seen(learner):
    trainer = Trainer(Look, learner, seeds=4, episodes=500, num_envs=8, block=500)
    assert trainer.heads[0].lanes.spec.image == (4, 4, 1)
    all_rows(trainer)
    for row in trainer.evaluate(64):
        assert row["reward"] > 0.95  # a guess earns 0.5


@pytest.mark.parametrize("learner", EVERYBODY[:2], ids=by_name)
def test_outside_worlds_resume_bit_for_bit(learner):
    def fresh():
        return Trainer(Apart, learner, seeds=2, episodes=30, num_envs=3, block=5)

    whole = fresh()
    uncut = all_rows(whole)
    first, second = fresh(), fresh()
    rows = list(next(first.run()))
    for _ in range(7):
        rows += first.advance()
    second.load_state_dict(first.state_dict())
    assert rows + all_rows(second) == uncut
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(array, second.state_dict()[name], err_msg=name)


def test_a_seed_is_the_same_alone_and_in_company_outside():
    common = dict(episodes=20, num_envs=2, block=5)
    crowd = [row for row in all_rows(Trainer(Turns, PPO(**SMALL), seeds=(3, 7), **common)) if row["seed"] == 7]
    assert crowd == all_rows(Trainer(Turns, PPO(**SMALL), seeds=(7,), **common))


@pytest.mark.slow
def test_simple_spread_is_learned():
    """Better than random by a tenth at least of what random loses, for each of three seeds: collisions and distances
    shrink. Random play is measured in the same worlds."""
    pytest.importorskip("mpe2")
    learner = MAPPO(steps=100, lr=1e-3, epochs=8, entropy=0.005)
    trainer = Trainer("mpe2.simple_spread_v3", learner, seeds=3, episodes=400, num_envs=8, block=50, team_reward="mean")
    untrained = Trainer("mpe2.simple_spread_v3", learner, seeds=3, episodes=1, num_envs=8, team_reward="mean")
    random = {row["seed"]: row["reward"] for row in untrained.evaluate(64, greedy=False)}  # policies begin uniform
    all_rows(trainer)
    for row in trainer.evaluate(64):
        print(row["seed"], random[row["seed"]], row["reward"])
        assert row["reward"] > 0.9 * random[row["seed"]]
