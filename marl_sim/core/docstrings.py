"""Docstrings as data: paragraphs, and entries that say what each option is."""

from __future__ import annotations

import dataclasses
import inspect
import re
from typing import Any

from .part import Part
from .rules import Rule

SOURCES = ("Source", "Sources", "Reference", "References")
CITED = re.compile(r"\(([A-Z][^()]*?\b(?:19|20)\d\d)[^()]*\)|([A-Z][\w&. ]*? \((?:19|20)\d\d\))")


@dataclasses.dataclass(frozen=True)
class Docstring:
    """A docstring's paragraphs, and its entries: lines of the form `name, name   what it is`."""

    summary: str
    paragraphs: tuple[str, ...]
    entries: dict[str, str]

    @classmethod
    def of(cls, thing: Any) -> Docstring:
        """Read the docstring of a class, a function or a rule."""
        text = thing.__doc__ if isinstance(thing, Rule) else inspect.getdoc(thing)
        paragraphs: list[list[str]] = [[]]
        entries: dict[str, str] = {}
        open_entry: list[str] = []
        for line in inspect.cleandoc(text or "").splitlines():
            entry = re.match(r"(\S(?:.*?\S)?) {2,}(\S.*)$", line)
            if not line.strip():
                paragraphs.append([])
                open_entry = []
            elif entry:
                open_entry = [name.strip() for name in entry[1].split(",")]
                entries |= dict.fromkeys(open_entry, entry[2])
            elif open_entry and line.startswith("  "):
                entries |= {name: f"{entries[name]} {line.strip()}" for name in open_entry}
            else:
                open_entry = []
                paragraphs[-1].append(line.strip())
        found = [" ".join(lines) for lines in paragraphs if lines]
        return cls(found[0] if found else "", tuple(found[1:]), entries)

    @property
    def sources(self) -> list[str]:
        """What it cites: its source entries, then names with a year in its text."""
        given = [self.entries[name] for name in SOURCES if name in self.entries]
        others = {name: text for name, text in self.entries.items() if name not in SOURCES}
        text = " ".join((self.summary, *self.paragraphs, *others.values()))
        cited = [a or b for a, b in CITED.findall(text)]
        apart = re.compile(r"; (?![^()]*\))")
        return [source.strip() for entry in given for source in apart.split(entry)] + list(dict.fromkeys(cited))


def meanings(part: type[Part]) -> dict[str, str]:
    """What a part and its bases say of each option (and of their contract), by name."""
    known: dict[str, str] = {}
    for base in reversed(part.__mro__):
        known |= Docstring.of(base).entries if base.__doc__ and issubclass(base, Part) else {}
    return known
