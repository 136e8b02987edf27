"""A whole picture: a heading, the game, the panel beside or below it, and a line on what was done."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from pygame import Rect

from . import fonts, panel
from .canvas import Canvas
from .deeds import Deed
from .marks import MEANING, mark
from .scene import Scene
from .views import GameView, view_of

SIZE = (960, 600)  # of a picture where none is asked for
LEAST = (240, 200)


class Areas(NamedTuple):
    """Where the parts of a picture lie; those that there is no room for are empty."""

    head: Rect
    stage: Rect
    line: Rect
    side: Rect
    strip: Rect


def areas(whole: Rect, zoom: float = 1.0) -> Areas:
    """The parts of a picture that fills a rectangle."""

    def u(units: float) -> int:
        return round(units * zoom)

    pad, head = u(12), u(54)
    side, strip = Rect(0, 0, 0, 0), Rect(0, 0, 0, 0)
    left, top, right, bottom = whole.x + pad, whole.y + head + u(4), whole.right - pad, whole.bottom - pad
    if whole.w >= u(720) and whole.h >= u(400):
        wide = min(max(round(whole.w * 0.28), u(230)), u(360))
        side = Rect(right - wide, top, wide, bottom - top)
        right = side.left - pad
    elif whole.h >= u(380):
        strip = Rect(left, bottom - u(84), right - left, u(84))
        bottom = strip.top - u(6)
    line = Rect(left, bottom - u(24), right - left, u(24)) if whole.h >= u(280) else Rect(left, bottom, 0, 0)
    return Areas(
        Rect(left, whole.y + u(6), whole.w - 2 * pad, head - u(8)),
        Rect(left, top, right - left, line.top - top - u(4)), line, side, strip,
    )  # fmt: skip


class Painter:
    """Draws the moments of one game."""

    def __init__(self, game: object) -> None:
        self.view: GameView = view_of(game)  # type: ignore[arg-type]

    def paint(
        self, canvas: Canvas, scene: Scene, progress: float = 1.0, area: Rect | None = None,
        aside: Callable[[Canvas, Rect], None] | None = None,
    ) -> Areas:  # fmt: skip
        """Draw a moment on a canvas, or in an area of it; returns where what lies.

        aside: draws in the panel's place.
        """
        whole = area or canvas.rect
        if area is None:
            canvas.clear()
        else:
            canvas.surface.fill(canvas.theme.paper, area)
        at = areas(whole, canvas.zoom)
        heading(canvas, at.head, scene)
        self.view.draw(canvas, at.stage, scene, progress)
        if at.line.w:
            told(canvas, at.line, scene)
        past, theme = scene.chronicle, canvas.theme.name
        if at.side.w and aside is None:
            key = past.number, past.steps, past.over, theme
            canvas.keep(f"side {at.side}", key, at.side, lambda: panel.side_panel(canvas, at.side, scene))
        elif aside is not None:
            aside(canvas, at.side if at.side.w else Rect(whole.centerx, at.stage.y, whole.w // 2, at.stage.h))
        if at.strip.w:
            key = past.number, past.rounds, past.over, theme
            canvas.keep(f"strip {at.strip}", key, at.strip, lambda: panel.strip(canvas, at.strip, scene))
        return at


def heading(canvas: Canvas, box: Rect, scene: Scene) -> None:
    """The game's name, the stage that is open, and how far the game has got."""
    theme, chronicle = canvas.theme, scene.chronicle
    shown = chronicle.round_of_episode + (0 if scene.over else 1)
    where = f"episode {chronicle.episodes + (0 if scene.over else 1)}   round {max(shown, 1)}   step {chronicle.steps}"
    if scene.seed is not None and box.w > canvas.u(560):
        where += f"   seed {scene.seed}"
    room = box.w // 2 if box.w > canvas.u(600) else box.w * 3 // 10
    right = Rect(box.right - room, box.y, room, box.h)
    taken = canvas.text(where, right, 12, theme.soft, align="right", shrink=8).w if box.w > canvas.u(380) else 0
    stage = scene.stage
    words = scene.over if stage is None else stage.name
    size = 20 if box.w > canvas.u(600) else 16
    pill = min(fonts.width(words, canvas.u(13), True) + canvas.u(16), box.w // 3)
    room = box.w - taken - pill - canvas.u(40)
    title = canvas.text(scene.title, Rect(box.x + canvas.u(4), box.y, room, box.h), size, theme.ink, True, shrink=11)
    ground = theme.ink if stage is None else theme.accent
    canvas.note("stage", words, Rect(title.right + canvas.u(14), box.y, pill, box.h), box)
    canvas.pill(words, (title.right + canvas.u(14) + pill / 2, box.centery), 13, ground, theme.paper, pill)


def sentence(scene: Scene, deed: Deed) -> str:
    """A deed in words."""
    who = scene.names[deed.agent]
    whom = f" {scene.names[deed.target]}" if deed.target >= 0 else ""
    return f"{who}: {deed.word}" + (f" →{whom}" if whom else "")


def summed_up(deed: Deed) -> str:
    """What deeds like it are called together: by the game's own word for them, where it has one."""
    own = deed.kind == "other" or (deed.kind in ("cooperate", "defect") and deed.word != deed.kind)
    return deed.word if own else MEANING[deed.kind]


def told(canvas: Canvas, box: Rect, scene: Scene) -> None:
    """What was done in the last stage: the marks that were seen with their meaning, then who did it, as far as fits."""
    theme = canvas.theme
    deeds = scene.chronicle.deeds
    x = box.x + canvas.u(4)
    if not deeds:
        canvas.text("nothing has been done yet", box, 12, theme.soft)
        return
    counts = Counter((deed.kind, summed_up(deed)) for deed in deeds)
    side = 2 * (canvas.u(15) // 2)
    for (kind, meaning), count in counts.items():
        words = f"{meaning} ×{count}" if count > 1 else meaning
        wide = fonts.width(words, canvas.u(12)) + side + canvas.u(22)
        if x + wide > box.right:
            return
        canvas.put(mark(kind, side, theme.soft), (x + side / 2, box.centery))
        canvas.text(words, Rect(x + side + canvas.u(5), box.y, wide - side, box.h), 12, theme.soft)
        x += wide
    for deed in deeds:  # one by one: what all do in a crowd is a page that nobody would see
        if x + canvas.u(70) > box.right:
            return
        words = sentence(scene, deed)
        x = canvas.text(words, Rect(x, box.y, box.right - x, box.h), 12, theme.ink).right + canvas.u(12)
