"""What a study shows while it trains: per condition a bar, steps and updates per second, and the time left."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

MEMORY = 15.0  # seconds over which rates are taken


@dataclass(frozen=True)
class Report:
    """How far one condition is: counters since its very beginning."""

    index: int  # of the condition
    episode: int
    steps: int  # world steps, all seeds together
    updates: int  # gradient or table updates, all lanes together
    finished: bool = False


class Display(Protocol):
    """Whoever is told how a study goes on."""

    def start(self, names: Sequence[str], episodes: Sequence[int]) -> None: ...

    def update(self, report: Report) -> None: ...

    def close(self) -> None: ...


class Rates:
    """Steps and updates per second of one condition over the last seconds."""

    def __init__(self) -> None:
        self.seen: deque[tuple[float, int, int]] = deque()

    def add(self, report: Report, now: float) -> tuple[float, float]:
        """Note a report; (steps/s, updates/s), 0 before the second one."""
        self.seen.append((now, report.steps, report.updates))
        while len(self.seen) > 2 and now - self.seen[1][0] > MEMORY:
            self.seen.popleft()
        then, steps, updates = self.seen[0]
        seconds = now - then
        return ((report.steps - steps) / seconds, (report.updates - updates) / seconds) if seconds > 0 else (0.0, 0.0)


class Bars:
    """Live bars in a terminal."""

    def __init__(self, console: Console) -> None:
        self.progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24, pulse_style="bar.back"),
            MofNCompleteColumn(),
            TextColumn("{task.fields[speed]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=console,
        )
        self.rates: dict[int, Rates] = {}

    def start(self, names: Sequence[str], episodes: Sequence[int]) -> None:
        for index, (name, total) in enumerate(zip(names, episodes)):
            task = self.progress.add_task(name, total=total, start=False, speed="waiting")
            assert task == index
            self.rates[index] = Rates()
        self.progress.start()

    def update(self, report: Report) -> None:
        task = self.progress.tasks[report.index]
        if not task.started:
            self.progress.start_task(task.id)
        steps, updates = self.rates[report.index].add(report, time.monotonic())
        speed = "done" if report.finished else f"{short(steps)} steps/s  {short(updates)} updates/s"
        self.progress.update(task.id, completed=report.episode, speed=speed)

    def close(self) -> None:
        self.progress.stop()


class Lines:
    """One line as each condition ends, for logs and pipes."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def start(self, names: Sequence[str], episodes: Sequence[int]) -> None:
        self.names, self.first = list(names), {}  # type: ignore[var-annotated]

    def update(self, report: Report) -> None:
        now = time.monotonic()
        began, steps, updates = self.first.setdefault(report.index, (now, report.steps, report.updates))
        if report.finished:
            seconds = max(now - began, 1e-9)
            self.console.print(
                f"{self.names[report.index]}: {report.episode} episodes in {seconds:.1f} s, "
                f"{short((report.steps - steps) / seconds)} steps/s, "
                f"{short((report.updates - updates) / seconds)} updates/s",
                highlight=False,
            )

    def close(self) -> None:
        pass


class Silence:
    """Shows nothing."""

    def start(self, names: Sequence[str], episodes: Sequence[int]) -> None:
        pass

    def update(self, report: Report) -> None:
        pass

    def close(self) -> None:
        pass


def display(console: Console, quiet: bool) -> Display:
    """Bars in a terminal, lines elsewhere, nothing where quiet is wanted."""
    if quiet:
        return Silence()
    return Bars(console) if console.is_terminal else Lines(console)


def short(rate: float) -> str:
    """A rate in four characters or so: 812, 12.3k, 4.5M."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rate >= size:
            return f"{rate / size:.3g}{letter}"
    return f"{rate:.0f}"
