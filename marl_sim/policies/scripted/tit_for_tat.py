"""Tit for tat and its kin: they give back what they got, sooner or later, more or less."""

from __future__ import annotations

import numpy as np

from ...games.matrix import COOPERATE, DEFECT
from ..player import Player
from ..view import View
from .pairs import Pairwise, check_share, check_whole, payoffs

LONG_AGO = 99  # encounters since the last defection, where there was none


class TitForTat(Pairwise):
    """Cooperates first, then does what the other did last.

    Names: Tit for tat (Rapoport; Axelrod 1980).
    """

    tags = dict(memory=1, stochastic=False, nice=True, retaliatory=True, forgiving=True)

    def cooperates(self, view: View) -> np.ndarray:
        return view.other != DEFECT


class SuspiciousTitForTat(Pairwise):
    """Defects first, then does what the other did last.

    Names: Suspicious tit for tat (Boyd & Lorberbaum 1987); Mistrust (Beaufils, Delahaye & Mathieu 1997).
    """

    tags = dict(memory=1, stochastic=False, nice=False, retaliatory=True, forgiving=True)

    def cooperates(self, view: View) -> np.ndarray:
        return view.other == COOPERATE


class ReverseTitForTat(Pairwise):
    """Does the opposite of what the other did last, and defects first.

    Names: Reverse tit for tat (Nachbar 1992); Bully.
    """

    tags = dict(memory=1, stochastic=False, nice=False, retaliatory=False, forgiving=False)

    def cooperates(self, view: View) -> np.ndarray:
        return view.other == DEFECT


class TwoTitsForTat(Pairwise):
    """Answers every defection with two.

    Names: Two tits for tat (Axelrod 1984).
    """

    tags = dict(memory=2, stochastic=False, nice=True, retaliatory=True, forgiving=True)
    keeps = dict(since=LONG_AGO)
    tits = 2

    def cooperates(self, view: View) -> np.ndarray:
        since = np.where(view.other == DEFECT, 0, np.minimum(view.kept["since"] + 1, LONG_AGO))
        view.kept["since"] = since
        return since >= self.tits


class HardTitForTat(TwoTitsForTat):
    """Defects if the other did in any of the last three encounters.

    Names: Hard tit for tat (Mathieu & Delahaye 2017).
    """

    tags = dict(memory=3, stochastic=False, nice=True, retaliatory=True, forgiving=True)
    tits = 3


class TitForTwoTats(Pairwise):
    """Defects only if the other did twice in a row.

    Names: Tit for two tats (Maynard Smith, in Axelrod 1984).
    """

    tags = dict(memory=2, stochastic=False, nice=True, retaliatory=True, forgiving=True)
    keeps = dict(before=False, since=LONG_AGO)
    tits = 1

    def cooperates(self, view: View) -> np.ndarray:
        defected = view.other == DEFECT
        since = np.where(defected & view.kept["before"], 0, np.minimum(view.kept["since"] + 1, LONG_AGO))
        view.kept["before"], view.kept["since"] = defected, since
        return since >= self.tits


class HardTitForTwoTats(TitForTwoTats):
    """Defects if the other did twice in a row within the last three encounters.

    Names: Hard tit for two tats (Stewart & Plotkin 2012).
    """

    tags = dict(memory=3, stochastic=False, nice=True, retaliatory=True, forgiving=True)
    tits = 2


