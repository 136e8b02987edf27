"""Stacked networks: L networks of one shape as one [L, P] array of parameters, and pure functions of its rows.

A layer's part of a parameter row is its weights [inputs, outputs] followed by its biases [outputs], that is a matrix
[inputs + 1, outputs] whose last row meets a constant input of 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from torch import nn

from .activations import ACTIVATIONS
from .draws import fill_uniform
from .embedding import Columns, LookUp, one_hot, width


class Part(Protocol):
    """A piece of a network: its parameters lie one after the other in a row."""

    n_params: int

    def bounds(self) -> np.ndarray:
        """Each parameter starts uniform between minus and plus its bound; float64 [n_params]."""

    def names(self) -> list[tuple[str, tuple[int, ...]]]:
        """Name and shape of each matrix of parameters, in order."""


def draw(keys: np.ndarray, bounds: np.ndarray) -> np.ndarray:
    """Initial parameters float32 [L, P] of lanes with these keys (uint64 [L]): U(-bound, bound), drawn per lane."""
    draws = np.empty((keys.size, bounds.size))
    fill_uniform(keys, draws)
    return ((2 * draws - 1) * bounds).astype(np.float32)


def split(parts: Sequence[tuple[str, Part]], rows: np.ndarray) -> dict[str, np.ndarray]:
    """Parameter rows [L, P] as named matrices, views: {"actor.0": [L, inputs + 1, outputs], ...}."""
    named, start = {}, 0
    for prefix, part in parts:
        for name, shape in part.names():
            size = int(np.prod(shape))
            named[f"{prefix}.{name}"] = rows[:, start : start + size].reshape(len(rows), *shape)
            start += size
    return named


EVEN = 4  # columns; products of other widths were measured to round by a lane's place in the stack, and so were those
# of a single input when they are differentiated


def product(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """x [L, M, i] through weights [L, i, o] and biases [L, 1, o].

    Columns of zeros make the width even, so that a lane's numbers are the same alone and in any company.
    """
    if x.shape[2] == 1:
        x, weight = nn.functional.pad(x, (0, 1)), torch.cat([weight, torch.zeros_like(weight)], 1)
    width = weight.shape[2]
    if width % EVEN:
        weight, bias = (nn.functional.pad(part, (0, -width % EVEN)) for part in (weight, bias))
    y = torch.baddbmm(bias, x, weight)
    return y[:, :, :width] if width % EVEN else y


def enter(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, columns: Columns) -> torch.Tensor:
    """`product` of a first layer. Index-coded columns look up their rows of weights: measured to be 1.4 to 4 times as
    fast on class maps as products with one-hot inputs, to act and to train."""
    if isinstance(columns, int):
        return product(x, weight, bias)
    if x.device.type == "cpu":
        return LookUp.apply(x, weight, bias, np.asarray(columns))
    return product(one_hot(x, columns), weight, bias)


def affine(x: torch.Tensor, matrix: torch.Tensor) -> torch.Tensor:
    """x [L, M, i] through matrices [L, i + 1, o] whose last row is the bias."""
    return product(x, matrix[:, :-1], matrix[:, -1:])


def linear(matrix: torch.Tensor) -> nn.Linear:
    """One matrix [i + 1, o] as a plain torch module."""
    inputs, outputs = matrix.shape[0] - 1, matrix.shape[1]
    made = nn.Linear(inputs, outputs)
    with torch.no_grad():
        made.weight.copy_(matrix[:-1].T)
        made.bias.copy_(matrix[-1])
    return made


class MLP:
    """A multilayer perceptron; its last layer is linear and starts at `last` times the usual size."""

    def __init__(
        self, inputs: Columns, hidden: tuple[int, ...], outputs: int, activation: str = "relu", last: float = 1.0
    ) -> None:
        self.columns = inputs
        self.sizes = (width(inputs), *hidden, outputs)
        self.layers = list(zip(self.sizes[:-1], self.sizes[1:]))
        self.n_params = sum((i + 1) * o for i, o in self.layers)
        self._pieces = [size for i, o in self.layers for size in (i * o, o)]
        self.last = last
        self._bend, self._module = ACTIVATIONS[activation]

    def bounds(self) -> np.ndarray:
        """torch's default for nn.Linear, 1 / sqrt(inputs), for weights and biases."""
        found = [np.full((i + 1) * o, max(i, 1) ** -0.5) for i, o in self.layers]
        found[-1] *= self.last
        return np.concatenate(found)

    def names(self) -> list[tuple[str, tuple[int, ...]]]:
        return [(str(k), (i + 1, o)) for k, (i, o) in enumerate(self.layers)]

    def init(self, keys: np.ndarray) -> np.ndarray:
        """Initial parameters, float32 [L, P]."""
        return draw(keys, self.bounds())

    def forward(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """params [L, P], x [L, M, inputs], or [L, M, columns] of indices -> [L, M, outputs]."""
        pieces = params.split(
            self._pieces, dim=1
        )  # at once: each slice would cost a gradient of its own, full of zeros
        for number, (i, o) in enumerate(self.layers):
            weight, bias = pieces[2 * number].unflatten(1, (i, o)), pieces[2 * number + 1][:, None]
            x = product(self._bend(x), weight, bias) if number else enter(x, weight, bias, self.columns)
        return x

    def module(self, row: np.ndarray) -> nn.Sequential:
        """One network as plain torch modules with copies of its parameters (float32 [P]); its inputs are one-hot."""
        parts: list[nn.Module] = []
        start = 0
        for i, o in self.layers:
            matrix = torch.tensor(row[start : start + (i + 1) * o]).reshape(i + 1, o)
            start += (i + 1) * o
            parts += [linear(matrix), self._module()]
        return nn.Sequential(*parts[:-1])


class Constant:
    """Numbers that depend on nothing but the lane, such as the spread of a continuous policy; they start at 0."""

    def __init__(self, count: int) -> None:
        self.n_params = count

    def bounds(self) -> np.ndarray:
        return np.zeros(self.n_params)

    def names(self) -> list[tuple[str, tuple[int, ...]]]:
        return [("value", (self.n_params,))]
