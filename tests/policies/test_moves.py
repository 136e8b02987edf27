"""What the strategies of the literature do, move by move, and the facts they are known for."""

import numpy as np
import pytest
from scripted_tables import C, D, Play, faced, letters, moves

import marl_sim as ms
from marl_sim.policies import Random, Seats

# Policy, what the other does, what it does meanwhile and after (in its own place: nothing slips).
EXPECTED = [
    ("AllC", "DDDD", "CCCCC"),
    ("AllD", "CCCC", "DDDDD"),
    ("Alternator", "DCDC", "CDCDC"),
    ("Cycler#cycle=CCD", "DDDDDD", "CCDCCDC"),
    ("TitForTat", "CDDCC", "CCDDCC"),
    ("SuspiciousTitForTat", "CDDCC", "DCDDCC"),
    ("ReverseTitForTat", "CDDCC", "DDCCDD"),
    ("TwoTitsForTat", "CDCCDDC", "CCDDCDDD"),
    ("HardTitForTat", "DCCCCC", "CDDDCCC"),
    ("TitForTwoTats", "DCDDCDD", "CCCCDCCD"),
    ("HardTitForTwoTats", "DDCCC", "CCDDCC"),
    ("GenerousTitForTat#generosity=0.0", "CDDCC", "CCDDCC"),
    ("GenerousTitForTat#generosity=1.0", "CDDCC", "CCCCCC"),
    ("ContriteTitForTat", "CDDCC", "CCDDCC"),
    ("OmegaTitForTat", "CDCDCDCDCC", "CCDCDCCCDDD"),  # points 2 4 6, deadlock, 7 9: it gives up
    ("AdaptiveTitForTat#rate=0.3", "CDDDCCC", "CCDDDDCC"),  # images .65 .455 .319 .223 .456 .619 .733
    ("Grim", "CDCCC", "CCDDDD"),
    ("FoolMeOnce", "DCDCC", "CCCDDD"),
    ("SpitefulTitForTat", "DCDDCC", "CDCDDDD"),
    ("Davis#patience=3", "DCCCC", "CCCDDD"),
    ("SoftGrudger", "DCCCCCCC", "CDDDDCCCC"),
    ("ForgetfulGrudger#grudge=3", "DCCCC", "CDDDCC"),
    ("Gradual", "DCCCDCCCCCC", "CDCCCDDCCCCC"),
    ("Shubik", "DCDCCCC", "CDCDDCCC"),
    ("WinStayLoseShift", "CDDCD", "CCDCCD"),
    ("WinShiftLoseStay", "CDDCD", "DCCCDD"),
    ("MemoryOne#p_cc=1.0,p_cd=0.0,p_dc=1.0,p_dd=0.0", "CDDCC", "CCDDCC"),
    ("Reactive#p=0.0,q=1.0,first=0.0", "CDDCC", "DDCCDD"),
    ("Joss#honesty=1.0", "CDDCC", "CCDDCC"),
    ("Prober", "CCCDC", "DCCDDD"),
    ("Prober", "CDCDC", "DCCCDC"),
    ("RemorsefulProber#honesty=1.0", "CDDCC", "CCDDCC"),
    ("RemorsefulProber#honesty=0.0", "CCDDC", "CDDCDD"),
    ("Handshake", "CDDD", "CDCCC"),
    ("Handshake", "CCCC", "CDDDD"),
    ("Tester", "CCCCC", "DCCDCD"),
    ("Tester", "CDDCC", "DCCDCC"),
    ("GoByMajority", "DCCDD", "CDCCCD"),
    ("GoByMajority#soft=False", "DCCDD", "DDDCDD"),
    ("Champion", "DDDDDDDDDDDC", "CCCCCCCCCCDDC"),
]


@pytest.mark.parametrize(("name", "other", "own"), EXPECTED)
def test_what_each_does(name, other, own):
    assert letters(faced(ms.as_policy(name), None, moves(other))[0]) == own


@pytest.mark.parametrize(
    ("name", "odds"),
    [
        ("MemoryOne", (0.935, 0.229, 0.266, 0.42)),
        ("FirmButFair", (1, 0, 1, 2 / 3)),
        ("Grofman", (1, 2 / 7, 2 / 7, 1)),
        ("Joss", (0.9, 0, 0.9, 0)),
        ("Reactive", (0.9, 0.1, 0.9, 0.1)),
        ("GenerousTitForTat", (1, 2 / 3, 1, 2 / 3)),  # of T=4, R=3, P=1, S=0
        ("Willing", (1, 1, 1, 0)),
        ("Hopeless", (0, 1, 1, 1)),
        ("Desperate", (0, 0, 0, 1)),
    ],
)
def test_the_chances_of_the_stochastic(name, odds):
    worlds = 8000
    for (own, other), chance in zip([(C, C), (C, D), (D, C), (D, D)], odds, strict=True):
        found = faced(ms.as_policy(name), np.full((worlds, 1), own), np.full((worlds, 1), other))[:, 1]
        assert abs((found == C).mean() - chance) <= 5 * np.sqrt(chance * (1 - chance) / worlds)


