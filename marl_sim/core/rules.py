"""@rule: a function of one world's arrays, which the engine compiles and runs over all worlds.

A rule names what it touches. Its parameters are bound by name, as pytest binds fixtures:

    a state field ("partner")     that world's array, to be read and written in place
    an option of its own part     the number ("fine"), or the constant array ("matrix")
    a reward component ("fine")   float64 [n_agents], zero at the start of every step; write it with +=
    n                             the number of agents
    key                           the key of this world, this step and this rule, for the draws of core.rng
    i, out                        only in field and legal rules: the agent, and the slots to fill

Rules stay inside the subset that compiles fast and could move to a GPU: loops, scalars, indexing; no Python objects,
no allocation, no slice assignment, no global state. A world's single numbers are arrays of length 1 (`round[0]`).
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any


class Rule:
    """A one-world function with the names of what it touches. Callable as plain Python on one world's arrays."""

    def __init__(self, function: Callable[..., None]):
        self.function = function
        self.name = function.__name__
        self.parameters = tuple(inspect.signature(function).parameters)
        self.__doc__ = function.__doc__

    def __call__(self, *arguments: Any) -> None:
        self.function(*arguments)

    def __repr__(self) -> str:
        return f"rule {self.name}({', '.join(self.parameters)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return _find_rule, (self.function.__module__, self.function.__qualname__)


def _find_rule(module: str, name: str) -> Rule:
    """Unpickle a rule by its address, as functions are."""
    found: Any = __import__(module, fromlist=["_"])
    for part in name.split("."):
        found = getattr(found, part)
    return found


def rule(function: Callable[..., None]) -> Rule:
    """Mark a function of one world's arrays as a rule of the game."""
    return Rule(function)
