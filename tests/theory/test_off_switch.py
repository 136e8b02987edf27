"""What asking a human is worth, against the checked table, against other ways to it, and in its limits."""

import itertools
import json
import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import expit, ndtr
from theory.off_switch_figures import EVERY_HUMAN, near

import marl_sim as ms
from marl_sim.theory import (
    off_switch_answer,
    off_switch_beta,
    off_switch_boundary,
    off_switch_delta,
    off_switch_error_limit,
    off_switch_regret,
    off_switch_sigma,
)

REFERENCE = json.loads((Path(__file__).parent / "data" / "off_switch_reference.json").read_text())
RATIONAL = """
    0 .25 .09973557   0 .5 .19947114   0 1 .39894228   0 2 .79788456   .25 .25 .02082887   .25 .5 .09889828
    .25 1 .28634470   .25 2 .67910993   .5 .25 .00212268   .5 .5 .04165774   .5 1 .19779656   .5 2 .57268940
    .75 .25 .00009554   .75 .5 .01465340   .75 1 .13116692   .75 2 .47833751   1 .25 .00000179   1 .5 .00424535
    1 1 .08331547   1 2 .39559311
"""
numbers = st.floats(-2, 2)
widths = st.floats(0.01, 3)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("mu, sigma, beta, expected", REFERENCE)
def test_delta_matches_the_reference_table(mu, sigma, beta, expected, sign):
    assert off_switch_delta(sign * mu, sigma, "boltzmann", beta=beta) == pytest.approx(expected, abs=1e-12, rel=0)


def test_a_whole_table_at_once_is_the_table_row_by_row():
    mu, sigma, beta, expected = np.array(REFERENCE).T
    table = off_switch_delta(mu, sigma, "boltzmann", beta=beta)
    assert table == pytest.approx(expected, abs=1e-12) and table.shape == (80,)
    alone = [off_switch_delta(m, s, "boltzmann", beta=b) for m, s, b in zip(mu, sigma, beta)]
    assert np.array_equal(table, alone) or table == pytest.approx(alone, abs=1e-15)
    assert off_switch_delta(0.25, [[0.5], [1.0]], beta=[0.1, 1.0, 2.0]).shape == (2, 3)
    assert isinstance(off_switch_delta(0.25, 0.5, "boltzmann"), float)


@pytest.mark.parametrize("row", np.array(RATIONAL.split(), dtype=float).reshape(-1, 3).tolist())
def test_delta_of_a_rational_human(row):
    mu, sigma, expected = row
    assert off_switch_delta(mu, sigma) == near(expected, 8) and off_switch_delta(-mu, sigma) == near(expected, 8)


@pytest.mark.parametrize(
    "human, mu, sigma, options, expected",
    [
        ("probit", 0.25, 0.5, dict(scale=0.25), 0.079594),
        ("probit", 0.25, 0.5, dict(scale=0.5), 0.042043),
        ("probit", 0.25, 0.5, dict(scale=1), -0.015879),
        ("probit", 0.75, 1, dict(scale=0.5), 0.096555),
        ("bayesian", 0.25, 0.5, dict(scale=0.5), 0.04991),
        ("bayesian", 0.75, 0.5, dict(scale=0.5), 0.00216),
        ("bayesian", -0.25, 0.5, dict(scale=1), 0.01480),
        ("error", 0.25, 0.5, dict(epsilon=0.05), 0.076508),
        ("error", 0.25, 0.5, dict(epsilon=0.1), 0.054119),
        ("error", 0.25, 0.5, dict(epsilon=0.2), 0.009339),
        ("error", 0.75, 1, dict(epsilon=0.1), 0.029934),
        ("error", 0.75, 0.5, dict(epsilon=0.1), -0.063277),
        ("two-type", 0.25, 0.5, dict(p_plus=0.95, p_minus=0.7), 0.051784),
        ("two-type", 0.25, 0.5, dict(p_plus=0.7, p_minus=0.95), -0.010716),
        ("two-type", -0.25, 0.5, dict(p_plus=0.7, p_minus=0.95), 0.051784),
        ("two-type", -0.25, 0.5, dict(p_plus=0.95, p_minus=0.7), -0.010716),
        ("boltzmann", 0.5, 0, dict(beta=0.25), -0.05960146),
        ("boltzmann", -0.5, 0, dict(beta=0.25), -0.05960146),
    ],
)
def test_delta_of_other_humans(human, mu, sigma, options, expected):
    digits = 5 if human == "bayesian" else 6
    assert off_switch_delta(mu, sigma, human, **options) == near(expected, digits)


def test_delta_of_a_probit_human_to_five_digits():
    assert off_switch_delta(0.75, 0.5, "probit", scale=0.5) == near(-0.02795, 5)


