"""Registered games that are one part alone: their options, and what these mean, are the part's own."""

from __future__ import annotations

import dataclasses
import inspect
import sys
import textwrap
from collections.abc import Callable
from typing import Any, Literal

from .docstrings import SOURCES, Docstring, meanings
from .errors import unknown
from .game import Game
from .group import Group, GroupDilemma
from .horizon import Fixed
from .part import Part
from .registry import register
from .society import Dilemma, Society

Encounters = Literal["together", "in turn"]


def by_chance(dilemma: Dilemma, n_agents: int = 2, rounds: int = 10, encounters: Encounters = "together") -> Society:
    """A dilemma among agents whom chance matches.

    n_agents     players; more than two are matched at random every round
    rounds       rounds, then the game is over
    encounters   "together": all pairs at once; "in turn": every agent hosts one encounter a round, one after the other
    """
    return Society(dilemma, n_agents=n_agents, horizon=Fixed(rounds), encounters=encounters)


def group(game: GroupDilemma, n_agents: int = 4, rounds: int = 10, encode: str = "one_hot") -> Group:
    """A game that all play together.

    n_agents   members of the group
    rounds     rounds, then the game is over
    encode     "one_hot" or "index": how whole numbers stand in the observation
    """
    return Group(game, n_agents=n_agents, horizon=Fixed(rounds), encode=encode)


def register_part(
    name: str, part: type[Part], about: str = "", table: Callable[..., Game] | None = None, /, **defaults: Any
) -> Callable[..., Game]:
    """Register the game of one part alone under `name`; its options are the part's, then those of its table.

    name       of the game
    part       class of a dilemma, or of a game of a group
    about      what the game is, the first words of its description; as it comes, those of the part's docstring
    table      how the part is played: a function (part, options) -> Game that explains its options in its docstring;
               None: a dilemma by n_agents=2 whom chance matches for rounds=10, with encounters="together", and a game
               of a group by n_agents=4 for rounds=10, with encode="one_hot"
    defaults   values that options of this game have as they come, where they differ from the part's or the table's; one
               that the part leaves `unlisted` is an option of this game if it is given here

    Returns the function that makes the game. ValueError, in one sentence, for a default of an option that neither has,
    or for an option that both have.
    """
    usual: Callable[..., Game] = group if issubclass(part, GroupDilemma) else by_chance
    play = table or usual
    own = {one.name: one for one in part_parameters(part) if one.name not in part.unlisted or one.name in defaults}
    others = {one.name: one for one in list(inspect.signature(play).parameters.values())[1:]}
    if both := own.keys() & others.keys():
        raise ValueError(f"{name}: {part.__name__} and its table both have the option {min(both)!r}")
    for option in defaults:
        if option not in own | others:
            raise ValueError(f"{name}: " + unknown("option", option, [*own, *others]))
    offered = [
        one.replace(kind=one.KEYWORD_ONLY, default=defaults.get(one.name, one.default))
        for one in (*own.values(), *others.values())
    ]
    signature = inspect.Signature(offered, return_annotation=inspect.signature(play).return_annotation)

    def build(**options: Any) -> Game:
        given = signature.bind(**options)
        given.apply_defaults()
        chosen = given.arguments
        return play(part(**{o: chosen[o] for o in own}), **{o: chosen[o] for o in others})

    build.__name__ = build.__qualname__ = name
    build.__module__ = sys._getframe(1).f_globals.get("__name__", "__main__")  # who registers it, as if with a `def`
    build.__doc__ = description(part, about, play, list(signature.parameters))
    build.__signature__ = signature  # type: ignore[attr-defined]
    return register(name)(build)


def part_parameters(part: type[Part]) -> list[inspect.Parameter]:
    """The options of a part as parameters: its own first, then those of its bases."""
    fields = {field.name: field for field in dataclasses.fields(part) if field.init}  # type: ignore[arg-type]
    declared = (name for base in part.__mro__ for name in inspect.get_annotations(base))
    chosen = (fields[name] for name in dict.fromkeys(name for name in declared if name in fields))
    return [
        inspect.Parameter(one.name, inspect.Parameter.KEYWORD_ONLY, default=as_it_comes(one), annotation=one.type)
        for one in chosen
    ]


def as_it_comes(option: dataclasses.Field[Any]) -> Any:
    """The default of an option; Parameter.empty if it has none."""
    if option.default_factory is not dataclasses.MISSING:
        return option.default_factory()
    return inspect.Parameter.empty if option.default is dataclasses.MISSING else option.default


def description(part: type[Part], about: str, table: Callable[..., Game], options: list[str]) -> str:
    """A docstring: what the game is, every option in the words of the part and of the table, the part's sources."""
    doc = Docstring.of(part)
    meaning = meanings(part) | Docstring.of(table).entries
    entries = [*options, *(word for word in SOURCES if word in doc.entries)]
    meaning = {name: meaning[name] for name in entries if name in meaning}
    width = max(map(len, entries), default=0) + 3
    lines = (
        textwrap.fill(f"{name:{width}}{text}", 120, subsequent_indent=" " * width, break_on_hyphens=False)
        for name, text in meaning.items()
    )
    return "\n\n".join([inspect.cleandoc(about) or doc.summary, "\n".join(lines)])
