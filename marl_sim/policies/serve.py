"""Any policy behind a URL, for games that are played elsewhere: `ms.serve`, and `marl-sim serve`."""

from __future__ import annotations

import contextlib
import ipaddress
import threading
from collections import OrderedDict
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from ..core.game import Game
from ..core.registry import as_game
from . import wire
from .base import Policy
from .convert import as_policy
from .served import Run
from .wire import BadMessage

MOST_RUNS = 64  # the one that was longest silent goes first
IDLE = 600.0  # seconds after which a silent line is closed; who comes back dials anew


class Server:
    """A policy that is asked by HTTP; made by `ms.serve`. With `with`, it is closed at the end.

    url     where it is asked: what `ms.as_policy` takes
    policy  who answers
    """

    def __init__(self, policy: Policy, host: str, port: int, game: Game | None):
        self.policy, self.game = policy, game
        self._runs: OrderedDict[str, Run] = OrderedDict()
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"server_of_policy": self})
        try:
            self._http = _Quiet((host, port), handler)
        except OSError as wrong:
            raise OSError(f"nobody can listen at {host}:{port}: {wrong.strerror or wrong}") from None
        place = f"[{host}]" if ":" in host else host
        self.url = f"http://{place}:{self._http.server_address[1]}/"
        threading.Thread(target=self._http.serve_forever, args=(0.1,), name="serve", daemon=True).start()

    def answer(self, message: Mapping[str, Any]) -> dict[str, Any]:
        """What it says to a message. BadMessage in one sentence for what is none."""
        number, run = message.get("number"), message.get("run")
        if isinstance(number, bool) or not isinstance(number, int) or not isinstance(run, str) or len(run) > 100:
            raise BadMessage("a message must have a number and the name of its run")
        said = {"hello": self._hello, "act": self._act, "close": self._close}.get(str(message.get("type")))
        if said is None:
            raise BadMessage(f"type must be hello, act or close; got {message.get('type')!r:.40}")
        return said(message, run)

    def _hello(self, message: Mapping[str, Any], run: str) -> dict[str, Any]:
        with self._lock:
            known = run in self._runs and message.get("again") is True
        if not known:
            made = self._run(message)
            self._close(message, run)
            with self._lock:
                self._runs[run] = made
                silent = [self._runs.popitem(last=False)[1] for _ in range(len(self._runs) - MOST_RUNS)]
            for one in silent:
                one.table.close()
        return {"name": self.policy.name, "wants": ["obs"]}

    def _run(self, hello: Mapping[str, Any]) -> Run:
        try:
            return Run(hello, self.policy, self.game)
        except (ValueError, AttributeError) as wrong:
            if self.game is not None or isinstance(wrong, BadMessage):
                raise
            hint = "where a policy looks into its game, it is served with game=, which says what is played"
            raise ValueError(f"{wrong}; {hint}") from wrong

    def _act(self, message: Mapping[str, Any], run: str) -> dict[str, Any]:
        with self._lock:
            found = self._runs.get(run)
            if found is None:
                return {"error": "nobody here knows this run; say hello first", "greet": True}
            self._runs.move_to_end(run)
        with found.lock:
            return found.act(message, message["number"])

    def _close(self, message: Mapping[str, Any], run: str) -> dict[str, Any]:
        with self._lock:
            found = self._runs.pop(run, None)
        if found is not None:
            with found.lock:
                found.table.close()
        return {}

    def wait(self) -> None:
        """Answer until Ctrl-C."""
        with self, contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()

    def close(self) -> None:
        """Stop listening and let go of all runs."""
        self._http.shutdown()
        self._http.server_close()
        for run in list(self._runs):
            self._close({}, run)

    def __enter__(self) -> Server:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Somebody hung up in the middle."""


class _Handler(BaseHTTPRequestHandler):
    server_of_policy: Server
    protocol_version = "HTTP/1.1"
    timeout = IDLE
    disable_nagle_algorithm = True
    wbufsize = -1

    def do_POST(self) -> None:
        status, said, number = 200, dict[str, Any](), None
        try:
            message = wire.unpack(self._body(), wire.MOST_BYTES_ASKED, "the caller")
            number = message.get("number")
            said = self.server_of_policy.answer(message)
        except BadMessage as wrong:
            status, said = 400, {"error": str(wrong)}
        except Exception as wrong:  # the policy's own: who asked is told, and others go on being served
            said = {"error": f"{type(wrong).__name__}: {wrong}"[: wire.MOST_WORDS]}
        self._say(status, {"marl_sim": wire.VERSION, "number": number, **said})

    def _body(self) -> bytes:
        if self.headers.get_content_type() != "application/json":  # a page in a browser cannot say so unasked
            raise BadMessage("the content type must be application/json")
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > wire.MOST_BYTES_ASKED:
            self.close_connection = True
            raise BadMessage(
                f"a message needs a Content-Length of at most {wire.MOST_BYTES_ASKED}; got {length[:20]!r}"
            )
        return self.rfile.read(int(length))

    def _say(self, status: int, said: Mapping[str, Any]) -> None:
        body = wire.json.dumps(said).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        self._say(405, {"error": "messages come by POST; see docs/how-to/agents_elsewhere.md"})

    def log_message(self, format: str, *arguments: Any) -> None:
        """Nothing: there is a line for every step of a run."""


def serve(policy: Any, port: int = 0, host: str = "127.0.0.1", game: Any = None, **options: Any) -> Server:
    """Serve a policy to games that are played elsewhere, until the Server is closed.

    policy   whatever `ms.as_policy` takes, with its options
    port     0: a free one; Server.url says which
    host     where it listens. Only this machine can ask unless told otherwise: "0.0.0.0" lets all the network in,
             and whoever can connect can ask

    game     the Game that is played there, or the name of a registered one: for policies that look into their game
             (TitForTat, whether it is a dilemma). Runs of other games are then refused

    It answers in threads of its own: `with ms.serve("TitForTat", game=game) as server: ...`, or
    `ms.serve("Random", port=8765).wait()`. A policy that is served plays as one at the table does, number by number.
    ValueError, OSError in one sentence for what cannot be served.
    """
    if isinstance(port, bool) or not isinstance(port, int) or not 0 <= port < 65536:
        raise ValueError(f"port must be a whole number from 0 to 65535; got {port!r}")
    return Server(as_policy(policy, **options), host, port, None if game is None else as_game(game))


def only_here(host: str) -> bool:
    """Whether only this machine can ask at an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
