"""Every peer of this folder at the same sizes, each in the Python that has its library: one table.

    python benchmarks/peers/run_all.py --python-sb3 PATH --python-benchmarl PATH --python-jax PATH --n-agents 8

A Python that is not given is the one that runs this. From another benchmark (this file needs nothing but Python):

    from peers.run_all import measure
    found = measure("sb3", "/path/to/python", n_agents=8, num_envs=8)
    if found is not None:                  # None: that Python lacks the library
        print(ours / found["agent_steps_per_second"])
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve().parent


class Peer(NamedTuple):
    """How one peer is run."""

    script: str
    options: tuple[str, ...]
    needs: tuple[str, ...]  # modules
    where: str  # which of the --python-* options it listens to


PEERS = {
    "torch_loop": Peer("torch_loop", (), ("torch", "pettingzoo"), ""),
    "sb3": Peer("sb3", (), ("stable_baselines3", "supersuit"), "sb3"),
    "benchmarl_ippo": Peer("benchmarl_peer", ("--algorithm", "ippo"), ("benchmarl", "torchrl"), "benchmarl"),
    "benchmarl_ippo_separate": Peer(
        "benchmarl_peer", ("--algorithm", "ippo", "--separate"), ("benchmarl", "torchrl"), "benchmarl"
    ),
    "benchmarl_mappo": Peer("benchmarl_peer", ("--algorithm", "mappo"), ("benchmarl", "torchrl"), "benchmarl"),
    "benchmarl_mappo_separate": Peer(
        "benchmarl_peer", ("--algorithm", "mappo", "--separate"), ("benchmarl", "torchrl"), "benchmarl"
    ),
    "jaxmarl_ippo": Peer("jaxmarl_peer", (), ("jaxmarl", "flax", "optax"), "jax"),
    "jaxmarl_ippo_separate": Peer("jaxmarl_peer", ("--separate",), ("jaxmarl", "flax", "optax"), "jax"),
}


def environment(threads: int) -> dict[str, str]:
    """Ours, with so many threads for everything that has some, and this checkout's marl_sim."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
    more = dict.fromkeys(names, str(threads))
    more["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false" if threads == 1 else ""  # it knows one or all
    path = os.pathsep.join(filter(None, (str(HERE.parents[1]), os.environ.get("PYTHONPATH"))))
    return {**os.environ, **more, "PYTHONPATH": path}


def installed(peer: str, python: str) -> bool:
    """Whether the modules that `peer` needs can be found by `python`."""
    seek = "import sys, importlib.util as u; sys.exit(not all(u.find_spec(m) for m in sys.argv[1:]))"
    return subprocess.run([python, "-c", seek, *PEERS[peer].needs], capture_output=True, check=False).returncode == 0


def command_of(peer: str, python: str, **sizes: Any) -> list[str]:
    """What starts the script of `peer` at these sizes; see `measure`."""
    how = PEERS[peer]
    command = [python, str(HERE / f"{how.script}.py"), *how.options]
    for name, value in sizes.items():
        many = isinstance(value, list | tuple)
        command += ["--" + name.replace("_", "-"), *map(str, value if many else (value,))]
    return command


def measure(peer: str, python: str | Path | None = None, **sizes: Any) -> dict[str, Any] | None:
    """What the script of `peer` (a name in PEERS) says when `python` (default: this one) runs it; None where the peer's
    library is not installed there.

    `sizes` are the scripts' options with underscores: env, n_agents, num_envs, steps, epochs, minibatches, hidden (a
    sequence), updates, threads, seed; `seeds` for torch_loop. KeyError for an unknown peer; RuntimeError with what it
    said where the script fails.
    """
    python = str(python or sys.executable)
    if not installed(peer, python):
        return None
    command, env = command_of(peer, python, **sizes), environment(int(sizes.get("threads", 1)))
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"{peer} failed under {python}:\n{done.stderr[-2000:]}")
    return json.loads(lines[-1])


def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for where in ("sb3", "benchmarl", "jax"):
        asked.add_argument(f"--python-{where}", metavar="PATH", help="the Python that has it; default: this one")
    asked.add_argument("--env", default="pond", help='"pond" or a registered game of marl_sim')
    asked.add_argument("--n-agents", type=int, default=8)
    asked.add_argument("--num-envs", type=int, default=8)
    asked.add_argument("--steps", type=int, default=128, help="of each copy in an iteration")
    asked.add_argument("--epochs", type=int, default=4)
    asked.add_argument("--minibatches", type=int, default=4)
    asked.add_argument("--hidden", type=int, nargs="+", default=[64, 64])
    asked.add_argument("--updates", type=int, default=10, help="iterations measured")
    asked.add_argument("--threads", type=int, default=1)
    asked.add_argument("--only", nargs="+", choices=tuple(PEERS), default=tuple(PEERS))
    asked.add_argument("--json", action="store_true", help="also print each peer's line of JSON")
    given = vars(asked.parse_args())
    pythons = {where: given.pop(f"python_{where}") for where in ("sb3", "benchmarl", "jax")}
    only, show = given.pop("only"), given.pop("json")
    print(", ".join(f"{name} {value}" for name, value in given.items()))
    print(f"{'':26}{'agent-steps/s':>15}{'of CPU time':>13}{'cores':>7}{'reward: first, last':>22}  version")
    for peer in only:
        line = measure(peer, pythons.get(PEERS[peer].where), **given)
        if line is None:
            print(f"{peer:26}{'not installed':>15}", flush=True)
            continue
        reward = "{first:.3f}, {last:.3f}".format(**line["mean_reward"])
        rates = f"{line['agent_steps_per_second']:>15,.0f}{line['agent_steps_per_cpu_second']:>13,.0f}"
        print(f"{peer:26}{rates}{line['cores']:>7.2f}{reward:>22}  {line['version']}", flush=True)
        if show:
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
