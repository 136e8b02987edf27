"""What learners share who look at all players of a group at once: N policies a lane, and what all of them went through.

A lane is a group of N players who never share a number: rows of parameters [L, N, P]. It keeps whole steps of its
worlds, everybody's observation, choice and reward side by side, and learns from `steps` of them at a time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, NamedTuple

import numpy as np
import torch

from .base import HeadSpec, Learner, check_count, check_discount, check_positive
from .distributions import NOTHING_TO_CHOOSE, choice_odds, draw_choices
from .draws import player_keys
from .lanes import Lanes
from .lookup import MAX_ROWS, Table
from .nets import MLP, split
from .samples import whole


@dataclass(frozen=True, kw_only=True)
class JointLearner(Learner, abstract=True):
    """Options of learners that drive a group of players with a policy each."""

    feed: ClassVar[str] = "rounds"
    team: ClassVar[bool] = True

    gamma: float = 0.96  # discount from one step of the world to the next, 0 to 1
    steps: int = 128  # steps of the world between two updates; best a multiple of an episode's
    policy: Literal["net", "table"] = "net"  # a network, or a table of what index-coded observations call for
    hidden: tuple[int, ...] = (32,)  # widths of the hidden layers, where policies are networks
    activation: Literal["tanh", "relu"] = "tanh"  # between layers
    spread: float = 0.1  # tables start with log odds uniform within this of 0

    def check(self) -> None:
        name = type(self).__name__
        object.__setattr__(self, "hidden", tuple(self.hidden))
        for width in self.hidden:
            check_count(f"A width in {name}.hidden", width)
        check_discount(f"{name}.gamma", self.gamma)
        check_count(f"{name}.steps", self.steps)
        check_positive(f"{name}.spread", self.spread, zero=True)
        for option, allowed in (("policy", ("net", "table")), ("activation", ("tanh", "relu"))):
            if getattr(self, option) not in allowed:
                raise ValueError(
                    f"{name}.{option} is {getattr(self, option)!r}; it must be {' or '.join(map(repr, allowed))}."
                )


class JointBatch(NamedTuple):
    """`steps` steps of B worlds, with steps of nothing behind them up to T, a multiple of WHOLE; M = T * B, K = L * N.

    obs float32 [K, M, D]; legal bool [K, M, A]; action int64 [K, M]; deciding float32 [L, N, T, B], 1 where a player
    chose; reward float32 [L, N, T, B]; first int64 [L, T, B], the number of the step with which the episode of each
    began, 0 where it began before; ended bool [L, T, B], the episode's last step; there float32 [T, 1], 0 in padding.
    """

    obs: torch.Tensor
    legal: torch.Tensor
    action: torch.Tensor
    deciding: torch.Tensor
    reward: torch.Tensor
    first: torch.Tensor
    ended: torch.Tensor
    there: torch.Tensor

    def discount(self, gamma: float) -> torch.Tensor:
        """gamma to the number of steps since the episode began, float32 [L, T, B]; 0 in padding."""
        age = torch.arange(self.first.shape[1], device=self.first.device)[:, None] - self.first
        powers = torch.tensor([gamma**t for t in range(self.first.shape[1])], dtype=torch.float32)
        return powers.to(self.first.device)[age] * self.there

    def episodes(self) -> torch.Tensor:
        """How many episodes there are, or parts of them, [L]."""
        begun = (self.first == torch.arange(self.first.shape[1], device=self.first.device)[:, None]) & (self.there > 0)
        return begun.flatten(1).sum(1)

    def advantages(self, values: torch.Tensor, gamma: float, lam: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Generalised advantage estimates [L, N, T, B] (Schulman et al. 2016), and where there are any, [L, T, B].

        values [L, N, T, B]: what each player expects from each step on. Where the batch cuts an episode, its last step
        is there to be valued, and has no advantage.
        """
        steps = int(self.there.sum())
        usable = (self.there > 0) & (
            self.ended | (torch.arange(len(self.there))[:, None] < steps - 1).to(values.device)
        )
        trace, after = torch.zeros_like(values[:, :, 0]), values[:, :, steps - 1]
        found = torch.zeros_like(values)
        for t in range(steps - 1, -1, -1):
            over = self.ended[:, None, t]
            error = self.reward[:, :, t] + gamma * after.masked_fill(over, 0.0) - values[:, :, t]
            trace = (error + gamma * lam * trace.masked_fill(over, 0.0)).masked_fill(~usable[:, None, t], 0.0)
            found[:, :, t], after = trace, values[:, :, t]
        return found, usable

    def to_go(self, reward: torch.Tensor, gamma: float) -> torch.Tensor:
        """Discounted sums of rewards [L, N, T, B] to the end of the episode, or of the batch; differentiable."""
        total, found = torch.zeros_like(reward[:, :, 0]), []
        for t in range(reward.shape[2] - 1, -1, -1):
            total = reward[:, :, t] + gamma * total.masked_fill(self.ended[:, None, t], 0.0)
            found.append(total)
        return torch.stack(found[::-1], 2)


