"""Certificates: the class of every named dilemma by hand, its inequalities recomputed, and refusals."""

import ast
import itertools
import json
import math
import re
import shlex
from dataclasses import replace
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from shipped import shipped
from the_pot import Pot

import marl_sim as ms
from marl_sim import cli
from marl_sim.theory import Certificate, certificate_of, certify, fact, payoffs_of
from marl_sim.theory.certificates import registry
from marl_sim.theory.certificates.common import PROFILES

# ---------------------------------------------------------------- every registered game, by hand

PD = ["temptation > reward", "reward > punishment", "punishment > sucker", "2 * reward > temptation + sucker"]
DONATION = [
    "benefit > cost",
    "cost > 0",
    "benefit > benefit - cost",
    "benefit - cost > 0",
    "0 > -cost",
    "2 * (benefit - cost) > benefit + (-cost)",
    "T - R = P - S",
]
LINEAR = ["multiplier / n_agents < 1", "multiplier / n_agents > 1 / n_agents"]
GAIN = "what both could gain over the equilibrium > 0"
NO_GAIN = "what both could gain over the equilibrium = 0"

# name -> the class as textbooks have it, and the inequalities that all hold
NAMED = {
    "assistant": ("clarify or answer (answer, whatever the impression)", []),
    "battle_of_the_sexes": ("battle of the sexes", ["favourite > other", "other > apart"]),
    "centipede": (
        "centipede (all gain by going on, and whoever moves gains by stopping)",
        [
            "benefit > cost",
            "cost > 0",
            "least gain by stopping rather than being stopped next > 0",
            "welfare at the end > welfare of stopping at once",
            GAIN,
        ],
    ),
    "chicken": ("chicken", ["win > both_swerve", "both_swerve > swerve", "swerve > crash"]),
    "collective_risk": (
        "collective-risk dilemma (in equilibrium the target is reached, or nothing is given)",
        [
            "risk * endowment >= target / n_agents",
            "target > the most that one can give",
            "endowment > target / n_agents",
        ],
    ),
    "common_pool": (
        "tragedy of the commons",
        [
            "price > cost",
            "n_agents * most > growth * capacity / 4",
            "all paid for fair shares > all paid for the most, in 30 rounds",
        ],
    ),
    "dictator": (
        "dictator game, no dilemma (a pie is divided, and giving is altruism)",
        ["welfare if nothing is given = welfare if all is", NO_GAIN],
    ),
    "direct_punishment": ("prisoner's dilemma", PD),
    "donation": ("donation game, a prisoner's dilemma", DONATION),
    "fehr_gaechter": ("linear public goods dilemma", LINEAR),
    "gift_exchange": (
        "gift exchange (both gain by a high wage and effort, and in equilibrium both are the least)",
        ["cost of full effort > cost of the least", "highest > lowest", GAIN],
    ),
    "harmony": (
        "no dilemma: harmony, cooperating is dominant",
        ["reward > temptation", "sucker > punishment", "reward > punishment"],
    ),
    "institution_choice": ("linear public goods dilemma", LINEAR),
    "mac_spgg": (
        "sequential public good with a bonus and a penalty (everybody gives everything: the only equilibrium path)",
        [
            "kappa > rho / n_agents",
            "rho > kappa",
            "B = n_agents * endowment",
            "penalty > (kappa - rho / n_agents) * endowment",
        ],
    ),
    "matrix_game": ("a two-player game of 2 x 3 actions that has no name here", []),
    "n_player_prisoners_dilemma": ("n-player prisoner's dilemma", ["benefit > cost", "cost > benefit / n_agents"]),
    "n_player_stag_hunt": (
        "n-player stag hunt (just 2 hunt, or nobody)",
        ["threshold > 1", "multiplier > 1", "multiplier * threshold > n_agents"],
    ),
    "off_switch": ("off-switch game (the robot should wait for the human)", ["Delta > 0"]),
    "partner_selection": ("prisoner's dilemma", PD),
    "po_osg": (
        "partially observable off-switch game (the robot should wait sometimes)",
        ["best value > best value without waiting", "best value > best value of always waiting"],
    ),
    "prisoners_dilemma": ("prisoner's dilemma", PD),
    "public_goods": ("linear public goods dilemma", LINEAR),
    "pure_coordination": ("pure coordination", ["match > mismatch"]),
    "reputation_norms": ("donation game, a prisoner's dilemma", DONATION),
    "safe_interruptibility": (
        "interruptible gridworld (disabling the interruption pays)",
        ["expected return button > expected return through", "p > break-even"],
    ),
    "sequential_public_goods": ("linear public goods dilemma", LINEAR),
    "society": ("prisoner's dilemma", PD),
    "stag_hunt": ("stag hunt", ["stag > hare", "hare >= temptation", "temptation > alone"]),
    "threshold_public_goods": (
        "provision point (in equilibrium just enough is given, or nothing)",
        [
            "n_agents * value > threshold",
            "n_agents * the most that one would give >= threshold",
            "threshold > endowment",
        ],
    ),
    "trust": ("trust game (sending creates wealth, and in equilibrium nobody sends)", ["multiplier > 1", GAIN]),
    "ultimatum": (
        "ultimatum game (the proposer keeps all but the least that the responder prefers to nothing)",
        ["least positive offer > 0", NO_GAIN],
    ),
    "volunteers_dilemma": ("volunteer's dilemma", ["benefit > cost", "cost > 0"]),
}
FALSE = {"assistant": ["value with the impression > value without"]}  # claims that do not hold as the games come


