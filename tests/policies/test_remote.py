"""Agents behind a URL or a command: what they are told, and every way in which they can fail."""

import re
import socket
import time

import numpy as np
import pytest
from fake_servers import answer, fake, play, small_game
from remote_agents import ends, program, quick, trainer

import marl_sim as ms
from marl_sim.evaluation.study import Study
from marl_sim.policies import Seats
from marl_sim.policies.remote import Command, Http, NoAnswer
from marl_sim.training.config import StudyOptions
from marl_sim.training.population import Population

# ---------------------------------------------------------------- what is said


def test_one_question_a_step_holds_all_rows_and_what_they_went_through():
    with fake(lambda handler, message: handler.say(answer(message, lambda row: row["world"] % 2))) as server:
        played, (report, _) = play(small_game(), {1: server.url, 0: "Random"}, steps=9)
    kinds = [message["type"] for message in server.asked]
    assert kinds == ["hello", *["act"] * 9, "close"]
    assert server.lines == 1  # kept open
    assert (played[:, :, 1] == np.arange(6) % 2).all()
    assert report["decisions"] == 54 and report["replaced"] == 0
    hello, first, second, fifth = server.asked[0], server.asked[1], server.asked[2], server.asked[5]
    assert [message["number"] for message in server.asked] == list(range(1, 12))
    assert hello["agents"] == ["agent_0", "agent_1"] and hello["kinds"]["play"]["choices"] == ["cooperate", "defect"]
    assert len(hello["rows"]) == 6 and hello["rows"][5] == {"id": 5, "world": 5, "agent": "agent_1"}
    row = first["rows"][3]
    assert row["fields"] == {"target_actions": 2, "own_actions": 2} and len(row["obs"]) == hello["columns"]
    assert row["legal"] == [0, 1] and row["words"] == ["cooperate", "defect"]
    assert row["text"].startswith("You are agent_1. Stage: play.")
    assert row["last"] is None and row["other"] == -1 and row["opponent"] == "agent_0"
    theirs = int(played[0, 3, 0])
    paid = [[3, 4], [0, 1]][theirs][1]  # world 3 always defects
    assert second["rows"][3]["last"] == {
        "kind": "play", "action": 1, "opponent": "agent_0", "theirs": theirs, "reward": paid,
    }  # fmt: skip
    assert second["rows"][3]["other"] == theirs
    assert [event for event in second["since"] if event["id"] == 3] == [{"id": 3, "reward": paid, "ended": None}]
    assert {event["ended"] for event in fifth["since"]} == {"terminated"}  # after four rounds
    assert all(row["last"] is None for row in fifth["rows"])  # a new episode


def test_all_kinds_of_decisions_of_a_step_are_asked_at_once():
    """In a trust game worlds come apart: where nothing is sent, nothing is returned."""
    with fake(lambda handler, message: handler.say(answer(message, lambda row: row["legal"][-1]))) as server:
        _, (report, _) = play(ms.make("trust"), {0: server.url, 1: "Random"}, steps=40)
    asks = [message for message in server.asked if message["type"] == "act"]
    steps = [message["step"] for message in asks]
    assert len(steps) == len(set(steps))
    assert sum(len(message["rows"]) for message in asks) == report["decisions"]
    assert max(len({row["kind"] for row in message["rows"]}) for message in asks) == 2
    assert report["replaced"] == 0


def test_an_agent_gets_the_parts_it_wants():
    wants = ["history"]
    with fake(lambda handler, message: handler.say(answer(message, wants=wants))) as server:
        played, _ = play(small_game(), {1: server.url, 0: "Random"}, steps=4)
    row = server.asked[4]["rows"][2]
    assert not {"obs", "fields", "text"} & set(row)
    assert [turn["theirs"] for turn in row["history"]] == played[:3, 2, 0].tolist()


# ---------------------------------------------------------------- what goes wrong, one by one


