"""The pictures behind render(): of one world that somebody else steps, as an array or in a window."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pygame

from .canvas import Canvas
from .chronicle import Chronicle
from .frame import LEAST, SIZE, Painter
from .palette import LIGHT
from .scene import Scene, told
from .screen import open_display

FRAMES_A_SECOND = 60  # of the window's animation


class Pictures:
    """What an environment shows of its world.

    env    a Face: its simulator, and obs and mask as last seen
    size   (width, height) of the pictures, in pixels
    world  which of the simulator's
    """

    def __init__(self, env: Any, size: tuple[int, int] = SIZE, world: int = 0) -> None:
        self.env, self.size, self.world = env, check_size(size), world
        self.chronicle = Chronicle(env.game)
        self.before: dict[str, np.ndarray] | None = None
        self._coming: dict[str, np.ndarray] = {}
        self._build()

    def _build(self) -> None:
        self._canvas: Canvas | None = None
        self._painter: Painter | None = None
        self._screen: Any = None
        self._closed = False

    def __getstate__(self) -> dict[str, Any]:
        """Surfaces and windows stay behind."""
        return {name: value for name, value in self.__dict__.items() if name not in BUILT}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._build()

    @property
    def simulator(self) -> Any:
        """The one that is shown."""
        return self.env.simulator

    # ------------------------------------------------------------ what happens

    def begin(self, anew: bool) -> None:
        """An episode begins; `anew`: of another society."""
        if anew or self.chronicle.over == "":
            self.chronicle = Chronicle(self.env.game)
        else:
            self.chronicle.begin_episode()
        self.before = None

    def note(self) -> None:
        """A stage is about to be played: keep the state that it starts from."""
        self._coming = told(self.simulator, self.world)

    def see(self, actions: np.ndarray) -> None:
        """It was played with `actions` [worlds, n]."""
        self.before = self._coming
        self.chronicle.see(self.before, actions[self.world].copy(), self.simulator._step, self.world)

    def cut(self) -> None:
        """The episode was truncated from outside."""
        self.chronicle.over = "truncated"

    # ------------------------------------------------------------ pictures

    def scene(self) -> Scene:
        """The moment to show."""
        env = self.env
        now = told(env.simulator)
        return Scene(env.game, self.chronicle, self.before, now, env._obs, env._mask != 0, seed=env.simulator.seeds[0])

    def _paint(self, progress: float, scene: Scene | None = None) -> Canvas:
        if self._canvas is None or self._painter is None:
            self._canvas, self._painter = Canvas(self.size, LIGHT), Painter(self.env.game)
        self._painter.paint(self._canvas, scene or self.scene(), progress)
        return self._canvas

    def array(self) -> np.ndarray:
        """The moment as uint8 [height, width, 3], an array of its own."""
        return self._paint(1.0).array()

    def show(self) -> None:
        """The moment in a window, its deeds animated for one frame of metadata["render_fps"].

        Whoever closes the window sees no more of it; the environment goes on.
        """
        if self._closed:
            return
        if self._screen is None:
            self._screen = open_display(self.size, f"marl_sim: {self.env.game.label}", resizable=False)
        long = 1.0 / self.env.metadata["render_fps"]
        scene, started = self.scene(), time.monotonic()
        clock = pygame.time.Clock()
        while True:
            gone = (time.monotonic() - started) / long
            self._screen.show(self._paint(min(1.0, gone * 1.6), scene).surface)
            if any(event.type == pygame.QUIT for event in pygame.event.get()):
                self.close()
                self._closed = True
                return
            if gone >= 1.0:
                return
            clock.tick(FRAMES_A_SECOND)

    def close(self) -> None:
        """Close the window, if there is one."""
        if self._screen is not None:
            self._screen.close()
            self._screen = None


class SeatPictures(Pictures):
    """What the environment of one seat shows of one of its worlds: every stage, also those that others play between the
    seat's decisions.

    env    a SeatEnv or SeatVectorEnv
    """

    _last: np.ndarray | None = None  # what was seen when the episode ended; another may have begun since

    @property
    def simulator(self) -> Any:
        return self.env.table.simulator

    def begin(self, anew: bool) -> None:
        """An episode begins; `anew`: of another society."""
        super().begin(anew)
        self._last = None

    def see(self, actions: np.ndarray) -> None:
        """It was played with `actions` [worlds, n]."""
        super().see(actions)
        self._last = self.simulator._step.final_obs[self.world].copy() if self.chronicle.over else None

    def scene(self) -> Scene:
        """The moment to show."""
        sim, w = self.simulator, self.world
        obs = sim.obs[w] if self._last is None else self._last
        return Scene(
            self.env.game, self.chronicle, self.before, told(sim, w), obs, sim.legal[w], seed=sim.seeds[0],
            title="" if sim.num_worlds == 1 else f"{self.env.game.label.replace('_', ' ')}, world {w}",
        )  # fmt: skip


def seat_pictures(env: Any, size: tuple[int, int] = SIZE) -> list[SeatPictures]:
    """Pictures of every world of a seat's environment, whose simulator's steps are listened to."""
    simulator = env.table.simulator
    shown = [SeatPictures(env, size, world) for world in range(simulator.num_worlds)]
    step, reset = simulator.step, simulator.reset

    def stepped(actions: np.ndarray, *more: Any) -> Any:
        moving = shown if not more or more[0] is None else [one for one in shown if more[0][one.world]]
        for one in moving:
            one.note()
        out = step(actions, *more)
        for one in moving:
            one.see(np.asarray(actions))
            if env.render_mode == "human":
                one.show()
        return out

    def begun(seed: Any = None) -> np.ndarray:
        out = reset(seed)
        for one in shown:
            one.begin(anew=True)
        return out

    simulator.step, simulator.reset = stepped, begun
    return shown


BUILT = ("_canvas", "_painter", "_screen", "_closed")


def check_size(size: Any) -> tuple[int, int]:
    """A size of pictures, or ValueError in one sentence."""
    whole = isinstance(size, tuple | list) and len(size) == 2 and all(isinstance(x, int | np.integer) for x in size)
    if not whole or size[0] < LEAST[0] or size[1] < LEAST[1]:
        raise ValueError(
            f"render_size must be (width, height) in pixels, at least {LEAST[0]} x {LEAST[1]}; got {size!r}"
        )
    return int(size[0]), int(size[1])
