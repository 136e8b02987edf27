"""Options of a study and the command line made from them.

A scenario subclasses `StudyOptions`, writes `main(options)` and ends with `command(main)`; every option, its type, its
default and the comment beside it then stand in `--help`.
"""

from __future__ import annotations

import dataclasses
import dis
import enum
import sys
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from marl_sim.training.records import RecordError, RunFolder

# Where and how fast a run goes, not what comes out of it: these may differ when a run is resumed.
FREE = frozenset({"out", "resume", "workers", "quiet", "watch", "checkpoint_seconds"})


class Stopped(KeyboardInterrupt):
    """A study was stopped by Ctrl-C, after its rows and checkpoints were written; its text says how to go on."""


@dataclass
class StudyOptions:
    """Options every study has. A subclass adds its own, and in `full_size` the values that `--full` stands for."""

    full_size: ClassVar[Mapping[str, Any]] = {}

    seeds: int = 8  # independent seeds 0, 1, ...; every interval is over these
    episodes: int = 500  # episodes each world plays
    num_envs: int = 1  # worlds each seed plays at the same time
    # who sits in a seat instead of a learner: agent_4=TitForTat agent_2=my_agent.py:act agent_0..1=run:FOLDER ...
    seat: tuple[str, ...] = ()
    device: str = "cpu"  # where learners compute: cpu, cuda, cuda:1, ...
    workers: int = 0  # conditions trained at the same time, each in a process of its own; 0: one per core
    full: bool = False  # the published size instead of the quick one
    quiet: bool = False  # no progress, only results
    watch: bool = False  # a window on one world, played by the newest policies while training goes on
    out: Path = Path("runs")  # folder in which the run's own folder is made
    resume: Path | None = None  # go on with this run folder, with the options it began with
    checkpoint_seconds: float = 60.0  # at most this much work is lost if the run is killed; 0: after every block

    def __post_init__(self) -> None:
        for name, least in (("seeds", 1), ("episodes", 1), ("num_envs", 1), ("workers", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name} must be a whole number of at least {least}; got {value!r}.")
        if not 0 <= self.checkpoint_seconds < float("inf"):
            raise ValueError(f"checkpoint_seconds must be 0 or more; got {self.checkpoint_seconds}.")
        guests_of(self.seat)
        if self.full and not self.full_size:
            raise ValueError("this study has one size only; --full does nothing here.")
        if self.device != "cpu":
            _check_device(self.device)


def guests_of(words: Sequence[str]) -> dict[str, str]:
    """{"agent_4": "axelrod:Grim"} of ("agent_4=axelrod:Grim",), as `--seat` takes them. ValueError in one sentence."""
    found: dict[str, str] = {}
    for one in words:
        seat, equals, player = one.partition("=")
        if not (seat.strip() and equals and player.strip()):
            raise ValueError(f"--seat takes SEAT=PLAYER, such as agent_4=TitForTat; got {one!r}")
        if seat.strip() in found:
            raise ValueError(f"--seat names {seat.strip()} twice: {found[seat.strip()]!r} and {player.strip()!r}")
        found[seat.strip()] = player.strip()
    return found


def command(main: Callable[[Any], Any], args: Sequence[str] | None = None) -> Any:
    """Run `main` with options from the command line, as the last line of a scenario: `ms.command(main)`.

    The options' class is the annotation of main's first parameter. `--full` puts the class's `full_size` in place of
    its defaults; `--resume FOLDER` puts the folder's options there. What the command line says itself goes before both.

    A wrong value is answered in one sentence and exit status 2; Ctrl-C ends with what was measured kept and status 130.
    """
    import tyro

    hints = typing.get_type_hints(main)
    hints.pop("return", None)
    if not hints:
        raise TypeError(f"{main.__name__} must annotate its parameter with a class of options.")
    cls = next(iter(hints.values()))
    text = (main.__globals__.get("__doc__") or main.__doc__ or "").strip()

    def parse(default: Any = None) -> Any:
        extra = {} if default is None else {"default": default}
        return tyro.cli(cls, args=args, description=text, **extra)

    try:
        options = parse()
        if getattr(options, "resume", None) is not None:
            options = parse(dataclasses.replace(rebuild(cls, RunFolder.open(options.resume)), resume=options.resume))
        elif getattr(options, "full", False):
            options = parse(cls(**{**cls.full_size, "full": True}))
        return main(options)
    except Stopped as stopped:
        print(f"\n{stopped}", file=sys.stderr)
        raise SystemExit(130) from None
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        raise SystemExit(130) from None
    except (ValueError, OSError, RuntimeError) as error:
        if not deliberate(error, main.__module__):
            raise
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from None


def deliberate(error: BaseException, *modules: str) -> bool:
    """Whether an error answers the user: raised by this package or by `modules`, not the complaint of a library."""
    if getattr(error, "is_an_answer", False):  # set where the traceback was lost on the way from another process
        return True
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    # Functions written in C leave no frame: what they raise seems to come from the line that called them.
    if trace.tb_frame.f_code.co_code[trace.tb_lasti] != dis.opmap["RAISE_VARARGS"]:
        return False
    name = trace.tb_frame.f_globals.get("__name__", "")
    return name.partition(".")[0] == "marl_sim" or name in modules


def plain(options: Any) -> dict[str, Any]:
    """Options as what TOML can hold. None, which TOML has not, is left out."""
    return {
        field.name: _plain(value, field.name)
        for field in dataclasses.fields(options)
        if (value := getattr(options, field.name)) is not None
    }


def rebuild(cls: type, folder: RunFolder) -> Any:
    """The options a run folder began with, as an instance of `cls`. Raises RecordError if they are not its options."""
    fields = {field.name for field in dataclasses.fields(cls) if field.init}
    unknown = sorted(set(folder.options) - fields)
    if unknown:
        raise RecordError(f"{folder.path} holds options that {cls.__name__} does not have: {', '.join(unknown)}.")
    hints = typing.get_type_hints(cls)
    held = {name: _typed(value, hints[name]) for name, value in folder.options.items()}
    empty = {
        name: None
        for name in fields - set(held)
        if type(None) in typing.get_args(hints[name])  # left out because TOML has no null
    }
    return cls(**held, **empty)


def check_same(options: Any, folder: RunFolder) -> None:
    """Raise RecordError, naming the first difference, if a run resumed with `options` would not be the run it was."""
    now, then = plain(options), folder.options
    for name in sorted((set(now) | set(then)) - FREE):
        if now.get(name) != then.get(name):
            raise RecordError(
                f"{folder.path} was begun with {name} = {then.get(name)!r} and can only go on with that; "
                f"got {now.get(name)!r}."
            )


def _plain(value: Any, name: str) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return plain(value)
    if isinstance(value, enum.Enum):
        return _plain(value.value, name)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item, name) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple)):
        return [_plain(item, name) for item in value]
    if hasattr(value, "item"):  # a NumPy number
        return _plain(value.item(), name)
    raise ValueError(f"option {name} cannot be written to a run folder: {value!r} is of {type(value).__name__}.")


def _typed(value: Any, hint: Any) -> Any:
    """Undo `_plain` for one value, by the annotation of its field."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if origin is typing.Annotated:
        return _typed(value, inner[0])
    if origin in (typing.Union, types.UnionType):
        choices = [choice for choice in inner if choice is not type(None)]
        return _typed(value, choices[0]) if len(choices) == 1 else value
    if dataclasses.is_dataclass(hint) and isinstance(value, dict):
        hints = typing.get_type_hints(hint)
        return hint(**{name: _typed(item, hints[name]) for name, item in value.items()})  # type: ignore[operator]
    if isinstance(hint, type) and issubclass(hint, (enum.Enum, Path)):
        return hint(value)
    if origin is tuple:
        kinds = inner if len(inner) == len(value) and Ellipsis not in inner else inner[:1] * len(value)
        return tuple(_typed(item, kind) for item, kind in zip(value, kinds))
    if origin is list:
        return [_typed(item, inner[0]) for item in value]
    return value


def _check_device(device: str) -> None:
    import torch

    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        first = str(error).splitlines()[0]
        raise ValueError(f"device must be one that torch can use here; got {device!r} ({first}).") from None
