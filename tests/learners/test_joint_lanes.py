"""Laws of learners that drive a group with a row of parameters for each player: LOLA and LIO."""

import numpy as np
import pytest
from learners.joint_play import LEVELS, Plays, drive, same, spec

from marl_sim.learners import LIO, LOLA, ExactLOLA, HeadSpec
from marl_sim.learners.samples import WHOLE

EVERY = [
    pytest.param(LOLA(steps=7, policy="table"), id="LOLA-table"),
    pytest.param(LOLA(steps=7, policy="table", lookahead=2, rule="lookahead"), id="LOLA-lookahead"),
    pytest.param(LOLA(steps=9, hidden=(5, 7)), id="LOLA-net"),
    pytest.param(LIO(steps=6, policy="table"), id="LIO-table"),
    pytest.param(LIO(steps=6, hidden=(5,)), id="LIO-net"),
]
SEEDS = (3, 7, 11, 4, 5, 6, 8, 9)
STEPS = 20


def made(learner, seeds, players=2, actions=3, worlds=3, **special):
    lanes = learner.build(spec(players, actions), np.array(seeds), np.zeros(len(seeds), int))
    return lanes, [Plays(seed, players, actions, worlds, **special) for seed in seeds]


@pytest.mark.parametrize("learner", EVERY)
@pytest.mark.parametrize("players, actions, worlds", [(2, 2, 1), (3, 3, 3)])
def test_eight_lanes_together_are_eight_runs_alone(learner, players, actions, worlds):
    together, plays = made(learner, SEEDS, players, actions, worlds)
    fresh = together.params.clone()
    acted = drive(together, plays, STEPS)
    assert (together.updates >= 2).all() and (together.params != fresh).any(1).all()
    entries = together._batch(together.kept).obs.shape[1]
    assert entries % WHOLE == 0  # no vectorised loop leaves a rest that spans two lanes
    for lane in (0, 3, 7):
        alone, own = made(learner, SEEDS[lane : lane + 1], players, actions, worlds)
        assert np.array_equal(drive(alone, own, STEPS)[:, 0], acted[:, lane])
        same(together, lane, alone, 0)


@pytest.mark.parametrize(
    "shape, lookahead, rule",
    [((2, 2, 2), 0, "lookahead"), ((2, 3, 2), 2, "lookahead"), ((2, 2, 2), 1, "taylor"), ((2, 2, 2, 3), 1, "taylor")],
)
def test_exact_players_are_the_same_alone_and_among_eight(shape, lookahead, rule):
    payoffs = np.random.default_rng(0).normal(size=shape)
    learner = ExactLOLA(payoffs=payoffs, lookahead=lookahead, rule=rule, lr=0.3)
    together = learner.build(learner.head(), np.array(SEEDS), np.zeros(8, int))
    together.improve(3)
    for lane in (0, 3, 7):
        alone = learner.build(learner.head(), np.array(SEEDS[lane : lane + 1]), np.zeros(1, int))
        alone.improve(3)
        same(together, lane, alone, 0)
    assert len(np.unique(together.theta.reshape(8, -1), axis=0)) == 8


@pytest.mark.parametrize("learner", EVERY)
def test_a_player_that_never_acts_learns_nothing(learner):
    lanes, plays = made(learner, SEEDS[:2], players=3, idle=(1,))
    fresh = lanes.state_dict()
    drive(lanes, plays, 30)
    after = lanes.state_dict()
    for name in fresh:
        if name.startswith(("params/", "memory_critics/", "incentives/", "adam")):
            assert np.array_equal(after[name][:, 1], fresh[name][:, 1]), name
            if not name.startswith("adam_m/policy") and not name.startswith("adam_v/policy"):
                assert not np.array_equal(after[name][:, 0], fresh[name][:, 0]), name
    assert (lanes.learned_by > 0).tolist() == [[True, False, True]] * 2


@pytest.mark.parametrize("learner", EVERY)
def test_a_player_that_acts_no_more_stays_as_it_is(learner):
    """Adam's momentum does not carry it on."""
    lanes, plays = made(learner, SEEDS[:2], players=3)
    drive(lanes, plays, 3 * learner.steps)
    for one in plays:
        one.absent = np.tile([False, True, False], one.worlds)
    drive(lanes, plays, 2 * learner.steps)  # what was given before is judged by what is played after
    then = lanes.state_dict()
    drive(lanes, plays, 2 * learner.steps)
    for name, now in lanes.state_dict().items():
        if name.startswith(("params/", "memory_critics/", "incentives/", "adam")):
            assert np.array_equal(now[:, 1], then[name][:, 1]), name
    params = next(name for name in then if name.startswith("params/"))
    assert not np.array_equal(lanes.state_dict()[params][:, 0], then[params][:, 0])


