"""Metrics as TensorBoard event files, beside the CSV file that is the record."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np


class EventFiles:
    """One event file for each time a condition is begun or gone on with; a tag a metric, over episodes.

    "cooperation" is the mean over the seeds of a block, "cooperation/seed_3" one of them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self._from = folder, 0
        self._writer: Any = None

    def begin_after(self, episode: int) -> None:
        """What earlier files hold beyond this episode is to be forgotten by whoever reads them."""
        self._from = episode + 1

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows of metrics; values that are not finite are left out."""
        if self._writer is None:
            self._open()
        blocks: dict[tuple[int, str], list[float]] = {}
        for row in rows:
            for name, value in row.items():
                if name not in ("seed", "episode") and np.isfinite(value):
                    self._add(f"{name}/seed_{row['seed']}", float(value), int(row["episode"]))
                    blocks.setdefault((int(row["episode"]), name), []).append(float(value))
        for (episode, name), values in blocks.items():
            self._add(name, float(np.mean(values)), episode)

    def flush(self) -> None:
        """Bring what was added to the disk."""
        if self._writer is not None:
            self._writer.flush()

    def close(self) -> None:
        """No more rows."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _open(self) -> None:
        # The records themselves, not SummaryWriter, whose thread does not survive a worker that is told to end.
        from tensorboardX.proto.event_pb2 import Event, SessionLog
        from tensorboardX.record_writer import RecordWriter

        self.folder.mkdir(exist_ok=True)
        number = len(list(self.folder.iterdir()))
        self._writer = RecordWriter(str(self.folder / f"events.out.tfevents.{int(time.time())}.{number}"))
        self._write(Event(wall_time=time.time(), file_version="brain.Event:2"))
        if number:
            again = SessionLog(status=SessionLog.SessionStatus.START)
            self._write(Event(wall_time=time.time(), step=self._from, session_log=again))

    def _add(self, tag: str, value: float, episode: int) -> None:
        from tensorboardX.proto.event_pb2 import Event
        from tensorboardX.proto.summary_pb2 import Summary

        point = Summary(value=[Summary.Value(tag=tag, simple_value=value)])
        self._write(Event(wall_time=time.time(), step=episode, summary=point))

    def _write(self, event: Any) -> None:
        assert self._writer is not None
        self._writer.write(event.SerializeToString())
