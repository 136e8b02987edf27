"""Worlds for learners of streams: what a lane goes through is drawn for that lane alone, in the order of a Trainer's
calls."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from marl_sim.learners import HeadSpec, Learner, Linear
from marl_sim.learners.policy_gradient import PolicyGradient

torch.set_num_threads(1)

PLAY = dict(name="play", obs_dim=3, n_actions=3)
BOX = dict(name="play", obs_dim=1, n_actions=2, box=((-1.0, 0.0), (1.0, 5.0)))
CLASSES = dict(name="play", obs_dim=3, n_actions=3, levels=(3, 2, 5))
IMAGE = dict(name="play", obs_dim=6, n_actions=2, image=(2, 3, 1))

COMMON = dict(lr=0.01, gamma=0.9, epochs=2, minibatches=2, target_every=2, epsilon=0.2)

# Options, decision, agents a lane drives (where it is a team), worlds a lane, and whether worlds live on. Sizes are
# odd, so that no lane's share fills a vector of the machine. Options that a learner does not have are left out.
VARIANTS: dict[str, dict[str, Any]] = {
    "plain": dict(
        options=dict(hidden=(5,), steps=7, minibatches=3, normalise_values=True), spec=PLAY, team=2, worlds=2
    ),
    "gru": dict(
        options=dict(hidden=(7, 3), steps=5, memory=3, clip_norm=None, activation="relu", nets="separate", lam=0.5),
        spec=PLAY, team=1, worlds=1,
    ),
    "box": dict(
        options=dict(hidden=(1, 9), steps=6, clip_norm=0.1, lr=Linear(0.02, 0.0, 40)),
        spec=BOX, team=3, worlds=1
    ),
    "gru-box": dict(
        options=dict(hidden=(), memory=1, steps=4, normalise_advantages=True, normalise_values=False),
        spec=BOX, team=2, worlds=3, lives_on=True,
    ),
    "normalised": dict(
        options=dict(hidden=(5,), steps=7, memory=2, minibatches=3, normalise_observations=True), spec=PLAY, team=2,
        worlds=2, columns=(4.0, 0.2, 0.0),
    ),
    "image": dict(
        options=dict(hidden=(3,), channels=(2, 3), memory=5, steps=6), spec=IMAGE, team=2, worlds=2
    ),
    "embed": dict(
        options=dict(
            hidden=(5,), steps=7, embed=True, lr=Linear(0.02, 0.001, 9, per="updates"),
            epsilon=Linear(0.5, 0.0, 9, per="updates"),
        ),
        spec=CLASSES, team=2, worlds=2
    ),
    "long": dict(
        options=dict(hidden=(4,), steps=20, memory=2, epochs=1, minibatches=1, normalise_advantages=True),
        spec=PLAY, team=2, worlds=1, lives_on=True,
    ),
}  # fmt: skip


class Case:
    """A learner in a variant: its lanes, and worlds for them."""

    def __init__(self, name: str, variant: str, **changes: Any) -> None:
        self.name, self.variant = name, variant
        v = VARIANTS[variant]
        made = Learner.registry[name]
        has = {f.name for f in dataclasses.fields(made)}
        options = {k: o for k, o in {**COMMON, **v["options"], **changes}.items() if k in has}
        self.learner: Any = made(**options)
        self.worlds, self.lives_on = v["worlds"], v.get("lives_on", False)
        self.columns: tuple[float, ...] = v.get("columns", ())
        self.team = v["team"] if self.learner.team else 1
        self.group = v["team"]  # who are seen together by a central critic
        self.streams = self.worlds * self.team
        central = self.group * v["spec"]["obs_dim"] if self.learner.central else 0
        others = self.group - 1 if self.learner.watches else 0
        self.spec = HeadSpec(**v["spec"], team=self.team, state_dim=central, others=others)

    @property
    def fits(self) -> bool:
        """Whether the learner can make this decision."""
        return self.spec.box is None or self.learner.continuous

    def build(self, who: list[tuple[int, int]], name: str = "play", **special: dict[str, Any]) -> Any:
        """Lanes of [(seed, team), ...] and their worlds; special: options of the worlds of `agent_<team>`."""
        seeds, agents = (np.array(x) for x in zip(*who))
        spec = dataclasses.replace(self.spec, name=name)
        lanes = self.learner.build(spec, seeds.astype(np.uint64), agents)
        return lanes, [World(self, s, a, **special.get(f"agent_{a}", {})) for s, a in who]


class World:
    """What one lane goes through: random observations, masks, turns and ends; pay depends on what is seen and done."""

    def __init__(self, case: Case, seed: int, agent: int, scale: float = 1.0, idle: bool = False) -> None:
        self.case, self.scale, self.idle = case, scale, idle
        self.rng = np.random.default_rng([seed, agent])
        self.weights = self.rng.normal(size=(case.spec.obs_dim, case.spec.n_actions))
        self.look()

    def look(self) -> None:
        """What is seen now: obs [R, D], legal [R, A], who decides [R]; what everybody of the group sees in each world,
        [W, S]."""
        c, rng = self.case, self.rng
        self.obs = self._seen((c.streams, c.spec.obs_dim))
        self.legal = rng.random((c.streams, c.spec.n_actions)) < 0.7
        self.legal[:, 0] |= ~self.legal.any(-1)
        self.deciding = (rng.random(c.streams) < 0.7) & (not self.idle)
        self.state = self._state(self.obs)

    def _seen(self, shape: tuple[int, ...]) -> np.ndarray:
        """Numbers, or indices where columns are index-coded."""
        levels = self.case.spec.levels
        if levels is None:
            numbers = self.rng.normal(size=shape)
            if self.case.columns:  # of their own sizes, far from 0
                numbers = numbers * np.tile(self.case.columns, shape[-1] // len(self.case.columns)) + 1
            return numbers.astype(np.float32)
        return self.rng.integers(0, levels * (shape[-1] // len(levels)), shape).astype(np.float32)

    def _state(self, obs: np.ndarray) -> np.ndarray:
        c = self.case
        if c.team == c.group:
            joint = obs.reshape(c.worlds, -1)
        else:  # agents that learn apart see some more of what others see
            joint = np.concatenate([obs, self._seen((c.streams, c.spec.obs_dim * (c.group - 1)))], -1)
        return joint.astype(np.float32)

    def step(self, action: np.ndarray) -> tuple[np.ndarray, ...]:
        """Reward, terminated, truncated [R], and the final observation with what everybody saw last."""
        c, rng = self.case, self.rng
        if c.spec.box is None:
            value = (self.obs @ self.weights)[np.arange(c.streams), action]
        else:
            value = (action * (self.obs @ self.weights)).sum(-1)
        terminated = rng.random(c.streams) < 0.15
        truncated = np.repeat(rng.random(c.worlds) < 0.15, c.team) & ~terminated
        final = self._seen(self.obs.shape)
        return self.scale * value, terminated, truncated, final, self._state(final)


def others_of(lanes: Any, action: np.ndarray) -> np.ndarray | None:
    """What the other agents of each one's team did, for learners that watch."""
    k = lanes.spec.team
    if not lanes.spec.others:
        return None
    by_world = action.reshape(len(action), -1, k)
    others = np.stack([np.delete(by_world, i, axis=2) for i in range(k)], axis=2)
    return others.reshape(*action.shape, k - 1)


