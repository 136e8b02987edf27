"""Matrices turned around, compiled: eight rows and eight columns at a time, in registers."""

from __future__ import annotations

import numba
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..core.kernels import kernel
from .products import FLOAT, LANES, VECTOR


@intrinsic
def _block(typing, given, given_row, turned, turned_row):
    """turned[:8, :8] = given[:8, :8].T. Addresses in bytes, strides in numbers."""

    def codegen(context, builder, signature, arguments):
        given, given_row, turned, turned_row = (
            context.cast(builder, x, t, types.int64) for x, t in zip(arguments, signature.args)
        )

        def row(base: ir.Value, stride: ir.Value, number: int) -> ir.Value:
            base = builder.inttoptr(base, FLOAT.as_pointer())
            return builder.bitcast(
                builder.gep(base, [builder.mul(stride, ir.Constant(stride.type, number))]), LANES.as_pointer()
            )

        def chosen(one: ir.Value, other: ir.Value, places: list[int]) -> ir.Value:
            return builder.shuffle_vector(one, other, ir.Constant(ir.VectorType(ir.IntType(32), VECTOR), places))

        rows = [builder.load(row(given, given_row, r), align=4) for r in range(VECTOR)]
        far = VECTOR // 2
        while far:  # squares of so many change places across the diagonal
            for r in (r for r in range(VECTOR) if not r & far):
                upper, lower = rows[r], rows[r + far]
                rows[r] = chosen(upper, lower, [k + VECTOR - far if k & far else k for k in range(VECTOR)])
                rows[r + far] = chosen(upper, lower, [k + VECTOR if k & far else k + far for k in range(VECTOR)])
            far //= 2
        for r in range(VECTOR):
            builder.store(rows[r], row(turned, turned_row, r), align=4)
        return context.get_dummy_value()

    return types.void(given, given_row, turned, turned_row), codegen


@kernel
def _turn_around(given, turned):
    inputs, outputs = given.shape
    across, down = outputs - outputs % VECTOR, inputs - inputs % VECTOR
    for j in range(0, across, VECTOR):
        for i in range(0, down, VECTOR):
            start = given.ctypes.data + 4 * (i * outputs + j)
            _block(start, outputs, turned.ctypes.data + 4 * (j * turned.shape[1] + i), turned.shape[1])
    for i in range(inputs):
        for j in range(across if i < down else 0, outputs):
            turned[j, i] = given[i, j]


def _plain(given, turned):
    turned[: given.shape[1], : given.shape[0]] = given.T


turn_around = _plain if numba.config.DISABLE_JIT else _turn_around
"""turned[:m, :n] = given.T for given [n, m]. Arrays float32, C-contiguous; the rest of turned is left as it is."""
