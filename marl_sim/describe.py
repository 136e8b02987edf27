"""A game, mechanism or dilemma in words: everything is taken from docstrings and from the game object itself."""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterable
from typing import Any

import numpy as np

from .core.docstrings import SOURCES, Docstring, meanings
from .core.encounters import Encounters
from .core.errors import unknown
from .core.fields import Slot
from .core.game import Game
from .core.group import GroupDilemma, Rounds
from .core.horizon import Horizon
from .core.part import Part
from .core.registry import factory, make, registered
from .core.rules import Rule
from .core.society import Dilemma, Mechanism
from .core.stage import Stage

WIDTH = 100
LISTED = 40  # characters of a field's values, where they are listed one by one
EVENTS = {
    "start": "when an episode starts",
    "open": "before partners are chosen",
    "deal": "before each pass through the stages",
    "round": "at the end of a round",
}


def describe(what: Game | Part | type[Part] | str, **options: Any) -> str:
    """The rules in words, the stages, what agents see, payoffs, options and references, as text.

    what      a game, a dilemma or a mechanism (object or class), or the name of any of them or of a scripted policy
    options   of the registered game

    ValueError for an unknown name, with the nearest one.
    """
    source: Any = None
    if isinstance(what, str):
        if what not in registered():
            known = {one.__name__: one for one in parts()}
            scripted = importlib.import_module("marl_sim.policies").scripted_policies()
            if what in scripted:
                return describe_policy(scripted[what])
            if what not in known:
                names = [*registered(), *known, *scripted]
                raise ValueError(unknown("game, dilemma, mechanism or policy", what, names))
            try:
                return describe_part(known[what]())
            except ValueError:  # it has no defaults
                return describe_part(known[what])
        source, what = factory(what), make(what, **options)
    if isinstance(what, Game):
        return describe_game(what, source)
    return describe_part(what)


def fields_of(part: Part | type[Part]) -> tuple[dataclasses.Field[Any], ...]:
    """The options of a part."""
    return dataclasses.fields(part)  # type: ignore[arg-type]


def parts() -> list[type[Part]]:
    """The dilemmas, mechanisms and horizons that the package exports, by name."""
    import marl_sim

    homes = ("games.", "mechanisms.", "core.horizon")
    found = [getattr(marl_sim, name) for name, home in marl_sim._HOME_OF.items() if home.startswith(homes)]
    return sorted((one for one in found if issubclass(one, Part)), key=lambda cls: cls.__name__)


# ---------------------------------------------------------------- a whole game


