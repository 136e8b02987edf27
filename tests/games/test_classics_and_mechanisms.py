"""Offers and answers as deeds: remembered, judged, noted, misread and talked about by the mechanisms laid on them."""

import numpy as np
import pytest

import marl_sim as ms


def pair(dilemma, *parts, **options):
    """Agent 0 hosts first, then agent 1, and so on."""
    given = dict(n_agents=2, encounters="in turn", turns="index", encode="index", horizon=ms.Fixed(9)) | options
    return ms.Society(dilemma, *parts, **given)


# offer, answer (None: nobody is asked); whether host and guest have defected; whether each can be judged
DEEDS = [
    (ms.TrustGame(), 5, 4, (0, 0), (1, 1)),  # half is sent, 6 of 5 come back
    (ms.TrustGame(), 4, 3, (1, 1), (1, 1)),  # 4 are sent, 3.6 come back
    (ms.TrustGame(), 10, 0, (0, 1), (1, 1)),
    (ms.TrustGame(), 0, None, (1, 0), (1, 0)),
    (ms.TrustGame(fair=0.0, multiplier=2.0), 0, None, (0, 0), (1, 0)),
    (ms.TrustGame(multiplier=2.0), 10, 5, (0, 0), (1, 1)),  # exactly what was sent
    (ms.UltimatumGame(), 4, 0, (0, 0), (1, 0)),
    (ms.UltimatumGame(), 3, 0, (1, 0), (1, 0)),
    (ms.UltimatumGame(), 4, 1, (0, 0), (1, 0)),
    (ms.UltimatumGame(fair=0.5), 4, 1, (1, 0), (1, 0)),
    (ms.DictatorGame(), 4, None, (0, 0), (1, 0)),
    (ms.DictatorGame(), 3, None, (1, 0), (1, 0)),
    (ms.GiftExchange(), 10, 5, (0, 0), (1, 1)),  # 80 of 30 to 125, 0.6 of 0.1 to 1
    (ms.GiftExchange(), 9, 4, (1, 1), (1, 1)),
]
IDS = [f"{d.name} {k} {j}" for d, k, j, *_ in DEEDS]
MODES = ["together", "in turn"]


@pytest.mark.parametrize("encounters", MODES)
@pytest.mark.parametrize(("dilemma", "offer", "answer", "defected", "judged"), DEEDS, ids=IDS)
def test_deeds_are_remembered_and_judged(table, dilemma, offer, answer, defected, judged, encounters):
    game = pair(dilemma, ms.Punishment(), ms.Reputation(cooperate=1.0, defect=-1.0), encounters=encounters, memory=2)
    t = table(game, num_envs=4)
    order = np.stack([t.sim.state["hosting"].argmax(1), 1 - t.sim.state["hosting"].argmax(1)], axis=1)

    def by_role(array):
        return np.take_along_axis(array, order, axis=1)

    nothing = len(dilemma.words())
    t.step(play=offer)
    if answer is not None:
        assert t.kind == "respond"
        assert by_role(t.sim.state["played"]).tolist() == [[1, 0]] * 4  # the guest is yet to answer
        t.step(respond=answer)
    last = nothing if answer is None else dilemma.levels + answer
    for memory in ("recent", "did"):
        assert by_role(t.sim.state[memory][:, :, 0]).tolist() == [[offer, last]] * 4
        assert (t.sim.state[memory][:, :, 1] == nothing).all()
    assert by_role(t.sim.state["played"]).tolist() == [list(judged)] * 4
    assert (by_role(t.sim.state["defected"]) * judged).tolist() == [list(np.multiply(defected, judged))] * 4
    standing = np.where(judged, np.where(defected, -1, 1), 0)
    assert by_role(t.sim.state["standing"][:, 0]).tolist() == [standing.tolist()] * 4
    assert t.kind == "punish"
    assert by_role(t.sim.acting).tolist() == [[bool(judged[1]), bool(judged[0])]] * 4
    for world in range(4):
        host, guest = order[world]
        assert t.sees("target_act", world)[guest] == offer
        assert t.sees("opponent_act", world)[guest] == last
        if judged[1]:
            assert t.sees("target_act", world)[host] == last
    step = t.step(punish=1)
    assert by_role(step.components["fined"]).tolist() == [[-3.0 * j for j in judged]] * 4
    judging = [0.0 if not j else 2.0 if d else -10.0 for d, j in zip(defected, judged, strict=True)]
    assert by_role(step.components["judging"]).tolist() == [judging[::-1]] * 4


