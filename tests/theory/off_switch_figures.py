"""Every kind of human of the off-switch game, and numbers as they are printed."""

import pytest

EVERY_HUMAN = ["agent", "rational", "boltzmann", "probit", "bayesian", "error", "two-type", "constant"]


def near(value, digits=6):
    """As printed with so many digits."""
    return pytest.approx(value, abs=0.51 * 10**-digits, rel=0)
