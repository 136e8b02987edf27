"""What a picture tells of the past: who met whom, who was paid what, and how each round went."""

from __future__ import annotations

import copy
import itertools
from typing import Any

import numpy as np

from ..core.game import Game
from .deeds import Deed, deeds, is_friendly
from .series import Series

_numbers = itertools.count()
SERIES = ("cooperation", "welfare", "equality", "punishment", "just share")


class Chronicle:
    """Takes in one world's steps, one after another.

    met [n, n]        how often two played with each other; chosen [n, n] how often one chose, sanctioned or fined the
                      other, where they can
    totals, paid [n]  rewards of this episode, and since the beginning
    choices           {kind of stage: how often each choice was made}
    last              {component: [n]}, what the last stage paid
    deeds, of_round   what was done in the last stage, and so far in the round that it belongs to
    series            {name of SERIES: a number a round, NaN where a round says nothing of it}
    steps, rounds, episodes   how many are over; `over` says how the episode ended with the last stage, "" if it did not
    """

    def __init__(self, game: Game) -> None:
        n = game.n_agents
        self.game, self.number = game, next(_numbers)  # a number of its own, for those who keep pictures of it
        self.met, self.chosen = np.zeros((n, n)), np.zeros((n, n))
        self.choices = {kind: np.zeros(len(game.choices(kind))) for kind in game.kinds}
        self.kind = ""  # of the last stage
        self.totals, self.paid = np.zeros(n), np.zeros(n)
        self.last = {name: np.zeros(n) for name in game.components}
        self.deeds: list[Deed] = []
        self.of_round: list[Deed] = []
        self.series = {name: Series() for name in SERIES}
        self.steps = self.rounds = self.episodes = self.step_of_episode = self.round_of_episode = 0
        self.over = ""
        self.known: dict[str, Any] = {}  # what was worked out of the game, for whoever asks again
        self._round_closed = False
        self._sums = dict.fromkeys(("friendly", "played", "welfare", "tables", "just", "punished", "judged"), 0.0)

    def see(self, before: dict[str, np.ndarray], actions: np.ndarray, step: Any, world: int = 0) -> None:
        """A stage was played. before: the state when it was open; actions [n]; step: what the simulator returned, of
        which this is one world."""
        if self.over:
            self.begin_episode()
        if self._round_closed:
            self.of_round = []
        paid = step.reward[world]
        self.deeds = deeds(self.game, before, actions)
        self.of_round = self.of_round + self.deeds
        self.totals = self.totals + paid
        self.paid = self.paid + paid
        self.last = {name: split[world].copy() for name, split in step.components.items()}
        self._count(before, actions, float(paid.sum()))
        self.steps += 1
        self.step_of_episode += 1
        ended = bool(step.terminated[world] or step.truncated[world])
        self.over = ("terminated" if step.terminated[world] else "truncated") if ended else ""
        self._round_closed = bool(step.round_over[world]) or ended
        if self._round_closed:
            self._close_round()
        self.episodes += ended

    def begin_episode(self) -> None:
        """The last frame of an episode gives way to the first of the next."""
        self.over = ""
        self.totals = np.zeros_like(self.totals)
        self.step_of_episode = self.round_of_episode = 0
        self.deeds, self.of_round = [], []

    def _count(self, before: dict[str, np.ndarray], actions: np.ndarray, paid: float) -> None:
        kind = self.game.stages[int(before["stage"][0])].kind
        sums = self._sums
        sums["welfare"] += paid
        self.kind = kind
        for deed in self.deeds:
            self.choices[kind][0 if self.game.box is not None else int(actions[deed.agent])] += 1
            if kind == "play":
                sums["played"] += 1
                sums["friendly"] += is_friendly(self.game, actions[deed.agent])
                if deed.target >= 0:
                    self.met[deed.agent, deed.target] += 1
            elif deed.kind == "choose" and deed.target >= 0:
                self.chosen[deed.agent, deed.target] += 1
            elif kind in ("punish", "sanction"):
                sums["judged"] += 1
                sums["punished"] += deed.kind != "spare"
                sums["just"] += deed.kind == "just"
                if kind == "sanction":
                    self.chosen[deed.agent, deed.target] += deed.amount
        if kind == "play":
            sums["tables"] += float(before["hosting"].sum()) if "hosting" in before else 0.0

    def _close_round(self) -> None:
        sums, nothing = self._sums, float("nan")
        values = {
            "cooperation": sums["friendly"] / sums["played"] if sums["played"] else nothing,
            "welfare": sums["welfare"] / (sums["tables"] or 1.0),
            "equality": equality(self.paid),
            "punishment": sums["punished"] / sums["judged"] if sums["judged"] else nothing,
            "just share": sums["just"] / sums["punished"] if sums["punished"] else nothing,
        }
        for name, value in values.items():
            self.series[name].append(value)
        self._sums = dict.fromkeys(sums, 0.0)
        self.rounds += 1
        self.round_of_episode += 1

    def copy(self) -> Chronicle:
        """One that goes its own way."""
        twin = copy.copy(self)
        twin.number = next(_numbers)
        twin.met, twin.chosen = self.met.copy(), self.chosen.copy()
        twin.series = {name: values.copy() for name, values in self.series.items()}
        twin.choices = {kind: counts.copy() for kind, counts in self.choices.items()}
        twin._sums = dict(self._sums)
        return twin


def equality(paid: np.ndarray) -> float:
    """1 - Gini coefficient, 1: all have the same; NaN where all together have nothing or less.

    Perolat et al., "A multi-agent reinforcement learning model of common-pool resource appropriation" (2017). Where
    some have less than nothing it can fall below 0, and is then given as 0.
    """
    total = float(paid.sum())
    if total <= 0:
        return float("nan")
    ranked, n = np.sort(paid), len(paid)
    gini = float(((2 * np.arange(1, n + 1) - n - 1) * ranked).sum() / (n * total))
    return max(0.0, 1.0 - gini)


def lorenz(paid: np.ndarray) -> np.ndarray | None:
    """What share of everything the poorest 0, 1, ..., n have together: float [n + 1]; None as for `equality`."""
    total = float(paid.sum())
    return None if total <= 0 else np.concatenate([[0.0], np.cumsum(np.sort(paid))]) / total
