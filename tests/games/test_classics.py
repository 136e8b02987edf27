"""Trust, ultimatum, dictator, gift exchange: payoffs of every profile, who moves, what is seen, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marl_sim as ms


def trust(k, j, levels=11, shares=11, endowment=10.0, multiplier=3.0, both_endowed=False):
    sent = endowment * k / (levels - 1)
    back = multiplier * sent * j / (shares - 1)
    return endowment - sent + back, multiplier * sent - back + (endowment if both_endowed else 0.0)


def ultimatum(k, j, levels=11, pie=10.0):
    offer = pie * k / (levels - 1)
    return (pie - offer, offer) if j == 0 else (0.0, 0.0)


def dictator(k, j, levels=11, pie=10.0):
    gift = pie * k / (levels - 1)
    return pie - gift, gift


SCHEDULE = (0, 1, 2, 4, 6, 8, 10, 12, 15, 18)


def gift_exchange(k, j, levels=20, value=126.0, lowest=30.0, highest=125.0, fixed_cost=26.0, costs=SCHEDULE):
    wage, effort = lowest + (highest - lowest) * k / (levels - 1), (j + 1) / len(costs)
    return (value - wage) * effort, wage - costs[j] - fixed_cost


GAMES = {
    "trust": (ms.TrustGame, trust, 11),
    "ultimatum": (ms.UltimatumGame, ultimatum, 2),
    "dictator": (ms.DictatorGame, dictator, 1),
    "gift_exchange": (ms.GiftExchange, gift_exchange, 10),
}


def pair(dilemma, *parts, **options):
    return ms.Society(dilemma, *parts, n_agents=2, **dict(horizon=ms.Fixed(9)) | options)


def play_everything(dilemma, answers, **options):
    """Every offer and answer, a world each: offers, answers, what (host, guest) got, and where the guest was asked."""
    offer, answer = (x.ravel() for x in np.mgrid[: dilemma.levels, :answers])
    game = pair(dilemma, **options)
    sim = ms.Simulator(game, num_envs=len(offer), seed=3)
    sim.reset()
    host = sim.state["hosting"].argmax(1)
    assert (sim.acting.sum(1) == 1).all() and (sim.acting.argmax(1) == host).all()
    assert sim.legal.sum(-1).max(1).tolist() == [dilemma.levels] * len(offer)
    step = sim.step(np.where(sim.acting, offer[:, None], 0))
    paid = step.reward.copy()
    asked = np.array([game.stages[k].kind == "respond" for k in sim.stage])
    if asked.any():
        assert (paid[asked] == 0).all()  # nothing is paid before the answer
        assert (sim.acting[asked].argmax(1) == 1 - host[asked]).all() and (sim.acting[asked].sum(1) == 1).all()
        assert sim.legal[asked].sum(-1).max(1).tolist() == [answers] * asked.sum()
        last = sim.step(np.where(sim.acting & asked[:, None], answer[:, None], 0)).reward
        paid[asked] = last[asked]
    return offer, answer, np.take_along_axis(paid, np.stack([host, 1 - host], 1), 1), asked


def check(name, **options):
    """All profiles of a game against this file's formula."""
    build, formula, answers = GAMES[name]
    answers = options.get("shares", len(options["costs"]) if "costs" in options else answers)
    offer, answer, paid, asked = play_everything(build(**options), answers)
    want = [formula(k, j, **options) for k, j in zip(offer, answer, strict=True)]
    np.testing.assert_allclose(paid, want, rtol=1e-12, atol=1e-9)
    assert (asked == ((name != "dictator") & ((name != "trust") | (offer > 0)))).all()
    return offer, answer, paid


# ---------------------------------------------------------------- payoffs


@pytest.mark.parametrize("name", GAMES)
def test_every_profile_pays_the_formula(name):
    check(name)


