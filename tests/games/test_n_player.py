"""Dilemmas of many players and two actions: every profile pays its formula, and each is the dilemma it says it is."""

import dataclasses
import itertools
import pickle

import numpy as np
import pytest

import marl_sim as ms


def every_profile(n):
    return np.array([*itertools.product((0, 1), repeat=n)])


FORMULAS = {  # payoff of one who does `a` where k of n contribute
    ms.NPlayerPrisonersDilemma: lambda p, a, k, n: p.benefit * k / n - p.cost * a,
    ms.NPlayerStagHunt: lambda p, a, k, n: (p.multiplier * p.cost * k / n if k >= p.threshold else 0) - p.cost * a,
    ms.VolunteersDilemma: lambda p, a, k, n: (p.benefit if k >= 1 else 0) - p.cost * a,
}
GAMES = [
    ms.NPlayerPrisonersDilemma(),
    ms.NPlayerPrisonersDilemma(benefit=5, cost=2),
    ms.NPlayerStagHunt(),
    ms.NPlayerStagHunt(multiplier=1.5, cost=2, threshold=3),
    ms.VolunteersDilemma(),
    ms.VolunteersDilemma(benefit=3.5, cost=0.5),
]


@pytest.mark.parametrize("n", [3, 4, 6])
@pytest.mark.parametrize("part", GAMES, ids=repr)
@pytest.mark.parametrize("order", ["together", "random"])
def test_every_profile_pays_its_formula(table, part, n, order):
    part = dataclasses.replace(part, order=order)
    profiles = every_profile(n)
    t = table(ms.Group(part, n_agents=n, horizon=ms.Fixed(2)), num_envs=len(profiles))
    formula = FORMULAS[type(part)]
    expected = [[formula(part, a, sum(profile), n) for a in profile] for profile in profiles]
    for _ in range(2):
        np.testing.assert_allclose(t.round(play=profiles).payoff, expected, atol=1e-12)


def payoffs_by_others(table, part, n):
    """[own action, contributors among the others], read from the game."""
    profiles = np.array([[a] + [1] * k + [0] * (n - 1 - k) for a in (0, 1) for k in range(n)])
    paid = table(ms.Group(part, n_agents=n, horizon=ms.Fixed(1)), num_envs=len(profiles)).round(play=profiles)
    return paid.payoff[:, 0].reshape(2, n)


def test_defection_is_dominant_and_all_cooperating_is_better(table):
    for n in (3, 4, 7):
        own = payoffs_by_others(table, ms.NPlayerPrisonersDilemma(), n)
        assert (own[0] > own[1]).all() and own[1, -1] > own[0, 0]


def test_the_stag_hunt_has_an_equilibrium_that_starts_and_one_that_does_not(table):
    own = payoffs_by_others(table, ms.NPlayerStagHunt(), 4)
    assert own[0, 0] > own[1, 0]  # nobody hunts: nobody starts
    assert own[1, 1] > own[0, 1]  # the second hunter is worth it
    assert own[0, 2] > own[1, 2]  # a third is one too many


def test_volunteering_is_right_when_nobody_else_does(table):
    own = payoffs_by_others(table, ms.VolunteersDilemma(), 5)
    assert own[1, 0] > own[0, 0] and (own[0, 1:] > own[1, 1:]).all()


def test_words_and_tables_of_words():
    assert ms.make("n_player_prisoners_dilemma").choices("play") == ("defect", "cooperate")
    assert ms.make("n_player_stag_hunt").choices("play") == ("hare", "stag")
    assert ms.make("volunteers_dilemma").choices("play") == ("wait", "volunteer")
    assert ms.VolunteersDilemma(benefit=3, cost=0.5).payoff_rows()[1:] == [
        ["wait", "0", "3"],
        ["volunteer", "2.5", "2.5"],
    ]


@pytest.mark.parametrize("name", ["n_player_prisoners_dilemma", "n_player_stag_hunt", "volunteers_dilemma"])
def test_registered_games(name, random_steps):
    game = ms.make(name)
    assert pickle.loads(pickle.dumps(game)) == game and (game.label, game.n_agents) == (name, 4)
    for order in ("together", "fixed", "random", "bid"):
        for _ in random_steps(ms.make(name, order=order, sees="last", rounds=2), 30, 3):
            pass
    part = game.dilemma
    assert (part.levels, part.endowment, part.box) == (2, 1.0, False)
    with pytest.raises(TypeError, match="levels"):
        type(part)(levels=3)


def test_wrong_numbers_are_refused(refused):
    refused(lambda: ms.NPlayerPrisonersDilemma(benefit=1), "benefit > cost > 0", "benefit=1", "cost=1")
    refused(lambda: ms.NPlayerPrisonersDilemma(cost=0), "benefit > cost > 0", "cost=0")
    refused(lambda: ms.make("n_player_prisoners_dilemma", n_agents=2), "cost > benefit / n_agents", "n_agents=2")
    refused(lambda: ms.NPlayerStagHunt(multiplier=1), "multiplier > 1", "multiplier=1")
    refused(lambda: ms.NPlayerStagHunt(cost=-1), "cost > 0", "cost=-1")
    refused(lambda: ms.NPlayerStagHunt(threshold=1), "threshold", "at least 2", "1")
    refused(lambda: ms.make("n_player_stag_hunt", threshold=5), "threshold", "from 2 to 4", "5")
    refused(lambda: ms.VolunteersDilemma(cost=2), "benefit > cost > 0", "cost=2")
    refused(lambda: ms.make("volunteers_dilemma", n_agents=1), "at least 2", "1")
    refused(lambda: ms.VolunteersDilemma(bids=4), "bids=4", "order='bid'")
