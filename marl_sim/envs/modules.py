"""A PettingZoo-style module for every registered game, made when it is asked for.

    from marl_sim.envs import direct_punishment_v0
    env = direct_punishment_v0.parallel_env(n_agents=5)     # or .env(...), .raw_env(...)

and the same games in PettingZoo's own registry:

    pettingzoo.make("parallel", "marl_sim/direct_punishment-v0", n_agents=5)
"""

from __future__ import annotations

import inspect
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

import pettingzoo

from ..core.errors import unknown
from ..core.registry import factory, registered
from .aec import GameAECEnv, aec_env
from .face import VERSION
from .parallel import GameParallelEnv, parallel_env

HOME = __name__.rpartition(".")[0]
SUFFIX = f"_v{VERSION}"


def module_names() -> list[str]:
    """direct_punishment_v0, ...: one for every registered game."""
    return [name + SUFFIX for name in registered()]


def refuse(name: str) -> str:
    """One sentence on a versioned module that is not there."""
    return unknown("module", name, module_names())


class GameModules(MetaPathFinder, Loader):
    """Finds and makes marl_sim.envs.NAME_v0 for every registered game NAME."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        home, _, name = fullname.rpartition(".")
        if home != HOME or not name.endswith(SUFFIX) or name.removesuffix(SUFFIX) not in registered():
            return None
        return ModuleSpec(fullname, self, origin=f"the registered game {name.removesuffix(SUFFIX)!r}")

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        name = module.__name__.rpartition(".")[2].removesuffix(SUFFIX)
        enrol(name)

        def _parallel_env(**options: Any) -> GameParallelEnv:
            return parallel_env(name, **options)

        def _env(**options: Any) -> GameAECEnv:
            return aec_env(name, **options)

        for function, face in ((_parallel_env, "ParallelEnv"), (_env, "AECEnv")):
            function.__doc__ = f"A PettingZoo {face} of {name!r}; options of the game and of the environment by name."
            function.__module__ = module.__name__
            function.__name__ = function.__qualname__ = function.__name__[1:]
        module.__doc__ = inspect.getdoc(factory(name))
        vars(module).update(parallel_env=_parallel_env, env=_env, raw_env=_env)
        vars(module)["__all__"] = ["env", "parallel_env", "raw_env"]


def enrol(name: str) -> None:
    """Put a game into PettingZoo's registry, once."""
    known = {"parallel": pettingzoo.parallel_registry, "aec": pettingzoo.aec_registry}
    for kind, function in (("parallel", "parallel_env"), ("aec", "env")):
        label = f"marl_sim/{name}-v{VERSION}"
        if label not in known[kind]:
            pettingzoo.register(kind, label, f"{HOME}.{name}{SUFFIX}:{function}")


def install() -> None:
    """Make the modules importable and the games known to PettingZoo."""
    if not any(isinstance(finder, GameModules) for finder in sys.meta_path):
        sys.meta_path.append(GameModules())
    for name in registered():
        enrol(name)
