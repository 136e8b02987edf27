"""The paperclip game: what a demonstration should say when it is read by somebody who wants to help.

A clip is worth theta and a staple 1 - theta, theta ~ U[0, 1] known to the human alone. The human makes 2 staples, one
of each, or 2 clips; the robot has seen it and makes 90 staples, 50 of each, or 90 clips. Payoffs are common.

Source: cooperative inverse reinforcement learning (Hadfield-Menell, Dragan, Abbeel & Russell 2016). The game is told
from memory; its solution is computed here.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from .form import exact


class Paperclips(NamedTuple):
    """The equilibrium in which the robot copies what the human shows; exact fractions.

    thresholds   the human makes staples below the first, clips above the second, and one of each between
    value        what both expect
    naive        what they expect if the human shows only what it likes best, heedless of the robot
    """

    thresholds: tuple[Fraction, Fraction]
    value: Fraction
    naive: Fraction


def paperclip_equilibrium(few: tuple[Any, Any] = (2, 1), many: tuple[Any, Any] = (90, 50)) -> Paperclips:
    """Thresholds and values of the paperclip game.

    few    what the human can make: so many of one kind, or so many of each
    many   what the robot can

    ValueError where copying is not the robot's best reply, and the game has another equilibrium.
    """
    (one, each), (rest, rest_each) = map(exact, few), map(exact, many)
    alike, mixed = one + rest, each + rest_each  # of one kind in all, of each kind in all
    low = 1 - mixed / alike if alike > 0 else Fraction(0)
    high = 1 - low
    if not 0 < low < Fraction(1, 2):
        raise ValueError(f"paperclip_equilibrium: {few} and {many} leave no theta for all three demonstrations")
    # Where staples are shown theta averages low / 2: copying must be worth more than hedging, there and in the middle.
    if rest * (1 - low / 2) < rest_each or rest_each < rest / 2:
        raise ValueError(f"paperclip_equilibrium: with {few} and {many} copying is not the robot's best reply")
    sides = 2 * alike * (low - low * low / 2)  # of staples for theta below the first threshold, and its mirror image
    best_side = 2 * alike * (Fraction(1, 2) - Fraction(1, 8))  # each shows the better kind: of both, one is no better
    return Paperclips((low, high), sides + mixed * (high - low), best_side)