@pytest.mark.parametrize(
    "mu, sigma, beta, allow, slope",
    [
        (0.25, 0.5, 0.25, 0.64772644, 0.56199295),
        (0.75, 1, 0.5, 0.71500588, 0.25597530),
        (0, 0.5, 0.5, 0.5, 0.41324193),
    ],
)
def test_the_pieces_of_theorem_2(mu, sigma, beta, allow, slope):
    answer = off_switch_answer(mu, sigma, "boltzmann", beta=beta)
    assert answer.allow == near(allow, 8) and answer.gain / sigma**2 == near(slope, 8)


# ---------------------------------------------------------------- by other ways


def pointwise(human, mu, sigma, o):
    """pi(u), written out anew."""
    noise = sigma**2 / (sigma**2 + o["scale"] ** 2)
    return {
        "agent": lambda u: float(u >= -o["press"]),
        "rational": lambda u: float(u >= 0),
        "boltzmann": lambda u: expit(u / o["beta"]),
        "probit": lambda u: ndtr(u / o["scale"]),
        "bayesian": lambda u: ndtr((noise * u + (1 - noise) * mu) / (noise * o["scale"])),
        "error": lambda u: 1 - o["epsilon"] if u >= 0 else o["epsilon"],
        "two-type": lambda u: o["p_plus"] if u >= 0 else 1 - o["p_minus"],
        "constant": lambda u: o["p"],
    }[human]


@pytest.mark.parametrize("human", EVERY_HUMAN)
@pytest.mark.parametrize("mu", [-0.6, 0.0, 0.3])
def test_every_human_against_direct_integration(human, mu):
    o = dict(beta=0.2, scale=0.4, epsilon=0.15, p_plus=0.9, p_minus=0.8, p=0.3, ask=0.02, press=0.07)
    sigma, pi = 0.7, pointwise(human, mu, 0.7, o)

    def integrand(u):
        weight = math.exp(-(((u - mu) / sigma) ** 2) / 2) / sigma / math.sqrt(2 * math.pi)
        return weight * (pi(u) * u - o["press"] * (1 - pi(u)))

    ends = [mu - 9 * sigma, -0.07, 0, mu + 9 * sigma]
    wait = sum(quad(integrand, a, b, epsabs=1e-12, limit=200)[0] for a, b in itertools.pairwise(ends)) - o["ask"]
    answer = off_switch_answer(mu, sigma, human, **o)
    assert answer.delta == pytest.approx(wait - max(mu, 0), abs=1e-9)
    assert answer.wait == pytest.approx(wait, abs=1e-9) and answer.value == max(answer.wait, mu, 0)


@given(numbers, widths, st.floats(0.01, 3))
def test_theorem_2_and_the_definition_agree_for_boltzmann(mu, sigma, beta):
    answer = off_switch_answer(mu, sigma, "boltzmann", beta=beta)
    assert answer.delta == pytest.approx(answer.gain - abs(mu) * answer.correction, abs=1e-12)


@given(numbers, widths, st.floats(0.01, 3))
def test_the_boltzmann_boundary_is_the_parabola(mu, sigma, beta):
    delta = off_switch_delta(mu, sigma, "boltzmann", beta=beta)
    margin = sigma**2 - 2 * beta * abs(mu)
    if abs(margin) > 1e-12 and abs(delta) > 1e-300:
        assert (delta > 0) == (margin > 0)
    assert off_switch_delta(mu, off_switch_boundary(mu, beta), "boltzmann", beta=beta) == pytest.approx(0, abs=1e-15)


@given(numbers, widths, st.sampled_from(EVERY_HUMAN), st.floats(0.1, 10))
def test_scaling_the_stakes_scales_delta(mu, sigma, human, k):
    one = dict(beta=0.3, scale=0.4, ask=0.01, press=0.05)
    many = {name: k * value for name, value in one.items()}
    assert off_switch_delta(k * mu, k * sigma, human, **many) == pytest.approx(
        k * off_switch_delta(mu, sigma, human, **one), abs=1e-11
    )


@given(numbers, widths, st.sampled_from(["rational", "boltzmann", "probit", "bayesian", "error"]))
def test_delta_is_even_in_the_mean(mu, sigma, human):
    assert off_switch_delta(mu, sigma, human) == pytest.approx(off_switch_delta(-mu, sigma, human), abs=1e-14)


@given(numbers, st.floats(0, 3))
def test_a_rational_or_bayesian_human_is_always_worth_asking(mu, sigma):
    rational, bayesian = off_switch_delta(mu, sigma), off_switch_delta(mu, sigma, "bayesian", scale=0.6)
    assert rational >= bayesian >= 0


