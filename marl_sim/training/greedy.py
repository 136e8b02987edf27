"""What agents do when they stop exploring."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..core.game import Game


@dataclass
class Greedy:
    """Probe of a Trainer: adds greedy_<metric> to its rows, from episodes in which nobody explores or learns.

    metrics    which metrics, by name
    episodes   episodes that are played for it, in worlds of their own
    every      rows from one measurement to the next; 0: at the end of the training alone. NaN in between
    game       where they play: the game they were trained in, or another that looks the same to them
    name       what the columns are called, before _<metric>

        study.train("classical", game, learner, probes=(Greedy(("contribution",)),))

    ValueError in one sentence for a metric that the game does not report.
    """

    metrics: tuple[str, ...]
    episodes: int = 20
    every: int = 0
    game: Game | None = None
    name: str = "greedy"
    _measured: tuple[int, dict[int, dict[str, Any]]] = field(default=(-1, {}), init=False, repr=False, compare=False)

    def __call__(self, trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
        for metric in self.metrics:
            if metric not in row:
                known = ", ".join(name for name in row if name not in ("seed", "episode"))
                raise ValueError(f"Greedy: the game reports no metric {metric!r}; it reports {known}.")
        rows_so_far = -(-row["episode"] // trainer.block)
        last = row["episode"] == trainer.episodes
        if not last and not (self.every and rows_so_far % self.every == 0):
            return {f"{self.name}_{metric}": float("nan") for metric in self.metrics}
        if self._measured[0] != trainer.steps:
            found = {one["seed"]: one for one in trainer.evaluate(self.episodes, self.game)}
            self._measured = trainer.steps, found
        mine = self._measured[1][row["seed"]]
        return {f"{self.name}_{metric}": mine[metric] for metric in self.metrics}
