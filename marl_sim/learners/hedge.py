"""Hedge in lanes: exponential weights over own actions, each paid what it would have been paid."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .base import check_positive
from .table_steps import look_up
from .watching import Watcher, WatchingLanes


@dataclass(frozen=True, kw_only=True)
class Hedge(Watcher):
    """Exponential weights with full information (Freund & Schapire 1997), state by state.

        M(a, o)  = mean reward of the own action a against the others' joint action o in s so far; `init` where they
                   never met
        G(s, a)  = sum over all joint actions o that the others chose in s so far: M(a, o)
        p(a | s) = exp(rate * G(s, a)) / sum_b exp(rate * G(s, b))        over legal b

    Hedge wants to know what every action would have been paid. A player learns that only of the action it took, so
    here the others' action is watched, and what one's other actions get against it is taken from M as it now stands:
    where a mean improves, the past is reckoned anew. Where payoffs depend on the joint action alone, this is Hedge
    itself once every pair has been met, and after T decisions in a state the best action by itself would have brought
    at most ln K / rate + rate * T * R^2 / 8 more on average, R being the range of payoffs.

    The reward is that of the decision; what comes after does not count. `values` are the chances p.
    Tables: M [L, S, A, O] and G [L, S, A] with O = A ** others.
    """

    rate: float = 0.1  # step size, per unit of payoff; the bound is least at sqrt(8 ln K / T) / R

    def check(self) -> None:
        super().check()
        check_positive("Hedge.rate", self.rate)


class HedgeLanes(WatchingLanes):
    """L Hedge players. `table` is G."""

    options: Hedge
    mixed = True

    def _read(self, lanes: slice, states: np.ndarray, deciding: np.ndarray, scores: np.ndarray) -> None:
        look_up(self.table[lanes], states, deciding, scores)
        scores[deciding] *= self.options.rate


Hedge.lanes = HedgeLanes
