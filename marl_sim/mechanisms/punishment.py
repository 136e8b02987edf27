"""Agents judge one another, and fine whom they choose to."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numba

from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.part import at_least
from ..core.rng import integer, mix
from ..core.rules import rule
from ..core.society import Mechanism
from ..core.stage import Stage
from ..games.memory import remembered

TRIES = 4  # draws among all agents before the candidates are counted


@numba.njit
def is_peer(peers: Any, i: Any, j: Any) -> Any:
    """Whether i can reach j."""
    for p in range(peers.shape[1]):  # noqa: SIM110  (rules have no generators)
        if peers[i, p] == j:
            return True
    return False


@numba.njit
def is_near(peers: Any, host: Any, guest: Any, j: Any) -> Any:
    """Whether j is a neighbour of one of the players."""
    return is_peer(peers, host, j) or is_peer(peers, guest, j)


@numba.njit
def stranger(played: Any, facing: Any, j: Any, v: Any) -> Any:
    """Whether v played, and neither against j nor as j."""
    return v != j and played[v] and facing[v] >= 0 and facing[v] != j and facing[j] != v


@rule
def summon_in_turn(
    key: Any, n: Any, peers: Any, facing: Any, hosting: Any, played: Any, partners: Any, witnesses: Any, nearby: Any,
    watch: Any,
) -> None:  # fmt: skip
    """One encounter at the table: pass 0 judges its host, pass 1 its guest, where they have just played.

    With partners alone as judges one pass serves for both. Witnesses of a victim are drawn without replacement among
    those who do not play (on a graph: among the neighbours of the two players); the two victims' draws are independent.
    """
    for p in range(watch.shape[0]):
        for j in range(n):
            watch[p, j] = -1
    for host in range(n):
        if hosting[host]:
            guest = facing[host]
            if partners and played[guest]:
                watch[watch.shape[0] - 1, host] = guest
            if partners and played[host]:
                watch[0, guest] = host
            for p in range(watch.shape[0] if witnesses > 0 else 0):
                victim = host if p == 0 else guest
                for k in range(witnesses if played[victim] else 0):
                    free = 0
                    for j in range(n):
                        if facing[j] < 0 and watch[p, j] < 0 and (not nearby or is_near(peers, host, guest, j)):
                            free += 1
                    if free > 0:
                        pick = integer(mix(key, p), k, free)
                        for j in range(n):
                            if facing[j] < 0 and watch[p, j] < 0 and (not nearby or is_near(peers, host, guest, j)):
                                if pick == 0:
                                    watch[p, j] = victim
                                    break
                                pick -= 1


@rule
def summon_together(
    key: Any, n: Any, peers: Any, facing: Any, played: Any, partners: Any, nearby: Any, watch: Any
) -> None:
    """All encounters at once: each judge watches one player a pass, whom it faced or one drawn among the others.

    A witness's player is drawn uniformly among those it did not meet (on a graph: among whom it can reach). A few draws
    among all find one ten times faster than a count of the candidates, which is left for what they missed.
    """
    for p in range(watch.shape[0]):
        for j in range(n):
            watch[p, j] = -1
            if p == 0 and partners:
                if facing[j] >= 0 and played[facing[j]]:
                    watch[p, j] = facing[j]
                continue
            for attempt in range(TRIES):
                v = integer(mix(key, p), j + n * attempt, n)
                if stranger(played, facing, j, v) and (not nearby or is_peer(peers, j, v)):
                    watch[p, j] = v
                    break
            if watch[p, j] >= 0:
                continue
            free = 0
            for v in range(n):
                if stranger(played, facing, j, v) and (not nearby or is_peer(peers, j, v)):
                    free += 1
            if free > 0:
                pick = integer(mix(key, p), j + n * TRIES, free)
                for v in range(n):
                    if stranger(played, facing, j, v) and (not nearby or is_peer(peers, j, v)):
                        if pick == 0:
                            watch[p, j] = v
                            break
                        pick -= 1


@rule
def judges(n: Any, watch: Any, pass_number: Any, acting: Any, target: Any) -> None:
    """Those who watch somebody in this pass decide about whom they watch."""
    for j in range(n):
        acting[j] = watch[pass_number, j] >= 0
        target[j] = watch[pass_number, j]


@rule
def settle(
    n: Any, pass_number: Any, watch: Any, action: Any, defected: Any, fine: Any, just: Any, unjust: Any, cost: Any,
    fined: Any, judging: Any, verdict: Any, facing: Any, justly: Any, unjustly: Any, spared: Any, by_partner: Any,
) -> None:  # fmt: skip
    """A fine is taken from the punished; the judge is paid by whether it was deserved."""
    for j in range(n):
        verdict[j] = 0
        victim = watch[pass_number, j]
        if victim < 0:
            continue
        if action[j] == 1:
            fined[victim] -= fine
            judging[j] -= cost
            if defected[victim]:
                verdict[j] = 1
                judging[j] += just
                justly[0] += 1
                by_partner[0] += facing[j] == victim
            else:
                verdict[j] = -1
                judging[j] += unjust
                unjustly[0] += 1
                by_partner[1] += facing[j] == victim
        elif defected[victim]:
            spared[0] += 1
        else:
            spared[1] += 1


@rule
def defectors_only(i: Any, target: Any, defected: Any, out: Any) -> None:
    """Only those who defected may be punished."""
    if not defected[target[i]]:
        out[1] = 0


@rule
def target_act(i: Any, target: Any, recent: Any, out: Any) -> None:
    """What the judged one did."""
    out[0] = recent[target[i], 0]


@rule
def opponent_act(i: Any, target: Any, facing: Any, recent: Any, out: Any) -> None:
    """What the judged one's opponent did."""
    out[0] = recent[facing[target[i]], 0]