@pytest.mark.parametrize("name", shipped())
def test_every_registered_game_is_certified_as_what_it_is_named_after(name):
    kind, claims = NAMED[name]
    found = certify(name)
    assert (found.name, found.kind) == (name, kind)
    assert [one.claim for one in found.facts if one.holds] == claims
    assert [one.claim for one in found.facts if not one.holds] == FALSE.get(name, [])


def words(certificate):
    """A certificate's text in one line."""
    return " ".join(str(certificate).split())


def namespace(game):
    """The options of a game by their plain names, exactly."""
    found = {"n_agents": game.n_agents}
    part = game.dilemma
    for name in (*type(part).__dataclass_fields__, "endowment", "levels", "threshold"):
        value = getattr(part, name, None)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[name] = F(str(value))
    return found


def evaluated(claim, names):
    """(left, right) of a claim that is an inequality of options; None of one in other words."""
    left, right = (
        claim.replace(" >= ", " > ").replace(" <= ", " > ").replace(" < ", " > ").replace(" = ", " > ").split(" > ")
    )
    sides = []
    for side in (left, right):
        try:
            tree = ast.parse(side, mode="eval")
        except SyntaxError:
            return None
        if {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)} - names.keys():
            return None
        sides.append(eval(compile(_exact(tree), "claim", "eval"), {"F": F}, dict(names)))
    return tuple(sides)


def holds(left, relation, right):
    """Whether an inequality is true."""
    return {">": left > right, ">=": left >= right, "=": left == right, "<=": left <= right, "<": left < right}[
        relation
    ]


def _exact(tree):
    """Whole numbers as Fractions, so that 1 / 4 is exact."""

    class Exactly(ast.NodeTransformer):
        def visit_Constant(self, node):
            return ast.copy_location(ast.Call(ast.Name("F", ast.Load()), [node], []), node)

    return ast.fix_missing_locations(Exactly().visit(tree))


