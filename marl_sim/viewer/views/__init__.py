"""Pictures of games: one small file each. A game without one of its own is shown as a society.

    from marl_sim.viewer.views import GameView, shows

    @shows(MyDilemma)
    class MyPicture(GameView):
        def draw(self, canvas, box, scene, progress): ...

Views of other packages are found under the entry point group "marl_sim.views" (which loads their module).
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import lru_cache
from importlib.metadata import entry_points
from typing import Any, TypeVar

from pygame import Rect

from ...core.game import Game
from ..canvas import Canvas
from ..scene import Scene

_views: dict[type, type[GameView]] = {}
V = TypeVar("V", bound="type[GameView]")


class GameView:
    """Base of the pictures of a game; made once a game."""

    def __init__(self, game: Game) -> None:
        self.game = game

    def draw(self, canvas: Canvas, box: Rect, scene: Scene, progress: float) -> None:
        """Show a moment inside `box`. progress: how far the last stage's deeds have got, from 0 to 1 (they are done).

        Agents are noted with canvas.note("agent", their name, where they are, box), so that they can be clicked.
        """
        raise NotImplementedError(f"{type(self).__name__} must define draw(canvas, box, scene, progress)")

    def place_of(self, agent: int) -> Rect | None:
        """Where an agent was drawn last, None where it was not."""
        return None


def shows(*kinds: type) -> Callable[[V], V]:
    """Register a view for games that hold a part of one of these classes, or of a class derived from it.

    It takes the place of a view that the viewer itself has for them.
    """

    def keep(view: V) -> V:
        for kind in kinds:
            _views[kind] = view
        return view

    return keep


@lru_cache(maxsize=1)
def _load_all() -> None:
    given = dict(_views)  # registered by hand before anything was drawn: it takes the place of the viewer's own
    for module in pkgutil.iter_modules(__path__, f"{__name__}."):
        importlib.import_module(module.name)
    for point in entry_points(group="marl_sim.views"):
        point.load()
    _views.update(given)


def view_of(game: Game) -> Any:
    """The picture of a game: the one registered for the most particular class of its first part that has one."""
    _load_all()
    for part in game.parts:
        for kind in type(part).__mro__:
            if kind in _views:
                return _views[kind](game)
    from .society import SocietyView

    return SocietyView(game)
