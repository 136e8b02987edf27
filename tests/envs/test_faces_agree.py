"""The law of the faces: the same seed and actions give the same trajectory, bit for bit, whoever drives."""

import hashlib
import os
import subprocess
import sys

import numpy as np
import pytest

import marl_sim as ms

SEED = 11


def choice(legal, step, agent):
    """A legal action that depends on the step and the agent alone."""
    allowed = np.flatnonzero(legal)
    return int(allowed[(step * 7 + agent * 13 + step // 5) % len(allowed)])


def through_the_simulator(game, steps, seed=SEED):
    """Per step: what was seen after it (the last of the episode where it ended), what was paid, and how it ended."""
    sim = ms.Simulator(game, seed=seed)
    sim.reset()
    rows = [(sim.obs[0].copy(), sim.legal[0].astype(np.int8), None, (False, False))]
    for t in range(steps):
        actions = np.array([[choice(sim.legal[0, i], t, i) for i in range(game.n_agents)]])
        step = sim.step(actions)
        ended = bool(step.terminated[0]), bool(step.truncated[0])
        seen = step.final_obs if any(ended) else step.obs
        rows.append((seen[0].copy(), step.legal[0].astype(np.int8), step.reward[0].copy(), ended))
    return rows


def through_parallel(game, steps, seed=SEED):
    env = ms.parallel_env(game)
    seen, _ = env.reset(seed=seed)
    rows = [(*stacked(seen), None, (False, False))]
    for t in range(steps):
        actions = {agent: choice(seen[agent]["action_mask"], t, i) for i, agent in enumerate(env.agents)}
        seen, paid, terminated, truncated, _ = env.step(actions)
        row = [*stacked(seen), np.array(list(paid.values())), (terminated["agent_0"], truncated["agent_0"])]
        if not env.agents:  # the episode that has begun already: its first mask is the simulator's
            seen, _ = env.reset()
            row[1] = stacked(seen)[1]
        rows.append(tuple(row))
    return rows


def through_turns(game, steps, seed=SEED, waiting="skip"):
    env = ms.aec_env(game, waiting=waiting)
    env.reset(seed=seed)
    seen = {agent: env.observe(agent) for agent in env.possible_agents}
    rows = [(*stacked(seen), None, (False, False))]
    for t in range(steps):
        deciders = [agent for agent in env.possible_agents if env.infos[agent]["acting"]]
        selected = deciders if waiting == "skip" else env.possible_agents
        for agent in selected:
            assert env.agent_selection == agent
            assert env.last()[0]["observation"].tobytes() == seen[agent]["observation"].tobytes(), "something leaked"
            env.step(choice(seen[agent]["action_mask"], t, env.possible_agents.index(agent)))
        seen = {agent: env.observe(agent) for agent in env.possible_agents}
        row = [*stacked(seen), np.array(list(env.rewards.values()))]
        row += [(env.terminations["agent_0"], env.truncations["agent_0"])]
        if any(row[3]):
            while env.agents:
                env.step(None)
            env.reset()
            seen = {agent: env.observe(agent) for agent in env.possible_agents}
            row[1] = stacked(seen)[1]
        rows.append(tuple(row))
    return rows


def stacked(seen):
    return tuple(np.array([one[part] for one in seen.values()]) for part in ("observation", "action_mask"))


def same(one, other):
    for t, (a, b) in enumerate(zip(one, other, strict=True)):
        for x, y in zip(a, b, strict=True):
            assert type(x) is type(y) or isinstance(x, tuple)
            assert x is y or np.asarray(x).tobytes() == np.asarray(y).tobytes(), f"they part at step {t}"


def test_three_faces_one_trajectory(game):
    """Over several episodes, with the simulator's own way of beginning the next."""
    expected = through_the_simulator(game, 120)
    same(expected, through_parallel(game, 120))
    same(expected, through_turns(game, 120))


def test_selecting_everybody_changes_nothing(society):
    same(through_the_simulator(society, 60), through_turns(society, 60, waiting="pass"))


@pytest.mark.nojit
def test_the_faces_agree_without_compilation(society):
    same(through_the_simulator(society, 20), through_turns(society, 20))


PROBE = """
import hashlib, sys
import numpy as np
import marl_sim as ms
from marl_sim.envs.face import draw

env = ms.parallel_env(sys.argv[1], illegal_action="random")
seen, _ = env.reset(seed=5)
digest = hashlib.sha256()
for t in range(1000):
    actions = {a: draw(t, i) % env.game.n_actions for i, a in enumerate(env.agents)}
    seen, *rest = env.step(actions)
    for agent, one in seen.items():
        digest.update(agent.encode() + one["observation"].tobytes() + one["action_mask"].tobytes())
    digest.update(repr(rest).encode())
    if not env.agents:
        env.reset()
print(digest.hexdigest(), env.replaced, env.ignored)
"""


@pytest.mark.parametrize("name", ["direct_punishment", "society"])
def test_two_processes_a_thousand_steps(name):
    """Actions are drawn without regard to the mask, so that the replacements are compared as well."""
    answers = []
    for hash_seed in ("1", "2"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        command = [sys.executable, "-c", PROBE, name]
        answers.append(subprocess.run(command, capture_output=True, text=True, check=True, env=environment).stdout)
    assert answers[0] == answers[1]
    digest, replaced, ignored = answers[0].split()
    assert len(digest) == len(hashlib.sha256().hexdigest())
    assert int(ignored) > 0
    assert int(replaced) > 0 or name == "direct_punishment"  # whose deciders always have both choices
