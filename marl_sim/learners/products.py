"""Products of small matrices, compiled: a tile of the result stays in the registers while the sum runs.

Plain loops over such matrices were measured at half the speed of a BLAS, and a BLAS may split its work among threads by
its own lights; tiles are as fast as it is at its best. Every number is one chain of multiplications and additions in
the order of the sum, so that it depends neither on its place in a tile nor on the number of rows.
"""

from __future__ import annotations

from typing import Any

import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..core.kernels import kernel

VECTOR = 8  # numbers of a register; columns are whole vectors
HEIGHTS = 6, 4, 2  # rows of tiles; with six of two vectors, twelve sums, two vectors and a number fit sixteen registers
EIGHT = 8  # rows that are left are two tiles of four: one of two would wait for its sums
FLOAT, LONG = ir.FloatType(), ir.IntType(64)
LANES = ir.VectorType(FLOAT, VECTOR)


def wide(columns: int) -> int:
    """So many columns rounded up to whole vectors."""
    return -(-columns // VECTOR) * VECTOR


def even(rows: int) -> int:
    """So many rows rounded up to whole tiles."""
    return -(-rows // HEIGHTS[-1]) * HEIGHTS[-1]


def _tile(rows: int, across: int) -> Any:
    """A function that computes a tile of so many rows, so many vectors across; see `_multiply`. Addresses in bytes,
    strides in numbers."""

    def emit(builder: ir.IRBuilder, a, a_row, a_inner, b, b_row, start, start_row, c, c_row, inner) -> None:
        a, b, start, c = (builder.inttoptr(address, FLOAT.as_pointer()) for address in (a, b, start, c))
        multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(LANES, [LANES] * 3), f"llvm.fmuladd.v{VECTOR}f32"
        )
        none, places = ir.Constant(LANES, ir.Undefined), ir.VectorType(ir.IntType(32), VECTOR)

        def vector(base: ir.Value, row: ir.Value, number: int) -> ir.Value:
            there = builder.gep(base, [builder.add(row, LONG(number * VECTOR))])
            return builder.bitcast(there, LANES.as_pointer())

        spots = [(r, v) for r in range(rows) for v in range(across)]
        sums = {spot: cgutils.alloca_once(builder, LANES) for spot in spots}
        for r, v in spots:
            builder.store(builder.load(vector(start, builder.mul(start_row, LONG(r)), v), align=4), sums[r, v])
        with cgutils.for_range(builder, inner) as loop:
            row = builder.mul(loop.index, b_row)
            beside = [builder.load(vector(b, row, v), align=4) for v in range(across)]
            for r in range(rows):
                at = builder.add(builder.mul(a_row, LONG(r)), builder.mul(loop.index, a_inner))
                number = builder.insert_element(none, builder.load(builder.gep(a, [at])), ir.IntType(32)(0))
                number = builder.shuffle_vector(number, none, ir.Constant(places, [0] * VECTOR))
                for v, other in enumerate(beside):
                    total = builder.call(multiply_add, [number, other, builder.load(sums[r, v])])
                    builder.store(total, sums[r, v])
        for r, v in spots:
            builder.store(builder.load(sums[r, v]), vector(c, builder.mul(c_row, LONG(r)), v), align=4)

    @intrinsic
    def tile(typing, a, a_row, a_inner, b, b_row, start, start_row, c, c_row, inner):
        def codegen(context, builder, signature, arguments):
            whole = (context.cast(builder, x, t, types.int64) for x, t in zip(arguments, signature.args))
            emit(builder, *whole)
            return context.get_dummy_value()

        return types.void(a, a_row, a_inner, b, b_row, start, start_row, c, c_row, inner), codegen

    return tile


def _column(vectors: int) -> Any:
    """A function that computes a column of a product, so many vectors across, by tiles from the highest down."""
    tall, middle, short = HEIGHTS
    first, second, third = (_tile(rows, vectors) for rows in HEIGHTS)

    @kernel(inline="always")
    def compute(a, by_row, by_inner, b, across, start, by_start, c, columns, rows, inner):
        i = 0
        while i < rows:
            left = rows - i
            at, begun, out = a + 4 * i * by_row, start + 4 * i * by_start, c + 4 * i * columns
            if left >= tall and left != EIGHT:
                first(at, by_row, by_inner, b, across, begun, by_start, out, columns, inner)
                i += tall
            elif left >= middle:
                second(at, by_row, by_inner, b, across, begun, by_start, out, columns, inner)
                i += middle
            else:
                third(at, by_row, by_inner, b, across, begun, by_start, out, columns, inner)
                i += short

    return compute


_broad, _narrow = _column(2), _column(1)


@kernel
def _multiply(a, b, c, rows, inner, start, row, step):
    of_a, by_row, by_inner = a.ctypes.data, a.strides[0] // 4, a.strides[1] // 4
    of_b, of_c, of_start = b.ctypes.data, c.ctypes.data, start.ctypes.data + 4 * row * start.shape[1]
    across, width, by_start = b.shape[1], c.shape[1], step * start.shape[1]
    j = 0
    while j + 2 * VECTOR <= width:
        _broad(
            of_a, by_row, by_inner, of_b + 4 * j, across, of_start + 4 * j, by_start, of_c + 4 * j, width, rows, inner
        )
        j += 2 * VECTOR
    if j < width:
        _narrow(
            of_a, by_row, by_inner, of_b + 4 * j, across, of_start + 4 * j, by_start, of_c + 4 * j, width, rows, inner
        )


def _plain(a, b, c, rows, inner, start, row, step):
    begin = start[row : row + 1] if step == 0 else start[row : row + rows]
    c[:rows] = begin[:, : c.shape[1]] + a[:rows, :inner] @ b[:inner, : c.shape[1]]


multiply = _plain if numba.config.DISABLE_JIT else _multiply
"""c[:rows] = start[row] (step 0) or start[row : row + rows] (step 1), plus a[:rows, :inner] @ b[:inner].

Arrays float32; b, c and start C-contiguous, with at least wide(c.shape[1]) = c.shape[1] columns; rows even. Nothing is
checked: it is called from compiled loops.
"""
