"""The commons: regrowth, rationing, the sustainable yield, and what happens to a pool that is taken from too much."""

import numpy as np
import pytest

import marl_sim as ms


def pool(n_agents=5, rounds=30, horizon=None, encode="one_hot", **options):
    return ms.Group(
        ms.CommonPool(**options), n_agents=n_agents, horizon=horizon or ms.Fixed(rounds), encode=encode
    )  # fmt: skip


def by_hand(asked, stock, part):
    """(next stock, payoffs) when these amounts are asked for."""
    got = np.array(asked) * min(1, stock / sum(asked)) if sum(asked) else np.zeros(len(asked))
    grown = stock - got.sum() + part.growth * stock * (1 - stock / part.capacity)
    return max(grown, 0.0), part.price * got - part.cost * np.array(asked)


@pytest.mark.parametrize(
    "options", [{}, dict(capacity=40, growth=1.0, most=9, levels=4, price=2.0, cost=0.5), dict(initial=0.3, box=True)]
)
def test_stock_and_payoffs_are_those_of_the_formula(options):
    game, rng = pool(floor=0, **options), np.random.default_rng(0)
    part, sim = game.dilemma, ms.Simulator(game, num_envs=1)
    sim.reset()
    stock, rationed = part.initial * part.capacity, 0
    for _ in range(30):
        if part.box:
            asked = actions = rng.uniform(0, part.most, (1, 5))
        else:
            actions = rng.integers(part.levels, size=(1, 5))
            asked = actions * part.most / (part.levels - 1)
        rationed += asked.sum() > stock
        stock, paid = by_hand(asked[0], stock, part)
        step = sim.step(actions)
        np.testing.assert_allclose(step.reward[0], paid, atol=1e-9)
        if step.terminated[0]:
            break
        assert sim.state["stock"][0, 0] == pytest.approx(stock)
        took = paid + part.cost * asked[0]
        assert sim.state["catch"][0, 0] == pytest.approx(took.sum() / part.price)
    assert rationed


def test_the_maximum_sustainable_yield_can_be_taken_for_ever_and_no_more(table):
    part = ms.CommonPool(initial=0.5)
    assert part.sustainable_yield == 0.4 * 100 / 4 == 10
    share = 2 / 0.5  # two units each, of five agents
    t = table(pool(initial=0.5, rounds=200), num_envs=2)
    more = np.full((2, 5), share, dtype=int)
    more[1, 0] += 1  # half a unit too much
    for _ in range(199):
        step = t.step(play=more)
        if step.terminated[1]:
            break
        assert t.sim.state["stock"][0, 0] == 50.0
        assert step.reward[0].tolist() == [2.0] * 5
    assert step.terminated.tolist() == [False, True]  # lost long before the clock
    assert step.tallies["collapsed"][1] == 1


@pytest.mark.parametrize("stock", np.linspace(0.1, 1.0, 10))
def test_no_stock_yields_more_for_ever_than_half_the_capacity(stock):
    part = ms.CommonPool()
    regrowth = part.growth * stock * part.capacity * (1 - stock)
    assert regrowth <= part.sustainable_yield
    assert (regrowth == pytest.approx(part.sustainable_yield)) == (stock == 0.5)


def test_greed_ends_the_game_and_restraint_does_not(table):
    t = table(pool(rounds=30), num_envs=2)
    paid = np.zeros(2)
    stock, rounds = 100.0, 0
    while stock > 5:  # everybody takes the most
        stock, rounds = by_hand([5.0] * 5, stock, t.game.dilemma)[0], rounds + 1
    for k in range(rounds):
        step = t.step(play=np.array([[10] * 5, [4] * 5]))
        paid += step.reward.sum(1)
        assert step.terminated.tolist() == [k == rounds - 1, False]
    assert [step.tallies[name][0, 0] for name in ("lasted", "collapsed")] == [rounds, 1]
    assert step.tallies["stock_left"][0, 0] == pytest.approx(stock)
    assert step.tallies["harvested"][0, 0] == pytest.approx(paid[0])
    for _ in range(rounds, 30):
        step = t.step(play=4)
        paid[1] += step.reward[1].sum()
    assert step.terminated[1]
    assert step.tallies["collapsed"][1, 0] == 0
    assert step.tallies["lasted"][1, 0] == 30
    assert paid[1] == 300 > 2 * paid[0]


