import itertools
import math
from fractions import Fraction as F

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small_games import PENNIES, many, public_goods

import marl_sim as ms
from marl_sim.theory import (
    Plan,
    best_discounted,
    discounted,
    grim_trigger,
    grim_trigger_delta,
    grim_trigger_threshold,
    holds,
    normal_form,
    tit_for_tat,
    tit_for_tat_delta,
    win_stay_lose_shift,
    win_stay_lose_shift_delta,
    win_stay_lose_shift_threshold,
)

STEP = F(1, 1000)


@st.composite
def dilemmas(draw):
    """T > R > P > S, as a game of two, cooperating first."""
    s = draw(st.integers(-5, 5))
    p = s + draw(st.integers(1, 6))
    r = p + draw(st.integers(1, 6))
    t = r + draw(st.integers(1, 6))
    own = {(1, 1): r, (1, 0): s, (0, 1): t, (0, 0): p}
    return (t, r, p, s), many(lambda a, b: F(own[a, b]), 2)


def around(threshold):
    """Discount factors at, below and above a threshold, and whether they reach it."""
    if threshold == math.inf:
        return [(F(999, 1000), False), (F(0), False)]
    return [(d, d >= threshold) for d in (threshold, threshold - STEP, threshold + STEP) if 0 <= d < 1]


@given(dilemmas())
@settings(max_examples=60)
def test_grim_trigger_holds_from_its_threshold_on(given):
    (t, r, p, _), form = given
    threshold = grim_trigger_delta(t, r, p)
    assert threshold == F(t - r, t - p) == grim_trigger_threshold(form)
    for delta, reached in around(threshold):
        assert holds(form, grim_trigger(form), delta) == reached


@given(dilemmas())
@settings(max_examples=60)
def test_win_stay_lose_shift_holds_from_its_threshold_on(given):
    (t, r, p, _), form = given
    threshold = win_stay_lose_shift_threshold(form)
    assert threshold == win_stay_lose_shift_delta(t, r, p)
    assert (threshold == math.inf) == (t + p >= 2 * r)
    for delta, reached in around(threshold):
        assert holds(form, win_stay_lose_shift(form), delta) == reached


@given(dilemmas())
@settings(max_examples=60)
def test_tit_for_tat_answers_itself_best_from_its_threshold_on(given):
    (t, r, p, s), form = given
    for delta, reached in around(tit_for_tat_delta(t, r, p, s)):
        assert holds(form, tit_for_tat(form), delta, everywhere=False) == reached


def test_tit_for_tat_is_not_perfect():
    form = normal_form("prisoners_dilemma")
    assert tit_for_tat_delta(4, 3, 1, 0) == F(1, 3)
    assert holds(form, tit_for_tat(form), F(9, 10), everywhere=False)
    assert not holds(form, tit_for_tat(form), F(9, 10))


@pytest.mark.parametrize("n, r", [(2, F(3, 2)), (3, F(9, 5)), (4, F(8, 5)), (4, 3), (5, 2)])
def test_grim_trigger_among_many_who_give_all(n, r):
    form = public_goods(n, r)
    threshold = grim_trigger_threshold(form)
    assert threshold == F(n - r) / (r * (n - 1))
    for delta, reached in around(threshold):
        assert holds(form, grim_trigger(form), delta) == reached


def test_other_agreements_and_threats():
    form = normal_form("chicken")
    assert grim_trigger_threshold(form, agreed=(0, 0), threat=(0, 1)) == math.inf  # to be dared at is what one fears
    with pytest.raises(ValueError, match="no equilibrium of the stage game"):
        grim_trigger_threshold(form)  # to dare for ever is none against one who dares
    half = public_goods(4, F(8, 5), levels=3)
    assert grim_trigger_threshold(half, agreed=(1, 1, 1, 1)) == grim_trigger_threshold(half)
    assert grim_trigger_threshold("harmony", threat=(0, 0)) == 0
    # one of four gives nothing and is let to: the others have 4 less each, and are as tempted
    three = grim_trigger_threshold(half, agreed=(0, 2, 2, 2))
    assert three == F(12, 12 + 4)
    for delta, reached in around(three):
        assert holds(half, grim_trigger(half, agreed=(0, 2, 2, 2)), delta) == reached


@given(dilemmas(), st.fractions(0, F(9, 10), max_denominator=10))
@settings(max_examples=30)
def test_values_are_those_of_playing_on_and_on(given, delta):
    """Against any two-state plan: the sum of 60 rounds, and nothing does better in any 7 first rounds."""
    _, form = given
    for plan in (grim_trigger(form), win_stay_lose_shift(form), tit_for_tat(form)):

        def play(moves, plan=plan):
            """Player 0's payoffs when it plays `moves` and then as planned, for 60 rounds."""
            state, found = 0, F(0)
            for t in range(60):
                done = plan.acts[state]
                if t < len(moves):
                    done = (moves[t], done[1])
                found += delta**t * form.payoff(done)[0]
                state = plan.after(state, done)
            return found

        rest = delta**60 / (1 - delta) * 30  # no payoff is larger
        assert abs(discounted(form, plan, delta)[0] - play(())) <= rest
        best = best_discounted(form, plan, delta, 0)[0]
        tried = [play(moves) for moves in itertools.product((0, 1), repeat=7)]
        assert best >= max(tried) - rest
        if not delta:
            assert best == max(tried)


def test_a_plan_that_cycles():
    plan = Plan(((0, 1), (1, 0)), lambda state, done: 1 - state)
    form = normal_form("chicken")
    assert discounted(form, plan, F(1, 2)) == (F(1 + 2) / (1 - F(1, 4)), F(4) / (1 - F(1, 4)) + F(1, 2) / (1 - F(1, 4)))
    assert holds(form, plan, F(1, 2))  # each stage is an equilibrium


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 9))
def test_the_thresholds_of_what_is_no_dilemma(t, r, p):
    assume(t <= r)
    assert grim_trigger_delta(t, r, p) == win_stay_lose_shift_delta(t, r, p) == 0
    with pytest.raises(ValueError, match="T > R > P > S"):
        tit_for_tat_delta(t, r, p, 0)


def test_no_patience_is_enough():
    assert grim_trigger_delta(5, 2, 3) == math.inf
    assert win_stay_lose_shift_delta(6, 3, 1) == math.inf
    assert tit_for_tat_delta(9, 3, 1, 0) == math.inf


def test_grim_trigger_forgives_nothing():
    plan = grim_trigger("prisoners_dilemma")
    assert [plan.after(0, done) for done in [(0, 0), (0, 1), (1, 0), (1, 1)]] == [0, 1, 1, 1]
    assert plan.after(1, (0, 0)) == 1
    assert plan.acts == ((0, 0), (1, 1))


def test_what_is_refused():
    with pytest.raises(ValueError, match="below 1; got 1"):
        discounted("prisoners_dilemma", grim_trigger("prisoners_dilemma"), 1)
    with pytest.raises(ValueError, match="which action cooperates"):
        grim_trigger(PENNIES)
    with pytest.raises(ValueError, match="two players"):
        tit_for_tat(public_goods(3, 2))
    assert discounted(ms.PrisonersDilemma(), grim_trigger(ms.PrisonersDilemma()), 0.5) == (6, 6)