def test_the_contrite_accept_what_they_deserve():
    """A slip, then the other's answer, is borne; an answer that is not deserved is returned (Boyd 1989)."""
    slip = faced(ms.as_policy("ContriteTitForTat"), moves("CDC"), moves("CCD"))[0]
    assert letters(slip) == "CCCC"
    for name in ("ContriteTitForTat", "TitForTat"):  # two of a kind after one slip of the first
        game = ms.Society(ms.PrisonersDilemma(), horizon=ms.Fixed(50))
        sim = ms.Simulator(game, 1, seed=0)
        sim.reset()
        seats, done = Seats(sim, {0: ms.as_policy(name), 1: ms.as_policy(name)}), []
        for t in range(12):
            actions = np.zeros((1, 2), int)
            seats.choose(actions)
            actions[0, 0] |= t == 2
            done.append(actions.copy())
            seats.saw(sim.step(actions), actions)
        assert (np.concatenate(done[5:]) == C).all() == (name == "ContriteTitForTat")


def stationary(p, q):
    """The long run of two memory-one strategies: shares of CC, CD, DC, DD from the first one's side."""
    q = np.array(q)[[0, 2, 1, 3]]
    steps = np.array([[a * b, a * (1 - b), (1 - a) * b, (1 - a) * (1 - b)] for a, b in zip(p, q, strict=True)])
    lhs = np.vstack((steps.T - np.eye(4), np.ones(4)))
    return np.linalg.lstsq(lhs, np.array([0, 0, 0, 0, 1.0]), rcond=None)[0]


@pytest.mark.parametrize("payoffs", [(3, 0, 4, 1), (3, 0, 5, 1), (7, -2, 9, 1.5)])
@pytest.mark.parametrize(
    ("name", "slope", "baseline"),
    [
        ("Extort", 0.5, "p"), ("Extort#factor=4", 0.25, "p"), ("GenerousZeroDeterminant#factor=3.0", 1 / 3, "r"),
        ("Equalizer", 0.0, "mid"), ("ZeroDeterminant", 0.5, "mid"),
    ],
)  # fmt: skip
def test_zero_determinant_strategies_hold_the_other_to_a_line(name, slope, baseline, payoffs):
    """other's - baseline = slope * (own - baseline), whatever memory-one strategy the other is."""
    r, s, t, p = payoffs
    dilemma = ms.PrisonersDilemma(reward=r, sucker=s, temptation=t, punishment=p)
    sim = ms.Simulator(ms.Society(dilemma), 1)
    odds = Seats(sim, {0: ms.as_policy(name)}).players[0].store["odds"][1:]
    assert ((odds >= 0) & (odds <= 1)).all()
    base = {"p": p, "r": r, "mid": (r + p) / 2}[baseline]
    rng = np.random.default_rng(1)
    for _ in range(20):
        share = stationary(odds, rng.uniform(0.05, 0.95, 4))
        own, other = share @ (r, s, t, p), share @ (r, t, s, p)
        assert other - base == pytest.approx(slope * (own - base), abs=1e-8)


def test_extort_2_of_stewart_and_plotkin():
    sim = ms.Simulator(ms.Society(ms.PrisonersDilemma(temptation=5)), 1)
    odds = Seats(sim, {0: ms.as_policy("Extort"), 1: ms.as_policy("GenerousZeroDeterminant")}).players
    np.testing.assert_allclose(odds[0].store["odds"][1:], (8 / 9, 1 / 2, 1 / 3, 0))
    np.testing.assert_allclose(odds[1].store["odds"][1:], (1, 1 / 8, 1, 1 / 4))


# ---------------------------------------------------------------- groups


def gave(name, others, levels=5):
    """What a policy gives, in steps, when the two others give so many each, round after round."""
    game = ms.make("public_goods", n_agents=3, levels=levels, rounds=20)
    sim = ms.Simulator(game, 1, seed=0)
    sim.reset()
    seats, found = Seats(sim, {0: ms.as_policy(name)}), []
    for pair in [*others, others[-1]]:
        actions = np.array([[0, *pair]])
        seats.choose(actions)
        found.append(int(actions[0, 0]))
        seats.saw(sim.step(actions), actions)
    return found


@pytest.mark.parametrize(
    ("name", "others", "own"),
    [
        ("FreeRider", [(4, 4), (4, 4)], [0, 0, 0]),
        ("UnconditionalContributor#part=0.5", [(0, 0), (4, 4)], [2, 2, 2]),
        ("ConditionalCooperator", [(0, 4), (4, 4), (1, 1)], [4, 2, 4, 1]),
        ("ConditionalCooperator#slope=0.5,first=0.0", [(0, 4), (4, 4)], [0, 1, 2]),
        ("ThresholdCooperator#threshold=0.75", [(2, 3), (3, 3), (2, 4)], [4, 0, 4, 4]),
        ("HumpShaped", [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)], [2, 0, 1, 2, 1, 0]),
        ("GroupGrim", [(4, 4), (4, 3), (4, 4)], [4, 4, 0, 0]),
        ("RewardAndPunish", [(0, 0), (4, 4)], [4, 4, 4]),
    ],
)
def test_what_contributors_give(name, others, own):
    assert gave(name, others) == own


