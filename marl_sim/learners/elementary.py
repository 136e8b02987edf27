"""Operations on single float32 numbers of which compiled loops make vectors, whatever a number's place in them."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from ..core.kernels import kernel

SHIFT = np.float32(1.5 * 2**23)  # a number plus this is rounded to a whole one, which its lowest bits tell
PER_OCTAVE = np.float32(1 / np.log(2))
OCTAVE, REST = np.float32(0.693359375), np.float32(np.log(2) - 0.693359375)  # ln 2, the first part exact in products
LEAST = np.float32(-87)
C1, C2, C3, C4, C5, C6 = (np.float32(c) for c in (1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720))
ONE = np.float32(1)


@intrinsic
def _multiply_add(typing, a, b, c):
    def codegen(context, builder, signature, arguments):
        made = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(ir.FloatType(), [ir.FloatType()] * 3), "llvm.fma.f32"
        )
        return builder.call(made, arguments)

    return types.float32(types.float32, types.float32, types.float32), codegen


@intrinsic
def _octaves(typing, shifted):
    def codegen(context, builder, signature, arguments):
        whole, one = ir.IntType(32), ir.Constant(ir.IntType(32), 127 << 23)
        bits = builder.bitcast(arguments[0], whole)
        bits = builder.add(builder.shl(bits, ir.Constant(whole, 23)), one)
        return builder.bitcast(bits, ir.FloatType())

    return types.float32(types.float32), codegen


def _plain_multiply_add(a: Any, b: Any, c: Any) -> Any:
    return a * b + c


def _plain_octaves(shifted: Any) -> Any:
    return np.ldexp(ONE, int(shifted - SHIFT)) if np.isfinite(shifted) else shifted


PLAIN = numba.config.DISABLE_JIT
multiply_add = _plain_multiply_add if PLAIN else _multiply_add
"""a b + c of float32, rounded once."""

octaves = _plain_octaves if PLAIN else _octaves
"""2 to the whole number that SHIFT has been added to, from -126 to 127."""


@kernel
def exponential(x):
    """exp of a float32 of at most 0, to 4e-7 of itself; below LEAST as there, 1.6e-38. NaN stays."""
    x = max(x, LEAST)  # in this order NaN stays
    shifted = x * PER_OCTAVE + SHIFT
    many = shifted - SHIFT
    r = multiply_add(many, -REST, multiply_add(many, -OCTAVE, x))
    p = multiply_add(r, C6, C5)
    for c in (C4, C3, C2, C1, ONE):
        p = multiply_add(r, p, c)
    return p * octaves(shifted)
