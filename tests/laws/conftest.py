"""The laws: tried on every game that is registered, and on some compositions (law_cases.py)."""

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

import law_cases  # noqa: E402  (found beside this file; test processes of their own import it likewise)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for `name` runs for every game."""
    if "name" in metafunc.fixturenames:
        metafunc.parametrize("name", law_cases.NAMES)


@pytest.fixture
def game(name: str):
    """The game of that name."""
    return law_cases.make(name)
