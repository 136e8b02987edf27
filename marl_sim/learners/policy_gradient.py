"""What REINFORCE, A2C, PPO and their centralised kin share: options, and rounds of learning in pieces and steps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from .actor_critic import BLOCK
from .base import Learner, check_count, check_discount, check_flag, check_positive
from .distributions import choice_odds, number_odds
from .fused_inputs import Seen
from .fused_policy import FusedPolicy, Terms, own, told
from .returns import advantages, normalise
from .samples import Batch, entries, flattened, numbered, pieces, scatter, sequences, shuffle_lanes, whole
from .schedules import Schedule, rates
from .streaming import StreamLanes
from .streams import Streams

Say = Callable[[torch.Tensor, torch.Tensor, Batch], tuple[torch.Tensor, ...]]
"""What a network says of entries: params [L, P], features [L, M, F], batch of M entries -> several [L, M]."""

DEFINING = ("evaluate", "_through", "_heads", "_worth", "_odds")  # what a loss is written with
ACTING = ("act", "_prefer", "_choose", "decided")  # what deciding and remembering are written with


@dataclass(frozen=True, kw_only=True)
class PolicyGradient(Learner, abstract=True):
    """Options that every learner of a policy has."""

    feed: ClassVar[str] = "streams"
    continuous: ClassVar[bool] = True
    epochs: ClassVar[int] = 1
    minibatches: ClassVar[int] = 1

    gamma: float = 0.99  # discount from one decision to the next, 0 to 1
    steps: int = 128  # steps of the world between two updates
    lr: float | Schedule = 1e-3  # Adam's step size; Linear(1e-3, 0.0, 500, per="updates") lets it fall
    hidden: tuple[int, ...] = (64, 64)  # widths of the hidden layers of the policy and of the critic
    activation: Literal["tanh", "relu"] = "tanh"  # between layers
    entropy: float = 0.01  # weight of the entropy bonus
    clip_norm: float | None = 0.5  # limit on the norm of a lane's gradient
    memory: int = 0  # size of a GRU before the policy; 0: none
    channels: tuple[int, ...] = (16,)  # of the 3 x 3 convolutions, where observations are pictures; (): none
    embed: bool = False  # index-coded columns as categories: each value has weights of its own, as if one-hot
    normalise_observations: bool = False  # networks see columns of mean 0 and deviation 1, by all learned from so far
    path: Literal["auto", "fused", "torch"] = (
        "auto"  # "fused": compiled, CPU, choices by plain layers of numbers; "torch": autograd, anywhere
    )

    def check(self) -> None:
        name = type(self).__name__
        for option in ("hidden", "channels"):
            object.__setattr__(self, option, tuple(getattr(self, option)))
            for width in getattr(self, option):
                check_count(f"A width in {name}.{option}", width)
        check_discount(f"{name}.gamma", self.gamma)
        check_count(f"{name}.steps", self.steps)
        if not isinstance(self.lr, Schedule):
            check_positive(f"{name}.lr", self.lr)
        check_positive(f"{name}.entropy", self.entropy, zero=True)
        if self.clip_norm is not None:
            check_positive(f"{name}.clip_norm", self.clip_norm)
        if self.memory:
            check_count(f"{name}.memory", self.memory)
        check_flag(f"{name}.embed", self.embed)
        check_flag(f"{name}.normalise_observations", self.normalise_observations)
        if self.normalise_observations and self.embed:
            raise ValueError(f"{name}.normalise_observations is True with embed=True; categories have no mean.")
        if self.activation not in ("tanh", "relu"):
            raise ValueError(f"{name}.activation is {self.activation!r}; it must be 'tanh' or 'relu'.")
        if self.path not in ("auto", "fused", "torch"):
            raise ValueError(f"{name}.path is {self.path!r}; it must be one of auto, fused, torch.")


class PolicyLanes(StreamLanes):
    """L policies that learn by gradients of a loss, which subclasses write.

    Every `steps` steps of the world all lanes learn from the decisions that are closed by then; the open ones are kept
    for the next time. looks_ahead: what is seen when it is time to learn closes a decision, so that all but those of
    agents whose turn it is not are closed.
    """

    looks_ahead = True
    round: Streams  # what is learned from now
    round_tick: int  # steps of the world by then
    round_lr: np.ndarray  # step sizes, by the lanes' clocks when the round began, float64 [L]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._idle = {"loss": np.full(self.n_lanes, np.nan), "updates": np.zeros(self.n_lanes, np.int64)}
        for array in self._idle.values():  # given out at most steps
            array.setflags(write=False)
        self.fused = self._fused()
        plain = self.sight is None and not self.spec.others and not self._own(ACTING)
        self.plays_at_once = self.fused is not None and plain

    def _own(self, names: Iterable[str]) -> bool:
        """Whether a subclass has methods of its own of these names, which no compiled form may pass over."""
        return any(getattr(type(self), name) is not getattr(PolicyLanes, name) for name in names)

    def _terms(self) -> Terms | None:
        """What the loss is made of, where it has a compiled form."""
        return None

    def _fused(self) -> FusedPolicy | None:
        """The compiled form of networks and loss, where there is one and it is wanted."""
        o, terms = self.options, self._terms()
        more = {"memory", "torso", "spread"} & {name for name, _ in self.net.parts}
        able = self.device.type == "cpu" and terms is not None and not self._own(DEFINING) and not more
        able = able and not o.embed
        if o.path == "fused" and not able:
            raise ValueError(
                f"{type(o).__name__}.path is 'fused' for head {self.spec.name!r} on {self.device.type}; it needs a "
                "CPU, choices, and actor and critic of plain layers that see numbers, and nothing else."
            )
        return FusedPolicy(self.net, terms, o.activation == "relu") if able and terms and o.path != "torch" else None

    def _prepare(self, streams: int) -> None:
        super()._prepare(streams)
        assert self.streams is not None
        self.round = self.streams
        self._size = whole(-(-(self.options.steps + 1) * streams // self.options.minibatches))
        self._waiting: tuple[torch.Tensor, torch.Tensor] | None = None

    @property
    def looks_now(self) -> bool:
        """Whether the next `learn` asks for what is seen."""
        due = (self.tick + 1) % self.options.steps == 0
        return self.looks_ahead and due and self.streams is not None

    def learn(
        self,
        obs: np.ndarray | None = None,
        legal: np.ndarray | None = None,
        deciding: np.ndarray | None = None,
        state: np.ndarray | None = None,
    ) -> dict[str, np.ndarray]:
        """After every step of the world: learn if it is time. Where `looks_now`, with what is seen and who decides now
        (as for `act`), and what groups see (as for `decided`).

        Returns "loss" (float64 [L], of the last step, NaN where none) and "updates" (int64 [L], steps done now). Raises
        FloatingPointError, naming lane and head, when a loss is not finite.
        """
        work = self.plan(obs, legal, deciding, state)
        if work is None:
            return self._idle
        before = self._begin()
        work()
        return {"loss": self._losses, "updates": self.updates - before}

    def plan(
        self,
        obs: np.ndarray | None = None,
        legal: np.ndarray | None = None,
        deciding: np.ndarray | None = None,
        state: np.ndarray | None = None,
    ) -> Callable[[], None] | None:
        """As `learn`, but what is to be learned is given out as work to do; None where it is not time.

        Where lanes act while they learn, the work is on copies of what they went through.
        """
        looks, s = self.looks_now, self.streams
        self.tick += 1
        if s is None or self.tick % self.options.steps:
            return None
        if looks:
            assert obs is not None and legal is not None and deciding is not None
            obs, legal, deciding = self._arrays(obs, legal, deciding)
            s.look(deciding, obs, legal, self.memory, state=self._joint(state))
        self._catch_up()
        first = self._kept()
        self.round, self.round_tick = s.copy() if self.behind else s, self.tick
        self.round_lr = rates(self.options.lr, self.updates, self.decisions)
        if self.behind:
            s.keep(first)
            return self._learn

        def learn_and_forget() -> None:
            self._learn()
            s.keep(first)

        return learn_and_forget

    def _kept(self) -> np.ndarray:
        """The first entry of each stream that is not learned from now, int64 [L, R]."""
        assert self.streams is not None
        return self.streams.count - self.streams.open

    def _learn(self) -> None:
        """One round of learning: values, advantages, and `epochs` passes in pieces."""
        s = self.round
        advantage, target = (np.zeros(s.reward.shape, np.float32) for _ in range(2))
        usable = np.zeros(s.reward.shape, np.bool_)
        self._returns(advantage, target, usable)
        if self.scale is not None:
            self.scale.update(target, usable)
            target = self.scale.shrink(target)
        if self.fused is not None:
            self._descend(self.fused, advantage, target, usable)
        else:
            for epoch in range(self.options.epochs):
                for batch, many in self._pieces(epoch, advantage, target, usable):
                    self._add(batch, many)
        if self.sight is not None:
            self.sight.update(self.round.obs, usable)

    def _returns(self, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray) -> None:
        """Fill the three [L, R, C] for what was gone through."""
        s, o = self.round, self.options
        advantages(s.reward, s.flags, s.count, self.values(), o.gamma, o.lam, advantage, target, usable)
        if o.normalise_advantages:
            normalise(advantage, usable, True, True)

    # -- what the networks say -----------------------------------------------------------------------------------

    def values(self) -> np.ndarray:
        """What the critic says of every entry, float32 [L, R, C], in the units of the rewards."""
        if self.fused is None:
            return self._sweep(lambda *of: (self._worth(*of),), 1)[0]
        found = self.fused.values(self.params.numpy(), self._seen()[1], self.round.count)
        return found if self.scale is None else self.scale.grow(found)

    def _worth(self, params: torch.Tensor, features: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The value of entries, [L, M], in the units of the critic."""
        return self.net.judge(params, features, batch.extra, batch.who)[..., 0]

    def _sweep(self, say: Say, outputs: int) -> list[np.ndarray]:
        """What `say` says of every entry there is, looks and open ones too, in the units of the rewards."""
        s = self.round
        there = np.arange(s.capacity) < s.count[..., None]
        out = [np.zeros(s.reward.shape, np.float32) for _ in range(outputs)]
        nothing = np.zeros(s.reward.shape, np.float32)
        with torch.no_grad():
            if self.options.memory:
                everyone = np.tile(np.arange(s.lead[1]), (self.n_lanes, 1))
                batch = sequences(s, everyone, self._length, self.spec.team, nothing, nothing, nothing, self.device)
                for mine, said in zip(out, self._through(say, self.params, batch)):
                    some = slice(min(self._length, s.capacity))
                    mine[:, :, some] = np.where(there[:, :, some], said.cpu().numpy()[:, :, some], 0)
            else:
                index, n = numbered(there)
                for at, many, _ in pieces(index, n, self._size):
                    batch = entries(s, at, many, self.spec.team, nothing, nothing, nothing[:, 0, 0], self.device)
                    for mine, said in zip(out, self._through(say, self.params, batch)):
                        scatter(said.cpu().numpy(), at, many, mine)
        return out if self.scale is None else [self.scale.grow(x) for x in out]

    def _through(self, say: Say, params: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, ...]:
        """What `say` says of a batch, several [L, M] (or [L, S, T]): memory is unrolled, then block by block."""
        batch = self._scaled(batch)
        if batch.memory is None:
            return say(params, self.net.seen(params, batch.obs, batch.who), batch)
        assert batch.fresh is not None
        memory = self.net.unroll(params, batch.obs, batch.who, batch.memory, batch.fresh)
        found = []
        for start in range(0, memory.shape[2], BLOCK):
            block = flattened(batch, start, BLOCK)
            said = say(params, memory[:, :, start : start + BLOCK].flatten(1, 2), block)
            found.append([x.unflatten(1, (batch.who.shape[1], BLOCK)) for x in said])
        return tuple(torch.cat(x, 2) for x in zip(*found))

    def _scaled(self, batch: Batch) -> Batch:
        """A batch as the networks see it, where observations are normalised."""
        if self.sight is None:
            return batch
        joint = self.spec.state_dim
        state, rest = batch.extra[..., :joint], batch.extra[..., joint:]
        extra = torch.cat([self.sight.scaled(state, joint // self.spec.obs_dim), rest], -1) if joint else batch.extra
        return batch._replace(obs=self.sight.scaled(batch.obs), extra=extra)

    def evaluate(self, params: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Log odds of the actions taken, entropy and value of every entry, [L, M] (or [L, S, T])."""
        return self._through(self._heads, params, batch)  # type: ignore[return-value]

    def _heads(self, params: torch.Tensor, features: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, ...]:
        said = self.net.choose(params, features)
        if self.spec.box is None:
            logp, entropy, _ = self._odds(said, batch)
        else:
            logp, entropy = number_odds(said, self.net.spread(params), batch.action)
        return logp, entropy, self._worth(params, features, batch) if "critic" in self.net else logp * 0

    def _odds(self, logits: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Log odds of the choices taken, entropy [L, M], and the log odds of all choices [L, M, A]."""
        return choice_odds(logits, batch.legal, batch.action[..., 0].long())

    # -- pieces and steps ----------------------------------------------------------------------------------------

    @property
    def _length(self) -> int:
        """Entries to unroll: those of the longest stream, in whole blocks."""
        return -(-int(self.round.count.max(initial=1)) // BLOCK) * BLOCK

    def _pieces(
        self, epoch: int, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray
    ) -> Iterator[tuple[Batch, np.ndarray]]:
        """Batches of one pass, each with the entries that every lane has in it (int64 [L]); negative: more of the
        same step come."""
        s, o = self.round, self.options
        if o.memory:
            yield from self._sequences(epoch, advantage, target, usable)
            return
        index, n = self._order(epoch, usable)
        for at, many, last in pieces(index, n, self._size, o.minibatches):
            share = (1 / np.maximum(many if o.minibatches > 1 else n, 1)).astype(np.float32)
            batch = entries(s, at, many, self.spec.team, advantage, target, share, self.device)
            yield batch, many if o.minibatches > 1 else np.where(last, many, -many)

    def _pass(self, epoch: int) -> np.ndarray:
        """The number of a pass since the training began, int64 [L]."""
        return np.full(self.n_lanes, self.round_tick * self.options.epochs + epoch)

    def _order(self, epoch: int, usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Usable entries in the order of a pass: their numbers int64 [L, N], and how many there are [L]."""
        index, n = numbered(usable)
        if self.options.minibatches > 1:
            shuffle_lanes(self.keys["replay"], self._pass(epoch), index, n)
        return index, n

    def _seen(self) -> tuple[Seen, Seen]:
        """What actors see of the round, and what critics see: the same, unless they are central."""
        obs, states, sight = self.round.obs, self.round.states, self.sight
        if sight is not None:
            obs = sight.scaled(torch.from_numpy(obs)).numpy()
        mine = own(obs)
        if states is None:
            return mine, mine
        rows = states.rows
        if sight is not None:  # each lane by its own scale
            rows = np.repeat(rows, self.n_lanes // len(rows), axis=0)
            rows = sight.scaled(torch.from_numpy(rows), self.spec.state_dim // self.spec.obs_dim).numpy()
        return mine, Seen(rows.reshape(len(rows), -1, rows.shape[3]), states.flat(), self.round.capacity)

    def _descend(self, fused: FusedPolicy, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray) -> None:
        """All passes, compiled; the pieces and steps are those of `_pieces`."""
        s, o = self.round, self.options
        orders = [self._order(epoch, usable) for epoch in range(o.epochs)]
        n = orders[0][1]
        parts = np.maximum(o.minibatches, -(-n // self._size)) if o.minibatches > 1 else np.ones_like(n)
        given = told(*self._seen(), s.legal, s.action, s.logp, advantage, target)
        mine = self.params.numpy(), self.adam.m.numpy(), self.adam.v.numpy()
        index = np.stack([index for index, _ in orders])
        bad = fused.descend(given, index, n, parts, *mine, self.updates, self._losses, self.round_lr, o.clip_norm)
        if bad >= 0:
            raise self._bad_loss(bad)

    def _sequences(
        self, epoch: int, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray
    ) -> Iterator[tuple[Batch, np.ndarray]]:
        """The same in whole streams."""
        s, o = self.round, self.options
        streams = s.lead[1]
        index = np.tile(np.arange(streams), (self.n_lanes, 1))
        parts = min(o.minibatches, streams)
        if parts > 1:
            all_of = np.full(self.n_lanes, streams)
            shuffle_lanes(self.keys["replay"], self._pass(epoch), index, all_of)
        lanes = np.arange(self.n_lanes)[:, None]
        for part in range(parts):
            start, stop = streams * part // parts, streams * (part + 1) // parts
            chosen = np.full((self.n_lanes, -(-streams // parts)), -1)
            chosen[:, : stop - start] = index[:, start:stop]
            many = usable[lanes, index[:, start:stop]].sum((1, 2))
            weight = usable * (1 / np.maximum(many, 1)).astype(np.float32)[:, None, None]
            yield sequences(s, chosen, self._length, self.spec.team, advantage, target, weight, self.device), many

    def loss(self, params: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss [L] of the lanes under parameter rows [L, P]: what autograd differentiates."""
        raise NotImplementedError

    def _add(self, batch: Batch, many: np.ndarray) -> None:
        """A step down the loss of the lanes with entries in the batch; where more of them come, it waits for those."""
        params = self.params.detach().requires_grad_()
        loss = self.loss(params, batch)
        (grads,) = torch.autograd.grad(loss.sum(), params)
        loss = loss.detach()
        if self._waiting is not None:
            loss, grads = loss + self._waiting[0], grads + self._waiting[1]
            self._waiting = None
        active = many > 0
        if (many < 0).any():
            waits = torch.as_tensor(many < 0, device=self.device)
            self._waiting = torch.where(waits, loss, 0.0), torch.where(waits[:, None], grads, 0.0)
        self._losses[active] = loss.cpu().numpy()[active]
        if not np.isfinite(self._losses[active]).all():
            raise self._bad_loss(int(np.flatnonzero(active & ~np.isfinite(self._losses))[0]))
        self.updates[active] += 1
        self.adam.step_where(self.params, active, grads, self.updates, self.options.clip_norm, self.round_lr)
