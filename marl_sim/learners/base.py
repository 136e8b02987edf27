"""What every learner is: options that describe it, and lanes that are it.

A `Learner` is a frozen dataclass of options. `learner.build(spec, seeds, team_index)` makes the `Lanes` of one
decision head: L independent agents held in stacked arrays. Lane results never depend on which other lanes exist.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

import numpy as np

from .buffers import Replay
from .draws import NOTHING_TO_CHOOSE, choose, sample
from .lanes import Lanes
from .schedules import Schedule, rates

Options = TypeVar("Options", bound="Learner")


@dataclass(frozen=True)
class HeadSpec:
    """One decision head: what it sees and may do.

    name: the kind of stage it decides ("select", "play", ...), or "all" for one head for everything; part of the
    random key. obs_dim: length D of its observation. n_actions: A. levels: number of values of each observation
    column where all are index-coded. team: agents k that one lane drives. others: agents whose actions the learner is
    told of, where it asks (`Learner.watches`). state_dim: length of what a central critic sees (`Learner.central`).
    box: (lows, highs) of a continuous decision, A numbers each. image: (height, width, channels) where an observation
    is a picture, row by row.
    """

    name: str
    obs_dim: int
    n_actions: int
    levels: tuple[int, ...] | None = None
    team: int = 1
    others: int = 0
    state_dim: int = 0
    box: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    image: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        if self.obs_dim < 1 or self.n_actions < 1:
            raise ValueError(
                f"Head {self.name!r} has obs_dim {self.obs_dim} and n_actions {self.n_actions}; "
                "it needs at least 1 of each."
            )
        if self.levels is not None and (len(self.levels) != self.obs_dim or min(self.levels, default=1) < 1):
            raise ValueError(
                f"Head {self.name!r} has levels {self.levels!r}; "
                f"it needs one positive number for each of its {self.obs_dim} columns."
            )


@dataclass(frozen=True, kw_only=True)
class Learner:
    """Options of a learning algorithm; subclasses register themselves under their class name, unless `abstract`.

    overrides: other options for single heads, by the head's name: `overrides={"punish": dict(lr=.001)}`.
    """

    overrides: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    registry: ClassVar[dict[str, type[Learner]]] = {}
    feed: ClassVar[str] = "transitions"  # how experience arrives: see training.credit
    team: ClassVar[bool] = False  # one lane drives all agents of its group
    central: ClassVar[bool] = False  # is given, in training, what the whole group sees
    watches: ClassVar[bool] = False  # is told what the other agents of its group did
    continuous: ClassVar[bool] = False  # can choose numbers of a box
    one_reward: ClassVar[bool] = False  # the group must be paid alike

    def __init_subclass__(cls, abstract: bool = False, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if not abstract:
            Learner.registry[cls.__name__] = cls

    def __post_init__(self) -> None:
        self.check()
        for head in self.overrides:
            self.for_head(head)

    def check(self) -> None:
        """Raise ValueError, in one sentence, when an option is outside its range."""

    def for_head(self: Options, head: str) -> Options:
        """These options as they hold for one head."""
        changes = dict(self.overrides.get(head, {}))
        allowed = {f.name for f in dataclasses.fields(self)} - {"overrides"}
        for name in changes:
            if name not in allowed:
                raise ValueError(
                    f"overrides[{head!r}] names {name!r}, which {type(self).__name__} does not have; "
                    f"it may name {', '.join(sorted(allowed))}."
                )
        return dataclasses.replace(self, overrides={}, **changes)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> Lanes:
        """The lanes of one head.

        seeds: integer [L], the seed of each lane; team_index: integer [L], which agent (or team) of that seed the
        lane is. device: "cpu" or a torch device; tabular learners know only "cpu".
        """
        raise NotImplementedError


def check_count(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a whole number of at least 1."""
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
        raise ValueError(f"{name} is {value!r}; it must be a whole number of at least 1.")


