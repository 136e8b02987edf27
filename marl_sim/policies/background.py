"""Thinking in a thread of its own, which keeps nobody from leaving."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import Future
from typing import Any


def think(function: Callable[..., Any], *arguments: Any) -> Future[Any]:
    """What `function(*arguments)` will have returned or raised.

    The thread is a daemon: those of an executor are waited for when the interpreter ends, so that a person who does not
    answer, or an agent that hangs, would hold up the end of a run that was stopped.
    """
    found: Future[Any] = Future()

    def work() -> None:
        try:
            found.set_result(function(*arguments))
        except BaseException as error:
            found.set_exception(error)

    threading.Thread(target=work, name=f"think-{getattr(function, '__name__', '')}", daemon=True).start()
    return found


def think_at_once(function: Callable[[Any], Any], things: Iterable[Any], at_once: int) -> list[Any]:
    """[function(thing) for thing in things], at most `at_once` at a time; raises the first error when all are done."""
    waiting = list(enumerate(things))[::-1]
    found: list[Any] = [None] * len(waiting)

    def work() -> None:
        while True:
            try:
                number, thing = waiting.pop()  # a list's pop is atomic
            except IndexError:
                return
            found[number] = function(thing)

    workers = [think(work) for _ in range(min(at_once, len(waiting)))]
    errors = [worker.exception() for worker in workers]
    for error in filter(None, errors):
        raise error
    return found
