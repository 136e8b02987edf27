"""The network of policy learners: torso, memory, policy and critic as parts of one row of parameters."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from .base import HeadSpec
from .convolution import Conv
from .embedding import Columns, OneHot
from .nets import MLP, Constant, Part, draw, split
from .recurrent import GRU

BLOCK = 16  # entries of a stream that are unrolled at once; a number of its own, so that lanes do not depend on others


def columns_of(spec: HeadSpec, embed: bool) -> Columns:
    """What a network sees of an observation; ValueError where it should embed what is not index-coded."""
    if not embed:
        return spec.obs_dim
    if spec.levels is None:
        raise ValueError(
            f"Head {spec.name!r} has columns that are no indices; embed=True needs an index-coded observation "
            "(encode='index'), and a head for each kind of stage."
        )
    return spec.levels


class ActorCritic:
    """Which parts there are, where they lie in a row, and what they compute.

        obs (and who of the team it is) -> [convolutions] -> [GRU] -> policy
                                                                   -> critic, or: with a central state -> critic

    critic: numbers it gives, 0 for none; it sees what the policy sees. state: length of the state that a central critic
    sees, with what is remembered, where there is memory, since the present state may not tell what was seen before; 0
    for none.
    last: how large the policy's last layer starts; 1 for networks whose "policy" says the values of actions.
    embed: index-coded columns are categories, as if they were one-hot; state is then the levels of its columns.
    Shapes: params [L, P]; obs [L, M, D]; who int64 [L, M], the agent of the team; memory [L, M, H].
    """

    def __init__(
        self,
        spec: HeadSpec,
        hidden: tuple[int, ...],
        activation: str,
        memory: int = 0,
        channels: tuple[int, ...] = (),
        critic: int = 1,
        state: Columns = 0,
        last: float = 0.01,
        embed: bool = False,
    ) -> None:
        self.spec, self.team, self.embed = spec, spec.team if spec.team > 1 else 0, embed
        features: Columns = columns_of(spec, embed)
        self.parts: list[tuple[str, Part]] = []
        if spec.image is not None and channels:
            if embed:
                raise ValueError(f"Head {spec.name!r} sees pictures; embed=True needs channels=().")
            self.conv = self._take("torso", Conv(spec.image, channels))
            features = self.conv.outputs
        features = self._beside(features)
        if memory:
            self.gru = self._take("memory", GRU(features, memory))
            features = memory
        self.policy = self._take("policy", MLP(features, hidden, spec.n_actions, activation, last=last))
        if spec.box is not None:
            self._take("spread", Constant(spec.n_actions))
        self.central, self._remembers = bool(state), memory > 0
        if critic:
            remembered = state + memory if isinstance(state, int) else state + (0,) * memory
            seen = self._beside(remembered) if state else features
            self.critic = self._take("critic", MLP(seen, hidden, critic, activation))
        self.n_params = sum(part.n_params for _, part in self.parts)
        self.where = {}
        start = 0
        for name, part in self.parts:
            self.where[name] = slice(start, start + part.n_params)
            start += part.n_params

    def _beside(self, columns: Columns) -> Columns:
        """Columns with the number of the agent behind them."""
        if isinstance(columns, int):
            return columns + self.team
        return columns + ((self.team,) if self.team else ())

    def _take(self, name: str, part: Any) -> Any:
        self.parts.append((name, part))
        return part

    def __contains__(self, name: str) -> bool:
        return any(name == own for own, _ in self.parts)

    def init(self, keys: np.ndarray) -> np.ndarray:
        """Initial parameters, float32 [L, P]."""
        return draw(keys, np.concatenate([part.bounds() for _, part in self.parts]))

    def names(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The matrices of parameter rows by name, views."""
        return split(self.parts, rows)

    def of(self, name: str, params: torch.Tensor) -> torch.Tensor:
        """One part's piece of parameter rows."""
        return params[:, self.where[name]]

    # -- what it computes ----------------------------------------------------------------------------------------

    def seen(self, params: torch.Tensor, obs: torch.Tensor, who: torch.Tensor) -> torch.Tensor:
        """What comes before memory: obs through the convolutions, with the agent's number one-hot behind."""
        if "torso" in self:
            obs = self.conv.forward(self.of("torso", params), obs)
        return self._marked(obs, who)

    def _marked(self, x: torch.Tensor, who: torch.Tensor) -> torch.Tensor:
        if not self.team:
            return x
        mark = who[..., None] if self.embed else nn.functional.one_hot(who, self.team)
        return torch.cat([x, mark.to(x.dtype)], -1)

    def remember(self, params: torch.Tensor, seen: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """Memory after this."""
        return self.gru.step(self.of("memory", params), seen, memory)

    def unroll(
        self, params: torch.Tensor, obs: torch.Tensor, who: torch.Tensor, memory: torch.Tensor, fresh: torch.Tensor
    ) -> torch.Tensor:
        """Memory after each of T entries: obs [L, M, T, D], who [L, M], memory [L, M, H], fresh [L, M, T] -> [L, M, T,
        H]. T is a multiple of BLOCK."""
        own, out = self.of("memory", params), []
        for start in range(0, obs.shape[2], BLOCK):
            now = slice(start, start + BLOCK)
            same = who[:, :, None].expand(*who.shape, BLOCK).flatten(1, 2)
            seen = self.seen(params, obs[:, :, now].flatten(1, 2), same).unflatten(1, (who.shape[1], BLOCK))
            out.append(self.gru.unroll(own, seen, memory, fresh[:, :, now]))
            memory = out[-1][:, :, -1]
        return torch.cat(out, 2)

    def choose(self, params: torch.Tensor, features: torch.Tensor) -> torch.Tensor:
        """Logits, or means of a continuous decision, [L, M, A]."""
        return self.policy.forward(self.of("policy", params), features)

    def spread(self, params: torch.Tensor) -> torch.Tensor:
        """Log deviations of a continuous decision, [L, A]."""
        return self.of("spread", params)

    def judge(
        self, params: torch.Tensor, features: torch.Tensor, state: torch.Tensor, who: torch.Tensor
    ) -> torch.Tensor:
        """What the critic says, [L, M, critic]."""
        return self.judge_with(self.of("critic", params), features, state, who)

    def judge_with(
        self, critic: torch.Tensor, features: torch.Tensor, state: torch.Tensor, who: torch.Tensor
    ) -> torch.Tensor:
        """The same under other parameters of the critic, such as a target's."""
        if self.central:
            features = self._marked(torch.cat([state, features], -1) if self._remembers else state, who)
        return self.critic.forward(critic, features)

    def module(self, row: np.ndarray) -> nn.Module:
        """One policy as plain torch modules, with copies of its parameters; see learners.export."""
        from .export import PolicyModule

        def made(name: str) -> Any:
            part = dict(self.parts).get(name)
            return None if part is None else part.module(row[self.where[name]])  # type: ignore[attr-defined]

        spread = torch.tensor(row[self.where["spread"]]) if "spread" in self else None
        torso = OneHot(self.spec.levels) if self.embed and self.spec.levels else made("torso")
        return PolicyModule(torso, made("memory"), made("policy"), self.team, spread, self.spec.box)
