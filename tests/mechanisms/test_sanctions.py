"""Points among peers: what they cost and do, who decides about whom, what one knows of the others' points."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.training.metrics import EpisodeBook

GAMES = {
    "public goods": lambda *parts, **o: ms.Group(ms.PublicGoods(levels=5), *parts, **o),
    "in order": lambda *parts, **o: ms.Group(ms.PublicGoods(levels=5, order="random"), *parts, **o),
    "commons": lambda *parts, **o: ms.Group(ms.CommonPool(levels=5), *parts, **o),
}


def group(*parts, n_agents=4, rounds=3, encode="index", game="public goods"):
    return GAMES[game](*parts, n_agents=n_agents, horizon=ms.Fixed(rounds), encode=encode)


def round_of(game, points, given, worlds=1, seed=0):
    """One round. points[kind][i, j]: what i assigns to j. Steps as (kind, acting, targets, obs, step), copied."""
    sim = ms.Simulator(game, num_envs=worlds, seed=seed)
    sim.reset()
    told = []
    while True:
        kind, acting = game.stages[sim.stage[0]].kind, sim.acting.copy()
        target, seen = sim.state["target"].copy(), sim.obs.copy()
        chosen = given if kind == "play" else points[kind][np.arange(game.n_agents), target]
        step = sim.step(np.where(acting, chosen, 0))
        told.append((kind, acting, target, seen, step.copy()))
        if step.round_over[0]:
            return told


def total(told, component):
    return sum(step.components[component] for *_, step in told)


@pytest.mark.parametrize("game", GAMES)
@pytest.mark.parametrize("n", [2, 3, 5])
def test_a_point_costs_the_punisher_and_takes_from_the_punished(game, n):
    rng = np.random.default_rng(n)
    part = ms.PeerPunishment(points=6, cost=0.5, effect=2.5)
    points = rng.integers(7, size=(n, n))
    np.fill_diagonal(points, 0)
    told = round_of(group(part, n_agents=n, game=game), {"sanction": points}, rng.integers(5, size=n), worlds=3)
    np.testing.assert_allclose(total(told, "punishing"), [-0.5 * points.sum(1)] * 3)
    np.testing.assert_allclose(total(told, "punished"), [-2.5 * points.sum(0)] * 3)
    for kind, acting, target, _, step in told[:-1]:
        assert not step.components["punished"].any()  # not before all have decided
        if kind == "sanction":
            paid = -0.5 * np.where(acting, points[np.arange(n), target], 0)
            np.testing.assert_allclose(step.components["punishing"], paid)


def test_a_reward_gives_what_a_punishment_takes_and_both_go_together():
    rng = np.random.default_rng(1)
    points = {kind: rng.integers(4, size=(4, 4)) for kind in ("sanction", "reward")}
    for table in points.values():
        np.fill_diagonal(table, 0)
    parts = ms.PeerReward(points=3, cost=1.0, effect=1.5), ms.PeerPunishment(points=3, effect=2.0)
    game = group(*parts)
    assert game.kinds == ("play", "reward", "sanction")
    told = round_of(game, points, np.array([0, 1, 2, 4]))
    np.testing.assert_allclose(total(told, "rewarding")[0], -points["reward"].sum(1))
    np.testing.assert_allclose(total(told, "rewarded")[0], 1.5 * points["reward"].sum(0))
    np.testing.assert_allclose(total(told, "punishing")[0], -points["sanction"].sum(1))
    np.testing.assert_allclose(total(told, "punished")[0], -2.0 * points["sanction"].sum(0))
    sim = ms.Simulator(game)
    sim.reset()
    assert not sim.state["received"].any()


def test_a_new_round_starts_from_nothing(table):
    t = table(group(ms.PeerPunishment(points=2), rounds=3), num_envs=2)
    for _ in range(3):
        paid = t.round(play=0, sanction=2)
        assert paid.punished.tolist() == [[-3.0 * 2 * 3] * 4] * 2
        assert paid.punishing.tolist() == [[-2.0 * 3] * 4] * 2


@pytest.mark.parametrize("n", [2, 3, 6])
def test_each_decides_about_each_other_once(n):
    told = round_of(group(ms.PeerPunishment(), n_agents=n), {"sanction": np.zeros((n, n), int)}, 0, worlds=50)
    pairs = np.zeros((50, n, n), dtype=int)
    for kind, acting, target, *_ in told:
        if kind == "sanction":
            assert acting.all()
            pairs[np.arange(50)[:, None], np.arange(n), target] += 1
            assert (np.sort(target, axis=1) == np.arange(n)).all()  # nobody is decided about twice at once
    assert (pairs == 1 - np.eye(n, dtype=int)).all()


def test_in_every_pass_whom_one_decides_about_is_uniform(near):
    worlds, n = 20_000, 4
    told = round_of(group(ms.PeerPunishment(points=1)), {"sanction": np.zeros((n, n), int)}, 0, worlds=worlds)
    first, second, _ = (target for kind, _, target, *_ in told if kind == "sanction")
    for i in range(n):
        for j in set(range(n)) - {i}:
            near((first[:, i] == j).sum(), worlds, 1 / 3)
            near((second[:, i] == j).sum(), worlds, 1 / 3)


def test_the_order_is_drawn_anew_every_round(table):
    t = table(group(ms.PeerPunishment(), rounds=2), num_envs=500)
    orders = []
    for _ in range(2):
        t.until("sanction", play=0)
        orders.append(t.sim.state["judging_order"][:, 0].copy())
        while t.kind == "sanction":
            t.step(sanction=0)
    assert 0 < (orders[0] == orders[1]).all(1).mean() < 0.2  # one in 24


def test_nobody_knows_of_others_points_before_all_have_decided():
    rng = np.random.default_rng(2)
    mine, given = rng.integers(4, size=4), np.array([0, 1, 3, 4])
    outcomes = []
    for _ in range(4):
        points = {kind: rng.integers(4, size=(4, 4)) for kind in ("sanction", "reward")}
        for table in points.values():
            table[0] = mine
        parts = ms.PeerPunishment(points=3), ms.PeerReward(points=3), ms.Reputation()
        outcomes.append(round_of(group(*parts), points, given))
    for told in outcomes[1:]:
        for (*_, seen, step), (*_, other_seen, other_step) in zip(told, outcomes[0], strict=True):
            assert np.array_equal(seen[:, 0], other_seen[:, 0])
            if not step.round_over[0]:
                assert np.array_equal(step.reward[:, 0], other_step.reward[:, 0])
    assert len({float(told[-1][-1].reward[0, 0]) for told in outcomes}) > 1


def test_one_sees_what_the_other_oneself_and_all_did(table):
    t = table(group(ms.PeerPunishment(), encode="index"))
    given = np.array([4, 1, 0, 2])
    t.until("sanction", play=given)
    while t.kind == "sanction":
        target = t.sim.state["target"][0]
        assert t.sees("target_act").ravel().tolist() == given[target].tolist()
        assert t.sees("own_act").ravel().tolist() == given.tolist()
        assert t.sees("total_act").ravel().tolist() == [7.0] * 4
        t.step(sanction=0)
    assert t.game.layout.levels("sanction") == (5, 5, 17)


def test_a_budget_is_for_all_points_together(table):
    parts = ms.PeerPunishment(points=3, cost=1.0, budget=6), ms.PeerReward(points=4, cost=2.0, budget=6)
    t = table(group(*parts))
    t.until("sanction", play=0)
    allowed = []
    for points in (2, 1, 0, 1, 0, 0):
        allowed.append(int(t.sim.legal[0, 0].sum()) - 1)
        t.step(sanction=points, reward=points)
    assert allowed == [3, 3, 3, 1, 0, 0]  # 6, 4, 3, 3, 1, 1 left; a reward costs 2
    t.round(play=0)
    t.until("reward", play=0)
    assert t.sim.legal[0].sum(-1).tolist() == [4] * 4
    exact = table(group(ms.PeerPunishment(points=4, cost=0.1, budget=0.3)))  # 3 * 0.1 > 0.3 in floating point
    exact.until("sanction", play=0)
    assert exact.sim.legal[0].sum(-1).tolist() == [4] * 4


def test_what_is_measured():
    points = np.array([[0, 3, 2, 0], [1, 0, 0, 0], [0, 1, 0, 2], [0, 0, 4, 0]])
    given = np.array([0, 1, 4, 4])  # of 4: the first two defect
    low, high = 3 + 1 + 1, 2 + 2 + 4
    told = round_of(group(ms.PeerPunishment(), rounds=1), {"sanction": points}, given)
    book = EpisodeBook(group(ms.PeerPunishment(), rounds=1), (0,), 1, 1, 1)
    (row,) = [row for *_, step in told for row in book.see(step)]
    assert row["sanction_points"] == row["points_assigned"] == low + high
    assert row["sanction_on_defectors"] == pytest.approx(low / 6)  # two of them, three deciding about each
    assert row["sanction_on_cooperators"] == pytest.approx(high / 6)
    assert row["sanction_just_share"] == pytest.approx(low / 13)
    assert row["sanction_antisocial_share"] == pytest.approx((3 + 2 + 2 + 4) / 13)  # all but 1 on 0 and 2 on 1
    game = group(ms.PeerReward(), rounds=1)
    book = EpisodeBook(game, (0,), 1, 1, 1)
    (row,) = [row for *_, step in round_of(game, {"reward": points}, given) for row in book.see(step)]
    assert row["reward_just_share"] == pytest.approx(high / 13)
    assert row["reward_on_cooperators"] == pytest.approx(high / 6)


def test_nothing_is_measured_of_points_that_nobody_assigns():
    game = group(ms.PeerPunishment(), rounds=1)
    book = EpisodeBook(game, (0,), 1, 1, 1)
    (row,) = [row for *_, step in round_of(game, {"sanction": np.zeros((4, 4), int)}, 0) for row in book.see(step)]
    assert {value for name, value in row.items() if name.startswith("sanction_")} == {0.0}


def test_misfits_are_refused(refused):
    refused(lambda: ms.PeerPunishment(points=0), "PeerPunishment", "points must be at least 1", "0")
    refused(lambda: ms.PeerPunishment(cost=-1), "PeerPunishment", "cost", "-1")
    refused(lambda: ms.PeerReward(effect=-0.5), "PeerReward", "effect", "-0.5")
    refused(lambda: ms.PeerReward(budget=-1), "PeerReward", "budget", "-1")
    refused(lambda: ms.PeerPunishment(points=2.5), "points must be a whole number", "2.5")
    refused(lambda: ms.Group(ms.OffSwitch(), ms.PeerPunishment(), n_agents=2), "PeerPunishment needs", "OffSwitch")
    refused(lambda: ms.Society(ms.PrisonersDilemma(), ms.PeerPunishment()), "lives among groups")
    refused(lambda: ms.Group(ms.PublicGoods(box=True), ms.PeerPunishment(), n_agents=3), "discrete", "sanction")
    refused(lambda: ms.Group(ms.CommonPool(), ms.PeerReward(), n_agents=1), "at least 2 agents", "1")
