"""What a run learned plays before one's eyes as in evaluation, and a training that is watched says what it has."""

import os
import time

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.cli import parser
from marl_sim.cli_viewer import make_show
from marl_sim.core.rng import key_of, purpose
from marl_sim.training import watching
from marl_sim.training.config import StudyOptions
from marl_sim.training.records import RecordError
from marl_sim.training.runs import learned_trainer
from marl_sim.viewer.learned import Learned
from marl_sim.viewer.minds import Joined, Table
from marl_sim.viewer.show import Show


def trained(folder, game, learner, **arguments):
    """A finished run of two seeds; its folder."""
    options = StudyOptions(seeds=2, episodes=12, out=folder, quiet=True, workers=1)
    with ms.Study("seen", options) as study:
        study.train("one", game, learner, **arguments)
        study.run()
    return study.folder.path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Two seeds of a society of table learners, with a policy in one seat."""
    game = ms.Society(ms.PrisonersDilemma(), ms.Punishment(), n_agents=4, horizon=ms.Fixed(4), encode="index")
    return trained(tmp_path_factory.mktemp("runs"), game, ms.TabularQ(), policies={3: "Random"})


@pytest.fixture(scope="module")
def remembering(tmp_path_factory):
    """A run of agents with a recurrent memory."""
    game = ms.make("prisoners_dilemma", rounds=5)
    return trained(tmp_path_factory.mktemp("runs"), game, ms.PPO(memory=6, hidden=(8,), steps=5, epochs=1))


@pytest.mark.parametrize("which", ["run", "remembering"])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_show_is_the_evaluation(which, seed, request):
    path = request.getfixturevalue(which)
    rows = learned_trainer(path, num_envs=1).evaluate(3, greedy=True)
    minds = Learned(path, seed=seed)
    show = Show(minds.game, minds, int(key_of(seed, purpose("evaluation"))))
    while show.timeline.chronicle.episodes < 3:
        show.step()
    row = next(row for row in rows if row["seed"] == seed)
    assert show.timeline.chronicle.paid.sum() / 3 == pytest.approx(row["reward"])
    for i in range(show.game.n_agents):
        assert show.timeline.chronicle.paid[i] / 3 == pytest.approx(row[f"reward_{i}"])


def test_memories_turn_back_with_time(remembering):
    minds = Learned(remembering)
    show = Show(minds.game, minds, 5)
    for _ in range(9):
        show.step()
        over = bool(show.timeline.chronicle.over)  # and with a game that is over its memory ends
        assert all((memory == 0).all() == over for memory in minds._memories)
    first = [actions.copy() for actions in show.timeline.actions]
    likes = minds.likes(show.timeline.simulator, 0)
    show.seek(3)
    del show.timeline.actions[3:]
    for _ in range(6):
        show.step()
    assert all((a == b).all() for a, b in zip(first, show.timeline.actions, strict=True))
    again = minds.likes(show.timeline.simulator, 0)
    assert likes[0] == again[0] == "probability" and likes[1] == pytest.approx(again[1])
    assert likes[1].sum() == pytest.approx(1)


def test_what_an_agent_likes_is_what_it_does(run):
    minds = Learned(run)
    show = Show(minds.game, minds, 1)
    told = 0
    for _ in range(30):
        line = show.timeline
        likes = {i: minds.likes(line.simulator, i) for i in np.flatnonzero(line.acting).tolist()}
        show.step()
        for i, said in likes.items():
            if i == 3:
                assert said is None  # a policy's likes are its own
            else:
                assert said[0] == "value"
                best = np.flatnonzero(said[1] == np.nanmax(said[1]))
                assert line.actions[-1][i] in best
                told += 1
    assert told > 10


def test_names_and_seeds(run):
    minds = Learned(run, seed=1)
    assert minds.names == ["TabularQ, seed 1"] * 3 + ["Random"]
    with pytest.raises(ValueError, match="the run has no seed 7; it has 0, 1"):
        Learned(run, seed=7)
    with pytest.raises(RecordError, match="no run folder"):
        Learned("nowhere")
    assert not minds.refresh()


def test_a_policy_takes_a_seat_of_a_run_and_the_run_plays_on_around_it(remembering):
    """Seat 1 does what seat 0 did last; seat 0 what it learned to; and both again when time is turned back."""
    alone = make_show(parser().parse_args(["play", f"run:{remembering}"]))
    show = make_show(parser().parse_args(["play", f"run:{remembering}", "--seat", "agent_1=TitForTat"]))
    assert show.names == ["PPO, seed 0", "TitForTat"]
    line, liked = show.timeline, []
    for _ in range(12):
        assert show.minds.likes(line.simulator, 1) is None
        liked.append(show.minds.likes(line.simulator, 0)[1].argmax())
        show.step()
        alone.step()
    actions = np.array(line.actions)
    assert actions[:, 0].tolist() == liked
    for t in range(12):
        assert actions[t, 1] == (0 if t % 5 == 0 else actions[t - 1, 0])
    assert (actions[:, 1] != np.array(alone.timeline.actions)[:, 1]).any()
    show.seek(5)  # an episode begins: whoever still knew the other from later would not begin as it did
    del line.actions[5:]
    for _ in range(7):
        show.step()
    assert (np.array(line.actions) == actions).all()
    show.next_world()  # with the next seed's agents
    assert show.names == ["PPO, seed 1", "TitForTat"]
    with pytest.raises(ValueError, match="unknown policy 'Titfortatt'"):
        make_show(parser().parse_args(["play", f"run:{remembering}", "--seat", "agent_1=Titfortatt"]))


# ---------------------------------------------------------------- while a training goes on


class Trainer:
    """What a training offers."""

    episode = 40

    def __init__(self, state):
        self.state = state

    def final_state(self):
        return self.state


def test_policies_are_left_only_for_who_asks(tmp_path):
    watched = watching.Watched(tmp_path)
    watched.offer(Trainer({"x": np.arange(3)}), 100.0)
    assert list(tmp_path.iterdir()) == [] and watching.newest(tmp_path) is None
    watching.ask(tmp_path)
    watched.offer(Trainer({"x": np.arange(3)}), 100.1)
    assert watching.newest(tmp_path) is None, "it has just looked"
    watched.offer(Trainer({"x": np.arange(3)}), 101.0)
    state, episode, written = watching.newest(tmp_path)
    assert state["x"].tolist() == [0, 1, 2] and episode == 40
    assert watching.newest(tmp_path, written) is None
    watched.offer(Trainer({"x": np.arange(5)}), 102.0)
    assert watching.newest(tmp_path)[0]["x"].size == 3, "not so often"
    old = time.time() - watching.PATIENCE - 5
    os.utime(tmp_path / watching.ASKED, (old, old))
    watched.offer(Trainer({"x": np.arange(5)}), 200.0)
    assert watching.newest(tmp_path)[0]["x"].size == 3, "whoever watched has gone"
    (tmp_path / watching.NEWEST).write_bytes(b"half a file")
    assert watching.newest(tmp_path) is None
    watched.end()
    assert list(tmp_path.iterdir()) == []


def test_a_window_follows_a_training_to_its_end(run):
    """Newer policies are taken over when they come, and what was learned in the end when it is over."""
    fresh, done = Learned(run, follow=True), learned_trainer(run, num_envs=1)
    joined = Joined(fresh, Table(fresh.game, {0: "Random"}))  # and where somebody else sits in a seat
    folder = fresh._record.path
    table = next(name for name in done.final_state() if name.endswith("play/lanes/table"))
    wanted = done.final_state()[table]

    def held():
        return fresh.trainer.final_state()[table]

    (folder / "done").rename(folder / "not done")
    try:
        assert joined.follows and not joined.refresh() and (held() != wanted).any()
        assert (folder / watching.ASKED).exists()
        watched = watching.Watched(folder)
        watched.offer(done, 1000.0)
        assert joined.refresh() and (held() == wanted).all()
        assert not joined.refresh() and joined.episode == fresh.episode == done.episode
        held()[...] = 0
    finally:
        (folder / "not done").rename(folder / "done")
        watched.end()
    fresh._asked = 0.0
    assert fresh.refresh() and (held() == wanted).all() and fresh.episode is None
    assert not fresh.refresh()
