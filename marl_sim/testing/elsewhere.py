"""Plays an environment in a process of its own, which shares neither random streams nor hash seeds with this one."""

from __future__ import annotations

import json
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any

CODE = "from marl_sim.testing.elsewhere import main; main()"
LIMIT = 600  # seconds


class CannotTravel(Exception):
    """What makes the environment cannot be sent to another process."""


def summary_elsewhere(make: Callable[[], Any], seed: int, steps: int) -> list[dict[str, Any]]:
    """The summary of random play there. CannotTravel with the reason; RuntimeError where it fails there."""
    try:
        made = pickle.dumps((make, seed, steps))
    except Exception as error:  # whatever it holds decides what is raised
        raise CannotTravel(f"it cannot be pickled: {error}") from None
    if b"__main__" in made:
        raise CannotTravel("it is defined in __main__, which another process cannot import")
    home = os.environ | {"PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", CODE], input=made, capture_output=True, env=home, timeout=LIMIT)
    if done.returncode:
        last = (done.stderr.decode(errors="replace").strip().splitlines() or ["no word"])[-1]
        raise RuntimeError(f"in a process of its own it fails: {last}")
    return json.loads(done.stdout.decode().splitlines()[-1])


def main() -> None:
    """In the other process: read what to play from standard input, print the summary as the last line."""
    import random

    import numpy as np

    from .play import play, summary

    random.seed(987)  # whoever relies on these is not deterministic
    np.random.seed(654)  # noqa: NPY002
    make, seed, steps = pickle.loads(sys.stdin.buffer.read())
    print()
    print(json.dumps(summary(play(make(), seed, steps))))
