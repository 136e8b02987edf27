"""Anybody as a policy: what `ms.as_policy` takes, and the words that name a policy on a command line."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import importlib.util
import inspect
from pathlib import Path
from typing import Any

from ..core.errors import unknown
from .base import Policy
from .functions import Function

# What stands before the first colon of a name -> what makes a policy of the rest: function(rest, **options).
SOURCES = {
    "run": "marl_sim.training.learned:from_run",
    "exported": "marl_sim.policies.exported:Exported",
    "http": "marl_sim.policies.remote:Http",
    "https": "marl_sim.policies.remote:Http",
    "command": "marl_sim.policies.remote:Command",
    "llm": "marl_sim.policies.llm:LanguageModel",
    "human": "marl_sim.policies.human:Human",
    "axelrod": "marl_sim.policies.axelrod:from_name",
}
WHOLE = ("http", "https")  # sources whose makers are given the whole name
# Objects of other libraries: a class among their bases -> what makes a policy of them: function(thing, **options). The
# first that fits counts.
KINDS: dict[str, str] = {
    "axelrod.player.Player": "marl_sim.policies.axelrod:Axelrod",
    "stable_baselines3.": "marl_sim.policies.sb3:Predicting",
    "ray.rllib.core.rl_module.rl_module.RLModule": "marl_sim.policies.rllib:RLlibModule",
    "torch.nn.modules.module.Module": "marl_sim.policies.torch_module:TorchModule",
}
PREDICTING = "marl_sim.policies.sb3:Predicting"  # whoever else has such a method


def as_policy(thing: Any, **options: Any) -> Policy:
    """A policy of anybody who can act.

    thing     a Policy; a function of one observation (of an observation and the legal actions), or of a view; an object
              whose `act` is such a function; a model of Stable-Baselines3 or sb3-contrib, or whatever has their
              `predict`; an RLModule of RLlib; a torch module of observations; or a name:

              "TitForTat", "GenerousTitForTat#generosity=0.2"   a scripted one, with options
              "my_agent.py:act", "my_package.agents:Mine"       a function, class or object of a file or a module
              "run:FOLDER#agent=2,seed=3"                       what an agent of a run has learned
              "axelrod:GTFT", "axelrod:GTFT#p=0.1"              a strategy of the Axelrod library, with its options
              "exported:FOLDER"                                 an agent that `marl-sim export` wrote
              "http://host:port/path", "command:python me.py"   an agent elsewhere, by the protocol of
                                                                docs/how-to/agents_elsewhere.md; the words of the
                                                                command may also be given as a list
              "llm:MODEL@URL"                                   a language model behind a chat endpoint
              "human"                                           whoever sits at the terminal
    options   of the policy; those after # in a name go before them

    ValueError in one sentence for what cannot act, and for unknown names and options.
    """
    if isinstance(thing, Policy):
        return thing
    if isinstance(thing, str | Path):
        return _named(str(thing), options)
    if isinstance(thing, type) and issubclass(thing, Policy):
        return _made(thing, (), options, thing.__name__)
    if isinstance(thing, list | tuple):
        return _made(_found(SOURCES["command"]), (thing,), options, "command")
    for mark, maker in KINDS.items():
        if _is(thing, mark):
            return _made(_found(maker), (thing,), options, type(thing).__name__)
    if callable(getattr(thing, "predict", None)) and not hasattr(thing, "act"):
        return _made(_found(PREDICTING), (thing,), options, type(thing).__name__)
    act = thing.act if hasattr(thing, "act") and callable(thing.act) else thing
    if not callable(act):
        raise ValueError(
            f"a policy, a function of an observation, or a name such as 'TitForTat' was expected; got {thing!r}"
        )
    return _made(Function, (act,), options, "Function")


def _named(text: str, options: dict[str, Any]) -> Policy:
    """The policy of a name, with the options that stand after its #."""
    name, _, after = text.partition("#")
    options = options | _options(after, text)
    source, colon, rest = name.partition(":")
    if source in SOURCES and (colon or source == "human"):
        given = (name,) if source in WHOLE else (rest,) if colon else ()
        return _made(_found(SOURCES[source]), given, options, name)
    if colon:
        return _own(source, rest, options, name)
    if (Path(name) / "agent.json").is_file():
        return _made(_found(SOURCES["exported"]), (name,), options, name)
    scripted = importlib.import_module("marl_sim.policies").scripted_policies()
    if name not in scripted:
        kinds = ", ".join(f"{one}:..." for one in SOURCES)
        raise ValueError(unknown("policy", name, scripted) + f"; or {kinds}, or my_agent.py:act")
    return _made(scripted[name], (), options, name)


def _options(after: str, text: str) -> dict[str, Any]:
    """agent=2,seed=3 as a dictionary; values are read as Python's, and stay words where they are not."""
    found = {}
    for part in filter(None, after.split(",")):
        option, equals, value = part.partition("=")
        if not equals or not option.strip().isidentifier():
            raise ValueError(f"after # come options such as generosity=0.2; got {part!r} in {text!r}")
        try:
            found[option.strip()] = ast.literal_eval(value.strip())
        except (SyntaxError, ValueError):
            found[option.strip()] = value.strip()
    return found


def _own(place: str, name: str, options: dict[str, Any], text: str) -> Policy:
    """What a file or a module of the user's calls `name`."""
    if place.endswith(".py"):
        if not Path(place).is_file():
            raise ValueError(f"there is no file {place} (for the seat {text!r})")
        spec = importlib.util.spec_from_file_location(Path(place).stem, place)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    else:
        try:
            module = importlib.import_module(place)
        except ImportError as error:
            if not place.startswith(str(error.name)):
                raise
            raise ValueError(f"there is no module {place!r}; {unknown('kind of seat', place, SOURCES)}") from None
    if not hasattr(module, name):
        raise ValueError(unknown(f"name in {place}:", name, [one for one in vars(module) if not one.startswith("_")]))
    thing = getattr(module, name)
    if isinstance(thing, type) and not issubclass(thing, Policy):
        thing = thing()
    if isinstance(thing, Policy) and options:
        held = {f.name: getattr(thing, f.name) for f in dataclasses.fields(thing)}  # type: ignore[arg-type]
        return _made(type(thing), (), held | options, text)
    return as_policy(thing, **options)


def _made(maker: Any, arguments: tuple[Any, ...], options: dict[str, Any], name: str) -> Policy:
    allowed = inspect.signature(maker).parameters
    anything = any(one.kind is one.VAR_KEYWORD for one in allowed.values())  # it refuses what it does not know itself
    for option in options:
        if option not in allowed and not anything:
            raise ValueError(unknown(f"option of {name}:", option, list(allowed)[len(arguments) :]))
    return maker(*arguments, **options)


def _found(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(module), name)


def _is(thing: Any, mark: str) -> bool:
    """Whether a thing is of a class of that name (module.Class), wherever it stands among its bases."""
    return any(f"{cls.__module__}.{cls.__qualname__}".startswith(mark) for cls in type(thing).__mro__)
