"""One agent as a plain torch module, which needs none of this package to act.

A module takes an observation and the legal actions and says what the agent prefers; `saved` writes it with
torch.export, so that torch alone loads and runs it.
"""

from __future__ import annotations

import torch
from torch import nn


class PolicyModule(nn.Module):
    """obs float32 [M, D], legal bool [M, A], who int64 [M], memory float32 [M, H] -> preferences [M, A], memory [M, H].

    Preferences are log odds of the legal actions (-1e9 where illegal); of a continuous decision, the numbers that the
    policy's mean plays, inside the box. Without memory H is 0. `who` is the agent of a team that shares the network.
    """

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
            y = torch.log_softmax(y.masked_fill(~legal, -1e9), -1)
        return y, memory
