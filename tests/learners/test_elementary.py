"""exp and log as they are written out: close to the real ones, NaN stays, an element's place is nothing."""

import numpy as np
import pytest

from marl_sim.core.kernels import kernel
from marl_sim.learners.elementary import exponential, logarithm


@pytest.mark.nojit
def test_exponentials():
    x = np.concatenate([np.linspace(-87, 88.3, 5_001), [-1e-30, -88.5, -3e38, -np.inf]]).astype(np.float32)
    y = np.array([exponential(v) for v in x], np.float32)
    real = np.exp(np.maximum(x, -87).astype(np.float64))
    assert (np.abs(y - real) <= 4e-7 * real).all()
    assert exponential(np.float32(0)) == 1
    assert [exponential(np.float32(v)) for v in (88.5, 1000, np.inf)] == [np.inf] * 3
    assert np.isnan(exponential(np.float32("nan")))


@pytest.mark.nojit
def test_logarithms():
    near = 1 + np.linspace(-0.01, 0.01, 501)
    x = np.concatenate([np.geomspace(1e-37, 3e38, 5_001), near, [0.5, 1, 2, np.sqrt(0.5), np.sqrt(2)]])
    x = x.astype(np.float32)
    y = np.array([logarithm(v) for v in x], np.float32)
    real = np.log(x.astype(np.float64))
    assert (np.abs(y - real) <= np.maximum(4e-7 * np.abs(real), 1e-7)).all()
    assert logarithm(np.float32(1)) == 0
    with np.errstate(invalid="ignore"):
        assert np.isnan([logarithm(np.float32(v)) for v in (np.nan, np.inf)]).all()


def test_a_loop_makes_the_same_of_them():
    """Vectors of compiled loops, and what is left of them, have the numbers of single calls."""

    @kernel(cache=False, error_model="numpy")
    def both(x, y, z):
        for i in range(x.size):
            y[i], z[i] = exponential(x[i]), logarithm(x[i])

    x = np.geomspace(0.01, 50, 77).astype(np.float32)
    y, z = np.zeros_like(x), np.zeros_like(x)
    both(x, y, z)
    assert y.tolist() == [exponential(v) for v in x] and z.tolist() == [logarithm(v) for v in x]
