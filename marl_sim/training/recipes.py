"""What a condition was made of, as JSON: the game, the learners and the arguments of its trainer.

Nothing is pickled. An object is written as the name of its class and its options, and made again by calling the class;
only games, their parts, learners, schedules, policies and reward layers are.
"""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.game import Game
from ..core.part import Part
from ..learners.base import Learner
from ..learners.schedules import Schedule
from ..policies.base import Policy


class NoRecipe(ValueError):
    """Something cannot be written as names and options, or not be made from them."""


KINDS: tuple[type, ...] = (Part, Learner, Schedule, Policy)


def write(value: Any) -> Any:
    """A value as JSON can hold it. NoRecipe for what is neither plain nor one of the KINDS."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return {"float": repr(value)}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, list):
        return [write(item) for item in value]
    if isinstance(value, tuple | range):
        return {"tuple": [write(item) for item in value]}
    if isinstance(value, np.ndarray):
        return {"array": write(value.tolist()), "dtype": value.dtype.str}
    if isinstance(value, Mapping):
        return {"map": [[write(key), write(item)] for key, item in value.items()]}
    if isinstance(value, Game):
        parts, named = value._arguments()
        made = {"game": _name(type(value)), "parts": [write(part) for part in parts], "label": value.label}
        return made | {"with": {name: write(item) for name, item in named.items()}}
    if isinstance(value, KINDS) or getattr(type(value), "has_recipe", False):
        fields = [field for field in dataclasses.fields(value) if field.init]
        return {"is": _name(type(value)), "with": {f.name: write(getattr(value, f.name)) for f in fields}}
    raise NoRecipe(f"{value!r} cannot be written down as names and options.")


def read(value: Any) -> Any:
    """What `write` wrote, made again. NoRecipe in one sentence for a class that is not there or of another kind."""
    if isinstance(value, list):
        return [read(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "float" in value:
        return float(value["float"])
    if "tuple" in value:
        return tuple(read(item) for item in value["tuple"])
    if "array" in value:
        return np.array(read(value["array"]), value["dtype"])
    if "map" in value:
        return {read(key): read(item) for key, item in value["map"]}
    if "game" in value:
        cls = _class(value["game"])
        if not issubclass(cls, Game):
            raise NoRecipe(f"{value['game']} is no game of marl_sim.")
        game = cls(*read(value["parts"]), **{name: read(item) for name, item in value["with"].items()})
        game.label = value["label"]
        return game
    cls = _class(value["is"])
    if not (issubclass(cls, KINDS) or getattr(cls, "has_recipe", False)):
        raise NoRecipe(f"{value['is']} is no part, learner, policy or layer of marl_sim.")
    return cls(**{name: read(item) for name, item in value["with"].items()})


def _name(cls: type) -> str:
    if "<locals>" in cls.__qualname__ or cls.__module__ == "__main__":
        raise NoRecipe(f"{cls.__qualname__} stands in no module that can be imported.")
    return f"{cls.__module__}:{cls.__qualname__}"


def _class(name: str) -> type:
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
        for step in path.split("."):
            found = getattr(found, step)
    except (ImportError, AttributeError):
        raise NoRecipe(f"there is no {name} here.") from None
    if not isinstance(found, type):
        raise NoRecipe(f"{name} is no class.")
    return found
