"""Learners: one stacked batch of independent agents ("lanes"), each of which is bit for bit what it would be alone.

They know arrays and head specifications only, never games or simulators. This is the one package that imports torch.
"""

from .base import HeadSpec, Learner
from .lanes import Lanes
from .schedules import Decay, Linear, Schedule
from .tabular import TabularLanes, TabularQ
from .value import DQN, DQNLanes

__all__ = [
    "DQN",
    "DQNLanes",
    "Decay",
    "HeadSpec",
    "Lanes",
    "Learner",
    "Linear",
    "Schedule",
    "TabularLanes",
    "TabularQ",
]
