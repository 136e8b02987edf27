"""Social preferences: weighted sums worked out by hand, what must hold of all for any payoffs, and their options."""

import dataclasses
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from training.felt_rewards import PD, course, felt, payoff, steps

import marl_sim as ms
from marl_sim.training.preferences import Preference

# One of every kind for three agents who differ: what must hold of all layers is tried on these.
MIXED = [
    ms.InequityAversion(alpha=(5, 0, 0.5), beta=(0, 0.05, 0.5)),
    ms.InequityAversion(alpha=(5, 0, 0.5), beta=(0, 0.05, 0.5), smoothing=0.9, gamma=0.5),
    ms.InequityAversion(2, 0.25, smoothing=(0.5, 0, 1), gamma=(1, 0.9, 0.7)),
    ms.SocialValueOrientation((0, 45, -30)),
    ms.Prosocial((0, 0.5, 1)),
    ms.RewardExchange((0.3, 0, 1)),
    ms.RewardExchange(matrix=[[0.5, 0, 0.2], [0.5, 0, 0.3], [0, 1, 0.5]]),
]
NOBODY = [
    ms.InequityAversion(0, 0),
    ms.InequityAversion(0, 0, smoothing=0.9),
    ms.SocialValueOrientation(0),
    ms.Prosocial(0),
    ms.RewardExchange(0),
    ms.RewardExchange(matrix=np.eye(3)),
]
names = repr


def relabel(layer: Preference, order: list[int]) -> Preference:
    """The layer of the agents in another order."""
    changed = {}
    for name in layer.ranges:
        value = getattr(layer, name)
        changed[name] = tuple(value[i] for i in order) if isinstance(value, tuple) else value
    if getattr(layer, "matrix", None) is not None:
        changed["matrix"] = np.array(layer.matrix)[np.ix_(order, order)]
    return dataclasses.replace(layer, **changed)


# ---------------------------------------------------------------- weighted sums, by hand


@pytest.mark.parametrize(
    "angle, by_hand",
    [
        (0, (2, 5)),
        (90, (5, 2)),
        (180, (-2, -5)),
        (-90, (-5, -2)),
        (45, (7 / 2**0.5, 7 / 2**0.5)),
        (-45, (-3 / 2**0.5, 3 / 2**0.5)),
    ],
)
def test_angles_on_the_ring(angle, by_hand):
    assert felt(ms.SocialValueOrientation(angle), (2, 5)) == pytest.approx(by_hand, abs=1e-14)


def test_half_of_a_right_angle_wants_what_is_best_for_both():
    """At 45 degrees both rank the outcomes by their sum; selfish, each ranks them by its own payoff."""
    for profile, paid in PD.items():
        assert felt(ms.SocialValueOrientation(45), paid) == pytest.approx([sum(paid) / 2**0.5] * 2), profile
        assert felt(ms.SocialValueOrientation(0), paid).tolist() == list(paid)
    joint = {profile: felt(ms.SocialValueOrientation(45), paid)[0] for profile, paid in PD.items()}
    assert max(joint, key=joint.get) == "CC"


def test_the_mean_of_the_others_by_hand():
    """30 degrees: cos is sqrt(3)/2, sin 1/2, and the others of who has 1 among 1, 4, 10 have 7 on average."""
    root = 3**0.5 / 2
    by_hand = [root * 1 + F(7) / 2, root * 4 + F(11, 2) / 2, root * 10 + F(5, 2) / 2]
    assert felt(ms.SocialValueOrientation(30), (1, 4, 10)) == pytest.approx([float(x) for x in by_hand], rel=1e-14)


def test_mixing_with_the_group_by_hand():
    """The mean of 1, 4, 10 is 5; a quarter of it and three quarters of one's own."""
    by_hand = [F(3, 4) * own + F(1, 4) * 5 for own in (1, 4, 10)]
    assert felt(ms.Prosocial(0.25), (1, 4, 10)) == pytest.approx([float(x) for x in by_hand], rel=1e-14)
    assert felt(ms.Prosocial(1), (1, 4, 10)) == pytest.approx([5, 5, 5], rel=1e-14)


def test_giving_by_hand():
    """Of 12 agent 0 gives a third, 2 to each of two; of -6 agent 1 gives all, -3 to each; agent 2 gives nothing."""
    got = felt(ms.RewardExchange((1 / 3, 1, 0)), (12, -6, 1))
    assert got == pytest.approx([12 - 4 - 3, -6 + 6 + 2, 1 + 2 - 3], abs=1e-12)


def test_row_gets_and_column_gives():
    layer = ms.RewardExchange(matrix=[[1, F(1, 4)], [0, F(3, 4)]])
    assert felt(layer, (0, 8)).tolist() == [2, 6]
    assert felt(layer, (8, 0)).tolist() == [8, 0]


