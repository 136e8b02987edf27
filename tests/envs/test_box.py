"""Continuous decisions through both PettingZoo faces."""

import copy
import pickle

import numpy as np
import pytest
from gymnasium import spaces
from pettingzoo.test import api_test, parallel_api_test, parallel_seed_test, seed_test
from the_pot import pot

import marl_sim as ms


def numbers(steps):
    return np.random.default_rng(3).uniform(0.5, 2.0, (steps, 3)).astype(np.float32)


def test_spaces():
    env = ms.parallel_env(pot())
    assert env.action_space("agent_1") == spaces.Box(0.5, 2.0, (1,), np.float32)
    seen, _ = env.reset(seed=0)
    assert isinstance(env.observation_space("agent_0"), spaces.Box)
    assert all(env.observation_space(agent).contains(one) for agent, one in seen.items())


def test_three_faces_agree():
    game, chosen = pot(rounds=30), numbers(60)
    sim, parallel, turns = ms.Simulator(game, seed=4), ms.parallel_env(game), ms.aec_env(game)
    sim.reset(), parallel.reset(seed=4), turns.reset(seed=4)
    for row in chosen:
        wanted = np.where(sim.acting, row, 0.0)
        step = sim.step(wanted.astype(np.float64))
        _, paid, *_ = parallel.step({agent: row[i : i + 1] for i, agent in enumerate(parallel.agents)})
        for agent in [agent for agent in turns.agents if turns.infos[agent]["acting"]]:
            assert turns.agent_selection == agent
            turns.step(row[turns.possible_agents.index(agent)])
        assert step.reward[0].tolist() == list(paid.values()) == list(turns.rewards.values())


def test_pettingzoos_own_tests():
    parallel_api_test(ms.parallel_env(pot()), 100)
    parallel_seed_test(lambda: ms.parallel_env(pot()))
    for waiting in ("skip", "pass"):  # the test chooses 0 once, whatever the range
        api_test(ms.aec_env(pot(), waiting=waiting, illegal_action="pass"), 100)
    seed_test(lambda: ms.aec_env(pot()))


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
def test_copies_in_the_middle_of_a_stage_go_on_alike(twin_of):
    env = ms.aec_env(pot())
    env.reset(seed=1)
    env.step(1.25)
    twin = twin_of(env)
    for one in (env, twin):
        one.step([0.75])
        one.step(np.array([2.0]))
    assert env.rewards == twin.rewards
    assert env.rewards["agent_0"] == pytest.approx(1.5 * 4.0 / 3 - 1.25)


@pytest.mark.parametrize("odd", ["much", [1.0, 2.0], [[1.0]], {}])
def test_what_is_no_number_is_refused(odd):
    turns, parallel = ms.aec_env(pot()), ms.parallel_env(pot())
    turns.reset(seed=0), parallel.reset(seed=0)
    says = r"the action of agent_0 must be one number from 0\.5 to 2; got"
    with pytest.raises(ValueError, match=says):
        turns.step(odd)
    with pytest.raises(ValueError, match=says):
        parallel.step({"agent_0": odd, "agent_1": 1.0, "agent_2": 1.0})


@pytest.mark.parametrize("bad", [0.4, 7, np.nan])
def test_numbers_outside_the_range_are_refused_in_the_name_of_who_chose_them(bad):
    turns, parallel = ms.aec_env(pot()), ms.parallel_env(pot())
    turns.reset(seed=0), parallel.reset(seed=0)
    turns.step(1.0)
    with pytest.raises(ms.IllegalAction, match=r"agent_1 chose .* a number from 0\.5 to 2"):
        turns.step(bad)
    with pytest.raises(ms.IllegalAction, match=r"agent_1 chose .* a number from 0\.5 to 2"):
        parallel.step({"agent_0": 1.0, "agent_1": bad, "agent_2": 1.0})


@pytest.mark.parametrize("how", ["pass", "random"])
def test_or_they_are_replaced_alike_by_both_faces(how):
    turns, parallel = ms.aec_env(pot(), illegal_action=how), ms.parallel_env(pot(), illegal_action=how)
    turns.reset(seed=0), parallel.reset(seed=0)
    given = {"agent_0": 9.0, "agent_1": 1.0, "agent_2": -1.0}
    _, paid, *_ = parallel.step(given)
    for amount in given.values():
        turns.step(amount)
    assert turns.rewards == paid
    assert turns.replaced == parallel.replaced == 2
    if how == "pass":  # the least there is
        assert paid["agent_0"] == pytest.approx(1.5 * 2.0 / 3 - 0.5)
    else:
        assert paid["agent_0"] != paid["agent_2"]


def test_a_picture_tells_the_amounts():
    env = ms.parallel_env(pot(), render_mode="ansi")
    env.reset(seed=0)
    env.step({"agent_0": 1.25, "agent_1": 1.0, "agent_2": 0.5})
    assert "give 1.25" in env.render()


def test_a_picture_of_amounts_has_no_column_of_last_deeds():
    """Whoever took too much is remembered for it, but there is a word for taking only."""
    env = ms.parallel_env("common_pool", box=True, n_agents=2, render_mode="ansi")
    env.reset(seed=0)
    env.step({agent: np.array([take], np.float32) for agent, take in zip(env.agents, (0.5, 5.0))})
    assert "take 0.5" in env.render()
    assert "last play" not in env.render()
