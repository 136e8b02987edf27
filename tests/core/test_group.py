"""Groups: everybody plays one game together; and decisions that are numbers of a range."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
from the_pot import Pot, pot

import marl_sim as ms


def test_amounts_are_paid_and_agents_that_wait_give_nothing():
    sim = ms.Simulator(pot(), num_envs=2)
    sim.reset()
    given = np.array([[0.5, 1.0, 2.0], [1.5, 1.5, 1.5]])
    step = sim.step(given)
    np.testing.assert_allclose(step.reward, 1.5 * given.mean(1, keepdims=True) - given)
    assert step.acting.tolist() == [[True, False, False]] * 2
    more = np.array([[1.0, 0, 0], [2.0, 0, 0]])
    np.testing.assert_allclose(sim.step(more).reward, 1.5 * more.mean(1, keepdims=True) - more)


@pytest.mark.parametrize("horizon", [ms.Fixed(2), ms.Geometric(0.5), ms.Continuing(2)])
def test_rounds_follow_until_the_horizon_has_enough(horizon):
    sim = ms.Simulator(ms.Group(Pot(), n_agents=3, horizon=horizon), num_envs=500, seed=1)
    sim.reset()
    lengths, now = [], np.zeros(500, int)
    for _ in range(40):
        step = sim.step(np.where(sim.acting, 1.0, 0.0))
        now += step.round_over
        ended = step.truncated if isinstance(horizon, ms.Continuing) else step.terminated
        assert not (step.truncated if not isinstance(horizon, ms.Continuing) else step.terminated).any()
        lengths += now[ended].tolist()
        now[ended] = 0
    if isinstance(horizon, ms.Geometric):
        error = np.sqrt(2.0 / len(lengths))  # a geometric length of mean 2 has variance 2
        assert abs(np.mean(lengths) - 2) < 6 * error
    else:
        assert set(lengths) == {2}


@pytest.mark.parametrize(
    "actions, says",
    [
        ([[0.4, 1, 1]], r"agent_0 chose 0\.4 in stage 'give' of world 0; it may choose a number from 0\.5 to 2"),
        ([[1, 1, np.nan]], r"agent_2 chose nan in stage 'give'"),
        ([[1, np.inf, 1]], r"agent_1 chose inf in stage 'give'"),
    ],
)
def test_what_lies_outside_the_range_is_refused_and_plays_nothing(actions, says):
    sim = ms.Simulator(pot())
    sim.reset()
    before = sim.save()
    with pytest.raises(ms.IllegalAction, match=says):
        sim.step(np.array(actions))
    assert all(np.array_equal(before[name], array) for name, array in sim.save().items())


def test_who_does_not_act_passes_with_zero():
    sim = ms.Simulator(pot())
    sim.reset()
    sim.step(np.ones((1, 3)))
    with pytest.raises(ms.IllegalAction, match=r"agent_1 chose 1\.0 in stage 'more' .* does not act; it may only pass"):
        sim.step(np.ones((1, 3)))


@pytest.mark.parametrize("odd", [np.ones((1, 2)), np.ones(3), np.array([["a", "b", "c"]])])
def test_actions_of_another_shape_or_sort_are_refused(odd):
    sim = ms.Simulator(pot())
    sim.reset()
    with pytest.raises(ValueError, match=r"actions must be numbers of shape \(1, 3\); got"):
        sim.step(odd)


def test_what_is_saved_in_the_middle_of_a_round_goes_on_alike():
    sim = ms.Simulator(pot(), num_envs=2)
    sim.reset()
    sim.step(np.full((2, 3), 0.75))
    twin = pickle.loads(pickle.dumps(sim))
    more = np.array([[1.0, 0, 0], [2.0, 0, 0]])
    assert sim.step(more).reward.tolist() == twin.step(more).reward.tolist()


def test_discrete_and_continuous_decisions_do_not_mix():
    class Both(Pot):
        def stages(self, game):
            first, second = super().stages(game)
            return [first, replace(second, box=None)]

    with pytest.raises(ValueError, match="all discrete, or all continuous in one range; got 'give'"):
        ms.Group(Both(), n_agents=3)


@pytest.mark.parametrize("box", [(1.0, 1.0), (2.0, 1.0), (0.0, np.inf), (np.nan, 1.0)])
def test_a_range_must_be_one(box):
    with pytest.raises(ValueError, match="box must be two finite numbers, low < high"):
        ms.Stage("give", ("give",), box=box)


def test_a_group_wants_a_game_for_all_and_mechanisms_that_live_in_groups():
    with pytest.raises(ValueError, match=r"a group needs a game for all first.*PrisonersDilemma"):
        ms.Group(ms.PrisonersDilemma(), n_agents=3)
    with pytest.raises(ValueError, match="PartnerSelection lives among pairs, not in groups"):
        ms.Group(Pot(), ms.PartnerSelection(), n_agents=3)
    with pytest.raises(ValueError, match=r"a mechanism was expected.*give it as horizon"):
        ms.Group(Pot(), ms.Fixed(3), n_agents=3)


def test_one_s_own_mechanism_is_told_how_to_live_in_groups():
    class Mine(ms.Mechanism):
        """Somebody's own."""

    with pytest.raises(ValueError, match=r'Mine lives among pairs, not in groups; if it can, on = \("groups",\) in'):
        ms.Group(Pot(), Mine(), n_agents=3)
    with pytest.raises(ValueError, match=r"not in groups$"):
        ms.Group(Pot(), ms.Exit(), n_agents=3)

    class Everywhere(Mine):
        """The same, where it can live."""

        on = ("pairs", "groups")

    assert any(isinstance(part, Everywhere) for part in ms.Group(Pot(), Everywhere(), n_agents=3).parts)


def test_a_study_reports_what_a_part_measures():
    class Coins(Pot):
        """The same, in whole coins."""

        def stages(self, game):
            return [ms.Stage("play", ("keep", "give"), then=(ms.rule(give_coins),))]

    game = ms.Group(Coins(), n_agents=3, horizon=ms.Fixed(4))
    rows = [row for rows in ms.Trainer(game, ms.TabularQ(epsilon=1.0), seeds=2, episodes=50).run() for row in rows]
    for row in rows:
        share = row["gifts"] / 12
        assert 0 < share < 1
        assert share == pytest.approx(1 - row["cooperation"])  # action 0 is the one that keeps


def give_coins(n, action, given, payoff, factor):
    """One coin each."""
    for i in range(n):
        given[0] += action[i]
        payoff[i] -= action[i]


def test_learners_refuse_continuous_decisions():
    with pytest.raises(
        ValueError, match="TabularQ chooses among whole numbers, and head 'play' decides on numbers of a range"
    ):
        ms.Trainer(pot(), ms.TabularQ())
