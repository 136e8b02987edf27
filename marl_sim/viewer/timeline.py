"""One world's history: forward by actions, back by itself, and anew from any moment."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.game import Game
from ..core.simulator import Simulator, Step
from .chronicle import Chronicle
from .scene import Scene, State, told

_numbers = itertools.count()
EVERY = 64  # steps between two moments that are kept whole; others are played again from the one before


class Timeline:
    """World number `world` of `seed`, from its founding on.

    actions   what has been played, each [n]: `at` steps of it lie before the moment shown, the rest after it
    scene()   the moment shown
    """

    def __init__(self, game: Game, seed: int = 0, world: int = 0, actions: Sequence[np.ndarray] = ()) -> None:
        self.game, self.seed, self.world = game, int(seed), int(world)
        self.number = next(_numbers)  # its own, for those who keep pictures of it
        self.simulator = Simulator(game, 1, seed=self.seed, threads=1)
        self.simulator.arrays["worlds"][:, 0] = self.world
        self.simulator.reset()
        self.actions = list(actions)
        self.at = 0
        self.chronicle = Chronicle(game)
        self.before: State | None = None
        self.last: Step | None = None
        self._kept: dict[int, tuple[Any, ...]] = {}
        self._keep()

    def __len__(self) -> int:
        """Steps that are known."""
        return len(self.actions)

    @property
    def acting(self) -> np.ndarray:
        """Who decides at the moment shown, bool [n]."""
        return self.simulator.acting[0]

    @property
    def legal(self) -> np.ndarray:
        """Who may do what, bool [n, A]."""
        return self.simulator.legal[0]

    # ------------------------------------------------------------ forward and back

    def play(self, actions: np.ndarray) -> Step:
        """Go on with `actions` [n]; what was known of the time after the moment shown is given up.

        IllegalAction, in one sentence, where they cannot be played; nothing has changed then.
        """
        step = self._go(np.asarray(actions))
        del self.actions[self.at - 1 :]
        self.actions.append(np.array(actions))
        self._kept = {t: kept for t, kept in self._kept.items() if t < self.at}
        self._keep()
        return step

    def forward(self) -> bool:
        """One step on, as it is known; False at the end of what is known."""
        if self.at >= len(self.actions):
            return False
        self._go(self.actions[self.at])
        self._keep()
        return True

    def seek(self, t: int) -> None:
        """Show the moment after t steps, from 0 to len(self)."""
        t = min(max(t, 0), len(self.actions))
        if not self.at <= t < self.at + EVERY:
            near = max(k for k in self._kept if k <= t)
            if not near <= self.at <= t:
                self._back_to(near)
        while self.at < t:
            self.forward()

    def _go(self, actions: np.ndarray) -> Step:
        before = told(self.simulator)
        self.last = self.simulator.step(actions[None])
        self.before = before
        self.chronicle.see(before, actions, self.last)
        self.at += 1
        return self.last

    def _keep(self) -> None:
        if self.at % EVERY == 0 and self.at not in self._kept:
            # what the last step said is part of the moment: where it ended an episode, its last frame is shown
            last = None if self.last is None else self.last.final_obs[0].copy()
            self._kept[self.at] = self.simulator.save(), self.chronicle.copy(), self.before, last

    def _back_to(self, t: int) -> None:
        saved, chronicle, self.before, final = self._kept[t]
        self.simulator.load(saved)
        self.chronicle, self.at = chronicle.copy(), t
        if final is not None:
            self.simulator.arrays["final_obs"][0] = final

    # ------------------------------------------------------------ what is shown

    def scene(self, minds: Sequence[str] = (), title: str = "", opened: bool = False) -> Scene:
        """The moment shown. opened: where an episode is over, the first moment of the next rather than its last."""
        sim, chronicle, before = self.simulator, self.chronicle.copy(), self.before
        obs = sim.arrays["final_obs"][0] if chronicle.over else sim.obs[0]
        if opened and chronicle.over:
            chronicle.begin_episode()
            before, obs = None, sim.obs[0]
        return Scene(self.game, chronicle, before, told(sim), obs.copy(), sim.legal[0].copy(), minds, self.seed, title)

    def branch(self) -> Timeline:
        """Another history that shares this one up to the moment shown, and is free from there on."""
        twin = Timeline(self.game, self.seed, self.world, self.actions[: self.at])
        twin.seek(self.at)
        return twin
