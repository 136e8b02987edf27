"""One agent looked at closely: what it sees, what it may do and how much it likes that, what it was paid, who it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from pygame import Rect

from ..core.fields import Slot
from .canvas import Canvas
from .panel import number
from .scene import Scene

Likes = tuple[str, np.ndarray] | None


def inspector(canvas: Canvas, box: Rect, scene: Scene, agent: int, likes: Likes) -> None:
    """All that is known of an agent, in the place of the side panel."""
    theme = canvas.theme
    canvas.box(box, theme.panel, 10, theme.line)
    inside = box.inflate(-canvas.u(28), -canvas.u(22))
    page = Page(canvas, inside)
    page.title(scene.names[agent])
    if scene.minds:
        page.line(scene.minds[agent], theme.soft)
    page.gap()
    page.head("paid by the last stage")
    for name, paid in scene.chronicle.last.items():
        page.pair(name, f"{paid[agent]:+.3g}")
    page.pair("this episode", f"{scene.chronicle.totals[agent]:+.3g}", bold=True)
    page.gap()
    seen = scene.sees(agent)
    page.head("sees" if seen else "sees nothing: it does not decide")
    observed(page, seen, most=max(3, page.left() // canvas.u(20) - 4 - len(choices_of(scene, agent))))
    page.gap()
    options(page, scene, agent, likes)


def observed(page: Page, seen: list[tuple[Slot, Any]], most: int) -> None:
    """What an agent sees, field by field."""
    for k, (slot, value) in enumerate(seen):
        if k == most:
            page.line(f"and {len(seen) - most} more", page.canvas.theme.soft)
            return
        page.pair(slot.name.replace("_", " "), slot.told(value))


def choices_of(scene: Scene, agent: int) -> list[tuple[int, str]]:
    """The actions open to an agent, with their words."""
    stage = scene.stage
    if stage is None or not scene.acting[agent]:
        return []
    if stage.box is not None:
        return [(0, f"{stage.choices[0]} {stage.box[0]:g} to {stage.box[1]:g}")]
    return [(int(a), stage.choices[a]) for a in np.flatnonzero(scene.legal[agent]) if a < len(stage.choices)]


def options(page: Page, scene: Scene, agent: int, likes: Likes) -> None:
    """What an agent may do, with bars of how much it likes that."""
    listed = choices_of(scene, agent)
    if not listed:
        return
    theme, canvas = page.canvas.theme, page.canvas
    what = {"probability": "may do, with probability", "value": "may do, worth to it", "number": "plays"}
    page.head(what[likes[0]] if likes else "may do")
    if likes and likes[0] == "number":
        page.line(f"{likes[1][0]:.3g}", theme.ink)
        return
    values = np.zeros(0) if likes is None else likes[1]
    known = values[np.isfinite(values)]
    low = 0.0 if likes and likes[0] == "probability" else float(known.min(initial=np.inf))
    high = float(known.max(initial=-np.inf))
    best = int(np.nanargmax(values)) if len(known) else -1
    for k, (action, word) in enumerate(listed):
        if page.left() < canvas.u(24):
            page.line(f"and {len(listed) - k} more", theme.soft)
            return
        if action >= len(values):  # nothing is known of how much it likes that
            page.line(word, theme.ink)
            continue
        value = float(values[action])
        share = (value - low) / (high - low) if high > low else float(value == value)
        page.bar(word, share, number(value), action == best)


class Page:
    """Lines one below the other, as far as there is room."""

    def __init__(self, canvas: Canvas, box: Rect) -> None:
        self.canvas, self.box, self.y = canvas, box, box.y

    def left(self) -> int:
        """Pixels that are still free below."""
        return self.box.bottom - self.y

    def _row(self, tall: float) -> Rect | None:
        high = self.canvas.u(tall)
        if self.left() < high:
            return None
        row = Rect(self.box.x, self.y, self.box.w, high)
        self.y += high
        return row

    def gap(self) -> None:
        """Some air."""
        self.y += self.canvas.u(8)

    def title(self, words: str) -> None:
        """A large line."""
        if row := self._row(28):
            self.canvas.text(words, row, 19, bold=True, shrink=12)

    def head(self, words: str) -> None:
        """A heading."""
        if row := self._row(22):
            self.canvas.text(words, row, 11.5, self.canvas.theme.accent, True, shrink=8)

    def line(self, words: str, colour: Any) -> None:
        """A plain line."""
        if row := self._row(20):
            self.canvas.text(words, row, 12, colour, shrink=9)

    def pair(self, name: str, value: str, bold: bool = False) -> None:
        """A name at the left and its value at the right."""
        if row := self._row(20):
            half = round(row.w * 0.52)
            self.canvas.text(name, Rect(row.x, row.y, half - 6, row.h), 12, self.canvas.theme.soft, shrink=9)
            self.canvas.text(value, Rect(row.x + half, row.y, row.w - half, row.h), 12, None, bold, "right", 8)

    def bar(self, word: str, share: float, value: str, best: bool) -> None:
        """A word, a bar and a number."""
        if row := self._row(22):
            theme, canvas = self.canvas.theme, self.canvas
            first, last = round(row.w * 0.4), round(row.w * 0.2)
            canvas.text(word, Rect(row.x, row.y, first - 6, row.h), 12, theme.ink, best, shrink=8)
            track = Rect(row.x + first, row.y + row.h // 4, row.w - first - last, row.h // 2)
            canvas.box(track, theme.sunk, 3)
            if share == share and share > 0:
                canvas.box(Rect(track.x, track.y, round(track.w * min(share, 1.0)), track.h), theme.accent, 3)
            canvas.text(value, Rect(track.right, row.y, last, row.h), 12, theme.ink, best, "right", 8)