@pytest.mark.parametrize("name", GAMES)
def test_roles_in_turn_are_the_same(name):
    build, formula, answers = GAMES[name]
    offer, answer, paid, _ = play_everything(build(), answers, encounters="in turn")
    np.testing.assert_allclose(paid, [formula(k, j) for k, j in zip(offer, answer, strict=True)], atol=1e-9)


number = st.floats(0.01, 1e4)


@settings(max_examples=50)
@given(number, st.floats(1.01, 50), st.integers(2, 9), st.integers(2, 9), st.booleans())
def test_any_trust_game(endowment, multiplier, levels, shares, both):
    o = dict(endowment=endowment, multiplier=multiplier, levels=levels, shares=shares, both_endowed=both)
    offer, _, paid = check("trust", **o)
    sent = endowment * offer / (levels - 1)
    np.testing.assert_allclose(paid.sum(1), endowment * (1 + both) + (multiplier - 1) * sent, rtol=1e-9)


@settings(max_examples=50)
@given(number, st.integers(2, 30))
def test_any_pie(pie, levels):
    _, answer, paid = check("ultimatum", pie=pie, levels=levels)
    np.testing.assert_allclose(paid[answer == 0].sum(1), pie, rtol=1e-12)
    assert (paid[answer == 1] == 0).all()
    _, _, paid = check("dictator", pie=pie, levels=levels)
    np.testing.assert_allclose(paid.sum(1), pie, rtol=1e-12)


@settings(max_examples=50)
@given(number, number, number, number, st.integers(2, 12), st.lists(number, min_size=2, max_size=8))
def test_any_gift_exchange(lowest, more, still_more, fixed_cost, levels, steps):
    highest = lowest + more
    costs = tuple(np.cumsum(steps).tolist())
    o = dict(lowest=lowest, highest=highest, value=highest + still_more, fixed_cost=fixed_cost)
    offer, answer, paid = check("gift_exchange", levels=levels, costs=costs, **o)
    wage, effort = lowest + more * offer / (levels - 1), (answer + 1) / len(costs)
    created = o["value"] * effort - np.array(costs)[answer] - fixed_cost
    np.testing.assert_allclose(paid.sum(1), created + wage * (1 - effort), rtol=1e-9, atol=1e-6)


def test_the_experiments_numbers():
    paid = ms.TrustGame().payoffs
    assert paid[10, 5].tolist() == [15, 15] and paid[0].tolist() == [[10, 0]] * 11
    assert ms.TrustGame(both_endowed=True).payoffs[10, 5].tolist() == [15, 25]
    wages, efforts = ms.GiftExchange().amounts, ms.GiftExchange().replies
    assert wages.tolist() == list(range(30, 126, 5))
    np.testing.assert_allclose(efforts, np.arange(1, 11) / 10)


def test_selfishness_is_worse_for_both():
    """Backward induction on each table leaves both with less than another profile would, but for divided pies."""
    for dilemma, offer, answer in ((ms.TrustGame(), 0, 0), (ms.GiftExchange(), 0, 0)):
        paid = dilemma.payoffs
        replies = paid[:, :, 1].argmax(1)
        assert (replies == answer).all()
        assert paid[np.arange(len(paid)), replies, 0].argmax() == offer
        assert (paid > paid[offer, answer]).all(axis=2).any()
    paid = ms.UltimatumGame().payoffs
    assert (paid[1:, :, 1].argmax(1) == 0).all()
    assert paid[1:, 0, 0].argmax() == 0
    assert ms.DictatorGame().payoffs[:, 0, 0].argmax() == 0


# ---------------------------------------------------------------- who moves, and what they see


