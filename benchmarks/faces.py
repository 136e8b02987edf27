"""What PettingZoo's interface costs: one world of a 16-agent society through each face, on one thread.

    python benchmarks/faces.py

Compared are the Simulator alone; the ParallelEnv; a bare ParallelEnv that makes the same dictionaries anew at every
step (from arrays that never change) and does nothing else; and the AECEnv, each decision with its last() and step().
All run in turn, `--repeats` times; the figures are medians (of ratios within a repeat). Everybody chooses action 0.
"""

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from pettingzoo import ParallelEnv

import marl_sim as ms


def society(n_agents: int) -> ms.Game:
    """The punishment society with everything on: selection, judging by partners and witnesses, reputation."""
    return ms.Society(
        ms.PrisonersDilemma(),
        ms.PartnerSelection(),
        ms.Punishment(by="both"),
        ms.Reputation(),
        n_agents=n_agents,
        horizon=ms.Fixed(10),
    )


class Bare(ParallelEnv):
    """Makes the dictionaries of another ParallelEnv, with the contents of its first step, and does nothing else."""

    def __init__(self, env: Any):
        self.possible_agents = env.possible_agents
        env.reset(seed=0)
        observations, rewards, _, _, infos = env.step(dict.fromkeys(env.possible_agents, 0))
        self.seen = [one["observation"] for one in observations.values()]
        self.masks = [one["action_mask"] for one in observations.values()]
        self.paid = list(rewards.values())
        self.stage, self.acts = infos["agent_0"]["stage"], [one["acting"] for one in infos.values()]

    def step(self, actions: dict[str, int]) -> Any:
        names, stage = self.possible_agents, self.stage
        seen = {a: {"observation": o, "action_mask": m} for a, o, m in zip(names, self.seen, self.masks)}
        infos = {a: {"stage": stage, "acting": acts} for a, acts in zip(names, self.acts)}
        rewards = dict(zip(names, self.paid))
        return seen, rewards, dict.fromkeys(names, False), dict.fromkeys(names, False), infos


def timed(run: Callable[[int], float], count: int) -> float:
    """Seconds of processor time (others may be busy beside us) per unit of work; `run(count)` says how many it did."""
    start = time.process_time()
    done = run(count)
    return (time.process_time() - start) / done


def contenders(n_agents: int) -> dict[str, Callable[[int], float]]:
    """What is measured, by name; each does `count` steps or so, and returns how many it did."""
    game = society(n_agents)
    sim, env, aec = ms.Simulator(game), ms.parallel_env(game), ms.aec_env(game)
    bare = Bare(ms.parallel_env(game))
    still, passes = np.zeros((1, n_agents), dtype=np.int64), dict.fromkeys(env.possible_agents, 0)
    sim.reset()
    acting = [sim.step(still).acting.sum() for _ in range(10 * len(game.stages))]  # an episode
    deciders = float(np.mean(acting))  # not everybody decides in every stage

    def simulator(count: int) -> int:
        for _ in range(count):
            sim.step(still)
        return count

    def nothing(count: int) -> int:
        for _ in range(count):
            bare.step(passes)
        return count

    def parallel(count: int) -> int:
        env.reset(seed=0)
        for _ in range(count):
            env.step(passes)
            if not env.agents:
                env.reset()
        return count

    def turns(count: int) -> float:
        aec.reset(seed=0)
        decisions = int(count * deciders)
        for _ in range(decisions):
            _, _, terminated, truncated, _ = aec.last()
            if terminated or truncated:
                aec.reset()
                aec.last()
            aec.step(0)
        return decisions / deciders

    return {
        "Simulator, a step": simulator,
        "bare ParallelEnv, a step": nothing,
        "ParallelEnv, a step": parallel,
        "AECEnv, a step's decisions": turns,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=16)
    parser.add_argument("--steps", type=int, default=5000, help="steps a repeat")
    parser.add_argument("--repeats", type=int, default=9)
    options = parser.parse_args()
    runs = contenders(options.agents)
    for run in runs.values():
        timed(run, options.steps // 5)  # warm up
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(options.repeats):
        for name, run in runs.items():
            seconds[name].append(timed(run, options.steps))
    print(f"one world, {options.agents} agents, one thread; medians of {options.repeats} interleaved repeats")
    for name, times in seconds.items():
        median = statistics.median(times)
        print(f"  {name:27s} {median * 1e6:8.2f} us   {1 / median:10,.0f} /s")
    bare, parallel, aec = list(seconds.values())[1:]
    speed = statistics.median(b / p for b, p in zip(bare, parallel))
    slower = statistics.median(a / p for a, p in zip(aec, parallel))
    print(f"ParallelEnv runs at {speed:.0%} of the speed of the bare one (wanted: at least 20%)")
    print(f"AECEnv takes {slower:.2f} times as long a decision as ParallelEnv (wanted: at most 1.5)")


if __name__ == "__main__":
    main()
