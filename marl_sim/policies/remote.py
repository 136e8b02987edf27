"""Agents elsewhere in a seat: behind a URL, or a command that speaks through its stdin and stdout."""

from __future__ import annotations

import contextlib
import math
import shlex
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from . import wire
from .base import Policy, check_fallback
from .conversation import Conversation, Way
from .http_line import HttpLine, Unreachable, whole
from .process import Process

if TYPE_CHECKING:
    from .player import Player
    from .view import Seen, View

FAREWELL = 1.0  # seconds that an agent has to hear that a run is over


class NoAnswer(RuntimeError):
    """An agent elsewhere gave no answer that can be played, and nothing is to be played in its place."""


class Remote(Policy):
    """Base of the agents elsewhere: how long they may take, when they are asked again, when they are left alone.

    agent      where it is: a URL, a command
    timeout    seconds for an answer, all in all
    start      seconds for the first one, since many agents have to load something
    retries    how often it is asked again where nobody answers
    illegal    what is played where it gives no answer, or an illegal one: "raise", "pass", "repeat" or "random"
    worlds     it sits in the first so many worlds only; None: in all

    One that does not answer is left alone for a while, which doubles up to five minutes; what is played meanwhile is
    counted as `skipped`. That it answers at the beginning of a run is required all the same.
    """

    slow = True
    agent: str | Sequence[str] = ""
    timeout: float = 10.0
    start: float = 60.0
    retries: int = 2
    illegal: str = "raise"  # type: ignore[misc]
    worlds: int | None = None  # type: ignore[misc]
    tags: ClassVar[dict[str, Any]] = {}

    def __post_init__(self) -> None:
        check_options(self)
        check_seconds(self, "start")
        self._known = False  # whether it has ever answered

    def way(self) -> Way:
        """How messages come to the agent."""
        raise NotImplementedError(f"{type(self).__name__} must define way()")

    def reset(self, player: Player) -> None:
        began = time.monotonic()
        talk = Conversation(self.way(), self.name, player, self.start, self.timeout, self.retries)
        player.store["talk"] = talk
        try:
            talk.greet()
        except (Unreachable, wire.BadMessage) as wrong:
            if not self._known or self.illegal == "raise":
                self.close(player)
                raise NoAnswer(f"{wrong} (for the seat of {_seats(player)})") from None
            talk.failed(wrong, time.monotonic() - began)
        self._known = True

    def act(self, view: View) -> np.ndarray:
        clock, held = view.store.get("answers", (-1, {}))
        if clock != view._table.clock or view.kind not in held:
            views = view.player.turns_now()
            if not any(one.kind == view.kind and np.array_equal(one.rows, view.rows) for one in views):
                views = [view]  # it is asked for some of its rows only, since others sit there too
            held = self._ask(view.player, views)
            view.store["answers"] = view._table.clock, held
        return held.pop(view.kind)

    def see(self, seen: Seen) -> None:
        if "talk" in seen.player.store:
            seen.player.store["talk"].since.add(seen)

    def close(self, player: Player) -> None:
        talk = player.store.pop("talk", None)
        if talk is not None:
            talk.close()

    def _ask(self, player: Player, views: list[View]) -> dict[str, np.ndarray]:
        """One question for all rows that decide now, whatever they decide on: the answers by kind."""
        talk, began = player.store.get("talk"), time.monotonic()
        rows = sum(view.n for view in views)
        given: Mapping[int, float] = {}
        if talk is None:
            raise NoAnswer(f"{self.name} is asked after the run was closed")
        if talk.resting():
            player.counts["skipped"] += rows
        else:
            try:
                given = talk.ask(views)
                player.counts["left_out"] += rows - len(given)
            except (Unreachable, wire.BadMessage) as wrong:
                if self.illegal == "raise":
                    raise NoAnswer(f"{wrong} {_asked(views)}") from None
                talk.failed(wrong, time.monotonic() - began)
        return {view.kind: self._actions(view, given) for view in views}

    def _actions(self, view: View, given: Mapping[int, float]) -> np.ndarray:
        missing = [row not in given for row in view.rows.tolist()]
        if any(missing) and self.illegal == "raise":
            raise NoAnswer(f"{self.name} gave no action for row {view.rows[missing.index(True)]} {_asked([view])}")
        none, kind = (-1, np.int64) if view.box is None else (math.nan, np.float64)
        found = np.array([given.get(row, none) for row in view.rows.tolist()], kind)
        view.count("illegal", int((~view._table.allows(view, found) & ~np.array(missing)).sum()))
        return found


