"""Fines and judges: closed forms, who judges whom, and how witnesses are drawn."""

import itertools

import networkx as nx
import numpy as np
import pytest

import marl_sim as ms

PROFILES = np.array(list(itertools.product((0, 1), repeat=4)))  # defects 0, defects 1, punishes 0, punishes 1
PLAY = {(0, 0): (3, 3), (0, 1): (0, 4), (1, 0): (4, 0), (1, 1): (1, 1)}


def society(n_agents=5, encounters="in turn", **options):
    return ms.Society(
        ms.PrisonersDilemma(), ms.Punishment(**options), n_agents=n_agents, encounters=encounters, turns="index"
        if encounters == "in turn" else "random", horizon=ms.Continuing(10),
    )  # fmt: skip


@pytest.mark.parametrize(
    "prices", [dict(), dict(just=-3.0), dict(fine=1.5, just=0.5, unjust=0.25, cost=1.0)], ids=["paid", "costly", "own"]
)
@pytest.mark.parametrize("encounters", ["together", "in turn"])
def test_partners_every_profile_pays_by_the_closed_form(table, prices, encounters):
    part = ms.Punishment(**prices)
    t = table(society(2, encounters, **prices), num_envs=16)
    paid = t.round(play=PROFILES[:, :2], punish=PROFILES[:, 2:])
    for world, (d0, d1, p0, p1) in enumerate(PROFILES):
        for_a_judge = [part.unjust - part.cost, part.just - part.cost]
        judged = [p0 * for_a_judge[d1], p1 * for_a_judge[d0]]
        assert paid.payoff[world].tolist() == list(PLAY[d0, d1])
        assert paid.fined[world].tolist() == [-part.fine * p1, -part.fine * p0]
        assert paid.judging[world].tolist() == judged


def test_counts_of_judgements(table):
    game = ms.Society(ms.PrisonersDilemma(), ms.Punishment(), n_agents=2, horizon=ms.Fixed(1))
    told = table(game, num_envs=16).round(play=PROFILES[:, :2], punish=PROFILES[:, 2:]).step.tallies
    for world, (d0, d1, p0, p1) in enumerate(PROFILES):
        assert told["justly"][world] == p0 * d1 + p1 * d0 == told["by_partner"][world, 0]
        assert told["unjustly"][world] == p0 * (1 - d1) + p1 * (1 - d0) == told["by_partner"][world, 1]
        spared = [(1 - p0) * d1 + (1 - p1) * d0, (1 - p0) * (1 - d1) + (1 - p1) * (1 - d0)]
        assert told["spared"][world].tolist() == spared


@pytest.mark.parametrize("by", ["witness", "both"])
def test_in_turn_host_and_guest_are_judged_by_bystanders_drawn_apart(table, near, by):
    worlds = 9000
    t = table(society(by=by), num_envs=worlds)
    t.until("punish")
    watch, facing = t.sim.state["watch"], t.sim.state["facing"]
    host, guest = np.zeros(worlds, dtype=int), facing[:, 0]
    row = np.arange(worlds)
    witness = [np.where((watch[:, p] == who[:, None]) & (facing < 0), 1, 0) for p, who in ((0, host), (1, guest))]
    for p in (0, 1):
        assert (witness[p].sum(1) == 1).all()
        assert (watch[:, p][facing < 0] >= 0).sum() == worlds
    near((witness[0] & witness[1]).any(1).sum(), worlds, 1 / 3)  # two draws with replacement among three
    near(witness[0][:, 4].sum(), (facing[:, 4] < 0).sum(), 1 / 3)
    if by == "both":
        assert (watch[row, 0, guest] == host).all()
        assert (watch[row, 1, host] == guest).all()
    else:
        assert (watch[facing[:, None].repeat(2, 1) >= 0] < 0).all()


def test_each_pass_settles_its_own_judges(table):
    t = table(society(by="both"))
    paid = t.round(play=np.array([[0, 1, 1, 1, 1]]), punish=1)
    guest = int(np.flatnonzero(paid.payoff[0] == 4)[0])
    assert paid.fined[0, 0] == paid.fined[0, guest] == -6.0  # by the partner and by a witness
    assert paid.fined[0].sum() == -12.0
    assert paid.judging[0].sum() == 2 * 2.0 + 2 * -10.0
    assert paid.judging[0, 0] == 2.0
    assert paid.judging[0, guest] == -10.0


@pytest.mark.parametrize("witnesses", [1, 2, 3])
def test_witnesses_are_distinct_and_as_many_as_wanted(table, witnesses):
    t = table(society(by="witness", witnesses=witnesses), num_envs=200)
    t.until("punish")
    watch = t.sim.state["watch"]
    assert ((watch[:, 0] == 0).sum(1) == witnesses).all()
    assert ((watch[:, 1] >= 0).sum(1) == witnesses).all()


@pytest.mark.parametrize("by", ["witness", "both"])
def test_together_nobody_witnesses_its_own_encounter(random_steps, by):
    game = society(6, "together", by=by)
    first = int(by == "both")
    for sim, _ in random_steps(game, 60, 20):
        if game.stages[sim.stage[0]].kind != "punish":
            continue
        watch, facing = sim.state["watch"], sim.state["facing"]
        for p in range(first, watch.shape[1]):
            for i in range(6):
                seen = watch[:, p, i]
                assert (seen != i).all()
                assert ((seen < 0) | (seen != facing[:, i])).all()


def test_together_whom_one_watches_is_uniform(table, near):
    worlds = 12000
    t = table(society(6, "together", by="witness"), num_envs=worlds)
    t.until("punish")
    watch, facing = t.sim.state["watch"][:, 0, 0], t.sim.state["facing"][:, 0]
    assert (watch >= 0).all()
    for j in range(1, 6):
        near((watch == j).sum(), (facing != j).sum(), 1 / 4)


def test_on_a_graph_witnesses_are_neighbours_of_the_players(random_steps):
    graph = nx.connected_caveman_graph(3, 4)
    game = ms.make("direct_punishment", by="witness", selection=True, n_agents=12, graph=graph)
    for sim, _ in random_steps(game, 200, 3):
        for world, watch in enumerate(sim.state["watch"]):
            facing = sim.state["facing"][world]
            players = set(np.flatnonzero(facing >= 0))
            for j in {j for row in watch for j in np.flatnonzero(row >= 0)} if players else ():
                if sim.game.stages[sim.stage[world]].kind == "punish":
                    assert j not in players
                    assert any(graph.has_edge(j, p) for p in players)


def test_without_antisocial_punishment_only_defectors_can_be_punished(table):
    t = table(society(2, "together", antisocial=False))
    t.until("punish", play=np.array([[0, 1]]))
    assert t.sim.legal[0].tolist() == [[True, True], [True, False]]


def test_a_judge_sees_what_the_judged_and_its_opponent_did(table):
    t = table(ms.make("direct_punishment", by="witness", seen_in=()))
    t.until("punish", play=np.array([[0, 1, 1, 1, 1]]))
    judge = int(np.flatnonzero(t.sim.acting[0])[0])
    assert t.sees("target_act")[judge] == 0  # the host is judged first
    assert t.sees("opponent_act")[judge] == 1


def test_misfits_are_refused(refused):
    refused(lambda: ms.Punishment(fine=-1), "fine", "-1")
    refused(lambda: ms.Punishment(by="judge"), "'judge'", "witness")
    refused(lambda: ms.Punishment(witnesses=0), "witnesses", "0")
    refused(lambda: society(2, by="witness"), "at least 3 agents", "2")
    refused(lambda: society(4, by="both", witnesses=3), "at least 5 agents", "4")
