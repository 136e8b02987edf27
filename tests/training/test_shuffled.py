"""Players who change seats: what a player sees, does and is paid goes with it, and nothing else changes."""

from itertools import pairwise

import numpy as np
import pytest
from always import Always

import marl_sim as ms
from marl_sim.training.shuffled import ShuffledWorlds
from marl_sim.training.worlds import SimulatorWorlds


class Echo(ms.Policy):
    """Does what its opponent did to it last."""

    tags = dict(memory=1)
    apart = True
    recalls = False

    def act(self, view):
        return np.maximum(view.other, 0)


def pot(horizon=None):
    return ms.Group(ms.PublicGoods(), n_agents=4, horizon=horizon or ms.Fixed(3))


def test_players_move_and_their_rewards_go_with_them():
    worlds = ShuffledWorlds(SimulatorWorlds(pot(), 5, (3, 9)))
    worlds.reset()
    orders = []
    for _ in range(24):
        order = worlds.order.copy()
        orders.append(order)
        actions = np.zeros((10, 4), int)
        actions[:, 2] = worlds.n_actions - 1  # player 2 gives, wherever it sits
        step = worlds.step(actions)
        raw = worlds.simulator._step
        np.testing.assert_array_equal(step.reward, np.take_along_axis(raw.reward, order, axis=1))
        assert (step.reward[:, 2] < step.reward[:, [0, 1, 3]].min(axis=1)).all()
    assert all((np.sort(order, axis=1) == np.arange(4)).all() for order in orders)
    changes = [(a != b).any(axis=1) for a, b in pairwise(orders)]
    assert all(changed.any() == (k % 3 == 2) for k, changed in enumerate(changes))  # with every game, not within
    where = np.array(orders)[::3, :, 2]
    assert set(where.ravel()) == {0, 1, 2, 3}


def test_a_society_that_lives_on_keeps_its_seats():
    worlds = ShuffledWorlds(SimulatorWorlds(pot(ms.Continuing(2)), 4, (0,)))
    worlds.reset()
    order = worlds.order.copy()
    for _ in range(9):
        worlds.step(np.zeros((4, 4), int))
    np.testing.assert_array_equal(worlds.order, order)


def test_seats_are_drawn_by_seed_and_world_alone():
    few, many = (ShuffledWorlds(SimulatorWorlds(pot(), b, seeds)) for b, seeds in ((2, (7,)), (6, (1, 7))))
    np.testing.assert_array_equal(few.order, many.order[6:8])


def test_policies_remember_players_not_seats():
    """Echo in a society of three: it does to each what that one did to it, though all have changed seats."""
    game = ms.Society(ms.PrisonersDilemma(), n_agents=3, horizon=ms.Fixed(12))
    seating = {"agent_0": Echo(), "agent_1": Always(0), "agent_2": Always(1)}
    made = ms.Trainer(game, seating=seating, seeds=3, episodes=8, num_envs=4, block=8, shuffle_seats=True)
    ((*rows,),) = list(made.run())
    for row in rows:
        assert row["cooperation_1"] == 1
        assert row["cooperation_2"] == 0
        assert 0 < row["cooperation_0"] < 1
    echo = made.seats.players[0].table.meetings  # of games under way
    assert (echo.other[:, 0, 1] <= 0).all()  # what agent_1 did: nothing yet, or to cooperate
    assert (np.isin(echo.other[:, 0, 2], (-1, 1))).all()


def test_learners_learn_as_players_whatever_their_seats():
    """The player who is paid for nothing it does not do itself: defection is learned in every seat alike."""
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(5), encode="index")
    learner = ms.TabularQ(alpha=0.2, gamma=0.0, epsilon=0.1)
    made = ms.Trainer(game, learner, seeds=4, episodes=80, num_envs=4, block=10, shuffle_seats=True)
    (*_, rows) = made.run()
    assert max(row["cooperation"] for row in made.evaluate(10)) < 0.02
    assert rows[0]["cooperation_0"] < 0.2


def test_shuffled_runs_go_on_bit_for_bit():
    def make():
        seating = {"agent_0": Echo(), "agent_1..3": ms.DQN(hidden=(8,))}
        game = ms.Society(ms.PrisonersDilemma(), n_agents=4, horizon=ms.Fixed(4))
        return ms.Trainer(game, seating=seating, seeds=2, episodes=10, num_envs=2, block=1, shuffle_seats=True)

    whole = make()
    for _ in whole.run():
        pass
    half = make()
    run = half.run()
    for _ in range(5):
        next(run)
    rest = make()
    rest.load_state_dict(half.state_dict())
    for _ in rest.run():
        pass
    one, other = whole.state_dict(), rest.state_dict()
    assert one.keys() == other.keys()
    for name in one:
        np.testing.assert_array_equal(one[name], other[name], err_msg=name)


def test_what_looks_at_seats_is_refused():
    with pytest.raises(ValueError, match="shuffle_seats goes with credit 'next'"):
        ms.Trainer("direct_punishment", ms.DQN(), credit="settled", shuffle_seats=True)
