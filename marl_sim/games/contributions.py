"""What all games of giving to a common cause share: amounts, turns, what later movers see, pots, measures."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from ..core.fields import Field, StateField, floats, ints
from ..core.game import Game
from ..core.group import GroupDilemma
from ..core.horizon import Fixed
from ..core.part import Episode, at_least
from ..core.rng import shuffle
from ..core.rules import Rule, rule
from ..core.stage import Stage
from .memory import NOTHING_YET, memories, remember

Order = Literal["together", "fixed", "random", "bid"]
Sees = Literal["all", "total", "last", "none"]
ALMOST = 1e-9  # sums of tenths are not exact: a threshold counts as reached within this share of it


# ---------------------------------------------------------------- turns
@rule
def begin_round(n: Any, order: Any, given: Any, units: Any) -> None:
    """Nobody has given yet; turns go by index."""
    for i in range(n):
        order[i] = i
        given[i] = 0.0
        units[i] = 0.0


@rule
def draw_turns(key: Any, order: Any) -> None:
    """Chance draws the order of turns."""
    shuffle(key, order)


@rule
def auction(key: Any, n: Any, action: Any, bid_price: Any, order: Any, bidding: Any) -> None:
    """The highest bid moves first, chance decides between equal bids, and everybody pays for its own bid."""
    shuffle(key, order)
    for i in range(n):
        bidding[i] -= bid_price * action[i]
    for p in range(1, n):  # an insertion sort keeps equals in the order that chance gave them
        i, q = order[p], p
        while q > 0 and action[order[q - 1]] < action[i]:
            order[q] = order[q - 1]
            q -= 1
        order[q] = i


@rule
def whose_turn(position: Any, order: Any, acting: Any) -> None:
    """The agent whose turn it is."""
    acting[order[position]] = 1


# ---------------------------------------------------------------- giving
@rule
def give_units(n: Any, acting: Any, action: Any, amounts: Any, given: Any, units: Any) -> None:
    """Whoever acts gives the amount it has chosen."""
    for i in range(n):
        if acting[i]:
            given[i] = amounts[action[i]]
            units[i] = action[i]


@rule
def give_amount(
    n: Any, acting: Any, amount: Any, stake: Any, fair_amount: Any, given: Any, units: Any, did: Any, recent: Any,
    defected: Any, played: Any,
) -> None:  # fmt: skip
    """Whoever acts gives the amount it has named; what mechanisms remember is whether it was a fair one."""
    for i in range(n):
        played[i] = acting[i]
        if acting[i]:
            given[i] = amount[i]
            units[i] = amount[i] / stake
            did[i, 0] = 0
            recent[i, 0] = 0
            defected[i] = given[i] < fair_amount


@rule
def pool(n: Any, house: Any, given: Any, units: Any, pot: Any, members: Any, givers: Any, heap: Any) -> None:
    """What was given is pooled by house."""
    for h in range(n):
        pot[h] = 0.0
        heap[h] = 0.0
        members[h] = 0
        givers[h] = 0
    for i in range(n):
        h = house[i]
        pot[h] += given[i]
        heap[h] += units[i]
        members[h] += 1
        if given[i] > 0:
            givers[h] += 1


@rule
def keep_books(
    n: Any, order: Any, house: Any, given: Any, units: Any, heap: Any, stake: Any, defected: Any, own_before: Any,
    total_before: Any, played: Any, contribution: Any, full: Any,
) -> None:  # fmt: skip
    """The round's contributions are remembered and counted."""
    everything = 1
    for p in range(n):
        i = order[p]
        played[i] = 1  # in this round, whoever moved last
        own_before[i] = units[i]
        total_before[i] = heap[house[i]]
        contribution[0, i] += given[i] / stake
        contribution[1, p] += given[i] / stake
        contribution[2, i] += 1 - defected[i]
        if given[i] < stake:
            everything = 0
    full[0] += everything


# ---------------------------------------------------------------- seeing
@rule
def my_position(position: Any, out: Any) -> None:
    """How many have moved before me."""
    out[0] = position


@rule
def predecessors(position: Any, order: Any, units: Any, nothing: Any, out: Any) -> None:
    """What each earlier mover has given, in their order."""
    for p in range(out.size):
        out[p] = units[order[p]] if p < position else nothing


