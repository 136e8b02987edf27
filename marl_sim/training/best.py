"""The best policies of a training, seed by seed: what each had learned when a block of its episodes paid most."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np


class Best:
    """Copies of what the lanes of each seed acted by at the end of their best block so far.

    Best is the largest mean `reward` of a block of training episodes, so exploration included; the first of equals.
    """

    def __init__(self, seeds: tuple[int, ...]) -> None:
        self.seeds = seeds
        self.score = np.full(len(seeds), -np.inf)
        self.episode = np.zeros(len(seeds), np.int64)
        self.arrays: dict[str, np.ndarray] = {}

    def see(self, heads: list[Any], rows: list[dict[str, Any]]) -> None:
        """Take in rows of records just completed."""
        better = [(self.seeds.index(row["seed"]), row) for row in rows]
        better = [(s, row) for s, row in better if row["reward"] > self.score[s]]
        if not better:
            return
        now = played(heads)
        if not self.arrays:
            self.arrays = {name: array.copy() for name, array in now.items()}
        for s, row in better:
            self.score[s], self.episode[s] = row["reward"], row["episode"]
            for name, array in now.items():
                each = len(array) // len(self.seeds)
                self.arrays[name][s * each : (s + 1) * each] = array[s * each : (s + 1) * each]

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        kept = {f"best/{name}": array.copy() for name, array in self.arrays.items()}
        return kept | {"best/score": self.score.copy(), "best/episode": self.episode.copy()}

    def load_state_dict(self, saved: Mapping[str, np.ndarray]) -> None:
        """Go on from a state_dict."""
        held = {name.removeprefix("best/"): array for name, array in saved.items() if name.startswith("best/")}
        self.score[...], self.episode[...] = held.pop("score"), held.pop("episode")
        self.arrays = {name: array.copy() for name, array in held.items()}


def learned(heads: list[Any]) -> dict[str, np.ndarray]:
    """What all heads have learned, lanes first, as a flat {name: array}."""
    return {f"{head.label}/lanes/{k}": v for head in heads for k, v in head.lanes.learned().items()}


def played(heads: list[Any]) -> dict[str, np.ndarray]:
    """The same of what training acts by, which may be one update behind."""
    return {f"{head.label}/lanes/{k}": v for head in heads for k, v in head.playing.played().items()}