def hang(handler, message):
    time.sleep(1.0)


def hang_up(handler, message):
    handler.close_connection = True
    handler.connection.shutdown(socket.SHUT_RDWR)


def drip(handler, message):
    """A byte every now and then: each comes in time, the answer never does."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        time.sleep(0.05)


def says(make):
    return lambda handler, message: handler.say(make(message))


FAULTS = {
    "slow": (hang, "timeouts", "did not answer within 0.3 s"),
    "drips": (drip, "timeouts", "did not answer within 0.3 s"),
    "hangs up": (hang_up, "unreachable", "cannot be reached"),
    "breaks off": (
        lambda handler, _: (
            handler.say(b'{"marl', headers={"Content-Length": "90", "Connection": "close"})
            or handler.connection.shutdown(socket.SHUT_WR)
        ),
        "unreachable",
        "cannot be reached (IncompleteRead",
    ),
    "status 500": (lambda handler, _: handler.say(b"oh", 500), "errors", "answers with status 500: 'oh'"),
    "status 404": (lambda handler, _: handler.say(b"what?", 404), "errors", "answers with status 404: 'what?'"),
    "no JSON": (says(lambda _: b"<html>"), "malformed", "sent what is not JSON"),
    "a pickle": (says(lambda _: b"\x80\x04\x95"), "malformed", "sent what is not JSON"),
    "NaN": (says(lambda _: b'{"marl_sim": NaN}'), "malformed", "NaN is no JSON"),
    "too deep": (says(lambda _: b"[" * 100_000), "malformed", "nested too deep"),
    "a list": (says(lambda _: []), "malformed", "must send a JSON object"),
    "too long": (says(lambda _: b" " * (2 << 20)), "too_long", "sent more than the"),
    "version 2": (says(lambda m: answer(m, marl_sim=2)), "version", "speaks version 2 of the protocol"),
    "no version": (says(lambda m: {"actions": {}}), "version", "speaks version None"),
    "version true": (says(lambda m: answer(m, marl_sim=True)), "version", "speaks version True"),
    "no number": (says(lambda m: answer(m, number=None)), "malformed", "must give back the number"),
    "a later number": (says(lambda m: answer(m, number=99)), "malformed", "must give back the number"),
    "an older number": (says(lambda m: answer(m, number=0)), "malformed", "gave back the number of another"),
    "an error": (says(lambda m: answer(m, error="no\nidea")), "errors", "says: no idea"),
    "no actions": (says(lambda m: answer(m, actions=None)), "malformed", 'must answer with "actions"'),
    "a list of actions": (says(lambda m: answer(m, actions=[0, 0])), "malformed", 'must answer with "actions"'),
    "unknown ids": (says(lambda m: answer(m, actions={"77": 0})), "unknown_ids", "answers for row '77'"),
    "a word": (says(lambda m: answer(m, lambda row: "defect")), "malformed", "must give a whole number (or null)"),
    "a fraction": (says(lambda m: answer(m, lambda row: 0.5)), "malformed", "must give a whole number (or null)"),
    "true": (says(lambda m: answer(m, lambda row: True)), "malformed", "must give a whole number (or null)"),
    "beyond numbers": (says(lambda m: answer(m, lambda row: 10**400)), "malformed", "beyond all range"),
    "illegal": (says(lambda m: answer(m, lambda row: 2)), "illegal", "it may choose 0 (cooperate) or 1 (defect)"),
    "negative": (says(lambda m: answer(m, lambda row: -1)), "illegal", "it may choose 0 (cooperate)"),
    "null": (says(lambda m: answer(m, lambda row: None)), "left_out", "gave no action for row 0"),
    "rows left out": (says(lambda m: answer(m, actions={})), "left_out", "gave no action for row 0"),
}


def faulty(fault, good=2):
    """Behaves for so many questions, and then does not."""

    def behave(handler, message):
        acts = sum(asked["type"] == "act" for asked in handler.server.asked)
        if message["type"] == "act" and acts > good:
            FAULTS[fault][0](handler, message)
        else:
            handler.say(answer(message, lambda row: 1))

    return behave


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_one_sentence_or_the_fallback_and_counted(fault):
    _, counted, sentence = FAULTS[fault]
    with fake(faulty(fault)) as server:
        with pytest.raises((NoAnswer, ms.IllegalAction)) as refused:
            play(small_game(), {1: quick(server.url), 0: "Random"}, num_envs=1)
        said = str(refused.value)
        assert sentence in said and server.url in said and "\n" not in said
        assert "agent_1 in world 0" in said and "stage 'play'" in said
        server.asked.clear()
        played, (report, _) = play(small_game(), {1: quick(server.url, illegal="pass"), 0: "Random"}, num_envs=1)
    assert played[:, :, 1].tolist() == [[1, 1]] * 2 + [[0, 0]] * 10
    assert report["replaced"] == 20
    assert report[counted] >= 1
    assert counted != "timeouts" or report["skipped"] >= 16  # left alone after the first time


@pytest.mark.parametrize("fallback, in_this_game, in_the_next", [("pass", {0}, {0}), ("repeat", {1}, {0})])
def test_what_is_played_instead(fallback, in_this_game, in_the_next):
    with fake(faulty("null")) as server:
        played, _ = play(small_game(), {1: quick(server.url, illegal=fallback), 0: "Random"}, steps=9)
    assert set(played[2:4, :, 1].ravel().tolist()) == in_this_game
    assert set(played[4:, :, 1].ravel().tolist()) == in_the_next


def test_an_answer_that_drips_is_waited_for_no_longer_than_another():
    """A byte every 0.05 s, for 5 s."""
    with fake(faulty("drips")) as server:
        began = time.monotonic()
        play(small_game(), {1: quick(server.url, illegal="pass"), 0: "Random"}, steps=3)
        assert time.monotonic() - began < 3.0


def test_chance_plays_instead():
    with fake(faulty("null")) as server:
        runs = []
        for _ in range(2):
            server.asked.clear()
            runs.append(play(small_game(), {1: quick(server.url, illegal="random"), 0: "Random"}, steps=9))
    assert set(runs[0][0][2:, :, 1].ravel().tolist()) == {0, 1}
    assert (runs[0][0] == runs[1][0]).all()  # of the seat's own stream


def test_who_is_asked_again_is_asked_the_same():
    failed = []

    def behave(handler, message):
        if message["number"] == 3 and len(failed) < 2:
            failed.append(message)
            return hang_up(handler, message)
        return handler.say(answer(message))

    with fake(behave) as server:
        _, (report, _) = play(small_game(), {1: quick(server.url, retries=2), 0: "Random"}, steps=5)
    third = [message for message in server.asked if message["number"] == 3]
    assert len(third) >= 3 and all(message == third[0] for message in third)
    assert (report["unreachable"], report["retries"], report["replaced"]) == (1, 1, 0) or report["retries"] == 2


def test_an_agent_must_be_there_when_a_run_begins_even_with_a_fallback():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/"
        with pytest.raises(NoAnswer, match=r"cannot be reached \(ConnectionRefusedError.*for the seat of agent_1\)"):
            play(small_game(), {1: quick(url, illegal="random"), 0: "Random"})


def test_who_comes_back_is_greeted_again_and_plays_on():
    up = [True]

    def behave(handler, message):
        return handler.say(answer(message, lambda row: 1)) if up[0] else hang_up(handler, message)

    with fake(behave) as server:
        simulator = ms.Simulator(small_game(), 2, seed=1)
        simulator.reset()
        seats = Seats(simulator, {0: ms.as_policy("Random"), 1: quick(server.url, illegal="pass")})
        played, began = [], time.monotonic()
        while not (len(played) > 20 and played[-1] == 1):
            up[0] = len(played) not in range(5, 15)
            actions = np.zeros(simulator.acting.shape, dtype=int)
            seats.choose(actions)
            seats.saw(simulator.step(actions), actions)
            played.append(int(actions[0, 1]))
            time.sleep(0.005)
            assert time.monotonic() - began < 20
        seats.close()
    assert played[:5] == [1] * 5 and played[5:15] == [0] * 10
    hellos = [message["again"] for message in server.asked if message["type"] == "hello"]
    assert hellos[0] is False and set(hellos[1:]) == {True}


@pytest.mark.parametrize(
    "make, says",
    [
        (lambda: Http("ftp://x"), "a URL such as http://127.0.0.1:8765/ was expected; got 'ftp://x'"),
        (lambda: Http("http://:80/"), "a URL such as"),
        (lambda: Http("http://x:99999/"), "a URL such as"),
        (lambda: Http("http://me:secret@x/"), "leave them out"),
        (lambda: Http("http://x", timeout=0), "Http: timeout must be a number of seconds above 0; got 0"),
        (lambda: Http("http://x", start=True), "Http: start must be a number of seconds above 0; got True"),
        (lambda: Http("http://x", retries=-1), "Http: retries must be a whole number of at least 0; got -1"),
        (lambda: Http("http://x", worlds=0), "Http: worlds must be a whole number of at least 1; got 0"),
        (lambda: Http("http://x", illegal="nap"), "unknown illegal 'nap'"),
        (lambda: Command(""), "a command such as 'python my_agent.py' was expected; got ''"),
        (lambda: Command("python 'agent"), "is no command line: No closing quotation"),
        (lambda: Command(["python", 3]), "a command such as"),
        (
            lambda: ms.as_policy("http://x:1/#timeot=3"),
            "unknown option of http://x:1/: 'timeot'; did you mean 'timeout'",
        ),
    ],
)
def test_wrong_options_are_one_sentence(make, says):
    with pytest.raises(ValueError, match=re.escape(says)) as refused:
        make()
    assert "secret" not in str(refused.value)


def test_names_make_them():
    made = ms.as_policy("https://there.example/agent#timeout=2,illegal=pass,worlds=3")
    assert made == Http("https://there.example/agent", timeout=2, illegal="pass", worlds=3) and made.slow
    assert ms.as_policy("command:python a.py --x=1#retries=1") == Command("python a.py --x=1", retries=1)
    assert ms.as_policy(["python", "a b.py"], timeout=3.0) == Command(["python", "a b.py"], timeout=3.0)
    assert ms.as_policy(["python", "a b.py"]).name == "python 'a b.py'"


def test_worlds_limits_who_is_asked():
    with fake(lambda handler, message: handler.say(answer(message))) as server:
        _, reports = play(small_game(), {1: quick(server.url, worlds=2), 0: "Random"}, steps=3)
    assert {row["world"] for message in server.asked[1:4] for row in message["rows"]} == {0, 1}
    assert [report["decisions"] for report in reports if report["policy"] == server.url] == [6]


def test_a_member_of_a_population_is_asked_for_the_rows_it_sits_in():
    with fake(lambda handler, message: handler.say(answer(message, lambda row: 1))) as server:
        both = Population([quick(server.url), "AllC"])
        played, _ = play(small_game(), {1: both, 0: "Random"}, steps=12)
    asked = {(message["step"], row["world"]) for message in server.asked[1:-1] for row in message["rows"]}
    assert asked == set(zip(*np.nonzero(played[:, :, 1]))) and 0 < len(asked) < 72


# ---------------------------------------------------------------- in training


def test_a_run_survives_an_agent_that_dies_in_the_middle(tmp_path):
    name = program(tmp_path, "if asked['step'] == 50:\n    sys.exit(3)\nsay(actions=actions(1))")
    run = trainer(ms.as_policy(name, illegal="pass"))
    rows = [row for rows in run.run() for row in rows]
    assert len(rows) == 8
    assert [row["cooperation_1"] for row in rows[:2]] == [0, 0] and [row["cooperation_1"] for row in rows[-2:]] == [
        1,
        1,
    ]
    (report,) = run.seats.report()
    assert report["decisions"] == 40 * 4 * 4  # episodes, rounds, worlds
    assert report["unreachable"] == 1 and report["replaced"] == report["skipped"] + 4
    assert run.evaluate(episodes=4)  # not even there


def test_a_run_goes_on_from_a_checkpoint_as_if_it_had_not_stopped():
    """The agent knows nothing but what it is told; the counts go on too."""

    def behave(handler, message):
        handler.say(answer(message, lambda row: 2 if row["turn"] == 3 else max(row["other"], 0)))

    with fake(behave) as server:
        whole, halves = trainer(quick(server.url, illegal="pass")), trainer(quick(server.url, illegal="pass"))
        expected = list(whole.run())
        first = [rows for _, rows in zip(range(2), halves.run())]
        kept = halves.state_dict()
        halves.close()
        resumed = trainer(quick(server.url, illegal="pass"))
        resumed.load_state_dict(kept)
        assert first + list(resumed.run()) == expected
        reports = [{k: v for k, v in one.seats.report()[0].items() if k != "seconds"} for one in (whole, resumed)]
    assert reports[0] == reports[1] and reports[0]["illegal"] > 0
    for name, value in whole.state_dict().items():
        assert np.array_equal(value, resumed.state_dict()[name]), name


def test_a_dead_agent_leaves_the_last_checkpoint_of_a_study(tmp_path):
    again = str(tmp_path / "again")
    body = f"if asked['step'] == 30 and not os.path.exists({again!r}):\n    sys.exit(3)\nsay(actions=actions(1))"
    arguments = dict(policies={1: program(tmp_path, body)}, block=2)
    options = dict(seeds=1, episodes=20, workers=1, quiet=True, checkpoint_seconds=0.0)

    def study(**more):
        with Study("dies", StudyOptions(**options, out=tmp_path, **more)) as made:
            made.train("q", small_game(), ms.TabularQ(), **arguments)
        return made

    with pytest.raises(NoAnswer, match="exit status 3"):
        study()
    folder = next((tmp_path / "dies").iterdir())
    (tmp_path / "again").touch()
    assert len(study(resume=folder).records()["q"]["cooperation_1"]) >= 1


def test_decisions_that_are_numbers():
    """In the range they are played, beyond it they are illegal, and a whole number is a number."""
    game = ms.make("common_pool", n_agents=2, box=True)
    low, high = game.box
    given = {0: high, 1: high / 3, 2: int(low), 3: high + 1, 4: None}

    def behave(handler, message):
        handler.say(answer(message, lambda row: given[row["world"]] if "legal" not in row else None))

    with fake(behave) as server:
        played, (report, _) = play(game, {0: quick(server.url, illegal="pass"), 1: "Random"}, 1, 5, (3,), float)
    assert server.asked[1]["rows"][0]["range"] == [low, high]
    assert played[0, :, 0].tolist() == [high, high / 3, low, low, low]
    assert (report["illegal"], report["left_out"], report["replaced"]) == (1, 1, 2)


@pytest.mark.parametrize("seat", [lambda agent: agent, lambda agent: ms.Population((agent,))])
def test_who_plays_on_after_the_end_is_taken_up_anew(tmp_path, seat):
    body = f"open({str(tmp_path / 'pids')!r}, 'a').write(f'{{os.getpid()}}\\n')\nsay(actions=actions(1))"
    run = trainer(seat(program(tmp_path, body)))
    list(run.run())
    run.advance()
    run.close()
    pids = set((tmp_path / "pids").read_text().split())
    assert len(pids) == 2 and all(ends(pid) for pid in pids)
