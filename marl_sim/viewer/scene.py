"""What one picture shows: where the world is, what has just been done, and what is remembered of the past."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np

from ..core.fields import Slot
from ..core.game import Game
from ..core.stage import Stage
from ..policies.view import decode
from .chronicle import Chronicle

State = dict[str, np.ndarray]


def told(simulator: Any, world: int = 0) -> State:
    """Copies of the state fields of one of a simulator's worlds."""
    return {name: field[world].copy() for name, field in simulator.state.items()}


class Scene:
    """One moment of one world.

    game, chronicle   what is played, and what has happened
    before            the state when the stage that was played last was open; None at the beginning
    now               the state that the world is in
    obs, legal        what each agent sees and may do, [n, D] and [n, A]; what was last seen, where the episode is over
    minds             who sits in each seat, a word or two
    seed              of the world
    title             over the picture; the game's label where it is empty
    """

    def __init__(
        self,
        game: Game,
        chronicle: Chronicle,
        before: State | None,
        now: State,
        obs: np.ndarray,
        legal: np.ndarray,
        minds: Sequence[str] = (),
        seed: int | None = None,
        title: str = "",
    ) -> None:
        self.game, self.chronicle, self.before, self.now = game, chronicle, before, now
        self.obs, self.legal, self.minds, self.seed = obs, legal, tuple(minds), seed
        self.title = title or game.label.replace("_", " ")

    @property
    def over(self) -> str:
        """How the episode ended, "" if it has not."""
        return self.chronicle.over

    @property
    def state(self) -> State:
        """The state to show: after an end the world holds the next episode already, so the one before it."""
        return self.before if self.over and self.before is not None else self.now

    @property
    def stage(self) -> Stage | None:
        """The stage that is open; None where the episode is over."""
        return None if self.over else self.game.stages[int(self.now["stage"][0])]

    @property
    def played(self) -> Stage | None:
        """The stage that was played last."""
        return None if self.before is None else self.game.stages[int(self.before["stage"][0])]

    @property
    def acting(self) -> np.ndarray:
        """Who decides now, bool [n]."""
        return np.zeros(self.game.n_agents, bool) if self.over else self.now["acting"].astype(bool)

    @cached_property
    def names(self) -> list[str]:
        """What agents are called: by their part in the game, where it has fixed parts."""
        part = getattr(self.game, "dilemma", None)
        return NAMES.get(type(part).__name__, {}).get(self.game.n_agents) or self.game.agents

    @cached_property
    def reputation(self) -> np.ndarray | None:
        """Reputations from 0, the worst, to 1, the best: float [n]; None where there are none."""
        if "standing" not in self.state:
            return None
        state = self.before if self.over == "terminated" and self.before is not None else self.now
        mean = state["standing"].astype(float).mean(0)
        binary = self.game.state["standing"].dtype == np.int32
        return mean if binary else (1 + mean / (5.0 + np.abs(mean))) / 2

    def seen(self, agent: int) -> dict[str, Any]:
        """What an agent sees, by the names of the fields, in their own values; nothing where it does not decide."""
        return {slot.name: values for slot, values in self.sees(agent)}

    def sees(self, agent: int) -> list[tuple[Slot, Any]]:
        """The same with what is known of each field: its meaning, and what its values are called."""
        at = int(self.obs[agent, : len(self.game.stages)].argmax())
        kind = self.game.stages[at].kind
        block = self.game.layout.block(kind)
        if not (self.acting[agent] or self.obs[agent, block].any()):
            return []
        found = []
        for slot in self.game.layout.slots:
            if slot.kind == kind:
                columns = self.obs[agent : agent + 1, slot.start : slot.stop]
                levels = self.game.field_levels.get(f"{kind}:{slot.name}")
                found.append((slot, decode(columns, levels, slot.levels)[0]))
        return found


NAMES: dict[str, dict[int, list[str]]] = {
    "OffSwitch": {1: ["robot"], 2: ["robot", "human"]},
    "PartialOffSwitch": {2: ["robot", "human"]},
    "SafeInterruptibility": {1: ["walker"]},
    "ClarifyOrAnswer": {1: ["assistant"]},
}
