"""Every registered learner in small variants, each with lanes, worlds of their own and one way to drive them.

How experience reaches a learner (`Learner.feed`) says which driver it gets, so that a new one is picked up.
"""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import team_play
from learners import conftest, joint_play, stream_worlds

from marl_sim.learners import HeadSpec, Learner, Linear
from marl_sim.learners.policy_gradient import PolicyGradient
from marl_sim.learners.sequence_lanes import SequenceLearner

WHO = [(seed, team) for seed in (3, 7) for team in range(4)]
Lanes, Worlds = Any, list[Any]

# Sizes are odd, so that no lane's share fills a vector of the machine. What a learner has no option for is left out.
ODD = dict(hidden=(7,), batch=5, buffer=70, lr=0.01, target_every=7, epsilon=0.3)
SEQUENCES: dict[str, list[dict[str, Any]]] = {
    "VDN": [
        dict(train_every=2), dict(train_every=2, nets="separate", double=True, clip=0.5), dict(memory=5, length=4),
        dict(epsilon=Linear(1.0, 0.1, 30), embed=True),
    ],
    "QMIX": [
        dict(train_every=3, mixing=5),
        dict(memory=3, length=3, nets="separate", mixing=3, hyper=(5,), clip=0.3, embed=True),
    ],
    "DRQN": [dict(memory=5, length=4, double=True, clip=0.5), dict(memory=3, length=3, train_every=2, embed=True)],
}  # fmt: skip
PAYOFFS = np.random.default_rng(0).normal(size=(2, 2, 2))
GROUPS: dict[str, list[dict[str, Any]]] = {
    "LOLA": [
        dict(steps=7, policy="table"), dict(steps=7, policy="table", lookahead=2, rule="lookahead"),
        dict(steps=9, hidden=(5, 7)),
    ],
    "LIO": [dict(steps=6, policy="table"), dict(steps=6, hidden=(5,))],
    "ExactLOLA": [
        dict(payoffs=PAYOFFS, lr=0.3, steps=5), dict(payoffs=PAYOFFS, lr=0.3, steps=5, rule="lookahead", lookahead=2),
    ],
}  # fmt: skip


class Case:
    """A learner in a variant. Subclasses say how it is built, driven and compared."""

    resumes_at: tuple[int, ...] = (0, 1, 9, 23)
    steps = 30
    least = 1  # updates of every lane by then
    by_clock: frozenset[str] = frozenset()  # names of the state that move though nobody acts

    def __init__(self, name: str, variant: int | str, learner: Any) -> None:
        self.name, self.variant, self.learner = name, variant, learner

    def __str__(self) -> str:
        return f"{self.name}-{self.variant}"

    def build(self, who: list[tuple[int, int]], name: str = "play", **special: Any) -> tuple[Lanes, Worlds]:
        """Lanes of [(seed, team), ...] and what they go through; special: options of that of `agent_<team>`."""
        raise NotImplementedError

    def drive(self, lanes: Lanes, worlds: Worlds, steps: int) -> list[np.ndarray]:
        """Act, remember and learn; the actions [L, ...] of every step."""
        raise NotImplementedError

    def same(self, ours: Lanes, lane: int, theirs: Lanes, other: int) -> None:
        """Assert that a lane holds, bit for bit, what another one of other lanes holds."""
        raise NotImplementedError

    def streams(self, worlds: int) -> int:
        """Streams of so many worlds."""
        return worlds

    def trained(self, lanes: Lanes) -> np.ndarray:
        """What is learned, a row a lane."""
        state = lanes.state_dict()
        names = [k for k in state if k.split("/")[0] in ("params", "table", "theta", "mean", "policy")] or list(state)
        return np.concatenate([state[k].reshape(len(state[k]), -1) for k in sorted(names)], 1)

    again = staticmethod(copy.deepcopy)


class Transitions(Case):
    """Learners that are given transitions."""

    least = 6

    def build(self, who, name="play", **special):
        seeds, agents = (np.array(x) for x in zip(*who))
        spec = dataclasses.replace(conftest.SPEC, name=name)
        lanes = self.learner.build(spec, seeds.astype(np.uint64), agents)
        return lanes, [conftest.World(s, a, **special.get(f"agent_{a}", {})) for s, a in who]

    drive = staticmethod(conftest.drive)

    def same(self, ours, lane, theirs, other):
        a, b = ours.state_dict(), theirs.state_dict()
        assert a.keys() == b.keys()
        for name in a:
            mine, yours = a[name][lane], b[name][other]
            if name.startswith(("replay_rows", "replay_waiting")):  # as many as the fullest neighbour's, zero beyond
                mine, yours = shortened(mine, yours, 0)
            assert mine.tobytes() == yours.tobytes(), name


