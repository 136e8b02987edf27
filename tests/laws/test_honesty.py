"""Laws (h) and (i): observations lie in their space, masks say what can be done, and what a step reports adds up."""

import itertools

import numpy as np
import pytest
from law_cases import choose, pieces

import marl_sim as ms


def test_observations_lie_in_their_space(game):
    sim = ms.Simulator(game, num_envs=3, seed=2, settled=True)
    low, high = game.layout.bounds()
    assert (low <= high).all() and low.dtype == high.dtype == np.float32

    def inside(obs, where):
        assert obs.dtype == np.float32
        assert np.isfinite(obs).all(), where
        bad = np.argwhere((obs < low) | (obs > high))
        assert not len(bad), f"{where}: column {bad[0][-1]} of {[s.name for s in game.layout.slots]}"

    inside(sim.reset(), "reset")
    for t in range(120):
        step = sim.step(choose(sim, t))
        inside(step.obs, "obs")
        inside(step.final_obs[step.terminated | step.truncated], "final_obs")
        inside(step.settled_obs[step.round_over], "settled_obs")


def test_an_agent_sees_its_own_decision_and_nothing_else(game):
    """Where the stage is, and, for those who decide, the block of that kind of stage."""
    sim = ms.Simulator(game, num_envs=3, seed=3)
    obs = sim.reset()
    count = len(game.stages)
    for t in range(120):
        for w in range(3):
            k = int(sim.stage[w])
            assert (obs[w, :, :count] == np.eye(count)[k]).all()
            block = game.layout.block(game.stages[k].kind)
            outside = np.ones(game.obs_dim, dtype=bool)
            outside[:count], outside[block] = False, False
            assert not obs[w][:, outside].any()
            assert not obs[w][~sim.acting[w], count:].any()
        obs = sim.step(choose(sim, t)).obs


def test_observations_are_those_of_the_state_whatever_was_seen_before(game):
    """What is shown is written piece by piece: nothing of an earlier stage may be left over."""
    sim = ms.Simulator(game, num_envs=2, seed=5)
    sim.reset()
    for t in range(60):
        actions = choose(sim, t)
        saved = sim.save()
        came = sim.step(actions).copy()
        dirty = {k: v.copy() for k, v in saved.items()}
        sim.load(dirty)
        again = sim.step(actions)
        for (name, a), (_, b) in zip(pieces(came), pieces(again), strict=True):
            assert np.array_equal(a, b), name


def to_try(game):
    """Actions at and beyond the ends of what a game knows."""
    if game.box is None:
        return range(-1, game.n_actions + 1)
    low, high = game.box
    return low, (low + high) / 2, high, low - 1, high + 1, np.nan


def is_open(sim, agent, action):
    """Whether the agent of world 0 may choose it, as the masks (or the box) say."""
    if sim.game.box is not None:
        low, high = sim.game.box
        return low <= action <= high if sim.acting[0, agent] else action == 0
    return 0 <= action < sim.game.n_actions and sim.legal[0, agent, action]


def test_masks_are_honest(game):
    sim = ms.Simulator(game, num_envs=1, seed=4)
    sim.reset()
    for t in range(12):
        base = choose(sim, t)
        before = sim.save()
        for i, a in itertools.product(range(game.n_agents), to_try(game)):
            tried = base.copy()
            tried[0, i] = a
            if is_open(sim, i, a):
                sim.what_if(tried)
            else:
                with pytest.raises(ms.IllegalAction, match=f"agent_{i} chose {a} in stage .* of world 0"):
                    sim.step(tried)
                assert all(np.array_equal(before[k], v, equal_nan=True) for k, v in sim.save().items())
        assert (sim.legal.sum(2) >= 1).all()
        assert (sim.legal[~sim.acting] == np.eye(game.n_actions, dtype=bool)[0]).all()
        sim.step(base)


def test_somebody_acts_in_every_step_and_rewards_add_up(game):
    sim = ms.Simulator(game, num_envs=4, seed=6)
    sim.reset()
    counted = np.zeros((4, game.n_agents, len(game.choice_names)))
    for t in range(150):
        assert sim.acting.any(1).all()
        actions = choose(sim, t)
        for w, i in zip(*np.nonzero(sim.acting), strict=True):
            kind = game.stages[sim.stage[w]].kind
            chosen = actions[w, i] if game.box is None else 0  # a continuous decision is one choice
            counted[w, i, game.choice_offset[kind] + chosen] += 1
        step = sim.step(actions)
        np.testing.assert_array_equal(step.reward, sum(step.components.values()))
        assert not (step.terminated & step.truncated).any()
        for w in np.flatnonzero(step.terminated | step.truncated):
            np.testing.assert_array_equal(step.tallies["choices"][w], counted[w])
            counted[w] = 0


def test_every_episode_ends(game):
    sim = ms.Simulator(game, num_envs=8, seed=7)
    sim.reset()
    ended = np.zeros(8, dtype=int)
    for t in range(5000):
        step = sim.step(choose(sim, t))
        ended += step.terminated | step.truncated
        if ended.min() >= 2:
            return
    raise AssertionError(f"after 5,000 stages the worlds have ended {ended} episodes")
