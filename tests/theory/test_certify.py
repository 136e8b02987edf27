"""Certificates: the class of every named dilemma by hand, its inequalities recomputed, and refusals."""

import json
import re
import shlex
from dataclasses import replace
from fractions import Fraction as F

import pytest
from certified import GAIN, evaluated, holds, namespace, words
from shipped import shipped
from the_pot import Pot

import marl_sim as ms
from marl_sim import cli
from marl_sim.theory import Certificate, certificate_of, certify, fact, payoffs_of
from marl_sim.theory.certificates import registry
from marl_sim.theory.certificates.common import PROFILES

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
    "escape_room": (
        "escape room (some must lose for the others to get out, and in no pure equilibrium does anybody)",
        ["success * (n_agents - levers) > cost * levers", "cost > 0"],
    ),
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


@ms.rule
def who_gives_nothing_is_fined(n, given, fine, fined):
    """Whoever gives nothing is fined."""
    for i in range(n):
        if given[i] == 0:
            fined[i] -= fine


class Authority(ms.Mechanism):
    """Theory has not heard of it; its fines make giving nothing no equilibrium."""

    on = ("groups",)
    fine: float = 30.0
    rewards = ("fined",)

    def reactions(self, game):
        return {"round": who_gives_nothing_is_fined}


class OtherPoints(ms.PeerPunishment):
    """Points of a class that theory knows, with rules of their own."""

    def reactions(self, game):
        return super().reactions(game)


class OtherPot(ms.PublicGoods):
    """A pot of a class that theory knows, with a rule of its own."""

    pays = ms.PublicGoods.pays


class Renamed(ms.PublicGoods):
    """Nothing but another name."""


def test_what_theory_does_not_know_is_said_to_be_left_out():
    below = certify(ms.Group(ms.PublicGoods(levels=3), Authority(), n_agents=3)).mechanisms
    assert [one.name for one in below] == ["Authority"]
    assert below[0].kind.startswith("not certified: what it changes is left out above")
    derived = certify(ms.Group(OtherPot(levels=3), OtherPoints(), n_agents=3))
    assert derived.found("left out") == ["pays"]
    assert "OtherPot is taken for the PublicGoods that it derives from: its own pays" in " ".join(str(derived).split())
    assert derived.mechanisms[0].found("left out") == ["reactions"]
    assert "left out" not in str(certify(ms.Group(Renamed(levels=3), n_agents=3)))


@pytest.mark.parametrize("name", shipped())
def test_nothing_is_left_out_of_the_games_of_the_package(name):
    assert "left out" not in str(certify(name))


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
