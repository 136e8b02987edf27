"""An agent that was exported as plain torch programs, in a seat; needs torch and nothing of the training code."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .base import Policy
from .program_file import loaded
from .view import View

if TYPE_CHECKING:
    from .player import Player

Program = Callable[..., Any]


class Programs:
    """How an agent decides that is written down as torch programs, one for each kind of decision.

    owner      who it is, for errors
    decisions  kind ("all" for any) -> what agent.json says of it: columns, n_actions, who, memory, preferences
    program    kind -> its program: (obs, legal, who, memory) -> preferences, memory; see learners.export
    """

    def __init__(self, owner: str, decisions: Mapping[str, Mapping[str, Any]], program: Callable[[str], Program]):
        self.owner, self.decisions, self.program = owner, decisions, program

    def keep(self, player: Player) -> None:
        """Let the rows remember what the programs do, kind by kind."""
        for kind, said in self.decisions.items():
            if said["memory"]:
                player.keep(f"memory of {kind}", np.zeros(said["memory"], np.float32))

    def act(self, view: View, sample: bool) -> np.ndarray:
        """The best action for each row; sample: drawn by its odds, where the programs tell odds."""
        import torch

        kind = view.kind if view.kind in self.decisions else "all"
        said = self._fitting(kind, view)
        remembered, name = np.zeros((view.n, 0), np.float32), f"memory of {kind}"
        if said["memory"]:
            remembered = view.kept[name]
        obs, legal = view.obs[:, slice(*said["columns"])], view.legal[:, : said["n_actions"]]
        who = torch.full((view.n,), said["who"])
        with torch.no_grad():
            likes, memory = self.program(kind)(*map(torch.from_numpy, (obs, legal)), who, torch.from_numpy(remembered))
        if said["memory"]:
            view.kept[name] = memory.numpy()
        likes = likes.numpy()
        if said["continuous"]:
            return likes[:, 0]
        return drawn(view, likes) if sample and said["preferences"] == "log odds" else likes.argmax(1)

    def _fitting(self, kind: str, view: View) -> Mapping[str, Any]:
        """What is known of the decision. ValueError in one sentence where the agent cannot take it."""
        if kind not in self.decisions:
            known = ", ".join(self.decisions)
            raise ValueError(f"{self.owner} decides on {known}; it does not know {view.kind!r}")
        said = self.decisions[kind]
        stop, n = said["columns"][1], said["n_actions"]
        if view.obs.shape[1] < stop or view.legal.shape[1] < n:
            raise ValueError(
                f"{self.owner} sees {stop} columns and chooses among {n} in {kind!r}; "
                f"here are {view.obs.shape[1]} and {view.legal.shape[1]}"
            )
        return said


def drawn(view: View, log_odds: np.ndarray) -> np.ndarray:
    """An action a row, drawn by its log odds [n, A] from the rows' own streams."""
    edges = np.exp(log_odds - log_odds.max(1, keepdims=True)).cumsum(1)
    return (view.uniform()[:, None] * edges[:, -1:] >= edges[:, :-1]).sum(1)


class Exported(Policy):
    """Plays as `marl-sim export` wrote it: the best action, or (sample) drawn by its odds.

    Agents with memory remember their rows from decision to decision, and begin anew where a game is over.
    ValueError in one sentence where the folder holds no agent, or one that sees or chooses among something else.
    """

    tags: ClassVar[dict[str, Any]] = dict(stochastic=False)
    recalls = False
    folder: str = "agent"
    sample: bool = False

    def __post_init__(self) -> None:
        page = Path(self.folder) / "agent.json"
        if not page.is_file():
            raise ValueError(f"{self.folder} holds no exported agent: there is no agent.json in it")
        self.programs = Programs(
            f"the agent in {self.folder}", json.loads(page.read_text())["decisions"], self._program
        )
        self._loaded: dict[str, Program] = {}

    def reset(self, player: Player) -> None:
        self.programs.keep(player)

    def act(self, view: View) -> np.ndarray:
        return self.programs.act(view, self.sample)

    def _program(self, kind: str) -> Program:
        if kind not in self._loaded:
            self._loaded[kind] = loaded(Path(self.folder) / self.programs.decisions[kind]["file"])
        return self._loaded[kind]
