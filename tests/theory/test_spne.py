"""Backward induction against the checked tables and closed forms; what it takes, refuses and prints."""

from fractions import Fraction as F

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from small_games import mac

import marl_sim as ms
from marl_sim.theory import normal_form, spne
from marl_sim.theory.backward import LIMIT

ONES = (1, 1, 1)


def exactly(numbers):
    return tuple(F(str(x)) for x in numbers)


# ---------------------------------------------------------------- MAC-SPGG-style

TABLE = [  # facts 1.2: n=3, kappa=1, rho=1.8, twenty steps: (gamma, bonus, B, penalties, path, payoffs)
    (1.5, "prod", 0, (0,), (0.3, 1, 1), (1.08, 0.83, 2.33)),
    (1.5, "prod", 0.85, (0.8, 1.5), (0.3, 1, 1), (1.08, 0.83, 2.33)),
    (1.5, "prod", 2.55, (0.8, 1.5), (0.55, 1, 1), (0.98, 1.355, 2.855)),
    (1.5, "prod", 3, (0.8, 1.5), ONES, (0.8, 2.3, 3.8)),
    (1.5, "mean", 3, (1.5,), ONES, (0.8, 2.3, 2.3)),
    (1.5, "const", 0.85, (1.5,), (0, 0, 0.85), (0.51, 0.51, -0.34)),
    (0, "prod", 2, (0.5,), (0, 1, 1), (1.2, 0.2, 0.2)),
    (0, "prod", 2.55, (0.5,), (0.55, 1, 1), (0.98, 0.53, 0.53)),
    (0, "prod", 3, (0.5,), ONES, (0.8, 0.8, 0.8)),
    (0, "prod", 3, (0.2,), (0, 0, 0), (-0.2, -0.2, -0.2)),
    (0, "prod", 0, (0,), (0, 0, 0), (0, 0, 0)),
]
ROWS = [(*row[:3], penalty, *row[4:]) for row in TABLE for penalty in row[3]]


@pytest.mark.parametrize("ties", ["high", "low"])
@pytest.mark.parametrize(("gamma", "bonus", "B", "penalty", "path", "payoffs"), ROWS)
def test_every_row_of_the_reference_table(gamma, bonus, B, penalty, path, payoffs, ties):
    found = spne(mac(gamma=gamma, bonus=bonus, B=B, penalty=penalty, rho=1.8), ties=ties)
    assert (found.path, found.payoffs) == (exactly(path), exactly(payoffs))
    assert (found.ties, found.unique) == (0, True)


@pytest.mark.parametrize(
    ("n", "rho", "gamma", "high", "low"),
    [  # facts 1.2, sixty steps, no threshold: theta lies on the grid, so that movers after it are indifferent
        (3, 1.8, 1.5, (F(4, 15), 1, 1), (F(17, 60), 1, 1)),
        (3, 1.8, 0.5, (0, F(4, 5), 1), (0, F(49, 60), 1)),
        (4, 2.0, 1.5, (F(1, 3), 1, 1, 1), (F(21, 60), 1, 1, 1)),
        (5, 2.5, 1.0, (F(1, 2), 1, 1, 1, 1), (F(1, 60), F(1, 2), 1, 1, 1)),
    ],
)
def test_the_trigger_is_where_ties_decide(n, rho, gamma, high, low):
    game = mac(n, 60, rho=rho, gamma=gamma, B=0, penalty=0)
    for ties, path in (("high", high), ("low", low)):
        found = spne(game, ties=ties)
        assert found.path == path
        assert found.ties > 0
        assert not found.unique


tenths = st.integers(0, 40).map(lambda k: F(k, 10))