class GenerousTitForTat(Pairwise):
    """Tit for tat that forgives a defection with some probability.

    generosity   from 0 to 1; None: min(1 - (T - R) / (R - S), (R - P) / (T - P)) of the game's payoffs, the most that a
                 defector cannot exploit

    Names: Generous tit for tat (Nowak & Sigmund 1992). ValueError for a generosity outside 0 to 1, and where there is
    no such most.
    """

    tags = dict(memory=1, stochastic=True, nice=True, retaliatory=True, forgiving=True)

    generosity: float | None = None

    def __post_init__(self) -> None:
        check_share(self, generosity=0.0 if self.generosity is None else self.generosity)

    def reset(self, player: Player) -> None:
        super().reset(player)
        player.store["generosity"] = self._most(player) if self.generosity is None else self.generosity

    def _most(self, player: Player) -> float:
        r, s, t, p = payoffs(self, player)
        if not (t >= r > s and r >= p and t > p):
            raise ValueError(
                f"{self.name} finds its generosity where T >= R > S and R >= P; got T={t:g}, R={r:g}, S={s:g}, "
                f"P={p:g}: give it one, such as generosity=0.3"
            )
        return max(0.0, min(1 - (t - r) / (r - s), (r - p) / (t - p)))

    def cooperates(self, view: View) -> np.ndarray:
        return (view.other != DEFECT) | (view.uniform() < view.store["generosity"])


class ContriteTitForTat(Pairwise):
    """Tit for tat that accepts to be punished for its own mistakes.

    Both are in good standing at first. Who cooperates is; who defects is no more, unless it was the one in good
    standing and the other was not. It defects only with somebody in bad standing, being in good standing itself.

    Names: T1 (Sugden 1986); Contrite tit for tat (Boyd 1989; Wu & Axelrod 1995).
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, retaliatory=True, forgiving=True)
    keeps = dict(own_good=True, other_good=True)

    def cooperates(self, view: View) -> np.ndarray:
        own, other = view.kept["own_good"], view.kept["other_good"]
        mine = (view.own != DEFECT) | (own & ~other)
        theirs = (view.other != DEFECT) | (other & ~own)
        view.kept["own_good"], view.kept["other_good"] = mine, theirs
        return theirs | ~mine


class OmegaTitForTat(Pairwise):
    """Tit for tat that breaks up endless turns of retaliation, and gives up on whom it cannot make out.

    deadlock     so many changes of the other's mind in a row make it cooperate twice, whatever comes
    randomness   from so many points on it defects for ever: the other earns one for every change of its mind and for
                 every move that differs from one's own, and loses one for cooperating twice in a row

    Names: Omega tit for tat (Slany & Kienreich 2007). ValueError for numbers below 1.
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, retaliatory=True, forgiving=True)
    keeps = dict(before=-1, changes=0, points=0)

    deadlock: int = 3
    randomness: int = 8

    def __post_init__(self) -> None:
        check_whole(self, 1, deadlock=self.deadlock, randomness=self.randomness)

    def cooperates(self, view: View) -> np.ndarray:
        before, changes, points = (view.kept[name] for name in self.keeps)
        other, known = view.other, view.met >= 2
        stuck = known & (changes >= self.deadlock)
        counts, changed = known & ~stuck, before != other
        friendly = (before == COOPERATE) & (other == COOPERATE)
        points = points + counts * (changed.astype(int) + (view.own != other) - friendly)
        hopeless = counts & (points >= self.randomness)
        changes = np.where(counts & ~hopeless, np.where(changed, changes + 1, 0), changes)
        second = changes > self.deadlock
        changes = np.where(stuck, np.where(second, 0, self.deadlock + 1), changes)
        view.kept["before"], view.kept["changes"], view.kept["points"] = other, changes, points
        return stuck | ((other != DEFECT) & ~hopeless)


class AdaptiveTitForTat(Pairwise):
    """Keeps an image of the other that its moves change little by little, and cooperates while that is good enough.

    rate   how far a move carries the image from 0.5 towards 1 (cooperation) or 0, from 0 to 1; 0.5 makes it tit for tat

    Names: Adaptive tit for tat (Tzafestas 2000). ValueError for another rate.
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, retaliatory=True, forgiving=True)
    keeps = dict(image=0.5)

    rate: float = 0.3

    def __post_init__(self) -> None:
        check_share(self, rate=self.rate)

    def cooperates(self, view: View) -> np.ndarray:
        image = view.kept["image"]
        image = np.where(view.first, image, image + self.rate * ((view.other == COOPERATE) - image))
        view.kept["image"] = image
        return image >= 0.5
