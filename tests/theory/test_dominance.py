from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from small_games import PD, everything, games, many, public_goods, stays, symmetric_games, unaware

import marl_sim as ms
from marl_sim.theory import NormalForm, best_replies, dominated, eliminate, is_equilibrium


def test_best_replies():
    assert best_replies(PD, (0, 0), 0) == (1,)
    assert best_replies("stag_hunt", (0, 0), 1) == (0,)
    assert best_replies("stag_hunt", ((F(3, 4), F(1, 4)), 0), 1) == (0, 1)  # the threshold of the stag hunt
    assert best_replies([[(1, 0)], [(1.01, 0)], [(1, 0)]], (0, 0), 0) == (1,)
    assert best_replies("volunteers_dilemma", (0, 0, 0, 0), 2) == (1,)
    assert best_replies("volunteers_dilemma", (0, 1, 0, 0), 2) == (0,)


def test_defecting_dominates_in_the_prisoners_dilemma():
    assert dominated("prisoners_dilemma") == {0: 1}
    assert dominated("stag_hunt") == {}
    assert eliminate("prisoners_dilemma").kept == ((1,), (1,))
    assert eliminate("prisoners_dilemma").solvable


def test_weakly_dominated_alone():
    form = NormalForm.of_arrays([[(1, 1), (0, 0)], [(0, 0), (0, 0)]])
    assert dominated(form) == {}
    assert dominated(form, strict=False) == {1: 0}
    assert eliminate(form).kept == ((0, 1), (0, 1))
    assert eliminate(form, strict=False).kept == ((0,), (0,))


@pytest.mark.parametrize("multiplier, left", [(1, 0), (F(8, 5), 0), (F(39, 10), 0), (F(41, 10), 2)])
def test_in_public_goods_the_mpcr_decides(multiplier, left):
    assert eliminate(public_goods(4, multiplier)).kept == ((left,),) * 4


def test_two_rounds_of_elimination():
    """The row player's third action goes first, then the column player's second, then the row player's second."""
    form = NormalForm.of_arrays([[(3, 1), (0, 0)], [(2, 1), (3, 0)], [(-1, 0), (-1, 9)]])
    assert eliminate(form).kept == ((0,), (0,))
    assert [step[:2] for step in eliminate(form).steps] == [(0, 2), (1, 1), (0, 1)]


def test_what_is_gone_no_longer_counts_among_many():
    """The second action is best against sums that only the third can bring about, which nobody takes."""
    form = many(lambda a, t: F((1, 5 if t > 2 else 0, -1)[a]), 3, ("a", "b", "c"))
    assert eliminate(form).kept == ((0,),) * 3


@given(games())
@settings(max_examples=60)
def test_no_equilibrium_is_eliminated_and_all_that_goes_is_dominated(form):
    found = eliminate(form)
    for profile in everything(form):
        if stays(form, profile):
            assert all(a in kept for a, kept in zip(profile, found.kept))
    gone = set()
    for player, action, by in found.steps:
        if not gone:
            others = [p for p in everything(form) if p[player] == action]
            better = [(*p[:player], by, *p[player + 1 :]) for p in others]
            assert all(form.payoff(b)[player] > form.payoff(p)[player] for p, b in zip(others, better))
        gone.add((player, action))
    assert all((i, a) in gone for i in range(form.n) for a in range(form.shape[i]) if a not in found.kept[i])


@given(symmetric_games())
@settings(max_examples=60)
def test_symmetric_games_are_treated_like_any(form):
    for strict in (True, False):
        assert eliminate(form, strict).kept == eliminate(unaware(form), strict).kept


@given(games())
@settings(max_examples=40)
def test_equilibria_are_told_by_deviations(form):
    for profile in everything(form):
        assert is_equilibrium(form, profile) == stays(form, profile)


def test_mixed_equilibria_are_told_too():
    half = (F(1, 2), F(1, 2))
    assert is_equilibrium(ms.Chicken(), (half, half))
    assert not is_equilibrium(ms.Chicken(), (half, (F(2, 5), F(3, 5))))
    assert is_equilibrium(ms.Chicken(), ((0.5000001, 0.4999999),) * 2, tolerance=1e-6)
    assert not is_equilibrium(ms.Chicken(), ((0.5000001, 0.4999999),) * 2)
