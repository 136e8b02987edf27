"""Run folders: what was written is read back bit for bit, and what is not whole is never read as whole."""

import numpy as np
import pandas as pd
import pytest
import tomli_w
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import marl_sim
from marl_sim.training import checkpoints, records
from marl_sim.training.checkpoints import CheckpointError
from marl_sim.training.metrics_log import MetricsLog, merge, read_columns
from marl_sim.training.records import ConditionRecord, RecordError, RunFolder, lock, slug

dtypes = st.sampled_from(["float32", "float64", "int64", "uint64", "uint8", "bool", "complex64", "<U5"])
arrays = dtypes.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, max_dims=3, min_side=0)))
STATE = {
    "play/weights": np.arange(6, dtype=np.float32).reshape(2, 3),
    "clock": np.uint64(2**64 - 1),
    "file": np.array([]),
}


def same(first, second):
    return first.dtype == second.dtype and first.shape == second.shape and first.tobytes() == second.tobytes()


# ---------------------------------------------------------------- checkpoints


@settings(max_examples=40)
@given(st.dictionaries(st.text(st.characters(codec="ascii", min_codepoint=33), min_size=1), arrays, max_size=4))
def test_arrays_come_back_bit_for_bit(tmp_path_factory, state):
    path = tmp_path_factory.mktemp("checkpoint") / "a.checkpoint"
    checkpoints.write(path, state, {"episode": 3})
    again, meta = checkpoints.read(path)
    assert meta == {"episode": 3}
    assert again.keys() == state.keys()
    assert all(same(again[name], np.asarray(state[name])) for name in state)


def test_a_checkpoint_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "a.checkpoint"
    checkpoints.write(path, STATE, {})
    whole = path.read_bytes()
    for length in {*range(0, len(whole), 11), *range(len(whole) - 60, len(whole))}:
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointError, match="no whole checkpoint"):
            checkpoints.read(path)


def test_a_checkpoint_changed_anywhere_is_refused(tmp_path):
    path = tmp_path / "a.checkpoint"
    checkpoints.write(path, STATE, {})
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        changed = bytearray(whole)
        changed[place] ^= 1
        path.write_bytes(changed)
        with pytest.raises(CheckpointError):
            checkpoints.read(path)


def test_a_checkpoint_of_another_format_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.checkpoint"
    monkeypatch.setattr(checkpoints, "FORMAT", 99)
    checkpoints.write(path, STATE, {})
    monkeypatch.undo()
    with pytest.raises(CheckpointError, match="format 99; this version reads format 1"):
        checkpoints.read(path)


def test_objects_are_refused_and_leave_the_old_checkpoint(tmp_path):
    path = tmp_path / "a.checkpoint"
    checkpoints.write(path, STATE, {})
    with pytest.raises(ValueError, match="'learner' is an array of object"):
        checkpoints.write(path, {"learner": object()}, {})
    assert checkpoints.read(path)[0]["clock"] == 2**64 - 1


def test_a_crash_while_writing_leaves_the_old_checkpoint(tmp_path, monkeypatch):
    path = tmp_path / "a.checkpoint"
    checkpoints.write(path, STATE, {"episode": 1})
    monkeypatch.setattr(checkpoints.os, "fsync", lambda handle: (_ for _ in ()).throw(OSError("no space left")))
    with pytest.raises(OSError, match="no space"):
        checkpoints.write(path, STATE, {"episode": 2})
    assert checkpoints.read(path)[1] == {"episode": 1}


# ---------------------------------------------------------------- metrics


@given(st.lists(st.floats(width=64), min_size=1, max_size=20))
def test_numbers_come_back_from_csv_bit_for_bit(tmp_path_factory, values):
    log = MetricsLog(tmp_path_factory.mktemp("log") / "metrics.csv")
    log.append({"seed": i, "episode": 10, "reward": value} for i, value in enumerate(values))
    np.testing.assert_array_equal(log.read()["reward"], values)
    frame = pd.read_csv(log.path)  # whose parser may differ in the last place
    np.testing.assert_allclose(frame["reward"], values, rtol=1e-14)
    assert frame["seed"].tolist() == list(range(len(values)))


def test_a_torn_last_line_is_not_read_and_is_dropped(tmp_path):
    log = MetricsLog(tmp_path / "metrics.csv")
    log.append([{"seed": 0, "episode": 10, "reward": 1.5}])
    length = log.sync()
    with log.path.open("ab") as file:
        file.write(b"0,20,1.")
    assert log.read()["episode"].tolist() == [10]
    again = MetricsLog(log.path)
    again.cut(length)
    again.append([{"seed": 0, "episode": 20, "reward": 2.5}])
    assert again.read()["reward"].tolist() == [1.5, 2.5]


def test_a_file_that_does_not_fit_its_checkpoint_is_refused(tmp_path):
    log = MetricsLog(tmp_path / "metrics.csv")
    log.append([{"seed": 0, "episode": 10}])
    with pytest.raises(ValueError, match="fewer than the 999"):
        log.cut(999)
    with pytest.raises(ValueError, match="no row ends at byte 3"):
        log.cut(3)


