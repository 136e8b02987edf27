"""One small network at a time, compiled: loaded out of a lane's parameters, forward, backward, gradient stored.

Layers are matrices [inputs, outputs], their rows and columns padded with zeros to whole tiles; see `products`. A lane's
numbers depend on that lane alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np

from .activations import bounded_tanh
from .optim import REORDER
from .products import even, multiply, wide

PIECE = 96  # decisions that go through the layers at once, so that they stay in the second-level cache
RARE = 4  # inputs of which fewer than one in so many is not 0 are gone through one by one in the first layer
ZERO, ONE = np.float32(0), np.float32(1)


WEIGHT, TURNED, GRAD, X, BACK = range(5)
"""Matrices of each layer, float32: WEIGHT [inputs + 1, outputs], the last row its biases; TURNED [outputs, inputs];
GRAD of WEIGHT, the last row of the biases; X [S, inputs] what it was given (and one more: what the last one gave); BACK
[S, outputs] the derivative of the loss by what it gave before it bent."""


class Network(NamedTuple):
    """One network of the lane at hand, and what went through it."""

    start: int  # where it lies in a row of parameters
    sizes: np.ndarray  # of inputs, hidden layers and outputs
    table: np.ndarray  # where each matrix lies in `space`, and its rows and columns, int64 [kinds, layers + 1, 3]
    space: np.ndarray  # float32; in one piece, so that the number of layers is no matter of the compiler's
    places: np.ndarray  # which inputs of the first layer are not 0, int64 [S, inputs]
    many: np.ndarray  # how many they are, int64 [S]


def networks(starts: Sequence[int], sizes: Sequence[tuple[int, ...]], pieces: int = PIECE) -> list[Network]:
    """Working memory for networks of these sizes, whose parameters begin at `starts` and who see the same inputs."""
    size, tables = 0, []
    for mine in sizes:
        inputs, outputs = mine[:-1], mine[1:]
        table = np.zeros((5, len(mine), 3), np.int64)
        for kind, rows, columns in (
            (WEIGHT, [i + 1 for i in inputs], outputs),
            (TURNED, outputs, inputs),
            (GRAD, [even(i) + 1 for i in inputs], outputs),
            (X, [even(pieces)] * len(mine), mine),
            (BACK, [even(pieces)] * len(outputs), outputs),
        ):
            for layer, (high, across) in enumerate(zip(rows, columns)):
                table[kind, layer] = size, high, wide(across)
                size += high * wide(across)
        tables.append(table)
        table[X, 0] = tables[0][X, 0]
    space, samples = np.zeros(size, np.float32), even(pieces)
    places, many = np.zeros((samples, sizes[0][0]), np.int64), np.zeros(samples, np.int64)
    return [Network(at, np.array(mine), t, space, places, many) for at, mine, t in zip(starts, sizes, tables)]


@numba.njit(cache=True, nogil=True)
def part(net, kind, layer):
    """One matrix of a layer, a view."""
    start, rows, columns = net.table[kind, layer, 0], net.table[kind, layer, 1], net.table[kind, layer, 2]
    return net.space[start : start + rows * columns].reshape(rows, columns)


@numba.njit(cache=True, nogil=True)
def load(row, net, differentiated):
    """Copy the network out of a row of parameters [P]."""
    at = net.start
    for layer in range(net.sizes.size - 1):
        weight, turned = part(net, WEIGHT, layer), part(net, TURNED, layer)
        inputs, outputs = net.sizes[layer], net.sizes[layer + 1]
        given = row[at : at + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
        at += given.size
        for i in range(inputs + 1):
            for j in range(outputs):
                weight[i, j] = given[i, j]
        if differentiated and layer:
            for j in range(outputs):
                for i in range(inputs):
                    turned[j, i] = given[i, j]
        if differentiated:
            part(net, GRAD, layer)[:] = ZERO


@numba.njit(cache=True, nogil=True)
def store(net, grad):
    """Copy the gradient into a row [P]."""
    at = net.start
    for layer in range(net.sizes.size - 1):
        mine, inputs, outputs = part(net, GRAD, layer), net.sizes[layer], net.sizes[layer + 1]
        kept = grad[at : at + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
        at += kept.size
        for i in range(inputs + 1):
            here = i if i < inputs else mine.shape[0] - 1
            for j in range(outputs):
                kept[i, j] = mine[here, j]


@numba.njit(cache=True, nogil=True)
def _bend(x, relu):
    """tanh or ReLU of x [n], in place."""
    for i in range(x.size):
        x[i] = max(x[i], ZERO) if relu else bounded_tanh(x[i])


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _enter(net, rows):
    """The first layer's product where most inputs are 0, as those of one-hot observations."""
    x, weight, y, bias = part(net, X, 0), part(net, WEIGHT, 0), part(net, X, 1), part(net, WEIGHT, 0)[net.sizes[0]]
    for i in range(rows):
        for j in range(bias.size):
            y[i, j] = bias[j]
        for k in range(net.many[i]):
            d = net.places[i, k]
            for j in range(bias.size):
                y[i, j] += x[i, d] * weight[d, j]


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _leave(net, rows):
    """The same for the gradient of its weights."""
    x, back, grad = part(net, X, 0), part(net, BACK, 0), part(net, GRAD, 0)
    for i in range(rows):
        for k in range(net.many[i]):
            d = net.places[i, k]
            for j in range(back.shape[1]):
                grad[d, j] += x[i, d] * back[i, j]


