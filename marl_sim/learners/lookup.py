"""Tables of numbers as parts of a row of parameters: what index-coded observations look up, differentiably."""

from __future__ import annotations

import numpy as np
import torch

from .nets import draw

MAX_ROWS = 1 << 16


class Table:
    """`numbers` for each combination of the observation's columns, which start uniform within `spread` of 0."""

    def __init__(self, levels: tuple[int, ...], numbers: int, spread: float = 0.0) -> None:
        self.levels, self.numbers, self.spread = levels, numbers, spread
        self.rows = int(np.prod(levels))
        self.n_params = self.rows * numbers
        self._steps = torch.tensor([int(np.prod(levels[d + 1 :])) for d in range(len(levels))])

    def bounds(self) -> np.ndarray:
        return np.full(self.n_params, self.spread)

    def names(self) -> list[tuple[str, tuple[int, ...]]]:
        return [("table", (self.rows, self.numbers))]

    def init(self, keys: np.ndarray) -> np.ndarray:
        """Initial parameters, float32 [L, P]."""
        return draw(keys, self.bounds())

    def forward(self, params: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """params [L, P], x [L, M, columns] -> [L, M, numbers]."""
        row = (x.long() * self._steps.to(x.device)).sum(-1)
        table = params.unflatten(1, (self.rows, self.numbers))
        return table.gather(1, row[..., None].expand(*row.shape, self.numbers))
