"""Introspection: an agent imagines meeting itself, and is rewarded for what it would get."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np


@dataclass(frozen=True)
class Introspection:
    """Reward layer of Anastassacos et al. (2021): R = (1 - alpha) U + alpha S.

    U is the payoff of the encounter, S one's own payoff in a simulated encounter with oneself, in which the other's
    reputation is one's own. Nothing of it is remembered by anybody. The paper prints the weights the other way round,
    but its text and figure treat alpha = 1 as full introspection, as here.

    alpha      weight of introspection, 0 to 1
    epsilon    exploration in the simulated encounter, 0 to 1
    simulated  how both sides act in it, which the paper does not say. "drawn": each draws anew from the agent's
               epsilon-greedy policy, and S is the expected payoff; it then depends on one's own reputation but not on
               the action just taken. "taken": where the other's reputation is one's own anyway, so that the simulated
               input is the real one, both take the action just taken, which therefore learns what it would bring if
               everybody took it; elsewhere as "drawn".

    Called by the Trainer for every decision; raises ValueError where an option is out of range, where players do not
    see the other's binary reputation as an index, or where one head decides everything.
    """

    alpha: float
    epsilon: float = 0.1
    simulated: Literal["taken", "drawn"] = "taken"

    def __post_init__(self) -> None:
        for name, value in (("alpha", self.alpha), ("epsilon", self.epsilon)):
            if not 0 <= value <= 1:
                raise ValueError(f"Introspection: {name} must be from 0 to 1; got {value}")
        if self.simulated not in ("taken", "drawn"):
            raise ValueError(f"Introspection: simulated must be 'taken' or 'drawn'; got {self.simulated!r}")

    def scale(self, head: str) -> float:
        """What the rewards of a head's decisions are multiplied by."""
        return 1.0 - self.alpha if head == "play" else 1.0

    def extra(
        self, trainer: Any, head: Any, obs: np.ndarray, deciding: np.ndarray, action: np.ndarray
    ) -> np.ndarray | None:
        """alpha * S for the decisions of the play head, float64 [lanes, worlds]; None for other heads."""
        if self.alpha == 0:
            return None
        if head.name == "all":
            raise ValueError("Introspection rewards plays alone; give heads='per stage' to the Trainer")
        if head.name != "play":
            return None
        game, sim = trainer.game, trainer.simulator
        slot = next((s for s in game.layout.slots if s.kind == "play" and s.name == "target_reputation"), None)
        if slot is None or slot.levels is None:
            raise ValueError(
                "Introspection needs players who see the other's binary reputation as an index; "
                "give Norm(seen_in=('play',)) and encode='index'"
            )
        mirror = obs.copy()
        mirror[:, :, slot.start - head.columns.start] = head.arrange(
            np.broadcast_to(self_view(sim.state["standing"]), sim.acting.shape)
        )
        values = head.lanes.values(mirror, deciding)
        best = values == values.max(-1, keepdims=True)
        odds = (1 - self.epsilon) * best / best.sum(-1, keepdims=True) + self.epsilon / head.n_actions
        if self.simulated == "taken":
            same = (mirror == obs).all(-1)
            odds = np.where(same[..., None], np.eye(head.n_actions)[action], odds)
        mine = np.einsum("lba,lbc,ac->lb", odds, odds, game.constants["matrix"][:, :, 0])
        return np.where(deciding, self.alpha * mine, 0.0)


def self_view(standing: np.ndarray) -> np.ndarray:
    """Each agent's own reputation: the public one, or its own view of itself. [worlds, n]"""
    return standing[:, 0] if standing.shape[1] == 1 else np.diagonal(standing, axis1=1, axis2=2)
