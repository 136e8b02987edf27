"""Products of small matrices, compiled: a tile of the result stays in the registers while the sum runs.

Plain loops over such matrices were measured at half the speed of a BLAS, and a BLAS may split its work among threads by
its own lights; tiles are as fast as it is at its best. Every number is one chain of multiplications and additions in
the order of the sum, so that it depends neither on its place in a tile nor on the number of rows.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
import numba
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..core.kernels import kernel

VECTOR = 8  # numbers of a vector; columns are whole ones
LARGE = 16  # numbers of a register of processors that have larger ones, which multiply twice as many at once
REGISTER = LARGE if llvmlite.binding.get_host_cpu_features().get("avx512f") else VECTOR
HEIGHTS = {1: (12, 4, 2), 2: (6, 4, 2)}
"""Rows of tiles, by registers across: twelve sums do not wait for each other, and fit sixteen registers with what they
are made of."""
LOWEST = 2
EIGHT = 8  # rows that are left are two tiles of four: one of two would wait for its sums
FLOAT, LONG = ir.FloatType(), ir.IntType(64)
LANES = ir.VectorType(FLOAT, VECTOR)


def wide(columns: int) -> int:
    """So many columns rounded up to whole vectors."""
    return -(-columns // VECTOR) * VECTOR


def four(rows: int) -> int:
    """So many rows rounded up to a multiple of four."""
    return -(-rows // 4) * 4


def even(rows: int) -> int:
    """So many rows rounded up to whole tiles."""
    return -(-rows // LOWEST) * LOWEST


def _tile(rows: int, across: int, size: int) -> Any:
    """A function that computes a tile of so many rows, so many registers of that size across; see `_multiply`.
    Addresses in bytes, strides in numbers."""
    lanes = ir.VectorType(FLOAT, size)

    def emit(builder: ir.IRBuilder, a, a_row, a_inner, b, b_row, start, start_row, c, c_row, inner) -> None:
        a, b, start, c = (builder.inttoptr(address, FLOAT.as_pointer()) for address in (a, b, start, c))
        multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(lanes, [lanes] * 3), f"llvm.fmuladd.v{size}f32"
        )
        none, places = ir.Constant(lanes, ir.Undefined), ir.VectorType(ir.IntType(32), size)

        def vector(base: ir.Value, row: ir.Value, number: int) -> ir.Value:
            there = builder.gep(base, [builder.add(row, LONG(number * size))])
            return builder.bitcast(there, lanes.as_pointer())

        spots = [(r, v) for r in range(rows) for v in range(across)]
        sums = {spot: cgutils.alloca_once(builder, lanes) for spot in spots}
        for r, v in spots:
            builder.store(builder.load(vector(start, builder.mul(start_row, LONG(r)), v), align=4), sums[r, v])
        with cgutils.for_range(builder, inner) as loop:
            row = builder.mul(loop.index, b_row)
            beside = [builder.load(vector(b, row, v), align=4) for v in range(across)]
            for r in range(rows):
                at = builder.add(builder.mul(a_row, LONG(r)), builder.mul(loop.index, a_inner))
                number = builder.insert_element(none, builder.load(builder.gep(a, [at])), ir.IntType(32)(0))
                number = builder.shuffle_vector(number, none, ir.Constant(places, [0] * size))
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


@intrinsic
def _sums(typing, a, a_row, b, b_row, start, c, c_row, inner):
    """Two rows of four sums along whole vectors: c[i, :4] = start[:4] + a[i, :inner] @ b[:4, :inner].T. Addresses in
    bytes, strides in numbers."""

    def added(builder: ir.IRBuilder, x: ir.Value, y: ir.Value, *places: tuple[int, ...]) -> ir.Value:
        """Numbers of two vectors at some places, and at others, side by side."""
        kind = ir.VectorType(ir.IntType(32), len(places[0]))
        return builder.fadd(*(builder.shuffle_vector(x, y, ir.Constant(kind, list(some))) for some in places))

    def codegen(context, builder, signature, arguments):
        a, a_row, b, b_row, start, c, c_row, inner = (
            context.cast(builder, x, t, types.int64) for x, t in zip(arguments, signature.args)
        )
        a, b, start, c = (builder.inttoptr(address, FLOAT.as_pointer()) for address in (a, b, start, c))
        multiply_add = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(LANES, [LANES] * 3), f"llvm.fmuladd.v{VECTOR}f32"
        )

        def there(base: ir.Value, place: ir.Value, kind: ir.Type) -> ir.Value:
            return builder.bitcast(builder.gep(base, [place]), kind.as_pointer())

        def vector(base: ir.Value, row: ir.Value, number: int, k: ir.Value) -> ir.Value:
            return builder.load(there(base, builder.add(builder.mul(row, LONG(number)), k), LANES), align=4)

        spots = [(i, j) for i in range(2) for j in range(4)]
        sums = {spot: cgutils.alloca_once(builder, LANES) for spot in spots}
        for spot in spots:
            builder.store(ir.Constant(LANES, [0.0] * VECTOR), sums[spot])
        with cgutils.for_range_slice(builder, LONG(0), inner, LONG(VECTOR), inc=True) as (k, _):
            ours, theirs = ([vector(x, row, i, k) for i in range(n)] for x, row, n in ((a, a_row, 2), (b, b_row, 4)))
            for i, j in spots:
                builder.store(builder.call(multiply_add, [ours[i], theirs[j], builder.load(sums[i, j])]), sums[i, j])
        four = ir.VectorType(FLOAT, 4)
        for i in range(2):
            rows = [builder.load(sums[i, j]) for j in range(4)]
            pairs = [
                added(builder, x, y, (0, 8, 2, 10, 4, 12, 6, 14), (1, 9, 3, 11, 5, 13, 7, 15))
                for x, y in (rows[:2], rows[2:])
            ]
            halves = added(builder, *pairs, (0, 1, 8, 9, 4, 5, 12, 13), (2, 3, 10, 11, 6, 7, 14, 15))
            whole = added(builder, halves, halves, (0, 1, 2, 3), (4, 5, 6, 7))
            whole = builder.fadd(whole, builder.load(there(start, LONG(0), four), align=4))
            builder.store(whole, there(c, builder.mul(c_row, LONG(i)), four), align=4)
        return context.get_dummy_value()

    return types.void(a, a_row, b, b_row, start, c, c_row, inner), codegen


def _column(across: int, size: int) -> Any:
    """A function that computes a column of a product, so many registers across, by tiles from the highest down."""
    tall, middle, short = HEIGHTS[across]
    first, second, third = (_tile(rows, across, size) for rows in HEIGHTS[across])

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


_broad, _single, _narrow = _column(2, REGISTER), _column(1, REGISTER), _column(1, VECTOR)


@kernel
def _multiply(a, b, c, rows, inner, start, row, step):
    of_a, by_row, by_inner = a.ctypes.data, a.strides[0] // 4, a.strides[1] // 4
    of_b, of_c, of_start = b.ctypes.data, c.ctypes.data, start.ctypes.data + 4 * row * start.shape[1]
    across, width, by_start = b.shape[1], c.shape[1], step * start.shape[1]
    j = 0
    while j < width:
        to_b, to_start, to_c = of_b + 4 * j, of_start + 4 * j, of_c + 4 * j
        if j + 2 * REGISTER <= width:
            _broad(of_a, by_row, by_inner, to_b, across, to_start, by_start, to_c, width, rows, inner)
            j += 2 * REGISTER
        elif j + REGISTER <= width:
            _single(of_a, by_row, by_inner, to_b, across, to_start, by_start, to_c, width, rows, inner)
            j += REGISTER
        else:
            _narrow(of_a, by_row, by_inner, to_b, across, to_start, by_start, to_c, width, rows, inner)
            j += VECTOR


def _plain(a, b, c, rows, inner, start, row, step):
    begin = start[row : row + 1] if step == 0 else start[row : row + rows]
    c[:rows] = begin[:, : c.shape[1]] + a[:rows, :inner] @ b[:inner, : c.shape[1]]


@kernel
def _multiply_turned(a, b, c, rows):
    of_a, of_b, of_c, by_a, by_b, by_c = a.ctypes.data, b.ctypes.data, c.ctypes.data, a.shape[1], b.shape[1], c.shape[1]
    start = of_b + 4 * by_b * (b.shape[0] - 1)
    for i in range(0, rows, 2):
        for j in range(0, b.shape[0] - 1, 4):
            at, beside, out = of_a + 4 * i * by_a, of_b + 4 * j * by_b, of_c + 4 * (i * by_c + j)
            _sums(at, by_a, beside, by_b, start + 4 * j, out, by_c, by_a)


def _plain_turned(a, b, c, rows):
    high = b.shape[0] - 1
    c[:rows, :high] = b[high, :high] + a[:rows] @ b[:high].T


multiply = _plain if numba.config.DISABLE_JIT else _multiply
"""c[:rows] = start[row] (step 0) or start[row : row + rows] (step 1), plus a[:rows, :inner] @ b[:inner].

Arrays float32; b, c and start C-contiguous, with at least wide(c.shape[1]) = c.shape[1] columns; rows even. Nothing is
checked: it is called from compiled loops.
"""

multiply_turned = _plain_turned if numba.config.DISABLE_JIT else _multiply_turned
"""c[:rows, :m] = start + a[:rows] @ b[:m].T, where b has a last row more, which begins with the m numbers of start.

Arrays float32, C-contiguous, a and b as wide, in whole vectors; m a multiple of 4, rows even. Nothing is checked.
"""