def check_flag(name: str, value: object) -> None:
    """Raise ValueError unless `value` is True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} is {value!r}; it must be True or False.")


def check_discount(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a number from 0 to 1."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not 0 <= value <= 1:
        raise ValueError(f"{name} is {value!r}; it must be a number from 0 to 1.")


def check_positive(name: str, value: object, zero: bool = False) -> None:
    """Raise ValueError unless `value` is a finite number above 0 (or 0, if `zero`)."""
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if not number or not (value >= 0 if zero else value > 0) or not value < float("inf"):  # type: ignore[operator]
        raise ValueError(f"{name} is {value!r}; it must be {'0 or ' if zero else ''}positive and finite.")


class TransitionLanes(Lanes):
    """Lanes that learn from single transitions, kept in a replay memory, and act by action values."""

    mixed: bool = False  # draws its actions from a mixed policy rather than taking the best

    def __init__(self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.replay = self._memory()

    def _memory(self) -> Replay:
        """The transitions of these lanes."""
        raise NotImplementedError

    # -- acting --------------------------------------------------------------------------------------------------

    def values(self, obs: np.ndarray, deciding: np.ndarray | None = None) -> np.ndarray:
        """Action values float64 [L, B, A] of obs float32 [L, B, D], computed only where `deciding` (default all)."""
        raise NotImplementedError

    def _scores(self, obs: np.ndarray, deciding: np.ndarray | None = None) -> np.ndarray:
        """What the choice is made by, float64 [L, B, A]: values, or the log chances of a mixed policy."""
        return self.values(obs, deciding)

    def epsilon(self) -> np.ndarray:
        """The exploration rate of every lane now, float64 [L]; 0 for learners that have none."""
        rate: float | Schedule = getattr(self.options, "epsilon", 0.0)
        return rates(rate, self.updates, self.decisions)

    def act(self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool = False) -> np.ndarray:
        """Actions int64 [L, B], 0 where nobody decides.

        obs float32 [L, B, D]; legal bool [L, B, A]; deciding bool [L, B]. `greedy` takes the best action, or the most
        likely one of a mixed policy, without disturbing the exploration stream. Ties are broken at random. Raises
        ValueError where an agent that decides has no legal action of finite value.
        """
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        if self._actions.shape != deciding.shape:
            self._actions = np.zeros(deciding.shape, np.int64)
        scores = self._scores(obs, deciding)
        key, clock = ("greedy ties", self.greedy_ties) if greedy else ("explore", self.decisions)
        pick = sample if self.mixed else choose
        stuck = pick(scores, legal, deciding, self.epsilon(), self.keys[key], clock, greedy, self._actions)
        if stuck != NOTHING_TO_CHOOSE:
            raise self._nothing_legal(stuck)
        return self._actions

    # -- learning ------------------------------------------------------------------------------------------------

    def add(
        self,
        obs: np.ndarray,
        action: np.ndarray,
        reward: np.ndarray,
        next_obs: np.ndarray,
        next_legal: np.ndarray,
        terminated: np.ndarray,
        valid: np.ndarray,
        next_action: np.ndarray | None = None,
        others: np.ndarray | None = None,
        truncated: np.ndarray | None = None,
        weighed: np.ndarray | None = None,
    ) -> None:
        """Store a transition for each lane and world where `valid`.

        obs, next_obs float32 [L, B, D]; action int [L, B]; reward float [L, B]; next_legal bool [L, B, A];
        terminated, valid bool [L, B]. A truncated transition comes with terminated False and the last observation as
        next_obs. next_action int [L, B]: what was chosen at next_obs, -1 or None where that is not known. others int
        [L, B, spec.others]: what each other agent of the group did in the step of this decision, for learners that
        watch; ValueError where they miss it. truncated bool [L, B] tells learners of several steps that the next
        transition is of another episode. weighed float [L, B]: of lanes with such an attribute, what it was after the
        decision was drawn. Raises FloatingPointError at NaN or infinite rewards.
        """
        obs, next_legal, valid = self._arrays(obs, next_legal, valid)
        next_obs, _, _ = self._arrays(next_obs, next_legal, valid)
        for name, array in (("action", action), ("reward", reward), ("terminated", terminated)):
            self._fit(name, np.asarray(array), valid.shape)
        if next_action is not None:
            self._fit("next_action", np.asarray(next_action), valid.shape)
        if self.options.watches and self.spec.others:
            self._fit("others", np.asarray(self._told(others)), (*valid.shape, self.spec.others))
        self._truncated, self._weighed = truncated, weighed
        bad = self._store(obs, action, reward, next_obs, next_legal, terminated, valid, next_action, others)
        if bad >= 0:
            raise self._bad_reward(bad, self.replay.rows.dtype)

    def _told(self, others: np.ndarray | None) -> np.ndarray:
        if others is None:
            raise ValueError(
                f"Head {self.spec.name!r} was not told what the others did; {type(self.options).__name__} needs "
                f"others, int [L, B, {self.spec.others}], with every transition."
            )
        return others

    def _store(self, obs, action, reward, next_obs, next_legal, terminated, valid, next_action, others) -> int:
        return self.replay.add(obs, action, reward, next_obs, next_legal, terminated, valid)

    def learn(self) -> dict[str, np.ndarray]:
        """Do the learning steps that are due.

        Returns "loss" (float64 [L], of the last step now, NaN where none), "updates" (int64 [L], steps done now) and
        "epsilon" (float64 [L]). Raises FloatingPointError, naming lane and head, when a loss is not finite.
        """
        raise NotImplementedError

    def _report(self, before: np.ndarray, bad: int) -> dict[str, np.ndarray]:
        if bad >= 0:
            raise self._bad_loss(bad)
        return {"loss": self._losses, "updates": self.updates - before, "epsilon": self.epsilon()}

    def end_episode(self, lanes: np.ndarray | None = None) -> None:
        """Tell lanes (bool [L], default all) that their episode ended; those with an episode's memory forget it."""
        if getattr(self.options, "memory", "ring") == "episode":
            self.replay.clear(np.ones(self.n_lanes, np.bool_) if lanes is None else lanes)

    # -- saving --------------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, np.ndarray]:
        return {**super()._state(), "replay_clocks": self.replay.clocks.T}

    def _memories(self) -> dict[str, np.ndarray]:
        return {"replay_rows": self.replay.used()}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        self.replay.restore(memories["replay_rows"])

    def _grown(self, name: str, saved: tuple[int, ...], mine: tuple[int, ...]) -> tuple[int, ...]:
        shape = super()._grown(name, saved, mine)
        return (shape[0], min(shape[1], self.replay.capacity), *shape[2:])
