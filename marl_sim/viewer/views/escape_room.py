"""The escape room: who stands at the start, at the lever and at the door, and who is out."""

from __future__ import annotations

import math

import numpy as np
from pygame import Rect

from ...core.game import Game
from ...games.escape_room import DOOR, LEVER, PLACES, EscapeRoom
from ..canvas import Canvas
from ..layout import DOWN, LARGEST, NAME, NAMED_FROM, UP, WIDE, Places
from ..nodes import DIRECTED, bars, ease, flights, nodes
from ..palette import Colour, blend
from ..scene import Scene
from . import GameView, shows

OUT = len(PLACES)  # beyond the door
HEAD = 54  # height of what stands above a place, in units


@shows(EscapeRoom)
class EscapeRoomView(GameView):
    """Three places side by side and the outside, each agent on a spot of its own in all four; a lever that tilts and a
    gate that rises once enough pull; beside each agent what the last move paid it."""

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self.part: EscapeRoom = game.dilemma  # type: ignore[attr-defined]

    def draw(self, canvas: Canvas, box: Rect, scene: Scene, progress: float) -> None:
        was, now, pulling = self._moves(scene)
        opened = pulling >= self.part.levers
        gone = [place == DOOR and opened for place in now]
        there = [OUT if out else place for out, place in zip(gone, now)]
        rooms = self._rooms(canvas, box)
        moved = ease(progress)
        self._places(canvas, rooms, scene, pulling, sum(gone), moved)
        spots = self._spots(canvas, rooms)
        ways = [spots[a].centres[i] + (spots[b].centres[i] - spots[a].centres[i]) * moved
                for i, (a, b) in enumerate(zip(was, there))]  # fmt: skip
        places = spots[0]._replace(centres=np.array(ways))
        self._rects = nodes(canvas, scene, places, box)
        bars(canvas, places, scene.chronicle.totals)
        for i in range(self.game.n_agents):
            self._name(canvas, scene, places, i)
        if places.named and progress >= 1 and scene.played is not None and scene.played.kind == "play":
            for i in range(self.game.n_agents):
                self._paid(canvas, places, i, float(scene.chronicle.last["payoff"][i]))
        flying = [deed for deed in scene.chronicle.deeds if deed.kind in DIRECTED and deed.target >= 0]
        flights(canvas, places, flying, progress)

    def place_of(self, agent: int) -> Rect | None:
        rects = getattr(self, "_rects", None)
        return rects[agent] if rects else None

    # ------------------------------------------------------------ what is shown

    def _moves(self, scene: Scene) -> tuple[list[int], list[int], int]:
        """Where each was before the last stage and is after it, and how many pull in this round."""
        here = scene.state["place"].tolist()
        went = {deed.agent: PLACES.index(deed.word) for deed in scene.chronicle.of_round if deed.word in PLACES}
        if not went:
            return here, here, 0
        now = [went.get(i, place) for i, place in enumerate(here)]
        just_now = scene.before is not None and scene.played is not None and scene.played.kind == "play"
        was = scene.before["place"].tolist() if just_now and scene.before is not None else now
        pulling = sum(place == LEVER for place in went.values())
        if not just_now and pulling >= self.part.levers:  # they went out with the move, some stages ago
            was = [OUT if place == DOOR else place for place in now]
        return was, now, pulling

    # ------------------------------------------------------------ the room

    def _rooms(self, canvas: Canvas, box: Rect) -> list[Rect]:
        """Start, lever, door, and the outside behind the gate."""
        gap, wall = canvas.u(6), canvas.u(18)
        wide = (box.w - 2 * gap - wall) // 4
        lefts = [box.x, box.x + wide + gap, box.x + 2 * (wide + gap), box.right - wide]
        return [Rect(left, box.y, wide, box.h) for left in lefts]

    def _places(self, canvas: Canvas, rooms: list[Rect], scene: Scene, pulling: int, gone: int, moved: float) -> None:
        theme, needed = canvas.theme, self.part.levers
        opened = pulling >= needed
        lit = moved if opened else 0.0
        blue, green = theme.deed("cooperate"), theme.deed("just")
        tints = [theme.panel, blend(theme.panel, blue, 0.08 + 0.14 * lit), theme.panel,
                 blend(theme.sunk, green, 0.05 + 0.2 * lit)]  # fmt: skip
        words = ["start", "lever", "door", "out"]
        if rooms[0].w >= canvas.u(80):
            pays = [f"a move costs {self.part.cost:g}", f"{pulling} pulling, {needed} needed"]
        else:
            pays = [f"{-self.part.cost:g}", f"{pulling} of {needed}"]
        pays += ["open" if opened else "shut", f"{gone} out" if gone else f"worth {self.part.success:g}"]
        for k, room in enumerate(rooms):
            canvas.box(room, tints[k], 12, theme.line)
            head = Rect(room.x + canvas.u(8), room.y + canvas.u(6), room.w - canvas.u(16), self._head(canvas, room))
            title = Rect(head.x, head.y, head.w, round(head.h * 0.6))
            canvas.text(
                pays[k], Rect(head.x, title.bottom, head.w, head.bottom - title.bottom), 12, theme.ink, shrink=7
            )
            if k == LEVER and title.w >= canvas.u(72):
                self._lever(canvas, title, lit)
                title.w -= round(title.h * 1.2)
            canvas.text(words[k], title, 16, theme.ink, True, shrink=8)
        self._gate(canvas, Rect(rooms[DOOR].right, rooms[DOOR].y, rooms[OUT].x - rooms[DOOR].right, rooms[DOOR].h),
                   green if opened else theme.deed("defect"), lit)  # fmt: skip

    def _head(self, canvas: Canvas, room: Rect) -> int:
        return min(canvas.u(HEAD), room.h // 4)

    def _lever(self, canvas: Canvas, head: Rect, lit: float) -> None:
        """An arm on a plate, upright to the left until enough pull."""
        theme = canvas.theme
        size = head.h
        foot = head.right - size * 0.5, head.bottom - size * 0.16
        angle = math.radians(-42 + 84 * lit)
        knob = foot[0] + math.sin(angle) * size * 0.62, foot[1] - math.cos(angle) * size * 0.62
        colour = blend(theme.edge, theme.deed("cooperate"), lit)
        canvas.line(foot, knob, theme.soft, max(4.5, size * 0.12))
        canvas.disc(knob, size * 0.16, colour)
        plate = Rect(0, 0, round(size * 0.7), max(4, round(size * 0.2)))
        plate.center = round(foot[0]), round(foot[1])
        canvas.box(plate, theme.soft, 4)

    def _gate(self, canvas: Canvas, wall: Rect, colour: Colour, lit: float) -> None:
        """Two posts, and between them bars that rise out of the way."""
        post = max(3, wall.w // 3)
        middle = wall.centerx
        head = canvas.u(12)
        low = wall.bottom - canvas.u(6)
        end = round(low - (low - wall.y - head) * 0.9 * lit)
        leaf = Rect(middle - post // 2, wall.y + head, post, max(4, end - wall.y - head))
        canvas.note("gate", "gate", leaf)
        canvas.line((middle, wall.y), (middle, low), canvas.theme.edge, 1)
        canvas.box(leaf, colour, 3)
        beam = Rect(wall.x + 2, wall.y, wall.w - 4, head)
        canvas.box(beam, canvas.theme.soft, 3)
        canvas.box(Rect(wall.x + 2, low, wall.w - 4, wall.bottom - low), canvas.theme.soft, 3)

    # ------------------------------------------------------------ the agents

    def _spots(self, canvas: Canvas, rooms: list[Rect]) -> list[Places]:
        """A spot for every agent in every place, the same in each: as large as all of them fit into one."""
        n, top = self.game.n_agents, canvas.u(6) + self._head(canvas, rooms[0])
        floor = Rect(0, 0, rooms[0].w - canvas.u(6), rooms[0].h - top - canvas.u(6))
        best, columns = 0.0, 1
        for tried in range(1, n + 1):
            radius = self._radius(canvas, floor.w / tried, floor.h / math.ceil(n / tried))
            if radius > best:
                best, columns = radius, tried
        named, rows = best >= NAMED_FROM * canvas.zoom, math.ceil(n / columns)
        at = np.arange(n)
        high = min(floor.h / rows, canvas.u(132))
        x = floor.w / columns * (at % columns + 0.5)
        y = (floor.h - high * rows) / 2 + high * (at // columns + 0.5) - (NAME * canvas.zoom / 2 if named else 0)
        return [Places(np.stack([room.x + canvas.u(3) + x, room.y + top + y], 1), best, named) for room in rooms]

    def _radius(self, canvas: Canvas, wide: float, high: float) -> float:
        """The largest that fits a cell with its bar, and with its name if it is large enough to have one."""
        bare = min(wide / (2 * WIDE), high / (UP + DOWN), LARGEST * canvas.zoom)
        named = min(bare, (high - NAME * canvas.zoom) / (UP + DOWN))
        least = NAMED_FROM * canvas.zoom
        return named if named >= least else min(bare, least * 0.99)

    def _name(self, canvas: Canvas, scene: Scene, places: Places, i: int) -> None:
        """Below the agent, on whichever floor it stands."""
        if places.named:
            (x, y), r = places.centres[i], places.radius
            line = Rect(0, round(y + r * DOWN), round(2 * r * 1.6), round(NAME * canvas.zoom))
            line.centerx = round(x)
            canvas.text(scene.names[i], line, 12, canvas.theme.ink, align="centre", shrink=9)

    def _paid(self, canvas: Canvas, places: Places, i: int, paid: float) -> None:
        """What the last move paid, at the agent's upper left."""
        if paid:
            x, y = places.centres[i]
            good = canvas.theme.deed("cooperate") if paid > 0 else (150, 60, 0)
            size = max(7.0, min(12.0, places.radius * 0.4 / canvas.zoom))
            canvas.pill(f"{paid:+.3g}", (x - places.radius * 0.75, y - places.radius * 0.8), size, good,
                        (255, 255, 255))  # fmt: skip
