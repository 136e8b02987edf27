"""Replay memory of sequences: steps of a world in their order, for learners with memory and for whole teams.

A sequence is up to `length` steps of one world, all of one episode: what each of k agents saw and did, what they were
paid, and what they saw after the last step. It is built step by step and stored when it is full or cut short. Agents
may leave before the others: `here` says who still counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import torch

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import mix

from .draws import hash_size, subset
from .samples import whole

FIRST_ROWS = 64
FINE = -1
NAMES = ("obs", "legal", "here", "action", "reward", "memory")


class Batch(NamedTuple):
    """M sequences of some lanes, T steps each, and what was seen after them.

    lanes int64 [K]: whose they are; obs float32 [K, M, T + 1, k, D]; legal bool [K, M, T + 1, k, A]; here bool [K, M,
    T + 1, k]; action int64 [K, M, T, k]; reward float32 [K, M, T]; memory float32 [K, M, k, H], before the first step;
    weight float32 [K, M, T]: what a step counts in the loss, 1 over the number of steps, 0 for padding.
    """

    lanes: torch.Tensor
    obs: torch.Tensor
    legal: torch.Tensor
    here: torch.Tensor
    action: torch.Tensor
    reward: torch.Tensor
    memory: torch.Tensor
    weight: torch.Tensor


@kernel
def _add(building, kept, steps, at, worth, clocks, rule, step, after, memory_now, where, close, counts):
    """One step of the worlds where `where`; finished sequences go into their lane's ring.

    building, kept: arrays as NAMES, of the sequences that grow and of the rings. Returns a lane whose reward is not
    finite, or -1.
    """
    capacity, warmup, every = rule
    obs_now, legal_now, here_now, action_now, reward_now = step
    obs_next, legal_next, here_next = after
    obs, legal, here, action, reward, memory = building
    length = reward.shape[2]
    for lane in range(where.shape[0]):
        for b in range(where.shape[1]):
            if not where[lane, b]:
                continue
            if not np.isfinite(reward_now[lane, b]):
                return lane
            n = at[lane, b]
            if n == 0:
                memory[lane, b] = memory_now[lane, b]
                worth[lane, b] = False
            worth[lane, b] |= counts[lane, b]
            obs[lane, b, n], legal[lane, b, n] = obs_now[lane, b], legal_now[lane, b]
            here[lane, b, n], action[lane, b, n] = here_now[lane, b], action_now[lane, b]
            reward[lane, b, n] = reward_now[lane, b]
            at[lane, b] = n + 1
            if n + 1 < length and not close[lane, b]:
                continue
            obs[lane, b, n + 1], legal[lane, b, n + 1] = obs_next[lane, b], legal_next[lane, b]
            here[lane, b, n + 1] = here_next[lane, b]
            at[lane, b] = 0
            if not worth[lane, b]:
                continue
            row = clocks[0, lane]
            steps[lane, row] = n + 1
            kept[0][lane, row], kept[1][lane, row], kept[2][lane, row] = obs[lane, b], legal[lane, b], here[lane, b]
            kept[3][lane, row], kept[4][lane, row] = action[lane, b], reward[lane, b]
            kept[5][lane, row] = memory[lane, b]
            clocks[0, lane] = (row + 1) % capacity
            clocks[1, lane] = min(clocks[1, lane] + 1, capacity)
            clocks[2, lane] += 1
            if clocks[1, lane] >= warmup and clocks[2, lane] % every == 0:
                clocks[3, lane] += 1
    return FINE


@kernel
def _draw(keys, updates, count, lanes, chosen, seen):
    """Different sequences for each of some lanes, from the lane's own stream."""
    for k in range(lanes.size):
        lane = lanes[k]
        subset(mix(keys[lane], updates[lane]), count[lane], chosen[k], seen)


