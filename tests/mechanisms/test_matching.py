"""Who meets whom: by chance, by choice, by consent."""

import networkx as nx
import numpy as np
import pytest

import marl_sim as ms


def society(*parts, n_agents=5, **options):
    return ms.Society(ms.PrisonersDilemma(), *parts, **dict(n_agents=n_agents, horizon=ms.Continuing(3)) | options)


def test_random_pairs_are_disjoint_and_uniform(table, near):
    worlds = 12000
    t = table(society(n_agents=5), num_envs=worlds)
    partner = t.sim.state["partner"]
    out = partner < 0
    assert (out.sum(1) == 1).all()
    assert (np.take_along_axis(partner, np.where(out, 0, partner), 1)[~out] == np.nonzero(~out)[1]).all()
    near(out[:, 0].sum(), worlds, 1 / 5)
    for j in range(1, 5):
        near((partner[:, 0] == j).sum(), worlds, 1 / 5)
    near((t.sim.state["hosting"][:, 0]).sum(), worlds, 2 / 5)


def test_hosts_draw_their_guests_uniformly(table, near):
    worlds = 9000
    t = table(society(ms.RandomMatching(how="hosts"), n_agents=4), num_envs=worlds)
    for i in range(4):
        for j in set(range(4)) - {i}:
            near((t.sim.state["partner"][:, i] == j).sum(), worlds, 1 / 3)


def test_one_pair_a_round(table, near):
    worlds = 9000
    t = table(society(ms.RandomMatching(how="one pair"), encounters="in turn", horizon=ms.Fixed(2)), num_envs=worlds)
    near(t.sim.state["hosting"][:, 0].sum(), worlds, 1 / 5)
    near((t.sim.state["facing"][:, 0] >= 0).sum(), worlds, 2 / 5)
    assert not t.round(play=0).step.terminated.any()
    assert t.round(play=0).step.terminated.all()


def test_partners_for_an_episode_are_kept(table):
    t = table(society(ms.RandomMatching(how="hosts", every="episode"), encounters="in turn"), num_envs=20)
    before = t.sim.state["partner"].copy()
    for _ in range(14):
        assert not t.round(play=0).step.truncated.any()
        assert (t.sim.state["partner"] == before).all()
    assert t.round(play=0).step.truncated.all()
    assert (t.sim.state["partner"] != before).any()


def test_choices_name_the_peers_in_order(table):
    t = table(society(ms.PartnerSelection()))
    t.step(select=np.array([[0, 1, 2, 3, 0]]))
    assert t.sim.state["partner"][0].tolist() == [1, 2, 3, 4, 0]
    t = table(society(ms.PartnerSelection()))
    t.step(select=np.array([[3, 3, 3, 3, 3]]))
    assert t.sim.state["partner"][0].tolist() == [4, 4, 4, 4, 3]


def test_the_selected_play_more_and_are_paid_for_each_encounter(table):
    t = table(society(ms.PartnerSelection(), n_agents=4))
    paid = t.round(select=np.array([[0, 0, 0, 0]]), play=np.array([[0, 1, 1, 0]]))
    # encounters host-guest: 0-1, 1-0, 2-0, 3-0
    assert paid.payoff.tolist() == [[0 + 0 + 0 + 3, 4 + 4, 4, 3]]


def test_selectors_see_the_last_actions_of_their_peers(table):
    game = society(ms.PartnerSelection(history=2), n_agents=3, memory=2, encode="index")
    t = table(game)
    assert t.sees("peers_actions").tolist() == [[2, 2, 2, 2]] * 3  # nothing yet
    t.round(select=0, play=np.array([[0, 1, 1]]))
    t.round(select=0, play=np.array([[1, 1, 0]]))
    assert t.sees("peers_actions").tolist() == [[1, 1, 0, 1], [1, 0, 0, 1], [1, 0, 1, 1]]


def test_on_a_graph_one_chooses_among_neighbours(random_steps):
    graph = nx.Graph([(0, 1), (0, 2), (0, 3), (1, 2)])  # degrees 3, 2, 2, 1
    game = society(ms.PartnerSelection(), ms.Norm(), n_agents=4, graph=graph, encode="index")
    for sim, _ in random_steps(game, 60):
        if game.stages[sim.stage[0]].kind == "select":
            assert sim.legal[0].sum(1).tolist() == [3, 2, 2, 1]
        for row in sim.state["partner"]:
            assert all(j < 0 or graph.has_edge(i, int(j)) for i, j in enumerate(row))


def test_encounters_take_place_where_the_selected_consents(table):
    game = society(ms.PartnerSelection(consent=True), n_agents=4)
    t = table(game, num_envs=100)
    t.step(select=np.array([[0, 0, 0, 0]]))  # 0 chooses 1; 1, 2 and 3 choose 0
    suitor = t.sim.state["suitor"]
    assert (suitor[:, 1:] == [0, -1, -1]).all()
    assert set(suitor[:, 0]) == {1, 2, 3}
    assert (t.sim.acting == [True, True, False, False]).all()
    courting = suitor[:, 0].copy()
    t.step(consent=np.array([[1, 0, 0, 0]]))  # 0 accepts its suitor, 1 refuses
    want = np.zeros((100, 4), dtype=int)
    want[np.arange(100), courting] = 1
    assert (t.sim.state["hosting"] == want).all()


def test_where_all_refuse_nobody_plays(table):
    t = table(society(ms.PartnerSelection(consent=True), n_agents=4, horizon=ms.Fixed(2)))
    t.step(select=0)
    step = t.step(consent=0)
    assert step.round_over.all()
    assert t.kind == "select"


@pytest.mark.parametrize("how", ["pairs", "one pair"])
def test_misfits_are_refused(refused, how):
    wrong = "in turn" if how == "pairs" else "together"
    refused(lambda: society(ms.RandomMatching(how=how), encounters=wrong), how, "encounters")
    refused(lambda: society(ms.PartnerSelection(history=2)), "history", "memory of 1", "2")
    refused(lambda: society(ms.PartnerSelection(), ms.RandomMatching()), "PartnerSelection", "RandomMatching")
