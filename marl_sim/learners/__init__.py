"""Learners: one stacked batch of independent agents ("lanes"), each of which is bit for bit what it would be alone.

They know arrays and head specifications only, never games or simulators. This is the one package that imports torch.
"""

from .a2c import A2C
from .base import HeadSpec, Learner
from .central import MAA2C, MAPPO
from .lanes import Lanes
from .lio import LIO
from .lola import LOLA
from .lola_exact import ExactLOLA
from .ppo import PPO
from .reinforce import REINFORCE
from .schedules import Decay, Linear, Schedule
from .tabular import TabularLanes, TabularQ
from .value import DQN, DQNLanes

__all__ = [
    "A2C",
    "DQN",
    "LIO",
    "LOLA",
    "MAA2C",
    "MAPPO",
    "PPO",
    "REINFORCE",
    "DQNLanes",
    "Decay",
    "ExactLOLA",
    "HeadSpec",
    "Lanes",
    "Learner",
    "Linear",
    "Schedule",
    "TabularLanes",
    "TabularQ",
]
