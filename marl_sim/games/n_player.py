"""Dilemmas of many players with two actions each: cooperate, at a cost, or not."""

from __future__ import annotations

from typing import Any, ClassVar

from ..core.factories import register_part
from ..core.game import Game
from ..core.part import at_least
from ..core.rules import Rule, rule
from .contributions import Contributions


@rule
def share_the_benefit(n: Any, house: Any, given: Any, givers: Any, members: Any, benefit: Any, payoff: Any) -> None:
    """All share alike the benefit of every cooperator, and cooperators pay for it."""
    for i in range(n):
        payoff[i] += benefit * givers[house[i]] / members[house[i]] - given[i]


@rule
def share_the_stag(
    n: Any, house: Any, given: Any, givers: Any, members: Any, multiplier: Any, cost: Any, threshold: Any, payoff: Any
) -> None:
    """Enough hunters catch the stag, the bigger the more they are, and all share it alike; hunters pay either way."""
    for i in range(n):
        h = house[i]
        payoff[i] -= given[i]
        if givers[h] >= threshold:
            payoff[i] += multiplier * cost * givers[h] / members[h]


@rule
def be_saved(n: Any, house: Any, given: Any, givers: Any, benefit: Any, payoff: Any) -> None:
    """One volunteer is enough for all; every volunteer pays."""
    for i in range(n):
        payoff[i] -= given[i]
        if givers[house[i]] > 0:
            payoff[i] += benefit


class TwoActions(Contributions):
    """Base of the games in which one contributes, at a `cost`, or does not.

    cost   what contributing costs
    """

    levels: ClassVar[int] = 2  # type: ignore[misc]  # no options here
    endowment: ClassVar[float] = 1.0  # type: ignore[misc]
    box: ClassVar[bool] = False  # type: ignore[misc]
    fair: ClassVar[float] = 1.0  # type: ignore[misc]
    cost: float = 1.0
    actions: ClassVar[tuple[str, str]] = ("defect", "cooperate")
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)
    unlisted: ClassVar[tuple[str, ...]] = ("bids", "bid_price")

    @property
    def stake(self) -> float:
        """Money that contributing costs."""
        return self.cost

    def words(self) -> tuple[str, ...]:
        """One word an action."""
        return self.actions

    def require(self, holds: bool, order: str, **values: float) -> None:
        """ValueError, in one sentence, unless the order of its payoffs holds."""
        if not holds:
            got = ", ".join(f"{name}={value:g}" for name, value in values.items())
            raise ValueError(f"{type(self).__name__} needs {order}; got {got}")


class NPlayerPrisonersDilemma(TwoActions):
    """The prisoner's dilemma of many: whoever cooperates pays for a benefit that all share alike.

        payoff of i = benefit * k / n - cost * [i cooperates],    k cooperators among n

    benefit   of one cooperator, for all together
    cost      what cooperating costs; benefit > cost > benefit / n

    Action   defect, cooperate
    Reward   `payoff`, once all have chosen. With institutions k and n are counted in one's own house.
    Errors   payoffs that break their order
    Source   Hamburger, "N-person prisoner's dilemma" (Journal of Mathematical Sociology 1973)
    """

    benefit: float = 2.0
    pays: ClassVar[tuple[Rule, ...]] = (share_the_benefit,)

    def check(self) -> None:
        super().check()
        self.require(self.benefit > self.cost > 0, "benefit > cost > 0", benefit=self.benefit, cost=self.cost)

    def fits(self, game: Game) -> None:
        super().fits(game)
        n = game.n_agents
        self.require(
            self.cost > self.benefit / n, "cost > benefit / n_agents", cost=self.cost, benefit=self.benefit, n_agents=n
        )


class NPlayerStagHunt(TwoActions):
    """The stag hunt of many: from `threshold` hunters on, the stag feeds all, hunters or not, the more they are.

        payoff of i = multiplier * cost * k / n * [k >= threshold] - cost * [i hunts the stag],    k hunters among n

    multiplier   what every hunter's effort is worth, above 1
    cost         what hunting the stag costs
    threshold    the fewest hunters that catch anything, from 2 to n

    Action   hare, stag
    Reward   `payoff`, once all have chosen. With institutions k and n are counted in one's own house.
    Errors   a multiplier of at most 1 (nobody would gain if all hunted); a threshold out of its range
    Source   Pacheco, Santos, Souza & Skyrms, "Evolutionary dynamics of collective action in N-person stag hunt
             dilemmas" (Proc. R. Soc. B 2009)
    """

    multiplier: float = 3.0
    threshold: int = 2
    actions: ClassVar[tuple[str, str]] = ("hare", "stag")
    pays: ClassVar[tuple[Rule, ...]] = (share_the_stag,)

    def check(self) -> None:
        super().check()
        self.require(self.multiplier > 1, "multiplier > 1", multiplier=self.multiplier)
        self.require(self.cost > 0, "cost > 0", cost=self.cost)
        at_least("NPlayerStagHunt", "threshold", self.threshold, 2)

    def fits(self, game: Game) -> None:
        super().fits(game)
        at_least("NPlayerStagHunt", "threshold", self.threshold, 2, game.n_agents)


class VolunteersDilemma(TwoActions):
    """The volunteer's dilemma: one volunteer is enough for all, and everybody would rather it were another.

        payoff of i = benefit * [somebody volunteers] - cost * [i volunteers]

    benefit   for everybody, if anybody volunteers
    cost      what volunteering costs; benefit > cost > 0

    Action   wait, volunteer
    Reward   `payoff`, once all have chosen. With institutions every house needs a volunteer of its own.
    Errors   payoffs that break their order
    Source   Diekmann, "Volunteer's dilemma" (Journal of Conflict Resolution 1985)
    """

    benefit: float = 2.0
    actions: ClassVar[tuple[str, str]] = ("wait", "volunteer")
    pays: ClassVar[tuple[Rule, ...]] = (be_saved,)

    def check(self) -> None:
        super().check()
        self.require(self.benefit > self.cost > 0, "benefit > cost > 0", benefit=self.benefit, cost=self.cost)

    def payoff_rows(self) -> list[list[str]]:
        """The payoffs as a table of words, a header first."""
        saved, paid = f"{self.benefit:g}", f"{self.benefit - self.cost:g}"
        return [
            ["own \\ others", "nobody volunteers", "somebody does"],
            ["wait", "0", saved],
            ["volunteer", paid, paid],
        ]


register_part(
    "n_player_prisoners_dilemma",
    NPlayerPrisonersDilemma,
    "The prisoner's dilemma of many: everybody is better off if all cooperate, and everybody alone by not doing so.",
)
register_part(
    "n_player_stag_hunt",
    NPlayerStagHunt,
    "The stag hunt of many: hunting the stag pays only with enough others, and then feeds those too who stay away.",
)
register_part(
    "volunteers_dilemma",
    VolunteersDilemma,
    "The volunteer's dilemma: somebody must do it, and everybody hopes that another will.",
)
