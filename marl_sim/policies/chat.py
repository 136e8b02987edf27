"""An OpenAI-compatible chat endpoint: requests, streams, limits of rate, a cache on disk."""

from __future__ import annotations

import contextlib
import email.utils
import hashlib
import json
import os
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from .http_line import HttpLine, Unreachable, whole
from .wire import shown

MOST_BYTES = 8 << 20  # of an answer
FIRST_WAIT, LONGEST_WAIT = 0.5, 60.0  # seconds before asking again
PASSING = (408, 409, 425, 429)  # statuses after which asking again helps, beside 500 and more


class NoReply(RuntimeError):
    """The endpoint gave no text. `what` is the short word under which it is counted."""

    def __init__(self, sentence: str, what: str, wait: float | None = None, again: bool = True):
        super().__init__(sentence)
        self.what, self.wait, self.again = what, wait, again


class Budget:
    """So many calls and no more, whichever thread makes them; None: no limit."""

    def __init__(self, calls: int | None):
        self.left = calls
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether there was one left, which is then gone."""
        with self._lock:
            if self.left is None:
                return True
            self.left -= 1
            return self.left >= 0


class Chat:
    """One endpoint, asked by any number of threads.

    url       of the API (.../v1), or of its chat completions
    key       name of the environment variable that holds the key; the key itself is sent, and written nowhere
    timeout   seconds for an answer, all in all; retries: how often to ask again where asking again helps
    cache     folder of answers that were given, by the whole request; "" for none
    """

    def __init__(self, url: str, key: str, timeout: float, retries: int, cache: str):
        self.url = url if url.rstrip("/").endswith("/chat/completions") else f"{url.rstrip('/')}/chat/completions"
        self.timeout, self.retries = timeout, retries
        self._key = os.environ.get(key, "")
        self._cache = Path(cache) if cache else None
        self._lines: list[HttpLine] = [HttpLine(self.url)]
        self._all: list[HttpLine] = list(self._lines)
        self._closed = threading.Event()

    def reply(self, body: Mapping[str, Any], draw: Any, budget: Budget, counts: Counter[str]) -> str:
        """The text of an answer. NoReply in one sentence where there is none.

        draw     what tells this request from equal ones whose answers are drawn anew; None where they are not
        counts   takes what happened
        """
        place = self._place(body, draw)
        if place is not None and place.is_file():
            counts["cached"] += 1
            return json.loads(place.read_text())["text"]
        for attempt in range(self.retries + 1):
            if not budget.take():
                raise NoReply("the budget of calls is used up", "out_of_budget", again=False)
            counts["calls"] += 1
            try:
                text = self._once(body, counts)
                break
            except NoReply as wrong:
                wait = min(FIRST_WAIT * 2**attempt, LONGEST_WAIT) if wrong.wait is None else wrong.wait
                counts[wrong.what] += 1
                if attempt == self.retries or not wrong.again or wait > LONGEST_WAIT:
                    raise
                counts["retries"] += 1
                if self._closed.wait(wait):
                    raise NoReply("the run is over", "unreachable", again=False) from None
        if place is not None:
            write_whole(place, json.dumps({"url": self.url, "request": body, "draw": draw, "text": text}, indent=1))
        return text

    def _place(self, body: Mapping[str, Any], draw: Any) -> Path | None:
        if self._cache is None:
            return None
        full = json.dumps([self.url, body, draw], sort_keys=True)
        return self._cache / f"{hashlib.sha256(full.encode()).hexdigest()}.json"

    def _once(self, body: Mapping[str, Any], counts: Counter[str]) -> str:
        headers = {"Content-Type": "application/json", "Accept": "application/json, text/event-stream"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        line = self._line()
        try:
            status, said, pieces = line.post(json.dumps(body).encode(), headers, self.timeout)
            with contextlib.closing(pieces):
                if status != 200:
                    raise self._refusal(status, said, whole(pieces, MOST_BYTES))
                streams = said.get("content-type", "").startswith("text/event-stream")
                text, usage = streamed(pieces) if streams else completed(whole(pieces, MOST_BYTES))
        except Unreachable as wrong:
            raise NoReply(str(wrong), wrong.what) from None
        finally:
            if self._closed.is_set():
                line.close()
            self._lines.append(line)
        for ours, theirs in (("tokens_in", "prompt_tokens"), ("tokens_out", "completion_tokens")):
            used = usage.get(theirs)
            counts[ours] += used if isinstance(used, int) and used > 0 else 0
        return text

    def _line(self) -> HttpLine:
        try:
            return self._lines.pop()
        except IndexError:
            made = HttpLine(self.url)
            self._all.append(made)
            return made

    def _refusal(self, status: int, said: Mapping[str, str], body: bytes) -> NoReply:
        """What the endpoint says instead of an answer, without the key, should it repeat that."""
        with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
            body = str(json.loads(body)["error"]["message"]).encode()
        text = " ".join(body.decode(errors="replace").split())[:300]
        text = text.replace(self._key, "***") if self._key else text
        what = "rate_limited" if status == 429 else "errors" if status >= 500 else "refused"
        sentence = f"{self.url} answers with status {status}: {text}"
        return NoReply(sentence, what, retry_after(said), again=status in PASSING or status >= 500)

    def close(self) -> None:
        """Hang up; who waits for an answer or for its turn waits no longer."""
        self._closed.set()
        idle = {id(line) for line in self._lines}
        for line in self._all:
            (line.close if id(line) in idle else line.cut)()


def completed(body: bytes) -> tuple[str, dict[str, Any]]:
    """Text and usage of a whole answer. NoReply in one sentence for what is none."""
    if len(body) > MOST_BYTES:
        raise NoReply(f"the answer is longer than {MOST_BYTES} bytes", "malformed", again=False)
    try:
        said = json.loads(body)
        text = said["choices"][0]["message"]["content"]
    except (ValueError, TypeError, KeyError, IndexError, RecursionError):
        raise NoReply(f"the answer is no chat completion: {shown(body)}", "malformed") from None
    return as_text(text), usage_of(said)


def streamed(pieces: Iterator[bytes]) -> tuple[str, dict[str, Any]]:
    """The same of server-sent events; they may be cut anywhere into pieces."""
    text: list[str] = []
    usage: dict[str, Any] = {}
    ended = False
    for data in _events(pieces):
        if data.strip() == b"[DONE]":
            ended = True
            break
        try:
            event = json.loads(data)
            if event.get("error"):
                raise NoReply(f"the stream ends in an error: {shown(json.dumps(event['error']).encode())}", "errors")
            usage = usage_of(event) or usage
            for choice in event.get("choices", [])[:1]:
                text.append(as_text((choice.get("delta") or {}).get("content")))
                ended = ended or choice.get("finish_reason") is not None
        except (ValueError, TypeError, AttributeError, RecursionError):
            raise NoReply(f"the stream holds what is no chat completion: {shown(data)}", "malformed") from None
    if not ended:
        raise NoReply("the stream broke off", "malformed")
    return "".join(text), usage


def _events(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The data of each event."""
    left, data, size = b"", list[bytes](), 0
    for piece in pieces:
        size += len(piece)
        if size > MOST_BYTES:
            raise NoReply(f"the answer is longer than {MOST_BYTES} bytes", "malformed", again=False)
        *lines, left = (left + piece).replace(b"\r\n", b"\n").split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                yield b"\n".join(data)
                data = []
    if left.startswith(b"data:"):
        data.append(left[5:].strip())
    if data:
        yield b"\n".join(data)


def as_text(content: Any) -> str:
    """Content that is a text, a list of parts with texts, or nothing."""
    if isinstance(content, list):
        return "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if content is None:
        return ""
    if not isinstance(content, str):
        raise NoReply("the answer's content is no text", "malformed")
    return content


def usage_of(said: Any) -> dict[str, Any]:
    """What the endpoint says it used."""
    usage = said.get("usage") if isinstance(said, dict) else None
    return usage if isinstance(usage, dict) else {}


def retry_after(said: Mapping[str, str]) -> float | None:
    """Seconds that the endpoint asks to wait: a number, or a date."""
    value = said.get("retry-after", "").strip()
    try:
        return max(float(value), 0.0)
    except ValueError:
        pass
    try:
        return max(email.utils.parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (ValueError, TypeError, IndexError):
        return None


def write_whole(place: Path, text: str) -> None:
    """Write a file so that whoever reads it sees all of it or nothing."""
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=place.parent, prefix=".")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(name, place)
