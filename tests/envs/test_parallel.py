"""The ParallelEnv: what it takes, what it refuses, and how episodes begin and end."""

import copy
import pickle
from itertools import pairwise

import numpy as np
import pytest
from gymnasium.utils.env_checker import data_equivalence

import marl_sim as ms


def legal(env, seen, first=True):
    """The first (or last) legal action of everybody."""
    pick = np.argmax if first else lambda mask: len(mask) - 1 - np.argmax(mask[::-1])
    return {agent: int(pick(seen[agent]["action_mask"])) for agent in env.agents}


def play(env, seen, steps=10**6, first=False):
    """Play on to the end of the episode, or so many steps; everything that was returned."""
    heard = []
    while env.agents and len(heard) < steps:
        heard.append(copy.deepcopy(env.step(legal(env, seen, first))))
        seen = heard[-1][0]
    return heard


def test_names_and_options_or_a_made_game():
    env = ms.parallel_env("direct_punishment", n_agents=4)
    assert env.possible_agents == ["agent_0", "agent_1", "agent_2", "agent_3"]
    assert str(env) == "direct_punishment_v0"
    assert env.game.n_agents == env.simulator.game.n_agents == 4
    assert env.layout is env.game.layout
    assert env.agents == []


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (dict(game="direct_punishmnt"), "did you mean 'direct_punishment'"),
        (dict(game="direct_punishment", agents=4), "unknown option 'agents'; did you mean 'n_agents'"),
        (dict(game=5), "game must be a Game or the name of a registered one; got 5"),
        (dict(illegal_action="skip"), "illegal_action must be 'raise', 'pass' or 'random'; got 'skip'"),
        (dict(render_mode="text"), "render_mode must be None, 'ansi', 'human' or 'rgb_array'; got 'text'"),
        (dict(max_cycles=0), "max_cycles must be a whole number of at least 1, or None; got 0"),
        (dict(max_cycles=True), "max_cycles must be a whole number of at least 1, or None; got True"),
        (dict(seed=-1), "seed must be a whole number from 0"),
    ],
)
@pytest.mark.parametrize("face", [ms.parallel_env, ms.aec_env])
def test_wrong_arguments_are_refused_in_one_sentence(face, arguments, says):
    with pytest.raises(ValueError, match=says) as refusal:
        face(**{"game": "prisoners_dilemma"} | arguments)
    assert "\n" not in str(refusal.value)


def test_options_beside_a_made_game_are_refused(society):
    with pytest.raises(ValueError, match=r"options go with the name of a game.*n_agents"):
        ms.parallel_env(society, n_agents=4)


def test_before_the_first_reset(society):
    env = ms.parallel_env(society)
    for ask in (lambda: env.step({}), env.state, env.render, lambda: env.stage, env.components):
        with pytest.raises(ms.NotReset, match="has not been reset; call reset"):
            ask()


def test_after_the_end(society):
    env = ms.parallel_env(society)
    play(env, env.reset(seed=0)[0])
    assert env.agents == []
    assert env.step({}) == ({}, {}, {}, {}, {})
    with pytest.raises(ms.NotReset, match="the episode has ended; call reset"):
        env.step(dict.fromkeys(env.possible_agents, 0))


def test_waiting_agents_may_be_left_out_or_pass(society):
    full, short = ms.parallel_env(society), ms.parallel_env(society)
    seen, infos = full.reset(seed=4)
    short.reset(seed=4)
    waited = 0
    while full.agents:
        actions = legal(full, seen)
        few = {agent: action for agent, action in actions.items() if infos[agent]["acting"]}
        waited += len(actions) - len(few)
        heard = full.step(actions)
        assert data_equivalence(heard, short.step(few))
        seen, infos = heard[0], heard[4]
    assert waited > 0


@pytest.mark.parametrize("kind", [int, np.int64, np.int8, np.uint64, lambda a: np.array(a)])
def test_any_integer_is_an_action(kind, society):
    env = ms.parallel_env(society)
    seen, _ = env.reset(seed=0)
    env.step({agent: kind(action) for agent, action in legal(env, seen).items()})


@pytest.mark.parametrize("odd", [0.5, 1.0, None, "1", np.array([1]), np.array([0, 1]), np.float32(1)])
def test_anything_else_is_not(odd, society):
    env = ms.parallel_env(society)
    seen, _ = env.reset(seed=0)
    with pytest.raises(ValueError, match=r"the action of agent_2 must be an integer from 0 to 2; got "):
        env.step(legal(env, seen) | {"agent_2": odd})
    with pytest.raises(ValueError, match=r"the action of agent_\d must be an integer from 0 to 2; got "):
        env.step(dict.fromkeys(env.agents, odd))


