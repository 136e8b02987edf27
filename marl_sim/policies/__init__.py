"""Whoever acts without learning here."""

from .base import Policy, View
from .exported import Exported
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

__all__ = [
    "AlwaysAct",
    "AlwaysOff",
    "AlwaysWait",
    "BayesRobot",
    "BayesianHuman",
    "BoltzmannHuman",
    "ErrorHuman",
    "Exported",
    "Policy",
    "ProbitHuman",
    "RationalHuman",
    "TwoTypeHuman",
    "View",
]
