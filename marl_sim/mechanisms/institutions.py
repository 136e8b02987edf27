"""Before they contribute, agents choose whether to live with sanctions or without."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from ..core.fields import Field, StateField, floats, ints
from ..core.game import Game
from ..core.part import Episode
from ..core.rng import uniform
from ..core.rules import Rule, rule
from ..core.society import Mechanism
from ..core.stage import Stage

FREE, SANCTIONING = 0, 1
WORDS = ("sanction-free", "sanctioning")


@rule
def move_house(n: Any, action: Any, house: Any, sanctioning: Any, income: Any) -> None:
    """Everybody lives in the institution that it chose."""
    for i in range(n):
        house[i] = action[i]
        sanctioning[i] = action[i]
        income[i] = 0.0


@rule
def count_votes(key: Any, n: Any, action: Any, sanctioning: Any, income: Any) -> None:
    """All live in the institution that most voted for; chance decides between equal votes."""
    votes = 0
    for i in range(n):
        votes += action[i]
    winner = int(2 * votes > n)
    if 2 * votes == n:
        winner = int(uniform(key, 0) < 0.5)
    for i in range(n):
        sanctioning[i] = winner
        income[i] = 0.0


@rule
def earn(n: Any, payoff: Any, income: Any) -> None:
    """What the game pays is income."""
    for i in range(n):
        income[i] += payoff[i]


@rule
def close_books(
    n: Any, sanctioning: Any, given: Any, stake: Any, income: Any, sanction_balance: Any, residents: Any,
    mean_income: Any, mean_given: Any, institutions: Any,
) -> None:  # fmt: skip
    """Of both institutions it is known how many lived there, what they gave, and what they earned after sanctions."""
    for s in range(2):
        residents[s] = 0
        mean_income[s] = 0.0
        mean_given[s] = 0.0
    for i in range(n):
        s = sanctioning[i]
        residents[s] += 1
        mean_income[s] += income[i] + sanction_balance[i]
        mean_given[s] += given[i] / stake
    for s in range(2):
        institutions[s] += residents[s]
        institutions[2 + s] += mean_given[s]
        if residents[s] > 0:
            mean_income[s] /= residents[s]
            mean_given[s] /= residents[s]


@rule
def incomes(mean_income: Any, out: Any) -> None:
    """The last round's mean income in both institutions; 0 where nobody lived."""
    out[0] = mean_income[0]
    out[1] = mean_income[1]


@rule
def gifts(mean_given: Any, out: Any) -> None:
    """The last round's mean contribution in both institutions, as a share of the most; 0 where nobody lived."""
    out[0] = mean_given[0]
    out[1] = mean_given[1]


@rule
def size(residents: Any, out: Any) -> None:
    """How many lived with sanctions in the last round."""
    out[0] = residents[1]


class Institutions(Mechanism):
    """Each round, before contributing, agents choose between an institution with sanctions and one without.

    by     "feet": everybody lives in the institution that it chose, contributes to that house's own public good, and
           sanctions whom it lives with; "majority": all live in the one that most voted for, and chance decides between
           equal votes
    sees   what is known of the last round at the vote: "incomes" and "contributions", their means in both institutions,
           "size", how many lived with sanctions

    The sanctions are PeerPunishment and PeerReward, given beside it; they act in the sanctioning institution alone.
    Whoever lives alone in its house has nobody to sanction and nobody to share with: in PublicGoods its contribution
    then comes back as it was, without the multiplier; other games pay a house of one by their own formula.

    Observation   vote: "incomes" of both institutions (mean payoff and balance of sanctions, squashed by what can be
                  given), "contributions" (mean share given), "size" (0..n_agents); 0 in the first round and where
                  nobody lived
    Action        vote: sanction-free, sanctioning
    Reward        none of its own
    State         sanctioning [n_agents] whether one lives with sanctions; house [n_agents] of the game; income
                  [n_agents] of this round's play; of the last round residents, mean_income, mean_given [2] by
                  institution. Tally institutions [4]: agents and contributions, sanction-free and sanctioning, added up
                  over rounds
    Measures      institutions (share of agents and rounds in the sanctioning one), contribution_free and
                  contribution_sanctioning (mean share given by who lived there)
    Errors        a game whose public good does not go by house (by feet), or that pays no `payoff` for what is given
    Source        Guererk, Irlenbusch & Rockenbach, "The competitive advantage of sanctioning institutions" (Science
                  2006), by feet
    """

    by: Literal["feet", "majority"] = "feet"
    sees: tuple[str, ...] = ("incomes", "contributions", "size")
    on: ClassVar[tuple[str, ...]] = ("groups",)

    def check(self) -> None:
        if not set(self.sees) <= {"incomes", "contributions", "size"}:
            raise ValueError(f"Institutions: sees may list 'incomes', 'contributions' and 'size'; got {self.sees!r}")

    def fits(self, game: Game) -> None:
        played = type(game.parts[0]).__name__
        if "given" not in game.state or "stake" not in game.constants or "payoff" not in game.components:
            raise ValueError(
                f"Institutions needs a game that pays a payoff for what is given, such as PublicGoods(); got {played}"
            )
        if self.by == "feet" and "house" not in game.state:
            raise ValueError(
                f"Institutions: by='feet' needs a game that every house plays for itself, such as PublicGoods(); "
                f"{played} can be had by='majority'"
            )

    def state(self, game: Game) -> dict[str, StateField]:
        return {
            "sanctioning": ints(game.n_agents),
            "income": floats(game.n_agents),
            "residents": ints(2, lasting=True),
            "mean_income": floats(2, lasting=True),
            "mean_given": floats(2, lasting=True),
        }

    def constants(self, game: Game) -> dict[str, Any]:
        return {} if "sanction_balance" in game.state else {"sanction_balance": np.zeros(game.n_agents)}

    def stages(self, game: Game) -> list[Stage]:
        return [Stage("vote", WORDS, then=(move_house if self.by == "feet" else count_votes,), phase=30)]

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"after:play": earn, "round": close_books}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        most = float(game.constants["stake"])
        known = {
            "incomes": Field("incomes", 2, incomes, squash=most, words="mean income in both institutions"),
            "contributions": Field("contributions", 2, gifts, low=0.0, high=1.0, words="mean share given in both"),
            "size": Field("size", 1, size, game.n_agents + 1, words="how many lived with sanctions"),
        }
        return {"vote": [known[name] for name in self.sees]}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"institutions": (4,)}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        counts = episode.mean("institutions")
        lived, gave = counts[:2], counts[2:]
        shares = [float(g / r) if r else 0.0 for g, r in zip(gave, lived, strict=True)]
        return {
            "institutions": float(lived[SANCTIONING] / lived.sum()) if lived.sum() else 0.0,
            "contribution_free": shares[FREE],
            "contribution_sanctioning": shares[SANCTIONING],
        }