@settings(max_examples=170)
@given(n=st.integers(2, 4), steps=st.sampled_from([1, 2, 4, 5]), kappa=tenths, rho=tenths, gamma=tenths, more=tenths)
def test_a_threshold_of_all_and_a_penalty_above_the_cost_make_all_contribute_all(n, steps, kappa, rho, gamma, more):
    """Facts 1.2, result 2: B = n and P > d = kappa - rho / n suffice, whatever the bonus, and no other path is left."""
    d = kappa - rho / n
    penalty = d + more + F(1, 7)
    assume(d > 0)
    game = mac(n, steps, kappa=kappa, rho=rho, gamma=gamma, B=n, penalty=penalty)
    for ties in ("high", "low"):
        found = spne(game, ties=ties)
        assert found.path == (1,) * n
        assert found.unique
        assert found.payoffs == tuple(rho - kappa + gamma * i for i in range(n))  # result 5


@given(n=st.integers(2, 4), steps=st.sampled_from([1, 2, 5]), rho=tenths, short=st.integers(1, 9))
def test_without_a_bonus_a_penalty_below_the_cost_leaves_nothing(n, steps, rho, short):
    d = 1 - rho / n
    assume(d > 0)
    found = spne(mac(n, steps, kappa=1, rho=rho, gamma=0, B=n, penalty=d * short / 10))
    assert found.path == (0,) * n
    assert found.unique


def closed_form(rho, gamma):
    """Facts 1.2, result 3: the path of three movers with a bonus, without threshold, kappa=1; how clear the choice is.

    The first mover waits, seeds so much that the second makes up the rest of theta, or triggers both herself.
    """
    q, d = rho / 3, 1 - rho / 3
    theta = d / gamma
    live = gamma * theta**2 <= q and theta <= 1
    paths = [(q * (theta + 1), (0, theta, 1)) if live else (F(0), (0, 0, 0))]
    root = F(str(float(q / gamma) ** 0.5))
    seed = max(theta - root, theta - 1, F(0))
    if 0 < seed <= 1:
        paths.append((-d * seed + q * (theta - seed + 1), (seed, theta - seed, 1)))
    if theta <= 1:
        paths.append((-d * theta + 2 * q, (theta, 1, 1)))
    values = sorted(value for value, _ in paths)
    margin = values[-1] - values[-2] if len(values) > 1 else F(1)
    return max(paths)[1], min(margin, abs(gamma * theta**2 - q), abs(theta - 1))


@settings(max_examples=80)
@given(rho=st.integers(3, 29), gamma=st.integers(1, 40), ties=st.sampled_from(["high", "low"]))
def test_the_closed_form_without_a_threshold(rho, gamma, ties):
    rho, gamma = F(rho, 10), F(gamma, 10)
    path, margin = closed_form(rho, gamma)
    assume(margin > F(1, 10))
    found = spne(mac(3, 40, rho=rho, gamma=gamma, B=0, penalty=0), ties=ties).path
    assert max(abs(a - b) for a, b in zip(found, path)) < F(1, 20)


@given(rho=st.integers(3, 29), gamma=st.integers(0, 40), free=st.integers(1, 9))
def test_the_first_mover_gives_what_later_ones_cannot_cover(rho, gamma, free):
    """Facts 1.2, result 4, for n - 1 < B < n and a penalty above the cost: the trigger is not needed beside it."""
    least = 2 + F(free, 10)
    found = spne(mac(3, 10, rho=F(rho, 10), gamma=F(gamma, 10), B=least, penalty=3))
    assert found.path == (least - 2, 1, 1)
    assert found.unique


# ---------------------------------------------------------------- other contributions


@pytest.mark.parametrize(
    ("n", "multiplier", "share"),
    [(3, 1.8, 0), (4, 1.6, 0), (5, 2, 0), (4, 5, 1)],  # facts 1.3
)
def test_public_goods_in_order_are_as_at_once(n, multiplier, share):
    game = ms.Group(ms.PublicGoods(multiplier=multiplier, order="fixed"), n_agents=n)
    found = spne(game)
    assert found.path == (20 * share,) * n
    assert found.payoffs == (20 * F(str(multiplier)) if share else 20,) * n
    assert found.unique
    assert found.ties == 0


