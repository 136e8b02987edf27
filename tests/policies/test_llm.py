"""A language model in a seat, against an endpoint on this machine that behaves as each test says."""

import email.utils
import json
import os
import re
import threading
import time

import numpy as np
import pytest
from fake_servers import fake, play, small_game

import marl_sim as ms
from marl_sim.policies import chat
from marl_sim.policies.llm import LanguageModel
from marl_sim.policies.remote import NoAnswer

GAME = small_game()
KEY = "sk-very-secret"


@pytest.fixture(autouse=True)
def _quick_and_with_a_key(monkeypatch):
    monkeypatch.setattr(chat, "FIRST_WAIT", 0.01)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)


def completion(text, **more):
    return {"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": "stop"}], **more}


def says(text):
    """An endpoint that answers each request by a text, or by what a function makes of the request."""
    return lambda handler, body: handler.say(completion(text(body) if callable(text) else text))


def seat(server, **options):
    return LanguageModel(f"toy@{server.url}/v1", **options)


def run(server, steps=4, num_envs=1, game=GAME, **options):
    played, reports = play(game, {1: seat(server, **options), 0: "Random"}, steps, num_envs, (4,))
    return played, reports[0] if reports[0]["seats"] == ["agent_1"] else reports[1]


def of(body):
    """What a request's user says."""
    return body["messages"][1]["content"]


# ---------------------------------------------------------------- what is asked


def test_it_is_told_the_rules_what_it_sees_and_what_was():
    with fake(says('{"action": 1}')) as server:
        played, report = run(server, steps=3, temperature=0.5, seed=7, max_tokens=30, instructions="Be kind.")
    assert (played[:, :, 1] == 1).all() and report["calls"] == 3
    first, _, third = server.asked
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}"
    assert {k: v for k, v in first.items() if k != "messages"} == {
        "model": "toy", "temperature": 0.5, "seed": 7, "max_tokens": 30,
    }  # fmt: skip
    assert [message["role"] for message in first["messages"]] == ["system", "user"]
    rules = first["messages"][0]["content"]
    assert "Defection dominates" in rules and "3, 3" in rules and '{"action": NUMBER}' in rules and "Be kind." in rules
    assert "float32" not in rules
    assert "You are agent_1. Stage: play." in of(first) and "You may choose 0 (cooperate) or 1 (defect)." in of(first)
    theirs = [("cooperate", "defect")[a] for a in played[:2, 0, 0]]
    paid = [{"cooperate": 4, "defect": 1}[word] for word in theirs]
    assert of(third).startswith(
        "Your last 2 decisions, oldest first:\n"
        f"- play with agent_0: you defect, agent_0 {theirs[0]}; you were paid {paid[0]}\n"
        f"- play with agent_0: you defect, agent_0 {theirs[1]}; you were paid {paid[1]}\n"
    )


def test_memory_is_as_long_as_said():
    with fake(says("0")) as server:
        run(server, memory=1)
        run(server, memory=0)
    assert "last 1 decisions" in of(server.asked[3])
    assert of(server.asked[7]).startswith("You are agent_1")


def test_a_step_takes_as_long_as_its_slowest_call():
    at_once, most, lock = [0], [0], threading.Lock()

    def behave(handler, body):
        with lock:
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
        time.sleep(0.15)
        with lock:
            at_once[0] -= 1
        handler.say(completion("1"))

    with fake(behave) as server:
        run(server, steps=1, num_envs=1)  # compiled by now
        began = time.monotonic()
        _, report = run(server, steps=2, num_envs=12, at_once=6)
        took = time.monotonic() - began
    assert report["calls"] == 24 and most[0] == 6
    assert 4 * 0.15 < took < 24 * 0.15 / 2
    assert server.lines <= 1 + 6  # lines are kept open


# ---------------------------------------------------------------- streams


def stream(*pieces, kind="text/event-stream; charset=utf-8"):
    """Chunks of an HTTP body, sent one by one."""

    def behave(handler, body):
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        for piece in pieces:
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    return behave


def event(text=None, **more):
    delta = {} if text is None else {"content": text}
    return b"data: " + json.dumps({"choices": [{"delta": delta, **more}]}, ensure_ascii=False).encode() + b"\n\n"


WORDS = [b": keep-alive\n\n", event(None), event("I will — d"), event("efe"), event("ct"), event(finish_reason="stop")]


@pytest.mark.parametrize(
    "pieces",
    [
        [*WORDS, b"data: [DONE]\n\n"],
        [b"".join(WORDS) + b"data: [DONE]\n\n"],
        [b"".join(WORDS).replace(b"\n", b"\r\n")],
        [bytes([byte]) for byte in b"".join(WORDS) + b"data: [DONE]"],
        [b"".join(WORDS[:-1]) + b'data: {"choices": [], "usage": {"completion_tokens": 5}}\n\ndata:[DONE]\n\n'],
    ],
    ids=["events", "one piece", "crlf", "bytes", "usage"],
)
def test_streams_are_read_however_they_are_cut(pieces):
    with fake(stream(*pieces)) as server:
        played, report = run(server, steps=2, stream=True)
    assert (played[:, :, 1] == 1).all() and report["calls"] == 2
    assert server.asked[0]["stream"] is True


