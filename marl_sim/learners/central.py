"""PPO and A2C with a central critic, which in training sees what the whole group sees; each still acts on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from .a2c import A2C
from .ppo import PPO


@dataclass(frozen=True, kw_only=True)
class MAPPO(PPO):
    """PPO with a central critic, one policy network for the group (Yu et al. 2022).

        loss as PPO's, with V(s_t, i) in place of V(o_t): s is what all agents of the group see, i which of them it is

    The network is told which agent it acts for. The group may be paid alike, or each agent by its own reward. obs [L,
    M, D], state [L, M, S] -> log odds [L, M, A], value [L, M].
    """

    team: ClassVar[bool] = True
    central: ClassVar[bool] = True

    normalise_values: bool = True  # the critic learns returns of mean 0 and deviation 1


@dataclass(frozen=True, kw_only=True)
class MAA2C(A2C):
    """A2C with a central critic, one policy network for the group (Papoudakis et al. 2021).

        loss as A2C's, with V(s_t, i) in place of V(o_t): s is what all agents of the group see, i which of them it is

    Otherwise as MAPPO.
    """

    team: ClassVar[bool] = True
    central: ClassVar[bool] = True

    normalise_values: bool = True  # the critic learns returns of mean 0 and deviation 1
