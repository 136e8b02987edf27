"""Whole training runs, learning included: stacked lanes against a loop of torch modules and against other libraries.

Run: python benchmarks/learners.py                                    about half an hour on two quiet cores
     python benchmarks/learners.py --seeds 1 8 --agents 2 8 --peers       a minute or two

PPO with separate networks for every agent: two hidden layers of 64 (tanh), actor and critic apart, 8 copies of the
environment a seed, 128 steps an update, 4 epochs of 4 minibatches. An agent-step is one decision of one agent, with its
share of everything: stepping, acting, remembering, learning. All train on the same games: an environment in Python
(benchmarks/peers/pond.py), and games of ours, which peers step through ms.parallel_env. Peers share one network among
agents where that is their way, which is less work than ours; JaxMARL runs an environment of its own. MAPPO, against
another library's, is one network that all agents share on both sides, with a critic that sees what all of them see.

All that stands in one block is measured by turns, an iteration of each and then the next, since a machine's speed
changes within seconds; ratios are of one round, and medians over rounds. Rates are by processor time, which other
programs disturb less, and by the wall clock; ratios are by processor time with one thread, by the wall clock with more.
"""

from __future__ import annotations

import argparse
import functools
import itertools
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peers")]

from peers.run_all import PEERS, command_of, installed  # noqa: E402
from peers.turns import Seconds, together  # noqa: E402

STEPS, ENVS, EPOCHS, MINIBATCHES, HIDDEN = 128, 8, 4, 4, (64, 64)
CHOSEN = ("torch_loop", "sb3", "benchmarl_ippo", "benchmarl_mappo", "jaxmarl_ippo", "jaxmarl_ippo_separate")
LEARNERS = {"benchmarl_mappo": "MAPPO"}  # what a peer is compared with; PPO where nothing is said
TARGETS = {"sb3": 5.0, "benchmarl_ippo": 5.0, "benchmarl_mappo": 5.0}


def ours(learner: str, game: str, seeds: int, agents: int) -> None:
    """Train by turns, an iteration at a time, until nobody asks for more."""
    from common import Clock

    import marl_sim as ms
    from marl_sim import learners
    from marl_sim.training.runner import keep_large_blocks

    keep_large_blocks()
    options = dict(steps=STEPS, epochs=EPOCHS, minibatches=MINIBATCHES, hidden=HIDDEN, lr=3e-4)
    if game == "pond":
        from pond import Pond

        made: Any = functools.partial(Pond, agents)
    else:
        made = ms.make(game, n_agents=agents)
    more = dict(team_reward="own") if learner == "MAPPO" else {}
    trainer = ms.Trainer(
        made, getattr(learners, learner)(**options), seeds=seeds, episodes=10**9, num_envs=ENVS, block=10**6, **more
    )
    clock = Clock(by_turns=True)
    while True:
        for _ in range(STEPS):
            trainer.advance()
        clock.tick()


class Cell(NamedTuple):
    """What is measured side by side."""

    game: str
    threads: int
    agents: int


def commands(o: argparse.Namespace, cell: Cell) -> dict[str, list[str]]:
    """What is started, by name: "PPO 8" is ours with 8 seeds."""
    here = [sys.executable, __file__, "--threads", str(cell.threads), "--only-ours"]
    learners = ["PPO", *dict.fromkeys(LEARNERS[peer] for peer in o.peers if peer in LEARNERS)]
    found = {f"{kind} {s}": [*here, kind, cell.game, str(s), str(cell.agents)] for kind in learners for s in o.seeds}
    sizes = dict(num_envs=ENVS, steps=STEPS, epochs=EPOCHS, minibatches=MINIBATCHES, hidden=HIDDEN, updates=10**6)
    for peer in o.peers:
        python = vars(o).get(f"python_{PEERS[peer].where}") or sys.executable
        if installed(peer, python):
            of = dict(env=cell.game, n_agents=cell.agents, threads=cell.threads, **sizes)
            found[peer] = [*command_of(peer, python, **of), "--by-turns"]
        else:
            print(f"{peer} is not installed", file=sys.stderr)
    return found


def told(ratios: Sequence[float]) -> str:
    """The median, and from where to where."""
    return f"{median(ratios):.1f}x ({min(ratios):.1f}-{max(ratios):.1f})"


