"""Learners: one stacked batch of independent agents ("lanes"), each of which is bit for bit what it would be alone.

They know arrays and head specifications only, never games or simulators. This is the one package that imports torch.
"""

from .a2c import A2C
from .base import HeadSpec, Learner
from .central import MAA2C, MAPPO
from .coma import COMA
from .exp3 import Exp3
from .fictitious_play import FictitiousPlay
from .hedge import Hedge
from .joint_action import JointActionLearner
from .lanes import Lanes
from .lio import LIO
from .lola import LOLA
from .lola_exact import ExactLOLA
from .ppo import PPO
from .recurrent_q import DRQN
from .reinforce import REINFORCE
from .sarsa import SARSA, ExpectedSARSA
from .schedules import Decay, Linear, Schedule
from .tabular import TabularLanes, TabularQ
from .tabular_actor import TabularActorCritic
from .value import DQN, DQNLanes
from .value_decomposition import QMIX, VDN
from .wolf import WoLFPHC

__all__ = [
    "A2C",
    "COMA",
    "DQN",
    "DRQN",
    "LIO",
    "LOLA",
    "MAA2C",
    "MAPPO",
    "PPO",
    "QMIX",
    "REINFORCE",
    "SARSA",
    "VDN",
    "DQNLanes",
    "Decay",
    "ExactLOLA",
    "Exp3",
    "ExpectedSARSA",
    "FictitiousPlay",
    "HeadSpec",
    "Hedge",
    "JointActionLearner",
    "Lanes",
    "Learner",
    "Linear",
    "Schedule",
    "TabularActorCritic",
    "TabularLanes",
    "TabularQ",
    "WoLFPHC",
]
