"""Contributions: turns, what later movers see and what they do not, pots by house, memories, measures."""

import itertools
from typing import ClassVar

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.training.metrics import EpisodeBook

NOTHING = 5  # of 5 levels


def group(n_agents=3, rounds=1, encode="index", levels=5, horizon=None, parts=(), **options):
    part = ms.PublicGoods(levels=levels, **options)
    return ms.Group(part, *parts, n_agents=n_agents, horizon=horizon or ms.Fixed(rounds), encode=encode)


def mover(t, world=0):
    """Whose turn it is."""
    assert t.sim.acting[world].sum() == 1
    return int(t.sim.acting[world].argmax())


def seen(t, world=0):
    """What the mover sees, by field."""
    kind, i = t.kind, mover(t, world)
    return {s.name: t.sees(s.name, world)[i].tolist() for s in t.game.layout.slots if s.kind == kind}


# ---------------------------------------------------------------- turns


def test_all_at_once_or_one_after_the_other(table):
    t = table(group())
    assert [s.name for s in t.game.stages] == ["contribute"] and t.sim.acting.all()
    t = table(group(order="fixed"))
    assert [(s.name, s.kind) for s in t.game.stages] == [(f"contribute {p}", "play") for p in (1, 2, 3)]
    assert [(mover(t), t.step(play=1).reward.any()) for _ in range(3)] == [(0, False), (1, False), (2, True)]


def test_a_random_order_is_uniform_and_new_every_round(table, near):
    worlds = 6000
    t = table(group(order="random", horizon=ms.Continuing(2)), num_envs=worlds)
    orders = []
    for _ in range(3):
        t.round(play=0)
        orders.append(t.sim.state["order"].copy())  # of the round that has begun
    for order in orders:
        for wanted in itertools.permutations(range(3)):
            near((order == wanted).all(1).sum(), worlds, 1 / 6)
    for one, two in itertools.pairwise(orders):
        near((one == two).all(1).sum(), worlds, 1 / 6)


def test_the_highest_bid_moves_first_and_chance_decides_between_equals(table, near):
    worlds = 4000
    t = table(group(4, order="bid", bids=3, bid_price=0.25, rounds=2), num_envs=worlds)
    assert t.kind == "bid" and t.sim.acting.all()
    step = t.step(bid=np.array([[0, 2, 1, 2]]))
    np.testing.assert_array_equal(step.reward, np.broadcast_to([0, -0.5, -0.25, -0.5], (worlds, 4)))
    np.testing.assert_array_equal(step.components["bidding"], step.reward)
    order = t.sim.state["order"]
    assert (order[:, 2:] == [2, 0]).all()
    near((order[:, 0] == 1).sum(), worlds, 0.5)
    assert (np.sort(order[:, :2]) == [1, 3]).all()
    first = order[:, 0].copy()
    assert (t.sim.acting.argmax(1) == first).all()
    t.until("bid").step(bid=1)  # all alike
    order = t.sim.state["order"]
    for i, p in itertools.product(range(4), range(4)):
        near((order[:, p] == i).sum(), worlds, 1 / 4)


# ---------------------------------------------------------------- seeing

SEEN = {  # by the movers of a round in which 1, 4 and 2 are given
    "all": [
        {"position": [0], "contributions": [NOTHING, NOTHING]},
        {"position": [1], "contributions": [1, NOTHING]},
        {"position": [2], "contributions": [1, 4]},
    ],
    "total": [{"position": [p], "total": [s]} for p, s in enumerate((0, 1, 5))],
    "last": [{"position": [p], "last": [c]} for p, c in enumerate((NOTHING, 1, 4))],
    "none": [{"position": [p]} for p in range(3)],
}


@pytest.mark.parametrize("order", ["fixed", "random", "bid"])
@pytest.mark.parametrize("sees", SEEN)
def test_a_mover_sees_what_sees_says_and_no_more(table, order, sees):
    t = table(group(order=order, sees=sees), num_envs=4)
    for _ in range(3):  # episodes
        if order == "bid":
            t.step(bid=np.array([[2, 0, 1]]))
        for p, gives in enumerate((1, 4, 2)):
            for world in range(4):
                assert seen(t, world) == SEEN[sees][p]
            t.step(play=gives)


