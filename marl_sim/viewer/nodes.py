"""Agents as nodes: disc, number, name, reputation as the rim, payoff as a bar, deeds as marks beside and between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pygame
from pygame import Rect

from . import fonts
from .canvas import Canvas
from .chronicle import Chronicle
from .deeds import Deed
from .layout import NAME, Places
from .marks import mark
from .palette import blend, blended
from .scene import Scene
from .sprites import TURNS, dial

DIRECTED = ("just", "unjust", "gift", "talk", "choose", "spare")  # drawn on the way to whom they are about
MOST_EDGES = 120  # the most frequent pairs; more would be a carpet
FEW = 7  # agents whose edges are drawn faster than copied
SEEN_APART = 30  # edges; where there are more, the rare ones fade
RARE = 0.1  # pairs that have met less than this share of the most frequent ones get no edge
STEPS = 12  # of thickness
RING = 0.17  # of the radius: how thick a reputation's ring is


def ease(progress: float) -> float:
    """From 0 to 1, slowly at both ends."""
    return progress * progress * (3 - 2 * progress)


def nodes(canvas: Canvas, scene: Scene, places: Places, box: Rect) -> list[Rect]:
    """Every agent's disc with its number and its ring; returns the squares around the discs."""
    theme, r, half = canvas.theme, places.radius, round(places.radius * 1.12)
    side, reputation = round(2 * r), scene.reputation
    count = len(places.centres)
    steps, good = [-1] * count, [False] * count
    if reputation is not None:
        steps, good = np.rint(reputation * TURNS).astype(int).tolist(), (reputation >= 0.5).tolist()
    rects, pictures, numbers = [], [], []
    spots = np.rint(places.centres).astype(int).tolist()
    for i, ((x, y), deciding) in enumerate(zip(spots, scene.acting.tolist())):
        picture, label, words = canvas.sprite(_disc, i, r, deciding, steps[i], good[i])
        pictures.append((picture, (x - half, y - half)))
        numbers.append((words, label, x, y))
        rects.append(Rect(x - side // 2, y - side // 2, side, side))
    canvas.surface.fblits(pictures)
    if canvas.drawn is not None:
        for i, (rect, (words, label, x, y)) in enumerate(zip(rects, numbers)):
            canvas.note("agent", scene.names[i], rect, box)
            canvas.note("text", words, label.move(x, y), rect, theme.ink)
    return rects


def _disc(canvas: Canvas, i: int, r: float, deciding: bool, steps: int, good: bool) -> tuple[Any, Rect, str]:
    """A node's picture, the place of its number around its middle, and the number. steps: -1 without a reputation."""
    theme = canvas.theme
    thick, colour, rest = max(1, round(r * 0.05)), theme.edge, theme.edge
    if steps >= 0:
        thick, rest = max(2, round(r * RING)), theme.line
        colour = theme.deed("cooperate") if good else theme.deed("defect")
    half = round(r * 1.12)
    picture = pygame.Surface((2 * half, 2 * half), pygame.SRCALPHA, 32)
    picture.fill((*theme.paper, 0))
    if deciding:
        picture.blit(dial(half, max(2, round(r * 0.06)), TURNS, theme.accent, theme.accent, theme.paper), (0, 0))
    rim = half - round(r)
    picture.blit(dial(round(r), thick, max(steps, 0), colour, rest, theme.node), (rim, rim))
    inner = r - thick
    size = round(max(7.0, min(inner * 0.85, 22 * canvas.zoom)))
    words, number = fonts.line(str(i), size, canvas.u(5), True, theme.ink, max(4, round(inner * 1.5)))
    place = Rect(0, 0, 0, 0)
    if number is not None:
        place.size = number.get_size()
        place.topleft = -(place.w // 2), -(place.h // 2)
        picture.blit(number, place.move(half, half))
    return picture, place, words


def names(canvas: Canvas, scene: Scene, places: Places, box: Rect) -> None:
    """Names below the discs, where discs are large enough; on a ground of their own, since lines pass there."""
    if places.named:
        theme, r = canvas.theme, places.radius
        for name, (x, y) in zip(scene.names, places.centres.tolist()):
            wide = min(round(2 * r * 1.6), 2 * (min(round(x) - box.x, box.right - round(x))))
            line = Rect(round(x) - wide // 2, round(y + r * 1.12), wide, round(NAME * canvas.zoom))
            canvas.text(name, line, 12, theme.soft, align="centre", shrink=9, ground=theme.paper)


def bars(canvas: Canvas, places: Places, values: np.ndarray) -> None:
    """What each has, beside its disc: up from the line if it is a gain, down if it is a loss."""
    r, wide, tall = places.radius, max(2, round(places.radius * 0.26)), round(1.8 * places.radius)
    losses = bool(values.min() < 0)
    full = (tall / 2 if losses else tall) / (float(np.abs(values).max()) or 1.0)
    lengths, up = np.rint(np.abs(values) * full).astype(int).tolist(), (values > 0).tolist()
    corners = np.rint(places.centres + np.array([r * 1.3 - 1, -tall / 2])).astype(int).tolist()
    pictures = []
    for length, gain, corner in zip(lengths, up, corners):
        pictures.append((canvas.sprite(_column, wide, tall, length, gain, losses), corner))
    canvas.surface.fblits(pictures)


def _column(canvas: Canvas, wide: int, tall: int, length: int, up: bool, losses: bool) -> Any:
    """A bar in its track, with the line of nothing in the middle where there are losses."""
    theme, picture = canvas.theme, pygame.Surface((wide + 2, tall), pygame.SRCALPHA, 32)
    track = Rect(1, 0, wide, tall)
    picture.fill((*theme.line, 0))
    round_by = min(canvas.u(2), wide // 2)
    pygame.draw.rect(picture, theme.line, track, border_radius=round_by)
    zero = tall // 2 if losses else tall
    if length:
        column = Rect(1, zero - length if up else zero, wide, length)
        colour = theme.deed("cooperate") if up else theme.deed("defect")
        pygame.draw.rect(picture, colour, column, border_radius=min(round_by, length // 2))
    if losses:
        pygame.draw.rect(picture, theme.ink, Rect(0, zero, wide + 2, 1))
    return picture


def badges(canvas: Canvas, places: Places, deeds: Sequence[Deed], progress: float) -> None:
    """Deeds that are about nobody in particular: their marks at the upper left of whoever did them."""
    r = places.radius
    side = max(4, 2 * round(max(8.0, r * 0.86) * (0.35 + 0.65 * ease(progress)) / 2))
    spots = (places.centres - np.array([r * 0.92, r * 0.5])).tolist()
    for deed in deeds:
        spot = spots[deed.agent]
        if deed.kind == "other":
            canvas.disc(spot, side * 0.56, canvas.theme.paper)
            canvas.pill(deed.word, spot, max(7.0, min(11.0, r * 0.34 / canvas.zoom)), canvas.theme.sunk,
                        canvas.theme.ink, most=2 * r, edge=True)  # fmt: skip
            continue
        rect = canvas.put(canvas.sprite(_sign, deed.kind, side, 0.56), spot)
        canvas.note("mark", f"{deed.kind} {deed.agent}", rect)
        if deed.kind == "give" and side >= 14:
            inside = rect.inflate(-side // 2, 0)
            canvas.text(f"{deed.amount:g}", inside, side * 0.42 / canvas.zoom, (17, 20, 26), True, "centre", 5)


def _sign(canvas: Canvas, kind: str, side: int, clear: float) -> Any:
    """A mark on a disc of paper, whose radius is `clear` of the mark's side."""
    radius = max(1, round(side * clear))
    paper = canvas.theme.paper
    picture = dial(radius, 0, 0, paper, paper, paper).copy()
    picture.blit(mark(kind, side, canvas.theme.soft), (radius - side // 2, radius - side // 2))
    return picture


def flights(canvas: Canvas, places: Places, deeds: Sequence[Deed], progress: float) -> None:
    """Deeds about somebody: an arrow each, and its mark that goes along it."""
    if not deeds:
        return
    r, theme = places.radius, canvas.theme
    start = places.centres[[deed.agent for deed in deeds]]
    end = places.centres[[deed.target for deed in deeds]]
    way = end - start
    length = np.maximum(np.hypot(*way.T), 1e-9)
    along = way / length[:, None]
    start = start + np.column_stack([-along[:, 1], along[:, 0]]) * r * 0.22  # two who act on each other pass each other
    spares = np.array([deed.kind == "spare" for deed in deeds])
    sides = np.where(spares, max(6, 2 * round(r * 0.28)), max(8, 2 * round(r * 0.43)))
    first, gone = r * 1.16, ease(progress)
    rest = np.maximum(length / 2, length - r * 1.2 - sides * 0.9)
    tip = first + (length - r * 1.2 - first) * gone
    flying = ~spares & (tip > first + 4)
    if flying.any():
        colours = np.array([theme.deed(deed.kind) for deed, flies in zip(deeds, flying) if flies])
        a, b = start + along * first, start + along * tip[:, None]
        canvas.arrows(a[flying], b[flying], colours, max(1.0, r * 0.07), max(5.0, r * 0.3))
    spots = start + along * (first + (rest - first) * gone)[:, None]
    for deed, side, spot in zip(deeds, sides.tolist(), spots.tolist()):
        rect = canvas.put(canvas.sprite(_sign, deed.kind, side, 0.58), spot)
        canvas.note("mark", f"{deed.kind} {deed.agent} {deed.target}", rect)


def edges(canvas: Canvas, scene: Scene, places: Places, box: Rect, moving: bool = False) -> None:
    """Who has met whom, and who faces whom now; to be drawn on nothing but paper. moving: soon drawn again as it is."""
    past, theme = scene.chronicle, canvas.theme
    one, other, often = _meetings(past)
    if moving or len(past.met) > FEW:
        key = one.tobytes(), other.tobytes(), often.tobytes()
        canvas.keep(f"edges {box}", key, box, lambda: _threads(canvas, places, one, other, often))
    else:
        _threads(canvas, places, one, other, often)
    facing = scene.state.get("facing")
    if facing is not None:
        own = np.arange(len(facing))
        pairs = np.flatnonzero((facing >= 0) & ((own < facing) | (facing[facing] != own)))
        ends = np.hstack([places.centres[pairs], places.centres[facing[pairs]]])
        colour = blend(theme.paper, theme.accent, 0.6)
        canvas.lines(ends, np.full(len(pairs), max(1.0, places.radius * 0.07)), np.tile(colour, (len(pairs), 1)))


def _meetings(past: Chronicle) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The pairs that get an edge, int [E] each, and how often they met as one of STEPS classes; the rarest first.

    In classes, so that a crowd's edges need not be drawn anew whenever two have met once more.
    """
    met = past.met + past.met.T
    one, other = np.nonzero(np.triu(met, 1) > RARE * max(float(met.max()), 1.0))
    often = np.ceil(met[one, other] / (float(met.max()) or 1.0) * STEPS).astype(int)
    order = np.argsort(often, kind="stable")[-MOST_EDGES:]
    return one[order], other[order], often[order]


def _threads(canvas: Canvas, places: Places, one: np.ndarray, other: np.ndarray, often: np.ndarray) -> None:
    """An edge a pair: the more often they met, the thicker and the darker."""
    weight = (often / STEPS) ** 1.5
    faint = 0.25 * min(1.0, SEEN_APART / max(len(weight), 1))
    colours = blended(canvas.theme.paper, canvas.theme.edge, faint + (0.7 - faint) * weight)
    ends = np.hstack([places.centres[one], places.centres[other]])
    canvas.lines(ends, places.radius * 0.2 * weight, colours)


def marks_of(canvas: Canvas, scene: Scene, places: Places, box: Rect, progress: float) -> None:
    """All deeds of the last stage, and the names of all."""
    deeds = scene.chronicle.deeds
    flying = [deed.kind in DIRECTED and deed.target >= 0 and deed.target != deed.agent for deed in deeds]
    flights(canvas, places, [deed for deed, flies in zip(deeds, flying) if flies], progress)
    names(canvas, scene, places, box)
    badges(canvas, places, [deed for deed, flies in zip(deeds, flying) if not flies], progress)
