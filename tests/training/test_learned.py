"""What a run has learned sits in a seat again: from the run's folder, and as an export, memory included."""

import numpy as np
import pytest
from tiny_pettingzoo import Lives

import marl_sim as ms
from marl_sim.evaluation.study import Study
from marl_sim.learners import DQN, DRQN, MAPPO, PPO, TabularQ
from marl_sim.policies import Exported, Random, Seats
from marl_sim.training.config import StudyOptions
from marl_sim.training.export import export_agent
from marl_sim.training.learned import Learned
from marl_sim.training.rollout import Trainer
from marl_sim.training.runs import learned_trainer

SMALL = dict(steps=8, hidden=(8,), lr=0.05)
LEARNERS = {
    "tabular": TabularQ(epsilon=0.2),
    "ppo": PPO(**SMALL),
    "recurrent ppo": PPO(**SMALL, memory=4),
    "drqn": DRQN(hidden=(8,), memory=4, batch=2, length=4, buffer=16),
    "mappo": MAPPO(**SMALL),
}


def pairs(n_agents=2):
    return ms.Society(ms.StagHunt(), n_agents=n_agents, horizon=ms.Fixed(4), encode="index")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of each learner, two seeds."""
    options = StudyOptions(seeds=2, episodes=30, out=tmp_path_factory.mktemp("runs"), quiet=True)
    with Study("learned", options) as study:
        for name, learner in LEARNERS.items():
            study.train(name, pairs(), learner, team_reward="sum" if learner.central else None)
    return str(study.folder.path)


def rows_of(seating, game=None, seeds=(11, 12)):
    trainer = Trainer(game or pairs(), seating=seating, seeds=seeds, episodes=20, num_envs=3)
    return [row for rows in trainer.run() for row in rows]


@pytest.mark.parametrize("name", LEARNERS)
def test_seated_again_agents_do_what_they_had_learned(run, name, tmp_path):
    """Both agents of the second seed, seated from the run or from exports, play as the run's own evaluation does."""
    trainer = learned_trainer(run, name, num_envs=3)
    (row,) = [one for one in trainer.evaluate(12) if one["seed"] == 1]
    for seating in (
        {i: f"run:{run}#agent={i},seed=1,condition={name}" for i in (0, 1)},
        {i: str(export_agent(trainer, i, 1, tmp_path / str(i))) for i in (0, 1)},
    ):
        twin = Trainer(pairs(), seating=seating, seeds=trainer.seeds, num_envs=3)
        assert [one for one in twin.evaluate(12) if one["seed"] == 1] == [row]


def test_memory_lasts_as_long_as_the_game(run):
    sim = ms.Simulator(pairs(), 2, seed=3, threads=1)
    sim.reset()
    seats = Seats(sim, {0: Learned(run, 0, 0, condition="recurrent ppo", sample=True), 1: Random()})
    kept = seats.players[0].kept["memory of play"]
    assert kept.shape == (2, 4) and not kept.any()
    for step in range(1, 5):
        actions, before = np.zeros(sim.acting.shape, dtype=int), kept.copy()
        seats.choose(actions)
        assert (kept != before).any(1).all()
        seats.saw(sim.step(actions), actions)
        assert kept.any() == (step < 4)


def test_agents_of_a_run_sit_among_learners(run):
    seating = {0: f"run:{run}#agent=agent_1,seed=1,condition=ppo,sample=True", 1: DQN(hidden=(8,), batch=8, buffer=64)}
    assert rows_of(seating)
    best = ms.as_policy(f"run:{run}#condition=tabular,best=True")
    assert best.best and rows_of({0: best, 1: best})


def test_a_run_with_such_a_seat_can_be_opened_again(run, tmp_path):
    with Study("again", StudyOptions(seeds=1, episodes=10, out=tmp_path, quiet=True)) as study:
        study.train("one", pairs(), TabularQ(), policies={1: f"run:{run}#condition=ppo"})
    again = learned_trainer(study.folder.path)
    assert isinstance(again.policies[1], Learned) and again.policies[1].condition == "ppo"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run:{run}#condition=ppo,agent=7", "unknown agent '7'"),
        ("run:{run}#condition=ppo,seed=9", "the run has no seed 9; it has 0, 1"),
        ("run:{run}#condition=nobody", "unknown condition 'nobody'"),
        ("run:{run}", "holds 5 conditions; name one of"),
        ("run:{run}/nowhere", "nowhere"),
        ("run:{run}#condition=ppo,agnt=1", "unknown option of run:.*agnt"),
    ],
)
def test_what_is_not_there_is_said_in_one_sentence(run, words, said):
    with pytest.raises(ValueError, match=said) as caught:
        ms.as_policy(words.format(run=run))
    assert "\n" not in str(caught.value)


def test_games_that_look_different_are_refused(run):
    words = f"run:{run}#condition=ppo"
    with pytest.raises(ValueError, match=r"was trained in .* plays where agents, stages, choices and observations are"):
        rows_of(dict.fromkeys(range(3), words), pairs(3))
    with pytest.raises(ValueError, match=r"was trained in .*; it cannot play another environment"):
        Trainer(Lives, seating=dict.fromkeys(range(len(Lives().possible_agents)), words), episodes=2)


def test_an_export_is_refused_where_its_columns_are_not(run, tmp_path):
    folder = export_agent(learned_trainer(run, "ppo"), 0, 0, tmp_path / "agent")
    wide = ms.make("direct_punishment")
    with pytest.raises(ValueError, match=r"the agent in .* it does not know 'punish'"):
        rows_of({i: Exported(str(folder)) for i in range(wide.n_agents)}, wide)
