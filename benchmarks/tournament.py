"""A round robin of 40 strategies, 200 rounds, 10 repetitions: ours, and the Axelrod library's Tournament of the same.

    python benchmarks/tournament.py                          ours alone where axelrod is missing
    python benchmarks/tournament.py --peer OTHER/bin/python  theirs in another environment
    python benchmarks/tournament.py --repetitions 2 --noise 0.01

A turn is one round of one match. Both play with one thread, in processes of their own, after a small tournament that
loads and compiles all, `--repeats` times in turn; the figures are medians. Rates are by the time of the processor,
so that a busy machine counts less; by the wall clock they are printed beside. Theirs is measured twice: matches alone,
and as its play() comes, with the results (scores, cooperation, ranking), which ours has counted as well. Where there is
no noise their library plays matches of deterministic strategies once and copies the other repetitions; the copies count
as turns.
"""

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import importlib.util
import json
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

from marl_sim.policies.axelrod import TWINS

PLAYERS = 40
GAME = dict(reward=3, temptation=5, sucker=0, punishment=1)
TARGET = 20.0


def timed(play: Callable[[], Any], turns: int) -> dict[str, float]:
    """Turns a second of the processor, and by the wall clock."""
    processor, wall = time.process_time(), time.perf_counter()
    play()
    processor, wall = time.process_time() - processor, time.perf_counter() - wall
    return dict(rate=turns / processor, wall=turns / wall, seconds=wall)


def turns_of(o: argparse.Namespace) -> int:
    """How many turns the tournament has."""
    return PLAYERS * (PLAYERS + 1) // 2 * o.turns * o.repetitions


def ours(o: argparse.Namespace) -> dict[str, Any]:
    """Our round robin."""
    from marl_sim.evaluation.tournament import round_robin

    names = list(TWINS)[:PLAYERS]
    round_robin(names, turns=2, repetitions=1, noise=o.noise, **GAME)
    best: list[str] = []

    def play() -> None:
        best[:] = [row["player"] for row in round_robin(names, turns=o.turns, repetitions=o.repetitions, noise=o.noise,
                                                        **GAME).rows()][:3]  # fmt: skip

    return {"ours": timed(play, turns_of(o)) | {"best": best}}


def theirs(o: argparse.Namespace) -> dict[str, Any]:
    """The Axelrod library's tournament, without and with its results."""
    import axelrod as axl

    warnings.simplefilter("ignore")
    players = [getattr(axl, name)(**options) for name, options in list(TWINS.values())[:PLAYERS]]

    def play(turns: int, repetitions: int, results: bool) -> Any:
        tournament = axl.Tournament(players, turns=turns, repetitions=repetitions, noise=o.noise, seed=1)
        return tournament.play(progress_bar=False, build_results=results)

    play(2, 1, True)
    found: dict[str, Any] = {}
    best: list[str] = []
    found["theirs, matches alone"] = timed(lambda: play(o.turns, o.repetitions, False), turns_of(o))
    found["theirs, with results"] = timed(
        lambda: best.extend(play(o.turns, o.repetitions, True).ranked_names[:3]), turns_of(o)
    )
    found["theirs, with results"]["best"] = best
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--turns", type=int, default=200)
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--noise", type=float, default=0.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", default=sys.executable, help="a Python in whose environment axelrod is")
    parser.add_argument("--side", choices=("ours", "theirs"), help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.side:
        print(json.dumps(ours(o) if o.side == "ours" else theirs(o)))
        return
    sides = ["ours"]
    if o.peer != sys.executable or importlib.util.find_spec("axelrod") is not None:
        sides.append("theirs")
    options = [f"--turns={o.turns}", f"--repetitions={o.repetitions}", f"--noise={o.noise}"]
    measured: dict[str, list[dict[str, Any]]] = {}
    for _ in range(o.repeats):
        for side in sides:
            python = o.peer if side == "theirs" else sys.executable
            said = subprocess.run(
                [python, __file__, "--side", side, *options], check=True, capture_output=True, text=True
            )
            for name, found in json.loads(said.stdout).items():
                measured.setdefault(name, []).append(found)
    print(
        f"{PLAYERS} strategies, {o.turns} rounds, {o.repetitions} repetitions, noise {o.noise:g}: {turns_of(o):,} turns"
    )
    middle = {name: statistics.median(one["rate"] for one in found) for name, found in measured.items()}
    for name, found in measured.items():
        seconds = statistics.median(one["seconds"] for one in found)
        wall = statistics.median(one["wall"] for one in found)
        best = f"; best: {', '.join(found[0]['best'])}" if "best" in found[0] else ""
        print(
            f"{name:22} {middle[name]:>10,.0f} turns/s of processor {wall:>10,.0f} by the clock {seconds:6.1f} s{best}"
        )
    for name in list(middle)[1:]:
        ratio = middle["ours"] / middle[name]
        print(f"ours / {name}: {ratio:.1f} (wanted: {TARGET:g})")
    if "theirs" not in sides:
        print(
            "theirs: the Axelrod library is missing here: pip install axelrod, or name a Python that has it by --peer"
        )


if __name__ == "__main__":
    main()