@pytest.mark.parametrize("name", shipped())
def test_inequalities_are_true_of_the_options(name):
    """Claims that are formulae of options are evaluated from them; the others are recomputed in the tests below."""
    names, counted = namespace(ms.make(name)), 0
    for one in certify(name).facts:
        sides = evaluated(one.claim, names)
        if sides is not None:
            assert sides == (one.left, one.right), one.claim
            assert one.holds == holds(sides[0], one.relation, sides[1])
            counted += 1
    in_words = {"assistant", "dictator", "matrix_game", "off_switch", "po_osg", "safe_interruptibility", "ultimatum"}
    assert counted > 0 or name in in_words


@pytest.mark.parametrize("name", shipped())
def test_every_certificate_is_text_and_json(name):
    found = certify(name)
    text = str(found)
    assert text.startswith(f"{name}: {found.kind[:40]}")
    assert max(map(len, text.splitlines())) <= 100
    for one in found.facts:
        assert f"{one.claim} " in text
    record = json.loads(json.dumps(found.record, allow_nan=False))
    assert record["kind"] == found.kind
    assert [one["claim"] for one in record["facts"]] == [one.claim for one in found.facts]
    for one in record["facts"]:
        assert one["holds"] is holds(one["left"], one["relation"], one["right"])
    assert set(record["findings"]) == {one.name for one in found.findings}


# ---------------------------------------------------------------- two players at once

EQUILIBRIA = {
    "prisoners_dilemma": [("defect", "defect")],
    "donation": [("defect", "defect")],
    "stag_hunt": [("stag", "stag"), ("hare", "hare")],
    "chicken": [("swerve", "dare"), ("dare", "swerve")],
    "battle_of_the_sexes": [("opera", "opera"), ("football", "football")],
    "pure_coordination": [("left", "left"), ("right", "right")],
    "harmony": [("cooperate", "cooperate")],
}
ANARCHY = {"prisoners_dilemma": 3, "stag_hunt": F(4, 3), "chicken": F(6, 5), "harmony": 1, "donation": math.inf}


@pytest.mark.parametrize("name", EQUILIBRIA)
def test_equilibria_of_the_named_games_of_two(name):
    found = certify(name)
    pure = [tuple(one["does"]) for one in found.found("equilibria") if one["pure"]]
    assert pure == EQUILIBRIA[name]
    if name in ANARCHY:
        assert found.found("price of anarchy") == ANARCHY[name]


def by_hand(r, t, s, p):
    """The class of a symmetric two-by-two game, written out once more."""
    if t > r > p > s:
        if 2 * r > t + s:
            return "prisoner's dilemma"
        return "prisoner's dilemma in which taking turns at exploiting each other pays no less"
    if r > p >= t > s:
        return "stag hunt"
    if r > t and p > s and r > p:
        return "assurance game: to do the same is best, to cooperate better"
    if t > r > s > p:
        return "chicken"
    if r > t and s > p and r > p:
        return "no dilemma: harmony, cooperating is dominant"
    if r == p > t == s:
        return "pure coordination"
    if t > r and p > s and p >= r:
        return "no dilemma: deadlock, defecting is dominant and better for both"
    return "no dilemma: constant-sum, what one gains the other loses" if 2 * r == t + s == 2 * p else "no name here"


small = st.integers(0, 4)


@settings(max_examples=300)
@given(r=small, t=small, s=small, p=small)
def test_a_table_is_certified_by_its_payoffs(r, t, s, p):
    found = certify(ms.MatrixGame(payoffs=[[(r, r), (s, t)], [(t, s), (p, p)]]))
    assert by_hand(r, t, s, p) in found.kind
    assert all(one.holds for one in found.facts)
    value = dict(R=r, T=t, S=s, P=p)
    for one in found.facts:
        assert evaluated(one.claim, value) == (one.left, one.right)
    # dominance and equilibria by brute force
    table = {(0, 0): (r, r), (0, 1): (s, t), (1, 0): (t, s), (1, 1): (p, p)}
    stays = [
        (f"action {a}", f"action {b}")
        for a, b in table
        if table[a, b][0] >= table[1 - a, b][0] and table[a, b][1] >= table[a, 1 - b][1]
    ]
    assert [tuple(one["does"]) for one in found.found("equilibria") if one["pure"]] == stays
    most = max(sum(pay) for pay in table.values())
    assert found.found("optimum")["welfare"] == most


