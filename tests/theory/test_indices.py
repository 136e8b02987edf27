from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_games import PD, many, public_goods, symmetric_games, volunteers

import marl_sim as ms
from marl_sim.theory import (
    best_replies,
    dilemma_payoffs,
    mpcr,
    mpcr_window,
    peer_punishment,
    punishment_threshold,
    social_optimum,
)


def test_greed_and_fear_of_the_named_games():
    pd, hunt, chicken = (dilemma_payoffs(name) for name in ("prisoners_dilemma", "stag_hunt", "chicken"))
    assert (pd.reward, pd.temptation, pd.sucker, pd.punishment) == (3, 4, 0, 1)
    assert (pd.greed, pd.fear, pd.k_index) == (1, 1, F(1, 2))
    assert pd.strengths == (F(1, 2), F(1, 2))
    assert (hunt.greed, hunt.fear) == (-1, 3)
    assert (chicken.greed, chicken.fear) == (1, -1)


def test_of_donors_both_are_the_cost():
    four = dilemma_payoffs(ms.DonationGame(benefit=5, cost=2))
    assert four.greed == four.fear == 2
    assert four.k_index == F(3, 7)  # (b - c) / (b + c)
    assert four.strengths == (F(2, 3), F(2, 3))  # c / (b - c)


def test_of_public_goods_both_are_the_endowment_less_its_return():
    four = dilemma_payoffs(public_goods(4, F(8, 5)))
    assert four.greed == four.fear == 20 * (1 - F(2, 5))
    assert (four.reward, four.punishment) == (32, 20)


def test_indices_that_cannot_be():
    same = dilemma_payoffs(many(lambda a, t: F(0), 2))
    with pytest.raises(ValueError, match="temptation other than sucker"):
        _ = same.k_index
    with pytest.raises(ValueError, match="reward other than punishment"):
        _ = same.strengths
    for game in (PD, "battle_of_the_sexes", "pure_coordination"):  # none of these says what cooperating is
        with pytest.raises(ValueError, match="which action cooperates"):
            dilemma_payoffs(game)


@given(st.integers(2, 6), st.integers(1, 30), st.integers(2, 6))
@settings(max_examples=40)
def test_public_goods_are_a_dilemma_inside_the_mpcr_window_alone(n, tenths, levels):
    form = public_goods(n, F(tenths, 5), levels)
    assert mpcr(form) == F(tenths, 5 * n)
    low, high = mpcr_window(n)
    giving_nothing_dominates = all(best_replies(form, (a,) * n, 0) == (0,) for a in range(levels))
    giving_all_is_best = social_optimum(form).profile == (levels - 1,) * n
    if mpcr(form) not in (low, high):
        assert (low < mpcr(form) < high) == (giving_nothing_dominates and giving_all_is_best)


def test_the_mpcr_of_other_games():
    assert mpcr("n_player_prisoners_dilemma") == F(1, 2)  # benefit / n over the cost
    assert mpcr("public_goods") == F(2, 5)
    assert mpcr(ms.DonationGame(benefit=4, cost=1)) == F(4, 5)  # both would have: b / (b + c)
    with pytest.raises(ValueError, match="no linear public good"):
        mpcr(volunteers(3))
    with pytest.raises(ValueError, match="at least 2"):
        mpcr_window(1)


@given(symmetric_games(players=(2, 4)), st.integers(0, 24))
@settings(max_examples=80)
def test_the_least_fine_by_trying_fines(form, quarters):
    """Cooperating is a best reply with a fine exactly if the fine is at least the threshold."""
    fine, top = F(quarters, 4), form.cooperate
    fined = many(lambda a, t: form.own(a, t) - (0 if a == top else fine), form.n, form.actions[0])
    among_cooperators = top in best_replies(fined, (top,) * form.n, 0)
    assert among_cooperators == (fine >= punishment_threshold(form))
    sums = range((form.n - 1) * top + 1)
    always = all(fined.own(top, t) >= max(fined.own(a, t) for a in range(top + 1)) for t in sums)
    assert always == (fine >= punishment_threshold(form, dominant=True))


