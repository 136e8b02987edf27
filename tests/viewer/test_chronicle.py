"""What is told of the past is what happened: deeds, who met whom, curves, and the numbers that training records."""

import numpy as np
import pytest
from drawn_moments import moment

import marl_sim as ms
from marl_sim.training.metrics import EpisodeBook
from marl_sim.viewer.chronicle import equality, lorenz
from marl_sim.viewer.panel import optimum
from marl_sim.viewer.series import POINTS, Series
from marl_sim.viewer.show import Show
from marl_sim.viewer.timeline import Timeline

COOPERATE, DEFECT, LET_BE, PUNISH = 0, 1, 0, 1


def test_deeds_of_a_dilemma_with_punishment():
    """Host cooperates, guest defects; both punish: one deserves it."""
    game = ms.Society(ms.PrisonersDilemma(), ms.Punishment(), n_agents=2, horizon=ms.Fixed(3))
    line = Timeline(game)
    line.play(np.array([COOPERATE, DEFECT]))
    assert [(d.kind, d.agent, d.target, d.word) for d in line.chronicle.deeds] == [
        ("cooperate", 0, 1, "cooperate"),
        ("defect", 1, 0, "defect"),
    ]
    line.play(np.array([PUNISH, PUNISH]))
    assert [(d.kind, d.agent, d.target) for d in line.chronicle.deeds] == [("just", 0, 1), ("unjust", 1, 0)]
    assert [d.kind for d in line.chronicle.of_round] == ["cooperate", "defect", "just", "unjust"]
    series = {name: values.points()[1].tolist() for name, values in line.chronicle.series.items()}
    assert series["cooperation"] == [0.5]
    assert series["punishment"] == [1.0] and series["just share"] == [0.5]
    assert series["welfare"] == [pytest.approx(4 - 3 + 2 - 3 - 10)]  # the sucker's 0, temptation 4, fines, judging
    line.play(np.array([COOPERATE, COOPERATE]))
    assert [d.kind for d in line.chronicle.of_round] == ["cooperate", "cooperate"]
    line.play(np.array([LET_BE, LET_BE]))
    assert {d.kind for d in line.chronicle.deeds} == {"spare"}
    assert line.chronicle.met.tolist() == [[0, 2], [2, 0]]


def test_gifts_talk_and_choices():
    kinds = {
        (deed.kind, line.game.stages[int(line.before["stage"][0])].kind)
        for line in [moment("society", k).timeline for k in range(1, 9)]
        for deed in line.chronicle.deeds
    }
    assert {("choose", "select"), ("talk", "talk"), ("gift", "gift"), ("cooperate", "play")} <= kinds
    chosen = moment("society", 1).timeline
    for deed in chosen.chronicle.deeds:
        assert chosen.simulator.state["partner"][0, deed.agent] == deed.target


def test_sanctions_of_a_group_are_just_if_the_other_gave_too_little():
    line = Timeline(ms.make("fehr_gaechter"))
    line.play(np.array([20, 0, 20, 20]))
    assert [d.kind for d in line.chronicle.deeds] == ["give"] * 4
    for _ in range(3):
        line.play(np.where(line.acting, 1, 0))
        for deed in line.chronicle.deeds:
            assert deed.kind == ("just" if deed.target == 1 else "unjust")
    assert line.chronicle.chosen.sum() == 12 and (np.diag(line.chronicle.chosen) == 0).all()


@pytest.mark.parametrize("name", ["direct_punishment", "partner_selection", "public_goods", "society", "stag_hunt"])
def test_rates_and_rewards_are_those_that_training_records(name):
    """One episode in the books of training, and the same as the chronicle tells it."""
    show = moment(name, 0, seed=4)
    game, line = show.game, show.timeline
    book = EpisodeBook(game, (4,), 1, 1, 1)
    rows = []
    while not rows:
        show.step()
        rows = book.see(line.last)
    row, told = rows[0], line.chronicle
    assert told.totals.sum() == pytest.approx(row["reward"])
    for i in range(game.n_agents):
        assert told.totals[i] == pytest.approx(row[f"reward_{i}"])
    played = told.choices["play"]
    friendly = np.asarray(game.constants["friendly"])[: len(played)].astype(bool)
    assert played[friendly].sum() / played.sum() == pytest.approx(row["cooperation"])
    if "punish" in told.choices:
        assert told.choices["punish"][PUNISH] / told.choices["punish"].sum() == pytest.approx(row["punishment"])


def test_equality_and_lorenz():
    assert equality(np.array([3.0, 3.0, 3.0])) == 1
    assert equality(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.25)  # Gini (n - 1) / n
    assert equality(np.array([1.0, 3.0])) == pytest.approx(0.75)
    assert np.isnan(equality(np.array([-1.0, 1.0]))) and lorenz(np.array([-2.0, 1.0])) is None
    assert lorenz(np.array([3.0, 1.0])).tolist() == [0, 0.25, 1]


def test_series_keep_every_number_in_their_means():
    rng = np.random.default_rng(0)
    values = rng.normal(size=5 * POINTS)
    values[::7] = np.nan
    series = Series()
    for value in values:
        series.append(value)
    assert len(series) == len(values) and series.last == values[np.isfinite(values)][-1]
    where, heights = series.points()
    assert len(heights) <= 2 * POINTS and where[0] == 0 and where[-1] == 1
    each = series._each
    blocks = [values[k : k + each] for k in range(0, len(values), each)]
    assert heights == pytest.approx([np.nanmean(b) for b in blocks if np.isfinite(b).any()])
    few = series.points(most=20)[1]
    assert 1 < len(few) <= 20
    twin = series.copy()
    twin.append(100.0)
    assert series.last != 100 and len(series) == len(values)


def test_welfare_is_measured_by_the_social_optimum():
    show = Show(ms.make("direct_punishment"))
    assert optimum(show.timeline.chronicle) == 6
    assert optimum(Show(ms.make("centipede")).timeline.chronicle) is None
    line = Timeline(ms.make("prisoners_dilemma"))
    line.play(np.array([COOPERATE, COOPERATE]))
    assert line.chronicle.series["welfare"].last == optimum(line.chronicle)


def test_a_copy_goes_its_own_way():
    show = moment("society", 20)
    twin = show.timeline.chronicle.copy()
    before = twin.met.copy(), twin.totals.copy(), twin.series["welfare"].points()[1].copy(), twin.steps
    for _ in range(20):
        show.step()
    assert (twin.met == before[0]).all() and (twin.totals == before[1]).all() and twin.steps == before[3]
    assert (twin.series["welfare"].points()[1] == before[2]).all()
