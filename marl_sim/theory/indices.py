"""Numbers that say how much of a dilemma a game is: greed, fear, Rapoport's K, the MPCR, and the fine that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from ..core.registry import make
from .form import NormalForm, exact
from .payoffs import normal_form


@dataclass(frozen=True)
class DilemmaPayoffs:
    """The four payoffs of a symmetric dilemma, and the indices made of them.

    reward, temptation     to one who cooperates, and one who defects, when all others cooperate
    sucker, punishment     to one who cooperates, and one who defects, when all others defect
    """

    reward: Fraction
    temptation: Fraction
    sucker: Fraction
    punishment: Fraction

    @property
    def greed(self) -> Fraction:
        """T - R: what defecting gains among cooperators. Above 0, cooperation is no equilibrium."""
        return self.temptation - self.reward

    @property
    def fear(self) -> Fraction:
        """P - S: what defecting gains among defectors. Above 0, defection is an equilibrium."""
        return self.punishment - self.sucker

    @property
    def k_index(self) -> Fraction:
        """(R - P) / (T - S), an index of cooperation (Rapoport 1967). ValueError where T = S."""
        if self.temptation == self.sucker:
            raise ValueError(f"Rapoport's K needs temptation other than sucker; both are {self.sucker}")
        return (self.reward - self.punishment) / (self.temptation - self.sucker)

    @property
    def strengths(self) -> tuple[Fraction, Fraction]:
        """(T - R) / (R - P) and (P - S) / (R - P): universal strengths of the gamble-intending and risk-averting
        dilemmas (Wang, Kokubo, Jusup & Tanimoto 2015). ValueError where R = P.
        """
        if self.reward == self.punishment:
            raise ValueError(f"dilemma strengths need reward other than punishment; both are {self.reward}")
        unit = self.reward - self.punishment
        return self.greed / unit, self.fear / unit


def dilemma_payoffs(game: Any) -> DilemmaPayoffs:
    """Reward, temptation, sucker and punishment of a symmetric game that says what cooperating and defecting are.

    With many players: to one, when all others do the same. ValueError for another game.
    """
    form = normal_form(game)
    cooperate, defect = poles(form)
    assert form.own is not None
    among, alone = cooperate * (form.n - 1), defect * (form.n - 1)
    return DilemmaPayoffs(
        reward=form.own(cooperate, among),
        temptation=form.own(defect, among),
        sucker=form.own(cooperate, alone),
        punishment=form.own(defect, alone),
    )


def poles(form: NormalForm) -> tuple[int, int]:
    """The actions that are full cooperation and none, in a symmetric game. ValueError in another."""
    if not form.symmetric or form.cooperate is None or form.defect is None:
        raise ValueError(
            f"{form.name}: this needs a symmetric game that says which action cooperates and which defects; give "
            "NormalForm(..., cooperate=..., defect=...)"
        )
    return form.cooperate, form.defect


def mpcr(game: Any) -> Fraction:
    """Marginal per-capita return of a linear public good: what a unit that somebody gives returns to each.

    By the payoffs: what another's step of giving brings me, over what my own step costs beyond it. ValueError where the
    return is not the same at every step.
    """
    form = normal_form(game)
    poles(form)
    own, below = form.own_table
    brings = {int(x) for x in (own[:, 1:] - own[:, :-1]).ravel()}
    costs = {int(x) for x in (own[:-1, :] - own[1:, :]).ravel()}
    if len(brings) != 1 or len(costs) != 1 or sum(brings | costs) == 0:
        raise ValueError(f"{form.name} is no linear public good: what a unit returns depends on what is given")
    share, net = Fraction(brings.pop(), below), Fraction(costs.pop(), below)
    return share / (share + net)


def mpcr_window(n: int) -> tuple[Fraction, Fraction]:
    """(1/n, 1): a linear public good among n is a dilemma exactly if its MPCR lies strictly between.

    Giving a unit costs its giver 1 - MPCR > 0, so to give nothing dominates; it brings all together n MPCR > 1, so to
    give all is best for the group.
    """
    if n < 2:
        raise ValueError(f"a public good needs at least 2 agents; got n={n}")
    return Fraction(1, n), Fraction(1)


def punishment_threshold(game: Any, dominant: bool = False) -> Fraction:
    """The least fine on defecting that makes cooperating a best reply when all others cooperate (0: none is needed).

    dominant   the least that makes cooperating a best reply whatever the others do

    That is what a defector gains by it: max over what it could do instead of U(it) - U(cooperate), among cooperators,
    or over all that the others may do. The fine falls alike on every action but full cooperation.
    """
    form = normal_form(game)
    cooperate, _ = poles(form)
    own, below = form.own_table
    gains = own.max(axis=0) - own[cooperate]
    most = gains.max() if dominant else gains[cooperate * (form.n - 1)]
    return Fraction(int(most), below)


@dataclass(frozen=True)
class PeerPunishmentTheory:
    """What punishing free riders with points takes among n who could all contribute everything.

    gain     what the best deviation gains when all others cooperate, for a linear public good endowment (1 - MPCR)
    fine     the most that the n - 1 others can take from one: points * effect * (n - 1)
    needed   points that each of them must give, so that it no longer pays; whole points, rounded up
    cost     what those cost each of them
    patience the least discount factor with which giving them is credible (see `peer_punishment`)
    """

    gain: Fraction
    fine: Fraction
    needed: int
    cost: Fraction
    patience: Fraction

    @property
    def deters(self) -> bool:
        """Whether the others can take as much as a deviation gains, so that cooperating is a best reply if they do."""
        return self.fine >= self.gain


def peer_punishment(game: Any, points: int | None = None, cost: Any = None, effect: Any = None) -> PeerPunishmentTheory:
    """When peers with points can enforce cooperation, and when it is credible that they will.

    game     a symmetric group game, such as PublicGoods
    points   the most that each may give to one other; these three are those of the game's PeerPunishment where they
             are not given, and 10, 1 and 3 (Fehr & Gaechter 2002) where it has none
    cost     what a point costs its giver
    effect   what a point takes from its receiver

    Once: cooperating is a best reply if points * effect * (n - 1) >= gain, given that the others punish. But then to
    punish costs the punishers and gains them nothing, so that without a future they would not. Repeated: let whoever
    fails to punish end all cooperation for good. Not punishing saves k = cost * needed now and loses reward -
    punishment in every later round, so it is credible for delta / (1 - delta) * (R - P) >= k, that is
    delta >= k / (k + R - P). ValueError where all cooperating is no better than all defecting.
    """
    if isinstance(game, str):
        game = make(game)
    laid_on = next((part for part in getattr(game, "parts", ()) if type(part).__name__ == "PeerPunishment"), None)
    form = normal_form(game)
    four = dilemma_payoffs(form)
    most = int(points if points is not None else getattr(laid_on, "points", 10))
    price = exact(cost if cost is not None else getattr(laid_on, "cost", 1))
    bite = exact(effect if effect is not None else getattr(laid_on, "effect", 3))
    if most < 1 or price < 0 or bite <= 0:
        raise ValueError(
            f"punishing needs points >= 1, cost >= 0 and effect > 0; got points={most}, cost={price}, effect={bite}"
        )
    budget = exact(getattr(laid_on, "budget", 0))
    if budget and price:
        most = min(most, int(budget / price))
    lost = four.reward - four.punishment
    if lost <= 0:
        raise ValueError(f"{form.name}: all cooperating pays {four.reward} each and all defecting {four.punishment}")
    gained = punishment_threshold(form)
    needed = -(-gained // (bite * (form.n - 1)))
    spent = price * needed
    return PeerPunishmentTheory(gained, bite * most * (form.n - 1), int(needed), spent, spent / (spent + lost))
