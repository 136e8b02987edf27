"""What a plain `import marl_sim` costs, and what the package says about itself."""

import importlib.metadata
import json
import subprocess
import sys

HEAVY = ("torch", "pygame", "pettingzoo")
PROBE = """
import json, sys, time
start = time.perf_counter()
import marl_sim
print(json.dumps(dict(seconds=time.perf_counter() - start, modules=sorted(sys.modules))))
"""


def test_importing_the_package_loads_nothing_heavy_and_is_quick(tmp_path):
    answers = []
    for _ in range(3):  # the first may write bytecode; the best of three is what a user sees from then on
        done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True, cwd=tmp_path)
        answers.append(json.loads(done.stdout))
    seconds = min(answer["seconds"] for answer in answers)
    print(f"import marl_sim: {seconds:.3f} s")
    loaded = {module.partition(".")[0] for module in answers[0]["modules"]}
    assert not loaded & set(HEAVY)
    assert seconds < 2.0  # 0.5 s on a quiet machine; a busy one gets four times that before this is called a fault


def test_the_wheel_names_its_command_and_its_python():
    metadata = importlib.metadata.metadata("marl_sim")
    assert metadata["Requires-Python"] == ">=3.10"
    scripts = importlib.metadata.entry_points(group="console_scripts")
    assert "marl_sim.cli:main" in {script.value for script in scripts if script.name == "marl-sim"}


def test_the_package_is_typed(root):
    assert (root / "marl_sim" / "py.typed").exists()
