"""Finished and unfinished runs, opened again: what was learned, ready to play."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.errors import unknown
from . import recipes
from .records import ConditionRecord, RecordError, RunFolder, write_text
from .rollout import Trainer

RECIPE = "recipe.json"
FOR_PLAYING = ("seeds", "num_envs", "heads", "credit", "rewards", "shared", "policies", "seating", "guests",
               "shuffle_seats", "team_reward", "options")  # fmt: skip


def write_recipe(record: ConditionRecord, game: Any, learner: Any, arguments: Mapping[str, Any]) -> None:
    """Keep with a condition what it was made of, where that can be written down; else the reason why not."""
    kept = {name: value for name, value in arguments.items() if name in FOR_PLAYING}
    try:
        made = {name: recipes.write(value) for name, value in dict(game=game, learner=learner, arguments=kept).items()}
    except recipes.NoRecipe as reason:
        made = {"missing": str(reason)}
    write_text(record.path / RECIPE, json.dumps(made, indent=1) + "\n")


def open_condition(path: str | Path, condition: str | None = None) -> ConditionRecord:
    """The record of a run folder's condition; its only one where none is named. RecordError in one sentence."""
    folder = RunFolder.open(path)
    home = folder.path / "conditions"
    names = sorted(each.name for each in home.iterdir() if each.is_dir()) if home.is_dir() else []
    if condition is None and len(names) != 1:
        raise RecordError(f"{path} holds {len(names)} conditions; name one of {', '.join(names) or 'none'}.")
    name = names[0] if condition is None else condition.lower().replace(" ", "_").replace(",", "")
    if name not in names:
        raise RecordError(unknown("condition", condition, names))
    return ConditionRecord(home / name, name)


def learned_trainer(
    path: str | Path, condition: str | None = None, best: bool = False, device: str = "cpu", num_envs: int | None = None
) -> Trainer:
    """A Trainer that plays as what a run learned: its last policies, or the best of each seed.

    Raises RecordError, in one sentence, where the run cannot be opened or its game not be made again.
    """
    record = open_condition(path, condition)
    trainer = playing_trainer(record, device, num_envs)
    trainer.load_final_state(record.state(), best=best)
    return trainer


def playing_trainer(record: ConditionRecord, device: str = "cpu", num_envs: int | None = None) -> Trainer:
    """A Trainer of what a condition was made of, that has learned nothing yet. RecordError in one sentence."""
    file = record.path / RECIPE
    held = json.loads(file.read_text()) if file.exists() else {"missing": "the run keeps no recipe."}
    if "missing" in held:
        raise RecordError(f"what {record.path} was made of is not written down: {held['missing']}")
    try:
        made = {name: recipes.read(value) for name, value in held.items()}
    except (recipes.NoRecipe, TypeError, ValueError) as reason:
        raise RecordError(f"the game of {record.path} cannot be made again: {reason}") from None
    given = made["arguments"] | dict(device=device) | ({} if num_envs is None else dict(num_envs=num_envs))
    return Trainer(made["game"], made["learner"], episodes=1, **given)
