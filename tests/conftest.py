"""How the tests run: bounds-checked rules, one thread, no display. Set before numba, torch or matplotlib load."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


os.environ.setdefault("NUMBA_BOUNDSCHECK", "1")
# Bounds-checked code is kept apart from what users run: numba does not put the flag into its key.
checked = f"numba-{os.environ['NUMBA_BOUNDSCHECK']}"
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / ".pytest_cache" / checked))
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
