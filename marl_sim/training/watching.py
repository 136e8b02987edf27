"""Training that somebody watches: the newest policies in a file, as long as anybody asks for them.

Whoever watches touches the file `watched` in a condition's folder from time to time; the training then leaves its
newest policies in `newest.policies`. Nobody waits for anybody: a watcher that goes away is forgotten.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from . import checkpoints

ASKED, NEWEST = "watched", "newest.policies"
PATIENCE = 20.0  # seconds after which somebody who has not asked again is taken to have gone
EVERY = 3.0  # seconds between two files, or more: writing takes at most SHARE of the time
SHARE = 0.03
LOOK_EVERY = 0.5  # seconds between two looks for somebody who asks


def ask(folder: Path) -> None:
    """Ask for the newest policies of the condition in `folder`, for the next PATIENCE seconds."""
    (folder / ASKED).touch()


def newest(folder: Path, after: float = 0.0) -> tuple[dict[str, np.ndarray], int, float] | None:
    """The newest policies left in `folder`, the episode they are of and when they were written; None where there are
    none newer than `after`, or they are just being replaced."""
    file = folder / NEWEST
    try:
        written = file.stat().st_mtime
        if written <= after:
            return None
        state, meta = checkpoints.read(file)
    except (OSError, checkpoints.CheckpointError):
        return None
    return state, int(meta["episode"]), written


def open_window(run: Path, condition: str) -> subprocess.Popen[bytes]:
    """A window on a run that is about to train, in a process of its own, which outlives it and may be closed."""
    words = [sys.executable, "-m", "marl_sim", "play", f"run:{run}", "--condition", condition, "--follow"]
    # Ctrl-C is meant for the training. A session of its own would also keep it out, but Linux shares the processor
    # between sessions first, and the window's niceness would count for nothing.
    own_group: dict[str, Any] = {"preexec_fn": os.setpgrp} if hasattr(os, "setpgrp") else {}
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **own_group)


class Watched:
    """The training's side, asked between blocks."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._looked, self._next = folder, 0.0, 0.0

    def offer(self, trainer: Any, now: float) -> None:
        """Leave the policies of `trainer` for whoever watches, if anybody does and it is time. now: time.monotonic()"""
        if now < self._next or now - self._looked < LOOK_EVERY:
            return
        self._looked = now
        try:
            if time.time() - (self._folder / ASKED).stat().st_mtime > PATIENCE:
                return
            learned = (getattr(trainer, "final_state", None) or trainer.state_dict)()
            checkpoints.write(self._folder / NEWEST, learned, {"episode": int(trainer.episode)})
        except OSError:  # nobody asks, or the disk is full: a picture is nothing to stop a training for
            return
        spent = time.monotonic() - now
        self._next = now + max(EVERY, spent / SHARE)

    def end(self) -> None:
        """The training is over: what it learned stands in its checkpoint."""
        for name in (ASKED, NEWEST):
            (self._folder / name).unlink(missing_ok=True)
