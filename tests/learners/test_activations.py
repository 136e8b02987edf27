"""tanh as it is written out: close to the real one, blind to an element's place, differentiable."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from marl_sim.learners.activations import fill_tanh, lambert, tanh


def test_it_is_tanh_to_float32():
    x = np.concatenate([np.linspace(-20, 20, 100_001), [0.0, -0.0, 1e-30, 3e38, -3e38, np.inf, -np.inf]]).astype(
        np.float32
    )
    y = np.empty_like(x)
    fill_tanh(x, y)
    assert np.abs(y - np.tanh(x.astype(np.float64))).max() < 5e-7
    assert (np.abs(y) <= 1).all()
    assert (y == -tanh(torch.from_numpy(-x)).numpy()).all()


def test_nan_stays_nan():
    assert torch.isnan(tanh(torch.tensor([1.0, float("nan")]))).tolist() == [False, True]


@given(start=st.integers(0, 40), size=st.integers(1, 70))
def test_an_elements_place_is_nothing(start, size):
    x = torch.from_numpy(np.random.default_rng(0).normal(size=128).astype(np.float32) * 3)
    assert torch.equal(tanh(x[start : start + size]), tanh(x)[start : start + size])


def test_the_coefficients_are_lamberts():
    """tanh x = x / (1 + x^2 / (3 + x^2 / 5)) = x (15 + x^2) / (15 + 6 x^2)."""
    assert lambert(3) == ([15, 1], [15, 6])


def test_derivatives_of_first_and_second_order():
    x = torch.linspace(-3, 3, 50, requires_grad=True)
    y = tanh(x)
    (first,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), x)
    real = torch.tanh(x)
    assert torch.allclose(first, 1 - real**2, atol=1e-5)
    assert torch.allclose(second, -2 * real * (1 - real**2), atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16])
def test_other_kinds_of_numbers_are_torchs(dtype):
    x = torch.linspace(-2, 2, 9, dtype=dtype)
    assert torch.equal(tanh(x), torch.tanh(x))
