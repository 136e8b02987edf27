"""Where agents stand: on one ring or two, as large as they can be without touching."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

LARGEST, SMALLEST = 44.0, 5.0  # of a node's radius, in pixels at zoom 1
WIDE, UP, DOWN = 1.62, 1.12, 1.12  # a node with its mark and bar reaches so many radii to each side, above and below
NAMED_FROM = 17.0  # nodes at least so large have their name below them
NAME = 18.0  # height of a name, in pixels at zoom 1


class Places(NamedTuple):
    """Centres float [n, 2] and the radius of all nodes; named: whether their names stand below them."""

    centres: np.ndarray
    radius: float
    named: bool


@lru_cache(maxsize=64)
def ring(n: int, width: int, height: int, zoom: float = 1.0, hollow: float = 0.0) -> Places:
    """`n` nodes in an area of width x height pixels, agent 0 above the middle, the others clockwise.

    hollow: side of a square in the middle that stays free, as a share of the area's shorter side.
    """
    best: Places | None = None
    for rings in (1,) if hollow else (1, 2, 3):
        if rings > 1 and n < 8 * rings:
            continue
        found = _largest(n, width, height, zoom, rings, hollow)
        # more rings hide who stands next to whom: they must be worth it
        if best is None or found.radius > best.radius * 1.15:
            best = found
    assert best is not None
    return best


def cells(places: Places, zoom: float = 1.0) -> np.ndarray:
    """What each node takes with its bar, mark and name: float [n, 4], left, top, right, bottom."""
    r, below = places.radius, NAME * zoom if places.named else 0.0
    reach = np.array([-WIDE * r, -UP * r, WIDE * r, DOWN * r + below])
    return np.tile(places.centres, 2) + reach


def _largest(n: int, width: int, height: int, zoom: float, rings: int, hollow: float) -> Places:
    low, high = SMALLEST * zoom * 0.2, LARGEST * zoom
    found = _place(n, width, height, low, zoom, rings)
    for _ in range(24):
        middle = (low + high) / 2
        tried = _place(n, width, height, middle, zoom, rings)
        if _fits(tried, width, height, zoom, hollow):
            low, found = middle, tried
        else:
            high = middle
    top = _place(n, width, height, LARGEST * zoom, zoom, rings)
    return top if _fits(top, width, height, zoom, hollow) else found


def _place(n: int, width: int, height: int, radius: float, zoom: float, rings: int) -> Places:
    named = radius >= NAMED_FROM * zoom
    below = NAME * zoom if named else 0.0
    a = width / 2 - WIDE * radius
    b = (height - below) / 2 - UP * radius
    centre = np.array([width / 2, (height - below) / 2])
    if n == 1:
        return Places(centre[None], radius, named)
    if n == 2:
        reach = min(max(a * 0.62, WIDE * radius * 1.1), a)
        return Places(centre + np.array([[-reach, 0.0], [reach, 0.0]]), radius, named)
    a = min(a, 1.75 * max(b, 1.0))  # not flatter than the eye takes for a ring
    spots = np.empty((n, 2))
    for k in range(rings):
        mine = np.arange(k, n, rings)  # neighbours by number stand side by side, inside and outside
        shrink = 1.0 - k * (0.36 if rings == 2 else 0.29)
        spots[mine] = _ellipse(mine / n, a * shrink, b * shrink)
    return Places(spots + centre, radius, named)


def _ellipse(shares: np.ndarray, a: float, b: float) -> np.ndarray:
    """Points on an ellipse, at shares of its length, from the top clockwise."""
    turn = np.linspace(0, 2 * np.pi, 721)
    curve = np.stack([a * np.sin(turn), -b * np.cos(turn)], 1)
    gone = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(curve, axis=0).T))])
    at = np.interp(shares * gone[-1], gone, turn)
    return np.stack([a * np.sin(at), -b * np.cos(at)], 1)


def _fits(places: Places, width: int, height: int, zoom: float, hollow: float) -> bool:
    own = cells(places, zoom)
    if hollow:
        free, middle = hollow * min(width, height) / 2, np.array([width, height]) / 2
        if ((own[:, :2] < middle + free) & (own[:, 2:] > middle - free)).all(1).any():
            return False
    if own[:, :2].min() < -1e-6 or (own[:, 2] > width + 1e-6).any() or (own[:, 3] > height + 1e-6).any():
        return False
    apart = (own[:, None, :2] >= own[None, :, 2:]).any(-1)
    touching = ~(apart | apart.T)
    np.fill_diagonal(touching, False)
    return not touching.any()
