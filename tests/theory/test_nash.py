import re
import warnings
from fractions import Fraction as F

import nashpy
import numpy as np
import pytest
from hypothesis import given, settings
from small_games import (
    PENNIES,
    ROCK_PAPER_SCISSORS,
    everything,
    games,
    many,
    public_goods,
    stag_hunters,
    stays,
    symmetric_games,
    unaware,
    volunteers,
)

import marl_sim as ms
from marl_sim.theory import NormalForm, equilibria, is_equilibrium

HALF = (F(1, 2), F(1, 2))


def profiles(game):
    return [one.profile for one in equilibria(game).pure]


def mixtures(game):
    return [one.strategies for one in equilibria(game).mixed]


def test_the_named_games_have_the_equilibria_of_the_textbooks():
    assert profiles("prisoners_dilemma") == [(1, 1)]
    assert mixtures("prisoners_dilemma") == []
    assert profiles("stag_hunt") == [(0, 0), (1, 1)]
    assert mixtures("stag_hunt") == [((F(3, 4), F(1, 4)),) * 2]
    assert profiles("chicken") == [(0, 1), (1, 0)]
    assert mixtures("chicken") == [(HALF, HALF)]
    assert profiles("battle_of_the_sexes") == [(0, 0), (1, 1)]
    assert mixtures("battle_of_the_sexes") == [((F(3, 5), F(2, 5)), (F(2, 5), F(3, 5)))]
    assert profiles("harmony") == [(0, 0)]
    assert profiles(PENNIES) == []
    assert mixtures(PENNIES) == [(HALF, HALF)]
    assert mixtures(ROCK_PAPER_SCISSORS) == [((F(1, 3),) * 3,) * 2]


@pytest.mark.parametrize("v, c", [(2, 3), (1, 4), (F(1, 2), 7)])
def test_hawks_and_doves_mix_v_over_c(v, c):
    v, c = F(v), F(c)
    form = NormalForm.of_arrays([[(v / 2, v / 2), (0, v)], [(v, 0), ((v - c) / 2, (v - c) / 2)]])
    assert mixtures(form) == [((1 - v / c, v / c),) * 2]


@pytest.mark.parametrize("n", [2, 3, 5, 8])
@pytest.mark.parametrize("benefit, cost", [(2, 1), (10, 1), (3, 2)])
def test_volunteers_mix_as_diekmann_found(n, benefit, cost):
    found = equilibria(ms.Group(ms.VolunteersDilemma(benefit=benefit, cost=cost), n_agents=n))
    assert [sum(one.profile) for one in found.pure] == [1] * len(found.pure)
    assert sum(one.times for one in found.pure) == n
    (mixed,) = found.mixed
    assert float(mixed.strategies[0][1]) == pytest.approx(1 - (cost / benefit) ** (1 / (n - 1)), abs=1e-12)
    assert float(mixed.payoffs[0]) == pytest.approx(benefit - cost, abs=1e-9)


def test_public_goods_and_thresholds():
    assert profiles(public_goods(4, F(8, 5), levels=21)) == [(0, 0, 0, 0)]
    assert profiles(public_goods(4, 5, levels=21)) == [(20, 20, 20, 20)]
    assert sum(one.times for one in equilibria(public_goods(3, 3)).pure) == 27  # MPCR 1: whatever they do
    point = many(lambda a, t: 1 - F(a, 2) + (F(3, 2) if a + t >= 4 else 0), 3, ("0", "1/2", "1"))
    assert profiles(point) == [(0, 0, 0), (0, 2, 2), (1, 1, 2)]
    assert [one.times for one in equilibria(point).pure] == [1, 3, 3]


def test_stag_hunters_have_none_or_two_inner_equilibria():
    """Pacheco et al. 2009: below a critical multiplier none, above it a coordination point and a coexistence one."""
    assert mixtures(stag_hunters(6, 3, 4)) == []
    low, high = mixtures(stag_hunters(6, 3, 5))
    assert 0 < low[0][1] < high[0][1] < 1
    assert len(mixtures(stag_hunters(6, 3, 7))) == 1  # a hunter gains by hunting even if all do: F > n


@given(games())
@settings(max_examples=80)
def test_pure_equilibria_are_those_of_brute_force(form):
    found = equilibria(form)
    assert [one.profile for one in found.pure] == [profile for profile in everything(form) if stays(form, profile)]
    for one in found.pure:
        assert one.payoffs == form.payoff(one.profile)
        others = [(i, a) for i in range(form.n) for a in range(form.shape[i]) if a != one.profile[i]]
        loses = [form.payoff((*one.profile[:i], a, *one.profile[i + 1 :]))[i] < one.payoffs[i] for i, a in others]
        assert one.strict == all(loses)


