"""Exploration rates: pure functions of a lane's own clocks, so that no lane's exploration depends on another's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

Clock = Literal["updates", "decisions"]


@dataclass(frozen=True)
class Schedule:
    """A rate in [0, 1] that follows a clock: the lane's `updates` (learning steps) or its `decisions` (actions
    chosen).
    """

    start: float
    end: float

    def __post_init__(self) -> None:
        for name in ("start", "end"):
            check_rate(f"{type(self).__name__}.{name}", getattr(self, name))
        self.check()

    def check(self) -> None:
        """Raise ValueError when a field is out of its range."""

    def value(self, updates: np.ndarray, decisions: np.ndarray) -> np.ndarray:
        """The rates, float64 [L], of lanes with these clocks (int64 [L])."""
        raise NotImplementedError


@dataclass(frozen=True)
class Decay(Schedule):
    """After k updates: max(end, start - k * (start - end) * decay).

    The rule of Dasgupta and Musolesi (2023), whose decay of 0.3 reaches the floor at the fourth update.
    """

    decay: float

    def check(self) -> None:
        if not self.decay > 0 or not np.isfinite(self.decay):
            raise ValueError(f"Decay.decay is {self.decay!r}; it must be positive and finite.")
        if self.end > self.start:
            raise ValueError(f"Decay.end is {self.end!r}; it may not exceed start, which is {self.start!r}.")

    def value(self, updates: np.ndarray, decisions: np.ndarray) -> np.ndarray:
        return np.maximum(self.end, self.start - updates * ((self.start - self.end) * self.decay))


@dataclass(frozen=True)
class Linear(Schedule):
    """From `start` to `end` in `steps` ticks of the clock `per`, and `end` from then on."""

    steps: int
    per: Clock = "decisions"

    def check(self) -> None:
        if self.steps < 1:
            raise ValueError(f"Linear.steps is {self.steps!r}; it must be at least 1.")
        if self.per not in ("updates", "decisions"):
            raise ValueError(f"Linear.per is {self.per!r}; it must be 'updates' or 'decisions'.")

    def value(self, updates: np.ndarray, decisions: np.ndarray) -> np.ndarray:
        clock = updates if self.per == "updates" else decisions
        return self.start + (self.end - self.start) * np.minimum(clock / self.steps, 1.0)


def check_rate(name: str, value: object) -> None:
    """Raise ValueError unless `value` is a number in [0, 1] or, for a rate that may change, a Schedule."""
    if isinstance(value, Schedule):
        return
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise ValueError(f"{name} is {value!r}; it must be a number from 0 to 1.")


def rates(value: float | Schedule, updates: np.ndarray, decisions: np.ndarray) -> np.ndarray:
    """A constant or scheduled rate for every lane, float64 [L]."""
    if isinstance(value, Schedule):
        return value.value(updates, decisions)
    return np.full(updates.shape, float(value))