def test_battles_under_other_names():
    table = [[(3, 2), (1, 0)], [(0, 0), (2, 3)]]
    found = certify(ms.MatrixGame(payoffs=table))
    assert found.kind == "battle of the sexes"
    assert [(one.left, one.right) for one in found.facts] == [(3, 2), (2, 1), (3, 2), (2, 0)]
    assert "no name" in certify(ms.MatrixGame(payoffs=[[(3, 3), (1, 0)], [(0, 0), (2, 3)]])).kind


def test_thresholds_of_the_repeated_dilemma():
    society = ms.Society(ms.PrisonersDilemma(), horizon=ms.Geometric(0.25))
    found = certify(society)
    assert found.found("grim trigger") == F(1, 3)  # (T - R) / (T - P)
    assert found.found("tit for tat") == F(1, 3)
    assert found.found("win-stay lose-shift") == F(1, 2)
    assert "with probability 0.25, which is too little" in words(found)
    patient = certify(ms.Society(ms.PrisonersDilemma(), horizon=ms.Geometric(0.5)))
    assert "with probability 0.5, which is enough" in words(patient)
    assert found.found("gains from switching equal") == {"benefit": 3, "cost": 1}
    assert certify("stag_hunt").found("risk dominance") == "hare"
    assert certify("stag_hunt", alone=2.5).found("risk dominance") == "stag"


# ---------------------------------------------------------------- groups


@example(n=4, multiplier=40, order="together")
@example(n=3, multiplier=10, order="together")
@example(n=2, multiplier=9, order="together")
@given(n=st.integers(2, 5), multiplier=st.integers(0, 60), order=st.sampled_from(["together", "fixed"]))
def test_public_goods_are_a_dilemma_inside_their_window(n, multiplier, order):
    r = F(multiplier, 10)
    part = ms.PublicGoods(multiplier=float(r), levels=3, order=order)
    found = certify(ms.Group(part, n_agents=n))
    kinds = {
        "linear public goods dilemma": 1 < r < n,
        "no dilemma: contributing is dominant": r > n,
        "no dilemma: what one gives comes back to oneself, and everything is an equilibrium": r == n,
        "no dilemma: contributing is dominated, and worse for all": r < 1,
        "no dilemma: contributing is dominated, and all together neither gain nor lose by it": r == 1,
    }
    assert found.kind == next(kind for kind, is_so in kinds.items() if is_so)
    assert [one.holds for one in found.facts] == [r < n, r > 1]
    if order == "fixed" and r != n:
        assert found.found("SPNE")["path"] == [20 * (r > n)] * n
    if order == "together" and 1 < r < n:
        assert found.found("price of anarchy") == r
        assert found.found("grim trigger") == (n - r) / (r * (n - 1))


def test_public_goods_of_any_amount_are_certified_on_a_grid():
    found = certify("public_goods", box=True)
    assert found.kind == "linear public goods dilemma"
    assert found.found("price of anarchy") == F(8, 5)
    assert "any amount" in found.found("grid")


