"""The pictures that each view once was found good at, small. Written anew by: python tests/golden_frames.py"""

from pathlib import Path

import numpy as np
import pygame
from drawn_moments import drawn, moment

import marl_sim as ms
from marl_sim.viewer.palette import DARK, LIGHT

FOLDER = Path(__file__).parent / "viewer" / "golden"
FRAMES = {
    "society": lambda: drawn(moment("society", 24), (480, 320)),
    "society_dark_large": lambda: drawn(moment(ms.make("direct_punishment", n_agents=30), 41), (720, 440), DARK),
    "public_goods": lambda: drawn(moment("sequential_public_goods", 3), (480, 320)),
    "public_goods_settled": lambda: drawn(moment("fehr_gaechter", 6), (480, 320)),
    "off_switch": lambda: drawn(moment(ms.make("off_switch", human="boltzmann"), 1), (480, 320)),
    "gridworld": lambda: drawn(moment("safe_interruptibility", 5), (480, 320)),
    "escape_room": lambda: drawn(moment(ms.make("escape_room", n_agents=4, levers=1), 1, 7), (480, 320)),
    "deeds_on_their_way": lambda: drawn(moment("direct_punishment", 2), (480, 320), LIGHT, progress=0.6),
}


def held(name):
    """A picture as it was kept, float [height, width, 3]."""
    return pygame.surfarray.array3d(pygame.image.load(FOLDER / f"{name}.png")).swapaxes(0, 1).astype(np.float64)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for frame, draw in FRAMES.items():
        pygame.image.save(draw().surface, str(FOLDER / f"{frame}.png"))
        print(FOLDER / f"{frame}.png")
