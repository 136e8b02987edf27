"""The trust game: what one sends is multiplied on the way, and the other decides how much of it comes back."""

from __future__ import annotations

from typing import ClassVar

import numpy as np

from ..core.factories import register_part
from ..core.part import at_least
from .two_step import MOST, TwoStep


class TrustGame(TwoStep):
    """The host sends a part of its endowment, which arrives multiplied; the guest returns a share of what arrived.

    endowment      what the host starts with, in units of payoff, above 0
    multiplier     what arrives for each unit sent, above 1
    shares         how many shares can be returned, 2 to 1001, evenly spaced from nothing to all
    both_endowed   whether the guest has an endowment of its own too, which it keeps: so it was in the experiment
                   (10 dollars each); most later accounts leave it out, and so does the default, since it changes no
                   decision

    Sending costs the sender and is worth `multiplier` times as much to the other: together they have the endowment and
    multiplier - 1 for every unit sent. Yet a selfish guest returns nothing, and a host who expects that sends nothing.
    Who is sent nothing has nothing to decide. Sending at least the `fair` share (half) of the endowment counts as
    cooperation, and so does returning at least what was sent.

    Observation   play, respond: "target_actions", "own_actions", the last deeds: 0..levels-1 what was sent, then what
                  was returned, the last number while unknown; respond: "offer", what was sent (0..levels-1), and no
                  "target_actions" where the society remembers one deed only, which is that
    Action        play (the host): send endowment * a / (levels - 1); respond (the guest): return the share
                  a / (shares - 1) of what arrived
    Reward        `payoff`, when the guest has answered (at once where nothing was sent): with s sent and r returned,
                  endowment - s + r to the host, multiplier * s - r to the guest (+ endowment if both have one)
    State         offer [n_agents] what a host has sent in this round (-1: nothing yet, or no host); recent, did,
                  defected, played, seen_as (see games.memory.memories)
    Measures      sent (average, in units of payoff), returned (average share of what arrived)
    Errors        numbers outside these ranges; all at once where an agent can be in two encounters: give
                  encounters="in turn"
    Source        Berg, Dickhaut & McCabe, "Trust, reciprocity, and social history" (Games and Economic Behavior 1995)
    """

    endowment: float = 10.0
    multiplier: float = 3.0
    shares: int = 11
    both_endowed: bool = False
    measured: ClassVar[tuple[str, ...]] = ("sent", "returned")

    def check(self) -> None:
        super().check()
        at_least("TrustGame", "shares", self.shares, 2, MOST)
        if not (self.endowment > 0 and self.multiplier > 1):
            raise ValueError(
                f"TrustGame needs endowment > 0 and multiplier > 1; "
                f"got endowment={self.endowment:g}, multiplier={self.multiplier:g}"
            )

    def offers(self) -> tuple[str, ...]:
        return tuple(f"send {amount:g}" for amount in self.amounts)

    def answers(self) -> tuple[str, ...]:
        return tuple(f"return {100 * share:g}%" for share in self.replies)

    @property
    def amounts(self) -> np.ndarray:
        """What can be sent."""
        return self.endowment * np.arange(self.levels) / (self.levels - 1)

    @property
    def replies(self) -> np.ndarray:
        """The shares that can be returned."""
        return np.arange(self.shares) / (self.shares - 1)

    @property
    def payoffs(self) -> np.ndarray:
        """What (host, guest) get: float64 [levels, shares, 2]."""
        sent = self.amounts[:, None]
        arrived, back = self.multiplier * sent, self.multiplier * sent * self.replies
        return np.stack([self.endowment - sent + back, arrived - back + self.endowment * self.both_endowed], axis=2)

    def friendly_answers(self) -> np.ndarray:
        """Returning at least what was sent."""
        return self.multiplier * self.replies >= 1 - 1e-9


register_part(
    "trust",
    TrustGame,
    """The trust game: what one sends arrives multiplied, and the other decides how much of it comes back.

    The sender is the host of an encounter; when all play at once, chance draws the roles every round. The experiment
    had one round.
    """,
)
