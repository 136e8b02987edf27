"""Pairs that last until somebody walks out."""

import networkx as nx
import numpy as np
import pytest

import marl_sim as ms


def society(n_agents=4, rounds=1000, **options):
    return ms.Society(ms.PrisonersDilemma(), ms.Exit(), n_agents=n_agents, horizon=ms.Fixed(rounds), **options)


@pytest.mark.parametrize("n_agents", [3, 4, 5, 8])
@pytest.mark.parametrize("encounters", ["together", "in turn"])
def test_partners_are_each_others_and_one_of_the_two_hosts(random_steps, n_agents, encounters):
    for sim, _ in random_steps(society(n_agents, encounters=encounters), 60):
        partner = sim.state["partner"]
        for world, row in enumerate(partner):
            for i, j in enumerate(row):
                assert j < 0 or (j != i and row[j] == i)
                if j >= 0:
                    assert sim.state["willing"][world, i] + sim.state["willing"][world, j] == 1


def test_pairs_stay_while_nobody_leaves(table):
    t = table(society(6), num_envs=20)
    before = t.sim.state["partner"].copy()
    assert (before >= 0).all()
    for _ in range(5):
        t.round(exit=0)
    assert (t.sim.state["partner"] == before).all()


def test_an_odd_one_waits_for_a_pair_to_break(table):
    t = table(society(5), num_envs=50)
    alone = t.sim.state["partner"] < 0
    assert (alone.sum(1) == 1).all()
    t.until("exit")
    assert not t.sim.acting[alone].any()
    t.step(exit=0)
    assert ((t.sim.state["partner"] < 0) == alone).all()
    for _ in range(20):
        t.round(exit=1)
    assert (alone & (t.sim.state["partner"] >= 0)).any()


@pytest.mark.parametrize("encounters", ["together", "in turn"])
def test_one_who_leaves_frees_both_and_nobody_else(table, encounters):
    t = table(society(6, encounters=encounters), num_envs=100)
    before = t.sim.state["partner"].copy()
    while t.sim.state["round"][0, 0] == 0:
        t.step(exit=np.array([[1, 0, 0, 0, 0, 0]]))
    assert (t.sim.state["partner"] == before).all()  # the only two who are free meet again
    roles = t.sim.state["willing"].copy()
    while t.sim.state["round"][0, 0] == 1:
        t.step(exit=np.array([[1, 1, 0, 0, 0, 0]]))
    after = t.sim.state["partner"]
    free = np.zeros((100, 6), dtype=bool)
    free[:, :2] = True
    np.put_along_axis(free, before[:, :2], True, axis=1)
    assert (after == before)[~free].all()
    assert (t.sim.state["willing"] == roles)[~free].all()
    assert (np.take_along_axis(free, after, axis=1) == free).all()
    assert (after != before)[free].any()


def test_the_free_are_matched_uniformly(table, near):
    worlds = 9000
    t = table(society(4), num_envs=worlds)
    for _ in range(2):
        for j in (1, 2, 3):
            near((t.sim.state["partner"][:, 0] == j).sum(), worlds, 1 / 3)
        near(t.sim.state["willing"][:, 0].sum(), worlds, 1 / 2)
        t.round(exit=1)


def test_pairs_are_neighbours(random_steps):
    graph = nx.cycle_graph(6)
    for sim, _ in random_steps(society(6, graph=graph), 60):
        for row in sim.state["partner"]:
            assert all(j < 0 or graph.has_edge(i, int(j)) for i, j in enumerate(row))


def test_break_ups_are_counted_once(table):
    t = table(society(4, rounds=3))
    t.round(exit=1)
    t.round(exit=np.array([[1, 0, 0, 0]]))
    assert t.round(exit=0).step.tallies["break_ups"].tolist() == [[3]]


def test_the_partners_last_actions_are_seen(table):
    game = ms.Society(ms.PrisonersDilemma(), ms.Exit(), ms.Reputation(), n_agents=4, encode="index")
    t = table(game)
    t.until("exit", play=np.array([[0, 1, 0, 1]]))
    facing = t.sim.state["facing"][0]
    assert t.sees("partner_actions").ravel().tolist() == (facing % 2).tolist()
    assert (np.sign(t.sees("target_reputation").ravel()) == 1 - 2 * (facing % 2)).all()


def test_misfits_are_refused(refused):
    refused(lambda: society(2), "Exit", "at least 3 agents", "2")
    two = (ms.Exit(), ms.PartnerSelection())
    refused(lambda: ms.Society(ms.PrisonersDilemma(), *two, n_agents=4), "Exit", "PartnerSelection")
