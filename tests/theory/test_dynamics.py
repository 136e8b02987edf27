import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_games import ROCK_PAPER_SCISSORS, many, public_goods, stag_hunters, symmetric_games, volunteers

import marl_sim as ms
from marl_sim.theory import (
    NormalForm,
    equilibria,
    finite_gain,
    gain_polynomial,
    gradient_of_selection,
    rest_points,
    social_efficiency_deficit,
    trajectory,
)
from marl_sim.theory.rational import value


def summary(game):
    return [(point.shares, point.stability) for point in rest_points(game)]


def test_the_dilemmas_of_two():
    assert summary("prisoners_dilemma") == [((0, 1), "stable"), ((1, 0), "unstable")]
    assert summary("harmony") == [((0, 1), "unstable"), ((1, 0), "stable")]
    assert summary("stag_hunt") == [((0, 1), "stable"), ((F(3, 4), F(1, 4)), "unstable"), ((1, 0), "stable")]
    assert summary("chicken") == [((0, 1), "unstable"), (((F(1, 2),) * 2), "stable"), ((1, 0), "unstable")]


@given(st.integers(1, 20), st.integers(21, 40), st.integers(1, 20))
@settings(max_examples=25)
def test_the_threshold_of_any_stag_hunt(hare, stag, less):
    """Hunting the stag pays more from x = (hare - alone) / (stag - temptation + hare - alone) on."""
    dilemma = ms.StagHunt(stag=stag, hare=hare, temptation=hare, alone=hare - less)
    (_, (shares, stability), _) = summary(dilemma)
    assert shares[0] == F(less, stag - hare + less)
    assert stability == "unstable"


@pytest.mark.parametrize("v, c", [(2, 3), (1, 4), (F(1, 2), 7)])
def test_a_share_v_over_c_of_hawks_is_stable(v, c):
    v, c = F(v), F(c)
    form = NormalForm.of_arrays([[((v - c) / 2, (v - c) / 2), (v, 0)], [(0, v), (v / 2, v / 2)]])
    assert ((v / c, 1 - v / c), "stable") in summary(form)
    assert sum(one == "stable" for _, one in summary(form)) == 1


@pytest.mark.parametrize("n", [2, 3, 6, 10])
def test_volunteers_come_to_diekmanns_share(n):
    stable = [point for point in rest_points(volunteers(n, F(5), F(2))) if point.stability == "stable"]
    assert [float(point.shares[1]) for point in stable] == [pytest.approx(1 - (2 / 5) ** (1 / (n - 1)), abs=1e-12)]
    assert float(stable[0].payoff) == pytest.approx(3, abs=1e-9)


def test_stag_hunters_need_a_critical_mass_and_then_coexist():
    """Pacheco et al. 2009: the gain is x^(M-1) times a polynomial; without a threshold F = n is where it turns."""
    low, high = rest_points(stag_hunters(6, 3, 5))[1:3]
    assert (low.stability, high.stability) == ("unstable", "stable")
    for x in (low.shares[1], high.shares[1]):
        at = sum(
            math.comb(5, k) * x**k * (1 - x) ** (5 - k) * (5 / 6 * ((k + 1) * (k + 1 >= 3) - k * (k >= 3)) - 1)
            for k in range(6)
        )
        assert at == pytest.approx(0, abs=1e-12)
    assert [one for _, one in summary(stag_hunters(6, 3, 4))] == ["stable", "unstable"]
    assert [one for _, one in summary(stag_hunters(6, 3, 7))] == ["stable", "unstable", "stable"]


def test_where_the_gain_touches_zero_one_side_comes_back():
    form = NormalForm(
        [("a", "b")] * 3, own=lambda a, t: (F(1), F(-1), F(1))[t] if a else F(0), name="touch"
    )  # gain (1 - 2x)^2
    assert gain_polynomial(form) == [1, -4, 4]
    assert summary(form) == [((1, 0), "unstable"), ((F(1, 2), F(1, 2)), "saddle"), ((0, 1), "stable")]


def test_many_actions():
    assert summary(ROCK_PAPER_SCISSORS)[-1] == ((F(1, 3),) * 3, "neutral")
    assert [one for _, one in summary(ROCK_PAPER_SCISSORS)[:-1]] == ["saddle"] * 3
    better = np.array([[0, -1, 2], [2, 0, -1], [-1, 2, 0]])  # winning pays more than losing costs: cycles inwards
    worse = np.array([[0, -2, 1], [1, 0, -2], [-2, 1, 0]])
    assert summary(NormalForm.of_arrays(better, better.T))[-1] == ((F(1, 3),) * 3, "stable")
    assert summary(NormalForm.of_arrays(worse, worse.T))[-1] == ((F(1, 3),) * 3, "unstable")
    same = np.eye(3, dtype=int)
    kinds = [one for _, one in summary(NormalForm.of_arrays(same, same))]
    assert kinds == ["stable"] * 3 + ["saddle"] * 3 + ["unstable"]


@pytest.mark.parametrize("seed", range(6))
def test_stability_by_trying_steps_away(seed):
    """Against the dynamics' derivative by differences, with the last share as what the others leave."""
    draw = np.random.default_rng(seed)
    for count in (3, 4, 3, 4):
        a = draw.integers(-9, 10, (count, count))
        for point in rest_points(NormalForm.of_arrays(a, a.T)):
            at, h = np.array(point.shares, float), 1e-6

            def flow(free):
                x = np.append(free, 1 - free.sum())
                return (x * (a @ x - x @ a @ x))[:-1]  # noqa: B023

            steps = [(flow(at[:-1] + h * e) - flow(at[:-1] - h * e)) / (2 * h) for e in np.eye(count - 1)]
            real = np.linalg.eigvals(np.array(steps).T).real
            if abs(real).min() > 1e-4:
                kinds = {(True, False): "unstable", (False, True): "stable", (True, True): "saddle"}
                assert point.stability == kinds[bool((real > 0).any()), bool((real < 0).any())]


