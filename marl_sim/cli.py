"""The command marl-sim: what there is, what it is, and a way to run it."""

from __future__ import annotations

import argparse
import ast
import importlib
import inspect
import json
import os
import pkgutil
import runpy
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from . import _HOMES, __version__
from .core.errors import unknown

PACKAGE = Path(__file__).parent
CHECKOUT = PACKAGE.parent
SORTS = ("games", "dilemmas", "mechanisms", "horizons", "learners", "policies", "scenarios", "benchmarks")
BAD_USE = 2


class BadUse(Exception):
    """What the user asked for is not there; the text is the one sentence to print."""


# ---------------------------------------------------------------- what there is


def first_line(text: str | None) -> str:
    """The first line of a docstring."""
    return (text or "").strip().partition("\n")[0]


def games() -> Iterator[tuple[str, str]]:
    """Registered games with the first line of their description."""
    from .core.registry import factory, registered

    for name in registered():
        yield name, first_line(inspect.getdoc(factory(name)))


def parts(package: str, *bases: str) -> Iterator[tuple[str, str]]:
    """Public subclasses of the named classes of the core in the modules of `package`, with their first lines."""
    core = importlib.import_module("marl_sim")
    kinds = tuple(getattr(core, base) for base in bases)
    home = importlib.import_module(f"marl_sim.{package}")
    for module in sorted(info.name for info in pkgutil.iter_modules(home.__path__)):
        inside = importlib.import_module(f"{home.__name__}.{module}")
        for name, thing in vars(inside).items():
            public = isinstance(thing, type) and thing.__module__ == inside.__name__ and name in _names()
            if public and issubclass(thing, kinds):
                yield name, first_line(inspect.getdoc(thing))


def _names() -> set[str]:
    return {name for names in _HOMES.values() for name in names}


def horizons() -> Iterator[tuple[str, str]]:
    """Who ends an episode."""
    module = importlib.import_module("marl_sim.core.horizon")
    for name in _HOMES["core.horizon"]:
        yield name, first_line(inspect.getdoc(getattr(module, name)))


