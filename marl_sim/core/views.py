"""Small compiled helpers of the kernels: arrays from addresses, fills and copies, encodings of observations."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from numba.core import cgutils, types
from numba.extending import intrinsic

DTYPES = {"i4": np.int32, "i8": np.int64, "u1": np.uint8, "u8": np.uint64, "f4": np.float32, "f8": np.float64}


@intrinsic
def _pointer(context: Any, address: Any) -> Any:
    """An integer address as a pointer."""

    def build(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], cgutils.voidptr_t)

    return types.voidptr(types.int64), build


def _makers() -> dict[str, Any]:
    """`f8_1(address, stride, w, a)` and so on: world w's float64 array of shape (a,), `stride` bytes behind the last.

    The name is the dtype and the number of dimensions.
    """
    made: dict[str, Any] = {}
    for name, dtype in DTYPES.items():
        for dims in range(1, 4):
            sizes = ", ".join(f"d{d}" for d in range(dims))
            space: dict[str, Any] = {"carray": numba.carray, "_pointer": _pointer, "dtype": dtype, "__name__": __name__}
            text = f"def view(address, stride, w, {sizes}):\n    "
            if numba.config.DISABLE_JIT:
                exec(text + "return address[w] if stride else address", space)
                made[f"{name}_{dims}"] = space["view"]
            else:
                exec(text + f"return carray(_pointer(address + stride * w), ({sizes},), dtype)", space)
                made[f"{name}_{dims}"] = numba.njit(space["view"])
    return made


@numba.njit
def zero(a):
    """Set every number of a 1-D array to 0."""
    for i in range(a.size):
        a[i] = 0


@numba.njit
def zero2(a):
    """Set every number of a 2-D array to 0."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = 0


@numba.njit
def add(total, part):
    """total += part."""
    for i in range(total.size):
        total[i] += part[i]


@numba.njit
def copy_words(to, source):
    """Copy 1-D arrays of one size."""
    for i in range(to.size):
        to[i] = source[i]


@numba.njit
def copy2(to, source):
    """Copy 2-D arrays of one shape."""
    for i in range(to.shape[0]):
        for j in range(to.shape[1]):
            to[i, j] = source[i, j]


@numba.njit
def clear(acting, target):
    """Nobody acts, about nobody."""
    for i in range(acting.size):
        acting[i] = 0
        target[i] = -1


@numba.njit
def everybody(acting):
    """All act."""
    for i in range(acting.size):
        acting[i] = 1


@numba.njit
def count_choices(choices, action, acting, offset):
    """Count what each acting agent chose."""
    for i in range(acting.size):
        if acting[i]:
            choices[i, offset + action[i]] += 1


@numba.njit
def open_choices(legal, i, count):
    """The first `count` actions are open to agent i."""
    for a in range(count):
        legal[i, a] = 1


@numba.njit
def put_raw(obs, i, column, raw, size):
    """Numbers as they are."""
    for j in range(size):
        obs[i, column + j] = raw[j]


@numba.njit
def put_one_hot(obs, i, column, raw, size, levels):
    """Each whole number 0..levels-1 as a one-hot group; anything else as zeros."""
    for j in range(size):
        value = int(raw[j])
        if 0 <= value < levels:
            obs[i, column + j * levels + value] = 1.0


@numba.njit
def put_squashed(obs, i, column, raw, size, scale):
    """x / (scale + |x|)."""
    for j in range(size):
        obs[i, column + j] = raw[j] / (scale + abs(raw[j]))


@numba.njit
def first_illegal(actions, legal):
    """Flat index [world * n_agents + agent] of the first action that is not legal, or -1."""
    worlds, n = actions.shape
    for w in range(worlds):
        for i in range(n):
            a = actions[w, i]
            if a < 0 or a >= legal.shape[2] or legal[w, i, a] == 0:
                return w * n + i
    return -1


globals().update(_makers())
__all__ = [  # noqa: PLE0604
    "zero", "zero2", "add", "copy_words", "copy2", "clear", "everybody", "count_choices", "open_choices",
    "put_raw", "put_one_hot", "put_squashed", *_makers(),
]  # fmt: skip
