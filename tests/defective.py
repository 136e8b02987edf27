"""A sound little environment for two, and copies of it with one defect each."""

import random

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv


class Sound(ParallelEnv):
    """Two agents guess for eight steps; the second may leave after five. Masked, seeded, picklable."""

    metadata = {"name": "sound_v0", "render_modes": []}
    length, leaves = 8, 5

    def __init__(self):
        self.possible_agents = ["anna", "ben"]
        seen = lambda: spaces.Dict(  # noqa: E731
            {"observation": spaces.Box(0, 1, (3,), np.float32), "action_mask": spaces.Box(0, 1, (3,), np.int8)}
        )
        self.sees = {agent: seen() for agent in self.possible_agents}
        self.does = {agent: spaces.Discrete(3) for agent in self.possible_agents}
        self.agents = []
        self.rng = np.random.default_rng()
        self.reset_state()

    def observation_space(self, agent):
        return self.sees[agent]

    def action_space(self, agent):
        return self.does[agent]

    def reset_state(self):
        self.t, self.total = 0, 0.0

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.reset_state()
        self.agents = self.possible_agents[:]
        self.look()
        return self.observations(self.agents), {agent: self.info(agent) for agent in self.agents}

    def look(self):
        self.vector = {agent: self.rng.random(3).astype(np.float32) for agent in self.possible_agents}
        self.closed = int(self.rng.integers(3))

    def observations(self, agents):
        mask = np.ones(3, np.int8)
        mask[self.closed] = 0
        return {agent: {"observation": self.vector[agent].copy(), "action_mask": mask.copy()} for agent in agents}

    def info(self, agent):
        return {"t": self.t}

    def step(self, actions):
        for agent, action in actions.items():
            if action == self.closed:
                raise ValueError(f"{agent} chose {action}, which is closed")
        acted, self.t = self.agents, self.t + 1
        self.total += sum(float(action) for action in actions.values())
        self.look()
        over = {agent: self.t >= (self.leaves if agent == "ben" else self.length) for agent in acted}
        self.agents = [agent for agent in acted if not over[agent]]
        rewards = {agent: self.total / 10 + actions[agent] for agent in acted}
        return (
            self.observations(acted), rewards, over, dict.fromkeys(acted, False),
            {agent: self.info(agent) for agent in acted},
        )  # fmt: skip


class RandomAtStepTwo(Sound):
    """Its second step draws from a stream that no seed sets; PettingZoo's seed test looks at the first alone."""

    def look(self):
        super().look()
        if self.t == 2:
            self.vector["anna"] = np.random.default_rng().random(3).astype(np.float32)


class DrawsFromTheGlobalStream(Sound):
    def look(self):
        super().look()
        self.vector["ben"][0] = random.random()


class DependsOnHashes(Sound):
    """The hash of a word, and with it the order of sets, differs from process to process."""

    def look(self):
        super().look()
        self.vector["anna"][0] = hash("red") % 2**20 / 2**20


class LeavesItsSpace(Sound):
    def observations(self, agents):
        seen = super().observations(agents)
        if self.t == 7:
            seen["anna"]["observation"][1] = 1.5
        return seen


class HandsOutItsOwnArrays(Sound):
    def look(self):
        fresh = {agent: self.rng.random(3).astype(np.float32) for agent in self.possible_agents}
        if not hasattr(self, "vector"):
            self.vector = fresh
        for agent in fresh:
            self.vector[agent][:] = fresh[agent]
        self.closed = int(self.rng.integers(3))

    def observations(self, agents):
        seen = super().observations(agents)
        return {agent: one | {"observation": self.vector[agent]} for agent, one in seen.items()}


class OpensWhatIsClosed(Sound):
    """Its mask shows as open what it refuses."""

    def observations(self, agents):
        seen = super().observations(agents)
        for one in seen.values():
            one["action_mask"][:] = 1
        return seen


class MasksOfBools(Sound):
    def __init__(self):
        super().__init__()
        for space in self.sees.values():
            space.spaces["action_mask"] = spaces.Box(0, 1, (3,), np.bool_)

    def observations(self, agents):
        seen = super().observations(agents)
        return {agent: one | {"action_mask": one["action_mask"].astype(bool)} for agent, one in seen.items()}


class InfosGrow(Sound):
    def info(self, agent):
        return {"t": self.t} | ({"bonus": 1.0} if self.t == 3 else {})


class ResetKeepsSomething(Sound):
    def reset_state(self):
        self.t, self.total = 0, getattr(self, "total", 0.0)


class Revives(Sound):
    def step(self, actions):
        answer = super().step(actions)
        if self.t == 6:
            self.agents = self.possible_agents[:]
        return answer


class KeepsTheDead(Sound):
    def step(self, actions):
        answer = super().step({agent: action for agent, action in actions.items() if agent in self.agents})
        if self.agents:
            self.agents = self.possible_agents[:]
        return answer


class DropsTheLastReward(Sound):
    def step(self, actions):
        seen, rewards, over, cut, infos = super().step(actions)
        return seen, {agent: rewards[agent] for agent in rewards if not over[agent]}, over, cut, infos


class PaysNan(Sound):
    def step(self, actions):
        seen, rewards, *rest = super().step(actions)
        return seen, {agent: float("nan") if self.t == 4 else paid for agent, paid in rewards.items()}, *rest


class CannotBePickled(Sound):
    def __init__(self):
        super().__init__()
        self.callback = lambda: None


class PicklesWithoutItsStream(Sound):
    def __getstate__(self):
        return {name: value for name, value in self.__dict__.items() if name != "rng"}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.rng = np.random.default_rng(0)


class NewSpacesEveryTime(Sound):
    def action_space(self, agent):
        return spaces.Discrete(3)


class FailsAtStepFour(Sound):
    def step(self, actions):
        if self.t == 3:
            raise KeyError("ben")
        return super().step(actions)


DEFECTS = {
    RandomAtStepTwo: "the same seed is the same game",
    DrawsFromTheGlobalStream: "the same seed is the same game",
    DependsOnHashes: "the same seed is the same game in another process",
    LeavesItsSpace: "observations are in their space",
    HandsOutItsOwnArrays: "what is handed out stays",
    OpensWhatIsClosed: "masks are honest",
    MasksOfBools: "masks are honest",
    InfosGrow: "infos keep their keys",
    ResetKeepsSomething: "a reset forgets",
    Revives: "nobody is revived",
    KeepsTheDead: "nobody is revived",
    DropsTheLastReward: "the last reward arrives",
    PaysNan: "rewards are numbers",
    CannotBePickled: "a pickled copy goes on alike",
    PicklesWithoutItsStream: "a pickled copy goes on alike",
    NewSpacesEveryTime: "spaces stay the same",
}
