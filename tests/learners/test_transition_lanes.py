"""Laws that every registered learner keeps: its lanes are independent agents, and nothing else."""

import numpy as np
import pytest

from marl_sim.learners import HeadSpec

WHO = [(seed, agent) for seed in (3, 7) for agent in range(4)]

pytestmark = pytest.mark.nojit


def same(ours, lane, theirs, other):
    """Assert that everything that lane holds equals, bit for bit, what the other lane of the other learner holds."""
    a, b = ours.state_dict(), theirs.state_dict()
    assert a.keys() == b.keys()
    for name in a:
        mine, yours = a[name][lane], b[name][other]
        if name.startswith(("replay_rows", "replay_waiting")):  # as many as the fullest neighbour's, zero beyond
            n = min(len(mine), len(yours))
            assert not mine[n:].any()
            assert not yours[n:].any()
            mine, yours = mine[:n], yours[:n]
        assert mine.tobytes() == yours.tobytes(), name


def test_no_two_lanes_share_initial_values_or_noise(learner):
    seeds, agents = np.repeat(np.arange(8), 5), np.tile(np.arange(5), 8)
    lanes = [learner.build(HeadSpec(name, 3, 3, (2, 2, 2)), seeds, agents) for name in ("play", "punish")]
    obs, yes = np.zeros((40, 64, 3), np.float32), np.ones((40, 64), bool)
    values = np.concatenate([x.values(obs)[:, 0] for x in lanes])
    if getattr(learner, "init", "uniform") == "uniform" and not lanes[0].mixed:  # starting values that are drawn
        assert len(np.unique(values, axis=0)) == 80
    wild = dict(epsilon=1.0) if hasattr(learner, "epsilon") else {}  # without it: a mixed policy, uniform at first
    lanes = [type(learner)(**wild).build(HeadSpec(name, 3, 3, (2, 2, 2)), seeds, agents) for name in ("play", "punish")]
    noise = np.concatenate([x.act(obs, np.ones((40, 64, 3), bool), yes) for x in lanes])
    assert len(np.unique(noise, axis=0)) == 80


def test_illegal_actions_are_never_chosen(learner):
    lanes = learner.build(HeadSpec("play", 3, 3, (2, 2, 2)), np.arange(6), np.zeros(6, int))
    legal = np.random.default_rng(0).random((6, 200, 3)) < 0.5
    deciding = legal.any(2)
    for greedy in (False, True):
        action = lanes.act(np.ones((6, 200, 3), np.float32), legal, deciding, greedy=greedy)
        assert np.take_along_axis(legal, action[..., None], 2)[..., 0][deciding].all()
        assert not action[~deciding].any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rewards_that_are_not_finite_stop_with_the_lane_and_head(learner, bad):
    lanes = learner.build(HeadSpec("punish", 3, 3, (2, 2, 2)), np.arange(4), np.zeros(4, int))
    obs, legal, yes = np.zeros((4, 1, 3), np.float32), np.ones((4, 1, 3), bool), np.ones((4, 1), bool)
    reward = np.zeros((4, 1))
    reward[2] = bad
    lanes.add(obs, np.zeros((4, 1), int), reward, obs, legal, ~yes, np.array([[1], [1], [0], [1]], bool))
    with pytest.raises(FloatingPointError, match=r"Lane 2 of head 'punish' got a reward that is not finite"):
        lanes.add(obs, np.zeros((4, 1), int), reward, obs, legal, ~yes, yes)


def test_wrong_shapes_and_empty_masks_are_refused(learner):
    lanes = learner.build(HeadSpec("play", 3, 3, (2, 2, 2)), np.arange(2), np.zeros(2, int))
    obs, legal, yes = np.zeros((2, 1, 3), np.float32), np.ones((2, 1, 3), bool), np.ones((2, 1), bool)
    with pytest.raises(ValueError, match=r"'play' got obs of shape \(2, 1, 2\); it needs \(2, 1, 3\)"):
        lanes.act(obs[..., :2], legal, yes)
    with pytest.raises(ValueError, match=r"got legal of shape"):
        lanes.act(obs, legal[..., :2], yes)
    with pytest.raises(ValueError, match=r"Lane 1 of head 'play' must decide but has no legal action"):
        lanes.act(obs, np.array([[[1, 1, 1]], [[0, 0, 0]]], bool), yes)
    with pytest.raises(ValueError, match=r"got reward of shape \(2,\)"):
        lanes.add(obs, np.zeros((2, 1), int), np.zeros(2), obs, legal, yes, yes)
    with pytest.raises(ValueError, match=r"differs in decisions"):
        lanes.load_state_dict({k: v for k, v in lanes.state_dict().items() if k != "decisions"})
    other = learner.build(HeadSpec("play", 3, 3, (2, 2, 2)), np.arange(3), np.zeros(3, int))
    with pytest.raises(ValueError, match=r"has shape \(3,\); these lanes need \(2,\)"):
        lanes.load_state_dict(other.state_dict())


def test_overrides_hold_for_their_head_only(learner):
    name = next(x for x in ("epsilon", "actor", "rate") if hasattr(learner, x))
    changed = type(learner)(**{name: 0.25}, overrides={"punish": {name: 0.75}})
    assert getattr(changed.for_head("play"), name) == 0.25
    assert getattr(changed.for_head("punish"), name) == 0.75
    with pytest.raises(ValueError, match=r"overrides\['punish'\] names 'epsilom', which .* does not have"):
        type(learner)(overrides={"punish": dict(epsilom=0.1)})
    with pytest.raises(ValueError, match=rf"{name} is -2"):
        type(learner)(overrides={"punish": {name: -2}})