@pytest.mark.parametrize("learner", EVERY)
def test_a_group_in_which_nobody_acts_stays_as_it_was(learner):
    lanes, plays = made(learner, SEEDS[:2], idle=(0, 1))
    fresh = lanes.state_dict()
    drive(lanes, plays, 18)
    assert not lanes.updates.any()
    for name, array in lanes.state_dict().items():
        if name in fresh:
            assert np.array_equal(array, fresh[name]), name


@pytest.mark.parametrize("learner", EVERY)
def test_no_two_players_share_initial_values_or_noise(learner):
    lanes, _ = made(learner, SEEDS, players=3)
    assert len(np.unique(lanes.params.numpy(), axis=0)) == 24
    obs, yes = np.zeros((8, 120, len(LEVELS)), np.float32), np.ones((8, 120), bool)
    acted = lanes.act(obs, np.ones((8, 120, 3), bool), yes).reshape(8, 40, 3).swapaxes(1, 2).reshape(24, 40)
    assert len(np.unique(acted, axis=0)) == 24


@pytest.mark.parametrize("learner", EVERY)
def test_illegal_actions_are_never_chosen_and_greedy_play_leaves_no_trace(learner):
    lanes, _ = made(learner, SEEDS, players=2)
    legal = np.random.default_rng(0).random((8, 60, 3)) < 0.5
    deciding = legal.any(2)
    for greedy in (True, False):
        action = lanes.act(np.ones((8, 60, 2), np.float32), legal, deciding, greedy=greedy)
        assert np.take_along_axis(legal, action[..., None], 2)[..., 0][deciding].all()
        assert not action[~deciding].any()
        assert (lanes.decisions > 0).all() == (not greedy)


@pytest.mark.parametrize("learner", EVERY)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_stops_with_lane_and_head(learner, bad):
    lanes, plays = made(learner, SEEDS[:3])
    drive(lanes, plays, 2)
    obs, legal, deciding, ended, _ = (np.stack(x) for x in zip(*(one.draw() for one in plays)))
    reward = np.zeros(deciding.shape)
    reward[1, 2] = bad
    with pytest.raises(FloatingPointError, match=r"Lane 1 of head 'play' got a reward that is not finite"):
        lanes.add(obs, legal, deciding, np.zeros(deciding.shape, int), reward, ended)
    lanes.params[2] = bad  # of player 0 of lane 1
    with pytest.raises((FloatingPointError, ValueError), match=r"Lane 1 of head 'play'"):
        drive(lanes, plays, 12)


def test_wrong_shapes_levels_and_options_are_refused():
    lanes, _ = made(LOLA(policy="table"), SEEDS[:2])
    obs, legal, yes = np.zeros((2, 2, 2), np.float32), np.ones((2, 2, 3), bool), np.ones((2, 2), bool)
    with pytest.raises(ValueError, match=r"got obs of shape \(2, 2, 1\); it needs \(2, 2, 2\)"):
        lanes.act(obs[..., :1], legal, yes)
    with pytest.raises(ValueError, match=r"Lane 0 of head 'play' sees 3 in column 0; it must be .* from 0 to 2"):
        lanes.act(obs + 3, legal, yes)
    with pytest.raises(ValueError, match=r"Lane 1 of head 'play' must decide but has no legal action"):
        lanes.act(obs, legal & np.array([True, False])[:, None, None], yes)
    with pytest.raises(ValueError, match=r"got reward of shape \(2,\)"):
        lanes.add(obs, legal, yes, np.zeros((2, 2), int), np.zeros(2), yes)
    with pytest.raises(ValueError, match=r"has levels None; LOLA with policy='table' needs an index-coded"):
        LOLA(policy="table").build(HeadSpec("play", 2, 2, team=2), np.arange(1), np.zeros(1, int))
    with pytest.raises(ValueError, match=r"has 1 player; LIO needs at least 2"):
        LIO().build(HeadSpec("play", 2, 2), np.arange(1), np.zeros(1, int))
    for wrong, said in (
        (dict(lr=0), "LOLA.lr is 0"),
        (dict(lookahead=-1), "lookahead, where it is not 0, is -1"),
        (dict(lookahead=2, rule="taylor"), "with rule='taylor' it must be 0 or 1"),
        (dict(rule="second"), "LOLA.rule is 'second'; it must be 'lookahead' or 'taylor'"),
        (dict(policy="tree"), "LOLA.policy is 'tree'; it must be 'net' or 'table'"),
        (dict(gamma=2), "LOLA.gamma is 2"),
    ):
        with pytest.raises(ValueError, match=said):
            LOLA(**wrong)
    with pytest.raises(ValueError, match=r"LIO.cost is -1"):
        LIO(cost=-1)
