"""Certificates of groups, by brute force and by hand."""

import itertools
import math
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

import marl_sim as ms
from marl_sim.theory import certify, normal_form


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


def plays(n, levers, success, cost, rounds):
    """What every way to go about an escape room pays each, [ways, n], by its rules in plain Python."""
    found = []

    def go_on(places, paid, t):
        if t == rounds:
            found.append(paid)
            return
        for chosen in itertools.product("SLD", repeat=n):
            out = chosen.count("L") >= levers and "D" in chosen
            now = [
                success if out and a == "D" else 0 if a == at else -cost for a, at in zip(chosen, places, strict=True)
            ]
            sums = [x + y for x, y in zip(paid, now, strict=True)]
            found.append(sums) if out else go_on(chosen, sums, t + 1)

    go_on("S" * n, [0] * n, 0)
    return np.array(found)


@pytest.mark.parametrize(
    ("n", "levers", "success", "cost", "rounds", "best"),
    [(2, 1, 10, 1, 3, 9), (3, 2, 10, 1, 2, 8), (3, 1, 3, 2, 2, 4), (3, 2, 3, 2, 2, 0), (3, 2, 4, 2, 2, 0)],
)
def test_escape_rooms_by_all_that_can_be_done(n, levers, success, cost, rounds, best):
    """Whatever is done, somebody ends below what staying guarantees, unless nobody moves: so all equilibria stay."""
    found = certify("escape_room", n_agents=n, levers=levers, success=success, cost=cost, rounds=rounds)
    paid = plays(n, levers, success, cost, rounds)
    assert paid.sum(1).max() == found.found("optimum of the game") == best
    still = (paid == 0).all(1)
    assert still.sum() == 1
    assert (paid[~still].min(1) < 0).all()
    assert found.found("optimum of the game") == max(0, found.facts[0].left - found.facts[0].right)
    assert ("no dilemma" in found.kind) == (best == 0)
    assert ("nobody moves  ->  0" in str(found)) == (best == 0)
    assert [one["does"] for one in found.found("equilibria")] == [["start"] * n]


@pytest.mark.parametrize("price", [F(5, 2), 3, F(7, 2)])
def test_the_last_who_is_needed_pulls_for_what_it_costs(price):
    """One of three that a lever for two needs, while another pulls and the third takes the door."""
    options = dict(n_agents=3, levers=2, success=10, cost=3)
    found = certify("escape_room", **options).found("price of a pull")
    assert found == {"least": 3, "most": 5}
    form = normal_form(ms.make("escape_room", **options))
    worth = [form.payoff((own, 1, 2))[0] + price * (own == 1) for own in range(3)]
    assert (worth[1] == max(worth)) == (price >= found["least"])