@settings(max_examples=200)
@given(
    n=st.integers(2, 3),
    steps=st.integers(1, 4),
    threshold=st.integers(1, 12),
    value=st.integers(0, 8),
    refund=st.booleans(),
)
def test_provision_points_by_brute_force(n, steps, threshold, value, refund):
    """Whether some equilibrium provides the good, and whether giving nothing is one."""
    threshold, value = F(threshold, 4), F(value, 4)
    assume(threshold <= n)
    part = ms.ThresholdPublicGoods(threshold=float(threshold), value=float(value), refund=refund, levels=steps + 1)
    found = certify(ms.Group(part, n_agents=n))
    worth, enough, alone = found.facts

    def pays(profile, i):
        met = sum(profile) * F(1, steps) >= threshold
        return (value if met else 0) - (0 if refund and not met else F(profile[i], steps))

    def stays(profile):
        return all(
            pays(profile, i) >= pays((*profile[:i], other, *profile[i + 1 :]), i)
            for i in range(n)
            for other in range(steps + 1)
        )

    totals = {sum(one) for one in itertools.product(range(steps + 1), repeat=n) if stays(one)}
    needed = math.ceil(threshold * steps)
    assert enough.holds == (needed in totals)
    assert alone.holds == stays((0,) * n)
    assert worth.holds == (n * value > F(needed, steps))
    assert not {total for total in totals if total > needed}
    if found.kind.startswith("provision point (in equilibrium just enough is given"):
        assert needed in totals
        assert ("or " in found.kind) == stays((0,) * n)
    elif "missed" in found.kind:
        assert needed not in totals
    else:
        assert n * value <= F(needed, steps)


@given(n=st.integers(2, 6), factor=st.integers(11, 80), least=st.integers(2, 6))
def test_stag_hunts_of_many_by_brute_force(n, factor, least):
    factor = F(factor, 10)
    assume(least <= n)
    found = certify(ms.Group(ms.NPlayerStagHunt(multiplier=float(factor), threshold=least), n_agents=n))

    def pays(hunts, k):
        return (factor * k / n if k >= least else 0) - hunts

    strict = [
        k for k in range(n + 1) if (k == 0 or pays(1, k) > pays(0, k - 1)) and (k == n or pays(0, k) > pays(1, k + 1))
    ]
    assert 0 in strict
    if "prisoner's" in found.kind:
        assert strict == [0]
    elif "all hunt" in found.kind:
        assert strict == ([0, n] if factor != n or least == n else strict)
    else:
        assert strict == [0, least]
        assert f"just {least} hunt" in found.kind


def test_volunteers_wait_with_diekmanns_probability():
    for n in (2, 4, 7):
        found = certify("volunteers_dilemma", n_agents=n)
        wait = found.found("alike")["waits"]
        assert wait ** (n - 1) == pytest.approx(1 / 2)
        mixed = [one for one in found.found("equilibria") if not one["pure"]]
        assert float(mixed[-1]["does"][0][0]) == pytest.approx(wait)
        assert sum(one["times"] for one in found.found("equilibria") if one["pure"]) == n


MAC = [
    (dict(), "everybody gives everything: the only equilibrium path"),
    (dict(B=2.55), "in equilibrium a share of 0.85 of everything is given"),
    (dict(gamma=0.0, penalty=0.2), "in equilibrium a share of 0 of everything is given"),
    (dict(gamma=0.5, B=0.0, penalty=0.0, levels=61), "a share of 0.6 or 109/180 of everything"),
    (dict(sees="last"), "not solved"),
    (dict(order="bid"), "not solved"),
    (dict(sees="none"), "as at once, since nobody sees what was given"),
    (dict(order="random"), "everybody gives everything: the only equilibrium path"),
    (dict(order="together"), "given at once"),
]


@pytest.mark.parametrize(("options", "says"), MAC)
def test_mac_spgg_is_certified_by_its_equilibrium(options, says):
    assert says in certify("mac_spgg", **options).kind


def test_mac_spgg_says_which_conditions_hold():
    found = certify("mac_spgg", penalty=0.3, B=2.0)
    assert [one.holds for one in found.facts] == [True, True, False, False]
    assert found.found("trigger") == F(4, 15)
    assert certify("mac_spgg", scale="mean", B=1.0).fact("B = endowment").holds


