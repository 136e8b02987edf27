"""What was asked and answered, written down as lines of JSON."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def append(file: str | Path, entry: Mapping[str, Any]) -> None:
    """Add a line; lines of several threads and processes never mix, and one that is cut off is none of theirs."""
    line = json.dumps(entry, ensure_ascii=False).encode() + b"\n"
    Path(file).parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        while line:  # one write, unless the disk is full
            line = line[os.write(handle, line) :]
    finally:
        os.close(handle)