@pytest.mark.parametrize("human", EVERY_HUMAN)
@pytest.mark.parametrize("u", [-0.7, 0.0, 0.4])
def test_a_robot_that_is_sure(human, u):
    o = dict(beta=0.2, scale=0.4, epsilon=0.15, p_plus=0.9, p_minus=0.8, p=0.3)
    allow = float(u >= 0) if human == "bayesian" else pointwise(human, u, 0.1, {**o, "press": 0})(u)
    expected = u * allow if u < 0 else -u * (1 - allow)  # Eq 4, its branches put right
    assert off_switch_delta(u, 0, human, **o) == pytest.approx(expected, abs=1e-15)
    assert off_switch_delta(u, 1e-9, human, **o) == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("mu", [-0.8, 0.0, 0.3])
@pytest.mark.parametrize("sigma", [0.0, 0.2, 1.5])
def test_limits(mu, sigma):
    rational = off_switch_delta(mu, sigma)
    for human, noise in [("boltzmann", "beta"), ("probit", "scale"), ("bayesian", "scale")]:
        assert off_switch_delta(mu, sigma, human, **{noise: 0}) == pytest.approx(rational, abs=1e-15)
        assert off_switch_delta(mu, sigma, human, **{noise: 1e-7}) == pytest.approx(rational, abs=1e-7)
        coin = 0 if human == "bayesian" else -abs(mu) / 2  # a Bayesian who sees nothing does as the robot would
        assert off_switch_delta(mu, sigma, human, **{noise: math.inf}) == pytest.approx(coin, abs=1e-15)
        assert off_switch_delta(mu, sigma, human, **{noise: 1e8}) == pytest.approx(coin, abs=1e-7)
    wide = 1e6 / math.sqrt(2 * math.pi) - abs(mu) / 2
    assert off_switch_delta(mu, 1e6) == pytest.approx(wide, abs=1e-6)
    assert off_switch_delta(mu, sigma, "two-type", p_plus=1, p_minus=1) == pytest.approx(rational, abs=1e-15)


@given(st.floats(-1, 1), st.floats(1e-6, 1e6), st.floats(1e-6, 1e6))
def test_extreme_widths_stay_finite_and_below_the_rational_human(mu, sigma, beta):
    delta = off_switch_delta(mu, sigma, "boltzmann", beta=beta)
    assert -abs(mu) / 2 - 1e-12 <= delta <= off_switch_delta(mu, sigma) * (1 + 1e-9) + 1e-15


@given(numbers, widths, st.floats(0, 1))
def test_a_human_who_is_a_coin_adds_nothing(mu, sigma, p):
    assert off_switch_delta(mu, sigma, "constant", p=p) == pytest.approx(p * mu - max(mu, 0), abs=1e-14)


# ---------------------------------------------------------------- decisions, thresholds, contours


def test_the_best_move_with_its_ties():
    def best(*belief, **options):
        return off_switch_answer(*belief, **options).best

    assert best(0.25, 0.5, human="boltzmann", beta=0.5) == ("act", "wait")  # on the boundary
    assert best(-0.25, 0.5, human="boltzmann", beta=0.5) == ("wait", "switch off")
    assert best(0.25, 0.5, human="boltzmann", beta=0.6) == ("act",)
    assert best(-0.25, 0.5, human="boltzmann", beta=0.6) == ("switch off",)
    assert best(-0.25, 0.5, human="boltzmann", beta=0.4) == ("wait",)
    assert best(0.0, 0.5, human="constant") == ("act", "wait", "switch off")
    grid = off_switch_answer([0.25, -0.25], 0.5, "boltzmann", beta=0.6)
    assert grid.best.tolist() == [("act",), ("switch off",)] and grid.value.tolist() == [0.25, 0]


def test_costs_of_asking_and_of_pressing():
    plain = off_switch_answer(0.25, 0.5, "boltzmann", beta=0.25)
    costly = off_switch_answer(0.25, 0.5, "boltzmann", beta=0.25, ask=0.01, press=0.1)
    assert costly.delta == pytest.approx(plain.delta - 0.01 - 0.1 * (1 - plain.allow), abs=1e-15)
    assert off_switch_delta(0.25, 0.5, "agent", press=0.1) > off_switch_delta(0.25, 0.5, "rational", press=0.1)


@pytest.mark.parametrize(
    "mu, price, expected", [(0, 0.05, 0.125331), (0, 0.1, 0.250663), (0.25, 0.05, 0.353842), (0.25, 0.1, 0.503127)]
)
def test_the_uncertainty_that_a_price_of_asking_takes(mu, price, expected):
    assert off_switch_sigma(mu, price) == near(expected)
    assert off_switch_delta(mu, off_switch_sigma(mu, price), ask=price) == pytest.approx(0, abs=1e-12)


