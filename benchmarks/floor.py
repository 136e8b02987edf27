"""What one update of PPO has to compute and to move, what one core does of both, and how close the update comes.

Run: python benchmarks/floor.py          a minute; processor time of one thread, least of several, on whatever else runs

The update is that of benchmarks/learners.py: 1024 decisions a lane, two networks of two hidden layers of 64, 4 epochs
of 4 minibatches. Bytes are those that no order of the work can avoid if no more than one layer stays near:
weights, their gradients, Adam's moments, and each layer's activations and their gradients, each time they are needed.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

from marl_sim.learners import PPO, HeadSpec
from marl_sim.learners.products import multiply

OBS, ACTIONS, HIDDEN, STEPS, ENVS, EPOCHS, MINIBATCHES = 16, 4, 64, 128, 8, 4, 4
DECISIONS = STEPS * ENVS
LAYERS = [(OBS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, ACTIONS), (OBS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)]


def least(job: Callable[[], Any], times: int) -> float:
    """Seconds of processor time, the least of several."""
    found = []
    job()
    for _ in range(times):
        began = time.process_time()
        job()
        found.append(time.process_time() - began)
    return min(found)


def products() -> float:
    """Operations a second of the hidden product of a minibatch of one lane, compiled."""
    rows = DECISIONS // MINIBATCHES
    x, y = np.ones((rows, HIDDEN), np.float32), np.ones((rows, HIDDEN), np.float32)
    w = np.ones((HIDDEN + 1, HIDDEN), np.float32)
    hundred = least(lambda: [multiply(x, w, y, rows, HIDDEN, w, HIDDEN, 0) for _ in range(100)], 20)
    return 100 * 2 * rows * HIDDEN**2 / hundred


def moved(size: int) -> float:
    """Bytes a second that a copy reads and writes, over arrays of so many bytes together."""
    a, b = np.ones(size // 8, np.float32), np.ones(size // 8, np.float32)
    many = max(1, (1 << 28) // size)
    return size * many / least(lambda: [np.copyto(a, b) for _ in range(many)], 10)


def flops() -> int:
    """Operations on weights in an update of a lane: 2 a weight to value; forward, and twice as many back, an epoch."""
    weights = sum(n * m for n, m in LAYERS)
    critic = sum(n * m for n, m in LAYERS[3:])
    return DECISIONS * (2 * critic + EPOCHS * 6 * weights)


def traffic() -> dict[str, int]:
    """Bytes in an update of a lane, by what they are."""
    steps, rows = EPOCHS * MINIBATCHES, DECISIONS * EPOCHS
    weights = sum((n + 1) * m for n, m in LAYERS)
    out = sum(m for _, m in LAYERS)
    seen = sum(n for n, _ in LAYERS)
    return {
        "weights, forward and backward": 4 * steps * 2 * weights,
        "their gradients, written and read": 4 * steps * 2 * weights,
        "Adam: weights and two moments, read and written": 4 * steps * 6 * weights,
        "activations: written, read by the next layer and backward": 4 * rows * (out + 2 * seen),
        "their gradients: written, read for weights and for inputs": 4 * rows * 3 * out,
    }


def update(lanes: int) -> float:
    """Seconds of processor time of an update of so many lanes, learning alone."""
    options = PPO(steps=STEPS, hidden=(HIDDEN, HIDDEN), epochs=EPOCHS, minibatches=MINIBATCHES, lr=3e-4)
    spec = HeadSpec("play", OBS, ACTIONS)
    agents = options.build(spec, np.arange(lanes).astype(np.uint64), np.zeros(lanes, np.int64))
    rng = np.random.default_rng(0)
    shape = (lanes, ENVS)
    yes, legal, no = np.ones(shape, bool), np.ones((*shape, ACTIONS), bool), np.zeros(shape, bool)
    spent = []
    for _ in range(4):
        for _ in range(STEPS):
            obs = rng.normal(size=(*shape, OBS)).astype(np.float32)
            agents.decided(obs, legal, yes, agents.act(obs, legal, yes).copy())
            agents.earn(rng.normal(size=shape))
            agents.ended(no, no)
            began = time.process_time()
            agents.learn(obs, legal, yes)
            spent.append(time.process_time() - began)
    return min(sum(spent[k * STEPS : (k + 1) * STEPS]) for k in range(1, 4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lanes", type=int, nargs="+", default=[1, 8, 16, 32, 64, 128])
    numbers = parser.parse_args().lanes
    torch.set_num_threads(1)
    by_flops, bytes_of = flops(), traffic()
    total = sum(bytes_of.values())
    print(
        f"one update of a lane, {DECISIONS} decisions: {by_flops / 1e6:.0f} million operations, {total / 1e6:.1f} MB:"
    )
    for name, many in bytes_of.items():
        print(f"  {many / 1e6:6.1f} MB  {name}")
    rates = {size: moved(size) for size in (1 << 18, 1 << 22, 1 << 28)}
    print("copies: " + ", ".join(f"{r / 1e9:.1f} GB/s over {s >> 10} KB" for s, r in rates.items()))
    print(f"{'lanes':>6s}{'GFLOP/s':>9s}{'products':>10s}{'near':>8s}{'far':>8s}{'update':>9s}   milliseconds a lane")
    for lanes in numbers:
        speed = products()
        near, far = (1e3 * total / rates[size] for size in (1 << 18, 1 << 28))
        took = 1e3 * update(lanes) / lanes
        print(f"{lanes:6d}{speed / 1e9:9.1f}{1e3 * by_flops / speed:10.2f}{near:8.2f}{far:8.2f}{took:9.2f}")


if __name__ == "__main__":
    main()
