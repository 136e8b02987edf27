"""Whoever acts by a script, each in ten lines with its names and sources.

`tags` say what kind of strategy one is with the options that it comes with:

memory        how many of its last encounters (rounds) its answer depends on, given how many there were; inf: on all
stochastic    whether chance decides, beside what it knows
nice          whether it never defects on, or gives less than, those who never did so
retaliatory   whether it defects more with whoever only defects than with whoever only cooperates
forgiving     whether it cooperates again, sooner or later, with whoever defected ten times and then cooperates
reputation    whether it goes by reputations; selects: whether it chooses whom it meets; group: whether it gives to a
              common cause; punisher, rewarder, voter: whether it punishes, rewards, votes for an institution
"""

from .groups import (
    ConditionalCooperator,
    Contributor,
    FreeRider,
    GroupGrim,
    HumpShaped,
    ThresholdCooperator,
    UnconditionalContributor,
)
from .grudges import (
    Davis,
    FoolMeOnce,
    ForgetfulGrudger,
    Gradual,
    Grim,
    Shubik,
    SoftGrudger,
    SpitefulTitForTat,
)
from .memory_one import (
    Desperate,
    FirmButFair,
    Grofman,
    Hopeless,
    Joss,
    MemoryOne,
    Reactive,
    Willing,
    WinShiftLoseStay,
    WinStayLoseShift,
)
from .pairs import Pairwise
from .probers import Champion, GoByMajority, Handshake, Prober, RemorsefulProber, Tester, Tullock
from .reputation import ImageScorer, LeadingEight, OutForTat, ShunDefectors, Standing
from .sanctions import (
    AltruisticPunisher,
    AntisocialPunisher,
    ContributionVoter,
    IncomeVoter,
    RewardAndPunish,
    SecondOrderPunisher,
    SpitefulPunisher,
)
from .tit_for_tat import (
    AdaptiveTitForTat,
    ContriteTitForTat,
    GenerousTitForTat,
    HardTitForTat,
    HardTitForTwoTats,
    OmegaTitForTat,
    ReverseTitForTat,
    SuspiciousTitForTat,
    TitForTat,
    TitForTwoTats,
    TwoTitsForTat,
)
from .unconditional import AllC, AllD, Alternator, Cycler
from .zero_determinant import Equalizer, Extort, GenerousZeroDeterminant, ZeroDeterminant

__all__ = [
    "AdaptiveTitForTat",
    "AllC",
    "AllD",
    "Alternator",
    "AltruisticPunisher",
    "AntisocialPunisher",
    "Champion",
    "ConditionalCooperator",
    "ContributionVoter",
    "Contributor",
    "ContriteTitForTat",
    "Cycler",
    "Davis",
    "Desperate",
    "Equalizer",
    "Extort",
    "FirmButFair",
    "FoolMeOnce",
    "ForgetfulGrudger",
    "FreeRider",
    "GenerousTitForTat",
    "GenerousZeroDeterminant",
    "GoByMajority",
    "Gradual",
    "Grim",
    "Grofman",
    "GroupGrim",
    "Handshake",
    "HardTitForTat",
    "HardTitForTwoTats",
    "Hopeless",
    "HumpShaped",
    "ImageScorer",
    "IncomeVoter",
    "Joss",
    "LeadingEight",
    "MemoryOne",
    "OmegaTitForTat",
    "OutForTat",
    "Pairwise",
    "Prober",
    "Reactive",
    "RemorsefulProber",
    "ReverseTitForTat",
    "RewardAndPunish",
    "SecondOrderPunisher",
    "Shubik",
    "ShunDefectors",
    "SoftGrudger",
    "SpitefulPunisher",
    "SpitefulTitForTat",
    "Standing",
    "SuspiciousTitForTat",
    "Tester",
    "ThresholdCooperator",
    "TitForTat",
    "TitForTwoTats",
    "Tullock",
    "TwoTitsForTat",
    "UnconditionalContributor",
    "Willing",
    "WinShiftLoseStay",
    "WinStayLoseShift",
    "ZeroDeterminant",
]
