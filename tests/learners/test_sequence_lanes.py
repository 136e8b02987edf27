"""Laws of VDN, QMIX and DRQN: a lane is one team (or agent), bit for bit what it would be alone."""

import numpy as np
import pytest
import torch
from team_play import A, D, build, drive, same

from marl_sim.learners import DRQN, QMIX, VDN, HeadSpec

torch.set_num_threads(1)

WHO = [(seed, team) for seed in (3, 7) for team in range(4)]
ODD = dict(hidden=(7,), batch=5, buffer=70, lr=0.01, target_every=7, epsilon=0.3)  # widths that leave odd rests
LEARNERS = [
    pytest.param(VDN(**ODD, train_every=2), id="VDN"),
    pytest.param(VDN(**ODD, train_every=2, nets="separate", double=True, clip=0.5), id="VDN-separate-double"),
    pytest.param(VDN(**ODD, memory=5, length=4), id="VDN-memory"),
    pytest.param(QMIX(**ODD, train_every=3, mixing=5), id="QMIX"),
    pytest.param(QMIX(**ODD, memory=3, length=3, nets="separate", mixing=3, hyper=(5,)), id="QMIX-memory-separate"),
    pytest.param(DRQN(**ODD, memory=5, length=4, double=True), id="DRQN"),
]
pytestmark = [pytest.mark.nojit, pytest.mark.parametrize("learner", LEARNERS)]


def test_a_team_that_never_decides_learns_nothing(learner):
    lanes, teams = build(learner, WHO, team_1=dict(idle=True))
    fresh, _ = build(learner, WHO)
    drive(lanes, teams, 40)
    for lane, (_, team) in enumerate(WHO):
        if team == 1:
            assert lanes.updates[lane] == lanes.replay.count[lane] == 0
            for name in ("params", "target", "adam_m", "adam_v"):
                assert np.array_equal(lanes.state_dict()[name][lane], fresh.state_dict()[name][lane])
        else:
            assert lanes.updates[lane] > 0


def test_acting_elsewhere_leaves_training_as_it_was(learner):
    plain, teams = build(learner, WHO)
    drive(plain, teams, 30)
    watched, teams = build(learner, WHO)
    streams = 5 * watched.team
    memory = watched.fresh_memory(streams)
    for _ in range(5):
        drive(watched, teams, 6)
        seen, legal = np.ones((8, streams, D), np.float32), np.ones((8, streams, A), bool)
        watched.act(seen, legal, np.ones((8, streams), bool), greedy=True, memory=memory)
    assert memory.any() == bool(learner.memory)
    watched.greedy_ties[:] = plain.greedy_ties
    for lane in range(len(WHO)):
        same(plain, lane, watched, lane)


def test_a_lane_acts_alike_in_any_number_of_worlds(learner):
    """The first world's numbers do not depend on how many there are beside it, or on how lanes are filled up."""
    lanes, teams = build(learner, WHO)
    drive(lanes, teams, 20)
    obs = np.random.default_rng(0).normal(size=(8, 9 * lanes.team, D)).astype(np.float32)
    memory = np.random.default_rng(1).normal(size=(8, 9 * lanes.team, learner.memory)).astype(np.float32)
    all_values, all_after = lanes._look(lanes.params, obs, memory.copy(), 9)
    values, after = lanes._look(lanes.params, obs[:, : lanes.team], memory[:, : lanes.team].copy(), 1)
    assert np.allclose(values, all_values[:, : lanes.team], atol=1e-5)
    assert np.allclose(after, all_after[:, : lanes.team], atol=1e-5)


def test_illegal_actions_are_never_chosen_and_empty_masks_refused(learner):
    lanes, _ = build(learner, WHO)
    streams = 20 * lanes.team
    legal = np.random.default_rng(0).random((8, streams, A)) < 0.5
    deciding = legal.any(2)
    for greedy in (False, True):
        action = lanes.act(np.ones((8, streams, D), np.float32), legal, deciding, greedy=greedy)
        assert np.take_along_axis(legal, action[..., None], 2)[..., 0][deciding].all()
        assert not action[~deciding].any()
    legal[...] = True
    legal[3, 0] = False
    with pytest.raises(ValueError, match=r"Lane 3 of head 'all' must decide but has no legal action"):
        lanes.act(np.ones((8, streams, D), np.float32), legal, np.ones_like(deciding))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_rewards_that_are_not_finite_stop_with_the_lane_and_head(learner, bad):
    lanes, teams = build(learner, WHO)
    drive(lanes, teams, 5)
    teams[5].pay[:] = bad
    with pytest.raises(FloatingPointError, match=r"Lane 5 of head 'all' got a reward that is not finite"):
        drive(lanes, teams, 5)


def test_a_state_of_another_learner_is_refused(learner):
    lanes, teams = build(learner, WHO)
    drive(lanes, teams, 3)
    few = learner.build(HeadSpec("all", D, A, team=lanes.team), np.arange(2), np.zeros(2, int))
    with pytest.raises(ValueError, match=r"has shape \(8,.*\); these lanes need \(2,"):
        few.load_state_dict(lanes.state_dict())
    with pytest.raises(ValueError, match=r"differs in updates"):
        lanes.load_state_dict({k: v for k, v in lanes.state_dict().items() if k != "updates"})
