"""Teams that learn from their common reward and act apart: the value of the team made of values of its agents."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import torch

from .actor_critic import columns_of
from .base import HeadSpec, check_count
from .mixers import Mixer, Monotone
from .sequence_lanes import SequenceLanes, SequenceLearner


@dataclass(frozen=True, kw_only=True)
class VDN(SequenceLearner):
    """Value decomposition networks: the team's value is the sum of its agents' values (Sunehag et al. 2018).

        Q_tot(s, a) = sum_i Q_i(o_i, a_i)
        y    = r + gamma * Q_tot_target(s', a*),  a*_i = argmax of agent i's own values over its legal actions;
               no bootstrap where the game terminated
        loss = (Q_tot - y)^2, mean inside a lane, summed over lanes; Adam

    Every step of the world counts: agents that do not decide pass with action 0, and agents whose game is over before
    the others' count 0. The agents are paid alike; training is central, and each acts on what it sees alone. With
    `memory` whole sequences are replayed, from the memory that the agents had when they began (the stored state of
    Kapturowski et al. 2019); it moves on with every step and is empty when an episode starts. A sequence never spans
    two episodes. obs [L, worlds * k, D] -> Q_i [L, worlds * k, A].
    """

    feed: ClassVar[str] = "steps"
    team: ClassVar[bool] = True
    one_reward: ClassVar[bool] = True

    nets: Literal["shared", "separate"] = "shared"  # one network told which agent it is, or one for each agent

    def check(self) -> None:
        super().check()
        if self.nets not in ("shared", "separate"):
            raise ValueError(f"{type(self).__name__}.nets is {self.nets!r}; it must be 'shared' or 'separate'.")

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> TeamLanes:
        return TeamLanes(self.for_head(spec.name), spec, seeds, team_index, device)


@dataclass(frozen=True, kw_only=True)
class QMIX(VDN):
    """The team's value is a network that rises in every agent's value (Rashid et al. 2018; 2020).

        Q_tot(s, a) = |w(s)| . elu(|W(s)| (Q_1(o_1, a_1), ..., Q_k(o_k, a_k)) + b(s)) + v(s)

    s is what all agents of the team see, put together; W, w, b, v are hypernetworks of it. Otherwise as VDN: since
    Q_tot rises in every Q_i, the best joint action is what each agent likes best.
    """

    mixing: int = 32  # hidden units of the mixing network
    hyper: tuple[int, ...] = ()  # hidden layers of the hypernetworks that make its weights

    def check(self) -> None:
        super().check()
        check_count("QMIX.mixing", self.mixing)
        object.__setattr__(self, "hyper", tuple(self.hyper))
        for width in self.hyper:
            check_count("A width in QMIX.hyper", width)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> MixingLanes:
        return MixingLanes(self.for_head(spec.name), spec, seeds, team_index, device)


class TeamLanes(SequenceLanes):
    """L teams. What is stored are whole steps of the world, from an episode's first sequence with a decision on."""

    options: VDN

    def _prepare(self, worlds: int) -> None:
        super()._prepare(worlds)
        self.gone = np.zeros((self.n_lanes, worlds * self.team), np.bool_)  # agents whose game is over
        self.begun = np.zeros((self.n_lanes, worlds), np.bool_)  # worlds in whose episode somebody has decided

    def _moving(self, deciding: np.ndarray) -> np.ndarray:
        return np.ones_like(deciding)

    def _error(self, errors: torch.Tensor) -> torch.Tensor:
        return errors.square()

    def add(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        deciding: np.ndarray,
        action: np.ndarray,
        reward: np.ndarray,
        terminated: np.ndarray,
        truncated: np.ndarray,
        next_obs: np.ndarray,
        next_legal: np.ndarray,
        next_deciding: np.ndarray,
        ended: np.ndarray | None = None,
    ) -> None:
        """A step of every world, as `act` was asked for it, and what came after; all [L, R, ...] as there.

        reward float [L, R], equal in a team; terminated, truncated bool [L, R]: agents whose game ends with the step;
        next_obs of those truncated is what they last saw. ended bool [L, R]: the world begins anew (None: where all
        are over). Raises FloatingPointError at NaN or infinite rewards.
        """
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        next_obs, next_legal, next_deciding = self._arrays(next_obs, next_legal, next_deciding)
        for name, array in (("action", action), ("reward", reward), ("terminated", terminated),
                            ("truncated", truncated)):  # fmt: skip
            self._fit(name, np.asarray(array), deciding.shape)
        worlds = self._worlds(deciding)
        if self.begun.shape[1] != worlds:
            self._prepare(worlds)

        def teams(x: np.ndarray) -> Any:  # [L, R, ...] -> [L, B, k, ...]
            return np.ascontiguousarray(x).reshape(self.n_lanes, worlds, self.team, *x.shape[2:])

        here, over = teams(~self.gone), teams(terminated | truncated)
        someone = teams(deciding).any(-1)
        anew = (~here | over).all(-1) if ended is None else teams(ended).all(-1)
        cut_alone = (here & teams(truncated & ~np.asarray(terminated))).any(-1)  # to look beyond it, others or not
        close = anew | cut_alone | (~here | over).all(-1)
        paid = np.take_along_axis(teams(np.asarray(reward, np.float64)), here.argmax(-1)[..., None], -1)[..., 0]
        bad = self.replay.add(
            here.any(-1),
            (teams(obs), teams(_passing(legal, deciding)), here, teams(np.asarray(action, np.int64)), paid),
            (teams(next_obs), teams(_passing(next_legal, next_deciding)), here & ~teams(terminated)),
            teams(self._before), close, self.begun | someone,
        )  # fmt: skip
        if bad >= 0:
            raise self._bad_reward(bad)
        self._begin_anew(anew, (~here | over), someone)

    def _begin_anew(self, anew: np.ndarray, over: np.ndarray, someone: np.ndarray) -> None:
        """Who is gone, and whose memory is emptied, after a step."""
        self.gone[...] = (over & ~anew[..., None]).reshape(self.gone.shape)
        self.begun |= someone
        self.begun[anew] = False
        self.memory[(over | anew[..., None]).reshape(self.gone.shape)] = 0

    def learn(self) -> dict[str, np.ndarray]:
        """Do the learning steps that are due.

        Returns "loss" (float64 [L], of the last step now, NaN where none), "updates" (int64 [L], steps done now) and
        "epsilon" (float64 [L]). Raises FloatingPointError, naming lane and head, when a loss is not finite.
        """
        return self._learn()

    def _memories(self) -> dict[str, np.ndarray]:
        return {**super()._memories(), "replay_gone": self.gone.copy(), "replay_begun": self.begun.copy()}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        super()._remember(memories)
        self.gone[...], self.begun[...] = memories["replay_gone"], memories["replay_begun"]


class MixingLanes(TeamLanes):
    """L teams whose agents' values are mixed by hypernetworks of what they all see."""

    options: QMIX

    def _mixer(self) -> Mixer:
        o, s = self.options, self.spec
        mine = columns_of(s, o.embed)
        return Monotone(s.team, s.team * mine if isinstance(mine, int) else mine * s.team, o.mixing, o.hyper)


def _passing(legal: np.ndarray, deciding: np.ndarray) -> np.ndarray:
    """Legal actions, of those who do not decide action 0 alone."""
    only = np.zeros(legal.shape[-1], np.bool_)
    only[0] = True
    return np.where(deciding[..., None], legal, only)
