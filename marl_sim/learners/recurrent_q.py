"""Deep Q-learning with memory: agents that remember what they saw before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from torch import nn

from .base import HeadSpec, check_count
from .sequence_lanes import SequenceLanes, SequenceLearner


@dataclass(frozen=True, kw_only=True)
class DRQN(SequenceLearner):
    """Deep recurrent Q-learning: DQN with a GRU, one network per lane (Hausknecht & Stone 2015, who took an LSTM).

        h_t  = GRU(h_{t-1}, o_t), from an empty memory when an episode starts
        y    = r + gamma * max_a' Q_target(h'_target, a')     over legal a'; no bootstrap where the game terminated
        loss = smooth_l1(Q(h, a) - y), beta 1, mean inside a lane, summed over lanes; Adam

    Memory moves on with an agent's own decisions. A sequence is up to `length` of them, of one episode and in their
    order; it is replayed from the memory that the agent had when it began (the stored state of Kapturowski et al.
    2019). obs [L, worlds, D] -> Q [L, worlds, A].
    """

    feed: ClassVar[str] = "streams"

    memory: int = 64  # size of the GRU

    def check(self) -> None:
        check_count("DRQN.memory", self.memory)
        super().check()

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> DRQNLanes:
        return DRQNLanes(self.for_head(spec.name), spec, seeds, team_index, device)


class DRQNLanes(SequenceLanes):
    """L recurrent Q-learners. A decision waits for the agent's next one, or for the end, before it is a step."""

    options: DRQN

    def _prepare(self, worlds: int) -> None:
        super()._prepare(worlds)
        lead, s = (self.n_lanes, worlds), self.spec
        self.waiting: dict[str, Any] = {
            "waits": np.zeros(lead, np.bool_),
            "obs": np.zeros((*lead, s.obs_dim), np.float32),
            "legal": np.zeros((*lead, s.n_actions), np.bool_),
            "action": np.zeros(lead, np.int64),
            "reward": np.zeros(lead),
            "memory": np.zeros((*lead, self.options.memory), np.float32),
        }

    def _moving(self, deciding: np.ndarray) -> np.ndarray:
        return deciding

    def _error(self, errors: torch.Tensor) -> torch.Tensor:
        return nn.functional.smooth_l1_loss(errors, torch.zeros_like(errors), reduction="none")

    # -- remembering ---------------------------------------------------------------------------------------------

    def decided(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        deciding: np.ndarray,
        action: np.ndarray,
        extra: np.ndarray | None = None,
    ) -> None:
        """What `act` just chose was played: arguments as there. It closes the agent's decision before."""
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        w = self.waiting
        self._close(w["waits"] & deciding, obs, legal, over=False)
        w["waits"] |= deciding
        for name, array in (("obs", obs), ("legal", legal), ("memory", self._before)):
            np.copyto(w[name], array, where=deciding[..., None])
        np.copyto(w["action"], action, where=deciding)
        w["reward"][deciding] = 0

    def earn(self, reward: np.ndarray) -> None:
        """Rewards of a step, float [L, R]. Raises FloatingPointError where one that counts is not finite."""
        if not self.waiting["waits"].size:  # nobody has decided yet
            return
        reward = np.asarray(reward, np.float64)
        bad = self.waiting["waits"] & ~np.isfinite(reward)
        if bad.any():
            raise self._bad_reward(int(np.flatnonzero(bad.any(1))[0]))
        self.waiting["reward"] += np.where(self.waiting["waits"], reward, 0)

    def ended(
        self,
        terminated: np.ndarray,
        truncated: np.ndarray,
        final_obs: np.ndarray | None = None,
        extra: np.ndarray | None = None,
        final_legal: np.ndarray | None = None,
    ) -> None:
        """Ends of games and of episodes after a step, bool [L, R].

        final_obs: what was last seen where truncated, to bootstrap from; None: the society lives on, and what comes
        after the last decision is the next one, in the next episode. final_legal bool [L, R, A]: what was open then;
        where nothing is, what was open to the last decision stands for it.
        """
        w = self.waiting
        if not w["waits"].size:  # nobody has decided yet
            return
        self._close(w["waits"] & terminated, w["obs"], w["legal"], over=True, here=False)
        over = terminated
        if final_obs is not None:
            known = w["legal"] if final_legal is None else final_legal
            known = np.where(known.any(-1, keepdims=True), known, w["legal"])
            seen, legal, _ = self._arrays(final_obs, known, truncated)
            self._close(w["waits"] & truncated & ~terminated, seen, legal, over=True)
            over = terminated | truncated
        w["waits"] &= ~over
        self.memory[over] = 0

    def _close(self, where: np.ndarray, obs: np.ndarray, legal: np.ndarray, over: bool, here: bool = True) -> None:
        """Make steps of the waiting decisions where `where`: over: their sequences end; here: something comes after."""
        if not where.any():
            return
        w, one = self.waiting, np.ones((*where.shape, 1), np.bool_)
        step = w["obs"][:, :, None], w["legal"][:, :, None], one, w["action"][..., None], w["reward"]
        after = obs[:, :, None], legal[:, :, None], one & here
        self.replay.add(where, step, after, w["memory"][:, :, None], where & over, where)

    # -- learning ------------------------------------------------------------------------------------------------

    looks_now = False

    def learn(self, *seen: np.ndarray | None) -> dict[str, np.ndarray]:
        """After every step of the world: do the learning steps that are due; nothing is made of what is seen.

        Returns "loss" (float64 [L], of the last step now, NaN where none), "updates" (int64 [L], steps done now) and
        "epsilon" (float64 [L]). Raises FloatingPointError, naming lane and head, when a loss is not finite.
        """
        return self._learn()

    def _memories(self) -> dict[str, np.ndarray]:
        return {**super()._memories(), **{f"replay_waiting_{k}": v.copy() for k, v in self.waiting.items()}}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        super()._remember(memories)
        for name, array in self.waiting.items():
            array[...] = memories[f"replay_waiting_{name}"]
