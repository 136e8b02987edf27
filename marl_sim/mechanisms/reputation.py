"""What everybody knows of everybody: an additive score of deeds."""

from __future__ import annotations

from typing import Any, ClassVar

from ..core.fields import Field, StateField, floats
from ..core.game import Game
from ..core.group import Group
from ..core.part import at_least
from ..core.rules import Rule, rule
from ..core.society import Mechanism

SHOWS_IN = ("select", "consent", "talk", "gift", "play", "respond", "punish", "exit")
IN_GROUPS = ("play", "sanction", "reward")


@rule
def hear_of_play(n: Any, acting: Any, played: Any, defected: Any, cooperate: Any, defect: Any, standing: Any) -> None:
    """Whoever played is credited for cooperation and charged for defection, in every eye."""
    for i in range(n):
        if acting[i] and played[i]:
            for viewer in range(standing.shape[0]):
                standing[viewer, i] += defect if defected[i] else cooperate


@rule
def hear_of_verdicts(
    n: Any, watch: Any, verdict: Any, acting: Any, target: Any, facing: Any, just: Any, unjust: Any, persecutor: Any,
    avenger: Any, standing: Any,
) -> None:  # fmt: skip
    """Judges gain by deserved and lose by undeserved punishment; private views add grudge and gratitude."""
    for j in range(n):
        if acting[j] and verdict[j] != 0:
            victim = target[j]
            for viewer in range(standing.shape[0]):
                standing[viewer, j] += just if verdict[j] > 0 else unjust
            if standing.shape[0] > 1:
                standing[victim, j] += persecutor
                if verdict[j] > 0 and facing[victim] >= 0 and facing[victim] != j:
                    standing[facing[victim], j] += avenger


@rule
def note_standing(n: Any, standing: Any, reputation: Any) -> None:
    """For the record: each agent's reputation, averaged over the views of it."""
    for j in range(n):
        reputation[j] = 0.0
        for viewer in range(standing.shape[0]):
            reputation[j] += standing[viewer, j] / standing.shape[0]


@rule
def everyones(i: Any, n: Any, standing: Any, out: Any) -> None:
    """Every agent's reputation by index, one's own included."""
    row = i if standing.shape[0] > 1 else 0
    for j in range(n):
        out[j] = standing[row, j]


@rule
def peers_standing(i: Any, peers: Any, standing: Any, out: Any) -> None:
    """The reputation of each peer, in the order of the choices."""
    row = i if standing.shape[0] > 1 else 0
    for p in range(peers.shape[1]):
        out[p] = standing[row, peers[i, p]] if peers[i, p] >= 0 else 0.0


@rule
def target_standing(i: Any, target: Any, standing: Any, out: Any) -> None:
    """The other's reputation."""
    out[0] = standing[i if standing.shape[0] > 1 else 0, target[i]]


@rule
def own_standing(i: Any, standing: Any, out: Any) -> None:
    """One's own reputation (with private views: one's own view of oneself)."""
    out[0] = standing[i if standing.shape[0] > 1 else 0, i]


@rule
def opponent_standing(i: Any, target: Any, facing: Any, standing: Any, out: Any) -> None:
    """The reputation of the judged one's opponent."""
    out[0] = standing[i if standing.shape[0] > 1 else 0, facing[target[i]]]


class Reputation(Mechanism):
    """A score that deeds add to (Dasgupta & Musolesi 2025; defaults are theirs). Starts at 0, unbounded, lasting.

    cooperate, defect     added for every play, and every answer that can be judged (0, 0: only punishment counts)
    just, unjust          added for every deserved and undeserved punishment (0, 0: only play counts)
    private               each agent keeps a view of its own of every other
    persecutor, avenger   private views only: what the punished adds for its punisher, and what the partner of a
                          punished defector adds for the punisher
    seen_in               the kinds of stage that see reputations: "select", "consent", "talk", "gift", "play",
                          "respond", "punish", "exit"; in groups "play", "sanction", "reward"
    scale                 the score s is seen as s / (scale + |s|); 0: as it is

    In groups play alone counts: who defected is what the game says of its last contribution or harvest.

    Observation   select, and play in groups: all reputations by index (on a graph: the peers'); punish: the opponent's
                  and the judged one's; elsewhere: the other's and one's own
    Action, reward   none. State: standing [1 or n_agents, n_agents]; tally reputation [n_agents] at the end
    """

    cooperate: float = 1.0
    defect: float = -1.0
    just: float = 2.0
    unjust: float = -3.0
    private: bool = False
    persecutor: float = -5.0
    avenger: float = 5.0
    seen_in: tuple[str, ...] = ("select", "consent", "play", "respond", "exit", "sanction", "reward")
    scale: float = 10.0
    on: ClassVar[tuple[str, ...]] = ("pairs", "groups")

    def check(self) -> None:
        at_least("Reputation", "scale", self.scale, 0)
        allowed = dict.fromkeys((*SHOWS_IN, *IN_GROUPS))
        if not set(self.seen_in) <= set(allowed):
            raise ValueError(f"Reputation: seen_in may list {', '.join(allowed)}; got {self.seen_in!r}")

    def fits(self, game: Game) -> None:
        if "defected" not in game.state:
            played = type(game.parts[0]).__name__
            raise ValueError(f"Reputation needs a game in which one can defect, such as PublicGoods(); got {played}")

    def state(self, game: Game) -> dict[str, StateField]:
        n = game.n_agents
        return {"standing": floats(n if self.private else 1, n, lasting=True)}

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {
            "after:play": hear_of_play,
            "after:respond": hear_of_play,
            "after:punish": hear_of_verdicts,
            "round": note_standing,
        }

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"reputation": (game.n_agents,)}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        return standing_fields(self, game, squash=self.scale or None)


def standing_fields(
    part: Any, game: Game, squash: float | None = None, levels: int | None = None, own: bool = True
) -> dict[str, list[Field]]:
    """How any reputation is seen in each kind of stage; `own`: beside the other's, one's own too."""

    def field(name: str, size: int, reader: Rule, words: str) -> Field:
        values = ("bad", "good") if levels == 2 else ()
        return Field(name, size, reader, levels=levels, squash=squash, words=words, values=values)

    if getattr(game, "graph", None) is None:
        choice = field("reputations", game.n_agents, everyones, "every agent's reputation, by index")
    else:
        choice = field("peers_reputation", game.peers.shape[1], peers_standing, "each peer's reputation")  # type: ignore[attr-defined]
    other = field("target_reputation", 1, target_standing, "the other's reputation")
    mine = [field("own_reputation", 1, own_standing, "one's own reputation")] if own else []
    opponent = field("opponent_reputation", 1, opponent_standing, "the reputation of the judged one's opponent")
    if isinstance(game, Group):
        shown = {kind: [other, *mine] for kind in IN_GROUPS} | {"play": [choice]}
    else:
        shown = {kind: [other, *mine] for kind in SHOWS_IN} | {"select": [choice], "punish": [opponent, other]}
    return {kind: fields for kind, fields in shown.items() if kind in part.seen_in}
