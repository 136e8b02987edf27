"""Tabular Q-learning in lanes: one table per agent and head, updated one transition at a time by a compiled loop."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numba
import numpy as np

from marl_sim.core.rng import mix

from .base import HeadSpec, Learner, TransitionLanes, check_count
from .buffers import WORD, Replay
from .draws import fill_uniform, hash_size, subset
from .schedules import Schedule, check_rate

MAX_STATES = 1 << 24


@dataclass(frozen=True, kw_only=True)
class TabularQ(Learner):
    """Q-learning with a table (Watkins 1989).

        Q(s, a) <- Q(s, a) + alpha * (r + gamma * max_a' Q(s', a') - Q(s, a))

    over legal a', without bootstrap where the game terminated.

    Without `replay` every stored transition is learned once, in order. With `replay` each stored transition calls for
    one minibatch of that many different remembered transitions, taken one after the other. Needs an index-coded
    observation (`levels` of the head).

    With alpha="1/n" a value is the plain mean of its targets so far: with gamma = 0 the sample mean of the rewards,
    whose error falls as one over the root of the number of samples, where a constant alpha leaves a noise of
    sqrt(alpha / (2 - alpha)) standard deviations for ever.
    """

    alpha: float | Literal["1/n"] = 0.01  # step size, above 0 to 1; "1/n": one over how often the pair was learned
    gamma: float = 0.99  # discount, 0 to 1
    epsilon: float | Schedule = 0.1  # share of random actions
    init: float | Literal["uniform"] = 0.0  # starting values; "uniform": U(0, 1)
    replay: int | None = None  # transitions in a minibatch; None: learn each transition once, as it comes
    memory: Literal["ring", "episode"] = "episode"  # replay draws from this episode, or the last `buffer` transitions
    buffer: int = 131072  # transitions a lane remembers for replay

    def check(self) -> None:
        if self.alpha != "1/n" and not (isinstance(self.alpha, int | float) and 0 < self.alpha <= 1):
            raise ValueError(f"TabularQ.alpha is {self.alpha!r}; it must be a number above 0 and at most 1, or '1/n'.")
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"TabularQ.gamma is {self.gamma!r}; it must be a number from 0 to 1.")
        check_count("TabularQ.buffer", self.buffer)
        if self.init != "uniform" and not (isinstance(self.init, (int, float)) and math.isfinite(self.init)):
            raise ValueError(f"TabularQ.init is {self.init!r}; it must be a finite number or 'uniform'.")
        if self.replay is not None and not 1 <= self.replay <= self.buffer:
            raise ValueError(
                f"TabularQ.replay is {self.replay!r}; it must be None or from 1 to buffer, which is {self.buffer}."
            )
        if self.memory not in ("ring", "episode"):
            raise ValueError(f"TabularQ.memory is {self.memory!r}; it must be 'ring' or 'episode'.")
        check_rate("TabularQ.epsilon", self.epsilon)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> TabularLanes:
        if device != "cpu":
            raise ValueError(f"TabularQ got device {device!r}; tables live on the cpu.")
        return TabularLanes(self.for_head(spec.name), spec, seeds, team_index)


@numba.njit(cache=True, nogil=True)
def _states(obs, flag, levels, states):
    """Number index-coded observations where flagged; returns a lane with an impossible one, or -1."""
    for lane in range(obs.shape[0]):
        for b in range(obs.shape[1]):
            state = 0
            if flag[lane, b]:
                for d in range(levels.size):
                    index = obs[lane, b, d]
                    if not (0 <= index < levels[d] and index == np.floor(index)):
                        return lane
                    state = state * levels[d] + int(index)
            states[lane, b] = state
    return -1


@numba.njit(cache=True, nogil=True)
def _look_up(table, states, deciding, values):
    for lane in range(states.shape[0]):
        for b in range(states.shape[1]):
            if deciding[lane, b]:
                for a in range(table.shape[2]):
                    values[lane, b, a] = table[lane, states[lane, b], a]


@numba.njit(cache=True, nogil=True)
def _learn_one(q, visits, row, tag, alpha, gamma):
    """One transition into the table q [S, A]; row as in `buffers` with D = 1. Returns the squared error halved.

    A step size of 0 stands for one over the visits [S, A] of the pair.
    """
    state, action = int(row[row.size - 2]), tag[1] >> 1
    best, found = 0.0, False
    if tag[1] & 1 == 0:
        after = int(row[row.size - 1])
        for a in range(q.shape[1]):
            if (tag[2 + a // WORD] >> (a % WORD)) & 1 and (not found or q[after, a] > best):
                best, found = q[after, a], True
    error = row[0] + gamma * best - q[state, action]
    if alpha == 0.0:
        visits[state, action] += 1
        q[state, action] += error / visits[state, action]
    else:
        q[state, action] += alpha * error
    return 0.5 * error * error


@numba.njit(cache=True, nogil=True)
def _learn(table, visits, rows, tags, clocks, keys, updates, losses, alpha, gamma, replay, chosen, seen):
    """Do the steps each lane owes; returns the lane whose loss is not finite, or -1."""
    for lane in range(table.shape[0]):
        while clocks[3, lane] > 0:
            loss = 0.0
            if replay:
                subset(mix(keys[lane], updates[lane]), clocks[1, lane], chosen, seen)
                for i in range(chosen.size):
                    loss += (
                        _learn_one(
                            table[lane], visits[lane], rows[lane, chosen[i]], tags[lane, chosen[i]], alpha, gamma
                        )
                        / chosen.size
                    )
            else:
                at = clocks[1, lane] - clocks[3, lane]
                loss = _learn_one(table[lane], visits[lane], rows[lane, at], tags[lane, at], alpha, gamma)
            clocks[3, lane] -= 1
            losses[lane] = loss
            if not np.isfinite(loss):
                return lane
            updates[lane] += 1
        if not replay:
            clocks[0, lane] = clocks[1, lane] = 0
    return -1


class TabularLanes(TransitionLanes):
    """L tables: `table` float64 [L, S, A], S the product of the head's levels (the first column counts slowest)."""

    options: TabularQ

    def __init__(self, options: TabularQ, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        if spec.levels is None:
            raise ValueError(
                f"TabularQ needs an index-coded observation, but head {spec.name!r} has one-hot or real-valued "
                "columns; give the game encode='index', and only fields of whole numbers."
            )
        n_states = math.prod(spec.levels)
        if n_states > MAX_STATES:
            raise ValueError(
                f"TabularQ would need {n_states} states for head {spec.name!r}; at most {MAX_STATES} are allowed."
            )
        super().__init__(options, spec, seeds, team_index)
        self._levels = np.array(spec.levels, np.int64)
        self.table = np.full(
            (self.n_lanes, n_states, spec.n_actions), 0.0 if options.init == "uniform" else float(options.init)
        )
        if options.init == "uniform":
            fill_uniform(self.keys["init"], self.table.reshape(self.n_lanes, -1))
        counted = self.table.shape if options.alpha == "1/n" else (self.n_lanes, 0, 0)
        self.visits = np.zeros(counted, np.int64)  # how often each pair was learned, where that sets the step size
        self._values = np.zeros((self.n_lanes, 0, spec.n_actions))

    def _memory(self) -> Replay:
        o = self.options
        return Replay(self.n_lanes, 1, self.spec.n_actions, o.buffer, o.replay or 1, 1, np.float64)

    def _number(self, obs: np.ndarray, flag: np.ndarray) -> np.ndarray:
        states = np.empty(flag.shape, np.int64)
        bad = _states(obs, flag, self._levels, states)
        if bad >= 0:
            raise ValueError(
                f"Lane {bad} of head {self.spec.name!r} observed something that is no index; "
                f"column i must hold 0 to levels[i] - 1, levels {self.spec.levels}."
            )
        return states

    def values(self, obs: np.ndarray, deciding: np.ndarray | None = None) -> np.ndarray:
        if deciding is None:
            deciding = np.ones(obs.shape[:2], np.bool_)
        if self._values.shape[:2] != deciding.shape:
            self._values = np.zeros((*deciding.shape, self.spec.n_actions))
        _look_up(
            self.table, self._number(np.ascontiguousarray(obs, dtype=np.float32), deciding), deciding, self._values
        )
        return self._values

    def _store(self, obs, action, reward, next_obs, next_legal, terminated, valid) -> int:
        now = self._number(obs, valid)[:, :, None].astype(np.float64)
        after = self._number(next_obs, valid & ~np.asarray(terminated))[:, :, None].astype(np.float64)
        if self.options.replay is None and int(self.replay.count.max()) + valid.shape[1] > self.options.buffer:
            raise ValueError(
                f"Head {self.spec.name!r} has {self.options.buffer} transitions waiting; "
                "call learn() before adding more."
            )
        return self.replay.add(now, action, reward, after, next_legal, terminated, valid)

    def learn(self) -> dict[str, np.ndarray]:
        before = self._begin()
        memory, size = self.replay, self.options.replay or 1
        chosen, seen = np.empty(size, np.int64), np.empty(hash_size(size), np.int64)
        alpha = 0.0 if self.options.alpha == "1/n" else self.options.alpha
        bad = _learn(
            self.table, self.visits, memory.rows, memory.tags, memory.clocks, self.keys["replay"], self.updates,
            self._losses, alpha, self.options.gamma, self.options.replay is not None, chosen, seen,
        )  # fmt: skip
        return self._report(before, bad)

    def end_episode(self, lanes: np.ndarray | None = None) -> None:
        if self.options.replay is not None:
            super().end_episode(lanes)

    def export(self, lane: int) -> np.ndarray:
        """A copy of one agent's table, float64 [S, A]."""
        return self.table[lane].copy()

    def _state(self) -> dict[str, np.ndarray]:
        return {**super()._state(), "table": self.table, "visits": self.visits}
