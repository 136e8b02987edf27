"""A person in a seat, at the terminal or wherever `ask` asks."""

from __future__ import annotations

import contextlib
import math
import os
import selectors
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from . import transcript
from .answers import read_answer
from .base import Policy, check_fallback
from .player import Player
from .view import View
from .words import options, recount

WATCH = 0.1  # seconds between two looks whether the run is over


class Gone(EOFError):
    """The person left, and will not be asked again."""


@dataclass(frozen=True)
class Ask:
    """What a person is asked.

    world, agent, stage   whose decision it is; agent is a name
    text                  what the agent sees and may choose, in words; past: its last decisions, empty at first
    choices               number -> word of each action that is open now
    range                 the least and the largest number, where the decision is one
    options               the choices as words: "0 (cooperate) or 1 (defect)"
    problem               what was wrong with the answer before; empty at first
    view, row             the View, and the number of the decision in it
    until                 moment of time.monotonic() at which nobody waits any longer; None: no limit
    over                  whether the run is over, so that nobody waits any longer
    """

    world: int
    agent: str
    stage: str
    text: str
    past: str
    choices: Mapping[int, str]
    range: tuple[float, float] | None
    options: str
    problem: str
    view: View
    row: int
    until: float | None
    over: Callable[[], bool]


class Human(Policy):
    """A person, who is shown what the agent sees and answers by the number or the word of an action.

    worlds       the person sits in the first so many worlds, and chance plays in the others; None: in all
    seconds      how long they may think about a decision; None: as long as they like
    illegal      what is played after that, and once they have left (Ctrl-D): "random", "pass", "repeat" or "raise"
    memory       how many of the agent's past decisions are shown
    transcript   file to which every decision is added, a line of JSON each
    ask          who asks: ask(Ask) -> a text, an action, or None where the time is over; it raises Gone where the
                 person has left. Called in a thread of its own, and again, with `problem`, after what cannot be
                 played. By default the terminal does

    ValueError in one sentence for wrong options.
    """

    slow = True
    worlds: int | None = 1  # type: ignore[misc]
    seconds: float | None = None
    illegal: str = "random"  # type: ignore[misc]
    memory: int = 5
    transcript: str = ""
    ask: Callable[[Ask], Any] | None = None
    tags: ClassVar[dict[str, Any]] = {}

    def __post_init__(self) -> None:
        check_fallback("Human", self.illegal)
        if self.seconds is not None and not (
            isinstance(self.seconds, int | float) and not isinstance(self.seconds, bool) and self.seconds > 0
        ):
            raise ValueError(f"Human: seconds must be a number above 0, or None; got {self.seconds!r}")
        for name, least in (("worlds", 1), ("memory", 0)):
            value = getattr(self, name)
            if not (name == "worlds" and value is None) and (
                isinstance(value, bool) or not isinstance(value, int) or value < least
            ):
                raise ValueError(f"Human: {name} must be a whole number of at least {least}; got {value!r}")
        if self.ask is not None and not callable(self.ask):
            raise ValueError(f"Human: ask must be a function of what is asked; got {self.ask!r}")

    @property
    def name(self) -> str:
        """What it is called in reports."""
        return "human"

    def reset(self, player: Player) -> None:
        player.store["over"] = threading.Event()

    def act(self, view: View) -> np.ndarray:
        none, kind = (-1, np.int64) if view.box is None else (math.nan, np.float64)
        found = np.full(view.n, none, kind)
        past, texts = recount(view, self.memory), view.text()
        over = view.store["over"]
        for k in range(view.n):
            if over.is_set() or view.store.get("gone"):
                view.count("absent", view.n - k)
                break
            action = self._one(view, k, texts[k], past[k], over)
            found[k] = none if action is None else action
        return found

    def close(self, player: Player) -> None:
        player.store["over"].set()

    def _one(self, view: View, k: int, text: str, past: str, over: threading.Event) -> float | None:
        """The action of one row; None where there is none."""
        table, world = view._table, int(view.worlds[k])
        words = {} if view.box is not None else dict(enumerate(view.choices))
        legal = np.flatnonzero(view.legal[k]).tolist()
        began, problem, answer, action = time.monotonic(), "", None, None
        who, stage = table.agents[view.agent[k]], table.stage_names[int(table.stage[world])]
        while action is None and not over.is_set():
            asked = Ask(
                world=world, agent=who, stage=stage, text=text, past=past, range=view.box, options=options(view, k),
                choices={a: words[a] for a in legal if a in words}, problem=problem, view=view, row=k,
                until=None if self.seconds is None else began + self.seconds, over=over.is_set,
            )  # fmt: skip
            try:
                answer = (self.ask or at_the_terminal)(asked)
            except Gone:
                view.store["gone"] = True
                view.count("left")
            if view.store.get("gone"):
                break
            if answer is None:
                view.count("timeouts")
                break
            action, problem = read_answer(str(answer), words, legal, view.box)
            view.count("asked_again", int(action is None))
        if self.transcript:
            entry = {"world": world, "agent": who, "step": table.clock, "stage": stage, "text": text}
            took = {"answer": None if answer is None else str(answer), "action": action}
            transcript.append(self.transcript, entry | took | {"seconds": round(time.monotonic() - began, 3)})
        return action


# ---------------------------------------------------------------- the terminal

_at_the_terminal = threading.Lock()  # there is one, however many people sit at it
_typed = bytearray()


def at_the_terminal(asked: Ask) -> str | None:
    """Print what is asked and read a line from stdin; None where the time is over. Gone at its end (Ctrl-D)."""
    with _at_the_terminal:
        if asked.problem:
            print(f"This cannot be played: {asked.problem}.")
        else:
            left = "" if asked.until is None else f" ({max(asked.until - time.monotonic(), 0):.0f} s)"
            print("\n".join(filter(None, ["", f"--- world {asked.world}{left}", asked.past, asked.text])))
        print(f"{asked.agent}: {asked.options}? ", end="", flush=True)
        return _line(asked)


def _line(asked: Ask) -> str | None:
    """A line of stdin, waited for no longer than allowed."""
    stdin = sys.stdin.fileno()
    while b"\n" not in _typed:
        left = math.inf if asked.until is None else asked.until - time.monotonic()
        if left <= 0 or asked.over():
            print("(too late)" if left <= 0 else "")
            return None
        with selectors.SelectSelector() as ready:
            ready.register(stdin, selectors.EVENT_READ)
            if not ready.select(min(left, WATCH)):
                continue
        piece = os.read(stdin, 4096)
        if not piece:
            with contextlib.suppress(OSError):
                print("(left)")
            raise Gone
        _typed.extend(piece)
    end = _typed.index(b"\n") + 1
    line = bytes(_typed[:end]).decode(errors="replace").strip()
    del _typed[:end]
    return line
