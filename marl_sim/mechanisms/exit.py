"""Pairs last until somebody walks out."""

from __future__ import annotations

from typing import Any

from ..core.encounters import at_the_table, pair_up
from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.rules import Rule, rule
from ..core.society import Mechanism
from ..core.stage import Stage
from ..games.memory import remembered


@rule
def pair_the_free(key: Any, n: Any, peers: Any, partner: Any, willing: Any, lot: Any) -> None:
    """Those without a partner, in a random order, each take a random one that is free too; pairs that stand stay."""
    for i in range(n):
        if partner[i] < 0:
            willing[i] = 0
    pair_up(key, n, peers, partner, willing, lot)


@rule
def walk_out(n: Any, acting: Any, action: Any, facing: Any, partner: Any, break_ups: Any) -> None:
    """Where one of the two leaves, both are free."""
    for i in range(n):
        if acting[i] and action[i] == 1 and partner[i] >= 0:
            break_ups[0] += 1
            partner[facing[i]] = -1
            partner[i] = -1


@rule
def partners_recent(i: Any, target: Any, recent: Any, out: Any) -> None:
    """What the partner did last, newest first."""
    for h in range(out.size):
        out[h] = recent[target[i], h]


class Exit(Mechanism):
    """Agents are paired and stay together, round after round, until one of them leaves.

    It has no options. Pairs are drawn at random when an episode starts (on a graph: among neighbours). After every
    round both partners say whether they stay or leave; if either leaves, both are free and, before the next round, all
    who are free are paired anew at random, perhaps with the same. With an odd number one agent is left over and waits.
    Who hosts (the row player) is drawn when a pair is formed.

    Observation   exit: "partner_actions", the partner's last actions, as many as the society remembers. Reputations are
                  seen where a reputation mechanism shows itself to "exit"
    Action        exit: stay, leave
    Reward        none of its own
    State         partner, willing (see core.encounters), lot; tally break_ups [1], the pairs that broke
    Errors        fewer than 3 agents; another mechanism that matches
    Sources       Schuessler, "Exit threats and cooperation under anonymity" (1989); Izquierdo, Izquierdo &
                  Vega-Redondo, "The option to leave" (2010)
    """

    @property
    def matches(self) -> str:
        return "round"

    def pairs(self, game: Game) -> bool:
        """Whether the pairs are disjoint: always."""
        return True

    def fits(self, game: Game) -> None:
        if game.n_agents < 3:
            raise ValueError(
                f"Exit needs at least 3 agents, so that there is somebody else to meet; got {game.n_agents}"
            )

    def state(self, game: Game) -> dict[str, StateField]:
        return {"lot": ints(game.n_agents)}

    def stages(self, game: Game) -> list[Stage]:
        return [Stage("exit", ("stay", "leave"), acting=at_the_table, then=(walk_out,), phase=90)]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        values, memory = remembered(game), getattr(game, "memory", 1)
        words = "the partner's last actions"
        return {"exit": [Field("partner_actions", memory, partners_recent, values=values, words=words)]}

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"open": pair_the_free}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"break_ups": (1,)}
