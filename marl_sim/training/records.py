"""Run folders: everything a run leaves behind, laid out so that it can be read, resumed and never half-read.

runs/<scenario>/<time>/
    options.toml                 the resolved options, the package's version and the record format
    metrics.csv                  all conditions: condition, seed, episode, then one column per metric
    table.csv  table.md          the study's table
    figures/                     PNG
    conditions/<condition>/      metrics.csv while it runs; events/ for TensorBoard; recipe.json, its ingredients;
                                 seats.json, what its policies did; <episode>.checkpoint, the newest two;
                                 done, once finished
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import tomli_w

import marl_sim
from marl_sim.training import checkpoints
from marl_sim.training.event_files import EventFiles
from marl_sim.training.metrics_log import MetricsLog, merge

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

FORMAT = 1
SEATS = "seats.json"
KEPT = 2  # checkpoints: the newest, and the one before in case that is damaged


class RecordError(ValueError):
    """A run folder cannot be used: not one, of another version, damaged, or in use."""


class RunFolder:
    """A folder made by `create` or opened again by `open`. `options` are the resolved options as TOML holds them."""

    def __init__(self, path: Path, scenario: str, options: Mapping[str, Any]) -> None:
        self.path, self.scenario, self.options = path, scenario, dict(options)
        self.conditions: dict[str, ConditionRecord] = {}

    @classmethod
    def create(cls, scenario: str, options: Mapping[str, Any], out: str | Path = "runs") -> RunFolder:
        """Make `out/<scenario>/<time>/` and write its options. Runs started in the same second get -2, -3, ..."""
        now = datetime.now().replace(microsecond=0)
        stamp, count = now.isoformat().replace(":", "-"), 1
        home = Path(out) / slug(scenario)
        home.mkdir(parents=True, exist_ok=True)
        while True:
            path = home / (stamp if count == 1 else f"{stamp}-{count}")
            try:
                path.mkdir()
                break
            except FileExistsError:
                count += 1
        run = {"scenario": scenario, "started": now, "marl_sim": marl_sim.__version__, "record_format": FORMAT}
        write_text(path / "options.toml", tomli_w.dumps({"run": run, "options": dict(options)}))
        return cls(path, scenario, options)

    @classmethod
    def open(cls, path: str | Path) -> RunFolder:
        """Open a folder to go on with it.

        Raises RecordError, in one sentence, if it is no run folder or was written by another version: numbers of two
        versions in one record would look like one experiment.
        """
        path = Path(path)
        file = path / "options.toml"
        if not file.is_file():
            raise RecordError(f"{path} is no run folder: it holds no options.toml.")
        try:
            held = tomllib.loads(file.read_text())
            run, options = held["run"], held["options"]
            scenario, version, record_format = run["scenario"], run["marl_sim"], run["record_format"]
        except (tomllib.TOMLDecodeError, KeyError, TypeError, UnicodeDecodeError) as error:
            raise RecordError(f"{file} cannot be read as the options of a run: {error}.") from error
        if record_format != FORMAT:
            raise RecordError(
                f"{path} has record format {record_format}; this version goes on with format {FORMAT} only."
            )
        if version != marl_sim.__version__:
            raise RecordError(
                f"{path} was written by marl_sim {version}; this is {marl_sim.__version__}, and only the version "
                "that began a run can go on with it."
            )
        return cls(path, scenario, options)

    @property
    def figures(self) -> Path:
        """The folder of figures, made when first asked for."""
        folder = self.path / "figures"
        folder.mkdir(exist_ok=True)
        return folder

    def condition(self, name: str) -> ConditionRecord:
        """The record of a condition, made when first asked for. Names must differ in their letters and digits."""
        if name not in self.conditions:
            for other in self.conditions:
                if slug(other) == slug(name):
                    raise ValueError(
                        f"conditions {other!r} and {name!r} would share the folder {slug(name)!r}; rename one."
                    )
            self.conditions[name] = ConditionRecord(self.path / "conditions" / slug(name), name)
        return self.conditions[name]

    def gather(self) -> Path:
        """Write metrics.csv from all conditions asked for so far, in that order."""
        path = self.path / "metrics.csv"
        merge([(name, record.log.path) for name, record in self.conditions.items()], path)
        return path

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one process. Raises RecordError if another has it."""
        with lock(self.path):
            yield


