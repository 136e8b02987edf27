"""The payoffs that theory reads off the options are those that the simulator pays, for every profile of every game."""

import contextlib
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shipped import shipped
from small_games import everything, many

import marl_sim as ms
from marl_sim.theory import normal_form, payoffs_of
from marl_sim.theory.payoffs import _KNOWN

SMALL = dict(n_agents=3, levels=4, rounds=1)
SOLVED = {  # registered games and the options under which all their profiles are few
    "prisoners_dilemma": [dict(reward=3.3, temptation=4.1, sucker=-0.7, punishment=1)],
    "donation": [dict(benefit=3.7, cost=1.1)],
    "stag_hunt": [dict(stag=4.5, hare=3.1, temptation=2.9, alone=-1)],
    "chicken": [dict(win=4.4, both_swerve=3.3, swerve=1.1, crash=-2.2)],
    "battle_of_the_sexes": [dict(favourite=3.1, other=2.2, apart=0.3)],
    "pure_coordination": [dict(match=1.7, mismatch=0.4)],
    "harmony": [dict(reward=4.1, temptation=3.2, sucker=2.3, punishment=1.4)],
    "matrix_game": [{}, dict(payoffs=[[(1, 2), (3, 4)], [(5, 6), (7, 8)], [(9, 10.5), (-1, 0)]])],
    "dictator": [dict(pie=7, levels=5)],
    "public_goods": [SMALL | dict(multiplier=1.7, endowment=12), SMALL | dict(order="fixed", sees="none")],
    "sequential_public_goods": [SMALL | dict(multiplier=2.5), SMALL | dict(order="random")],
    "threshold_public_goods": [SMALL | dict(threshold=1.5, refund=refund, endowment=0.9) for refund in (False, True)],
    "mac_spgg": [
        SMALL | dict(bonus=bonus, scale=scale, B=B, penalty=0.8, rho=1.7, gamma=1.3, order=order)
        for bonus in ("prod", "mean", "const")
        for scale, B in (("total", 2), ("mean", 0.5))
        for order in ("fixed", "together")
    ],
    "n_player_prisoners_dilemma": [dict(n_agents=4, benefit=2.3, cost=1.2)],
    "n_player_stag_hunt": [dict(n_agents=4, multiplier=2.6, threshold=3, cost=1.4)],
    "volunteers_dilemma": [dict(n_agents=4, benefit=2.2, cost=0.7)],
    "collective_risk": [
        dict(n_agents=3, rounds=2, endowment=9, target=target, risk=risk) for target in (12, 24) for risk in (0, 1)
    ],
    "escape_room": [dict(), dict(n_agents=3, levers=2, success=7.3, cost=1.1)],
    "fehr_gaechter": [SMALL | dict(punishment=False)],
}  # fmt: skip
ELSEWHERE = {  # games of the dilemmas above, with mechanisms laid on them, that one round does not solve
    "direct_punishment", "partner_selection", "reputation_norms", "society", "institution_choice",
}  # fmt: skip
CASES = [(name, options) for name, several in SOLVED.items() for options in several]


def pays(game, profiles, spread=False):
    """What an episode pays when all do what the profiles say; the row player is the host of an encounter.

    spread   a profile says how many units to give in all: as many in each round as can be given
    """
    sim = ms.Simulator(game, num_envs=len(profiles), seed=5)
    sim.reset()
    plans = np.array(profiles)
    as_guest = sim.state["hosting"][:, 0] == 0 if "hosting" in sim.state else np.zeros(len(plans), bool)
    plans[as_guest] = plans[as_guest, ::-1]
    total = np.zeros(plans.shape)
    while True:
        actions = np.minimum(plans, game.n_actions - 1) if spread else plans
        actions = np.where(sim.acting, actions, 0)
        if spread:
            plans = plans - actions
        step = sim.step(actions)
        total += step.reward
        if step.terminated.all():
            total[as_guest] = total[as_guest, ::-1]
            return total
        assert not step.terminated.any()


