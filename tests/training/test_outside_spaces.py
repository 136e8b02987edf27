"""Outside spaces as rows of numbers: Gymnasium's own layout, pictures of bytes, actions of all kinds together."""

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given
from hypothesis import strategies as st

from marl_sim.training.outside_spaces import choices, sight

shapes = st.lists(st.integers(1, 3), max_size=2).map(tuple)
counts = st.integers(1, 4)
leaves = st.one_of(
    st.builds(
        lambda shape, kind: spaces.Box(-5, 5, shape, kind), shapes, st.sampled_from(["float32", "float64", "int8"])
    ),
    st.builds(lambda n, start: spaces.Discrete(n, start=start), counts, st.integers(-2, 2)),
    st.builds(lambda n: spaces.MultiBinary(n), counts),
    st.builds(lambda nvec: spaces.MultiDiscrete(nvec), st.lists(counts, min_size=1, max_size=3)),
    st.builds(lambda n: spaces.MultiDiscrete([[n, 2], [3, n]], start=[[1, 0], [-1, 2]]), counts),
)
nested = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.dictionaries(st.sampled_from("abc"), inner, min_size=1).map(spaces.Dict),
        st.lists(inner, min_size=1, max_size=3).map(spaces.Tuple),
    ),
    max_leaves=5,
)


@given(nested, st.integers(0, 100))
def test_observations_are_laid_flat_as_gymnasium_does_it(space, seed):
    space.seed(seed)
    one = sight(space, "agent_0")
    row = np.full(one.size, 7.0, np.float32)
    for _ in range(2):  # the second one finds the first one's numbers
        x = space.sample()
        one.write(x, row)
        np.testing.assert_array_equal(row, np.float32(spaces.flatten(space, x)))


@pytest.mark.parametrize(
    "dtype, high, divisor", [("uint8", 255, 255), ("uint8", 9, 1), ("int8", 127, 1), ("bool", 1, 1)]
)
def test_pictures_of_bytes(dtype, high, divisor):
    """Row by row; only those that use all of 0..255 are scaled."""
    picture = spaces.Box(0, high, (2, 3, 4), np.dtype(dtype))
    for space in (picture, spaces.Dict(observation=picture, action_mask=spaces.MultiBinary(2))):
        one = sight(space, "agent_0")
        assert one.image == (2, 3, 4) and one.keyed == isinstance(space, spaces.Dict)
        row, x = np.zeros(24, np.float32), space.sample()
        one.write(x, row)
        bytes_of = x["observation"] if one.keyed else x
        np.testing.assert_array_equal(row, bytes_of.reshape(-1).astype(np.float32) / np.float32(divisor))


@pytest.mark.parametrize(
    "space", [spaces.Box(0, 255, (4, 3), np.uint8), spaces.Box(0, 255, (2, 2, 3), np.float32), spaces.Discrete(3)]
)
def test_what_is_no_picture(space):
    assert sight(space, "agent_0").image is None


def test_a_mask_is_no_part_of_what_is_seen():
    space = spaces.Dict(action_mask=spaces.MultiBinary(3), a=spaces.Discrete(2), z=spaces.Box(0, 1, (2,)))
    one, row = sight(space, "agent_0"), np.zeros(4, np.float32)
    one.write(dict(action_mask=[1, 1, 0], a=1, z=[0.25, 0.5]), row)
    assert one.keyed and row.tolist() == [0, 1, 0.25, 0.5]


def test_an_observation_outside_its_space_is_refused():
    row = np.zeros(4, np.float32)
    with pytest.raises(ValueError, match="has 1 numbers where its space has 4"):  # would fill the row otherwise
        sight(spaces.Box(0, 1, (4,)), "agent_0").write(np.zeros(1), row)
    with pytest.raises(ValueError, match="is 0 where its space has 1 to 4"):
        sight(spaces.Discrete(4, start=1), "agent_0").write(0, row)
    with pytest.raises(ValueError, match=r"the observation space of agent_7 must be made of .*; got Text"):
        sight(spaces.Dict(a=spaces.Text(3)), "agent_7")


def test_actions_are_counted_from_zero():
    made = choices([spaces.Discrete(3, start=5), spaces.Discrete(2)], "ab")
    assert (made.n_actions, made.counts, made.box) == (3, (3, 2), None)
    assert [made.make[0](2), made.make[1](1)] == [7, 1]


def test_boxes_alike_are_padded_to_the_widest():
    wide = spaces.Box(np.float32([0, -2, -1]), np.float32([1, 2, 3]))
    made = choices([spaces.Box(np.float32([0, -2]), np.float32([1, 2])), wide], "ab")
    assert (made.n_actions, made.counts) == (3, (2, 3))
    assert made.box == ((0.0, -2.0, -1.0), (1.0, 2.0, 3.0))
    narrow, full = (make([0.5, -2.0, 3.0]) for make in made.make)
    assert narrow.tolist() == [0.5, -2.0] and full.tolist() == [0.5, -2.0, 3.0] and full.dtype == np.float32


ranges = st.tuples(st.floats(-100, 100, width=32), st.floats(0.125, 100, width=32)).map(lambda x: (x[0], x[0] + x[1]))


@given(st.lists(ranges, min_size=2, max_size=4), st.floats(-1, 1), st.sampled_from(["float32", "float64", "int32"]))
def test_boxes_unlike_are_stretched(bounds, x, dtype):
    """Everybody chooses from -1 to 1; the ends arrive exactly, whole numbers are rounded, and nothing falls outside."""
    own = [spaces.Box(np.dtype(dtype).type(low), np.dtype(dtype).type(high), (1, 1), dtype) for low, high in bounds]
    if len({(float(space.low.item()), float(space.high.item())) for space in own}) == 1:
        return
    made = choices(own, range(len(own)))
    assert made.box == ((-1.0,), (1.0,))
    for space, make in zip(own, made.make):
        assert space.contains(make([x]))
        assert make([-1.0]) == space.low and make([1.0]) == space.high
        low, high = float(space.low.item()), float(space.high.item())
        there = low + (x + 1) / 2 * (high - low)
        assert make([x]).item() == (np.rint(there) if dtype == "int32" else pytest.approx(there, abs=1e-4))


@pytest.mark.parametrize(
    "own, message",
    [
        ([spaces.Discrete(2), spaces.Box(0, 1, (2,))], "must be all Discrete or all Box; got Discrete"),
        ([spaces.Box(0, np.inf, (2,))], "of a must have finite bounds"),
        ([spaces.MultiBinary(2)], "the action space of a must be Discrete or Box; got MultiBinary"),
    ],
)
def test_action_spaces_that_no_head_can_serve(own, message):
    with pytest.raises(ValueError, match=message):
        choices(own, "ab")
