"""Lanes that can act and remember while learning goes on elsewhere, one update behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch

from .lanes import Lanes


class BehindLanes(Lanes):
    """`params` are what is learned, `acting` what training acts by: the same tensor, or a copy one update old.

    Such lanes have `plan`: what is to be learned now, as work that touches nothing that acting and remembering touch;
    None where nothing is due. It begins with `_catch_up`.
    """

    params: torch.Tensor
    acting: torch.Tensor
    acting_updates: np.ndarray  # learning steps that `acting` has behind it, int64 [L]
    _wait: Callable[[], None]

    def _act_by(self, params: torch.Tensor) -> None:
        """Act by what is learned, at once."""
        self.acting, self.acting_updates = params, self.updates

    def fall_behind(self, wait: Callable[[], None]) -> None:
        self._wait, self.acting, self.acting_updates = wait, self.params.clone(), self.updates.copy()

    @property
    def behind(self) -> bool:
        """Whether these lanes act while they learn."""
        return self.acting is not self.params

    def _catch_up(self) -> None:
        """Wait for what is being learned, and act by it."""
        if self.behind:
            self._wait()
            self.acting.copy_(self.params)
            self.acting_updates[...] = self.updates

    def played(self) -> dict[str, np.ndarray]:
        if not self.behind:
            return self.learned()
        mine = self._matrices("params", self.acting.cpu().numpy()) | {"updates": self.acting_updates}
        return self.learned() | {name: np.array(array) for name, array in mine.items()}

    def _matrices(self, name: str, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The rows of a tensor of these lanes as they are kept, by name, views."""
        return {name: rows}

    def load_learned(self, state: Mapping[str, np.ndarray]) -> None:
        super().load_learned(state)
        self._catch_up()
