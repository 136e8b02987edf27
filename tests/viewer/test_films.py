"""Pictures, films and replays from the command line, without a display; and what is refused there."""

import imageio.v2 as imageio
import numpy as np
import pytest
from drawn_moments import drawn, moment

from marl_sim.cli import main
from marl_sim.viewer.films import film, frames
from marl_sim.viewer.replays import Replay, first_difference


@pytest.fixture
def said(capsys, monkeypatch, tmp_path):
    """Run a command where it may write; its exit code, output and errors."""
    monkeypatch.chdir(tmp_path)

    def run(*words):
        code = main([str(word) for word in words])
        heard = capsys.readouterr()
        return code, heard.out, heard.err

    return run


def test_a_film_shows_every_stage_and_ends_with_the_last(tmp_path):
    show = moment("direct_punishment", 0)
    shots = list(frames(show, 3, (400, 300), rate=10, seconds=0.5))
    assert len(shots) == 5 * 4
    assert (shots[-1] == drawn(show, (400, 300)).array()).all()
    path = film(tmp_path / "x.gif", moment("direct_punishment", 0), 3, (400, 300), rate=10, seconds=0.5)
    read = imageio.mimread(path)
    assert len(read) >= 4 and read[0].shape[:2] == (300, 400)
    path = film(tmp_path / "x.mp4", moment("direct_punishment", 0), 3, (401, 301), rate=10, seconds=0.5)
    read = imageio.mimread(path)
    assert len(read) == 20 and read[0].shape == (300, 400, 3)
    assert np.abs(read[-1].astype(float) - shots[-1]).mean() < 6
    path = film(tmp_path / "x.png", moment("direct_punishment", 0), 3, (400, 300))
    assert (imageio.imread(path)[..., :3] == shots[-1]).all()
    with pytest.raises(ValueError, match=r"unknown kind of picture or film '.avi'"):
        film(tmp_path / "x.avi", show, 1)


def test_record_check_compare_and_branch(said, tmp_path):
    assert said("record", "direct_punishment", "--out", "a.replay", "--set", "n_agents=4", "--steps", 30)[0] == 0
    replay = Replay.load("a.replay")
    assert len(replay.actions) == 30 and replay.game.n_agents == 4
    assert said("record", "a.replay", "--out", "again.replay")[0] == 0
    assert first_difference(replay, Replay.load("again.replay")) is None
    code, out, _ = said("replay", "a.replay", "--check")
    assert code == 0 and "30 steps; ends where it ended" in out
    line = replay.timeline()
    agent = int(np.flatnonzero(line.acting)[0])
    word = ("cooperate", "defect")[1 - int(replay.actions[0, agent])]
    code, out, _ = said("replay", "a.replay", "--at", 0, "--change", f"{agent}={word}", "--out", "b.replay")
    assert code == 0 and "first difference at step 0" in out
    code, out, _ = said("replay", "a.replay", "b.replay", "--no-window")
    assert code == 0 and out.startswith(f"first difference at step 0: agent_{agent}: ")
    code, out, _ = said("replay", "a.replay", "--at", 5, "--put", "agent_1=Random", "--out", "c.replay")
    assert code == 0 and (Replay.load("c.replay").actions[:5] == replay.actions[:5]).all()
    assert said("record", "stag_hunt", "--out", "x.png", "--theme", "dark", "--size", "480x360")[0] == 0
    assert imageio.imread("x.png").shape[:2] == (360, 480)
    assert said("record", "prisoners_dilemma", "--seat", "agent_0=Random", "--out", "r.replay", "--episodes", 2)[0] == 0
    assert Replay.load("r.replay").minds == ("Random", "chance")


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("record stag_hnt --out x.png", "did you mean 'stag_hunt'"),
        ("record stag_hunt --out x.avi", "unknown kind of picture or film '.avi'"),
        ("record stag_hunt --out x.png --seat agent_9=Random", "unknown agent 'agent_9'"),
        ("record stag_hunt --out x.png --seat 9=Random", "unknown agent 'agent 9'"),
        ("record stag_hunt --out x.png --seat Random", "--seat takes SEAT=PLAYER"),
        ("record stag_hunt --out x.png --seat agent_0=Nobody", "unknown policy 'Nobody'"),
        ("record stag_hunt --out x.png --seat agent_0=human", "a human plays in a window: marl-sim play"),
        ("record run:nowhere --out x.png", "nowhere is no run folder"),
        ("record nothing.replay --out x.png", "there is no replay nothing.replay"),
        ("record bad.replay --out x.png", "bad.replay is no replay"),
        ("replay bad.replay", "bad.replay is no replay"),
        ("replay good.replay --at 3", "a branch needs --at STEP and --out FILE.replay"),
        ("replay good.replay --at 0 --change agent_0=fly --out x.replay", "unknown choice in stage 'play': 'fly'"),
        ("replay good.replay --at 99 --change agent_0=stag --out x.replay", "the replay has the steps 0 to 3; got 99"),
        ("replay good.replay --at 1 --change agent_7=stag --out x.replay", "there is no seat 'agent_7'"),
        ("play stag_hunt --limit -1", "the time limit must be 0 or more seconds"),
        ("play stag_hunt", "there is no display to open a window on"),
    ],
)
def test_bad_words_are_answered_in_one_sentence(said, words, says, monkeypatch, tmp_path):
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "bad.replay").write_bytes(b"nonsense")
    moment("stag_hunt", 4).replay().save(tmp_path / "good.replay")
    code, _, err = said(*words.split())
    assert code == 2 and says in err and err.count("\n") == 1 and err.startswith("marl-sim: ")


def test_a_size_that_is_none(said, capsys):
    with pytest.raises(SystemExit):
        main(["record", "stag_hunt", "--out", "x.png", "--size", "big"])
    assert "a size is WIDTHxHEIGHT" in capsys.readouterr().err
