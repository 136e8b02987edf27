"""First layers that look up rows of weights: what one-hot inputs would be multiplied by, for index-coded columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from ..core.kernels import kernel

Columns = int | tuple[int, ...]
"""How many numbers a network sees, or how many values each of its columns has (0: any number)."""


def width(columns: Columns) -> int:
    """How many inputs columns are, one-hot; one that is any number is one input."""
    return columns if isinstance(columns, int) else sum(max(n, 1) for n in columns)


@kernel
def _sum_rows(x, levels, weight, bias, y):
    """y [L, M, o] = bias + the rows of weight [L, i, o] that x [L, M, D] names, or rows times numbers.

    A number beyond a column's levels counts as the nearest one: who acts is checked before (`Lanes._check_levels`),
    and nobody acts on what others are not told.
    """
    for lane in range(x.shape[0]):
        for m in range(x.shape[1]):
            for j in range(y.shape[2]):
                y[lane, m, j] = bias[lane, j]
            at = 0
            for d in range(levels.size):
                value = x[lane, m, d]
                if levels[d]:
                    row = at + int(min(max(value, 0), levels[d] - 1))
                    for j in range(y.shape[2]):
                        y[lane, m, j] += weight[lane, row, j]
                    at += levels[d]
                else:
                    if value != 0:
                        for j in range(y.shape[2]):
                            y[lane, m, j] += value * weight[lane, at, j]
                    at += 1


@kernel
def _spread(x, levels, weight, grad, by_weight, by_bias, by_x):
    """The reverse: grad [L, M, o] added into by_weight [L, i, o], by_bias [L, o] and, of numbers, by_x [L, M, D]."""
    for lane in range(x.shape[0]):
        for m in range(x.shape[1]):
            for j in range(grad.shape[2]):
                by_bias[lane, j] += grad[lane, m, j]
            at = 0
            for d in range(levels.size):
                if levels[d]:
                    row = at + int(min(max(x[lane, m, d], 0), levels[d] - 1))
                    for j in range(grad.shape[2]):
                        by_weight[lane, row, j] += grad[lane, m, j]
                    at += levels[d]
                    continue
                value, total = x[lane, m, d], np.float32(0)
                for j in range(grad.shape[2]):
                    by_weight[lane, at, j] += value * grad[lane, m, j]
                    total += grad[lane, m, j] * weight[lane, at, j]
                by_x[lane, m, d] = total
                at += 1


class LookUp(torch.autograd.Function):
    """The sum of looked-up rows, on the CPU; a lane's numbers depend on that lane alone."""

    @staticmethod
    def forward(
        ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor, levels: np.ndarray
    ) -> torch.Tensor:
        x, weight, bias = x.contiguous(), weight.contiguous(), bias.contiguous()
        y = torch.empty((*x.shape[:2], weight.shape[2]))
        rows, begin = weight.detach().numpy(), bias.detach()[:, 0].numpy()
        _sum_rows(x.detach().numpy(), levels, rows, begin, y.numpy())
        ctx.save_for_backward(x, weight)
        ctx.levels = levels
        return y

    @staticmethod
    def backward(ctx: Any, grad: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        x, weight = ctx.saved_tensors
        by_weight, by_bias, by_x = torch.zeros_like(weight), torch.zeros_like(weight[:, 0]), torch.zeros_like(x)
        _spread(
            x.numpy(), ctx.levels, weight.numpy(), grad.contiguous().numpy(),
            by_weight.numpy(), by_bias.numpy(), by_x.numpy(),
        )  # fmt: skip
        return by_x, by_weight, by_bias[:, None], None


def one_hot(x: torch.Tensor, levels: tuple[int, ...]) -> torch.Tensor:
    """x [..., D] as the inputs [..., width(levels)] that it stands for."""
    parts = []
    for d, n in enumerate(levels):
        column = x[..., d : d + 1]
        parts.append((column.clamp(0, n - 1) == torch.arange(n, device=x.device)).to(x.dtype) if n else column)
    return torch.cat(parts, -1)


class OneHot(nn.Module):
    """`one_hot` as a module."""

    def __init__(self, levels: tuple[int, ...]) -> None:
        super().__init__()
        self.levels = levels

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return one_hot(x, self.levels)
