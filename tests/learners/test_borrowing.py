"""Arrays on loan are the arrays, and are let go of as often as without."""

import sys
from typing import NamedTuple

import numpy as np
from numba.core.runtime import _nrt_python, rtsys

from marl_sim.core.kernels import kernel
from marl_sim.learners.borrowing import borrowed


class Pair(NamedTuple):
    array: np.ndarray
    factor: float


@kernel(cache=False)
def _through(given, rows):
    """Write through what is lent, of the caller and of our own, and take views of it."""
    pair, own = borrowed(given), np.zeros(3, np.float32)
    inner, mine = pair[0], borrowed(own)
    for i in range(rows):
        inner.array[i, :] *= np.float32(inner.factor)
        mine[:] += inner.array[i]
    return own.sum() + pair[1].size


def test_what_is_lent_is_the_array_itself_and_is_freed_once():
    x = np.arange(12, dtype=np.float32).reshape(4, 3)
    before = x.copy()
    _through((Pair(x.copy(), 1.0), np.zeros(2)), 1)  # compiles
    referred = sys.getrefcount(x)
    _nrt_python.memsys_enable_stats()
    try:
        stats = rtsys.get_allocation_stats()
        assert _through((Pair(x, 2.0), np.zeros(5)), 2) == 2 * before[:2].sum() + 5
        after = rtsys.get_allocation_stats()
    finally:
        _nrt_python.memsys_disable_stats()
    assert np.array_equal(x[:2], 2 * before[:2]) and np.array_equal(x[2:], before[2:])
    assert after.alloc - stats.alloc == after.free - stats.free > 0
    assert sys.getrefcount(x) == referred
