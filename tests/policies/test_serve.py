"""A policy behind a URL plays as it does at the table, and nobody can make the server do anything else."""

import http.client
import json
import socket

import numpy as np
import pytest
from fake_servers import fake, play, small_game

import marl_sim as ms
from marl_sim import cli
from marl_sim.policies import Seats
from marl_sim.policies import serve as module
from marl_sim.policies.serve import only_here


class Mind(ms.Policy):
    """Uses everything a policy can know: fields, meetings, history, memory by opponent, rewards, its own chance."""

    keeps = dict(anger=0.0, paid=0.0)
    apart = True

    def see(self, seen):
        rows = np.arange(seen.player.num_rows)
        kept = seen.player.kept["paid"]
        kept[rows] += seen.reward.reshape(-1, *[1] * (kept.ndim - 1)) * (1 + seen.truncated.astype(float))[:, None]

    def act(self, view):
        if view.kind != "play":
            return view.random_legal()
        anger = np.where(view.other == 1, view.kept["anger"] + 1, view.kept["anger"] / 2)
        view.kept["anger"] = anger
        history = view.history()
        past = np.array([sum(t.reward + t.theirs + 2 * t.action for t in history.turns(k)) for k in range(view.n)])
        seen = np.array([np.sum(view[name]) for name in view.fields])
        odds = anger - 1 + np.sin(past) + 0.1 * view.turn + 0.2 * view.last + 0.01 * view.met + 0.1 * view.own
        odds += 0.1 * np.sin(view.kept["paid"]) + 0.01 * seen.sum()
        odds += 0.1 * np.array([len(text) for text in view.text()])
        return (view.uniform() < 1 / (1 + np.exp(0.1 * odds))).astype(int)


class Illegal(ms.Policy):
    def act(self, view):
        return np.full(view.n, 7)


GAMES = {
    "pairs": lambda: ms.Society(ms.PrisonersDilemma(), ms.Noise(), n_agents=4, horizon=ms.Geometric(0.8)),
    "stages": lambda: ms.Society(
        ms.PrisonersDilemma(), ms.PartnerSelection(), ms.Punishment(), n_agents=4, horizon=ms.Fixed(3)
    ),
    "continuing": lambda: small_game(horizon=ms.Continuing(5), encode="one_hot"),
}


@pytest.mark.parametrize("name", GAMES)
def test_a_served_policy_plays_as_at_the_table(name):
    game = GAMES[name]()
    others = dict.fromkeys(range(1, game.n_agents), "Random")
    expected, _ = play(game, {0: Mind(), **others}, steps=40)
    with ms.serve(Mind()) as server:
        played, reports = play(game, {0: server.url, **others}, steps=40)
    assert (played == expected).all()
    assert 0.02 < expected[:, :, 0].mean() < 0.98
    assert reports[0]["replaced"] == reports[0]["left_out"] == 0


@pytest.mark.parametrize("name", ["TitForTat", "GenerousTitForTat"])
def test_so_does_one_that_looks_into_its_game(name):
    expected, _ = play(small_game(), {1: name, 0: "Random"}, steps=20)
    with ms.serve(name, game=small_game()) as server:
        played, _ = play(small_game(), {1: server.url, 0: "Random"}, steps=20)
        with pytest.raises(RuntimeError, match=r"what is played is not .*, which is served: agents are \['agent_0', "):
            play(small_game(n_agents=4), {1: server.url, **dict.fromkeys((0, 2, 3), "Random")})
    assert (played == expected).all()
    with ms.serve(name) as server, pytest.raises(RuntimeError, match="it is served with game=, which says what is pl"):
        play(small_game(), {1: server.url, 0: "Random"})


def test_so_do_several_runs_at_the_same_time_and_numbers():
    game = ms.make("common_pool", n_agents=2, box=True)

    class Half(ms.Policy):
        def act(self, view):
            return view.box[1] * view.uniform() / 2

    expected, _ = play(game, {0: Half(), 1: "Random"}, 12, 2, (5,), float)
    with ms.serve(Half()) as server:
        for _ in range(2):
            played, _ = play(game, {0: server.url, 1: server.url}, 12, 2, (5,), float)
        played, _ = play(game, {0: server.url, 1: "Random"}, 12, 2, (5,), float)
    assert (played == expected).all()


