"""Matrix games: payoffs of every profile, what is remembered and seen, and what is refused."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marl_sim as ms

# payoffs of (row, column) for the profiles CC, CD, DC, DD, with every payoff an odd number of its own
NAMED = {
    "PrisonersDilemma": (dict(temptation=7, reward=5, punishment=2, sucker=1), [(5, 5), (1, 7), (7, 1), (2, 2)]),
    "DonationGame": (dict(benefit=7, cost=2), [(5, 5), (-2, 7), (7, -2), (0, 0)]),
    "StagHunt": (dict(stag=7, hare=5, temptation=3, alone=1), [(7, 7), (1, 3), (3, 1), (5, 5)]),
    "Chicken": (dict(win=7, both_swerve=5, swerve=3, crash=1), [(5, 5), (3, 7), (7, 3), (1, 1)]),
    "BattleOfTheSexes": (dict(favourite=7, other=5, apart=1), [(7, 5), (1, 1), (1, 1), (5, 7)]),
    "PureCoordination": (dict(match=7, mismatch=-1), [(7, 7), (-1, -1), (-1, -1), (7, 7)]),
    "Harmony": (dict(reward=7, temptation=5, sucker=3, punishment=1), [(7, 7), (3, 5), (5, 3), (1, 1)]),
}
BROKEN = [
    ("PrisonersDilemma", dict(reward=4.0), "temptation > reward"),
    ("PrisonersDilemma", dict(temptation=7.0), "2 * reward > temptation + sucker"),
    ("DonationGame", dict(benefit=1.0), "benefit > cost > 0"),
    ("DonationGame", dict(cost=0.0), "benefit > cost > 0"),
    ("StagHunt", dict(hare=4.0), "stag > hare"),
    ("Chicken", dict(crash=1.0), "swerve > crash"),
    ("BattleOfTheSexes", dict(other=3.0), "favourite > other"),
    ("PureCoordination", dict(match=0.0), "match > mismatch"),
    ("Harmony", dict(temptation=4.0), "reward > temptation"),
]


def pair(dilemma, **options):
    return ms.Society(dilemma, n_agents=2, **dict(encounters="in turn", turns="index") | options)


def profiles(rows, columns):
    return np.array(list(itertools.product(range(rows), range(columns))))


@pytest.mark.parametrize("name", NAMED)
@pytest.mark.parametrize("encounters", ["together", "in turn"])
def test_named_games_pay_what_their_options_say(table, name, encounters):
    options, pays = NAMED[name]
    t = table(pair(getattr(ms, name)(**options), encounters=encounters), num_envs=4)
    acts = profiles(2, 2)
    row = t.sim.state["hosting"].argmax(1)  # chance decides who is the row player when they play together
    order = np.stack([row, 1 - row], axis=1)
    chosen = np.empty_like(acts)
    np.put_along_axis(chosen, order, acts, axis=1)
    paid = t.round(play=chosen).payoff
    assert np.take_along_axis(paid, order, axis=1).tolist() == [list(pay) for pay in pays]


@pytest.mark.parametrize(("name", "options", "order"), BROKEN)
def test_payoffs_that_break_the_name_are_refused(refused, name, options, order):
    refused(
        lambda: getattr(ms, name)(**options), name, order, f"{next(iter(options))}={next(iter(options.values())):g}"
    )


def test_names_of_games_take_no_table(refused):
    refused(lambda: ms.StagHunt(payoffs=[[(1, 1)]]), "StagHunt", "MatrixGame")


@given(data=st.data())
def test_any_table_pays_what_it_says(data):
    rows, columns = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    number = st.floats(-100, 100, allow_nan=False)
    payoffs = np.array(data.draw(st.lists(number, min_size=2 * rows * columns, max_size=2 * rows * columns)))
    payoffs = payoffs.reshape(rows, columns, 2)
    acts = profiles(rows, columns)
    sim = ms.Simulator(pair(ms.MatrixGame(payoffs=payoffs.tolist())), num_envs=len(acts))
    sim.reset()
    assert sim.legal.sum(-1).tolist() == [[rows, columns]] * len(acts)
    assert sim.step(acts).reward.tolist() == payoffs[acts[:, 0], acts[:, 1]].tolist()


def test_an_array_is_a_table_and_games_of_it_are_equal():
    payoffs = np.arange(12.0).reshape(2, 3, 2)
    assert (ms.MatrixGame(payoffs=payoffs).matrix == payoffs).all()
    assert ms.MatrixGame(payoffs=payoffs.tolist()) == ms.MatrixGame(payoffs=payoffs.tolist())


def test_together_each_action_counts_in_every_encounter(table):
    game = ms.Society(ms.PrisonersDilemma(), ms.RandomMatching(how="hosts"), n_agents=5)
    t = table(game, num_envs=50)
    partner = t.sim.state["partner"].copy()
    acts = np.random.default_rng(0).integers(2, size=(50, 5))
    paid = t.round(play=acts).payoff
    m = ms.PrisonersDilemma().matrix
    for world in range(50):
        want = np.zeros(5)
        for host, guest in enumerate(partner[world]):
            want[host] += m[acts[world, host], acts[world, guest], 0]
            want[guest] += m[acts[world, host], acts[world, guest], 1]
        assert paid[world].tolist() == want.tolist()


def test_outcomes_are_counted_by_host_and_guest(table):
    told = table(pair(ms.PrisonersDilemma(), horizon=ms.Fixed(1)), num_envs=4)
    told.round(play=profiles(2, 2))  # in turn: each hosts once a round
    step = told.round(play=profiles(2, 2)).step
    assert step.tallies["outcomes"].tolist() == [[2, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0], [0, 0, 0, 2]]


def test_cooperative_names_what_counts_as_cooperation(table):
    game = ms.MatrixGame(payoffs=np.zeros((3, 3, 2)).tolist(), cooperative=(1, 2))
    t = table(pair(game, horizon=ms.Fixed(1)), num_envs=9)
    t.round(play=profiles(3, 3))
    assert t.sim.state["defected"].tolist() == (profiles(3, 3) == 0).astype(int).tolist()


def test_players_see_the_last_actions_newest_first(table):
    t = table(pair(ms.PrisonersDilemma(), memory=3, encode="index"))
    assert t.sees("target_actions").tolist() == [[2, 2, 2], [2, 2, 2]]
    t.round(play=np.array([[0, 1]]))
    t.round(play=np.array([[1, 1]]))
    assert t.sees("target_actions").tolist() == [[1, 1, 2], [1, 0, 2]]
    assert t.sees("own_actions").tolist() == [[1, 0, 2], [1, 1, 2]]


def test_players_know_their_role_where_it_matters(table):
    t = table(pair(ms.BattleOfTheSexes(), encode="index"))
    assert t.sees("role").ravel().tolist() == [0, 1]
    t.round(play=0)
    assert t.sees("role").ravel().tolist() == [1, 0]
    assert "role" not in [slot.name for slot in pair(ms.StagHunt()).layout.slots]


def test_what_is_seen_is_an_option(refused):
    names = [slot.name for slot in pair(ms.Chicken(sees=("own",))).layout.slots]
    assert names == ["stage", "own_actions"]
    refused(lambda: ms.Chicken(sees=("all",)), "sees", "all")


def test_wrong_tables_are_refused(refused):
    for payoffs in ((), [[1, 2], [3, 4]], [[(1, 1)], []], [[(1, 1), (1, 1)], [(1, 1)]], "table", [[(1, "x")]]):
        refused(lambda payoffs=payoffs: ms.MatrixGame(payoffs=payoffs), "payoffs", "shape")
    refused(lambda: ms.MatrixGame(payoffs=[[(1, float("nan"))]]), "finite")
    table = [[(1, 1), (0, 2)], [(2, 0), (1, 1)]]
    refused(lambda: ms.MatrixGame(payoffs=table, actions=("a",)), "actions", "2", "'a'")
    refused(lambda: ms.MatrixGame(payoffs=table, cooperative=()), "cooperative")
    refused(lambda: ms.MatrixGame(payoffs=table, cooperative=(2,)), "cooperative", "2")


@pytest.mark.parametrize("n_agents", [2, 4])
def test_a_wide_game_cannot_be_hosted_both_ways_at_once(refused, random_steps, n_agents):
    wide = ms.MatrixGame(payoffs=np.zeros((2, 3, 2)).tolist())
    society = ms.Society(wide, ms.PartnerSelection(), n_agents=n_agents, encounters="in turn")
    for game in (society, ms.Society(wide, n_agents=n_agents)):
        for sim, _ in random_steps(game, 20):
            if game.stages[sim.stage[0]].kind == "play":
                count = np.where(sim.state["hosting"], 2, 3)
                assert (sim.legal.sum(-1) == np.where(sim.acting, count, 1)).all()
    refused(lambda: ms.Society(wide, ms.PartnerSelection(), n_agents=n_agents), "2 row and 3 column", "in turn")
