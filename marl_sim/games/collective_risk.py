"""The collective-risk dilemma: together they must save enough to avert a disaster, or may lose everything."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..core.factories import register_part
from ..core.fields import Field, StateField, floats, ints
from ..core.game import Game
from ..core.group import GroupDilemma
from ..core.horizon import Fixed
from ..core.part import at_least
from ..core.rng import uniform
from ..core.rules import Rule, rule
from ..core.stage import Stage
from .memory import NOTHING_YET, memories, remember

ALMOST = 1e-9  # quotients of tenths are not exact


@rule
def put_in(n: Any, action: Any, unit: Any, given: Any, contributed: Any, pot: Any) -> None:
    """What is contributed goes from one's account into the pot."""
    for i in range(n):
        given[i] = unit * action[i]
        contributed[i] += action[i]
        pot[0] += action[i]


@rule
def what_it_has(i: Any, contributed: Any, most: Any, out: Any) -> None:
    """No more than is left on one's account."""
    for a in range(1, out.size):
        if contributed[i] + a > most:
            out[a] = 0


@rule
def reckon(
    key: Any, n: Any, round: Any, rounds: Any, pot: Any, needed: Any, risk: Any, endowment: Any, unit: Any,
    contributed: Any, payoff: Any, lost: Any, saved: Any, reached: Any, disaster: Any,
) -> None:  # fmt: skip
    """After the last round all take their accounts home, unless the target is missed and the disaster takes them."""
    if round[0] + 1 < rounds:
        return
    saved[0] = unit * pot[0]
    reached[0] = pot[0] >= needed
    disaster[0] = pot[0] < needed and uniform(key, 0) < risk
    for i in range(n):
        account = endowment - unit * contributed[i]
        payoff[i] += account
        if disaster[0]:
            lost[i] -= account


@rule
def pot_so_far(pot: Any, needed: Any, out: Any) -> None:
    """What is in the pot, in units; no more than is needed."""
    out[0] = min(pot[0], needed)


@rule
def own_account(i: Any, contributed: Any, most: Any, out: Any) -> None:
    """What is left on my account, in units."""
    out[0] = most - contributed[i]


@rule
def which_round(round: Any, rounds: Any, out: Any) -> None:
    """How many rounds are over, at most those before the last one."""
    out[0] = min(round[0], rounds - 1)


@rule
def last_acts(n: Any, recent: Any, out: Any) -> None:
    """What everybody contributed last, by index."""
    for j in range(n):
        out[j] = recent[j, 0]