class JointLanes(Lanes):
    """L groups of N players. `params` float32 [L * N, P]: rows of policies, group by group."""

    options: Any
    NAMES = ("obs", "legal", "deciding", "action", "reward", "ended")

    def __init__(
        self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu"
    ) -> None:
        super().__init__(options, spec, seeds, team_index)
        if options.policy == "table" and (spec.levels is None or int(np.prod(spec.levels)) > MAX_ROWS):
            raise ValueError(
                f"Head {spec.name!r} has levels {spec.levels!r}; {type(options).__name__} with policy='table' needs an "
                f"index-coded observation (encode='index') of at most {MAX_ROWS} combinations."
            )
        self.device, self.players = torch.device(device), spec.team
        self.net = self.part(spec.n_actions, policy=True)
        self.params = self.start("policy", self.net)
        self.learned_by = np.zeros((self.n_lanes, self.players), np.int64)  # learning steps of each player
        self.filled = 0
        self.kept: dict[str, np.ndarray] | None = None

    def part(self, outputs: int, policy: bool = False) -> Any:
        """A network or a table of the observation; a policy's last action has log odds of 0 in a table."""
        o, s = self.options, self.spec
        if o.policy == "table":
            assert s.levels is not None
            return Table(s.levels, outputs - policy, o.spread if policy else 0.0)
        return MLP(s.obs_dim, o.hidden, outputs, o.activation, last=0.01 if policy else 1.0)

    def start(self, name: str, part: Any) -> torch.Tensor:
        """Initial parameters of every player, float32 [L * N, P]; each player's draws are its own."""
        return torch.from_numpy(part.init(player_keys(self.keys["init"], self.players, name))).to(self.device)

    # -- acting --------------------------------------------------------------------------------------------------

    def act(self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool = False) -> np.ndarray:
        """Actions int64 [L, R], 0 where nobody decides; R = worlds * N, worlds first.

        obs float32 [L, R, D]; legal bool [L, R, A]; deciding bool [L, R]. greedy: the likeliest action, without
        disturbing the random stream.
        """
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        if self.options.policy == "table":
            self._check_levels(obs, deciding)
        worlds = deciding.shape[1] // self.players
        by_player = np.zeros((self.n_lanes, self.players, whole(worlds), self.spec.obs_dim), np.float32)
        seen = np.where(deciding[..., None], obs, np.float32(0))
        by_player[:, :, :worlds] = seen.reshape(self.n_lanes, worlds, self.players, -1).swapaxes(1, 2)
        with torch.no_grad():
            said = self.logits(self.params, torch.from_numpy(by_player).to(self.device).flatten(0, 1)).cpu().numpy()
        said = said.reshape(self.n_lanes, self.players, -1, self.spec.n_actions)[:, :, :worlds].swapaxes(1, 2)
        if self._actions.shape != deciding.shape:
            self._actions = np.zeros(deciding.shape, np.int64)
        key, clock = ("greedy ties", self.greedy_ties) if greedy else ("explore", self.decisions)
        said = np.ascontiguousarray(said.reshape(legal.shape))
        odds = np.zeros(deciding.shape, np.float32)
        stuck = draw_choices(said, legal, deciding, self.keys[key], clock, greedy, self._actions, odds)
        if stuck != NOTHING_TO_CHOOSE:
            raise self._nothing_legal(stuck)
        return self._actions

    def logits(self, params: torch.Tensor, obs: torch.Tensor) -> torch.Tensor:
        """Log odds of all actions [K, M, A] of policies [K, P] that see obs [K, M, D]."""
        said = self.net.forward(params, obs)
        return torch.nn.functional.pad(said, (0, 1)) if self.options.policy == "table" else said

    # -- remembering ---------------------------------------------------------------------------------------------

    def _prepare(self, rows: int) -> None:
        if rows % self.players:
            raise ValueError(f"Head {self.spec.name!r} got {rows} rows; {self.players} players need a multiple.")
        lead = (self.n_lanes, self.options.steps, rows)
        self.kept = {
            "obs": np.zeros((*lead, self.spec.obs_dim), np.float32),
            "legal": np.zeros((*lead, self.spec.n_actions), np.bool_),
            "deciding": np.zeros(lead, np.bool_),
            "action": np.zeros(lead, np.int64),
            "reward": np.zeros(lead, np.float32),
            "ended": np.zeros(lead, np.bool_),
        }

    def add(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        deciding: np.ndarray,
        action: np.ndarray,
        reward: np.ndarray,
        ended: np.ndarray,
    ) -> None:
        """A step of all worlds: what everybody saw and did, [L, R, ...] as for `act`, and was paid, float [L, R].

        ended bool [L, R]: the step was an episode's last, for all players of the world. Raises FloatingPointError at
        rewards that are not finite.
        """
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        for name, array in (("action", action), ("reward", reward), ("ended", ended)):
            self._fit(name, np.asarray(array), deciding.shape)
        if self.kept is None or self.kept["action"].shape[2] != deciding.shape[1]:
            self._prepare(deciding.shape[1])
        bad = ~np.isfinite(np.asarray(reward, np.float64)).all(1)
        if bad.any():
            raise self._bad_reward(int(np.argmax(bad)))
        assert self.kept is not None
        if self.options.policy == "table":  # those who do not decide may see what is not theirs to look up
            obs = np.clip(obs, 0, np.asarray(self.spec.levels, np.float32) - 1)
        for name, array in zip(self.NAMES, (obs, legal, deciding, action, reward, ended), strict=True):
            self.kept[name][:, self.filled] = array
        self.filled += 1

    def learn(self) -> dict[str, np.ndarray]:
        """Learn, if `steps` steps have been added.

        Returns "loss" (float64 [L], NaN where none) and "updates" (int64 [L], steps done now). Raises
        FloatingPointError, naming lane and head, when a loss is not finite.
        """
        before = self._begin()
        if self.filled == self.options.steps:
            self.filled = 0
            assert self.kept is not None
            active = self._acted(self.kept)
            self._improve(self._batch(self.kept), active)
            self.learned_by += active
            self.updates += active.any(axis=1)
        return {"loss": self._losses, "updates": self.updates - before}

    def _improve(self, batch: JointBatch, active: np.ndarray) -> None:
        """Learn from a batch; active bool [L, N]: the players who decided anything in it."""
        raise NotImplementedError

    def _acted(self, kept: Mapping[str, np.ndarray]) -> np.ndarray:
        """Which players decided anything, bool [L, N]."""
        return np.asarray(self._by_player(kept["deciding"]).any(axis=(2, 3)))

    def _by_player(self, x: np.ndarray) -> np.ndarray:
        """[L, steps, R, ...] as [L, N, steps, B, ...], a view."""
        return np.moveaxis(x.reshape(*x.shape[:2], -1, self.players, *x.shape[3:]), 3, 1)

    def _batch(self, kept: Mapping[str, np.ndarray]) -> JointBatch:
        steps, padded = self.options.steps, whole(self.options.steps)

        def spread(name: str, dtype: Any) -> torch.Tensor:
            x = self._by_player(kept[name])
            full = np.zeros((*x.shape[:2], padded, *x.shape[3:]), dtype)
            full[:, :, :steps] = x
            return torch.from_numpy(full).to(self.device)

        ended = spread("ended", np.bool_)[:, 0]
        first = np.zeros(ended.shape, np.int64)
        over = ended.cpu().numpy()
        for t in range(1, padded):
            first[:, t] = np.where(over[:, t - 1], t, first[:, t - 1])
        there = torch.from_numpy((np.arange(padded) < steps).astype(np.float32)[:, None]).to(self.device)
        obs, legal, action = (
            (spread(name, dtype)).flatten(0, 1).flatten(1, 2)
            for name, dtype in (("obs", np.float32), ("legal", np.bool_), ("action", np.int64))
        )
        return JointBatch(
            obs, legal, action, spread("deciding", np.float32), spread("reward", np.float32),
            torch.from_numpy(first).to(self.device), ended, there,
        )  # fmt: skip

    # -- what policies say of a batch ----------------------------------------------------------------------------

    def odds(self, params: torch.Tensor, batch: JointBatch) -> tuple[torch.Tensor, torch.Tensor]:
        """Log odds of what was done and entropy, [L, N, T, B], 0 where nobody decided; params [L, N, P]."""
        logits = self.logits(params.flatten(0, 1), batch.obs)
        logp, entropy, _ = choice_odds(logits, batch.legal, batch.action)
        shape = batch.deciding.shape
        return logp.reshape(shape) * batch.deciding, entropy.reshape(shape) * batch.deciding

    def grouped(self, rows: torch.Tensor) -> torch.Tensor:
        """Rows [L * N, ...] as [L, N, ...]."""
        return rows.unflatten(0, (self.n_lanes, self.players))

    def _judge(self, loss: torch.Tensor) -> None:
        """Keep the losses [L] of this step; FloatingPointError where one is not finite."""
        self._losses[:] = loss.detach().cpu().numpy()
        bad = ~np.isfinite(self._losses)
        if bad.any():
            raise self._bad_loss(int(np.argmax(bad)))

    # -- keeping -------------------------------------------------------------------------------------------------

    def _tensors(self) -> dict[str, tuple[torch.Tensor, list[tuple[str, Any]]]]:
        """Every tensor of rows that changes, with its parts."""
        return {"params": (self.params, [("policy", self.net)])}

    def _state(self) -> dict[str, np.ndarray]:
        kept = {**super()._state(), "memory_learned_by": self.learned_by}
        for name, (rows, parts) in self._tensors().items():
            for key, matrix in split(parts, rows.cpu().numpy()).items():
                kept[f"{name}/{key}"] = matrix.reshape(self.n_lanes, self.players, *matrix.shape[1:])
        return kept

    def _memories(self) -> dict[str, np.ndarray]:
        if self.kept is None:
            return {}
        return {f"memory/{name}": array[:, : self.filled].copy() for name, array in self.kept.items()}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        if self.kept is not None:
            self.filled = memories["memory/obs"].shape[1]
            for name, array in self.kept.items():
                array[:, : self.filled] = memories[f"memory/{name}"]

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        if self.kept is None and "memory/action" in state:
            self._prepare(np.shape(state["memory/action"])[2])
        super().load_state_dict(state)
        if self.device.type != "cpu":
            for name, (rows, parts) in self._tensors().items():
                found = rows.cpu().numpy()
                for key, view in split(parts, found).items():
                    view[...] = np.reshape(state[f"{name}/{key}"], view.shape)
                rows.copy_(torch.from_numpy(found))
