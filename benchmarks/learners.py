"""Whole training runs, learning included: stacked lanes against a loop of torch modules and against other libraries.

Run: python benchmarks/learners.py                                    about half an hour on two quiet cores
     python benchmarks/learners.py --seeds 1 8 --agents 2 8 --peers       a minute or two

PPO with separate networks for every agent: two hidden layers of 64 (tanh), actor and critic apart, 8 copies of the
environment a seed, 128 steps an update, 4 epochs of 4 minibatches. An agent-step is one decision of one agent, with its
share of everything: stepping, acting, remembering, learning. All train on the same games: an environment in Python
(benchmarks/peers/pond.py), and games of ours, which peers step through ms.parallel_env. Peers share one network among
agents where that is their way, which is less work than ours; JaxMARL runs an environment of its own. MAPPO, against
another library's, is one network that all agents share on both sides, with a critic that sees what all of them see.

All rows of a table are measured in one run. Rates are by processor time, which other programs disturb less, and by the
wall clock; how many times ours are a peer's is by processor time with one thread, and by the wall clock with more.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "peers")]
STEPS, ENVS, EPOCHS, MINIBATCHES, HIDDEN = 128, 8, 4, 4, (64, 64)
PEERS = ("torch_loop", "sb3", "benchmarl_ippo", "benchmarl_mappo", "jaxmarl_ippo", "jaxmarl_ippo_separate")
LEARNERS = {"benchmarl_mappo": "MAPPO"}  # what a peer is compared with; PPO where nothing is said
TARGETS = {"sb3": 5.0, "benchmarl_ippo": 5.0, "benchmarl_mappo": 5.0}


def ours(learner: str, game: str, seeds: int, agents: int, updates: int) -> dict[str, float]:
    """Agent-steps per second of our Trainer, median over updates after one that compiles and warms up."""
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
    wall, cpu = [], []
    for _ in range(updates + 1):
        began = time.perf_counter(), time.process_time()
        for _ in range(STEPS):
            trainer.advance()
        wall.append(time.perf_counter() - began[0])
        cpu.append(time.process_time() - began[1])
    work = STEPS * ENVS * agents * seeds
    return {
        "agent_steps_per_second": work / median(wall[1:]),
        "agent_steps_per_cpu_second": work / median(cpu[1:]),
        "cores": sum(cpu[1:]) / sum(wall[1:]),
    }


def alone(threads: int, *arguments: Any) -> dict[str, float]:
    """`ours` in a process of its own, with so many threads."""
    from peers.run_all import environment

    command = [sys.executable, __file__, "--only-ours", *map(str, arguments), "--threads", str(threads)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(threads), check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


Rates = dict[str, float]


def shown(one: Rates) -> str:
    """A rate by processor time and, behind it, by the wall clock."""
    return f"{one['agent_steps_per_cpu_second']:,.0f} ({one['agent_steps_per_second']:,.0f})"


def counted(one: Rates, threads: int) -> float:
    """The rate that is compared."""
    return one["agent_steps_per_cpu_second" if threads == 1 else "agent_steps_per_second"]


def grid(o: argparse.Namespace, learner: str, game: str, threads: int) -> dict[tuple[int, int], Rates]:
    """Our rates by seeds and agents, printed as a table."""
    found: dict[tuple[int, int], Rates] = {}
    print(f"\nour {learner}, {game}, {threads} thread(s): agent-steps a second of processor time (wall)")
    print(f"{'agents':>8}" + "".join(f"{f'{s} seed(s)':>22}" for s in o.seeds) + f"{'most / one seed':>18}")
    for n in o.agents:
        for s in o.seeds:
            found[s, n] = alone(threads, learner, game, s, n, o.updates)
        first, most = min(o.seeds), max(o.seeds)
        cost = (most / counted(found[most, n], threads)) / (first / counted(found[first, n], threads))
        print(f"{n:>8}" + "".join(f"{shown(found[s, n]):>22}" for s in o.seeds) + f"{cost:>17.1f}x", flush=True)
    return found


def against_peers(
    o: argparse.Namespace, game: str, threads: int, grids: dict[str, dict[tuple[int, int], Rates]]
) -> None:
    """The peers at the same sizes on the same game, and how many times faster ours are."""
    from peers.run_all import measure

    pythons = {"sb3": o.python_sb3, "benchmarl": o.python_benchmarl, "jaxmarl": o.python_jax}
    heads = "".join(f"{f'ours at {s} seed(s)':>20}" for s in o.seeds)
    print(f"\npeers, {game}, {threads} thread(s): the same, and how many times that ours are")
    print(f"{'agents':>8}{'peer':>24}{'rate':>22}{heads}")
    for n in o.agents:
        for peer in o.peers:
            if peer.startswith("jaxmarl") and game != o.games[0]:  # an environment of its own, whatever the game
                continue
            python = next((p for name, p in pythons.items() if peer.startswith(name)), None)
            sizes = dict(n_agents=n, num_envs=ENVS, steps=STEPS, epochs=EPOCHS, minibatches=MINIBATCHES, hidden=HIDDEN)
            one = measure(peer, python, env=game, updates=o.updates, threads=threads, **sizes)
            if one is None:
                print(f"{n:>8}{peer:>24}{'not installed':>22}")
                continue
            found = grids[LEARNERS.get(peer, "PPO")]
            times = "".join(f"{counted(found[s, n], threads) / counted(one, threads):>19.1f}x" for s in o.seeds)
            asked = f"   asked: {TARGETS[peer]:g}" if peer in TARGETS else ""
            print(f"{n:>8}{peer:>24}{shown(one):>22}{times}{asked}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 8, 32])
    parser.add_argument("--agents", type=int, nargs="+", default=[2, 8, 16])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--updates", type=int, default=5, help="measured iterations of each; the median is printed")
    parser.add_argument(
        "--games", nargs="+", default=["pond", "public_goods"], help="pond, and games of ours of one stage"
    )
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=PEERS, help="which; none: ours alone")
    for name in ("sb3", "benchmarl", "jax"):
        parser.add_argument(f"--python-{name}", metavar="PATH", help="the Python that has it; default: this one")
    hidden = ("LEARNER", "GAME", "SEEDS", "AGENTS", "UPDATES")
    parser.add_argument("--only-ours", nargs=5, metavar=hidden, help=argparse.SUPPRESS)
    o = parser.parse_args()
    if o.only_ours:
        import torch

        torch.set_num_threads(o.threads[0])
        learner, game, *sizes = o.only_ours
        print(json.dumps(ours(learner, game, *map(int, sizes))))
        return
    print(
        f"{os.cpu_count()} cores, Python {sys.version.split()[0]}; {STEPS} steps x {ENVS} copies, {EPOCHS} epochs x ",
        end="",
    )
    print(f"{MINIBATCHES} minibatches, hidden {HIDDEN}, PPO's networks separate; medians of {o.updates} updates")
    for threads in o.threads:
        for game in o.games:
            needed = {LEARNERS.get(peer, "PPO") for peer in o.peers or ["ours alone"]}
            grids = {learner: grid(o, learner, game, threads) for learner in sorted(needed, reverse=True)}
            if o.peers:
                against_peers(o, game, threads, grids)


if __name__ == "__main__":
    main()