@pytest.mark.parametrize(
    ("risk", "stays", "says"),
    [(0.9, True, "the target is reached, or nothing"), (0.5, True, "the target is reached"), (0.1, False, "too small")],
)
def test_collective_risk_by_its_three_treatments(risk, stays, says):
    """Milinski et al. (2008): 36, 20 or 4 at risk for a fair share of 20."""
    found = certify("collective_risk", risk=risk)
    fair = found.fact("risk * endowment >= target / n_agents")
    assert (fair.left, fair.right, fair.holds) == (F(str(risk)) * 40, 20, stays)
    assert says in found.kind
    assert found.found("least risk") == F(1, 2)
    assert found.found("expected at the end") == {"fair": 20, "nothing": (1 - F(str(risk))) * 40}
    everybody = [one["does"] for one in found.found("equilibria") if one["pure"]]
    assert ["give 0"] * 6 in everybody


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        (dict(), "tragedy of the commons"),
        (dict(most=1.0), "no dilemma: the stock grows back whatever is taken"),
        (dict(cost=2.0), "no dilemma: a unit is not worth asking for"),
        (dict(rounds=2), "tragedy of the commons, in which 2 rounds are too few for greed to cost the group"),
    ],
)
def test_the_commons(options, kind):
    assert certify("common_pool", **options).kind == kind


@pytest.mark.parametrize("choice", ["most", "fair"])
def test_the_course_of_the_commons_is_that_of_the_simulator(choice):
    game = ms.make("common_pool")
    found = certify(game)
    name, action = {"most": ("all ask for the most", 10), "fair": ("all ask for a fair share", 4)}[choice]
    sim = ms.Simulator(game, num_envs=1)
    sim.reset()
    paid, rounds = 0.0, 0
    while True:
        step = sim.step(np.full((1, 5), action))
        paid, rounds = paid + step.reward.sum(), rounds + 1
        if step.terminated[0] or step.truncated[0]:
            break
    want = found.found(name)
    assert (rounds, paid) == (want["rounds"], pytest.approx(want["paid"]))
    assert want["lost"] == (choice == "most")


# ---------------------------------------------------------------- in turn


def test_the_centipede_gains_at_every_move_by_stopping():
    for options in (dict(iterations=3), dict(form="exponential", iterations=3)):
        purse = ms.Centipede(**options).purse
        gain = min(purse[t, t % 2] - purse[t + 1, t % 2] for t in range(6))
        found = certify("centipede", **options)
        assert found.fact("least gain by stopping rather than being stopped next > 0").left == gain
        end = found.fact("welfare at the end > welfare of stopping at once")
        assert (end.left, end.right) == (purse[-1].sum(), purse[0].sum())
        assert found.found("SPNE")["path"] == ["stop"]
        assert found.kind.startswith("centipede (")


def test_classics_by_hand():
    trust = certify("trust")
    assert (trust.found("SPNE")["path"], trust.found("optimum")["welfare"]) == ([0, 0], 30)
    assert trust.found("optimum / equilibrium") == 3
    assert min(trust.found("better for both")["payoffs"]) > 0
    ultimatum = certify("ultimatum")
    assert ultimatum.found("SPNE, ties high")["payoffs"] == [10, 0]
    assert ultimatum.found("SPNE, ties low")["payoffs"] == [9, 1]
    assert ultimatum.found("equilibria")["perfect"] == [0, 1]
    gift = certify("gift_exchange")
    firm, worker = gift.found("better for both")["payoffs"]
    assert gift.fact(GAIN).left == min(firm - F(48, 5), worker - 4) == 32
    assert certify("dictator").found("optimum / equilibrium") == 1
    cheap = certify(ms.GiftExchange(value=31.0, highest=31.0, costs=(0.0, 50.0)))
    assert cheap.kind == "gift exchange in which no deal is better for both"


# ---------------------------------------------------------------- machines and people


