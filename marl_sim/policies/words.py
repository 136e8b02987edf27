"""A decision told in the game's own words, for those who read: language models and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.fields import Slot

if TYPE_CHECKING:
    from .history import Turn
    from .seats import Seats
    from .view import View


def tell(view: View) -> list[str]:
    """For each row: who it is, which stage it is, what it sees, field by field, and what it may choose."""
    slots = [slot for slot in view._table.slots if slot.kind == view.kind]
    seen = [(slot, view[slot.name]) for slot in slots]
    if not slots:
        seen = [(Slot("observation", view.kind, 0, view.obs.shape[1], 0.0, 0.0, None), view.obs)]
    return [_tell_one(view, k, seen) for k in range(view.n)]


def _tell_one(view: View, k: int, seen: list[tuple[Slot, np.ndarray]]) -> str:
    table, world = view._table, int(view.worlds[k])
    lines = [f"You are {table.agents[view.agent[k]]}. Stage: {table.stage_names[int(table.stage[world])]}."]
    if view.opponent[k] >= 0:
        lines.append(f"It is about {table.agents[view.opponent[k]]}.")
    lines += [f"- {slot.words or slot.name}: {slot.told(numbers[k])}" for slot, numbers in seen]
    return "\n".join((*lines, f"You may choose {options(view, k)}."))


def options(view: View, k: int) -> str:
    """What row k may choose, in words: "0 (cooperate) or 1 (defect)"."""
    if view.box is not None:
        return f"a number from {view.box[0]:g} to {view.box[1]:g}"
    listed = [f"{a} ({view.choices[a]})" for a in np.flatnonzero(view.legal[k]) if a < len(view.choices)]
    return " or ".join([", ".join(listed[:-1]), listed[-1]]) if len(listed) > 1 else listed[0]


def _words_of_deeds(table: Seats) -> tuple[str, ...]:
    """Words of what players are remembered for, as `games.memory.deeds` numbers them, of games elsewhere too."""
    return tuple(word for kind in ("play", "respond") if kind in table.kinds for word in table.choices(kind))


def recount(view: View, most: int) -> list[str]:
    """For each row: its last decisions in this episode, at most so many, and what they brought; empty at first."""
    if not most:
        return [""] * view.n
    history, table = view.history(), view._table
    words = _words_of_deeds(table)
    found = []
    for k in range(view.n):
        turns = history.turns(k)[-most:]
        lines = [f"- {_turn(turn, table, words)}" for turn in turns]
        found.append("\n".join([f"Your last {len(turns)} decisions, oldest first:", *lines] if lines else []))
    return found


def _turn(turn: Turn, table: Seats, words: tuple[str, ...]) -> str:
    choices = table.choices(turn.kind)
    chose = f"{turn.action:g}" if table.box is not None else choices[int(turn.action)]
    whom = f" with {table.agents[turn.opponent]}" if turn.opponent >= 0 else ""
    theirs = ""
    if turn.theirs >= 0:
        did = words[turn.theirs] if turn.theirs < len(words) else f"{turn.theirs}"
        theirs = f", {table.agents[turn.opponent]} {did}"
    return f"{turn.kind}{whom}: you {chose}{theirs}; you were paid {turn.reward:g}"
