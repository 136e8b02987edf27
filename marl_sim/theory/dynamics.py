"""Replicator dynamics: what becomes of a population that plays a symmetric game and copies what pays."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .form import NormalForm
from .nash import gain, number
from .payoffs import normal_form
from .rational import Polynomial, bernstein, derivative, plus, product, roots, solve, value

TINY = 1e-9  # eigenvalues below this share of the payoffs' range decide nothing


@dataclass(frozen=True)
class RestPoint:
    """A population that stays as it is.

    shares      of each action in the population, Fractions where they are rational
    stability   "stable": it comes back to it; "unstable": it leaves it; "saddle": it comes back from some sides, and in
                one dimension from one side; "neutral": the payoffs nearby do not decide it to first order
    payoff      the mean payoff of the population
    """

    shares: tuple[Any, ...]
    stability: str
    payoff: Any

    def __str__(self) -> str:
        return f"({', '.join(map(number, self.shares))}) {self.stability}, mean payoff {number(self.payoff)}"


def alike(game: Any) -> NormalForm:
    """The normal form of a symmetric game; ValueError for another."""
    form = normal_form(game)
    if not form.symmetric:
        raise ValueError(f"{form.name}: replicator dynamics of one population need players who are alike")
    return form


def pair(form: NormalForm) -> tuple[int, int]:
    """(defect, cooperate) of a game of two actions; (0, 1) where it says of neither that it cooperates."""
    if form.shape[0] != 2:
        raise ValueError(f"{form.name}: this needs a game of two actions; got {form.shape[0]}")
    cooperate = 1 if form.cooperate is None else form.cooperate
    return 1 - cooperate, cooperate


def gain_polynomial(game: Any) -> Polynomial:
    """What cooperating pays more than not, where everybody else cooperates with probability x: a polynomial in x.

    The sign of it is the sign of the replicator dynamics x' = x (1 - x) gain(x), groups being drawn from a large
    population (binomially). Fractions, the constant first; cooperating is the action 1 where the game names none.
    """
    form = alike(game)
    return gain(form, pair(form))


def rest_points(game: Any) -> list[RestPoint]:
    """The rest points of the replicator dynamics and their stability.

    game   symmetric, of two actions and any number of players, or of two players and any number of actions

    Of two actions: exact, by the signs of the gain polynomial between its roots. Of more: the point of each set of
    actions that are paid alike, its stability by the eigenvalues of the linear part; sets with more than one such point
    (whole lines that rest) are left out. ValueError for other games, and where both actions always pay the same.
    """
    form = alike(game)
    if form.shape[0] == 2:
        return _of_two_actions(form)
    if form.n != 2:
        raise ValueError(
            f"{form.name}: rest points are found for two actions or two players; got {form.heading.partition(': ')[2]}"
        )
    return _of_two_players(form)


def _of_two_actions(form: NormalForm) -> list[RestPoint]:
    polynomial = gain(form, pair(form))
    if not polynomial:
        raise ValueError(f"{form.name}: both actions always pay the same, so that every population rests")
    inner = roots(polynomial)
    points = [Fraction(0), *inner, Fraction(1)]
    between = [(exactly(a) + exactly(b)) / 2 for a, b in itertools.pairwise(points)]
    signs = [1 if value(polynomial, x) > 0 else -1 for x in between]
    found = []
    for k, x in enumerate(points):
        left = signs[k - 1] if k else 1  # at an end only the one side counts
        right = signs[k] if k < len(signs) else -1
        stability = {(1, -1): "stable", (-1, 1): "unstable"}.get((left, right), "saddle")
        if k in (0, len(signs)):
            stability = "stable" if (left, right) == (1, -1) else "unstable"
        found.append(_rest(form, _shares(form, x), stability))
    return found


def exactly(x: Fraction | float) -> Fraction:
    """A float as the fraction that it is."""
    return x if isinstance(x, Fraction) else Fraction(x)


def _shares(form: NormalForm, x: Any) -> tuple[Any, ...]:
    """Shares of the two actions when x of the population cooperates."""
    return (1 - x, x) if pair(form)[1] == 1 else (x, 1 - x)


def _rest(form: NormalForm, shares: tuple[Any, ...], stability: str) -> RestPoint:
    values = form.values([shares] * form.n, 0)
    return RestPoint(shares, stability, sum(p * v for p, v in zip(shares, values) if p))


def _of_two_players(form: NormalForm) -> list[RestPoint]:
    assert form.own is not None
    count = form.shape[0]
    found = []
    for size in range(1, count + 1):
        for support in itertools.combinations(range(count), size):
            first = support[0]
            alike = [[form.own(a, b) - form.own(first, b) for b in support] for a in support[1:]]
            part = solve([*alike, [Fraction(1)] * size], [*[Fraction(0)] * (size - 1), Fraction(1)])
            if part is not None and min(part) > 0:
                of = dict(zip(support, part))
                shares = tuple(of.get(a, Fraction(0)) for a in range(count))
                found.append(_rest(form, shares, _linear_stability(form, shares)))
    return found


def _linear_stability(form: NormalForm, shares: tuple[Fraction, ...]) -> str:
    """By the eigenvalues of the dynamics' linear part among populations (whose shares sum to 1)."""
    own, below = form.own_table
    a = own.astype(float) / below
    scale = max(float(np.ptp(a)), 1e-300)
    a /= scale
    x = np.array([float(p) for p in shares])
    f = a @ x
    jacobian = np.diag(f - x @ f) + x[:, None] * (a - f - a.T @ x)
    count = len(x)
    basis = np.linalg.qr(np.eye(count)[:, 1:] - np.eye(count)[:, :1])[0]
    real = np.linalg.eigvals(basis.T @ jacobian @ basis).real
    if (real < -TINY).all():
        return "stable"
    if (real > TINY).any():
        return "saddle" if (real < -TINY).any() else "unstable"
    return "neutral"


