"""What compiled networks are given, where most of it is 0 and where it is not."""

import numpy as np
import pytest

from marl_sim.learners import fused_inputs, fused_network
from marl_sim.learners.fused_inputs import LINE, Seen, count, list_into
from marl_sim.learners.fused_network import BACK, Y, part
from marl_sim.learners.fused_policy import own
from marl_sim.learners.products import wide


@pytest.mark.nojit
@pytest.mark.parametrize("size", [0, 3, LINE, 5 * LINE + 7])
@pytest.mark.parametrize("share", [0, 0.1, 1])
def test_what_is_not_0_is_counted_and_listed(size, share):
    rng = np.random.default_rng(0)
    row = ((rng.random(size) < share) * rng.normal(size=size)).astype(np.float32)
    row[: int(size > 1)] = np.nan
    wanted = np.flatnonzero(row)
    assert count(row) == len(wanted)
    places, numbers = np.full(len(wanted), -1), np.zeros(len(wanted), np.float32)
    list_into(row, places, numbers)
    assert places.tolist() == wanted.tolist() and np.array_equal(numbers, row[wanted], equal_nan=True)


@pytest.mark.parametrize("inputs", [40, 41])
@pytest.mark.parametrize("hidden", [5, 8, 9])
@pytest.mark.parametrize("together", [False, True])
def test_inputs_that_are_rare_give_the_same(monkeypatch, inputs, hidden, together):
    """One-hot observations are gone through one by one; the same by whole products, and by numpy's. Layers of whole
    vectors across lie in the row of parameters, narrow ones are turned around, others are copied. Each decision sees
    something of its own, or several of two lanes' see the same."""
    rng = np.random.default_rng(0)
    rows = np.zeros((1, 60, inputs), np.float32)
    np.put_along_axis(rows, rng.integers(0, inputs, (1, 60, 2)), 1.5, -1)
    seen, lane, which = own(rows.reshape(1, 2, 30, inputs)), 0, np.arange(60)
    if together:
        seen, lane = Seen(rows, rng.integers(0, 9, (2, 60)), 30), 1
        which = seen.which[1]
    at, said_by = rng.permutation(60)[:51], rng.normal(size=(52, wide(3))).astype(np.float32)
    said_by[51], said_by[:, 3:] = 0, 0
    sizes = ((inputs + 2 + 1) * hidden, (hidden + 1) * 3)
    row = rng.normal(size=sum(sizes) + 5).astype(np.float32)
    first, second = (m.reshape(-1, n) for m, n in zip(np.split(row[5:], sizes[:1]), (hidden, 3)))
    x = np.concatenate([rows[0, which[at]], np.eye(2)[at // 30]], 1)
    h = np.tanh(x @ first[:-1] + first[-1])
    back = (said_by[:51, :3] @ second[:-1].T) * (1 - h * h)
    wanted = [x.T @ back, back.sum(0)[None], h.T @ said_by[:51, :3], said_by[:, :3].sum(0)[None]]
    for rare in (1, 10**9):  # from here on down always, and never
        monkeypatch.setattr(fused_inputs, "RARE", rare)
        net = fused_network.network(5, (inputs + 2, hidden, 3))
        grad, given = np.zeros(row.size, np.float32), fused_inputs.inputs_of(inputs + 2)
        found = fused_inputs.survey.py_func(seen, lane, at, 2)
        listed = np.count_nonzero(rows[0, np.unique(which[at])])  # once a row
        assert (found.rare, found.places.size) == ((True, listed) if rare == 1 else (False, 0))
        fused_inputs.show(seen, lane, at, 2, found, given)
        fused_network.load(row, net)
        fused_network.turn(row, net)
        fused_network.forward(row, net, given, 52, found.rare, False)
        np.testing.assert_allclose(part(net, Y, 1)[:51, :3], h @ second[:-1] + second[-1], atol=1e-5)
        part(net, BACK, 1)[:52] = said_by
        fused_network.backward(grad, net, given, 52, found.rare, False, np.zeros((1, 64), np.float32))
        fused_network.store(net, grad)
        np.testing.assert_allclose(grad[5:], np.concatenate([m.ravel() for m in wanted]), atol=3e-5)
        assert not grad[:5].any()


def test_working_memory_begins_with_a_line_of_the_cache():
    for shape in ((3,), (5, 7), (1, 64)):
        x = fused_inputs.lined_up(*shape)
        assert x.shape == shape and x.ctypes.data % 64 == 0 and x.flags.c_contiguous and not x.any()
