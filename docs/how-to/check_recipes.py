"""Run the recipes of docs/how-to/frameworks, each in an environment that its libraries can share.

    python docs/how-to/check_recipes.py                 make the environments, run every page, print the table
    python docs/how-to/check_recipes.py --only rllib torchrl
    python docs/how-to/check_recipes.py --here          run those whose libraries are installed in this environment
    python docs/how-to/check_recipes.py --write         also put the table into docs/how-to/frameworks.md

A page says in its first line what it needs: <!-- recipe: group=base; pip=torchrl; imports=torchrl -->. Pages of one
group run in one virtual environment, made with all their packages and this checkout in one `pip install`; it is removed
afterwards unless --envs says where to keep it.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PAGES, TABLE = HERE / "frameworks", HERE / "frameworks.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
FENCE = re.compile(r"^```python[ \t]*\n(.*?)^```[ \t]*$", re.MULTILINE | re.DOTALL)
SHARED = ("torch", "gymnasium", "pettingzoo", "numpy")  # whose versions stand beside every recipe
LIMIT = 900  # seconds a page may take

PROBE = (
    "import importlib.util as u, sys\n"
    "def found(n):\n"
    "    try: return u.find_spec(n) is not None\n"
    "    except ModuleNotFoundError: return False\n"  # of a.b where there is no a
    "print(*[n for n in sys.argv[1:] if not found(n)])"
)
VERSIONS = (
    "import importlib.metadata as m, sys\n"
    "def v(n):\n"
    "    try: return m.version(n)\n"
    "    except m.PackageNotFoundError: return '-'\n"
    "print(*[v(n) for n in sys.argv[1:]])"
)


@dataclass(frozen=True)
class Recipe:
    """A page: its name, the group it runs with, what pip installs for it, and what it imports of that."""

    name: str
    group: str
    packages: tuple[str, ...]
    imports: tuple[str, ...]

    @property
    def page(self) -> Path:
        """Where it is written."""
        return PAGES / f"{self.name}.md"

    def program(self) -> str:
        """Its blocks, top to bottom, in one program; a traceback gives the page's own line."""
        text = self.page.read_text()
        parts = [(text[: one.start(1)].count("\n"), one.group(1)) for one in FENCE.finditer(text)]
        lines = [f"exec(compile({chr(10) * line + source!r}, {self.page.name!r}, 'exec'))" for line, source in parts]
        return "\n".join(lines) + "\n"


@dataclass
class Result:
    """What came of a page: passed, failed or missing (what is not installed); seconds of processor time, which do not
    depend on what else the machine does; its last line."""

    recipe: Recipe
    state: str
    seconds: float = 0.0
    said: str = ""
    versions: dict[str, str] = field(default_factory=dict)

    def row(self) -> str:
        """A row of the table."""
        own = ", ".join(f"{name} {self.versions[name]}" for name in map(bare, self.recipe.packages)) or "torch alone"
        beside = " | ".join(self.versions[name] for name in SHARED)
        took = f"{self.seconds:.0f} s" if self.state == "passed" else self.state
        where = f"[{self.recipe.name}](frameworks/{self.recipe.name}.md)"
        return f"| {where} | {own} | {beside} | {self.recipe.group} | {took} | {self.said} |"


COLUMNS = ("recipe", "libraries", *SHARED, "environment", "processor time", "what it printed last")
HEADER = f"| {' | '.join(COLUMNS)} |\n{'|---' * len(COLUMNS)}|"


def bare(package: str) -> str:
    """A package's name without extras and versions."""
    return re.split(r"[\[<>=! ]", package)[0]


def recipes() -> list[Recipe]:
    """All pages, by name."""
    found = []
    for page in sorted(PAGES.glob("*.md")):
        said = re.match(r"<!-- recipe: group=(\w+); pip=(.*?); imports=(.*?) -->", page.read_text())
        if said is None:
            raise SystemExit(f"{page.name} must begin with <!-- recipe: group=...; pip=...; imports=... -->")
        found.append(Recipe(page.stem, said[1], tuple(said[2].split()), tuple(said[3].split())))
    return found


def missing(recipe: Recipe, python: str = sys.executable) -> list[str]:
    """Which of its imports an interpreter has not."""
    done = subprocess.run([python, "-c", PROBE, *recipe.imports], capture_output=True, text=True, check=True)
    return done.stdout.split()


