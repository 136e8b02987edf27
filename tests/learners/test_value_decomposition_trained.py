"""VDN and QMIX in the Trainer: from a registered game to an outside world whose agents leave one by one."""

import numpy as np
import pytest
from tiny_pettingzoo import Lives

import marl_sim as ms
from marl_sim.learners import QMIX, VDN

SMALL = dict(hidden=(8,), batch=4, buffer=64, lr=0.01, epsilon=0.2)


@pytest.mark.parametrize("learner", [VDN(**SMALL), QMIX(**SMALL, memory=4, length=3, nets="separate")])
def test_a_team_in_a_registered_game_from_training_to_evaluation(learner):
    def fresh(seeds):
        return ms.Trainer("pure_coordination", learner, seeds=seeds, episodes=12, num_envs=2, heads="per stage",
                          block=4, options=dict(n_agents=2, rounds=3))  # fmt: skip

    whole = fresh((3, 5, 9))
    rows = [row for rows in whole.run() for row in rows]
    assert whole.updates > 0
    alone = [row for rows in fresh((5,)).run() for row in rows]
    assert [row for row in rows if row["seed"] == 5] == alone

    first, second = fresh((3, 5, 9)), fresh((3, 5, 9))
    again = list(next(run := first.run()))
    for _ in range(4):  # into the middle of an episode
        again += first.advance()
    second.load_state_dict(first.state_dict())
    again += [row for rows in second.run() for row in rows]
    run.close()
    assert again == rows
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(array, second.state_dict()[name], err_msg=name)

    before = whole.state_dict()
    scores = whole.evaluate(6)
    assert [row["seed"] for row in scores] == [3, 5, 9]
    kept = {k: v for k, v in whole.state_dict().items() if "greedy_ties" not in k}
    for name, array in kept.items():
        np.testing.assert_array_equal(array, before[name], err_msg=name)
    playing = fresh((3, 5, 9))
    playing.load_final_state(whole.final_state())
    assert np.array_equal(playing.heads[0].lanes.params, whole.heads[0].lanes.params)


def test_teams_that_are_paid_apart_need_to_say_what_their_reward_is():
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(3))
    with pytest.raises(ValueError, match=r"VDN trains a group that is paid alike, .* say team_reward='sum' or 'mean'"):
        list(ms.Trainer(game, VDN(**SMALL), seeds=4, episodes=20).run())
    with pytest.raises(ValueError, match="QMIX values what a team does at once"):
        ms.Trainer(game, QMIX(**SMALL), team_reward="own")
    for said in ("sum", "mean"):
        assert list(ms.Trainer(game, VDN(**SMALL), episodes=20, team_reward=said).run())


@pytest.mark.parametrize("num_envs", [1, 3])
@pytest.mark.parametrize("heads", ["one", "per stage"])
def test_what_is_stored_is_what_was_seen(num_envs, heads):
    """The worlds write over their arrays: observations must be kept as they were when the decision was taken."""
    game = ms.Society(ms.PureCoordination(), n_agents=2, horizon=ms.Fixed(3))
    trainer = ms.Trainer(game, VDN(**SMALL | dict(warmup=60)), seeds=2, episodes=9, num_envs=num_envs, heads=heads)
    for number in range(6):
        seen = trainer.worlds.obs.copy().reshape(2, num_envs, 2, -1)
        trainer.advance()
        kept = trainer.heads[0].lanes.replay.kept[0]
        assert np.array_equal(kept[:, number * num_envs : (number + 1) * num_envs, 0], seen)


@pytest.mark.parametrize("clock", [False, True])
def test_agents_of_an_outside_world_leave_one_after_the_other(clock):
    """Agent 0 terminates at step 1 and agent 2 at step 2; agent 1 goes on to step 3, and a clock may stop it."""
    learner = VDN(**SMALL | dict(warmup=9), memory=4, length=5)
    env = Lives(lives=(1, 3, 2), ends=("t", "c" if clock else "t", "tc"))
    trainer = ms.Trainer(env, learner, seeds=2, episodes=4, num_envs=2, team_reward="mean")
    list(trainer.run())
    lanes = trainer.heads[0].lanes
    assert (lanes.replay.count == 8).all() and (lanes.replay.steps[:, :8] == 3).all()
    here = lanes.replay.kept[2][:, :8, :4]
    assert (here == np.array([[1, 1, 1], [0, 1, 1], [0, 1, 0], [0, clock, 0]], bool)).all()
    paid = lanes.replay.kept[4][:, :8, :3]  # i + 1 times the step, an eighth of the action more: 1 + 2 + 3, 4 + 6, 6
    assert (np.abs(paid - np.array([6, 10, 6]) / 3) <= 3 / 8).all()
    assert not lanes.replay.kept[5][:, :8].any()  # sequences begin with episodes, which begin with nothing in mind
    assert len(trainer.evaluate(4)) == 2