def test_what_the_policy_refuses_is_told():
    with ms.serve(Illegal()) as server, pytest.raises(RuntimeError, match=r"says: IllegalAction: Illegal, as agent_1"):
        play(small_game(), {1: server.url, 0: "Random"})


def test_a_server_that_was_started_anew_is_greeted_again():
    server = ms.serve("Random")
    simulator = ms.Simulator(small_game(), 2, seed=3)
    simulator.reset()
    seats = Seats(simulator, {0: ms.as_policy("Random"), 1: ms.as_policy(server.url)})
    for step in range(6):
        actions = np.zeros(simulator.acting.shape, dtype=int)
        if step == 3:
            server._runs.clear()  # it knows nobody any more, as after a start
        seats.choose(actions)
        seats.saw(simulator.step(actions), actions)
    seats.close()
    server.close()
    assert seats.report()[1]["replaced"] == 0


def test_the_same_question_is_answered_once():
    """Asked again, because an answer was lost on the way, it neither thinks nor learns twice."""
    asked = []

    class Counting(ms.Policy):
        keeps = dict(times=0)

        def act(self, view):
            view.kept["times"] = view.kept["times"] + 1
            asked.append(view.kept["times"].tolist())
            return view.legal.argmax(axis=1)

    with ms.serve(Counting()) as server:
        hello, act = messages()
        post(server.url, hello)
        answers = [post(server.url, act) for _ in range(3)]
    assert answers[0] == answers[1] == answers[2] and asked == [[1]]


# ---------------------------------------------------------------- what it lets in


def messages():
    """A hello and an act message of a run of one row, as they are written."""
    taken = []

    def keep(handler, message):
        taken.append(message)
        said = {"marl_sim": 1, "number": message["number"]}
        handler.say(said | ({"actions": {"0": 0}} if message["type"] == "act" else {}))

    with fake(keep) as server:
        play(small_game(), {1: server.url, 0: "Random"}, steps=1, num_envs=1, seed=(4,))
    return taken[:2]


def post(url, body, **headers):
    """Status and answer."""
    line = http.client.HTTPConnection(url.split("/")[2], timeout=5)
    body = body if isinstance(body, bytes) else json.dumps(body).encode()
    line.request("POST", "/", body, {"Content-Type": "application/json", **headers})
    answer = line.getresponse()
    found = answer.status, json.loads(answer.read())
    line.close()
    return found


SPOILT = {
    "no JSON": (lambda hello, act: b"\x80\x04N.", "what is not JSON"),
    "another version": (lambda hello, act: act | {"marl_sim": 2}, "speaks version 2"),
    "no number": (lambda hello, act: act | {"number": "1"}, "must have a number"),
    "no run": (lambda hello, act: act | {"run": 3}, "the name of its run"),
    "an unknown type": (lambda hello, act: act | {"type": "eval"}, "type must be hello, act or close"),
    "too much to serve": (lambda hello, act: hello | {"num_envs": 10**9}, "are too much to serve"),
    "no agents": (lambda hello, act: hello | {"agents": "ab"}, "agents must be a list of str"),
    "no such agent": (lambda hello, act: hello | {"rows": [{"id": 0, "world": 0, "agent": "x"}]}, "rows must have"),
    "no such world": (lambda hello, act: hello | {"rows": [{"id": 0, "world": 9, "agent": "agent_1"}]}, "rows must"),
    "no rows": (lambda hello, act: hello | {"rows": []}, "rows must be worlds and agents"),
    "a stage of no kind": (lambda hello, act: hello | {"kinds": {}}, "of one of the kinds"),
    "columns beyond": (
        lambda hello, act: hello | {"kinds": {"play": {"choices": [], "fields": [{"name": "a", "columns": [0, 99]}]}}},
        "two columns of the observation",
    ),
    "no such row": (lambda hello, act: act | {"rows": [act["rows"][0] | {"id": 5}]}, "there is no row 5"),
    "too few numbers": (lambda hello, act: act | {"rows": [act["rows"][0] | {"obs": []}]}, "numbers"),
    "words for numbers": (lambda hello, act: act | {"rows": [act["rows"][0] | {"obs": ["a"] * 3}]}, "numbers"),
    "nothing legal": (lambda hello, act: act | {"rows": [act["rows"][0] | {"legal": []}]}, "must have legal actions"),
    "legal beyond": (lambda hello, act: act | {"rows": [act["rows"][0] | {"legal": [99]}]}, "must have legal actions"),
    "no events": (lambda hello, act: act | {"since": 3}, "since must be a list"),
    "a word for a reward": (lambda hello, act: act | {"since": [{"id": 0, "reward": "3"}]}, "reward must be a number"),
}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_spoilt_messages_are_refused_and_others_served(spoilt):
    hello, act = messages()
    make, says = SPOILT[spoilt]
    with ms.serve("Random") as server:
        assert post(server.url, hello)[0] == 200
        status, answer = post(server.url, make(hello, act))
        assert status == 400 and says in answer["error"]
        status, answer = post(server.url, act)
        assert status == 200 and set(answer["actions"]) == {"0"}