def test_one_who_is_not_asked_keeps_no_judgement_of_an_earlier_deed(table):
    t = table(pair(ms.TrustGame(), ms.Punishment(), turns="index"))
    t.step(play=10)
    t.step(respond=0)
    assert t.sim.state["played"][0].tolist() == [1, 1]
    t.step(punish=0)
    t.step(play=0)  # now agent 1 hosts, and agent 0 is sent nothing
    assert t.sim.state["played"][0].tolist() == [0, 1]
    assert t.sim.acting[0].tolist() == [True, False]


@pytest.mark.parametrize("encounters", MODES)
@pytest.mark.parametrize("by", ["witness", "both"])
def test_witnesses_judge_hosts_and_guests(table, by, encounters):
    game = pair(ms.GiftExchange(), ms.Punishment(by=by), n_agents=6, encounters=encounters)
    t = table(game, num_envs=50)
    t.step(play=2)
    t.step(respond=2)
    played = t.sim.state["played"].astype(bool)
    assert (played == (t.sim.state["facing"] >= 0)).all()
    watched = np.zeros_like(played)
    while t.kind == "punish":
        for world, judge in np.argwhere(t.sim.acting):
            victim = t.sim.state["target"][world, judge]
            watched[world, victim] = True
            met = t.sim.state["facing"][world, victim] == judge
            assert met if by == "both" and t.sim.stage[world] == 2 and encounters == "together" else True
            host = t.sim.state["hosting"][world, victim]
            assert t.sees("target_act", world)[judge] == (2 if host else 20 + 2)
        t.step(punish=0)
    assert watched[played].mean() > (0.5 if by == "witness" else 0.99)
    assert not watched[~played].any()


def test_norms_judge_the_answer_by_what_the_offer_has_made_of_the_host(table):
    """Stern judging, all good at first: a mean offer makes the host bad, and giving to the bad makes one bad."""
    for offer, answer, want in ((10, 10, [1, 1]), (10, 0, [1, 0]), (1, 10, [0, 0]), (1, 0, [0, 1])):
        t = table(pair(ms.TrustGame(), ms.Norm("stern judging", error=0.0)))
        t.step(play=offer)
        assert t.sees("target_reputation")[1] == want[0]
        t.step(respond=answer)
        assert t.sim.state["standing"][0, 0].tolist() == want
    t = table(pair(ms.UltimatumGame(), ms.Norm("stern judging", error=0.0)))
    t.step(play=1)
    t.step(respond=0)
    assert t.sim.state["standing"][0, 0].tolist() == [0, 1]  # answers are not judged


def test_slips_are_real_for_both(table):
    two = ms.TrustGame(levels=2, shares=2)
    t = table(pair(two, ms.Noise(execution=1.0)), num_envs=8)
    assert (t.step(play=0).reward == 0).all()
    assert t.kind == "respond" and (t.sees("offer")[1] == 1).all()
    assert t.step(respond=0).reward.tolist() == [[30.0, 0.0]] * 8
    assert t.sim.state["did"][:, :, 0].tolist() == [[1, 3]] * 8
    slipped = t.step(play=1).reward  # nothing is sent after all, and nobody is asked
    assert slipped.tolist() == [[0.0, 10.0]] * 8


def test_slips_stay_among_the_choices_of_the_role(table):
    t = table(pair(ms.UltimatumGame(levels=5), ms.Noise(execution=1.0, perception=1.0)), num_envs=500)
    for host in (0, 1):
        t.step(play=2)
        t.step(respond=0)
        for memory in ("did", "recent"):
            assert set(t.sim.state[memory][:, host, 0]) <= set(range(5))
            assert set(t.sim.state[memory][:, 1 - host, 0]) <= {5, 6}
        assert set(t.sim.state["did"][:, host, 0]) == {0, 1, 3, 4}
        assert (t.sim.state["did"][:, 1 - host, 0] == 6).all()
        assert (t.sim.state["recent"][:, 1 - host, 0] == 5).all()
        assert (t.sim.state["seen_as"] == -1).all()  # each deed is misread by itself


def test_misread_deeds_are_paid_for_what_they_are(table):
    two = ms.TrustGame(levels=2, shares=2)
    t = table(pair(two, ms.Noise(perception=1.0), ms.Reputation()))
    t.step(play=1)
    assert t.sees("offer")[1] == 0  # it looks as if nothing had come
    assert t.sim.state["standing"][0, 0].tolist() == [-1, 0]
    assert t.step(respond=0).reward.tolist() == [[0.0, 30.0]]
    assert t.sim.state["did"][0, :, 0].tolist() == [1, 2]
    assert t.sim.state["recent"][0, :, 0].tolist() == [0, 3]
    assert t.sim.state["standing"][0, 0].tolist() == [-1, 1]  # it looks as if all had gone back


