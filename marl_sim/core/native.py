"""What compiled code is made of: arrays at addresses, calls by address, fills and encodings.

Everything here has a twin in plain Python, taken when compilation is switched off (NUMBA_DISABLE_JIT=1). There an
"address" is the array or the function itself, and the same engine text runs over it.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic
from numba.np.arrayobj import populate_array

JIT = not numba.config.DISABLE_JIT
DTYPES = {"i4": np.int32, "i8": np.int64, "u1": np.uint8, "u8": np.uint64, "f4": np.float32, "f8": np.float64}
MAX_DIMS = 3
CALL = types.void(types.int64, types.int64, types.uint64, types.int64, types.int64)  # arguments, row, key, out, scratch


def code(dtype: Any) -> str:
    """Two-letter name of a dtype: i4, i8, u1, u8, f4, f8."""
    return np.dtype(dtype).str[1:]


def _view(name: str, dims: int) -> Any:
    """`f8_2(row, place, a, b)`: the float64 array of shape (a, b) that lies at address row + place."""
    if not JIT:
        return lambda row, place, *_: place[row]
    kind = types.Array(numba.from_dtype(np.dtype(DTYPES[name])), dims, "C")

    def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
        address = builder.add(given[0], given[1])
        item = context.get_constant(types.intp, np.dtype(DTYPES[name]).itemsize)
        strides = [item]
        for size in reversed(given[3:]):
            strides.insert(0, builder.mul(strides[0], size))
        array = context.make_array(kind)(context, builder)
        pointer = builder.inttoptr(address, context.get_data_type(kind.dtype).as_pointer())
        populate_array(array, pointer, list(given[2:]), strides, item, None)
        return array._getvalue()

    sizes = ", ".join(f"d{d}" for d in range(dims))
    space: dict[str, Any] = {"signature": kind(*[types.int64] * (dims + 2)), "build": build}
    exec(f"def {name}_{dims}(context, row, place, {sizes}):\n    return signature, build", space)
    return intrinsic(space[f"{name}_{dims}"])


def record(fields: tuple[str, ...]) -> Any:
    """`pick(start, k)`: the k-th record of int64 `fields` from address `start` on; fields are attributes."""
    if not JIT:
        return lambda start, k: start[k]
    dtype = np.dtype([(name, np.int64) for name in fields])
    kind = numba.from_dtype(dtype)

    @intrinsic
    def pick(context: Any, start: Any, k: Any) -> Any:
        def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            behind = builder.mul(given[1], context.get_constant(types.intp, dtype.itemsize))
            return builder.inttoptr(builder.add(given[0], behind), context.get_value_type(kind))

        return kind(types.int64, types.int64), build

    return pick


VIEWS = {f"{name}_{dims}": _view(name, dims) for name in DTYPES for dims in range(1, MAX_DIMS + 1)}
i4_1, i4_2, i8_1, u1_1, u1_2 = (VIEWS[name] for name in ("i4_1", "i4_2", "i8_1", "u1_1", "u1_2"))
u8_1, f4_1, f4_2, f8_1, f8_2 = (VIEWS[name] for name in ("u8_1", "f4_1", "f4_2", "f8_1", "f8_2"))


@numba.njit
def fill(a, value):
    """Set every number of a 1-D array."""
    for i in range(a.size):
        a[i] = value


if JIT:

    @intrinsic
    def call(context: Any, function: Any, arguments: Any, row: Any, key: Any, out: Any, scratch: Any) -> Any:
        """Run the function at an address; what it raises goes on to the caller."""

        def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            kind = context.call_conv.get_function_type(types.none, CALL.args)
            callee = builder.inttoptr(given[0], kind.as_pointer())
            status, _ = context.call_conv.call_function(builder, callee, types.none, CALL.args, given[1:])
            with cgutils.if_unlikely(builder, status.is_error):
                context.call_conv.return_status_propagate(builder, status)
            return context.get_dummy_value()

        return types.none(types.int64, *CALL.args), build

    @intrinsic
    def _prefetch(context: Any, place: Any) -> Any:
        """Ask for the cache line at an address, to be written to."""

        def build(context: Any, builder: Any, signature: Any, given: Any) -> Any:
            word = ir.IntType(32)
            kind = ir.FunctionType(ir.VoidType(), [cgutils.voidptr_t, word, word, word])
            ask = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
            to_write_keep_data = [ir.Constant(word, value) for value in (1, 3, 1)]
            builder.call(ask, [builder.inttoptr(given[0], cgutils.voidptr_t), *to_write_keep_data])
            return context.get_dummy_value()

        return types.none(types.int64), build

    @numba.njit
    def prefetch(row, place, size):
        """Ask for memory that is needed soon; with thousands of worlds it is far away."""
        for k in range(0, size, 64):
            _prefetch(row + place + k)

    @numba.njit
    def at(w, stride):
        """How far world w lies behind world 0."""
        return w * stride

    @numba.njit
    def address(row, place):
        """Where an array of a world begins."""
        return row + place

    @numba.njit
    def item(start, k, stride):
        """Where element k of an array of arrays begins."""
        return start + k * stride

    @numba.njit
    def table(start, size):
        """The int64 numbers at an address."""
        return i8_1(0, start, size)

    @numba.njit
    def sheet(start, rows, columns):
        """The float32 table at an address."""
        return f4_2(0, start, rows, columns)

    @numba.njit
    def wipe(start, columns, i, first, end):
        """Zero columns first..end-1 of row i of a float32 table."""
        fill(f4_1(start, 4 * (columns * i + first), end - first), 0.0)

else:

    def call(function: Any, arguments: Any, row: int, key: int, out: Any, scratch: Any) -> None:
        """Run a function."""
        function(row, key, out)

    def prefetch(row: int, place: Any, size: int) -> None:
        """Nothing to ask for."""

    def at(w: int, stride: int) -> int:
        return w

    def address(row: int, place: Any) -> Any:
        return place[row]

    def item(start: Any, k: int, stride: int) -> Any:
        return start[k]

    def table(start: Any, size: int) -> Any:
        return start

    def sheet(start: Any, rows: int, columns: int) -> Any:
        return start

    def wipe(start: Any, columns: int, i: int, first: int, end: int) -> None:
        start[i, first:end] = 0.0


@numba.njit
def copy(to, source):
    """Copy 1-D arrays of one size."""
    for i in range(to.size):
        to[i] = source[i]


@numba.njit
def one_hot(obs, i, column, raw, levels):
    """Each whole number 0..levels-1 as a one-hot group of agent i's observation; anything else as zeros."""
    for j in range(raw.size):
        value = int(raw[j])
        if 0 <= value < levels:
            obs[i, column + j * levels + value] = 1.0


@numba.njit
def squash(obs, i, column, raw, scale):
    """x / (scale + |x|)."""
    for j in range(raw.size):
        obs[i, column + j] = raw[j] / (scale + abs(raw[j]))


@numba.njit
def plain(obs, i, column, raw, _):
    """Numbers as they are."""
    for j in range(raw.size):
        obs[i, column + j] = raw[j]


CODINGS = {"one_hot": one_hot, "squash": squash, "plain": plain}
