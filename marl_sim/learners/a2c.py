"""A2C: advantage actor-critic, one step down the gradient for each batch of experience."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from .base import HeadSpec, check_discount, check_positive
from .fused_policy import Terms
from .policy_gradient import PolicyGradient, PolicyLanes
from .samples import Batch, weighted


@dataclass(frozen=True, kw_only=True)
class A2C(PolicyGradient):
    """Advantage actor-critic, synchronous (Mnih et al. 2016).

        loss = mean over decisions of  -A_t log pi(a_t | o_t) + value (V(o_t) - R_t)^2 / 2 - entropy * H(pi(. | o_t))
        A_t  = sum_k (gamma lam)^k delta_{t+k},   delta_t = r_t + gamma V(o_{t+1}) - V(o_t),   R_t = A_t + V(o_t)

    lam = 1 gives the n-step returns of the paper, n up to `steps`. V(o_{t+1}) is 0 where the game terminated; through
    a truncation it is the value of what was last seen. obs [L, M, D] -> log odds [L, M, A], value [L, M].
    """

    lam: float = 1.0  # trace of the advantages, 0 (one step) to 1 (as far as experience goes)
    steps: int = 16  # steps of the world between two updates
    value: float = 0.5  # weight of the critic's loss
    normalise_values: bool = False  # the critic learns returns of mean 0 and deviation 1
    normalise_advantages: bool = False  # advantages of mean 0 and deviation 1 in each update

    def check(self) -> None:
        super().check()
        check_discount(f"{type(self).__name__}.lam", self.lam)
        check_positive(f"{type(self).__name__}.value", self.value, zero=True)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> A2CLanes:
        return A2CLanes(self.for_head(spec.name), spec, seeds, team_index, device)


class A2CLanes(PolicyLanes):
    """L actors with critics."""

    options: A2C

    def _terms(self) -> Terms | None:
        o = self.options
        return Terms(0.0, o.value, o.entropy) if type(self).loss is A2CLanes.loss else None

    def loss(self, params: torch.Tensor, batch: Batch) -> torch.Tensor:
        """The loss [L] of the lanes under parameter rows [L, P]: what autograd differentiates."""
        o = self.options
        logp, entropy, value = self.evaluate(params, batch)
        error = value - batch.target
        each = -batch.advantage * logp + o.value * 0.5 * error.square() - o.entropy * entropy
        return weighted(each, batch.weight)