@pytest.mark.parametrize("sees", SEEN)
def test_what_is_not_to_be_seen_leaves_no_trace_in_any_observation(sees):
    """Two rounds that differ in what was given before: observations are equal where what may be seen of it is."""
    game = group(4, levels=3, order="random", sees=sees, rounds=2)
    visible = {"all": tuple, "total": sum, "last": lambda path: path[-1:], "none": lambda path: ()}[sees]
    shown = {}
    for path in itertools.product(range(3), repeat=3):
        sim = ms.Simulator(game, seed=3)
        sim.reset()
        for p, gives in enumerate(path):
            obs = sim.step(np.where(sim.acting, gives, 0)).obs[0].copy()
            shown.setdefault((p, visible(path[: p + 1])), []).append(obs)
    for same in shown.values():
        assert all(np.array_equal(same[0], other) for other in same)
    assert len({obs[0].tobytes() for obs in shown.values()}) == len(shown)  # and what may be seen is


def test_nobody_sees_what_is_given_at_once_or_what_was_bid():
    game = group(3, order="bid", bids=5)
    sim = ms.Simulator(game)
    sim.reset()
    one, two = (sim.what_if(np.array([bids])).obs for bids in ([4, 2, 0], [3, 1, 0]))
    assert np.array_equal(one, two)
    assert (one != sim.what_if(np.array([[0, 2, 4]])).obs).any()  # but whose turn it is, they do


@pytest.mark.parametrize("order", ["together", "fixed", "random"])
def test_the_last_round_is_known_when_it_is_over_and_not_before(table, order):
    t = table(group(order=order, rounds=3, sees="none"))
    gives = np.array([[1, 4, 2]])

    def known():
        own, total = t.sees("own_before"), t.sees("total_before")
        return {i: (own[i, 0], total[i, 0]) for i in np.flatnonzero(t.sim.acting[0])}

    def through_a_round(gives):
        found = {}
        while True:
            found |= known()
            if t.step(play=gives).round_over[0]:
                return found

    assert through_a_round(gives) == dict.fromkeys(range(3), (NOTHING, 13))
    assert through_a_round(np.array([[3, 3, 3]])) == {0: (1, 7), 1: (4, 7), 2: (2, 7)}
    assert through_a_round(0) == dict.fromkeys(range(3), (3, 9))
    assert through_a_round(0) == dict.fromkeys(range(3), (NOTHING, 13))  # another episode of a game that is over


def test_a_society_that_lives_on_remembers_the_last_round(table):
    t = table(group(horizon=ms.Continuing(1)))
    assert t.round(play=2).step.truncated.all()
    assert t.sees("own_before").tolist() == [[2]] * 3 and t.sees("total_before").tolist() == [[6]] * 3


def test_a_single_round_shows_nothing_of_a_last_one():
    assert [slot.name for slot in group().layout.slots] == ["stage"]
    assert [slot.name for slot in group(order="fixed", sees="none").layout.slots] == ["stage", "position"]


def test_tables_can_learn_every_grid_game():
    for order, sees in itertools.product(("together", "fixed", "bid"), SEEN):
        layout = group(order=order, sees=sees, rounds=2).layout
        want = (6, 14)
        if order != "together":
            want += (3, *{"all": (6, 6), "total": (9,), "last": (6,), "none": ()}[sees])
        assert layout.levels("play") == want
        if order == "bid":
            assert layout.levels("bid") == (6, 14)


def test_one_hot_and_index_say_the_same(table):
    one, two = (table(group(order="fixed", rounds=2, encode=encode)) for encode in ("one_hot", "index"))
    for gives in (3, 0, 4, 1, 2, 0):
        for field, levels in (("contributions", 6), ("own_before", 6), ("total_before", 14), ("position", 3)):
            columns = two.sees(field)[mover(two)].astype(int)
            assert np.array_equal(one.sees(field)[mover(one)], np.eye(levels)[columns].ravel())
        one.step(play=gives), two.step(play=gives)


# ---------------------------------------------------------------- any amount


@pytest.mark.parametrize("order", ["together", "fixed", "random"])
@pytest.mark.parametrize("sees", ["all", "total", "last"])
@pytest.mark.parametrize(
    "part", [ms.PublicGoods, ms.ThresholdPublicGoods, lambda **o: ms.MacSPGG(B=2.55, **o)], ids=["pgg", "tpg", "mac"]
)
def test_a_range_at_the_grids_points_is_the_grid(part, order, sees):
    made = dict(levels=8, order=order, sees=sees, endowment=1.3)
    grid, box = (ms.Group(part(box=box, **made), n_agents=3, horizon=ms.Continuing(2)) for box in (False, True))
    one, two = (ms.Simulator(game, num_envs=50, seed=2) for game in (grid, box))
    one.reset(), two.reset()
    rng, share = np.random.default_rng(0), 7.0
    for _ in range(12):
        assert np.array_equal(one.acting, two.acting)
        chosen = np.where(one.acting, rng.integers(0, 8, one.acting.shape), 0)
        a, b = one.step(chosen), two.step(1.3 * chosen / 7)
        for name in grid.components:
            assert np.array_equal(a.components[name], b.components[name]), name
        for name in ("given", "pot", "members", "givers", "order", "defected", "played"):
            assert np.array_equal(one.state[name], two.state[name]), name
    np.testing.assert_allclose(one.state["own_before"] / share, two.state["own_before"])


