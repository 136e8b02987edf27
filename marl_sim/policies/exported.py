"""An agent that was exported as plain torch programs, in a seat; needs torch and nothing of the training code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from .base import Policy
from .view import View


class Exported(Policy):
    """Plays as `marl-sim export` wrote it: the best action, or (sample) drawn by its odds.

    Agents with memory remember nothing from one call to the next here: ValueError.
    """

    tags: ClassVar[dict[str, Any]] = dict(stochastic=False)
    folder: str = "agent"
    sample: bool = False

    def __post_init__(self) -> None:
        page = Path(self.folder) / "agent.json"
        if not page.is_file():
            raise ValueError(f"{self.folder} holds no exported agent: there is no agent.json in it")
        self.decisions = json.loads(page.read_text())["decisions"]
        self._programs: dict[str, Any] = {}

    def act(self, view: View) -> np.ndarray:
        kind = view.kind if view.kind in self.decisions else "all"
        if kind not in self.decisions:
            known = ", ".join(self.decisions)
            raise ValueError(f"the agent in {self.folder} decides on {known}; it does not know {view.kind!r}")
        said = self.decisions[kind]
        columns, n = slice(*said["columns"]), said["n_actions"]
        if view.obs.shape[1] < columns.stop or view.legal.shape[1] < n:
            raise ValueError(
                f"the agent in {self.folder} sees {columns.stop} columns and chooses among {n} in {kind!r}; "
                f"here are {view.obs.shape[1]} and {view.legal.shape[1]}"
            )
        likes = self._ask(kind, view.obs[:, columns], view.legal[:, :n], said)
        if said["continuous"]:
            return likes[:, 0]
        if self.sample and said["preferences"] == "log odds":
            edges = np.exp(likes).cumsum(1)
            return (view.uniform()[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(1)
        return likes.argmax(1)

    def _ask(self, kind: str, obs: np.ndarray, legal: np.ndarray, said: dict[str, Any]) -> np.ndarray:
        import torch

        if kind not in self._programs:
            if said["memory"]:
                raise ValueError(
                    f"the agent in {self.folder} has a memory, which a seat that keeps nothing cannot hold"
                )
            self._programs[kind] = torch.export.load(str(Path(self.folder) / said["file"])).module()
        who, none = torch.full((len(obs),), said["who"]), torch.zeros(len(obs), 0)
        with torch.no_grad():
            return self._programs[kind](torch.from_numpy(obs), torch.from_numpy(legal), who, none)[0].numpy()