class Punishment(Mechanism):
    """Judges may fine the players they watched (Dasgupta & Musolesi 2025; defaults are theirs).

    by          who judges: the "partner" of the encounter, a "witness" who did not play in it, or "both"
    fine        taken from the punished
    just        to whoever punished a defector (negative: punishing is costly; theirs is -3)
    unjust      to whoever punished a cooperator
    cost        taken from the punisher in any case
    witnesses   how many witnesses watch each player (all together: how many players each agent watches)
    nearby      on a graph: witnesses come from the players' neighbours rather than from everybody
    antisocial  whether cooperators can be punished at all

    Observation   "target_act" and "opponent_act": what the judged one and its opponent did this round
    Action        let be, punish
    Reward        `fined` to the punished, `judging` to the judge
    State         watch [passes, n_agents] whom each judges (-1 nobody), verdict [n_agents]: 1 punished a defector, -1
                  punished a cooperator, 0 neither, in the last pass; tallies justly, unjustly, spared [2] (defectors,
                  cooperators let be), by_partner [2] (of the just and of the unjust)

    A judge decides about one player at a time. In turn, with witnesses, the host is judged in one pass and the guest
    in the next, so that a bystander drawn for both decides twice; together, partners judge in the first pass and
    witnesses after them.
    """

    by: Literal["partner", "witness", "both"] = "partner"
    fine: float = 3.0
    just: float = 2.0
    unjust: float = -10.0
    cost: float = 0.0
    witnesses: int = 1
    nearby: bool = True
    antisocial: bool = True
    rewards: ClassVar[tuple[str, ...]] = ("fined", "judging")

    def check(self) -> None:
        at_least("Punishment", "fine", self.fine, 0)
        at_least("Punishment", "cost", self.cost, 0)
        at_least("Punishment", "witnesses", self.witnesses, 1)

    def fits(self, game: Game) -> None:
        if self.by != "partner" and game.n_agents < self.witnesses + 2:
            raise ValueError(
                f"Punishment: by={self.by!r} needs at least {self.witnesses + 2} agents, two players and "
                f"{self.witnesses} to watch; got {game.n_agents}"
            )

    def passes(self, game: Game) -> int:
        """Stages of judging a round."""
        if self.by == "partner":
            return 1
        return 2 if game.in_turn else (self.by == "both") + self.witnesses

    def state(self, game: Game) -> dict[str, StateField]:
        n = game.n_agents
        return {"watch": ints(self.passes(game), n, fill=-1), "verdict": ints(n)}

    def constants(self, game: Game) -> dict[str, Any]:
        return {
            "partners": int(self.by != "witness"),
            "witnesses": self.witnesses if self.by != "partner" else 0,
            "nearby": int(self.nearby and getattr(game, "graph", None) is not None),
        }

    def stages(self, game: Game) -> list[Stage]:
        passes = self.passes(game)
        summon = summon_in_turn if game.in_turn else summon_together
        return [
            Stage(
                "punish" if passes == 1 else f"punish {p + 1}",
                ("let be", "punish"),
                acting=judges,
                begin=summon if p == 0 else None,
                then=(settle,),
                legal=None if self.antisocial else defectors_only,
                kind="punish",
                phase=70,
                constants={"pass_number": p},
            )
            for p in range(passes)
        ]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        values = remembered(game)
        return {
            "punish": [
                Field("target_act", 1, target_act, values=values, words="what the judged one did"),
                Field("opponent_act", 1, opponent_act, values=values, words="what its opponent did"),
            ]
        }

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"justly": (1,), "unjustly": (1,), "spared": (2,), "by_partner": (2,)}
