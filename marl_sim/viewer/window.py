"""The window: a show on the screen, with buttons and keys, and room for people to step in."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pygame

from .canvas import Canvas
from .controls import SPEEDS, Bar, of_key
from .films import Writer
from .keeping import Keeper
from .palette import DARK, LIGHT, Theme
from .pane import DESIGN, Pane
from .screen import Screen, open_display, part_of_screen
from .seat import Choices, drawn_lots
from .show import Show
from .thinker import Thinker

RATE = 60  # frames a second, where something moves
STAGE = 0.7  # seconds that a stage lasts at speed 1
BUDGET = 0.009  # seconds of a frame for playing stages; the rest is for drawing
FILM_RATE = 30


class Window:
    """A show in a window.

    beside      another show of the same game, shown beside it step for step
    size        in pixels; None: a part of the screen
    limit       seconds that a person has for a choice, after which chance plays; 0: no limit
    everything  show people in seats more than their agents may see
    out         folder for pictures, films and replays
    """

    def __init__(
        self, show: Show, beside: Show | None = None, size: tuple[int, int] | None = None, theme: Theme = LIGHT,
        limit: float = 0.0, everything: bool = False, out: Path = Path("."),
    ) -> None:  # fmt: skip
        if limit < 0:
            raise ValueError(f"the time limit must be 0 or more seconds; got {limit:g}")
        self.show, self.beside, self.theme, self.limit, self.everything = show, beside, theme, limit, everything
        self.size, self.keeper = size, Keeper(out)
        self.pane = Pane(self)
        self.bar, self.choices, self.thinker, self.clock = Bar(), Choices(), Thinker(), pygame.time.Clock()
        self.open, self.playing, self.helping, self.power = True, True, False, 0
        self.selected: int | None = None
        self.thoughts: Any = None
        self.pending: list[Callable[[], None]] = []
        self.wanted = 0  # stages to be played though it is paused
        self.until_round: int | None = None
        self.message, self.told_at = "", 0.0
        self.stepped_at = self.turn_since = time.monotonic()
        self.film: Writer | None = None
        self.filmed_at = 0.0
        self.sliding = False
        self.rate = RATE // 3 if getattr(show.minds, "follows", False) else RATE  # beside a training
        self._looked: tuple[Any, ...] = ()
        self.screen: Screen | None = None  # while it is open

    # ------------------------------------------------------------ the loop

    def run(self) -> None:
        """Until it is closed. NoDisplay, in one sentence, where there is no screen."""
        title = f"marl_sim: {self.show.game.label}"
        screen = self.screen = open_display(self.size or part_of_screen(DESIGN), title)
        try:
            while self.open:
                for event in pygame.event.get():
                    self.handle(event)
                now = time.monotonic()
                self.advance(now)
                look = self.pane.look(screen.size, now)
                if look != self._looked:
                    self._looked = look
                    screen.show(self.draw(screen.size, now).surface)
                self._shoot(now)
                self.clock.tick(self.rate if self.moving(now) else RATE // 3)
        finally:
            if self.film is not None:
                self.film.close()
            screen.close()
            self.screen = None
            self.keeper.transcript(self.show)

    def moving(self, now: float) -> bool:
        """Whether the next frame will differ from this one."""
        return self.playing or self.film is not None or now - self.stepped_at < 1.0 or self.thinker.asked

    def advance(self, now: float) -> None:
        """Play the stages that are due."""
        self._collect()
        if self.pending and not self.thinker.asked:
            for do in self.pending:
                do()
            self.pending = []
        self._watch_the_clock(now)
        started = time.perf_counter()
        while self._due(now) and time.perf_counter() - started < BUDGET:
            if not self._one_stage(BUDGET - (time.perf_counter() - started)):
                return

    def period(self) -> float:
        """Seconds that a stage lasts."""
        return STAGE / 2.0**self.power

    def _due(self, now: float) -> bool:
        if self.until_round is not None and self.show.timeline.chronicle.rounds >= self.until_round:
            self.until_round = None
        if self.wanted or self.until_round is not None:
            return True
        return self.playing and not self.sliding and now - self.stepped_at >= self.period()

    def _one_stage(self, patience: float) -> bool:
        """Play one stage if all have decided; whether it was."""
        line = self.show.timeline
        if line.at >= len(line):
            if not self.show.open_ended:
                self.playing, self.wanted, self.until_round = False, 0, None
                self.say("The replay ends here. B goes on from here anew.")
                return False
            if self.thoughts is None:
                if not self.thinker.asked:
                    self.thinker.ask(self._question)
                self.thinker.wait(patience)
                self._collect()
            if self.thoughts is None or self.show.waiting_for:
                return False
        if not self.show.step(self.thoughts):
            return False
        late = time.monotonic() - self.stepped_at - self.period()
        # at high speed stages are counted from when they were due, or every frame would lose a part of one
        self.stepped_at += self.period() if 0 <= late < 0.1 and self.playing else time.monotonic() - self.stepped_at
        self.turn_since, self.thoughts = time.monotonic(), None
        self.wanted = max(0, self.wanted - 1)
        self._together()
        return True

    def _question(self) -> Any:
        refresh = getattr(self.show.minds, "refresh", None)
        if refresh is not None:
            refresh()
        return self.show.thoughts()

    def _collect(self) -> None:
        """Take what the minds have decided, if they have; it is dropped where something else is to be done first."""
        if not self.thinker.asked or self.thinker.busy:
            return
        try:
            self.thoughts = self.thinker.take()
        except Exception as reason:  # a mind's fault must not take the window with it
            self.playing, self.wanted, self.until_round = False, 0, None
            self.say(f"A mind failed: {reason}")
        if self.pending:
            self._drop()

    def _drop(self) -> None:
        if self.thoughts is not None:
            self.thoughts = None
            self.show.forget_thoughts()

    def change(self, do: Callable[[], None]) -> None:
        """Change the show: now, or once the minds have finished the thought that they are at."""

        def done() -> None:
            self._drop()
            do()
            self.stepped_at = self.turn_since = time.monotonic()
            self.pane.forget()
            self._together()

        if self.thinker.asked:
            self.pending.append(done)
        else:
            done()

    def _together(self) -> None:
        """Bring the show beside to the same step."""
        if self.beside is not None:
            self.beside.seek(self.show.timeline.at)

    def _watch_the_clock(self, now: float) -> None:
        if self.limit and self.show.waiting_for and now - self.turn_since > self.limit:
            for agent in self.show.waiting_for:
                choice = drawn_lots(self.show.scene(opened=True), agent, self.show.timeline.seed)
                self.show.choose(agent, choice, late=True)
            self.say("Time is up: chance has chosen.")

    # ------------------------------------------------------------ what people do

    def handle(self, event: Any) -> None:
        """One event of the window, mouse or keyboard."""
        if event.type == pygame.QUIT:
            self.open = False
        elif event.type == pygame.KEYDOWN:
            self._key(event)
        elif event.type == pygame.MOUSEBUTTONDOWN and event.button == 1:
            self._click(self._pixel(event.pos))
        elif event.type == pygame.MOUSEMOTION and self.sliding:
            self._slide(self._pixel(event.pos))
        elif event.type == pygame.MOUSEBUTTONUP:
            self.sliding = False
        elif event.type == pygame.WINDOWSIZECHANGED and self.film is not None:
            self._end_film()
        elif event.type in (pygame.VIDEOEXPOSE, pygame.WINDOWEXPOSED):
            self._looked = ()

    def _pixel(self, spot: tuple[int, int]) -> tuple[int, int]:
        return spot if self.screen is None else self.screen.pixel(spot)

    def _key(self, event: Any) -> None:
        waiting = self.show.waiting_for
        if waiting:
            chosen = self.choices.key(event.key, bool(event.mod & pygame.KMOD_SHIFT))
            if chosen is not None:
                self.show.choose(waiting[0], chosen)
                return
        if event.key == pygame.K_ESCAPE:
            self.helping, self.selected = False, None
            return
        name = of_key(event.key, event.unicode)
        if name:
            self.do(name)

    def _click(self, spot: tuple[int, int]) -> None:
        if self.helping:
            self.helping = False
            return
        name = self.bar.hit(spot)
        if name:
            self.do(name)
        elif self.bar.slider.inflate(0, 12).collidepoint(spot):
            self.sliding = True
            self._slide(spot)
        elif self.show.waiting_for and (chosen := self.choices.click(spot)) is not None:
            self.show.choose(self.show.waiting_for[0], chosen)
        elif self.inside() is None:
            self.selected = self.pane.agent_at(spot)

    def _slide(self, spot: tuple[int, int]) -> None:
        t = self.bar.moment(spot, len(self.show.timeline))
        if t != self.show.timeline.at:
            self.change(lambda: self.show.seek(t))

    def do(self, name: str) -> None:
        """What a button or a key stands for."""
        line = self.show.timeline
        if name == "play":
            self.playing, self.wanted, self.until_round = not self.playing, 0, None
        elif name == "stage":
            self.playing, self.wanted = False, self.wanted + 1
        elif name == "round":
            self.playing, self.until_round = False, line.chronicle.rounds + 1
        elif name == "back":
            self.playing, self.wanted, self.until_round = False, 0, None
            self.change(lambda: self.show.seek(self.show.timeline.at - 1))
        elif name in ("slower", "faster"):
            self.power = min(max(self.power + (1 if name == "faster" else -1), SPEEDS[0]), SPEEDS[1])
        elif name in ("reset", "seed", "world"):
            self.change(lambda: self._begin_anew(name))
        elif name == "select":
            self.selected = 0 if self.selected is None else (self.selected + 1) % self.show.game.n_agents
        elif name == "seat":
            self._seat()
        elif name == "everything":
            self.everything = not self.everything
        elif name == "branch":
            self.change(self._branch)
        elif name == "theme":
            self.theme = DARK if self.theme is LIGHT else LIGHT
        elif name == "help":
            self.helping = not self.helping
        elif name == "quit":
            self.open = False
        elif name == "film":
            self._end_film() if self.film is not None else self._begin_film()
        elif name in ("picture", "keep"):
            self.say(self.keeper.save(name, self.show, self.pane.canvas))

    def _begin_anew(self, how: str) -> None:
        self.keeper.transcript(self.show)
        self.beside = None
        if how == "world":
            self.show.next_world()
        else:
            self.show.restart(seed=self.show.timeline.seed + (how == "seed"))

    def _seat(self) -> None:
        agent = self.selected if self.selected is not None else min(self.show.guests, default=0)
        if agent in self.show.guests:
            self.show.leave(agent)
            self.say(f"{self.show.scene().names[agent]} is given back.")
        else:
            self.show.sit(agent)
            self.turn_since = time.monotonic()
            self.say(f"You sit in the seat of {self.show.scene().names[agent]}.")

    def _branch(self) -> None:
        self.beside = self.show.branch()
        self.say("From here on anew; beside it, as it was. T takes over a seat.")

    def _begin_film(self) -> None:
        try:
            self.film = self.keeper.film(self.show, FILM_RATE)
            self.say(f"Filming {self.film.path.name}; V ends it.")
        except (ImportError, OSError) as reason:
            self.say(str(reason))

    def _end_film(self) -> None:
        if self.film is not None:
            self.film.close()
            self.say(f"Saved {self.film.path}")
            self.film = None

    def _shoot(self, now: float) -> None:
        if self.film is not None and now - self.filmed_at >= 1 / FILM_RATE:
            self.filmed_at = now
            self.film.add(self.pane.canvas.array())

    def say(self, words: str) -> None:
        """Show a message for a few seconds."""
        self.message, self.told_at = words, time.monotonic()

    def inside(self) -> int | None:
        """The agent from whose seat the world is seen; None: from outside."""
        if self.everything or not self.show.guests:
            return None
        waiting = self.show.waiting_for
        return waiting[0] if waiting else min(self.show.guests)

    def draw(self, size: tuple[int, int], now: float) -> Canvas:
        """The whole window."""
        return self.pane.draw(size, now)