def test_more_uncertainties_that_prices_take():
    assert off_switch_sigma(0.75, 0.05) == near(0.696385) and off_switch_sigma(0.5, 0) == 0
    assert off_switch_sigma(0.5, 0.1, "constant", p=0.5) == math.inf
    with pytest.raises(ValueError, match=r"off_switch_sigma: delta must be at least 0; got -0.1"):
        off_switch_sigma(0.5, -0.1)


@pytest.mark.parametrize("mu, sigma, expected", [(0.25, 0.5, 0.220855), (0.75, 1, 0.129569), (0.75, 0.5, 0.018803)])
def test_the_error_that_a_human_may_make(mu, sigma, expected):
    limit = off_switch_error_limit(mu, sigma)
    assert limit == near(expected) and off_switch_delta(mu, sigma, "error", epsilon=limit) == pytest.approx(
        0, abs=1e-15
    )
    assert off_switch_error_limit(0.0, sigma) == off_switch_error_limit(0.0, 0.0) == 0.5


def test_figure_2_at_its_right_end():
    assert off_switch_delta([0, -0.25, 0.75], 1.5) == near(np.array([0.598413, 0.481706, 0.296695]))


def test_figure_3_its_boundary_and_its_contours():
    assert off_switch_boundary(0.25, [0.1, 0.25, 0.5, 0.75, 1]) == near(
        np.array([0.223607, 0.353553, 0.5, 0.612372, 0.707107])
    )
    assert off_switch_beta(0.25, 0, -0.08) == off_switch_beta(-0.25, 0, -0.08) == near(0.331665)
    assert [off_switch_sigma(0.25, level) for level in (0.08, 0.16)] == near([0.445497, 0.668157])
    contours = [off_switch_sigma(0, level, "boltzmann", beta=1) for level in (0.08, 0.16, 0.24)]
    assert contours == near([0.587949, 0.862260, 1.093197])
    assert off_switch_beta(0.25, contours[0], off_switch_delta(0.25, contours[0], "boltzmann", beta=0.3)) == near(0.3)
    assert math.isnan(off_switch_beta(0.25, 0.1, 0.08))  # more than even a rational human makes of it


@pytest.mark.parametrize(
    "mu, sigma, true, hat, expected",
    [(0.25, 0.6, 0.1, 1.0, 0.125535), (0.25, 0.6, 1.0, 0.5, 0.028591), (0.75, 1, 1.0, 0.1, 0.072082)],
)
def test_what_a_wrong_beta_costs(mu, sigma, true, hat, expected):
    regret = off_switch_regret(mu, sigma, beta=true, believed=dict(beta=hat))
    assert regret == near(expected)
    assert regret == pytest.approx(abs(off_switch_delta(mu, sigma, "boltzmann", beta=true)))
    assert off_switch_regret(mu, sigma, beta=true, believed=dict(beta=true)) == 0


def test_what_a_wrong_belief_costs():
    assert off_switch_regret(-0.5, 0.1, beta=0.5, believed=dict(mu=0.5)) == 0.5  # it acts, and should be off
    assert off_switch_regret(0.5, 0.1, beta=0.5, believed=dict(mu=-0.5)) == 0.5  # it is off, and should act


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "bad, message",
    [
        (dict(sigma=-1), "off_switch_delta: sigma must be finite and at least 0; got -1"),
        (dict(sigma=math.inf), "off_switch_delta: sigma must be finite and at least 0; got inf"),
        (dict(sigma=[0.1, math.nan]), "off_switch_delta: sigma must be finite and at least 0; got nan"),
        (dict(mu=math.inf), "off_switch_delta: mu must be finite; got inf"),
        (dict(mu="much"), "off_switch_delta: mu must be a number or an array of numbers; got 'much'"),
        (dict(beta=-0.1), "off_switch_delta: beta must be at least 0; got -0.1"),
        (dict(scale=math.nan), "off_switch_delta: scale must be at least 0; got nan"),
        (dict(epsilon=1.5), "off_switch_delta: epsilon must be from 0 to 1; got 1.5"),
        (dict(p_minus=-1), "off_switch_delta: p_minus must be from 0 to 1; got -1"),
        (dict(ask=-1), "off_switch_delta: ask must be finite and at least 0; got -1"),
        (dict(human="bolzmann"), r"off_switch_delta: unknown human 'bolzmann'; did you mean 'boltzmann'\? \(allowed: "),
    ],
)
def test_what_is_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        ms.theory.off_switch_delta(**{**dict(mu=0.25, sigma=0.5), **bad})


def test_an_unknown_option_is_named():
    with pytest.raises(TypeError, match="off_switch_delta has no option 'lambda_'"):
        off_switch_delta(0.25, 0.5, lambda_=1)