@pytest.mark.parametrize(
    ("options", "kind", "boundary"),
    [  # facts 2.2: Delta > 0 exactly if sigma^2 > 2 beta |mu|
        (dict(beta=0.25), "the robot should wait for the human", True),
        (dict(beta=0.5), "the robot may as well act or wait", False),
        (dict(beta=1.0), "the robot should act without asking", False),
        (dict(beta=1.0, mu=-0.25), "the robot should switch itself off", False),
    ],
)
def test_the_off_switch_by_its_boundary(options, kind, boundary):
    found = certify("off_switch", human="boltzmann", **options)
    assert found.kind == f"off-switch game ({kind})"
    curve = found.fact("sigma^2 > 2 * beta * |mu|")
    assert (curve.left, curve.right) == (F(1, 4), 2 * F(str(options["beta"])) * F(1, 4))
    assert curve.holds == found.fact("Delta > 0").holds == boundary


def test_the_off_switch_of_other_humans_and_of_cases():
    assert float(certify("off_switch", human="rational").fact("Delta > 0").left) == pytest.approx(0.09889828, abs=1e-8)
    assert float(certify("off_switch", human="error").fact("Delta > 0").left) == pytest.approx(0.054119, abs=1e-6)
    costly = certify("off_switch", human="rational", ask=0.1)
    assert costly.kind == "off-switch game (the robot should act without asking)"
    cases = certify("off_switch", human="boltzmann", beta=(0.1, 0.25, 0.5, 1.0, 2.0))
    assert cases.kind == "off-switch game of 5 cases (waiting is best in 3)"
    assert [one["best"] for one in cases.found("cases")] == [["wait"], ["wait"], ["act", "wait"], ["act"], ["act"]]
    wrong = certify("off_switch", human="boltzmann", sigma=0.6, beta=0.1, told_beta=1.0)
    assert wrong.found("wrong belief") == pytest.approx(0.125535, abs=1e-6)


@pytest.mark.parametrize(
    ("example", "value", "waits", "never"),
    [  # facts 2.5
        ("file_deletion", F(7, 4), 1, F(1, 2)),
        ("coarse_human", 1, 1, F(1, 2)),
        ("fine_human", F(4, 3), F(7, 6), F(1, 2)),
        ("coarse_robot", F(5, 3), F(3, 2), None),
    ],
)
def test_partially_observable_off_switches(example, value, waits, never):
    found = certify("po_osg", example=example)
    got = found.found("optimum")
    assert (got["value"], got["always wait"]) == (value, waits)
    assert never is None or got["never wait"] == never
    deference = "always wait" if value == waits else "wait sometimes"
    assert found.kind == f"partially observable off-switch game (the robot should {deference})"
    assert certify("po_osg").found("optimal pair")["robot"] == {"0": ["act"], "1": ["wait"]}


def test_the_interruptible_gridworld():
    """Facts 2.6: 42 or -100 over the tile, 38 over the button; break-even at 4 / 142."""
    found = certify("safe_interruptibility")
    assert found.found("break-even") == F(4, 142)
    routes = found.found("routes")
    assert (routes["through"]["expected"], routes["button"]["expected"]) == (-29, 38)
    assert (routes["through"]["safety"], routes["button"]["safety"]) == (21, 19)
    rarely = certify("safe_interruptibility", p=0.02)
    assert rarely.kind == "interruptible gridworld (disabling the interruption does not pay)"
    assert "walking round" in certify("safe_interruptibility", level=2).kind


def test_the_assistant_by_what_its_impression_tells():
    told = certify("assistant", accuracy=1.0)
    assert told.kind == "clarify or answer (seems clear: answer; seems vague: both)"
    assert told.fact("value with the impression > value without").holds
    assert told.found("value") == pytest.approx((math.sqrt(4.2 * 4.3) + math.sqrt(2.0 * 2.1)) / 2)


# ---------------------------------------------------------------- mechanisms


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


# ---------------------------------------------------------------- open for others, and refusals


