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
LEAST, MOST = np.float32(-87), np.float32(89)
C1, C2, C3, C4, C5, C6 = (np.float32(c) for c in (1, 1 / 2, 1 / 6, 1 / 24, 1 / 120, 1 / 720))
ONE = np.float32(1)
ODD = tuple(np.float32(1 / k) for k in (9, 7, 5, 3, 1))
BELOW_ONE = np.float32(np.sqrt(0.5))


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


@intrinsic
def _parted(typing, x):
    def codegen(context, builder, signature, arguments):
        whole, number = ir.IntType(32), ir.FloatType()
        bits, least = builder.bitcast(arguments[0], whole), int(BELOW_ONE.view(np.int32))
        many = builder.ashr(builder.sub(bits, ir.Constant(whole, least)), ir.Constant(whole, 23))
        rest = builder.sub(bits, builder.shl(many, ir.Constant(whole, 23)))
        both = builder.sitofp(many, number), builder.bitcast(rest, number)
        return context.make_tuple(builder, signature.return_type, both)

    return types.UniTuple(types.float32, 2)(types.float32), codegen


def _plain_multiply_add(a: Any, b: Any, c: Any) -> Any:
    return a * b + c


def _plain_octaves(shifted: Any) -> Any:
    many = shifted - SHIFT
    return np.ldexp(ONE, int(many)) if many < 128 else many * np.float32(np.inf)


def _plain_parted(x: Any) -> Any:
    many = np.floor(np.log2(x) + ONE / 2) if np.isfinite(x) else ONE
    return many, np.ldexp(x, -int(many))


PLAIN = numba.config.DISABLE_JIT
multiply_add = _plain_multiply_add if PLAIN else _multiply_add
"""a b + c of float32, rounded once."""

octaves = _plain_octaves if PLAIN else _octaves
"""2 to the whole number that SHIFT has been added to, from -126 to 127; infinity for 128."""

parted = _plain_parted if PLAIN else _parted
"""k and m, float32, of x = 2^k m with m from sqrt(1/2) to sqrt(2); x positive, not below 1e-37, and finite."""


@kernel
def exponential(x):
    """exp of a float32 to 4e-7 of itself; below LEAST as there, 1.6e-38, and infinite from 88.4 on. NaN stays."""
    x = min(max(x, LEAST), MOST)  # in this order NaN stays
    shifted = x * PER_OCTAVE + SHIFT
    many = shifted - SHIFT
    r = multiply_add(many, -REST, multiply_add(many, -OCTAVE, x))
    p = multiply_add(r, C6, C5)
    for c in (C4, C3, C2, C1, ONE):
        p = multiply_add(r, p, c)
    return p * octaves(shifted)


@kernel(error_model="numpy")  # no check for 0 below the line, which would forbid vectors
def logarithm(x):
    """log of a float32 of at least 1e-37, to 4e-7 of itself, or 1e-7 near 1. NaN stays, and infinity becomes NaN.

    log m = 2 artanh s = 2 (s + s^3 / 3 + s^5 / 5 + ...) with s = (m - 1) / (m + 1).
    """
    many, m = parted(x)
    s = (m - ONE) / (m + ONE)
    square, p = s * s, ODD[0]
    for c in ODD[1:]:
        p = multiply_add(square, p, c)
    return multiply_add(many, OCTAVE, multiply_add(many, REST, (s + s) * p)) + (x - x)
