"""Stacked multilayer perceptrons: L networks of one shape as one [L, P] array of parameters.

A layer's part of a parameter row is its weights [inputs, outputs] followed by its biases [outputs], that is a matrix
[inputs + 1, outputs] whose last row meets a constant input of 1.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from .draws import fill_uniform


class MLP:
    """Shape of a multilayer perceptron with ReLU between layers; parameters live outside, in rows of length
    `n_params`.
    """

    def __init__(self, inputs: int, hidden: tuple[int, ...], outputs: int) -> None:
        self.sizes = (inputs, *hidden, outputs)
        self.layers = list(zip(self.sizes[:-1], self.sizes[1:]))
        self.n_params = sum((i + 1) * o for i, o in self.layers)

    def init(self, keys: np.ndarray) -> np.ndarray:
        """float32 [L, P]: torch's default for nn.Linear, U(-1/sqrt(inputs), 1/sqrt(inputs)) for weights and biases,
        drawn per lane.
        """
        draws = np.empty((keys.size, self.n_params))
        fill_uniform(keys, draws)
        bounds = np.concatenate([np.full((i + 1) * o, max(i, 1) ** -0.5) for i, o in self.layers])
        return ((2 * draws - 1) * bounds).astype(np.float32)

    def forward(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """params [L, P], x [L, M, inputs] -> [L, M, outputs]."""
        start = 0
        for number, (i, o) in enumerate(self.layers):
            layer = params[:, start : start + (i + 1) * o].unflatten(1, (i + 1, o))
            start += (i + 1) * o
            x = torch.baddbmm(layer[:, i:], torch.relu(x) if number else x, layer[:, :i])
        return x

    def module(self, row: np.ndarray) -> nn.Sequential:
        """One network as plain torch modules with copies of its parameters (float32 [P])."""
        parts: list[nn.Module] = []
        start = 0
        for i, o in self.layers:
            matrix = torch.tensor(row[start : start + (i + 1) * o]).reshape(i + 1, o)
            start += (i + 1) * o
            linear = nn.Linear(i, o)
            with torch.no_grad():
                linear.weight.copy_(matrix[:i].T)
                linear.bias.copy_(matrix[i])
            parts += [linear, nn.ReLU()]
        return nn.Sequential(*parts[:-1])