class Http(Remote):
    """An agent behind a URL, asked by HTTP; see docs/how-to/agents_elsewhere.md.

    agent   http://host:port/path or https://..., without name or password. Other options: see Remote
    """

    tags: ClassVar[dict[str, Any]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        self.way()  # refuses what is no URL

    @property
    def name(self) -> str:
        """Its URL."""
        return str(self.agent)

    def way(self) -> Way:
        return HttpWay(str(self.agent))


class HttpWay:
    """Messages as the bodies of POST requests and of their answers, on a line that is kept open."""

    def __init__(self, url: str):
        self._line = HttpLine(url)
        self._lock, self._closed = threading.Lock(), False

    def exchange(self, data: bytes, limit: int, seconds: float) -> bytes:
        """The body of the answer."""
        if not data:
            raise wire.BadMessage(f"{self._line.url} gave back the number of another message")
        with self._lock:
            if self._closed:
                raise Unreachable(f"{self._line.url} was hung up on")
            status, _, pieces = self._line.post(data, {"Content-Type": "application/json"}, seconds)
            found = whole(pieces, limit)
        if status != 200:
            sentence = f"{self._line.url} answers with status {status}: {wire.reason(found) or wire.shown(found)}"
            raise Unreachable(sentence, "errors") if status >= 500 else wire.BadMessage(sentence, "errors")
        return found

    def close(self, farewell: bytes) -> None:
        """Say good-bye and hang up; one whose answer is waited for is told nothing."""
        waiting = self._lock.locked()
        if farewell and not waiting:
            with contextlib.suppress(Unreachable, wire.BadMessage):
                self.exchange(farewell, wire.MOST_BYTES, FAREWELL)
        self._closed = True
        (self._line.cut if waiting else self._line.close)()


class Command(Remote):
    """An agent that is a program, asked by lines of JSON on its stdin; see docs/how-to/agents_elsewhere.md.

    agent   the command: a line as one types it (no shell reads it), or its words. Other options: see Remote

    It is started once a run and ended with it. The end of what it writes to stderr is shown in errors.
    """

    tags: ClassVar[dict[str, Any]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        self._words()

    def _words(self) -> list[str]:
        try:
            words = shlex.split(self.agent) if isinstance(self.agent, str) else list(self.agent)
        except ValueError as wrong:
            raise ValueError(f"{self.agent!r} is no command line: {wrong}") from None
        if not words or not all(isinstance(word, str) for word in words):
            raise ValueError(f"a command such as 'python my_agent.py' was expected; got {self.agent!r}")
        return words

    @property
    def name(self) -> str:
        """Its command line."""
        return shlex.join(self._words())

    def way(self) -> Way:
        return CommandWay(self._words())


class CommandWay:
    """Messages as lines to a process and back."""

    def __init__(self, words: Sequence[str]):
        self._process, self._sent = Process(words), b""

    def exchange(self, data: bytes, limit: int, seconds: float) -> bytes:
        """The next line; what was sent already is not sent again, only waited for."""
        if data == self._sent:
            data = b""
        self._sent = data or self._sent
        return self._process.line(data, limit, seconds)

    def close(self, farewell: bytes) -> None:
        """Say good-bye, and end it."""
        self._process.close(farewell)


def check_options(policy: Any) -> None:
    """ValueError in one sentence for wrong values of the options that seats for agents elsewhere share."""
    owner = type(policy).__name__
    check_fallback(owner, policy.illegal)
    check_seconds(policy, "timeout")
    for name, least in (("retries", 0), ("worlds", 1)):
        value = getattr(policy, name)
        if name == "worlds" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            raise ValueError(f"{owner}: {name} must be a whole number of at least {least}; got {value!r}")


def check_seconds(policy: Any, name: str) -> None:
    """ValueError in one sentence unless an option is a length of time."""
    value = getattr(policy, name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e6:
        raise ValueError(f"{type(policy).__name__}: {name} must be a number of seconds above 0; got {value!r}")


def _seats(player: Player) -> str:
    return ", ".join(player.table.agents[agent] for agent in np.unique(player.agents))


def _asked(views: list[View]) -> str:
    """Which decisions an answer was wanted for, and the way out."""
    first, rows = views[0], sum(view.n for view in views)
    who = f"{first._table.agents[first.agent[0]]} in world {first.worlds[0]}"
    which = f"the decision of {who}" if rows == 1 else f"{rows} decisions, the first of {who}"
    return f"(asked for {which}, stage {first.stage!r}; with illegal=random the run goes on without an answer)"
