"""A process that is spoken to line by line, with deadlines, and that does not outlive its owner."""

from __future__ import annotations

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Sequence
from pathlib import Path

from .http_line import Unreachable

KEEPER = Path(__file__).with_name("keeper.py")
PIECE = 1 << 16
KEPT_OF_STDERR = 2000  # bytes
WATCH = 0.1  # seconds between two looks whether it was closed
GRACE = 0.5  # seconds that a process has to end by itself, once nothing more is asked


class Process:
    """A command with lines to its stdin and lines from its stdout; the end of its stderr is kept for errors.

    It runs in a process group of its own, so that Ctrl-C reaches only us, and under a keeper that ends it when we are
    gone, even by a kill.
    """

    def __init__(self, words: Sequence[str]):
        self.words, self.stderr = list(words), b""
        self._begun, self._next = b"", b""  # the rest of a line that is being written; the line to write after it
        self._read = bytearray()  # what came of the next line
        self._skipping = False  # whether the rest of a line that was too long is still to come
        self._hearing = True  # whether its stderr is open
        self._lock, self._closing = threading.Lock(), False
        lifeline, held = os.pipe()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-S", "-E", str(KEEPER), str(lifeline), *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=(lifeline,),
                start_new_session=True,
                bufsize=0,
            )
        finally:
            os.close(lifeline)
        streams = (self._process.stdin, self._process.stdout, self._process.stderr)
        self._stdin, self._stdout, self._stderr = (stream.fileno() for stream in streams if stream is not None)
        for end in (self._stdin, self._stdout, self._stderr):
            os.set_blocking(end, False)
        self._end = weakref.finalize(self, _end, self._process, held, os.getpid())

    @property
    def name(self) -> str:
        """The command as it would be typed."""
        return shlex.join(self.words)

    def line(self, message: bytes, limit: int, seconds: float) -> bytes:
        """Send a line (none, if empty) and wait for the next one. Unreachable in one sentence where none comes.

        Of a line that is longer than the limit so much comes back that it shows. A line that it has not begun to read
        when the next one is sent is not sent any more.
        """
        until = time.monotonic() + seconds
        with self._lock:
            self._next = message or self._next
            while (found := self._whole_line(limit)) is None:
                left = until - time.monotonic()
                if left <= 0:
                    raise Unreachable(f"{self.name} did not answer within {seconds:.3g} s{self.said()}", "timeouts")
                if self._closing:
                    raise Unreachable(f"{self.name} was closed")
                self._exchange(min(left, WATCH))
            return found

    def _whole_line(self, limit: int) -> bytes | None:
        end = self._read.find(b"\n") + 1
        if self._skipping:
            del self._read[: end or len(self._read)]
            self._skipping = not end
            return self._whole_line(limit) if end else None
        if not end and len(self._read) <= limit:
            return None
        self._skipping = not end
        found = bytes(self._read[: end or limit + 1])
        del self._read[: end or len(self._read)]
        return found

    def _exchange(self, seconds: float) -> None:
        """Write and read what can be, waiting at most so long."""
        self._begun, self._next = (self._begun, self._next) if self._begun else (self._next, b"")
        with selectors.DefaultSelector() as ready:
            ready.register(self._stdout, selectors.EVENT_READ)
            if self._hearing:
                ready.register(self._stderr, selectors.EVENT_READ)
            if self._begun:
                ready.register(self._stdin, selectors.EVENT_WRITE)
            ends = {key.fd for key, _ in ready.select(seconds)}
        if self._stderr in ends:
            self._hear()
        if self._stdin in ends:
            try:
                self._begun = self._begun[os.write(self._stdin, self._begun) :]
            except BrokenPipeError:
                self._begun = b""
                self._gone("closed its stdin")
        if self._stdout in ends:
            piece = os.read(self._stdout, PIECE)
            if not piece:
                self._gone("closed its stdout")
            self._read += piece

    def _hear(self) -> None:
        piece = os.read(self._stderr, PIECE)
        self.stderr = (self.stderr + piece)[-KEPT_OF_STDERR:]
        self._hearing = bool(piece)

    def _gone(self, what: str) -> None:
        ended = False
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = self._process.wait(GRACE)
            ended = True
            what = f"ended by signal {status - 128}" if status > 128 else f"ended with exit status {status}"
        with contextlib.suppress(BlockingIOError):
            while self._hearing:
                self._hear()
        raise Unreachable(f"{self.name} {what}{self.said()}", again=not ended)

    def said(self) -> str:
        """The end of what it wrote to stderr, as it goes on in an error."""
        text = " | ".join(filter(None, map(str.strip, self.stderr.decode(errors="replace").splitlines())))
        return f"; its stderr ends: {text}" if text else ""

    def close(self, farewell: bytes = b"") -> None:
        """Tell it that nothing more comes, and end it, with whatever it started, if it does not end soon."""
        if not self._end.alive:
            return
        self._closing = True
        if not self._lock.acquire(timeout=0):  # somebody waits for its answer, who will notice
            _kill(self._process)
            self._lock.acquire(timeout=2 * WATCH + GRACE)
        elif not self._begun:
            with contextlib.suppress(OSError):
                os.write(self._stdin, farewell)
        self._end()


def _end(process: subprocess.Popen[bytes], held: int, owner: int) -> None:
    """End a process and its group. Does nothing in a fork of the owner, whose process it is not."""
    if os.getpid() != owner:
        return
    assert process.stdin is not None and process.stdout is not None and process.stderr is not None
    process.stdin.close()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(GRACE)
    _kill(process)
    process.wait()
    for end in (process.stdout, process.stderr):
        end.close()
    os.close(held)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
