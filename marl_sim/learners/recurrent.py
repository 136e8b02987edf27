"""A gated recurrent unit for stacked lanes, written out, since vmap cannot take torch's."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from .embedding import Columns, width
from .nets import affine, enter


def sigmoid(x: torch.Tensor) -> torch.Tensor:
    """1 / (1 + exp(-x)), as a tanh: torch's own was measured to round by a number's place in the array."""
    return torch.tanh(x * 0.5) * 0.5 + 0.5


class GRU:
    """Gated recurrent unit (Cho et al. 2014), in torch's form and initialisation.

        r = sigmoid(W_r x + b_r + U_r h + c_r),  z = sigmoid(W_z x + b_z + U_z h + c_z)
        n = tanh(W_n x + b_n + r * (U_n h + c_n)),  h' = (1 - z) n + z h

    x [L, M, inputs], or [L, M, columns] of indices; h [L, M, size].
    """

    def __init__(self, columns: Columns, size: int) -> None:
        self.columns, self.inputs, self.size = columns, width(columns), size
        inputs = self.inputs
        self._own, self._past = (inputs + 1, 3 * size), (size + 1, 3 * size)
        self._border = self._own[0] * self._own[1]
        self.n_params = self._border + self._past[0] * self._past[1]

    def bounds(self) -> np.ndarray:
        return np.full(self.n_params, self.size**-0.5)

    def names(self) -> list[tuple[str, tuple[int, ...]]]:
        return [("input", self._own), ("memory", self._past)]

    def matrices(self, params: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Parameter rows [L, P] as the matrices of the input and of the memory."""
        return params[:, : self._border].unflatten(1, self._own), params[:, self._border :].unflatten(1, self._past)

    def step(self, params: torch.Tensor, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        """The memory after seeing x."""
        own, past = self.matrices(params)
        return self._turn(enter(x, own[:, :-1], own[:, -1:], self.columns), affine(h, past), h)

    def _turn(self, seen: torch.Tensor, past: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        n = self.size
        reset, keep = sigmoid(seen[..., : 2 * n] + past[..., : 2 * n]).split(n, dim=-1)
        new = torch.tanh(seen[..., 2 * n :] + reset * past[..., 2 * n :])
        return new + keep * (h - new)

    def unroll(self, params: torch.Tensor, x: torch.Tensor, h: torch.Tensor, fresh: torch.Tensor) -> torch.Tensor:
        """The memory after each of T inputs: x [L, M, T, inputs], h [L, M, size], fresh bool [L, M, T] -> [L, M, T,
        size]. Where fresh, memory is empty before the input."""
        own, past = self.matrices(params)
        seen = enter(x.flatten(1, 2), own[:, :-1], own[:, -1:], self.columns).unflatten(1, x.shape[1:3])
        out = []
        for t in range(x.shape[2]):
            h = h * ~fresh[:, :, t, None]
            h = self._turn(seen[:, :, t], affine(h, past), h)
            out.append(h)
        return torch.stack(out, dim=2)

    def module(self, row: np.ndarray) -> nn.GRUCell:
        """One unit as torch's, with copies of its parameters (float32 [P])."""
        own, past = (m[0] for m in self.matrices(torch.tensor(row)[None]))
        cell = nn.GRUCell(self.inputs, self.size)
        with torch.no_grad():
            cell.weight_ih.copy_(own[:-1].T)
            cell.bias_ih.copy_(own[-1])
            cell.weight_hh.copy_(past[:-1].T)
            cell.bias_hh.copy_(past[-1])
        return cell
