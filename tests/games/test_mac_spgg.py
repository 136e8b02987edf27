"""MAC-SPGG as reconstructed: the four parts of the reward, and the equilibrium paths of the facts."""

import inspect
import itertools
import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marl_sim as ms

PARTS = ["cost", "bonus", "share", "penalised"]


def paid(game, gives, seed=0):
    """What one round pays where agents give steps of the grid [W, n]: by component [W, n], and the order of turns."""
    sim = ms.Simulator(game, num_envs=len(gives), seed=seed)
    sim.reset()
    total = {name: np.zeros(gives.shape) for name in (*game.components, "reward")}
    while True:
        kind = game.stages[int(sim.stage[0])].kind
        if kind == "play":
            order = sim.state["order"].copy()
        step = sim.step(np.where(sim.acting, gives if kind == "play" else 0, 0))
        for name in game.components:
            total[name] += step.components[name]
        total["reward"] += step.reward
        if step.round_over.all():
            return total, order


def rewards(c, order, kappa=1.0, rho=1.8, gamma=1.5, B=3.0, scale="total", penalty=1.5, bonus="prod"):
    """The four parts for contributions c, made in `order` (None: at once), straight from the facts: [part, agent]."""
    n, found = len(c), np.zeros((4, len(c)))
    for i in range(n):
        before = [] if order is None else [c[j] for j in list(order)[: list(order).index(i)]]
        s = sum(before)
        found[0, i] = -kappa * c[i]
        found[1, i] = {
            "prod": gamma * c[i] * s,
            "mean": gamma * c[i] * s / len(before) if before else 0.0,
            "const": gamma * s,
        }[bonus]
        found[2, i] = rho / n * sum(c)
        reached = sum(c) / (n if scale == "mean" else 1) >= B - 1e-9
        found[3, i] = 0.0 if reached else -penalty
    return found


# ---------------------------------------------------------------- the facts

ROWS = [  # options, path, payoffs; n=3, kappa=1, rho=1.8, gamma=1.5, 20 steps where not said otherwise
    (dict(B=0, penalty=0), (0.30, 1, 1), (1.08, 0.83, 2.33)),
    (dict(B=0.85, penalty=0.8), (0.30, 1, 1), (1.08, 0.83, 2.33)),
    (dict(B=0.85, penalty=1.5), (0.30, 1, 1), (1.08, 0.83, 2.33)),
    (dict(B=2.55, penalty=0.8), (0.55, 1, 1), (0.98, 1.355, 2.855)),
    (dict(B=2.55, penalty=1.5), (0.55, 1, 1), (0.98, 1.355, 2.855)),
    (dict(B=0.85, scale="mean", penalty=1.5), (0.55, 1, 1), (0.98, 1.355, 2.855)),
    (dict(B=3, penalty=0.8), (1, 1, 1), (0.8, 2.3, 3.8)),
    (dict(B=3, penalty=1.5), (1, 1, 1), (0.8, 2.3, 3.8)),
    (dict(B=3, bonus="mean"), (1, 1, 1), (0.8, 2.3, 2.3)),
    (dict(B=0.85, bonus="const"), (0, 0, 0.85), (0.51, 0.51, -0.34)),
    (dict(gamma=0, B=2, penalty=0.5), (0, 1, 1), (1.2, 0.2, 0.2)),
    (dict(gamma=0, B=2.55, penalty=0.5), (0.55, 1, 1), (0.98, 0.53, 0.53)),
    (dict(gamma=0, B=3, penalty=0.5), (1, 1, 1), (0.8, 0.8, 0.8)),
    (dict(gamma=0, B=3, penalty=0.2), (0, 0, 0), (-0.2, -0.2, -0.2)),
    (dict(gamma=0, B=0, penalty=0), (0, 0, 0), (0, 0, 0)),
]


@pytest.mark.parametrize(("options", "path", "payoffs"), ROWS)
@pytest.mark.parametrize("sees", ["all", "last"])
def test_equilibrium_paths_pay_what_the_facts_say(options, path, payoffs, sees):
    game = ms.make("mac_spgg", sees=sees, **options)
    total, _ = paid(game, np.rint(20 * np.array([path])).astype(int))
    np.testing.assert_allclose(total["reward"][0], payoffs, atol=1e-12)


@pytest.mark.parametrize(("options", "path", "payoffs"), ROWS)
def test_the_last_two_movers_do_not_gain_by_leaving_those_paths(options, path, payoffs):
    """By brute force on the game itself: the last cannot gain alone, nor the last but one if the last answers best."""
    game = ms.make("mac_spgg", **options)
    steps = np.rint(20 * np.array(path)).astype(int)
    two = np.array([(steps[0], a, b) for a, b in itertools.product(range(21), repeat=2)])
    value = paid(game, two)[0]["reward"].reshape(21, 21, 3)
    answer = value[:, :, 2].argmax(1)
    assert value[steps[1], :, 2].max() == pytest.approx(payoffs[2], abs=1e-12)
    assert value[range(21), answer, 1].max() == pytest.approx(payoffs[1], abs=1e-12)