@given(symmetric_games(most=2))
@settings(max_examples=80)
def test_rest_points_are_the_symmetric_equilibria_and_the_ends(form):
    if not any(gain_polynomial(form)):
        return
    found = rest_points(form)
    inner = [point.shares for point in found[1:-1]]
    if form.n > 2:
        assert inner == [one.strategies[0] for one in equilibria(form).mixed or ()]
    for point in found[1:-1]:
        values = form.values([point.shares] * form.n, 0)
        assert float(values[0] - values[1]) == pytest.approx(0, abs=1e-9)
    for left, right in itertools.pairwise(found):
        x = (F(left.shares[1]) + F(right.shares[1])) / 2
        flows_right = value(gain_polynomial(form), x) > 0
        assert right.stability != "unstable" if flows_right else left.stability != "unstable"
        assert left.stability != "stable" if flows_right else right.stability != "stable"


@pytest.mark.parametrize("form", [public_goods(4, 2, levels=2), stag_hunters(6, 3, 5), volunteers(5)], ids=str)
def test_populations_end_where_theory_says(form):
    points = rest_points(form)
    for left, right in itertools.pairwise(points):
        x = (float(left.shares[1]) + float(right.shares[1])) / 2
        time, way = trajectory(form, (1 - x, x), time=400)
        goal = left if left.stability == "stable" else right
        assert way.shape == (len(time), 2)
        np.testing.assert_allclose(way.sum(1), 1)
        np.testing.assert_allclose(way[-1], np.array(goal.shares, float), atol=1e-5)


def test_logistic_growth_is_solved_exactly():
    """Of donors the log-odds fall at the rate of the cost."""
    time, way = trajectory(ms.DonationGame(benefit=3, cost=0.5), (0.9, 0.1), time=10)
    odds = 9 * np.exp(-0.5 * time)
    np.testing.assert_allclose(way[:, 0], odds / (1 + odds), atol=1e-7)


def test_rock_paper_scissors_keeps_its_distance():
    _, way = trajectory(ROCK_PAPER_SCISSORS, (0.5, 0.3, 0.2), time=60)
    np.testing.assert_allclose(way.prod(1), 0.03, atol=1e-6)
    assert way[:, 0].max() - way[:, 0].min() > 0.2


def test_groups_drawn_from_few():
    """By drawing all groups there are, and in the limit of many, by chance alone."""
    form, z = many(lambda a, t: F(3 * a + (1 + 2 * a) * (1 + t) ** 2), 3), 7
    for k, found in enumerate(finite_gain(form, z), start=1):
        cooperates = [True] * k + [False] * (z - k)

        def mean(me, does):
            others = [one for i, one in enumerate(cooperates) if i != me]  # noqa: B023
            groups = list(itertools.combinations(others, 2))
            return sum(form.own(does, sum(group)) for group in groups) / F(len(groups))

        assert found == mean(0, 1) - mean(z - 1, 0)
    many_ = [float(x) for x in finite_gain(form, 600)]
    for k in (100, 300, 500):
        assert many_[k - 1] == pytest.approx(float(value(gain_polynomial(form), F(k, 600))), rel=0.01)


def test_the_gradient_of_selection_has_the_signs_of_the_gain():
    found = gradient_of_selection(stag_hunters(6, 3, 5), 40, strength=2.0)
    assert found.shape == (41,)
    assert found[0] == found[40] == 0
    np.testing.assert_array_equal(
        np.sign(found[1:-1]), np.sign([float(x) for x in finite_gain(stag_hunters(6, 3, 5), 40)])
    )
    half = finite_gain("prisoners_dilemma", 10)[4]
    assert gradient_of_selection("prisoners_dilemma", 10)[5] == pytest.approx(0.25 * math.tanh(float(half) / 2))
    with pytest.raises(ValueError, match="hold a group of 6"):
        finite_gain(stag_hunters(6, 3, 5), 5)


def test_social_efficiency_deficit():
    assert social_efficiency_deficit("prisoners_dilemma") == 2  # reward - punishment
    assert social_efficiency_deficit("harmony") == 0
    assert social_efficiency_deficit("stag_hunt") == 1  # at worst all hunt hares
    assert social_efficiency_deficit("chicken") == 1  # all swerve: 3; half swerve: 2
    assert social_efficiency_deficit(public_goods(4, F(8, 5), levels=2)) == 12
    exploiting = NormalForm.of_arrays([[(3, 3), (0, 10)], [(10, 0), (1, 1)]], cooperate=0, defect=1)
    assert social_efficiency_deficit(exploiting) == F(11, 3) - 1  # 1 + 8x - 6x^2 is largest at 2/3


@pytest.mark.parametrize(
    "what, says",
    [
        (lambda: rest_points("battle_of_the_sexes"), "players who are alike"),
        (lambda: rest_points(public_goods(3, 2)), "two actions or two players"),
        (lambda: rest_points(many(lambda a, t: F(t), 3)), "every population rests"),
        (lambda: gain_polynomial(public_goods(3, 2)), "two actions"),
        (lambda: trajectory("chicken", (0.5, 0.6)), "sum to 1"),
        (lambda: trajectory("chicken", (1.0,)), "2 shares"),
        (lambda: trajectory("chicken", (1.5, -0.5)), "at least 0"),
    ],
)
def test_what_has_no_such_dynamics_is_refused(what, says):
    with pytest.raises(ValueError, match=says):
        what()


def test_it_prints():
    assert str(rest_points("stag_hunt")[1]) == "(3/4, 1/4) unstable, mean payoff 3"
