"""The signs of deeds: a shape of its own for each, drawn large and scaled down once, then kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from itertools import pairwise
from typing import Any

import numpy as np
import pygame

from .palette import DEEDS, Colour, ink_on

FINE = 4  # drawn so many times larger, for smooth edges
WHITE = (255, 255, 255)
Draw = Callable[[Any, float, Colour, Colour], None]


def _corners(count: int, radius: float, turn: float = 0.0) -> list[tuple[float, float]]:
    """The corners of a regular polygon around (1, 1) in a square of side 2."""
    angles = np.arange(count) * 2 * np.pi / count + turn
    return [(1 + radius * float(np.sin(a)), 1 - radius * float(np.cos(a))) for a in angles]


def _fill(surface: Any, s: float, colour: Colour, points: list[tuple[float, float]]) -> None:
    pygame.draw.polygon(surface, colour, [(x * s, y * s) for x, y in points])


def _lines(surface: Any, s: float, colour: Colour, points: list[tuple[float, float]], thick: float) -> None:
    """A thick line with round corners and ends; s: half the side of the square."""
    dots = [(x * s, y * s) for x, y in points]
    for start, end in pairwise(dots):
        pygame.draw.line(surface, colour, start, end, round(thick * s))
    for dot in dots:
        pygame.draw.circle(surface, colour, dot, thick * s / 2)


BOLT = [(1.12, 0.38), (0.62, 1.1), (0.95, 1.1), (0.84, 1.64), (1.4, 0.86), (1.05, 0.86)]


def cooperate(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A disc with a tick."""
    pygame.draw.circle(surface, colour, (s, s), 0.94 * s)
    _lines(surface, s, ink, [(0.58, 1.05), (0.88, 1.36), (1.44, 0.68)], 0.22)


def defect(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A square on its corner with a cross."""
    _fill(surface, s, colour, _corners(4, 0.98))
    for a, b in (((0.7, 0.7), (1.3, 1.3)), ((1.3, 0.7), (0.7, 1.3))):
        _lines(surface, s, ink, [a, b], 0.2)


def just(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A full octagon with a bolt."""
    _fill(surface, s, colour, _corners(8, 0.98, np.pi / 8))
    _fill(surface, s, ink, BOLT)


def unjust(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A hollow octagon, its bolt struck through."""
    dark = (110, 35, 80)
    _fill(surface, s, dark, _corners(8, 0.98, np.pi / 8))
    _fill(surface, s, (255, 240, 248), _corners(8, 0.76, np.pi / 8))
    _fill(surface, s, colour, BOLT)
    _lines(surface, s, dark, [(0.5, 1.5), (1.5, 0.5)], 0.2)


def gift(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A parcel with a ribbon and a bow."""
    pygame.draw.rect(surface, colour, (0.2 * s, 0.62 * s, 1.6 * s, 1.26 * s), border_radius=round(0.12 * s))
    pygame.draw.rect(surface, ink, (0.88 * s, 0.62 * s, 0.24 * s, 1.26 * s))
    pygame.draw.rect(surface, ink, (0.2 * s, 1.0 * s, 1.6 * s, 0.2 * s))
    for side in (-1, 1):
        _lines(surface, s, colour, [(1, 0.6), (1 + side * 0.42, 0.22), (1 + side * 0.5, 0.58), (1, 0.6)], 0.16)


def give(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A coin."""
    pygame.draw.circle(surface, tuple(round(c * 0.62) for c in colour), (s, s), 0.94 * s)
    pygame.draw.circle(surface, colour, (s, s), 0.8 * s)
    pygame.draw.circle(surface, tuple(round(c * 0.7) for c in colour), (s, s), 0.56 * s, max(1, round(0.1 * s)))


def talk(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A speech bubble."""
    pygame.draw.rect(surface, colour, (0.08 * s, 0.2 * s, 1.84 * s, 1.2 * s), border_radius=round(0.4 * s))
    _fill(surface, s, colour, [(0.42, 1.3), (0.95, 1.3), (0.42, 1.85)])
    for x in (0.62, 1.0, 1.38):
        pygame.draw.circle(surface, ink, (x * s, 0.8 * s), 0.11 * s)


def choose(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A chevron."""
    pygame.draw.rect(surface, colour, (0.1 * s, 0.1 * s, 1.8 * s, 1.8 * s), border_radius=round(0.5 * s))
    _lines(surface, s, ink, [(0.78, 0.55), (1.26, 1.0), (0.78, 1.45)], 0.22)


def spare(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A small open circle."""
    pygame.draw.circle(surface, colour, (s, s), 0.52 * s, max(1, round(0.18 * s)))


def other(surface: Any, s: float, colour: Colour, ink: Colour) -> None:
    """A small full square."""
    pygame.draw.rect(surface, colour, (0.5 * s, 0.5 * s, s, s), border_radius=round(0.2 * s))


SIGNS: dict[str, Draw] = {
    sign.__name__: sign for sign in (cooperate, defect, just, unjust, gift, give, talk, choose, spare, other)
}
MEANING = {
    "cooperate": "cooperates", "defect": "defects", "just": "punishes a defector", "unjust": "punishes a cooperator",
    "gift": "gives to the other", "give": "gives", "talk": "speaks", "choose": "chooses", "spare": "lets be",
    "other": "decides",
}  # fmt: skip


@lru_cache(maxsize=512)
def mark(kind: str, side: int, soft: Colour = (86, 94, 112)) -> Any:
    """The sign of a kind of deed, as a picture `side` pixels wide on nothing. soft: of deeds without a colour."""
    colour = DEEDS.get(kind, soft)
    ink = WHITE if kind in ("cooperate", "defect", "just", "gift") else ink_on(colour)
    surface = pygame.Surface((side * FINE, side * FINE), pygame.SRCALPHA, 32)
    surface.fill((*colour, 0))  # the colour in what is clear, or its edges would turn dark
    SIGNS[kind](surface, side * FINE / 2, colour, ink)
    return pygame.transform.smoothscale(surface, (side, side))
