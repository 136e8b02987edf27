"""Every python block of README.md and of docs/ runs as it stands, and the README holds the two commands."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECIPES = ROOT / "docs" / "how-to" / "frameworks"  # need other libraries: tests/docs/test_recipes.py
PAGES = [page for page in (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))) if page.exists()]
PAGES = [page for page in PAGES if page.parent != RECIPES]
FENCE = re.compile(r"^```python[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)


def blocks(page: Path) -> list[tuple[int, str]]:
    """(line, source) of each block fenced as python."""
    text = page.read_text()
    return [(text[: match.start(1)].count("\n") + 1, match.group(1)) for match in FENCE.finditer(text)]


def test_the_readme_holds_the_two_commands():
    lines = (ROOT / "README.md").read_text().splitlines()
    assert "pip install -e . && python scenarios/direct_punishment.py" in map(str.strip, lines)
    assert 'pip install -e ".[dev]" && pytest' in map(str.strip, lines)


def listed() -> list[Any]:
    """README's blocks run by default, the other pages' with the slow tests."""
    pages = [page for page in PAGES if blocks(page)]
    marks = [() if page.parent == ROOT else pytest.mark.slow for page in pages]
    return [pytest.param(page, marks=mark, id=str(page.relative_to(ROOT))) for page, mark in zip(pages, marks)]


@pytest.mark.parametrize("page", listed())
def test_a_pages_python_blocks_run(page, tmp_path):
    """Top to bottom in one process, as a reader who pastes them does; a traceback gives the page's own line."""
    program = "\n".join(
        f"exec(compile({chr(10) * (line - 1) + source!r}, {page.name!r}, 'exec'))" for line, source in blocks(page)
    )
    (tmp_path / "page.py").write_text(program)
    environment = dict(os.environ, MPLBACKEND="Agg", PYTHONPATH="")
    done = subprocess.run(
        [sys.executable, "page.py"], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, f"{page.relative_to(ROOT)}:\n{done.stdout}\n{done.stderr}"
