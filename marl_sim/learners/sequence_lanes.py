"""What VDN, QMIX and recurrent Q-learning share: action values of k agents, learned from replayed sequences."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from .actor_critic import ActorCritic
from .base import HeadSpec, Learner, check_count, check_discount, check_flag, check_positive
from .behind import BehindLanes
from .draws import NOTHING_TO_CHOOSE, choose
from .export import PolicyModule
from .mixers import Mixer, Sum
from .nets import draw
from .optim import Adam
from .samples import WHOLE
from .schedules import Schedule, check_rate, rates
from .sequences import Batch, Sequences


@dataclass(frozen=True, kw_only=True)
class SequenceLearner(Learner, abstract=True):
    """Options of learners that replay sequences; one without memory replays sequences of one step."""

    gamma: float = 0.99  # discount, 0 to 1
    hidden: tuple[int, ...] = (64,)  # widths of the hidden layers, ReLU between
    lr: float = 1e-3  # Adam's step size
    batch: int = 32  # sequences in a learning step, all different
    buffer: int = 32768  # sequences a lane remembers; the oldest go first
    warmup: int | None = None  # sequences stored before the first learning step; None: batch
    train_every: int = 1  # stored sequences per learning step
    target_every: int = 200  # learning steps between hard copies into the target network
    epsilon: float | Schedule = 0.05  # share of random actions; a clock of decisions counts those of every agent
    double: bool = False  # the online network picks the next action, the target network values it
    clip: float | None = None  # limit on the norm of a lane's gradient
    memory: int = 0  # size of a GRU before the hidden layers; 0: none
    length: int = 16  # steps of a sequence, with memory
    channels: tuple[int, ...] = (16,)  # of the 3 x 3 convolutions, where observations are pictures; (): none
    embed: bool = False  # index-coded columns as categories: each value has weights of its own, as if one-hot

    def check(self) -> None:
        name = type(self).__name__
        for option in ("hidden", "channels"):
            object.__setattr__(self, option, tuple(getattr(self, option)))
            for width in getattr(self, option):
                check_count(f"A width in {name}.{option}", width)
        for option in ("batch", "buffer", "train_every", "target_every", "length"):
            check_count(f"{name}.{option}", getattr(self, option))
        if self.memory or isinstance(self.memory, bool):
            check_count(f"{name}.memory", self.memory)
        check_discount(f"{name}.gamma", self.gamma)
        check_flag(f"{name}.embed", self.embed)
        check_positive(f"{name}.lr", self.lr)
        if self.clip is not None:
            check_positive(f"{name}.clip", self.clip)
        if not self.batch <= self.stored_first <= self.buffer:
            raise ValueError(
                f"{name}.batch is {self.batch}, warmup {self.warmup} and buffer {self.buffer}; "
                "it needs batch <= warmup <= buffer."
            )
        check_rate(f"{name}.epsilon", self.epsilon)

    @property
    def stored_first(self) -> int:
        """Sequences a lane stores before it learns."""
        return self.batch if self.warmup is None else self.warmup


class SequenceLanes(BehindLanes):
    """L learners, each of k = spec.team agents. `params`, `target`: float32 [L, P], networks first, then the mixer.

    R streams a lane: agent r % k of world r // k. Networks are one a lane, told which agent it is, or one an agent.
    Subclasses say when memory moves on (`_moving`), what of the replayed is an error (`_error`), and how experience
    arrives.
    """

    options: Any

    def __init__(
        self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu"
    ) -> None:
        super().__init__(options, spec, seeds, team_index)
        o = options
        self.device, self.team = torch.device(device), spec.team
        apart = getattr(o, "nets", "shared") == "separate"
        self.n_nets = self.team if apart else 1
        mine = replace(spec, team=1) if apart else spec
        self.net = ActorCritic(mine, o.hidden, "relu", o.memory, o.channels, critic=0, last=1.0, embed=o.embed)
        self.mixer = self._mixer()
        self._border = self.n_nets * self.net.n_params
        bounds = [part.bounds() for _, part in self.net.parts] * self.n_nets + [self.mixer.bounds()]
        self.params = torch.from_numpy(draw(self.keys["init"], np.concatenate(bounds))).to(self.device)
        self.target = self.params.clone()
        self._act_by(self.params)
        self.adam = Adam(self.params, o.lr)
        length = o.length if o.memory else 1
        self.replay = Sequences(
            self.n_lanes, self.team, spec.obs_dim, spec.n_actions, length, o.memory,
            o.buffer, o.stored_first, o.train_every,
        )  # fmt: skip
        self._prepare(0)

    def _mixer(self) -> Mixer:
        return Sum()

    def _prepare(self, worlds: int) -> None:
        """Room for so many worlds a lane, once it is known how many there are."""
        self.replay.prepare(worlds)
        self.memory = self.fresh_memory(worlds * self.team)
        self._before = self.memory.copy()  # the decision that was just taken

    def fresh_memory(self, streams: int) -> np.ndarray:
        """Empty memory for `act` in other worlds than those of the training, float32 [L, R, H]."""
        return np.zeros((self.n_lanes, streams, self.options.memory), np.float32)

    # -- values --------------------------------------------------------------------------------------------------

    def q(self, params: torch.Tensor, obs: torch.Tensor, memory: torch.Tensor) -> torch.Tensor:
        """Action values [K, M, T, k, A] of obs [K, M, T, k, D], from memory [K, M, k, H] before the first."""
        return self._unroll(params, obs, memory)[0]

    def _unroll(
        self, params: torch.Tensor, obs: torch.Tensor, memory: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """As `q`, and the memory [K, M, k, H] after the last step."""
        lanes, many, steps, k, _ = obs.shape
        nets, each = self.n_nets, k // self.n_nets  # a network looks at `each` agents
        rows = params[:, : self._border].reshape(lanes * nets, self.net.n_params)

        def apart(x: torch.Tensor) -> torch.Tensor:  # [K, M, k, ...] -> [K * nets, M * each, ...]
            return x.unflatten(2, (nets, each)).transpose(1, 2).flatten(2, 3).flatten(0, 1)

        def together(x: torch.Tensor) -> torch.Tensor:
            return x.unflatten(0, (lanes, nets)).unflatten(2, (many, each)).transpose(1, 2).flatten(2, 3)

        who = (torch.arange(many * each * steps, device=obs.device) // steps % each).expand(lanes * nets, -1)
        features = self.net.seen(rows, apart(obs.transpose(2, 3)).flatten(1, 2), who)
        if self.options.memory:
            fresh = torch.zeros((lanes * nets, many * each, steps), dtype=torch.bool, device=obs.device)
            own, seen = self.net.of("memory", rows), features.unflatten(1, (many * each, steps))
            remembered = self.net.gru.unroll(own, seen, apart(memory), fresh)
            features, memory = remembered.flatten(1, 2), together(remembered[:, :, -1])
        values = self.net.choose(rows, features).unflatten(1, (many * each, steps))
        return together(values).transpose(2, 3), memory

    def mixed(self, params: torch.Tensor, q: torch.Tensor, obs: torch.Tensor) -> torch.Tensor:
        """The value of the team [K, M, T] from its agents' q [K, M, T, k] and what they all see, [K, M, T, k, D]."""
        total = self.mixer.mix(params[:, self._border :], q.flatten(1, 2), obs.flatten(3).flatten(1, 2))
        return total.unflatten(1, q.shape[1:3])

    def errors(self, params: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Value of the team minus its target y, [K, M, T], of the lanes `batch.lanes` under parameter rows [K, P]."""
        o, target = self.options, self.target[batch.lanes]
        now, after = slice(None, -1), slice(1, None)
        q = self.q(params, batch.obs if o.double else batch.obs[:, :, now], batch.memory)
        taken = q[:, :, : batch.action.shape[2]].gather(-1, batch.action[..., None])[..., 0]
        total = self.mixed(params, taken * batch.here[:, :, now], batch.obs[:, :, now])
        with torch.no_grad():
            value = self.q(target, batch.obs, batch.memory)[:, :, after]
            judge = q[:, :, after] if o.double else value
            best = judge.masked_fill(~batch.legal[:, :, after], -torch.inf).argmax(-1, keepdim=True)
            here = batch.here[:, :, after]
            following = self.mixed(target, value.gather(-1, best)[..., 0] * here, batch.obs[:, :, after])
            y = batch.reward + o.gamma * following * here.any(-1)
        return total - y

    def _error(self, errors: torch.Tensor) -> torch.Tensor:
        """What an error counts in the loss."""
        raise NotImplementedError

    def loss(self, params: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss [K] of the lanes `batch.lanes` under parameter rows [K, P]: what autograd differentiates."""
        return (self._error(self.errors(params, batch)) * batch.weight).flatten(1).sum(1)

    # -- acting --------------------------------------------------------------------------------------------------

    def epsilon(self) -> np.ndarray:
        """The exploration rate of every lane now, float64 [L]."""
        return rates(self.options.epsilon, self.acting_updates, self.decisions)

    def _moving(self, deciding: np.ndarray) -> np.ndarray:
        """Whose memory moves on, bool [L, R]."""
        raise NotImplementedError

    def act(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        deciding: np.ndarray,
        greedy: bool = False,
        memory: np.ndarray | None = None,
    ) -> np.ndarray:
        """Actions int64 [L, R], 0 where nobody decides; what each agent does depends on what it sees alone.

        obs float32 [L, R, D]; legal bool [L, R, A]; deciding bool [L, R]. greedy: without exploring and without
        disturbing the exploration stream; ties are broken at random. memory: of other worlds than the training's
        (`fresh_memory`); it moves on. Raises ValueError where an agent that decides has no legal action.
        """
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        if self.options.embed:
            self._check_levels(obs, deciding)
        worlds = self._worlds(deciding)
        params = self.acting if memory is None and not greedy else self.params
        if self.options.memory and memory is None:
            if self.memory.shape[1] != deciding.shape[1]:
                self._prepare(worlds)
            memory = self.memory
            self._before[...] = memory
        values, after = self._look(params, obs, memory, worlds)
        if self.options.memory and memory is not None:
            np.copyto(memory, after, where=self._moving(deciding)[..., None])
        if self._actions.shape != deciding.shape:
            self._actions = np.zeros(deciding.shape, np.int64)
        key, clock = ("greedy ties", self.greedy_ties) if greedy else ("explore", self.decisions)
        stuck = choose(values, legal, deciding, self.epsilon(), self.keys[key], clock, greedy, self._actions)
        if stuck != NOTHING_TO_CHOOSE:
            raise self._nothing_legal(stuck)
        return self._actions

    def _worlds(self, flags: np.ndarray) -> int:
        if flags.shape[1] % self.team:
            raise ValueError(
                f"Head {self.spec.name!r} got {flags.shape[1]} streams; it needs {self.team} for each world."
            )
        return flags.shape[1] // self.team

    def _look(
        self, params: torch.Tensor, obs: np.ndarray, memory: np.ndarray | None, worlds: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Values float64 [L, R, A] of obs [L, R, D], and memory after it.

        With memory, worlds are filled up so that a lane's numbers fill whole vectors, wherever it stands.
        """
        many = worlds
        if self.options.memory:
            unit = WHOLE // math.gcd(WHOLE, self.team * self.options.memory)
            many = -(-worlds // unit) * unit
        if memory is None:
            memory = self.fresh_memory(obs.shape[1])
        fill = (0, 0), (0, many - worlds), (0, 0), (0, 0)
        by_world = (x.reshape(self.n_lanes, worlds, self.team, x.shape[2]) for x in (obs, memory))
        seen, past = (torch.from_numpy(np.pad(x, fill)).to(self.device) for x in by_world)
        with torch.no_grad():
            q, after = self._unroll(params, seen[:, :, None], past)
        values, memory = (x[:, :worlds].flatten(1, 2).cpu().numpy() for x in (q[:, :, 0], after))
        return np.ascontiguousarray(values, np.float64), memory

    # -- learning ------------------------------------------------------------------------------------------------

    def plan(self, *seen: Any) -> Callable[[], None] | None:
        """The learning steps that are due, as work on what they replay, drawn now; None where none is."""
        owed = self.replay.owed
        if not owed.any():
            return None
        self._catch_up()
        drawn, updates = [], self.updates.copy()
        while owed.any():
            lanes = np.flatnonzero(owed)
            owed[lanes] -= 1
            batch = self.replay.sample(lanes, self.options.batch, self.keys["replay"], updates, self.device)
            drawn.append((lanes, batch))
            updates[lanes] += 1

        def work() -> None:
            for lanes, batch in drawn:
                self._improve(lanes, batch)

        return work

    def _learn(self) -> dict[str, np.ndarray]:
        """The steps that are due; returns a report."""
        before, work = self._begin(), self.plan()
        if work is not None:
            work()
        return {"loss": self._losses, "updates": self.updates - before, "epsilon": self.epsilon()}

    def _improve(self, lanes: np.ndarray, batch: Batch) -> None:
        """A step down the summed losses of some lanes (int64 [K])."""
        params = self.params[batch.lanes].requires_grad_()
        loss = self.loss(params, batch)
        (grads,) = torch.autograd.grad(loss.sum(), params)
        self._losses[lanes] = loss.detach().cpu().numpy()
        if not np.isfinite(self._losses[lanes]).all():
            raise self._bad_loss(int(lanes[~np.isfinite(self._losses[lanes])][0]))
        self.updates[lanes] += 1
        everyone = torch.zeros_like(self.params)
        everyone[batch.lanes] = grads
        active = np.zeros(self.n_lanes, np.bool_)
        active[lanes] = True
        self.adam.step_where(self.params, active, everyone, self.updates, self.options.clip)
        due = torch.as_tensor(active & (self.updates % self.options.target_every == 0), device=self.device)
        self.target[due] = self.params[due]

    # -- keeping -------------------------------------------------------------------------------------------------

    def export(self, lane: int, agent: int = 0) -> PolicyModule:
        """The network of one lane (and of one agent, where each has its own) as plain torch modules."""
        start = (agent if self.n_nets > 1 else 0) * self.net.n_params
        row = self.params[lane, start : start + self.net.n_params].cpu().numpy()
        return self.net.module(row)  # type: ignore[return-value]

    def _tensors(self) -> dict[str, torch.Tensor]:
        acting = {"acting": self.acting} if self.behind else {}
        return {"params": self.params, "target": self.target, "adam_m": self.adam.m, "adam_v": self.adam.v, **acting}

    def _state(self) -> dict[str, np.ndarray]:
        tensors = {name: tensor.cpu().numpy() for name, tensor in self._tensors().items()}
        clock = {"acting_updates": self.acting_updates} if self.behind else {}
        return {**super()._state(), **tensors, **clock, "replay_clocks": self.replay.clocks.T}

    def _memories(self) -> dict[str, np.ndarray]:
        return {"memory": self.memory.copy()} | {f"replay_{k}": v for k, v in self.replay.state().items()}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        self._prepare(memories["replay_growing_at"].shape[1])
        self.replay.restore({k.removeprefix("replay_"): v for k, v in memories.items()})
        self.memory[...] = memories["memory"]

    def _grown(self, name: str, saved: tuple[int, ...], mine: tuple[int, ...]) -> tuple[int, ...]:
        shape = super()._grown(name, saved, mine)
        most = self.replay.capacity if name.startswith("replay_rows") else shape[1]
        return (shape[0], min(shape[1], most), *shape[2:])

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        super().load_state_dict(state)
        if self.device.type != "cpu":
            for name, tensor in self._tensors().items():
                tensor.copy_(torch.from_numpy(state[name]))
