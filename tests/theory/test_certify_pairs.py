"""Certificates of two players who move at once."""

import math
from fractions import Fraction as F

import pytest
from certified import evaluated, words
from hypothesis import given, settings
from hypothesis import strategies as st

import marl_sim as ms
from marl_sim.theory import certify

EQUILIBRIA = {
    "prisoners_dilemma": [("defect", "defect")],
    "donation": [("defect", "defect")],
    "stag_hunt": [("stag", "stag"), ("hare", "hare")],
    "chicken": [("swerve", "dare"), ("dare", "swerve")],
    "battle_of_the_sexes": [("opera", "opera"), ("football", "football")],
    "pure_coordination": [("left", "left"), ("right", "right")],
    "harmony": [("cooperate", "cooperate")],
}
ANARCHY = {"prisoners_dilemma": 3, "stag_hunt": F(4, 3), "chicken": F(6, 5), "harmony": 1, "donation": math.inf}


@pytest.mark.parametrize("name", EQUILIBRIA)
def test_equilibria_of_the_named_games_of_two(name):
    found = certify(name)
    pure = [tuple(one["does"]) for one in found.found("equilibria") if one["pure"]]
    assert pure == EQUILIBRIA[name]
    if name in ANARCHY:
        assert found.found("price of anarchy") == ANARCHY[name]


def by_hand(r, t, s, p):
    """The class of a symmetric two-by-two game, written out once more."""
    if t > r > p > s:
        if 2 * r > t + s:
            return "prisoner's dilemma"
        return "prisoner's dilemma in which taking turns at exploiting each other pays no less"
    if r > p >= t > s:
        return "stag hunt"
    if r > t and p > s and r > p:
        return "assurance game: to do the same is best, to cooperate better"
    if t > r > s > p:
        return "chicken"
    if r > t and s > p and r > p:
        return "no dilemma: harmony, cooperating is dominant"
    if r == p > t == s:
        return "pure coordination"
    if t > r and p > s and p >= r:
        return "no dilemma: deadlock, defecting is dominant and better for both"
    return "no dilemma: constant-sum, what one gains the other loses" if 2 * r == t + s == 2 * p else "no name here"


small = st.integers(0, 4)


@settings(max_examples=300)
@given(r=small, t=small, s=small, p=small)
def test_a_table_is_certified_by_its_payoffs(r, t, s, p):
    found = certify(ms.MatrixGame(payoffs=[[(r, r), (s, t)], [(t, s), (p, p)]]))
    assert by_hand(r, t, s, p) in found.kind
    assert all(one.holds for one in found.facts)
    value = dict(R=r, T=t, S=s, P=p)
    for one in found.facts:
        assert evaluated(one.claim, value) == (one.left, one.right)
    # dominance and equilibria by brute force
    table = {(0, 0): (r, r), (0, 1): (s, t), (1, 0): (t, s), (1, 1): (p, p)}
    stays = [
        (f"action {a}", f"action {b}")
        for a, b in table
        if table[a, b][0] >= table[1 - a, b][0] and table[a, b][1] >= table[a, 1 - b][1]
    ]
    assert [tuple(one["does"]) for one in found.found("equilibria") if one["pure"]] == stays
    most = max(sum(pay) for pay in table.values())
    assert found.found("optimum")["welfare"] == most


def test_battles_under_other_names():
    table = [[(3, 2), (1, 0)], [(0, 0), (2, 3)]]
    found = certify(ms.MatrixGame(payoffs=table))
    assert found.kind == "battle of the sexes"
    assert [(one.left, one.right) for one in found.facts] == [(3, 2), (2, 1), (3, 2), (2, 0)]
    assert "no name" in certify(ms.MatrixGame(payoffs=[[(3, 3), (1, 0)], [(0, 0), (2, 3)]])).kind


def test_thresholds_of_the_repeated_dilemma():
    society = ms.Society(ms.PrisonersDilemma(), horizon=ms.Geometric(0.25))
    found = certify(society)
    assert found.found("grim trigger") == F(1, 3)  # (T - R) / (T - P)
    assert found.found("tit for tat") == F(1, 3)
    assert found.found("win-stay lose-shift") == F(1, 2)
    assert "with probability 0.25, which is too little" in words(found)
    patient = certify(ms.Society(ms.PrisonersDilemma(), horizon=ms.Geometric(0.5)))
    assert "with probability 0.5, which is enough" in words(patient)
    assert found.found("gains from switching equal") == {"benefit": 3, "cost": 1}
    assert certify("stag_hunt").found("risk dominance") == "hare"
    assert certify("stag_hunt", alone=2.5).found("risk dominance") == "stag"
