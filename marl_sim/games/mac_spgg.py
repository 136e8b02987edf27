"""A sequential public goods game in the style of MAC-SPGG: cost, bonus, share and penalty."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from ..core.factories import register_part
from ..core.fields import floats, ints
from ..core.game import Game
from ..core.part import at_least
from ..core.rules import Rule, rule
from .contributions import ALMOST, Contributions, Order

BONUSES = ("prod", "mean", "const")


@rule
def reward_by_turn(
    n: Any, order: Any, house: Any, given: Any, pot: Any, members: Any, in_order: Any, kappa: Any, gamma: Any,
    rho: Any, bonus_mode: Any, cost: Any, bonus: Any, share: Any, ahead: Any, earlier: Any,
) -> None:  # fmt: skip
    """Giving costs, earns a bonus by what was given before it, and all share the multiplied total alike."""
    for h in range(n):
        ahead[h] = 0.0
        earlier[h] = 0
    for p in range(n):
        i = order[p]
        h = house[i]
        cost[i] -= kappa * given[i]
        if bonus_mode == 0:
            bonus[i] += gamma * given[i] * ahead[h]
        elif bonus_mode == 2:
            bonus[i] += gamma * ahead[h]
        elif earlier[h] > 0:
            bonus[i] += gamma * given[i] * ahead[h] / earlier[h]
        share[i] += rho / members[h] * pot[h]
        if in_order:
            ahead[h] += given[i]
            earlier[h] += 1


@rule
def penalise(
    n: Any, house: Any, pot: Any, members: Any, least: Any, of_mean: Any, penalty: Any, penalised: Any
) -> None:
    """Everybody pays the penalty where the total, or the mean, stays below the threshold."""
    for i in range(n):
        h = house[i]
        if pot[h] < (least * members[h] if of_mean else least):
            penalised[i] -= penalty


class MacSPGG(Contributions):
    """Public goods in turns, with rewards that can make giving everything the one equilibrium. A reconstruction.

        U_i = - kappa c_i + gamma c_i b_i + rho / n (c_1 + ... + c_n) - penalty [c_1 + ... + c_n < B]

    c_i is what agent i gives, from 0 to endowment, and b_i what those who moved before it gave: all (S), or on average.

    kappa     cost of giving one
    rho       what the total is multiplied by before all share it alike
    gamma     weight of the bonus for giving after others have given
    B         threshold below which all are penalised; 0: there is none
    scale     "total": B is compared with the total, "mean": with the mean contribution
    penalty   paid by everybody where B is missed
    bonus     with S in all from those who moved before, "prod": gamma c_i S for giving c_i; "mean": gamma c_i S over
              the number of those; "const": gamma S, whatever one gives oneself. The first mover has no bonus, and
              nobody has one if order="together"

    What is certain (the published abstract, description and training configuration of MAC-SPGG): agents move in turn,
    seeing all earlier contributions or the last one alone; the reward has these four parts, in words; 3 agents,
    rho = 1.8, gamma = 1.5, penalty 1.5. What is inferred: the formula above, the meaning of B and its scale (their
    configuration has 0.85), kappa, and contributions as the action itself (theirs are scores of texts, chosen through
    decoding parameters). No figure of the paper can be compared with this game; its equilibria can, by backward
    induction: with B = n and penalty above kappa - rho / n everybody gives all, in one pass.

    Reward   `cost`, `bonus`, `share`, `penalised`, all paid once all have given. There is no endowment to keep. With
             institutions everything is counted inside one's own house, but B stays as it is.
    State    ahead, earlier [n]: by house, what was given before the turn that is being paid, and by how many
    Errors   options out of their range; a threshold that cannot be reached
    Source   Liang, Qu, Yang, Lin & Shen, "Everyone Contributes!" (arXiv 2508.02076, 2025)
    """

    endowment: float = 1.0
    order: Order = "fixed"
    kappa: float = 1.0
    rho: float = 1.8
    gamma: float = 1.5
    B: float = 3.0
    scale: Literal["total", "mean"] = "total"
    penalty: float = 1.5
    bonus: Literal["prod", "mean", "const"] = "prod"
    rewards: ClassVar[tuple[str, ...]] = ("cost", "bonus", "share", "penalised")
    unlisted: ClassVar[tuple[str, ...]] = ("endowment", "fair")
    pays: ClassVar[tuple[Rule, ...]] = (reward_by_turn, penalise)

    def check(self) -> None:
        super().check()
        for option in ("kappa", "rho", "gamma", "B", "penalty"):
            at_least("MacSPGG", option, getattr(self, option), 0)

    def fits(self, game: Game) -> None:
        super().fits(game)
        most = self.endowment * (game.n_agents if self.scale == "total" else 1)
        if most * (1 + ALMOST) < self.B:
            raise ValueError(
                f"MacSPGG: B must be at most {most:g}, the greatest {self.scale} that {game.n_agents} agents "
                f"can give; got {self.B:g}"
            )

    def state(self, game: Game) -> dict[str, Any]:
        n = game.n_agents
        return super().state(game) | {"ahead": floats(n), "earlier": ints(n)}

    def constants(self, game: Game) -> dict[str, Any]:
        return super().constants(game) | {
            "least": self.B * (1 - ALMOST),
            "of_mean": int(self.scale == "mean"),
            "bonus_mode": BONUSES.index(self.bonus),
        }


register_part(
    "mac_spgg",
    MacSPGG,
    """Agents give in turn, and as it comes are rewarded so that all give everything in equilibrium (after MAC-SPGG).

    A reconstruction: the paper's formula could not be read, only its parts in words and its numbers; see MacSPGG for
    what is certain and what is inferred. Here everybody gives from 0 to 1.
    """,
    n_agents=3,
    rounds=1,
)
