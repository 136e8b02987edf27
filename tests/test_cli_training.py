"""marl-sim train, eval and export: what a user types, and what each mistake is answered with."""

import json
from pathlib import Path

import pytest
import torch

from marl_sim.cli import main
from marl_sim.cli_training import learner_class, make_learner
from marl_sim.learners import A2C, DQN, PPO, Learner

QUICK = ("--seeds", "2", "--episodes", "20", "--quiet", "--workers", "1")
TINY = ("--set", "steps=8", "hidden=8", "lr=1e-2")


def said(capsys, *words):
    code = main([str(word) for word in words])
    out = capsys.readouterr()
    return code, out.out, out.err


@pytest.fixture
def run_folder(tmp_path, capsys, monkeypatch):
    """A small finished run."""
    monkeypatch.chdir(tmp_path)
    code, out, err = said(capsys, "train", "stag_hunt", "--learner", "a2c", *QUICK, *TINY, "--num-envs", "2")
    assert code == 0, err
    assert "cooperation" in out
    (folder,) = Path("runs/train_stag_hunt").iterdir()
    return folder


def test_train_leaves_a_whole_run_folder(run_folder):
    files = {str(file.relative_to(run_folder)) for file in run_folder.rglob("*") if file.is_file()}
    assert {"options.toml", "metrics.csv", "table.csv", "figures/reward.png", "conditions/a2c/recipe.json"} <= files
    assert any("events.out.tfevents" in file for file in files)
    options = (run_folder / "options.toml").read_text()
    assert 'set = [\n    "steps=8",\n    "hidden=8",\n    "lr=1e-2",\n]' in options


def test_eval_shows_greedy_and_stochastic(run_folder, capsys):
    code, out, err = said(capsys, "eval", run_folder, "--episodes", 6)
    assert code == 0, err
    lines = out.splitlines()
    assert lines[0] == "stag_hunt, last policies, 2 seeds, 6 episodes each"
    assert lines[1].split() == ["greedy", "stochastic"]
    assert any(line.startswith("cooperation ") for line in lines)
    code, out, _ = said(capsys, "eval", run_folder, "--episodes", 6, "--json", "--best", "--only", "greedy")
    rows = json.loads(out)["greedy"]
    assert [row["seed"] for row in rows] == [0, 1]


def test_export_writes_programs_that_torch_alone_runs(run_folder, capsys):
    code, out, err = said(capsys, "export", run_folder, "--agent", "agent_1", "--seed", 1, "--out", "mine")
    assert code == 0, err
    assert out == "mine: agent.json, play.pt2\n"
    play = json.loads(Path("mine/agent.json").read_text())["decisions"]["play"]
    program = torch.export.load("mine/play.pt2").module()
    columns = play["columns"][1] - play["columns"][0]
    odds, _ = program(torch.zeros(2, columns), torch.tensor([[True, True], [True, False]]),
                      torch.zeros(2, dtype=torch.int64), torch.zeros(2, 0))  # fmt: skip
    assert torch.allclose(odds.exp().sum(1), torch.ones(2))
    assert odds[1].exp().tolist() == [1, 0]


def test_train_goes_on_where_it_stopped(tmp_path, capsys, monkeypatch):
    """Stopped in the middle of the training, resumed by --resume alone: the same records as without a stop."""
    monkeypatch.chdir(tmp_path)
    words = ("train", "stag_hunt", "--learner", "ppo", *QUICK, *TINY, "--checkpoint-seconds", "0")
    assert said(capsys, *words, "--out", "whole")[0] == 0
    from marl_sim.training import runner

    honest, blocks = runner.ConditionRecord.append, []

    def stop_after_one(self, rows):
        honest(self, rows)
        blocks.append(rows)
        if len(blocks) == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(runner.ConditionRecord, "append", stop_after_one)
    code, _, err = said(capsys, *words, "--out", "cut")
    assert code == 130
    monkeypatch.setattr(runner.ConditionRecord, "append", honest)
    (whole,), (cut,) = (list(Path(f"{name}/train_stag_hunt").iterdir()) for name in ("whole", "cut"))
    code, _, err = said(capsys, "train", "--resume", cut)
    assert code == 0, err
    assert (cut / "metrics.csv").read_bytes() == (whole / "metrics.csv").read_bytes()


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (("train",), "train needs a game"),
        (("train", "stag_hnt"), "did you mean 'stag_hunt'"),
        (("train", "stag_hunt", "--learner", "pppo"), "unknown learner 'pppo'; did you mean 'ppo'?"),
        (
            ("train", "stag_hunt", "--learner", "ppo", "--set", "lrr=3"),
            "unknown option of PPO 'lrr'; did you mean 'lr'?",
        ),
        (("train", "stag_hunt", "--learner", "ppo", "--set", "lr=-1"), "PPO.lr is -1; it must be positive and finite."),
        (("train", "stag_hunt", "--set", "gamma"), "--set takes OPTION=VALUE"),
        (("train", "stag_hunt", "--game-set", "n_agents=0"), "n_agents"),
        (("train", "stag_hunt", "--game-set", "nagents=4"), "did you mean 'n_agents'"),
        (("train", "stag_hunt", "--seeds", "0"), "seeds must be a whole number of at least 1"),
        (("train", "pettingzoo:no_such_suite.thing_v0"), "no_such_suite"),
        (("eval", "nowhere"), "nowhere is no run folder"),
        (("export", "nowhere"), "nowhere is no run folder"),
    ],
)
def test_mistakes_are_answered_in_one_sentence_and_leave_nothing(words, answer, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, _, err = said(capsys, *words)
    assert code == 2
    assert answer in err
    assert err.startswith("marl-sim: ") and err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_learners_are_found_by_name_in_any_spelling():
    for name, cls in Learner.registry.items():
        assert learner_class(name) is learner_class(name.lower()) is cls
    assert make_learner("ppo", dict(hidden=32, lr=3e-4)) == PPO(hidden=(32,), lr=3e-4)
    assert make_learner("A2C", {}) == A2C()
    assert make_learner("dqn", dict(hidden=(8, 8))) == DQN(hidden=(8, 8))
