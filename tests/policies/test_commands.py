"""Agents that are commands: started once, faulty in every way, and gone with their run."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from fake_servers import play, small_game
from remote_agents import QUICK, ends, program, trainer

import marl_sim as ms
from marl_sim.policies import Seats
from marl_sim.policies.remote import NoAnswer


def test_a_command_plays_is_started_once_and_ended(tmp_path):
    body = f"open({str(tmp_path / 'pid')!r}, 'a').write(f'{{os.getpid()}} ')\nsay(actions=actions(1))"
    played, _ = play(small_game(), {1: program(tmp_path, body), 0: "Random"})
    pids = set((tmp_path / "pid").read_text().split())
    assert (played[:, :, 1] == 1).all() and len(pids) == 1
    assert ends(pids.pop())


COMMAND_FAULTS = {
    "ends": ("print('tired', file=sys.stderr); sys.exit(3)", "unreachable", "exit status 3; its stderr ends: tired"),
    "raises": ("asked['no']", "unreachable", "KeyError: 'no'"),
    "is killed": ("os.kill(os.getpid(), 9)", "unreachable", "ended by signal 9"),
    "hangs": ("print('hm', file=sys.stderr, flush=True); time.sleep(9)", "timeouts", "0.3 s; its stderr ends: hm"),
    "chatters": ("print('thinking ...', flush=True)", "malformed", "what is not JSON"),
    "never ends a line": ("print('x' * (3 << 20), end='', flush=True); time.sleep(9)", "too_long", "sent more than"),
    "floods stderr": ("print('e' * (1 << 20), file=sys.stderr, flush=True); time.sleep(9)", "timeouts", "eee"),
    "closes stdout": ("os.close(1); time.sleep(9)", "unreachable", "closed its stdout"),
    "illegal": ("say(actions=actions(7))", "illegal", "it may choose 0 (cooperate) or 1 (defect)"),
}


@pytest.mark.parametrize("fault", COMMAND_FAULTS)
def test_a_faulty_command_is_one_sentence_or_the_fallback(fault, tmp_path):
    body, counted, sentence = COMMAND_FAULTS[fault]
    name = program(tmp_path, f"if asked['step'] == 2:\n    {body}\n    continue\nsay(actions=actions(1))")
    with pytest.raises((NoAnswer, ms.IllegalAction)) as refused:
        play(small_game(), {1: ms.as_policy(name, **QUICK), 0: "Random"}, num_envs=1, steps=3)
    assert sentence in str(refused.value) and "\n" not in str(refused.value)
    policy = ms.as_policy(name, illegal="pass", **QUICK)
    played, (report, _) = play(small_game(), {1: policy, 0: "Random"}, num_envs=1, steps=6)
    assert played[:3, :, 1].tolist() == [[1, 1], [1, 1], [0, 0]]
    assert report[counted] == (2 if fault == "illegal" else 1)  # of rows
    back = fault in ("chatters", "illegal")  # those that do not answer are left alone for a while
    assert (played[3:, :, 1] == back).all()


def test_a_late_answer_is_not_taken_for_the_next_one(tmp_path):
    body = "time.sleep(0.5 * (asked['step'] == 1))\nsay(actions=actions(asked['step'] % 2))"
    policy = ms.as_policy(program(tmp_path, body), timeout=0.2, retries=0, illegal="repeat")
    simulator = ms.Simulator(small_game(), 1, seed=1)
    simulator.reset()
    seats, played = Seats(simulator, {0: ms.as_policy("Random"), 1: policy}), []
    for step in range(6):
        actions = np.zeros(simulator.acting.shape, dtype=int)
        seats.choose(actions)
        seats.saw(simulator.step(actions), actions)
        played.append(int(actions[0, 1]))
        time.sleep(0.6 * (step == 1))
    seats.close()
    assert played == [0, 0, 0, 1, 0, 1]
    assert seats.report()[1]["late"] == 1


def test_a_command_that_does_not_read_does_not_block(tmp_path):
    name = program(tmp_path, "time.sleep(9)")
    began = time.monotonic()
    with pytest.raises(NoAnswer, match="did not answer within"):
        play(ms.make("prisoners_dilemma", n_agents=2), {1: ms.as_policy(name, **QUICK), 0: "Random"}, num_envs=2000)
    assert time.monotonic() - began < 8


ORPHAN = """
import sys
from fake_servers import play, small_game
import marl_sim as ms
class Fault(ms.Policy):
    def act(self, view):
        if view.turn[0] == 1:
            print("going", flush=True)
            if sys.argv[2] == "raise":
                raise SystemError("a fault elsewhere")
        return view.random_legal()
play(small_game(), {0: Fault(), 1: sys.argv[1]}, steps=1000)
"""


@pytest.mark.parametrize("how", ["ctrl-c", "raise", "kill"])
def test_no_command_outlives_its_run(how, tmp_path):
    """The command deafly sleeps in the end, and has a child of its own, which must go too."""
    body = f"""
    if asked["step"] == 0:
        import subprocess
        child = subprocess.Popen(["sleep", "60"])
        open({str(tmp_path / "pids")!r}, "w").write(f"{{os.getpid()}} {{child.pid}}")
    say(actions=actions(1))
    if asked["step"] == 100:
        time.sleep(60)
    """
    name = program(tmp_path, body) + "#timeout=60"
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path))
    run = subprocess.Popen(
        [sys.executable, "-c", ORPHAN, name, how], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=environment, cwd=tmp_path,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # which shells ignore in the background
    )  # fmt: skip
    assert run.stdout.readline() == "going\n"
    if how != "raise":
        time.sleep(0.3)  # by now it waits for an answer that will not come
        run.send_signal(signal.SIGINT if how == "ctrl-c" else signal.SIGKILL)
    _, said = run.communicate(timeout=20)
    assert run.returncode != 0 and ("KeyboardInterrupt" in said) == (how == "ctrl-c")
    for pid in (tmp_path / "pids").read_text().split():
        assert ends(pid), f"{pid} goes on"


@pytest.mark.parametrize("stop", [KeyboardInterrupt, RuntimeError])
def test_a_trainer_that_is_stopped_ends_its_commands(stop, tmp_path):
    def probe(trainer, seed, row):
        raise stop

    body = f"open({str(tmp_path / 'pid')!r}, 'w').write(str(os.getpid()))\nsay(actions=actions(1))"
    run = trainer(program(tmp_path, body), probes=[probe])
    with pytest.raises(stop):
        list(run.run())
    assert ends((tmp_path / "pid").read_text(), seconds=1.0)
