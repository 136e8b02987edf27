"""Scenarios as modules and as commands."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parents[2]


def load(name):
    """The module of a scenario, imported once."""
    path = ROOT / "scenarios" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"scenario_{name}", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def run(tmp_path):
    """Run a scenario as a user does: what it printed, its metrics, the names of its figures."""

    def call(name, *options):
        command = [
            sys.executable,
            str(ROOT / "scenarios" / f"{name}.py"),
            *options,
            "--out",
            str(tmp_path),
            "--workers",
            "1",
        ]
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=os.environ, timeout=300)
        assert done.returncode == 0, done.stdout + done.stderr
        (folder,) = (tmp_path / name).iterdir()
        figures = {path.name for path in (folder / "figures").iterdir() if path.stat().st_size > 10_000}
        return done.stdout, pd.read_csv(folder / "metrics.csv"), figures

    return call


@pytest.fixture(scope="session")
def scenario():
    """Loads a scenario's module by name."""
    return load