def stacked(worlds: list[World], *names: str) -> list[np.ndarray]:
    return [np.stack([getattr(w, name) for w in worlds]) for name in names]


def drive(
    lanes: Any, worlds: list[World], steps: int, then: Callable[[int], None] = lambda step: None
) -> list[list[np.ndarray]]:
    """Act, earn, end and learn as a Trainer would; returns actions, losses and updates of every step, lanes first.

    then: called in every step before it is time to learn.
    """
    told: list[list[np.ndarray]] = [[], [], []]
    for step in range(steps):
        obs, legal, deciding, state = stacked(worlds, "obs", "legal", "deciding", "state")
        action = lanes.act(obs, legal, deciding).copy()
        lanes.decided(obs, legal, deciding, action, state, others_of(lanes, action))
        done = [np.stack(x) for x in zip(*(w.step(a) for w, a in zip(worlds, action)))]
        reward, terminated, truncated, final, last = done
        lanes.earn(reward)
        if worlds[0].case.lives_on:
            lanes.ended(terminated, truncated)
        else:
            lanes.ended(terminated, truncated, final, last)
        for world in worlds:
            world.look()
        obs, legal, deciding, state = stacked(worlds, "obs", "legal", "deciding", "state")
        then(step)
        learned = lanes.learn(obs, legal, deciding, state)
        for kept, now in zip(told, (action, learned["loss"], learned["updates"])):
            kept.append(now.copy())
    return told


def again(worlds: list[World]) -> list[World]:
    """The same worlds, to go on twice from here."""
    return copy.deepcopy(worlds)


CASES = [
    Case(name, variant)
    for name in sorted(Learner.registry)
    if issubclass(Learner.registry[name], PolicyGradient)
    for variant in VARIANTS
]
CASES = [case for case in CASES if case.fits]
