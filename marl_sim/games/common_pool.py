"""A common-pool resource: a stock that grows back, from which everybody takes what it likes."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..core.factories import register_part
from ..core.fields import Field, StateField, floats
from ..core.game import Game
from ..core.group import GroupDilemma
from ..core.horizon import Geometric
from ..core.part import Episode, at_least
from ..core.rules import Rule, rule
from ..core.stage import Stage
from .memory import memories, remember

SLACK = 1e-9  # a share of the sustainable yield that is no whole number of levels is not missed by rounding


@rule
def ask(n: Any, action: Any, amounts: Any, most: Any, asked: Any, given: Any) -> None:
    """Everybody asks for the amount that its action stands for."""
    for i in range(n):
        asked[i] = amounts[action[i]]
        given[i] = most - asked[i]


@rule
def ask_any(n: Any, amount: Any, most: Any, asked: Any, given: Any, fair: Any, action: Any) -> None:
    """Everybody asks for the number that it chose; what counts is whether that is more than its part."""
    for i in range(n):
        asked[i] = amount[i]
        given[i] = most - asked[i]
        action[i] = int(amount[i] > fair)


@rule
def harvest(n: Any, asked: Any, stock: Any, price: Any, cost: Any, catch: Any, payoff: Any, harvested: Any) -> None:
    """Where less is there than was asked for, all get the same share of what they asked for."""
    total = 0.0
    for i in range(n):
        total += asked[i]
    share = 1.0 if total <= stock[0] else stock[0] / total
    catch[0] = share * total
    harvested[0] += catch[0]
    for i in range(n):
        payoff[i] += (price * share - cost) * asked[i]


@rule
def regrow(
    stock: Any, catch: Any, growth: Any, capacity: Any, floor: Any, over: Any, stock_left: Any, lasted: Any,
    collapsed: Any,
) -> None:  # fmt: skip
    """What was there grows, what was taken is gone; a stock at or below its floor is lost, and the game over."""
    before = stock[0]
    stock[0] = max(0.0, before - catch[0] + growth * before * (1.0 - before / capacity))
    stock_left[0] = stock[0]
    lasted[0] += 1
    if stock[0] <= floor:
        over[0] = 1
        collapsed[0] = 1


@rule
def stock_share(stock: Any, capacity: Any, out: Any) -> None:
    """The stock as a share of its capacity."""
    out[0] = min(1.0, stock[0] / capacity)


@rule
def stock_bin(stock: Any, capacity: Any, bins: Any, out: Any) -> None:
    """In which of equal parts of the capacity the stock lies."""
    out[0] = min(bins - 1, int(bins * stock[0] / capacity))


@rule
def catch_share(n: Any, catch: Any, most: Any, out: Any) -> None:
    """What all took in the last round, as a share of the most that they can ask for."""
    out[0] = min(1.0, catch[0] / (n * most))


@rule
def catch_bin(n: Any, catch: Any, most: Any, bins: Any, out: Any) -> None:
    """In which of equal parts of the most that all can ask for the last round's harvest lies."""
    out[0] = min(bins - 1, int(bins * catch[0] / (n * most)))


