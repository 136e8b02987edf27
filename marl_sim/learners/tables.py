"""What learners with tables share: numbered states, transitions that wait to be learned once and in order, saving."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from .base import HeadSpec, Learner, TransitionLanes, check_count
from .buffers import Replay
from .draws import fill_uniform
from .schedules import check_rate
from .table_steps import Waiting, look_up, number_joint, number_states, remember, soften, unpack

MAX_STATES = 1 << 24
MAX_WAITING = 1 << 17


# -- options -----------------------------------------------------------------------------------------------------------


def check_step(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a step size: above 0 to 1, or "1/n"."""
    if value != "1/n" and not (isinstance(value, int | float) and 0 < value <= 1):
        raise ValueError(f"{name} is {value!r}; it must be a number above 0 and at most 1, or '1/n'.")


def check_share(name: str, value: object, open_below: bool = False) -> None:
    """Raise ValueError unless `value` is a number from 0 to 1, or above 0 to 1."""
    if not isinstance(value, int | float) or not 0 <= value <= 1 or (open_below and value == 0):
        allowed = "above 0 and at most 1" if open_below else "from 0 to 1"
        raise ValueError(f"{name} is {value!r}; it must be a number {allowed}.")


def check_finite(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a finite number."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is {value!r}; it must be a finite number.")


def check_start(name: str, value: object) -> None:
    """Raise ValueError unless `value` can start a table: a finite number or "uniform"."""
    if value != "uniform" and not (isinstance(value, int | float) and math.isfinite(value)):
        raise ValueError(f"{name} is {value!r}; it must be a finite number or 'uniform'.")


# What an option of a table learner must be, whichever learner has it.
CHECKS: dict[str, Callable[[str, Any], None]] = {
    "alpha": check_step,
    "gamma": check_share,
    "buffer": check_count,
    "init": check_start,
    "epsilon": check_rate,
}


@dataclass(frozen=True, kw_only=True)
class TableLearner(Learner, abstract=True):
    """Options of a learner with tables, whose lanes are `lanes`. Needs an index-coded observation."""

    lanes: ClassVar[type[TableLanes]]

    def check(self) -> None:
        for option, check in CHECKS.items():
            if hasattr(self, option):
                check(f"{type(self).__name__}.{option}", getattr(self, option))

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> TableLanes:
        if device != "cpu":
            raise ValueError(f"{type(self).__name__} got device {device!r}; tables live on the cpu.")
        return self.lanes(self.for_head(spec.name), spec, seeds, team_index)


# -- lanes -------------------------------------------------------------------------------------------------------------


