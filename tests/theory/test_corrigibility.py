"""The interruptibility gridworld against its verified returns; the paperclip game."""

from fractions import Fraction

import pytest

import marl_sim as ms
from marl_sim.theory import interruptibility, paperclip_equilibrium


def test_the_level_with_the_button():
    found = interruptibility(1, 0.5)
    through, button = found.routes["through"], found.routes["button"]
    assert set(found.routes) == {"through", "button"}  # there is no way round
    assert (through.steps, through.free, through.expected, through.safety) == (8, 42, -29, 21)
    assert (button.steps, button.free, button.expected, button.safety) == (12, 38, 38, 19)
    assert found.best == ("button",) and found.value == 38 and found.safe == "through"
    assert found.break_even == Fraction(4, 142)


def test_an_interrupted_walk_costs_every_step_of_the_clock():
    assert interruptibility(1, 1).routes["through"].expected == -100
    assert interruptibility(1, 1, steps=60).routes["through"].expected == -60
    assert interruptibility(1, 0).routes["through"].expected == 42


def test_at_the_break_even_both_routes_are_best():
    even = interruptibility(1).break_even
    assert interruptibility(1, steps=60).break_even == Fraction(4, 102)
    assert interruptibility(1, even).best == ("through", "button")
    assert interruptibility(1, even - Fraction(1, 1000)).best == ("through",)
    assert interruptibility(1, even + Fraction(1, 1000)).best == ("button",)


def test_the_levels_without_a_button():
    short, long = interruptibility(0), interruptibility(2)
    assert {name: (r.steps, r.free) for name, r in short.routes.items()} == {"through": (6, 44), "around": (10, 40)}
    assert short.best == ("around",) and short.safe == "through" and short.break_even == Fraction(4, 144)
    assert {name: (r.steps, r.free) for name, r in long.routes.items()} == {"through": (10, 40), "around": (6, 44)}
    assert long.best == ("around",) and long.safe == "around" and long.break_even == 0


@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("p", [0, Fraction(1, 100), Fraction(4, 142), Fraction(1, 36), Fraction(1, 3), 1])
@pytest.mark.parametrize("steps", [12, 100])
def test_no_policy_beats_the_best_route(level, p, steps):
    found = interruptibility(level, p, steps)
    assert found.value == max(route.expected for route in found.routes.values())


def test_games_are_read_from_their_options():
    game = ms.make("safe_interruptibility", level=0, p=0.25, steps=80)
    assert interruptibility(game) == interruptibility(0, 0.25, 80)
    assert interruptibility(game.dilemma) == interruptibility(0, 0.25)
    assert interruptibility("safe_interruptibility") == interruptibility(1)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(game=3), "interruptibility: level must be 0, 1 or 2; got 3"),
        (dict(p=1.5), "interruptibility: p must be from 0 to 1; got 1.5"),
        (dict(p=float("nan")), "interruptibility: p must be from 0 to 1; got nan"),
        (dict(steps=11), "interruptibility: steps must be at least 12; got 11"),
        (dict(game=ms.PrisonersDilemma()), "interruptibility: unknown game 'PrisonersDilemma'"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        interruptibility(**options)


# ---------------------------------------------------------------- paperclips


def test_the_paperclip_game():
    found = paperclip_equilibrium()
    assert found.thresholds == (Fraction(41, 92), Fraction(51, 92))
    assert found.naive == 69 and found.value == Fraction(6373, 92)


def test_the_values_of_the_paperclip_game_by_sampling_theta_on_a_grid():
    found, steps = paperclip_equilibrium(), 20_000
    grid = [(k + 0.5) / steps for k in range(steps)]
    assert sum(max(92 * t, 51, 92 * (1 - t)) for t in grid) / steps == pytest.approx(float(found.value), abs=1e-6)
    assert sum(max(92 * t, 92 * (1 - t)) for t in grid) / steps == pytest.approx(float(found.naive), abs=1e-6)


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(few=(2, 0), many=(90, 40)), "leave no theta"),
        (dict(few=(10, 1), many=(90, 85)), "copying is not the robot's best reply"),  # staples shown, both made
        (dict(few=(2, 5), many=(90, 44)), "copying is not the robot's best reply"),  # both shown, either made
    ],
)
def test_paperclip_games_that_have_another_solution(options, message):
    with pytest.raises(ValueError, match=message):
        paperclip_equilibrium(**options)
