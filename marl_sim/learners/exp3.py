"""Exp3 in lanes: a bandit that trusts no pattern in what it is paid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ..core.kernels import kernel
from .base import HeadSpec
from .buffers import Replay
from .table_steps import Waiting, done, soft_policy
from .tables import MAX_WAITING, OnceLanes, TableLearner, check_share


@dataclass(frozen=True, kw_only=True)
class Exp3(TableLearner):
    """Exponential weights for adversarial bandits (Auer, Cesa-Bianchi, Freund & Schapire 2002), one bandit a state.

        p(a)    = (1 - epsilon) * w(s, a) / sum_b w(s, b) + epsilon / K         over the K legal actions
        x       = (r - low) / (high - low)                                      from 0 to 1
        w(s, a) <- w(s, a) * exp(epsilon * x / (K * p(a)))                      for the action taken only

    Whatever the payoffs do, after T decisions in a state the best action by itself would have brought at most
    (e - 1) * epsilon * G + K ln K / epsilon more on average, G being what it brings (Theorem 3.1).

    The reward is that of the decision; what comes after does not count. p is that of the draw, kept with the decision;
    transitions that arrive without it are weighted by the chances before any of them is learned, over what was legal
    when the state was last decided in.

    `values` are the chances w / sum w, before the share of exploration. The loss reported is 1 - x. Table: ln w
    [L, S, A], 0 at the start. Raises ValueError at a reward outside `payoffs`.
    """

    epsilon: float = 0.1  # share of random actions, and the step size: gamma in the paper; above 0 to 1
    payoffs: tuple[float, float] = (0.0, 1.0)  # the lowest and the highest reward there is

    def check(self) -> None:
        check_share("Exp3.epsilon", self.epsilon, open_below=True)
        if len(self.payoffs) != 2 or not -math.inf < self.payoffs[0] < self.payoffs[1] < math.inf:
            raise ValueError(f"Exp3.payoffs is {self.payoffs!r}; it must be two finite numbers, the lower one first.")
        object.__setattr__(self, "payoffs", tuple(self.payoffs))


@kernel
def _weigh(table, states, legal, deciding, actions, epsilon, weighed):
    """weighed [L, B] = K * p of the actions [L, B] just drawn in these states, where deciding."""
    policy = np.empty(table.shape[2])
    for lane in range(states.shape[0]):
        for b in range(states.shape[1]):
            if deciding[lane, b]:
                action = actions[lane, b]
                count = soft_policy(table[lane, states[lane, b]], legal[lane, b], action, policy)
                weighed[lane, b] = count * (1 - epsilon) * policy[action] + epsilon


@kernel
def _keep(rows, column, first, valid, weighed):
    """Write K * p of valid transitions into their rows, which come after the first [L]."""
    for lane in range(valid.shape[0]):
        at = first[lane]
        for b in range(valid.shape[1]):
            if valid[lane, b]:
                rows[lane, at, column] = weighed[lane, b]
                at += 1


@kernel
def _learn(table, known, w, weighed, updates, losses, epsilon, low, high):
    policy, rise = np.empty(table.shape[2]), np.empty(w.state.shape[1])
    for lane in range(table.shape[0]):
        for i in range(w.owed[lane]):
            state, action = w.state[lane, i], w.action[lane, i]
            share = weighed[lane, i]
            if np.isnan(share):
                count = soft_policy(table[lane, state], known[lane, state], action, policy)
                share = count * (1 - epsilon) * policy[action] + epsilon
            rise[i] = epsilon * (w.reward[lane, i] - low) / (high - low) / share
        for i in range(w.owed[lane]):
            table[lane, w.state[lane, i], w.action[lane, i]] += rise[i]
            if not done(updates, losses, lane, (high - w.reward[lane, i]) / (high - low)):
                return lane
    return -1


class Exp3Lanes(OnceLanes):
    """L times S adversarial bandits."""

    options: Exp3
    mixed, recalls = True, True

    def __init__(self, options: Exp3, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.table = self._started(0.0)
        self.weighed = np.full((self.n_lanes, 0), np.nan)

    def _memory(self) -> Replay:
        return Replay(self.n_lanes, 2, self.spec.n_actions, MAX_WAITING, 1, 1, np.float64, spare=1)

    def act(self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool = False) -> np.ndarray:
        actions = super().act(obs, legal, deciding, greedy)
        if not greedy:
            obs, legal, deciding = self._arrays(obs, legal, deciding)
            self.weighed = np.full(deciding.shape, np.nan)
            states = self._number(obs, deciding)
            _weigh(self.table, states, legal, deciding, actions, self.options.epsilon, self.weighed)
        return actions

    def _store(self, obs, action, reward, next_obs, next_legal, terminated, valid, next_action, others) -> int:
        low, high = self.options.payoffs
        beyond = valid & np.isfinite(reward) & ((np.asarray(reward) < low) | (np.asarray(reward) > high))
        if beyond.any():
            lane, world = np.argwhere(beyond)[0]
            raise ValueError(
                f"Lane {lane} of head {self.spec.name!r} got a reward of {np.asarray(reward)[lane, world]}; "
                f"Exp3.payoffs allows {low} to {high}."
            )
        first = self.replay.count.copy()
        bad = super()._store(obs, action, reward, next_obs, next_legal, terminated, valid, next_action, others)
        weighed = np.full(valid.shape, np.nan) if self._weighed is None else self._weighed
        _keep(self.replay.rows, self.replay.spare, first, valid, np.ascontiguousarray(weighed, dtype=np.float64))
        return bad

    def _update(self, w: Waiting) -> int:
        weighed = self.replay.rows[:, : w.state.shape[1], self.replay.spare]
        return _learn(
            self.table, self.legal, w, weighed, self.updates, self._losses, self.options.epsilon, *self.options.payoffs
        )


Exp3.lanes = Exp3Lanes
