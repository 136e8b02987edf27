"""Programs that are measured an iteration at a time, by turns, so that a machine whose speed changes is fair to all.

    with together({"ours": command, "theirs": another}, threads=1) as running:
        for _ in range(rounds):
            seconds = {name: one.turn() for name, one in running.items()}

A program takes part that keeps a `common.Clock` with by_turns=True: it says what its iteration took and waits.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from .run_all import environment

LONG = 0.5  # seconds; quicker iterations are repeated within a turn until they took as much


class Seconds(NamedTuple):
    """Of one iteration, on average over a turn."""

    wall: float
    cpu: float


class Running:
    """One program between its iterations."""

    def __init__(self, name: str, command: Sequence[str], threads: int) -> None:
        self.name, self._said = name, tempfile.TemporaryFile()  # noqa: SIM115 - closed by stop
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, text=True,
            env=environment(threads),
        )  # fmt: skip

    def _heard(self) -> Seconds:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith('{"wall"'):
                return Seconds(**json.loads(line))
        self._said.seek(0)
        raise RuntimeError(f"{self.name} ended before its turn:\n{self._said.read().decode(errors='replace')[-2000:]}")

    def warm(self) -> None:
        """Wait for the iteration that comes without being asked for: it loads and compiles."""
        self._heard()

    def turn(self, long: float = LONG) -> Seconds:
        """Some iterations, one at least."""
        assert self._process.stdin is not None
        taken: list[Seconds] = []
        while not taken or sum(one.wall for one in taken) < long:
            with suppress(BrokenPipeError):  # of one that has ended, which is found where it is heard
                self._process.stdin.write("\n")
                self._process.stdin.flush()
            taken.append(self._heard())
        return Seconds(*(sum(each) / len(taken) for each in zip(*taken)))

    def stop(self) -> None:
        self._process.kill()
        self._process.communicate()
        self._said.close()


@contextmanager
def together(commands: Mapping[str, Sequence[str]], threads: int) -> Iterator[dict[str, Running]]:
    """The programs, started side by side with so many threads each and warmed up. RuntimeError with what it said where
    one ends."""
    running: dict[str, Running] = {}
    try:
        for name, command in commands.items():
            running[name] = Running(name, command, threads)
        for one in running.values():
            one.warm()
        yield running
    finally:
        for one in running.values():
            one.stop()
