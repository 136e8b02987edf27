"""Tables of those who watch the others: what every joint action pays, and how often the others chose what.

Three learners stand on them, and differ in what they make of it: fictitious play, Hedge and joint-action learners.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..core.kernels import kernel
from .base import HeadSpec
from .table_steps import Waiting, done
from .tables import MAX_STATES, OnceLanes, TableLearner, check_finite


@dataclass(frozen=True, kw_only=True)
class Watcher(TableLearner, abstract=True):
    """Options of a learner that is told what the others did."""

    watches: ClassVar[bool] = True

    init: float = 0.0  # what a pair of own and others' actions is taken to be worth before it is met

    def check(self) -> None:
        super().check()
        check_finite(f"{type(self).__name__}.init", self.init)


@kernel
def _bootstrap(totals, seen, legal, start):
    """The best expected value of legal actions, from their totals [A] over `seen` joint actions of the others."""
    best, found = 0.0, False
    for a in range(totals.size):
        if legal[a]:
            value = totals[a] / seen if seen > 0 else start
            if not found or value > best:
                best, found = value, True
    return best


@kernel
def _learn(joint, tries, counts, totals, seen, w, updates, losses, alpha, gamma, start):
    """Move joint[s, a, o] towards r + gamma * (best expected value of s'), then count o.

    Keeps totals[s, a] = sum_o counts[s, o] * joint[s, a, o] as it goes. A step size of 0 stands for one over `tries`.
    """
    for lane in range(seen.shape[0]):
        for i in range(w.owed[lane]):
            s, a, o, after = w.state[lane, i], w.action[lane, i], w.others[lane, i], w.after[lane, i]
            value = 0.0
            if gamma > 0 and not w.terminated[lane, i]:
                value = _bootstrap(totals[lane, after], seen[lane, after], w.legal[lane, i], start)
            error = w.reward[lane, i] + gamma * value - joint[lane, s, a, o]
            if alpha == 0.0:
                tries[lane, s, a, o] += 1
                step = error / tries[lane, s, a, o]
            else:
                step = alpha * error
            joint[lane, s, a, o] += step
            totals[lane, s, a] += counts[lane, s, o] * step
            counts[lane, s, o] += 1
            seen[lane, s] += 1
            for b in range(totals.shape[2]):
                totals[lane, s, b] += joint[lane, s, b, o]
            if not done(updates, losses, lane, 0.5 * error * error):
                return lane
    return -1


@kernel
def _expect(totals, seen, start, states, deciding, values):
    """Expected values against the others as they were so far; `start` where nothing was seen."""
    for lane in range(states.shape[0]):
        for b in range(states.shape[1]):
            if deciding[lane, b]:
                s = states[lane, b]
                for a in range(totals.shape[2]):
                    values[lane, b, a] = totals[lane, s, a] / seen[lane, s] if seen[lane, s] > 0 else start


class WatchingLanes(OnceLanes):
    """L agents who watch the others.

    With O = A ** others joint actions of the others, numbered with the first of them slowest:
    joint float64 [L, S, A, O]: what own action and theirs are worth together. counts int64 [L, S, O]: how often they
    chose so. table float64 [L, S, A]: the worth of own actions, summed over all they chose so far. seen int64 [L, S].
    The options `alpha` and `gamma` are "1/n" and 0, the sample mean of the rewards, unless they name others.
    """

    saved: ClassVar[tuple[str, ...]] = ("table", "joint", "tries", "counts", "seen")

    def __init__(self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        joint = spec.n_actions**spec.others
        size = self.n_states * spec.n_actions * joint
        if size > MAX_STATES:
            raise ValueError(
                f"{type(options).__name__} would need {size} numbers for the joint actions of head {spec.name!r}; "
                f"at most {MAX_STATES} are allowed."
            )
        shape = (self.n_lanes, self.n_states, spec.n_actions, joint)
        self.joint = np.full(shape, float(options.init))
        self.table = self._started(0.0)
        self.counts = np.zeros((self.n_lanes, self.n_states, joint), np.int64)
        self.seen = np.zeros((self.n_lanes, self.n_states), np.int64)
        mean = getattr(options, "alpha", "1/n") == "1/n"
        self._step = 0.0 if mean else float(options.alpha)
        self.tries = np.zeros(shape if mean else (self.n_lanes, 0, 0, 0), np.int64)

    def _read(self, lanes: slice, states: np.ndarray, deciding: np.ndarray, scores: np.ndarray) -> None:
        _expect(self.table[lanes], self.seen[lanes], float(self.options.init), states, deciding, scores)

    def _update(self, w: Waiting) -> int:
        return _learn(
            self.joint, self.tries, self.counts, self.table, self.seen, w, self.updates, self._losses, self._step,
            float(getattr(self.options, "gamma", 0.0)), float(self.options.init),
        )  # fmt: skip
