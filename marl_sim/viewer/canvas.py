"""A surface to draw on without a display, that can say afterwards what was drawn where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pygame
from pygame import Rect

from . import fonts
from .palette import LIGHT, Colour, Theme, blend
from .sprites import dial, lozenge
from .strokes import draw_lines, draw_triangles, pixels_of, unpack

SPRITES = 4096  # small pictures that are kept
Point = tuple[float, float]


class Drawn(NamedTuple):
    """One thing on a picture: what it is, its name, where it lies, the box it belongs in, its ink and its ground."""

    kind: str
    name: str
    rect: Rect
    box: Rect
    ink: Colour
    ground: Colour


class Canvas:
    """A picture of `size` pixels. Lengths given to its methods are in pixels; `u(x)` makes them of a design's units.

    theme   its colours
    zoom    pixels a unit: 2 on a screen of twice the usual density
    audit   keep a list of what is drawn, in `drawn`, for tests
    """

    def __init__(self, size: tuple[int, int], theme: Theme = LIGHT, zoom: float = 1.0, audit: bool = False) -> None:
        self.surface = pygame.Surface(size, 0, 32)
        self.theme, self.zoom = theme, zoom
        self.drawn: list[Drawn] | None = [] if audit else None
        self.rect = self.surface.get_rect()
        self._kept: dict[str, tuple[Any, Any]] = {}
        self._sprites: dict[Any, Any] = {}

    def u(self, units: float) -> int:
        """Units of the design as pixels, at least 1."""
        return max(1, round(units * self.zoom))

    def note(self, kind: str, name: str, rect: Rect, box: Rect | None = None, ink: Colour = (0, 0, 0)) -> None:
        """Keep what is about to be drawn at `rect`; the ground is what lies there now."""
        if self.drawn is not None:
            spot = max(0, min(rect.x, self.rect.w - 1)), max(0, min(rect.y, self.rect.h - 1))
            ground = tuple(self.surface.get_at(spot)[:3])
            self.drawn.append(Drawn(kind, name, rect.copy(), (box or rect).copy(), ink, ground))  # type: ignore[arg-type]

    def keep(self, name: str, key: Any, rect: Rect, draw: Callable[[], None]) -> None:
        """Draw a part of the picture, or copy what was drawn there when `key` was the same."""
        held = self._kept.get(name)
        if held is not None and held[0] == key and self.drawn is None:
            self.surface.blit(held[1], rect)
            return
        draw()
        if self.drawn is None:
            copy = pygame.Surface(rect.size, 0, 32) if held is None else held[1]
            copy.blit(self.surface, (0, 0), rect)
            self._kept[name] = key, copy

    def sprite(self, make: Callable[..., Any], *arguments: Any) -> Any:
        """What `make(canvas, *arguments)` gave the first time: a small picture in this canvas's theme and zoom."""
        key = make, arguments
        found = self._sprites.get(key)
        if found is None:
            if len(self._sprites) >= SPRITES:
                self._sprites.clear()
            found = self._sprites[key] = make(self, *arguments)
        return found

    # ------------------------------------------------------------ areas

    def clear(self) -> None:
        """Paper everywhere."""
        self.surface.fill(self.theme.paper)
        if self.drawn is not None:
            self.drawn.clear()

    def box(self, rect: Rect, colour: Colour, round_by: float = 8, edge: Colour | None = None) -> None:
        """A filled rectangle with round corners, and a thin edge if it has a colour."""
        radius = min(self.u(round_by), min(rect.size) // 2) if round_by else 0
        pygame.draw.rect(self.surface, edge or colour, rect, border_radius=radius)
        if edge is not None:
            inner = rect.inflate(-2 * self.u(1), -2 * self.u(1))
            pygame.draw.rect(self.surface, colour, inner, border_radius=max(0, radius - self.u(1)))

    def disc(self, centre: Point, radius: float, colour: Colour) -> None:
        """A filled circle with a smooth rim."""
        self.put(dial(max(1, round(radius)), 0, 0, colour, colour, colour), centre)

    def ring(self, centre: Point, radius: float, thick: float, colour: Colour) -> None:
        """A circle's rim, `thick` wide inwards."""
        pygame.draw.aacircle(self.surface, colour, centre, radius, max(1, round(thick)))

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        """A filled polygon with smooth edges."""
        pygame.draw.polygon(self.surface, colour, points)
        self.curve([*points, points[0]], colour)

    def line(self, start: Point, end: Point, colour: Colour, thick: float = 1.0) -> None:
        """A smooth line with round ends."""
        self.lines(np.array([(*start, *end)], float), np.array([thick], float), np.array([colour]))

    def lines(self, ends: np.ndarray, thick: np.ndarray, colours: np.ndarray) -> None:
        """Many at once: ends float [S, 4] from x, y to x, y; how thick, float [S]; colours int [S, 3]."""
        if len(ends):
            lines = np.ascontiguousarray(np.column_stack([ends, thick]))
            draw_lines(pixels_of(self.surface), lines, np.ascontiguousarray(colours, np.int64))

    def curve(self, points: Sequence[Point] | np.ndarray, colour: Colour, thick: float = 1.0) -> None:
        """A smooth line through points."""
        if len(points) > 1:
            dots, count = np.asarray(points, float), len(points) - 1
            ends = np.concatenate([dots[:-1], dots[1:]], 1)
            self.lines(ends, np.full(count, thick), np.full((count, 3), colour))

    def arrows(self, starts: np.ndarray, ends: np.ndarray, colours: np.ndarray, thick: float, head: float) -> None:
        """Lines with a head at their end: from and to float [S, 2], colours int [S, 3]; a head is `head` long."""
        way = ends - starts
        along = way / np.maximum(np.hypot(*way.T), 1e-9)[:, None] * head
        across = np.column_stack([-along[:, 1], along[:, 0]]) * 0.55
        necks = ends - along
        self.lines(np.hstack([starts, necks]), np.full(len(starts), thick), colours)
        corners = np.stack([ends, necks + across, necks - across], 1)
        draw_triangles(pixels_of(self.surface), corners, np.ascontiguousarray(colours, np.int64))

    # ------------------------------------------------------------ words and pictures

    def text(
        self,
        words: str,
        box: Rect,
        size: float = 13,
        colour: Colour | None = None,
        bold: bool = False,
        align: str = "left",
        shrink: float = 0.0,
        ground: Colour | None = None,
    ) -> Rect:
        """Words in the middle of a box's height, cut short where the box is too narrow; returns where they are.

        align: left, centre or right. shrink: the least size to go down to before words are cut.
        ground: what to lay under them, where lines may pass.
        """
        ink = colour or self.theme.ink
        words, picture = fonts.line(words, self.u(size), self.u(shrink) if shrink else 0, bold, ink, box.w)
        if picture is None:
            return Rect(box.x, box.centery, 0, 0)
        wide, tall = picture.get_size()
        x = box.x if align == "left" else box.right - wide if align == "right" else box.centerx - wide // 2
        rect = Rect(x, box.centery - tall // 2, wide, tall)
        if ground is not None:
            pygame.draw.rect(self.surface, ground, rect)
        if self.drawn is not None:
            self.note("text", words, rect, box, ink)
        self.surface.blit(picture, rect)
        return rect

    def put(self, picture: Any, centre: Point) -> Rect:
        """A small picture, by its centre."""
        return self.surface.blit(picture, picture.get_rect(center=(round(centre[0]), round(centre[1]))))

    def pill(
        self, words: str, centre: Point, size: float, ground: Colour, ink: Colour, most: float = 1e9, edge: bool = False
    ) -> Rect:
        """A word in a rounded box of its own, by its centre."""
        pixels = self.u(size)
        wide = min(fonts.width(words, pixels, True) + self.u(16), round(most))
        rect = Rect(0, 0, wide, fonts.font(pixels, True).get_height() + self.u(6))
        rect.center = round(centre[0]), round(centre[1])
        self.surface.blit(lozenge(*rect.size, ground, blend(ground, ink, 0.35) if edge else None), rect)
        self.text(words, rect.inflate(-self.u(12), 0), size, ink, bold=True, align="centre", shrink=size * 0.7)
        return rect

    def array(self) -> np.ndarray:
        """The picture as uint8 [height, width, 3], an array of its own."""
        out = np.empty((self.rect.h, self.rect.w, 3), np.uint8)
        unpack(pixels_of(self.surface).reshape(-1), out.reshape(-1))
        return out
