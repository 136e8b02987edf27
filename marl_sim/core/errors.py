"""The errors a user of the engine can meet; each says in one sentence what is wrong and what is allowed."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class IllegalAction(ValueError):
    """An agent chose an action that its stage does not offer it. Nothing was played: the state is as it was."""


class NotReset(RuntimeError):
    """A step was asked for before the first reset."""


def unknown(what: str, given: object, allowed: Iterable[str]) -> str:
    """One sentence that refuses `given`, names the nearest allowed word and lists the rest."""
    words = sorted(str(word) for word in allowed)
    near = difflib.get_close_matches(given, words, n=1) if isinstance(given, str) and given not in words else []
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"unknown {what} {given!r}{hint} (allowed: {', '.join(words) or 'none'})"
