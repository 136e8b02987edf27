"""One small network at a time, compiled: forward, backward, and its gradient into a row of parameters.

Layers are matrices [inputs, outputs] and lie in a row of parameters as `nets.MLP` lays them out. Those of whole vectors
across are used where they lie; narrow ones, of less than a vector, are turned around, so that sums run along their
inputs; others are copied, their columns padded with zeros; see `products`. A lane's numbers depend on that lane alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..core.kernels import kernel
from .activations import bend
from .fused_inputs import LINE, ONE, PIECE, ZERO, enter, leave, lined_up
from .optim import REORDER
from .products import VECTOR, even, four, multiply, multiply_turned, wide
from .turning import turn_around

WEIGHT, TURNED, GRAD, Y, BACK = range(5)
"""Matrices of each layer, float32: WEIGHT [inputs + 1, outputs], the last row its biases, and GRAD, the gradient of
that, where they do not lie in rows of parameters; TURNED [outputs, inputs]; Y [S, outputs] what it gave; BACK [S,
outputs] the derivative of the loss by what it gave before it bent. Of a narrow layer TURNED has the biases in a last
row, and GRAD lies as TURNED does, without them."""


class Network(NamedTuple):
    """A network of the lane at hand, and what went through it."""

    start: np.ndarray  # where each layer lies in a row of parameters, int64 [layers]
    sizes: np.ndarray  # of inputs, hidden layers and outputs
    table: np.ndarray  # where each matrix lies in `space`, and its rows and columns, int64 [kinds, layers, 3]
    space: np.ndarray  # float32; in one piece, so that the number of layers is no matter of the compiler's


def network(start: int, sizes: Sequence[int], pieces: int = PIECE) -> Network:
    """Working memory for a network of these sizes, whose parameters begin at `start`."""
    inputs, outputs = sizes[:-1], sizes[1:]
    starts = start + np.cumsum([0] + [(i + 1) * o for i, o in zip(inputs, outputs)])[:-1]
    table, size = np.zeros((5, len(outputs), 3), np.int64), 0
    for layer, (i, o) in enumerate(zip(inputs, outputs)):
        own = {WEIGHT: (0, 0), GRAD: (even(o), wide(i)), TURNED: (four(o) + 1, wide(i))}
        if o >= VECTOR:  # not narrow
            copied = (i + 1 if wide(o) != o else 0, wide(o))
            own = {WEIGHT: copied, GRAD: copied, TURNED: (o if layer else 0, wide(i))}
        passed = even(pieces), wide(o)
        for kind, (rows, across) in {**own, Y: passed, BACK: passed}.items():
            table[kind, layer] = size, rows, across
            size += rows * across
    return Network(starts, np.array(sizes), table, lined_up(size))


@kernel
def part(net, kind, layer):
    """One matrix of a layer, a view."""
    start, rows, columns = net.table[kind, layer, 0], net.table[kind, layer, 1], net.table[kind, layer, 2]
    return net.space[start : start + rows * columns].reshape(rows, columns)


@kernel
def lying(row, net, layer):
    """A layer's matrix as it lies in a row of parameters or gradients [P], a view [inputs + 1, outputs]."""
    at, inputs, outputs = net.start[layer], net.sizes[layer], net.sizes[layer + 1]
    return row[at : at + (inputs + 1) * outputs].reshape(inputs + 1, outputs)


@kernel
def matrix(row, net, kind, layer):
    """WEIGHT or GRAD of a layer, for products: where it lies, or the copy."""
    return part(net, kind, layer) if net.table[kind, layer, 1] else lying(row, net, layer)


@kernel(fastmath=REORDER)
def fetch(row, net, rare):
    """Bring the parameters of a network near, in their order: products jump from row to row, and would wait for each.
    Not those of a first layer of which few are asked for.

    What it leaves in BACK means nothing; without it a compiler would leave out the reading.
    """
    last, total = net.sizes.size - 2, ZERO
    stop = net.start[last] + (net.sizes[last] + 1) * net.sizes[last + 1]
    for at in range(net.start[1 if rare and last else 0], stop, LINE):
        total += row[at]
    part(net, BACK, last)[0, 0] = total


@kernel
def narrow(net, layer):
    """Whether a layer gives less than a vector."""
    return net.sizes[layer + 1] < VECTOR