def test_pairs_are_settled_each_in_its_own_time(table):
    """Of three pairs at once, those who were sent nothing are paid at once and asked nothing."""
    t = table(ms.Society(ms.TrustGame(), n_agents=6), num_envs=20)
    hosting, partner = t.sim.state["hosting"].astype(bool).copy(), t.sim.state["partner"].copy()
    assert (t.sim.acting == hosting).all()
    sent = np.where(hosting, np.cumsum(hosting, axis=1) - 1, 0) * 5  # 0, 5 and 10
    first = t.step(play=sent).copy()
    got = np.take_along_axis(sent, partner, axis=1)
    assert t.kind == "respond"
    assert (t.sim.acting == (~hosting & (got > 0))).all()
    assert (t.sim.state["target"] == np.where(t.sim.acting, partner, -1)).all()
    assert (first.reward == np.where(hosting & (sent == 0), 10, 0)).all()
    second = t.step(respond=4)
    want = np.where(hosting, 10 - sent + 1.2 * sent, 0.6 * 3 * got) * (sent + got > 0)
    np.testing.assert_allclose(second.reward, want)
    assert t.kind == "play"


def test_the_dictator_decides_alone(table):
    game = pair(ms.DictatorGame(), horizon=ms.Fixed(2))
    assert game.kinds == ("play",)
    t = table(game)
    assert not t.step(play=3).terminated[0]
    assert t.step(play=3).terminated[0]


@pytest.mark.parametrize("name", ["trust", "ultimatum", "gift_exchange"])
def test_a_round_is_two_moves(table, name):
    t = table(pair(GAMES[name][0](), horizon=ms.Fixed(2)), num_envs=3)
    for kind, over in (("play", False), ("respond", False), ("play", False), ("respond", True)):
        assert t.kind == kind
        step = t.step(play=2, respond=1)
        assert step.round_over.all() == (kind == "respond")
        assert step.terminated.all() == over


def test_the_guest_sees_the_offer_and_both_what_was_done_before(table):
    t = table(pair(ms.UltimatumGame(), encounters="in turn", turns="index", encode="index"))
    assert t.sees("target_actions")[0] == t.sees("own_actions")[0] == 13  # nothing yet
    t.step(play=7)
    assert t.sees("offer")[1] == 7
    assert t.sees("own_actions")[1] == 13
    assert "target_actions" not in [s.name for s in t.game.layout.slots if s.kind == "respond"]
    t.step(respond=1)
    assert t.sees("target_actions")[1] == 7  # now 1 hosts, and knows what 0 offered
    assert t.sees("own_actions")[1] == 11 + 1  # and that it rejected it
    t.step(play=0)
    assert t.sees("offer")[0] == 0
    assert t.sees("own_actions")[0] == 7


def test_a_longer_memory_shows_earlier_deeds_to_the_guest_too(table):
    t = table(pair(ms.TrustGame(), encounters="in turn", turns="index", encode="index", memory=3))
    t.round(play=4, respond=2)
    t.step(play=9)
    assert t.sees("target_actions")[0].tolist() == [9, 11 + 2, 22]
    assert t.sees("own_actions")[0].tolist() == [4, 22, 22]
    t.step(respond=3)
    assert t.sees("own_actions")[0].tolist() == [11 + 3, 4, 22]
    assert t.sees("target_actions")[0].tolist() == [9, 11 + 2, 22]
    assert t.sim.state["recent"][0, 0].tolist() == t.sim.state["did"][0, 0].tolist() == [11 + 3, 4, 22]


def test_what_is_seen_is_an_option():
    seen = [(s.kind, s.name) for s in pair(ms.GiftExchange(sees=())).layout.slots if s.kind]
    assert seen == [("respond", "offer")]


def test_deeds_are_told_in_words():
    env = ms.parallel_env("trust", render_mode="ansi")
    env.reset(seed=0)
    for action, deed in ((4, "send 4"), (5, "return 50%")):
        mover = int(env.simulator.acting[0].argmax())
        env.step({agent: action if i == mover else 0 for i, agent in enumerate(env.agents)})
        assert env.render().splitlines()[3 + mover].endswith(f"  {deed}")  # in the column "last play"


