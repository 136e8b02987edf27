"""Buttons and keys of the window, the slider of time, and the help that lists them."""

from __future__ import annotations

from typing import NamedTuple

import pygame
from pygame import Rect

from . import fonts
from .canvas import Canvas
from .marks import MEANING, mark


class Control(NamedTuple):
    """Something the window can do: its name, its words on a button ("" none), its keys and what it does."""

    name: str
    word: str
    keys: tuple[int, ...]
    key_words: str
    does: str


CONTROLS = (
    Control("play", "play", (pygame.K_SPACE,), "space", "play or pause"),
    Control("stage", "stage", (pygame.K_RIGHT, pygame.K_PERIOD), "→", "one stage on"),
    Control("round", "round", (pygame.K_DOWN, pygame.K_n), "↓", "one round on"),
    Control("back", "back", (pygame.K_LEFT, pygame.K_COMMA), "←", "one stage back"),
    Control("slower", "–", (pygame.K_MINUS, pygame.K_KP_MINUS), "-", "half as fast, down to 1/8"),
    Control("faster", "+", (pygame.K_PLUS, pygame.K_EQUALS, pygame.K_KP_PLUS), "+", "twice as fast, up to 64 times"),
    Control("reset", "reset", (pygame.K_r, pygame.K_HOME), "R", "the same world from its founding"),
    Control("seed", "new seed", (pygame.K_s,), "S", "the world of the next seed"),
    Control("world", "next world", (pygame.K_w,), "W", "the next world; of a run, with the next seed's agents"),
    Control("select", "", (pygame.K_TAB,), "Tab", "look at the next agent (or click one)"),
    Control("seat", "seat", (pygame.K_t,), "T", "take over the seat of the chosen agent, or give it back"),
    Control("everything", "", (pygame.K_e,), "E", "in a seat: show everything, or only what one may see"),
    Control("branch", "branch", (pygame.K_b,), "B", "from here on anew, beside what was"),
    Control("picture", "picture", (pygame.K_p,), "P", "save a picture (.png)"),
    Control("film", "film", (pygame.K_v,), "V", "begin or end a film (.mp4)"),
    Control("keep", "replay", (pygame.K_l,), "L", "save a replay (.replay)"),
    Control("theme", "", (pygame.K_d,), "D", "dark or light"),
    Control("help", "?", (pygame.K_QUESTION, pygame.K_SLASH, pygame.K_h, pygame.K_F1), "?", "this help"),
    Control("quit", "", (pygame.K_q,), "Q", "close the window"),
)
BY_NAME = {control.name: control for control in CONTROLS}
SPEEDS = (-3, 6)  # powers of two


def of_key(key: int, typed: str) -> str:
    """The name of what a key does, "" if nothing. typed: what it writes; "?" is on other keys elsewhere."""
    if typed == "?":
        return "help"
    return next((control.name for control in CONTROLS if key in control.keys), "")


def speed_words(power: int) -> str:
    """1/8x ... 64x."""
    return f"{2**power}x" if power >= 0 else f"1/{2**-power}x"