def test_only_json_gets_in_and_only_so_much_of_it(monkeypatch):
    """A page in a browser may send forms and plain text to any address without asking."""
    hello, _ = messages()
    monkeypatch.setattr(module.wire, "MOST_BYTES_ASKED", 2000)
    with ms.serve("Random") as server:
        assert post(server.url, hello, **{"Content-Type": "text/plain"})[0] == 400
        assert post(server.url, b" " * 3000)[0] == 400
        status, answer = post(server.url, hello, **{"Content-Length": "-1"})
        assert status == 400 and "Content-Length" in answer["error"]
        line = http.client.HTTPConnection(server.url.split("/")[2], timeout=5)
        line.request("GET", "/")
        assert line.getresponse().status == 405
        line.close()


def test_it_listens_on_this_machine_only_unless_told_otherwise():
    with ms.serve("Random") as server:
        assert server.url.startswith("http://127.0.0.1:")
        assert server._http.socket.getsockname()[0] == "127.0.0.1"
    with ms.serve("Random", host="0.0.0.0") as server:
        assert server._http.socket.getsockname()[0] == "0.0.0.0"
    assert [only_here(host) for host in ("127.0.0.1", "localhost", "::1", "0.0.0.0", "10.1.2.3", "there")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


def test_runs_that_are_silent_for_long_are_let_go(monkeypatch):
    monkeypatch.setattr(module, "MOST_RUNS", 2)
    hello, act = messages()
    with ms.serve("Random") as server:
        for name in "abc":
            post(server.url, hello | {"run": name})
        answers = [post(server.url, act | {"run": name})[1] for name in "abc"]
        assert [answer.get("greet", False) for answer in answers] == [True, False, False]
        post(server.url, {"marl_sim": 1, "number": 9, "type": "close", "run": "b"})
        assert post(server.url, act | {"run": "b"})[1]["greet"] is True


def test_wrong_places_are_one_sentence():
    with pytest.raises(ValueError, match="port must be a whole number from 0 to 65535; got 70000"):
        ms.serve("Random", port=70000)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(OSError, match=f"nobody can listen at 127.0.0.1:{port}: "):
            ms.serve("Random", port=port)
    with pytest.raises(ValueError, match="unknown policy 'Randon'; did you mean 'Random'"):
        ms.serve("Randon")


@pytest.mark.parametrize("host, warns", [("127.0.0.1", False), ("0.0.0.0", True)])
def test_the_command_says_where_it_listens(host, warns, monkeypatch, capsys):
    monkeypatch.setattr(module.Server, "wait", lambda self: self.close())
    assert cli.main(["serve", "Random", "--host", host]) == 0
    printed = capsys.readouterr()
    assert f"Random answers at http://{host}:" in printed.out
    assert ("anybody who can reach this machine" in printed.err) == warns
    assert ("only this machine can ask" in printed.out) != warns
    assert cli.main(["serve", "Randon"]) == 2