@numba.njit(cache=True, nogil=True)
def forward(net, rows, rare, relu):
    """What the network gives for the first `rows` of the first X, in its last x; rare: most of its inputs are 0."""
    last = net.sizes.size - 2
    for layer in range(last + 1):
        weight, x, y, inputs = part(net, WEIGHT, layer), part(net, X, layer), part(net, X, layer + 1), net.sizes[layer]
        if rare and layer == 0:
            _enter(net, rows)
        else:
            multiply(x, weight, y, rows, inputs, weight, inputs, 0)
        if layer < last:
            _bend(y[:rows].reshape(-1), relu)


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _unbend(y, back, relu):
    """From the derivative by what a layer gave, y [n], to that by what it gave before it bent, in place."""
    if relu:
        for i in range(y.size):
            back[i] = back[i] if y[i] > ZERO else ZERO
    else:
        for i in range(y.size):
            back[i] *= ONE - y[i] * y[i]


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def backward(net, rows, rare, relu, nothing):
    """Add to the gradient, from the derivative by what the last layer gave."""
    for layer in range(net.sizes.size - 2, -1, -1):
        x, back, grad = part(net, X, layer), part(net, BACK, layer), part(net, GRAD, layer)
        if rare and layer == 0:
            _leave(net, rows)
        else:
            multiply(x.T, back, grad, grad.shape[0] - 1, rows, grad, 0, 1)
        bias = grad[grad.shape[0] - 1]
        for i in range(rows):
            for j in range(bias.size):
                bias[j] += back[i, j]
        if layer:
            before = part(net, BACK, layer - 1)
            multiply(back, part(net, TURNED, layer), before, rows, net.sizes[layer + 1], nothing, 0, 0)
            _unbend(x[:rows].reshape(-1), before[:rows].reshape(-1), relu)


@numba.njit(cache=True, nogil=True)
def show(seen, lane, at, team, net):
    """Copy the decisions of these numbers, and which agent of the team took them, into the first X, and note which
    inputs are not 0; returns the rows in use, and whether those are rare."""
    capacity, dim, rows, total = seen.shape[2], seen.shape[3], at.size + at.size % 2, 0
    x, places = part(net, X, 0), net.places
    for i in range(at.size):
        stream, many = at[i] // capacity, 0
        given = seen[lane, stream, at[i] % capacity]
        for d in range(dim):
            x[i, d] = given[d]
            places[i, many] = d
            many += given[d] != 0
        for k in range(team):
            x[i, dim + k] = ZERO
        if team:
            x[i, dim + stream % team] = ONE
            places[i, many] = dim + stream % team
            many += 1
        net.many[i] = many
        total += many
    for i in range(at.size, rows):
        x[i] = ZERO
        net.many[i] = 0
    return rows, total * RARE < rows * net.sizes[0]
