"""Returns of several steps: transitions that are put together, stream by stream, before they are stored."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from ..core.kernels import kernel


class Spans(NamedTuple):
    """Transitions over 1 to n steps, [L, B, n, ...], of which those count that are `valid`.

    reward float64: sum of gamma^j r_{t+j}; discount float64: gamma^m, m the number of steps; what came after the last.
    """

    obs: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    next_obs: np.ndarray
    next_legal: np.ndarray
    terminated: np.ndarray
    discount: np.ndarray
    valid: np.ndarray


@kernel
def _collect(waiting, many, gamma, given, ended, spans):
    """Take up a transition of each stream where it is valid, and give out the spans that it completes.

    waiting: obs [L, B, n, D], action, reward, discount [L, B, n], the oldest first, of which there are many [L, B].
    Returns a lane whose reward is not finite, or -1.
    """
    w_obs, w_action, w_reward, w_discount = waiting
    obs, action, reward, next_obs, next_legal, terminated, valid = given
    n = w_action.shape[2]
    for lane in range(valid.shape[0]):
        for b in range(valid.shape[1]):
            for i in range(n):
                spans.valid[lane, b, i] = False
            if not valid[lane, b]:
                continue
            if not np.isfinite(reward[lane, b]):
                return lane
            last = many[lane, b]
            w_obs[lane, b, last], w_action[lane, b, last] = obs[lane, b], action[lane, b]
            w_reward[lane, b, last], w_discount[lane, b, last] = 0.0, 1.0
            for i in range(last + 1):
                w_reward[lane, b, i] += w_discount[lane, b, i] * reward[lane, b]
                w_discount[lane, b, i] *= gamma
            there = last + 1
            over = terminated[lane, b] or ended[lane, b]
            out = there if over else (1 if there == n else 0)
            for i in range(out):
                spans.obs[lane, b, i], spans.action[lane, b, i] = w_obs[lane, b, i], w_action[lane, b, i]
                spans.reward[lane, b, i], spans.discount[lane, b, i] = w_reward[lane, b, i], w_discount[lane, b, i]
                spans.next_obs[lane, b, i], spans.next_legal[lane, b, i] = next_obs[lane, b], next_legal[lane, b]
                spans.terminated[lane, b, i], spans.valid[lane, b, i] = terminated[lane, b], True
            for i in range(out, there):
                w_obs[lane, b, i - out], w_action[lane, b, i - out] = w_obs[lane, b, i], w_action[lane, b, i]
                w_reward[lane, b, i - out], w_discount[lane, b, i - out] = w_reward[lane, b, i], w_discount[lane, b, i]
            many[lane, b] = there - out
    return -1


class Collector:
    """The last transitions of each stream, until n steps or the end of the episode complete them.

        R = r_t + gamma r_{t+1} + ... + gamma^(m-1) r_{t+m-1},   y = R + gamma^m max_a' Q_target(o_{t+m}, a')

    m = n, or fewer where the episode ends before: no bootstrap where the game terminated, and where a clock stopped it
    from what was last seen (Sutton & Barto 2018, section 7.1).
    """

    NAMES = ("obs", "action", "reward", "discount")

    def __init__(self, n_lanes: int, obs_dim: int, n_actions: int, steps: int, gamma: float) -> None:
        self._dims, self.steps, self.gamma = (n_lanes, obs_dim, n_actions), steps, gamma
        self.prepare(0)

    def prepare(self, streams: int) -> None:
        """Begin with so many streams a lane."""
        lanes, dim, n_actions = self._dims
        lead = lanes, streams, self.steps

        def zeros(*more: int, dtype: type = np.float64) -> np.ndarray:
            return np.zeros((*lead, *more), dtype)

        self.waiting = zeros(dim, dtype=np.float32), zeros(dtype=np.int64), zeros(), zeros()
        self.many = np.zeros((lanes, streams), np.int64)
        self._spans = Spans(
            zeros(dim, dtype=np.float32), zeros(dtype=np.int64), zeros(), zeros(dim, dtype=np.float32),
            zeros(n_actions, dtype=np.bool_), zeros(dtype=np.bool_), zeros(), zeros(dtype=np.bool_),
        )  # fmt: skip

    def add(self, given: tuple[np.ndarray, ...], truncated: np.ndarray | None) -> tuple[Spans, int]:
        """Spans completed by transitions (obs, action, reward, next_obs, next_legal, terminated, valid), [L, B, ...].

        Also a lane whose reward is not finite, or -1. The spans are reused.
        """
        valid = given[-1]
        if self.many.shape[1] != valid.shape[1]:
            self.prepare(valid.shape[1])
        ended = np.zeros_like(valid) if truncated is None else np.ascontiguousarray(truncated, dtype=np.bool_)
        bad = _collect(self.waiting, self.many, self.gamma, given, ended, self._spans)
        return self._spans, bad

    # -- saving --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """Copies of what waits, by name; zero beyond what there is."""
        found = {"many": self.many.copy()}
        there = np.arange(self.steps) < self.many[..., None]
        for name, array in zip(self.NAMES, self.waiting):
            mine = there.reshape(there.shape + (1,) * (array.ndim - 3))
            found[name] = np.where(mine, array, np.zeros((), array.dtype))
        return found

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave."""
        self.prepare(state["many"].shape[1])
        self.many[...] = state["many"]
        for name, array in zip(self.NAMES, self.waiting):
            array[...] = state[name]
