"""Learning steps a second of the punishment study as a whole: worlds, acting, credit, learning, records.

    python benchmarks/study.py [--seeds 20] [--episodes 120]

The paper's sizes, one thread, all seeds stacked; per second of processor time, after the first 30 episodes.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch

import marl_sim as ms
from marl_sim.training.runner import keep_large_blocks

PUBLISHED = 1310  # updates a second and process of the authors' released code, at its fastest
WARM = 3  # blocks of ten episodes before the clock starts: at first there is too little to learn from
CONDITIONS = ("reputation only", "direct", "third party, selection", "both, selection")


def scenario() -> object:
    """scenarios/direct_punishment.py as a module."""
    path = Path(__file__).resolve().parents[1] / "scenarios" / "direct_punishment.py"
    spec = importlib.util.spec_from_file_location("direct_punishment", path)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    """Print a line a condition."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--episodes", type=int, default=120)
    given = parser.parse_args()
    torch.set_num_threads(1)
    keep_large_blocks()
    study = scenario()
    options = study.Options(seeds=given.seeds, episodes=given.episodes)
    print(f"{given.seeds} seeds x {options.n_agents} agents, episodes {10 * WARM + 1} to {given.episodes}, one thread")
    for name in CONDITIONS:
        game = study.society(name, options)
        rewards = {kind: tuple(c for c in study.TAUGHT_BY[kind] if c in game.components) for kind in game.kinds}
        trainer = ms.Trainer(
            game,
            study.learner(options),
            seeds=given.seeds,
            episodes=given.episodes,
            credit="settled",
            rewards=rewards,
            probes=(study.as_logged,),
        )
        blocks = trainer.run()
        for _ in range(WARM):
            next(blocks)
        updates, start = trainer.updates, time.process_time()
        for _ in blocks:
            pass
        rate = (trainer.updates - updates) / (time.process_time() - start)
        print(f"{name:24} {rate:9,.0f} updates/s, {rate / PUBLISHED:5.1f} times the published code at its fastest")


if __name__ == "__main__":
    main()