def test_rows_have_the_columns_of_the_first(tmp_path):
    log = MetricsLog(tmp_path / "metrics.csv")
    log.append([{"seed": 0, "episode": 10, "reward": True}])
    log.append([{"episode": 20, "reward": np.float32(0.5), "seed": np.int64(1)}])
    assert log.path.read_text() == "seed,episode,reward\n0,10,1\n1,20,0.5\n"
    with pytest.raises(ValueError, match=r"lacks \['reward'\] and adds \['rewards'\]"):
        log.append([{"seed": 0, "episode": 30, "rewards": 1}])


def test_conditions_with_different_metrics_are_merged(tmp_path):
    MetricsLog(tmp_path / "a.csv").append([{"seed": 0, "episode": 10, "reward": 1.0}])
    MetricsLog(tmp_path / "b.csv").append([{"seed": 0, "episode": 10, "fine": 2.0, "reward": np.nan}])
    parts = [("direct, with selection", tmp_path / "a.csv"), ("b", tmp_path / "b.csv"), ("none", tmp_path / "c.csv")]
    merge(parts, tmp_path / "metrics.csv")
    frame = pd.read_csv(tmp_path / "metrics.csv")
    assert list(frame.columns) == ["condition", "seed", "episode", "reward", "fine"]
    assert frame["condition"].tolist() == ["direct, with selection", "b"]
    assert frame["fine"].isna().tolist() == [True, False]
    assert read_columns(tmp_path / "missing.csv") == {}


# ---------------------------------------------------------------- folders


def fill(record, blocks):
    for episode in blocks:
        record.append([{"seed": 0, "episode": episode, "reward": episode / 7}])
        record.checkpoint({"x": np.array([episode])}, episode)


def test_the_newest_two_checkpoints_are_kept_and_a_damaged_one_is_passed_over(tmp_path):
    record = ConditionRecord(tmp_path / "direct", "direct")
    fill(record, (10, 20, 30))
    older, newer = sorted(record.path.glob("*.checkpoint"))
    assert (older.name, newer.name) == ("000000000020.checkpoint", "000000000030.checkpoint")
    newer.write_bytes(newer.read_bytes()[:-9])
    again = ConditionRecord(tmp_path / "direct", "direct")
    assert again.resume()["x"] == 20
    assert again.log.read()["episode"].tolist() == [10, 20]
    older.write_bytes(b"")
    with pytest.raises(RecordError, match="cannot be gone on with"):
        again.resume()


def test_without_a_checkpoint_a_condition_begins_anew(tmp_path):
    record = ConditionRecord(tmp_path / "direct", "direct")
    record.append([{"seed": 0, "episode": 10}])
    again = ConditionRecord(tmp_path / "direct", "direct")
    assert again.resume() is None
    again.append([{"seed": 0, "episode": 10, "reward": 1}])  # the columns are free again
    assert again.log.read()["reward"].tolist() == [1]


def test_a_finished_condition_keeps_its_last_state(tmp_path):
    record = ConditionRecord(tmp_path / "direct", "direct")
    fill(record, (10, 20))
    assert not record.finished
    record.finish({"x": np.array([20])}, 20)
    assert record.finished
    assert len(list(record.path.glob("*.checkpoint"))) == 1
    assert record.state()["x"] == 20


def test_runs_of_the_same_second_have_their_own_folders(tmp_path):
    made = [RunFolder.create("direct punishment", {"seeds": 2}, tmp_path) for _ in range(3)]
    assert len({folder.path for folder in made}) == 3
    assert {folder.path.parent.name for folder in made} == {"direct_punishment"}
    opened = RunFolder.open(made[1].path)
    assert (opened.scenario, opened.options) == ("direct punishment", {"seeds": 2})


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"record_format": 2}, "record format 2; this version goes on with format 1 only"),
        ({"marl_sim": "0.0.9"}, "written by marl_sim 0.0.9; this is"),
    ],
)
def test_a_folder_of_another_version_is_refused(tmp_path, change, sentence):
    run = {"scenario": "x", "marl_sim": marl_sim.__version__, "record_format": records.FORMAT}
    (tmp_path / "options.toml").write_text(tomli_w.dumps({"run": run | change, "options": {}}))
    with pytest.raises(RecordError, match=sentence) as refused:
        RunFolder.open(tmp_path)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("text", ["", "[run]\nscenario = 3", "not toml", "[options]"])
def test_what_is_no_run_folder_is_refused(tmp_path, text):
    with pytest.raises(RecordError, match=r"holds no options\.toml"):
        RunFolder.open(tmp_path / "nowhere")
    (tmp_path / "options.toml").write_text(text)
    with pytest.raises(RecordError, match="cannot be read as the options of a run"):
        RunFolder.open(tmp_path)


def test_a_folder_is_held_by_one_process_at_a_time(tmp_path):
    with lock(tmp_path), pytest.raises(RecordError, match="in use"), lock(tmp_path, patience=0):
        pass
    with lock(tmp_path, patience=0):
        pass


def test_names_become_folders():
    assert slug("Both, with selection (costly)") == "both_with_selection_costly"
    with pytest.raises(ValueError, match="letter or a digit"):
        slug("...")