def test_with_a_return_of_one_everything_is_an_equilibrium():
    game = ms.Group(ms.PublicGoods(multiplier=4.0, order="fixed", levels=6), n_agents=4)
    high, low = spne(game, ties="high"), spne(game, ties="low")
    assert (high.path, low.path) == ((20,) * 4, (0,) * 4)
    assert high.ties == low.ties == 1 + 6 + 11 + 16  # every state
    assert not high.unique
    assert not low.unique


@pytest.mark.parametrize(
    ("n", "threshold", "value", "path", "payoffs"),
    [  # facts 1.3, without the endowment of 1
        (3, 2, 1.5, (0, 1, 1), (1.5, 0.5, 0.5)),
        (4, 2, 1.5, (0, 0, 1, 1), (1.5, 1.5, 0.5, 0.5)),
        (3, 2.5, 1.5, (0.5, 1, 1), (1, 0.5, 0.5)),
    ],
)
def test_a_provision_point_is_paid_by_the_last(n, threshold, value, path, payoffs):
    for ties in ("high", "low"):
        found = spne(
            ms.Group(ms.ThresholdPublicGoods(threshold=threshold, value=value, order="fixed"), n_agents=n), ties
        )
        assert found.path == exactly(path)
        assert found.payoffs == tuple(1 + x for x in exactly(payoffs))
        assert found.unique


def test_a_provision_point_of_low_value_is_shared_with_ties():
    found = spne(ms.Group(ms.ThresholdPublicGoods(threshold=2, value=0.8, order="fixed"), n_agents=3))
    assert found.path == exactly((0.4, 0.8, 0.8))
    assert found.ties > 0


def test_two_contributors_of_the_small_dilemmas():
    dilemma = ms.NPlayerPrisonersDilemma(order="fixed")
    assert spne(ms.Group(dilemma, n_agents=4)).path == (0, 0, 0, 0)
    volunteer = spne(ms.Group(ms.VolunteersDilemma(order="fixed"), n_agents=4))
    assert [x > 0 for x in volunteer.path] == [False, False, False, True]  # the last has to
    assert volunteer.payoffs == (2, 2, 2, 1)
    assert volunteer.unique
    hunt = spne(ms.Group(ms.NPlayerStagHunt(order="fixed"), n_agents=4))
    assert sum(x > 0 for x in hunt.path) >= 2  # the threshold is reached


# ---------------------------------------------------------------- two players in turn


@pytest.mark.parametrize("form", ["linear", "exponential"])
@pytest.mark.parametrize("iterations", [1, 2, 10])
def test_the_centipede_stops_at_once(form, iterations):
    found = spne(ms.Centipede(form=form, iterations=iterations))
    assert found.path == ("stop",)
    assert found.payoffs == ((0, 0) if form == "linear" else (4, 1))
    assert (found.ties, found.unique) == (0, True)
    assert len(found.policy[0]) == len(found.policy[1]) == iterations
    assert set(found.policy[0].values()) | set(found.policy[1].values()) == {"stop"}


def test_classics_of_two_moves():
    trust = spne(ms.TrustGame())
    assert (trust.path, trust.payoffs, trust.unique) == ((0, 0), (10, 0), True)
    assert spne(ms.TrustGame(both_endowed=True)).payoffs == (10, 10)
    dictator = spne(ms.DictatorGame(pie=5))
    assert (dictator.path, dictator.payoffs, dictator.unique) == ((0,), (5, 0), True)
    gift = spne(ms.GiftExchange())
    assert (gift.path, gift.payoffs, gift.unique) == ((30, F(1, 10)), (F(48, 5), 4), True)
    assert set(gift.policy[1].values()) == {F(1, 10)}


def test_an_indifferent_responder_decides_the_ultimatum():
    accepts, rejects = (spne(ms.UltimatumGame(), ties=ties) for ties in ("high", "low"))
    assert (accepts.path, accepts.payoffs) == ((0, "accept"), (10, 0))
    assert (rejects.path, rejects.payoffs) == ((1, "accept"), (9, 1))
    assert accepts.ties == rejects.ties == 1
    assert not accepts.unique
    assert rejects.policy[1][0] == "reject"