@given(steps, arrays(float, (3, 3), elements=st.floats(0.01, 1)))
def test_what_one_gives_others_get(rewards, table):
    for layer in (ms.RewardExchange((0.3, 0, 1)), ms.RewardExchange(matrix=table / table.sum(axis=0))):
        assert layer.weights(3).sum(axis=0) == pytest.approx([1, 1, 1])
        np.testing.assert_allclose(course(layer, rewards).sum(axis=2), rewards.sum(axis=2), rtol=0, atol=1e-9)


def test_an_equal_part_of_everything_two_ways():
    np.testing.assert_allclose(ms.RewardExchange(3 / 4).weights(4), ms.Prosocial(1).weights(4), rtol=1e-15)


# ---------------------------------------------------------------- all of them


@pytest.mark.parametrize(
    "layer",
    [ms.InequityAversion(1, 1), ms.SocialValueOrientation(1), ms.Prosocial(1), ms.RewardExchange(1)],
    ids=lambda layer: type(layer).__name__,
)
def test_layers_that_look_at_one_step_remember_nothing(layer):
    assert layer.begin(3, 8) is None
    layer.forget(None, np.ones(8, bool))


@given(steps)
def test_zero_is_selfish(rewards):
    for layer in NOBODY:
        np.testing.assert_array_equal(course(layer, rewards), rewards, err_msg=repr(layer))


@given(steps, st.permutations(range(3)))
def test_relabelling_agents_relabels_what_they_make_of_it(rewards, order):
    for layer in MIXED:
        got = course(relabel(layer, order), rewards[:, :, order])
        np.testing.assert_allclose(got, course(layer, rewards)[:, :, order], rtol=0, atol=1e-9, err_msg=repr(layer))


@pytest.mark.parametrize("layer", MIXED, ids=names)
def test_a_world_is_the_same_alone_and_among_many(layer):
    rewards = np.random.default_rng(1).normal(size=(5, 64, 3)) * 10
    ended = np.random.default_rng(2).random((5, 64)) < 0.3
    crowd = course(layer, rewards, ended)
    for w in range(64):
        alone = course(layer, rewards[:, w : w + 1], ended[:, w : w + 1])
        np.testing.assert_array_equal(alone[:, 0], crowd[:, w])


@pytest.mark.parametrize("n", [2, 5, 9, 33])
def test_so_it_is_with_any_number_of_agents(n):
    rewards = np.random.default_rng(n).normal(size=(2, 16, n))
    for layer in (ms.InequityAversion(5, 0.05, smoothing=0.9), ms.SocialValueOrientation(30), ms.RewardExchange(0.2)):
        crowd = course(layer, rewards)
        for w in range(16):
            np.testing.assert_array_equal(course(layer, rewards[:, w : w + 1])[:, 0], crowd[:, w])


@pytest.mark.parametrize("layer", [*MIXED, *NOBODY], ids=names)
def test_a_step_of_rewards_is_never_written_to(layer):
    reward = np.array([[1.0, 4, 10], [0, 0, 2]])
    before = reward.copy()
    reward.flags.writeable = False  # as a view of the simulator's may be
    got = layer.apply(reward, layer.begin(3, 2))
    np.testing.assert_array_equal(reward, before)
    assert not np.shares_memory(got, reward) and got.dtype == np.float64 and got.shape == reward.shape


@given(arrays(float, (1, 2, 4), elements=payoff))
def test_mixed_populations(rewards):
    """Who has no preference is taught its payoff; who has one is taught what it would be if all had it."""
    for everybody, some, named in (
        (ms.InequityAversion(5, 0.5, 0.9), ms.InequityAversion((5, 0, 5, 0), (0.5, 0, 0.5, 0), 0.9), dict(alpha=5.0)),
        (ms.SocialValueOrientation(30), ms.SocialValueOrientation((30, 0, 30, 0)), {}),
        (ms.Prosocial(0.5), ms.Prosocial((0.5, 0, 0.5, 0)), {}),
    ):
        got, all_of_them = course(some, rewards), course(everybody, rewards)
        np.testing.assert_array_equal(got[:, :, [1, 3]], rewards[:, :, [1, 3]])
        np.testing.assert_array_equal(got[:, :, [0, 2]], all_of_them[:, :, [0, 2]])
        by_name = dataclasses.replace(everybody, agents=(2, 0), **named)
        np.testing.assert_array_equal(course(by_name, rewards), got)


def test_who_is_named_alone_gives():
    assert felt(ms.RewardExchange(0.5, agents=(1,)), (4, 8, 0)).tolist() == [6, 4, 2]


def test_layers_follow_each_other():
    """A quarter is given first, and what is left of the gap is envied; or the other way round."""
    given_away = felt(ms.RewardExchange(0.25), (4, 0))
    assert given_away.tolist() == [3, 1]
    assert felt(ms.InequityAversion(1, 0), given_away).tolist() == [3, -1]
    assert felt(ms.RewardExchange(0.25), felt(ms.InequityAversion(1, 0), (4, 0))).tolist() == [2, -2]


