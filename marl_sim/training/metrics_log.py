"""The metrics of one condition while it runs: a CSV file that only grows, one row per seed and block of episodes."""

from __future__ import annotations

import csv
import io
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np


class MetricsLog:
    """Rows of numbers appended to a CSV file. The first row's keys are the columns; NaN: a metric without a value.

    Numbers are written so that reading them gives the same float64. Every append reaches the operating system at once,
    so a killed process leaves whole rows and at most one torn last line, which `cut` and `read` drop.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: tuple[str, ...] | None = None
        if path.exists():
            with path.open("rb") as file:
                head = file.readline()
            if head.endswith(b"\n"):
                self.columns = tuple(next(csv.reader([head.decode()])))

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows. Raises ValueError if a row's keys are not the columns."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        columns = self.columns
        for row in rows:
            if columns is None:
                columns = tuple(row)
                writer.writerow(columns)
            if set(row) != set(columns):
                missing, extra = sorted(set(columns) - set(row)), sorted(set(row) - set(columns))
                raise ValueError(f"every row of metrics has the same columns; one lacks {missing} and adds {extra}.")
            writer.writerow([number(row[column]) for column in columns])
        with self.path.open("ab") as file:
            file.write(text.getvalue().encode())
        self.columns = columns

    def sync(self) -> int:
        """Bring all rows to the disk; their length in bytes."""
        with self.path.open("ab") as file:
            os.fsync(file.fileno())
            return file.tell()

    def cut(self, length: int) -> None:
        """Drop everything after `length` bytes: rows later than a checkpoint, and a torn line.

        Raises ValueError if the file is shorter, or if no row ends there.
        """
        size = self.path.stat().st_size if self.path.exists() else 0
        if size < length:
            raise ValueError(f"{self.path} holds {size} bytes, fewer than the {length} of its checkpoint.")
        if length:
            with self.path.open("rb") as file:
                file.seek(length - 1)
                if file.read(1) != b"\n":
                    raise ValueError(f"{self.path} is damaged: no row ends at byte {length}, where its checkpoint was.")
        with self.path.open("ab") as file:
            file.truncate(length)
        if not length:
            self.columns = None

    def read(self) -> dict[str, np.ndarray]:
        """All whole rows as columns, float64 (int64 for seed and episode)."""
        return read_columns(self.path)


def number(value: Any) -> str:
    """A number as text that reads back as the same float64; True is 1."""
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(int(value))
    return repr(float(value))


def read_columns(path: Path) -> dict[str, np.ndarray]:
    """Columns of a metrics file, leaving out a torn last line; empty where there is no file."""
    text = path.read_text() if path.exists() else ""
    rows = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
    if not rows:
        return {}
    table = np.array(rows[1:], float).reshape(len(rows) - 1, len(rows[0]))
    columns = {name: table[:, index] for index, name in enumerate(rows[0])}
    return {name: col.astype(np.int64) if name in ("seed", "episode") else col for name, col in columns.items()}


def merge(parts: Sequence[tuple[str, Path]], path: Path) -> None:
    """Write the metrics of several conditions as one CSV file, atomically, with the condition's name in front.

    Columns are the union in order of first appearance; a metric that a condition does not have stays empty.
    """
    tables = []
    for name, part in parts:
        text = part.read_text() if part.exists() else ""
        rows = list(csv.reader(io.StringIO(text[: text.rfind("\n") + 1])))
        if rows:
            tables.append((name, rows))
    columns = list(dict.fromkeys(column for _, rows in tables for column in rows[0]))
    beside = path.with_name(f".{path.name}.part")
    with beside.open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["condition", *columns])
        for name, rows in tables:
            places = [rows[0].index(column) if column in rows[0] else None for column in columns]
            for row in rows[1:]:
                writer.writerow([name, *("" if place is None else row[place] for place in places)])
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
