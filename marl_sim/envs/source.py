"""Where outside environments come from: a name, a function or class that makes one, or one to be copied."""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeAlias

from pettingzoo import AECEnv, ParallelEnv

from ..core.errors import unknown

Environment: TypeAlias = ParallelEnv | AECEnv

PREFIX = "pettingzoo:"
MAKERS = ("parallel_env", "env")  # the first is played where a module has both
PACKAGES = {"pygame": "pygame-ce"}  # where pip and Python have different names
KINDS = (
    "the name of a module with parallel_env or env, such as 'mpe2.simple_spread_v3', 'module:name', "
    "a function or class that makes an environment, or an environment"
)


class Source:
    """Makes environments that are like each other.

    given    "mpe2.simple_spread_v3" (with or without "pettingzoo:" before it), "my_module:MyEnv", a callable, or an
             environment, which is copied by pickling
    options  keyword arguments of whatever makes the environment
    label    a name for tables and messages

    Raises ImportError, in a sentence that says what to install, where a package is missing, and ValueError otherwise.
    """

    def __init__(self, given: Any, options: Mapping[str, Any] | None = None):
        self.given, self.options = given, dict(options or {})
        found = _named(given) if isinstance(given, str) else given
        self.label = given.removeprefix(PREFIX).replace(":", ".").rpartition(".")[2] if found is not given else ""
        self._make: Callable[..., Any]
        if isinstance(found, Environment):
            if self.options:
                raise ValueError(f"options go with what makes an environment, not with one that is made; got {options}")
            self.label = self.label or str(getattr(found, "metadata", {}).get("name") or type(found).__name__)
            self._make = _copier(found, self.label)
        elif callable(found):
            made_by = getattr(found, "func", found)  # of a functools.partial
            self.label = self.label or getattr(made_by, "__name__", type(made_by).__name__)
            self._make = found
        else:
            raise ValueError(f"source must be {KINDS}; got {given!r}")

    def __reduce__(self) -> tuple[type[Source], tuple[Any, ...]]:
        return Source, (self.given, self.options)

    def make(self) -> Environment:
        """A new environment."""
        try:
            env = self._make(**self.options)
        except TypeError as error:
            raise ValueError(f"{self.label} cannot be made with the options {self.options}: {error}") from error
        if not isinstance(env, Environment):
            raise ValueError(f"{self.label} must make a PettingZoo ParallelEnv or AECEnv; it made {env!r}")
        return env


def _copier(env: Environment, label: str) -> Callable[[], Any]:
    try:
        frozen = pickle.dumps(env)
    except Exception as error:  # whatever the environment holds decides what is raised
        raise ValueError(
            f"{label} cannot be copied by pickling ({error}); give a function that makes it instead"
        ) from error
    return partial(pickle.loads, frozen)


def _named(name: str) -> Any:
    """What a name stands for: something in a module, or the parallel_env or env of a module."""
    path, colon, attribute = name.removeprefix(PREFIX).partition(":")
    if not all(part.isidentifier() for part in path.split(".")):
        raise ValueError(f"source must be {KINDS}; got {name!r}")
    module = _module(path)
    if colon:
        if not hasattr(module, attribute):
            names = (key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
            raise ValueError(unknown(f"name in {path}:", attribute, names))
        return getattr(module, attribute)
    for maker in MAKERS:
        if hasattr(module, maker):
            return getattr(module, maker)
    raise ValueError(f"{path} has neither parallel_env nor env; source must be {KINDS}")


def _module(path: str) -> Any:
    try:
        return importlib.import_module(path)
    except ModuleNotFoundError as error:
        missing = error.name or path
        package = path.partition(".")[0]
        if missing == package:
            raise ImportError(
                f"no module {package} is installed, which {path} is in: check the name, or pip install {_pip(package)}"
            ) from None
        if path == missing or path.startswith(f"{missing}."):
            raise ImportError(f"the package {package}, which is installed, has no module {missing}") from None
        raise ImportError(f"{path} needs the package {missing}: pip install {_wanted(path, missing)}") from None
    except ImportError as error:
        raise ImportError(f"{path} cannot be loaded: {error}") from error


def _wanted(path: str, missing: str) -> str:
    """What pip is asked for: PettingZoo's families of environments have extras of their own."""
    family = path.split(".")[1:2]
    if path.startswith("pettingzoo.") and family:
        return f'"pettingzoo[{family[0]}]"'
    return _pip(missing.partition(".")[0])


def _pip(package: str) -> str:
    return PACKAGES.get(package, package.replace("_", "-"))