# ---------------------------------------------------------------- wrong options


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: ms.InequityAversion(-1, 0), "InequityAversion: alpha must be at least 0; got -1"),
        (lambda: ms.InequityAversion(1, (0, -0.5)), "beta must be at least 0; got -0.5"),
        (lambda: ms.InequityAversion(1, 0, smoothing=1.5), "smoothing must be from 0 to 1; got 1.5"),
        (lambda: ms.InequityAversion(1, 0, 0.5, gamma=-1), "gamma must be from 0 to 1; got -1"),
        (lambda: ms.InequityAversion(float("nan"), 0), "alpha must be a finite number or a tuple .*; got nan"),
        (lambda: ms.InequityAversion((1, float("inf")), 0), "alpha must be a finite number or a tuple .*; got .1, inf"),
        (lambda: ms.InequityAversion("much", 0), "alpha must be a finite number or a tuple .*; got 'much'"),
        (lambda: ms.InequityAversion((), 0), r"alpha must be a finite number or a tuple .*; got \(\)"),
        (lambda: ms.InequityAversion(True, 0), "alpha must be a finite number or a tuple .*; got True"),
        (lambda: ms.SocialValueOrientation(270), "angle must be from -180 to 180; got 270"),
        (lambda: ms.SocialValueOrientation(None), "angle must be a finite number or a tuple .*; got None"),
        (lambda: ms.Prosocial((0, 2)), "weight must be from 0 to 1; got 2"),
        (lambda: ms.RewardExchange(-0.1), "share must be from 0 to 1; got -0.1"),
        (lambda: ms.RewardExchange(), "takes either share or matrix; got neither"),
        (lambda: ms.RewardExchange(0.5, matrix=np.eye(2)), "takes either share or matrix; got both"),
        (lambda: ms.RewardExchange(matrix=[[1, 0.5], [0, 0.4]]), "whose columns sum to 1; got"),
        (lambda: ms.RewardExchange(matrix=[[0.5, 0.5], [0, 1]]), "whose columns sum to 1; got"),
        (lambda: ms.RewardExchange(matrix=[[2, 0], [-1, 1]]), "a square table of numbers from 0 to 1"),
        (lambda: ms.RewardExchange(matrix=[[1, 1]]), "a square table"),
        (lambda: ms.RewardExchange(matrix=[[1, 0], [0]]), "a square table"),
        (lambda: ms.RewardExchange(matrix=[[np.nan, 0], [0, 1]]), "a square table"),
        (lambda: ms.RewardExchange(matrix=np.eye(2), agents=(0,)), "agents go with share"),
        (lambda: ms.Prosocial(0.5, agents=()), r"agents must be None or a tuple of different numbers .*; got \(\)"),
        (lambda: ms.Prosocial(0.5, agents=0), "agents must be None or a tuple of different numbers .*; got 0"),
        (lambda: ms.Prosocial(0.5, agents=(0, 0)), "agents must be None or a tuple of different numbers"),
        (lambda: ms.Prosocial(0.5, agents=(-1,)), "agents must be None or a tuple of different numbers"),
        (lambda: ms.Prosocial(0.5, agents="0"), "agents must be None or a tuple of different numbers .*; got '0'"),
        (lambda: ms.Prosocial((0.5, 0), agents=(0,)), "weight must be one number where agents are named"),
    ],
)
def test_options_are_checked(make, words):
    with pytest.raises(ValueError, match=words) as refused:
        make()
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    "layer, n, words",
    [
        (ms.InequityAversion((1, 2), 0), 3, "alpha must be one number or 3, one for each agent; got 2"),
        (ms.InequityAversion(1, 0, (0.5, 0.5, 0.5)), 2, "smoothing must be one number or 2, one for each agent; got 3"),
        (ms.SocialValueOrientation((0,)), 2, "angle must be one number or 2, one for each agent; got 1"),
        (ms.RewardExchange(matrix=np.eye(3)), 4, "matrix must be 4 x 4, one for each agent; got 3 x 3"),
        (ms.Prosocial(0.5, agents=(0, 3)), 3, "agents must be from 0 to 2; got 3"),
        (ms.Prosocial(0.5), 1, "needs at least 2 agents; got 1"),
        (ms.RewardExchange(matrix=[[1]]), 1, "needs at least 2 agents; got 1"),
    ],
)
def test_they_fit_the_agents_or_say_why_not(layer, n, words):
    with pytest.raises(ValueError, match=words):
        layer.begin(n, 1)


def test_equal_options_make_equal_layers():
    assert ms.InequityAversion([1, 2], np.array([0, 1])) == ms.InequityAversion((1.0, 2.0), (0.0, 1.0))
    assert hash(ms.RewardExchange(matrix=np.eye(2))) == hash(ms.RewardExchange(matrix=((1, 0), (0, 1))))
    with pytest.raises(dataclasses.FrozenInstanceError):
        ms.Prosocial(0.5).weight = 1
