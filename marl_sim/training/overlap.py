"""Learning while the worlds go on: the work of one head, in a thread of its own or at once.

Nothing here depends on when a thread gets its turn: work is begun and awaited at fixed points of the loop, so that a
run's numbers are those of the same work done at once at the point where it was begun.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

import torch

Job = Callable[[], Any]


class AtOnce:
    """Work is done where it is begun."""

    def begin(self, job: Job) -> None:
        """Do it."""
        job()

    def wait(self) -> None:
        """Nothing is ever under way."""


class Meanwhile:
    """Work is done in the thread of `pool`, one piece after the other; who needs what comes of it waits.

    device: where the work computes. On a GPU it has a stream of its own, which begins after what was asked of the GPU
    before and is idle when the work is done, so that networks can act while it goes on.
    """

    def __init__(self, pool: Executor, device: str = "cpu") -> None:
        self._pool = pool
        self._running: Future[Any] | None = None
        self._stream = torch.cuda.Stream(device) if torch.device(device).type == "cuda" else None

    def begin(self, job: Job) -> None:
        """Begin, once what was begun before is done; raises as `wait`."""
        self.wait()
        if self._stream is None:
            self._running = self._pool.submit(job)
            return
        self._stream.wait_stream(torch.cuda.current_stream(self._stream.device))
        self._running = self._pool.submit(self._in_stream, job)

    def _in_stream(self, job: Job) -> None:
        assert self._stream is not None
        with torch.cuda.stream(self._stream):
            job()
        self._stream.synchronize()

    def wait(self) -> None:
        """Until nothing is under way. Raises what the work raised, once."""
        if self._running is not None:
            running, self._running = self._running, None
            running.result()


def thread() -> Executor:
    """A thread to learn in, with as many threads of torch as the calling one: sums depend on their number."""
    return ThreadPoolExecutor(1, "learning", torch.set_num_threads, (torch.get_num_threads(),))
