"""A seat from inside: what its agent may see and nothing else, and its choices as buttons."""

from __future__ import annotations

import numpy as np
import pygame
from pygame import Rect

from . import fonts
from .canvas import Canvas
from .inspector import Page, choices_of
from .scene import Scene

DIGITS = (pygame.K_1, pygame.K_2, pygame.K_3, pygame.K_4, pygame.K_5, pygame.K_6, pygame.K_7, pygame.K_8, pygame.K_9,
          pygame.K_0)  # fmt: skip


def from_inside(canvas: Canvas, box: Rect, scene: Scene, agent: int) -> None:
    """What an agent knows now: its own observation, in words, and what it was paid."""
    theme = canvas.theme
    wide = min(box.w - canvas.u(24), canvas.u(620))
    card = Rect(0, 0, wide, box.h - canvas.u(12))
    card.center = box.center
    canvas.box(card, theme.panel, 12, theme.line)
    page = Page(canvas, card.inflate(-canvas.u(48), -canvas.u(36)))
    canvas.note("agent", scene.names[agent], Rect(page.box.x, page.y, page.box.w, canvas.u(28)), card)
    page.title(f"You are {scene.names[agent]}")
    stage = scene.stage
    if stage is None:
        page.line("The episode is over.", theme.ink)
    elif scene.acting[agent]:
        page.line(f"It is your turn: {stage.name}.", theme.ink)
    else:
        page.line("Others decide now.", theme.soft)
    page.gap()
    page.head("what you see")
    seen = scene.sees(agent)
    if not seen:
        page.line("nothing but that it is not your turn" if stage else "nothing", theme.soft)
    for slot, value in seen:
        page.pair(slot.words or slot.name.replace("_", " "), slot.told(value))
    page.gap()
    page.head("what you were paid by the last stage")
    for name, paid in scene.chronicle.last.items():
        page.pair(name, f"{paid[agent]:+.3g}")
    page.pair("in this episode", f"{scene.chronicle.totals[agent]:+.3g}", bold=True)


class Choices:
    """The choices of a person whose turn it is, as buttons with keys; a slider where they are numbers."""

    def __init__(self) -> None:
        self.rects: list[tuple[int, Rect]] = []
        self.slider: Rect | None = None
        self.amount = 0.0
        self._range = (0.0, 1.0)
        self._for: tuple[int, int] | None = None

    def height(self, canvas: Canvas, width: int, scene: Scene, agent: int) -> int:
        """How much room the buttons take, in pixels."""
        stage = scene.stage
        if stage is not None and stage.box is not None:
            return canvas.u(74)
        return canvas.u(34) + len(self._rows(canvas, width, scene, agent)) * canvas.u(36)

    def _rows(self, canvas: Canvas, width: int, scene: Scene, agent: int) -> list[list[tuple[int, str, int]]]:
        rows: list[list[tuple[int, str, int]]] = [[]]
        used = 0
        for k, (action, word) in enumerate(choices_of(scene, agent)):
            label = f"{key_of(k)}  {word}" if key_of(k) else word
            wide = fonts.width(label, canvas.u(13), True) + canvas.u(22)
            if used + wide > width - canvas.u(24) and rows[-1]:
                rows.append([])
                used = 0
            rows[-1].append((action, label, wide))
            used += wide + canvas.u(6)
        return rows

    def draw(self, canvas: Canvas, box: Rect, scene: Scene, agent: int, left: float | None) -> None:
        """left: seconds that remain; None: as long as one likes."""
        theme = canvas.theme
        canvas.surface.fill(theme.sunk, box)
        pygame.draw.line(canvas.surface, theme.accent, box.topleft, box.topright, canvas.u(2))
        stage = scene.stage
        self.rects, self.slider = [], None
        if stage is None:
            return
        head = Rect(box.x + canvas.u(12), box.y + canvas.u(4), box.w - canvas.u(24), canvas.u(24))
        words = f"{scene.names[agent]}, choose: {stage.name}"
        if left is not None:
            words += f"   ({max(left, 0):.0f} s left)"
        canvas.text(words, head, 13, theme.ink, True)
        if stage.box is not None:
            self._slide(canvas, Rect(head.x, head.bottom, head.w, canvas.u(36)), scene, agent, stage.box)
            return
        y = head.bottom
        for row in self._rows(canvas, box.w, scene, agent):
            x = head.x
            for action, label, wide in row:
                rect = Rect(x, y, min(wide, head.w), canvas.u(31))
                canvas.box(rect, theme.panel, 7, theme.accent)
                canvas.note("choice", label, rect, box)
                canvas.text(label, rect.inflate(-canvas.u(12), 0), 13, theme.ink, True, "centre", 8)
                self.rects.append((action, rect))
                x = rect.right + canvas.u(6)
            y += canvas.u(36)

    def _slide(self, canvas: Canvas, row: Rect, scene: Scene, agent: int, span: tuple[float, float]) -> None:
        moment = scene.chronicle.steps, agent
        if self._for != moment:
            self._for, self._range, self.amount = moment, span, (span[0] + span[1]) / 2
        theme = canvas.theme
        button = Rect(row.right - canvas.u(150), row.y + canvas.u(3), canvas.u(150), canvas.u(30))
        self.slider = Rect(row.x, row.y, button.x - row.x - canvas.u(16), row.h)
        track = Rect(self.slider.x, row.centery - 2, self.slider.w, 5)
        canvas.box(track, theme.line, 2)
        share = (self.amount - span[0]) / (span[1] - span[0])
        canvas.disc((track.x + share * track.w, track.centery), canvas.u(9), theme.accent)
        canvas.box(button, theme.panel, 7, theme.accent)
        canvas.note("choice", "number", button)
        canvas.text(f"⏎  {self.amount:.3g}", button.inflate(-canvas.u(12), 0), 13, theme.ink, True, "centre")
        self.rects = [(0, button)]

    def click(self, spot: tuple[int, int]) -> float | None:
        """What a click chooses, None where it hits nothing that decides."""
        if self.slider is not None and self.slider.collidepoint(spot):
            share = (spot[0] - self.slider.x) / max(self.slider.w, 1)
            low, high = self._range
            self.amount = low + (high - low) * min(max(share, 0.0), 1.0)
            return None
        for action, rect in self.rects:
            if rect.collidepoint(spot):
                return self.amount if self.slider is not None else action
        return None

    def key(self, key: int, shifted: bool) -> float | None:
        """What a key chooses: digits the first ten choices, with shift the next ten; Enter a number."""
        if self.slider is not None:
            return self.amount if key in (pygame.K_RETURN, pygame.K_KP_ENTER) else None
        if key in DIGITS:
            k = DIGITS.index(key) + (10 if shifted else 0)
            return self.rects[k][0] if k < len(self.rects) else None
        return None


def key_of(k: int) -> str:
    """The words of the key of the k-th choice; "" for those that can only be clicked."""
    return "" if k >= 20 else f"⇧{(k + 1) % 10}" if k >= 10 else str((k + 1) % 10)


def drawn_lots(scene: Scene, agent: int, seed: int) -> float:
    """What is played for somebody whose time is up: a legal action by chance."""
    stage = scene.stage
    draw = np.random.default_rng([seed, scene.chronicle.steps, agent])
    if stage is not None and stage.box is not None:
        return float(draw.uniform(*stage.box))
    return float(draw.choice(np.flatnonzero(scene.legal[agent])))
