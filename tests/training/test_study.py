"""A study runs, is stopped, killed and resumed, in one process and in several, and its record is the same."""

import importlib.util
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from marl_sim.evaluation.study import Study
from marl_sim.training.records import RecordError, RunFolder

SCRIPT = Path(__file__).with_name("counting_study.py")
specification = importlib.util.spec_from_file_location("counting_study", SCRIPT)
counting = importlib.util.module_from_spec(specification)
sys.modules["counting_study"] = counting
specification.loader.exec_module(counting)
SLOW = ("--pause", "0.05", "--checkpoint-seconds", "0")


def start(folder, *arguments):
    """The study as a user starts it, in a process group of its own, as a terminal gives it one."""
    return subprocess.Popen(
        [sys.executable, str(SCRIPT), "--out", str(folder), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(folder, *arguments):
    process = start(folder, *arguments)
    out, err = process.communicate(timeout=120)
    return process.returncode, out, err


def run_here(folder, *arguments):
    """The same in this process, which saves its start; for one worker."""
    arguments = ["--out", str(folder), "--workers", "1", "--quiet", *map(str, arguments)]
    counting.command(counting.main, arguments)


def run_folder(folder):
    (found,) = (folder / "counting").iterdir()
    return found


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def some_checkpoints(folder):
    return len(list(folder.glob("counting/*/conditions/*/*0[5-9].checkpoint"))) or len(
        list(folder.glob("counting/*/conditions/*/*[1-9]?.checkpoint"))
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """metrics.csv of the study, never stopped."""
    folder = tmp_path_factory.mktemp("whole")
    run_here(folder)
    return (run_folder(folder) / "metrics.csv").read_bytes()


@pytest.fixture
def options(tmp_path):
    return counting.Options(out=tmp_path, quiet=True, workers=1)


def test_a_study_leaves_options_metrics_a_table_and_figures(tmp_path, capsys):
    counting.main(counting.Options(out=tmp_path, workers=1))
    folder = run_folder(tmp_path)
    assert RunFolder.open(folder).options["seeds"] == 3
    metrics = pd.read_csv(folder / "metrics.csv")
    assert list(metrics.columns) == ["condition", "seed", "episode", "cooperation", "just_share"]
    assert len(metrics) == 3 * 3 * 30
    assert metrics["condition"].unique().tolist() == ["condition 0", "condition 1", "condition 2"]
    assert metrics["just_share"].isna().any()
    table = pd.read_csv(folder / "table.csv")
    late = (
        metrics[metrics["episode"] > 54]
        .groupby(["condition", "seed"])["cooperation"]
        .mean()
        .groupby("condition")
        .mean()
    )
    np.testing.assert_allclose(table[table["metric"] == "cooperation"]["value"], late)
    assert (folder / "table.md").read_text().startswith("**counting**")
    assert (folder / "figures" / "cooperation.png").read_bytes().startswith(b"\x89PNG")
    printed = capsys.readouterr().out
    assert "condition 2: 60 episodes in" in printed
    assert "steps/s" in printed
    assert "last 6 episodes" in printed


def test_a_table_of_some_conditions(options, capsys):
    with Study("counting", options, counting.CountingTrainer) as study:
        for name in ("a", "b", "c"):
            study.train(name, name, options)
        summary = study.table("cooperation", conditions=("c", "a"), name="some")
        assert list(summary.cells) == ["c", "a"]
        assert "b" not in set(pd.read_csv(study.folder.path / "some.csv")["condition"])
        with pytest.raises(ValueError, match=r"unknown condition 'd' \(allowed: a, b, c\)"):
            study.table("cooperation", conditions=("d",))
    printed = capsys.readouterr().out
    assert "│ a " in printed and "│ b " not in printed


def test_several_workers_write_what_one_writes(tmp_path, whole):
    code, out, err = run(tmp_path, "--workers", 3)
    assert code == 0, err
    assert (run_folder(tmp_path) / "metrics.csv").read_bytes() == whole
    assert out.count("steps/s") == 3


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_killed_study_resumes_as_if_never_killed(tmp_path, whole, workers):
    process = start(tmp_path, "--workers", workers, *SLOW)
    wait_for(lambda: some_checkpoints(tmp_path))
    process.kill()  # this process alone: its workers must notice and end
    process.communicate(timeout=60)
    folder = run_folder(tmp_path)
    assert not (folder / "metrics.csv").exists()
    with (folder / "conditions" / "condition_0" / "metrics.csv").open("ab") as file:
        file.write(b"0,9999,0.1,0.1\n1,9999,0.")  # rows after the checkpoint, the last one torn
    run_here(tmp_path, "--resume", folder)
    assert (folder / "metrics.csv").read_bytes() == whole


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_ctrl_c_keeps_what_was_measured(tmp_path, whole, workers):
    process = start(tmp_path, "--workers", workers, "--pause", 0.05)
    wait_for(lambda: list(tmp_path.glob("counting/*/conditions/*/metrics.csv")))
    os.killpg(process.pid, signal.SIGINT)  # a terminal sends it to the workers too
    _, err = process.communicate(timeout=60)
    folder = run_folder(tmp_path)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert f"--resume {folder}" in err
    kept = pd.read_csv(folder / "metrics.csv")
    assert 0 < len(kept) < 3 * 3 * 30
    run_here(tmp_path, "--resume", folder)
    assert (folder / "metrics.csv").read_bytes() == whole


@pytest.mark.parametrize("workers", [pytest.param(1, marks=pytest.mark.slow), 2])
def test_a_second_ctrl_c_does_not_wait_for_the_block(tmp_path, workers):
    process = start(tmp_path, "--workers", workers, "--pause", 60)
    wait_for(lambda: list(tmp_path.glob("counting/*/conditions/condition_0/.lock")))
    time.sleep(1.0)
    for _ in range(2):
        os.killpg(process.pid, signal.SIGINT)
        time.sleep(0.5)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_finished_conditions_are_not_run_again(options, monkeypatch):
    counting.main(options)
    folder = run_folder(options.out)
    before = (folder / "metrics.csv").read_bytes()
    monkeypatch.setattr(counting.CountingTrainer, "run", lambda self: pytest.fail("ran again"))
    options.resume = folder
    counting.main(options)
    assert (folder / "metrics.csv").read_bytes() == before


def test_a_refusal_is_one_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as ended:
        run_here(tmp_path / "here", "--fail", "refuse:condition 1")
    here = capsys.readouterr().err
    code, _, there = run(tmp_path / "there", "--workers", 2, "--fail", "refuse:condition 1")
    assert ended.value.code == code == 2
    assert here == there == "error: fine must be positive in 'condition 1'; got -1.\n"


def test_a_bug_is_a_traceback_and_what_was_measured_is_kept(tmp_path):
    with pytest.raises(ValueError, match="cannot reshape array"):
        run_here(tmp_path / "here", "--fail", "break:condition 1")
    code, _, err = run(tmp_path / "there", "--workers", 2, "--fail", "break:condition 1")
    assert code == 1
    assert "cannot reshape array" in err
    assert "np.zeros(3).reshape(2)" in err
    for place in ("here", "there"):
        kept = pd.read_csv(run_folder(tmp_path / place) / "metrics.csv")
        assert len(kept[kept["condition"] == "condition 1"]) == 3 * 15


def test_a_run_goes_on_only_with_the_options_it_began_with(tmp_path, capsys):
    run_here(tmp_path, "--seeds", 2)
    folder = run_folder(tmp_path)
    run_here(tmp_path, "--resume", folder)
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        run_here(tmp_path, "--resume", folder, "--seeds", 3)
    assert ended.value.code == 2
    said = capsys.readouterr().err.strip()
    assert said == f"error: {folder} was begun with seeds = 2 and can only go on with that; got 3."


def test_two_studies_do_not_write_into_one_folder(options, monkeypatch):
    from marl_sim.training import records

    monkeypatch.setattr(records.lock.__wrapped__, "__defaults__", (0.0,))
    with Study("counting", options, counting.CountingTrainer) as study:
        options.resume = study.folder.path
        with pytest.raises(RecordError, match="in use"), Study("counting", options, counting.CountingTrainer):
            pass
        options.resume = None


def test_what_a_study_refuses(options):
    with Study("counting", options, counting.CountingTrainer) as study:
        study.train("direct", "direct", options)
        with pytest.raises(ValueError, match="declared twice"):
            study.train("direct", "direct", options)
        with pytest.raises(ValueError, match="share the folder"):
            study.train("Direct!", "direct", options)
        with pytest.raises(ValueError, match="recorded were cooperation, just_share"):
            study.table("rewrad")
        with pytest.raises(ValueError, match="those that have it are direct"):
            study.probability("cooperation", "direct", "none")
        path = study.folder.path
    options.resume = path
    with pytest.raises(RecordError, match="is a run of 'counting', not of 'other'"), Study("other", options):
        pass


def test_a_study_that_declared_nothing_leaves_nothing(options):
    with pytest.raises(ValueError, match="fine"), Study("counting", options, counting.CountingTrainer):
        raise counting.refuse("direct")
    assert not list((options.out / "counting").iterdir())


def test_probability_over_seeds(options):
    with Study("counting", options, counting.CountingTrainer) as study:
        for name in ("a", "bbb"):
            study.train(name, name, options)
        probability = study.probability("cooperation", "a", "bbb")
        assert probability + study.probability("cooperation", "bbb", "a") == pytest.approx(1, abs=0.02)