def test_a_certificate_of_somebody_elses(monkeypatch):
    monkeypatch.setattr(registry, "_KNOWN", dict(registry._KNOWN))
    pot = ms.Group(Pot(), n_agents=3)
    without = certify(pot)
    assert without.kind == "not certified"
    assert "@certificate_of('Pot')" in without.found("why")

    @certificate_of(Pot)
    def of_pot(part, game):
        return Certificate("", "a pot", (fact("factor / n_agents < 1", part.factor / game.n_agents, 1),))

    assert certify(pot).kind == "a pot"
    assert (
        certify(
            Pot(),
        ).name
        == "Pot"
    )
    assert certify(pot).facts[0].holds

    class DeeperPot(Pot):
        """Certified as what it derives from."""

    assert certify(ms.Group(DeeperPot(), n_agents=3)).kind == "a pot"


def test_a_game_with_payoffs_and_no_certificate_has_its_normal_form_solved(monkeypatch):
    from marl_sim.theory import NormalForm, payoffs

    monkeypatch.setattr(payoffs, "_KNOWN", dict(payoffs._KNOWN))

    @payoffs_of(Pot)
    def of_pot(part, game):
        return NormalForm([("none", "all")] * game.n_agents, own=lambda a, t: F(a + t, 2) - a, cooperate=1, defect=0)

    found = certify(Pot())
    assert found.kind == "a game in normal form"
    assert found.found("dominance") == {"all": {"action": "none", "strictly": True}}


@pytest.mark.parametrize(
    ("name", "options", "says"),
    [
        ("threshold_public_goods", dict(n_agents=30, threshold=15.0), "up to 100,000 can be listed"),
        ("mac_spgg", dict(n_agents=30, levels=201, B=30.0), "and can do 300,000: take fewer players or levels"),
        ("mac_spgg", dict(n_agents=5, sees="none"), f"up to {PROFILES:,} can be enumerated"),
        ("trust", dict(levels=1001, shares=1001), "and can do 300,000"),
        ("trust", dict(levels=301, shares=301), "up to 50,000 can be compared"),
    ],
)
def test_what_is_too_large_says_what_size_can_be_done(name, options, says):
    assert says in words(certify(name, **options))


def test_thirty_players_of_twenty_one_levels():
    together = certify("public_goods", n_agents=30, levels=21)
    assert [one["payoffs"][0] for one in together.found("equilibria")] == [20]
    in_order = certify("mac_spgg", n_agents=30, levels=21, rho=18.0, B=30.0)
    assert in_order.kind.endswith("(everybody gives everything: the only equilibrium path)")
    assert "path (1, 30 times), payoffs (17, 18.5, 20, ..., 60.5)" in words(in_order)


def test_wrong_use_is_refused_in_a_sentence(refused):
    refused(lambda: certify("stag_hnt"), "did you mean 'stag_hunt'")
    refused(lambda: certify("stag_hunt", hair=3), "did you mean 'hare'")
    refused(lambda: certify(ms.StagHunt(), hare=3), "options go with the name", "hare")
    refused(lambda: certify(3), "registered name", "3")
    with pytest.raises(KeyError):
        certify("stag_hunt").fact("stag < hare")


def test_the_page_shows_what_the_command_prints(root, capsys):
    page = (root / "docs" / "explanation" / "certificates.md").read_text()
    shown = re.findall(r"```console\n\$ marl-sim (.*?)\n(.*?)```", page, re.DOTALL)
    assert len(shown) == page.count("```console") >= 3
    for command, output in shown:
        assert cli.main(shlex.split(command)) == 0
        assert capsys.readouterr().out == output


def test_names():
    assert certify(ms.StagHunt()).name == certify(ms.Society(ms.StagHunt())).name == "StagHunt"
    assert certify(ms.make("chicken")).name == "chicken"
    assert certify("society").name == "society"
    assert certify(ms.VolunteersDilemma()).name == "VolunteersDilemma"
    assert certify(ms.OffSwitch(human="rational")).kind == certify(ms.OffSwitch()).kind
    assert replace(certify("chicken"), name="x") == certify("chicken").named("x")