def test_averages_are_reported():
    class Habit(ms.Policy):
        def act(self, view):
            return np.full(view.n, {"play": 5, "respond": 1}[view.kind])

    want = {
        "trust": dict(sent=5.0, returned=0.1),
        "ultimatum": dict(offered=5.0, accepted=0.0),
        "dictator": dict(donated=5.0),
        "gift_exchange": dict(wage=55.0, effort=0.2),
    }
    for name, averages in want.items():
        idle = ms.DQN(hidden=(4,), batch=4, buffer=8)
        trainer = ms.Trainer(ms.make(name), idle, seeds=1, episodes=2, policies={0: Habit(), 1: Habit()}, block=2)
        row = next(row for block in trainer.run() for row in block)
        assert {measure: row[measure] for measure in averages} == pytest.approx(averages)


# ---------------------------------------------------------------- what is refused


def test_together_a_guest_is_at_one_table_only(refused):
    for name in ("trust", "ultimatum", "gift_exchange"):
        dilemma = GAMES[name][0]()
        refused(lambda d=dilemma: ms.Society(d, ms.PartnerSelection(), n_agents=4), type(dilemma).__name__, "in turn")
        ms.Society(dilemma, ms.PartnerSelection(), n_agents=4, encounters="in turn")
        ms.Society(dilemma, ms.Exit(), n_agents=4)
    ms.Society(ms.DictatorGame(), ms.PartnerSelection(), n_agents=4)  # nobody answers


BROKEN = [
    (ms.TrustGame, dict(levels=1), "levels", "from 2 to 1001", "1"),
    (ms.TrustGame, dict(levels=2000), "levels", "2000"),
    (ms.TrustGame, dict(shares=1), "shares", "from 2 to 1001", "1"),
    (ms.TrustGame, dict(endowment=0.0), "endowment > 0", "endowment=0"),
    (ms.TrustGame, dict(multiplier=1.0), "multiplier > 1", "multiplier=1"),
    (ms.TrustGame, dict(endowment=float("nan")), "endowment", "nan"),
    (ms.TrustGame, dict(fair=1.5), "fair", "from 0 to 1", "1.5"),
    (ms.TrustGame, dict(both_endowed="yes"), "both_endowed", "yes"),
    (ms.TrustGame, dict(sees=("all",)), "sees", "all"),
    (ms.UltimatumGame, dict(pie=-1.0), "pie > 0", "pie=-1"),
    (ms.UltimatumGame, dict(fair=-0.1), "fair", "-0.1"),
    (ms.DictatorGame, dict(pie=0.0), "pie > 0", "pie=0"),
    (ms.DictatorGame, dict(levels=2.5), "levels", "2.5"),
    (ms.GiftExchange, dict(highest=20.0), "highest > lowest", "highest=20"),
    (ms.GiftExchange, dict(value=100.0), "value >= highest", "value=100"),
    (ms.GiftExchange, dict(lowest=-1.0), "lowest >= 0", "lowest=-1"),
    (ms.GiftExchange, dict(fixed_cost=-1.0), "fixed_cost", "-1"),
    (ms.GiftExchange, dict(costs=(0.0,)), "costs", "(0.0,)"),
    (ms.GiftExchange, dict(costs=(0.0, 2.0, 2.0)), "costs", "more than the last"),
    (ms.GiftExchange, dict(costs=(-1.0, 2.0)), "costs", "at least 0"),
    (ms.GiftExchange, dict(costs=(0.0, "x")), "costs", "x"),
    (ms.GiftExchange, dict(costs=3.0), "costs", "3.0"),
]


@pytest.mark.parametrize(
    ("build", "options", "words"),
    [(b, o, w) for b, o, *w in BROKEN],
    ids=lambda x: str(x) if isinstance(x, dict) else "",
)
def test_wrong_options_are_refused(refused, build, options, words):
    refused(lambda: build(**options), build.__name__, *words)