class CollectiveRisk(GroupDilemma):
    """Each round all put something of their accounts into a pot; if it misses its target, they may lose what they kept.

    endowment   money on everybody's account at the start
    unit        money that a step of a contribution is
    levels      contributions: unit * k for k = 0..levels-1, as long as the account has it
    target      money that the pot must hold after the last round
    risk        probability that, where the target is missed, the disaster comes and all lose their accounts
    sees        what is known: "pot", "account" (one's own), "round"; "acts", what everybody contributed last, by index

    Contributions are gone whether the target is reached or not. Nothing is paid before the last round, so that the
    reward of an episode is what the player takes home; learners that discount should do so little. The disaster hits
    all alike. To contribute at least target / (n_agents * rounds) is to cooperate. If all keep everything each can
    expect (1 - risk) * endowment; if all give their part, endowment - target / n_agents.

    Observation   "pot" (units, up to the target's), "account" (units that can still be given), "round" (0..rounds-1),
                  "acts" (0..levels-1, or levels while unknown)
    Action        how many units to contribute
    Reward        `payoff` the account, `lost` minus the account if the disaster comes; both after the last round
    State         pot [1] and contributed [n_agents] in units, given [n_agents] money of this round; recent, did,
                  defected, played, seen_as (see games.memory.memories). Tallies saved [1] money in the pot, reached
                  [1] whether it reached the target, disaster [1] whether the disaster came
    Errors        numbers outside their range; a target that cannot be reached; a horizon that is not Fixed(rounds)
    Source        Milinski, Sommerfeld, Krambeck, Reed & Marotzke, "The collective-risk social dilemma and the
                  prevention of simulated dangerous climate change" (PNAS 2008); the defaults, 6 players, 10 rounds and
                  risks of 0.9, 0.5 and 0.1 are as commonly reported
    """

    endowment: float = 40.0
    unit: float = 2.0
    levels: int = 3
    target: float = 120.0
    risk: float = 0.9
    sees: tuple[str, ...] = ("pot", "account", "round")
    rewards: ClassVar[tuple[str, ...]] = ("payoff", "lost")

    def check(self) -> None:
        for name, value in (("endowment", self.endowment), ("unit", self.unit), ("target", self.target)):
            if not value > 0:
                raise ValueError(f"CollectiveRisk: {name} must be above 0; got {value:g}")
        at_least("CollectiveRisk", "levels", self.levels, 2)
        at_least("CollectiveRisk", "risk", self.risk, 0, 1)
        if not set(self.sees) <= {"pot", "account", "round", "acts"}:
            raise ValueError(f"CollectiveRisk: sees may list 'pot', 'account', 'round' and 'acts'; got {self.sees!r}")

    def fits(self, game: Game) -> None:
        if not isinstance(game.horizon, Fixed):
            raise ValueError(f"CollectiveRisk has a last round: give it horizon=Fixed(rounds); got {game.horizon!r}")
        n, rounds = game.n_agents, game.horizon.rounds
        most = n * self.unit * min(self.most, rounds * (self.levels - 1))
        if self.target > most * (1 + ALMOST):
            raise ValueError(
                f"CollectiveRisk: target must be at most {most:g}, which is all that {n} agents can give in "
                f"{rounds} rounds; got {self.target:g}"
            )

    @property
    def most(self) -> int:
        """Units that an account is good for."""
        return math.floor(self.endowment / self.unit * (1 + ALMOST))

    @property
    def needed(self) -> int:
        """Units that the target is."""
        return math.ceil(self.target / self.unit * (1 - ALMOST))

    def state(self, game: Game) -> dict[str, StateField]:
        n = game.n_agents
        return memories(game, self.levels) | {"pot": ints(1), "contributed": ints(n), "given": floats(n)}

    def constants(self, game: Game) -> dict[str, Any]:
        rounds = game.horizon.rounds  # type: ignore[attr-defined]
        part = self.needed / (game.n_agents * rounds) * (1 - ALMOST)
        return {
            "most": self.most,
            "needed": self.needed,
            "rounds": rounds,
            "stake": self.unit * (self.levels - 1),
            "friendly": (np.arange(self.levels) >= part).astype(np.int32),
        }

    def stages(self, game: Game) -> list[Stage]:
        words = tuple(f"give {self.unit * k:g}" for k in range(self.levels))
        lasts = self.most >= game.horizon.rounds * (self.levels - 1)  # type: ignore[attr-defined]
        legal = None if lasts else what_it_has
        return [Stage("contribute", words, then=(put_in, remember), legal=legal, kind="play")]

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"round": reckon}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        n, rounds = game.n_agents, game.horizon.rounds  # type: ignore[attr-defined]
        acts = (*map(str, range(self.levels)), NOTHING_YET)
        known = {
            "pot": Field("pot", 1, pot_so_far, self.needed + 1, words="what is in the pot, in units, up to the target"),
            "account": Field("account", 1, own_account, self.most + 1, words="units left on one's own account"),
            "round": Field("round", 1, which_round, rounds, words="how many rounds are over"),
            "acts": Field("acts", n, last_acts, values=acts, words="units that everybody gave last, by index"),
        }
        return {"play": [known[name] for name in self.sees]}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"saved": (1,), "reached": (1,), "disaster": (1,)}


register_part(
    "collective_risk",
    CollectiveRisk,
    """The collective-risk dilemma: if a group does not save enough, all may lose what they kept.

    Six players with 40 euros each give 0, 2 or 4 in each of 10 rounds towards 120, as commonly reported; the experiment
    has risks of 0.9, 0.5 and 0.1, and shows what everybody gave last. All is paid after the last round. Giving one's
    part leaves 20; giving nothing leaves 40 with probability 1 - risk.
    """,
    n_agents=6,
)
