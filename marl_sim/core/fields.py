"""What a world holds (state fields) and what an agent sees of it (observation fields)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .rules import Rule


@dataclass(frozen=True)
class StateField:
    """One named array of a world's state: shape without the worlds, dtype, first value.

    `lasting` fields survive a truncation (the clock stopped, the society lives on) and are renewed by a termination or
    a reset only.
    """

    shape: tuple[int, ...]
    dtype: type
    fill: float = 0
    lasting: bool = False


def ints(*shape: int, fill: int = 0, lasting: bool = False) -> StateField:
    """int32 state of the given shape; `ints(1)` is a single number, read and written as `name[0]`."""
    return StateField(shape, np.int32, fill, lasting)


def floats(*shape: int, fill: float = 0.0, lasting: bool = False) -> StateField:
    """float64 state of the given shape."""
    return StateField(shape, np.float64, fill, lasting)


@dataclass(frozen=True)
class Field:
    """A named piece of an observation.

    `rule(i, ..., out)` writes `size` raw numbers for agent i into `out`. How they reach the flat float32 vector:

    - `levels=k`: each number is an integer 0..k-1; one-hot coded (or kept as it is where the game says encode="index");
    - `squash=s`: each number x is unbounded and becomes x / (s + |x|), inside (-1, 1);
    - neither: the raw number, inside [low, high].

    values   what the levels are called, 0 first: those who read are told these words for the numbers ("cooperate" for
             0). Where they are given, `levels` is how many they are.
    """

    name: str
    size: int
    rule: Rule
    levels: int | None = None
    squash: float | None = None
    low: float = -np.inf
    high: float = np.inf
    words: str = ""
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.values and self.levels is None:
            object.__setattr__(self, "levels", len(self.values))
        if self.values and self.levels != len(self.values):
            raise ValueError(f"field {self.name!r} has {self.levels} levels and words for {len(self.values)}")

    def width(self, encode: str) -> int:
        """Number of columns this field takes in the flat vector."""
        return self.size * self.levels if self.levels and encode == "one_hot" else self.size

    def range(self, encode: str) -> tuple[float, float]:
        """Lowest and highest value of a column."""
        if self.levels:
            return (0.0, 1.0) if encode == "one_hot" else (0.0, self.levels - 1.0)
        return (-1.0, 1.0) if self.squash else (self.low, self.high)


@dataclass(frozen=True)
class Slot:
    """Where a field lies in the flat observation: columns start..stop of the block of decision kind `kind`.

    `levels` is the number of values of each column of an index-coded field, None where columns are one-hot or real;
    `words` says what the field is, and `values` what its numbers are called (Field.values).
    """

    name: str
    kind: str
    start: int
    stop: int
    low: float
    high: float
    levels: int | None
    words: str = ""
    values: tuple[str, ...] = ()

    def told(self, numbers: np.ndarray) -> str:
        """A field's numbers [size] in words: by what they are called, or as numbers; "none" where nothing is coded."""
        return ", ".join(self._told(number) for number in np.atleast_1d(numbers))

    def _told(self, number: np.generic) -> str:
        if isinstance(number, np.integer):
            if number < 0:
                return "none"
            if number < len(self.values):
                return self.values[int(number)]
        return f"{number:.4g}"


@dataclass(frozen=True)
class Layout:
    """The documented flat observation: [which stage, one-hot | block of each decision kind], float32.

    An agent that decides sees the stage and the block of that stage's kind, all other columns are 0. An agent that
    waits sees the stage alone.
    """

    slots: tuple[Slot, ...]
    blocks: dict[str, tuple[int, int]]
    size: int

    def block(self, kind: str) -> slice:
        """The columns of one decision kind."""
        return slice(*self.blocks[kind])

    def levels(self, kind: str) -> tuple[int, ...] | None:
        """Values per column of a kind's block, or None where some column is not index-coded."""
        found: list[int] = []
        for slot in self.slots:
            if slot.kind == kind:
                if slot.levels is None:
                    return None
                found += [slot.levels] * (slot.stop - slot.start)
        return tuple(found)

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest value of every column, float32 [size]; 0 is always inside."""
        low, high = np.zeros(self.size, np.float32), np.zeros(self.size, np.float32)
        for slot in self.slots:
            low[slot.start : slot.stop] = min(slot.low, 0.0)
            high[slot.start : slot.stop] = max(slot.high, 0.0)
        return low, high
