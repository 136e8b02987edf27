"""The commands behind the published speeds run and print what they promise; how fast they are is not for a test."""

import re
import subprocess
import sys

import pytest

SAID = {
    "faces": (("--steps", "200"), r"ParallelEnv runs at \d+% .*\n.*AECEnv takes [\d.]+ times as long"),
    "lanes": (("--repeats", "1", "--filled", "200"), r"stacked / separate modules: [\d.]+"),
    "learners": (
        ("--seeds", "1", "2", "--agents", "2", "--threads", "1", "--updates", "2", "--games", "pond", "--peers"),
        r"pond, 2 agents, 1 thread.*\n +PPO 1 +[\d,]+ \([\d,]+\)\n +PPO 2 .*take [\d.]+x \([\d.]+-[\d.]+\)",
    ),
    "floor": (("--lanes", "1"), r"million operations, 33.5 MB(.*\n)+ lanes  GFLOP/s(.*\n) +1 "),
    "study": (("--seeds", "2", "--episodes", "50"), r"both, selection +[\d,]+ updates/s"),
    "engine": (("--repeats", "1"), r"plain dilemma\s+1\s+\d+ k\s+[\d.]+ M"),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SAID)
def test_a_benchmark_runs(root, name):
    options, said = SAID[name]
    command = [sys.executable, str(root / "benchmarks" / f"{name}.py"), *options]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert re.search(said, done.stdout), done.stdout