@given(symmetric_games())
@settings(max_examples=80)
def test_equilibria_of_symmetric_games_stand_for_all_of_them(form):
    found = equilibria(form)
    every = [profile for profile in everything(form) if stays(form, profile)]
    assert {tuple(sorted(one.profile)) for one in found.pure} == {tuple(sorted(profile)) for profile in every}
    assert sum(one.times for one in found.pure) == len(every)
    strict = {one.profile: one.strict for one in equilibria(unaware(form)).pure}
    assert all(one.strict == strict[one.profile] for one in found.pure)


@given(games(players=(2, 2)))
@settings(max_examples=80)
def test_nobody_gains_by_leaving_a_mixed_equilibrium_of_two(form):
    for one in equilibria(form):
        assert is_equilibrium(form, one.strategies)
        assert one.payoffs == form.expected(one.strategies)


@given(symmetric_games(players=(3, 5), most=2))
@settings(max_examples=80)
def test_nor_a_symmetric_one_of_many(form):
    for one in equilibria(form).mixed or ():
        assert is_equilibrium(form, one.strategies, tolerance=1e-9)
        assert 0 < one.strategies[0][1] < 1


@pytest.mark.parametrize("seed", range(8))
def test_mixed_equilibria_are_those_that_nashpy_finds(seed):
    """Payoffs drawn from many numbers, so that the games are not degenerate and both find all.

    By its enumeration of vertices: that of supports compares floats exactly, and misses some in one game of six.
    """
    draw = np.random.default_rng(seed)
    for rows, columns in [(2, 2), (2, 4), (3, 3), (4, 3), (4, 4)]:
        a, b = draw.integers(-1000, 1000, (2, rows, columns))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)
            theirs = list(nashpy.Game(a, b).vertex_enumeration())
        form = NormalForm.of_arrays(a, b)
        ours = [form.mixed(one.strategies) for one in equilibria(form)]
        key = [np.round(np.concatenate([np.array(s, float) for s in pair]), 9).tolist() for pair in (*ours, *theirs)]
        assert sorted(key[: len(ours)]) == sorted(key[len(ours) :])
        assert len(ours) % 2 == 1


def test_a_degenerate_game_says_so():
    """The column player does not care, the row player matches: with pure actions alone a line would be missed."""
    found = equilibria([[(1, 0), (0, 0)], [(0, 0), (1, 0)]])
    assert len(found.pure) == 2
    assert [one.strategies for one in found.mixed] == [((1, 0), HALF), ((0, 1), HALF)]
    assert any("Degenerate" in note for note in found.notes)
    assert not any("Degenerate" in note for note in equilibria("chicken").notes)


def test_all_the_same():
    found = equilibria(many(lambda a, t: F(t), 3))
    assert found.mixed is None
    assert "every mixture" in found.notes[0]
    assert sum(one.times for one in found.pure) == 8


def test_too_large_is_said_in_a_sentence_and_not_tried():
    with pytest.raises(ValueError, match=re.escape("4,084,101 profiles, and up to 500,000 can be enumerated")):
        equilibria(unaware(public_goods(5, 2, levels=21)))
    with pytest.raises(ValueError, match="more than 100,000 pure equilibria"):
        equilibria(public_goods(10, 10, levels=21))
    with pytest.raises(ValueError, match="1,001 players, and up to 1,000"):
        equilibria(volunteers(1001))
    matching = NormalForm.of_arrays(np.stack([np.eye(9), np.eye(9)], axis=-1))
    found = equilibria(matching)
    assert found.mixed is None
    assert "48,619 pairs of supports" in found.notes[0]
    assert len(found.pure) == 9


def test_large_symmetric_games_are_solved():
    assert profiles(public_goods(12, F(8, 5), levels=101)) == [(0,) * 12]
    assert len(profiles(volunteers(300))) == 1


def test_it_prints_readably():
    assert str(equilibria("chicken")).splitlines() == [
        "chicken: 2 players, 2 x 2 actions",
        "  pure   swerve, dare  ->  1, 4  (strict)",
        "  pure   dare, swerve  ->  4, 1  (strict)",
        "  mixed  agent_0 1/2 swerve + 1/2 dare; agent_1 1/2 swerve + 1/2 dare  ->  2, 2",
    ]
    assert str(equilibria("volunteers_dilemma")).splitlines() == [
        "volunteers_dilemma: 4 players, 2 actions each",
        "  pure   3 wait, 1 volunteer  ->  2 to who wait, 1 to who volunteer  (strict, times 4)",
        "  mixed  each 0.793701 wait + 0.206299 volunteer  ->  1 each",
        "  Of the mixed ones, those in which all do the same.",
    ]
    assert "... and 10,614 more" in str(equilibria(public_goods(4, 4, levels=21)))
    assert len(equilibria("chicken")) == 3
    assert [one.welfare for one in equilibria("chicken")] == [5, 5, 4]
