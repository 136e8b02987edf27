"""The additive score: what deeds add, in whose eyes, and where it is seen."""

import numpy as np

import marl_sim as ms


def society(*parts, n_agents=2, **options):
    return ms.Society(ms.PrisonersDilemma(), *parts, **dict(n_agents=n_agents, horizon=ms.Continuing(5)) | options)


def test_play_and_punishment_add_up(table):
    t = table(society(ms.Punishment(), ms.Reputation()))
    t.round(play=np.array([[0, 1]]), punish=1)
    assert t.sim.state["standing"][0].tolist() == [[1.0 + 2.0, -1.0 - 3.0]]
    t.round(play=np.array([[1, 1]]), punish=np.array([[0, 1]]))
    assert t.sim.state["standing"][0].tolist() == [[3.0 - 1.0, -4.0 - 1.0 + 2.0]]


def test_views_are_private_with_grudge_and_gratitude(table):
    game = ms.make("direct_punishment", by="witness", private=True)
    t = table(game)
    t.until("punish", play=np.array([[0, 1, 1, 1, 1]]))  # the host cooperates, its guest defects
    guest = int(t.sim.state["facing"][0, 0])
    first, second = (int(np.flatnonzero(t.sim.state["watch"][0, p] >= 0)[0]) for p in (0, 1))
    while t.kind == "punish":
        t.step(punish=1)
    want = np.zeros((5, 5))
    want[:, 0], want[:, guest] = 1, -1
    want[:, first] -= 3  # punished the cooperator
    want[:, second] += 2
    want[0, first] -= 5  # the punished resents it, deserved or not
    want[guest, second] -= 5
    want[0, second] += 5  # the partner of the punished defector is grateful
    assert t.sim.state["standing"][0].tolist() == want.tolist()


def test_scores_last_over_truncation_and_are_reported(table):
    t = table(society(ms.Reputation()))
    for _ in range(5):
        last = t.round(play=np.array([[0, 1]])).step
    assert last.truncated.all()
    assert last.tallies["reputation"].tolist() == [[5.0, -5.0]]
    assert t.sim.state["standing"][0].tolist() == [[5.0, -5.0]]


def test_scores_start_anew_with_a_new_society(table):
    t = table(society(ms.Reputation(), horizon=ms.Fixed(1)))
    t.round(play=0)
    assert t.sim.state["standing"][0].tolist() == [[0.0, 0.0]]


def test_scores_are_seen_squashed_or_as_they_are(table):
    for scale, want in ((10.0, [-1 / 11, 1 / 11]), (0.0, [-1.0, 1.0])):
        t = table(society(ms.Reputation(scale=scale)))
        t.round(play=np.array([[0, 1]]))
        np.testing.assert_allclose(t.sees("target_reputation").ravel(), want, rtol=1e-6)
        np.testing.assert_allclose(t.sees("own_reputation").ravel(), want[::-1], rtol=1e-6)


def test_every_stage_can_show_them():
    kinds = ("select", "talk", "gift", "play", "punish")
    parts = (ms.PartnerSelection(), ms.Talk(), ms.Gift(), ms.Punishment())
    game = society(*parts, ms.Reputation(seen_in=kinds), n_agents=3)
    shown = {kind: [s.name for s in game.layout.slots if s.kind == kind and "reputation" in s.name] for kind in kinds}
    assert shown == {
        "select": ["reputations"],
        "talk": ["target_reputation", "own_reputation"],
        "gift": ["target_reputation", "own_reputation"],
        "play": ["target_reputation", "own_reputation"],
        "punish": ["opponent_reputation", "target_reputation"],
    }
    assert not [s for s in society(ms.Reputation(seen_in=())).layout.slots if "reputation" in s.name]


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.Reputation(seen_in=("sleep",)), "seen_in", "sleep")
    refused(lambda: ms.Reputation(scale=-1.0), "scale", "-1")
