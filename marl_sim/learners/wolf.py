"""WoLF policy hill-climbing in lanes: win or learn fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import mix

from .base import HeadSpec, check_positive
from .draws import choose_one
from .schedules import Schedule
from .table_steps import Waiting, done, highest, move
from .tables import OnceLanes, TableLearner, check_share


@dataclass(frozen=True, kw_only=True)
class WoLFPHC(TableLearner):
    """Policy hill-climbing that learns fast while it loses and slowly while it wins (Bowling & Veloso 2002).

        Q(s, a)  <- Q(s, a) + alpha * (r + gamma * max_a' Q(s', a') - Q(s, a))     over legal a'
        C(s)     <- C(s) + 1
        mean(s)  <- mean(s) + (pi(s) - mean(s)) / C(s)                             the average policy
        d         = win  if pi(s) . Q(s) > mean(s) . Q(s)  else lose
        pi(s, b) <- pi(s, b) - min(pi(s, b), d / (K - 1))                          for each of the K legal b but the
                                                                                   best, which receives the sum

    without bootstrap where the game terminated. With `slows` = m both rates are divided by 1 + C(s) / m. With win equal
    to lose it is plain policy hill-climbing, which cycles where WoLF settles. Every transition is learned once, in
    order; ties for the best are broken at random. What was legal is taken from when the state was last decided in.

    Actions are drawn from pi, a share epsilon of them at random. `values` are the chances pi.
    Tables: Q, pi, mean [L, S, A], C [L, S]; pi and mean start uniform.
    """

    alpha: float | Literal["1/n"] = 0.1  # step size of Q, above 0 to 1; "1/n": one over how often the pair was learned
    gamma: float = 0.99  # discount, 0 to 1
    win: float = 0.0025  # how far a step moves the policy while it does better than its average, above 0 to 1
    lose: float = 0.01  # and while it does not, from win to 1
    slows: float | None = None  # visits of a state after which both rates are half as high; None: they stay
    epsilon: float | Schedule = 0.05  # share of random actions
    init: float | Literal["uniform"] = 0.0  # starting values of Q; "uniform": U(0, 1)

    def check(self) -> None:
        super().check()
        for name in ("win", "lose"):
            check_share(f"WoLFPHC.{name}", getattr(self, name), open_below=True)
        if self.win > self.lose:
            raise ValueError(f"WoLFPHC.win is {self.win!r}; it may not exceed lose, which is {self.lose!r}.")
        if self.slows is not None:
            check_positive("WoLFPHC.slows", self.slows)


@kernel
def _climb(q, policy, mean, legal, action, count, key, win, lose):
    """Move policy [A] and its average over `count` visits; legal bool [A], to which the action taken belongs."""
    ahead, n = 0.0, 0
    for b in range(q.size):
        mean[b] += (policy[b] - mean[b]) / count
        if legal[b] or b == action:
            ahead += (policy[b] - mean[b]) * q[b]
            n += 1
    best = choose_one(q, legal, 0.0, key, True)
    if best < 0 or q[action] > q[best]:
        best = action
    rate = win if ahead > 0 else lose
    for b in range(q.size):
        if b != best and (legal[b] or b == action):
            step = min(policy[b], rate / (n - 1))
            policy[b] -= step
            policy[best] += step


@kernel
def _learn(values, visits, policy, mean, counts, known, w, keys, updates, losses, alpha, gamma, win, lose, slowing):
    for lane in range(values.shape[0]):
        q = values[lane]
        for i in range(w.owed[lane]):
            state, action = w.state[lane, i], w.action[lane, i]
            value = 0.0 if w.terminated[lane, i] else highest(q[w.after[lane, i]], w.legal[lane, i])
            error = w.reward[lane, i] + gamma * value - q[state, action]
            move(q, visits[lane], state, action, error, alpha)
            counts[lane, state] += 1
            slower = 1.0 + counts[lane, state] * slowing
            key = mix(keys[lane], updates[lane])
            _climb(
                q[state], policy[lane, state], mean[lane, state], known[lane, state], action, counts[lane, state], key,
                win / slower, lose / slower,
            )  # fmt: skip
            if not done(updates, losses, lane, 0.5 * error * error):
                return lane
    return -1


@kernel
def _log_chances(policy, states, deciding, scores):
    for lane in range(states.shape[0]):
        for b in range(states.shape[1]):
            if deciding[lane, b]:
                for a in range(policy.shape[2]):
                    chance = policy[lane, states[lane, b], a]
                    scores[lane, b, a] = np.log(chance) if chance > 0 else -np.inf


class WoLFLanes(OnceLanes):
    """L hill-climbers. `table` float64 [L, S, A] is Q; `policy` and `mean` have its shape; `counts` int64 [L, S]."""

    options: WoLFPHC
    saved = ("table", "visits", "policy", "mean", "counts")
    mixed, recalls = True, True

    def __init__(self, options: WoLFPHC, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.table = self._started(options.init)
        self.visits = self._counters(self.table.shape)
        self.policy, self.mean = (self._started(1 / spec.n_actions) for _ in range(2))
        self.counts = np.zeros((self.n_lanes, self.n_states), np.int64)

    def _read(self, lanes: slice, states: np.ndarray, deciding: np.ndarray, scores: np.ndarray) -> None:
        _log_chances(self.policy[lanes], states, deciding, scores)

    def _update(self, w: Waiting) -> int:
        o = self.options
        return _learn(
            self.table, self.visits, self.policy, self.mean, self.counts, self.legal, w, self.keys["replay"],
            self.updates, self._losses, self._alpha, o.gamma, o.win, o.lose, 0.0 if o.slows is None else 1 / o.slows,
        )  # fmt: skip


WoLFPHC.lanes = WoLFLanes
