"""Agents as nodes: disc, number, name, reputation as the rim, payoff as a bar, deeds as marks beside and between."""

from __future__ import annotations

import numpy as np
from pygame import Rect

from .canvas import Canvas, Point
from .deeds import Deed
from .layout import NAME, Places
from .marks import mark
from .palette import blend
from .scene import Scene
from .sprites import TURNS, dial

DIRECTED = ("just", "unjust", "gift", "talk", "choose", "spare")  # drawn on the way to whom they are about
MOST_EDGES = 150  # the most frequent pairs; more would be a carpet
RARE = 0.1  # pairs that have met less than this share of the most frequent ones get no edge
RING = 0.17  # of the radius: how thick a reputation's ring is


def ease(progress: float) -> float:
    """From 0 to 1, slowly at both ends."""
    return progress * progress * (3 - 2 * progress)


def node(canvas: Canvas, scene: Scene, places: Places, i: int, box: Rect, chosen: bool = False) -> Rect:
    """Agent i's disc with its number and its ring; returns the square around the disc."""
    theme, r = canvas.theme, places.radius
    x, y = places.centres[i]
    rect = Rect(0, 0, round(2 * r), round(2 * r))
    rect.center = round(x), round(y)
    canvas.note("agent", scene.names[i], rect, box)
    deciding = bool(scene.acting[i])
    if deciding or chosen:
        wide = round(r * 1.12)
        canvas.put(dial(wide, max(2, round(r * 0.06)), TURNS, theme.accent, theme.accent, theme.paper), (x, y))
    reputation = scene.reputation
    if reputation is None:
        thick, steps, colour, rest = max(1, round(r * 0.05)), 0, theme.edge, theme.edge
    else:
        good = float(reputation[i])
        colour = theme.deed("cooperate") if good >= 0.5 else theme.deed("defect")
        thick, steps, rest = max(2, round(r * RING)), round(good * TURNS), theme.line
    canvas.put(dial(round(r), thick, steps, colour, rest, theme.node), (x, y))
    inner = r - thick
    side = max(4, round(inner * 1.5))
    label = Rect(0, 0, side, side)
    label.center = rect.center
    size = max(7.0, min(inner * 0.85, 22 * canvas.zoom)) / canvas.zoom
    canvas.text(str(i), label, size, theme.ink, bold=True, align="centre", shrink=5)
    return rect


