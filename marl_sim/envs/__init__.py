"""Outward faces: PettingZoo's ParallelEnv and AECEnv of any game, a versioned module for every registered one, and one
seat as a Gymnasium environment."""

from __future__ import annotations

import importlib
from typing import Any

from .aec import GameAECEnv, aec_env
from .modules import install, module_names, refuse
from .parallel import GameParallelEnv, parallel_env
from .seat import SeatEnv
from .seat_vector import SeatVectorEnv

__all__ = ["GameAECEnv", "GameParallelEnv", "SeatEnv", "SeatVectorEnv", "aec_env", "parallel_env"]

install()


def __getattr__(name: str) -> Any:
    if name in module_names():
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(refuse(name) if name.rpartition("_v")[2].isdigit() else f"module {__name__!r} has no {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *module_names()})
