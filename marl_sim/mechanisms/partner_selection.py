"""Agents choose whom to play with."""

from __future__ import annotations

from typing import Any, Literal

from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.part import at_least
from ..core.rng import integer
from ..core.rules import rule
from ..core.society import Mechanism
from ..core.stage import Stage
from ..games.memory import remembered


@rule
def take_choice(n: Any, acting: Any, action: Any, peers: Any, partner: Any, willing: Any, selected: Any) -> None:
    """Action a of agent i names its a-th peer; the named one cannot refuse."""
    for i in range(n):
        if acting[i]:
            partner[i] = peers[i, action[i]]
            willing[i] = 1
            selected[i, partner[i]] += 1


@rule
def a_peer(i: Any, peers: Any, out: Any) -> None:
    """Only as many choices as agent i has peers."""
    for a in range(out.size):
        if a >= peers.shape[1] or peers[i, a] < 0:
            out[a] = 0


@rule
def peers_recent(i: Any, peers: Any, recent: Any, friendly: Any, out: Any) -> None:
    """The last actions of each peer, peer after peer, newest first; of a peer that is not there, nothing yet."""
    looks = out.size // peers.shape[1]
    for p in range(peers.shape[1]):
        for h in range(looks):
            out[p * looks + h] = recent[peers[i, p], h] if peers[i, p] >= 0 else friendly.size


@rule
def host_on_turn(n: Any, hosting: Any, facing: Any, acting: Any, target: Any) -> None:
    """A round settles the choice of those whose own encounter was played in it."""
    for i in range(n):
        acting[i] = hosting[i]
        target[i] = facing[i]


@rule
def draw_suitors(key: Any, n: Any, partner: Any, suitor: Any) -> None:
    """Each chosen agent considers one of those who chose it, drawn uniformly; the others are refused."""
    for j in range(n):
        suitor[j] = -1
        count = 0
        for i in range(n):
            if partner[i] == j:
                count += 1
        if count > 0:
            pick = integer(key, j, count)
            for i in range(n):
                if partner[i] == j:
                    if pick == 0:
                        suitor[j] = i
                        break
                    pick -= 1


@rule
def whoever_is_courted(n: Any, suitor: Any, acting: Any, target: Any) -> None:
    """Those with a suitor answer it."""
    for j in range(n):
        acting[j] = suitor[j] >= 0
        target[j] = suitor[j]


@rule
def answer(n: Any, action: Any, suitor: Any, willing: Any) -> None:
    """An encounter takes place where the chosen one has accepted."""
    for i in range(n):
        willing[i] = 0
    for j in range(n):
        if suitor[j] >= 0 and action[j] == 1:
            willing[suitor[j]] = 1


@rule
def suitor_recent(i: Any, target: Any, recent: Any, out: Any) -> None:
    """The suitor's last actions."""
    for h in range(out.size):
        out[h] = recent[target[i], h]


class PartnerSelection(Mechanism):
    """Every agent selects the partner of its own encounter (Anastassacos et al. 2020).

    every      "episode": once, for all rounds; "round": before every round
    consent    False: the selected cannot refuse, and the popular play more; True: a second stage, in which each
               selected agent accepts or refuses one of those who selected it (drawn uniformly), the rest being refused
    history    how many last actions of every peer the selector sees (0: none; at most the society's memory).
               Reputations are seen where a reputation mechanism shows itself to "select".

    Observation   select: "peers_actions", the last actions of each peer; consent: "suitor_actions"
    Action        select: a-th peer, that is agent a, or a + 1 from one's own index on; consent: refuse, accept
    Reward        none of its own
    State         partner, willing; tally selected [n_agents, n_agents] who chose whom
    """

    every: Literal["episode", "round"] = "round"
    consent: bool = False
    history: int = 1

    def check(self) -> None:
        at_least("PartnerSelection", "history", self.history, 0)

    @property
    def matches(self) -> str:
        return self.every

    def fits(self, game: Game) -> None:
        memory = getattr(game, "memory", 1)
        if self.history > memory:
            most = f"the society's memory of {memory}"
            raise ValueError(f"PartnerSelection: history must be at most {most}; got {self.history}")

    def state(self, game: Game) -> dict[str, StateField]:
        return {"suitor": ints(game.n_agents, fill=-1)} if self.consent else {}

    def stages(self, game: Game) -> list[Stage]:
        peers = game.peers  # type: ignore[attr-defined]
        words = tuple(f"peer {a}" for a in range(peers.shape[1]))
        select = Stage(
            "select",
            words,
            then=(take_choice,),
            legal=None if (peers >= 0).all() else a_peer,
            settles=host_on_turn,
            opening=True,
            phase=0,
        )
        if not self.consent:
            return [select]
        consent = Stage(
            "consent",
            ("refuse", "accept"),
            acting=whoever_is_courted,
            begin=draw_suitors,
            then=(answer,),
            opening=True,
            phase=1,
        )
        return [select, consent]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        if not self.history:
            return {}
        values = remembered(game)
        seen = game.peers.shape[1] * self.history  # type: ignore[attr-defined]
        return {
            "select": [Field("peers_actions", seen, peers_recent, values=values, words="last actions of each peer")],
            "consent": [
                Field("suitor_actions", self.history, suitor_recent, values=values, words="the suitor's last actions")
            ],
        }

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"selected": ints(game.n_agents, game.n_agents)}
