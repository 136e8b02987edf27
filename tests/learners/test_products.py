"""Products by tiles against numpy's, whatever registers the processor has."""

import numpy as np
import pytest

from marl_sim.core.kernels import kernel
from marl_sim.learners import products
from marl_sim.learners.products import LARGE, VECTOR, even, four, multiply, multiply_turned, wide


@pytest.mark.nojit
@pytest.mark.parametrize("rows", [2, 6, 14])
@pytest.mark.parametrize("inner", [1, 5, 64])
@pytest.mark.parametrize("columns", [8, 16, 24, 40, 48])
def test_a_product_of_tiles_is_numpys(rows, inner, columns):
    rng = np.random.default_rng(0)
    a, b, c, start = (rng.normal(size=s).astype(np.float32) for s in ((20, 70), (70, columns), (20, columns), (20, 48)))
    begin, old = start[:, :columns], c.copy()
    multiply(a, b, c, rows, inner, start, 3, 0)
    np.testing.assert_allclose(c[:rows], begin[3] + a[:rows, :inner] @ b[:inner, :columns], atol=1e-4)
    assert np.array_equal(c[rows:], old[rows:])
    multiply(a.T, b, c, rows, 20, c, 0, 1)
    np.testing.assert_allclose(
        c[:rows], begin[3] + (a[:rows, :inner] @ b[:inner, :columns]) + (a.T[:rows] @ b[:20, :columns]), atol=1e-4
    )
    assert (wide(1), wide(8), wide(17), even(1), even(2)) == (8, 8, 24, 2, 2)


@pytest.mark.nojit
@pytest.mark.parametrize("rows", [2, 10])
@pytest.mark.parametrize("inner", [8, 64])
@pytest.mark.parametrize("outputs", [4, 8])
def test_a_product_of_sums_is_numpys(rows, inner, outputs):
    rng = np.random.default_rng(0)
    a, b, c = (rng.normal(size=s).astype(np.float32) for s in ((12, inner), (outputs + 1, inner), (12, 8)))
    old = c.copy()
    multiply_turned(a, b, c, rows)
    np.testing.assert_allclose(c[:rows, :outputs], b[outputs, :outputs] + a[:rows] @ b[:outputs].T, atol=1e-4)
    assert np.array_equal(c[rows:], old[rows:]) and np.array_equal(c[:, outputs:], old[:, outputs:])
    assert [four(n) for n in (1, 4, 5)] == [4, 4, 8]


def test_a_number_of_a_product_does_not_depend_on_the_rows_beside_it():
    rng = np.random.default_rng(0)
    a, b, zeros = (
        rng.normal(size=(64, 33)).astype(np.float32),
        rng.normal(size=(33, 32)).astype(np.float32),
        np.zeros((1, 32), np.float32),
    )
    together, alone = np.zeros((64, 32), np.float32), np.zeros((2, 32), np.float32)
    multiply(a, b, together, 64, 33, zeros, 0, 0)
    for i in range(0, 64, 2):
        multiply(np.ascontiguousarray(a[i : i + 2]), b, alone, 2, 33, zeros, 0, 0)
        assert np.array_equal(together[i : i + 2], alone)


def by_tiles(across, size):
    """A product of whole columns by tiles of so many registers of that size, as compiled code calls for them."""
    compute = products._column(across, size)

    @kernel(cache=False)
    def product(a, b, c):
        rows, inner = a.shape
        for j in range(0, c.shape[1], across * size):
            out = c.ctypes.data + 4 * j
            compute(
                a.ctypes.data,
                inner,
                1,
                b.ctypes.data + 4 * j,
                c.shape[1],
                out,
                c.shape[1],
                out,
                c.shape[1],
                rows,
                inner,
            )

    return product


@pytest.mark.parametrize("rows", [2, 16])
def test_larger_registers_change_no_number(rows):
    """Compiled code makes two of one that the processor does not have."""
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(rows, 33)).astype(np.float32), rng.normal(size=(33, 64)).astype(np.float32)
    begin, found = rng.normal(size=(rows, 64)).astype(np.float32), []
    for across, size in ((1, VECTOR), (2, VECTOR), (1, LARGE), (2, LARGE)):
        c = begin.copy()
        by_tiles(across, size)(a, b, c)
        np.testing.assert_allclose(c, begin + a @ b, atol=1e-4)
        found.append(c)
    assert all(np.array_equal(c, found[0]) for c in found)
