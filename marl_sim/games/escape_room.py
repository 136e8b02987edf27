"""The escape room: some must pull a lever, at a cost and for nothing, so that the others can leave by the door."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..core.factories import register_part
from ..core.fields import Field, StateField, floats, ints
from ..core.game import Game
from ..core.group import GroupDilemma
from ..core.horizon import Fixed
from ..core.part import Episode, at_least
from ..core.rules import Rule, rule
from ..core.stage import Stage
from .memory import memories, remember

START, LEVER, DOOR = 0, 1, 2
PLACES = ("start", "lever", "door")


@rule
def move(
    n: Any, action: Any, place: Any, levers: Any, success: Any, cost: Any, given: Any, payoff: Any, gone: Any,
    lasted: Any, escaped: Any, got_out: Any,
) -> None:  # fmt: skip
    """If enough pull, whoever chooses the door is out; everybody else pays for going where it was not."""
    pulling = 0
    for i in range(n):
        pulling += action[i] == LEVER
    gone[0] = 0
    for i in range(n):
        given[i] = cost if action[i] == LEVER else 0.0
        if action[i] == DOOR and pulling >= levers:
            payoff[i] += success
            gone[0] += 1
        elif action[i] != place[i]:
            payoff[i] -= cost
        place[i] = action[i]
    lasted[0] += 1
    got_out[0] += gone[0]
    escaped[0] = gone[0] > 0


@rule
def close_the_room(gone: Any, over: Any) -> None:
    """The game is over once anybody is out."""
    if gone[0] > 0:
        over[0] = 1


@rule
def own_place(i: Any, place: Any, out: Any) -> None:
    """Where I am."""
    out[0] = place[i]


@rule
def places_of_others(i: Any, n: Any, place: Any, out: Any) -> None:
    """Where the others are, by index."""
    k = 0
    for j in range(n):
        if j != i:
            out[k] = place[j]
            k += 1


@rule
def rounds_over(round: Any, rounds: Any, out: Any) -> None:
    """How many rounds are over, at most those before the last one."""
    out[0] = min(round[0], rounds - 1)


class EscapeRoom(GroupDilemma):
    """Who pulls the lever? The door opens while enough do, and whoever pulls stays behind: ER(n_agents, levers).

        payoff of i = success   if i chooses the door and at least `levers` agents choose the lever
                      0         else, where i chooses the place in which it is
                      -cost     else

    levers    M: how many must pull at once for the door to open, from 1 to n_agents - 1
    success   what getting out is worth, above 0
    cost      what going to another place costs, above 0

    All stand at the start, and choose at once where to be next. What counts is who pulls in this round: whoever is at
    the lever pulls again by staying, for nothing, and whoever comes to the lever pays for it though others get out.
    Whoever gets out pays nothing for its way. If the lever is pulled and nobody takes the door, the game goes on. To
    pull is to cooperate. All together gain most if just M pull and all others leave in the first round, success *
    (n_agents - M) - cost * M, or, where that is less than nothing, if nobody moves.

    A reconstruction, without the paper at hand: the rules as remembered, which are those of the authors' public code,
    and its numbers: 10, 1, five rounds, two agents and one lever. Its observation has no round, but what an agent has
    given to each other one: here that is for the mechanism to show by which they give.

    Observation   "place" one's own, "others" those of the others by index (0 start, 1 lever, 2 door); where the horizon
                  is Fixed, of more than one round, "round" (0..rounds-1)
    Action        start, lever, door: where to be next
    Reward        `payoff`
    Ending        the horizon's; the game is over (terminated) after the round in which anybody gets out, with all its
                  stages, so that those who are out can still reward those who pulled. Without that a Fixed horizon
                  terminates too; a Continuing one leaves everybody where it is
    State         place [n_agents]; given [n_agents] the cost for who pulled in this round, 0 for others; gone [1] how
                  many got out in it; recent, did, defected, played, seen_as (see games.memory.memories). Tallies
                  escaped [1] whether anybody got out, got_out [1] how many did, lasted [1] rounds
    Measures      escaped (share of episodes in which anybody gets out), leavers (how many get out where anybody does,
                  on average; 0 where nobody ever does); the total of all rewards is `reward`, as in every game
    Errors        numbers outside their range; a lever for so many that nobody would be left to get out
    Source        Yang, Li, Farajtabar, Sunehag, Hughes & Zha, "Learning to incentivize other learning agents" (NeurIPS
                  2020)
    """

    levers: int = 1
    success: float = 10.0
    cost: float = 1.0
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)

    def check(self) -> None:
        at_least("EscapeRoom", "levers", self.levers, 1)
        for name, value in (("success", self.success), ("cost", self.cost)):
            if not value > 0:
                raise ValueError(f"EscapeRoom: {name} must be above 0; got {value:g}")

    def fits(self, game: Game) -> None:
        if game.n_agents < 2:
            raise ValueError(f"EscapeRoom is a game of at least 2 agents; got n_agents={game.n_agents}")
        if self.levers >= game.n_agents:
            raise ValueError(
                f"EscapeRoom: levers must be at most {game.n_agents - 1}, so that one of {game.n_agents} agents is "
                f"left to get out; got {self.levers}"
            )

    def payoff_rows(self) -> list[list[str]]:
        """The payoffs of a round as a table of words, a header first."""
        success, cost = f"{self.success:g}", f"{-self.cost:g}"
        return [
            ["own choice \\ pulling", f"fewer than {self.levers}", f"{self.levers} or more"],
            ["door, from elsewhere", cost, success],
            ["door, being there", "0", success],
            ["start or lever, from elsewhere", cost, cost],
            ["start or lever, being there", "0", "0"],
        ]

    def state(self, game: Game) -> dict[str, StateField]:
        n = game.n_agents
        return memories(game, len(PLACES)) | {"place": ints(n, lasting=True), "given": floats(n), "gone": ints(1)}

    def constants(self, game: Game) -> dict[str, Any]:
        friendly = np.array([place == LEVER for place in range(len(PLACES))], dtype=np.int32)
        found: dict[str, Any] = {"stake": self.cost, "friendly": friendly}
        return found | ({"rounds": game.horizon.rounds} if isinstance(game.horizon, Fixed) else {})

    def stages(self, game: Game) -> list[Stage]:
        return [Stage("move", PLACES, then=(move, remember), kind="play")]

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"round": close_the_room}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        seen = [
            Field("place", 1, own_place, values=PLACES, words="where one is"),
            Field("others", game.n_agents - 1, places_of_others, values=PLACES, words="where the others are"),
        ]
        if isinstance(game.horizon, Fixed) and game.horizon.rounds > 1:
            seen.append(Field("round", 1, rounds_over, game.horizon.rounds, words="how many rounds are over"))
        return {"play": seen}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"escaped": (1,), "got_out": (1,), "lasted": (1,)}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        escaped, got_out = (float(episode.mean(name)[0]) for name in ("escaped", "got_out"))
        return {"escaped": escaped, "leavers": got_out / escaped if escaped else 0.0}


register_part(
    "escape_room",
    EscapeRoom,
    """The escape room: somebody must pull a lever, which pays nothing, for the others to get out by the door.

    As it comes, two agents: one who pulls lets the other out. With n_agents=3 and levers=2, two let out a third. A
    reconstruction, without the paper at hand; rules and numbers are those of its authors' public code.
    """,
    n_agents=2,
    rounds=5,
)
