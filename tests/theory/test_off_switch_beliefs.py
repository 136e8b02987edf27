"""Asking a human under beliefs of finitely many values, and under those that an off-switch game gives its robot."""

import math

import numpy as np
import pytest
from scipy.special import ndtr
from theory.off_switch_figures import EVERY_HUMAN, near

import marl_sim as ms
from marl_sim.theory import off_switch_cases, off_switch_delta, off_switch_delta_of


@pytest.mark.parametrize(
    "values, p, human, beta, expected",
    [
        ((1, -1), 0.9, "rational", 1, 0.1),
        ((1, -1), 0.9, "boltzmann", 0.5, -0.019203),
        ((1, -1), 0.9, "boltzmann", 1, -0.168941),
        ((1, -10), 0.95, "rational", 1, 0.5),
        ((1, -10), 0.95, "boltzmann", 0.5, 0.386757),
        ((1, -10), 0.95, "boltzmann", 1, 0.244483),
    ],
)
def test_two_point_beliefs(values, p, human, beta, expected):
    assert off_switch_delta_of(values, (p, 1 - p), human, beta=beta) == near(expected)


@pytest.mark.parametrize("human", EVERY_HUMAN)
@pytest.mark.parametrize("mu", [-0.3, 0.4])
def test_a_finely_chopped_normal_belief_is_the_normal_one(human, mu):
    sigma, steps = 0.5, 20_000
    z = np.linspace(-8, 8, steps + 1)
    weight = np.exp(-z * z / 2)
    o = dict(scale=0.3, beta=0.3, ask=0.01, press=0.1)
    chopped = off_switch_delta_of(mu + sigma * z, weight / weight.sum(), human, **o)
    assert chopped == pytest.approx(off_switch_delta(mu, sigma, human, **o), abs=1e-4)


def test_a_sample_is_a_belief_and_a_sure_one_is_dirac():
    assert off_switch_delta_of([2.0, -1.0, -1.0, 2.0]) == pytest.approx(0.5)
    for human in EVERY_HUMAN:
        for u in (-0.4, 0.0, 0.3):
            assert off_switch_delta_of([u], [1.0], human) == pytest.approx(off_switch_delta(u, 0, human), abs=1e-15)


@pytest.mark.parametrize("scale", [0, 0.2, 1.0, math.inf])
def test_a_bayesian_human_of_a_two_point_belief_is_never_worth_less_than_none(scale):
    delta = off_switch_delta_of((1, -1), (0.7, 0.3), "bayesian", scale=scale)
    sharp = off_switch_delta_of((1, -1), (0.7, 0.3))
    assert -1e-15 <= delta <= sharp and (sharp - delta < 1e-12) == (scale == 0)
    if scale == 1.0:  # the threshold solves .7 exp(y) = .3 exp(-y)
        y = 0.5 * math.log(3 / 7)
        assert delta == pytest.approx(0.7 * ndtr(1 - y) - 0.3 * ndtr(-1 - y) - 0.4, abs=1e-12)


@pytest.mark.parametrize(
    "values, probabilities, message",
    [
        ((1, -1), (0.5, 0.6), "probabilities must be 2 numbers >= 0 that add up to 1"),
        ((1, -1), (1.0,), "probabilities must be 2 numbers"),
        ((), None, "values must be a list of finite numbers"),
        ((1, math.nan), None, "values must be a list of finite numbers"),
    ],
)
def test_beliefs_that_are_refused(values, probabilities, message):
    with pytest.raises(ValueError, match=message):
        off_switch_delta_of(values, probabilities)


# ---------------------------------------------------------------- a game's own cases


def test_the_cases_of_a_game_are_read_from_its_options():
    part = ms.OffSwitch(mu=(0.25, -0.25, 0.75), sigma=(0.5, 0.6, 1.0), human="boltzmann", beta=(0.25, 1.0, 0.5))
    cases = off_switch_cases(part)
    expected = [off_switch_delta(*x, "boltzmann", beta=b) for *x, b in zip(part.mu, part.sigma, part.beta)]
    assert cases.answer.delta == pytest.approx(expected, abs=1e-15)
    assert cases.answer.best.tolist() == [("wait",), ("switch off",), ("wait",)]
    assert cases.regret.tolist() == [0, 0, 0] and cases.told.delta == pytest.approx(expected)


def test_the_cases_of_a_game_that_misleads_its_robot():
    told = ms.make("off_switch", mu=(0.25, 0.25, 0.75), sigma=(0.6, 0.6, 1), human="boltzmann", beta=(0.1, 1.0, 1.0),
                   told_beta=(1.0, 0.5, 0.1))  # fmt: skip
    assert off_switch_cases(told).regret == near(np.array([0.125535, 0.028591, 0.072082]))
    upside_down = ms.make("off_switch", belief="two-point", human="rational", told_mu=-0.8, told_sigma=0.0)
    assert off_switch_cases(upside_down).regret == pytest.approx(0)  # sure of a loss, it still asks one who knows
    with_price = ms.make("off_switch", belief="two-point", human="rational", told_mu=-0.8, told_sigma=0.0, ask=0.01)
    assert off_switch_cases(with_price).regret == pytest.approx(0.89)


def test_the_cases_of_a_game_of_few_values():
    part = ms.OffSwitch(belief="two-point", high=1, low=-10, p=0.95, human="boltzmann", beta=(0.5, 1.0))
    cases = off_switch_cases(part)
    assert cases.answer.delta == near(np.array([0.386757, 0.244483])) and cases.answer.best.tolist() == [("wait",)] * 2
    assert cases.told is cases.answer and cases.regret.tolist() == [0, 0]
    sample = off_switch_cases(ms.OffSwitch(belief="empirical", sample=(2, -1, -1, 2), human="rational"))
    assert sample.answer.delta.tolist() == [0.5] and sample.answer.correction.tolist() == [0.5]


@pytest.mark.parametrize("press", [0.0, 0.1])
def test_a_human_agent_who_sees_with_noise_goes_by_what_it_should_then_believe(press):
    z = np.linspace(-8, 8, 4001)
    weight = np.exp(-z * z / 2) / np.exp(-z * z / 2).sum()
    y = 0.25 + 0.5 * z[:, None] + 0.3 * z[None]  # what is seen of each U
    goes_on = 0.25 + (y - 0.25) * 0.25 / 0.34 >= -press
    u = 0.25 + 0.5 * z
    wait = weight @ (goes_on * (u[:, None] + press) - press) @ weight
    game = ms.make("off_switch", noisy=True, scale=0.3, press=press)
    assert off_switch_cases(game).answer.wait == pytest.approx(wait, abs=1e-4)
    few = ms.make("off_switch", belief="two-point", p=0.7, noisy=True, scale=1.0, press=press)
    cut = 0.5 * math.log(0.3 * (1 - press) / (0.7 * (1 + press)))  # posterior mean = -press
    gained = 0.7 * (1 + press) * ndtr(1 - cut) - 0.3 * (1 - press) * ndtr(-1 - cut) - press
    assert off_switch_cases(few).answer.wait == pytest.approx(gained, abs=1e-12)


def test_only_off_switch_games_have_off_switch_cases():
    with pytest.raises(ValueError, match="off_switch_cases: unknown game 'PrisonersDilemma'"):
        off_switch_cases(ms.PrisonersDilemma())
