"""The ultimatum game: one proposes how to divide a pie, and the other takes it or leaves nothing to either."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..core.factories import register_part
from .two_step import TwoStep


class UltimatumGame(TwoStep):
    """The host offers the guest a part of the pie; the guest accepts, or rejects it and both get nothing.

    pie      what there is to divide, in units of payoff, above 0
    fair     the least share of the pie whose offer counts as cooperating, 0 to 1: 0.4 is a convention here; offers
             of 40 to 50 % are the common ones in experiments, and are seldom rejected

    A selfish guest accepts whatever is more than nothing, so that a host who expects that offers the least. Accepting
    and rejecting are remembered, but are neither cooperation nor defection: reputations, norms and judges pass over
    them.

    Observation   play, respond: "target_actions", "own_actions", the last deeds: 0..levels-1 an offer, then accepted,
                  rejected, then unknown; respond: "offer" (0..levels-1), and no "target_actions" where the society
                  remembers one deed only, which is the offer
    Action        play (the host): offer pie * a / (levels - 1); respond (the guest): accept, reject
    Reward        `payoff`, when the guest has answered: pie - offer to the host and the offer to the guest, or 0 to
                  both
    State         offer [n_agents] what a host has offered in this round (-1: nothing yet, or no host); recent, did,
                  defected, played, seen_as (see games.memory.memories)
    Measures      offered (average, in units of payoff), accepted (share of the offers)
    Errors        numbers outside these ranges; all at once where an agent can be in two encounters: give
                  encounters="in turn"
    Source        Gueth, Schmittberger & Schwarze, "An experimental analysis of ultimatum bargaining" (Journal of
                  Economic Behavior & Organization 1982)
    """

    fair: float = 0.4
    pie: float = 10.0
    measured: ClassVar[tuple[str, ...]] = ("offered", "accepted")

    def check(self) -> None:
        super().check()
        if not self.pie > 0:
            raise ValueError(f"UltimatumGame needs pie > 0; got pie={self.pie:g}")

    def offers(self) -> tuple[str, ...]:
        return tuple(f"offer {amount:g}" for amount in self.amounts)

    def answers(self) -> tuple[str, ...]:
        return "accept", "reject"

    @property
    def amounts(self) -> np.ndarray:
        """What can be offered."""
        return self.pie * np.arange(self.levels) / (self.levels - 1)

    @property
    def replies(self) -> np.ndarray:
        """1 accept, 0 reject."""
        return np.array([1.0, 0.0])

    @property
    def payoffs(self) -> np.ndarray:
        """What (host, guest) get: float64 [levels, 2, 2]."""
        divided = np.stack([self.pie - self.amounts, self.amounts], axis=1)
        return np.stack([divided, np.zeros_like(divided)], axis=1)


register_part(
    "ultimatum",
    UltimatumGame,
    """The ultimatum game: one proposes how to divide a pie, and the other takes it or leaves nothing to either.

    The proposer is the host of an encounter; when all play at once, chance draws the roles every round.
    """,
)
