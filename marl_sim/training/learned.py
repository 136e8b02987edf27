"""What an agent of a run has learned, in a seat: "run:FOLDER#agent=2,seed=3,best=True"."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..policies.base import Policy
from ..policies.exported import Programs
from ..policies.view import View
from .export import decision_of, learned_by
from .runs import learned_trainer
from .worlds import looks

if TYPE_CHECKING:
    from ..policies.player import Player


class Learned(Policy):
    """Plays as an agent of a finished or unfinished run has learned to.

    folder     of the run
    agent      its number or name
    seed       of which seed; None: the first
    best       what the seed had learned after its best block, rather than what it had learned last
    condition  which of the run's conditions, by name; the only one needs no name
    sample     drawn by its odds, where it has odds; else its best action

    It plays in games that look as the one it was trained in: the same agents, stages, choices and observations. Agents
    with memory remember their rows, and begin anew where a game is over. ValueError in one sentence for a run,
    condition, agent or seed that is not there, and for a game that looks different.
    """

    tags: ClassVar[dict[str, Any]] = {}
    recalls = False
    folder: str = ""
    agent: int | str = 0
    seed: int | None = None
    best: bool = False
    condition: str | None = None
    sample: bool = False

    def __post_init__(self) -> None:
        trainer = learned_trainer(self.folder, self.condition, best=self.best)
        name, number, seed = learned_by(trainer, self.agent, self.seed)
        self._game, self._worlds = trainer.game, trainer.worlds
        made = {head.name: head.module(seed, number) for head in trainer.heads if head.learns[number]}
        heads = {head.name: head for head in trainer.heads if head.learns[number]}
        decisions = {kind: decision_of(heads[kind], module, who) for kind, (module, who) in made.items()}
        owner = f"{name} of seed {trainer.seeds[seed]} in {self.folder}"
        modules = {kind: module.eval().requires_grad_(False) for kind, (module, _) in made.items()}
        self.programs = Programs(owner, decisions, modules.__getitem__)

    def reset(self, player: Player) -> None:
        game = player.table.game
        if game is not None and self._game is not None and looks(game) != looks(self._game):
            raise ValueError(
                f"{self.programs.owner} was trained in {self._game.label}, and plays where agents, stages, choices and "
                f"observations are the same; {game.label} differs in them"
            )
        if (game is None) != (self._game is None):
            here = "another environment" if game is None else game.label
            raise ValueError(f"{self.programs.owner} was trained in {self._worlds.label}; it cannot play {here}")
        self.programs.keep(player)

    def act(self, view: View) -> np.ndarray:
        return self.programs.act(view, self.sample)


def from_run(folder: str, agent: int | str = 0, seed: int | None = None, best: bool = False,
             condition: str | None = None, sample: bool = False) -> Learned:  # fmt: skip
    """What `ms.as_policy("run:FOLDER#agent=2,seed=3")` means; see Learned."""
    return Learned(folder, agent, seed, best, condition, sample)  # type: ignore[call-arg]
