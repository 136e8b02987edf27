"""Fictitious play in lanes: the best reply to what the others did so far."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .base import HeadSpec, check_positive
from .schedules import Schedule
from .watching import Watcher, WatchingLanes


@dataclass(frozen=True, kw_only=True)
class FictitiousPlay(Watcher):
    """Best reply to the others' empirical play (Brown 1951), state by state, for any number of players.

        f(o | s) = how often the others chose the joint action o in s, as a share
        M(a, o)  = mean reward of the own action a against o in s so far; `init` where they never met
        U(s, a)  = sum_o f(o | s) * M(a, o)
        choice     argmax U over legal actions, ties at random; with a temperature, drawn from exp(U / temperature):
                   smooth fictitious play (Fudenberg & Kreps 1993)

    Brown's players know their payoffs; these learn them as they go. A share epsilon of random actions, or an `init`
    above all payoffs, makes sure that every pair is met. f is of the others' joint actions, not a product of their
    own shares, so it sees whether they act together. A reward is that of the decision; what comes after does not count.

    `values` are U, or with a temperature the chances of the smooth reply.
    Tables: M [L, S, A, O] and counts [L, S, O] with O = A ** others.
    """

    temperature: float = 0.0  # 0: best reply; above: noise of the reply, in units of payoff
    epsilon: float | Schedule = 0.05  # share of random actions

    def check(self) -> None:
        super().check()
        check_positive("FictitiousPlay.temperature", self.temperature, zero=True)


class FictitiousLanes(WatchingLanes):
    """L fictitious players."""

    options: FictitiousPlay

    def __init__(self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.mixed = options.temperature > 0

    def _read(self, lanes: slice, states: np.ndarray, deciding: np.ndarray, scores: np.ndarray) -> None:
        super()._read(lanes, states, deciding, scores)
        if self.mixed:
            scores[deciding] /= self.options.temperature


FictitiousPlay.lanes = FictitiousLanes