class ConditionRecord:
    """Metrics and checkpoints of one condition."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        path.mkdir(parents=True, exist_ok=True)
        self.log, self.events = MetricsLog(path / "metrics.csv"), EventFiles(path / "events")

    @property
    def finished(self) -> bool:
        """Whether the condition ran to its end."""
        return (self.path / "done").exists()

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows of metrics."""
        rows = list(rows)
        self.log.append(rows)
        self.events.append(rows)

    def tell_of_seats(self, report: Sequence[Mapping[str, Any]]) -> None:
        """Keep what the policies in the seats did, how long they thought, and what was played in their place."""
        write_text(self.path / SEATS, json.dumps(list(report), indent=1, default=float) + "\n")

    def seats(self) -> list[dict[str, Any]]:
        """What `tell_of_seats` kept; nothing where only learners played."""
        file = self.path / SEATS
        return json.loads(file.read_text()) if file.exists() else []

    def checkpoint(self, state: Mapping[str, Any], episode: int) -> None:
        """Store a state together with the length of the metrics that belong to it, then drop the oldest but two."""
        self.events.flush()
        meta = {"condition": self.name, "episode": int(episode), "metrics_bytes": self.log.sync()}
        checkpoints.write(self.path / f"{int(episode):012d}.checkpoint", state, meta)
        for old in self._checkpoints()[KEPT:]:
            old.unlink()

    def resume(self) -> dict[str, np.ndarray] | None:
        """The state of the newest whole checkpoint, with the metrics cut back to it; None to begin anew.

        A damaged checkpoint is passed over for the one before. Raises RecordError if there are checkpoints and none
        can be used.
        """
        failures = []
        for path in self._checkpoints():
            try:
                state, meta = checkpoints.read(path)
                self.log.cut(meta["metrics_bytes"])
                self.events.begin_after(meta["episode"])
                return state
            except ValueError as error:
                failures.append(str(error))
        if failures:
            raise RecordError(f"{self.path} cannot be gone on with: {' '.join(failures)}")
        self.log.cut(0)
        return None

    def finish(self, state: Mapping[str, Any], episode: int) -> None:
        """Store the last state, drop the earlier ones and mark the condition as done."""
        self.checkpoint(state, episode)
        for old in self._checkpoints()[1:]:
            old.unlink()
        self.close()
        write_text(self.path / "done", f"{int(episode)}\n")

    def close(self) -> None:
        """Let go of open files; what was added stays."""
        self.events.close()

    def state(self) -> dict[str, np.ndarray]:
        """The newest stored state, as for evaluating what was learnt. Raises RecordError if there is none."""
        paths = self._checkpoints()
        if not paths:
            raise RecordError(f"{self.path} holds no checkpoint.")
        return checkpoints.read(paths[0])[0]

    def _checkpoints(self) -> list[Path]:
        return sorted(self.path.glob("[0-9]*.checkpoint"), reverse=True)


@contextmanager
def lock(folder: Path, patience: float = 10.0) -> Iterator[None]:
    """Hold `folder` for this process; the system lets go if the process dies.

    Waits up to `patience` seconds for another, such as the last worker of a killed run, then raises RecordError.
    """
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        deadline = time.monotonic() + patience
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError:
                if time.monotonic() > deadline:
                    raise RecordError(f"{folder} is in use by another process.") from None
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically."""
    part = path.with_name(f".{path.name}.part")
    with part.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    checkpoints.sync_folder(path.parent)


def slug(name: str) -> str:
    """A name as a folder: lower-case letters, digits and underscores."""
    made = re.sub(r"[^\w]+", "_", name.lower()).strip("_")
    if not made:
        raise ValueError(f"a name needs a letter or a digit; got {name!r}.")
    return made