class CommonPool(GroupDilemma):
    """The tragedy of the commons: each takes from a stock that grows back, and together they may take too much.

        S' = S - H + growth * S * (1 - S / capacity)

    capacity   the most that the stock S can be, K
    growth     rate of regrowth a round, above 0, at most 1
    initial    the stock at the start, as a share of capacity
    floor      a stock that is no more than this after a round is lost, and the game is over
    most       the most that an agent can ask for in a round
    levels     amounts that can be asked for: most * k / (levels - 1) for k = 0..levels-1
    price      what an agent gets for each unit harvested
    cost       what each unit that it asks for costs it, harvested or not
    box        any amount from 0 to most can be asked for; `levels` is then unused
    bins       0: stock and harvest are seen as numbers; else as which of so many equal parts of their range they are
               in, which tables can use

    Where more is asked for than is there, all get the same share of what they asked for. The regrowth is that of the
    stock before the harvest. The largest harvest that can be taken for ever, the maximum sustainable yield, is
    growth * capacity / 4 a round, from a stock of half the capacity: there the regrowth is largest. An agent that asks
    for more than its n-th part of that yield defects. The default numbers are nobody's.

    Observation   "stock" (share of capacity, 0 to 1, or its bin); "last_harvest", of all together (share of
                  n * most, or its bin)
    Action        how much to ask for
    Reward        `payoff`: price * harvested - cost * asked
    Ending        the horizon's; the game is over when the stock is lost. A Continuing society keeps its stock
    State         stock [1], catch [1] the last harvest of all, asked [n_agents], given [n_agents] what each left of the
                  most that it can ask for; recent, did, defected, played, seen_as (see games.memory.memories; with
                  `box`, action 0 is an amount that is fair, 1 one that is not). Tallies harvested [1], stock_left [1]
                  at the end, lasted [1] rounds, collapsed [1]
    Measures      yield_share: the harvest, as a share of the maximum sustainable yield over the horizon's rounds
    Errors        numbers outside their range
    Sources       Gordon, "The economic theory of a common-property resource: the fishery" (1954); Schaefer, "Some
                  aspects of the dynamics of populations important to the management of the commercial marine
                  fisheries" (1954); Hardin, "The tragedy of the commons" (Science 1968)
    """

    capacity: float = 100.0
    growth: float = 0.4
    initial: float = 1.0
    floor: float = 5.0
    most: float = 5.0
    levels: int = 11
    price: float = 1.0
    cost: float = 0.0
    box: bool = False
    bins: int = 0
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)

    def check(self) -> None:
        for name, value in (("capacity", self.capacity), ("most", self.most), ("price", self.price)):
            if not value > 0:
                raise ValueError(f"CommonPool: {name} must be above 0; got {value:g}")
        if not 0 < self.growth <= 1:
            raise ValueError(f"CommonPool: growth must be above 0 and at most 1; got {self.growth:g}")
        if not 0 < self.initial <= 1:
            raise ValueError(f"CommonPool: initial must be above 0 and at most 1; got {self.initial:g}")
        if not 0 <= self.floor < self.initial * self.capacity:
            start = f"the initial stock of {self.initial * self.capacity:g}"
            raise ValueError(f"CommonPool: floor must be from 0 to below {start}; got {self.floor:g}")
        at_least("CommonPool", "cost", self.cost, 0)
        at_least("CommonPool", "levels", self.levels, 2)
        if self.bins != 0 and self.bins < 2:
            raise ValueError(f"CommonPool: bins must be 0 or at least 2; got {self.bins}")

    @property
    def sustainable_yield(self) -> float:
        """The largest harvest of all together that can be taken every round for ever: growth * capacity / 4."""
        return self.growth * self.capacity / 4

    @property
    def amounts(self) -> np.ndarray:
        """What each action asks for, float64 [levels]."""
        return self.most * np.arange(self.levels) / (self.levels - 1)

    def state(self, game: Game) -> dict[str, StateField]:
        return memories(game, 2 if self.box else self.levels) | {
            "stock": floats(1, fill=self.initial * self.capacity, lasting=True),
            "catch": floats(1, lasting=True),
            "asked": floats(game.n_agents),
            "given": floats(game.n_agents),
        }

    def constants(self, game: Game) -> dict[str, Any]:
        fair = self.sustainable_yield / game.n_agents * (1 + SLACK)
        friendly = np.array([1, 0]) if self.box else self.amounts <= fair
        return {"amounts": self.amounts, "stake": self.most, "fair": fair, "friendly": friendly.astype(np.int32)}

    def stages(self, game: Game) -> list[Stage]:
        then = (ask_any if self.box else ask, harvest, remember)
        words = ("take",) if self.box else tuple(f"take {amount:g}" for amount in self.amounts)
        return [Stage("harvest", words, then=then, kind="play", box=(0.0, self.most) if self.box else None)]

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"round": regrow}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        words = "how much there is", "what all took in the last round"
        if self.bins:
            stock = Field("stock", 1, stock_bin, levels=self.bins, words=words[0])
            return {"play": [stock, Field("last_harvest", 1, catch_bin, levels=self.bins, words=words[1])]}
        stock = Field("stock", 1, stock_share, low=0.0, high=1.0, words=words[0])
        return {"play": [stock, Field("last_harvest", 1, catch_share, low=0.0, high=1.0, words=words[1])]}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"harvested": (1,), "stock_left": (1,), "lasted": (1,), "collapsed": (1,)}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        horizon: Any = game.horizon
        rounds = 1 / (1 - horizon.continuation) if isinstance(horizon, Geometric) else horizon.rounds
        return {"yield_share": float(episode.mean("harvested")[0]) / (self.sustainable_yield * rounds)}


register_part(
    "common_pool",
    CommonPool,
    """The tragedy of the commons: all take from a stock that grows back, and lose it if they take too much.

    As it comes, 10 a round, 2 for each of 5, can be taken for ever from half the capacity; if all take all they can,
    the stock is lost in the 6th round. Numbers of our own, after no experiment.
    """,
    n_agents=5,
    rounds=30,
)
