"""What a window looks like: the show, whatever stands beside or below it, the bar, a message."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pygame import Rect

from .canvas import Canvas
from .controls import Bar, help_sheet, speed_words
from .frame import Painter
from .inspector import inspector
from .seat import from_inside

if TYPE_CHECKING:
    from .window import Window

DESIGN = (1100, 700)  # what a window is drawn for; larger ones are drawn larger
TOLD_FOR = 4.0  # seconds that a message stays


def zoom_for(size: tuple[int, int]) -> float:
    """How large things are drawn in a window of so many pixels."""
    return min(max(min(size[0] / DESIGN[0], size[1] / DESIGN[1]), 0.8), 3.0)


class Pane:
    """Draws a window as it stands; changes nothing of it but where its buttons lie."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self.painter, self.beside_painter = Painter(window.show.game), Painter(window.show.game)
        size = window.size or DESIGN
        self.canvas = Canvas(size, window.theme, zoom_for(size))
        self._same = 0
        self._scenes: tuple[Any, Any] = (None, None)
        self._liked: tuple[Any, Any] = (None, None)

    def forget(self) -> None:
        """The show has been changed otherwise than by a step."""
        self._scenes, self._same = (None, None), 0

    def agent_at(self, spot: tuple[int, int]) -> int | None:
        """Who was drawn at a place, None for nobody."""
        places = ((i, self.painter.view.place_of(i)) for i in range(self.window.show.game.n_agents))
        return next((i for i, rect in places if rect is not None and rect.collidepoint(spot)), None)

    def look(self, size: tuple[int, int], now: float) -> tuple[Any, ...]:
        """What decides how the next frame looks: where nothing of it has changed, nothing is drawn."""
        window, show = self.window, self.window.show
        line, choices = show.timeline, window.choices
        seconds = int(now) if window.limit and show.waiting_for else 0
        thinking = window.thinker.busy and now - window.turn_since > 0.5
        told = window.message if now - window.told_at < TOLD_FOR else "", thinking
        return (
            size, line.number, line.at, len(line), self._progress(now), self._opened(now), window.selected,
            window.playing, window.power, window.helping, window.everything, window.theme.name, told, seconds,
            choices.amount, window.film is None, id(window.beside), tuple(show.guests.items()), tuple(show.minds.names),
            getattr(show.minds, "episode", None),
        )  # fmt: skip

    def _progress(self, now: float) -> float:
        """How far the last stage's deeds have got."""
        window = self.window
        return min(1.0, 2 * (now - window.stepped_at) / window.period())

    def draw(self, size: tuple[int, int], now: float) -> Canvas:
        """The whole window."""
        window, canvas = self.window, self.canvas
        if canvas.rect.size != tuple(size) or canvas.theme is not window.theme:
            self.canvas = canvas = Canvas(size, window.theme, zoom_for(size))
        scene, other = self._moment(now)
        low = Bar.height(canvas.zoom)
        area = Rect(0, 0, size[0], size[1] - low)
        waiting, inside = window.show.waiting_for, window.inside()
        if waiting:
            tall = min(window.choices.height(canvas, size[0], scene, waiting[0]), size[1] // 2)
            row = Rect(0, area.bottom - tall, size[0], tall)
            area.h -= tall
        progress = self._progress(now)
        if inside is not None:
            canvas.surface.fill(window.theme.paper, area)
            from_inside(canvas, area, scene, inside)
        elif other is not None:
            half = Rect(area.x, area.y, area.w // 2, area.h)
            self.painter.paint(canvas, scene, progress, half)
            self.beside_painter.paint(canvas, other, progress, half.move(half.w, 0))
        else:
            self.painter.paint(canvas, scene, progress, area, self._aside(scene))
        if waiting:
            left = window.limit - (now - window.turn_since) if window.limit else None
            window.choices.draw(canvas, row, scene, waiting[0], left)
        self._draw_bar(canvas, Rect(0, size[1] - low, size[0], low))
        if window.helping:
            help_sheet(canvas, Rect(0, 0, *size))
        self._draw_status(canvas, area, now)
        return canvas

    def _moment(self, now: float) -> tuple[Any, Any]:
        """The scenes to draw, made anew only where something has happened."""
        window, show = self.window, self.window.show
        line = show.timeline
        opened = self._opened(now)
        key = line.number, line.at, line.chronicle.number, opened, tuple(show.guests), tuple(show.minds.names)
        if self._scenes[0] != key:
            self._scenes = key, (show.scene(opened), None if window.beside is None else window.beside.scene())
        return self._scenes[1]

    def _opened(self, now: float) -> bool:
        """Whether an episode's last frame has been seen long enough by somebody who has to go on in the next."""
        window = self.window
        return bool(window.show.waiting_for) and now - window.stepped_at > min(window.period(), 2.0)

    def _aside(self, scene: Any) -> Callable[[Canvas, Rect], None] | None:
        window, show = self.window, self.window.show
        if window.selected is None:
            return None
        agent = window.selected
        key = self._scenes[0], agent
        if self._liked[0] != key and not window.thinker.busy:  # two threads in one mind would disturb each other
            deciding = not scene.over and bool(scene.acting[agent])
            likes = show.minds.likes(show.timeline.simulator, agent) if deciding else None
            self._liked = key, likes
        likes = self._liked[1] if self._liked[0] == key else None
        return lambda canvas, box: inspector(canvas, box, scene, agent, likes)

    def _draw_bar(self, canvas: Canvas, box: Rect) -> None:
        window, show = self.window, self.window.show
        line = show.timeline
        words = {"play": "pause" if window.playing else "play", "faster": f"+ {speed_words(window.power)}"}
        agent = window.selected if window.selected is not None else min(show.guests, default=0)
        words["seat"] = "give back" if agent in show.guests else "take seat"
        lit = {"play"} if window.playing else set()
        lit |= ({"film"} if window.film is not None else set()) | ({"seat"} if agent in show.guests else set())
        window.bar.draw(canvas, box, line.at, max(len(line), 1), words, lit, self.difference())

    def difference(self) -> int | None:
        """The first step at which the show beside did something else, None where there is none yet."""
        window = self.window
        if window.beside is None:
            return None
        one, other = window.show.timeline.actions, window.beside.timeline.actions
        shared = min(len(one), len(other))
        self._same = min(self._same, shared)
        while self._same < shared and (one[self._same] == other[self._same]).all():
            self._same += 1
        return self._same if self._same < shared else None

    def _draw_status(self, canvas: Canvas, area: Rect, now: float) -> None:
        """A message, or what the window is waiting for."""
        window = self.window
        words = window.message if now - window.told_at < TOLD_FOR else ""
        following = getattr(window.show.minds, "episode", None)
        apart = self.difference()
        if not words and apart is not None:
            words = f"first difference at step {apart}"
        if not words and window.thinker.busy and now - window.turn_since > 0.5:
            words = "thinking …"
        if not words and following is not None:
            words = f"policies of training episode {following}"
        if words:
            spot = area.centerx, area.bottom - canvas.u(20)
            canvas.pill(words, spot, 13, window.theme.ink, window.theme.paper, area.w - canvas.u(24))
