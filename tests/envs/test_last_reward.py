"""The reward of a game's last step arrives through every face."""

import numpy as np

import marl_sim as ms

GAME = ms.Society(ms.Harmony(), n_agents=2, horizon=ms.Fixed(1))


def test_through_the_simulator():
    sim = ms.Simulator(GAME)
    sim.reset()
    step = sim.step(np.zeros((1, 2), int))
    assert step.terminated[0]
    assert step.reward[0].tolist() == [4.0, 4.0]


def test_through_the_parallel_environment():
    env = ms.parallel_env(GAME)
    env.reset(seed=0)
    _, rewards, terminations, truncations, _ = env.step({"agent_0": 0, "agent_1": 0})
    assert rewards == {"agent_0": 4.0, "agent_1": 4.0}
    assert all(terminations.values())
    assert not any(truncations.values())
    assert env.agents == []


def test_turn_by_turn():
    env = ms.aec_env(GAME)
    env.reset(seed=0)
    total = dict.fromkeys(env.agents, 0.0)
    for agent in env.agent_iter():
        _, reward, terminated, truncated, _ = env.last()
        total[agent] += reward
        env.step(None if terminated or truncated else 0)
    assert total == {"agent_0": 4.0, "agent_1": 4.0}
