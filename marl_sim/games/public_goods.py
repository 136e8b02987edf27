"""Public goods: what is given is multiplied and shared by all, or provides a good once it reaches a threshold."""

from __future__ import annotations

from typing import Any, ClassVar

from ..core.game import Game
from ..core.group import Group
from ..core.horizon import Fixed
from ..core.part import at_least
from ..core.registry import register
from ..core.rules import Rule, rule
from .contributions import ALMOST, Contributions, Order, Sees


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


@register("public_goods")
def public_goods(
    n_agents: int = 4,
    multiplier: float = 1.6,
    endowment: float = 20.0,
    levels: int = 21,
    order: Order = "together",
    sees: Sees = "all",
    bids: int = 3,
    bid_price: float = 0.0,
    box: bool = False,
    rounds: int = 10,
    encode: str = "one_hot",
) -> Group:
    """The public goods game: everybody gives what it likes to a pot that is multiplied and shared by all alike.

    n_agents     members of the group
    multiplier   of the pot; multiplier / n_agents is the marginal per-capita return
    endowment    what everybody has in a round
    levels       contributions to choose from, evenly from nothing to all
    order        "together", or one after the other: "fixed", "random", "bid"
    sees         what a later mover sees of the earlier ones: "all", "total", "last", "none"
    bids         order="bid": levels of the bid
    bid_price    order="bid": paid for every unit of one's bid
    box          contributions are any number from 0 to endowment
    rounds       rounds, then the game is over
    encode       "one_hot" or "index": how whole numbers stand in the observation
    """
    part = PublicGoods(
        multiplier=multiplier, endowment=endowment, levels=levels, order=order, sees=sees, bids=bids,
        bid_price=bid_price, box=box,
    )  # fmt: skip
    return Group(part, n_agents=n_agents, horizon=Fixed(rounds), encode=encode)


@register("sequential_public_goods")
def sequential_public_goods(
    n_agents: int = 4,
    multiplier: float = 1.6,
    endowment: float = 20.0,
    levels: int = 21,
    order: Order = "fixed",
    sees: Sees = "all",
    bids: int = 3,
    bid_price: float = 0.0,
    box: bool = False,
    rounds: int = 1,
    encode: str = "one_hot",
) -> Group:
    """The public goods game in which agents give one after the other, knowing what was given before them.

    n_agents     members of the group
    multiplier   of the pot; multiplier / n_agents is the marginal per-capita return
    endowment    what everybody has in a round
    levels       contributions to choose from, evenly from nothing to all
    order        whose turn it is: "fixed" by index, "random" anew every round, "bid" (the highest bid first); or
                 "together"
    sees         what a later mover sees of the earlier ones: "all", "total", "last", "none"
    bids         order="bid": levels of the bid
    bid_price    order="bid": paid for every unit of one's bid
    box          contributions are any number from 0 to endowment
    rounds       rounds, then the game is over
    encode       "one_hot" or "index": how whole numbers stand in the observation
    """
    part = PublicGoods(
        multiplier=multiplier, endowment=endowment, levels=levels, order=order, sees=sees, bids=bids,
        bid_price=bid_price, box=box,
    )  # fmt: skip
    return Group(part, n_agents=n_agents, horizon=Fixed(rounds), encode=encode)


@register("threshold_public_goods")
def threshold_public_goods(
    n_agents: int = 4,
    threshold: float = 2.0,
    value: float = 1.5,
    refund: bool = False,
    endowment: float = 1.0,
    levels: int = 21,
    order: Order = "together",
    sees: Sees = "all",
    bids: int = 3,
    bid_price: float = 0.0,
    box: bool = False,
    rounds: int = 10,
    encode: str = "one_hot",
) -> Group:
    """The provision point: a good that all enjoy comes if enough is given in all.

    n_agents    members of the group
    threshold   what must be given together
    value       what the good is worth to everybody
    refund      contributions come back when the threshold is missed
    endowment   what everybody has in a round
    levels      contributions to choose from, evenly from nothing to all
    order       "together", or one after the other: "fixed", "random", "bid"
    sees        what a later mover sees of the earlier ones: "all", "total", "last", "none"
    bids        order="bid": levels of the bid
    bid_price   order="bid": paid for every unit of one's bid
    box         contributions are any number from 0 to endowment
    rounds      rounds, then the game is over
    encode      "one_hot" or "index": how whole numbers stand in the observation
    """
    part = ThresholdPublicGoods(
        threshold=threshold, value=value, refund=refund, endowment=endowment, levels=levels, order=order, sees=sees,
        bids=bids, bid_price=bid_price, box=box,
    )  # fmt: skip
    return Group(part, n_agents=n_agents, horizon=Fixed(rounds), encode=encode)
