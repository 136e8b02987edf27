"""Gifts: what one pays another gets, times the multiplier."""

import itertools

import numpy as np
import pytest

import marl_sim as ms


@pytest.mark.parametrize("amounts", [(0.0, 1.0), (0.0, 0.5, 2.0)])
def test_every_profile_pays_by_the_closed_form(table, amounts):
    game = ms.Society(ms.PrisonersDilemma(), ms.Gift(multiplier=3, amounts=amounts), n_agents=2)
    profiles = np.array(list(itertools.product(range(len(amounts)), repeat=2)))
    paid = table(game, num_envs=len(profiles)).round(gift=profiles, play=0)
    worth = np.array(amounts)[profiles]
    np.testing.assert_allclose(paid.given, -worth)
    np.testing.assert_allclose(paid.received, 3 * worth[:, ::-1])
    np.testing.assert_allclose(paid.reward, 3 - worth + 3 * worth[:, ::-1])


@pytest.mark.parametrize("encounters", ["together", "in turn"])
@pytest.mark.parametrize("multiplier", [0.0, 1.0, 2.5])
def test_what_is_received_is_the_multiple_of_what_is_given(random_steps, encounters, multiplier):
    game = ms.Society(
        ms.StagHunt(),
        ms.PartnerSelection(),
        ms.Gift(multiplier=multiplier, amounts=(0, 1, 3)),
        n_agents=5,
        encounters=encounters,
    )
    total = 0.0
    for _, step in random_steps(game, 80):
        given, received = step.components["given"].sum(1), step.components["received"].sum(1)
        np.testing.assert_allclose(received, -multiplier * given, atol=1e-12)
        total -= given.sum()
    assert total > 0


def test_a_player_sees_what_the_one_it_faces_gave_it(table):
    game = ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), ms.Gift(), n_agents=4, encode="index")
    t = table(game)
    t.step(select=np.array([[0, 1, 0, 0]]))  # 0 -> 1, 1 -> 2, 2 -> 0, 3 -> 0: nobody faces whom it is faced by
    t.step(gift=1)
    assert t.kind == "play"
    assert t.sees("gift").ravel().tolist() == [0, 0, 0, 0]  # the one I face gave to somebody else
    t = table(game)
    t.step(select=np.array([[0, 0, 2, 2]]))  # 0 and 1 choose each other, as do 2 and 3
    t.step(gift=np.array([[1, 0, 1, 1]]))
    assert t.sees("gift").ravel().tolist() == [0, 1, 1, 1]


def test_the_stage_comes_before_play_and_in_words():
    game = ms.Society(ms.Harmony(), ms.Gift(amounts=(0, 1, 2.5)), n_agents=2)
    assert game.kinds == ("gift", "play")
    assert game.choices("gift") == ("keep", "give 1", "give 2.5")


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.Gift(multiplier=-1), "multiplier", "-1")
    for amounts in ((), (1,), (0, -1), (0, float("inf")), (0, "much"), 3):
        refused(lambda amounts=amounts: ms.Gift(amounts=amounts), "amounts", repr(amounts))
    refused(lambda: ms.Gift(amounts=(1, 1)), "amounts", "differ")
