"""Public goods and provision points: payoffs for every profile of small games, and for any profile of larger ones."""

import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marl_sim as ms

NAMES = ["public_goods", "sequential_public_goods", "threshold_public_goods"]


def paid(game, gives, seed=0):
    """What one round pays where agents give amounts [W, n] (steps of the grid, or with a box numbers): [W, n]."""
    sim = ms.Simulator(game, num_envs=len(gives), seed=seed)
    sim.reset()
    total = np.zeros(gives.shape)
    while True:
        kind = game.stages[int(sim.stage[0])].kind
        step = sim.step(np.where(sim.acting, gives if kind == "play" else 0, 0))
        total += step.reward
        if step.round_over.all():
            return total


def shared(c, endowment, multiplier):
    """The linear public goods game, from its definition."""
    return [endowment - own + multiplier * sum(c) / len(c) for own in c]


def provided(c, endowment, threshold, value, refund):
    """The provision point, from its definition; c in whole hundredths."""
    if sum(c) >= round(threshold * 100):
        return [endowment - own / 100 + value for own in c]
    return [endowment if refund else endowment - own / 100 for own in c]


@pytest.mark.parametrize("order", ["together", "fixed", "random", "bid"])
@pytest.mark.parametrize(("n", "multiplier"), [(2, 1.5), (3, 1.8), (4, 1.6), (4, 5.0), (2, 0.0)])
def test_public_goods_pay_every_profile(n, multiplier, order):
    profiles = np.array([*itertools.product(range(3), repeat=n)])
    game = ms.make("public_goods", n_agents=n, levels=3, multiplier=multiplier, endowment=10, order=order, rounds=2)
    expected = [shared([5.0 * k for k in profile], 10, multiplier) for profile in profiles]
    np.testing.assert_allclose(paid(game, profiles), expected, rtol=1e-14)


@pytest.mark.parametrize("order", ["together", "fixed", "random"])
@pytest.mark.parametrize("refund", [False, True])
@pytest.mark.parametrize(("n", "threshold", "value"), [(3, 2.0, 1.5), (3, 2.0, 0.8), (4, 2.0, 1.5), (3, 2.5, 1.5)])
def test_provision_points_pay_every_profile(n, threshold, value, refund, order):
    profiles = np.array([*itertools.product(range(5), repeat=n)])
    options = dict(threshold=threshold, value=value, refund=refund)
    game = ms.make("threshold_public_goods", n_agents=n, levels=5, order=order, rounds=1, **options)
    expected = [provided([25 * int(k) for k in profile], 1.0, **options) for profile in profiles]
    np.testing.assert_allclose(paid(game, profiles), expected, rtol=1e-14)


@pytest.mark.parametrize(
    ("n", "threshold", "path", "payoffs"),
    [
        (3, 2.0, (0, 1, 1), (1.5, 0.5, 0.5)),
        (4, 2.0, (0, 0, 1, 1), (1.5, 1.5, 0.5, 0.5)),
        (3, 2.5, (0.5, 1, 1), (1.0, 0.5, 0.5)),
    ],
)
def test_provision_paths_of_the_facts(n, threshold, path, payoffs):
    """Net of the endowment, which the facts leave out."""
    part = ms.ThresholdPublicGoods(threshold=threshold, order="fixed")
    game = ms.Group(part, n_agents=n, horizon=ms.Fixed(1))
    steps = np.rint(20 * np.array([path])).astype(int)
    np.testing.assert_allclose(paid(game, steps)[0] - 1, payoffs, atol=1e-12)


@pytest.mark.parametrize("box", [False, True])
def test_a_threshold_is_reached_by_tenths_that_add_up_to_it(box):
    """Sums of decimals miss by less than a part in a billion, and that is not missed; one step less is."""
    for total in range(1, 30):
        part = ms.ThresholdPublicGoods(threshold=total / 10, levels=11, box=box)
        game = ms.Group(part, n_agents=3, horizon=ms.Fixed(1))
        every = np.array([p for p in itertools.product(range(11), repeat=3) if total - 1 <= sum(p) <= total])
        payoff = paid(game, every / 10 if box else every)
        assert np.array_equal((payoff > 1.01 - every / 10).all(1), every.sum(1) == total)


