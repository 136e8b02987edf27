"""Matrices turned around, of whole blocks and of what is left beside them."""

import numpy as np
import pytest

from marl_sim.learners.turning import turn_around


@pytest.mark.nojit
@pytest.mark.parametrize("inputs", [1, 8, 13, 64])
@pytest.mark.parametrize("outputs", [1, 8, 20])
def test_it_is_turned_and_the_rest_is_left(inputs, outputs):
    rng = np.random.default_rng(0)
    given, turned = (rng.normal(size=size).astype(np.float32) for size in ((inputs, outputs), (24, 72)))
    wanted = turned.copy()
    wanted[:outputs, :inputs] = given.T
    turn_around(given, turned)
    assert np.array_equal(turned, wanted)
