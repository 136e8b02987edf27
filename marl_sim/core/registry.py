"""Names of games: what `make`, the command line and PettingZoo can build.

A third party registers a game with @register("name"), or declares it in its own package metadata under the entry
point group "marl_sim.games" (the entry point loads the factory).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any

from .errors import unknown
from .game import Game
from .part import check_option

_factories: dict[str, Callable[..., Game]] = {}


def register(name: str) -> Callable[[Callable[..., Game]], Callable[..., Game]]:
    """Register a function that returns a Game under `name`; its docstring is the game's description."""

    def keep(factory: Callable[..., Game]) -> Callable[..., Game]:
        if name in _factories and _factories[name].__module__ != factory.__module__:
            raise ValueError(f"the name {name!r} is taken by {_factories[name].__module__}; choose another")
        _factories[name] = factory
        return factory

    return keep


@lru_cache(maxsize=1)
def _load_all() -> None:
    games = importlib.import_module("marl_sim.games")
    for module in pkgutil.iter_modules(games.__path__, "marl_sim.games."):
        importlib.import_module(module.name)
    for point in entry_points(group="marl_sim.games"):
        if point.name not in _factories:
            register(point.name)(point.load())


def registered() -> list[str]:
    """Names of all registered games, sorted."""
    _load_all()
    return sorted(_factories)


def factory(name: str) -> Callable[..., Game]:
    """The function behind a registered name. ValueError with the nearest name otherwise."""
    _load_all()
    if name not in _factories:
        raise ValueError(unknown("game", name, _factories))
    return _factories[name]


def as_game(game: Any, options: Mapping[str, Any] | None = None) -> Game:
    """A Game as it is, or the registered one of a name with options. ValueError in one sentence for anything else, and
    for options beside a game that is made."""
    if isinstance(game, str):
        return make(game, **(options or {}))
    if not isinstance(game, Game):
        raise ValueError(f"game must be a Game or the name of a registered one; got {game!r}")
    if options:
        given = ", ".join(sorted(options))
        raise ValueError(f"options go with the name of a game, not with a game that is made; got {given}")
    return game


def make(name: str, **options: Any) -> Game:
    """The registered game `name` with the given options. ValueError in one sentence for an unknown name or option."""
    build = factory(name)
    allowed = inspect.signature(build).parameters
    if not any(p.kind is inspect.Parameter.VAR_KEYWORD for p in allowed.values()):
        for option in options:
            if option not in allowed:
                raise ValueError(f"{name}: " + unknown("option", option, allowed))
    for option, value in options.items():
        if option in allowed and allowed[option].annotation in (bool, "bool"):  # "no" would count as true
            check_option(name, option, value, bool)
    game = build(**options)
    game.label = name
    return game