class Sequences:
    """A ring of `capacity` sequences for each of L lanes, and one that grows in each of a lane's worlds.

    Every `every`-th stored sequence owes its lane one learning step, once the lane holds `warmup` sequences.
    """

    def __init__(
        self, n_lanes: int, team: int, obs_dim: int, n_actions: int, length: int, memory: int,
        capacity: int, warmup: int, every: int,
    ) -> None:  # fmt: skip
        self.n_lanes, self.length, self.capacity = n_lanes, length, capacity
        self._rule = capacity, warmup, every
        t, k = length, team
        self._shapes = dict(obs=(t + 1, k, obs_dim), legal=(t + 1, k, n_actions), here=(t + 1, k), action=(t, k),
                            reward=(t,), memory=(k, memory))  # fmt: skip
        self.clocks = np.zeros((4, n_lanes), np.int64)
        self.position, self.count, self.stored, self.owed = self.clocks
        rows = min(FIRST_ROWS, capacity)
        self.kept, self.steps = self._arrays(rows), np.zeros((n_lanes, rows), np.int64)
        self.prepare(0)

    def _arrays(self, columns: int) -> tuple[np.ndarray, ...]:
        types = dict(legal=np.bool_, here=np.bool_, action=np.int64)
        return tuple(
            np.zeros((self.n_lanes, columns, *self._shapes[name]), types.get(name, np.float32)) for name in NAMES
        )

    def _grow(self, needed: int) -> None:
        """Room for so many sequences. Doubling; the ring has not wrapped yet, so sequences keep their places."""
        size = n = self.steps.shape[1]
        if needed <= n or n == self.capacity:
            return
        while size < needed:
            size *= 2
        size = min(size, self.capacity)
        kept, steps = self._arrays(size), np.zeros((self.n_lanes, size), np.int64)
        steps[:, :n] = self.steps
        for new, old in zip(kept, self.kept):
            new[:, :n] = old
        self.kept, self.steps = kept, steps

    def prepare(self, worlds: int) -> None:
        """Begin to build in so many worlds a lane."""
        self.building = self._arrays(worlds)
        self.at = np.zeros((self.n_lanes, worlds), np.int64)
        self.worth = np.zeros((self.n_lanes, worlds), np.bool_)

    def add(
        self,
        where: np.ndarray,
        step: tuple[np.ndarray, ...],
        after: tuple[np.ndarray, ...],
        memory: np.ndarray,
        close: np.ndarray,
        counts: np.ndarray,
    ) -> int:
        """A step of the worlds where `where` (bool [L, B]); returns a lane whose reward is not finite, or -1.

        step: obs float32 [L, B, k, D], legal bool [L, B, k, A], here bool [L, B, k], action int64 [L, B, k], reward
        float64 [L, B]; after: obs, legal and here, used where the sequence ends; memory float32 [L, B, k, H] before
        the step; close bool [L, B]: the sequence ends with it; counts bool [L, B]: makes the sequence worth storing.
        """
        self._grow(int(self.count.max(initial=0)) + where.shape[1])
        return _add(
            self.building, self.kept, self.steps, self.at, self.worth, self.clocks, self._rule,
            step, after, memory, where, close, counts,
        )  # fmt: skip

    def sample(
        self, lanes: np.ndarray, batch: int, keys: np.ndarray, updates: np.ndarray, device: torch.device
    ) -> Batch:
        """`batch` different sequences of each of these lanes (int64 [K]), for learning step number updates[lane].

        Filled up with sequences of weight 0 to a whole number of `samples.WHOLE`, so that no loop spans two lanes.
        """
        chosen = np.zeros((lanes.size, batch), np.int64)
        _draw(keys, updates, self.count, lanes, chosen, np.empty(hash_size(batch), np.int64))
        chosen = np.pad(chosen, ((0, 0), (0, whole(batch) - batch)))
        rows = lanes[:, None], chosen
        steps = self.steps[rows]
        steps[:, batch:] = 0
        share = (1 / steps.sum(1)).astype(np.float32)
        weight = np.where(np.arange(self.length) < steps[..., None], share[:, None, None], np.float32(0))
        taken = (lanes, *(array[rows] for array in self.kept), weight)
        return Batch(*(torch.from_numpy(array).to(device) for array in taken))

    # -- saving --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """Copies of everything but the clocks, by name; second dimensions are sequences, or worlds."""
        n = int(self.count.max(initial=0))
        there = np.arange(n) < self.count[:, None]
        found = {"rows_steps": np.where(there, self.steps[:, :n], 0)}
        for name, ring, grows in zip(NAMES, self.kept, self.building):
            mine = there.reshape(there.shape + (1,) * (ring.ndim - 2))
            found[f"rows_{name}"] = np.where(mine, ring[:, :n], np.zeros((), ring.dtype))
            found[f"growing_{name}"] = grows.copy()
        return {**found, "growing_at": self.at.copy(), "growing_worth": self.worth.copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave; the clocks are restored by whoever kept them."""
        n = state["rows_steps"].shape[1]
        self._grow(n)
        self.prepare(state["growing_at"].shape[1])
        self.steps[:, :n] = state["rows_steps"]
        for name, ring, grows in zip(NAMES, self.kept, self.building):
            ring[:, :n], grows[...] = state[f"rows_{name}"], state[f"growing_{name}"]
        self.at[...], self.worth[...] = state["growing_at"], state["growing_worth"]