@given(
    n=st.integers(2, 9),
    levels=st.integers(2, 30),
    endowment=st.floats(0.01, 1e4),
    multiplier=st.floats(0, 20),
    order=st.sampled_from(["together", "fixed", "random", "bid"]),
    box=st.booleans(),
    seed=st.integers(0, 1000),
)
@settings(max_examples=60)
def test_any_public_good_pays_its_formula(n, levels, endowment, multiplier, order, box, seed):
    box = box and order != "bid"
    part = ms.PublicGoods(levels=levels, endowment=endowment, multiplier=multiplier, order=order, box=box)
    rng = np.random.default_rng(seed)
    gives = rng.random((4, n)) * endowment if box else rng.integers(0, levels, (4, n))
    money = gives if box else endowment * gives / (levels - 1)
    expected = [shared(list(c), endowment, multiplier) for c in money]
    game = ms.Group(part, n_agents=n, horizon=ms.Geometric(0.5))
    np.testing.assert_allclose(paid(game, gives, seed), expected, rtol=1e-12, atol=1e-9 * endowment)


@given(n=st.integers(2, 7), data=st.data(), value=st.floats(0, 5), refund=st.booleans(), seed=st.integers(0, 1000))
@settings(max_examples=40)
def test_any_provision_point_pays_its_formula(n, data, value, refund, seed):
    threshold = data.draw(st.integers(1, 100 * n)) / 100
    part = ms.ThresholdPublicGoods(threshold=threshold, value=value, refund=refund, levels=101)
    gives = np.random.default_rng(seed).integers(0, 101, (5, n))
    expected = [provided([int(k) for k in c], 1.0, threshold, value, refund) for c in gives]
    game = ms.Group(part, n_agents=n, horizon=ms.Fixed(1))
    np.testing.assert_allclose(paid(game, gives, seed), expected, atol=1e-12)


def test_what_free_riding_does():
    """With an MPCR of 0.4, giving costs 0.6 of it, gives the others 0.4 each, and all are best off if all give all."""
    game = ms.make("public_goods", rounds=1)
    everybody, all_but_one, nobody = paid(game, np.array([[20] * 4, [0, 20, 20, 20], [0] * 4]))
    np.testing.assert_allclose(everybody, [32] * 4)
    np.testing.assert_allclose(all_but_one, [44, 24, 24, 24])
    np.testing.assert_allclose(nobody, [20] * 4)


@pytest.mark.parametrize("name", NAMES)
def test_registered_games_are_what_they_say(name, random_steps, refused):
    game = ms.make(name)
    assert pickle.loads(pickle.dumps(game)) == game and game.label == name
    assert game.n_agents == 4
    assert len(game.stages) == (4 if name == "sequential_public_goods" else 1)
    for order in ("together", "fixed", "random", "bid"):
        for _ in random_steps(ms.make(name, order=order, levels=4, rounds=2), 30, 2):
            pass
    refused(lambda: ms.make(name, levels=1), "levels", "1")
    with pytest.raises((TypeError, ValueError), match="did you mean 'endowment'"):
        ms.make(name, endowmnt=3)


def test_wrong_numbers_are_refused(refused):
    refused(lambda: ms.PublicGoods(multiplier=-1), "multiplier", "at least 0", "-1")
    refused(lambda: ms.PublicGoods(multiplier=float("nan")), "multiplier", "finite", "nan")
    refused(lambda: ms.ThresholdPublicGoods(threshold=0), "threshold", "above 0", "0")
    refused(lambda: ms.ThresholdPublicGoods(value=-2), "value", "at least 0", "-2")
    refused(lambda: ms.make("threshold_public_goods", n_agents=3, threshold=3.5), "threshold", "= 3", "3.5")
    ms.make("threshold_public_goods", n_agents=3, threshold=3, rounds=1)
    ms.make("public_goods", multiplier=9.0)  # no dilemma, but a game
