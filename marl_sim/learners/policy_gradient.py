"""What REINFORCE, A2C, PPO and their centralised kin share: acting, streams, values, pieces and steps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from .actor_critic import BLOCK, ActorCritic
from .base import HeadSpec, Learner, check_count, check_discount, check_positive
from .distributions import NOTHING_TO_CHOOSE, choice_odds, draw_choices, draw_numbers, number_odds
from .export import PolicyModule
from .lanes import Lanes
from .optim import Adam
from .returns import advantages, normalise, usable_entries
from .samples import Batch, agents, entries, gather, pieces, scatter, sequences, shuffle_lanes, whole
from .streams import Streams
from .value_scale import ValueScale


@dataclass(frozen=True, kw_only=True)
class PolicyGradient(Learner, abstract=True):
    """Options that every learner of a policy has."""

    feed: ClassVar[str] = "streams"
    continuous: ClassVar[bool] = True
    epochs: ClassVar[int] = 1
    minibatches: ClassVar[int] = 1

    gamma: float = 0.99  # discount from one decision to the next, 0 to 1
    steps: int = 128  # steps of the world between two updates
    lr: float = 1e-3  # Adam's step size
    hidden: tuple[int, ...] = (64, 64)  # widths of the hidden layers of the policy and of the critic
    activation: Literal["tanh", "relu"] = "tanh"  # between layers
    entropy: float = 0.01  # weight of the entropy bonus
    clip_norm: float | None = 0.5  # limit on the norm of a lane's gradient
    memory: int = 0  # size of a GRU before the policy; 0: none
    channels: tuple[int, ...] = (16,)  # of the 3 x 3 convolutions, where observations are pictures; (): none

    def check(self) -> None:
        name = type(self).__name__
        for option in ("hidden", "channels"):
            object.__setattr__(self, option, tuple(getattr(self, option)))
            for width in getattr(self, option):
                check_count(f"A width in {name}.{option}", width)
        check_discount(f"{name}.gamma", self.gamma)
        check_count(f"{name}.steps", self.steps)
        check_positive(f"{name}.lr", self.lr)
        check_positive(f"{name}.entropy", self.entropy, zero=True)
        if self.clip_norm is not None:
            check_positive(f"{name}.clip_norm", self.clip_norm)
        if self.memory:
            check_count(f"{name}.memory", self.memory)
        if self.activation not in ("tanh", "relu"):
            raise ValueError(f"{name}.activation is {self.activation!r}; it must be 'tanh' or 'relu'.")


class PolicyLanes(Lanes):
    """L policies. `params` float32 [L, P], rows as `net` lays them out. Subclasses write `loss`.

    R streams a lane: agent r % team of world r // team. Every `steps` steps of the world all lanes learn from the
    decisions that are closed by then; the open ones are kept for the next time.
    """

    options: Any
    critic_outputs = 1

    def __init__(
        self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu"
    ) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.device = torch.device(device)
        self.net = self._network()
        self.params = torch.from_numpy(self.net.init(self.keys["init"])).to(self.device)
        self.adam = Adam(self.params, options.lr)
        self.ticks = np.zeros(self.n_lanes, np.int64)  # steps of the world
        self.scale = ValueScale(self.n_lanes) if getattr(options, "normalise_values", False) else None
        self.streams: Streams | None = None

    def _network(self) -> ActorCritic:
        o = self.options
        state = self.spec.state_dim if o.central else 0
        return ActorCritic(self.spec, o.hidden, o.activation, o.memory, o.channels, self.critic_outputs, state)

    def _prepare(self, streams: int) -> None:
        """Memory for R streams a lane, once it is known how many there are."""
        s, o = self.spec, self.options
        numbers = s.n_actions if s.box else 1
        self.streams = Streams(self.n_lanes, streams, s.obs_dim, s.n_actions, numbers, o.memory, self.extra_dim)
        self.memory = self.fresh_memory(streams)
        self._before = self.memory.copy()
        self._logp = np.zeros((self.n_lanes, streams), np.float32)
        self._drawn = np.zeros((self.n_lanes, streams, numbers), np.float32)
        self._who = torch.arange(streams, device=self.device) % s.team
        self._size = whole(-(-(o.steps + 1) * streams // o.minibatches))

    @property
    def extra_dim(self) -> int:
        """Length of what a decision is kept with besides: the central state."""
        return self.spec.state_dim if self.options.central else 0

    def fresh_memory(self, streams: int) -> np.ndarray:
        """Empty memory for `act` in other worlds than those of the training, float32 [L, R, H]."""
        return np.zeros((self.n_lanes, streams, self.options.memory), np.float32)

    # -- acting --------------------------------------------------------------------------------------------------

    def act(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        deciding: np.ndarray,
        greedy: bool = False,
        memory: np.ndarray | None = None,
    ) -> np.ndarray:
        """Actions int64 [L, R], 0 where nobody decides; of a continuous decision float32 [L, R, A], inside the box.

        obs float32 [L, R, D]; legal bool [L, R, A]; deciding bool [L, R]. greedy: the likeliest action, or the mean,
        without disturbing the random stream. memory: of other worlds than the training's (`fresh_memory`); it moves on.
        """
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        if self.streams is None or (memory is None and self.streams.lead[1] != obs.shape[1]):
            self._prepare(obs.shape[1])
        mine = memory is None
        said, memory = self._prefer(obs, deciding, self.memory if mine else memory, keep=mine)
        key, clock = ("greedy ties", self.greedy_ties) if greedy else ("explore", self.decisions)
        logp = self._logp if mine else np.zeros(deciding.shape, np.float32)
        if self.spec.box is None:
            if self._actions.shape != deciding.shape:
                self._actions = np.zeros(deciding.shape, np.int64)
            stuck = draw_choices(said, legal, deciding, self.keys[key], clock, greedy, self._actions, logp)
            actions: np.ndarray = self._actions
        else:
            drawn = self._drawn if mine else np.zeros(said.shape, np.float32)
            spread = self.net.spread(self.params).cpu().numpy()
            stuck = draw_numbers(said, spread, deciding, self.keys[key], clock, greedy, drawn, logp)
            low, high = (np.asarray(end, np.float32) for end in self.spec.box)
            inside = low + (np.clip(drawn, -1, 1) + 1) / 2 * (high - low)
            actions = np.where(deciding[..., None], np.clip(inside, low, high), 0).astype(np.float32)
        if stuck != NOTHING_TO_CHOOSE:
            raise self._nothing_legal(stuck)
        return actions

    def _prefer(
        self, obs: np.ndarray, deciding: np.ndarray, memory: np.ndarray, keep: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Logits or means float32 [L, R, A]; memory moves on where somebody decides."""
        with torch.no_grad():
            who = (torch.arange(obs.shape[1], device=self.device) % self.spec.team).expand(obs.shape[:2])
            features = self.net.seen(self.params, torch.from_numpy(obs).to(self.device), who)
            if self.options.memory:
                if keep:
                    self._before[...] = memory
                features = self.net.remember(self.params, features, torch.from_numpy(memory).to(self.device))
                np.copyto(memory, features.cpu().numpy(), where=deciding[..., None])
            return self.net.choose(self.params, features).cpu().numpy(), memory

    # -- remembering ---------------------------------------------------------------------------------------------

    def decided(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        deciding: np.ndarray,
        action: np.ndarray,
        extra: np.ndarray | None = None,
    ) -> None:
        """What `act` just chose was played: arguments as there, extra float32 [L, R, E] as `extra_dim` says."""
        assert self.streams is not None
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        kept = self._drawn if self.spec.box else action[..., None].astype(np.float32)
        self.streams.decide(deciding, obs, legal, kept, self._logp, self._before, self._extra(extra, deciding))

    def earn(self, reward: np.ndarray) -> None:
        """Rewards of a step, float [L, R]. Raises FloatingPointError where one that counts is not finite."""
        if self.streams is not None:
            bad = self.streams.earn(np.ascontiguousarray(reward, np.float64))
            if bad >= 0:
                raise self._bad_reward(bad)

    def ended(
        self,
        terminated: np.ndarray,
        truncated: np.ndarray,
        final_obs: np.ndarray | None = None,
        extra: np.ndarray | None = None,
    ) -> None:
        """Ends of games and of episodes after a step, bool [L, R].

        final_obs: what was last seen where truncated, to bootstrap from; None: the society lives on, and what comes
        after the last decision is the next one, in the next episode.
        """
        if self.streams is None:
            return
        if terminated.any():
            self.streams.end(terminated)
        over = terminated
        if final_obs is not None and truncated.any():
            obs, legal, where = self._arrays(
                final_obs, np.ones((*truncated.shape, self.spec.n_actions), bool), truncated
            )
            self.streams.look(where, obs, legal, self.memory, self._extra(extra, where))
            self.streams.begin_anew(where)
            over = terminated | truncated
        if self.options.memory and over.any():
            self.memory[over] = 0

    def _extra(self, extra: np.ndarray | None, deciding: np.ndarray) -> np.ndarray | None:
        if not self.extra_dim:
            return None
        if extra is None:
            raise ValueError(f"{type(self.options).__name__} needs what the whole group sees, and got nothing.")
        extra = np.ascontiguousarray(extra, np.float32)
        self._fit("extra", extra, (*deciding.shape, self.extra_dim))
        return extra

    # -- learning ------------------------------------------------------------------------------------------------

    def learn(
        self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, extra: np.ndarray | None = None
    ) -> dict[str, np.ndarray]:
        """After every step of the world, with what is seen and who decides now (as for `act`): learn if it is time.

        Returns "loss" (float64 [L], NaN where none) and "updates" (int64 [L], steps done now). Raises
        FloatingPointError, naming lane and head, when a loss is not finite.
        """
        before = self._begin()
        self.ticks += 1
        if self.streams is not None and self.ticks[0] % self.options.steps == 0:
            obs, legal, deciding = self._arrays(obs, legal, deciding)
            self.streams.look(deciding, obs, legal, self.memory, self._extra(extra, deciding))
            self._learn()
        return {"loss": self._losses, "updates": self.updates - before}

    def _learn(self) -> None:
        """One round of learning: values, advantages, `epochs` passes in pieces, and forgetting."""
        s, o = self.streams, self.options
        assert s is not None
        advantage, target = (np.zeros(s.reward.shape, np.float32) for _ in range(2))
        usable = np.zeros(s.reward.shape, np.bool_)
        first = self._returns(advantage, target, usable)
        if self.scale is not None:
            self.scale.update(target, usable)
            target = self.scale.shrink(target)
        for epoch in range(o.epochs):
            for batch, weight in self._pieces(epoch, advantage, target, usable):
                self._add(batch, weight)
        s.keep(first)

    def _returns(self, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray) -> np.ndarray:
        """Fill the three [L, R, C] for what was gone through; returns the first entries to keep, int64 [L, R]."""
        s, o = self.streams, self.options
        assert s is not None
        advantages(s.reward, s.flags, s.count, self.values(), o.gamma, o.lam, advantage, target, usable)
        if getattr(o, "normalise_advantages", False):
            normalise(advantage, usable, True, True)
        return s.count - s.open

    def values(self) -> np.ndarray:
        """What the critic says of every entry, float32 [L, R, C], in the units of the rewards."""
        s = self.streams
        assert s is not None
        there = np.arange(s.capacity) < s.count[..., None]
        out, nothing = np.zeros(s.reward.shape, np.float32), np.zeros(s.reward.shape, np.float32)
        with torch.no_grad():
            if self.options.memory:
                everyone = np.tile(np.arange(s.lead[1]), (self.n_lanes, 1))
                batch = sequences(s, everyone, self._length, self.spec.team, nothing, nothing, nothing, self.device)
                judged = self.evaluate(self.params, batch)[2].cpu().numpy()[:, :, : s.capacity]
                out[:, :, : judged.shape[2]] = np.where(there[:, :, : judged.shape[2]], judged, 0)
            else:
                index, n = self._number(there)
                for start, stop, _ in pieces(index, n, self._size):
                    obs, extra = (self._there(x, index, start, stop) for x in (s.obs, s.extra))
                    who = torch.from_numpy(agents(index, start, stop, self._size, s.capacity, self.spec.team))
                    who = who.to(self.device)
                    seen = obs if self.net.central else self.net.seen(self.params, obs, who)
                    judged = self.net.judge(self.params, seen, extra, who)[..., 0]
                    scatter(judged.cpu().numpy(), index, start, stop, out)
        return out if self.scale is None else self.scale.grow(out)

    def _there(self, source: np.ndarray, index: np.ndarray, start: int, stop: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(gather(source, index, start, stop, self._size)).to(self.device)

    @property
    def _length(self) -> int:
        """Entries to unroll: those of the longest stream, in whole blocks."""
        assert self.streams is not None
        return -(-int(self.streams.count.max(initial=1)) // BLOCK) * BLOCK

    def _number(self, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        index, n = np.zeros((self.n_lanes, usable[0].size), np.int64), np.zeros(self.n_lanes, np.int64)
        usable_entries(usable, index, n)
        return index[:, : int(n.max(initial=0))].copy(), n

    def _pieces(
        self, epoch: int, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray
    ) -> Iterator[tuple[Batch, np.ndarray]]:
        """Batches of one pass, each with the entries that every lane has in it (int64 [L])."""
        s, o = self.streams, self.options
        assert s is not None
        if o.memory:
            yield from self._sequences(epoch, advantage, target, usable)
            return
        index, n = self._number(usable)
        if o.minibatches > 1:
            shuffle_lanes(self.keys["replay"], self.ticks * o.epochs + epoch, index, n)
        for start, stop, many in pieces(index, n, self._size):
            share = (1 / np.maximum(many if o.minibatches > 1 else n, 1)).astype(np.float32)
            yield (
                entries(s, index, start, stop, self._size, self.spec.team, advantage, target, share, self.device),
                (many if o.minibatches > 1 else np.where(stop == n, many, -many)),
            )

    def _sequences(
        self, epoch: int, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray
    ) -> Iterator[tuple[Batch, np.ndarray]]:
        """The same in whole streams."""
        s, o = self.streams, self.options
        assert s is not None
        streams = s.lead[1]
        index = np.tile(np.arange(streams), (self.n_lanes, 1))
        size = -(-streams // o.minibatches)
        if o.minibatches > 1:
            all_of = np.full(self.n_lanes, streams)
            shuffle_lanes(self.keys["replay"], self.ticks * o.epochs + epoch, index, all_of)
        lanes = np.arange(self.n_lanes)[:, None]
        for start in range(0, streams, size):
            chosen = np.full((self.n_lanes, size), -1)
            chosen[:, : streams - start] = index[:, start : start + size]
            many = usable[lanes, index[:, start : start + size]].sum((1, 2))
            weight = usable * (1 / np.maximum(many, 1)).astype(np.float32)[:, None, None]
            yield sequences(s, chosen, self._length, self.spec.team, advantage, target, weight, self.device), many

    def evaluate(self, params: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Log odds of the actions taken, entropy and value of every entry, [L, M] (or [L, S, T])."""
        if batch.memory is None:
            return self._heads(params, self.net.seen(params, batch.obs, batch.who), batch, batch.who)
        memory = self.net.unroll(params, batch.obs, batch.who, batch.memory, batch.fresh)
        found = []
        for start in range(0, memory.shape[2], BLOCK):
            now = slice(start, start + BLOCK)
            flat = Batch(*(None if x is None else x[:, :, now].flatten(1, 2) for x in batch[:8]), batch.who)
            who = batch.who[:, :, None].expand(*batch.who.shape, BLOCK).flatten(1, 2)
            heads = self._heads(params, memory[:, :, now].flatten(1, 2), flat, who)
            found.append([x.unflatten(1, (batch.who.shape[1], BLOCK)) for x in heads])
        return tuple(torch.cat(x, 2) for x in zip(*found))  # type: ignore[return-value]

    def _heads(
        self, params: torch.Tensor, features: torch.Tensor, batch: Batch, who: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        said = self.net.choose(params, features)
        if self.spec.box is None:
            logp, entropy, _ = choice_odds(said, batch.legal, batch.action[..., 0].long())
        else:
            logp, entropy = number_odds(said, self.net.spread(params), batch.action)
        value = self.net.judge(params, features, batch.extra, who)[..., 0] if "critic" in self.net else logp * 0
        return logp, entropy, value

    def loss(self, params: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss [L] of the lanes under parameter rows [L, P]: what autograd differentiates."""
        raise NotImplementedError

    def _add(self, batch: Batch, many: np.ndarray) -> None:
        """A step down the loss of the lanes with entries in the batch; negative counts wait for the lane's next."""
        params = self.params.detach().requires_grad_()
        loss = self.loss(params, batch)
        (grads,) = torch.autograd.grad(loss.sum(), params)
        waiting = getattr(self, "_waiting", None)
        if waiting is not None:
            grads, self._waiting = grads + waiting, None
        active = many > 0
        if (many < 0).any():  # the rest of these lanes' entries comes in the next piece
            self._waiting = torch.where(torch.as_tensor(many < 0, device=self.device)[:, None], grads, 0.0)
        self._losses[active] = loss.detach().cpu().numpy()[active]
        if not np.isfinite(self._losses[active]).all():
            raise self._bad_loss(int(np.flatnonzero(active & ~np.isfinite(self._losses))[0]))
        self.updates[active] += 1
        self.adam.step_where(self.params, active, grads, self.updates, self.options.clip_norm)

    def end_episode(self, lanes: np.ndarray | None = None) -> None:
        """Streams know their ends; nothing to do."""

    # -- keeping -------------------------------------------------------------------------------------------------

    def export(self, lane: int) -> PolicyModule:
        """One agent as plain torch modules."""
        return self.net.module(self.params[lane].cpu().numpy())  # type: ignore[return-value]

    def _tensors(self) -> dict[str, torch.Tensor]:
        return {"params": self.params, "adam_m": self.adam.m, "adam_v": self.adam.v}

    def _state(self) -> dict[str, np.ndarray]:
        kept = {**super()._state(), "ticks": self.ticks}
        for name, tensor in self._tensors().items():
            kept |= {f"{name}/{k}": v for k, v in self.net.names(tensor.cpu().numpy()).items()}
        if self.scale is not None:
            kept |= self.scale.state()
        if self.streams is not None:
            kept["memory"] = self.memory
        return kept

    def _memories(self) -> dict[str, np.ndarray]:
        return {} if self.streams is None else {f"streams/{k}": v for k, v in self.streams.state().items()}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        if self.streams is not None:
            self.streams.restore({k.removeprefix("streams/"): v for k, v in memories.items()})

    def _grown(self, name: str, saved: tuple[int, ...], mine: tuple[int, ...]) -> tuple[int, ...]:
        """Entries of streams are the third dimension."""
        return (*mine[:2], *saved[2:3], *mine[3:]) if len(saved) == len(mine) else mine

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        if self.streams is None and "streams/count" in state:
            self._prepare(np.shape(state["streams/count"])[1])
        super().load_state_dict(state)
        if self.device.type != "cpu":
            for name, tensor in self._tensors().items():
                for k, view in self.net.names(rows := tensor.cpu().numpy()).items():
                    view[...] = state[f"{name}/{k}"]
                tensor.copy_(torch.from_numpy(rows))
