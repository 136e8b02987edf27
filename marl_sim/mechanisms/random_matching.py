"""Chance decides who meets whom."""

from __future__ import annotations

from typing import Any, Literal

from ..core.encounters import pair_up
from ..core.fields import StateField, ints
from ..core.game import Game
from ..core.rng import integer, shuffle
from ..core.rules import Rule, rule
from ..core.society import Mechanism


@rule
def draw_pairs(key: Any, n: Any, peers: Any, complete: Any, partner: Any, willing: Any, lot: Any) -> None:
    """Agents in a random order each take a random partner among those left that they can meet; the rest sit out.

    Where all can meet, neighbours in the random order are as good a draw.
    """
    for i in range(n):
        lot[i] = i
        partner[i] = -1
        willing[i] = 0
    if not complete:
        pair_up(key, n, peers, partner, willing, lot)
        return
    shuffle(key, lot)
    for k in range(0, n - 1, 2):
        partner[lot[k]] = lot[k + 1]
        partner[lot[k + 1]] = lot[k]
        willing[lot[k]] = 1


@rule
def draw_partners(key: Any, n: Any, peers: Any, partner: Any, willing: Any) -> None:
    """Every agent hosts, with a partner drawn uniformly among those it can meet."""
    for i in range(n):
        degree = 0
        while degree < peers.shape[1] and peers[i, degree] >= 0:
            degree += 1
        partner[i] = peers[i, integer(key, i, degree)]
        willing[i] = 1


class RandomMatching(Mechanism):
    """Partners are drawn uniformly at random: what a society does that has no other way of matching.

    how    "pairs": disjoint pairs (with an odd number one agent sits out); "hosts": every agent hosts one encounter
           with a random partner, so that some meet more often; "auto": pairs when all play together, hosts in turn;
           "one pair": a single random pair a round (in turn only)
    every  "round" or "episode": how often partners are drawn anew

    Observation, action, reward: none of its own. State: partner, willing (see core.encounters).
    """

    how: Literal["auto", "pairs", "hosts", "one pair"] = "auto"
    every: Literal["round", "episode"] = "round"

    @property
    def matches(self) -> str:
        return self.every

    @property
    def hosts_a_cycle(self) -> int:
        return 1 if self.how == "one pair" else 0

    def fits(self, game: Game) -> None:
        if self.how == "pairs" and game.in_turn:
            raise ValueError("RandomMatching: how='pairs' needs encounters='together'; or take 'hosts' or 'one pair'")
        if self.how == "one pair" and not game.in_turn:
            raise ValueError("RandomMatching: how='one pair' needs encounters='in turn'; or take 'pairs' or 'hosts'")

    def pairs(self, game: Game) -> bool:
        """Whether the pairs are disjoint."""
        return self.how == "pairs" or (self.how == "auto" and not game.in_turn)

    def state(self, game: Game) -> dict[str, StateField]:
        return {"lot": ints(game.n_agents)} if self.pairs(game) else {}

    def constants(self, game: Game) -> dict[str, Any]:
        return {"complete": int(getattr(game, "graph", None) is None)}

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"open": draw_pairs if self.pairs(game) else draw_partners}
