"""What networks see where observations are normalised."""

import numpy as np
import pytest
from learners.stream_worlds import Case, drive

from marl_sim.learners import PPO, HeadSpec
from marl_sim.learners.observation_scale import ObservationScale


def test_columns_have_the_mean_and_the_deviation_of_all_that_was_taken_in():
    rng, scale, taken = np.random.default_rng(0), ObservationScale(3, 4), [[], [], []]
    assert [x.tolist() for x in scale.now()] == [[[0.0] * 4] * 3, [[1.0] * 4] * 3]
    for _ in range(5):
        obs = (rng.normal(size=(3, 2, 6, 4)) * [1e-2, 1, 1e3, 0] + [5, 0, -1e4, 3]).astype(np.float32)
        usable = rng.random((3, 2, 6)) < 0.6
        usable[2] = False
        scale.update(obs, usable)
        for lane in range(2):
            taken[lane].append(obs[lane][usable[lane]].astype(float))
    mean, spread = scale.now()
    for lane in range(2):
        mine = np.concatenate(taken[lane])
        np.testing.assert_allclose(mean[lane], mine.mean(0), rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(spread[lane], [*mine.std(0)[:3], 1.0], rtol=1e-4)
    assert mean[2].tolist() == [0.0] * 4 and spread[2].tolist() == [1.0] * 4


@pytest.mark.parametrize("name", ["PPO", "MAPPO", "COMA", "REINFORCE"])
def test_a_decision_counts_once_and_nothing_moves_but_in_learning(name):
    case = Case(name, "normalised")
    lanes, worlds = case.build([(3, 0), (7, 1)])
    drive(lanes, worlds, 3 * case.learner.steps)
    known = lanes.sight.count.copy()
    assert (known > 0).all()
    open_now = (lanes.streams.count - lanes._kept()).sum(1) if name != "REINFORCE" else 0
    assert (known + open_now <= lanes.decisions).all()
    obs, yes = worlds[0].obs[None].repeat(2, 0), np.ones((2, case.streams), bool)
    for _ in range(5):
        lanes.act(obs, np.ones((*yes.shape, 3), bool), yes, greedy=True)
    assert np.array_equal(lanes.sight.count, known)


def test_networks_see_columns_of_one_size():
    """Columns of deviations 4 and 0.2 and one that never changes, all about 1."""
    case = Case("PPO", "normalised")
    lanes, worlds = case.build([(3, 0)])
    shown, unseen = [], lanes.net.seen
    lanes.net.seen = lambda params, obs, who: (shown.append(obs), unseen(params, obs, who))[1]
    drive(lanes, worlds, 20 * case.learner.steps)
    shown.clear()
    drive(lanes, worlds, case.learner.steps - 1)  # without learning
    x = np.concatenate([obs[0].numpy() for obs in shown])
    many = len(x) ** 0.5
    assert np.abs(x.mean(0)).max() < 5 / many
    assert np.abs(x.std(0) - [1, 1, 0]).max() < 5 / many


def test_what_has_no_mean_is_refused():
    with pytest.raises(ValueError, match=r"PPO.normalise_observations is True with embed=True; categories have no"):
        PPO(embed=True, normalise_observations=True)
    spec, seeds = HeadSpec("play", 6, 2, image=(2, 3, 1)), np.zeros(1, np.uint64)
    with pytest.raises(ValueError, match=r"Head 'play' sees pictures; normalise_observations must be False"):
        PPO(normalise_observations=True).build(spec, seeds, np.zeros(1, np.int64))
