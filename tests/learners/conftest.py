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
        dict(hidden=(7,), batch=5, buffer=16, target_every=7, lr=0.01, epsilon=0.3, embed=True),
        dict(hidden=(8,), batch=5, buffer=300, lr=0.01, epsilon=0.3, prioritised=True, beta=Linear(0.4, 1.0, 20)),
        dict(hidden=(9,), batch=5, buffer=13, lr=0.01, epsilon=0.3, prioritised=True, n_step=2, memory="episode"),
    ],
    "TabularQ": [
        dict(alpha=0.1, init="uniform", epsilon=0.3),
        dict(alpha="1/n", init="uniform", epsilon=0.3),
        dict(alpha=0.1, init="uniform", epsilon=0.3, replay=4, buffer=16, memory="ring"),
    ],
    "SARSA": [dict(alpha=0.1, init="uniform", epsilon=0.3), dict(alpha="1/n", epsilon=Linear(1.0, 0.1, 40))],
    "ExpectedSARSA": [dict(alpha=0.1, init="uniform", epsilon=0.3), dict(alpha="1/n", init="uniform", epsilon=0.3)],
    "TabularActorCritic": [dict(actor=0.2, critic=0.1)],
    "Exp3": [dict(epsilon=0.3, payoffs=(-1e8, 1e8))],
    "Hedge": [dict(rate=0.2), dict(rate=0.2, init=1.0)],
    "FictitiousPlay": [dict(epsilon=0.3), dict(epsilon=0.3, temperature=0.5, init=1.0)],
    "WoLFPHC": [
        dict(alpha=0.2, win=0.02, lose=0.05, init="uniform"),
        dict(alpha="1/n", win=0.1, lose=0.2, slows=10, epsilon=0.3),
    ],
    "JointActionLearner": [dict(alpha=0.2, epsilon=0.3), dict(alpha="1/n", gamma=0.0, init=1.0)],
}
OF_TRANSITIONS = sorted(name for name, cls in Learner.registry.items() if cls.feed == "transitions")
CASES = [(name, options) for name in OF_TRANSITIONS for options in QUICK.get(name, [{}])]
SPEC = HeadSpec("play", obs_dim=3, n_actions=3, levels=(2, 2, 2), others=2)


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

    def told(self, legal: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What comes to be known besides: the next action [B], -1 where it does not; the others' actions [B, 2]."""
        chosen = np.where(self.rng.random(len(legal)) < 0.5, legal.argmax(-1), -1)
        return chosen, self.rng.integers(0, SPEC.n_actions, (len(legal), SPEC.others))

    def reward(self, obs: np.ndarray, action: np.ndarray) -> np.ndarray:
        return self.pay[obs @ np.array([4, 2, 1], np.float32).astype(int), action]


def drive(lanes: Lanes, worlds: list[World], steps: int, batch: int = 2) -> list[np.ndarray]:
    """Act, store and learn for some steps; returns the actions [L, B] of every step."""
    actions = []
    for _ in range(steps):
        obs, after, legal, legal_after, ended, decides = (np.stack(x) for x in zip(*(w.draw(batch) for w in worlds)))
        action = lanes.act(obs, legal, decides).copy()
        reward = np.stack([w.reward(o.astype(int), a) for w, o, a in zip(worlds, obs, action)])
        chosen, others = (np.stack(x) for x in zip(*(w.told(m) for w, m in zip(worlds, legal_after))))
        lanes.add(obs, action, reward, after, legal_after, ended, decides, chosen, others)
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
