"""SARSA and expected SARSA in lanes: the value of what one really does next, exploration included."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import mix

from .base import HeadSpec
from .draws import choose_one
from .schedules import Schedule
from .table_steps import Waiting, done, move
from .tables import OnceLanes, TableLearner


@dataclass(frozen=True, kw_only=True)
class SARSA(TableLearner):
    """On-policy learning with a table (Rummery & Niranjan 1994; named by Sutton 1996).

        Q(s, a) <- Q(s, a) + alpha * (r + gamma * Q(s', a') - Q(s, a))

    where a' is the action chosen in s', or one drawn anew from the agent's own epsilon-greedy policy over legal actions
    where that is not known; without bootstrap where the game terminated. Every transition is learned once, in order.

    So a value counts the cost of exploring later on, which TabularQ's does not. Table: Q [L, S, A].
    """

    alpha: float | Literal["1/n"] = 0.01  # step size, above 0 to 1; "1/n": one over how often the pair was learned
    gamma: float = 0.99  # discount, 0 to 1
    epsilon: float | Schedule = 0.1  # share of random actions
    init: float | Literal["uniform"] = 0.0  # starting values; "uniform": U(0, 1)


@dataclass(frozen=True, kw_only=True)
class ExpectedSARSA(SARSA):
    """SARSA with the mean over the next action in place of one draw (van Seijen, van Hasselt, Whiteson & Wiering 2009).

        Q(s, a) <- Q(s, a) + alpha * (r + gamma * sum_a' pi(a' | s') Q(s', a') - Q(s, a))

    with pi the epsilon-greedy policy over legal a', the best ones sharing 1 - epsilon; without bootstrap where the game
    terminated. The same values as SARSA with less noise. Table: Q [L, S, A].
    """


@kernel
def _mean(values, legal, epsilon):
    """What epsilon-greedy choice among the legal values [A] brings on average; 0 where no action is legal."""
    best, ties, total, count = -np.inf, 0, 0.0, 0
    for a in range(values.size):
        if legal[a]:
            total += values[a]
            count += 1
            if values[a] > best:
                best, ties = values[a], 1
            elif values[a] == best:
                ties += 1
    return (1 - epsilon) * best + epsilon * total / count if ties > 0 else 0.0


@kernel
def _learn(table, visits, w, keys, updates, losses, epsilon, alpha, gamma, expected):
    for lane in range(table.shape[0]):
        q = table[lane]
        for i in range(w.owed[lane]):
            state, action, after, legal = w.state[lane, i], w.action[lane, i], w.after[lane, i], w.legal[lane, i]
            value = 0.0
            if expected and not w.terminated[lane, i]:
                value = _mean(q[after], legal, epsilon[lane])
            elif not w.terminated[lane, i]:
                following = w.next_action[lane, i]
                if following < 0:
                    following = choose_one(q[after], legal, epsilon[lane], mix(keys[lane], updates[lane]), False)
                if following >= 0:
                    value = q[after, following]
            error = w.reward[lane, i] + gamma * value - q[state, action]
            move(q, visits[lane], state, action, error, alpha)
            if not done(updates, losses, lane, 0.5 * error * error):
                return lane
    return -1


class SARSALanes(OnceLanes):
    """L tables of SARSA, expected or not."""

    options: SARSA
    saved = ("table", "visits")

    def __init__(self, options: SARSA, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.table = self._started(options.init)
        self.visits = self._counters(self.table.shape)

    def _update(self, w: Waiting) -> int:
        # The stream that others draw minibatches from, at the number of the learning step: nothing is replayed here.
        return _learn(
            self.table, self.visits, w, self.keys["replay"], self.updates, self._losses, self.epsilon(),
            self._alpha, self.options.gamma, isinstance(self.options, ExpectedSARSA),
        )  # fmt: skip


SARSA.lanes = SARSALanes
