"""What the networks of the lane at hand are given, decision by decision, and products of it where most of it is 0."""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from ..core.kernels import kernel
from .optim import REORDER
from .products import even, wide

PIECE = 96  # decisions that go through the layers at once, so that they stay in the second-level cache
RARE = 4  # inputs of which fewer than one in so many is not 0 are gone through one by one in the first layer
LINE = 16  # numbers in a line of the cache
ZERO, ONE = np.float32(0), np.float32(1)


def lined_up(*shape: int) -> np.ndarray:
    """Zeros, float32, from the beginning of a cache line on: vectors that reach into two lines take longer."""
    size = int(np.prod(shape))
    space = np.zeros(size + LINE, np.float32)
    start = -space.ctypes.data // space.itemsize % LINE
    return space[start : start + size].reshape(shape)


class Inputs(NamedTuple):
    """What networks are given, of S decisions: x, or where inputs are rare, those that are not 0."""

    x: np.ndarray  # float32 [S, wide(D)], zeros behind the D inputs
    places: np.ndarray  # which inputs are not 0, int64 [S, D]
    numbers: np.ndarray  # what they are, float32 [S, D]
    many: np.ndarray  # how many they are, int64 [S]


class Seen(NamedTuple):
    """What decisions see, number r * C + c that of stream r and entry c: a row each, or some see the same."""

    rows: np.ndarray  # float32 [G, N, D], of L lanes or of G groups of lanes side by side
    which: np.ndarray  # the row that each decision of a lane sees, int64 [L, R C]; that of its own number where [L, 0]
    capacity: int  # C


class Survey(NamedTuple):
    """Which inputs are not 0, row by row of what is seen."""

    rare: bool  # few are; otherwise there is nothing behind `many`
    begin: np.ndarray  # int64 [N]
    many: np.ndarray  # int64 [N], -1 of rows that nobody asked for
    places: np.ndarray
    numbers: np.ndarray


def inputs_of(dim: int, pieces: int = PIECE) -> Inputs:
    """Room for so many inputs of a piece."""
    rows = even(pieces)
    x, numbers = lined_up(rows, wide(dim)), np.zeros((rows, dim), np.float32)
    return Inputs(x, np.zeros((rows, dim), np.int64), numbers, np.zeros(rows, np.int64))


@intrinsic
def _marked(typing, address):
    """Which numbers of a line are not 0, as NaN is not, a bit each."""

    def codegen(context, builder, signature, arguments):
        kind = ir.VectorType(ir.FloatType(), LINE)
        there = builder.inttoptr(context.cast(builder, *arguments, *signature.args, types.int64), kind.as_pointer())
        some = builder.fcmp_unordered("!=", builder.load(there, align=4), ir.Constant(kind, [0.0] * LINE))
        return builder.zext(builder.bitcast(some, ir.IntType(LINE)), ir.IntType(64))

    return types.int64(address), codegen


@intrinsic
def _lowest(typing, marks):
    """The place of the lowest bit that is set."""

    def codegen(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), codegen


@intrinsic
def _ones(typing, marks):
    """How many bits are set."""

    def codegen(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.int64(types.int64), codegen


@kernel
def _count(row):
    many, whole = 0, row.size - row.size % LINE
    for start in range(0, whole, LINE):
        many += _ones(_marked(row.ctypes.data + 4 * start))
    for d in range(whole, row.size):
        many += row[d] != ZERO
    return many


@kernel
def _list(row, places, numbers):
    many, whole = 0, row.size - row.size % LINE
    for start in range(0, whole, LINE):
        marks = _marked(row.ctypes.data + 4 * start)
        while marks:
            d = start + _lowest(marks)
            places[many], numbers[many] = d, row[d]
            many += 1
            marks &= marks - 1
    for d in range(whole, row.size):
        if row[d] != ZERO:
            places[many], numbers[many] = d, row[d]
            many += 1


def _plain_list(row, places, numbers):
    places[:] = row.nonzero()[0]
    numbers[:] = row[places]


count = np.count_nonzero if numba.config.DISABLE_JIT else _count
"""How many numbers of a row, float32 [D] in one piece, are not 0."""

list_into = _plain_list if numba.config.DISABLE_JIT else _list
"""Their places, int64, and what they are, into arrays of just so many."""


@kernel
def _rows(seen, lane):
    """What is seen in the group of a lane, a view [N, D]."""
    return seen.rows[lane * seen.rows.shape[0] // seen.which.shape[0]]


@kernel
def _number(seen, lane, one):
    """Of which row a decision sees."""
    return seen.which[lane, one] if seen.which.shape[1] else one


@kernel
def survey(seen, lane, at, team):
    """The inputs that are not 0 in what the decisions of these numbers see, if they are rare."""
    rows, total, size = _rows(seen, lane), 0, 0
    begin, many = np.zeros(len(rows), np.int64), np.full(len(rows), -1)
    for one in at:
        number = _number(seen, lane, one)
        if many[number] < 0:
            begin[number], many[number] = size, count(rows[number])
            size += many[number]
        total += many[number] + (team > 0)
    rare = total * RARE < at.size * (rows.shape[1] + team)
    places, numbers = np.zeros(size * rare, np.int64), np.zeros(size * rare, np.float32)
    if rare:
        for number in range(len(rows)):
            stop = begin[number] + many[number]
            if many[number] > 0:
                list_into(rows[number], places[begin[number] : stop], numbers[begin[number] : stop])
    return Survey(rare, begin, many, places, numbers)


@kernel
def show(seen, lane, at, team, found, given):
    """Give the decisions of these numbers, and which agent of the team took each; an odd row is followed by zeros."""
    rows, dim = _rows(seen, lane), seen.rows.shape[2]
    for i in range(at.size):
        number, agent = _number(seen, lane, at[i]), at[i] // seen.capacity % team if team else 0
        if found.rare:
            many = found.many[number]
            for k in range(many):
                given.places[i, k] = found.places[found.begin[number] + k]
                given.numbers[i, k] = found.numbers[found.begin[number] + k]
            if team:
                given.places[i, many], given.numbers[i, many] = dim + agent, ONE
            given.many[i] = many + (team > 0)
            continue
        row, x = rows[number], given.x[i]
        for d in range(dim):
            x[d] = row[d]
        for k in range(team):
            x[dim + k] = ZERO
        if team:
            x[dim + agent] = ONE
    for i in range(at.size, at.size + at.size % 2):
        given.many[i] = 0
        given.x[i] = ZERO


@kernel(fastmath=REORDER)
def enter(given, weight, y, rows):
    """The first layer's product where most inputs are 0, as those of one-hot observations."""
    bias = weight[weight.shape[0] - 1]
    for i in range(rows):
        for j in range(bias.size):
            y[i, j] = bias[j]
        for k in range(given.many[i]):
            d, number = given.places[i, k], given.numbers[i, k]
            for j in range(bias.size):
                y[i, j] += number * weight[d, j]


@kernel(fastmath=REORDER)
def leave(given, back, grad, rows):
    """The same for the gradient of its weights."""
    for i in range(rows):
        for k in range(given.many[i]):
            d, number = given.places[i, k], given.numbers[i, k]
            for j in range(grad.shape[1]):
                grad[d, j] += number * back[i, j]
