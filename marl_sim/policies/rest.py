"""Leaving alone for a while who does not answer, longer each time."""

from __future__ import annotations

import time

SHORTEST, LONGEST = 0.5, 300.0  # seconds


class Rest:
    """Whether somebody is left alone now: as long as it took to ask in vain, doubled each time, up to five minutes."""

    def __init__(self) -> None:
        self._seconds, self._until = 0.0, 0.0

    def begin(self, took: float) -> None:
        """It did not answer, which took so many seconds to find out."""
        self._seconds = min(max(2 * self._seconds, took, SHORTEST), LONGEST)
        self._until = time.monotonic() + self._seconds

    def end(self) -> None:
        """It answered."""
        self._seconds = self._until = 0.0

    def __bool__(self) -> bool:
        return time.monotonic() < self._until
