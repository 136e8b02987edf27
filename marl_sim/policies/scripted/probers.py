"""Strategies that find out whom they face, by trying or by counting."""

from __future__ import annotations

import numpy as np

from ...games.matrix import COOPERATE, DEFECT
from ..view import View
from .pairs import Pairwise, check_share

ENDLESS = float("inf")
WINDOW = 10


class Prober(Pairwise):
    """Plays D, C, C; exploits whoever then cooperated twice, and is tit for tat with the others.

    Names: Prober (Mittal & Deb 2009; PRISON's).
    """

    tags = dict(memory=ENDLESS, stochastic=False, nice=False, retaliatory=False, forgiving=True)
    keeps = dict(soft=True)

    def cooperates(self, view: View) -> np.ndarray:
        met, defected = view.met, view.other == DEFECT
        soft = view.kept["soft"] & ~(((met == 2) | (met == 3)) & defected)
        view.kept["soft"] = soft
        return np.where(met < 3, met > 0, ~soft & ~defected)


class RemorsefulProber(Pairwise):
    """Tit for tat that now and then defects on a cooperator, and then lets the other's retaliation pass.

    honesty   chance to answer cooperation with cooperation

    Names: Remorseful prober (Dawkins, "The Selfish Gene", 1989). ValueError for a chance outside 0 to 1.
    """

    tags = dict(memory=2, stochastic=True, nice=False, retaliatory=True, forgiving=True)
    keeps = dict(probing=False)

    honesty: float = 0.9

    def __post_init__(self) -> None:
        check_share(self, honesty=self.honesty)

    def cooperates(self, view: View) -> np.ndarray:
        known, defected, probing = ~view.first, view.other == DEFECT, view.kept["probing"]
        probes = known & ~defected & (view.uniform() >= self.honesty)
        view.kept["probing"] = np.where(defected, False, probes)
        return np.where(defected, probing, ~probes)


class Handshake(Pairwise):
    """Plays C, D; cooperates for ever with whoever did the same, and with nobody else.

    Names: Handshake (Robson 1990).
    """

    tags = dict(memory=ENDLESS, stochastic=False, nice=False, retaliatory=False, forgiving=False)
    keeps = dict(kin=True)

    def cooperates(self, view: View) -> np.ndarray:
        met = view.met
        wrong = ((met == 1) & (view.other == DEFECT)) | ((met == 2) & (view.other == COOPERATE))
        kin = view.kept["kin"] & ~wrong
        view.kept["kin"] = kin
        return np.where(met < 2, met == 0, kin)


class Tester(Pairwise):
    """Defects at once and then every other time; if the other ever defects it apologises and is tit for tat.

    Names: Tester (Gladstein, in Axelrod's second tournament, 1980).
    """

    tags = dict(memory=ENDLESS, stochastic=False, nice=False, retaliatory=True, forgiving=True)
    keeps = dict(caught=False)

    def cooperates(self, view: View) -> np.ndarray:
        met, defected, before = view.met, view.other == DEFECT, view.kept["caught"]
        view.kept["caught"] = before | defected
        probing = np.where(met < 3, met > 0, view.own == DEFECT)
        return np.where(before, ~defected, defected | probing)


class GoByMajority(Pairwise):
    """Does what the other has done more often.

    soft   cooperates where it is a tie, the first encounter included

    Names: Go by majority (Axelrod 1984); Soft and hard majority (Mittal & Deb 2009).
    """

    tags = dict(memory=ENDLESS, stochastic=False, nice=True, retaliatory=True, forgiving=True)
    keeps = dict(balance=0)

    soft: bool = True

    def cooperates(self, view: View) -> np.ndarray:
        balance = view.kept["balance"] + (view.other == COOPERATE) - (view.other == DEFECT).astype(int)
        view.kept["balance"] = balance
        return balance >= 0 if self.soft else balance > 0


class Tullock(Pairwise):
    """Cooperates eleven times, then a tenth less often than the other did in the last ten encounters.

    Names: Tullock (Axelrod's first tournament, 1980).
    """

    tags = dict(memory=WINDOW, stochastic=True, nice=False, retaliatory=True, forgiving=True)
    keeps = dict(seen=np.zeros(WINDOW, bool))

    def cooperates(self, view: View) -> np.ndarray:
        seen = view.kept["seen"]
        seen[np.arange(view.n), view.met % WINDOW] = view.other == COOPERATE
        view.kept["seen"] = seen
        return (view.met <= WINDOW) | (view.uniform() < seen.mean(axis=1) - 0.1)


class Champion(Pairwise):
    """Cooperates ten times, is tit for tat fifteen times, and then answers the defections of frequent defectors.

    From the 26th encounter on a defection is answered if the other's share of defections is at least 0.4 and at least a
    random number.

    Names: Champion (Axelrod's second tournament, 1980).
    """

    tags = dict(memory=ENDLESS, stochastic=True, nice=True, retaliatory=True, forgiving=True)
    keeps = dict(times=0)

    def cooperates(self, view: View) -> np.ndarray:
        met, defected = view.met, view.other == DEFECT
        times = view.kept["times"] + defected
        view.kept["times"] = times
        draw = view.uniform()
        resents = (met < 25) | (times / np.maximum(met, 1) >= np.maximum(0.4, draw))
        return (met < 10) | ~(defected & resents)