@pytest.mark.parametrize("sees", ["all", "total", "last", "none"])
def test_later_movers_go_by_what_they_see(sees):
    """Two give 0 and 4 of 4 steps before it; without a look at them it gives what it does at first."""
    game = ms.Group(ms.PublicGoods(levels=5, order="fixed", sees=sees), n_agents=3, horizon=ms.Fixed(1))
    sim = ms.Simulator(game, 1, seed=0)
    sim.reset()
    seats = Seats(sim, {2: ms.as_policy("ConditionalCooperator#first=0.25")})
    for first in (0, 4, None):
        actions = np.zeros((1, 3), int)
        if first is not None:
            actions[0, 0 if first == 0 else 1] = first
        seats.choose(actions)
        seats.saw(sim.step(actions), actions)
    assert actions[0, 2] == {"all": 2, "total": 2, "last": 4, "none": 1}[sees]


def test_punishers_punish_by_what_was_given():
    game = ms.Group(ms.PublicGoods(levels=5), ms.PeerPunishment(points=8), n_agents=2, horizon=ms.Fixed(1))
    for name, other, points in [
        ("AltruisticPunisher", 0, 4), ("AltruisticPunisher", 2, 2), ("AltruisticPunisher", 4, 0),
        ("AntisocialPunisher", 4, 4), ("AntisocialPunisher", 0, 0), ("SpitefulPunisher", 0, 4),
        ("RewardAndPunish#severity=1.0", 0, 8),
    ]:  # fmt: skip
        sim = ms.Simulator(game, 1, seed=0)
        sim.reset()
        seats = Seats(sim, {0: ms.as_policy(name)})
        for own in (other, 0):
            actions = np.array([[0, own]])
            seats.choose(actions)
            seats.saw(sim.step(actions), actions)
        assert actions[0, 0] == points, (name, other)


def test_who_shuns_defectors_selects_cooperators():
    game = ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), n_agents=5, horizon=ms.Fixed(6))
    sim = ms.Simulator(game, 200, seed=0)
    sim.reset()
    seats = Seats(
        sim, [(ms.as_policy("ShunDefectors"), 0), (ms.as_policy("AllD"), [1, 2]), (ms.as_policy("AllC"), [3, 4])]
    )
    for t in range(8):
        selects = game.stages[int(sim.stage[0])].kind == "select"
        actions = np.zeros(sim.acting.shape, int)
        seats.choose(actions)
        if selects and t > 1:
            assert set(np.unique(actions[:, 0])) == {2, 3}  # peers 2 and 3 of agent 0 are agents 3 and 4
        seats.saw(sim.step(actions), actions)


def test_reputations_decide():
    game = ms.Society(ms.PrisonersDilemma(), ms.Norm("L3", error=0.0), n_agents=2, horizon=ms.Fixed(50))
    answers = {}
    for name in ("ImageScorer", "Standing", "LeadingEight", "LeadingEight#norm=L1"):
        for own in (0, 1):
            for other in (0, 1):
                sim = ms.Simulator(game, 1, seed=0)
                sim.reset()
                for _ in range(2):  # who defects on the good is bad
                    sim.step(np.array([[1 - own, 1 - other]]))
                assert sim.state["standing"][0].tolist()[0] == [own, other] or (own, other) == (0, 0)
                actions = np.zeros((1, 2), int)
                Seats(sim, {0: ms.as_policy(name)}).choose(actions)
                seen = sim.state["standing"][0, 0].tolist()
                answers[(name, *seen)] = int(actions[0, 0])
    for (name, own, other), move in answers.items():
        forgives = name in ("Standing", "LeadingEight#norm=L1") and not own
        assert move == (C if other or forgives else D), (name, own, other)


def test_who_can_leave_leaves_defectors():
    game = ms.Society(ms.PrisonersDilemma(), ms.Exit(), n_agents=4, horizon=ms.Fixed(4))
    sim = ms.Simulator(game, 50, seed=0)
    sim.reset()
    seats = Seats(sim, [(ms.as_policy("OutForTat"), 0), (ms.as_policy("AllD"), [1, 2]), (ms.as_policy("AllC"), 3)])
    left = {1: set(), 2: set(), 3: set()}
    for _ in range(8):
        exits = game.stages[int(sim.stage[0])].kind == "exit"
        actions, facing = np.zeros(sim.acting.shape, int), sim.state["facing"][:, 0].copy()
        seats.choose(actions)
        if exits:
            for other, move in zip(facing, actions[:, 0], strict=True):
                left[int(other)].add(int(move))
        seats.saw(sim.step(actions), actions)
    assert left == {1: {1}, 2: {1}, 3: {0}}


def test_chance_plays_all_that_is_legal():
    found = Play("group", Random(), [0], 200).steps(1)[0, :, 0]
    assert set(found) == {0, 1, 2, 3, 4}