def test_the_fines_of_the_named_games():
    assert punishment_threshold("prisoners_dilemma") == 1
    assert punishment_threshold("stag_hunt") == 0
    assert punishment_threshold("stag_hunt", dominant=True) == 3
    assert punishment_threshold("public_goods") == 12


def test_fehr_and_gaechters_points():
    """Gain 20 (1 - 0.4) = 12; 3 others, 3 a point: 10 points take 90, 2 points are enough, and cost 2 each."""
    found = peer_punishment("public_goods")
    assert (found.gain, found.fine, found.needed, found.cost) == (12, 90, 2, 2)
    assert found.deters
    assert found.patience == F(2, 2 + 12)  # cost over cost + e (r - 1)


@pytest.mark.parametrize("n, r, points, effect, deters", [(4, F(8, 5), 1, 3, False), (4, F(8, 5), 1, 4, True),
    (4, F(8, 5), 2, 2, True), (2, F(3, 2), 4, 1, False), (2, F(3, 2), 5, 1, True), (3, 3, 1, 1, True)])  # fmt: skip
def test_points_deter_exactly_if_all_together_take_what_free_riding_gains(n, r, points, effect, deters):
    """By the payoffs of one who gives less while all others give everything and punish it with all their points."""
    form = public_goods(n, r, levels=5)
    found = peer_punishment(form, points=points, cost=1, effect=effect)
    assert found.deters == deters
    full = (4,) * n
    tempted = max(form.payoff((a, *full[1:]))[0] - points * effect * (n - 1) for a in range(4))
    assert (tempted <= form.payoff(full)[0]) == deters
    if found.needed:
        assert found.needed * effect * (n - 1) >= found.gain > (found.needed - 1) * effect * (n - 1)


@pytest.mark.parametrize("more", [0, F(1, 1000), -F(1, 1000)])
def test_punishing_is_credible_exactly_from_that_patience_on(more):
    """A punisher who spares a free rider keeps the cost, and everybody gives nothing from then on."""
    form = public_goods(4, F(8, 5), levels=5)
    found = peer_punishment(form, points=10, cost=1, effect=3)
    delta, rounds = found.patience + more, 400
    discounted = sum(delta**t for t in range(1, rounds))
    rest = delta**rounds / (1 - delta)
    reward, punishment = form.payoff((4,) * 4)[0], form.payoff((0,) * 4)[0]
    punishing = -found.cost + reward * (discounted + rest)
    sparing = punishment * (discounted + rest)
    assert (punishing >= sparing) == (more >= 0)


def test_the_games_own_points_count():
    laid_on = ms.Group(ms.PublicGoods(), ms.PeerPunishment(points=5, cost=2, effect=2, budget=4), n_agents=4)
    found = peer_punishment(laid_on)
    assert found.fine == 2 * 2 * 3  # the budget pays for 2 points
    assert (found.needed, found.cost) == (2, 4)
    with pytest.raises(ValueError, match="all defecting"):
        peer_punishment(public_goods(4, F(1, 2)))
    with pytest.raises(ValueError, match="points >= 1"):
        peer_punishment("public_goods", points=0)


def test_points_do_in_the_game_what_theory_says():
    """One gives nothing, all others give all and punish it: what it has left, as many points as needed or one less."""
    game = ms.Group(ms.PublicGoods(levels=2), ms.PeerPunishment(), n_agents=4, horizon=ms.Fixed(1))
    found = peer_punishment(game)
    for points, pays in [(found.needed, False), (found.needed - 1, True)]:
        sim = ms.Simulator(game, num_envs=1, seed=3)
        sim.reset()
        reward = sim.step([[0, 1, 1, 1]]).reward.copy()
        for _ in range(3):
            target, acting = sim.state["target"][0], sim.acting[0]
            action = [points if acting[i] and i and target[i] == 0 else 0 for i in range(4)]
            reward += sim.step([action]).reward
        free_rider, keeping = reward[0, 0], float(dilemma_payoffs(game).reward)
        assert (free_rider > keeping) == pays
        assert reward[0, 1] == pytest.approx(0 + 1.6 / 4 * 60 - points)
