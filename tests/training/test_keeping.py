"""What a run leaves: event files, best and last policies, recipes, and agents as plain torch programs."""

import json
import subprocess
import sys

import numpy as np
import pytest
import torch

import marl_sim as ms
from marl_sim.evaluation.study import Study
from marl_sim.learners import A2C, DQN, MAPPO, PPO, REINFORCE, Decay, TabularQ
from marl_sim.policies import Exported
from marl_sim.training import recipes
from marl_sim.training.config import StudyOptions
from marl_sim.training.event_files import EventFiles
from marl_sim.training.export import export_agent
from marl_sim.training.records import RecordError
from marl_sim.training.rollout import Trainer
from marl_sim.training.runs import learned_trainer

SMALL = dict(steps=8, hidden=(8,), lr=0.01)


def pairs(n_agents=2, encode="index"):
    return ms.Society(ms.PrisonersDilemma(), n_agents=n_agents, horizon=ms.Fixed(4), encode=encode)


def all_rows(trainer):
    return [row for rows in trainer.run() for row in rows]


def scalars(folder):
    """{tag: {episode: value}} of event files, as TensorBoard itself reads them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    read = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    read.Reload()
    return {tag: {e.step: e.value for e in read.Scalars(tag)} for tag in read.Tags()["scalars"]}


def test_tensorboard_reads_what_was_recorded(tmp_path):
    options = StudyOptions(seeds=2, episodes=20, out=tmp_path, quiet=True)
    with Study("events", options) as study:
        study.train("one", pairs(), TabularQ())
        columns = study.records()["one"]
    seen = scalars(study.folder.path / "conditions" / "one" / "events")
    for seed in (0, 1):
        mine = columns["seed"] == seed
        told = seen[f"cooperation/seed_{seed}"]
        assert list(told) == columns["episode"][mine].tolist() == [10, 20]
        assert list(told.values()) == pytest.approx(columns["cooperation"][mine].tolist())
    both = columns["cooperation"].reshape(2, 2).mean(1)
    assert list(seen["cooperation"].values()) == pytest.approx(both.tolist())


def test_events_after_the_point_gone_on_from_are_forgotten(tmp_path):
    events = EventFiles(tmp_path / "events")
    for episode in (10, 20, 30):
        events.append([{"seed": 0, "episode": episode, "reward": float(episode)}])
    events.flush()  # and then it was killed
    again = EventFiles(tmp_path / "events")
    again.begin_after(10)
    again.append([{"seed": 0, "episode": 20, "reward": -1.0}, {"seed": 1, "episode": 20, "reward": np.nan}])
    again.close()
    assert scalars(tmp_path / "events")["reward"] == {10: 10.0, 20: -1.0}


def test_the_best_policy_of_each_seed_is_kept_apart_from_the_last():
    trainer = Trainer(pairs(), A2C(**SMALL), seeds=3, episodes=60, block=5)
    after = {seed: [] for seed in range(3)}
    for rows in trainer.run():
        for row in rows:
            lanes = trainer.heads[0].lanes.params.numpy()[2 * row["seed"] : 2 * row["seed"] + 2].copy()
            after[row["seed"]].append((row["reward"], lanes))
    final = trainer.final_state()
    for seed, blocks in after.items():
        reward, params = max(blocks, key=lambda pair: pair[0])
        assert final["best/score"][seed] == reward
        other = Trainer(pairs(), A2C(**SMALL), seeds=3, episodes=60, block=5)
        other.load_final_state(final, best=True)
        np.testing.assert_array_equal(other.heads[0].lanes.params.numpy()[2 * seed : 2 * seed + 2], params)
        other.load_final_state(final)
        np.testing.assert_array_equal(other.heads[0].lanes.params.numpy(), trainer.heads[0].lanes.params.numpy())


@pytest.mark.parametrize("name", ms.registered())
def test_every_registered_game_can_be_written_down_and_made_again(name):
    game = ms.make(name)
    again = recipes.read(json.loads(json.dumps(recipes.write(game))))
    assert again == game and again.label == game.label


def test_learners_and_options_can_be_written_down_and_made_again():
    learner = DQN(epsilon=Decay(0.9, 0.1, 0.3), overrides={"play": dict(lr=0.1, clip=None)})
    assert recipes.read(json.loads(json.dumps(recipes.write(learner)))) == learner
    held = dict(a=(1, 2.5, None), b=[True, "x"], c=np.arange(3), d=float("inf"))
    again = recipes.read(json.loads(json.dumps(recipes.write(held))))
    np.testing.assert_array_equal(again.pop("c"), held.pop("c"))
    assert again == held


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({"is": "os:system", "with": {}}, "os:system is no class"),
        ({"is": "pathlib:Path", "with": {}}, "is no part, learner, policy or layer"),
        ({"game": "marl_sim.learners:DQN", "parts": [], "with": {}, "label": ""}, "is no game"),
        ({"is": "marl_sim.no:Thing", "with": {}}, "there is no marl_sim.no:Thing here"),
    ],
)
def test_a_recipe_makes_nothing_but_our_kinds(text, said):
    with pytest.raises(recipes.NoRecipe, match=said):
        recipes.read(text)


def test_a_run_is_opened_again_and_plays_as_it_learned(tmp_path):
    options = StudyOptions(seeds=2, episodes=20, out=tmp_path, quiet=True, workers=1)
    with Study("again", options) as study:
        study.train("one", pairs(), A2C(**SMALL))
    direct = Trainer(pairs(), A2C(**SMALL), seeds=2, episodes=20)
    all_rows(direct)
    again = learned_trainer(study.folder.path)
    assert again.evaluate(8) == direct.evaluate(8)
    assert again.evaluate(8, greedy=False) != again.evaluate(8)
    assert again.evaluate(8) == again.evaluate(8)
    with pytest.raises(RecordError, match="unknown condition 'two'"):
        learned_trainer(study.folder.path, "two")


def test_evaluating_leaves_the_training_as_it_was():
    watched, plain = (Trainer(pairs(), PPO(**SMALL, memory=4), seeds=2, episodes=30) for _ in range(2))
    rows = []
    for block in watched.run():
        rows += block
        watched.evaluate(3)
        watched.evaluate(3, greedy=False)
    assert rows == all_rows(plain)
    np.testing.assert_array_equal(watched.heads[0].lanes.params.numpy(), plain.heads[0].lanes.params.numpy())


EXPORTED = [DQN(hidden=(8,), batch=8, buffer=64), PPO(**SMALL), REINFORCE(**SMALL),
            A2C(**SMALL, activation="relu", normalise_observations=True), MAPPO(**SMALL), TabularQ()]  # fmt: skip


@pytest.mark.parametrize("learner", EXPORTED, ids=lambda x: type(x).__name__)
def test_an_exported_agent_prefers_what_its_lane_does(learner, tmp_path):
    trainer = Trainer(
        pairs(), learner, seeds=2, episodes=20, num_envs=2, team_reward="sum" if learner.central else None
    )
    all_rows(trainer)
    folder = export_agent(trainer, "agent_1", 1, tmp_path / "agent")
    said = json.loads((folder / "agent.json").read_text())["decisions"]["play"]
    program = torch.export.load(str(folder / said["file"])).module()
    head = trainer.heads[0]
    states = (
        np.array(np.meshgrid(*[range(n) for n in trainer.game.layout.levels("play")])).reshape(head.spec.obs_dim, -1).T
    )
    obs = states.astype(np.float32)
    rows = len(obs)
    likes, _ = program(
        torch.from_numpy(obs),
        torch.ones(rows, 2, dtype=torch.bool),
        torch.full((rows,), said["who"]),
        torch.zeros(rows, 0),
    )
    lanes, streams = head.shape[0], rows * (2 if learner.team else 1)
    spread = np.repeat(obs, 2, axis=0) if learner.team else obs
    wide = np.broadcast_to(spread, (lanes, *spread.shape)).copy()
    twin = learner.build(head.spec, np.repeat([0, 1], lanes // 2).astype(np.uint64), np.zeros(lanes, int))
    twin.load_learned(head.lanes.learned())
    yes = np.ones((lanes, streams), bool)
    acts = twin.act(wide, np.ones((lanes, streams, 2), bool), yes, greedy=True)
    mine = acts[1].reshape(rows, 2)[:, 1] if learner.team else acts[3]
    clear = np.abs(np.diff(likes.numpy())[:, 0]) > 1e-5
    assert clear.any()
    np.testing.assert_array_equal(mine[clear], likes.numpy().argmax(1)[clear])


def test_an_exported_agent_acts_without_the_code_that_trained_it(tmp_path):
    trainer = Trainer(pairs(encode="one_hot"), PPO(**SMALL), seeds=1, episodes=20)
    all_rows(trainer)
    folder = export_agent(trainer, 0, 0, tmp_path / "agent")
    alone = (
        "import torch, json, sys; d = json.load(open(sys.argv[1] + '/agent.json'))['decisions']['play'];"
        "p = torch.export.load(sys.argv[1] + '/' + d['file']).module(); k = d['columns'][1] - d['columns'][0];"
        "y, _ = p(torch.zeros(5, k), torch.ones(5, 2, dtype=torch.bool), torch.zeros(5, dtype=torch.int64),"
        " torch.zeros(5, 0));"
        "assert 'marl_sim' not in sys.modules; print(y.shape, y.exp().sum(1))"
    )
    done = subprocess.run([sys.executable, "-c", alone, str(folder)], capture_output=True, text=True, cwd=tmp_path)
    assert "torch.Size([5, 2])" in done.stdout, done.stderr
    players = {1: Exported(str(folder)), 0: Exported(str(folder), sample=True)}
    learner = DQN(hidden=(8,), batch=8, buffer=64)
    seated = Trainer(pairs(encode="one_hot"), learner, seeds=1, episodes=10, policies=players)
    assert all_rows(seated)
    with pytest.raises(ValueError, match=r"holds no exported agent"):
        Exported(str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match=r"unknown agent 'agent_7'"):
        export_agent(trainer, "agent_7", 0, tmp_path / "x")
    with pytest.raises(ValueError, match=r"the run has no seed 9; it has 0"):
        export_agent(trainer, 0, 9, tmp_path / "x")


@pytest.mark.parametrize("learner", [DQN(hidden=(8,), batch=8, buffer=64), A2C(**SMALL)])
def test_a_reward_that_is_no_number_stops_the_run_and_leaves_the_last_checkpoint(learner, tmp_path):
    """The step, the lane, the agent and the stage are named; what was stored before is whole."""
    from marl_sim.training.records import ConditionRecord

    trainer = Trainer(pairs(), learner, seeds=(4, 9), episodes=50, block=5)
    record = ConditionRecord(tmp_path / "one", "one")
    honest = trainer.worlds.step

    def poisoned(actions):
        moment = honest(actions)
        if trainer.steps > 60:
            moment.components = {"payoff": np.where(np.arange(2) == 1, np.nan, moment.components["payoff"])}
        return moment

    trainer.worlds.step = poisoned

    def run():
        for rows in trainer.run():
            record.append(rows)
            record.checkpoint(trainer.state_dict(), trainer.episode)

    with pytest.raises(FloatingPointError, match=r"Lane 1 of head 'play' \(agent_1 of seed 4 in stage 'play'\)"):
        run()
    again = Trainer(pairs(), learner, seeds=(4, 9), episodes=50, block=5)
    again.load_state_dict(ConditionRecord(tmp_path / "one", "one").resume())
    assert 0 < again.episode < 50
    assert all(np.isfinite(v).all() for k, v in again.state_dict().items() if v.dtype.kind == "f" and "best/" not in k)
