"""Who certifies what: a function a class of dilemmas or mechanisms, found by class, open for others' classes."""

from __future__ import annotations

import contextlib
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ...core.game import Game
from ...core.group import Group, GroupDilemma
from ...core.part import Part
from ...core.registry import make
from ...core.society import Dilemma, Mechanism, Society
from ...mechanisms.random_matching import RandomMatching
from .record import Certificate, finding

Build = Callable[[Any, Game], Certificate]
RULES = ("pays", "stages", "reactions")  # where a class that derives from another can change what is played and paid
_KNOWN: dict[str, Build] = {}


def certificate_of(part: str | type) -> Callable[[Build], Build]:
    """Register a function (part, game) -> Certificate for a class of dilemmas or mechanisms and what derives from it.

    part   the class, or its name

    The function reads the options of the part and of the game; the certificate is named by `certify`.
    """

    def keep(build: Build) -> Build:
        _KNOWN[part if isinstance(part, str) else part.__name__] = build
        return build

    return keep


def certify(game: Any, **options: Any) -> Certificate:
    """Which dilemma a game is, by which inequalities, with the numbers; and what theory says of it.

    game      a game, a dilemma (as met by two, or by a group of four, or as many as it calls for), or a registered name
    options   of the registered game

    All is read from the options and solved exactly: the rules are never run. Where a game is too large for something,
    the certificate says so, and what size can be done. A class of somebody else's brings its own certificate by
    @certificate_of; without one, a game whose payoffs are known (@payoffs_of) has its normal form solved, and what is
    left out is said: a mechanism that theory does not know, rules of one's own on a class that it does. ValueError in
    one sentence for unknown names and options, and for what is no game.
    """
    name = game if isinstance(game, str) else ""
    if isinstance(game, str):
        game = make(game, **options)
    elif options:
        raise ValueError(f"options go with the name of a registered game; got {game!r} and {', '.join(options)}")
    if isinstance(game, GroupDilemma):
        game = _group(game)
    elif isinstance(game, Dilemma):
        game = Society(game, n_agents=2)
    if not isinstance(game, Game):
        raise ValueError(f"certify takes a game, a dilemma or a registered name; got {game!r}")
    part = getattr(game, "dilemma", None) or _main(game)
    found = _certified(part, game, _generic())
    laid_on = [one for one in game.parts if isinstance(one, Mechanism) and not isinstance(one, RandomMatching)]
    below = [_certified(one, game, _unknown).named(type(one).__name__) for one in laid_on]
    if not name:
        name = type(part).__name__ if game.label in ("game", "society", "group") else game.label
    return replace(found, name=name, mechanisms=(*found.mechanisms, *below))


def _group(part: GroupDilemma) -> Group:
    """A group dilemma given alone, among four or, where it is of fixed roles, two or one."""
    for n_agents in (2, 1):
        try:
            return Group(part, n_agents=4)
        except ValueError:
            with contextlib.suppress(ValueError):
                return Group(part, n_agents=n_agents)
    return Group(part, n_agents=4)


def _certified(part: Part, game: Game, otherwise: Build) -> Certificate:
    """By the nearest class of the part that has a function; rules that it has from a class below are not read."""
    _load()
    above = type(part).__mro__
    nearest = next((k for k, cls in enumerate(above) if cls.__name__ in _KNOWN), None)
    if nearest is None:
        return otherwise(part, game)
    found = _KNOWN[above[nearest].__name__](part, game)
    own = [word for word in RULES if any(word in vars(cls) for cls in above[:nearest])]
    if not own:
        return found
    word = type(part).__name__
    text = (
        f"{word} is taken for the {above[nearest].__name__} that it derives from: its own {' and '.join(own)} are not"
        f" in what follows (@certificate_of('{word}') brings them in)"
    )
    return replace(found, findings=(finding("left out", text, own), *found.findings))


def _unknown(part: Part, game: Game) -> Certificate:
    """Of a mechanism that theory has not heard of."""
    word = type(part).__name__
    return Certificate("", f"not certified: what it changes is left out above (@certificate_of('{word}') brings it in)")


def _builder(part: Part) -> Build | None:
    """The function for the nearest class of a part that has one."""
    _load()
    return next((_KNOWN[cls.__name__] for cls in type(part).__mro__ if cls.__name__ in _KNOWN), None)


def _main(game: Game) -> Part:
    """What a game that is neither society nor group is about: the first part that can be certified, or the first."""
    return next((part for part in game.parts if _builder(part) is not None), game.parts[0])


def _generic() -> Build:
    from .common import generic

    return generic


@lru_cache(maxsize=1)
def _load() -> None:
    """Import the modules of this package, which register their functions."""
    package = importlib.import_module(__package__ or "")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"{package.__name__}.{module.name}")