def describe_game(game: Game, source: Any = None) -> str:
    """A game, section by section; `source` is the registered function that made it."""
    head = Docstring.of(source if source is not None else type(game))
    composed = [part for part in game.parts if not isinstance(part, Encounters | Rounds)]
    sections = [
        title(game.label, "="),
        paragraphs(head.summary, *(head.paragraphs if source is not None else ())),
        title("Composed of"),
        table([[type(p).__name__, f"{Docstring.of(type(p)).summary} {changed(p)}".strip()] for p in composed]),
        title("A round, stage by stage"),
        stages(game),
        title("Payoffs"),
        payoffs(game),
        title(f"What an agent sees: {game.obs_dim} columns, float32"),
        paragraphs("An agent that decides sees the stage and the block of its decision; all other columns are 0."),
        layout(game),
        title("Options"),
        options_of(game, source),
        title("References"),
        references([head, *(Docstring.of(type(part)) for part in composed)]) or "none",
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def changed(part: Part) -> str:
    """The options of a part that are not as they come."""
    options = [(field.name, getattr(part, field.name), field.default) for field in fields_of(part)]
    found = ", ".join(f"{name}={shown(value)}" for name, value, default in options if value != default)
    return f"Here {found}." if found else ""


def stages(game: Game) -> str:
    """Every stage: when, who decides among what, and what happens then."""
    lines = []
    for event in ("start", "open", "deal"):
        lines += [f"({EVENTS[event]}) {said(rule)}" for _, rule in game.reactions.get(event, []) if said(rule)]
    for number, (stage, part) in enumerate(zip(game.stages, game.stage_owner, strict=True), 1):
        lines.append(one_stage(game, number, stage, part))
    lines += [f"({EVENTS['round']}) {said(rule)}" for _, rule in game.reactions.get("round", []) if said(rule)]
    return "\n".join(line if "\n" in line else wrap(line, "    ") for line in lines)


def one_stage(game: Game, number: int, stage: Stage, part: Part) -> str:
    """One stage as a block of lines."""
    when = "when partners are chosen" if stage.opening else "every round"
    head = f"{number}. {stage.name} ({type(part).__name__}, {when})"
    words = ", ".join(f"{a} {word}" for a, word in enumerate(stage.choices))
    if stage.box is not None:
        words = f"{stage.choices[0]} any number from {stage.box[0]:g} to {stage.box[1]:g}"
    rows = [("who", said(stage.acting) if stage.acting else "Everybody."), ("choices", words)]
    if stage.legal:
        rows.append(("allowed", said(stage.legal)))
    if stage.begin:
        rows.insert(0, ("first", said(stage.begin)))
    around = {w: [said(rule) for _, rule in game.reactions.get(f"{w}:{stage.kind}", [])] for w in ("before", "after")}
    then = (*around["before"], *(said(rule) for rule in stage.then), *around["after"])
    rows += [("then", text) for text in then if text]
    return "\n".join([head, *(wrap(f"    {name:8}{text}", " " * 12) for name, text in rows)])


def said(rule: Rule | None) -> str:
    """What a rule does, in its own words: the first paragraph of its docstring."""
    return Docstring.of(rule).summary if rule is not None else ""


def payoffs(game: Game) -> str:
    """The payoff table of the dilemma, and every component of the reward with the part it comes from."""
    blocks = [table(part.payoff_rows()) for part in game.parts if hasattr(part, "payoff_rows")]
    rewards = [[name, type(part).__name__] for part in game.parts for name in part.rewards]
    return "\n\n".join([*blocks, table([["reward component", "from"], *rewards])])


def layout(game: Game) -> str:
    """The flat observation as a table."""
    rows = [["columns", "decision", "field", "values", "what it is"]]
    for slot in game.layout.slots:
        columns = f"{slot.start}" if slot.stop == slot.start + 1 else f"{slot.start}-{slot.stop - 1}"
        rows.append([columns, slot.kind or "all", slot.name, values(game, slot), slot.words])
    return table(rows)


def values(game: Game, slot: Slot) -> str:
    """How the columns of a field are to be read."""
    levels = game.field_levels.get(f"{slot.kind}:{slot.name}")
    if not slot.kind:
        return "one-hot"
    if levels:
        read = ", ".join(f"{k} {word}" for k, word in enumerate(slot.values))
        if not 0 < len(read) <= LISTED:
            read = f"0..{levels - 1}"
        return f"{read}; one-hot" if slot.levels is None else read
    if np.isinf(slot.low) or np.isinf(slot.high):
        return "any number"
    return f"{slot.low:g} to {slot.high:g}"


def options_of(game: Game, source: Any) -> str:
    """The options of the registered function, or of every part: value and meaning."""
    if source is not None:
        known = Docstring.of(source).entries
        given = inspect.signature(source).parameters.values()
        rows = [[p.name, "" if p.default is p.empty else shown(p.default), known.get(p.name, "")] for p in given]
        return table([["option", "default", "meaning"], *rows])
    blocks = [part_options(part) for part in game.parts if fields_of(part)]
    return "\n\n".join(blocks)


def references(docs: Iterable[Docstring]) -> str:
    """A list of everything cited, each once; a short mention of what is cited in full is left out."""
    found = list(dict.fromkeys(source for doc in docs for source in doc.sources))

    def names(source: str) -> tuple[str, ...]:
        authors = re.split(r"[,(]", source)[0]
        return (*re.findall(r"[A-Z][\w-]+", authors)[:1], *re.findall(r"(?:19|20)\d\d", source)[:1])

    full = {names(source) for source in found if '"' in source}
    kept = [source for source in found if '"' in source or names(source) not in full]
    return "\n".join(wrap(f"- {one}", "  ") for one in kept)


# ---------------------------------------------------------------- one part


def describe_part(part: Part | type[Part]) -> str:
    """A dilemma, mechanism or horizon: what it does, its contract and its options."""
    cls = part if isinstance(part, type) else type(part)
    doc = Docstring.of(cls)
    options = {field.name for field in fields_of(cls)}
    contract = [
        [name.capitalize(), text] for name, text in doc.entries.items() if name not in options and name not in SOURCES
    ]
    sorts = {Dilemma: "dilemma", GroupDilemma: "game of a group", Mechanism: "mechanism", Horizon: "horizon"}
    sort = next((word for base, word in sorts.items() if issubclass(cls, base)), "part")
    sections = [
        title(f"{cls.__name__}, a {sort}", "="),
        paragraphs(doc.summary, *doc.paragraphs),
        table(contract),
        part_options(part),
        title("References") if doc.sources else "",
        references([doc]),
    ]
    if isinstance(part, Part) and hasattr(part, "payoff_rows"):
        sections.insert(2, table(part.payoff_rows()))
    return "\n\n".join(section for section in sections if section) + "\n"


def part_options(part: Part | type[Part]) -> str:
    """The options of a part with their values (or defaults) and meanings."""
    cls = part if isinstance(part, type) else type(part)
    known, rows = meanings(cls), []
    for field in fields_of(cls):
        value = field.default if isinstance(part, type) else getattr(part, field.name)
        rows.append([field.name, shown(value), known.get(field.name, "")])
    head = f"{cls.__name__} option"
    return table([[head, "default" if isinstance(part, type) else "value", "meaning"], *rows]) if rows else ""


def describe_policy(cls: type) -> str:
    """A scripted policy: what it does, its options, its tags and where it comes from."""
    doc = Docstring.of(cls)
    tags = [[name, shown(value)] for name, value in cls.tags.items()]  # type: ignore[attr-defined]
    sections = [
        title(f"{cls.__name__}, a policy", "="),
        paragraphs(doc.summary, *doc.paragraphs),
        policy_options(cls),
        table([["tag", "value"], *tags]),
        title("References") if doc.sources else "",
        references([doc]),
    ]
    return "\n\n".join(section for section in sections if section) + "\n"


def policy_options(cls: type) -> str:
    """The options of a policy with their defaults and meanings."""
    known = {name: text for base in reversed(cls.__mro__) for name, text in Docstring.of(base).entries.items()}
    rows = [[f.name, shown(f.default), known.get(f.name, "")] for f in dataclasses.fields(cls)]
    return table([[f"{cls.__name__} option", "default", "meaning"], *rows]) if rows else ""


# ---------------------------------------------------------------- text


def shown(value: Any) -> str:
    """A value as it would be typed, cut where it is long."""
    text = f"{value:g}" if isinstance(value, float) else repr(value)
    return text if len(text) <= 32 else text[:29] + "..."


def title(text: str, line: str = "-") -> str:
    """A heading, underlined."""
    return f"{text}\n{line * len(text)}"


def wrap(text: str, indent: str = "") -> str:
    """Text in lines of the page's width; lines after the first are indented."""
    return textwrap.fill(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def paragraphs(*texts: str) -> str:
    """Wrapped paragraphs with a blank line between them."""
    return "\n\n".join(wrap(text) for text in texts if text)


def table(rows: list[list[str]]) -> str:
    """Columns of text, the last one wrapped; at most the page's width."""
    if not rows:
        return ""
    widths = [max(len(row[c]) for row in rows) for c in range(len(rows[0]) - 1)]
    lines = []
    for row in rows:
        start = "".join(f"{cell:{width}}  " for cell, width in zip(row, widths, strict=False))
        lines.append(wrap(start + row[-1], " " * len(start)).rstrip())
    return "\n".join(lines)


class _CallableModule(types.ModuleType):
    """`ms.describe` is the function, or this module once somebody has imported it by name: both can be called."""

    def __call__(self, what: Game | Part | type[Part] | str, **options: Any) -> str:
        return describe(what, **options)


sys.modules[__name__].__class__ = _CallableModule
