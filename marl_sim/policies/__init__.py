"""Whoever acts without learning here."""

import importlib

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
    """All policies that act by a script, by the names of their classes; what each is like is in its `tags`."""
    found: dict[str, type[Policy]] = {}
    for module in ("base", "action_rule", "off_switch", "scripted"):
        for cls in vars(importlib.import_module(f"{__name__}.{module}")).values():
            if isinstance(cls, type) and issubclass(cls, Policy) and "memory" in cls.tags:
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
