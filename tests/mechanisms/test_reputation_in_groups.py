"""Reputations in groups: who gave too little is known, to all who contribute and to who sanctions."""

import numpy as np

import marl_sim as ms


def group(*parts, dilemma=None, n_agents=4, horizon=None, **options):
    dilemma = dilemma or ms.PublicGoods(levels=5)
    return ms.Group(dilemma, *parts, n_agents=n_agents, horizon=horizon or ms.Continuing(5), **options)


def test_contributions_are_credited_or_charged(table):
    t = table(group(ms.Reputation(cooperate=2.0, defect=-0.5)))
    t.round(play=np.array([[0, 1, 2, 4]]))  # at least half is fair
    assert t.sim.state["standing"][0].tolist() == [[-0.5, -0.5, 2.0, 2.0]]
    t.round(play=4)
    assert t.sim.state["standing"][0].tolist() == [[1.5, 1.5, 4.0, 4.0]]


def test_turns_are_heard_of_one_by_one(table):
    t = table(group(ms.Reputation(), dilemma=ms.PublicGoods(levels=5, order="fixed")))
    for mover, given in enumerate((4, 0, 4, 0)):
        before = t.sim.state["standing"][0, 0].copy()
        t.step(play=given)
        change = t.sim.state["standing"][0, 0] - before
        assert change.tolist() == [(1.0 if given else -1.0) * (i == mover) for i in range(4)]


def test_a_continuous_contribution_is_heard_of_too():
    sim = ms.Simulator(group(ms.Reputation(), dilemma=ms.PublicGoods(box=True)))
    sim.reset()
    sim.step(np.array([[0.0, 9.9, 10.1, 20.0]]))
    assert sim.state["standing"][0].tolist() == [[-1.0, -1.0, 1.0, 1.0]]


def test_all_are_seen_in_play_and_the_other_in_sanctions(table):
    t = table(group(ms.Reputation(scale=0.0), ms.PeerPunishment(points=1), ms.PeerReward(points=1)))
    slots = [slot for slot in t.game.layout.slots if "reputation" in slot.name]
    assert {kind: [slot.name for slot in slots if slot.kind == kind] for kind in t.game.kinds} == {
        "play": ["reputations"],
        "sanction": ["target_reputation", "own_reputation"],
        "reward": ["target_reputation", "own_reputation"],
    }
    given = np.array([4, 0, 3, 1])
    t.round(play=given)
    score = np.where(given >= 2, 1.0, -1.0)
    assert t.sees("reputations").tolist() == [score.tolist()] * 4
    t.step(play=given)
    while t.kind in ("sanction", "reward"):
        assert t.sees("target_reputation").ravel().tolist() == (2 * score)[t.sim.state["target"][0]].tolist()
        assert t.sees("own_reputation").ravel().tolist() == (2 * score).tolist()
        t.step()


def test_it_can_be_shown_in_one_kind_of_stage_alone():
    game = group(ms.Reputation(seen_in=("sanction",)), ms.PeerPunishment())
    assert {s.kind for s in game.layout.slots if "reputation" in s.name} == {"sanction"}


def test_private_views_are_kept_apart(table):
    t = table(group(ms.Reputation(private=True)))
    t.round(play=np.array([[0, 4, 4, 4]]))
    assert t.sim.state["standing"].shape == (1, 4, 4)
    assert t.sim.state["standing"][0].tolist() == [[-1.0, 1.0, 1.0, 1.0]] * 4
    assert t.sees("reputations").shape == (4, 4)


def test_scores_last_over_truncation_and_are_reported(table):
    t = table(group(ms.Reputation(), horizon=ms.Continuing(2)))
    t.round(play=0)
    last = t.round(play=np.array([[0, 0, 4, 4]])).step
    assert last.truncated.all()
    assert last.tallies["reputation"].tolist() == [[-2.0, -2.0, 0.0, 0.0]]
    assert t.sim.state["standing"][0].tolist() == [[-2.0, -2.0, 0.0, 0.0]]


def test_misfits_are_refused(refused):
    refused(lambda: ms.Group(ms.OffSwitch(), ms.Reputation(), n_agents=2), "Reputation needs", "OffSwitch")
    refused(lambda: ms.Reputation(seen_in=("vote",)), "seen_in", "vote", "sanction")
    refused(lambda: ms.Group(ms.PublicGoods(), ms.Norm(), n_agents=4), "Norm lives among pairs")
