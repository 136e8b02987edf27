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
from .optim import REORDER
from .products import VECTOR, even, four, multiply, multiply_turned, wide
from .turning import turn_around

PIECE = 96  # decisions that go through the layers at once, so that they stay in the second-level cache
RARE = 4  # inputs of which fewer than one in so many is not 0 are gone through one by one in the first layer
LINE = 16  # numbers in a line of the cache
STRETCH = 16  # inputs that are passed over at once where all are 0
ZERO, ONE = np.float32(0), np.float32(1)


WEIGHT, TURNED, GRAD, Y, BACK = range(5)
"""Matrices of each layer, float32: WEIGHT [inputs + 1, outputs], the last row its biases, and GRAD, the gradient of
that, where they do not lie in rows of parameters; TURNED [outputs, inputs]; Y [S, outputs] what it gave; BACK [S,
outputs] the derivative of the loss by what it gave before it bent. Of a narrow layer TURNED has the biases in a last
row, and GRAD lies as TURNED does, without them."""


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


class Network(NamedTuple):
    """A network of the lane at hand, and what went through it."""

    start: np.ndarray  # where each layer lies in a row of parameters, int64 [layers]
    sizes: np.ndarray  # of inputs, hidden layers and outputs
    table: np.ndarray  # where each matrix lies in `space`, and its rows and columns, int64 [kinds, layers, 3]
    space: np.ndarray  # float32; in one piece, so that the number of layers is no matter of the compiler's


def lined_up(*shape: int) -> np.ndarray:
    """Zeros, float32, from the beginning of a cache line on: vectors that reach into two lines take longer."""
    size = int(np.prod(shape))
    space = np.zeros(size + LINE, np.float32)
    start = -space.ctypes.data // space.itemsize % LINE
    return space[start : start + size].reshape(shape)


def inputs_of(dim: int, pieces: int = PIECE) -> Inputs:
    """Room for so many inputs of a piece."""
    rows = even(pieces)
    x, numbers = lined_up(rows, wide(dim)), np.zeros((rows, dim), np.float32)
    return Inputs(x, np.zeros((rows, dim), np.int64), numbers, np.zeros(rows, np.int64))


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
def fetch(row, net):
    """Bring the parameters of a network near, in their order: products jump from row to row, and would wait for each.

    What it leaves in BACK means nothing; without it a compiler would leave out the reading.
    """
    last, total = net.sizes.size - 2, ZERO
    stop = net.start[last] + (net.sizes[last] + 1) * net.sizes[last + 1]
    for at in range(net.start[0], stop, LINE):
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
            part(net, WEIGHT, layer)[:, : net.sizes[layer + 1]] = lying(row, net, layer)


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


@kernel(fastmath=REORDER)
def _enter(given, weight, y, rows):
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
def _leave(given, back, grad, rows):
    """The same for the gradient of its weights."""
    for i in range(rows):
        for k in range(given.many[i]):
            d, number = given.places[i, k], given.numbers[i, k]
            for j in range(grad.shape[1]):
                grad[d, j] += number * back[i, j]


@kernel
def forward(row, net, given, rows, rare, relu):
    """What the network with the parameters `row` says of the first `rows` of what is given, in its last Y."""
    last, x = net.sizes.size - 2, given.x
    for layer in range(last + 1):
        weight, y = matrix(row, net, WEIGHT, layer), part(net, Y, layer)
        if rare and layer == 0:
            _enter(given, weight, y, rows)
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
            _leave(given, back, mine, rows)
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


@kernel(fastmath=REORDER)
def _count(row):
    """How many numbers of a row are not 0."""
    many = ZERO
    for d in range(row.size):
        many += ONE if row[d] != ZERO else ZERO
    return int(many)


@kernel(fastmath=REORDER)
def _list(row, places, numbers):
    """Those that are not 0, and where they are."""
    many = 0
    for start in range(0, row.size, STRETCH):
        stop, size = min(start + STRETCH, row.size), ZERO
        for d in range(start, stop):
            size += abs(row[d])
        if size != ZERO:
            for d in range(start, stop):
                if row[d] != ZERO:
                    places[many], numbers[many] = d, row[d]
                    many += 1


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
            begin[number], many[number] = size, _count(rows[number])
            size += many[number]
        total += many[number] + (team > 0)
    rare = total * RARE < at.size * (rows.shape[1] + team)
    places, numbers = np.zeros(size * rare, np.int64), np.zeros(size * rare, np.float32)
    if rare:
        for number in range(len(rows)):
            stop = begin[number] + many[number]
            if many[number] > 0:
                _list(rows[number], places[begin[number] : stop], numbers[begin[number] : stop])
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
