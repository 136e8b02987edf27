"""One agent as a plain torch module, which needs none of this package to act.

Every module has one signature, whatever the learner:

    obs float32 [M, D], legal bool [M, A], who int64 [M], memory float32 [M, H] -> preferences float32 [M, A], memory

Preferences are log odds of the legal actions, or their values (-1e9 where illegal); of a continuous decision, the
numbers that the policy's mean plays. `who` is the agent of a team that shares one network, 0 otherwise; without memory
H is 0.
"""

from __future__ import annotations

import io

import numpy as np
import torch
from torch import nn

NEVER = -1e9


class PolicyModule(nn.Module):
    """A policy: [convolutions] -> [GRU] -> log odds, or numbers inside a box."""

    low: torch.Tensor
    high: torch.Tensor

    def __init__(
        self,
        torso: nn.Module | None,
        memory: nn.GRUCell | None,
        policy: nn.Module,
        team: int = 0,
        spread: torch.Tensor | None = None,
        box: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
    ) -> None:
        super().__init__()
        self.low: torch.Tensor
        self.high: torch.Tensor
        self.torso, self.memory, self.policy, self.team = torso, memory, policy, team
        self.continuous = box is not None
        self.hidden = 0 if memory is None else memory.hidden_size
        if box is not None:
            self.register_buffer("low", torch.tensor(box[0]))
            self.register_buffer("high", torch.tensor(box[1]))
            self.register_buffer("spread", spread)

    def forward(
        self, obs: torch.Tensor, legal: torch.Tensor, who: torch.Tensor, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        x = obs if self.torso is None else self.torso(obs)
        if self.team:
            x = torch.cat([x, nn.functional.one_hot(who, self.team).to(x.dtype)], -1)
        if self.memory is not None:
            memory = self.memory(x, memory)
            x = memory
        y = self.policy(x)
        if self.continuous:
            y = self.low + (y.clamp(-1, 1) + 1) / 2 * (self.high - self.low)
        else:
            y = torch.log_softmax(y.masked_fill(~legal, NEVER), -1)
        return y, memory


class ValueModule(nn.Module):
    """Action values: `net` takes [obs] or, for a team that shares it, [obs, who one-hot]."""

    hidden = 0

    def __init__(self, net: nn.Module, team: int = 0) -> None:
        super().__init__()
        self.net, self.team = net, team

    def forward(
        self, obs: torch.Tensor, legal: torch.Tensor, who: torch.Tensor, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        if self.team:
            obs = torch.cat([obs, nn.functional.one_hot(who, self.team).to(obs.dtype)], -1)
        return self.net(obs).masked_fill(~legal, NEVER), memory


class TableModule(nn.Module):
    """Preferences looked up in a table [S, A] by an index-coded observation of these levels, the first slowest."""

    hidden = 0
    table: torch.Tensor
    strides: torch.Tensor

    def __init__(self, table: np.ndarray, levels: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("table", torch.tensor(table, dtype=torch.float32))
        strides = np.cumprod((1, *levels[:0:-1]))[::-1].copy()
        self.register_buffer("strides", torch.tensor(strides))

    def forward(
        self, obs: torch.Tensor, legal: torch.Tensor, who: torch.Tensor, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        state = (obs.long() * self.strides).sum(-1)
        return self.table[state].masked_fill(~legal, NEVER), memory


def saved(module: nn.Module, obs_dim: int, n_actions: int) -> bytes:
    """The bytes of a program that `torch.export.load` reads, for any number M of rows."""
    rows = 3  # of the example; the programme takes any number
    hidden = int(module.hidden)  # type: ignore[arg-type]
    example = (
        torch.zeros(rows, obs_dim), torch.ones(rows, n_actions, dtype=torch.bool),
        torch.zeros(rows, dtype=torch.int64), torch.zeros(rows, hidden),
    )  # fmt: skip
    many = {0: torch.export.Dim("rows", min=1, max=1 << 20)}
    program = torch.export.export(module.eval().requires_grad_(False), example, dynamic_shapes=(many, many, many, many))
    out = io.BytesIO()
    torch.export.save(program, out)
    return out.getvalue()