# ---------------------------------------------------------------- what is taken, refused and printed


class Tax(ms.Mechanism):
    """A mechanism without a stage that pays."""

    on = ("groups",)
    rewards = ("tax",)


def test_the_same_game_however_it_is_given():
    game = mac(3, 20)
    want = spne(game)
    assert spne("mac_spgg").path == want.path
    assert spne(game.dilemma, n_agents=3) == want
    for other in (dict(sees="total"), dict(order="random")):
        options = dict(levels=21, order="fixed") | other
        assert spne(ms.Group(ms.MacSPGG(**options), n_agents=3)) == want
    two = ms.MacSPGG(levels=6, order="fixed", sees="last", B=2)
    assert spne(ms.Group(two, n_agents=2)).path == (1, 1)  # of two, the last one is all


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: ms.Group(ms.MacSPGG(order="together"), n_agents=3), ["at once", "equilibria", "order='fixed'"]),
        (lambda: ms.Group(ms.MacSPGG(order="bid"), n_agents=3), ["bidding", "order='fixed'"]),
        (lambda: ms.Group(ms.MacSPGG(order="fixed", sees="none"), n_agents=3), ["see nothing", "equilibria"]),
        (lambda: ms.Group(ms.MacSPGG(order="fixed", sees="last"), n_agents=3), ["sees='last'", "sees='total'"]),
        (lambda: ms.Group(ms.MacSPGG(order="fixed", box=True), n_agents=3), ["box=False"]),
        (lambda: ms.Group(ms.MacSPGG(order="fixed", levels=2001), n_agents=10), [f"{LIMIT:,}", "levels"]),
        (lambda: ms.Group(ms.PublicGoods(order="fixed"), ms.PeerPunishment(), n_agents=3), ["alone", "PeerPunishment"]),
        (
            lambda: ms.Group(ms.PublicGoods(order="fixed"), Tax(), n_agents=3),
            ["spne solves PublicGoods alone, and this game lays Tax on it"],
        ),
        (lambda: 5, ["spne takes a game, a dilemma or a registered name; got 5"]),
        (lambda: ms.PrisonersDilemma(), ["no moves in order", "PrisonersDilemma", "Centipede"]),
        (lambda: "trsut", ["trsut", "trust"]),
    ],
)
def test_what_is_not_solved_is_refused_in_a_sentence(refused, make, words):
    refused(lambda: spne(make()), *words)


def test_players_of_a_name_or_a_dilemma_and_of_nothing_else(refused):
    assert spne("sequential_public_goods", n_agents=3).path == spne(ms.PublicGoods(order="fixed"), n_agents=3).path
    assert normal_form("public_goods", n_agents=3).n == normal_form(ms.PublicGoods(), n_agents=3).n == 3
    assert len(spne("mac_spgg").path) == 3
    group = ms.make("sequential_public_goods")
    refused(lambda: spne(group, n_agents=3), "n_agents goes with a group dilemma given alone", "got Group and 3")


def test_ties_are_high_or_low(refused):
    refused(lambda: spne(ms.Centipede(), ties="first"), "ties", "'high' or 'low'", "first")


def test_thirty_players_are_no_trouble():
    found = spne(mac(30, 20, rho=18, B=30))
    assert found.path == (1,) * 30
    assert found.unique


def test_it_reads_well():
    found = spne(mac(3, 20, B=2.55))
    assert repr(found) == "SPNE(path=(0.55, 1, 1), payoffs=(0.98, 1.355, 2.855), ties=0, unique=True)"
    assert str(found) == (
        "path (0.55, 1, 1), payoffs (0.98, 1.355, 2.855): "
        "the only path of an equilibrium; one best reply in every state"
    )
    third = spne(mac(4, 60, rho=2.0, B=0, penalty=0))
    assert repr(third).startswith("SPNE(path=(1/3, 1, 1, 1), ")
    assert "other equilibria follow other paths; 3 states with several best replies" in str(third)