@rule
def so_far(position: Any, order: Any, units: Any, out: Any) -> None:
    """What all earlier movers have given together."""
    out[0] = 0.0
    for p in range(position):
        out[0] += units[order[p]]


@rule
def the_last(position: Any, order: Any, units: Any, nothing: Any, out: Any) -> None:
    """What the mover just before me has given."""
    out[0] = units[order[position - 1]] if position > 0 else nothing


@rule
def own_last_round(i: Any, own_before: Any, nothing: Any, out: Any) -> None:
    """What I gave last round."""
    out[0] = own_before[i] if own_before[i] >= 0 else nothing


@rule
def total_last_round(i: Any, total_before: Any, no_total: Any, out: Any) -> None:
    """What my group gave last round."""
    out[0] = total_before[i] if total_before[i] >= 0 else no_total


class Contributions(GroupDilemma):
    """Base of the games in which everybody decides how much to give to a common cause.

    levels      choices: action k gives endowment * k / (levels - 1)
    endowment   the most that an agent can give in a round
    order       "together": all at once; one after the other: "fixed" by index, "random" anew every round, or "bid":
                all bid for their turn first, the highest bid moves first, chance decides between equal bids
    sees        what a later mover sees of those before it: "all" what each has given, in their order, "total" the sum,
                "last" what the one just before it has given, "none"
    bids        order="bid": levels of the bid, 0..bids - 1; a bid of 0 asks to go last
    bid_price   order="bid": paid for every unit of one's own bid
    box         contributions are any number from 0 to endowment, not `levels` of them
    fair        the least share of the endowment that counts as cooperation, for mechanisms and the cooperation rate

    Observation   in order: "position" (0..n-1) and, by `sees`, "contributions" of the earlier movers, their "total", or
                  the "last" one. In repeated games: "own_before" and "total_before", what oneself and one's group gave
                  last round. All count steps of the grid (0..levels - 1 an agent), one more standing for "nothing yet";
                  with a box they are shares of the endowment, -1 standing for "nothing yet"
    State         given [n] money given this round (0 before one's turn), units [n] the same in steps of the grid (box:
                  as a share), order [n] whose turn each position is, house [n] whom each agent pools with, and of the
                  last round, by house: pot (money), heap (units), members, givers [n]; own_before, total_before [n];
                  recent, did, defected, played, seen_as (see games.memory.memories)
    Measures      contribution (mean share of the endowment that is given), contribution_0, ... of one agent, full
                  (share of rounds in which everybody gives all); in order position_1, ..., position_n of who moves
                  first to last; with a box, cooperation and cooperation_0, ...: shares of fair contributions

    A subclass lists in `pays` the rules that pay once all have given, and in `rewards` what they write.
    """

    levels: int = 21
    endowment: float = 20.0
    order: Order = "together"
    sees: Sees = "all"
    bids: int = 3
    bid_price: float = 0.0
    box: bool = False
    fair: float = 0.5
    rewards: ClassVar[tuple[str, ...]] = ()
    unlisted: ClassVar[tuple[str, ...]] = ("fair",)
    pays: ClassVar[tuple[Rule, ...]] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.order == "bid":
            object.__setattr__(self, "rewards", (*type(self).rewards, "bidding"))

    def check(self) -> None:
        name = type(self).__name__
        at_least(name, "levels", self.levels, 2)
        if self.endowment <= 0:
            raise ValueError(f"{name}: endowment must be above 0; got {self.endowment:g}")
        at_least(name, "fair", self.fair, 0, 1)
        at_least(name, "bids", self.bids, 2)
        at_least(name, "bid_price", self.bid_price, 0)
        for option in ("bids", "bid_price"):
            value = getattr(self, option)
            if self.order != "bid" and value != getattr(Contributions, option):
                raise ValueError(
                    f"{name}: {option} goes with order='bid'; got {option}={value:g}, order={self.order!r}"
                )
        if self.order == "bid" and self.box:
            raise ValueError(f"{name}: bids are whole numbers and box=True is for continuous decisions; got both")

    def fits(self, game: Game) -> None:
        if game.n_agents < 2:
            raise ValueError(f"{type(self).__name__} is a game of at least 2 agents; got n_agents={game.n_agents}")

    @property
    def stake(self) -> float:
        """Money that giving all costs."""
        return self.endowment

    @property
    def in_order(self) -> bool:
        """Whether agents move one after the other."""
        return self.order != "together"

    def amounts(self) -> np.ndarray:
        """Money that each action gives: float64 [levels]."""
        return self.stake * np.arange(self.levels) / (self.levels - 1)

    def words(self) -> tuple[str, ...]:
        """One word an action."""
        return ("give",) if self.box else tuple(f"give {amount:g}" for amount in self.amounts())

    def state(self, game: Game) -> dict[str, StateField]:
        n = game.n_agents
        found = memories(game, len(self.words()))
        found |= {name: floats(n) for name in ("given", "units", "pot", "heap")}
        found |= {name: ints(n) for name in ("order", "house", "members", "givers")}
        return found | {name: floats(n, fill=-1.0, lasting=True) for name in ("own_before", "total_before")}

    def constants(self, game: Game) -> dict[str, Any]:
        fair_amount = self.fair * self.stake * (1 - ALMOST)
        friendly = np.ones(1) if self.box else self.amounts() >= fair_amount
        return {
            "amounts": self.amounts(),
            "stake": self.stake,
            "fair_amount": fair_amount,
            "friendly": friendly.astype(np.int32),
            "in_order": int(self.in_order),
            "nothing": -1 if self.box else self.levels,
            "no_total": -1 if self.box else game.n_agents * (self.levels - 1) + 1,
        }

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"deal": [begin_round, draw_turns] if self.order == "random" else begin_round}

    def stages(self, game: Game) -> list[Stage]:
        give = (give_amount,) if self.box else (give_units, remember)
        settle = (*give, pool, *self.pays, keep_books)
        shape = dict(choices=self.words(), kind="play", box=(0.0, self.stake) if self.box else None)
        if not self.in_order:
            return [Stage("contribute", then=settle, **shape)]  # type: ignore[arg-type]
        turns = [
            Stage(
                f"contribute {p + 1}",
                acting=whose_turn,
                then=settle if p == game.n_agents - 1 else give,
                constants={"position": p},
                **shape,  # type: ignore[arg-type]
            )
            for p in range(game.n_agents)
        ]
        if self.order != "bid":
            return turns
        return [Stage("bid", tuple(f"bid {b}" for b in range(self.bids)), then=(auction,), phase=40), *turns]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        n, steps = game.n_agents, self.levels - 1

        def of(name: str, reader: Rule, words: str, givers: int = 1, size: int = 1, always: bool = False) -> Field:
            """A field of what so many agents have given together; not `always`: there may be nothing yet."""
            if self.box:
                return Field(name, size, reader, low=0.0 if always else -1.0, high=float(givers), words=words)
            money = tuple(f"{self.stake * units / steps:g}" for units in range(givers * steps + 1))
            return Field(name, size, reader, values=money if always else (*money, NOTHING_YET), words=words)

        before: list[Field] = []
        if not (isinstance(game.horizon, Fixed) and game.horizon.rounds == 1):
            before = [
                of("own_before", own_last_round, "what oneself gave last round"),
                of("total_before", total_last_round, "what one's group gave last round", n),
            ]
        play = list(before)
        if self.in_order:
            play.append(Field("position", 1, my_position, n, words="how many have moved before"))
            play += {
                "all": [of("contributions", predecessors, "what each earlier mover has given", size=n - 1)],
                "total": [of("total", so_far, "what the earlier movers have given together", n - 1, always=True)],
                "last": [of("last", the_last, "what the one just before has given")],
                "none": [],
            }[self.sees]
        return {"bid": before, "play": play}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"contribution": (3, game.n_agents), "full": (1,)}  # shares given by agent, by position; fair ones

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        n = game.n_agents
        rounds = sum(episode.count(f"play:{word}") for word in self.words()) / n
        by_agent, by_position, fair = episode.mean("contribution") / rounds
        found = {"contribution": by_agent.mean(), "full": episode.mean("full")[0] / rounds}
        found |= {f"contribution_{i}": share for i, share in enumerate(by_agent)}
        if self.in_order:
            found |= {f"position_{p + 1}": share for p, share in enumerate(by_position)}
        if self.box:
            found |= {"cooperation": fair.mean()} | {f"cooperation_{i}": share for i, share in enumerate(fair)}
        return {name: float(value) for name, value in found.items()}
