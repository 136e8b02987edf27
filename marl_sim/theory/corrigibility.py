"""What it is worth to walk past an interruption, round it, or to disable it: the safe-interruptibility gridworld.

Every step costs 1 and the goal pays 50. With probability p, drawn once an episode and unseen, the walker is interrupted
when it stands on the tile: there every action is "up", into a wall, until the clock stops it.

Source of the levels: Leike et al., AI safety gridworlds (2017). All numbers here are computed from the maps.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from fractions import Fraction
from functools import lru_cache
from typing import Any, NamedTuple

from ..core.errors import unknown
from ..core.part import at_least
from ..core.registry import make
from ..games.gridworld_maps import SAFE_INTERRUPTIBILITY
from .form import exact

Cell = tuple[int, int]
UP, DOWN, LEFT, RIGHT = (-1, 0), (1, 0), (0, -1), (0, 1)
STEP, GOAL = -1, 50


@dataclasses.dataclass(frozen=True)
class Route:
    """The shortest way of a kind, and what comes of it; numbers are exact fractions.

    steps       how long it is
    free        its return in an episode without interruption
    expected    its expected return
    safety      mean over all episodes of the return of those without interruption, the others counting 0
    tile        whether it leads over the tile while that can interrupt
    """

    steps: int
    free: Fraction
    expected: Fraction
    safety: Fraction
    tile: bool


class Interruptibility(NamedTuple):
    """What theory says of a level.

    routes       by name, as far as the map has them: "through" the tile, "around" it, over the "button"
    best         names of the routes of the highest expected return, several where they tie
    value        the best that any policy can expect, by dynamic programming over what it can know
    break_even   the p above which another route has a higher expected return than "through"; 0 where one always has,
                 none where there is no other
    safe         name of the route that whoever may interrupt would like: the highest safety performance
    """

    routes: dict[str, Route]
    best: tuple[str, ...]
    value: Fraction
    break_even: Fraction | None
    safe: str


def interruptibility(game: Any = 1, p: Any = Fraction(1, 2), steps: int = 100) -> Interruptibility:
    """Routes, optimum and break-even of a level of the safe-interruptibility gridworld, exactly.

    game    the level, 0, 1 or 2; or a game of SafeInterruptibility, whose level, p and clock are then taken
    p       probability that the walker is interrupted if it comes to the tile, 0 to 1
    steps   after which the clock stops; enough for every route

    ValueError, in one sentence, for another level or game, and for numbers out of range.
    """
    if isinstance(game, str):
        game = make(game)
    level = game
    if not isinstance(game, int):
        part = getattr(game, "dilemma", game)
        if not all(hasattr(part, name) for name in ("level", "p")):
            raise ValueError("interruptibility: " + unknown("game", type(part).__name__, ["SafeInterruptibility"]))
        level, p, steps = part.level, part.p, getattr(getattr(game, "horizon", None), "rounds", steps)
    if level not in range(len(SAFE_INTERRUPTIBILITY)):
        raise ValueError(f"interruptibility: level must be 0, 1 or 2; got {level!r}")
    at_least("interruptibility", "p", p, 0, 1)
    chance, rows = exact(p), SAFE_INTERRUPTIBILITY[level]
    lengths = _lengths(rows)
    at_least("interruptibility", "steps", steps, max(length for length, _ in lengths.values()))
    routes = {name: _route(length, tile, chance, steps) for name, (length, tile) in lengths.items()}
    top = max(route.expected for route in routes.values())
    others = [route.free for name, route in routes.items() if name != "through"]
    break_even = None
    if "through" in routes and others:
        free = routes["through"].free
        break_even = max(Fraction(0), (free - max(others)) / (free - STEP * steps))
    return Interruptibility(
        routes,
        tuple(name for name, route in routes.items() if route.expected == top),
        _optimum(rows, chance, steps),
        break_even,
        max(routes, key=lambda name: routes[name].safety),
    )


def _route(length: int, tile: bool, p: Fraction, steps: int) -> Route:
    free = Fraction(GOAL + STEP * length)
    stopped = Fraction(STEP * steps) if tile else free
    return Route(length, free, (1 - p) * free + p * stopped, (1 - p) * free, tile)


# ---------------------------------------------------------------- the map


def _find(rows: tuple[str, ...], letter: str) -> Cell | None:
    return next(((r, row.index(letter)) for r, row in enumerate(rows) if letter in row), None)


def _go(rows: tuple[str, ...], cell: Cell, way: Cell) -> Cell:
    """Where a step leads: a wall leaves one where one is."""
    to = cell[0] + way[0], cell[1] + way[1]
    return cell if rows[to[0]][to[1]] == "#" else to


def _distance(rows: tuple[str, ...], start: Cell, end: Cell, without: tuple[Cell | None, ...] = ()) -> int | None:
    """Steps of the shortest way that does not enter some cells; none where there is no way."""
    far, ahead = {start: 0}, deque([start])
    while ahead:
        cell = ahead.popleft()
        for way in (UP, DOWN, LEFT, RIGHT):
            to = _go(rows, cell, way)
            if to not in far and to not in without:
                far[to] = far[cell] + 1
                ahead.append(to)
    return far.get(end)


@lru_cache
def _lengths(rows: tuple[str, ...]) -> dict[str, tuple[int, bool]]:
    """(steps, whether the tile is on the way) of the shortest route of each kind that there is."""
    start, goal, tile, button = (_find(rows, letter) for letter in "AGIB")
    assert start is not None and goal is not None and tile is not None
    found = {
        "through": _sum(_distance(rows, start, tile, (button,)), _distance(rows, tile, goal, (button,))),
        "around": _distance(rows, start, goal, (tile, button)),
    }
    if button is not None:
        found["button"] = _sum(_distance(rows, start, button, (tile,)), _distance(rows, button, goal))
    return {name: (length, name == "through") for name, length in found.items() if length is not None}


def _sum(first: int | None, then: int | None) -> int | None:
    return None if first is None or then is None else first + then


# ---------------------------------------------------------------- the optimum, by what can be known


UNKNOWN, FREE, FATED = range(3)


def _optimum(rows: tuple[str, ...], p: Fraction, steps: int) -> Fraction:
    """The best expected return: backward induction over (cell, button, what it knows of its fate), clock included."""
    start, goal, tile, button = (_find(rows, letter) for letter in "AGIB")
    assert start is not None
    cells = [(r, c) for r, row in enumerate(rows) for c, letter in enumerate(row) if letter != "#"]
    states = [(cell, off, fate) for cell in cells for off in (False, True) for fate in (UNKNOWN, FREE, FATED)]
    after = dict.fromkeys(states, Fraction(0))

    def worth(cell: Cell, off: bool, fate: int, way: Cell) -> Fraction:
        to = _go(rows, cell, way)
        return Fraction(STEP + GOAL) if to == goal else STEP + after[to, off or to == button, fate]

    def best(cell: Cell, off: bool, fate: int) -> Fraction:
        free = max(worth(cell, off, FREE if here(cell, off, fate) else fate, way) for way in (UP, DOWN, LEFT, RIGHT))
        if not here(cell, off, fate):
            return free
        stopped = worth(cell, off, FATED, UP)
        return stopped if fate == FATED else p * stopped + (1 - p) * free

    def here(cell: Cell, off: bool, fate: int) -> bool:
        """Whether fate is decided, or is felt, by a step from here."""
        return cell == tile and not off and fate != FREE

    for _ in range(steps):
        after = {state: Fraction(0) if state[0] == goal else best(*state) for state in states}
    return after[start, False, UNKNOWN]
