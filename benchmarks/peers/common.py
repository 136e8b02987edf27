"""What all scripts of this folder share: the sizes, PPO's numbers, the clock, and the line they print."""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True)
class Sizes:
    """One iteration collects num_envs x steps environment steps and learns `epochs` times from them."""

    env: str = "pond"  # "pond" or a registered game of marl_sim
    n_agents: int = 8
    num_envs: int = 8
    steps: int = 128  # of each copy in an iteration
    epochs: int = 4
    minibatches: int = 4
    hidden: tuple[int, ...] = (64, 64)  # tanh, actor and critic apart
    updates: int = 10  # iterations that are measured, after one that warms up
    threads: int = 1
    seed: int = 0


@dataclass(frozen=True)
class PPO:
    """The same for all, so that all do the same work."""

    lr: float = 3e-4
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip: float = 0.2
    entropy: float = 0.01
    value: float = 0.5
    max_norm: float = 0.5
    adam_eps: float = 1e-5


def parser(doc: str | None) -> argparse.ArgumentParser:
    """The options of `Sizes`; a script adds its own."""
    made = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    for field in fields(Sizes):
        name, many = "--" + field.name.replace("_", "-"), field.name == "hidden"
        kind = int if many else type(field.default)
        made.add_argument(name, type=kind, default=field.default, nargs="+" if many else None)
    made.add_argument("--by-turns", action="store_true", help="tell each iteration's seconds, and wait; see Clock")
    return made


def sizes(given: argparse.Namespace) -> Sizes:
    """What was asked for; ValueError where the rows of an iteration do not divide into the minibatches."""
    chosen = Sizes(**{f.name: getattr(given, f.name) for f in fields(Sizes)} | {"hidden": tuple(given.hidden)})
    if chosen.num_envs * chosen.steps % chosen.minibatches:
        raise ValueError(f"num_envs x steps must be a multiple of minibatches; got {chosen}")
    return chosen


class Clock:
    """Seconds of wall and of processor time between ticks; whoever ticks does so once an iteration.

    by_turns: each tick prints its two numbers as a line of JSON and waits for a line of standard input, or its end, so
    that several programs can be measured an iteration at a time; see turns.py.
    """

    def __init__(self, by_turns: bool = False) -> None:
        self.wall: list[float] = []
        self.cpu: list[float] = []
        self.by_turns = by_turns
        self.start()

    def start(self) -> None:
        """Begin to measure, without counting what has passed."""
        self._last = time.perf_counter(), time.process_time()

    def tick(self) -> None:
        now = time.perf_counter(), time.process_time()
        self.wall.append(now[0] - self._last[0])
        self.cpu.append(now[1] - self._last[1])
        if self.by_turns:
            print(json.dumps({"wall": self.wall[-1], "cpu": self.cpu[-1]}), flush=True)
            sys.stdin.readline()
        self.start()

    def forget(self, which: int = -1) -> None:
        """Drop one iteration, the one measured last unless told otherwise: it warmed up."""
        self.wall.pop(which)
        self.cpu.pop(which)


def report(
    peer: str, version: str, chosen: Sizes, clock: Clock, earned: Sequence[float], **more: Any
) -> dict[str, Any]:
    """Print one line of JSON about the iterations on `clock`, and return it; `earned` is each one's mean reward.

    Rates are those of the median iteration, by the wall clock; *_per_cpu_second by processor time, which other programs
    disturb less. `cores` is how many cores were at work on average: more than `threads` would be unfair.
    """
    env_steps = chosen.num_envs * chosen.steps
    wall, cpu = statistics.median(clock.wall), statistics.median(clock.cpu)
    line = {
        "peer": peer,
        "version": version,
        "agent_steps_per_second": round(env_steps * chosen.n_agents / wall, 1),
        "env_steps_per_second": round(env_steps / wall, 1),
        "agent_steps_per_cpu_second": round(env_steps * chosen.n_agents / cpu, 1),
        "seconds_per_iteration": {
            "median": round(wall, 4),
            "best": round(min(clock.wall), 4),
            "worst": round(max(clock.wall), 4),
        },
        "mean_reward": {"first": round(earned[0], 4), "last": round(earned[-1], 4)},
        "cores": round(sum(clock.cpu) / sum(clock.wall), 2),
        **asdict(chosen),
        **more,
    }
    print(json.dumps(line), flush=True)
    return line
