"""Memory one: what happened last decides the odds of cooperating now."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..player import Player
from ..view import View
from .pairs import Pairwise, check_share

Odds = tuple[float, float, float, float]


class FourOdds(Pairwise):
    """Base of the memory-one strategies: `odds(player)` gives the chances to cooperate after CC, CD, DC and DD (what
    oneself did first), and `start` the chance before."""

    tags: ClassVar[dict[str, Any]] = {}
    start: ClassVar[float] = 1.0

    def odds(self, player: Player) -> Odds:
        """The chance to cooperate after CC, CD, DC, DD."""
        raise NotImplementedError(f"{type(self).__name__} must define odds(player)")

    def opening(self) -> float:
        """The chance to cooperate with whom it does not know."""
        return self.start

    def reset(self, player: Player) -> None:
        super().reset(player)
        odds = np.array([self.opening(), *self.odds(player)])
        player.store["odds"], player.store["certain"] = odds, bool(np.isin(odds, (0.0, 1.0)).all())

    def cooperates(self, view: View) -> np.ndarray:
        odds = view.store["odds"][np.where(view.first, 0, 1 + 2 * view.own + view.other)]
        return odds == 1 if view.store["certain"] else view.uniform() < odds


class MemoryOne(FourOdds):
    """Any memory-one strategy, by its four chances to cooperate.

    p_cc, p_cd, p_dc, p_dd   after both cooperated, oneself alone, the other alone, nobody
    first                    before anything has happened

    The default chances are those of "Stochastic cooperator" (Adami & Hintze 2013).

    Names: Memory-one (Nowak & Sigmund 1990). ValueError for chances outside 0 to 1.
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=True, forgiving=True)

    p_cc: float = 0.935
    p_cd: float = 0.229
    p_dc: float = 0.266
    p_dd: float = 0.42
    first: float = 1.0

    def __post_init__(self) -> None:
        check_share(self, p_cc=self.p_cc, p_cd=self.p_cd, p_dc=self.p_dc, p_dd=self.p_dd, first=self.first)

    def odds(self, player: Player) -> Odds:
        return self.p_cc, self.p_cd, self.p_dc, self.p_dd

    def opening(self) -> float:
        return self.first


class Reactive(FourOdds):
    """Looks at what the other did last, and at nothing else.

    p, q    chance to cooperate after the other cooperated, and after it defected
    first   before anything has happened

    Names: Reactive (Nowak & Sigmund 1989). ValueError for chances outside 0 to 1.
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=True, forgiving=True)

    p: float = 0.9
    q: float = 0.1
    first: float = 1.0

    def __post_init__(self) -> None:
        check_share(self, p=self.p, q=self.q, first=self.first)

    def odds(self, player: Player) -> Odds:
        return self.p, self.q, self.p, self.q

    def opening(self) -> float:
        return self.first


class Joss(FourOdds):
    """Tit for tat that now and then defects on a cooperator.

    honesty   chance to answer cooperation with cooperation

    Names: Joss (Axelrod's first tournament, 1980); Hard Joss. ValueError for a chance outside 0 to 1.
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=True, forgiving=True)

    honesty: float = 0.9

    def __post_init__(self) -> None:
        check_share(self, honesty=self.honesty)

    def odds(self, player: Player) -> Odds:
        return self.honesty, 0.0, self.honesty, 0.0


class FirmButFair(FourOdds):
    """Win-stay, lose-shift that goes on cooperating after it has exploited, and forgives in two of three cases.

    Names: Firm but fair (Frean 1994).
    """

    tags = dict(memory=1, stochastic=True, nice=True, retaliatory=True, forgiving=True)

    def odds(self, player: Player) -> Odds:
        return 1.0, 0.0, 1.0, 2 / 3


class Grofman(FourOdds):
    """Cooperates after both did the same, and in two of seven cases otherwise.

    Names: Grofman (Axelrod's first tournament, 1980).
    """

    tags = dict(memory=1, stochastic=True, nice=True, retaliatory=True, forgiving=True)

    def odds(self, player: Player) -> Odds:
        return 1.0, 2 / 7, 2 / 7, 1.0


class WinStayLoseShift(FourOdds):
    """Repeats what went well and changes what did not: cooperates after both did the same.

    Names: Win-stay, lose-shift (Nowak & Sigmund 1993); Pavlov (Kraines & Kraines 1989); Simpleton (Rapoport & Chammah
    1965).
    """

    tags = dict(memory=1, stochastic=False, nice=True, retaliatory=True, forgiving=True)

    def odds(self, player: Player) -> Odds:
        return 1.0, 0.0, 0.0, 1.0


class WinShiftLoseStay(FourOdds):
    """Changes what went well and repeats what did not; it defects first.

    Names: Win-shift, lose-stay (Li et al. 2011).
    """

    tags = dict(memory=1, stochastic=False, nice=False, retaliatory=True, forgiving=True)
    start = 0.0

    def odds(self, player: Player) -> Odds:
        return 0.0, 1.0, 1.0, 0.0


class Willing(FourOdds):
    """Defects only after nobody cooperated; its first move is a coin's.

    Names: Willing (van den Berg & Weissing 2015).
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=True, forgiving=True)
    start = 0.5

    def odds(self, player: Player) -> Odds:
        return 1.0, 1.0, 1.0, 0.0


class Hopeless(FourOdds):
    """Cooperates unless both did; its first move is a coin's.

    Names: Hopeless (van den Berg & Weissing 2015).
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=False, forgiving=True)
    start = 0.5

    def odds(self, player: Player) -> Odds:
        return 0.0, 1.0, 1.0, 1.0


class Desperate(FourOdds):
    """Cooperates only after nobody did; its first move is a coin's.

    Names: Desperate (van den Berg & Weissing 2015).
    """

    tags = dict(memory=1, stochastic=True, nice=False, retaliatory=False, forgiving=False)
    start = 0.5

    def odds(self, player: Player) -> Odds:
        return 0.0, 0.0, 0.0, 1.0
