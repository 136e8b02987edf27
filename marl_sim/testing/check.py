"""Every law, one after another, and what came of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from ..core.errors import unknown
from ..envs.source import Source
from .laws import LAWS, Case, NotApplicable

PLAYED = "it can be played"


class NotFit(AssertionError):
    """An environment breaks laws; its text says which, a line each."""


@dataclass(frozen=True)
class Finding:
    """What came of one law: its verdict, "kept", "broken" or "no case", and what is wrong or why it does not apply."""

    law: str
    verdict: str
    said: str = ""

    def __str__(self) -> str:
        return f"{self.verdict:8} {self.law}" + (f": {self.said}" if self.said else "")


@dataclass(frozen=True)
class Report:
    """What came of all laws."""

    label: str
    findings: tuple[Finding, ...]

    @property
    def broken(self) -> tuple[Finding, ...]:
        """The laws that are broken."""
        return tuple(finding for finding in self.findings if finding.verdict == "broken")

    @property
    def fit(self) -> bool:
        """Whether no law is broken."""
        return not self.broken

    def __str__(self) -> str:
        kept = sum(finding.verdict == "kept" for finding in self.findings)
        lines = [f"{self.label}: {kept} laws kept, {len(self.broken)} broken", *map(str, self.findings)]
        return "\n".join(lines)


def check(
    env: Any,
    options: dict[str, Any] | None = None,
    seeds: Sequence[int] = (0, 1),
    steps: int = 300,
    laws: Sequence[str] | None = None,
    raises: bool = True,
) -> Report:
    """Hold an environment against the laws of experiments.

    env      "my_module:MyEnv", "pettingzoo.classic.tictactoe_v3", a class or function that makes one, or one that has
             not been reset, which is copied by pickling
    options  keyword arguments of what makes it
    seeds    of the games that are played; steps: how many steps of each (episodes follow each other)
    laws     which laws, by name; all, where none is named (`marl_sim.testing.laws.LAWS`)
    raises   NotFit, an AssertionError, where a law is broken, so that a test of one line will do

    Checked: it can be played; spaces stay the same; observations are in them at every step; masks are honest; infos
    keep their keys; rewards are numbers; nobody is revived; the last reward arrives; the same seed is the same game,
    for many steps, in this process and in another; a reset forgets; what is handed out stays; a pickled copy goes on
    alike; PettingZoo's own test passes.
    """
    source = Source(env, options)
    for name in laws or ():
        if name not in LAWS:
            raise ValueError(unknown("law", name, LAWS))
    for name, value in (("steps", steps), ("the number of seeds", len(seeds))):
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}")
    case = Case(partial(Source.make, source), tuple(seeds), steps)
    source.make()  # what cannot be made is the caller's fault
    findings: list[Finding] = []
    for name in laws or LAWS:
        playable = not any(finding.law == PLAYED and finding.verdict == "broken" for finding in findings)
        findings.append(_held(name, LAWS[name], case, playable))
    report = Report(source.label, tuple(findings))
    if raises and not report.fit:
        raise NotFit(str(report))
    return report


def _held(name: str, check_law: Callable[[Case], Any], case: Case, playable: bool) -> Finding:
    try:
        wrong = next(iter(check_law(case)), None)
    except NotApplicable as reason:
        return Finding(name, "no case", str(reason))
    except Exception as error:  # an environment that fails under random legal play breaks the law it fails in
        if not playable:
            return Finding(name, "no case", "it cannot be played")
        return Finding(name, "broken", f"it raises {type(error).__name__}: {error}")
    return Finding(name, "kept") if wrong is None else Finding(name, "broken", wrong)
