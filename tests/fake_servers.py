"""Servers on this machine that behave as a test says, and the games in which they are asked."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np

import marl_sim as ms
from marl_sim.policies import Seats


class Handler(BaseHTTPRequestHandler):
    """Passes each request to `server.behave(handler, message)`, which answers by handler.say or in its own way."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body)
        self.server.headers.append(dict(self.headers))
        self.server.behave(self, body)

    def say(self, said, status=200, headers=None):
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


@contextmanager
def fake(behave, port=0):
    """A server; `asked` and `headers` hold what came, `url` where it is, `lines` how many connections were made."""
    server = Quiet(("127.0.0.1", port), Handler)
    server.behave, server.asked, server.headers, server.lines = behave, [], [], 0
    server.url = f"http://127.0.0.1:{server.server_address[1]}"
    accept = server.get_request

    def counted():
        found = accept()
        server.lines += 1
        return found

    server.get_request = counted
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()


def answer(message, action=None, **more):
    """What a well-behaved agent says; `action` of a row, by default its first legal action."""
    said = {"marl_sim": 1, "number": message["number"], **more}
    if message["type"] == "act":
        pick = action or (lambda row: row["legal"][0])
        said.setdefault("actions", {row["id"]: pick(row) for row in message["rows"]})
    return said


def small_game(**options):
    """Two players of a dilemma, rounds of four."""
    given = {"n_agents": 2, "horizon": ms.Fixed(rounds=4), "encode": "index"} | options
    return ms.Society(ms.PrisonersDilemma(), **given)


def play(game, policies, steps=12, num_envs=3, seed=(4, 9), kind=int):
    """The actions of all, and the seats' report. The policies are closed whatever happens."""
    simulator = ms.Simulator(game, num_envs, seed=list(seed))
    simulator.reset()
    seats = Seats(simulator, {agent: ms.as_policy(who) for agent, who in policies.items()})
    played = []
    try:
        for _ in range(steps):
            actions = np.zeros(simulator.acting.shape, dtype=kind)
            seats.choose(actions)
            seats.saw(simulator.step(actions), actions)
            played.append(actions)
    finally:
        seats.close()
    return np.array(played), seats.report()
