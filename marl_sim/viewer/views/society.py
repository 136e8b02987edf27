"""Any game of people: who is who, who met whom, who did what to whom, who is thought of how, who has how much."""

from __future__ import annotations

import numpy as np
from pygame import Rect

from ..canvas import Canvas
from ..layout import Places, ring
from ..nodes import bars, edges, marks_of, nodes
from ..scene import Scene
from . import GameView


class SocietyView(GameView):
    """Agents on a ring.

    Edges: how often two have met; in the accent colour who faces whom now. Disc: the agent, haloed if it decides now.
    Ring: its reputation, full if it is the best. Bar: its payoff in this episode. Marks: the deeds of the last stage.
    """

    hollow = 0.0  # side of a free square in the middle, as a share of the shorter side

    def draw(self, canvas: Canvas, box: Rect, scene: Scene, progress: float) -> None:
        places = self.places(canvas, box)
        edges(canvas, scene, places, box, progress < 1.0)
        self._rects = nodes(canvas, scene, places, box)
        bars(canvas, places, scene.chronicle.totals)
        marks_of(canvas, scene, places, box, progress)

    def places(self, canvas: Canvas, box: Rect) -> Places:
        """Where the agents stand in a box."""
        found = ring(self.game.n_agents, box.w, box.h, canvas.zoom, self.hollow)
        return found._replace(centres=found.centres + np.array(box.topleft, dtype=float))

    def place_of(self, agent: int) -> Rect | None:
        rects = getattr(self, "_rects", None)
        return rects[agent] if rects else None
