"""The recipes for other libraries: what can be said of all without them, and each run where it is installed."""

import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
spec = importlib.util.spec_from_file_location("check_recipes", ROOT / "docs" / "how-to" / "check_recipes.py")
check = importlib.util.module_from_spec(spec)
sys.modules["check_recipes"] = check  # dataclasses look their module up
spec.loader.exec_module(check)
RECIPES = check.recipes()
NAMES = [one.name for one in RECIPES]


@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_recipe_compiles_asserts_something_and_stands_in_the_table(recipe):
    program = recipe.program()
    compile(program, recipe.page.name, "exec")
    assert "assert " in recipe.page.read_text() and "print(" in recipe.page.read_text()
    rows = check.TABLE.read_text().partition(check.BEGIN)[2].partition(check.END)[0]
    assert f"| [{recipe.name}](frameworks/{recipe.name}.md) |" in rows


def test_the_table_is_written_where_its_marks_are(tmp_path, monkeypatch):
    page = tmp_path / "frameworks.md"
    page.write_text(f"before\n{check.BEGIN}\n| [{NAMES[1]}](frameworks/{NAMES[1]}.md) | old |\n{check.END}\nafter\n")
    monkeypatch.setattr(check, "TABLE", page)
    numbers = dict.fromkeys((*map(check.bare, RECIPES[0].packages), *check.SHARED), "1.0")
    failed = check.Result(RECIPES[2], "failed", 1.0, "an error")
    check.write([check.Result(RECIPES[0], "passed", 3.2, "all is well", numbers), failed])
    text = page.read_text()
    rows = [line for line in text.splitlines() if line.startswith("| [")]
    assert text.startswith("before\n") and text.endswith("\nafter\n")
    assert [row.split("]")[0] for row in rows] == [f"| [{NAMES[0]}", f"| [{NAMES[1]}"]
    assert "| 3 s | all is well |" in rows[0] and rows[1].endswith("| old |")


def test_a_page_that_fails_says_where(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(check, "PAGES", tmp_path)
    head = "<!-- recipe: group=base; pip=nothing; imports=json -->\n"
    (tmp_path / "page.md").write_text(f"{head}\n```python\nx = 1\n```\n\n```python\nassert x == 2, 'x is not 2'\n```\n")
    (one,) = check.recipes()
    result = check.run(one)
    assert (result.state, result.said) == ("failed", "AssertionError: x is not 2")
    assert '"page.md", line 8' in capsys.readouterr().err
    for absent in ("no_such_library", "no_such_library.part", "json.no_such_part"):
        (tmp_path / "page.md").write_text(head.replace("json", absent))
        assert check.run(check.recipes()[0]).said == "needs pip install nothing"


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES, ids=NAMES)
def test_a_recipe_runs(recipe):
    absent = check.missing(recipe)
    if absent:
        pytest.skip(f"needs pip install {' '.join(recipe.packages)}")
    result = check.run(recipe, path=str(ROOT))
    assert result.state == "passed", result.said
