"""Observation normalisation: networks see columns of mean 0 and deviation 1, lane by lane.

What is known moves after a round of learning, by what was learned from in it: a round is acted and learned under one
scale, the first one as columns are.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import nn

from ..core.kernels import kernel

LEAST = 1e-4  # deviation below which a column counts as constant, and is only centred


@kernel
def _moments(obs, usable, count, mean, square):
    """Take the usable entries of each lane into its count, mean and summed squares about it, one after the other."""
    for lane in range(usable.shape[0]):
        for r in range(usable.shape[1]):
            for t in range(usable.shape[2]):
                if usable[lane, r, t]:
                    count[lane] += 1
                    for d in range(obs.shape[3]):
                        off = obs[lane, r, t, d] - mean[lane, d]
                        mean[lane, d] += off / count[lane]
                        square[lane, d] += off * (obs[lane, r, t, d] - mean[lane, d])


class ObservationScale:
    """Mean and deviation of each column of all that a lane has learned from (Welford 1962), float64 [L, D]."""

    def __init__(self, lanes: int, columns: int) -> None:
        self.count = np.zeros(lanes)
        self.mean, self.square = np.zeros((lanes, columns)), np.zeros((lanes, columns))

    def update(self, obs: np.ndarray, usable: np.ndarray) -> None:
        """Take in observations float32 [L, R, C, D] where usable [L, R, C]."""
        _moments(obs, usable, self.count, self.mean, self.square)

    def now(self) -> tuple[np.ndarray, np.ndarray]:
        """Mean and deviation, float32 [L, D]; deviation 1 where nothing is known or a column is constant."""
        spread = np.sqrt(self.square / np.maximum(self.count, 1)[:, None])
        return self.mean.astype(np.float32), np.where(spread > LEAST, spread, 1.0).astype(np.float32)

    def scaled(self, x: torch.Tensor, copies: int = 1) -> torch.Tensor:
        """x [L, ..., copies * D] of raw columns as networks see them."""
        lead = (len(self.count), *[1] * (x.ndim - 2), -1)
        mean, spread = (torch.from_numpy(np.tile(v, copies)).to(x.device).reshape(lead) for v in self.now())
        return (x - mean) / spread

    def module(self, lane: int) -> Standard:
        """The scale of one lane as it is now."""
        mean, spread = self.now()
        return Standard(torch.tensor(mean[lane]), torch.tensor(spread[lane]))

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        return {"sight_count": self.count, "sight_mean": self.mean, "sight_square": self.square}

    def take_over(self, other: ObservationScale) -> None:
        """Be as another one is now."""
        for mine, theirs in zip(self.state().values(), other.state().values(), strict=True):
            mine[...] = theirs


class Standard(nn.Module):
    """(x - mean) / spread, column by column."""

    mean: torch.Tensor
    spread: torch.Tensor

    def __init__(self, mean: torch.Tensor, spread: torch.Tensor) -> None:
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return (x - self.mean) / self.spread
