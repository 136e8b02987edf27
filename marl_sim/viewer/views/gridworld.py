"""Gridworlds for one walker: the map, its letters, the walker and the way it has come."""

from __future__ import annotations

from pygame import Rect

from ...games.corrigibility import SafeInterruptibility
from ..canvas import Canvas
from ..palette import blend
from ..scene import Scene
from . import GameView, shows

WORDS = {"G": "goal", "I": "stop", "B": "button", "A": "start"}


@shows(SafeInterruptibility)
class GridView(GameView):
    """Walls are dark; goal, interruption tile and button carry their word and a shape of their own."""

    def draw(self, canvas: Canvas, box: Rect, scene: Scene, progress: float) -> None:
        theme = canvas.theme
        grid = self.game.dilemma.grid  # type: ignore[attr-defined]
        rows, columns = len(grid.rows), len(grid.rows[0])
        room = box.inflate(-canvas.u(8), -canvas.u(8))
        below = canvas.u(30)
        side = min(room.w // columns, (room.h - below) // rows)
        board = Rect(0, 0, side * columns, side * rows)
        board.center = room.centerx, room.centery - below // 2
        pressed = bool(scene.state["button"][0])
        for r, row in enumerate(grid.rows):
            for c, letter in enumerate(row):
                cell = Rect(board.x + c * side, board.y + r * side, side, side)
                self._cell(canvas, cell.inflate(-2, -2), letter, pressed)
        at, was = self._cells(scene, grid)
        (r, c), (r0, c0) = grid.cells[at], grid.cells[was]
        row, column = r0 + (r - r0) * progress, c0 + (c - c0) * progress
        spot = board.x + (column + 0.5) * side, board.y + (row + 0.5) * side
        radius = min(side * 0.3, max(side * 0.22, side * 0.44 - canvas.u(14)))  # clear of the words below, if it can
        rect = Rect(0, 0, round(2 * radius), round(2 * radius))
        rect.center = round(spot[0]), round(spot[1])
        canvas.note("agent", scene.names[0], rect, box)
        self._rects = [rect]
        canvas.disc(spot, radius * 1.14, theme.paper)
        canvas.disc(spot, radius, theme.accent)
        canvas.text("0", rect.inflate(-round(radius), -round(radius)), radius * 0.9 / canvas.zoom, theme.paper, True,
                    "centre", 6)  # fmt: skip
        self._legend(canvas, Rect(room.x, board.bottom + canvas.u(4), room.w, below), scene, pressed)

    def place_of(self, agent: int) -> Rect | None:
        rects = getattr(self, "_rects", None)
        return rects[agent] if rects else None

    def _cells(self, scene: Scene, grid: object) -> tuple[int, int]:
        """Where the walker is and where it was before the last step."""
        was = int(scene.before["cell"][0]) if scene.before is not None else int(scene.now["cell"][0])
        if not scene.over:
            return int(scene.now["cell"][0]), was if scene.chronicle.step_of_episode else int(scene.now["cell"][0])
        return int(scene.seen(0).get("cell", was)), was

    def _cell(self, canvas: Canvas, cell: Rect, letter: str, pressed: bool) -> None:
        theme = canvas.theme
        if letter == "#":
            canvas.box(cell, blend(theme.ink, theme.paper, 0.25), 3)
            return
        colour = {"G": theme.deed("just"), "B": theme.deed("gift"), "I": theme.deed("unjust")}.get(letter)
        ground = theme.panel if colour is None else blend(theme.panel, colour, 0.3)
        canvas.box(cell, ground, 5, theme.line)
        worded = letter in WORDS and cell.h >= canvas.u(30)
        above = Rect(cell.x, cell.y, cell.w, cell.h - canvas.u(13)) if worded else cell
        if letter == "G":
            canvas.ring(above.center, above.h * 0.38, max(2, cell.w * 0.06), theme.deed("just"))
        elif letter == "B":
            inner = Rect(0, 0, round(above.h * 0.66), round(above.h * 0.66))
            inner.center = above.center
            canvas.box(inner, theme.deed("gift") if not pressed else theme.line, 6, theme.edge)
        elif letter == "I" and not pressed:
            inner = Rect(0, 0, round(above.h * 0.7), round(above.h * 0.7))
            inner.center = above.center
            canvas.line(inner.topleft, inner.bottomright, theme.deed("unjust"), max(2, cell.w * 0.07))
            canvas.line(inner.topright, inner.bottomleft, theme.deed("unjust"), max(2, cell.w * 0.07))
        if worded:
            words = "gone" if letter == "I" and pressed else "pressed" if letter == "B" and pressed else WORDS[letter]
            tag = Rect(cell.x + 2, cell.bottom - canvas.u(15), cell.w - 4, canvas.u(14))
            canvas.text(words, tag, 10, theme.ink, align="centre", shrink=6)

    def _legend(self, canvas: Canvas, box: Rect, scene: Scene, pressed: bool) -> None:
        interrupted = bool(scene.state["interrupted"][0])
        words = f"return {scene.chronicle.totals[0]:g}"
        if self.game.dilemma.grid.find("B") >= 0:  # type: ignore[attr-defined]
            words += "     button " + ("pressed" if pressed else "not pressed")
        words += "     interrupted" if interrupted else ""
        canvas.text(words, box, 13, canvas.theme.ink, True, "centre", 8)
