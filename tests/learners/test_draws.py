"""What the random draws of lanes must be: uniform, without replacement, without favourites."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_sim.learners import Decay, HeadSpec, Linear, TabularQ
from marl_sim.learners.draws import hash_size, lane_keys, sample, subset

pytestmark = pytest.mark.nojit


@given(n=st.integers(1, 300), share=st.floats(0, 1), key=st.integers(0, 2**64 - 1))
def test_a_minibatch_holds_different_transitions(n, share, key):
    chosen = np.empty(max(1, round(share * n)), np.int64)
    subset(np.uint64(key), n, chosen, np.empty(hash_size(chosen.size), np.int64))
    assert len(set(chosen.tolist())) == chosen.size
    assert chosen.min() >= 0
    assert chosen.max() < n


def test_every_transition_is_drawn_equally_often():
    counts, chosen, seen = np.zeros(10), np.empty(4, np.int64), np.empty(hash_size(4), np.int64)
    draws = 4000
    for key in range(draws):
        subset(np.uint64(key * 7919), 10, chosen, seen)
        counts[chosen] += 1
    expected, sigma = 0.4 * draws, np.sqrt(draws * 0.4 * 0.6)
    assert np.abs(counts - expected).max() < 4.5 * sigma


@pytest.mark.parametrize("greedy", [True, False])
def test_ties_favour_no_index(greedy):
    lanes = TabularQ(epsilon=0.0).build(HeadSpec("play", 1, 4, (1,)), np.arange(10), np.zeros(10, int))
    legal = np.ones((10, 400, 4), bool)
    legal[..., 2] = False
    action = lanes.act(np.zeros((10, 400, 1), np.float32), legal, np.ones((10, 400), bool), greedy=greedy)
    counts = np.bincount(action.ravel(), minlength=4)
    assert counts[2] == 0
    assert np.abs(counts[[0, 1, 3]] - 4000 / 3).max() < 4.5 * np.sqrt(4000 * 2 / 9)


def test_exploration_is_uniform_at_its_rate():
    lanes = TabularQ(epsilon=0.3).build(HeadSpec("play", 1, 3, (1,)), np.arange(10), np.zeros(10, int))
    lanes.table[:, 0, 1] = 1
    action = lanes.act(np.zeros((10, 800, 1), np.float32), np.ones((10, 800, 3), bool), np.ones((10, 800), bool))
    share = np.bincount(action.ravel(), minlength=3) / 8000
    assert np.abs(share - [0.1, 0.8, 0.1]).max() < 4.5 * np.sqrt(0.16 / 8000)
    assert (lanes.decisions == 800).all()


def draw(chances, legal, epsilon=0.0, greedy=False, n=8000):
    """Shares of the actions that `sample` draws, in 8 lanes, from these chances."""
    lead = (8, n // 8)
    with np.errstate(divide="ignore"):
        scores = np.broadcast_to(np.log(chances) + 700, (*lead, len(chances))).copy()
    masks, actions = np.broadcast_to(np.array(legal, bool), scores.shape).copy(), np.empty(lead, np.int64)
    keys, clock = np.arange(8, dtype=np.uint64), np.zeros(8, np.int64)
    assert sample(scores, masks, np.ones(lead, bool), np.full(8, epsilon), keys, clock, greedy, actions) == -1
    assert (clock == n // 8).all()
    return np.bincount(actions.ravel(), minlength=len(chances)) / n


@pytest.mark.parametrize(
    ("chances", "legal", "epsilon", "expected"),
    [
        ([0.5, 0.2, 0.3], [1, 1, 1], 0.0, [0.5, 0.2, 0.3]),
        ([0.5, 0.2, 0.3], [0, 1, 1], 0.0, [0.0, 0.4, 0.6]),
        ([0.5, 0.0, 0.5], [1, 1, 1], 0.0, [0.5, 0.0, 0.5]),
        ([0.5, 0.0, 0.5], [1, 1, 1], 0.3, [0.45, 0.1, 0.45]),
        ([1.0, 0.0, 0.0], [0, 1, 1], 0.0, [0.0, 0.5, 0.5]),
        ([1.0, 1e-320, 1e-320], [0, 1, 1], 0.0, [0.0, 0.5, 0.5]),
    ],
)
def test_mixed_policies_draw_legal_actions_by_their_chances(chances, legal, epsilon, expected):
    share, expected = draw(chances, legal, epsilon), np.array(expected)
    assert (np.abs(share - expected) <= 4.5 * np.sqrt(expected * (1 - expected) / 8000)).all()


def test_the_greedy_action_of_a_mixed_policy_is_its_likeliest():
    assert draw([0.3, 0.5, 0.2], [1, 1, 1], greedy=True).tolist() == [0, 1, 0]
    share = draw([0.4, 0.2, 0.4], [1, 1, 1], greedy=True)
    assert share[1] == 0
    assert abs(share[0] - 0.5) < 4.5 * np.sqrt(0.25 / 8000)


def test_a_chance_that_is_no_number_stops():
    scores, yes, actions = np.array([[[0.0, np.nan]]]), np.ones((1, 1), bool), np.empty((1, 1), np.int64)
    told = np.zeros(1), np.zeros(1, np.uint64), np.zeros(1, np.int64), False, actions
    assert sample(scores, np.ones((1, 1, 2), bool), yes, *told) == 0
    assert sample(scores, np.zeros((1, 1, 2), bool), yes, *told) == 0


def test_lane_keys_differ_by_seed_agent_head_and_purpose():
    keys = [lane_keys(np.repeat(np.arange(30), 5), np.tile(np.arange(5), 30), head) for head in ("play", "punish")]
    everything = np.concatenate([key for head in keys for key in head.values()])
    assert len(np.unique(everything)) == everything.size == 2 * 4 * 150


def test_decay_is_the_papers_rule():
    """eps <- max(min, eps - (max - min) * decay), once an update, with the play head's numbers."""
    epsilon, rule = 0.8889, Decay(0.8889, 0.01, 0.300067)
    for update in range(8):
        now = rule.value(np.array([update]), np.array([0]))[0]
        assert now == pytest.approx(epsilon, abs=1e-12)
        assert (now == 0.01) == (update >= 4)
        epsilon = max(0.01, epsilon - (0.8889 - 0.01) * 0.300067)


@given(start=st.floats(0, 1), end=st.floats(0, 1), steps=st.integers(1, 1000), clock=st.integers(0, 3000))
def test_linear_goes_from_start_to_end_and_stays(start, end, steps, clock):
    rule = Linear(start, end, steps, per="updates")
    now = rule.value(np.array([clock]), np.array([0]))[0]
    assert min(start, end) - 1e-12 <= now <= max(start, end) + 1e-12
    if clock >= steps:
        assert now == pytest.approx(end, abs=1e-12)
    assert rule.value(np.array([0]), np.array([9]))[0] == start


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Linear(2, 0, 10), "Linear.start is 2; it must be a number from 0 to 1"),
        (lambda: Linear(1, 0, 0), "Linear.steps is 0"),
        (lambda: Linear(1, 0, 5, per="days"), "Linear.per is 'days'"),
        (lambda: Decay(0.1, 0.5, 0.1), "Decay.end is 0.5; it may not exceed start"),
        (lambda: Decay(0.5, 0.1, float("nan")), "Decay.decay is nan"),
    ],
)
def test_wrong_schedules_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()
