"""Speed of the engine: medians and ratios of one run.

    python benchmarks/engine.py              speed for 1, 64 and 4,096 worlds; threads; memory
    python benchmarks/engine.py --compile    first and second start of the eight conditions of direct punishment
    python benchmarks/engine.py --ways       the same rules run over worlds in five ways

A stage-step is one stage in one world. An agent-decision is an agent that acts in a stage-step: agents that wait are
not counted. One-thread figures are per second of processor time, so that other programs on the machine count less;
threads are compared by the clock on the wall. Actions are drawn before the clock starts.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import marl_sim as ms

ROOT = Path(__file__).resolve().parents[1]
GAMES: dict[str, Callable[[], ms.Game]] = {
    "plain dilemma": lambda: ms.Society(ms.PrisonersDilemma(), n_agents=16),
    "selection, punishment by both, reputation": lambda: ms.Society(
        ms.PrisonersDilemma(), ms.PartnerSelection(), ms.Punishment(by="both"), ms.Reputation(), n_agents=16
    ),
    "the same, selectors see reputations only": lambda: ms.Society(
        ms.PrisonersDilemma(), ms.PartnerSelection(history=0), ms.Punishment(by="both"), ms.Reputation(), n_agents=16
    ),
    "society (also talk, gifts, noise)": lambda: ms.make("society", n_agents=16),
    "public goods with points, 4 agents": lambda: ms.make("fehr_gaechter"),
    "MAC-SPGG, 3 agents in turn": lambda: ms.make("mac_spgg"),
    "off-switch, robot and human": lambda: ms.make("off_switch", rounds=10),
}


def recorded(sim: ms.Simulator, steps: int) -> tuple[list[np.ndarray], int]:
    """Random legal actions for so many steps from where `sim` is, and how many decisions they are."""
    rng = np.random.default_rng(0)
    actions, decisions = [], 0
    for _ in range(steps):
        actions.append((rng.random(sim.legal.shape) * sim.legal).argmax(2))
        decisions += int(sim.acting.sum())
        sim.step(actions[-1])
    return actions, decisions


def seconds(run: Callable[[], None], before: Callable[[], None], clock: Callable[[], float], repeats: int) -> float:
    """Median time of a run."""
    times = []
    for _ in range(repeats):
        before()
        start = clock()
        run()
        times.append(clock() - start)
    return statistics.median(times)


def prepare(game: ms.Game, worlds: int, steps: int, threads: int = 1) -> tuple[ms.Simulator, Any, Any, int]:
    sim = ms.Simulator(game, worlds, threads=threads)
    sim.reset()
    saved = sim.save()
    actions, decisions = recorded(sim, steps)

    def run() -> None:
        for action in actions:
            sim.step(action)

    return sim, run, lambda: sim.load(saved), decisions


def speeds(repeats: int) -> None:
    print(f"{'one thread, 16 agents where not said':44s}{'worlds':>8s}{'stage-steps/s':>16s}{'decisions/s':>14s}")
    for name, build in GAMES.items():
        game = build()
        for worlds, steps in ((1, 600), (64, 120), (4096, 60)):
            _, run, before, decisions = prepare(game, worlds, steps)
            took = seconds(run, before, time.thread_time, repeats)
            print(f"{name:44s}{worlds:8d}{worlds * steps / took / 1e3:14.0f} k{decisions / took / 1e6:12.1f} M")


def threads(repeats: int) -> None:
    """Two threads against one, turn by turn."""
    print(f"\n{'two threads: one / two, on the wall':44s}{'worlds':>8s}{'threads taken':>16s}{'ratio':>14s}")
    for name, build in GAMES.items():
        game = build()
        for worlds in (16, 64, 256, 1024, 4096):
            steps = max(20, 40_000 // worlds)
            one, two = (prepare(game, worlds, steps, threads=count) for count in (1, 2))
            times: dict[int, list[float]] = {1: [], 2: []}
            for _ in range(repeats):
                for count, (_, run, before, _) in ((1, one), (2, two)):
                    times[count].append(seconds(run, before, time.perf_counter, 1))
            ratio = statistics.median(times[1]) / statistics.median(times[2])
            print(f"{name:44s}{worlds:8d}{len(two[0]._chunks):16d}{ratio:14.2f}")


def memory() -> None:
    print(f"\n{'memory, kilobytes a world':44s}{'worlds':>8s}")
    for name, build in GAMES.items():
        for worlds in (64, 1024, 4096):
            sim = ms.Simulator(build(), worlds)
            held = sum(sim.arrays[array].nbytes for array in sim._own) + sim._memory.nbytes
            print(f"{name:44s}{worlds:8d}{held / worlds / 1e3:16.2f}")


# ---------------------------------------------------------------- starts

START = """
import time
began = time.process_time()
import numba, numpy
imported = time.process_time()
import marl_sim as ms
from marl_sim.core.compile import compiled_loop
compiled_loop()
looped = time.process_time()
for by in ("none", "partner", "witness", "both"):
    for selection in (False, True):
        ms.Simulator(ms.make("direct_punishment", by=by, selection=selection), settled=True).reset()
        ms.Simulator(ms.make("direct_punishment", by=by, selection=selection, costly=True)).reset()
