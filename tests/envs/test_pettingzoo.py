"""PettingZoo's own tests, on every game through both faces."""

from types import SimpleNamespace

import pytest
from pettingzoo.test import (
    api_test,
    max_cycles_test,
    parallel_api_test,
    parallel_seed_test,
    seed_test,
    state_test,
    test_save_obs,
)

import marl_sim as ms

pytestmark = pytest.mark.filterwarnings(
    "ignore:Observation is not a NumPy array",
    "ignore:Observation space for each agent probably should be",
    "ignore:Environment's (minimum|maximum) state space value is",
)
test_save_obs.__test__ = False  # a function to be called, not a test of ours


def test_the_parallel_interface(game):
    parallel_api_test(ms.parallel_env(game), num_cycles=100)


def test_the_turn_by_turn_interface(game):
    api_test(ms.aec_env(game), num_cycles=30)


def test_the_turn_by_turn_interface_with_everybody_selected(game):
    api_test(ms.aec_env(game, waiting="pass"), num_cycles=30)


def test_equal_seeds_turn_by_turn(game):
    seed_test(lambda: ms.aec_env(game), num_cycles=30)


def test_equal_seeds_in_parallel(game):
    parallel_seed_test(lambda: ms.parallel_env(game, illegal_action="random"), num_cycles=30)


def seeded(env, seed):
    for i, agent in enumerate(env.possible_agents):
        env.action_space(agent).seed(seed + i)
    return env


def test_max_cycles(game):
    """PettingZoo counts an agent's turns as cycles, so everybody is selected here; it samples without the mask.

    A game that may end by itself within the four cycles is sampled with seeds with which it does not; one that always
    does has no fourth cycle to be cut off at.
    """
    options = dict(illegal_action="pass", waiting="pass")

    def lasts(seed):
        env = seeded(ms.aec_env(game, seed=seed, **options), seed)
        env.reset()
        while env.steps < 5 and not (env.terminated or env.truncated):
            env.step(env.action_space(env.agent_selection).sample())
        return env.steps == 5

    seed = next((seed for seed in range(0, 10_000, 100) if lasts(seed)), None)
    if seed is None:
        assert game.horizon == ms.Fixed(1) and len(game.stages) < 5
        pytest.skip("its episodes are shorter than PettingZoo's four cycles")

    def parallel_env(max_cycles):
        return seeded(ms.parallel_env(game, max_cycles=max_cycles, illegal_action="pass", seed=seed), seed)

    def env(max_cycles):
        return seeded(ms.aec_env(game, max_cycles=max_cycles, seed=seed, **options), seed)

    max_cycles_test(SimpleNamespace(parallel_env=parallel_env, env=env))


def test_state(game):
    state_test(ms.aec_env(game, illegal_action="random"), ms.parallel_env(game), num_cycles=5)


def test_saving_observations(game, capsys):
    """Ours are no images: PettingZoo must say so rather than fail."""
    test_save_obs(ms.aec_env(game))
    assert "did not save" in capsys.readouterr().out


def test_the_converter_to_parallel_agrees(society):
    """waiting="pass" is what aec_to_parallel needs, and it plays the same game."""
    from pettingzoo.utils import aec_to_parallel

    converted, own = aec_to_parallel(ms.aec_env(society, waiting="pass")), ms.parallel_env(society)
    seen, _ = converted.reset(seed=3)
    expected, _ = own.reset(seed=3)
    while own.agents:
        actions = {agent: int(one["action_mask"].argmax()) for agent, one in expected.items()}
        seen, paid, *_ = converted.step(actions)
        expected, reward, *_ = own.step(actions)
        assert paid == reward
        for agent in own.agents:
            assert (seen[agent]["observation"] == expected[agent]["observation"]).all()
    assert not converted.agents