def run(recipe: Recipe, python: str = sys.executable, path: str = "") -> Result:
    """Run a page's blocks at one thread, in a folder of its own. path: for PYTHONPATH."""
    absent = missing(recipe, python)
    if absent:
        return Result(recipe, "missing", said=f"needs pip install {' '.join(recipe.packages)}")
    environment = dict(
        os.environ, OMP_NUM_THREADS="1", MPLBACKEND="Agg", PYTHONPATH=path, RAY_USAGE_STATS_ENABLED="0",
        PYTHONWARNINGS="ignore",
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as place:
        Path(place, "page.py").write_text(recipe.program())
        began = spent()
        try:
            done = subprocess.run(
                [python, "page.py"], cwd=place, env=environment, capture_output=True, text=True, timeout=LIMIT
            )
        except subprocess.TimeoutExpired:
            return Result(recipe, "failed", LIMIT, f"still running after {LIMIT} s")
        took = spent() - began
    lines = done.stdout.strip().splitlines()
    if done.returncode:
        print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
        return Result(recipe, "failed", took, (done.stderr.strip().splitlines() or ["no word"])[-1][:200])
    return Result(recipe, "passed", took, lines[-1] if lines else "", versions(recipe, python))


def spent() -> float:
    """Seconds of processor time of all processes that this one has started and that have ended."""
    times = os.times()
    return times.children_user + times.children_system


def versions(recipe: Recipe, python: str) -> dict[str, str]:
    """Versions of its libraries and of what all share, as installed."""
    names = [*map(bare, recipe.packages), *SHARED]
    done = subprocess.run([python, "-c", VERSIONS, *names], capture_output=True, text=True, check=True)
    return dict(zip(names, done.stdout.split(), strict=True))


def environment(group: str, packages: Sequence[str], home: Path) -> str:
    """The interpreter of a group's environment, made if it is not there."""
    python = home / group / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", str(home / group)], check=True)
    print(f"{group}: pip install . {' '.join(packages)}", flush=True)
    left = [made for made in (ROOT / "build", ROOT / "marl_sim.egg-info") if not made.exists()]
    subprocess.run([str(python), "-m", "pip", "install", "-q", str(ROOT), *packages], check=True)
    for made in left:  # by pip, in the checkout
        shutil.rmtree(made, ignore_errors=True)
    return str(python)


def write(results: Sequence[Result]) -> None:
    """Put the rows into the table of frameworks.md; rows of recipes that were not run stay."""
    text = TABLE.read_text()
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    rows = {re.match(r"\| \[(\w+)\]", row)[1]: row for row in old.splitlines() if row.startswith("| [")}  # type: ignore[index]
    rows |= {one.recipe.name: one.row() for one in results if one.state == "passed"}
    rows = {name: rows[name] for name in sorted(rows) if any(name == one.name for one in recipes())}
    TABLE.write_text(f"{before}{BEGIN}\n{HEADER}\n" + "\n".join(rows.values()) + f"\n{END}{after}")


def main() -> int:
    """0 where everything that could be run passed."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    known = recipes()
    words.add_argument("--only", nargs="+", metavar="NAME", choices=[one.name for one in known], help="these pages")
    words.add_argument("--here", action="store_true", help="in this environment, those whose libraries it has")
    words.add_argument("--write", action="store_true", help="put the results into docs/how-to/frameworks.md")
    words.add_argument("--envs", type=Path, help="where the environments are, and stay; default: a temporary folder")
    options = words.parse_args()
    wanted = [one for one in known if options.only is None or one.name in options.only]
    results = []
    with tempfile.TemporaryDirectory() as place:
        home = (options.envs or Path(place)).resolve()
        for group in sorted({one.group for one in wanted}):
            members = [one for one in wanted if one.group == group]
            python = sys.executable
            if not options.here:
                everything = [package for one in known if one.group == group for package in one.packages]
                python = environment(group, list(dict.fromkeys(everything)), home)
            for one in members:
                results.append(run(one, python, str(ROOT) if options.here else ""))
                print(f"{one.name}: {results[-1].state}, {results[-1].seconds:.0f} s, {results[-1].said}", flush=True)
    print(HEADER, *[one.row() for one in results if one.state == "passed"], sep="\n")
    if options.write:
        write(results)
    return int(any(one.state == "failed" for one in results))


if __name__ == "__main__":
    sys.exit(main())
