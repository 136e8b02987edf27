"""The side panel: how the society fares over the whole run, who chooses whom, and who owns how much."""

from __future__ import annotations

import math

import numpy as np
import pygame
from pygame import Rect

from ..core.game import Game
from .canvas import Canvas
from .chronicle import SERIES, Chronicle, lorenz
from .palette import Colour, blend, blended
from .scene import Scene
from .series import Series

TITLES = {
    "cooperation": "Cooperation", "welfare": "Welfare", "equality": "Equality", "punishment": "Punishment",
    "just share": "Just share",
}  # fmt: skip
MEANT = {
    "cooperation": "cooperate", "welfare": "talk", "equality": "gift", "punishment": "unjust", "just share": "just",
}  # fmt: skip


def optimum(chronicle: Chronicle) -> float | None:
    """The most that the players of one encounter can have together, None where theory does not know it."""
    if "optimum" not in chronicle.known:
        from ..theory import social_optimum

        try:
            chronicle.known["optimum"] = float(social_optimum(chronicle.game).welfare)
        except (ValueError, NotImplementedError):
            chronicle.known["optimum"] = None
    return chronicle.known["optimum"]


def told_of(game: Game) -> list[str]:
    """The series that a game has anything to say of."""
    kinds = set(game.kinds)
    judged = bool(kinds & {"punish", "sanction"})
    wanted = {"cooperation": "play" in kinds, "welfare": True, "equality": game.n_agents > 1, "punishment": judged,
              "just share": judged}  # fmt: skip
    return [name for name in SERIES if wanted[name]]


