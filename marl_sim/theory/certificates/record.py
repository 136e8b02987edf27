"""What a certificate is made of: inequalities with their numbers, findings, and the mechanisms laid on a game."""

from __future__ import annotations

import math
import operator
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from ..backward import shown
from ..form import exact

RELATIONS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge,
    "<=": operator.le,
    ">": operator.gt,
    "<": operator.lt,
    "=": operator.eq,
}
WIDTH = 100


@dataclass(frozen=True)
class Fact:
    """An inequality between numbers of a game.

    claim      in the words of its options: "temptation > reward"
    left       the number on its left, a Fraction (or a float that is none)
    relation   ">", ">=", "=", "<=" or "<"
    right      the number on its right
    """

    claim: str
    left: Any
    relation: str
    right: Any

    @property
    def holds(self) -> bool:
        """Whether it is true."""
        return RELATIONS[self.relation](self.left, self.right)

    @property
    def numbers(self) -> str:
        """ "4 > 3"."""
        return f"{shown(self.left)} {self.relation} {shown(self.right)}"


def fact(claim: str, left: Any, right: Any) -> Fact:
    """A Fact, its relation read from its claim, which has one."""
    (relation,) = re.findall(r" (>=|<=|>|<|=) ", claim)
    return Fact(claim, _number(left), relation, _number(right))


def _number(x: Any) -> Any:
    """Numbers of options become the fractions that they mean, so that 1.8 / 3 is not less than 0.6."""
    return x if isinstance(x, float) and not math.isfinite(x) else exact(x)


@dataclass(frozen=True)
class Finding:
    """What theory says of a game, under a name.

    name    "equilibria"
    lines   in words
    value   for machines: numbers, words, lists and dictionaries of them; None: the words
    """

    name: str
    lines: tuple[str, ...]
    value: Any = None


def finding(name: str, text: str | Iterable[str], value: Any = None) -> Finding:
    """A Finding from a text or several lines."""
    return Finding(name, (text,) if isinstance(text, str) else tuple(text), value)


@dataclass(frozen=True)
class Certificate:
    """Which dilemma a game is, by which inequalities, and what theory says of it.

    name         of the game, or of the part that it is about
    kind         which dilemma it is, in words; of a mechanism, what it does to the incentives
    facts        the inequalities that decide the kind, those that do not hold included
    findings     what follows: equilibria, optimum, thresholds, ...
    mechanisms   certificates of what is laid on the dilemma

    `str` of it is a page of text, `record` a dictionary that json can write.
    """

    name: str
    kind: str
    facts: tuple[Fact, ...] = ()
    findings: tuple[Finding, ...] = ()
    mechanisms: tuple[Certificate, ...] = ()

    def fact(self, claim: str) -> Fact:
        """The inequality of that claim; KeyError where there is none."""
        return {one.claim: one for one in self.facts}[claim]

    def found(self, name: str) -> Any:
        """The value of the finding of that name (its words, where it has none); KeyError where there is none."""
        return {one.name: _value(one) for one in self.findings}[name]

    def named(self, name: str) -> Certificate:
        """The same under another name."""
        return replace(self, name=name)

    @property
    def record(self) -> dict[str, Any]:
        """For machines: name, kind, facts (claim, left, relation, right, holds), findings by name, mechanisms."""
        return {
            "name": self.name,
            "kind": self.kind,
            "facts": [
                {
                    "claim": one.claim,
                    "left": plain(one.left),
                    "relation": one.relation,
                    "right": plain(one.right),
                    "holds": one.holds,
                }
                for one in self.facts
            ],
            "findings": {one.name: plain(_value(one)) for one in self.findings},
            "mechanisms": [one.record for one in self.mechanisms],
        }

    def __str__(self) -> str:
        return "\n".join(self._text(""))

    def _text(self, indent: str) -> Iterator[str]:
        yield from _wrapped(f"{indent}{self.name}: {self.kind}", f"{indent}    ")
        if self.facts:
            claims = max(len(one.claim) for one in self.facts)
            numbers = max(len(one.numbers) for one in self.facts)
        for one in self.facts:
            holds = "holds" if one.holds else "does not hold"
            yield f"{indent}    {one.claim:{claims}}   {one.numbers:{numbers}}   {holds}"
        width = max((len(one.name) for one in self.findings), default=0)
        for about in self.findings:
            start = f"{indent}    {about.name:{width}}   "
            for line in about.lines:
                yield from _wrapped(start + line, " " * (len(indent) + width + 9))
                start = " " * len(start)
        for below in self.mechanisms:
            yield from below._text(indent + "    ")


def _wrapped(text: str, indent: str) -> list[str]:
    """Lines of the page's width; spaces that line things up stay as they are."""
    return textwrap.wrap(text, WIDTH, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def _value(one: Finding) -> Any:
    return " ".join(one.lines) if one.value is None else one.value


def plain(value: Any) -> Any:
    """What json can write: exact numbers become whole numbers or floats, what is not finite becomes a word."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(one) for one in value]
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, Fraction | int | np.integer):
        return int(value) if value == int(value) else float(value)
    if isinstance(value, float | np.floating):
        return float(value) if math.isfinite(value) else str(float(value))
    return value
