"""Zero-determinant strategies: they fix a linear relation between what both are paid in the long run."""

from __future__ import annotations

from typing import Any, ClassVar

from ..player import Player
from .memory_one import FourOdds, Odds
from .pairs import check_number, check_share, payoffs


class LinearRelation(FourOdds):
    """Base of the strategies that hold the other's payoff to a line of one's own, whatever the other does.

        other's - baseline = slope * (own - baseline)         of payoffs a round, averaged over a long game

        p_cc = 1 - phi * (1 - slope) * (R - baseline)         p_dc = phi * (baseline - S + slope * (T - baseline))
        p_cd = 1 - phi * (T - baseline + slope * (baseline - S))        p_dd = phi * (1 - slope) * (baseline - P)

    phi is `pace` times the largest for which all four are chances. `line(r, p)` gives slope and baseline. ValueError in
    one sentence where T > R > P > S does not hold or no phi will do.

    Source: Press & Dyson (PNAS 2012); in this form Hilbe, Nowak & Sigmund (PNAS 2013), equation 14.
    """

    tags: ClassVar[dict[str, Any]] = {}

    def line(self, r: float, p: float) -> tuple[float, float]:
        """Slope and baseline of the relation, of a game that pays r for mutual cooperation and p for defection."""
        raise NotImplementedError(f"{type(self).__name__} must define line(r, p)")

    def speed(self) -> float:
        """The share of the largest phi, above 0 and at most 1."""
        return 1.0

    def odds(self, player: Player) -> Odds:
        r, s, t, p = payoffs(self, player)
        got = f"T={t:g}, R={r:g}, P={p:g}, S={s:g}"
        if not t > r > p > s:
            raise ValueError(f"{self.name} is for games of T > R > P > S; got {got}")
        slope, base = self.line(r, p)
        falls = (1 - slope) * (r - base), t - base + slope * (base - s)  # of p_cc and p_cd, a unit of phi
        rises = base - s + slope * (t - base), (1 - slope) * (base - p)  # of p_dc and p_dd
        if min(*falls, *rises) < 0 or not max(*falls, *rises) > 0:
            raise ValueError(
                f"{self.name}: nobody can hold the other to a line of slope {slope:g} and baseline {base:g} at {got}"
            )
        phi = self.speed() / max(*falls, *rises)
        return 1 - phi * falls[0], 1 - phi * falls[1], phi * rises[0], phi * rises[1]


class ZeroDeterminant(LinearRelation):
    """Holds the other to any line that can be held.

    slope      of the other's payoff against one's own, at most 1; 1 is fair
    baseline   the payoff at which both are alike; None: midway between R and P
    pace       share of the largest step, above 0 and at most 1

    Names: Zero-determinant (Press & Dyson 2012). ValueError for options out of range.
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=True, forgiving=True)

    slope: float = 0.5
    baseline: float | None = None
    pace: float = 0.5

    def __post_init__(self) -> None:
        check_number(self, slope=self.slope, baseline=self.baseline or 0.0)
        check_pace(self, self.pace)

    def line(self, r: float, p: float) -> tuple[float, float]:
        return self.slope, (r + p) / 2 if self.baseline is None else self.baseline

    def speed(self) -> float:
        return self.pace


class Extort(LinearRelation):
    """Makes sure of a gain `factor` times the other's, both counted from mutual defection.

    factor   at least 1
    pace     share of the largest step, above 0 and at most 1; a half makes it Extort-2 of Stewart & Plotkin (2012)

    Names: Extortion (Press & Dyson 2012). ValueError for options out of range.
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=True, forgiving=True)

    factor: float = 2.0
    pace: float = 0.5

    def __post_init__(self) -> None:
        check_factor(self, self.factor)
        check_pace(self, self.pace)

    def line(self, r: float, p: float) -> tuple[float, float]:
        return 1 / self.factor, p

    def speed(self) -> float:
        return self.pace


class GenerousZeroDeterminant(LinearRelation):
    """Makes sure of a loss `factor` times the other's, both counted from mutual cooperation.

    factor   at least 1
    pace     share of the largest step, above 0 and at most 1

    Names: ZDGTFT-2 (Stewart & Plotkin 2012); Generous (Stewart & Plotkin 2013). ValueError for options out of range.
    """

    tags = dict(memory=1, stochastic=True, nice=True, retaliatory=True, forgiving=True)

    factor: float = 2.0
    pace: float = 1.0

    def __post_init__(self) -> None:
        check_factor(self, self.factor)
        check_pace(self, self.pace)

    def line(self, r: float, p: float) -> tuple[float, float]:
        return 1 / self.factor, r

    def speed(self) -> float:
        return self.pace


class Equalizer(LinearRelation):
    """Sets what the other is paid, whatever the other does.

    payoff   from P to R; None: midway
    pace     share of the largest step, above 0 and at most 1

    Names: Equalizer (Boerlijst, Nowak & Sigmund 1997); SET-2 (Press & Dyson 2012). ValueError for options out of range.
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=True, forgiving=True)

    payoff: float | None = None
    pace: float = 1.0

    def __post_init__(self) -> None:
        check_number(self, payoff=self.payoff or 0.0)
        check_pace(self, self.pace)

    def line(self, r: float, p: float) -> tuple[float, float]:
        return 0.0, (r + p) / 2 if self.payoff is None else self.payoff

    def speed(self) -> float:
        return self.pace


def check_pace(policy: FourOdds, pace: float) -> None:
    """ValueError in one sentence unless it is a share above 0."""
    check_share(policy, pace=pace)
    if pace == 0:
        raise ValueError(f"{type(policy).__name__}: pace must be above 0; got {pace!r}")


def check_factor(policy: FourOdds, factor: float) -> None:
    """ValueError in one sentence unless it is at least 1."""
    if not 1 <= factor < float("inf"):
        raise ValueError(f"{type(policy).__name__}: factor must be a number of at least 1; got {factor!r}")