class Block:
    """What was found in one cell: rounds of the seconds of every program's iteration."""

    def __init__(self, cell: Cell, rounds: Sequence[Mapping[str, Seconds]]) -> None:
        self.cell, self.rounds = cell, rounds
        self.counted = "cpu" if cell.threads == 1 else "wall"
        per_seed = cell.agents * ENVS * STEPS
        self.work = {name: per_seed * int(name.split()[1]) if " " in name else per_seed for name in rounds[0]}

    def rate(self, name: str, by: str) -> float:
        """Agent-steps a second, of "cpu" or "wall"."""
        return self.work[name] / median(getattr(seconds[name], by) for seconds in self.rounds)

    def longer(self, one: str, other: str) -> list[float]:
        """How many times as long one's iteration took as the other's, round by round."""
        return [getattr(seconds[one], self.counted) / getattr(seconds[other], self.counted) for seconds in self.rounds]

    def times(self, one: str, other: str) -> list[float]:
        """How many times the other's rate is the one's."""
        return [self.work[one] / self.work[other] * ratio for ratio in self.longer(other, one)]


def show(o: argparse.Namespace, block: Block) -> None:
    """One block of the table; into the file, too."""
    cell, least, most = block.cell, min(o.seeds), max(o.seeds)
    print(f"\n{cell.game}, {cell.agents} agents, {cell.threads} thread(s): ", end="")
    print("agent-steps a second of processor time (wall), and how many times those ours are, with so many seeds")
    for name in block.work:
        rate = {by: block.rate(name, by) for by in ("cpu", "wall")}
        line = f"{name:>24}{rate['cpu']:>12,.0f} {'({:,.0f})'.format(rate['wall']):<12}"
        ratios: dict[str, list[float]] = {}
        if " " not in name:
            ratios = {f"{s} seed(s)": block.times(f"{LEARNERS.get(name, 'PPO')} {s}", name) for s in o.seeds}
            line += "".join(f"{f'{s}: {told(of)}':<30}" for s, of in ratios.items())
            line += f"asked: {TARGETS[name]:g}" if name in TARGETS else ""
        elif name.endswith(f" {most}") and most > least:
            ratios = {"cost": block.longer(name, f"{name.split()[0]} {least}")}
            line += f"{most} seeds take {told(ratios['cost'])} as long as {least}"
        print(line.rstrip(), flush=True)
        if o.out:
            with open(o.out, "a", encoding="utf-8") as file:
                file.write(json.dumps({**cell._asdict(), "name": name, **rate, "ratios": ratios}) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--agents", type=int, nargs="+", default=[2, 8, 16])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--updates", type=int, default=5, help="rounds of measured iterations; the median is printed")
    parser.add_argument(
        "--games", nargs="+", default=["pond", "public_goods"], help="pond, and games of ours of one stage"
    )
    parser.add_argument("--peers", nargs="*", choices=CHOSEN, default=CHOSEN, help="which; none: ours alone")
    for name in ("sb3", "benchmarl", "jax"):
        parser.add_argument(f"--python-{name}", metavar="PATH", help="the Python that has it; default: this one")
    parser.add_argument("--out", metavar="FILE", help="add what is found to this file, a line of JSON each")
    hidden = ("LEARNER", "GAME", "SEEDS", "AGENTS")
    parser.add_argument("--only-ours", nargs=4, metavar=hidden, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.only_ours:
        import torch

        torch.set_num_threads(o.threads[0])
        learner, game, *sizes = o.only_ours
        ours(learner, game, *map(int, sizes))
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {STEPS} steps x {ENVS} copies, {EPOCHS} epochs x ",
        end="",
    )
    print(f"{MINIBATCHES} minibatches, hidden {HIDDEN}, PPO's networks separate; medians of {o.updates} rounds")
    for cell in (Cell(*of) for of in itertools.product(o.games, o.threads, o.agents)):
        with together(commands(o, cell), cell.threads) as running:
            rounds = [{name: one.turn() for name, one in running.items()} for _ in range(o.updates)]
        show(o, Block(cell, rounds))


if __name__ == "__main__":
    main()