def trajectory(
    game: Any, start: Sequence[float], time: float = 100.0, points: int = 201
) -> tuple[np.ndarray, np.ndarray]:
    """A population's way by the replicator dynamics: x_a' = x_a (payoff of a - mean payoff).

    start     shares of the actions, which sum to 1
    time      how long; points: how many moments are returned

    Returns the moments [points] and the shares [points, actions]. Payoffs are those of groups drawn from a large
    population, for any symmetric game.
    """
    from scipy.integrate import solve_ivp

    form = alike(game)
    own, below = form.own_table
    payoffs = own.astype(float) / below
    x = np.array([float(p) for p in start])
    if x.shape != (form.shape[0],) or (x < 0).any() or not math.isclose(x.sum(), 1.0, abs_tol=1e-9):
        raise ValueError(f"start must be {form.shape[0]} shares of at least 0 that sum to 1; got {tuple(start)}")

    def flow(_: float, x: np.ndarray) -> np.ndarray:
        chances = np.ones(1)
        for _i in range(form.n - 1):
            chances = np.convolve(chances, x)
        paid = payoffs @ chances
        return x * (paid - x @ paid / x.sum())

    moments = np.linspace(0.0, time, points)
    way = solve_ivp(flow, (0.0, time), x, t_eval=moments, method="LSODA", rtol=1e-9, atol=1e-12)
    shares = np.clip(way.y.T, 0.0, None)
    return moments, shares / shares.sum(1, keepdims=True)


# ---------------------------------------------------------------- finite populations


def finite_gain(game: Any, population: int) -> list[Fraction]:
    """What cooperating pays more than not, in a population of so many of whom k cooperate; k = 1..population - 1.

    Groups are drawn without replacement (hypergeometrically): sum_j of
    C(k-1, j) C(Z-k, n-1-j) / C(Z-1, n-1) times what a cooperator gets among j others who cooperate, less
    C(k, j) C(Z-k-1, n-1-j) / C(Z-1, n-1) times what a defector gets (Pacheco, Santos, Souza & Skyrms 2009).
    """
    form = alike(game)
    assert form.own is not None
    low, high = pair(form)
    n, z = form.n, population
    if z < n:
        raise ValueError(f"{form.name}: the population must hold a group of {n}; got {population}")
    sums = [low * (n - 1) + j * (high - low) for j in range(n)]
    groups = math.comb(z - 1, n - 1)
    found = []
    for k in range(1, z):
        does = sum(math.comb(k - 1, j) * math.comb(z - k, n - 1 - j) * form.own(high, sums[j]) for j in range(n))
        not_ = sum(math.comb(k, j) * math.comb(z - k - 1, n - 1 - j) * form.own(low, sums[j]) for j in range(n))
        found.append(Fraction(does - not_) / groups)
    return found


def gradient_of_selection(game: Any, population: int, strength: float = 1.0) -> np.ndarray:
    """How much likelier cooperators are to become one more than one less: float64 [population + 1], k = 0..population.

    k/Z (Z-k)/Z tanh(strength / 2 * gain): two are drawn, and the first copies the second with Fermi's probability
    1 / (1 + exp(-strength * (its payoff - mine))) (Traulsen, Nowak & Pacheco 2006).
    """
    k = np.arange(1, population)
    paid = np.array([float(x) for x in finite_gain(game, population)])
    inner = k / population * (population - k) / population * np.tanh(strength / 2 * paid)
    return np.concatenate([[0.0], inner, [0.0]])


# ---------------------------------------------------------------- efficiency


def mean_payoff(form: NormalForm) -> Polynomial:
    """Mean payoff of a large population of whom a share x cooperates, as a polynomial in x."""
    assert form.own is not None
    low, high = pair(form)
    sums = [low * (form.n - 1) + k * (high - low) for k in range(form.n)]
    does, not_ = (bernstein([form.own(a, t) for t in sums]) for a in (high, low))
    return plus(product([Fraction(0), Fraction(1)], does), product([Fraction(1), Fraction(-1)], not_))


def social_efficiency_deficit(game: Any) -> Fraction | float:
    """The best mean payoff that a population could have, less that in the worst population that is stable.

    For symmetric games of two actions (after Arefin, Kabir, Jusup, Ito & Tanimoto 2020): 0 exactly where evolution
    cannot end below the social optimum.
    """
    form = alike(game)
    mean = mean_payoff(form)
    candidates = [Fraction(0), Fraction(1)]
    if derivative(mean) and any(derivative(mean)):
        candidates += [exactly(x) for x in roots(derivative(mean))]
    best = max(value(mean, x) for x in candidates)
    worst = min(point.payoff for point in rest_points(form) if point.stability == "stable")
    found = best - exactly(worst)
    exact_enough = all(isinstance(x, Fraction) for x in (worst, *candidates))
    return found if exact_enough and found.denominator < 10**12 else float(found)
