"""Draw docs/images/viewer/: python docs/build_screenshots.py [FOLDER]. No display is needed."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
import pygame

import marl_sim as ms
from marl_sim.policies import Policy, View
from marl_sim.viewer.canvas import Canvas
from marl_sim.viewer.films import film
from marl_sim.viewer.frame import Painter
from marl_sim.viewer.minds import Table
from marl_sim.viewer.palette import DARK, LIGHT, Theme
from marl_sim.viewer.show import Show
from marl_sim.viewer.window import Window

HERE = Path(__file__).parent / "images" / "viewer"
SIZE = (1100, 680)


def society(n: int, seed: int = 2) -> Show:
    """People of all sorts under partner selection, punishment and reputation."""

    class Sort(Policy):
        """Cooperates with a probability, and punishes defectors far more often than others."""

        share: float = 0.5

        def act(self, view: View) -> np.ndarray:
            lot = view.uniform()
            if view.kind == "play":
                return (lot > self.share).astype(int)
            if view.kind == "punish":
                return np.where(view["target_act"] == 1, lot < 0.7, lot < 0.08).astype(int)
            return view.random_legal()

    game = ms.Society(
        ms.PrisonersDilemma(), ms.PartnerSelection(), ms.Punishment(by="both", unjust=-3.0), ms.Reputation(),
        n_agents=n, horizon=ms.Fixed(rounds=12),
    )  # fmt: skip
    game.label = "partner selection, punishment, reputation"
    shares = np.linspace(0.95, 0.25, n)
    return Show(game, Table(game, {i: Sort(share=float(s)) for i, s in enumerate(shares)}), seed)


def after(show: Show, steps: int) -> Show:
    """A show so many stages on."""
    for _ in range(steps):
        show.step()
    return show


def picture(name: str, show: Show, folder: Path, theme: Theme = LIGHT, size: tuple[int, int] = SIZE) -> None:
    """Draw a moment."""
    canvas = Canvas(size, theme)
    Painter(show.game).paint(canvas, show.scene())
    pygame.image.save(canvas.surface, str(folder / f"{name}.png"))


def window(name: str, show: Show, folder: Path, *do: str) -> None:
    """Draw the window, after some of its keys."""
    glass = Window(show, size=SIZE)
    glass.playing = False
    for one in do:
        glass.do(one)
    glass.stepped_at -= 10  # everything has arrived
    glass.message = ""
    until = time.monotonic() + 1
    while time.monotonic() < until:
        glass.advance(time.monotonic())
        canvas = glass.draw(SIZE, time.monotonic())
    pygame.image.save(canvas.surface, str(folder / f"{name}.png"))


def main(folder: Path = HERE) -> None:
    """Draw them all."""
    folder.mkdir(parents=True, exist_ok=True)
    picture("society", after(society(9), 207), folder)
    picture("society_dark", after(society(30), 395), folder, DARK)
    picture("public_goods", after(Show(ms.make("public_goods", n_agents=6), seed=1), 30), folder)
    picture("sequential_public_goods", after(Show(ms.make("sequential_public_goods"), seed=4), 7), folder)
    picture("off_switch", after(Show(ms.make("off_switch", human="boltzmann", rounds=10), seed=3), 8), folder)
    picture("gridworld", after(Show(ms.make("safe_interruptibility"), seed=1), 9), folder)
    picture("escape_room", after(Show(ms.make("escape_room", n_agents=5, levers=2), seed=3), 1), folder)
    window("inspector", after(society(9), 207), folder, "select", "select")
    window("help", after(society(9), 207), folder, "help")
    seat = after(society(9), 206)
    while not seat.timeline.acting[2]:
        seat.step()
    seat.sit(2)
    window("seat", seat, folder, "play", "play")
    branched = after(society(7), 120)
    branched.seek(70)
    held = Window(branched, size=SIZE)
    held.do("branch")
    branched.sit(0)
    for _ in range(25):
        if branched.waiting_for:  # agent 0 does the last of what it may do, whatever it did before
            branched.choose(0, int(np.flatnonzero(branched.timeline.legal[0])[-1]))
        branched.step()
        held._together()
    branched.leave(0)
    held.playing, held.message = False, ""
    held.stepped_at -= 10
    pygame.image.save(held.draw(SIZE, time.monotonic()).surface, str(folder / "beside.png"))
    film(folder / "society.gif", after(society(9), 199), 14, (760, 480), rate=10, seconds=0.7)
    print(*sorted(path.name for path in folder.iterdir()))


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
