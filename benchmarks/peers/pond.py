"""A small environment that costs next to nothing, for measuring whole training loops, and copies of it side by side.

env = make_env("pond", n_agents=8)             # or "public_goods" and others of marl_sim's games of one stage
copies = Copies("pond", n_agents=8, num_envs=8, seed=0)
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from gymnasium import spaces
from pettingzoo import ParallelEnv
from pettingzoo.utils import BaseParallelWrapper

Step = tuple[dict[str, np.ndarray], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]


class Pond(ParallelEnv):
    """Agents fish in one pond whose stock grows back more slowly the fewer fish are left.

    Observation   float32 [obs_dim] in [0, 1]: the stock, the share taken in the last step, the time since the episode
                  began, the agent's last action, and random numbers
    Action        0..n_actions-1: how hard to fish
    Reward        own effort times the stock, less half the mean effort (efforts in [0, 1])
    Ending        truncates after `length` steps; never terminates

    The random numbers of an episode are drawn at its reset, and a step's observations are the rows of one array: a step
    is some lines of plain Python. No agent ever leaves before the end.
    """

    metadata = {"name": "pond_v0", "render_modes": [], "is_parallelizable": True}

    def __init__(self, n_agents: int, obs_dim: int = 16, n_actions: int = 4, length: int = 25) -> None:
        if n_agents < 1 or obs_dim < 4 or n_actions < 2 or length < 1:
            raise ValueError("Pond needs n_agents >= 1, obs_dim >= 4, n_actions >= 2 and length >= 1")
        self.possible_agents = [f"agent_{i}" for i in range(n_agents)]
        self.agents: list[str] = []
        self.shape, self.top, self.length = (length + 1, n_agents, obs_dim), n_actions - 1, length
        self.observation_spaces = {a: spaces.Box(0.0, 1.0, (obs_dim,), np.float32) for a in self.possible_agents}
        self.action_spaces = {a: spaces.Discrete(n_actions) for a in self.possible_agents}
        self.rng, self.render_mode = np.random.default_rng(), None

    def observation_space(self, agent: str) -> spaces.Box:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> spaces.Discrete:
        return self.action_spaces[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents, self.time, self.stock = self.possible_agents[:], 0, 1.0
        self.seen = self.rng.random(self.shape, dtype=np.float32)  # of every step of the episode
        self.seen[:, :, 2] = np.linspace(0.0, 1.0, self.length + 1)[:, None]
        self.seen[0, :, :2] = 1.0, 0.0
        self.seen[0, :, 3] = 0.0
        return dict(zip(self.agents, self.seen[0])), {a: {} for a in self.agents}

    def step(self, actions: dict[str, int]) -> Step:
        names = self.possible_agents
        self.time += 1
        efforts = [int(actions[a]) / self.top for a in names]
        mean = sum(efforts) / len(efforts)
        stock, cost = self.stock, 0.5 * mean
        self.stock = stock = stock - 0.3 * mean * stock + 0.2 * stock * (1.0 - stock)
        seen = self.seen[self.time]
        seen[:, 0], seen[:, 1], seen[:, 3] = stock, mean, efforts
        over = self.time == self.length
        if over:
            self.agents = []
        return (
            dict(zip(names, seen)),
            {a: effort * stock - cost for a, effort in zip(names, efforts)},
            dict.fromkeys(names, False),
            dict.fromkeys(names, over),
            {a: {} for a in names},
        )


class Unmasked(BaseParallelWrapper):
    """One of marl_sim's environments without its action mask, where everything is always legal: plain vectors for
    libraries that know no masks.
    """

    def __init__(self, env: Any) -> None:
        super().__init__(env)
        seen, _ = env.reset(seed=0)
        if len(env.game.stages) > 1 or not all(one["action_mask"].all() for one in seen.values()):
            raise ValueError(f"{env.metadata['name']} has actions that are not always legal, and peers know no masks")
        env.agents = []
        self._vectors = {a: env.observation_space(a)["observation"] for a in env.possible_agents}

    def observation_space(self, agent: str) -> spaces.Box:
        return self._vectors[agent]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        seen, infos = self.env.reset(seed, options)
        return {a: one["observation"] for a, one in seen.items()}, infos

    def step(self, actions: dict[str, int]) -> Step:
        seen, *rest = self.env.step(actions)
        return {a: one["observation"] for a, one in seen.items()}, *rest


def make_env(name: str, n_agents: int) -> ParallelEnv:
    """`Pond`, or the registered game `name` of marl_sim (which must be importable) with so many agents."""
    if name == "pond":
        return Pond(n_agents)
    import marl_sim as ms

    return Unmasked(ms.parallel_env(name, n_agents=n_agents))


class Turn(NamedTuple):
    """One step of all copies; E copies, N agents."""

    obs: np.ndarray  # float32 [E, N, D], of the new episode where one has begun
    reward: np.ndarray  # float32 [E, N]
    terminated: np.ndarray  # bool [E]: the game was over
    truncated: np.ndarray  # bool [E]: the clock stopped (and the game was not over)
    final: np.ndarray  # float32 [E, N, D], the last of the episode where one has ended; `obs` elsewhere


class Copies:
    """`num_envs` copies of an environment, stepped one after the other, that begin anew in the step in which they end.

    Copy e is seeded with seed * num_envs + e; all agents see and do the same kind of thing and live to the end.
    """

    def __init__(self, name: str | Any, n_agents: int, num_envs: int, seed: int) -> None:
        """`name` as in make_env, or a function without arguments that makes one environment."""
        self.envs = [name() if callable(name) else make_env(name, n_agents) for _ in range(num_envs)]
        self.names = self.envs[0].possible_agents
        self.obs_dim: int = self.envs[0].observation_space(self.names[0]).shape[0]
        self.n_actions: int = int(self.envs[0].action_space(self.names[0]).n)
        self.obs = np.empty((num_envs, len(self.names), self.obs_dim), np.float32)
        for e, env in enumerate(self.envs):
            self.obs[e] = list(env.reset(seed=seed * num_envs + e)[0].values())

    def step(self, actions: np.ndarray) -> Turn:
        """actions integers [E, N]; the arrays of the answer are the caller's to keep."""
        obs = np.empty_like(self.obs)
        final = obs
        reward = np.empty(obs.shape[:2], np.float32)
        terminated, truncated = np.zeros(len(obs), bool), np.zeros(len(obs), bool)
        for e, (env, chosen) in enumerate(zip(self.envs, actions.tolist())):
            seen, paid, over, _, _ = env.step(dict(zip(self.names, chosen)))
            obs[e], reward[e] = list(seen.values()), list(paid.values())
            if not env.agents:
                terminated[e] = all(over.values())
                truncated[e] = not terminated[e]
                if final is obs:
                    final = obs.copy()
                final[e] = obs[e]
                obs[e] = list(env.reset()[0].values())
        self.obs = obs
        return Turn(obs, reward, terminated, truncated, final)
