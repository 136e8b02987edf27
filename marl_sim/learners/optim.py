"""Adam over stacked lanes: moments and step counts belong to a lane, and lanes that do not learn are not touched."""

from __future__ import annotations

import numpy as np
import torch

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def clip_by_norm(grads: torch.Tensor, limit: float) -> torch.Tensor:
    """Scale each lane's gradient (row of [k, P]) to a Euclidean norm of at most `limit`, as
    torch.nn.utils.clip_grad_norm_.
    """
    norm = grads.square().sum(1, keepdim=True).sqrt()
    return grads * (limit / (norm + 1e-6)).clamp(max=1.0)


class Adam:
    """Kingma and Ba (2015), with torch's defaults. Parameters [L, P]; `steps` int64 [L] counts the steps of each
    lane.
    """

    def __init__(self, params: torch.Tensor, lr: float) -> None:
        self.lr = lr
        self.m = torch.zeros_like(params)
        self.v = torch.zeros_like(params)

    def step(self, params: torch.Tensor, lanes: torch.Tensor, grads: torch.Tensor, steps: np.ndarray) -> None:
        """One step for `lanes` (int64 [k]) with their gradients [k, P]; steps: the number of this step in each lane,
        from 1, [k].

        Written with single exactly rounded operations, so that a lane's numbers do not depend on its place in the
        stack.
        """
        size = torch.as_tensor((self.lr / (1 - BETA1**steps)).astype(np.float32), device=params.device)[:, None]
        root = torch.as_tensor((1 / np.sqrt(1 - BETA2**steps)).astype(np.float32), device=params.device)[:, None]
        m = self.m[lanes] * BETA1 + grads * (1 - BETA1)
        v = self.v[lanes] * BETA2 + grads * grads * (1 - BETA2)
        self.m[lanes], self.v[lanes] = m, v
        params[lanes] = params[lanes] - size * m / (v.sqrt() * root + EPS)
