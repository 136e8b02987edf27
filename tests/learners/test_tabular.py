"""Tables: what they need from an observation, and what they refuse."""

import numpy as np
import pytest

from marl_sim.learners import HeadSpec, TabularQ

pytestmark = pytest.mark.nojit


def test_states_count_with_the_first_column_slowest():
    lanes = TabularQ(init="uniform").build(HeadSpec("play", 2, 2, (3, 4)), [5], [0])
    assert lanes.table.shape == (1, 12, 2)
    assert (lanes.values(np.array([[[2, 1]]], np.float32))[0, 0] == lanes.table[0, 9]).all()
    assert (lanes.export(0) == lanes.table[0]).all()
    assert 0 <= lanes.table.min() <= lanes.table.max() < 1


@pytest.mark.parametrize("odd", [-1, 3, 0.5, np.nan])
def test_observations_that_are_no_index_are_refused(odd):
    lanes = TabularQ().build(HeadSpec("play", 1, 2, (3,)), [5, 6], [0, 0])
    obs = np.array([[[0]], [[odd]]], np.float32)
    with pytest.raises(ValueError, match="Lane 1 of head 'play' observed something that is no index"):
        lanes.act(obs, np.ones((2, 1, 2), bool), np.ones((2, 1), bool))


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (HeadSpec("play", 2, 2), "head 'play' has one-hot or real-valued columns"),
        (HeadSpec("play", 9, 2, (10,) * 9), "would need 1000000000 states for head 'play'; at most 16777216"),
    ],
)
def test_heads_without_a_table_are_refused(spec, words):
    with pytest.raises(ValueError, match=words):
        TabularQ().build(spec, [0], [0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(alpha=0), "TabularQ.alpha is 0"),
        (dict(alpha="1/t"), "TabularQ.alpha is '1/t'; it must be a number above 0 and at most 1, or '1/n'"),
        (dict(gamma=-0.1), "TabularQ.gamma is -0.1"),
        (dict(init=float("nan")), "TabularQ.init is nan"),
        (dict(init="zero"), "TabularQ.init is 'zero'"),
        (dict(replay=0), "TabularQ.replay is 0"),
        (dict(memory="x"), "TabularQ.memory is 'x'"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        TabularQ(**options)


def test_tables_live_on_the_cpu():
    with pytest.raises(ValueError, match="device 'cuda'; tables live on the cpu"):
        TabularQ().build(HeadSpec("play", 1, 2, (3,)), [0], [0], device="cuda")
