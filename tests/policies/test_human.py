"""A person at the terminal, who mistypes, thinks too long and leaves; and one who is asked elsewhere."""

import json
import os
import re
import sys
import threading
import time

import pytest
from fake_servers import play, small_game

import marl_sim as ms
from marl_sim.policies import human as module
from marl_sim.policies.human import Gone, Human


class Keyboard:
    """A stdin that a test types on."""

    def __init__(self):
        self.reads, self.writes = os.pipe()

    def fileno(self):
        return self.reads

    def type(self, text):
        os.write(self.writes, text.encode())

    def end(self):
        os.close(self.writes)
        self.writes = None


@pytest.fixture
def keyboard(monkeypatch):
    made = Keyboard()
    monkeypatch.setattr(sys, "stdin", made)
    module._typed.clear()
    yield made
    os.close(made.reads)
    if made.writes is not None:
        made.end()


def sit(steps=3, num_envs=1, game=None, kind=int, **options):
    played, reports = play(game or small_game(), {1: Human(**options), 0: "Random"}, steps, num_envs, (4,), kind)
    return played, next(report for report in reports if report["policy"] == "human")


def test_a_person_is_told_and_answers_in_numbers_or_words(keyboard, capsys):
    keyboard.type("1\nDefect\n0\n")
    played, report = sit()
    assert played[:, 0, 1].tolist() == [1, 1, 0] and report["replaced"] == 0
    shown = capsys.readouterr().out
    assert shown.count("You are agent_1. Stage: play.") == 3
    assert shown.count("agent_1: 0 (cooperate) or 1 (defect)? ") == 3
    assert "Your last 2 decisions, oldest first:" in shown


def test_a_typo_is_asked_again(keyboard, capsys):
    keyboard.type("defct\n\n2\n1\n1\n")
    played, report = sit(steps=2)
    assert played[:, 0, 1].tolist() == [1, 1]
    assert report["asked_again"] == 3 and report["replaced"] == 0
    shown = capsys.readouterr().out
    assert shown.count("This cannot be played: it names no action, or several.") == 2
    assert shown.count("This cannot be played: 2 is not open now.") == 1
    assert shown.count("You are agent_1.") == 2  # the question is not told all over


def test_the_first_world_is_theirs_and_chance_plays_in_the_others(keyboard):
    keyboard.type("1\n" * 12)
    played, report = sit(steps=12, num_envs=3)
    assert (played[:, 0, 1] == 1).all() and report["decisions"] == 12
    assert 0 < played[:, 1:, 1].mean() < 1


def test_who_leaves_is_not_asked_again(keyboard):
    keyboard.type("1\n1")  # an unfinished line is no answer
    keyboard.end()
    played, report = sit(steps=4, illegal="repeat")
    assert played[:, 0, 1].tolist() == [1, 1, 1, 1]
    assert (report["left"], report["absent"], report["replaced"]) == (1, 2, 3)


def test_who_leaves_may_be_an_error(keyboard):
    keyboard.end()
    with pytest.raises(ms.IllegalAction, match="human, as agent_1 in world 0"):
        sit(illegal="raise")


def test_time_is_limited(keyboard, capsys):
    threading.Timer(0.5, keyboard.type, ["1\n"]).start()
    began = time.monotonic()
    played, report = sit(steps=4, seconds=0.3, illegal="pass")
    assert played[:, 0, 1].tolist() == [0, 1, 0, 0] and report["timeouts"] == 3
    assert 0.8 < time.monotonic() - began < 3.0
    assert "(too late)" in capsys.readouterr().out


def test_the_transcript(keyboard, tmp_path):
    keyboard.type("x\n1\n")
    keyboard.end()
    sit(steps=2, transcript=str(tmp_path / "talk.jsonl"))
    lines = [json.loads(line) for line in (tmp_path / "talk.jsonl").read_text().splitlines()]
    assert [(line["step"], line["answer"], line["action"]) for line in lines] == [(0, "1", 1), (1, None, None)]
    assert lines[0]["agent"] == "agent_1" and lines[0]["text"].startswith("You are agent_1.")


def test_two_people_share_a_terminal_one_after_the_other(keyboard, capsys):
    keyboard.type("1\n" * 6)
    played, reports = play(small_game(), {0: Human(), 1: Human()}, 3, 1, (4,))
    assert (played == 1).all() and [report["decisions"] for report in reports] == [3, 3]
    assert len(re.findall(r"--- world 0\n(?:(?!---)[\s\S])*?\? ", capsys.readouterr().out)) == 6


def test_nobody_holds_up_the_end_of_a_run(keyboard):
    class Stop(ms.Policy):
        def act(self, view):
            raise KeyboardInterrupt

    before = threading.active_count()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        play(small_game(), {0: Stop(), 1: Human()}, 3, 1, (4,))
    assert time.monotonic() - began < 2.0
    until = time.monotonic() + 2.0
    while threading.active_count() > before and time.monotonic() < until:
        time.sleep(0.01)
    assert threading.active_count() == before  # nobody waits for the keyboard any more
    keyboard.type("1\n")
    played, _ = sit(steps=1)
    assert played[0, 0, 1] == 1


def test_somebody_else_can_ask():
    """As a window would: it sees the view, and gives a number, a word, or nothing."""
    asked = []

    def ask(question):
        asked.append(question)
        assert not question.over()
        if len(asked) == 5:
            raise Gone
        return [1, "nonsense", "cooperate", None][len(asked) - 1]

    played, report = sit(steps=5, ask=ask, seconds=9.0, illegal="pass")
    assert played[:, 0, 1].tolist() == [1, 0, 0, 0, 0]
    first, _, again = asked[:3]
    assert (first.world, first.agent, first.stage, first.row) == (0, "agent_1", "play", 0)
    assert first.choices == {0: "cooperate", 1: "defect"} and first.range is None and first.problem == ""
    assert first.view["target_actions"].tolist() == [2] and 0 < first.until - time.monotonic() < 9
    assert again.problem == "it names no action, or several"
    assert (report["timeouts"], report["left"], report["absent"]) == (1, 1, 1)


def test_numbers_of_a_range():
    game = ms.make("common_pool", n_agents=2, box=True)
    answers = iter(["much", 10**9, game.box[1] / 2])
    played, report = sit(1, 1, game, float, ask=lambda question: next(answers))
    assert played[0, 0, 1] == game.box[1] / 2 and report["asked_again"] == 2


def test_its_name():
    assert ms.as_policy("human") == Human()
    assert ms.as_policy("human#seconds=5,worlds=2,illegal=pass") == Human(seconds=5, worlds=2, illegal="pass")


@pytest.mark.parametrize(
    "options, says",
    [
        (dict(seconds=0), "Human: seconds must be a number above 0, or None; got 0"),
        (dict(worlds=0), "Human: worlds must be a whole number of at least 1; got 0"),
        (dict(memory=-1), "Human: memory must be a whole number of at least 0; got -1"),
        (dict(illegal="nap"), "unknown illegal 'nap'"),
        (dict(ask=3), "Human: ask must be a function of what is asked; got 3"),
    ],
)
def test_wrong_options_are_one_sentence(options, says):
    with pytest.raises(ValueError, match=re.escape(says)):
        Human(**options)
