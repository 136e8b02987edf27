"""PPO and A2C with a central critic, which in training sees what the whole group sees; each still acts on its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from .a2c import A2C
from .ppo import PPO


@dataclass(frozen=True, kw_only=True)
class CentralCritic:
    """What the two have in common; no Learner by itself, whose defaults would take the place of theirs.

    nets "shared": one policy and one critic for the group, which are told which agent it is. "separate": each agent has
    its own, a lane each, and nothing passes between them but that the critics see what everybody sees.
    """

    central: ClassVar[bool] = True

    nets: Literal["shared", "separate"] = "shared"  # one policy and critic for all agents of the group, or one each
    normalise_values: bool = True  # the critic learns returns of mean 0 and deviation 1

    @property
    def team(self) -> bool:
        """One lane drives all agents of the group where they share networks."""
        return self.nets == "shared"

    def check(self) -> None:
        super().check()  # type: ignore[misc]
        name = type(self).__name__
        if self.nets not in ("shared", "separate"):
            raise ValueError(f"{name}.nets is {self.nets!r}; it must be 'shared' or 'separate'.")
        for head, changes in self.overrides.items():  # type: ignore[attr-defined]
            if changes.get("nets", self.nets) != self.nets:
                raise ValueError(
                    f"overrides[{head!r}] has nets={changes['nets']!r}; {name}.nets must be the same for all heads, "
                    f"here {self.nets!r}."
                )


@dataclass(frozen=True, kw_only=True)
class MAPPO(CentralCritic, PPO):  # type: ignore[override]
    """PPO with a central critic (Yu et al. 2022).

        loss as PPO's, with V(s_t, i) in place of V(o_t): s is what all agents of the group see, i which of them it is

    nets "shared": one policy network for the group, which is told which agent it acts for; "separate": one for each.
    With memory, the critic also sees what the agent remembers.
    The group may be paid alike, or each agent by its own reward. obs [L, M, D], state [L, M, S] -> log odds [L, M, A],
    value [L, M].
    """


@dataclass(frozen=True, kw_only=True)
class MAA2C(CentralCritic, A2C):  # type: ignore[override]
    """A2C with a central critic (Papoudakis et al. 2021).

        loss as A2C's, with V(s_t, i) in place of V(o_t): s is what all agents of the group see, i which of them it is

    Otherwise as MAPPO.
    """
