"""Strategies that do not look at the other."""

from __future__ import annotations

import numpy as np

from ...games.matrix import DEFECT
from ..view import View
from .pairs import Pairwise


class AllC(Pairwise):
    """Always cooperates.

    Names: Cooperator, ALLC (Axelrod 1984).
    """

    tags = dict(memory=0, stochastic=False, nice=True, retaliatory=False, forgiving=True)

    def cooperates(self, view: View) -> np.ndarray:
        return np.ones(view.n, bool)


class AllD(Pairwise):
    """Always defects.

    Names: Defector, ALLD (Axelrod 1984).
    """

    tags = dict(memory=0, stochastic=False, nice=False, retaliatory=False, forgiving=False)

    def cooperates(self, view: View) -> np.ndarray:
        return np.zeros(view.n, bool)


class Alternator(Pairwise):
    """Cooperates first, then does the opposite of what it did last.

    Names: Alternator (Axelrod 1984); Periodic player CD (Mittal & Deb 2009).
    """

    tags = dict(memory=1, stochastic=False, nice=False, retaliatory=False, forgiving=True)

    def cooperates(self, view: View) -> np.ndarray:
        return view.first | (view.own == DEFECT)


class Cycler(Pairwise):
    """Goes through the same moves again and again.

    cycle   letters C and D, such as "CCD"

    Names: Periodic player CCD (Mittal & Deb 2009). ValueError for other letters, or none.
    """

    tags = dict(memory=0, stochastic=False, nice=False, retaliatory=False, forgiving=True)

    cycle: str = "CCD"

    def __post_init__(self) -> None:
        if not self.cycle or set(self.cycle) - set("CD"):
            raise ValueError(f"Cycler: cycle must be letters C and D, such as 'CCD'; got {self.cycle!r}")

    def cooperates(self, view: View) -> np.ndarray:
        moves = np.array([letter == "C" for letter in self.cycle])
        return moves[view.met % len(moves)]
