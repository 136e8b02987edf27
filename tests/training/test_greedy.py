"""Evaluation without exploring or learning, in worlds of its own."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.training.greedy import Greedy


def trainer(**more):
    game = ms.Society(ms.PrisonersDilemma(sees=()), n_agents=4, horizon=ms.Fixed(3), encode="index")
    return ms.Trainer(
        game, ms.TabularQ(alpha=0.3, gamma=0.0, epsilon=0.3), seeds=[3, 8], episodes=300, num_envs=2, **more
    )


def run(one):
    return [row for rows in one.run() for row in rows]


def test_explorers_are_measured_at_their_best():
    """A learner that explores in three of ten decisions defects always, once it is asked what it thinks best."""
    rows = run(trainer(probes=(Greedy(("cooperation",), episodes=10),)))
    last = [row for row in rows if row["episode"] == 300]
    assert len(last) == 2
    for row in last:
        assert row["greedy_cooperation"] == 0.0
        assert row["cooperation"] > 0.05  # half of what is explored
    assert all(np.isnan(row["greedy_cooperation"]) for row in rows if row["episode"] < 300)


def test_measuring_changes_nothing():
    plain, measured = trainer(), trainer(probes=(Greedy(("cooperation",), every=1),))
    for a, b in zip(run(plain), run(measured), strict=True):
        assert {name: value for name, value in b.items() if not name.startswith("greedy")} == a
    for name, array in plain.state_dict().items():
        if not name.endswith(("greedy_ties",)):  # the stream of greedy ties is its own
            assert np.array_equal(array, measured.state_dict()[name], equal_nan=True), name


def test_every_so_many_rows():
    rows = run(trainer(probes=(Greedy(("reward",), every=10),)))
    measured = {row["episode"] for row in rows if not np.isnan(row["greedy_reward"])}
    assert measured == {100, 200, 300}


def test_seeds_do_not_depend_on_their_company():
    together = trainer()
    run(together)
    alone = ms.Trainer(together.game, together.learner, seeds=[8], episodes=300, num_envs=2)
    run(alone)
    assert alone.evaluate(10) == [row for row in together.evaluate(10) if row["seed"] == 8]


def test_an_unknown_metric_is_named():
    with pytest.raises(ValueError, match="no metric 'kindness'; it reports reward, payoff"):
        run(trainer(probes=(Greedy(("kindness",)),)))


def test_they_can_be_tried_elsewhere():
    """Defectors trained where mutual defection pays 1 are measured where it pays 2: same deeds, twice the reward."""
    home = trainer()
    abroad = ms.Society(ms.PrisonersDilemma(punishment=2, sees=()), n_agents=4, horizon=ms.Fixed(3), encode="index")
    probes = (Greedy(("reward",)), Greedy(("reward",), game=abroad, name="abroad"))
    for row in run(trainer(probes=probes)):
        if row["episode"] == 300:
            assert row["abroad_reward"] == 2 * row["greedy_reward"] > 0
    with pytest.raises(ValueError, match="another of the same agents, stages, choices and observations"):
        home.evaluate(10, ms.Society(ms.PrisonersDilemma(), n_agents=4, horizon=ms.Fixed(3), encode="index"))


def test_long_episodes_count_as_much_as_short_ones():
    """Half the episodes end after one round and half after many; the first to end are the short ones."""
    game = ms.Society(ms.PrisonersDilemma(sees=()), n_agents=2, horizon=ms.Geometric(0.5), encode="index")
    never = ms.Trainer(game, ms.TabularQ(), seeds=4, episodes=1, num_envs=5000)
    for row in never.evaluate(5000):
        assert abs(rounds_played(row) - 2.0) < 6 * np.sqrt(2 / 5000)  # a geometric length of mean 2 has variance 2


def rounds_played(row):
    """Rounds an episode, from the reward of two whose payoff a round is known by what they did."""
    shares = {name: row[name] for name in ("mutual_cooperation", "sucker", "temptation", "mutual_defection")}
    a_round = 6 * shares["mutual_cooperation"] + 4 * (shares["sucker"] + shares["temptation"])
    return row["reward"] / (a_round + 2 * shares["mutual_defection"])