class TableLanes(TransitionLanes):
    """L agents with a table each: `table` float64 [L, S, A], S the product of the head's levels (the first column
    counts slowest).

    Subclasses name in `saved` the arrays that change, lanes first, and fill `table` with what they choose by.
    """

    saved: ClassVar[tuple[str, ...]] = ("table",)
    table: np.ndarray

    def __init__(self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        name = type(options).__name__
        if spec.levels is None:
            raise ValueError(
                f"{name} needs an index-coded observation, but head {spec.name!r} has one-hot or real-valued "
                "columns; give the game encode='index', and only fields of whole numbers."
            )
        self.n_states = math.prod(spec.levels)
        if self.n_states > MAX_STATES:
            raise ValueError(
                f"{name} would need {self.n_states} states for head {spec.name!r}; at most {MAX_STATES} are allowed."
            )
        super().__init__(options, spec, seeds, team_index)
        self._levels = np.array(spec.levels, np.int64)
        self._values = np.zeros((self.n_lanes, 0, spec.n_actions))

    def _started(self, start: float | str) -> np.ndarray:
        """A table float64 [L, S, A] of one number, or "uniform": of numbers from U(0, 1) that no other lane has."""
        table = np.full((self.n_lanes, self.n_states, self.spec.n_actions), 0.0 if start == "uniform" else float(start))
        if start == "uniform":
            fill_uniform(self.keys["init"], table.reshape(self.n_lanes, -1))
        return table

    def _counters(self, shape: tuple[int, ...]) -> np.ndarray:
        """Visits of everything with a step size of "1/n", and none at all with another one."""
        return np.zeros(shape if self.options.alpha == "1/n" else (self.n_lanes, *[0] * (len(shape) - 1)), np.int64)

    @property
    def _alpha(self) -> float:
        """The step size, 0 standing for "1/n"."""
        return 0.0 if self.options.alpha == "1/n" else float(self.options.alpha)

    def _number(self, obs: np.ndarray, flag: np.ndarray) -> np.ndarray:
        states = np.empty(flag.shape, np.int64)
        bad = number_states(obs, flag, self._levels, states)
        if bad >= 0:
            raise ValueError(
                f"Lane {bad} of head {self.spec.name!r} observed something that is no index; "
                f"column i must hold 0 to levels[i] - 1, levels {self.spec.levels}."
            )
        return states

    def _read(self, lanes: slice, states: np.ndarray, deciding: np.ndarray, scores: np.ndarray) -> None:
        """Write what these lanes choose by in these states [L, B] into scores [L, B, A]."""
        look_up(self.table[lanes], states, deciding, scores)

    def _scores(self, obs: np.ndarray, deciding: np.ndarray | None = None) -> np.ndarray:
        if deciding is None:
            deciding = np.ones(obs.shape[:2], np.bool_)
        if self._values.shape[:2] != deciding.shape:
            self._values = np.zeros((*deciding.shape, self.spec.n_actions))
        states = self._number(np.ascontiguousarray(obs, dtype=np.float32), deciding)
        self._read(slice(None), states, deciding, self._values)
        return self._values

    def values(self, obs: np.ndarray, deciding: np.ndarray | None = None) -> np.ndarray:
        """Action values, or the chances of a mixed policy before exploration, float64 [L, B, A].

        obs float32 [L, B, D]; computed only where `deciding` (default all). Chances are those with all actions legal;
        where some are not, the others' are scaled up to 1.
        """
        scores = self._scores(obs, deciding)
        if self.mixed:
            soften(scores, np.ones(scores.shape[:2], np.bool_) if deciding is None else deciding)
        return scores

    def _room(self, worlds: int) -> None:
        """Raise ValueError where the queue of waiting transitions cannot take so many more a lane."""
        if int(self.replay.count.max()) + worlds > self.replay.capacity:
            raise ValueError(
                f"Head {self.spec.name!r} has {self.replay.capacity} transitions waiting; "
                "call learn() before adding more."
            )

    def export(self, lane: int) -> np.ndarray:
        """A copy of one agent's `values` in every state, float64 [S, A]."""
        out = np.zeros((1, self.n_states, self.spec.n_actions))
        every = np.ones(out.shape[:2], np.bool_)
        self._read(slice(lane, lane + 1), np.arange(self.n_states)[None], every, out)
        if self.mixed:
            soften(out, every)
        return out[0]

    def _state(self) -> dict[str, np.ndarray]:
        return {**super()._state(), **{name: getattr(self, name) for name in self.saved}}


class OnceLanes(TableLanes):
    """Table learners that learn every transition once, in order, and know more of it: what the others did, and what
    was chosen next.

    recalls: keep in `legal`, bool [L, S, A], what was legal when each state was last decided in (all actions, till
    then), for learners whose update needs the policy that chose.
    """

    recalls: ClassVar[bool] = False

    def __init__(self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.legal = np.ones((self.n_lanes, *((self.n_states, spec.n_actions) if self.recalls else (0, 0))), np.bool_)

    def _memory(self) -> Replay:
        return Replay(self.n_lanes, 2, self.spec.n_actions, MAX_WAITING, 1, 1, np.float64)

    def act(self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool = False) -> np.ndarray:
        actions = super().act(obs, legal, deciding, greedy)
        if self.recalls and not greedy:
            obs, legal, deciding = self._arrays(obs, legal, deciding)
            remember(legal, self._number(obs, deciding), deciding, self.legal)
        return actions

    def _store(self, obs, action, reward, next_obs, next_legal, terminated, valid, next_action, others) -> int:
        self._room(valid.shape[1])
        goes_on = valid & ~np.asarray(terminated)
        before, after = (np.zeros((*valid.shape, 2)) for _ in range(2))
        before[..., 0], before[..., 1] = self._number(obs, valid), self._joint(others, valid)
        after[..., 0], after[..., 1] = self._number(next_obs, goes_on), self._next(next_action, goes_on)
        return self.replay.add(before, action, reward, after, next_legal, terminated, valid)

    def _joint(self, others: np.ndarray | None, valid: np.ndarray) -> np.ndarray:
        joint = np.zeros(valid.shape, np.int64)
        if self.options.watches and others is not None:
            others = np.ascontiguousarray(others, dtype=np.int64)
            bad = number_joint(others, valid, self.spec.n_actions, joint)
            if bad >= 0:
                raise ValueError(
                    f"Lane {bad} of head {self.spec.name!r} was told of an action that others cannot have chosen; "
                    f"others must hold 0 to {self.spec.n_actions - 1}."
                )
        return joint

    def _next(self, next_action: np.ndarray | None, goes_on: np.ndarray) -> np.ndarray:
        if next_action is None:
            return np.full(goes_on.shape, -1)
        chosen = np.where(goes_on, next_action, -1)
        if chosen.min(initial=-1) < -1 or chosen.max(initial=-1) >= self.spec.n_actions:
            raise ValueError(
                f"Head {self.spec.name!r} got next_action {chosen.min()} to {chosen.max()}; "
                f"it must hold 0 to {self.spec.n_actions - 1}, or -1 where nothing is known."
            )
        return chosen

    def learn(self) -> dict[str, np.ndarray]:
        before = self._begin()
        bad = self._update(self._waiting())
        self.replay.clocks[[0, 1, 3]] = 0
        return self._report(before, bad)

    def end_episode(self, lanes: np.ndarray | None = None) -> None:
        """Nothing: what waits is learned all the same."""

    def _waiting(self) -> Waiting:
        owed = self.replay.owed
        shape = (self.n_lanes, int(owed.max(initial=0)))
        state, action, after, next_action, others = (np.zeros(shape, np.int64) for _ in range(5))
        reward, terminated = np.zeros(shape), np.zeros(shape, np.bool_)
        legal = np.zeros((*shape, self.spec.n_actions), np.bool_)
        w = Waiting(owed, state, action, reward, terminated, after, legal, next_action, others)
        unpack(self.replay.rows, self.replay.tags, w)
        return w

    def _update(self, w: Waiting) -> int:
        """Learn what waits; returns a lane whose loss is not finite, or -1."""
        raise NotImplementedError

    def _state(self) -> dict[str, np.ndarray]:
        return {**super()._state(), **({"legal": self.legal} if self.recalls else {})}
