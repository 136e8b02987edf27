"""What the rows of a policy went through in the episode they are in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

ENTRY = np.dtype(
    [
        ("row", np.int32),
        ("kind", np.int16),
        ("action", np.float64),
        ("opponent", np.int32),
        ("theirs", np.int32),
        ("reward", np.float64),
    ]
)


@dataclass(frozen=True)
class Turn:
    """One decision of one row, and what came of it.

    kind      what was decided on; action: what the row did (as done: hands may tremble)
    opponent  whom it was about, -1 for nobody; theirs: what that one did in the same play, as it looked, -1 where there
              is no such thing
    reward    what the row was paid from then on until its next decision
    """

    kind: str
    action: float
    opponent: int
    theirs: int
    reward: float


class History:
    """Decisions since the episodes of the rows began, oldest first.

    turns(k)   the decisions of row k of the view, as a list of Turn
    entries    all of them as a structured array (row: number of the row in the view, kind: index in kinds, action,
               opponent, theirs, reward), in the order in which they were taken
    """

    def __init__(self, kinds: tuple[str, ...], entries: np.ndarray):
        self.kinds, self.entries = kinds, entries

    def turns(self, k: int) -> list[Turn]:
        """The decisions of row k."""
        return [_turn(entry, self.kinds) for entry in self.entries[self.entries["row"] == k]]


def _turn(e: np.void, kinds: tuple[str, ...]) -> Turn:
    return Turn(kinds[e["kind"]], float(e["action"]), int(e["opponent"]), int(e["theirs"]), float(e["reward"]))


class Diary:
    """Keeps the entries of all rows of a player while their episodes last."""

    def __init__(self, num_rows: int):
        self.num_rows = num_rows
        self.pages: list[np.ndarray] = []

    def write(self, entries: np.ndarray) -> None:
        """What was decided in a step."""
        self.pages.append(entries)

    def pay(self, reward: np.ndarray) -> None:
        """Add a step's rewards [rows] to each row's newest decision."""
        left = reward != 0
        for page in reversed(self.pages):
            if not left.any():
                return
            rows = page["row"]
            page["reward"] += np.where(left[rows], reward[rows], 0.0)
            left[rows] = False

    def correct(self, row: int, action: float, theirs: int) -> None:
        """The newest decision of a row came out like this."""
        for page in reversed(self.pages):
            at = np.flatnonzero(page["row"] == row)
            if len(at):
                page["action"][at[-1]], page["theirs"][at[-1]] = action, theirs
                return

    def tear_out(self, ended: np.ndarray) -> None:
        """Forget the rows, bool [rows], whose episode is over."""
        if ended.all():
            self.pages = []
        elif ended.any():
            self.pages = [page[~ended[page["row"]]] for page in self.pages]
            self.pages = [page for page in self.pages if len(page)]

    def of(self, rows: np.ndarray, kinds: tuple[str, ...]) -> History:
        """What some rows went through, numbered as they are given."""
        number = np.full(self.num_rows, -1, np.int32)
        number[rows] = np.arange(len(rows))
        found = self.whole()
        found["row"] = number[found["row"]]
        return History(kinds, found[found["row"] >= 0])

    def newest(self, rows: np.ndarray, kinds: tuple[str, ...]) -> list[Turn | None]:
        """The last decision of each of some rows; None for those that have not decided yet."""
        found: dict[int, Turn] = {}
        left = set(rows.tolist())
        for page in reversed(self.pages):
            if not left:
                break
            for entry in page[::-1]:  # a page that was loaded holds many decisions of a row
                row = int(entry["row"])
                if row in left:
                    left.discard(row)
                    found[row] = _turn(entry, kinds)
        return [found.get(row) for row in rows.tolist()]

    def whole(self) -> np.ndarray:
        """All entries, as a copy."""
        return np.concatenate(self.pages) if self.pages else np.zeros(0, ENTRY)

    def state(self) -> dict[str, Any]:
        """The entries by name, as plain arrays."""
        found = self.whole()
        return {name: found[name].copy() for name in ENTRY.names or ()}

    def load(self, saved: dict[str, np.ndarray]) -> None:
        """Go on from `state`."""
        made = np.zeros(len(saved["row"]), ENTRY)
        for name in ENTRY.names or ():
            made[name] = saved[name]
        self.pages = [made] if len(made) else []