def name(canvas: Canvas, scene: Scene, places: Places, i: int, box: Rect) -> None:
    """Agent i's name below its disc, where discs are large enough; on a ground of its own, since lines pass there."""
    if places.named:
        theme, r = canvas.theme, places.radius
        x, y = places.centres[i]
        wide = min(round(2 * r * 1.6), 2 * (min(round(x) - box.x, box.right - round(x))))
        line = Rect(round(x) - wide // 2, round(y + r * 1.12), wide, round(NAME * canvas.zoom))
        canvas.text(scene.names[i], line, 12, theme.soft, align="centre", shrink=9, ground=theme.paper)


def bar(canvas: Canvas, scene: Scene, places: Places, i: int, values: np.ndarray, largest: float) -> None:
    """Agent i's payoff beside its disc: up from the line if it is a gain, down if it is a loss."""
    theme, r = canvas.theme, places.radius
    x, y = places.centres[i]
    wide, tall = max(2, round(r * 0.26)), round(1.8 * r)
    track = Rect(round(x + r * 1.3), round(y - tall / 2), wide, tall)
    canvas.box(track, theme.line, 2)
    losses = float(values.min()) < 0
    zero = track.centery if losses else track.bottom
    full = (tall / 2 if losses else tall) / (largest or 1.0)
    length = round(min(abs(values[i]) * full, tall))
    if length:
        up = values[i] > 0
        colour = theme.deed("cooperate") if up else theme.deed("defect")
        canvas.box(Rect(track.x, zero - length if up else zero, wide, length), colour, 2)
    if losses:
        canvas.line((track.x - 1, zero), (track.right, zero), theme.ink, 1)


def badge(canvas: Canvas, places: Places, deed: Deed, progress: float, soft: tuple[int, int, int]) -> None:
    """A deed that is about nobody in particular: its mark at the upper left of whoever did it."""
    r = places.radius
    x, y = places.centres[deed.agent]
    full = max(8.0, r * 0.86)
    side = max(4, 2 * round(full * (0.35 + 0.65 * ease(progress)) / 2))
    spot = x - r * 0.92, y - r * 0.5
    canvas.disc(spot, side * 0.56, canvas.theme.paper)
    if deed.kind == "other":
        _worded(canvas, deed, spot, r)
        return
    rect = canvas.put(mark(deed.kind, side, soft), spot)
    canvas.note("mark", f"{deed.kind} {deed.agent}", rect)
    if deed.kind == "give" and side >= 14:
        canvas.text(f"{deed.amount:g}", rect.inflate(-side // 3, 0), side * 0.42 / canvas.zoom, (17, 20, 26), True,
                    "centre", 5)  # fmt: skip


def _worded(canvas: Canvas, deed: Deed, spot: Point, r: float) -> None:
    """A decision that has no mark: its word."""
    canvas.pill(deed.word, spot, max(7.0, min(11.0, r * 0.34 / canvas.zoom)), canvas.theme.sunk, canvas.theme.ink,
                most=2 * r, edge=True)  # fmt: skip


def flight(canvas: Canvas, places: Places, deed: Deed, progress: float) -> None:
    """A deed about somebody: an arrow, and its mark that goes along it."""
    r, theme = places.radius, canvas.theme
    start, end = places.centres[deed.agent], places.centres[deed.target]
    way = end - start
    length = float(np.hypot(*way)) or 1.0
    along = way / length
    across = np.array([-along[1], along[0]]) * r * 0.22  # two who act on each other pass on the right
    colour = theme.deed(deed.kind) if deed.kind != "spare" else theme.edge
    side = max(8, 2 * round(r * 0.43)) if deed.kind != "spare" else max(6, 2 * round(r * 0.28))
    first, last = r * 1.16, length - r * 1.2
    rest = max(length / 2, length - r * 1.2 - side * 0.9)
    there = first + (rest - first) * ease(progress)
    tip = first + (last - first) * ease(progress)
    if deed.kind != "spare" and tip > first + 4:
        a, b = start + across + along * first, start + across + along * tip
        canvas.arrow(tuple(a), tuple(b), colour, max(1.0, r * 0.07), max(5.0, r * 0.3))
    spot = start + across + along * there
    canvas.disc(tuple(spot), side * 0.58, theme.paper)
    rect = canvas.put(mark(deed.kind, side, theme.soft), tuple(spot))
    canvas.note("mark", f"{deed.kind} {deed.agent} {deed.target}", rect)


def edges(canvas: Canvas, scene: Scene, places: Places) -> None:
    """Who has met whom, the thicker the more often (the most frequent pairs alone), and who faces whom now."""
    theme, r = canvas.theme, places.radius
    met = scene.chronicle.met + scene.chronicle.met.T
    most = float(met.max())
    if most > 0:
        share = met / most
        pairs = np.argwhere(np.triu(share, 1) > RARE)
        if len(pairs) > MOST_EDGES:
            order = np.argsort(-share[pairs[:, 0], pairs[:, 1]], kind="stable")
            pairs = pairs[np.sort(order[:MOST_EDGES])]
        for i, j in pairs.tolist():
            weight = float(share[i, j]) ** 1.5
            colour = blend(theme.paper, theme.edge, 0.25 + 0.45 * weight)
            canvas.line(tuple(places.centres[i]), tuple(places.centres[j]), colour, max(1.0, r * 0.2 * weight))
    facing = scene.state.get("facing")
    if facing is not None:
        for i, j in enumerate(facing.tolist()):
            if j >= 0 and (i < j or facing[j] != i):
                start, end = places.centres[i], places.centres[j]
                canvas.line(tuple(start), tuple(end), blend(theme.paper, theme.accent, 0.6), max(1.0, r * 0.07))


def marks_of(canvas: Canvas, scene: Scene, places: Places, box: Rect, progress: float) -> None:
    """All deeds of the last stage, and the names of all."""
    apart: list[Deed] = []
    for deed in scene.chronicle.deeds:
        if deed.kind in DIRECTED and deed.target >= 0 and deed.target != deed.agent:
            flight(canvas, places, deed, progress)
        else:
            apart.append(deed)
    for i in range(len(places.centres)):
        name(canvas, scene, places, i, box)
    for deed in apart:
        badge(canvas, places, deed, progress, canvas.theme.soft)
