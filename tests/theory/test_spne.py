"""Backward induction against the checked tables, closed forms, brute force and the simulator."""

import itertools
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import marl_sim as ms
from marl_sim.theory import normal_form, spne
from marl_sim.theory.backward import LIMIT
from marl_sim.theory.certificates.turns import ends
from marl_sim.theory.sequences import moves

ONES = (1, 1, 1)


def mac(n=3, steps=20, **options):
    """MAC-SPGG-style contributions of 0, 1/steps, ..., 1 in a fixed order."""
    numbers = {name: float(x) if isinstance(x, F) else x for name, x in options.items()}
    part = ms.MacSPGG(levels=steps + 1, order="fixed", **numbers)
    return ms.Group(part, n_agents=n, horizon=ms.Fixed(1))


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


# ---------------------------------------------------------------- laws

GAMES = [
    mac(3, 5, B=2.4, penalty=0.8),
    mac(3, 5, gamma=0.5, B=0, penalty=0),
    mac(4, 3, bonus="mean", B=0.7, scale="mean", penalty=1.0),
    mac(3, 4, bonus="const", B=1, penalty=0.5),
    ms.Group(ms.PublicGoods(order="fixed", levels=4), n_agents=3),
    ms.Group(ms.ThresholdPublicGoods(order="fixed", levels=5, refund=True), n_agents=3),
    ms.Group(ms.NPlayerStagHunt(order="fixed"), n_agents=4),
    ms.Society(ms.Centipede(iterations=3)),
    ms.Society(ms.Centipede(form="exponential", iterations=2)),
    ms.Society(ms.TrustGame(levels=4, shares=4)),
    ms.Society(ms.UltimatumGame(levels=4)),
    ms.Society(ms.DictatorGame(levels=4)),
    ms.Society(ms.GiftExchange(levels=4)),
]
NAMES = [type(game.dilemma).__name__ for game in GAMES]


@pytest.mark.parametrize("ties", ["high", "low"])
@pytest.mark.parametrize("game", GAMES, ids=NAMES)
def test_nobody_gains_by_deviating_once_at_any_state(game, ties):
    """By brute force over all histories: follow the policy from there, or do any one other thing first."""
    tree, found = moves(game), spne(game, ties=ties)

    def play_on(path, depth, state):
        while depth < len(tree.movers):
            choice = found.policy[tree.movers[depth]][state]
            path, state = (*path, choice), tree.after(depth, state, choice)
            depth = len(tree.movers) if type(state).__name__ == "Over" else depth + 1
        return tree.payoffs(path)

    def check(path, depth, state):
        mover, count = tree.movers[depth], 1
        kept = play_on(path, depth, state)[mover]
        for choice in tree.choices(depth, state):
            after = tree.after(depth, state, choice)
            last = depth + 1 == len(tree.movers) or type(after).__name__ == "Over"
            other = tree.payoffs((*path, choice)) if last else play_on((*path, choice), depth + 1, after)
            assert other[mover] <= kept, (path, choice)
            if not last:
                count += check((*path, choice), depth + 1, after)
        return count

    (root,) = tree.states(0)
    assert check((), 0, root) >= len(tree.movers)
    assert found.payoffs == play_on((), 0, root)


def all_paths(game):
    """Paths of all pure subgame-perfect equilibria, by enumerating what each subgame allows, history by history."""
    tree = moves(game)

    def of(path, depth, state):
        mover, found = tree.movers[depth], []
        for choice in tree.choices(depth, state):
            after = tree.after(depth, state, choice)
            last = depth + 1 == len(tree.movers) or type(after).__name__ == "Over"
            found.append([(*path, choice)] if last else of((*path, choice), depth + 1, after))
        kept = set()
        for picked in itertools.product(*found):  # one equilibrium of every subgame that follows
            worths = [tree.payoffs(end)[mover] for end in picked]
            kept |= {end for end, worth in zip(picked, worths) if worth == max(worths)}
        return sorted(kept, key=str)

    return of((), 0, next(iter(tree.states(0))))


@settings(max_examples=60)
@given(
    n=st.integers(2, 3),
    gamma=st.integers(0, 4),
    rho=st.integers(0, 6),
    B=st.integers(0, 6),
    penalty=st.integers(0, 4),
)
def test_unique_means_that_no_other_path_is_an_equilibrium(n, gamma, rho, B, penalty):
    game = mac(n, 2, rho=F(rho, 2), gamma=F(gamma, 2), B=F(min(B, 2 * n), 2), penalty=F(penalty, 2))
    paths = all_paths(game)
    for ties in ("high", "low"):
        found = spne(game, ties=ties)
        assert found.path in paths
        assert found.unique == (len(paths) == 1)
        assert found.unique or found.ties


@pytest.mark.parametrize("game", GAMES[:7], ids=NAMES[:7])
def test_every_path_pays_what_the_normal_form_says(game):
    """The same formulae, written for totals here and for profiles there."""
    form, tree, unit = normal_form(game, at_once=True), moves(game), game.dilemma.levels - 1
    for profile in form.profiles():
        path = tuple(F(str(game.dilemma.endowment)) * k / unit for k in profile)
        assert tree.payoffs(path) == tuple(form.payoff(profile)), profile


@pytest.mark.parametrize("game", GAMES[9:], ids=NAMES[9:])
def test_every_end_of_the_classics_pays_what_the_game_says(game):
    """Ends in the order of the game's own table, the answers of the ultimatum game being the other way round."""
    got = [tuple(map(float, moves(game).payoffs(path))) for path in ends(moves(game))]
    table = game.dilemma.payoffs[:, ::-1] if isinstance(game.dilemma, ms.UltimatumGame) else game.dilemma.payoffs
    want = [tuple(pay) for pay in table.reshape(-1, 2)]
    if isinstance(game.dilemma, ms.TrustGame):  # of nothing, all shares are one
        want = want[game.dilemma.shares - 1 :]
    assert got == [pytest.approx(pay) for pay in want]


def test_both_tie_breaks_may_follow_one_of_several_equilibrium_paths():
    """Who is indifferent could answer one deviation high and another low, which neither tie-break does."""
    game = mac(4, 1, rho=1, gamma=0.5, B=0, penalty=0)
    high, low = spne(game, ties="high"), spne(game, ties="low")
    assert high.path == low.path == (0, 0, 0, 0)
    assert len(all_paths(game)) > 1
    assert not high.unique
    assert not low.unique


@pytest.mark.parametrize("ties", ["high", "low"])
@pytest.mark.parametrize(
    "game", [game for game in GAMES if isinstance(game, ms.Group)], ids=lambda g: type(g.dilemma).__name__
)
def test_the_path_pays_in_the_simulator_what_it_should(game, ties):
    found = spne(game, ties=ties)
    unit = game.dilemma.levels - 1
    top = F(str(game.dilemma.endowment))
    sim = ms.Simulator(ms.Group(game.dilemma, n_agents=game.n_agents, horizon=ms.Fixed(1)), num_envs=1)
    sim.reset()
    total = np.zeros(game.n_agents)
    for mover, contribution in enumerate(found.path):
        actions = np.zeros((1, game.n_agents), dtype=int)
        actions[0, mover] = int(contribution / top * unit)
        total += sim.step(actions).reward[0]
    assert total.tolist() == pytest.approx([float(x) for x in found.payoffs])


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
