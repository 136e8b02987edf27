"""The AECEnv: who is selected, what is revealed when, and when rewards arrive."""

import copy
import pickle

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

import marl_sim as ms


def first_open(env, agent):
    return int(env.observe(agent)["action_mask"].argmax())


def last_open(env, agent):
    return int(np.flatnonzero(env.observe(agent)["action_mask"])[-1])


def test_only_those_who_decide_are_selected_by_index(society):
    env = ms.aec_env(society)
    env.reset(seed=0)
    lengths = set()
    while env.agents and not env.terminated:
        deciders = [agent for agent in env.agents if env.infos[agent]["acting"]]
        lengths.add(len(deciders))
        for agent in deciders:
            assert env.agent_selection == agent
            assert env.last()[4] == {"stage": society.stages.index(env.stage), "acting": True}
            env.step(first_open(env, agent))
    assert lengths == {4, 2}  # all select; two play; the other player and a witness judge


def test_everybody_may_be_selected(society):
    env = ms.aec_env(society, waiting="pass")
    env.reset(seed=0)
    turns = [agent for agent, _ in zip(env.agent_iter(), range(12)) if env.step(first_open(env, agent)) is None]
    assert turns == env.possible_agents * 3
    with pytest.raises(ValueError, match="waiting must be 'skip' or 'pass'; got 'all'"):
        ms.aec_env(society, waiting="all")


def test_decisions_of_a_stage_are_simultaneous(society):
    """Until the last has chosen nothing is paid, and all see what was to be seen before the first had."""
    env = ms.aec_env(society)
    env.reset(seed=1)
    while not env.terminated:
        before = {agent: copy.deepcopy(env.observe(agent)) for agent in env.agents}
        stage, played = env.stage, env.steps
        while env.stage is stage and env.steps == played:
            for agent in env.agents:
                assert data_equivalence(env.observe(agent), before[agent])
            if env.agent_selection != next(agent for agent in env.agents if env.infos[agent]["acting"]):
                assert not any(env.rewards.values())
            env.step(last_open(env, env.agent_selection))
            if env.terminated:
                break


def test_rewards_wait_for_the_agents_next_turn(society):
    """last() pays what an agent earned since its last decision, and over an episode everything is paid once."""
    env, parallel = ms.aec_env(society), ms.parallel_env(society)
    env.reset(seed=2)
    seen, _ = parallel.reset(seed=2)
    earned, paid = dict.fromkeys(env.agents, 0.0), dict.fromkeys(env.agents, 0.0)
    while parallel.agents:
        actions = {agent: int(np.flatnonzero(seen[agent]["action_mask"])[-1]) for agent in parallel.agents}
        seen, rewards, *_ = parallel.step(actions)
        for agent, reward in rewards.items():
            earned[agent] += reward
    for agent in env.agent_iter():
        _, reward, terminated, truncated, _ = env.last()
        paid[agent] += reward
        env.step(None if terminated or truncated else last_open(env, agent))
    assert paid == pytest.approx(earned)
    assert any(paid.values())


def test_the_end(society):
    """Everybody is dismissed by index, with the last reward and observation; then nobody is left."""
    env = ms.aec_env(society)
    env.reset(seed=0)
    while not env.terminated:
        env.step(last_open(env, env.agent_selection))
    assert env.agents == env.possible_agents
    assert all(env.terminations.values())
    rewards = env.rewards.copy()
    assert any(rewards.values())
    waited = 0
    for agent in env.possible_agents:
        assert env.agent_selection == agent
        seen, reward, terminated, truncated, info = env.last()
        assert terminated is True
        assert truncated is False
        assert env.observation_space(agent).contains(seen)
        assert reward == env._cumulative_rewards[agent]
        waited += reward != rewards[agent]
        assert info["acting"] is False
        with pytest.raises(ValueError, match="the only valid action is None"):
            env.step(0)
        env.step(None)
    assert env.agents == []
    assert waited > 0  # somebody was also owed for earlier stages in which it did not decide
    for ask in (env.last, lambda: env.step(None)):
        with pytest.raises(ms.NotReset, match="the episode has ended and no agent is left; call reset"):
            ask()
    env.reset()
    assert env.agents == env.possible_agents


def test_before_the_first_reset(society):
    env = ms.aec_env(society)
    for ask in (lambda: env.step(0), env.last, lambda: env.observe("agent_0"), env.state, env.render):
        with pytest.raises(ms.NotReset, match="has not been reset; call reset"):
            ask()


def test_unknown_agents(society):
    env = ms.aec_env(society)
    env.reset(seed=0)
    for ask in (env.observe, env.observation_space, env.action_space):
        with pytest.raises(ValueError, match="there is no agent 'agent_7'; the agents are agent_0 to agent_3"):
            ask("agent_7")


@pytest.mark.parametrize("action", [3, -1, 2**70])
def test_an_illegal_action_changes_nothing(action, society):
    """It is refused at once, not when the stage is played, and the agent may choose again."""
    env, twin = ms.aec_env(society), ms.aec_env(society)
    env.reset(seed=0)
    twin.reset(seed=0)
    env.step(2)
    twin.step(2)
    with pytest.raises(ms.IllegalAction, match=r"agent_1 chose .* in stage 'select' .* it may choose 0"):
        env.step(action)
    assert env.agent_selection == "agent_1"
    for agent in ("agent_1", "agent_2", "agent_3"):
        env.step(first_open(env, agent))
        twin.step(first_open(twin, agent))
    assert data_equivalence(env.simulator.save(), twin.simulator.save())


@pytest.mark.parametrize("odd", [0.5, None, "1", np.array([1]), np.float32(1)])
def test_what_is_no_integer_is_refused(odd, society):
    env = ms.aec_env(society)
    env.reset(seed=0)
    with pytest.raises(ValueError, match="the action of agent_0 must be an integer from 0 to 2; got "):
        env.step(odd)
    env.step(np.int64(1))


@pytest.mark.parametrize("how", ["pass", "random"])
def test_replacements_are_those_of_the_parallel_face(how, society):
    env, parallel = ms.aec_env(society, illegal_action=how), ms.parallel_env(society, illegal_action=how)
    env.reset(seed=0)
    _, infos = parallel.reset(seed=0)
    while parallel.agents:
        for agent in env.possible_agents:
            if infos[agent]["acting"]:
                env.step(99)
        seen, *_, infos = parallel.step(dict.fromkeys(parallel.agents, 99))
        for agent in env.possible_agents:
            assert data_equivalence(env.observe(agent), seen[agent])
    assert env.replaced == parallel.replaced > 0
    assert env.ignored == 0


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("turns", [0, 6, None])
def test_copies_in_the_middle_of_a_stage_go_on_alike(twin_of, turns, society):
    env = ms.aec_env(society, illegal_action="random")
    env.reset(seed=3)
    for _ in range(10**6 if turns is None else turns):
        if env.terminated:
            env.step(None)
            break
        env.step(last_open(env, env.agent_selection))
    twin = twin_of(env)
    for _ in range(100):
        assert data_equivalence((env.agents, env.rewards, env.infos), (twin.agents, twin.rewards, twin.infos))
        if not env.agents:
            env.reset()
            twin.reset()
        assert data_equivalence(env.last(), twin.last())
        action = None if env.terminated else 1
        env.step(action)
        twin.step(action)
