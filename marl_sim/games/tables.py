"""Options that are numbers in a row: taken from any sequence, refused in one sentence."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def is_number(value: Any) -> bool:
    """Whether it is one number (and not a truth value)."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def shown(value: Any) -> str:
    """A value as it would be typed, in one line, cut where it is long."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 100 else text[:97] + "..."


def left_out(value: Any) -> bool:
    """Whether an option is (), which stands for none."""
    return isinstance(value, tuple) and not value


def as_numbers(owner: str, name: str, value: Any, count: int | None = None, or_one: bool = False) -> tuple[float, ...]:
    """A tuple of finite numbers, of the length `count` or (None) of any but 0; ValueError in one sentence otherwise.

    `or_one`: a single number would do too, and the sentence says so.
    """
    try:
        taken = tuple(float(x) for x in value) if not isinstance(value, str) else (math.nan,)
    except (TypeError, ValueError):
        taken = (math.nan,)
    if not all(map(math.isfinite, taken)) or not taken or len(taken) != (count or len(taken)):
        wanted = f"{count} finite numbers" if count else "finite numbers"
        allowed = f"a finite number or a tuple of {wanted}" if or_one else f"a tuple of {wanted}"
        raise ValueError(f"{owner}: {name} must be {allowed}; got {shown(value)}")
    return taken


def as_levels(owner: str, name: str, value: Any, count: int) -> tuple[int, ...]:
    """A tuple of `count` whole numbers of at least 0; ValueError in one sentence otherwise."""
    taken = as_numbers(owner, name, value, count)
    if any(x < 0 or x != int(x) for x in taken):
        raise ValueError(f"{owner}: {name} must be a tuple of {count} whole numbers of at least 0; got {shown(value)}")
    return tuple(int(x) for x in taken)
