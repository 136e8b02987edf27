"""What groups saw when their agents decided: one row a moment and world, at which the entries of streams point.

A central critic sees what all agents of a group see. It is the same for each of them, and as long as all their
observations together, so that a copy for every agent would be most of what a training remembers.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping

import numpy as np

from ..core.kernels import kernel

FIRST = 16


def room(capacity: int, needed: int, usual: int) -> int:
    """The capacity for so many: it doubles, but for a stop at `usual`, which is seldom exceeded."""
    while capacity < needed:
        twice = 2 * capacity
        capacity = usual if capacity < usual < twice else twice
    return capacity


@kernel
def _see(rows, count, which, entries, where, state):
    """A row for each group and world with somebody in `where`, whose newest entries, of `entries` [L, R], saw it."""
    lanes, streams = which.shape[0] // count.shape[0], which.shape[1] // count.shape[1]
    for g in range(count.shape[0]):
        for w in range(count.shape[1]):
            number, asked = count[g, w], False
            for lane in range(g * lanes, (g + 1) * lanes):
                for r in range(w * streams, (w + 1) * streams):
                    if where[lane, r]:
                        which[lane, r, entries[lane, r] - 1] = number
                        asked = True
            if asked:
                for s in range(state.shape[2]):
                    rows[g, w, number, s] = state[g, w, s]
                count[g, w] = number + 1


@kernel
def _keep(rows, count, which, entries, first):
    """Drop the entries before `first` [L, R], of `entries`, and the rows that none of those left saw."""
    lanes, streams = which.shape[0] // count.shape[0], which.shape[1] // count.shape[1]
    for g in range(count.shape[0]):
        for w in range(count.shape[1]):
            seen = np.zeros(count[g, w], np.bool_)
            for lane in range(g * lanes, (g + 1) * lanes):
                for r in range(w * streams, (w + 1) * streams):
                    for n in range(first[lane, r], entries[lane, r]):
                        seen[which[lane, r, n]] = True
            number, left = np.zeros(seen.size, np.int64), 0
            for k in range(seen.size):
                if seen[k]:
                    number[k] = left
                    if left < k:
                        rows[g, w, left] = rows[g, w, k]
                    left += 1
            count[g, w] = left
            for lane in range(g * lanes, (g + 1) * lanes):
                for r in range(w * streams, (w + 1) * streams):
                    for n in range(first[lane, r], entries[lane, r]):
                        which[lane, r, n - first[lane, r]] = number[which[lane, r, n]]


class States:
    """What G groups saw in W worlds each. rows float32 [G, W, N, S], of which count int64 [G, W] are there; which int64
    [L, R, C]: the row that each entry of L x R streams saw.

    L // G lanes side by side are of one group, and R // W streams side by side of one world.
    """

    NAMES = ("rows", "count", "which")

    def __init__(self, places: tuple[int, int], size: int, entries: tuple[int, int, int], usual: int = 0) -> None:
        self._usual = usual
        self.rows = np.zeros((*places, FIRST, size), np.float32)
        self.count = np.zeros(places, np.int64)
        self.which = np.zeros(entries, np.int64)

    @property
    def shape(self) -> tuple[int, int, int]:
        """[G, W, S]."""
        return (*self.count.shape, self.rows.shape[3])

    def grow(self, capacity: int) -> None:
        """Streams have so many entries now."""
        self.which = _longer(self.which, capacity)

    def see(self, state: np.ndarray, where: np.ndarray, entries: np.ndarray) -> None:
        """What is seen now, float32 [G, W, S], by the newest of so many entries [L, R] where `where` [L, R]."""
        self._room(int(self.count.max(initial=0)) + 1)
        _see(self.rows, self.count, self.which, entries, where, state)

    def of(self, lanes: np.ndarray, streams: np.ndarray, entries: np.ndarray) -> np.ndarray:
        """What entries of these numbers saw, [..., S]."""
        groups = lanes * self.count.shape[0] // self.which.shape[0]
        worlds = streams * self.count.shape[1] // self.which.shape[1]
        return self.rows[groups, worlds, self.which[lanes, streams, entries]]

    def flat(self) -> np.ndarray:
        """`which`, as numbers of the W x N rows of a group: int64 [L, R C]."""
        worlds = np.arange(self.which.shape[1]) * self.count.shape[1] // self.which.shape[1]
        return (self.which + worlds[:, None] * self.rows.shape[2]).reshape(len(self.which), -1)

    def keep(self, entries: np.ndarray, first: np.ndarray) -> None:
        """Of so many entries forget those before number `first` (int64 [L, R] each) of each stream."""
        _keep(self.rows, self.count, self.which, entries, first)

    def copy(self) -> States:
        """The same rows, apart from these."""
        other = copy.copy(self)
        other.rows, other.count, other.which = self.rows.copy(), self.count.copy(), self.which.copy()
        return other

    def _room(self, needed: int) -> None:
        self.rows = _longer(self.rows, room(self.rows.shape[2], needed, self._usual))

    # -- saving --------------------------------------------------------------------------------------------------

    def state(self, there: np.ndarray) -> dict[str, np.ndarray]:
        """Everything that changes, by name; as many rows as the fullest world has. there bool [L, R, n]: entries."""
        n = int(self.count.max(initial=0))
        mine = np.arange(n) < self.count[..., None]
        rows = np.where(mine[..., None], self.rows[:, :, :n], np.float32(0))
        return dict(rows=rows, count=self.count.copy(), which=np.where(there, self.which[:, :, : there.shape[2]], 0))

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave."""
        self._room(state["rows"].shape[2])
        for name in ("rows", "which"):
            getattr(self, name)[:, :, : state[name].shape[2]] = state[name]
        self.count[...] = state["count"]


def _longer(array: np.ndarray, length: int) -> np.ndarray:
    """An array [X, Y, n, ...] with zeros behind, up to this length; as it is where it is as long."""
    if array.shape[2] == length:
        return array
    longer = np.zeros((*array.shape[:2], length, *array.shape[3:]), array.dtype)
    longer[:, :, : array.shape[2]] = array
    return longer
