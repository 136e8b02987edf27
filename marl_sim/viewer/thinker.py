"""Minds that think beside the window, which goes on answering meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any


class Thinker:
    """One question at a time, answered by a thread of its own.

    The thread does not keep the program from ending: a mind that never answers can be left alone.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._answer: Any = None
        self._failed: Exception | None = None

    @property
    def busy(self) -> bool:
        """Whether a question is being thought about."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def asked(self) -> bool:
        """Whether there is a question whose answer has not been taken."""
        return self._thread is not None

    def ask(self, question: Callable[[], Any]) -> None:
        """Begin to think about a question."""

        def think() -> None:
            try:
                self._answer = question()
            except Exception as reason:  # whatever a mind does: the window says it
                self._failed = reason

        self._answer = self._failed = None
        self._thread = threading.Thread(target=think, daemon=True, name="marl_sim mind")
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Give it so much time to answer."""
        if self._thread is not None:
            self._thread.join(max(0.0, seconds))

    def take(self) -> Any:
        """The answer to the question; what went wrong with it is raised here."""
        assert self._thread is not None
        self._thread.join()
        self._thread = None
        if self._failed is not None:
            raise self._failed
        return self._answer
