"""Strategies that bear a grudge: for ever, for a while, or longer every time."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...games.matrix import COOPERATE, DEFECT
from ..view import View
from .pairs import Pairwise, check_whole

UNFORGIVING = dict(memory=float("inf"), stochastic=False, nice=True, retaliatory=True, forgiving=False)


class Grim(Pairwise):
    """Cooperates until the other defects, and never again.

    Names: Grim trigger (Friedman 1971); Grudger.
    """

    tags = UNFORGIVING
    keeps = dict(betrayed=False)

    def cooperates(self, view: View) -> np.ndarray:
        betrayed = view.kept["betrayed"] | (view.other == DEFECT)
        view.kept["betrayed"] = betrayed
        return ~betrayed


class FoolMeOnce(Pairwise):
    """Forgives one defection; after the second it never cooperates again.

    Names: Fool me once (the Axelrod library's).
    """

    tags = UNFORGIVING
    keeps = dict(times=0)

    def cooperates(self, view: View) -> np.ndarray:
        times = np.minimum(view.kept["times"] + (view.other == DEFECT), 2)
        view.kept["times"] = times
        return times < 2


class SpitefulTitForTat(Pairwise):
    """Tit for tat until the other defects twice in a row; from then on it defects.

    Names: Spiteful tit for tat (Mathieu & Delahaye 2017).
    """

    tags = UNFORGIVING
    keeps = dict(before=False, betrayed=False)

    def cooperates(self, view: View) -> np.ndarray:
        defected = view.other == DEFECT
        betrayed = view.kept["betrayed"] | (defected & view.kept["before"])
        view.kept["before"], view.kept["betrayed"] = defected, betrayed
        return ~(betrayed | defected)


class Davis(Grim):
    """Cooperates in the first encounters, whatever comes; from then on it is grim.

    patience   how many

    Names: Davis (Axelrod's first tournament, 1980). ValueError for fewer than 0.
    """

    tags = UNFORGIVING

    patience: int = 10

    def __post_init__(self) -> None:
        check_whole(self, 0, patience=self.patience)

    def cooperates(self, view: View) -> np.ndarray:
        return super().cooperates(view) | (view.met < self.patience)


class Bouts(Pairwise):
    """Base of those that answer a provocation with a bout of defections, then of cooperation, and look at nothing
    meanwhile.

    length(view, times)   defections of the bout that answers the provocation number `times`, ints [n]
    calm                  how often it cooperates afterwards
    """

    tags: ClassVar[dict[str, Any]] = {}
    keeps: ClassVar[dict[str, Any]] = dict(times=0, angry=0, calmly=0)
    calm: ClassVar[int] = 0

    def cooperates(self, view: View) -> np.ndarray:
        times, angry, calmly = (view.kept[name] for name in Bouts.keeps)
        hit = (angry == 0) & (calmly == 0) & self.provoked(view)
        times = times + hit
        angry = np.where(hit, self.length(times), angry)
        calmly = np.where(hit, self.calm, calmly)
        defects = angry > 0
        view.kept["times"], view.kept["angry"] = times, angry - defects
        view.kept["calmly"] = calmly - (~defects & (calmly > 0))
        return ~defects

    def provoked(self, view: View) -> np.ndarray:
        """Whether what the other did last is a provocation."""
        return view.other == DEFECT

    def length(self, times: np.ndarray) -> np.ndarray | int:
        """How often it defects in return."""
        raise NotImplementedError(f"{type(self).__name__} must define length(times)")


class SoftGrudger(Bouts):
    """Answers a defection with four, then cooperates twice to make up.

    Names: Soft grudger (Stewart & Plotkin 2012).
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, retaliatory=True, forgiving=True)
    calm = 2

    def length(self, times: np.ndarray) -> int:
        return 4


class ForgetfulGrudger(Bouts):
    """Bears a grudge for so many encounters, then forgets it.

    grudge   how many

    Names: Forgetful grudger (the Axelrod library's). ValueError for fewer than 1.
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, retaliatory=True, forgiving=True)

    grudge: int = 10

    def __post_init__(self) -> None:
        check_whole(self, 1, grudge=self.grudge)

    def length(self, times: np.ndarray) -> int:
        return self.grudge


class Gradual(Bouts):
    """Answers the n-th provocation with n defections, then cooperates twice to make up.

    Names: Gradual (Beaufils, Delahaye & Mathieu 1997).
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, retaliatory=True, forgiving=True)
    calm = 2

    def length(self, times: np.ndarray) -> np.ndarray:
        return times


class Shubik(Bouts):
    """Answers the n-th time that it is let down with n defections.

    Names: Shubik (Axelrod's first tournament, 1980).
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, retaliatory=True, forgiving=True)

    def provoked(self, view: View) -> np.ndarray:
        return (view.own == COOPERATE) & (view.other == DEFECT)

    def length(self, times: np.ndarray) -> np.ndarray:
        return times
