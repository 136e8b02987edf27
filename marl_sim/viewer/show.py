"""A world that is played before somebody's eyes: forward and back, by minds and by people."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.game import Game
from .minds import Minds, Recorded, Table, check_seat
from .replays import Replay
from .scene import Scene
from .timeline import Timeline


class Show:
    """One world, its minds and its guests.

    minds      who decides where nobody has taken a seat
    seed, world   which world
    title      over the pictures
    reseed     called with a number k, sets the minds up for the k-th world after the first; None: nothing to set up

    guests {agent: action or None}: seats that people have taken, and what they have chosen for the stage that is open.
    """

    def __init__(
        self, game: Game, minds: Minds | None = None, seed: int = 0, world: int = 0, title: str = "",
        reseed: Callable[[int], None] | None = None,
    ) -> None:  # fmt: skip
        self.game, self.title = game, title
        self.minds: Minds = minds or Table(game)
        self.timeline = Timeline(game, seed, world)
        self.guests: dict[int, float | None] = {}
        self.transcript: list[dict[str, Any]] = []
        self.open_ended = True  # goes on beyond what is known; a replay does not, until it is branched
        self._late: set[int] = set()
        self._reseed, self._world = reseed, world
        self._remembered: dict[int, Any] = {0: self.minds.remember()}

    @classmethod
    def of(cls, replay: Replay, title: str = "") -> Show:
        """A replay, at its beginning."""
        table = Table(replay.game)
        table.names = list(replay.minds) or table.names
        show = cls(replay.game, table, replay.seed, replay.world, title)
        show.open_ended = False
        show.timeline = replay.timeline()
        return show

    # ------------------------------------------------------------ who decides

    @property
    def names(self) -> list[str]:
        """Who sits in each seat, in words."""
        return ["you" if i in self.guests else name for i, name in enumerate(self.minds.names)]

    @property
    def waiting_for(self) -> list[int]:
        """Guests who decide now and have not yet chosen."""
        if self.timeline.at < len(self.timeline):
            return []
        return [i for i, chosen in self.guests.items() if chosen is None and self.timeline.acting[i]]

    def sit(self, agent: Any) -> int:
        """Take over a seat, by number or name. ValueError in one sentence where it is not there."""
        agent = check_seat(self.game, agent)
        self.guests[agent] = None
        return agent

    def leave(self, agent: int) -> None:
        """Give a seat back."""
        self.guests.pop(agent, None)

    def choose(self, agent: int, action: float, late: bool = False) -> bool:
        """A guest's choice for the stage that is open; whether it is one that is open to it. late: its time was up."""
        if agent not in self.guests or not self.timeline.acting[agent]:
            return False
        box = self.game.box
        if not (box[0] <= action <= box[1] if box else self.timeline.legal[agent, int(action)]):
            return False
        self.guests[agent] = action
        (self._late.add if late else self._late.discard)(agent)
        return True

    # ------------------------------------------------------------ time

    def thoughts(self) -> np.ndarray:
        """What everybody decides: the minds' part, which may take long and can be asked from another thread."""
        return self.minds.decide(self.timeline.simulator)

    def step(self, thoughts: np.ndarray | None = None) -> bool:
        """One stage on; what is known already is played again. False while a guest has yet to choose, and at the end
        of a replay."""
        line = self.timeline
        if line.at < len(line):
            line.forward()
            return True
        if self.waiting_for or not self.open_ended:
            return False
        actions = self.thoughts() if thoughts is None else thoughts.copy()
        told = []
        for agent, chosen in self.guests.items():
            if line.acting[agent]:
                actions[agent] = chosen
                told.append(self._told(agent, actions[agent]))
        step = line.play(actions)
        for entry in told:
            entry["reward"] = float(step.reward[0, entry["agent"]])
        self.transcript += told
        self.guests = dict.fromkeys(self.guests)
        self.minds.saw(step, actions)
        self._remembered[line.at] = self.minds.remember()
        return True

    def _told(self, agent: int, action: Any) -> dict[str, Any]:
        stage = self.game.stages[int(self.timeline.simulator.stage[0])]
        word = stage.choices[0] if stage.box else stage.choices[int(action)]
        seen = {name: np.asarray(value).tolist() for name, value in self.scene(opened=True).seen(agent).items()}
        return {"step": self.timeline.at, "agent": agent, "stage": stage.name, "seen": seen, "action": float(action),
                "word": word, "late": agent in self._late}  # fmt: skip

    def forget_thoughts(self) -> None:
        """What minds have just thought is not played: they remember what they did before it."""
        if self.timeline.at in self._remembered:
            self.minds.recall(self._remembered[self.timeline.at])

    def branch(self) -> Show:
        """Go on anew from the moment shown; returns what was, to be shown beside it.

        In a replay everybody else does as recorded, as far as that is open.
        """
        was = Show.of(self.replay(), "as it was")
        was.seek(self.timeline.at)
        if not self.open_ended:
            kinds, history = [], was.replay().timeline()
            for _ in range(len(history)):
                kinds.append(self.game.stages[int(history.simulator.stage[0])].kind)
                history.forward()
            self.minds = Recorded(self.game, list(history.actions), kinds, self.timeline.at, self.minds.names)
            self._remembered = {}
        self.timeline, self.open_ended, self.title = self.timeline.branch(), True, "from here on anew"
        self._remembered[self.timeline.at] = self.minds.remember()
        return was

    def seek(self, t: int) -> None:
        """The moment after t steps; going on from there by other choices gives up what came after it."""
        self.timeline.seek(t)
        if self.timeline.at in self._remembered:
            self.minds.recall(self._remembered[self.timeline.at])
        self.guests = dict.fromkeys(self.guests)

    def restart(self, seed: int | None = None, world: int | None = None) -> None:
        """The same world from its founding, or another."""
        line = self.timeline
        self.timeline = Timeline(self.game, line.seed if seed is None else seed, line.world if world is None else world)
        self.minds.begin()
        self.open_ended, self._remembered = True, {0: self.minds.remember()}
        self.guests = dict.fromkeys(self.guests)
        self.transcript = []

    def next_world(self) -> None:
        """The world after this one of the same seed; of a run with several seeds, with the next seed's agents."""
        self._world += 1
        if self._reseed is not None:
            self._reseed(self._world)
        self.restart(world=self._world)

    # ------------------------------------------------------------ what is shown and kept

    def scene(self, opened: bool = False) -> Scene:
        """The moment shown. opened: see Timeline.scene."""
        return self.timeline.scene(self.names, self.title, opened)

    def replay(self) -> Replay:
        """All that was played, with what guests saw and chose."""
        notes = {"transcript": self.transcript} if self.transcript else {}
        return Replay.of(self.timeline, self.names, notes)