def test_shares_are_seen_where_any_amount_can_be_given():
    game = group(order="fixed", box=True, rounds=2, endowment=4.0)
    assert game.box == (0.0, 4.0)
    sim = ms.Simulator(game)
    sim.reset()
    amounts, shown = [1.0, 4.0, 2.0, 0.0, 3.0], []
    for amount in amounts:
        k = int(sim.acting[0].argmax())
        slots = [s for s in game.layout.slots if s.kind == "play" and s.name != "position"]
        shown.append({s.name: sim.obs[0, k, s.start : s.stop].tolist() for s in slots})
        sim.step(np.where(sim.acting, amount, 0.0))
    assert shown == [
        {"own_before": [-1], "total_before": [-1], "contributions": [-1, -1]},
        {"own_before": [-1], "total_before": [-1], "contributions": [0.25, -1]},
        {"own_before": [-1], "total_before": [-1], "contributions": [0.25, 1]},
        {"own_before": [0.25], "total_before": [1.75], "contributions": [-1, -1]},
        {"own_before": [1], "total_before": [1.75], "contributions": [0, -1]},
    ]


@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize("order", ["together", "random"])
@pytest.mark.parametrize("encode", ["one_hot", "index"])
def test_random_play_stays_in_the_space(box, order, encode):
    game = group(4, order=order, box=box, encode=encode, horizon=ms.Geometric(0.7), sees="total")
    sim, rng = ms.Simulator(game, num_envs=20), np.random.default_rng(0)
    sim.reset()
    low, high = game.layout.bounds()
    for _ in range(60):
        drawn = rng.random(sim.acting.shape) * 20.0 if box else rng.integers(0, 5, sim.acting.shape)
        step = sim.step(np.where(sim.acting, drawn, 0))
        assert ((low <= step.obs) & (step.obs <= high)).all()


# ---------------------------------------------------------------- what mechanisms find


@ms.rule
def part_ways(n, house):
    """Even and odd agents pool apart."""
    for i in range(n):
        house[i] = i % 2


@ms.rule
def listen(n, acting, defected, heard):
    """Who was heard to give, and whether fairly."""
    for i in range(n):
        if acting[i]:
            heard[i] += 10 if defected[i] else 1


class Witness(ms.Mechanism):
    """Pools by parity, and hears of every contribution."""

    on: ClassVar[tuple[str, ...]] = ("groups",)

    def state(self, game):
        return {"heard": ms.ints(game.n_agents)}

    def reactions(self, game):
        return {"deal": part_ways, "after:play": listen}


@pytest.mark.parametrize("order", ["together", "fixed", "bid"])
def test_pots_are_those_of_the_houses(table, order):
    t = table(group(5, order=order, parts=(Witness(),), rounds=2, levels=21))
    gives = np.array([[1, 2, 3, 4, 5]])
    paid = t.round(play=gives)
    pot, n = np.where(np.arange(5) % 2, 6, 9), np.where(np.arange(5) % 2, 2, 3)
    np.testing.assert_allclose(paid.payoff[0], 20 - gives[0] + 1.6 / n * pot)
    assert t.sim.state["pot"][0].tolist() == [9, 6, 0, 0, 0]
    assert t.sim.state["members"][0].tolist() == [3, 2, 0, 0, 0]
    t.until("play")
    for i in np.flatnonzero(t.sim.acting[0]):
        assert t.sees("total_before")[i] == pot[i]


@pytest.mark.parametrize("order", ["together", "fixed", "random"])
@pytest.mark.parametrize("box", [False, True])
@pytest.mark.parametrize(("fair", "want"), [(0.5, [10, 10, 1, 1]), (0.0, [1, 1, 1, 1]), (1.0, [10, 10, 10, 1])])
def test_mechanisms_hear_of_every_contribution_once(order, box, fair, want):
    game = group(4, order=order, box=box, fair=fair, parts=(Witness(),), rounds=2)
    sim = ms.Simulator(game)
    sim.reset()
    gives = np.array([[0.0, 5, 10, 20]]) if box else np.array([[0, 1, 2, 4]])
    while not sim.step(np.where(sim.acting, gives, 0)).round_over[0]:
        pass
    assert sim.state["heard"][0].tolist() == want
    assert sim.state["defected"][0].tolist() == [int(x == 10) for x in want]
    assert sim.state["played"][0].tolist() == [1] * 4
    assert (
        sim.state["did"][0, :, 0].tolist()
        == sim.state["recent"][0, :, 0].tolist()
        == ([0] * 4 if box else [0, 1, 2, 4])
    )


