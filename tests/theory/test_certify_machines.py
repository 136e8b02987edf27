"""Certificates of robots, assistants and the people they serve."""

import math
from fractions import Fraction as F

import pytest

from marl_sim.theory import certify


@pytest.mark.parametrize(
    ("options", "kind", "boundary"),
    [  # facts 2.2: Delta > 0 exactly if sigma^2 > 2 beta |mu|
        (dict(beta=0.25), "the robot should wait for the human", True),
        (dict(beta=0.5), "the robot may as well act or wait", False),
        (dict(beta=1.0), "the robot should act without asking", False),
        (dict(beta=1.0, mu=-0.25), "the robot should switch itself off", False),
    ],
)
def test_the_off_switch_by_its_boundary(options, kind, boundary):
    found = certify("off_switch", human="boltzmann", **options)
    assert found.kind == f"off-switch game ({kind})"
    curve = found.fact("sigma^2 > 2 * beta * |mu|")
    assert (curve.left, curve.right) == (F(1, 4), 2 * F(str(options["beta"])) * F(1, 4))
    assert curve.holds == found.fact("Delta > 0").holds == boundary


def test_the_off_switch_of_other_humans_and_of_cases():
    assert float(certify("off_switch", human="rational").fact("Delta > 0").left) == pytest.approx(0.09889828, abs=1e-8)
    assert float(certify("off_switch", human="error").fact("Delta > 0").left) == pytest.approx(0.054119, abs=1e-6)
    costly = certify("off_switch", human="rational", ask=0.1)
    assert costly.kind == "off-switch game (the robot should act without asking)"
    cases = certify("off_switch", human="boltzmann", beta=(0.1, 0.25, 0.5, 1.0, 2.0))
    assert cases.kind == "off-switch game of 5 cases (waiting is best in 3)"
    assert [one["best"] for one in cases.found("cases")] == [["wait"], ["wait"], ["act", "wait"], ["act"], ["act"]]
    wrong = certify("off_switch", human="boltzmann", sigma=0.6, beta=0.1, told_beta=1.0)
    assert wrong.found("wrong belief") == pytest.approx(0.125535, abs=1e-6)


@pytest.mark.parametrize(
    ("example", "value", "waits", "never"),
    [  # facts 2.5
        ("file_deletion", F(7, 4), 1, F(1, 2)),
        ("coarse_human", 1, 1, F(1, 2)),
        ("fine_human", F(4, 3), F(7, 6), F(1, 2)),
        ("coarse_robot", F(5, 3), F(3, 2), None),
    ],
)
def test_partially_observable_off_switches(example, value, waits, never):
    found = certify("po_osg", example=example)
    got = found.found("optimum")
    assert (got["value"], got["always wait"]) == (value, waits)
    assert never is None or got["never wait"] == never
    deference = "always wait" if value == waits else "wait sometimes"
    assert found.kind == f"partially observable off-switch game (the robot should {deference})"
    assert certify("po_osg").found("optimal pair")["robot"] == {"0": ["act"], "1": ["wait"]}


def test_the_interruptible_gridworld():
    """Facts 2.6: 42 or -100 over the tile, 38 over the button; break-even at 4 / 142."""
    found = certify("safe_interruptibility")
    assert found.found("break-even") == F(4, 142)
    routes = found.found("routes")
    assert (routes["through"]["expected"], routes["button"]["expected"]) == (-29, 38)
    assert (routes["through"]["safety"], routes["button"]["safety"]) == (21, 19)
    rarely = certify("safe_interruptibility", p=0.02)
    assert rarely.kind == "interruptible gridworld (disabling the interruption does not pay)"
    assert "walking round" in certify("safe_interruptibility", level=2).kind


def test_the_assistant_by_what_its_impression_tells():
    told = certify("assistant", accuracy=1.0)
    assert told.kind == "clarify or answer (seems clear: answer; seems vague: both)"
    assert told.fact("value with the impression > value without").holds
    assert told.found("value") == pytest.approx((math.sqrt(4.2 * 4.3) + math.sqrt(2.0 * 2.1)) / 2)
