"""A number a round for as long as a run lasts, in memory that does not grow."""

from __future__ import annotations

import copy
import math

import numpy as np

POINTS = 128


class Series:
    """Numbers, one after another; once there are too many, each point of the curve is the mean of 2, 4, 8, ... of them.

    A number that is NaN says nothing and counts for nothing. `last` is the latest that said something.
    """

    def __init__(self) -> None:
        self._sums, self._counts = np.zeros(2 * POINTS), np.zeros(2 * POINTS)
        self._each, self._filled = 1, 0  # how many numbers a point stands for, and how many have been taken in
        self.last = math.nan

    def append(self, value: float) -> None:
        """Take in the next number."""
        at = self._filled // self._each
        if at == 2 * POINTS:
            for each in (self._sums, self._counts):
                each[:POINTS] = each[0::2] + each[1::2]
                each[POINTS:] = 0
            self._each *= 2
            at = POINTS
        if value == value:
            self._sums[at] += value
            self._counts[at] += 1
            self.last = value
        self._filled += 1

    def __len__(self) -> int:
        return self._filled

    def points(self, most: int = 2 * POINTS) -> tuple[np.ndarray, np.ndarray]:
        """The curve: where along it, from 0 to 1, and how high, float [P <= most] each; silent points left out."""
        upto = -(-self._filled // self._each)
        sums, counts = self._sums[:upto], self._counts[:upto]
        if upto > most:
            starts = np.arange(0, upto, -(-upto // most))
            sums, counts = np.add.reduceat(sums, starts), np.add.reduceat(counts, starts)
        known = np.flatnonzero(counts)
        return known / max(len(counts) - 1, 1), sums[known] / counts[known]

    def copy(self) -> Series:
        """One that goes its own way."""
        twin = copy.copy(self)
        twin._sums, twin._counts = self._sums.copy(), self._counts.copy()
        return twin
