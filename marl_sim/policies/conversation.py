"""What is said between a seat and an agent elsewhere, in one run: greetings, questions, and asking again."""

from __future__ import annotations

import time
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from . import wire
from .http_line import Unreachable
from .rest import Rest
from .wire import BadMessage

if TYPE_CHECKING:
    from .player import Player
    from .view import Seen, View


class Way(Protocol):
    """How messages come to an agent and back."""

    def exchange(self, data: bytes, limit: int, seconds: float) -> bytes:
        """What it answers, cut somewhere beyond the limit. Unreachable or BadMessage in one sentence."""

    def close(self, farewell: bytes) -> None:
        """Say this, if anything, and hang up; callable while another thread waits for an answer."""


class Conversation:
    """Greeted once, asked once a step, and told what happened in between.

    way                       how messages go
    who                       what errors call the agent
    start, timeout, retries   see Remote
    """

    def __init__(self, way: Way, who: str, player: Player, start: float, timeout: float, retries: int):
        self.way, self.who, self.player = way, who, player
        self.start, self.timeout, self.retries = start, timeout, retries
        self.run = uuid.uuid4().hex
        self.since = Since(player.num_rows)
        self._wants: tuple[str, ...] = wire.DEFAULT_WANTS
        self._greeted, self._again = False, False
        self._number, self._rest = 0, Rest()

    def greet(self) -> None:
        """Say hello. Unreachable or BadMessage in one sentence where that is not answered as it should be."""
        message = wire.hello(self.player, self.run) | {"again": self._again}
        answer = self._exchange(message, 0, self.start)
        self._complain(answer)
        self._wants = wire.check_hello(answer, self.who)
        self._greeted = self._again = True

    def ask(self, views: list[View]) -> dict[int, float]:
        """The actions by row. Unreachable or BadMessage in one sentence."""
        if not self._greeted:
            self.greet()
        message = wire.ask(views, self.since.take(), self.run, self._wants)
        ids = np.concatenate([view.rows for view in views])
        answer = self._exchange(message, len(ids), self.timeout)
        if answer.get("greet") is True:  # it has been started anew, and does not know this run
            self.greet()
            answer = self._exchange(message, len(ids), self.timeout)
        self._complain(answer)
        actions = wire.check_answer(answer, ids, self.player.table.box is None, self.who)
        self._rest.end()
        return actions

    def _exchange(self, message: Mapping[str, Any], rows: int, seconds: float) -> dict[str, Any]:
        """Ask, and ask again where nobody answers, under the same number, so that it is known to be the same."""
        self._number += 1
        data, limit = wire.pack(message, self._number), wire.MOST_BYTES + rows * wire.MOST_BYTES_A_ROW
        for attempt in range(self.retries):
            try:
                return self._answer(data, limit, seconds)
            except Unreachable as wrong:
                if not wrong.again:
                    raise
                self.player.counts[wrong.what] += 1
            self.player.counts["retries"] += 1
            time.sleep(min(0.1 * 2**attempt, 5.0))
        return self._answer(data, limit, seconds)

    def _answer(self, data: bytes, limit: int, seconds: float) -> dict[str, Any]:
        """The answer with the number of the question; those with the numbers of earlier ones came too late."""
        until = time.monotonic() + seconds
        while True:
            answer = wire.unpack(self.way.exchange(data, limit, max(until - time.monotonic(), 0.0)), limit, self.who)
            number = answer.get("number")
            if isinstance(number, bool) or not isinstance(number, int) or number > self._number:
                raise BadMessage(
                    f"{self.who} must give back the number of the message, {self._number}; got {number!r:.40}"
                )
            if number == self._number:
                return answer
            self.player.counts["late"] += 1
            data = b""

    def _complain(self, answer: Mapping[str, Any]) -> None:
        said = wire.complaint(answer)
        if said:
            raise BadMessage(f"{self.who} says: {said}", "errors")

    # ------------------------------------------------------------ when it goes wrong

    def failed(self, wrong: Unreachable | BadMessage, seconds: float) -> None:
        """Count what went wrong, after so many seconds, and leave alone for a while who does not answer at all."""
        self.player.counts[wrong.what] += 1
        if isinstance(wrong, Unreachable):
            self._rest.begin(seconds)
            self._greeted = False  # who comes back may know nothing any more

    def resting(self) -> bool:
        """Whether the agent is left alone for now. What happens meanwhile it is not told."""
        if self._rest:
            self.since.take()
            return True
        return False

    def close(self) -> None:
        """Say that the run is over."""
        bye = wire.pack({"type": "close", "run": self.run}, self._number + 1)
        self.way.close(bye if self._greeted else b"")


class Since:
    """What the rows were paid, and which of their games ended, since an agent was last asked."""

    def __init__(self, num_rows: int):
        self.events: list[dict[str, Any]] = []
        self._paid = np.zeros(num_rows)

    def add(self, seen: Seen) -> None:
        """A step more."""
        self._paid += seen.reward
        for row in np.flatnonzero(seen.terminated | seen.truncated).tolist():
            how = "terminated" if seen.terminated[row] else "truncated"
            self.events.append({"id": row, "reward": float(self._paid[row]), "ended": how})
            self._paid[row] = 0.0

    def take(self) -> list[dict[str, Any]]:
        """All of it, in order; a row's last entry may be of a game that goes on."""
        rows = np.flatnonzero(self._paid).tolist()
        found = self.events + [{"id": row, "reward": float(self._paid[row]), "ended": None} for row in rows]
        self.events, self._paid[:] = [], 0.0
        return found
