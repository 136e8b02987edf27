"""Exact LOLA: players of an iterated matrix game who know it, and climb the true gradient of their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import normal

from .base import HeadSpec, Learner, check_count, check_positive
from .distributions import NOTHING_TO_CHOOSE, draw_choices
from .draws import player_keys
from .iterated import iterated_values, odds, state_of
from .lanes import Lanes
from .lola import check_shaping
from .shaping import shaped_gradient


@dataclass(frozen=True, kw_only=True)
class ExactLOLA(Learner):
    """LOLA with exact values, in an iterated matrix game (Foerster et al. 2018).

        theta_i <- theta_i + lr * d/d theta_i  V_i(theta_i, theta_j + opponent_lr * grad_j V_j(theta) for all j != i)

    N players with memory of one round: theta [L, N, S, A - 1], log odds of each action against the last one in each of
    S = 1 + A_1 ... A_N states, the start and what all did last. V as `iterated.iterated_values`, the sum of discounted
    payoffs. rule="taylor" is the update of the paper, "lookahead" the formula above, see `shaping.shaped_gradient`.
    lookahead=0: naive learners, who climb their own values.

    They know the payoffs, and refuse a game that pays otherwise. In a Trainer they play it, and learn a step every
    `steps` rounds; without one, `build(...)` and `improve(times)`.
    """

    feed: ClassVar[str] = "rounds"
    team: ClassVar[bool] = True

    payoffs: Any  # [A_1][...][A_N][N] numbers: what each player gets; of a game, such as PrisonersDilemma().matrix
    gamma: float = 0.96  # discount from one round to the next, 0 to below 1
    lr: float = 1.0  # a player's own step up its gradient
    opponent_lr: float = 1.0  # step that a player expects the others to take up theirs
    lookahead: int = 1  # how many such steps; 0: naive learners
    rule: Literal["lookahead", "taylor"] = "taylor"  # to first order in the others' step, or through their new policies
    spread: float = 0.1  # deviation of the log odds with which all start
    steps: int = 1  # rounds between two learning steps, in a Trainer

    def check(self) -> None:
        try:
            table = np.array(self.payoffs, np.float64)
        except (TypeError, ValueError):
            table = np.zeros(0)
        if table.ndim < 3 or table.shape[-1] != table.ndim - 1 or 0 in table.shape or not np.isfinite(table).all():
            raise ValueError(
                f"ExactLOLA.payoffs is {self.payoffs!r}; it must be finite numbers [A_1][...][A_N][N] of N players."
            )
        object.__setattr__(self, "payoffs", _tuples(table.tolist()))
        if isinstance(self.gamma, bool) or not isinstance(self.gamma, int | float) or not 0 <= self.gamma < 1:
            raise ValueError(f"ExactLOLA.gamma is {self.gamma!r}; it must be a number from 0 to below 1.")
        check_positive("ExactLOLA.lr", self.lr)
        check_positive("ExactLOLA.spread", self.spread, zero=True)
        check_count("ExactLOLA.steps", self.steps)
        check_shaping("ExactLOLA", self)

    @property
    def table(self) -> np.ndarray:
        """The payoffs float64 [A_1, ..., A_N, N]."""
        return np.array(self.payoffs, np.float64)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> ExactLOLALanes:
        if device != "cpu":
            raise ValueError(f"ExactLOLA got device {device!r}; its small tables live on the cpu.")
        return ExactLOLALanes(self.for_head(spec.name), spec, seeds, team_index)

    def head(self) -> HeadSpec:
        """The head that these players need, for use without a game."""
        table = self.table
        return HeadSpec("play", 1, max(table.shape[:-1]), team=table.shape[-1])


def _tuples(x: Any) -> Any:
    return tuple(_tuples(y) for y in x) if isinstance(x, list) else x


@kernel
def _fill_normal(keys, out):
    for row in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[row, i] = normal(keys[row], i)


class ExactLOLALanes(Lanes):
    """L groups of players of one matrix game. `theta` float64 [L, N, S, A - 1].

    memory float32 [L, R, 1]: what each player did last, plus 1; R = worlds * N, worlds first.
    """

    options: ExactLOLA

    def __init__(self, options: ExactLOLA, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.table = options.table
        self.counts, self.players = tuple(self.table.shape[:-1]), self.table.shape[-1]
        if spec.team != self.players or spec.n_actions != max(self.counts):
            raise ValueError(
                f"ExactLOLA's payoffs are for {self.players} players of {self.counts} actions; head {spec.name!r} has "
                f"{spec.team} of {spec.n_actions}."
            )
        shape = (self.n_lanes, self.players, 1 + int(np.prod(self.counts)), spec.n_actions - 1)
        self.theta = np.zeros(shape)
        _fill_normal(
            player_keys(self.keys["init"], self.players, "policy"), self.theta.reshape(-1, shape[2] * shape[3])
        )
        self.theta *= options.spread
        self.ticks = np.zeros(self.n_lanes, np.int64)
        self.idle = np.ones(self.n_lanes, np.bool_)  # whether nobody has decided since the last learning step
        self.memory = self.fresh_memory(0)

    def fresh_memory(self, rows: int) -> np.ndarray:
        """The memory of players who have seen nothing yet."""
        return np.zeros((self.n_lanes, rows, 1), np.float32)

    # -- acting --------------------------------------------------------------------------------------------------

    def act(
        self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool = False,
        memory: np.ndarray | None = None,
    ) -> np.ndarray:  # fmt: skip
        """Actions int64 [L, R], 0 where nobody decides. What they see is not looked at: they remember the last round.

        legal bool [L, R, A]; deciding bool [L, R]. greedy: the likelier action. memory: of other worlds than the
        training's (`fresh_memory`); it moves on.
        """
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        if memory is None:
            if self.memory.shape[1] != deciding.shape[1]:
                self.memory = self.fresh_memory(deciding.shape[1])
            memory = self.memory
        worlds = deciding.shape[1] // self.players
        last = memory.reshape(self.n_lanes, worlds, self.players).astype(np.int64) - 1
        state = np.repeat(state_of(last, self.counts)[..., None], self.players, 2)  # [L, B, N]
        logits = np.pad(self.theta, ((0, 0),) * 3 + ((0, 1),)).astype(np.float32)
        said = logits[np.arange(self.n_lanes)[:, None, None], np.arange(self.players), state].reshape(legal.shape)
        own = np.arange(self.spec.n_actions) < np.tile(self.counts, worlds)[:, None]
        if self._actions.shape != deciding.shape:
            self._actions = np.zeros(deciding.shape, np.int64)
        key, clock = ("greedy ties", self.greedy_ties) if greedy else ("explore", self.decisions)
        logp = np.zeros(deciding.shape, np.float32)
        stuck = draw_choices(said, legal & own, deciding, self.keys[key], clock, greedy, self._actions, logp)
        if stuck != NOTHING_TO_CHOOSE:
            raise self._nothing_legal(stuck)
        np.copyto(memory[..., 0], self._actions + 1, where=deciding, casting="unsafe")
        return self._actions

    # -- learning ------------------------------------------------------------------------------------------------

    def add(
        self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, action: np.ndarray, reward: np.ndarray,
        ended: np.ndarray,
    ) -> None:  # fmt: skip
        """A step of all worlds, [L, R, ...], as JointLanes.add; the payoffs are compared with those that are known."""
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        for name, array in (("action", action), ("reward", reward), ("ended", ended)):
            self._fit(name, np.asarray(array), deciding.shape)
        bad = ~np.isfinite(reward).all(1)
        if bad.any():
            raise self._bad_reward(int(np.argmax(bad)))
        shape = (self.n_lanes, -1, self.players)
        by_world = deciding.reshape(shape)
        all_play = by_world.all(axis=2)
        partly = np.asarray(by_world.any(axis=2) & ~all_play)
        if partly.any():
            lane = int(np.argwhere(partly)[0, 0])
            raise ValueError(f"{self._lane(lane)} decides in part; ExactLOLA plays games in which all decide at once.")
        joint = np.minimum(np.reshape(action, shape), np.array(self.counts) - 1)
        due = self.table[tuple(np.moveaxis(joint, -1, 0))]
        odd = all_play & ~np.isclose(np.reshape(reward, shape), due).all(2)
        if odd.any():
            lane, world = (int(x) for x in np.argwhere(odd)[0])
            raise ValueError(
                f"{self._lane(lane)} was paid {np.reshape(reward, shape)[lane, world].tolist()} for actions "
                f"{np.reshape(action, shape)[lane, world].tolist()}; ExactLOLA.payoffs say {due[lane, world].tolist()}."
            )
        self.idle &= ~deciding.any(1)
        if self.memory.shape[1] == deciding.shape[1]:
            self.memory[ended] = 0
        self.ticks += 1

    def learn(self) -> dict[str, np.ndarray]:
        """Learn a step, if `steps` rounds have been added; returns as JointLanes.learn."""
        before = self._begin()
        if self.ticks[0] % self.options.steps == 0:
            self._improve(~self.idle)
            self.idle[:] = True
        return {"loss": self._losses, "updates": self.updates - before}

    def improve(self, times: int = 1) -> np.ndarray:
        """Learn `times` steps without playing; returns average payoffs a round, [L, N], as they are then."""
        for _ in range(times):
            self._begin()
            self._improve(np.ones(self.n_lanes, np.bool_))
        return self.payoffs()

    def payoffs(self) -> np.ndarray:
        """Each player's discounted average payoff a round, (1 - gamma) V, float64 [L, N]."""
        with torch.no_grad():
            return (1 - self.options.gamma) * self.values(torch.from_numpy(self.theta).flatten(2)).numpy()

    def probabilities(self) -> np.ndarray:
        """What each player does in each state, float64 [L, N, S, A]."""
        return odds(torch.from_numpy(self.theta), self.counts).numpy()

    def values(self, theta: torch.Tensor) -> torch.Tensor:
        """Values [L, N] of parameters [L, N, S * (A - 1)]."""
        full = theta.unflatten(2, self.theta.shape[2:])
        return iterated_values(full, torch.from_numpy(self.table), self.options.gamma)

    def _improve(self, active: np.ndarray) -> None:
        o = self.options
        theta = torch.from_numpy(self.theta).flatten(2)
        gradient = shaped_gradient(self.values, theta, o.opponent_lr, o.lookahead, o.rule).numpy()
        self._losses[:] = -self.payoffs().mean(1) + 0.0 * gradient.sum((1, 2))
        bad = ~np.isfinite(self._losses) & active
        if bad.any():
            raise self._bad_loss(int(np.argmax(bad)))
        self._losses[~active] = np.nan
        self.theta[active] += o.lr * gradient[active].reshape(self.theta[active].shape)
        self.updates += active

    # -- keeping -------------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, np.ndarray]:
        return {**super()._state(), "theta": self.theta, "memory_ticks": self.ticks, "memory_idle": self.idle}

    def _memories(self) -> dict[str, np.ndarray]:
        return {"memory": self.memory.copy()}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        self.memory = np.array(memories["memory"], np.float32)
