"""A partially observable off-switch game without messages, or the block of one that messages leave: whole numbers."""

from __future__ import annotations

import itertools
from fractions import Fraction
from typing import Any

import numpy as np

from .form import whole

ACT, WAIT, OFF = "act", "wait", "switch off"  # the robot's moves
ALLOW, STOP = "allow", "off"  # the human's answers
Block = tuple[tuple[int, ...], tuple[int, ...]]  # numbers of the human's observations, and of the robot's
Moves = tuple[str | None, ...]


class Sums:
    """What running is worth beyond being off, by the observation of each, as whole numbers over one denominator.

    gain   [human's observations, robot's], in units of 1 / `below`
    mass   bool, of the same shape: whether that ever happens
    base   what being off is worth
    """

    def __init__(self, table: Any):
        rows, columns = table.seen
        gain = {at: Fraction(0) for at in itertools.product(range(len(rows)), range(len(columns)))}
        self.mass = np.zeros((len(rows), len(columns)), dtype=bool)
        for p, act, off, h, a in zip(table.prior, table.u_act, table.u_off, table.obs_human, table.obs_robot):
            at = rows.index(h), columns.index(a)
            gain[at] += p * (act - off)
            self.mass[at] |= p > 0
        flat, self.below = whole(list(gain.values()), terms=len(gain))
        self.gain = flat.reshape(self.mass.shape)
        self.base = sum((p * off for p, off in zip(table.prior, table.u_off)), Fraction(0))

    def worth(self, gain: int) -> Fraction:
        """A sum of gains as what both get."""
        return self.base + Fraction(int(gain), self.below)


def _subsets(count: int) -> np.ndarray:
    """Every subset of so many, bool [2^count, count]."""
    return (np.arange(2**count, dtype=np.int32)[:, None] >> np.arange(count, dtype=np.int32)) % 2 > 0


def _totals(gain: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(sets, totals): the gain of every set of the robot's waiting, or of the human's allowing, observations.

    The sets are of whichever has fewer; the other one replies best, one observation at a time.
    """
    alone = gain.sum(axis=0)  # of acting, by the robot's observation
    if gain.shape[1] <= gain.shape[0]:
        waiting = _subsets(gain.shape[1])
        return waiting, np.maximum(waiting @ gain.T, 0).sum(axis=1) + ~waiting @ np.maximum(alone, 0)
    allowing = _subsets(gain.shape[0])
    return allowing, np.maximum(allowing @ gain, np.maximum(alone, 0)).sum(axis=1)


def values(sums: Sums, block: Block) -> tuple[int, int, int]:
    """Gains of the best pair, of the best that always waits, and of the best that never does."""
    gain = sums.gain[np.ix_(*block)]
    always, never = np.maximum(gain.sum(axis=1), 0).sum(), np.maximum(gain.sum(axis=0), 0).sum()
    return int(_totals(gain)[1].max()), int(always), int(never)


def optima(sums: Sums, block: Block, best: int) -> list[tuple[Moves, Moves]]:
    """Every best (robot's moves, human's answers), by their observations in the block."""
    gain, mass = sums.gain[np.ix_(*block)], sums.mass[np.ix_(*block)]
    sets, totals = _totals(gain)
    found: dict[tuple[Moves, Moves], None] = {}
    for chosen in sets[totals == best]:
        if gain.shape[1] <= gain.shape[0]:
            moves = [[WAIT] if chosen[a] else _better(gain[:, a].sum(), ACT, OFF) for a in range(gain.shape[1])]
            answers = [_better(gain[h, chosen].sum(), ALLOW, STOP) for h in range(gain.shape[0])]
        else:
            answers = [[ALLOW if on else STOP] for on in chosen]
            moves = [_best_moves(gain[:, a].sum(), gain[chosen, a].sum()) for a in range(gain.shape[1])]
        for robot, human in itertools.product(itertools.product(*moves), itertools.product(*answers)):
            found[_reached(robot, human, mass)] = None
    return list(found)


def _better(gain: int, yes: str, no: str) -> list[str]:
    return [word for word, best in ((yes, gain >= 0), (no, gain <= 0)) if best]


def _best_moves(acting: int, waiting: int) -> list[str]:
    worth = {ACT: acting, WAIT: waiting, OFF: 0}
    return [word for word, one in worth.items() if one == max(worth.values())]


def _reached(robot: Moves, human: Moves, mass: np.ndarray) -> tuple[Moves, Moves]:
    """The same policies, None for what never happens in the block."""
    moves = tuple(move if mass[:, a].any() else None for a, move in enumerate(robot))
    asked = np.any(mass[:, [move == WAIT for move in moves]], axis=1)
    return moves, tuple(answer if asked[h] else None for h, answer in enumerate(human))
