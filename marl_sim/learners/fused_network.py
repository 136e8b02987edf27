"""One small network at a time, compiled: loaded out of a lane's parameters, forward, backward, gradient stored.

Layers are matrices [inputs, outputs], their rows and columns padded with zeros to whole tiles; see `products`. A lane's
numbers depend on that lane alone.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numba
import numpy as np

from .activations import P0, P1, P2, P3, P4, P5, Q0, Q1, Q2, Q3, Q4, Q5, Q6
from .optim import REORDER
from .products import even, multiply, wide

PIECE = 96  # decisions that go through the layers at once, so that they stay in the second-level cache
RARE = 4  # inputs of which fewer than one in so many is not 0 are gone through one by one in the first layer
ZERO, ONE, FLAT = np.float32(0), np.float32(1), np.float32(8)
Layers = tuple[np.ndarray, ...]


class Network(NamedTuple):
    """One network of the lane at hand, and what went through it; float32."""

    start: int  # where it lies in a row of parameters
    sizes: np.ndarray  # of inputs, hidden layers and outputs
    weight: Layers  # [inputs + 1, outputs] of each layer, the last row its biases
    turned: Layers  # [outputs, inputs]
    grad: Layers  # of `weight`
    x: Layers  # what each layer was given, [S, inputs], and what the last one gave
    back: Layers  # the derivative of the loss by what each layer gave before it bent, [S, outputs]
    places: np.ndarray  # which inputs of x[0] are not 0, int64 [S, inputs]
    many: np.ndarray  # how many they are, int64 [S]


def network(start: int, sizes: tuple[int, ...], pieces: int = PIECE) -> Network:
    """Working memory for a network of these sizes whose parameters begin at `start`."""

    def zeros(rows: int, columns: int) -> np.ndarray:
        return np.zeros((rows, wide(columns)), np.float32)

    layers = list(pairwise(sizes))
    return Network(
        start,
        np.array(sizes),
        tuple(zeros(i + 1, o) for i, o in layers),
        tuple(zeros(o, i) for i, o in layers),
        tuple(zeros(even(i) + 1, o) for i, o in layers),
        tuple(zeros(even(pieces), n) for n in sizes),
        tuple(zeros(even(pieces), n) for n in sizes[1:]),
        np.zeros((even(pieces), sizes[0]), np.int64),
        np.zeros(even(pieces), np.int64),
    )


@numba.njit(cache=True, nogil=True)
def load(row, net, differentiated):
    """Copy the network out of a row of parameters [P]."""
    at = net.start
    for layer in range(len(net.weight)):
        weight, turned = net.weight[layer], net.turned[layer]
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
            net.grad[layer][:] = ZERO


@numba.njit(cache=True, nogil=True)
def store(net, grad):
    """Copy the gradient into a row [P]."""
    at = net.start
    for layer in range(len(net.weight)):
        mine, inputs, outputs = net.grad[layer], net.sizes[layer], net.sizes[layer + 1]
        kept = grad[at : at + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
        at += kept.size
        for i in range(inputs + 1):
            here = i if i < inputs else mine.shape[0] - 1
            for j in range(outputs):
                kept[i, j] = mine[here, j]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _bend(x, relu):
    """tanh (the fraction of `activations.fill_tanh`) or ReLU of x [n], in place."""
    if relu:
        for i in range(x.size):
            x[i] = max(x[i], ZERO)
        return
    for i in range(x.size):
        v = x[i]
        v = FLAT if v > FLAT else v
        v = -FLAT if v < -FLAT else v
        t = v * v
        above = v * (P0 + t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5)))))
        below = Q0 + t * (Q1 + t * (Q2 + t * (Q3 + t * (Q4 + t * (Q5 + t * Q6)))))
        y = above / below
        y = ONE if y > ONE else y
        x[i] = -ONE if y < -ONE else y


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _enter(net, rows):
    """The first layer's product where most inputs are 0, as those of one-hot observations."""
    x, weight, y, bias = net.x[0], net.weight[0], net.x[1], net.weight[0][net.sizes[0]]
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
    x, back, grad = net.x[0], net.back[0], net.grad[0]
    for i in range(rows):
        for k in range(net.many[i]):
            d = net.places[i, k]
            for j in range(back.shape[1]):
                grad[d, j] += x[i, d] * back[i, j]


@numba.njit(cache=True, nogil=True)
def forward(net, rows, rare, relu):
    """What the network gives for the first `rows` of x[0], in its last x; rare: most of its inputs are 0."""
    last = len(net.weight) - 1
    for layer in range(last + 1):
        weight, x, y, inputs = net.weight[layer], net.x[layer], net.x[layer + 1], net.sizes[layer]
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
    for layer in range(len(net.weight) - 1, -1, -1):
        x, back, grad = net.x[layer], net.back[layer], net.grad[layer]
        if rare and layer == 0:
            _leave(net, rows)
        else:
            multiply(x.T, back, grad, grad.shape[0] - 1, rows, grad, 0, 1)
        bias = grad[grad.shape[0] - 1]
        for i in range(rows):
            for j in range(bias.size):
                bias[j] += back[i, j]
        if layer:
            before = net.back[layer - 1]
            multiply(back, net.turned[layer], before, rows, net.sizes[layer + 1], nothing, 0, 0)
            _unbend(x[:rows].reshape(-1), before[:rows].reshape(-1), relu)


@numba.njit(cache=True, nogil=True)
def show(seen, lane, at, team, net):
    """Copy the decisions of these numbers, and which agent of the team took them, into x[0], and note which inputs are
    not 0; returns the rows in use, and whether those are rare."""
    capacity, dim, rows, total = seen.shape[2], seen.shape[3], at.size + at.size % 2, 0
    x, places = net.x[0], net.places
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
