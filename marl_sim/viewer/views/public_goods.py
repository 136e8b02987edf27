"""Games of giving to a common cause: the pot in the middle, who gave how much and when, what came back."""

from __future__ import annotations

import math

import numpy as np
from pygame import Rect

from ...core.game import Game
from ...games.contributions import Contributions
from ..canvas import Canvas
from ..deeds import Deed
from ..layout import NAME, Places
from ..nodes import DIRECTED, bars, ease, flights, names, nodes
from ..scene import Scene
from . import shows
from .society import SocietyView


@shows(Contributions)
class PublicGoodsView(SocietyView):
    """A pot that fills as agents give; beside each agent its turn and its gift, and once all have given its return."""

    hollow = 0.44  # the pot, and room for the gifts on their way to it

    def __init__(self, game: Game) -> None:
        super().__init__(game)
        self.part = game.dilemma  # type: ignore[attr-defined]
        self._money = {} if self.part.box else dict(zip(self.part.words(), self.part.amounts().tolist()))

    def draw(self, canvas: Canvas, box: Rect, scene: Scene, progress: float) -> None:
        places = self.places(canvas, box)
        gifts = {deed.agent: (turn, deed) for turn, deed in enumerate(self._gifts(scene))}
        fresh = {deed.agent for deed in scene.chronicle.deeds if deed.kind in ("give", "cooperate", "defect")}
        pot = self._pot(canvas, box)
        returned = scene.chronicle.deeds and self._returned(scene)
        for agent, (_, deed) in gifts.items():
            self._stream(canvas, places, pot, agent, self._share(deed), progress if agent in fresh else 1.0)
        self._draw_pot(canvas, pot, scene, [deed for _, deed in gifts.values()])
        self._rects = nodes(canvas, scene, places, box)
        flying = [deed for deed in scene.chronicle.deeds if deed.kind in DIRECTED and deed.target >= 0]
        bars(canvas, places, scene.chronicle.totals)
        flights(canvas, places, flying, progress)
        self._amount(canvas, pot, [deed for _, deed in gifts.values()])
        names(canvas, scene, places, box)
        for agent, (turn, deed) in gifts.items():
            self._gift(canvas, places, pot, agent, turn, deed, bool(flying))
        if returned:
            for agent in range(self.game.n_agents):
                self._return(canvas, places, pot, agent, float(returned[agent]))

    # ------------------------------------------------------------ what is shown

    def _gifts(self, scene: Scene) -> list[Deed]:
        """This round's contributions in the order in which they were made."""
        kinds = {"give", "cooperate", "defect"}
        return [deed for deed in scene.chronicle.of_round if deed.kind in kinds]

    def _share(self, deed: Deed) -> float:
        """A gift as a share of the most that can be given."""
        return self._money.get(deed.word, deed.amount) / self.part.stake

    def _returned(self, scene: Scene) -> list[float] | None:
        """What came back to each with the last stage, if it settled the round's gifts: its pay above what it kept."""
        gifts = self._gifts(scene)
        last = {deed.agent for deed in scene.chronicle.deeds if deed.kind in ("give", "cooperate", "defect")}
        if len(gifts) < self.game.n_agents or not last:
            return None
        paid = sum((scene.chronicle.last[name] for name in self.part.rewards if name in scene.chronicle.last),
                   np.zeros(self.game.n_agents))  # fmt: skip
        return paid.tolist()

    # ------------------------------------------------------------ how

    def _pot(self, canvas: Canvas, box: Rect) -> Rect:
        side = round(min(box.w, box.h) * self.hollow * 0.7)
        pot = Rect(0, 0, side, round(side * 0.86))
        pot.center = box.center
        return pot

    def _draw_pot(self, canvas: Canvas, pot: Rect, scene: Scene, gifts: list[Deed]) -> None:
        theme = canvas.theme
        share = sum(map(self._share, gifts)) / self.game.n_agents
        canvas.note("pot", "pot", pot)
        canvas.box(pot, theme.panel, 14, theme.edge)
        inside = pot.inflate(-canvas.u(8), -canvas.u(8))
        level = Rect(inside.x, inside.bottom - round(inside.h * min(share, 1.0)), inside.w, 0)
        level.h = inside.bottom - level.y
        if level.h > 2:
            canvas.box(level, theme.deed("give"), 8)
        threshold = getattr(self.part, "threshold", None)
        if isinstance(threshold, int | float) and threshold > 0:
            need = min(1.0, float(threshold) / (self.game.n_agents * self.part.stake))
            y = round(inside.bottom - need * inside.h)
            canvas.line((inside.x, y), (inside.right, y), theme.ink, 2)

    def _amount(self, canvas: Canvas, pot: Rect, gifts: list[Deed]) -> None:
        """How much is in the pot, over whatever crosses it."""
        theme, tall = canvas.theme, round(pot.h * 0.3)
        share = sum(map(self._share, gifts)) / self.game.n_agents
        words = f"{share * self.game.n_agents * self.part.stake:.3g}"
        plate = Rect(0, 0, round(pot.w * 0.62), tall)
        plate.center = pot.center
        canvas.pill(words, plate.center, min(20.0, tall * 0.5 / canvas.zoom), theme.panel, theme.ink, plate.w)

    def _stream(self, canvas: Canvas, places: Places, pot: Rect, agent: int, share: float, progress: float) -> None:
        """What flows from a giver to the pot: as thick as the gift is large."""
        if share <= 0:
            return
        (x, y), gone = places.centres[agent].tolist(), ease(progress)
        tip = x + (pot.centerx - x) * gone, y + (pot.centery - y) * gone
        canvas.line((x, y), tip, canvas.theme.deed("give"), max(1.0, share * places.radius * 0.55))

    def _gift(self, canvas: Canvas, places: Places, pot: Rect, agent: int, turn: int, deed: Deed, aside: bool) -> None:
        """The gift's size, on the way to the pot, with its turn where agents move one after another.

        aside: at the pot, since later deeds take the way.
        """
        x, y = places.centres[agent].tolist()
        across, down = pot.centerx - x, pot.centery - y
        length = math.hypot(across, down) or 1.0
        # between where the agent ends, with its name, and where the pot begins
        named = NAME * canvas.zoom * max(0.0, down / length) if places.named else 0.0
        first, last = places.radius * 1.12 + named, length - pot.w * 0.5
        far = (last if aside else (first + last) / 2) / length
        words = f"{self._share(deed) * self.part.stake:.3g}"
        if self.part.in_order:
            words = f"{turn + 1}. {words}"
        size = max(7.0, min(12.0, places.radius * 0.42 / canvas.zoom))
        canvas.pill(words, (x + across * far, y + down * far), size, canvas.theme.panel, canvas.theme.ink, edge=True)

    def _return(self, canvas: Canvas, places: Places, pot: Rect, agent: int, paid: float) -> None:
        """What the round paid, at the agent's left, on the side away from the pot."""
        size = max(7.0, min(12.0, places.radius * 0.4 / canvas.zoom))
        x, y = places.centres[agent].tolist()
        side = 0.85 if pot.centery < y else -0.85
        good = canvas.theme.deed("cooperate") if paid >= 0 else (150, 60, 0)
        spot = x - places.radius * 0.75, y + places.radius * side
        canvas.pill(f"{paid:+.3g}", spot, size, good, (255, 255, 255))