done = time.process_time()
ms.Simulator(ms.make("direct_punishment", by="both", selection=True), 64)
again = time.process_time()
print(imported - began, looped - imported, done - looped, again - done)
"""


def starts() -> None:
    heads = "".join(f"{head:>14s}" for head in ("numba, numpy", "the loop", "rules of 8", "one more"))
    print(f"{'seconds of processor time':28s}{heads}")
    with tempfile.TemporaryDirectory() as folder:
        for label in ("first start", "second start"):
            out = python(START, MARL_SIM_CACHE=folder)
            print(f"{label:28s}" + "".join(f"{float(number):14.3f}" for number in out.split()))


def python(program: str, **environment: str) -> str:
    """What a program prints in a process of its own."""
    given = os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'benchmarks'}"} | environment
    return subprocess.run([sys.executable, "-c", program], env=given, capture_output=True, text=True, check=True).stdout


# ---------------------------------------------------------------- ways

WAYS = ("by address (as built)", "generated loop", "generated prange", "guvectorize", "plain Python")


def chain() -> list[tuple[Any, Any]]:
    """A round of the plain dilemma as rules, each with its part."""
    from marl_sim.core import encounters
    from marl_sim.games import matrix
    from marl_sim.mechanisms import random_matching

    game = GAMES["plain dilemma"]()
    kinds = encounters.Encounters, ms.PrisonersDilemma, ms.RandomMatching
    table, dilemma, matching = (game.part(kind) for kind in kinds)
    return [
        (random_matching.draw_pairs, matching),
        (encounters.seat_everybody, table),
        (matrix.whoever_faces_someone, dilemma),
        (matrix.pay, dilemma),
        (matrix.count_outcomes, dilemma),
        (matrix.remember, dilemma),
    ]


def one_way(way: str, folder: str) -> None:
    """Print: seconds to be ready, then world-rounds/s for 1, 64 and 4,096 worlds."""
    import ways_of_running as ways

    began = time.process_time()
    build = ways.BUILDERS[way](folder)
    first = build(1)
    first()
    ready = time.process_time() - began
    rates = []
    for worlds in (1, 64, 4096):
        run = build(worlds)
        run()
        repeats = 3 if way == "plain Python" else max(25, 20_000 // worlds)
        per_call = seconds(run, lambda: None, time.perf_counter, repeats)
        rates.append(worlds / per_call)
    print(ready, *rates)


def ways() -> None:
    print(f"{'a round of the plain dilemma, 16 agents':40s}{'ready: cold':>12s}{'cached':>8s}  rounds/s of", end="")
    print(f"{'1 world':>9s}{'64':>10s}{'4,096':>10s}")
    for way in WAYS:
        folder = tempfile.mkdtemp()
        program = f"import engine; engine.one_way({way!r}, {folder!r})"
        cold, warm = (python(program, MARL_SIM_CACHE=folder, NUMBA_CACHE_DIR=folder).split() for _ in range(2))
        shutil.rmtree(folder)
        rates = "".join(f"{float(x) / 1e3:8.0f} k" for x in warm[1:])
        print(f"{way:40s}{float(cold[0]):11.2f}s{float(warm[0]):7.2f}s{'':10s}{rates}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compile", action="store_true", help="first and second start")
    parser.add_argument("--ways", action="store_true", help="ways of running rules over worlds")
    parser.add_argument("--repeats", type=int, default=15)
    given = parser.parse_args()
    if given.compile:
        starts()
    elif given.ways:
        ways()
    else:
        speeds(given.repeats)
        threads(given.repeats)
        memory()


if __name__ == "__main__":
    main()
