"""Deep Q-learning in lanes: one small network per agent and head, all learning in one stacked batch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch
from torch import nn

from . import fused
from .actor_critic import columns_of
from .base import HeadSpec, Learner, TransitionLanes, check_count, check_discount, check_flag
from .buffers import Batch, Replay
from .embedding import OneHot
from .lanes import Lanes
from .nets import MLP
from .optim import Adam, clip_by_norm
from .priorities import VariedReplay
from .schedules import Schedule, check_rate, rates
from .several_steps import Collector

# Weights of the hidden layer up to which the compiled path was measured to be the faster one (by 3.6x at 512, 2x here).
FUSED_WEIGHTS = 65536


@dataclass(frozen=True, kw_only=True)
class DQN(Learner):
    """Deep Q-learning with a target network, one network per lane (Mnih et al. 2015).

        y    = r + gamma * max_a' Q_target(o', a')     over legal a'; no bootstrap where the game terminated
        loss = smooth_l1(Q(o, a) - y), beta 1, mean inside a lane, summed over lanes; Adam

    A lane makes one learning step for every `train_every`-th transition it stores, once it holds `warmup` of them.
    With `n_step` r is the discounted sum of so many rewards and gamma gamma^n_step, or fewer where an episode ends
    before. `prioritised` transitions are drawn in proportion to p = (|Q - y| + 1e-6)^alpha, and count (N p / sum p) to
    the power of -beta in the loss, over the largest of the batch (Schaul et al. 2016). With a GRU: DRQN.
    """

    gamma: float = 0.99  # discount, 0 to 1
    hidden: tuple[int, ...] = (128,)  # widths of the hidden layers, ReLU between
    lr: float = 1e-3  # Adam's step size
    batch: int = 100  # transitions in a learning step, all different
    buffer: int = 131072  # transitions a lane remembers; the oldest go first
    memory: Literal["ring", "episode"] = "ring"  # "episode": forget all transitions when the episode ends
    warmup: int | None = None  # transitions stored before the first learning step; None: batch
    train_every: int = 1  # stored transitions per learning step
    target_every: int = 200  # learning steps between hard copies into the target network
    epsilon: float | Schedule = 0.05  # share of random actions
    double: bool = (
        False  # double Q-learning (van Hasselt et al. 2016): the online network picks a', the target network values it
    )
    n_step: int = 1  # steps of an agent's own from a decision to its bootstrap
    prioritised: bool = False  # replay what was most surprising, rather than all alike
    alpha: float = 0.6  # how far priorities follow errors: 0 not at all, 1 in proportion
    beta: float | Schedule = 0.4  # how far weights make up for it: 0 not at all, 1 fully
    clip: float | None = None  # limit on the norm of a lane's gradient
    embed: bool = False  # index-coded columns as categories: each value has weights of its own, as if one-hot
    path: Literal["auto", "fused", "torch"] = (
        "auto"  # "fused": compiled, CPU, one hidden layer, plain replay, numbers; "torch": autograd, anywhere
    )

    def check(self) -> None:
        if not 0 <= self.gamma <= 1:
            raise ValueError(f"DQN.gamma is {self.gamma!r}; it must be a number from 0 to 1.")
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for name in ("batch", "buffer", "train_every", "target_every", "n_step"):
            check_count(f"DQN.{name}", getattr(self, name))
        for width in self.hidden:
            check_count("A width in DQN.hidden", width)
        if not 0 < self.lr < float("inf"):
            raise ValueError(f"DQN.lr is {self.lr!r}; it must be positive and finite.")
        if self.clip is not None and not 0 < self.clip < float("inf"):
            raise ValueError(f"DQN.clip is {self.clip!r}; it must be None or positive and finite.")
        if not self.batch <= (self.batch if self.warmup is None else self.warmup) <= self.buffer:
            raise ValueError(
                f"DQN.batch is {self.batch}, warmup {self.warmup} and buffer {self.buffer}; "
                "it needs batch <= warmup <= buffer."
            )
        for name, allowed in (("memory", ("ring", "episode")), ("path", ("auto", "fused", "torch"))):
            if getattr(self, name) not in allowed:
                raise ValueError(f"DQN.{name} is {getattr(self, name)!r}; it must be one of {', '.join(allowed)}.")
        check_rate("DQN.epsilon", self.epsilon)
        check_rate("DQN.beta", self.beta)
        check_discount("DQN.alpha", self.alpha)
        check_flag("DQN.prioritised", self.prioritised)
        check_flag("DQN.embed", self.embed)
        if self.path == "fused" and (self.varied or self.embed):
            raise ValueError(
                f"DQN.path is 'fused' with n_step {self.n_step}, prioritised {self.prioritised} and embed "
                f"{self.embed}; it needs n_step 1, prioritised False and embed False."
            )

    @property
    def varied(self) -> bool:
        """Whether transitions span several steps, or are drawn by priority."""
        return self.n_step > 1 or self.prioritised

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> DQNLanes:
        return DQNLanes(self.for_head(spec.name), spec, seeds, team_index, device)


class DQNLanes(TransitionLanes):
    """L deep Q-learners. `params`, `target`: float32 [L, P], rows as `net` (nets.MLP) lays them out."""

    options: DQN

    def __init__(
        self, options: DQN, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu"
    ) -> None:
        super().__init__(options, spec, seeds, team_index)
        o = options
        self.collector = Collector(self.n_lanes, spec.obs_dim, spec.n_actions, o.n_step, o.gamma) if o.varied else None
        self.device = torch.device(device)
        self.net = MLP(columns_of(spec, o.embed), options.hidden, spec.n_actions)
        self.fused = self._use_fused()
        if self.fused:
            self._scratch = fused.scratch(spec.obs_dim, options.hidden[0], spec.n_actions, options.batch)
        self.params = torch.from_numpy(self.net.init(self.keys["init"])).to(self.device)
        self.target = self.params.clone()
        self.adam = Adam(self.params, options.lr)
        self._values = np.zeros((self.n_lanes, 0, spec.n_actions))

    def _memory(self) -> Replay:
        o = self.options
        warmup = o.batch if o.warmup is None else o.warmup
        sizes = self.n_lanes, self.spec.obs_dim, self.spec.n_actions, o.buffer, warmup, o.train_every
        return VariedReplay(*sizes, o.prioritised, o.alpha) if o.varied else Replay(*sizes)

    def _store(self, *given: Any) -> int:
        if self.collector is None:
            return super()._store(*given)
        obs, action, reward, next_obs, next_legal, terminated, valid = given[:7]
        kinds = (action, np.int64), (reward, np.float64), (terminated, np.bool_)
        action, reward, terminated = (np.ascontiguousarray(x, dtype=kind) for x, kind in kinds)
        given = obs, action, reward, next_obs, next_legal, terminated, valid
        spans, bad = self.collector.add(given, self._truncated)
        if bad >= 0:
            return bad
        *done, discount, valid = (x.reshape(x.shape[0], -1, *x.shape[3:]) for x in spans)
        return self.replay.add_spans((*done, valid), discount)  # type: ignore[attr-defined]

    def _use_fused(self) -> bool:
        able = self.device.type == "cpu" and len(self.options.hidden) == 1
        if self.options.path == "fused" and not able:
            raise ValueError(
                f"DQN.path is 'fused' with hidden {self.options.hidden} on {self.device.type}; "
                "it needs one hidden layer on the cpu."
            )
        able = able and not self.options.varied and not self.options.embed
        small = self.spec.obs_dim * sum(self.options.hidden) <= FUSED_WEIGHTS
        return self.options.path == "fused" or (self.options.path == "auto" and able and small)

    def q(self, params: torch.Tensor, obs: torch.Tensor) -> torch.Tensor:
        """Action values [L, M, A] of obs [L, M, D] under parameter rows [L, P]."""
        return self.net.forward(params, obs)

    def loss(self, params: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss [k] of the lanes `batch.lanes` under parameter rows [k, P]: what autograd differentiates."""
        chosen, y = self.compared(params, batch, self.options.gamma)
        return nn.functional.smooth_l1_loss(chosen, y, reduction="none").mean(1)

    def compared(
        self, params: torch.Tensor, batch: Batch, discount: float | torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Values of what was done, and their targets, [k, M]; discount of what came after, one or [k, M]."""
        obs, action, reward, next_obs, legal, terminated = (torch.as_tensor(x, device=self.device) for x in batch[1:])
        chosen = self.q(params, obs).gather(2, action[:, :, None])[:, :, 0]
        with torch.no_grad():
            value = self.q(self.target[torch.as_tensor(batch.lanes, device=self.device)], next_obs)
            judge = self.q(params, next_obs) if self.options.double else value
            best = judge.masked_fill(~legal, -torch.inf).argmax(2, keepdim=True)
            bootstrap = value.gather(2, best)[:, :, 0] * (legal.any(2) & ~terminated)
            y = reward + discount * bootstrap
        return chosen, y

    def values(self, obs: np.ndarray, deciding: np.ndarray | None = None) -> np.ndarray:
        if deciding is None:
            deciding = np.ones(obs.shape[:2], np.bool_)
        if self._values.shape[:2] != deciding.shape:
            self._values = np.zeros((*deciding.shape, self.spec.n_actions))
        if self.fused:
            obs = np.ascontiguousarray(obs, dtype=np.float32)
            s = self._scratch
            fused.forward(self.params.numpy(), obs, deciding, self._values, s.w, s.out, s.bias, s.h[0])
            return self._values
        if self.options.embed:
            self._check_levels(obs, deciding)
        lanes = np.flatnonzero(deciding.any(1))
        if lanes.size:
            with torch.no_grad():
                rows = self.params[torch.as_tensor(lanes, device=self.device)]
                self._values[lanes] = self.q(rows, torch.as_tensor(obs[lanes], device=self.device)).cpu().numpy()
        return self._values

    def learn(self) -> dict[str, np.ndarray]:
        before = self._begin()
        bad = -1
        if self.replay.owed.any():
            bad = self._learn_fused() if self.fused else self._learn_torch()
        return self._report(before, bad)

    def _learn_fused(self) -> int:
        o, memory, adam = self.options, self.replay, self.adam
        return fused.learn(
            memory.rows, memory.tags, memory.clocks, self.keys["replay"],
            self.params.numpy(), self.target.numpy(), adam.m.numpy(), adam.v.numpy(), self.updates, self._losses,
            self.spec.obs_dim, np.float32(o.gamma), o.lr, o.clip or 0.0, o.target_every, o.double, self._scratch,
        )  # fmt: skip

    def _learn_torch(self) -> int:
        """The definition: a step down the summed losses of all lanes that owe one, until none is owed."""
        owed = self.replay.owed
        while owed.any():
            lanes = np.flatnonzero(owed)
            owed[lanes] -= 1
            where = torch.as_tensor(lanes, device=self.device)
            params = self.params[where].requires_grad_()
            loss = self._replayed(params, lanes)
            (grads,) = torch.autograd.grad(loss.sum(), params)
            self._losses[lanes] = loss.detach().cpu().numpy()
            if not np.isfinite(self._losses[lanes]).all():
                return int(lanes[~np.isfinite(self._losses[lanes])][0])
            if self.options.clip is not None:
                grads = clip_by_norm(grads, self.options.clip)
            self.updates[lanes] += 1
            self.adam.step(self.params, where, grads, self.updates[lanes])
            due = where[torch.as_tensor(self.updates[lanes] % self.options.target_every == 0, device=self.device)]
            self.target[due] = self.params[due]
        return -1

    def _replayed(self, params: torch.Tensor, lanes: np.ndarray) -> torch.Tensor:
        """The loss [k] of what these lanes (int64 [k]) replay now; their priorities follow their errors."""
        drawing = lanes, self.options.batch, self.keys["replay"], self.updates
        if not isinstance(self.replay, VariedReplay):
            return self.loss(params, self.replay.sample(*drawing))
        drawn = self.replay.draw(*drawing, rates(self.options.beta, self.updates, self.decisions))
        discount, weight = (torch.as_tensor(x, device=self.device) for x in (drawn.discount, drawn.weight))
        chosen, y = self.compared(params, drawn.batch, discount)
        self.replay.revise(lanes, drawn.chosen, (chosen - y).detach().cpu().numpy())
        return (nn.functional.smooth_l1_loss(chosen, y, reduction="none") * weight).mean(1)

    def export(self, lane: int) -> nn.Sequential:
        """One agent as plain torch modules: obs float32 [..., D] -> action values [..., A]."""
        plain = self.net.module(self.params[lane].cpu().numpy())
        return nn.Sequential(OneHot(self.spec.levels), *plain) if self.options.embed and self.spec.levels else plain

    def _tensors(self) -> dict[str, torch.Tensor]:
        return {"params": self.params, "target": self.target, "adam_m": self.adam.m, "adam_v": self.adam.v}

    def _state(self) -> dict[str, np.ndarray]:
        tensors = {name: tensor.cpu().numpy() for name, tensor in self._tensors().items()}
        top = {"replay_top": self.replay.top} if isinstance(self.replay, VariedReplay) else {}
        return {**super()._state(), **tensors, **top}

    def _memories(self) -> dict[str, np.ndarray]:
        waiting = {} if self.collector is None else self.collector.state()
        return {**super()._memories(), **{f"replay_waiting_{name}": array for name, array in waiting.items()}}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        super()._remember(memories)
        if self.collector is not None:
            self.collector.restore({k.removeprefix("replay_waiting_"): v for k, v in memories.items()})

    def _grown(self, name: str, saved: tuple[int, ...], mine: tuple[int, ...]) -> tuple[int, ...]:
        if name.startswith("replay_waiting"):  # streams, not transitions
            return Lanes._grown(self, name, saved, mine)
        return super()._grown(name, saved, mine)

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        super().load_state_dict(state)
        if self.device.type != "cpu":
            for name, tensor in self._tensors().items():
                tensor.copy_(torch.from_numpy(state[name]))
