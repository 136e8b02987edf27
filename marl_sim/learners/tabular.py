"""Tabular Q-learning in lanes: one table per agent and head, updated one transition at a time by a compiled loop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import mix

from .base import HeadSpec
from .buffers import WORD, Replay
from .draws import hash_size, subset
from .schedules import Schedule
from .table_steps import move
from .tables import TableLanes, TableLearner


@dataclass(frozen=True, kw_only=True)
class TabularQ(TableLearner):
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
        super().check()
        if self.replay is not None and not 1 <= self.replay <= self.buffer:
            raise ValueError(
                f"TabularQ.replay is {self.replay!r}; it must be None or from 1 to buffer, which is {self.buffer}."
            )
        if self.memory not in ("ring", "episode"):
            raise ValueError(f"TabularQ.memory is {self.memory!r}; it must be 'ring' or 'episode'.")


@kernel
def _learn_one(q, visits, row, tag, alpha, gamma):
    """One transition into the table q [S, A]; row as in `buffers` with D = 1. Returns the squared error halved."""
    state, action = int(row[row.size - 2]), tag[1] >> 1
    best, found = 0.0, False
    if tag[1] & 1 == 0:
        after = int(row[row.size - 1])
        for a in range(q.shape[1]):
            if (tag[2 + a // WORD] >> (a % WORD)) & 1 and (not found or q[after, a] > best):
                best, found = q[after, a], True
    error = row[0] + gamma * best - q[state, action]
    move(q, visits, state, action, error, alpha)
    return 0.5 * error * error


@kernel
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


class TabularLanes(TableLanes):
    """L tables of Q-learning."""

    options: TabularQ
    saved = ("table", "visits")

    def __init__(self, options: TabularQ, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.table = self._started(options.init)
        self.visits = self._counters(self.table.shape)  # how often each pair was learned, where that sets the step

    def _memory(self) -> Replay:
        o = self.options
        return Replay(self.n_lanes, 1, self.spec.n_actions, o.buffer, o.replay or 1, 1, np.float64)

    def _store(self, obs, action, reward, next_obs, next_legal, terminated, valid, next_action, others) -> int:
        if self.options.replay is None:
            self._room(valid.shape[1])
        before = self._number(obs, valid)[:, :, None].astype(np.float64)
        after = self._number(next_obs, valid & ~np.asarray(terminated))[:, :, None].astype(np.float64)
        return self.replay.add(before, action, reward, after, next_legal, terminated, valid)

    def learn(self) -> dict[str, np.ndarray]:
        before = self._begin()
        memory, size = self.replay, self.options.replay or 1
        chosen, seen = np.empty(size, np.int64), np.empty(hash_size(size), np.int64)
        bad = _learn(
            self.table, self.visits, memory.rows, memory.tags, memory.clocks, self.keys["replay"], self.updates,
            self._losses, self._alpha, self.options.gamma, self.options.replay is not None, chosen, seen,
        )  # fmt: skip
        return self._report(before, bad)

    def end_episode(self, lanes: np.ndarray | None = None) -> None:
        if self.options.replay is not None:
            super().end_episode(lanes)


TabularQ.lanes = TabularLanes