def sparkline(canvas: Canvas, box: Rect, values: Series, colour: Colour, low: float, high: float,
              reference: float | None = None) -> None:  # fmt: skip
    """A curve from `low` to `high`, with a dashed line at a reference."""
    theme = canvas.theme
    canvas.box(box, theme.sunk, 4)
    inside = box.inflate(-canvas.u(6), -canvas.u(8))
    if reference is not None:
        level = round(inside.bottom - (min(max(reference, low), high) - low) / ((high - low) or 1.0) * inside.h)
        canvas.surface.blit(canvas.sprite(_dashes, inside.w), (inside.x, level))
    across, heights = values.points(max(8, inside.w // 2))
    if not len(across):
        return
    x = inside.x + across * inside.w
    y = inside.bottom - (heights.clip(low, high) - low) / ((high - low) or 1.0) * inside.h
    points = np.column_stack([x, y])
    canvas.curve(points, colour, 1.6 * canvas.zoom)
    canvas.disc(points[-1], canvas.u(2.6), colour)


def _dashes(canvas: Canvas, wide: int) -> pygame.Surface:
    """A level line of dashes."""
    picture = pygame.Surface((wide, 1), 0, 32)
    picture.fill(canvas.theme.sunk)
    for dash in range(0, wide, canvas.u(7)):
        picture.fill(canvas.theme.soft, Rect(dash, 0, canvas.u(3) + 1, 1))
    return picture


def number(value: float) -> str:
    """A number as short as it can be read."""
    return "–" if not math.isfinite(value) else f"{value:.0f}" if abs(value) >= 100 else f"{value:.2f}"


def row(canvas: Canvas, box: Rect, scene: Scene, name: str) -> None:
    """One series: its name, its latest value, its curve."""
    theme, values = canvas.theme, scene.chronicle.series[name]
    latest = values.last
    low, high, reference = 0.0, 1.0, None
    words = number(latest) if name == "welfare" else "–" if not math.isfinite(latest) else f"{latest:.0%}"
    title = TITLES[name]
    if name == "welfare":
        reference = optimum(scene.chronicle)
        heights = values.points()[1]
        marks = [0.0, reference or 0.0, *((heights.min(), heights.max()) if len(heights) else ())]
        low, high = float(min(marks)), float(max(marks))
        if reference:
            words = f"{words} of {number(reference)}"
    head = Rect(box.x, box.y, box.w, canvas.u(17))
    wide = canvas.text(words, Rect(head.x + head.w // 2, head.y, head.w - head.w // 2, head.h), 11.5, theme.ink, True,
                       "right", 9).w  # fmt: skip
    canvas.text(title, Rect(head.x, head.y, head.w - wide - canvas.u(6), head.h), 11.5, theme.soft)
    sparkline(canvas, Rect(box.x, head.bottom, box.w, box.h - head.h), values, theme.deed(MEANT[name]), low, high,
              reference)  # fmt: skip


def heat_map(canvas: Canvas, box: Rect, scene: Scene) -> None:
    """Who chose, sanctioned or met whom how often: rows those who do, columns to whom."""
    theme, chronicle = canvas.theme, scene.chronicle
    directed = bool({"select", "sanction"} & set(scene.game.kinds))
    table = chronicle.chosen if directed else chronicle.met
    title = "Who chose whom" if "select" in scene.game.kinds else "Who sanctioned whom" if directed else "Who met whom"
    canvas.text(title, Rect(box.x, box.y, box.w, canvas.u(17)), 11.5, theme.soft, shrink=8)
    n = len(table)
    side = min(box.w, box.h - canvas.u(18))
    cell = max(1, side // n)
    top, left = box.y + canvas.u(18), box.x
    canvas.box(Rect(left, top, cell * n + 2, cell * n + 2), theme.line, 0)
    share = table / (table.max() or 1.0)
    colours = blended(theme.sunk, theme.accent, share)
    colours[np.arange(n), np.arange(n)] = theme.line
    picture = pygame.image.frombuffer(np.ascontiguousarray(colours).tobytes(), (n, n), "RGB")
    canvas.surface.blit(pygame.transform.scale(picture, (cell * n, cell * n)), (left + 1, top + 1))
    canvas.note("heat map", title, Rect(left, top, cell * n + 2, cell * n + 2), box)


def lorenz_curve(canvas: Canvas, box: Rect, scene: Scene) -> None:
    """What share of all payoffs the poorest share of the agents has; the diagonal: all have the same."""
    theme = canvas.theme
    canvas.text("Lorenz curve", Rect(box.x, box.y, box.w, canvas.u(17)), 11.5, theme.soft, shrink=8)
    side = min(box.w, box.h - canvas.u(18))
    square = Rect(box.x, box.y + canvas.u(18), side, side)
    canvas.box(square, theme.sunk, 4)
    inside = square.inflate(-canvas.u(10), -canvas.u(10))
    canvas.line(inside.bottomleft, inside.topright, theme.edge, 1)
    owned = lorenz(scene.chronicle.paid)
    if owned is None:
        canvas.text("no gains yet", inside, 10, theme.soft, align="centre", shrink=7)
        return
    x = inside.x + np.linspace(0, 1, len(owned)) * inside.w
    y = inside.bottom - np.clip(owned, 0.0, 1.0) * inside.h
    points = list(zip(x.tolist(), y.tolist()))
    area = [*points, (inside.right, inside.bottom)]
    if len(area) > 2:
        pygame.draw.polygon(canvas.surface, blend(theme.sunk, theme.deed("gift"), 0.35), area)
    canvas.curve(points, theme.deed("gift"), canvas.u(1.8))


def choices(canvas: Canvas, box: Rect, scene: Scene) -> None:
    """How often each choice of one kind of decision was made: words and bars, or bars alone where there are many."""
    theme = canvas.theme
    kind = scene.chronicle.kind or scene.game.kinds[0]
    counts = scene.chronicle.choices[kind]
    words = scene.game.choices(kind)
    canvas.text(f"What was chosen: {kind}", Rect(box.x, box.y, box.w, canvas.u(17)), 11.5, theme.soft, shrink=8)
    chart = Rect(box.x, box.y + canvas.u(20), box.w, box.h - canvas.u(20))
    share = counts / (counts.sum() or 1.0)
    tall = canvas.u(22)
    if len(words) * tall <= chart.h:
        for k, (word, part) in enumerate(zip(words, share.tolist())):
            line = Rect(chart.x, chart.y + k * tall, chart.w, tall)
            canvas.text(word, Rect(line.x, line.y, round(line.w * 0.36), tall), 11.5, theme.ink, shrink=8)
            track = Rect(line.x + round(line.w * 0.39), line.y + tall // 4, round(line.w * 0.44), tall // 2)
            canvas.box(track, theme.sunk, 3)
            canvas.box(Rect(track.x, track.y, round(track.w * part), track.h), theme.accent, 3)
            canvas.text(f"{part:.0%}", Rect(track.right, line.y, line.right - track.right, tall), 11, theme.ink, False,
                        "right", 8)  # fmt: skip
        return
    chart.h = min(chart.h, canvas.u(110)) - canvas.u(16)
    canvas.box(chart, theme.sunk, 4)
    wide = chart.w / len(words)
    for k, part in enumerate((share / (share.max() or 1.0)).tolist()):
        high = round(part * (chart.h - 4))
        if high:
            left = chart.x + round(k * wide) + 1
            canvas.box(Rect(left, chart.bottom - high, max(1, round(wide) - 1), high), theme.accent, 1)
    for word, align in ((words[0], "left"), (words[-1], "right")):
        canvas.text(word, Rect(chart.x, chart.bottom, chart.w, canvas.u(16)), 10, theme.soft, False, align, 8)


def side_panel(canvas: Canvas, box: Rect, scene: Scene) -> None:
    """Everything, one below the other: curves, choices where there is room, who chose whom and who has how much."""
    canvas.box(box, canvas.theme.panel, 10, canvas.theme.line)
    inside = box.inflate(-canvas.u(28), -canvas.u(24))
    names = told_of(scene.game)
    squares = scene.game.n_agents > 1
    gap = canvas.u(10)
    below = min(inside.w // 2 + canvas.u(14), round(inside.h * 0.34)) if squares else 0
    room = inside.h - (below + gap if squares else 0)
    tall = (room - gap * (len(names) - 1)) // len(names)
    tall = min(canvas.u(110), tall, max(canvas.u(58), tall - canvas.u(120) // len(names)))
    for k, name in enumerate(names):
        row(canvas, Rect(inside.x, inside.y + k * (tall + gap), inside.w, tall), scene, name)
    left = room - len(names) * (tall + gap)
    if left >= canvas.u(70):
        choices(canvas, Rect(inside.x, inside.y + len(names) * (tall + gap), inside.w, left - gap), scene)
    if squares:
        half = (inside.w - gap) // 2
        top = inside.bottom - below
        directed = "facing" in scene.now or "sanction" in scene.game.kinds
        if directed:
            heat_map(canvas, Rect(inside.x, top, half, below), scene)
        lorenz_curve(canvas, Rect(inside.right - half if directed else inside.x, top, half, below), scene)


def strip(canvas: Canvas, box: Rect, scene: Scene) -> None:
    """The curves side by side, where there is no room for a panel."""
    canvas.box(box, canvas.theme.panel, 8, canvas.theme.line)
    inside = box.inflate(-canvas.u(18), -canvas.u(14))
    names = told_of(scene.game)[: max(1, inside.w // canvas.u(105))]
    gap = canvas.u(12)
    wide = (inside.w - gap * (len(names) - 1)) // len(names)
    for k, name in enumerate(names):
        row(canvas, Rect(inside.x + k * (wide + gap), inside.y, wide, inside.h), scene, name)
