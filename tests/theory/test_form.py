import math
import re
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_games import PD, everything, games, public_goods, symmetric_games, unaware

from marl_sim.theory import NormalForm, exact, normal_form


@pytest.mark.parametrize(
    "given, meant",
    [(1.8, F(9, 5)), (0.1, F(1, 10)), (1 / 3, F(1, 3)), (20, F(20)), (np.float64(1.6), F(8, 5)), (F(2, 7), F(2, 7)),
     (0.1 + 0.2, F(3, 10)),
     (0.3000000000001, F("0.3000000000001")), (np.int64(3), F(3)), (1e-9, F(1, 10**9)), (-2.5, F(-5, 2)), (0.0, F(0))],
)  # fmt: skip
def test_a_float_is_the_fraction_that_is_meant(given, meant):
    assert exact(given) == meant


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_and_never_further_than_rounding_goes(x):
    assert abs(float(exact(x)) - x) <= 5 * math.ulp(x)


@pytest.mark.parametrize("x", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_is_refused(x):
    with pytest.raises(ValueError, match="finite"):
        exact(x)


@given(games())
@settings(max_examples=30)
def test_the_table_holds_the_payoffs(form):
    table, below = form.table
    assert table.shape == (*form.shape, form.n)
    for profile in everything(form):
        assert [F(int(x), below) for x in table[profile]] == list(form.payoff(profile))


@given(symmetric_games())
@settings(max_examples=30)
def test_a_symmetric_game_is_the_same_seen_as_any_game(form):
    plain = unaware(form)
    np.testing.assert_array_equal(form.table[0] * plain.table[1], plain.table[0] * form.table[1])
    stood_for = 0
    for profile in form.representatives():
        stood_for += form.times(profile)
        assert list(profile) == sorted(profile)
    assert stood_for == form.size
    assert sum(1 for _ in form.representatives()) == form.n_representatives


@given(symmetric_games(players=(2, 4)), st.data())
@settings(max_examples=30)
def test_mixed_strategies_pay_what_chance_makes_of_profiles(form, data):
    def mix():
        weights = data.draw(st.lists(st.integers(0, 3), min_size=form.shape[0], max_size=form.shape[0]).filter(any))
        return tuple(F(w, sum(weights)) for w in weights)

    mixed = [mix() for _ in range(form.n)]
    chance = {p: math.prod(mixed[i][a] for i, a in enumerate(p)) for p in everything(form)}
    expected = tuple(sum(chance[p] * form.payoff(p)[i] for p in chance) for i in range(form.n))
    assert form.expected(mixed) == expected == unaware(form).expected(mixed)


def test_payoffs_come_in_either_shape_of_arrays():
    rows = [[cell[0] for cell in row] for row in PD]
    columns = [[cell[1] for cell in row] for row in PD]
    for form in (NormalForm.of_arrays(PD), NormalForm.of_arrays(rows, columns), normal_form(PD)):
        assert [form.payoff(p) for p in everything(form)] == [tuple(cell) for row in PD for cell in row]
        assert form.symmetric
    three = np.arange(24).reshape(2, 2, 2, 3)
    assert NormalForm.of_arrays(three).payoff((1, 0, 1)) == tuple(three[1, 0, 1])
    assert not NormalForm.of_arrays([[(1, 2), (3, 4)], [(3, 4), (5, 6)]]).symmetric


@pytest.mark.parametrize(
    "payoffs, says",
    [
        ([[1, 2], [3, 4]], "one axis a player"),
        (np.zeros((2, 2, 3)), "one axis a player"),
        (np.zeros((0, 2, 2)), "one axis a player"),
        ([[(1, math.nan)]], "finite"),
    ],
)
def test_payoffs_of_another_shape_are_refused(payoffs, says):
    with pytest.raises(ValueError, match=says):
        normal_form(payoffs)


def test_a_large_game_says_how_large():
    form = unaware(public_goods(5, 2, levels=21))
    with pytest.raises(ValueError, match=re.escape("has 4,084,101 profiles, and up to 500,000 can be enumerated")):
        _ = form.table
    with pytest.raises(ValueError, match="profiles"):
        form.profiles()


def test_it_says_its_size():
    assert repr(public_goods(4, 2)) == "NormalForm(game: 4 players, 3 actions each)"
    assert repr(normal_form(PD)) == "NormalForm(game: 2 players, 2 x 2 actions)"


def test_wrong_forms_are_refused():
    with pytest.raises(ValueError, match="either a rule"):
        NormalForm([["a"]])
    with pytest.raises(ValueError, match="equally many"):
        NormalForm([["a"], ["a", "b"]], own=lambda a, t: F(0))
    with pytest.raises(ValueError, match="name and an action"):
        NormalForm([["a"], []], lambda p: [F(0), F(0)])
    with pytest.raises(ValueError, match="must name"):
        NormalForm.of_arrays(PD, actions=[["a"], ["b"]])