def test_wrong_dictionaries_are_refused_in_one_sentence(society):
    env = ms.parallel_env(society)
    seen, _ = env.reset(seed=0)
    actions = legal(env, seen)
    with pytest.raises(ValueError, match="there is no agent 'agent_9'; the agents are agent_0 to agent_3"):
        env.step(actions | {"agent_9": 0})
    with pytest.raises(ValueError, match="must hold an action for agent_1, which decides in stage 'select'"):
        env.step({agent: action for agent, action in actions.items() if agent != "agent_1"})
    with pytest.raises(ValueError, match="actions must be a dictionary"):
        env.step([0, 0, 0, 0])
    with pytest.raises(ValueError, match="there is no agent 'agent_9'"):
        env.action_space("agent_9")


@pytest.mark.parametrize("action", [3, -1, 2**70, -(2**70)])
def test_an_illegal_action_plays_nothing(action, society):
    env = ms.parallel_env(society)
    seen, _ = env.reset(seed=0)
    before = env.simulator.save()
    with pytest.raises(ms.IllegalAction, match=r"agent_1 chose .* in stage 'select' .* it may choose 0"):
        env.step(legal(env, seen) | {"agent_1": action})
    assert env.steps == 0
    assert data_equivalence(before, env.simulator.save())
    env.step(legal(env, seen))


def test_an_action_where_it_has_none(society):
    """In turn, two of four play; the others may pass only."""
    env = ms.parallel_env(society)
    seen, infos = env.step(legal(env, env.reset(seed=0)[0]))[:5:4]
    waits = next(agent for agent in env.agents if not infos[agent]["acting"])
    with pytest.raises(ms.IllegalAction, match=f"{waits} chose 1 .* where it does not act"):
        env.step(legal(env, seen) | {waits: 1})


@pytest.mark.parametrize("how", ["pass", "random"])
def test_replacing_illegal_actions(how, society):
    """Deciders' replacements and idle agents' ignored actions are counted apart; what is legal stays."""
    env, twin = ms.parallel_env(society, illegal_action=how), ms.parallel_env(society, illegal_action=how)
    seen, infos = env.reset(seed=0)
    twin.reset(seed=0)
    replaced = ignored = 0
    while env.agents:
        for agent in env.agents:
            replaced += infos[agent]["acting"]
            ignored += not infos[agent]["acting"]
        wild = dict.fromkeys(env.agents, 99)
        heard = env.step(wild)
        assert data_equivalence(heard, twin.step(wild))
        seen, infos = heard[0], heard[4]
    assert (env.replaced, env.ignored) == (replaced, ignored)
    choices = env.tallies()["choices"]
    assert choices.sum() == replaced
    taken = {name for name, count in zip(env.game.choice_names, choices.sum(axis=0)) if count}
    first = {"select:peer 0", "play:cooperate", "punish:let be"}
    assert taken == first if how == "pass" else taken > first

    seen, _ = env.reset()
    env.step(legal(env, seen))
    assert (env.replaced, env.ignored) == (replaced, ignored)


def test_replacements_are_the_engines_own_draws():
    """The Python draw that replaces actions is the engine's generator, number by number."""
    from marl_sim.core import rng
    from marl_sim.envs.face import draw

    state = 0
    for number in (3, 2**64 - 1, 12345):
        state = int(rng.mix(np.uint64(state), np.uint64(number)))
        assert state < 2**64
    assert draw(3, 2**64 - 1, 12345) == state


def test_reset_with_a_seed_depends_on_the_seed_alone(game):
    env = ms.parallel_env(game, illegal_action="random")
    first = env.reset(seed=8), play(env, env.reset(seed=8)[0], 40)
    env.reset(seed=9)
    env.step(dict.fromkeys(env.agents, 0))
    env.reset(options={"anything": 1})
    again = env.reset(seed=8, options={"anything": 2}), play(env, env.reset(seed=8)[0], 40)
    assert data_equivalence(first, again)
    assert data_equivalence(first[0], ms.parallel_env(game, seed=8).reset())


@pytest.mark.parametrize("when", ["at the end", "midway", "after max_cycles"])
def test_reset_without_a_seed_goes_on_reproducibly(when, society):
    """Other draws than before, and the same ones in every run."""
    runs = []
    for _ in range(2):
        env = ms.parallel_env(society, max_cycles=5 if when == "after max_cycles" else None)
        seen, _ = env.reset(seed=3)
        episodes = []
        for _ in range(6):
            episodes.append(play(env, seen, 4 if when == "midway" else 10**6, first=True))
            seen, _ = env.reset()
        runs.append(episodes)
    assert data_equivalence(runs[0], runs[1])
    seen = [np.stack([one["observation"] for step in episode for one in step[0].values()]) for episode in runs[0]]
    assert any(a.shape != b.shape or (a != b).any() for a, b in pairwise(seen)), "every episode drew the same"


