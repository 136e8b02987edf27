"""Certificates of what mechanisms change."""

import itertools
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import marl_sim as ms
from marl_sim.theory import certify


def laid_on(game, name):
    return next(one for one in certify(game).mechanisms if one.name == name)


@given(
    fine=st.integers(0, 6),
    just=st.integers(-3, 3),
    unjust=st.integers(-3, 3),
    cost=st.integers(0, 2),
    by=st.sampled_from(["partner", "witness", "both"]),
    antisocial=st.booleans(),
)
def test_punishment_deters_exactly_if_fined_defection_is_dominated(fine, just, unjust, cost, by, antisocial):
    """By hand: judges do what pays them; then the game that is left has one dominant action."""
    judge = ms.Punishment(by=by, fine=fine, just=just, unjust=unjust, cost=cost, antisocial=antisocial)
    found = laid_on(ms.Society(ms.PrisonersDilemma(), judge, n_agents=5), "Punishment")
    judges = 2 if by == "both" else 1
    assume(just != cost and unjust != cost)
    on_defectors = fine * judges * (just > cost)
    on_cooperators = fine * judges * (unjust > cost and antisocial)
    r, t, s, p = 3 - on_cooperators, 4 - on_defectors, 0 - on_cooperators, 1 - on_defectors
    assert found.kind.startswith("deters: ") == (r > t and s > p and not on_cooperators)
    if just <= cost and fine * judges > 1:
        assert "not credible in one round" in found.kind


def test_punishment_in_the_centipede_by_backward_induction():
    """The fine that keeps both going is the most that stopping gains over going on to the end."""
    for form in ("linear", "exponential"):
        part = ms.Centipede(form=form, iterations=3)
        game = ms.Society(part, ms.Punishment(by="partner"), n_agents=2)
        needed = laid_on(game, "Punishment").fact("fine * judges > the most that defecting gains").right

        def goes_on(fine, purse=part.purse):
            end = purse[6]
            return all(purse[t, t % 2] - fine < end[t % 2] for t in range(6))

        assert goes_on(float(needed) + 0.01)
        assert not goes_on(float(needed))


def test_costly_punishment_of_the_study_is_no_credible_threat():
    costly = laid_on(ms.make("direct_punishment", costly=True), "Punishment")
    assert "not credible in one round" in costly.kind
    assert not costly.fact("just - cost > 0").holds


def test_peer_punishment_and_institutions():
    """Fehr & Gaechter's numbers: 2 points from each of 3 take 18 for the 12 that free riding gains."""
    peers = laid_on("fehr_gaechter", "PeerPunishment")
    assert "not credible in one round" in peers.kind
    able = peers.facts[0]
    assert (able.left, able.right, able.holds) == (90, 12, True)
    assert peers.found("needed") == {"points": 2, "cost": 2}
    assert peers.found("patience") == F(2, 2 + 12)
    assert "2 points from each" in str(peers)
    assert "1 point from each" in str(laid_on("institution_choice", "PeerPunishment"))
    weak = laid_on(ms.make("fehr_gaechter", points=1), "PeerPunishment")
    assert weak.kind.startswith("does not deter")
    free = laid_on(ms.make("fehr_gaechter", cost=0.0), "PeerPunishment")
    assert free.kind.startswith("deters: points are free")
    society = certify("institution_choice")
    assert [one.name for one in society.mechanisms] == ["Institutions", "PeerPunishment", "PeerReward"]
    by_house = society.mechanisms[0].found("MPCR by house")
    assert by_house["2"] == F(4, 5)
    assert by_house["7"] == F(8, 35)
    small_houses = ms.make("institution_choice", multiplier=2.5)
    assert laid_on(small_houses, "Institutions").kind.startswith("ends the dilemma in houses of up to 2")
    reward = society.mechanisms[2]
    assert [one.holds for one in reward.facts] == [True, False, True]
    assert reward.facts[2].left == 20  # the budget, although six others could give five points each


@given(slip=st.integers(0, 10))
def test_errors_leave_a_game_of_intentions(slip):
    e = slip / 20
    found = laid_on(ms.Society(ms.PrisonersDilemma(), ms.Noise(execution=e)), "Noise")
    does = np.array([[1 - e, e], [e, 1 - e]])
    (r, s), (t, p) = does @ np.array([[3, 0], [4, 1]]) @ does.T
    got = found.found("intentions")
    assert [float(got[name]) for name in "RTSP"] == pytest.approx([r, t, s, p])
    assert ("a prisoner's dilemma" in found.kind) == (slip < 10)


@pytest.mark.parametrize("norm", ["shunning", "image score", "stern judging", "simple standing", 2, 8, 13])
def test_norms_keep_help_exactly_above_their_patience(norm):
    """By dynamic programming of one agent among those who help the good alone: states (own, other's) reputation."""
    benefit, cost, error = 5.0, 1.0, 0.05
    bits = {"shunning": 1, "image score": 3, "stern judging": 9, "simple standing": 11}.get(norm, norm)

    def verdict(helped, other):
        return bits >> (3 - 2 * helped - other) & 1  # the highest bit is of not helping the bad

    def helps_the_good_alone(delta):
        value = np.zeros((2, 2))
        share_good = 0.7  # of those met; what one does does not change it
        for _ in range(4000):
            worth = np.zeros((2, 2, 2))
            for own, other, helped in itertools.product((0, 1), repeat=3):
                good = verdict(helped, other)
                chance = (1 - error) * good + error * (1 - good)
                ahead = sum(
                    q * w * value[mine, theirs]
                    for mine, q in ((1, chance), (0, 1 - chance))
                    for theirs, w in ((1, share_good), (0, 1 - share_good))
                )
                worth[own, other, helped] = benefit * own - cost * helped + delta * ahead
            value = worth.max(axis=2)
        clear = 1e-9
        return all(worth[own, 1, 1] > worth[own, 1, 0] + clear for own in (0, 1)) and all(
            worth[own, 0, 0] > worth[own, 0, 1] + clear for own in (0, 1)
        )

    game = ms.make("reputation_norms", norm=norm, error=error, benefit=benefit, cost=cost)
    found = laid_on(game, "Norm")
    if found.kind == "makes helping the good alone a strict equilibrium of the patient":
        least = float(found.found("patience"))
        assert helps_the_good_alone(least + 0.01)
        assert not helps_the_good_alone(least - 0.01)
    else:
        assert not any(helps_the_good_alone(delta) for delta in (0.1, 0.3, 0.6, 0.9))
    assert (norm in ("shunning", "stern judging", "simple standing")) == found.kind.endswith("of the patient")


def test_mechanisms_that_pay_nothing_say_so():
    found = {one.name: one for one in certify("society").mechanisms}
    for name in ("PartnerSelection", "Talk", "Reputation"):
        assert found[name].kind.startswith("changes no payoff of a round")
    assert "defecting gains whatever was said" in found["Talk"].kind
    assert found["Gift"].kind.startswith("is given by nobody")
    assert [one.holds for one in found["Gift"].facts] == [True, True]
    words = laid_on(ms.Society(ms.StagHunt(), ms.Talk()), "Talk")
    assert "words can coordinate" in words.kind
