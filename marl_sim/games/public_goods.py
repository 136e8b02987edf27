"""Public goods: what is given is multiplied and shared by all, or provides a good once it reaches a threshold."""

from __future__ import annotations

from typing import Any, ClassVar

from ..core.factories import register_part
from ..core.game import Game
from ..core.part import at_least
from ..core.rules import Rule, rule
from .contributions import ALMOST, Contributions


@rule
def share_the_pot(
    n: Any, house: Any, given: Any, pot: Any, members: Any, endowment: Any, multiplier: Any, payoff: Any
) -> None:
    """Everybody keeps what it has not given, and has an equal part of the multiplied pot."""
    for i in range(n):
        h = house[i]
        factor = multiplier / members[h] if members[h] > 1 else 1.0  # who lives alone shares with nobody
        payoff[i] += endowment - given[i] + factor * pot[h]


@rule
def provide(
    n: Any, house: Any, given: Any, pot: Any, endowment: Any, least: Any, value: Any, refund: Any, payoff: Any
) -> None:
    """Where the threshold is reached everybody has the good; what was given is spent, or comes back where missed."""
    for i in range(n):
        payoff[i] += endowment - given[i]
        if pot[house[i]] >= least:
            payoff[i] += value
        elif refund:
            payoff[i] += given[i]


class PublicGoods(Contributions):
    """The public goods game: whatever is given is multiplied and shared by all alike, givers or not.

        payoff of i = endowment - given_i + multiplier / n * (given_1 + ... + given_n)

    multiplier   what the pot is multiplied by. multiplier / n is the marginal per-capita return (MPCR): below 1 giving
                 nothing is dominant, and above multiplier 1 all are best off if all give all; between them it is a
                 dilemma. Any multiplier of at least 0 is allowed

    Reward   `payoff`, once all have given. With institutions n counts the members of one's own house, and the pot is
             theirs; what somebody gives who lives alone comes back as it is.
    Errors   options out of their range; fewer than 2 agents
    Source   Ledyard, "Public goods: a survey of experimental research" (1995)
    """

    multiplier: float = 1.6
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)
    pays: ClassVar[tuple[Rule, ...]] = (share_the_pot,)

    def check(self) -> None:
        super().check()
        at_least("PublicGoods", "multiplier", self.multiplier, 0)


class ThresholdPublicGoods(Contributions):
    """The provision point: the good comes if enough is given in all, and more than that is lost.

        payoff of i = endowment - given_i + value            if given_1 + ... + given_n >= threshold
                      endowment - given_i                    if it is missed; with refund: endowment

    threshold   what must be given together, above 0 and at most all endowments
    value       what the good is worth to everybody
    refund      contributions come back when the threshold is missed

    Reward   `payoff`, once all have given. With institutions each house must reach the threshold by itself.
    Errors   options out of their range; a threshold above what all together have
    Source   Isaac, Schmidtz & Walker, "The assurance problem in a laboratory market" (Public Choice 1989)
    """

    endowment: float = 1.0
    threshold: float = 2.0
    value: float = 1.5
    refund: bool = False
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)
    pays: ClassVar[tuple[Rule, ...]] = (provide,)

    def check(self) -> None:
        super().check()
        at_least("ThresholdPublicGoods", "value", self.value, 0)
        if self.threshold <= 0:
            raise ValueError(f"ThresholdPublicGoods: threshold must be above 0; got {self.threshold:g}")

    def fits(self, game: Game) -> None:
        super().fits(game)
        most = game.n_agents * self.endowment
        if self.threshold > most * (1 + ALMOST):
            raise ValueError(
                f"ThresholdPublicGoods: threshold must be at most n_agents * endowment = {most:g}, "
                f"which is all there is; got {self.threshold:g}"
            )

    def constants(self, game: Game) -> dict[str, Any]:
        return super().constants(game) | {"least": self.threshold * (1 - ALMOST)}


register_part(
    "public_goods",
    PublicGoods,
    "The public goods game: everybody gives what it likes to a pot that is multiplied and shared by all alike.",
)
register_part(
    "sequential_public_goods",
    PublicGoods,
    "The public goods game in which agents give one after the other, knowing what was given before them.",
    order="fixed",
    rounds=1,
)
register_part(
    "threshold_public_goods",
    ThresholdPublicGoods,
    "The provision point: a good that all enjoy comes if enough is given in all.",
)