def test_what_lasts_goes_on_after_the_clock_stopped(lasting):
    """With a Continuing horizon reset() is the society's next episode; reset(seed) founds it anew."""
    env = ms.parallel_env(lasting)
    seen, _ = env.reset(seed=0)
    heard = play(env, seen, first=True)
    assert env.truncated
    assert not env.terminated
    assert all(heard[-1][3].values())
    assert not any(heard[-1][2].values())
    env.reset()
    assert env.simulator.state["standing"].any()
    env.reset(seed=0)
    assert not env.simulator.state["standing"].any()


def test_the_last_step(society):
    """Its reward arrives, what was last seen is shown, nobody decides, and nobody is left."""
    env, sim = ms.parallel_env(society), ms.Simulator(society, seed=2)
    seen, _ = env.reset(seed=2)
    sim.reset()
    while env.agents:
        actions = legal(env, seen, first=False)
        step = sim.step(np.array([list(actions.values())]))
        seen, paid, terminated, truncated, infos = env.step(actions)
    assert step.terminated[0]
    assert list(paid.values()) == step.reward[0].tolist()
    assert any(paid.values())
    assert all(terminated.values())
    assert not any(truncated.values())
    for i, agent in enumerate(env.possible_agents):
        assert (seen[agent]["observation"] == step.final_obs[0, i]).all()
        assert seen[agent]["action_mask"].any()
        assert infos[agent] == {"stage": int(step.final_obs[0, i, : len(society.stages)].argmax()), "acting": False}


def test_max_cycles_truncates(society):
    env = ms.parallel_env(society, max_cycles=3)
    heard = play(env, env.reset(seed=0)[0])
    assert len(heard) == env.steps == 3
    assert all(heard[-1][3].values())
    assert not any(heard[-1][2].values())
    assert not any(info["acting"] for info in heard[-1][4].values())
    env.reset()
    assert env.steps == 0
    assert len(env.agents) == 4


def test_rewards_are_the_sum_of_their_components(society):
    env = ms.parallel_env(society)
    seen, _ = env.reset(seed=0)
    paid_in = set()
    while env.agents:
        seen, paid, *_ = env.step(legal(env, seen, first=False))
        parts = env.components()
        assert set(parts) == set(society.components)
        paid_in |= {name for name, one in parts.items() if any(one.values())}
        for agent in env.possible_agents:
            assert paid[agent] == pytest.approx(sum(one[agent] for one in parts.values()))
    assert paid_in == {"payoff", "fined", "judging"}


def test_what_is_returned_is_the_callers(society):
    """Later steps change nothing that was returned, and changing it changes no later step."""
    env, twin = ms.parallel_env(society), ms.parallel_env(society)
    kept, _ = env.reset(seed=0)
    seen, _ = twin.reset(seed=0)
    held = copy.deepcopy(kept)
    actions = legal(env, kept)
    heard = env.step(actions)
    assert data_equivalence(kept, held)
    for one in (*kept.values(), *heard[0].values()):
        one["observation"][:] = 7
        one["action_mask"][:] = 0
    heard[1].clear(), heard[4].clear(), env.agents.clear()
    env.agents = env.possible_agents[:]
    seen, *_ = twin.step(actions)
    following = legal(twin, seen)
    assert data_equivalence(env.step(following), twin.step(following))


def test_observations_stay_in_their_space(game):
    env = ms.parallel_env(game)
    seen, _ = env.reset(seed=1)
    for step in play(env, seen, 60):
        for agent, one in step[0].items():
            assert env.observation_space(agent).contains(one)
        assert env.state_space.contains(env.state())


def test_masks_are_honest(society):
    """Every open action is taken by the simulator, and every closed one refused."""
    env = ms.parallel_env(society)
    seen, _ = env.reset(seed=5)
    while env.agents:
        actions = legal(env, seen)
        for i, agent in enumerate(env.agents):
            for action, open_now in enumerate(seen[agent]["action_mask"]):
                attempt = np.array([list((actions | {agent: action}).values())])
                if open_now:
                    env.simulator.what_if(attempt)
                else:
                    with pytest.raises(ms.IllegalAction, match=f"agent_{i}"):
                        env.simulator.step(attempt)
        seen, *_ = env.step(actions)


@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda env: pickle.loads(pickle.dumps(env))])
@pytest.mark.parametrize("steps", [0, 3, None])
def test_copies_in_the_middle_go_on_alike(twin_of, steps, society):
    """Before the first reset, in an episode, and after its end."""
    env = ms.parallel_env(society, illegal_action="random", render_mode="ansi")
    if steps != 0:
        play(env, env.reset(seed=6)[0], steps or 10**6)
    twin = twin_of(env)
    if steps == 3:
        wild = dict.fromkeys(env.agents, 1)
        assert twin.render() == env.render()
        assert data_equivalence(env.step(wild), twin.step(wild))
        assert twin.render() == env.render()
    for _ in range(2):
        again = env.reset()
        assert data_equivalence(again, twin.reset())
        assert data_equivalence(play(env, again[0]), play(twin, again[0]))
    assert (twin.replaced, twin.ignored) == (env.replaced, env.ignored)
