"""Adam over stacked lanes: moments and step counts belong to a lane, and lanes that do not learn are not touched."""

from __future__ import annotations

import numpy as np
import torch

from ..core.kernels import kernel

BETA1, BETA2, EPS = 0.9, 0.999, 1e-8


def clip_by_norm(grads: torch.Tensor, limit: float) -> torch.Tensor:
    """Scale each lane's gradient (row of [k, P]) to a Euclidean norm of at most `limit`, as
    torch.nn.utils.clip_grad_norm_.
    """
    norm = grads.square().sum(1, keepdim=True).sqrt()
    return grads * (limit / (norm + 1e-6)).clamp(max=1.0)


# Sums may be reordered, so that they vectorise. NaN and infinity keep their meaning: they tell of a diverged lane.
REORDER = {"reassoc", "contract", "nsz"}


@kernel(fastmath=REORDER, error_model="numpy")  # a check for 0 would forbid vectors
def adam_row(p, m, v, g, lane, step, lr, clip):
    """One Adam step of a lane, in place, after scaling its gradient g [P] to a norm of at most `clip` (0: no limit)."""
    scale = np.float32(1)
    if clip > 0:
        square = np.float32(0)  # of vectors of sums, twice as fast as in float64
        for i in range(g.size):
            square += g[i] * g[i]
        scale = np.float32(min(1.0, clip / (np.sqrt(square) + 1e-6)))
    size, root = np.float32(lr / (1 - BETA1**step)), np.float32(1 / np.sqrt(1 - BETA2**step))
    b1, c1, b2, c2 = np.float32(BETA1), np.float32(1 - BETA1), np.float32(BETA2), np.float32(1 - BETA2)
    eps = np.float32(EPS)
    for i in range(g.size):
        gi = g[i] * scale
        mi = b1 * m[lane, i] + c1 * gi
        vi = b2 * v[lane, i] + c2 * gi * gi
        m[lane, i], v[lane, i] = mi, vi
        p[lane, i] -= size * mi / (np.sqrt(vi) * root + eps)


@kernel
def adam_rows(p, m, v, g, active, steps, lr, clip):
    """`adam_row` for the lanes where `active` (bool [L]), whose gradients are the rows of g [L, P]; steps int64, lr
    float64 [L]."""
    for lane in range(p.shape[0]):
        if active[lane]:
            adam_row(p, m, v, g[lane], lane, steps[lane], lr[lane], clip)


class Adam:
    """Kingma and Ba (2015), with torch's defaults. Parameters [L, P]; `steps` int64 [L] counts the steps of each
    lane.
    """

    def __init__(self, params: torch.Tensor, lr: float) -> None:
        self.lr = lr
        self.m = torch.zeros_like(params)
        self.v = torch.zeros_like(params)

    def step(
        self,
        params: torch.Tensor,
        lanes: torch.Tensor,
        grads: torch.Tensor,
        steps: np.ndarray,
        lr: np.ndarray | None = None,
    ) -> None:
        """One step for `lanes` (int64 [k]) with their gradients [k, P]; steps: the number of this step in each lane,
        from 1, [k]; lr: step sizes [k], where they are not always the same.

        Written with single exactly rounded operations, so that a lane's numbers do not depend on its place in the
        stack.
        """
        rate = self.lr if lr is None else lr
        size = torch.as_tensor((rate / (1 - BETA1**steps)).astype(np.float32), device=params.device)[:, None]
        root = torch.as_tensor((1 / np.sqrt(1 - BETA2**steps)).astype(np.float32), device=params.device)[:, None]
        m = self.m[lanes] * BETA1 + grads * (1 - BETA1)
        v = self.v[lanes] * BETA2 + grads * grads * (1 - BETA2)
        self.m[lanes], self.v[lanes] = m, v
        params[lanes] = params[lanes] - size * m / (v.sqrt() * root + EPS)

    def step_where(
        self,
        params: torch.Tensor,
        active: np.ndarray,
        grads: torch.Tensor,
        steps: np.ndarray,
        clip: float | None,
        lr: np.ndarray | None = None,
    ) -> None:
        """One step for the lanes where `active` (bool [L]), in place; grads [L, P], steps int64, lr [L] as above.

        clip: limit on the norm of a lane's gradient. On the CPU one pass over the memory.
        """
        if params.device.type == "cpu":
            own = params.numpy(), self.m.numpy(), self.v.numpy(), grads.contiguous().numpy()
            adam_rows(*own, active, steps, np.full(len(steps), self.lr) if lr is None else lr, clip or 0.0)
            return
        lanes = torch.as_tensor(np.flatnonzero(active), device=params.device)
        grads = grads[lanes]
        self.step(params, lanes, grads if clip is None else clip_by_norm(grads, clip), steps[active],
                  None if lr is None else lr[active])  # fmt: skip
