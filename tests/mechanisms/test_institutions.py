"""Institutions: where one lives, whose pot one shares, who can be sanctioned, and what is known at the vote."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.training.metrics import EpisodeBook


def society(*parts, n_agents=4, rounds=3, by="feet", game=None, horizon=None, encode="index", **options):
    parts = (ms.Institutions(by=by, **options), *parts)
    game = game or ms.PublicGoods(levels=5)
    return ms.Group(game, *parts, n_agents=n_agents, horizon=horizon or ms.Fixed(rounds), encode=encode)


def by_hand(given, house, multiplier=1.6, endowment=20.0):
    """What each gets who gives so much in its house."""
    paid = []
    for mine, where in zip(given, house, strict=True):
        pot, members = given[house == where].sum(), (house == where).sum()
        paid.append(endowment - mine + (multiplier * pot / members if members > 1 else mine))
    return paid


def test_every_house_shares_its_own_pot_and_who_is_alone_gains_nothing(table):
    houses = np.array(list(itertools.product((0, 1), repeat=4)))
    acts = np.random.default_rng(0).integers(5, size=(16, 4))
    paid = table(society(), num_envs=16).round(vote=houses, play=acts)
    for world, house in enumerate(houses):
        np.testing.assert_allclose(paid.payoff[world], by_hand(5.0 * acts[world], house))
    alone = table(society(n_agents=2)).round(vote=np.array([[0, 1]]), play=np.array([[4, 2]]))
    assert alone.payoff.tolist() == [[20.0, 20.0]]


def test_sanctions_reach_housemates_in_the_sanctioning_institution_alone(table):
    parts = ms.PeerPunishment(points=2), ms.PeerReward(points=2)
    t = table(society(*parts, n_agents=5))
    house = np.array([1, 0, 1, 0, 1])
    pairs = {"sanction": np.zeros((5, 5), int), "reward": np.zeros((5, 5), int)}
    t.step(vote=house)
    paid = dict.fromkeys(t.game.components, 0.0)
    over = False
    while not over:
        kind = t.kind
        if kind != "play":
            for i in np.flatnonzero(t.sim.acting[0]):
                pairs[kind][i, t.sim.state["target"][0, i]] += 1
                assert t.sees("members")[i] == 3
        step = t.step(play=2, sanction=2, reward=1)
        paid = {name: paid[name] + step.components[name][0] for name in paid}
        over = step.round_over[0]
    among = np.outer(house, house) - np.diag(house)
    assert (pairs["sanction"] == among).all()
    assert (pairs["reward"] == among).all()
    assert paid["punished"].tolist() == (-3.0 * 2 * 2 * house).tolist()
    assert paid["rewarding"].tolist() == (-2.0 * house).tolist()


def test_nobody_sanctions_where_all_live_without(table):
    t = table(society(ms.PeerPunishment()))
    t.step(vote=0)
    assert t.step(play=2).round_over.all()
    paid = t.round(vote=np.array([[1, 0, 0, 0]]), play=3)  # one alone with sanctions
    assert not paid.punished.any()


@pytest.mark.parametrize("n", [3, 4])
def test_the_majority_decides_for_all(table, near, n):
    votes = np.array(list(itertools.product((0, 1), repeat=n)))
    worlds = 200
    t = table(society(by="majority", n_agents=n), num_envs=len(votes) * worlds)
    t.step(vote=np.repeat(votes, worlds, axis=0))
    lives = t.sim.state["sanctioning"].reshape(len(votes), worlds, n)
    assert (lives == lives[:, :, :1]).all()
    ties = 0
    for vote, there in zip(votes, lives[:, :, 0], strict=True):
        if 2 * vote.sum() == n:
            ties += there.sum()
        else:
            assert (there == (vote.sum() > n / 2)).all()
    if n == 4:
        near(ties, 6 * worlds, 0.5)
    paid = t.step(play=np.arange(n)).components["payoff"]
    np.testing.assert_allclose(paid, [by_hand(5.0 * np.arange(n), np.zeros(n))] * len(paid))


@pytest.mark.parametrize("after", [False, True])
def test_the_last_round_is_known_at_the_vote(table, after):
    judges = ms.PeerPunishment(points=1, cost=2.0, effect=4.0), ms.PeerReward(points=1, effect=5.0)
    parts = (*judges, ms.Institutions()) if after else (ms.Institutions(), *judges)
    t = table(ms.Group(ms.PublicGoods(levels=5), *parts, n_agents=5, encode="index"))
    for name in ("incomes", "contributions", "size"):
        assert not t.sees(name).any()
    house, acts = np.array([0, 1, 1, 0, 1]), np.array([4, 0, 2, 1, 3])
    paid = t.round(vote=house, play=acts, sanction=lambda sim: np.arange(5) % 2, reward=1)
    given = 5.0 * acts
    income = paid.reward[0]
    assert paid.punishing[0].any()
    sanctions = paid.punished + paid.punishing + paid.rewarded + paid.rewarding
    np.testing.assert_allclose(income, by_hand(given, house) + sanctions[0])
    means = [income[house == s].mean() for s in (0, 1)]
    np.testing.assert_allclose(t.sees("incomes"), [[m / (20 + abs(m)) for m in means]] * 5, rtol=1e-6)
    np.testing.assert_allclose(t.sees("contributions"), [[given[house == s].mean() / 20 for s in (0, 1)]] * 5)
    assert t.sees("size").ravel().tolist() == [3.0] * 5
    t.round(vote=1, play=0, sanction=0, reward=0)
    np.testing.assert_allclose(t.sees("incomes"), [[0, 0.5]] * 5)  # nobody lived without; 20 in the other
    assert t.sees("size")[0] == 5


@ms.rule
def wage(n, acting, payoff):
    """Every turn is paid for."""
    for i in range(n):
        payoff[i] += 7.0 * acting[i]


class Wages(ms.PublicGoods):
    """Public goods that pay at every turn."""

    def stages(self, game):
        return [replace(stage, then=(*stage.then, wage)) for stage in super().stages(game)]


@pytest.mark.parametrize("by", ["feet", "majority"])
def test_incomes_add_up_over_turns_and_not_over_rounds(table, by):
    t = table(society(game=Wages(levels=5, order="fixed"), n_agents=3, by=by))
    for _ in range(2):
        mean = t.round(vote=1, play=np.array([[4, 2, 0]])).payoff.mean()
        assert mean > 27
        np.testing.assert_allclose(t.sees("incomes")[0, 1], mean / (20 + mean), rtol=1e-6)


def test_a_continuing_society_knows_its_last_round(table):
    t = table(society(horizon=ms.Continuing(1)))
    assert t.round(vote=1, play=4).step.truncated.all()
    assert t.sees("size")[0] == 4
    np.testing.assert_allclose(t.sees("contributions")[0], [0, 1])


def test_what_is_measured():
    game = society(ms.PeerPunishment(), rounds=2)
    sim, book = ms.Simulator(game), EpisodeBook(game, (0,), 1, 1, 1)
    sim.reset()
    votes, rows = iter([[1, 1, 0, 0], [1, 1, 1, 0]]), []
    while not rows:
        kind = game.stages[sim.stage[0]].kind
        act = {"vote": next(votes) if kind == "vote" else None, "play": [4, 3, 2, 0], "sanction": [0] * 4}[kind]
        rows = book.see(sim.step(np.where(sim.acting, act, 0)))
    (row,) = rows
    assert row["institutions"] == 5 / 8
    assert row["contribution_sanctioning"] == pytest.approx((1 + 0.75 + 1 + 0.75 + 0.5) / 5)
    assert row["contribution_free"] == pytest.approx((0.5 + 0 + 0) / 3)
    assert row["vote:sanctioning"] == 5 / 8


def test_commons_and_risks_can_have_sanctions_by_majority(random_steps, table):
    for dilemma in (ms.CommonPool(), ms.CollectiveRisk(target=20)):
        game = society(ms.PeerPunishment(points=1), by="majority", game=dilemma, n_agents=3)
        for _ in random_steps(game, 60):
            pass
    t = table(society(by="majority", game=ms.CommonPool(), n_agents=5))
    paid = t.round(vote=0, play=np.array([[0, 2, 4, 6, 10]]))
    np.testing.assert_allclose(t.sees("contributions")[0], [1 - (0 + 2 + 4 + 6 + 10) / 50, 0], rtol=1e-6)
    np.testing.assert_allclose(t.sees("incomes")[0, 0], paid.reward.mean() / (5 + paid.reward.mean()), rtol=1e-6)


def test_what_is_known_can_be_left_out():
    assert [s.name for s in society(sees=("size",)).layout.slots] == ["stage", "size", "own_before", "total_before"]
    assert society(sees=("size",)).layout.levels("vote") == (5,)
    assert society(sees=()).layout.block("vote") == slice(2, 2)


def test_misfits_are_refused(refused):
    refused(lambda: ms.Institutions(by="hands"), "Institutions", "'hands'", "feet", "majority")
    refused(lambda: ms.Institutions(sees=("all",)), "sees", "'all'", "incomes")
    refused(lambda: society(game=ms.CommonPool()), "by='feet'", "CommonPool", "by='majority'")
    refused(lambda: society(game=ms.CollectiveRisk(target=20)), "by='feet'", "CollectiveRisk")
    refused(lambda: society(game=ms.MacSPGG(), by="majority"), "Institutions needs", "payoff", "MacSPGG")
    refused(lambda: society(game=ms.PublicGoods(box=True)), "discrete", "vote")
