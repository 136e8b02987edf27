"""What a seat costs: a scripted policy, a function of a view, or a learner in one of the seats, the others learning.

    python benchmarks/seats.py

The same society of DQN agents trains with every seat a learner's, with a scripted policy in one seat, and with a plain
function of a view there. `--repeats` runs of each in turn; the figures are medians of processor time a step, and of the
ratio to the society of learners alone within a repeat. A seat that does not learn saves its learning.
"""

from __future__ import annotations

import os

os.environ.setdefault("NUMBA_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import argparse
import statistics
import time
from typing import Any

import numpy as np

import marl_sim as ms

SEATS: dict[str, Any] = {
    "a learner": None,
    "TitForTat": "TitForTat",
    "a function of a view": lambda view: np.where(view.other == 1, 1, 0),
}


def seconds(who: Any, o: argparse.Namespace) -> float:
    """Processor seconds of a run."""
    game = ms.Society(ms.PrisonersDilemma(), n_agents=o.agents, horizon=ms.Fixed(20))
    learner = ms.DQN(hidden=(32, 32), batch=32, buffer=2000)
    last = f"agent_{o.agents - 1}"
    policies = {} if who is None else {last: ms.as_policy(who)}
    seating = {f"agent_0..{o.agents - 1 - len(policies)}": learner} | policies
    trainer = ms.Trainer(game, seating=seating, seeds=o.seeds, episodes=o.episodes, num_envs=o.num_envs, block=10)
    rows = trainer.run()
    next(rows)  # compiled, and warm
    began = time.process_time()
    for _ in rows:
        pass
    return time.process_time() - began


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    for name, default in dict(agents=4, seeds=4, num_envs=16, episodes=400, repeats=3).items():
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=default)
    o = parser.parse_args()
    taken: dict[str, list[float]] = {name: [] for name in SEATS}
    for _ in range(o.repeats):
        for name, who in SEATS.items():
            taken[name].append(seconds(who, o))
    print(f"{o.agents} agents, {o.seeds} seeds of {o.num_envs} worlds, {o.episodes} episodes of 20 rounds")
    for name, found in taken.items():
        ratios = [one / base for one, base in zip(found, taken["a learner"], strict=True)]
        ratio = statistics.median(ratios)
        print(f"one seat is {name:22} {statistics.median(found):6.2f} s, {ratio:5.2f} of learners alone")


if __name__ == "__main__":
    main()
