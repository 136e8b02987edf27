"""Gridworlds for one walker: a map of letters as numbered cells, and where each step from them leads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

DIRECTIONS = ("up", "down", "left", "right")
UP, DOWN, LEFT, RIGHT = range(4)
MOVES = ((-1, 0), (1, 0), (0, -1), (0, 1))
WALL = "#"


class Grid:
    """A map read: rows of letters, walled all around.

    cells   places that are no wall, (row, column), in reading order; a cell's number is its place in this list
    steps   int32 [cells, 4]: the cell where up, down, left and right lead; into a wall: where one is
    """

    def __init__(self, rows: Sequence[str]):
        self.rows = tuple(rows)
        self.cells = [(r, c) for r, row in enumerate(rows) for c, letter in enumerate(row) if letter != WALL]
        number = {place: k for k, place in enumerate(self.cells)}
        self.steps = np.array(
            [[number.get((r + dr, c + dc), k) for dr, dc in MOVES] for k, (r, c) in enumerate(self.cells)], np.int32
        )

    def find(self, letter: str) -> int:
        """The number of the cell that holds a letter, -1 if none does."""
        return next((k for k, (r, c) in enumerate(self.cells) if self.rows[r][c] == letter), -1)
