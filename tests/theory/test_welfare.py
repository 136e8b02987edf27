import math
from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from small_games import PD, PENNIES, everything, games, public_goods, stays, symmetric_games, unaware, volunteers

from marl_sim.theory import NormalForm, pareto_set, price_of_anarchy, price_of_stability, social_optimum


def welfare(form, profile):
    return sum(form.payoff(profile))


def beats(form, one, other):
    gains = [a - b for a, b in zip(form.payoff(one), form.payoff(other))]
    return min(gains) >= 0 and max(gains) > 0


def test_the_prisoners_dilemma():
    assert social_optimum(PD).profile == (0, 0)
    assert social_optimum(PD).welfare == 6
    assert pareto_set(PD) == [(0, 0), (0, 1)]  # and (1, 0), the same but for who is who
    assert price_of_anarchy(PD) == price_of_stability(PD) == 3


def test_the_price_of_anarchy_in_public_goods_is_the_multiplier():
    for n, r in [(3, F(9, 5)), (4, F(8, 5)), (5, 2)]:
        form = public_goods(n, r, levels=21)
        assert social_optimum(form).welfare == n * 20 * r
        assert price_of_anarchy(form) == price_of_stability(form) == r


def test_the_prices_differ_where_equilibria_do():
    assert (price_of_anarchy("stag_hunt"), price_of_stability("stag_hunt")) == (F(4, 3), 1)
    assert (price_of_anarchy("chicken"), price_of_anarchy("chicken", mixed=True)) == (F(6, 5), F(3, 2))
    assert price_of_anarchy("battle_of_the_sexes", mixed=True) == F(25, 12)


def test_where_welfare_is_not_positive():
    def of(reward, punishment):
        return NormalForm.of_arrays(
            [[(reward, reward), (-9, reward + 1)], [(reward + 1, -9), (punishment, punishment)]]
        )

    assert price_of_anarchy(of(1, 0)) == math.inf
    assert price_of_anarchy(of(1, -1)) == math.inf
    assert math.isnan(price_of_anarchy(of(-1, -2)))
    assert price_of_anarchy([[(-1, -1)]]) == 1
    with pytest.raises(ValueError, match="no pure equilibrium"):
        price_of_anarchy(PENNIES)
    assert price_of_anarchy(PENNIES, mixed=True) == 1


@given(games())
@settings(max_examples=60)
def test_optimum_and_pareto_set_by_trying_all(form):
    best = social_optimum(form)
    assert best.payoffs == form.payoff(best.profile)
    assert best.welfare == max(welfare(form, profile) for profile in everything(form))
    every = everything(form)
    front = [profile for profile in every if not any(beats(form, other, profile) for other in every)]
    found = pareto_set(form)
    if form.symmetric:
        assert {tuple(sorted(profile)) for profile in found} == {tuple(sorted(profile)) for profile in front}
    else:
        assert found == front


@given(symmetric_games())
@settings(max_examples=80)
def test_symmetric_games_are_treated_like_any(form):
    best = social_optimum(form)
    assert best.welfare == social_optimum(unaware(form)).welfare == welfare(form, best.profile)
    front = {tuple(sorted(profile)) for profile in pareto_set(unaware(form))}
    assert front == set(pareto_set(form))
    equilibria = [profile for profile in everything(form) if stays(form, profile)]
    if equilibria and min(welfare(form, profile) for profile in equilibria) > 0:
        worst, best_one = (choose(welfare(form, p) for p in equilibria) for choose in (min, max))
        assert price_of_anarchy(form) == best.welfare / worst
        assert price_of_stability(form) == best.welfare / best_one


def test_large_groups():
    assert social_optimum(public_goods(12, 2, levels=21)).profile == (20,) * 12
    assert social_optimum(volunteers(40)).profile == (0,) * 39 + (1,)
    with pytest.raises(ValueError, match=r"30,045,015 profiles up to who is who, and up to 50,000"):
        pareto_set(public_goods(10, 2, levels=21))
