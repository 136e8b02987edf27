"""Probe streams: small worlds whose answers are known, made lane by lane so that a lane's experience is its own."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from marl_sim.learners import HeadSpec, Lanes, Learner, Linear

torch.set_num_threads(1)

# Small, quick options for the laws; a learner that is not named here is tried with its defaults.
QUICK: dict[str, list[dict]] = {
    "DQN": [
        dict(hidden=(8,), batch=5, buffer=16, target_every=7, lr=0.01, epsilon=0.3, path="fused"),
        dict(
            hidden=(8,), batch=5, buffer=16, target_every=7, lr=0.01, epsilon=0.3, path="torch", double=True, clip=0.5
        ),
        dict(hidden=(8, 8), batch=4, buffer=64, train_every=2, warmup=6, lr=0.01, epsilon=0.3),
        dict(hidden=(8,), batch=5, buffer=16, target_every=7, lr=0.01, epsilon=0.3, n_step=3),
        dict(hidden=(8,), batch=5, buffer=300, lr=0.01, epsilon=0.3, prioritised=True, beta=Linear(0.4, 1.0, 20)),
        dict(hidden=(9,), batch=5, buffer=13, lr=0.01, epsilon=0.3, prioritised=True, n_step=2, memory="episode"),
    ],
    "TabularQ": [
        dict(alpha=0.1, init="uniform", epsilon=0.3),
        dict(alpha="1/n", init="uniform", epsilon=0.3),
        dict(alpha=0.1, init="uniform", epsilon=0.3, replay=4, buffer=16, memory="ring"),
    ],
}
TRIED = [name for name in sorted(Learner.registry) if Learner.registry[name].feed == "transitions"]
CASES = [(name, options) for name in TRIED for options in QUICK.get(name, [{}])]
SPEC = HeadSpec("play", obs_dim=3, n_actions=3, levels=(2, 2, 2))


@pytest.fixture(params=CASES, ids=[f"{name}-{i}" for i, (name, _) in enumerate(CASES)])
def learner(request) -> Learner:
    """Every registered learner, in each of its variants."""
    name, options = request.param
    return Learner.registry[name](**options)


class World:
    """Random transitions of one (seed, agent), the same whoever else is there; the reward depends on the action."""

    def __init__(self, seed: int, agent: int, scale: float = 1.0, idle: bool = False) -> None:
        self.rng = np.random.default_rng([seed, agent])
        self.pay = self.rng.normal(size=(8, SPEC.n_actions)) * scale
        self.idle = idle

    def draw(self, worlds: int) -> tuple[np.ndarray, ...]:
        """Two observations [B, D], masks of both [B, A], whether it ends [B], whether the agent decides [B]."""
        obs = self.rng.integers(0, 2, (2, worlds, SPEC.obs_dim)).astype(np.float32)
        legal = self.rng.random((2, worlds, SPEC.n_actions)) < 0.7
        legal[..., 0] |= ~legal.any(-1)
        ended = self.rng.random(worlds) < 0.2
        decides = (self.rng.random(worlds) < 0.6) & (not self.idle)
        return obs[0], obs[1], legal[0], legal[1], ended, decides

    def reward(self, obs: np.ndarray, action: np.ndarray) -> np.ndarray:
        return self.pay[obs @ np.array([4, 2, 1], np.float32).astype(int), action]


def drive(lanes: Lanes, worlds: list[World], steps: int, batch: int = 2) -> list[np.ndarray]:
    """Act, store and learn for some steps; returns the actions [L, B] of every step."""
    actions = []
    for _ in range(steps):
        obs, after, legal, legal_after, ended, decides = (np.stack(x) for x in zip(*(w.draw(batch) for w in worlds)))
        action = lanes.act(obs, legal, decides).copy()
        reward = np.stack([w.reward(o.astype(int), a) for w, o, a in zip(worlds, obs, action)])
        lanes.add(obs, action, reward, after, legal_after, ended, decides)
        lanes.learn()
        actions.append(action)
    return actions


@pytest.fixture
def build() -> Callable[..., tuple[Lanes, list[World]]]:
    """build(learner, [(seed, agent), ...], **world options by agent) -> lanes and their worlds."""

    def make(learner: Learner, who: list[tuple[int, int]], **special: dict) -> tuple[Lanes, list[World]]:
        seeds, agents = (np.array(x) for x in zip(*who))
        lanes = learner.build(SPEC, seeds.astype(np.uint64), agents)
        return lanes, [World(s, a, **special.get(f"agent_{a}", {})) for s, a in who]

    return make


@pytest.fixture
def run() -> Callable[..., list[np.ndarray]]:
    """See `drive`."""
    return drive