def test_partners_are_chosen_by_offers_and_answers(table):
    t = table(pair(ms.TrustGame(), ms.PartnerSelection(), n_agents=3))
    assert t.sees("peers_actions").tolist() == [[22, 22]] * 3
    t.step(select=np.array([[0, 0, 0]]))  # 0 chooses 1; 1 and 2 choose 0
    deeds = {0: (7, 1), 1: (0, 0), 2: (9, 4)}
    while t.kind != "select":
        host = int(t.sim.state["hosting"][0].argmax())
        t.step(play=deeds[host][0], respond=deeds[host][1])
    assert t.sees("peers_actions").tolist() == [[0, 9], [11 + 4, 9], [11 + 4, 0]]  # 0 has answered 2, 1 has hosted


def test_a_dictator_gives_to_whom_it_chose(table):
    t = table(ms.Society(ms.DictatorGame(), ms.PartnerSelection(), n_agents=4))
    t.step(select=np.array([[0, 0, 0, 2]]))  # 0 chooses 1, 1 and 2 choose 0, 3 chooses 2
    assert t.sim.acting.all()
    step = t.step(play=np.array([[1, 2, 3, 4]]))
    assert step.reward.tolist() == [[9 + 2 + 3, 8 + 1, 7 + 4, 6]]


def test_guests_hear_and_see_what_came_before_the_offer(table):
    t = table(pair(ms.TrustGame(), ms.Talk(3), ms.Gift()))
    t.step(talk=np.array([[2, 1]]))
    t.step(gift=np.array([[1, 0]]))
    assert (t.sees("message")[0], t.sees("gift")[0]) == (1, 0)
    t.step(play=3)
    assert t.kind == "respond"
    assert (t.sees("message")[1], t.sees("own_message")[1], t.sees("gift")[1]) == (2, 1, 1)


def test_partners_leave_by_what_was_answered(table):
    t = table(ms.Society(ms.UltimatumGame(), ms.Exit(), n_agents=4, encode="index"))
    hosting = t.sim.state["hosting"][0].astype(bool)
    t.step(play=2)
    t.step(respond=1)
    assert t.kind == "exit"
    assert t.sees("partner_actions").ravel().tolist() == np.where(hosting, 12, 2).tolist()


EVERYTHING = {
    "in turn": lambda: (
        ms.PartnerSelection(consent=True, history=2), ms.Talk(3), ms.Gift(), ms.Noise(0.1, 0.1),
        ms.Punishment(by="both"), ms.Reputation(private=True, seen_in=("select", "consent", "respond", "punish")),
    ),
    "together": lambda: (ms.Exit(), ms.Talk(3), ms.Gift(), ms.Noise(0.1, 0.1), ms.Punishment(by="both"), ms.Norm()),
}  # fmt: skip


@pytest.mark.parametrize("encode", ["index", "one_hot"])
@pytest.mark.parametrize("encounters", MODES)
@pytest.mark.parametrize("dilemma", [ms.TrustGame(), ms.UltimatumGame(), ms.DictatorGame(), ms.GiftExchange()])
def test_everything_lies_on_them(random_steps, dilemma, encounters, encode):
    game = ms.Society(
        dilemma, *EVERYTHING[encounters](), n_agents=5, encounters=encounters, memory=2, encode=encode,
        horizon=ms.Geometric(0.7),
    )  # fmt: skip
    played = set()
    for sim, step in random_steps(game, 200):
        assert sim.acting.any(-1).all()
        assert np.isfinite(step.reward).all()
        played |= {game.stages[k].kind for k in sim.stage}
    assert played == set(game.kinds)


@pytest.mark.parametrize("credit", ["next", "settled"])
def test_learners_learn_both_roles(credit):
    """Tables learn to keep what they were given, and to send nothing, in a game small enough for them."""
    game = ms.Society(ms.TrustGame(levels=2, shares=2, sees=()), n_agents=2, encode="index", horizon=ms.Continuing(20))
    learner = ms.TabularQ(alpha=0.1, gamma=0.0, epsilon=0.2)
    trainer = ms.Trainer(game, learner, seeds=2, episodes=60, num_envs=4, credit=credit, block=10)
    rows = [row for block in trainer.run() for row in block]
    for row in [row for row in rows if row["episode"] == 60]:
        assert row["returned"] < 0.25  # a tenth by exploring
        assert row["sent"] < 2.5
