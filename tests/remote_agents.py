"""Agents elsewhere that answer soon, for tests: by HTTP, and as a command."""

import sys
import textwrap
import time

from fake_servers import small_game

import marl_sim as ms
from marl_sim.policies.remote import Http

QUICK = dict(timeout=0.3, start=5.0, retries=0)


def quick(url, **options):
    return Http(url, **QUICK | options)


def program(tmp_path, body, name="agent.py"):
    """A command that answers hello, and runs `body` for every act message; `asked` and `say` are there."""
    text = """\
    import json, os, sys, time
    def say(**more):
        print(json.dumps({"marl_sim": 1, "number": asked["number"], **more}), flush=True)
    def actions(action):
        return {row["id"]: action for row in asked["rows"]}
    for line in sys.stdin:
        asked = json.loads(line)
        if asked["type"] == "hello":
            say()
        if asked["type"] != "act":
            continue
    """
    file = tmp_path / name
    file.write_text(textwrap.dedent(text) + textwrap.indent(textwrap.dedent(body), "    "))
    return f"command:{sys.executable} {file}"


def alive(pid):
    """Whether a process runs (a dead one that nobody has waited for yet does not)."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in "ZX"
    except FileNotFoundError:
        return False


def ends(pid, seconds=5.0):
    until = time.monotonic() + seconds
    while alive(pid) and time.monotonic() < until:
        time.sleep(0.01)
    return not alive(pid)


def trainer(policy, **options):
    learner = ms.TabularQ(alpha=0.1, gamma=0.9, epsilon=0.2)
    return ms.Trainer(
        small_game(), learner, seeds=2, episodes=40, num_envs=2, policies={1: policy}, block=10, **options
    )
