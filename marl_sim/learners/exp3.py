"""Exp3 in lanes: a bandit that trusts no pattern in what it is paid."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numba
import numpy as np

from .base import HeadSpec
from .table_steps import Waiting, done, soft_policy
from .tables import OnceLanes, TableLearner, check_share


@dataclass(frozen=True, kw_only=True)
class Exp3(TableLearner):
    """Exponential weights for adversarial bandits (Auer, Cesa-Bianchi, Freund & Schapire 2002), one bandit a state.

        p(a)    = (1 - epsilon) * w(s, a) / sum_b w(s, b) + epsilon / K         over the K legal actions
        x       = (r - low) / (high - low)                                      from 0 to 1
        w(s, a) <- w(s, a) * exp(epsilon * x / (K * p(a)))                      for the action taken only

    Whatever the payoffs do, after T decisions in a state the best action by itself would have brought at most
    (e - 1) * epsilon * G + K ln K / epsilon more on average, G being what it brings (Theorem 3.1).

    The reward is that of the decision; what comes after does not count. Transitions that arrive together are weighted
    by the chances before any of them is learned: exactly those of the draw where rewards arrive before the next
    decision, and one decision younger where a decision is closed by the next one (credit "next"). What was legal is
    taken from when the state was last decided in.

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


@numba.njit(cache=True, nogil=True)
def _learn(table, known, w, updates, losses, epsilon, low, high):
    policy, rise = np.empty(table.shape[2]), np.empty(w.state.shape[1])
    for lane in range(table.shape[0]):
        for i in range(w.owed[lane]):
            state, action = w.state[lane, i], w.action[lane, i]
            count = soft_policy(table[lane, state], known[lane, state], action, policy)
            chance = (1 - epsilon) * policy[action] + epsilon / count
            rise[i] = epsilon / count * (w.reward[lane, i] - low) / (high - low) / chance
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

    def _store(self, obs, action, reward, next_obs, next_legal, terminated, valid, next_action, others) -> int:
        low, high = self.options.payoffs
        beyond = valid & np.isfinite(reward) & ((np.asarray(reward) < low) | (np.asarray(reward) > high))
        if beyond.any():
            lane, world = np.argwhere(beyond)[0]
            raise ValueError(
                f"Lane {lane} of head {self.spec.name!r} got a reward of {np.asarray(reward)[lane, world]}; "
                f"Exp3.payoffs allows {low} to {high}."
            )
        return super()._store(obs, action, reward, next_obs, next_legal, terminated, valid, next_action, others)

    def _update(self, w: Waiting) -> int:
        return _learn(
            self.table, self.legal, w, self.updates, self._losses, self.options.epsilon, *self.options.payoffs
        )


Exp3.lanes = Exp3Lanes
