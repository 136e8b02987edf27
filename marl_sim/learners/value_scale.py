"""Value normalisation: critics learn returns of mean 0 and deviation 1, lane by lane."""

from __future__ import annotations

import numpy as np

from ..core.kernels import kernel

KEEP = 0.99  # of the running moments at each update
LEAST = 1e-4  # smallest deviation


@kernel
def _moments(target, usable, moments):
    """Move the running sums of each lane [weight, mean, square] by the mean over its usable entries."""
    for lane in range(target.shape[0]):
        n, total, square = 0, 0.0, 0.0
        for r in range(target.shape[1]):
            for t in range(target.shape[2]):
                if usable[lane, r, t]:
                    n += 1
                    total += target[lane, r, t]
                    square += float(target[lane, r, t]) ** 2
        if n:
            moments[lane, 0] = KEEP * moments[lane, 0] + (1 - KEEP)
            moments[lane, 1] = KEEP * moments[lane, 1] + (1 - KEEP) * total / n
            moments[lane, 2] = KEEP * moments[lane, 2] + (1 - KEEP) * square / n


class ValueScale:
    """Running mean and deviation of each lane's value targets, without the bias of their start at 0."""

    def __init__(self, lanes: int) -> None:
        self.moments = np.zeros((lanes, 3))

    def _now(self) -> tuple[np.ndarray, np.ndarray]:
        weight = self.moments[:, :1, None]
        safe = np.where(weight > 0, weight, 1.0)
        mean, square = self.moments[:, 1:2, None] / safe, self.moments[:, 2:3, None] / safe
        spread = np.sqrt(np.maximum(square - mean**2, LEAST**2))
        return mean, np.where(weight > 0, spread, 1.0)

    def update(self, target: np.ndarray, usable: np.ndarray) -> None:
        """Take in value targets float32 [L, R, C] where usable."""
        _moments(target, usable, self.moments)

    def shrink(self, x: np.ndarray) -> np.ndarray:
        """From the units of the rewards to those of the critic."""
        mean, spread = self._now()
        return ((x - mean) / spread).astype(np.float32)

    def grow(self, x: np.ndarray) -> np.ndarray:
        """From the units of the critic to those of the rewards."""
        mean, spread = self._now()
        return (x * spread + mean).astype(np.float32)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        return {"value_scale": self.moments}
