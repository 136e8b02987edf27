"""Learning steps a second: all lanes stacked, against a loop of separate torch modules doing the same steps.

Run: python benchmarks/lanes.py               (under a minute on one core)

A lane is one agent of one seed. A step is a minibatch drawn without replacement, Q and target Q, smooth L1, gradient
and Adam; the stacked figures include choosing actions and storing transitions. 20 seeds x 5 agents, of which 40 lanes
store a transition and make a step at a time, as in the punishment study (two of five agents play).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("NUMBA_NUM_THREADS", "1")

import argparse
import functools
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from marl_sim.learners import DQN, HeadSpec, TabularQ
from marl_sim.learners.embedding import one_hot, width
from marl_sim.learners.nets import MLP

SEEDS, AGENTS, ACTIVE = 20, 5, 40
LANES = SEEDS * AGENTS
AUTHORS = (540, 1310)  # updates/s a process of the published code, as measured for this project
HEADS = {"play, 2 inputs": (2, 2), "play, 4 inputs": (4, 2), "select, 5 inputs": (5, 4), "play, one-hot, 8": (8, 2)}


def rates(work: Callable[[], int], repeats: int) -> tuple[list[float], list[float]]:
    """Steps per second of CPU time and of wall time, of each repeat; `work` does some steps and returns how many."""
    by_cpu, by_wall = [], []
    for _ in range(repeats):
        cpu, wall = time.process_time(), time.perf_counter()
        steps = work()
        by_cpu.append(steps / (time.process_time() - cpu))
        by_wall.append(steps / (time.perf_counter() - wall))
    return by_cpu, by_wall


class Stacked:
    """All lanes of one head with `filled` transitions each, deciding, storing and learning in turns."""

    def __init__(self, inputs: int, actions: int, filled: int, rounds: int, **options) -> None:
        spec = HeadSpec("play", inputs, actions, (2,) * inputs)
        who = np.repeat(np.arange(SEEDS), AGENTS), np.tile(np.arange(AGENTS), SEEDS)
        learner = TabularQ(**options) if "alpha" in options else DQN(gamma=0.9, epsilon=0.01, **options)
        self.lanes, self.rounds, self.rng = learner.build(spec, *who), rounds, np.random.default_rng(0)
        self.shape = (LANES, filled)
        self.legal = np.ones((LANES, 1, actions), bool)
        if filled:
            self._fill(inputs, actions, filled)
        self.draws = [
            (
                self.rng.integers(0, 2, (2, LANES, 1, inputs)).astype(np.float32),
                self.rng.normal(size=(LANES, 1)),
                np.isin(np.arange(LANES), self.rng.permutation(LANES)[:ACTIVE])[:, None],
            )
            for _ in range(rounds)
        ]

    def _fill(self, inputs: int, actions: int, filled: int) -> None:
        obs = self.rng.integers(0, 2, (*self.shape, inputs)).astype(np.float32)
        action, reward = self.rng.integers(0, actions, self.shape), self.rng.normal(size=self.shape)
        yes = np.ones(self.shape, bool)
        self.lanes.add(obs, action, reward, obs[:, ::-1], np.ones((*self.shape, actions), bool), ~yes, yes)
        self.lanes.replay.owed[:] = 0

    def __call__(self) -> int:
        before = self.lanes.updates.sum()
        for obs, reward, active in self.draws:
            action = self.lanes.act(obs[0], self.legal, active)
            self.lanes.add(obs[0], action, reward, obs[1], self.legal, np.zeros_like(active), active)
            self.lanes.learn()
        return int(self.lanes.updates.sum() - before)


class Separate:
    """The same networks as separate nn.Sequential and torch.optim.Adam, one after the other."""

    def __init__(self, inputs: int, actions: int, filled: int, steps: int) -> None:
        def net() -> nn.Sequential:
            return nn.Sequential(nn.Linear(inputs, 128), nn.ReLU(), nn.Linear(128, actions))

        self.nets, self.targets = [net() for _ in range(LANES)], [net() for _ in range(LANES)]
        self.adams = [torch.optim.Adam(x.parameters(), lr=1e-3) for x in self.nets]
        self.rng, self.steps = np.random.default_rng(0), steps
        self.obs = self.rng.integers(0, 2, (LANES, filled, inputs)).astype(np.float32)
        self.action = self.rng.integers(0, actions, (LANES, filled))
        self.reward = self.rng.normal(size=(LANES, filled)).astype(np.float32)

    def __call__(self) -> int:
        for step in range(self.steps):
            i = step % LANES
            rows = self.rng.choice(self.obs.shape[1], 100, replace=False)
            obs, action, reward = (torch.from_numpy(x[i, rows]) for x in (self.obs, self.action, self.reward))
            with torch.no_grad():
                y = reward + 0.9 * self.targets[i](obs).max(1).values
            loss = nn.functional.smooth_l1_loss(self.nets[i](obs).gather(1, action[:, None])[:, 0], y)
            self.adams[i].zero_grad()
            loss.backward()
            self.adams[i].step()
        return self.steps


MAPS = {"5 x 5 cells of 6 kinds": (6,) * 25, "7 x 7 of 8": (8,) * 49, "11 x 11 of 10": (10,) * 121}


def _look(net: MLP, params: torch.Tensor, x: torch.Tensor, levels: tuple[int, ...]) -> int:
    said = net.forward(params, x if isinstance(net.columns, tuple) else one_hot(x, levels))
    if params.requires_grad:
        torch.autograd.grad(torch.log_softmax(said, -1)[..., 0].sum(), params)
    return 1


def class_maps(repeats: int) -> None:
    """Acting and PPO's loss with its gradient on maps of classes: rows looked up, against one-hot inputs.

    16 lanes; the network has two hidden layers of 64. One-hot inputs are made on the way, as the map is what is kept.
    """
    lanes, hidden = 16, (64, 64)
    print(f"\n{lanes} lanes, {hidden} tanh, 5 actions; ms of CPU time")
    print(f"{'class map':<26}{'act in 8 worlds: looked up':>28}{'one-hot':>10}{'times':>8}", end="")
    print(f"{'a piece of 256: looked up':>28}{'one-hot':>10}{'times':>8}")
    for name, levels in MAPS.items():
        rng, cells = np.random.default_rng(0), []
        for worlds, trains in ((8, False), (256, True)):
            x = torch.from_numpy(np.stack([rng.integers(0, n, (lanes, worlds)) for n in levels], -1).astype(np.float32))
            for columns in (levels, width(levels)):
                net = MLP(columns, hidden, 5, "tanh")
                params = torch.from_numpy(net.init(np.arange(lanes, dtype=np.uint64))).requires_grad_(trains)

                work = functools.partial(_look, net, params, x, levels)
                work()
                cells.append(1000 / statistics.median(rates(work, 3 * repeats)[0]))
        act, plain, learn, multiplied = cells
        print(f"{name:<26}{act:>28.2f}{plain:>10.2f}{plain / act:>8.1f}", end="")
        print(f"{learn:>28.2f}{multiplied:>10.2f}{multiplied / learn:>8.1f}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=7, help="repeats of each measurement; the median is printed")
    parser.add_argument("--filled", type=int, default=20000, help="transitions in each lane's memory")
    options = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{LANES} lanes ({SEEDS} seeds x {AGENTS} agents), {ACTIVE} learning at a time, batch 100, ", end="")
    print(f"{options.filled} transitions stored in each")
    print(f"torch {torch.__version__}, 1 thread; numba 1 thread; {platform.machine()}; medians of {options.repeats}")
    print("Rates are per second of CPU time, which other programs disturb less; the last column is by the wall clock.")
    print(f"\n{'lane-updates/s':<42}{'median':>11}{'worst':>11}{'best':>11}{'wall':>11}")

    def row(name: str, work: Callable[[], int]) -> float:
        work()  # compiles, warms caches
        cpu, wall = rates(work, options.repeats)
        numbers = statistics.median(cpu), min(cpu), max(cpu), statistics.median(wall)
        print(f"{name:<42}" + "".join(f"{x:>11,.0f}" for x in numbers), flush=True)
        return numbers[0]

    stacked = {
        name: row(f"stacked, {name} -> 128 -> {a}", Stacked(d, a, options.filled, 100, path="fused"))
        for name, (d, a) in HEADS.items()
    }
    autograd = row("stacked autograd, 4 inputs -> 128 -> 2", Stacked(4, 2, options.filled, 12, path="torch"))
    separate = row("separate modules, 4 inputs -> 128 -> 2", Separate(4, 2, options.filled, 600))
    row("tabular Q, 4 inputs", Stacked(4, 2, 0, 400, alpha=0.01))
    main_head = stacked["play, 4 inputs"]
    print(f"\nstacked / separate modules: {main_head / separate:.1f} (autograd {autograd / separate:.1f}); asked: 5")
    print(f"stacked / published code at its fastest, {AUTHORS[1]:,}/s: {main_head / AUTHORS[1]:.1f}; asked: 20")
    class_maps(options.repeats)


if __name__ == "__main__":
    main()
