"""The reference is what the docstrings say now."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def builder():
    spec = importlib.util.spec_from_file_location("build_reference", ROOT / "docs" / "build_reference.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_page_is_up_to_date(builder):
    stale = [file for file, text in builder.pages().items() if (builder.HERE / file).read_text() != text]
    assert not stale, f"run python docs/build_reference.py: {stale}"


def test_every_public_name_has_a_docstring(builder):
    import marl_sim as ms

    for name in ms.__all__:
        if not name.startswith("__"):
            assert getattr(ms, name).__doc__, name
