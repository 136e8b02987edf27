"""Laws (d) and (e): payoffs are those of the matrix, and what one pays another gets where the rules say so."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from law_cases import choose, tithe

import marl_sim as ms
from marl_sim.games import matrix

NAMED = [
    ms.PrisonersDilemma(), ms.DonationGame(), ms.StagHunt(), ms.Chicken(), ms.BattleOfTheSexes(), ms.PureCoordination(),
    ms.Harmony(),
]  # fmt: skip


def check_every_profile(dilemma):
    """Every profile of actions, a world each, against the table, with the host as row player."""
    table = dilemma.matrix
    rows, columns = table.shape[:2]
    game = ms.Society(dilemma, ms.RandomMatching(how="one pair"), encounters="in turn", horizon=ms.Fixed(1))
    sim = ms.Simulator(game, num_envs=rows * columns, seed=rows)
    sim.reset()
    row, column = np.divmod(np.arange(rows * columns), columns)
    host = sim.state["hosting"][:, 0] == 1
    assert (sim.state["hosting"].sum(1) == 1).all()
    actions = np.where(host[:, None], np.stack([row, column], 1), np.stack([column, row], 1))
    step = sim.step(actions)
    expected = table[row, column]
    np.testing.assert_array_equal(step.reward, np.where(host[:, None], expected, expected[:, ::-1]))


@pytest.mark.parametrize("dilemma", NAMED, ids=lambda d: d.name)
def test_named_games_pay_their_table(dilemma):
    check_every_profile(dilemma)


payoff = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.data(), st.integers(1, 5), st.integers(1, 5))
@settings(max_examples=60)
def test_any_matrix_pays_its_table(data, rows, columns):
    cells = data.draw(st.lists(st.tuples(payoff, payoff), min_size=rows * columns, max_size=rows * columns))
    table = [cells[r * columns : (r + 1) * columns] for r in range(rows)]
    check_every_profile(ms.MatrixGame(payoffs=table))


@given(
    st.lists(payoff, min_size=4, max_size=4),
    st.integers(2, 9),
    st.booleans(),
    st.integers(0, 1000),
)
@settings(max_examples=40)
def test_many_who_play_together_get_the_sum_of_their_encounters(cells, n, choosing, seed):
    a, b, c, d = cells
    dilemma = ms.MatrixGame(payoffs=[[(a, a), (b, c)], [(c, b), (d, d)]])
    how = ms.PartnerSelection(history=0) if choosing else ms.RandomMatching()
    sim = ms.Simulator(ms.Society(dilemma, how, n_agents=n, horizon=ms.Fixed(2)), num_envs=3, seed=seed)
    sim.reset()
    for t in range(4):
        actions, stage = choose(sim, t, seed), sim.stage.copy()
        hosting, partner = sim.state["hosting"].copy(), sim.state["partner"].copy()
        step = sim.step(actions)
        expected = np.zeros((3, n))
        for w in range(3):
            if sim.game.stages[stage[w]].kind == "play":
                for i in np.flatnonzero(hosting[w]):
                    j = partner[w, i]
                    expected[w, i] += dilemma.matrix[actions[w, i], actions[w, j], 0]
                    expected[w, j] += dilemma.matrix[actions[w, i], actions[w, j], 1]
        np.testing.assert_allclose(step.reward, expected, rtol=1e-12, atol=1e-6)


def steps_of(game, steps=120, worlds=8):
    sim = ms.Simulator(game, num_envs=worlds, seed=1)
    sim.reset()
    for t in range(steps):
        actions, kinds = choose(sim, t), [game.stages[k].kind for k in sim.stage]
        acting = sim.acting.copy()
        yield actions, np.array(kinds), acting, sim.step(actions)


def test_zero_sum_payoffs_sum_to_zero_in_any_society():
    zero_sum = ms.MatrixGame(payoffs=[[(3, -3), (-1, 1)], [(0, 0), (2, -2)]])
    game = ms.Society(zero_sum, ms.PartnerSelection(), ms.Reputation(), n_agents=6, encounters="in turn")
    for _, _, _, step in steps_of(game):
        np.testing.assert_allclose(step.components["payoff"].sum(1), 0, atol=1e-12)


def test_a_tithe_moves_money_and_makes_none():
    paid = 0.0
    for _, _, _, step in steps_of(tithe()):
        np.testing.assert_allclose(step.components["tithe"].sum(1), 0, atol=1e-12)
        paid += np.abs(step.components["tithe"]).sum()
    assert paid > 0


@pytest.mark.parametrize("multiplier", [1.0, 3.0])
def test_what_is_given_arrives_multiplied(multiplier):
    game = ms.Society(ms.PrisonersDilemma(), ms.Gift(multiplier=multiplier), n_agents=5)
    for actions, kinds, acting, step in steps_of(game):
        given, received = step.components["given"], step.components["received"]
        np.testing.assert_allclose(received.sum(1), -multiplier * given.sum(1), atol=1e-12)
        np.testing.assert_array_equal(given, -np.where((kinds == "gift")[:, None] & acting, actions, 0.0))


@pytest.mark.parametrize("by", ["partner", "witness", "both"])
@pytest.mark.parametrize("encounters", ["together", "in turn"])
def test_fines_and_judgements_are_what_the_choices_say(by, encounters):
    rule = ms.Punishment(by=by, fine=3.0, just=2.0, unjust=-10.0, cost=0.25)
    game = ms.Society(ms.PrisonersDilemma(), rule, n_agents=6, encounters=encounters)
    punished = 0
    for actions, kinds, acting, step in steps_of(game, 200):
        fines = ((kinds == "punish")[:, None] & acting & (actions == 1)).sum(1)
        np.testing.assert_allclose(step.components["fined"].sum(1), -3.0 * fines)
        assert set(np.unique(step.components["judging"])) <= {0.0, 1.75, -10.25}
        np.testing.assert_array_equal((step.components["judging"] != 0).sum(1), fines)
        punished += fines.sum()
    assert punished > 100


def test_outcomes_are_counted_once_an_encounter():
    game = ms.Society(ms.PrisonersDilemma(), n_agents=6, horizon=ms.Fixed(3))
    for *_, step in steps_of(game):
        ended = step.terminated
        assert (step.tallies["outcomes"][ended].sum(1) == 9).all()
    assert matrix.OUTCOMES[0] == "mutual_cooperation"