class Bar:
    """The slider and the buttons below the picture."""

    def __init__(self) -> None:
        self.buttons: dict[str, Rect] = {}
        self.slider = Rect(0, 0, 0, 0)

    @staticmethod
    def height(zoom: float) -> int:
        """How much of the window it takes, in pixels."""
        return round(64 * zoom)

    def draw(self, canvas: Canvas, box: Rect, at: int, length: int, words: dict[str, str], lit: set[str],
             marked: int | None = None) -> None:  # fmt: skip
        """at, length: where time is. words: other words for some buttons. lit: buttons that are on. marked: a step."""
        theme = canvas.theme
        canvas.surface.fill(theme.panel, box)
        pygame.draw.line(canvas.surface, theme.line, box.topleft, box.topright)
        pad = canvas.u(12)
        self.slider = Rect(box.x + pad, box.y + canvas.u(4), box.w - 2 * pad, canvas.u(18))
        self._slide(canvas, at, length, marked)
        self.buttons = {}
        names = [control.name for control in CONTROLS if control.word]
        labels = {name: words.get(name, BY_NAME[name].word) for name in names}
        size, gap = canvas.u(12), canvas.u(5)
        inner = canvas.u(16)
        wide = {name: max(fonts.width(label, size, True) + inner, canvas.u(26)) for name, label in labels.items()}
        room = box.w - 2 * pad
        total = sum(wide.values()) + gap * (len(names) - 1)
        if total > room:  # narrower words, then fewer buttons: their keys work all the same
            shrink = max(0.62, (room - gap * (len(names) - 1)) / sum(wide.values()))
            wide = {name: max(round(w * shrink), canvas.u(22)) for name, w in wide.items()}
        x, y, tall = box.x + pad, box.y + canvas.u(27), canvas.u(29)
        for name in names:
            if x + wide[name] > box.right - pad:
                break
            rect = Rect(x, y, wide[name], tall)
            on = name in lit
            canvas.box(rect, theme.accent if on else theme.sunk, 6, None if on else theme.line)
            canvas.note("button", name, rect, box)
            canvas.text(labels[name], rect.inflate(-canvas.u(6), 0), 12, theme.panel if on else theme.ink, True,
                        "centre", 7)  # fmt: skip
            self.buttons[name] = rect
            x += wide[name] + gap

    def _slide(self, canvas: Canvas, at: int, length: int, marked: int | None) -> None:
        theme, slider = canvas.theme, self.slider
        track = Rect(slider.x, slider.centery - canvas.u(2), slider.w, canvas.u(4))
        canvas.box(track, theme.line, 2)
        share = at / length if length else 0.0
        x = slider.x + round(share * slider.w)
        canvas.box(Rect(track.x, track.y, max(1, x - track.x), track.h), theme.accent, 2)
        if marked is not None and length:
            spot = slider.x + round(marked / length * slider.w)
            tip, base = track.y - canvas.u(1), slider.y
            canvas.polygon([(spot, tip), (spot - canvas.u(5), base), (spot + canvas.u(5), base)], theme.deed("defect"))
        canvas.disc((x, track.centery), canvas.u(6), theme.accent)

    def hit(self, spot: tuple[int, int]) -> str:
        """The name of the button at a spot, "" where there is none."""
        return next((name for name, rect in self.buttons.items() if rect.collidepoint(spot)), "")

    def moment(self, spot: tuple[int, int], length: int) -> int:
        """The step that a spot on the slider stands for."""
        share = (spot[0] - self.slider.x) / max(self.slider.w, 1)
        return round(min(max(share, 0.0), 1.0) * length)


def help_sheet(canvas: Canvas, area: Rect) -> None:
    """Keys and what they do; marks and what they mean."""
    theme = canvas.theme
    shade = pygame.Surface(area.size, pygame.SRCALPHA, 32)
    shade.fill((*theme.ink, 110))
    canvas.surface.blit(shade, area)
    rows = max(len(CONTROLS), len(MEANING)) + 1
    line = min(canvas.u(24), (area.h - canvas.u(60)) // rows)
    sheet = Rect(0, 0, min(area.w - canvas.u(24), canvas.u(820)), line * rows + canvas.u(40))
    sheet.center = area.center
    canvas.box(sheet, theme.panel, 12, theme.line)
    inside = sheet.inflate(-canvas.u(40), -canvas.u(32))
    size = min(13.0, line * 0.55 / canvas.zoom)
    left = Rect(inside.x, inside.y, round(inside.w * 0.62), line)
    right = Rect(left.right, inside.y, inside.right - left.right, line)
    canvas.text("Keys", left, size + 2, theme.ink, True)
    canvas.text("Marks", right, size + 2, theme.ink, True)
    for k, control in enumerate(CONTROLS, 1):
        row = left.move(0, k * line)
        canvas.text(control.key_words, Rect(row.x, row.y, canvas.u(62), line), size, theme.accent, True)
        canvas.text(control.does, Rect(row.x + canvas.u(66), row.y, row.w - canvas.u(76), line), size, shrink=8)
    side = 2 * (round(line * 0.8) // 2)
    for k, (kind, words) in enumerate(MEANING.items(), 1):
        row = right.move(0, k * line)
        canvas.put(mark(kind, side, theme.soft), (row.x + side / 2, row.centery))
        canvas.text(words, Rect(row.x + side + canvas.u(8), row.y, row.w - side - canvas.u(8), line), size, shrink=8)
