"""Registered games: the studies' sizes, orders, numbers and observations; every game steps; wrong options."""

import pickle

import networkx as nx
import numpy as np
import pytest

import marl_sim as ms

STUDIES = {"direct_punishment", "partner_selection", "reputation_norms"}
DILEMMAS = {
    "prisoners_dilemma", "donation", "stag_hunt", "chicken", "battle_of_the_sexes", "pure_coordination", "harmony",
    "centipede", "matrix_game",
}  # fmt: skip


def test_what_is_registered():
    assert set(ms.registered()) >= STUDIES | DILEMMAS | {"society"}


@pytest.mark.parametrize("name", sorted(STUDIES | DILEMMAS | {"society"}))
def test_every_game_steps_and_pickles(random_steps, name):
    game = ms.make(name)
    assert pickle.loads(pickle.dumps(game)) == game
    assert game.label == pickle.loads(pickle.dumps(game)).label == name
    for _, step in random_steps(game, 40, 2):
        assert np.isfinite(step.reward).all()


# ---------------------------------------------------------------- Dasgupta & Musolesi

PLAY, SEEN = ["target_actions", "own_actions"], ["target_reputation", "own_reputation"]
JUDGED = ["target_act", "opponent_act"]


def seen(game):
    return {kind: [s.name for s in game.layout.slots if s.kind == kind] for kind in game.kinds}


@pytest.mark.parametrize("selection", [False, True])
@pytest.mark.parametrize("by", ["none", "partner", "witness", "both"])
def test_direct_punishment_is_seen_and_ordered_as_in_the_study(by, selection):
    game = ms.make("direct_punishment", by=by, selection=selection)
    want = {"select": ["reputations"]} if selection else {}
    want["play"] = PLAY if by == "partner" else PLAY + SEEN
    if by != "none":
        want["punish"] = JUDGED
    assert seen(game) == want
    width = {kind: game.layout.block(kind).stop - game.layout.block(kind).start for kind in game.kinds}
    assert width == {kind: 5 if kind == "select" else len(names) for kind, names in want.items()}
    assert game.n_agents == 5
    assert len([s for s in game.stages if s.kind == "punish"]) == {"none": 0, "partner": 1, "witness": 2, "both": 2}[by]


@pytest.mark.parametrize(("act", "total"), [(0, 300.0), (1, 100.0)])
def test_an_episode_of_the_study_is_fifty_pair_rounds(table, act, total):
    t = table(ms.make("direct_punishment", by="none"), num_envs=3)
    paid, rounds, ended, hosts = 0.0, 0, False, []
    while not ended:
        hosts.append(t.sim.state["hosting"][0].argmax())
        step = t.step(play=act)
        paid, rounds, ended = paid + step.reward.sum(1), rounds + 1, bool(step.truncated[0])
    assert rounds == 50
    assert hosts == [host for host in range(5) for _ in range(10)]  # by index, ten rounds each
    assert paid.tolist() == [total] * 3
    assert not step.terminated.any()
    want = 100 * (1 if act == 0 else -1)  # two deeds a pair-round, lasting
    assert t.sim.state["standing"].sum(-1).tolist() == [[want]] * 3


@pytest.mark.parametrize(("costly", "just"), [(False, 2.0), (True, -3.0)])
def test_numbers_of_punishment(table, costly, just):
    t = table(ms.make("direct_punishment", costly=costly))
    paid = t.round(play=np.array([[0, 1, 1, 1, 1]]), punish=1)
    guest = int(np.flatnonzero(paid.payoff[0] == 4)[0])
    assert paid.fined[0, [0, guest]].tolist() == [-3.0, -3.0]
    assert paid.judging[0, [0, guest]].tolist() == [just, -10.0]
    assert t.sim.state["standing"][0, 0, [0, guest]].tolist() == [1 + 2, -1 - 3]


def test_variants_of_the_study():
    game = ms.make("direct_punishment", by="witness", seen_in=("play", "punish"), fed_by=("punish",), private=True)
    reputation = game.part(ms.Reputation)
    assert (reputation.cooperate, reputation.defect, reputation.just, reputation.unjust) == (0, 0, 2, -3)
    assert reputation.private
    assert seen(game)["punish"] == [*JUDGED, "opponent_reputation", "target_reputation"]
    centipede = ms.make("direct_punishment", dilemma="centipede")
    assert centipede.part(ms.Reputation).cooperate == 0
    assert seen(centipede)["play"] == PLAY + SEEN
    caveman = nx.connected_caveman_graph(5, 5)
    game = ms.make("direct_punishment", by="witness", selection=True, n_agents=25, graph=caveman)
    assert len(game.choices("select")) == max(dict(caveman.degree).values())


def test_wrong_options_of_the_study(refused):
    refused(lambda: ms.make("direct_punishment", by="parnter"), "'parnter'", "did you mean 'partner'")
    refused(lambda: ms.make("direct_punishment", seen_in=("select",)), "seen_in", "'select'")
    refused(lambda: ms.make("direct_punishment", n_agent=3), "direct_punishment", "did you mean 'n_agents'")
    refused(lambda: ms.make("direct_punishment", by="both", n_agents=2), "at least 3 agents")


# ---------------------------------------------------------------- Anastassacos et al.


def test_partner_selection_as_in_the_study(table):
    game = ms.make("partner_selection", n_agents=4)
    assert seen(game) == {"select": ["peers_actions"], "play": ["target_actions"]}
    t = table(game, num_envs=200)
    t.step(select=np.array([[0, 0, 0, 0]]))  # everybody wants to play with 0
    played, first = 0.0, t.sim.state["hosting"].copy()
    ended = False
    while not ended:
        step = t.step(play=0)
        played, ended = played + step.reward, bool(step.truncated[0])
    assert played.tolist() == [[12, 6, 3, 3]] * 200  # each encounter of its own
    assert (first.sum(0) > 20).all()  # in random order
    assert t.kind == "select"
    assert seen(ms.make("partner_selection", selection=False)) == {"play": ["target_actions"]}


def test_reputation_norms_as_in_the_study(table, near):
    game = ms.make("reputation_norms", norm=9)
    assert seen(game) == {"play": ["target_reputation"]}
    assert game.layout.levels("play") == (2,)
    t = table(game, num_envs=4000)
    assert (t.sim.acting.sum(1) == 2).all()
    paid, world = 0.0, np.arange(4000)[:, None]
    for k in range(200):  # action rule 5: cooperate with the good
        step = t.step(play=lambda sim: 1 - sim.state["standing"][:, 0][world, sim.state["facing"]])
        paid = paid + step.reward.sum(1)
        assert step.truncated.all() == (k == 199)
    assert 0.97 < paid.mean() / (200 * 8) < 1.0  # all good but for one verdict in a thousand, soon forgiven
    bad = 1 - step.tallies["reputation"].mean()
    assert 0 < bad < 0.02


def test_two_agents_play_the_whole_example(table):
    t = table(ms.make("matrix_game", encounters="in turn"))
    assert t.sim.legal[0].sum(-1).tolist() in ([2, 3], [3, 2])


def test_the_society_has_everything_and_any_dilemma(random_steps, refused):
    game = ms.make("society")
    assert game.kinds == ("select", "talk", "gift", "play", "punish")
    for _ in random_steps(ms.make("society", dilemma="centipede", encounters="in turn", rounds=1), 60):
        pass
    refused(lambda: ms.make("society", dilemma="stag"), "'stag'", "stag_hunt")
    refused(lambda: ms.make("society", dilemma="centipede"), "in turn")
    refused(lambda: ms.make("socety"), "did you mean 'society'")
