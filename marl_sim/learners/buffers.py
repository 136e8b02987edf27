"""Replay memory of lanes: a ring per lane, one row a transition, grown as it fills.

A row is [reward | action and ending | legal words | obs D | next_obs D], all in one array so that drawing a transition
touches one or two cache lines. The integer columns share the row's memory through an integer view of the same array.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import mix

from .draws import hash_size, subset

WORD = 30  # legal actions a legal word holds: whole in an int32 without its sign
FIRST_ROWS = 256


class Batch(NamedTuple):
    """Transitions of some lanes: obs, next_obs float32 [k, M, D]; action int64, reward float32, terminated bool [k,
    M]; next_legal
    bool [k, M, A]. `lanes` int64 [k] says whose they are."""

    lanes: np.ndarray
    obs: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    next_obs: np.ndarray
    next_legal: np.ndarray
    terminated: np.ndarray


@kernel
def _store(rows, tags, clocks, capacity, warmup, every, obs, action, reward, next_obs, next_legal, terminated, valid):
    """Write valid transitions into their lanes' rings; returns the lane of a reward that is not finite, or -1."""
    dim, n_actions = obs.shape[2], next_legal.shape[2]
    for lane in range(obs.shape[0]):
        for b in range(obs.shape[1]):
            if not valid[lane, b]:
                continue
            if not np.isfinite(reward[lane, b]):
                return lane
            at = clocks[0, lane]
            row, tag = rows[lane, at], tags[lane, at]
            row[0] = reward[lane, b]
            tag[1] = 2 * action[lane, b] + terminated[lane, b]
            start = tag.size - 2 * dim
            for word in range(2, start):
                tag[word] = 0
            for a in range(n_actions):
                if next_legal[lane, b, a]:
                    tag[2 + a // WORD] |= 1 << (a % WORD)
            for d in range(dim):
                row[start + d] = obs[lane, b, d]
                row[start + dim + d] = next_obs[lane, b, d]
            clocks[0, lane] = (at + 1) % capacity
            clocks[1, lane] = min(clocks[1, lane] + 1, capacity)
            clocks[2, lane] += 1
            if clocks[1, lane] >= warmup and clocks[2, lane] % every == 0:
                clocks[3, lane] += 1
    return -1


@kernel
def draw_evenly(count, keys, updates, lanes, chosen, seen):
    """Fill chosen [k, M] with different rows of each of these lanes, from the lane's own stream; seen as `subset`."""
    for k in range(lanes.size):
        lane = lanes[k]
        subset(mix(keys[lane], updates[lane]), count[lane], chosen[k], seen)


@kernel
def gather(rows, tags, chosen, lanes, obs, action, reward, next_obs, next_legal, terminated):
    """Copy the chosen rows [k, M] of these lanes out of their rings."""
    dim, n_actions = obs.shape[2], next_legal.shape[2]
    for k in range(lanes.size):
        lane = lanes[k]
        for i in range(chosen.shape[1]):
            row, tag = rows[lane, chosen[k, i]], tags[lane, chosen[k, i]]
            reward[k, i] = row[0]
            action[k, i] = tag[1] >> 1
            terminated[k, i] = (tag[1] & 1) != 0
            for a in range(n_actions):
                next_legal[k, i, a] = ((tag[2 + a // WORD] >> (a % WORD)) & 1) != 0
            start = tag.size - 2 * dim
            for d in range(dim):
                obs[k, i, d] = row[start + d]
                next_obs[k, i, d] = row[start + dim + d]


class Replay:
    """A ring of `capacity` transitions for each of L lanes.

    Every `every`-th stored transition of a lane owes it one learning step, once the lane holds `warmup` transitions.
    dtype: float32, or float64 where rewards and state numbers must be kept exactly. spare: columns of a row, between
    the legal words and obs, that are left to subclasses.
    """

    def __init__(
        self,
        n_lanes: int,
        obs_dim: int,
        n_actions: int,
        capacity: int,
        warmup: int,
        every: int,
        dtype: type = np.float32,
        spare: int = 0,
    ) -> None:
        self.obs_dim, self.n_actions = obs_dim, n_actions
        self.capacity, self.warmup, self.every = capacity, warmup, every
        self.spare = 2 + -(-n_actions // WORD)  # the first of the spare columns
        width = self.spare + spare + 2 * obs_dim
        self.clocks = np.zeros((4, n_lanes), np.int64)
        self.position, self.count, self.stored, self.owed = self.clocks
        self._tag_type = np.int32 if dtype is np.float32 else np.int64
        self._take(np.empty((n_lanes, min(FIRST_ROWS, capacity), width), dtype))

    def _take(self, rows: np.ndarray) -> None:
        self.rows = rows
        self.tags = rows.view(self._tag_type)

    def _grow(self, needed: int) -> None:
        """Room for `needed` rows a lane. Doubling; the ring has not wrapped yet, so rows keep their places."""
        size = self.rows.shape[1]
        if needed <= size or size == self.capacity:
            return
        while size < needed:
            size *= 2
        rows = np.empty((self.rows.shape[0], min(size, self.capacity), self.rows.shape[2]), self.rows.dtype)
        rows[:, : self.rows.shape[1]] = self.rows
        self._take(rows)

    def add(self, obs, action, reward, next_obs, next_legal, terminated, valid) -> int:
        """Store where valid (shapes as Lanes.add); returns a lane whose reward is not finite, or -1."""
        self._grow(int(self.count.max(initial=0)) + obs.shape[1])
        return _store(
            self.rows,
            self.tags,
            self.clocks,
            self.capacity,
            self.warmup,
            self.every,
            obs,
            np.ascontiguousarray(action, dtype=np.int64),
            np.ascontiguousarray(reward, dtype=self.rows.dtype),
            next_obs,
            next_legal,
            np.ascontiguousarray(terminated, dtype=np.bool_),
            valid,
        )

    def sample(self, lanes: np.ndarray, batch: int, keys: np.ndarray, updates: np.ndarray) -> Batch:
        """`batch` different transitions of each of these lanes (int64 [k]), for learning step number updates[lane] of
        each.
        """
        return self.take(lanes, self.evenly(lanes, batch, keys, updates))

    def evenly(self, lanes: np.ndarray, batch: int, keys: np.ndarray, updates: np.ndarray) -> np.ndarray:
        """The rows of such a batch, int64 [k, batch]."""
        chosen = np.empty((lanes.size, batch), np.int64)
        draw_evenly(self.count, keys, updates, lanes, chosen, np.empty(hash_size(batch), np.int64))
        return chosen

    def take(self, lanes: np.ndarray, chosen: np.ndarray) -> Batch:
        """Rows chosen [k, M] of these lanes (int64 [k])."""
        k, batch = chosen.shape
        out = Batch(
            lanes,
            np.empty((k, batch, self.obs_dim), np.float32),
            np.empty((k, batch), np.int64),
            np.empty((k, batch), np.float32),
            np.empty((k, batch, self.obs_dim), np.float32),
            np.empty((k, batch, self.n_actions), np.bool_),
            np.empty((k, batch), np.bool_),
        )
        gather(self.rows, self.tags, chosen, *out)
        return out

    def clear(self, lanes: np.ndarray) -> None:
        """Forget the transitions of these lanes (bool [L] or indices)."""
        self.position[lanes] = 0
        self.count[lanes] = 0

    def used(self) -> np.ndarray:
        """A copy of the rows that hold transitions, [L, n, R], zero where a lane holds fewer than n."""
        n = int(self.count.max(initial=0))
        return np.where(np.arange(n)[None, :, None] < self.count[:, None, None], self.rows[:, :n], 0)

    def restore(self, rows: np.ndarray) -> None:
        """Take over rows that `used` gave."""
        self._grow(rows.shape[1])
        self.rows[:, : rows.shape[1]] = rows
