"""REINFORCE: the policy gradient of whole episodes, without a critic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from .actor_critic import ActorCritic
from .base import HeadSpec
from .fused_policy import Terms
from .policy_gradient import PolicyGradient, PolicyLanes
from .returns import ended_before, episode_returns, normalise
from .samples import Batch, weighted


@dataclass(frozen=True, kw_only=True)
class REINFORCE(PolicyGradient):
    """REINFORCE with a baseline (Williams 1992).

        loss = mean over decisions of  -(G_t - b) log pi(a_t | o_t) - entropy * H(pi(. | o_t))
        G_t  = sum_k gamma^k r_{t+k}    to the end of the episode;  b: the lane's mean G, or 0

    Learns every `steps` steps of the world from the episodes that have ended by then; those that go on are kept. The
    end of an episode counts as the end of the game, whether the game terminated or the clock stopped: without a critic
    there is nothing to bootstrap with. obs [L, M, D] -> log odds [L, M, A].
    """

    baseline: Literal["mean", "none"] = "mean"  # what is subtracted from returns: their mean in the lane, or nothing

    def check(self) -> None:
        super().check()
        if self.baseline not in ("mean", "none"):
            raise ValueError(f"REINFORCE.baseline is {self.baseline!r}; it must be 'mean' or 'none'.")

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> REINFORCELanes:
        return REINFORCELanes(self.for_head(spec.name), spec, seeds, team_index, device)


class REINFORCELanes(PolicyLanes):
    """L policies that learn by REINFORCE."""

    options: REINFORCE
    looks_ahead = False  # what is open stays open
    truncation_ends = True  # memory begins anew where the clock stops, though the society lives on

    def _network(self) -> ActorCritic:
        o = self.options
        return ActorCritic(self.spec, o.hidden, o.activation, o.memory, o.channels, critic=0, embed=o.embed)

    def _terms(self) -> Terms | None:
        o = self.options
        return Terms(0.0, 0.0, o.entropy) if type(self).loss is REINFORCELanes.loss else None

    def loss(self, params: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss [L] of the lanes under parameter rows [L, P]: what autograd differentiates."""
        logp, entropy, _ = self.evaluate(params, batch)
        each = -batch.advantage * logp - self.options.entropy * entropy
        return weighted(each, batch.weight)

    def _kept(self) -> np.ndarray:
        s = self.streams
        assert s is not None
        return ended_before(s.flags, s.count)

    def _returns(self, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray) -> None:
        s = self.round
        done = ended_before(s.flags, s.count)
        episode_returns(s.reward, s.flags, done, self.options.gamma, advantage, usable)
        if self.options.baseline == "mean":
            normalise(advantage, usable, True, False)

    def ended(
        self,
        terminated: np.ndarray,
        truncated: np.ndarray,
        final_obs: np.ndarray | None = None,
        state: np.ndarray | None = None,
        final_legal: np.ndarray | None = None,
        others: np.ndarray | None = None,
    ) -> None:
        """Ends after a step, bool [L, R]; both are ends of episodes."""
        super().ended(terminated | truncated, np.zeros_like(truncated))
