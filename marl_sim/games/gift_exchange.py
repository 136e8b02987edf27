"""Gift exchange: a firm pays a wage, and the worker, already paid, chooses how hard to work."""

from __future__ import annotations

import math
from typing import ClassVar

import numpy as np

from ..core.factories import register_part
from .two_step import MOST, TwoStep

COSTS = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 10.0, 12.0, 15.0, 18.0)


class GiftExchange(TwoStep):
    """The host, a firm, pays a wage; the guest, a worker, then chooses its effort, which is worth more than it costs.

    levels       how many different wages there are, 2 to 1001, evenly spaced
    value        what a worker's full effort is worth to the firm, in units of payoff
    lowest       the lowest wage, at least 0
    highest      the highest wage, above the lowest and at most the value
    fixed_cost   what working costs the worker whatever its effort, at least 0
    costs        what each effort costs beside that, from the least to full effort, each more than the last. Effort j
                 of m is j / m, so that ten costs mean efforts of 0.1, 0.2, ..., 1

    The worker gains nothing by effort, so a selfish one makes the least, and a firm that expects that pays the lowest
    wage; both would be better off with a high wage and a high effort. Wages from the `fair` share of the way from the
    lowest to the highest on count as cooperation, and so do efforts on their own scale.

    The defaults are numbers as commonly reported of the experiment (value 126, costs 26 and 0 to 18, wages in multiples
    of 5 from 30 on), remembered and not checked against it. There, workers could refuse in a market; here the pair is
    given and the wage is paid.

    Observation   play, respond: "target_actions", "own_actions", the last deeds: 0..levels-1 a wage, then the efforts,
                  the last number while unknown; respond: "offer", the wage (0..levels-1), and no "target_actions" where
                  the society remembers one deed only, which is the wage
    Action        play (the host): the a-th wage; respond (the guest): the a-th effort
    Reward        `payoff`, when the worker has chosen: with wage w and effort e, (value - w) * e to the firm and
                  w - cost(e) - fixed_cost to the worker
    State         offer [n_agents] which wage a host has paid in this round (-1: none yet, or no host); recent, did,
                  defected, played, seen_as (see games.memory.memories)
    Measures      wage, effort (averages)
    Errors        numbers outside these ranges; all at once where an agent can be in two encounters: give
                  encounters="in turn"
    Source        Fehr, Kirchsteiger & Riedl, "Does fairness prevent market clearing? An experimental investigation"
                  (Quarterly Journal of Economics 1993)
    """

    levels: int = 20
    value: float = 126.0
    lowest: float = 30.0
    highest: float = 125.0
    fixed_cost: float = 26.0
    costs: tuple[float, ...] = COSTS
    measured: ClassVar[tuple[str, ...]] = ("wage", "effort")

    def check(self) -> None:
        super().check()
        if not self.value >= self.highest > self.lowest >= 0:
            raise ValueError(
                f"GiftExchange needs value >= highest > lowest >= 0; "
                f"got value={self.value:g}, highest={self.highest:g}, lowest={self.lowest:g}"
            )
        if self.fixed_cost < 0:
            raise ValueError(f"GiftExchange: fixed_cost must be at least 0; got {self.fixed_cost:g}")
        good = isinstance(self.costs, tuple | list) and 2 <= len(self.costs) <= MOST
        good = good and all(isinstance(x, int | float) and math.isfinite(x) for x in self.costs)
        if not (good and self.costs[0] >= 0 and all(a < b for a, b in zip(self.costs, self.costs[1:], strict=False))):
            wanted = f"2 to {MOST} numbers of at least 0, each more than the last"
            raise ValueError(f"GiftExchange: costs must be {wanted}; got {self.costs!r}")

    def offers(self) -> tuple[str, ...]:
        return tuple(f"wage {wage:g}" for wage in self.amounts)

    def answers(self) -> tuple[str, ...]:
        return tuple(f"effort {effort:g}" for effort in self.replies)

    @property
    def amounts(self) -> np.ndarray:
        """The wages."""
        return self.lowest + (self.highest - self.lowest) * np.arange(self.levels) / (self.levels - 1)

    @property
    def replies(self) -> np.ndarray:
        """The efforts."""
        return np.arange(1, len(self.costs) + 1) / len(self.costs)

    @property
    def payoffs(self) -> np.ndarray:
        """What (firm, worker) get: float64 [levels, efforts, 2]."""
        wage, cost = self.amounts[:, None], np.array(self.costs, dtype=np.float64)
        return np.stack([(self.value - wage) * self.replies, wage - cost - self.fixed_cost], axis=2)

    def friendly_answers(self) -> np.ndarray:
        """Efforts that reach the fair share of their scale."""
        return self.cooperative(len(self.costs))


register_part(
    "gift_exchange",
    GiftExchange,
    """Gift exchange: a firm pays a wage, and the worker, already paid, chooses how hard to work.

    The firm is the host of an encounter; when all play at once, chance draws the roles every round. The numbers are as
    commonly reported of the experiment, remembered and not checked against it.
    """,
)
