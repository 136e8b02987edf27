"""README's agent of ten lines: in a study by --seat, in a training, and what a wrong seat is told."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import marl_sim as ms

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def my_agent(tmp_path):
    """The file that README shows."""
    text = (ROOT / "README.md").read_text()
    start = text.index("# my_agent.py")
    code = text[start : text.index("```", start)]
    assert len([line for line in code.splitlines() if line.strip()]) <= 10
    path = tmp_path / "my_agent.py"
    path.write_text(code)
    return path


def study(tmp_path, *words):
    command = [sys.executable, str(ROOT / "scenarios" / "compose.py"), "--seeds", "1", "--episodes", "10"]
    command += ["--num-envs", "2", "--workers", "1", "--no-beside-nothing", "--out", str(tmp_path / "runs"), *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=300)


def test_it_plays_in_a_study_whose_report_tells_of_it(my_agent, tmp_path):
    done = study(tmp_path, "--seat", "agent_0=my_agent.py:act", "agent_1=TitForTat")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "my_agent.act as agent_0" in done.stdout
    (file,) = (tmp_path / "runs").glob("compose/*/conditions/*/seats.json")
    first, second = json.loads(file.read_text())
    assert (first["policy"], first["seats"]) == ("my_agent.act", ["agent_0"])
    assert (second["policy"], second["seats"]) == ("TitForTat", ["agent_1"])
    assert first["decisions"] > 0
    assert first["replaced"] == 0


def test_it_trains_against_learners(my_agent):
    game = ms.make("prisoners_dilemma", n_agents=2, rounds=10)
    learner = ms.DQN(hidden=(16,), gamma=0.9)
    seating = {"agent_0": learner, "agent_1": f"{my_agent}:act"}
    trainer = ms.Trainer(game, seating=seating, seeds=2, episodes=20, block=20)
    ((*rows,),) = list(trainer.run())
    assert trainer.updates > 0
    for row in rows:
        assert 0 < row["cooperation_1"] <= 1


def test_a_run_with_guests_goes_on_with_them_and_can_be_evaluated(my_agent, tmp_path):
    from marl_sim.training.runs import learned_trainer

    assert study(tmp_path, "--seat", "agent_4=AllD").returncode == 0
    (folder,) = (tmp_path / "runs" / "compose").iterdir()
    trainer = learned_trainer(folder)
    assert trainer.evaluate(4)[0]["cooperation_4"] == 0


@pytest.mark.parametrize(
    ("seat", "said"),
    [
        ("agent_0", "--seat takes SEAT=PLAYER"),
        ("agent_9=AllD", "unknown agent 'agent_9'"),
        ("agent_0=TitForTatt", "did you mean 'TitForTat'"),
        ("agent_0=my_agent.py:akt", "did you mean 'act'"),
        ("agent_0=nowhere.py:act", "there is no file nowhere.py"),
        ("agent_0=GenerousTitForTat#generosiy=1", "did you mean 'generosity'"),
    ],
)
def test_a_wrong_seat_is_told_in_one_sentence(my_agent, scenario, tmp_path, monkeypatch, capsys, seat, said):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        ms.command(scenario("compose").main, ["--seeds", "1", "--workers", "1", "--out", "runs", "--seat", seat])
    assert ended.value.code == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", " ").split())
    assert not list(tmp_path.glob("runs/compose/*/conditions/*/metrics.csv"))