def check(form, game, **how):
    profiles = everything(form)
    expected = [[float(x) for x in form.payoff(profile)] for profile in profiles]
    np.testing.assert_allclose(pays(game, profiles, **how), expected, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name, options", CASES, ids=lambda x: x if isinstance(x, str) else "")
def test_every_profile_pays_what_theory_says(name, options):
    game = ms.make(name, **({"rounds": 1} | options))
    form = normal_form(game, at_once=True)
    assert form.name == name
    assert all(type(x) is F for x in form.payoff((0,) * form.n))
    check(form, game, spread=name == "collective_risk")


def test_every_registered_game_that_theory_knows_is_tried():
    known = set()
    for name in shipped():
        with contextlib.suppress(ValueError):
            normal_form(name, at_once=True)
            known.add(name)
    assert known == set(SOLVED) | ELSEWHERE
    tried = {cls.__name__ for name, _ in CASES for cls in type(ms.make(name).dilemma).__mro__}
    assert set(_KNOWN) <= tried | {"MatrixGame"}


@given(
    n=st.integers(2, 4), levels=st.integers(2, 4), tenths=st.integers(0, 60), thirds=st.integers(1, 30),
    refund=st.booleans(), threshold=st.integers(1, 20),
)  # fmt: skip
@settings(max_examples=12)
def test_any_public_goods(n, levels, tenths, thirds, refund, threshold):
    once = dict(n_agents=n, horizon=ms.Fixed(1))
    linear = ms.Group(ms.PublicGoods(levels=levels, multiplier=tenths / 10, endowment=thirds / 3), **once)
    check(normal_form(linear), linear)
    options = dict(levels=levels, endowment=1.0, threshold=n * threshold / 20, value=tenths / 7, refund=refund)
    step = ms.Group(ms.ThresholdPublicGoods(**options), **once)
    check(normal_form(step), step)


@given(st.lists(st.integers(-50, 50), min_size=12, max_size=12))
@settings(max_examples=20)
def test_any_matrix(numbers):
    payoffs = np.array(numbers).reshape(2, 3, 2) / 10
    game = ms.Society(ms.MatrixGame(payoffs=payoffs), horizon=ms.Fixed(1))
    check(normal_form(game), game)


def test_a_missed_target_costs_the_risk_on_average():
    form = normal_form("collective_risk")
    assert form.payoff((10,) * 6) == (20,) * 6
    assert form.payoff((0,) + (10,) * 5) == (4,) + (2,) * 5
    assert (form.cooperate, form.shape[0]) == (10, 21)


def test_what_a_form_can_be_made_of():
    bare = [
        normal_form(ms.PrisonersDilemma()),
        normal_form("prisoners_dilemma"),
        normal_form(ms.make("direct_punishment")),
    ]
    for form in bare:
        assert [form.payoff(profile) for profile in everything(form)] == [(3, 3), (0, 4), (4, 0), (1, 1)]
        assert form.words((0, 1)) == ("cooperate", "defect")
        assert (form.cooperate, form.defect) == (0, 1)
        assert normal_form(form) is form
    assert normal_form(ms.PublicGoods(), n_agents=7).n == 7
    assert normal_form(ms.PublicGoods()).n == 4
    assert normal_form(ms.Society(ms.Chicken())).name == "Chicken"


def test_the_words_are_those_of_the_game():
    for name in SOLVED:
        if name not in ("matrix_game", "collective_risk", "dictator"):
            game = ms.make(name)
            assert normal_form(game, at_once=True).actions[0] == game.choices("play"), name


@pytest.mark.parametrize(
    "game, says",
    [
        ("centipede", "solve it with spne"),
        ("trust", "solve it with spne"),
        ("common_pool", "no normal form is known for CommonPool"),
        ("mac_spgg", "at_once=True"),
        ("sequential_public_goods", "solve it with spne"),
        ("no_such_game", "no_such_game"),
    ],
)
def test_what_has_none_is_refused_in_a_sentence(game, says):
    with pytest.raises(ValueError, match=says) as refusal:
        normal_form(game)
    assert "\n" not in str(refusal.value)


def test_continuous_choices_and_seats_by_chance_are_refused():
    with pytest.raises(ValueError, match="box=False"):
        normal_form(ms.PublicGoods(box=True))
    with pytest.raises(ValueError, match="order='random'"):
        normal_form(ms.MacSPGG(order="random", sees="none"), n_agents=3)


def test_others_can_add_their_games():
    class Inspection(ms.GroupDilemma):
        """A game of somebody else's."""

        stake: float = 2.0

        def stages(self, game):
            return [ms.Stage("play", ("shirk", "work"))]

    with pytest.raises(ValueError, match="no normal form is known for Inspection"):
        normal_form(Inspection())

    @payoffs_of(Inspection)
    def inspection(part, game):
        return many(lambda a, t: F(part.stake) * a - t, game.n_agents, ("shirk", "work"))

    try:
        assert normal_form(Inspection(stake=3), n_agents=3).payoff((1, 0, 1)) == (2, -2, 2)
    finally:
        del _KNOWN["Inspection"]


def test_a_matrix_class_of_somebody_elses_is_known_by_its_table():
    class Deadlock(ms.MatrixGame):
        """Both would rather defect than cooperate."""

        gap: float = 1.5

        def table(self):
            return [[(1, 1), (0, 3)], [(3, 0), (1 + self.gap, 1 + self.gap)]]

    form = normal_form(Deadlock())
    assert form.payoff((1, 1)) == (F(5, 2), F(5, 2))
    assert form.symmetric
    assert form.actions == (("action 0", "action 1"),) * 2
