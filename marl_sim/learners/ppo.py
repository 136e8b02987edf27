"""PPO: several careful steps down the gradient for each batch of experience."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .base import HeadSpec, check_count, check_discount, check_positive
from .fused_policy import Terms
from .policy_gradient import PolicyGradient, PolicyLanes
from .samples import Batch, weighted


@dataclass(frozen=True, kw_only=True)
class PPO(PolicyGradient):
    """Proximal policy optimisation with a clipped objective (Schulman et al. 2017).

        loss  = mean over decisions of  -min(w A, clip(w, 1 - clip, 1 + clip) A) + value (V - R)^2 / 2 - entropy * H
        w     = pi(a_t | o_t) / pi_old(a_t | o_t)
        A_t   = sum_k (gamma lam)^k delta_{t+k},   delta_t = r_t + gamma V(o_{t+1}) - V(o_t),   R_t = A_t + V(o_t)

    V(o_{t+1}) is 0 where the game terminated; through a truncation it is the value of what was last seen. `epochs`
    passes over the decisions of `steps` steps of the world, each in `minibatches` even pieces (with memory: of whole
    streams, of which there may be fewer). obs [L, M, D] -> log odds [L, M, A], value [L, M].
    """

    lam: float = 0.95  # trace of the advantages, 0 (one step) to 1 (as far as experience goes)
    clip: float = 0.2  # how far the odds of an action may move in one update
    epochs: int = 4  # type: ignore[misc]  # passes over the experience
    minibatches: int = 4  # type: ignore[misc]  # pieces of a pass, each a step
    value: float = 0.5  # weight of the critic's loss
    normalise_values: bool = False  # the critic learns returns of mean 0 and deviation 1
    normalise_advantages: bool = True  # advantages of mean 0 and deviation 1 in each update

    def check(self) -> None:
        super().check()
        name = type(self).__name__
        check_discount(f"{name}.lam", self.lam)
        check_positive(f"{name}.clip", self.clip)
        check_positive(f"{name}.value", self.value, zero=True)
        check_count(f"{name}.epochs", self.epochs)
        check_count(f"{name}.minibatches", self.minibatches)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> PPOLanes:
        return PPOLanes(self.for_head(spec.name), spec, seeds, team_index, device)


class PPOLanes(PolicyLanes):
    """L actors with critics that learn by PPO."""

    options: PPO

    def _terms(self) -> Terms | None:
        o = self.options
        return Terms(o.clip, o.value, o.entropy) if type(self).loss is PPOLanes.loss else None

    def loss(self, params: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss [L] of the lanes under parameter rows [L, P]: what autograd differentiates."""
        o = self.options
        logp, entropy, value = self.evaluate(params, batch)
        w = torch.exp(logp - batch.logp)
        gain = torch.min(w * batch.advantage, w.clamp(1 - o.clip, 1 + o.clip) * batch.advantage)
        error = value - batch.target
        each = -gain + o.value * 0.5 * error.square() - o.entropy * entropy
        return weighted(each, batch.weight)
