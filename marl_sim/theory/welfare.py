"""What a group could have, and what its equilibria leave of it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .form import NormalForm
from .nash import equilibria, pure_equilibria
from .payoffs import normal_form

PARETO = 50_000  # profiles that are compared with one another at most


@dataclass(frozen=True)
class Optimum:
    """A profile of greatest welfare.

    profile   the action numbers
    payoffs   what each player gets
    welfare   their sum
    """

    profile: tuple[int, ...]
    payoffs: tuple[Fraction, ...]
    welfare: Fraction


def social_optimum(game: Any) -> Optimum:
    """A profile of the greatest sum of payoffs (utilitarian); where several have it, one of them."""
    form = normal_form(game)
    if form.symmetric:
        profile = _best_total(form)
    else:
        table, _ = form.table
        profile = tuple(int(a) for a in np.unravel_index(int(table.sum(-1).argmax()), form.shape))
    payoffs = form.payoff(profile)
    return Optimum(profile, payoffs, sum(payoffs, Fraction(0)))


def _best_total(form: NormalForm) -> tuple[int, ...]:
    """The profile of greatest welfare in a symmetric game.

    Where all actions sum to S, who does a gets own(a, S - a). So for each S: the best n actions that sum to S, by
    dynamic programming over players.
    """
    own, _ = form.own_table
    count, n = form.shape[0], form.n
    low = -2 * n * max(int(abs(own).max()), 1) - 1  # a sum with one of these is worse than any without
    best: tuple[Any, tuple[int, ...]] | None = None
    for total in range(n * (count - 1) + 1):
        worth = [own[a, total - a] if 0 <= total - a < own.shape[1] else low for a in range(count)]
        sums = np.full(total + 1, low, own.dtype)
        sums[0] = 0
        choices = []
        for _ in range(n):
            options = np.full((min(count, total + 1), total + 1), low, own.dtype)
            for a in range(len(options)):
                options[a, a:] = np.maximum(sums[: total + 1 - a] + worth[a], low)
            choices.append(options.argmax(0))
            sums = options.max(0)
        if best is None or sums[total] > best[0]:
            left, profile = total, []
            for choice in reversed(choices):
                profile.append(int(choice[left]))
                left -= profile[-1]
            best = sums[total], tuple(sorted(profile))
    assert best is not None
    return best[1]


def pareto_set(game: Any) -> list[tuple[int, ...]]:
    """The profiles of which no other is better for somebody and worse for nobody.

    Of a symmetric game one of those that differ in who is who. ValueError where there are too many to compare.
    """
    form = normal_form(game)
    form.refuse_more_than(PARETO, form.n_representatives, form.what_is_counted)
    profiles = list(form.representatives())
    payoffs = [form.payoff(profile) for profile in profiles]
    # Up to who is who, a profile beats another exactly if it does when the payoffs of each are put in order.
    rows = [sorted(one) if form.symmetric else one for one in payoffs]
    order = sorted(range(len(rows)), key=lambda k: sum(rows[k]), reverse=True)  # none is beaten by a later one
    ranks = {x: k for k, x in enumerate(sorted({x for row in rows for x in row}))}
    ranked = np.array([[ranks[x] for x in row] for row in rows], dtype=np.int64)
    front = np.zeros((0, form.n), np.int64)
    kept = []
    for k in order:
        beaten = (front >= ranked[k]).all(1) & (front > ranked[k]).any(1)
        if not beaten.any():
            front = np.concatenate([front, ranked[k : k + 1]])
            kept.append(k)
    return [profiles[k] for k in sorted(kept)]


def price_of_anarchy(game: Any, mixed: bool = False) -> Fraction | float:
    """The greatest welfare over that of the worst equilibrium (Koutsoupias & Papadimitriou 1999): 1 or more.

    mixed   count the mixed equilibria that `equilibria` lists, too; else the pure ones

    A ratio says something for positive welfare alone. Where the equilibrium has as much as the optimum it is 1, be it
    negative; else it is inf where the optimum is positive and the equilibrium is not, and nan where neither is.
    ValueError where there is no pure equilibrium.
    """
    return _price(game, mixed, min)


def price_of_stability(game: Any, mixed: bool = False) -> Fraction | float:
    """The greatest welfare over that of the best equilibrium (Anshelevich et al. 2004); else as price_of_anarchy."""
    return _price(game, mixed, max)


def _price(game: Any, mixed: bool, choose: Any) -> Fraction | float:
    form = normal_form(game)
    found: Sequence[Any] = list(equilibria(form)) if mixed else pure_equilibria(form)
    if not found:
        raise ValueError(f"{form.name} has no pure equilibrium, so that there is no price; give mixed=True")
    return ratio(social_optimum(form).welfare, choose(one.welfare for one in found))


def ratio(optimum: Fraction, reached: Fraction) -> Fraction | float:
    """optimum / reached, with the conventions of price_of_anarchy."""
    if optimum == reached:
        return Fraction(1)
    if reached > 0:
        return optimum / reached
    return math.inf if optimum > 0 else math.nan
