"""Kept code is used while nothing that it was made of has changed, in whatever file, and made anew otherwise."""

import os
import subprocess
import sys

import pytest

from marl_sim.core.kernels import imported, mark

PROGRAM = """
from pathlib import Path
from marl_sim.core import kernels
kernels.PACKAGE = Path("toy").resolve()
from toy.parts import above
print(above.total(2.0), sum(above.total.stats.cache_hits.values()))
"""
FILES = {
    "__init__.py": "",
    "other.py": "X = 1.0\n",
    "constants.py": "WEIGHT = 3.0\n",
    "parts/__init__.py": "",
    "parts/below.py": "from marl_sim.core.kernels import kernel\nfrom ..constants import WEIGHT\n\n"
    "@kernel\ndef weigh(x):\n    return WEIGHT * x\n",
    "parts/above.py": "from marl_sim.core.kernels import kernel\nfrom . import (\n    below as under,\n)\n\n"
    "@kernel\ndef total(x):\n    return 1 + under.weigh(x)\n",
}


@pytest.fixture
def run(toy, root):
    """Runs a program beside the toy package, with code kept for it alone."""
    environment = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    environment |= {"NUMBA_CACHE_DIR": str(toy.parent / "kept"), "PYTHONPATH": os.pathsep.join([str(root), "."])}
    return lambda program: subprocess.run(
        [sys.executable, "-B", "-c", program], cwd=toy.parent, env=environment, capture_output=True, text=True
    )


@pytest.fixture
def toy(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "toy"


def test_a_change_in_another_file_is_noticed_and_nothing_else_is(toy, run):
    def said():
        return run(PROGRAM).stdout.split()

    assert said() == ["7.0", "0"]
    assert said() == ["7.0", "1"]
    (toy / "other.py").write_text("X = 2.0\n")
    assert said() == ["7.0", "1"]
    (toy / "constants.py").write_text("WEIGHT = 5.0\n")
    assert said() == ["11.0", "0"]
    assert said() == ["11.0", "1"]


def test_a_class_that_has_moved_since_is_no_obstacle(toy, run):
    """numba keeps the types of arguments by the modules of their classes."""
    program = PROGRAM.replace("import above", "import below, {home} as home").replace("above.total", "below.weigh")

    def said(home):
        return run(program.replace("2.0", "home.Pair(2.0)").replace("{home}", home)).stdout.split()

    (toy / "parts/below.py").write_text(
        "from marl_sim.core.kernels import kernel\n\n@kernel\ndef weigh(x):\n    return 3 * x[0]\n"
    )
    (toy / "parts/old.py").write_text("from typing import NamedTuple\n\nclass Pair(NamedTuple):\n    x: float\n")
    assert said("old") == ["6.0", "0"]
    assert said("old") == ["6.0", "1"]
    (toy / "parts/old.py").rename(toy / "parts/new.py")
    assert said("new") == ["6.0", "0"]
    assert said("new") == ["6.0", "1"]


def test_what_is_compiled_does_not_depend_on_who_calls_first(toy, run):
    """The caller may reorder sums and divide by 0; what it calls was not told so, and rounds to a whole number."""
    (toy / "parts/below.py").write_text(
        "from marl_sim.core.kernels import kernel\n\n@kernel\ndef rounded(x):\n    return (x + 2.0**52) - 2.0**52\n\n\n"
        "@kernel\ndef inverse(x):\n    return 1 / x\n"
    )
    (toy / "parts/above.py").write_text(
        "from marl_sim.core.kernels import kernel\nfrom . import below\n\n"
        "@kernel(fastmath=True, error_model='numpy')\ndef total(x):\n    return below.rounded(x) + below.inverse(x)\n"
    )
    program = (
        "from pathlib import Path\nfrom marl_sim.core import kernels\nkernels.PACKAGE = Path('toy').resolve()\n"
        "from toy.parts import above, below\nabove.total(0.7)\nprint(below.rounded(0.7))\nbelow.inverse(0.0)\n"
    )
    done = run(program)
    assert done.stdout.split() == ["1.0"]
    assert "ZeroDivisionError" in done.stderr


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("from . import below", ["parts/below.py"]),
        ("from . import below, above as up", ["parts/below.py", "parts/above.py"]),
        ("from .below import weigh", ["parts/below.py"]),
        ("from ..constants import (\n    WEIGHT,\n)", ["constants.py"]),
        ("from .. import parts", ["parts/__init__.py"]),
        ("from toy.parts.above import total", ["parts/above.py"]),
        ("from toy.parts import thing", ["parts/__init__.py"]),
        ("import toy.constants", ["constants.py"]),
        ("import numpy\nfrom numpy import sin\nfrom toys import x", []),
    ],
)
def test_what_a_file_imports_of_its_package(toy, line, found):
    path = toy / "parts" / "new.py"
    path.write_text(f"{line}\n")
    assert [str(one.relative_to(toy)) for one in imported(path, toy)] == found


def test_files_that_import_each_other_have_a_mark(toy):
    (toy / "parts" / "below.py").write_text("from . import above\n")
    assert mark(toy / "parts" / "below.py", toy) == mark(toy / "parts" / "above.py", toy) != mark(toy / "other.py", toy)