def test_who_asks_for_more_than_its_part_defects(table):
    t = table(pool())
    t.step(play=np.array([[0, 3, 4, 5, 10]]))
    assert t.sim.state["defected"][0].tolist() == [0, 0, 0, 1, 1]
    sim = ms.Simulator(pool(box=True))
    sim.reset()
    sim.step(np.array([[0.0, 1.9, 2.0, 2.1, 5.0]]))
    assert sim.state["defected"][0].tolist() == [0, 0, 0, 1, 1]
    t = table(pool(n_agents=2, growth=0.01, capacity=120, most=0.2, levels=5))  # 0.15 each
    assert t.game.dilemma.amounts[3] > 0.15
    t.step(play=np.array([[3, 4]]))
    assert t.sim.state["defected"][0].tolist() == [0, 1]


def test_stock_and_harvest_are_seen_as_numbers_or_bins(table):
    t = table(pool(initial=0.8))
    assert t.sees("stock").ravel().tolist() == [np.float32(0.8)] * 5
    assert t.sees("last_harvest").ravel().tolist() == [0.0] * 5
    t.step(play=np.array([[10, 10, 0, 0, 5]]))
    np.testing.assert_allclose(t.sees("stock")[0], (80 - 12.5 + 0.4 * 80 * 0.2) / 100, rtol=1e-6)
    np.testing.assert_allclose(t.sees("last_harvest")[0], 0.5, rtol=1e-6)
    t = table(pool(bins=4, encode="index"))
    assert t.game.layout.levels("play") == (4, 4)
    assert t.sees("stock")[0] == 3  # full: in the last bin
    t.step(play=10)
    assert t.sees("stock")[0] == 3  # 75
    assert t.sees("last_harvest")[0] == 3
    for _ in range(3):
        t.step(play=10)
    assert t.sees("stock")[0] == int(t.sim.state["stock"][0, 0] / 25) == 1


def test_a_continuing_society_keeps_its_pool_and_a_lost_one_begins_anew(table):
    t = table(pool(horizon=ms.Continuing(2)))
    t.step(play=10)
    assert t.step(play=10).truncated.all()
    assert t.sim.state["stock"][0, 0] == pytest.approx(57.5)
    step = t.step(play=10)
    while not step.terminated.all():
        step = t.step(play=10)
    assert not step.truncated.any()
    assert t.sim.state["stock"][0, 0] == 100.0


def test_mechanisms_act_in_the_round_that_loses_the_stock(table):
    t = table(ms.Group(ms.CommonPool(most=100, levels=2), ms.Reputation(), n_agents=2, horizon=ms.Fixed(5)))
    step = t.step(play=1)
    assert step.terminated.all()
    assert step.tallies["reputation"].tolist() == [[-1.0, -1.0]]


def test_the_yield_is_reported_over_all_rounds_that_could_have_been():
    class Episode:
        def mean(self, tally):
            return np.array([150.0])

    for horizon, rounds in ((ms.Fixed(30), 30), (ms.Continuing(10), 10), (ms.Geometric(0.95), 20)):
        game = pool(horizon=horizon)
        assert game.dilemma.measures(game, Episode()) == {"yield_share": pytest.approx(150 / (10 * rounds))}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(capacity=0), ("capacity must be above 0", "0")),
        (dict(most=-1), ("most must be above 0", "-1")),
        (dict(price=0), ("price must be above 0",)),
        (dict(growth=0), ("growth must be above 0 and at most 1", "0")),
        (dict(growth=1.5), ("growth", "1.5")),
        (dict(growth=float("nan")), ("growth must be a finite number",)),
        (dict(initial=1.2), ("initial", "1.2")),
        (dict(floor=100), ("floor must be from 0 to below the initial stock of 100", "100")),
        (dict(initial=0.04), ("floor", "initial stock of 4")),
        (dict(cost=-1), ("cost", "-1")),
        (dict(levels=1), ("levels must be at least 2", "1")),
        (dict(bins=1), ("bins must be 0 or at least 2", "1")),
    ],
)
def test_wrong_options_are_refused(refused, options, words):
    refused(lambda: ms.CommonPool(**options), "CommonPool", *words)
