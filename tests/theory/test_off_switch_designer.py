"""How unsure a designer should make its robot: the printed figure, the truth, and sampling."""

import math

import numpy as np
import pytest
from scipy.special import expit, ndtr
from theory.off_switch_figures import near

from marl_sim.theory import design_off_switch

TRUTH = 0.5 / math.sqrt(1.25)


def test_figure_4_as_it_is_read():
    spread = [0.1, 0.2, 0.3, 0.4, TRUTH, 0.5, 0.6, 0.7, 0.8, 0.9]
    design = design_off_switch(spread)
    value = [0.3575, 0.3592, 0.3616, 0.3636, 0.3640, 0.3634, 0.3565, 0.3366, 0.3092, 0.3030]
    delta = [-0.0913, -0.0863, -0.0772, -0.0630, -0.0539, -0.0417, -0.0105, 0.0345, 0.0984, 0.1864]
    assert design.value == pytest.approx(value, abs=3e-4) and design.delta == pytest.approx(delta, abs=3e-4)
    s = np.array(spread)
    assert design.ask == pytest.approx(2 * ndtr(s**2 / (2 * 0.5 * (1 - s**2) * math.sqrt(1.25))) - 1, abs=1e-14)
    assert design.ask[4] == near(0.177, 3)


@pytest.mark.parametrize("actions", [1, 4, 8])
def test_a_designer_does_best_by_the_truth(actions):
    around = design_off_switch([TRUTH - 0.02, TRUTH, TRUTH + 0.02], actions=actions).value
    assert around[1] > around[0] and around[1] > around[2]


def test_a_robot_made_to_ask_always_or_never():
    always, never = design_off_switch(1.0), design_off_switch(0.0)
    assert always.value == pytest.approx(0.302853, abs=1e-6) and always.ask == 1
    assert never.value == pytest.approx(math.sqrt(0.8 / (2 * math.pi)), abs=1e-12) and never.ask == 0


@pytest.mark.parametrize("actions", [1, 4, 8])
def test_the_designer_against_sampling(actions):
    rng = np.random.default_rng(actions)
    u = rng.standard_normal((200_000, actions))
    x = u + 0.5 * rng.standard_normal(u.shape)
    at = np.arange(len(u)), x.argmax(axis=1)
    u, m = u[at], (1 - 0.6**2) * x[at]
    gained = np.where(np.abs(m) <= 0.6**2, expit(u / 0.5) * u, np.where(m > 0, u, 0))
    design = design_off_switch(0.6, actions=actions)
    assert abs(gained.mean() - design.value) < 5 * gained.std() / math.sqrt(len(u))
    assert abs((np.abs(m) <= 0.6**2).mean() - design.ask) < 5 * 0.5 / math.sqrt(len(u))


@pytest.mark.parametrize(
    "bad, message",
    [
        (dict(spread=1.5), "design_off_switch: spread must be from 0 to the prior's 1; got 1.5"),
        (dict(spread=0.5, beta=-1), "design_off_switch: beta must be finite and at least 0; got -1"),
        (dict(spread=0.5, noise=math.nan), "design_off_switch: noise must be finite and at least 0; got nan"),
        (dict(spread=0.5, prior=0), "design_off_switch: prior must be positive and finite; got 0"),
        (dict(spread=0.5, actions=0), "design_off_switch: actions must be a whole number of at least 1; got 0"),
    ],
)
def test_designs_that_are_refused(bad, message):
    with pytest.raises(ValueError, match=message):
        design_off_switch(**bad)
