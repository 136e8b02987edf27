"""Agents stand apart, inside their area, as large as they can."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from marl_sim.viewer.layout import LARGEST, cells, ring


@settings(max_examples=40, deadline=None)
@given(
    n=st.integers(1, 60),
    width=st.integers(300, 1900),
    height=st.integers(200, 1000),
    hollow=st.sampled_from([0.0, 0.36]),
)
def test_nobody_stands_on_anybody(n, width, height, hollow):
    places = ring(n, width, height, 1.0, hollow)
    own = cells(places)
    assert own[:, 0].min() >= -1e-6 and own[:, 1].min() >= -1e-6
    assert own[:, 2].max() <= width + 1e-6 and own[:, 3].max() <= height + 1e-6
    apart = (own[:, None, :2] >= own[None, :, 2:] - 1e-6).any(-1)
    assert (apart | apart.T | np.eye(n, dtype=bool)).all()
    if hollow and n > 1:
        free, middle = hollow * min(width, height) / 2, np.array([width, height]) / 2
        assert not ((own[:, :2] < middle + free - 1e-6) & (own[:, 2:] > middle - free + 1e-6)).all(1).any()


@pytest.mark.parametrize(("n", "least"), [(2, 40), (5, 40), (12, 30), (30, 20), (60, 12)])
def test_nodes_are_large_enough_to_be_read(n, least):
    assert least <= ring(n, 860, 640).radius <= LARGEST


def test_the_first_agent_stands_above_and_the_others_follow_clockwise():
    centres = ring(5, 600, 500).centres
    assert centres[0, 1] == centres[:, 1].min()
    assert centres[1, 0] > centres[0, 0] > centres[4, 0]
