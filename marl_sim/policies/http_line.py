"""A line to an HTTP server that is kept open between requests, with a deadline for the whole of an answer."""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import socket
import time
from collections.abc import Generator, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

# Servers that send head and body one by one wait for us to have confirmed the head, which the system puts off by 40 ms.
QUICKLY = getattr(socket, "TCP_QUICKACK", None)
Answer = tuple[int, dict[str, str], Generator[bytes, None, None]]


class Unreachable(OSError):
    """Nobody answered.

    what    the short word under which it is counted: "timeouts" or "unreachable"
    again   whether it makes sense to ask again
    """

    def __init__(self, sentence: str, what: str = "unreachable", again: bool = True):
        super().__init__(sentence)
        self.what, self.again = what, again


class HttpLine:
    """Requests to one URL, one at a time.

    post(body, headers, seconds) gives the status, the headers (names in small letters), and an iterator of what comes,
    piece by piece; Unreachable in one sentence where it does not come within so many seconds, all in all.

    ValueError for what is no URL of a server, and for one that holds a password.
    """

    def __init__(self, url: str):
        parts = urlsplit(url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1:
            raise ValueError(f"a URL such as http://127.0.0.1:8765/ was expected; got {url!r}")
        if "@" in parts.netloc:
            raise ValueError("a URL with a name or a password in it would be written into records; leave them out")
        secure = parts.scheme == "https"
        kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
        self.url, self._path = url, (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._connection: http.client.HTTPConnection = kind(parts.hostname, port)
        self._used = False

    def post(self, body: bytes, headers: Mapping[str, str], seconds: float) -> Answer:
        """Send a body; see above."""
        until = time.monotonic() + seconds
        reused = self._used and self._connection.sock is not None
        with self._naming(seconds):
            try:
                answer = self._send(body, headers, until)
            except (ConnectionError, http.client.BadStatusLine):
                if not reused:
                    raise
                self.close()  # a server may end a line that was idle, and then has not read what was sent
                answer = self._send(body, headers, until)
        self._used = True
        said = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, said, self._pieces(answer, seconds)

    def _send(self, body: bytes, headers: Mapping[str, str], until: float) -> http.client.HTTPResponse:
        line = self._connection
        line.timeout = max(until - time.monotonic(), 0.001)
        line.response_class = functools.partial(_Response, until=until)  # type: ignore[assignment]
        if line.sock is None:
            line.connect()
        else:
            line.sock.settimeout(line.timeout)
        line.request("POST", self._path, body, dict(headers))
        return line.getresponse()

    def _pieces(self, answer: http.client.HTTPResponse, seconds: float) -> Generator[bytes, None, None]:
        done = False
        try:
            with self._naming(seconds):
                while piece := answer.read1(1 << 16):
                    yield piece
                if answer.length:
                    raise http.client.IncompleteRead(b"", answer.length)
            answer.close()  # read1 leaves it open at its end
            done = True
        finally:
            if not done:
                self.close()  # what is left of this answer must not be taken for the next one's

    @contextlib.contextmanager
    def _naming(self, seconds: float) -> Iterator[None]:
        """Turn whatever goes wrong on a line into Unreachable."""
        try:
            yield
        except TimeoutError:
            self.close()
            raise Unreachable(f"{self.url} did not answer within {seconds:.3g} s", "timeouts") from None
        except (OSError, http.client.HTTPException) as wrong:
            self.close()
            said = " ".join(str(wrong).split())[:200]
            raise Unreachable(f"{self.url} cannot be reached ({type(wrong).__name__}: {said})") from None

    def close(self) -> None:
        """Hang up; a request after that dials anew."""
        self._connection.close()

    def cut(self) -> None:
        """Hang up from another thread, so that who waits for an answer waits no longer."""
        line = self._connection.sock
        if line is not None:
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)


class _Response(http.client.HTTPResponse):
    """An answer of which every byte must have come by a moment; a socket's own limit begins anew with each piece."""

    def __init__(self, sock: socket.socket, *arguments: Any, until: float, **named: Any):
        super().__init__(sock, *arguments, **named)
        self.fp.close()
        self.fp = io.BufferedReader(_Until(sock, until))


class _Until(io.RawIOBase):
    def __init__(self, sock: socket.socket, until: float):
        self._sock, self._until, self._raw = sock, until, sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._until - time.monotonic()
        if left <= 0:
            raise TimeoutError
        self._sock.settimeout(left)
        if QUICKLY is not None:
            self._sock.setsockopt(socket.IPPROTO_TCP, QUICKLY, 1)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def whole(pieces: Generator[bytes, None, None], limit: int) -> bytes:
    """All pieces together, or so many that they are more than the limit."""
    found = bytearray()
    for piece in pieces:
        found += piece
        if len(found) > limit:
            pieces.close()
            break
    return bytes(found)
