"""Registered groups: the studies' sizes and numbers, every option has an effect, wrong ones refused."""

import inspect
import pickle

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.core.registry import factory

NAMES = ["fehr_gaechter", "institution_choice", "collective_risk", "common_pool"]


@pytest.mark.parametrize("name", NAMES)
def test_every_game_steps_and_pickles(random_steps, name):
    game = ms.make(name)
    assert pickle.loads(pickle.dumps(game)) == game
    assert game.label == name
    for _, step in random_steps(game, 40, 2):
        assert np.isfinite(step.reward).all()


@pytest.mark.parametrize("name", NAMES)
def test_every_option_reaches_the_game(name):
    """A changed option changes the game, so that none is silently dropped."""
    words = {"feet": "majority", "one_hot": "index"}
    other = {bool: lambda x: not x, int: lambda x: x + 1, str: words.get, tuple: lambda x: x[:-1]}
    for option, parameter in inspect.signature(factory(name)).parameters.items():
        value = parameter.default
        if option == "bins":
            changed = 2
        elif isinstance(value, float):
            changed = value / 2 or 0.5
        else:
            changed = other[type(value)](value)
        assert ms.make(name, **{option: changed}) != ms.make(name), option


def test_fehr_and_gaechters_numbers(table):
    game = ms.make("fehr_gaechter")
    assert game.n_agents == 4
    assert game.kinds == ("play", "sanction")
    assert len(game.choices("sanction")) == 11
    t = table(game)
    paid = t.round(play=20, sanction=0)
    assert paid.payoff.tolist() == [[32.0] * 4]  # 4 * 20 * 0.4
    free = np.array([[0, 20, 20, 20]])
    paid = t.round(play=free, sanction=lambda sim: np.where(sim.state["target"] == 0, 2, 0))
    assert paid.payoff.tolist() == [[44.0, 24.0, 24.0, 24.0]]
    assert paid.punished.tolist() == [[-18.0, 0, 0, 0]]
    assert paid.punishing.tolist() == [[0.0, -2.0, -2.0, -2.0]]
    assert ms.make("fehr_gaechter", punishment=False).kinds == ("play",)


def test_without_punishment_it_is_the_public_goods_game(table):
    alone, plain = ms.make("fehr_gaechter", punishment=False), ms.make("public_goods", rounds=6)
    acts = np.random.default_rng(0).integers(21, size=(3, 1, 4))
    one, two = table(alone), table(plain)
    for act in acts:
        assert one.round(play=act).reward.tolist() == two.round(play=act).reward.tolist()


def test_institution_choice_has_the_simulations_numbers(table):
    game = ms.make("institution_choice")
    assert game.n_agents == 7
    assert game.kinds == ("vote", "play", "sanction", "reward")
    assert game.horizon == ms.Fixed(15)
    paid = table(game).round(vote=1, play=20, sanction=1, reward=1)
    np.testing.assert_allclose(paid.payoff, 32.0)
    np.testing.assert_allclose(paid.punished, -3.0 * 6)
    np.testing.assert_allclose(paid.rewarded, 1.0 * 6)
    np.testing.assert_allclose(paid.punishing + paid.rewarding, -12.0)
    assert ms.make("institution_choice", rewards=False).kinds == ("vote", "play", "sanction")


def test_the_commons_are_lost_in_the_round_that_the_page_says(table):
    t = table(ms.make("common_pool"))
    for k in range(6):
        assert t.step(play=10).terminated.all() == (k == 5)
    assert t.game.dilemma.sustainable_yield == 10


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.make("fehr_gaechter", points=0), "PeerPunishment", "points", "0")
    refused(lambda: ms.make("institution_choice", by="lot"), "Institutions", "'lot'")
    refused(lambda: ms.make("collective_risk", target=300), "CollectiveRisk", "240", "300")
    refused(lambda: ms.make("common_pool", growht=1), "common_pool", "did you mean 'growth'")


@pytest.mark.parametrize(
    ("name", "option"),
    [("institution_choice", "rewards"), ("fehr_gaechter", "punishment"), ("direct_punishment", "costly")],
)
def test_a_switch_is_true_or_false(name, option):
    """A word that is no switch would otherwise count as switched on."""
    with pytest.raises(ValueError, match=f"{name}: {option} must be True or False; got 'no'"):
        ms.make(name, **{option: "no"})
    assert ms.make(name, **{option: False}) != ms.make(name, **{option: True})