class Streams(Case):
    """Learners that are told what happens, as it happens."""

    by_clock, resumes_at = frozenset({"ticks"}), (0, 9, 23)

    def __init__(self, name: str, variant: str) -> None:
        self.play = stream_worlds.Case(name, variant)
        super().__init__(name, variant, self.play.learner)
        self.build = self.play.build

    def drive(self, lanes, worlds, steps):
        told = stream_worlds.drive(lanes, worlds, steps)
        return [np.concatenate([x.reshape(len(x), -1) for x in step], 1) for step in zip(*told)]

    def streams(self, worlds):
        return worlds * self.play.team

    def same(self, ours, lane, theirs, other):
        a, b = ours.state_dict(), theirs.state_dict()
        assert a.keys() == b.keys()
        for name in a:
            mine, yours = a[name][lane], b[name][other]
            if name.startswith("streams/") and mine.ndim > 1:  # as many as the fullest neighbour's, zeros behind
                mine, yours = shortened(mine, yours, 1)
            assert mine.tobytes() == yours.tobytes(), name


class Sequences(Case):
    """Learners that replay sequences, of one agent or of a team."""

    steps, least, resumes_at = 40, 6, (0, 3, 31)
    by_clock = frozenset({"replay_at", "replay_growing"})

    def build(self, who, name="all", **special):
        return team_play.build(self.learner, who, **{k.replace("agent", "team"): v for k, v in special.items()})

    drive, same = staticmethod(team_play.drive), staticmethod(team_play.same)

    def streams(self, worlds):
        return worlds * (3 if self.learner.team else 1)


class Groups(Case):
    """Learners that look at all players of a group."""

    least, resumes_at = 2, (1, 10, 17)

    def build(self, who, name="play", **special):
        seeds, teams = (np.array(x) for x in zip(*who))
        lanes = self.learner.build(self._spec(name), seeds.astype(np.uint64), teams)
        return lanes, [self._plays(s, a, **special.get(f"agent_{a}", {})) for s, a in who]

    def _spec(self, name: str) -> HeadSpec:
        return joint_play.spec(2, 3, name)

    def _plays(self, seed: int, team: int, idle: bool = False, scale: float = 1.0) -> Any:
        return joint_play.Plays(10 * seed + team, 2, 3, 3, (0, 1) if idle else (), scale)

    drive, same = staticmethod(joint_play.drive), staticmethod(joint_play.same)

    def streams(self, worlds):
        return worlds * 2


class Exact(Groups):
    """Those who are given the table of payoffs: they play what it says, all at once."""

    by_clock = frozenset({"memory_ticks"})

    def _spec(self, name):
        return dataclasses.replace(self.learner.head(), name=name)

    def drive(self, lanes, worlds, steps):
        acted = []
        for _ in range(steps):
            drawn = zip(*(one.draw() for one in worlds))
            obs, legal, _, ended, _ = (np.stack(x) for x in drawn)
            plays = ~np.stack([one.absent for one in worlds])
            action = lanes.act(obs[..., :1], np.ones_like(legal[..., :2]), plays).copy()
            joint = action.reshape(len(worlds), -1, 2)
            reward = self.learner.table[joint[..., 0], joint[..., 1]].reshape(action.shape)
            lanes.add(obs[..., :1], np.ones_like(legal[..., :2]), plays, action, reward, ended)
            lanes.learn()
            acted.append(action)
        return acted


def shortened(mine: np.ndarray, yours: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Both as long as the shorter one; what is cut off is asserted to be zero."""
    n = min(mine.shape[axis], yours.shape[axis])
    assert not mine.swapaxes(0, axis)[n:].any()
    assert not yours.swapaxes(0, axis)[n:].any()
    return mine.swapaxes(0, axis)[:n], yours.swapaxes(0, axis)[:n]


def fitting(made: type, options: dict[str, Any]) -> dict[str, Any]:
    """Those of the options that a learner has."""
    has = {f.name for f in dataclasses.fields(made)}
    return {name: value for name, value in options.items() if name in has}


def cases_of(name: str) -> list[Case]:
    """The variants of one registered learner."""
    made = Learner.registry[name]
    if made.feed == "transitions":
        return [Transitions(name, k, made(**o)) for k, o in enumerate(conftest.QUICK.get(name, [{}]))]
    if made.feed == "rounds":
        kind = Exact if hasattr(made, "head") else Groups
        return [kind(name, k, made(**o)) for k, o in enumerate(GROUPS.get(name, [fitting(made, dict(steps=6))]))]
    if issubclass(made, SequenceLearner) or made.feed == "steps":
        variants = SEQUENCES.get(name, [{}])
        return [Sequences(name, k, made(**fitting(made, ODD | o))) for k, o in enumerate(variants)]
    variants = stream_worlds.VARIANTS if issubclass(made, PolicyGradient) else ("plain",)
    return [case for variant in variants if (case := Streams(name, variant)).play.fits]


def every_case() -> list[Case]:
    """All variants of all registered learners."""
    return [case for name in sorted(Learner.registry) for case in cases_of(name)]