@kernel
def load(row, net):
    """Copy out of a row of parameters what cannot be used where it lies."""
    for layer in range(net.sizes.size - 1):
        if narrow(net, layer):
            turned, given = part(net, TURNED, layer), lying(row, net, layer)
            turn_around(given[: net.sizes[layer]], turned)
            turned[turned.shape[0] - 1, : given.shape[1]] = given[net.sizes[layer]]
        elif net.table[WEIGHT, layer, 1]:
            given, copied = lying(row, net, layer), part(net, WEIGHT, layer)
            for i in range(given.shape[0]):  # quicker than numba's copy of a slice
                for j in range(given.shape[1]):
                    copied[i, j] = given[i, j]


@kernel
def turn(row, net):
    """What `backward` needs besides: layers turned around, and gradients of 0 where they do not lie in a row."""
    for layer in range(net.sizes.size - 1):
        part(net, GRAD, layer)[:] = ZERO
        if layer and not narrow(net, layer):
            turn_around(lying(row, net, layer)[: net.sizes[layer]], part(net, TURNED, layer))


@kernel
def store(net, grad):
    """Add what is not there to the row of gradients [P], whose own share of those is 0 but for a narrow layer's."""
    for layer in range(net.sizes.size - 1):
        if net.table[GRAD, layer, 1]:
            mine, its = lying(grad, net, layer), part(net, GRAD, layer)
            if narrow(net, layer):
                for i in range(net.sizes[layer]):
                    for j in range(mine.shape[1]):
                        mine[i, j] += its[j, i]
            else:
                mine[:] = its[:, : net.sizes[layer + 1]]


@kernel
def _bend(y, relu):
    """tanh or ReLU of y [n], in place."""
    if relu:
        for i in range(y.size):
            y[i] = max(y[i], ZERO)
    else:
        bend(y)


@kernel(fastmath=REORDER)
def _unbend(y, back, relu):
    """From the derivative by what a layer gave, y [n], to that by what it gave before it bent, in place."""
    if relu:
        for i in range(y.size):
            back[i] = back[i] if y[i] > ZERO else ZERO
    else:
        for i in range(y.size):
            back[i] *= ONE - y[i] * y[i]


@kernel
def forward(row, net, given, rows, rare, relu):
    """What the network with the parameters `row` says of the first `rows` of what is given, in its last Y."""
    last, x = net.sizes.size - 2, given.x
    for layer in range(last + 1):
        weight, y = matrix(row, net, WEIGHT, layer), part(net, Y, layer)
        if rare and layer == 0:
            enter(given, weight, y, rows)
        elif narrow(net, layer):
            multiply_turned(x, part(net, TURNED, layer), y, rows)
        else:
            multiply(x, weight, y, rows, net.sizes[layer], weight, net.sizes[layer], 0)
        if layer < last:
            _bend(y[:rows].reshape(-1), relu)
        x = y


@kernel(fastmath=REORDER)
def backward(grad, net, given, rows, rare, relu, nothing):
    """Add to the gradient, from the derivative by what the last layer gave, of rows that are even in number."""
    for layer in range(net.sizes.size - 2, -1, -1):
        back, x = part(net, BACK, layer), part(net, Y, layer - 1) if layer else given.x
        mine = lying(grad, net, layer) if narrow(net, layer) else matrix(grad, net, GRAD, layer)
        if rare and layer == 0:
            leave(given, back, mine, rows)
        elif narrow(net, layer):
            turned = part(net, GRAD, layer)
            multiply(back.T, x, turned, turned.shape[0], rows, turned, 0, 1)
        else:  # an odd number of inputs reaches into the biases with a column of zeros
            multiply(x.T, back, mine, net.sizes[layer] + net.sizes[layer] % 2, rows, mine, 0, 1)
        bias = mine[net.sizes[layer]]
        for i in range(0, rows, 2):
            for j in range(bias.size):
                bias[j] += back[i, j] + back[i + 1, j]
        if layer:
            before = part(net, BACK, layer - 1)
            multiply(back, part(net, TURNED, layer), before, rows, net.sizes[layer + 1], nothing, 0, 0)
            _unbend(x[:rows].reshape(-1), before[:rows].reshape(-1), relu)
