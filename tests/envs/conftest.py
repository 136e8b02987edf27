"""The games that every face is tried on: all registered ones, and compositions that none of them has."""

from functools import cache

import pytest

import marl_sim as ms


def witnesses_in_turn():
    """One encounter at a time: most agents wait in most stages."""
    mechanisms = ms.PartnerSelection(), ms.Punishment(by="both"), ms.Reputation()
    return ms.Society(ms.PrisonersDilemma(), *mechanisms, n_agents=4, encounters="in turn", horizon=ms.Fixed(2))


def continuing_together():
    """The clock stops, the society lives on; one of five sits out each round."""
    mechanisms = ms.Punishment(by="partner"), ms.Reputation(scale=0)
    return ms.Society(ms.StagHunt(), *mechanisms, n_agents=5, horizon=ms.Continuing(3), encode="index")


def chance_ends_it():
    """Nobody can tell the last round; each role has actions of its own."""
    lopsided = ms.MatrixGame(payoffs=(((1, 1), (0, 2), (3, 0)), ((2, 0), (1, 1), (0, 3))))
    return ms.Society(lopsided, n_agents=3, encounters="in turn", horizon=ms.Geometric(0.8))


COMPOSED = {game.__name__: game for game in (witnesses_in_turn, continuing_together, chance_ends_it)}


@cache
def game_named(name):
    return COMPOSED[name]() if name in COMPOSED else ms.make(name)


def pytest_generate_tests(metafunc):
    if "game" in metafunc.fixturenames:
        metafunc.parametrize("game", [*ms.registered(), *COMPOSED], indirect=True)


@pytest.fixture
def game(request):
    """A Game, made once: games do not change."""
    return game_named(request.param)


@pytest.fixture
def society():
    """The composition in which most agents wait in most stages."""
    return game_named("witnesses_in_turn")


@pytest.fixture
def lasting():
    """The composition that is truncated and lives on."""
    return game_named("continuing_together")
