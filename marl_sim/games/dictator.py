"""The dictator game: one divides a pie, and the other has no say."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..core.factories import register_part
from .two_step import TwoStep


class DictatorGame(TwoStep):
    """The host gives the guest a part of the pie and keeps the rest; the guest decides nothing.

    pie      what there is to divide, in units of payoff, above 0
    fair     the least share of the pie whose gift counts as cooperating, 0 to 1: the same 0.4 as in the ultimatum game

    A selfish host gives nothing: whatever is given measures altruism, or what mechanisms make of it.

    Observation   play: "target_actions", "own_actions", the last gifts: 0..levels-1, or levels while unknown
    Action        play (the host): give pie * a / (levels - 1)
    Reward        `payoff`, at once: pie - gift to the host, the gift to the guest
    State         offer [n_agents] what a host has given in this round (-1: nothing yet, or no host); recent, did,
                  defected, played, seen_as (see games.memory.memories); only hosts have played, and are judged
    Measures      donated (average, in units of payoff)
    Errors        numbers outside these ranges
    Source        Forsythe, Horowitz, Savin & Sefton, "Fairness in simple bargaining experiments" (Games and Economic
                  Behavior 1994)
    """

    fair: float = 0.4
    pie: float = 10.0
    measured: ClassVar[tuple[str, ...]] = ("donated",)

    def check(self) -> None:
        super().check()
        if not self.pie > 0:
            raise ValueError(f"DictatorGame needs pie > 0; got pie={self.pie:g}")

    def offers(self) -> tuple[str, ...]:
        return tuple(f"give {amount:g}" for amount in self.amounts)

    @property
    def amounts(self) -> np.ndarray:
        """What can be given."""
        return self.pie * np.arange(self.levels) / (self.levels - 1)

    @property
    def payoffs(self) -> np.ndarray:
        """What (host, guest) get: float64 [levels, 1, 2]."""
        return np.stack([self.pie - self.amounts, self.amounts], axis=1)[:, None]


register_part(
    "dictator",
    DictatorGame,
    """The dictator game: one divides a pie, and the other has no say.

    The dictator is the host of an encounter; when all play at once, chance draws the roles every round.
    """,
)
