"""One lane of a policy learner told in plain torch: modules, torch's Adam, and loops over decisions."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn
from torch.distributions import Categorical, Independent, Normal

from marl_sim.core.rng import mix, shuffle
from marl_sim.learners.embedding import OneHot
from marl_sim.learners.observation_scale import Standard
from marl_sim.learners.schedules import rates
from marl_sim.learners.streams import CLOSED, FRESH, LOOK, TERMINATED


class PlainPolicy:
    """The policy and the critic of a lane as torch's own modules, with copies of its weights."""

    def __init__(self, lanes: Any, lane: int) -> None:
        self.o, self.spec, self.team = lanes.options, lanes.spec, lanes.spec.team
        self.actor = lanes.export(lane)
        if self.spec.box is not None:
            self.actor.spread = nn.Parameter(self.actor._buffers.pop("spread"))
        row = lanes.net.of("critic", lanes.params)[lane].numpy() if "critic" in lanes.net else None
        self.critic = None if row is None else lanes.net.critic.module(row)
        self.central = lanes.net.central
        params = [*self.actor.parameters(), *([] if self.critic is None else self.critic.parameters())]
        self.params = params
        lr = rates(self.o.lr, lanes.updates, lanes.decisions)[lane]
        self.adam = torch.optim.Adam(params, lr=float(lr))
        columns = self.spec.levels * (self.spec.state_dim // self.spec.obs_dim) if self.o.embed else ()
        self.state = OneHot(columns) if columns else nn.Identity()
        if lanes.sight is not None:
            copies = self.spec.state_dim // self.spec.obs_dim
            self.state = Standard(*(torch.tensor(np.tile(v[lane], copies)) for v in lanes.sight.now()))

    def named(self, agent: int) -> torch.Tensor:
        return torch.eye(self.team)[agent] if self.team > 1 else torch.zeros(0)

    def features(self, entry: Any, memory: torch.Tensor | None) -> torch.Tensor:
        x = entry.obs if self.actor.torso is None else self.actor.torso(entry.obs[None])[0]
        x = torch.cat([x, self.named(entry.agent)])
        return x if self.actor.memory is None else self.actor.memory(x[None], memory[None])[0]

    def said(self, stream: list[Any]) -> list[tuple[Any, torch.Tensor]]:
        """The policy at each entry of a stream, and the features there."""
        memory, out = None, []
        for entry in stream:
            if self.actor.memory is not None:
                fresh = entry.flags & FRESH
                memory = torch.zeros(self.o.memory) if fresh else entry.memory if memory is None else memory
            features = self.features(entry, memory)
            if self.actor.memory is not None:
                memory = features
            numbers = self.actor.policy(features)
            if self.spec.box is None:
                out.append((Categorical(logits=numbers.masked_fill(~entry.legal, -1e9)), features))
            else:
                out.append((Independent(Normal(numbers, self.actor.spread.exp()), 1), features))
        return out

    def judged(self, entry: Any, features: torch.Tensor) -> torch.Tensor:
        if self.central:
            remembered = features if self.o.memory else torch.zeros(0)
            features = torch.cat([self.state(entry.extra), remembered, self.named(entry.agent)])
        return self.critic(features)

    def step(self, loss: torch.Tensor) -> None:
        self.adam.zero_grad()
        loss.backward()
        if self.o.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.params, self.o.clip_norm)
        self.adam.step()


class Entry:
    """One entry of a stream, as torch's."""

    def __init__(self, s: Any, lane: int, r: int, t: int, team: int) -> None:
        self.where, self.agent = (r, t), r % team
        for name in ("obs", "legal", "action", "memory"):
            setattr(self, name, torch.tensor(getattr(s, name)[lane, r, t]))
        self.extra = torch.tensor(s.beside(lane, r, t))
        self.logp, self.reward = float(s.logp[lane, r, t]), float(s.reward[lane, r, t])
        self.flags = int(s.flags[lane, r, t])
        self.usable = bool(self.flags & CLOSED) and not self.flags & LOOK


def streams_of(lanes: Any, lane: int) -> list[list[Entry]]:
    s, team = lanes.streams, lanes.spec.team
    return [[Entry(s, lane, r, t, team) for t in range(s.count[lane, r])] for r in range(s.lead[1])]


def gae(stream: list[Entry], values: list[float], gamma: float, lam: float) -> list[float]:
    """The advantage of each entry, forwards: sum_k (gamma lam)^k delta_{t+k} up to the end of what is known."""
    out = []
    for t in range(len(stream)):
        total, share = 0.0, 1.0
        for k in range(t, len(stream)):
            entry = stream[k]
            if not entry.usable:
                break
            end = bool(entry.flags & TERMINATED)
            after = 0.0 if end else values[k + 1]
            total += share * (entry.reward + gamma * after - values[k])
            if end:
                break
            share *= gamma * lam
        out.append(total)
    return out


def order_of(lanes: Any, lane: int, many: int, epoch: int) -> np.ndarray:
    """The order in which a pass takes the entries (or the streams)."""
    order = np.arange(many)
    if lanes.options.minibatches > 1 and not (lanes.options.memory and many == 1):
        key = mix(lanes.keys["replay"][lane], lanes.tick * lanes.options.epochs + epoch)
        shuffle(np.uint64(key), order)
    return order


def parameters_of(plain: PlainPolicy) -> list[np.ndarray]:
    return [p.detach().numpy().copy() for p in plain.params]
