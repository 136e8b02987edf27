"""How the values of single agents make the value of a team: mixers, written for stacked lanes.

Shapes: params [L, P] of the mixer; q [L, M, k], the value of what each agent did; state [L, M, S] -> [L, M].
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch import nn

from .embedding import Columns
from .nets import MLP, Part


class Mixer(Protocol):
    """What value decomposition asks of a mixer."""

    n_params: int

    def bounds(self) -> np.ndarray:
        """Each parameter starts uniform between minus and plus its bound; float64 [n_params]."""

    def mix(self, params: torch.Tensor, q: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        """The value of the team, [L, M]."""


class Sum:
    """Q_tot = sum_i Q_i, whatever the state (Sunehag et al. 2018)."""

    n_params = 0

    def bounds(self) -> np.ndarray:
        return np.zeros(0)

    def mix(self, params: torch.Tensor, q: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        return q.sum(-1)


class Monotone:
    """A network that rises in every Q_i, its weights made from the state by hypernetworks (Rashid et al. 2018).

        Q_tot = |w(s)| . elu(|W(s)| q + b(s)) + v(s)

    W, b and w are the outputs of linear layers, or of networks with hidden layers of widths `hyper`; v is a network
    with one hidden layer. `width` is the number of hidden units of the mixing network.
    """

    def __init__(self, team: int, state: Columns, width: int, hyper: tuple[int, ...] = ()) -> None:
        self.team, self.width = team, width
        self.parts: dict[str, MLP] = {
            "weights": MLP(state, hyper, team * width),
            "bias": MLP(state, (), width),
            "out": MLP(state, hyper, width),
            "value": MLP(state, (width,), 1),
        }
        self.n_params = sum(part.n_params for part in self.parts.values())

    def bounds(self) -> np.ndarray:
        parts: list[Part] = list(self.parts.values())
        return np.concatenate([part.bounds() for part in parts])

    def rows(self, params: torch.Tensor) -> dict[str, torch.Tensor]:
        """Each hypernetwork's piece of parameter rows."""
        found, start = {}, 0
        for name, part in self.parts.items():
            found[name] = params[:, start : start + part.n_params]
            start += part.n_params
        return found

    def mix(self, params: torch.Tensor, q: torch.Tensor, state: torch.Tensor) -> torch.Tensor:
        rows = self.rows(params)
        made = {name: part.forward(rows[name], state) for name, part in self.parts.items()}
        weights = made["weights"].abs().unflatten(-1, (self.team, self.width))
        hidden = made["bias"]
        for agent in range(self.team):
            hidden = hidden + q[..., agent, None] * weights[..., agent, :]
        return (nn.functional.elu(hidden) * made["out"].abs()).sum(-1) + made["value"][..., 0]