def learners() -> Iterator[tuple[str, str]]:
    """Learners, read from the sources: importing them would bring torch, which takes seconds."""
    for file in sorted((PACKAGE / "learners").glob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and node.name in _HOMES["learners"] and node.name != "Learner":
                yield node.name, first_line(ast.get_docstring(node))


def policies() -> Iterator[tuple[str, str]]:
    """Scripted policies."""
    for name, cls in importlib.import_module("marl_sim.policies").scripted_policies().items():
        yield name, first_line(inspect.getdoc(cls))


def folders(kind: str) -> list[Path]:
    """Where scenarios or benchmarks may lie: this checkout, where the user stands, what the package brings."""
    places = [CHECKOUT / kind] if (CHECKOUT / "setup.cfg").exists() else []
    places += [Path.cwd() / kind, PACKAGE / kind]
    return [place for place in dict.fromkeys(places) if place.is_dir()]


def files(kind: str) -> dict[str, Path]:
    """Name -> file of every scenario or benchmark."""
    found: dict[str, Path] = {}
    for folder in folders(kind):
        for file in sorted(folder.glob("*.py")):
            if not file.name.startswith("_"):
                found.setdefault(file.stem, file)
    return found


def programs(kind: str) -> Iterator[tuple[str, str]]:
    """Scenarios or benchmarks with the first line of what they say of themselves."""
    for name, file in files(kind).items():
        yield name, first_line(ast.get_docstring(ast.parse(file.read_text())))


def inventory(sort: str) -> list[tuple[str, str]]:
    """(name, first line of its description) of everything of a sort."""
    found = {
        "games": games,
        "dilemmas": lambda: parts("games", "Dilemma", "GroupDilemma"),
        "mechanisms": lambda: parts("mechanisms", "Mechanism"),
        "horizons": horizons,
        "learners": learners,
        "policies": policies,
        "scenarios": lambda: programs("scenarios"),
        "benchmarks": lambda: programs("benchmarks"),
    }
    return sorted(found[sort]())


# ---------------------------------------------------------------- the commands


def list_everything(options: argparse.Namespace) -> int:
    """Print what there is, by sort."""
    for sort in options.sort or SORTS:
        if sort not in SORTS:
            raise BadUse(unknown("sort", sort, SORTS))
    for sort in options.sort or SORTS:
        found = inventory(sort)
        if not found and not options.sort:
            continue
        print(f"{sort}:")
        width = max((len(name) for name, _ in found), default=0)
        for name, line in found:
            print(f"  {name.ljust(width)}  {line}".rstrip())
        if not found:
            print("  none")
    return 0


def describe(options: argparse.Namespace) -> int:
    """Print the rules, stages, actions, observations, payoffs and sources of a game or a part."""
    try:
        print(importlib.import_module("marl_sim.describe").describe(options.name))
    except ValueError as refusal:
        raise BadUse(str(refusal)) from None
    return 0


def certify(options: argparse.Namespace) -> int:
    """Print which dilemma a game is, by which inequalities, with the numbers."""
    from .core.registry import make

    chosen = dict(map(assignment, options.set))
    try:
        game = make(options.name, **chosen)
    except (ValueError, TypeError) as refusal:
        raise BadUse(str(refusal)) from None
    found = importlib.import_module("marl_sim.theory").certify(game).named(options.name)
    print(json.dumps(found.record, indent=2, allow_nan=False) if options.json else found)
    return 0


def assignment(text: str) -> tuple[str, Any]:
    """OPTION=VALUE as a name and a value: a Python literal, true or false, else a word, or words with commas."""
    name, equals, value = text.partition("=")
    if not (name.strip().isidentifier() and equals):
        raise BadUse(f"--set takes OPTION=VALUE, such as n_agents=4; got {text!r}")
    words = [literal(word.strip()) for word in value.split(",")] if value.strip()[:1] not in "([{" else []
    if len(words) > 1:
        return name.strip(), tuple(word for word in words if word != "")
    return name.strip(), literal(value.strip())


def literal(text: str) -> Any:
    """A Python literal, true or false, else the word itself."""
    if text in ("true", "false"):
        return text == "true"
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


class HelpWithGames(argparse.Action):
    """-h for commands that take the name of a game: the names are looked up only then, since that takes a second."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        from .core.registry import registered

        parser.epilog = f"names: {', '.join(registered())}"
        parser.print_help()
        parser.exit()


def find(kind: str, name: str) -> Path:
    """The file of a scenario or benchmark: a path, or a name. BadUse in one sentence otherwise."""
    path = Path(name)
    if path.suffix == ".py":
        if path.is_file():
            return path
        if len(path.parts) > 1:
            raise BadUse(f"there is no file {name}")
    found = files(kind)
    known = path.stem.replace("-", "_")
    if known in found:
        return found[known]
    if not found:
        raise BadUse(f"no {kind} here: give the path of one, or stand in a checkout of marl_sim, which holds {kind}/")
    raise BadUse(unknown(kind.removesuffix("s"), name, found))


def run(options: argparse.Namespace) -> int:
    """Run a scenario as `python scenarios/NAME.py ARGUMENTS` would."""
    if options.name is None:
        return list_everything(argparse.Namespace(sort=["scenarios"]))
    path = find("scenarios", options.name)
    sys.argv = [str(path), *options.arguments]
    sys.path.insert(0, str(path.parent.resolve()))
    runpy.run_path(str(path), run_name="__main__")
    return 0


def bench(options: argparse.Namespace) -> int:
    """Run one benchmark, or all, each in a process of its own, so that none inherits another's threads."""
    paths = [find("benchmarks", options.name)] if options.name else list(files("benchmarks").values())
    if not paths:
        find("benchmarks", "")
    worst = 0
    for path in paths:
        print(f"== {path.stem}", flush=True)
        home = {"PYTHONPATH": os.pathsep.join(filter(None, [str(CHECKOUT), os.environ.get("PYTHONPATH")]))}
        worst = max(worst, abs(subprocess.call([sys.executable, str(path), *options.arguments], env=os.environ | home)))
    return worst


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="marl-sim", description="When do selfish learning agents come to cooperate?")
    top.add_argument("--version", action="version", version=f"marl_sim {__version__}")
    commands = top.add_subparsers(dest="command", metavar="COMMAND")
    one = commands.add_parser("list", help="games, dilemmas, mechanisms, learners, scenarios, ...")
    one.add_argument("sort", nargs="*", metavar="SORT", help=f"only these: {', '.join(SORTS)}")
    one.set_defaults(do=list_everything)
    one = commands.add_parser("describe", help="rules, stages, observations, payoffs and sources of a game")
    one.add_argument("name", metavar="NAME")
    one.set_defaults(do=describe)
    one = commands.add_parser("certify", help="which dilemma a game is, by which inequalities", add_help=False)
    one.add_argument("-h", "--help", action=HelpWithGames, nargs=0, help="show this, and the names of the games")
    one.add_argument("name", metavar="NAME", help="a registered game")
    one.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="OPTION=VALUE",
        help="options of the game, n_agents=6 ...",
    )
    one.add_argument("--json", action="store_true", help="for machines")
    one.set_defaults(do=certify)
    for file in COMMAND_FILES:
        importlib.import_module(f"marl_sim.{file}").add_commands(commands)
    for name, do, words in (
        ("run", run, "run a scenario: its name or the path of a file, then its own options"),
        ("bench", bench, "run one benchmark or all of them"),
    ):
        one = commands.add_parser(name, help=words)
        one.add_argument("name", nargs="?", metavar="NAME")
        one.add_argument("arguments", nargs=argparse.REMAINDER, help="passed on")
        one.set_defaults(do=do)
    return top


COMMAND_FILES = ("cli_training", "cli_testing", "cli_tournament", "cli_serving", "cli_viewer")


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point. Exit codes: 0 done, 2 bad use, 130 interrupted; a scenario's own otherwise."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    top = parser()
    try:
        known = next(action.choices for action in top._actions if isinstance(action, argparse._SubParsersAction))
        if given and not given[0].startswith("-") and given[0] not in known:
            raise BadUse(unknown("command", given[0], known))
        options = top.parse_args(given)
        if options.command is None:
            top.print_help(sys.stderr)
            return BAD_USE
        status = int(options.do(options))
        sys.stdout.flush()  # here, where a reader that has gone is no fault, rather than as the interpreter ends
        return status
    except BadUse as refusal:
        print(f"marl-sim: {refusal}", file=sys.stderr)
        return BAD_USE
    except KeyboardInterrupt as stopped:
        if str(stopped):  # a study says how to go on
            print(f"\n{stopped}", file=sys.stderr)
        return 130
    except BrokenPipeError:  # `marl-sim list | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ValueError, OSError, RuntimeError, ImportError, FloatingPointError) as error:
        if not importlib.import_module("marl_sim.training.config").deliberate(error):
            raise
        print(f"marl-sim: {error}", file=sys.stderr)
        return BAD_USE


if __name__ == "__main__":
    sys.exit(main())