@pytest.mark.parametrize(
    ("n", "rho", "gamma", "path"),
    [(3, 1.8, 0.5, (0, 48, 60)), (4, 2.0, 1.5, (20, 60, 60, 60)), (5, 2.5, 1.0, (30, 60, 60, 60, 60))],
)
def test_triggers_of_the_facts(n, rho, gamma, path):
    """Below the trigger theta = (kappa - rho / n) / gamma in all, the next mover gives nothing; from it on, all."""
    game = ms.make("mac_spgg", n_agents=n, levels=61, rho=rho, gamma=gamma, B=0, penalty=0)
    first = next(p for p, c in enumerate(path) if c) + 1  # the mover after the one who pulls the trigger
    for step_less, gives_all in ((0, True), (1, False)):
        tried = np.tile(np.array(path), (61, 1))
        tried[:, first - 1] -= step_less
        tried[:, first:] = 0
        tried[:, first] = range(61)
        own = paid(game, tried)[0]["reward"][:, first]
        slope = own[-1] - own[0]
        assert slope > -1e-9 if gives_all else slope < -1e-3
    theta = (1 - rho / n) / gamma
    assert sum(path[:first]) / 60 == pytest.approx(theta)


def test_full_giving_pays_later_seats_more():
    for n in (2, 3, 5):
        total, _ = paid(ms.make("mac_spgg", n_agents=n, B=n), np.full((1, n), 20))
        np.testing.assert_allclose(total["reward"][0], [1.8 - 1 + 1.5 * i for i in range(n)])


# ---------------------------------------------------------------- every profile

MODES = [*itertools.product(["prod", "mean", "const"], [("total", 1.5), ("mean", 0.5)])]


@pytest.mark.parametrize("order", ["fixed", "random", "bid", "together"])
@pytest.mark.parametrize(("bonus", "threshold"), MODES)
def test_every_profile_pays_its_four_parts(order, bonus, threshold):
    options = dict(bonus=bonus, scale=threshold[0], B=threshold[1])
    profiles = np.array([*itertools.product(range(5), repeat=3)])
    game = ms.make("mac_spgg", levels=5, order=order, **options)
    total, orders = paid(game, profiles)
    assert list(game.components) == PARTS + ["bidding"] * (order == "bid")
    if order in ("random", "bid"):
        assert len(np.unique(orders, axis=0)) == 6
    for w, profile in enumerate(profiles):
        turns = None if order == "together" else orders[w]
        expected = rewards(profile / 4, turns, **options)
        np.testing.assert_allclose([total[name][w] for name in PARTS], expected, atol=1e-12)
        np.testing.assert_allclose(total["reward"][w], expected.sum(0), atol=1e-12)


numbers = st.integers(0, 40).map(lambda k: k / 10)


@given(
    n=st.integers(2, 7), kappa=numbers, rho=numbers, gamma=numbers, penalty=numbers, share=st.integers(0, 10),
    scale=st.sampled_from(["total", "mean"]), bonus=st.sampled_from(["prod", "mean", "const"]),
    order=st.sampled_from(["fixed", "random", "together"]), seed=st.integers(0, 1000),
)  # fmt: skip
@settings(max_examples=60)
def test_any_game_pays_its_four_parts(n, kappa, rho, gamma, penalty, share, scale, bonus, order, seed):
    options = dict(kappa=kappa, rho=rho, gamma=gamma, penalty=penalty, scale=scale, bonus=bonus)
    options["B"] = share / 10 * (n if scale == "total" else 1)
    gives = np.random.default_rng(seed).integers(0, 11, (4, n))
    total, orders = paid(ms.make("mac_spgg", n_agents=n, levels=11, order=order, **options), gives, seed)
    for w in range(4):
        expected = rewards(gives[w] / 10, None if order == "together" else orders[w], **options)
        np.testing.assert_allclose([total[name][w] for name in PARTS], expected, atol=1e-9)


# ---------------------------------------------------------------- as it comes


def test_the_call_of_the_issue_is_the_default():
    game = ms.make("mac_spgg", n_agents=3, levels=21, rho=1.8, gamma=1.5, B=3, penalty=1.5, bonus="prod")
    assert game == ms.make("mac_spgg") == ms.Group(ms.MacSPGG(), n_agents=3, horizon=ms.Fixed(1))
    assert pickle.loads(pickle.dumps(game)) == game and game.label == "mac_spgg"
    assert game.part(ms.MacSPGG).order == "fixed" and game.part(ms.MacSPGG).sees == "all"
    sim = ms.Simulator(game)
    sim.reset()
    ended = [bool(sim.step(np.where(sim.acting, 20, 0)).terminated[0]) for _ in range(6)]
    assert ended == [False, False, True] * 2


def test_it_says_what_it_is():
    for text in (inspect.getdoc(ms.MacSPGG), ms.describe("mac_spgg")):
        assert "reconstruction" in text.lower()
    assert "What is certain" in inspect.getdoc(ms.MacSPGG) and "What is inferred" in inspect.getdoc(ms.MacSPGG)


def test_wrong_numbers_are_refused(refused):
    for option in ("kappa", "rho", "gamma", "B", "penalty"):
        refused(lambda option=option: ms.MacSPGG(**{option: -0.5}), option, "at least 0", "-0.5")
        refused(lambda option=option: ms.MacSPGG(**{option: float("nan")}), option, "finite")
    refused(lambda: ms.make("mac_spgg", n_agents=2), "B must be at most 2", "total", "3")
    refused(lambda: ms.make("mac_spgg", B=1.2, scale="mean"), "B must be at most 1", "mean", "1.2")
    refused(lambda: ms.make("mac_spgg", bonus="sum"), "bonus", "'sum'", "prod")
    refused(lambda: ms.make("mac_spgg", scale="median"), "scale", "'median'", "total")
