"""Whoever acts without learning here."""

from .action_rule import ActionRule
from .base import Policy, Random
from .convert import as_policy
from .exported import Exported
from .functions import Function
from .off_switch import (
    AlwaysAct,
    AlwaysOff,
    AlwaysWait,
    BayesianHuman,
    BayesRobot,
    BoltzmannHuman,
    ErrorHuman,
    ProbitHuman,
    RationalHuman,
    TwoTypeHuman,
)
from .player import Player
from .seats import Seats
from .view import Seen, View


def scripted_policies() -> dict[str, type[Policy]]:
    """All policies that act by a script, by the names of their classes."""
    found: dict[str, type[Policy]] = {}
    waiting = [Policy]
    while waiting:
        for cls in waiting.pop().__subclasses__():
            waiting.append(cls)
            if cls.tags and cls.__module__.startswith("marl_sim."):
                found[cls.__name__] = cls
    return dict(sorted(found.items()))


__all__ = [
    "ActionRule",
    "AlwaysAct",
    "AlwaysOff",
    "AlwaysWait",
    "BayesRobot",
    "BayesianHuman",
    "BoltzmannHuman",
    "ErrorHuman",
    "Exported",
    "Function",
    "Player",
    "Policy",
    "ProbitHuman",
    "Random",
    "RationalHuman",
    "Seats",
    "Seen",
    "TwoTypeHuman",
    "View",
    "as_policy",
    "scripted_policies",
]