def test_nothing_is_given_before_ones_turn(table):
    t = table(group(order="fixed", rounds=2, levels=21))
    t.round(play=3)
    for p in range(3):
        assert t.sim.state["given"][0].tolist() == [7.0] * p + [0.0] * (3 - p)
        t.step(play=7)


# ---------------------------------------------------------------- measures


def measured(game, plan):
    """The row of records after episodes in which `plan[round][agent]` is given."""
    sim, rounds = ms.Simulator(game, num_envs=2), len(plan)
    sim.reset()
    book, rows = EpisodeBook(game, (0,), 2, 2, 2), []
    while not rows:
        gives = np.array([plan[r % rounds] for r in sim.state["round"][:, 0]])
        rows = book.see(sim.step(np.where(sim.acting, gives, 0)))
    return rows[0]


@pytest.mark.parametrize("order", ["together", "fixed"])
def test_measures_say_who_gave_how_much(order):
    row = measured(group(order=order, rounds=2), [(4, 4, 4), (0, 1, 3)])
    assert row["contribution"] == pytest.approx((12 + 4) / 24)
    assert [row[f"contribution_{i}"] for i in range(3)] == pytest.approx([4 / 8, 5 / 8, 7 / 8])
    assert row["full"] == 0.5
    assert row["cooperation"] == pytest.approx(4 / 6)
    if order == "fixed":
        assert [row[f"position_{p}"] for p in (1, 2, 3)] == pytest.approx([4 / 8, 5 / 8, 7 / 8])
    else:
        assert "position_1" not in row


def test_measures_by_position_follow_the_turns_and_not_the_names():
    game = group(2, order="bid", rounds=2)
    sim, book, rows = ms.Simulator(game), EpisodeBook(game, (0,), 1, 1, 1), []
    sim.reset()
    while not rows:
        bidding = game.stages[int(sim.stage[0])].kind == "bid"
        second_first = [0, 1] if sim.state["round"][0, 0] else [1, 0]
        step = sim.step(np.array([second_first]) if bidding else np.where(sim.acting, [[4, 1]], 0))
        rows = book.see(step)
    (row,) = rows
    assert (row["contribution_0"], row["contribution_1"]) == (1.0, 0.25)
    assert (row["position_1"], row["position_2"]) == (0.625, 0.625)


def test_measures_of_any_amount():
    row = measured(group(box=True, rounds=2), [(20.0, 20.0, 20.0), (1.0, 10.0, 9.0)])
    assert row["contribution"] == pytest.approx(80 / 120) and row["full"] == 0.5
    assert [row[f"cooperation_{i}"] for i in range(3)] == [0.5, 1.0, 0.5]
    assert row["cooperation"] == pytest.approx(4 / 6)


# ---------------------------------------------------------------- what is refused


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.PublicGoods(levels=1), "levels", "at least 2", "1")
    refused(lambda: ms.PublicGoods(levels=2.5), "levels", "whole number", "2.5")
    refused(lambda: ms.PublicGoods(endowment=0), "endowment", "above 0", "0")
    refused(lambda: ms.PublicGoods(endowment=float("inf")), "endowment", "finite")
    refused(lambda: ms.PublicGoods(fair=1.1), "fair", "from 0 to 1", "1.1")
    refused(lambda: ms.PublicGoods(fair=-0.1), "fair", "from 0 to 1", "-0.1")
    refused(lambda: ms.PublicGoods(order="randm"), "order", "'randm'", "did you mean 'random'")
    refused(lambda: ms.PublicGoods(sees="some"), "sees", "'some'", "total")
    refused(lambda: ms.PublicGoods(order="bid", bids=1), "bids", "at least 2", "1")
    refused(lambda: ms.PublicGoods(order="bid", bid_price=-1), "bid_price", "at least 0", "-1")
    refused(lambda: ms.PublicGoods(bids=5), "bids=5", "order='bid'", "'together'")
    refused(lambda: ms.PublicGoods(order="fixed", bid_price=0.5), "bid_price=0.5", "order='bid'", "'fixed'")
    refused(lambda: ms.PublicGoods(order="bid", box=True), "bid", "box=True")
    refused(lambda: ms.PublicGoods(box=1), "box", "True or False", "1")
    refused(lambda: ms.Group(ms.PublicGoods(), n_agents=1), "PublicGoods", "at least 2", "1")
    refused(lambda: ms.make("public_goods", encode="hot"), "encode", "'hot'")
