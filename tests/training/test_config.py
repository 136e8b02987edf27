"""Options: through the command line, into a run folder and back, and wrong ones answered in one sentence."""

import dataclasses
import enum
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pytest
import tyro

from marl_sim.training.config import Stopped, StudyOptions, check_same, command, deliberate, plain, rebuild
from marl_sim.training.records import RecordError, RunFolder


class Graph(enum.Enum):
    RING = "ring"
    CAVES = "caves"


@dataclass
class Fine:
    amount: float = 3.0
    shared: tuple[float, ...] = (1.0, 2.0)


@dataclass
class Options(StudyOptions):
    full_size = dict(episodes=2000, seeds=20)

    by: Literal["partner", "witness"] = "partner"  # who punishes
    graph: Graph = Graph.RING
    fine: Fine = field(default_factory=Fine)
    mechanisms: tuple[str, ...] = ("punishment",)
    pair: tuple[int, str] = (3, "three")
    limit: int | None = 5
    rates: list[float] = field(default_factory=lambda: [0.1])
    where: Path | None = None
    share: Annotated[float, tyro.conf.arg(help="of something")] = 0.5


def echo(o: Options):
    return o


def test_the_command_line_makes_the_options():
    o = command(
        echo, ["--seeds", "3", "--by", "witness", "--fine.amount", "4", "--mechanisms", "a", "b", "--graph", "CAVES"]
    )
    assert (o.seeds, o.by, o.fine.amount, o.mechanisms, o.graph) == (3, "witness", 4.0, ("a", "b"), Graph.CAVES)


def test_help_lists_every_option_with_its_comment(capsys):
    with pytest.raises(SystemExit) as ended:
        command(echo, ["--help"])
    printed = capsys.readouterr().out
    assert ended.value.code == 0
    for option in dataclasses.fields(Options):
        assert "--" + option.name.replace("_", "-") in printed
    assert "who punishes" in printed
    assert "answered in one sentence" in printed  # the module's docstring


def test_full_size_yields_to_what_is_said():
    o = command(echo, ["--full"])
    assert (o.full, o.episodes, o.seeds) == (True, 2000, 20)
    o = command(echo, ["--full", "--seeds", "10"])
    assert (o.episodes, o.seeds) == (2000, 10)


FILLED = Options(
    by="witness", graph=Graph.CAVES, fine=Fine(7.0, (5.0,)), pair=(1, "x"), limit=None, where=Path("a/b"), share=0.25
)


@pytest.mark.parametrize("options", [Options(), FILLED])
def test_options_survive_the_run_folder(tmp_path, options):
    folder = RunFolder.open(RunFolder.create("echo", plain(options), tmp_path).path)
    assert rebuild(Options, folder) == options
    check_same(options, folder)


def test_resume_takes_the_options_of_the_folder(tmp_path):
    path = RunFolder.create("echo", plain(FILLED), tmp_path).path
    o = command(echo, ["--resume", str(path), "--workers", "2"])
    assert dataclasses.replace(o, resume=None, workers=0) == FILLED
    check_same(o, RunFolder.open(path))
    for change in (dict(by="partner"), dict(limit=5), dict(fine=Fine(8.0))):
        with pytest.raises(RecordError, match=f"begun with {next(iter(change))} = "):
            check_same(dataclasses.replace(o, **change), RunFolder.open(path))


def test_a_folder_of_another_study_is_refused(tmp_path):
    path = RunFolder.create("echo", {"seeds": 3, "gossip": True}, tmp_path).path
    with pytest.raises(RecordError, match="options that Options does not have: gossip"):
        rebuild(Options, RunFolder.open(path))


def test_numpy_numbers_are_written_and_others_are_refused():
    assert plain(Options(share=np.float32(0.5)))["share"] == 0.5
    with pytest.raises(ValueError, match="option where cannot be written"):
        plain(Options(where=object()))


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--seeds", "0"], "seeds must be a whole number of at least 1; got 0."),
        (["--episodes", "-3"], "episodes must be a whole number of at least 1; got -3."),
        (["--checkpoint-seconds", "nan"], "checkpoint_seconds must be 0 or more; got nan."),
        (["--seeds", "many"], "invalid literal"),
        (["--sedes", "3"], "Unrecognized options: --sedes"),
        (["--by", "everybody"], "Expected one of ('partner', 'witness')"),
        (["--device", "abacus"], "device must be one that torch can use here; got 'abacus'"),
        (["--resume", "nowhere"], "nowhere is no run folder: it holds no options.toml."),
    ],
)
def test_a_wrong_value_is_answered_without_a_traceback(arguments, sentence, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "300")
    with pytest.raises(SystemExit) as ended:
        command(echo, arguments)
    assert ended.value.code == 2
    assert sentence in capsys.readouterr().err


def test_a_study_of_one_size_refuses_full():
    with pytest.raises(ValueError, match="one size only"):
        StudyOptions(full=True)


def test_ctrl_c_is_status_130(capsys):
    def stopped(o: Options):
        raise Stopped("Stopped with 1 of 2 conditions finished.")

    def interrupted(o: Options):
        raise KeyboardInterrupt

    for main, said in ((stopped, "Stopped with 1 of 2"), (interrupted, "Stopped.")):
        with pytest.raises(SystemExit) as ended:
            command(main, [])
        assert ended.value.code == 130
        assert said in capsys.readouterr().err


def test_only_answers_are_one_sentence():
    def answer(o: Options):
        raise ValueError("fine must be positive; got -1.")

    def complaint(o: Options):
        np.zeros(3).reshape(2)

    def deep(o: Options):
        np.asarray([1.0]).mean(axis=7)

    with pytest.raises(SystemExit):
        command(answer, [])
    for main in (complaint, deep):
        with pytest.raises(ValueError, match=r"cannot reshape|axis 7") as raised:
            command(main, [])
        assert not deliberate(raised.value, __name__)


def test_main_must_say_its_options():
    with pytest.raises(TypeError, match="must annotate"):
        command(lambda o: o, [])
