"""How the tests run: bounds-checked rules, one thread, no display. Set before numba, torch or matplotlib load."""

import hashlib
import os
import shutil
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def compiled_rules_folder() -> Path:
    """A cache folder for this state of the sources.

    Compiled rules are cached on disk, and numba notices a change only in the file that holds the rule, not in its
    helpers; so the folder's name is a hash of all sources. Bounds-checked code is kept apart from what users run:
    numba does not put the flag into its key.
    """
    digest = hashlib.sha256(os.environ["NUMBA_BOUNDSCHECK"].encode())
    for source in sorted((ROOT / "marl_sim").rglob("*.py")):
        digest.update(source.read_bytes())
    home = ROOT / ".pytest_cache" / "numba"
    folder = home / digest.hexdigest()[:16]
    folder.mkdir(parents=True, exist_ok=True)
    os.utime(folder)
    for old in home.iterdir():  # those of yesterday's sources; a run going on beside this one touched its own today
        if time.time() - old.stat().st_mtime > 86_400:
            shutil.rmtree(old, ignore_errors=True)
    return folder


os.environ.setdefault("NUMBA_BOUNDSCHECK", "1")
os.environ.setdefault("NUMBA_CACHE_DIR", str(compiled_rules_folder()))
os.environ.setdefault("NUMBA_NUM_THREADS", "2")  # the most a test may ask for; the engine itself starts with one
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

from hypothesis import settings  # noqa: E402  (after the environment is set)

# Compilation makes first examples slow, and a check that fails must fail for everybody.
settings.register_profile("marl_sim", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("marl_sim")

pytest_plugins = ["society_at_the_table"]  # fixtures that play whole rounds


@pytest.fixture
def root() -> Path:
    """The checkout."""
    return ROOT