# ---------------------------------------------------------------- what goes wrong, one by one


def hang(handler, body):
    time.sleep(1.0)


def status(code, said=b"no", **headers):
    return lambda handler, body: handler.say(said, code, headers)


REFUSED = json.dumps({"error": {"message": f"Incorrect API key provided: {KEY}\nask for one"}}).encode()
FAULTS = {
    "hangs": (hang, "timeouts", "did not answer within 0.3 s"),
    "hangs up": (lambda handler, _: setattr(handler, "close_connection", True), "unreachable", "cannot be reached"),
    "500": (status(500, b"oh\nno"), "errors", "answers with status 500: oh no"),
    "429": (status(429), "rate_limited", "answers with status 429"),
    "429 for long": (status(429, **{"Retry-After": "3600"}), "rate_limited", "answers with status 429"),
    "401": (status(401, REFUSED), "refused", "answers with status 401: Incorrect API key provided: *** ask for one"),
    "no JSON": (status(200, b"<html>"), "malformed", "the answer is no chat completion: '<html>'"),
    "no choices": (status(200, b'{"choices": []}'), "malformed", "the answer is no chat completion"),
    "no text": (status(200, b'{"choices": [{"message": {"content": 3}}]}'), "malformed", "content is no text"),
    "too deep": (status(200, b"[" * 100_000), "malformed", "the answer is no chat completion"),
    "too long": (status(200, b" " * (9 << 20)), "malformed", "longer than"),
    "stream breaks off": (stream(WORDS[2], WORDS[3]), "malformed", "the stream broke off"),
    "stream of an error": (stream(b'data: {"error": {"message": "busy"}}\n\n'), "errors", "ends in an error"),
    "stream of nonsense": (stream(b"data: <html>\n\n"), "malformed", "no chat completion"),
    "rambles": (says("Well, to cooperate or to defect ..."), "rambled", "it names no action, or several"),
    "silent": (says(""), "rambled", "it names no action, or several"),
    "illegal": (says("I choose 7."), "rambled", "7 is not open now"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_sentence_or_the_fallback_and_counted(fault):
    behave, counted, sentence = FAULTS[fault]
    with fake(behave) as server:
        options = dict(steps=2, timeout=0.3, retries=1)
        with pytest.raises(NoAnswer) as refused:
            run(server, **options)
        said = str(refused.value)
        assert sentence in said and said.startswith(f"llm:toy@{server.url}/v1 gave no action for agent_1 in world 0")
        assert KEY not in said and "\n" not in said
        played, report = run(server, illegal="pass", **options)
    assert (played[:, :, 1] == 0).all() and report["replaced"] == 2
    assert report[counted] >= 1
    rambling = counted == "rambled"
    assert report.get("skipped", 0) == (0 if rambling else 1)  # who is not there is left alone for a while
    again = fault not in ("401", "429 for long", "too long")  # where asking again may help
    assert report["calls"] == (1 + again) * (1 + rambling)


def test_what_cannot_be_played_is_explained_and_asked_again():
    def text(body):
        return "2" if len(body["messages"]) == 2 else "I see: defect"

    with fake(says(text)) as server:
        played, report = run(server, steps=1)
    assert played[0, 0, 1] == 1 and report["rambled"] == 1 and report["replaced"] == 0
    roles = [message["role"] for message in server.asked[1]["messages"]]
    assert roles == ["system", "user", "assistant", "user"]
    last = server.asked[1]["messages"][-1]["content"]
    assert "2 is not open now" in last and "0 (cooperate) or 1 (defect)" in last


@pytest.mark.parametrize(
    "header", [lambda: "0.2", lambda: email.utils.formatdate(time.time() + 2, usegmt=True), lambda: "soon"]
)
def test_a_limit_of_rate_is_waited_for(header):
    times = []

    def behave(handler, body):
        times.append(time.monotonic())
        if len(times) == 1:
            return handler.say(b"slow down", 429, {"Retry-After": header()})
        return handler.say(completion("1"))

    with fake(behave) as server:
        played, report = run(server, steps=1)
    assert played[0, 0, 1] == 1 and (report["rate_limited"], report["retries"]) == (1, 1)
    least = {"0.2": 0.2, "soon": 0.0}.get(header(), 0.9)
    assert least <= times[1] - times[0] < least + 1.5


def test_waits_double():
    times = []

    def behave(handler, body):
        times.append(time.monotonic())
        handler.say(b"", 503)

    with fake(behave) as server, pytest.raises(NoAnswer):
        run(server, steps=1, retries=4)
    waits = np.diff(times)
    assert len(waits) == 4 and all(wait >= 0.01 * 2**k for k, wait in enumerate(waits))


# ---------------------------------------------------------------- cache, budget, transcript


def test_the_cache_answers_the_same_request(tmp_path):
    with fake(says("1")) as server:
        first, report = run(server, cache=str(tmp_path))
        again, replay = run(server, cache=str(tmp_path))
        asked = len(server.asked)
        run(server, cache=str(tmp_path), instructions="Be kind.", steps=1)
    assert (first == again).all()
    assert report["calls"] == asked == 4 and replay["cached"] == 4 and "calls" not in replay
    assert len(server.asked) == asked + 1  # another request
    kept = [file.read_text() for file in tmp_path.iterdir()]
    assert len(kept) == 5 and not any(KEY in text for text in kept)


def test_draws_stay_independent_in_the_cache(tmp_path):
    """At temperature 0 worlds in the same place share an answer; above it each world draws its own."""
    with fake(says("1")) as server:
        calls = [
            run(server, steps=1, num_envs=5, memory=0, at_once=1, cache=str(tmp_path), temperature=t)[1]["calls"]
            for t in (0.0, 1.0)
        ]
        assert calls == [1, 5]
        _, replay = run(server, steps=1, num_envs=5, memory=0, cache=str(tmp_path), temperature=1.0)
    assert replay["cached"] == 5


def test_a_budget_of_calls(tmp_path):
    with fake(says("1")) as server:
        played, report = run(server, steps=3, num_envs=4, calls=6, illegal="pass", cache=str(tmp_path), temperature=1)
        assert len(server.asked) == report["calls"] == 6
        assert report["out_of_budget"] == report["replaced"] == 6
        assert played[:, :, 1].tolist() == [[1, 1, 1, 1], [1, 1, 0, 0], [0, 0, 0, 0]]  # by the order of rows
        with pytest.raises(NoAnswer, match="the budget of calls is used up"):
            run(server, calls=1, temperature=1)
        _, report = run(server, steps=1, num_envs=4, calls=0, illegal="pass", cache=str(tmp_path), temperature=1)
    assert report["cached"] == 4 and report["replaced"] == 0  # what is known costs nothing


def test_answers_that_are_asked_for_again_are_calls_too():
    with fake(says("hm")) as server:
        _, report = run(server, steps=3, num_envs=2, calls=5, retries=1, illegal="pass")
    assert len(server.asked) == report["calls"] == 5


def test_the_transcript_tells_everything_but_the_key(tmp_path):
    file = tmp_path / "deep" / "talk.jsonl"
    with fake(says(lambda body: "hm — é" if len(body["messages"]) == 2 else "1")) as server:
        run(server, steps=2, num_envs=8, transcript=str(file))
    text = file.read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert len(lines) == len(server.asked) == 32 and KEY not in text
    assert {(line["world"], line["step"], line["attempt"]) for line in lines} == {
        (world, step, attempt) for world in range(8) for step in (0, 1) for attempt in (0, 1)
    }
    assert {line["answer"] for line in lines} == {"hm — é", "1"} and {line["action"] for line in lines} == {None, 1}
    assert all(line["messages"][0]["role"] == "system" for line in lines)


def test_a_study_resumed_keeps_its_budget_and_its_place():
    def trainer(server):
        learner, policies = ms.TabularQ(alpha=0.1, gamma=0.9, epsilon=0.2), {1: seat(server, calls=10, illegal="pass")}
        return ms.Trainer(GAME, learner, episodes=4, block=1, policies=policies)

    with fake(says(lambda body: "1" if "defect; you were" in of(body) else "0")) as server:
        whole = trainer(server)
        expected = list(whole.run())
        stopped = trainer(server)
        first = [next(stopped.run())]
        resumed = trainer(server)
        resumed.load_state_dict(stopped.state_dict())
        stopped.close()
        server.asked.clear()
        assert first + list(resumed.run()) == expected
    assert len(server.asked) == 6 and resumed.seats.report()[0]["calls"] == 10
    assert resumed.seats.report()[0]["out_of_budget"] == 6


def test_the_key_stands_in_no_state_of_it(monkeypatch):
    monkeypatch.setenv("OTHER", KEY)
    policy = ms.as_policy("llm:a/b:c@https://there.example/v1#key=OTHER,temperature=0.5,worlds=2")
    assert policy == LanguageModel("a/b:c@https://there.example/v1", key="OTHER", temperature=0.5, worlds=2)
    assert KEY not in repr(policy) + policy.name + str(vars(policy))


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: ms.as_policy("llm:toy"), "a model and a URL were expected, as in llm:MODEL@http://host/v1; got 'toy'"),
        (lambda: ms.as_policy("llm:@http://x"), "a model and a URL were expected"),
        (lambda: LanguageModel("toy@http://me:pw@x/v1"), "leave them out"),
        (lambda: LanguageModel("toy@http://x", at_once=0), "at_once must be a whole number of at least 1; got 0"),
        (lambda: LanguageModel("toy@http://x", calls=-1), "calls must be a whole number of at least 0; got -1"),
        (lambda: LanguageModel("toy@http://x", temperature=-1), "temperature must be a number of at least 0; got -1"),
        (lambda: LanguageModel("toy@http://x", timeout=None), "timeout must be a number of seconds above 0; got None"),
    ],
)
def test_wrong_options_are_one_sentence(make, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        make()


def test_an_endpoint_without_a_key_gets_none(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY")
    with fake(says("1")) as server:
        run(server, steps=1)
    assert "Authorization" not in server.headers[0]
    assert "OPENAI_API_KEY" not in os.environ
