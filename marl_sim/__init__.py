"""marl_sim: when do selfish learning agents come to cooperate, and what do mechanisms change about it?

    import marl_sim as ms

    game = ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), ms.Punishment(), ms.Reputation(), n_agents=5)
    env = ms.parallel_env(game)

Names are loaded when first used, so that importing the package brings neither torch nor pygame nor pettingzoo.
"""

from __future__ import annotations

import importlib
import os
from typing import Any

# Idle OpenMP threads spin before they sleep; beside another busy process that makes torch 90 times slower. Read once,
# when the OpenMP library loads, hence here, before numba or torch.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

__version__ = "0.1.0"

_HOMES = {
    "core.simulator": ("Simulator", "Step"),
    "core.game": ("Game",),
    "core.society": ("Society", "Mechanism", "Dilemma"),
    "core.group": ("Group", "GroupDilemma"),
    "core.horizon": ("Fixed", "Geometric", "Continuing"),
    "core.rules": ("rule", "Rule"),
    "core.stage": ("Stage",),
    "core.fields": ("Field", "ints", "floats"),
    "core.errors": ("IllegalAction", "NotReset"),
    "core.factories": ("register_part",),
    "core.registry": ("make", "register", "registered"),
    "games.matrix": (
        "MatrixGame",
        "PrisonersDilemma",
        "DonationGame",
        "StagHunt",
        "Chicken",
        "BattleOfTheSexes",
        "PureCoordination",
        "Harmony",
    ),
    "games.centipede": ("Centipede",),
    "games.trust": ("TrustGame",),
    "games.ultimatum": ("UltimatumGame",),
    "games.dictator": ("DictatorGame",),
    "games.gift_exchange": ("GiftExchange",),
    "games.common_pool": ("CommonPool",),
    "games.collective_risk": ("CollectiveRisk",),
    "games.escape_room": ("EscapeRoom",),
    "games.off_switch": ("OffSwitch",),
    "games.po_osg": ("PartialOffSwitch",),
    "games.corrigibility": ("SafeInterruptibility",),
    "games.assistant": ("ClarifyOrAnswer",),
    "games.public_goods": ("PublicGoods", "ThresholdPublicGoods"),
    "games.mac_spgg": ("MacSPGG",),
    "games.n_player": ("NPlayerPrisonersDilemma", "NPlayerStagHunt", "VolunteersDilemma"),
    "mechanisms.random_matching": ("RandomMatching",),
    "mechanisms.partner_selection": ("PartnerSelection",),
    "mechanisms.exit": ("Exit",),
    "mechanisms.punishment": ("Punishment",),
    "mechanisms.reputation": ("Reputation",),
    "mechanisms.norms": ("Norm",),
    "mechanisms.noise": ("Noise",),
    "mechanisms.gift": ("Gift",),
    "mechanisms.talk": ("Talk",),
    "mechanisms.sanctions": ("PeerPunishment", "PeerReward"),
    "mechanisms.institutions": ("Institutions",),
    "envs": ("parallel_env", "aec_env", "SeatEnv", "SeatVectorEnv"),
    "learners": (
        "A2C",
        "COMA",
        "DQN",
        "DRQN",
        "ExactLOLA",
        "Exp3",
        "ExpectedSARSA",
        "FictitiousPlay",
        "Hedge",
        "JointActionLearner",
        "LIO",
        "LOLA",
        "Learner",
        "MAA2C",
        "MAPPO",
        "PPO",
        "QMIX",
        "REINFORCE",
        "SARSA",
        "TabularActorCritic",
        "TabularQ",
        "VDN",
        "WoLFPHC",
    ),
    "training.rollout": ("Trainer",),
    "training.population": ("Population",),
    "training.self_play": ("SelfPlay",),
    "training.preferences": ("InequityAversion", "SocialValueOrientation", "Prosocial", "RewardExchange"),
    "evaluation.study": ("Study",),
    "training.config": ("StudyOptions", "command"),
    "describe": ("describe",),
    "policies": ("Policy", "View", "as_policy"),
    "policies.serve": ("Server", "serve"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}
_SUBPACKAGES = ("testing", "theory")  # reached as ms.theory, ...
__all__ = ["__version__", *_HOME_OF, *_SUBPACKAGES]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
        globals()[name] = value
        return value
    if name in _SUBPACKAGES:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
