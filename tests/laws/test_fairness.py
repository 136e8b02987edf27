"""Laws (f) and (g): agents are interchangeable. Relabelling them relabels results, and no index wins ties."""

import law_cases
import numpy as np
import pytest
from law_cases import choose

import marl_sim as ms

WORLDS = 1500
BOUND = 6.0  # standard errors: all comparisons of this file together err once in a million suites


def deviations(samples):
    """How many standard errors each agent's mean lies from the mean of all; samples [worlds, agents, ...]."""
    apart = samples - samples.mean(axis=1, keepdims=True)
    error = apart.std(axis=0) / np.sqrt(len(samples))
    return np.divide(apart.mean(axis=0), error, out=np.zeros_like(error), where=error > 1e-12), error


def random_episodes(game, worlds=WORLDS, steps=60):
    """Under uniformly random play, per world and agent: reward by component, decisions of each kind, being faced."""
    sim = ms.Simulator(game, num_envs=worlds, seed=123)
    sim.reset()
    n = game.n_agents
    paid = {name: np.zeros((worlds, n)) for name in game.components}
    decided = {kind: np.zeros((worlds, n)) for kind in game.kinds}
    met = np.zeros((worlds, n, n + 1))
    kinds = [stage.kind for stage in game.stages]
    ended = 0
    for t in range(100_000):
        for k, kind in enumerate(kinds):
            decided[kind] += sim.acting & (sim.stage == k)[:, None]
        if "facing" in sim.state:
            np.add.at(met, (np.arange(worlds)[:, None], np.arange(n), sim.state["facing"]), 1.0)
        step = sim.step(choose(sim, t))
        for name in paid:
            paid[name] += step.components[name]
        ended += (step.terminated | step.truncated).any()
        if t >= steps and ended:
            return paid, decided, met
    raise AssertionError("no episode ends")


def test_no_index_is_favoured(name, game):
    if name in law_cases.ROLES:
        pytest.skip(f"the agents of {name} are not interchangeable: {law_cases.ROLES[name]}")
    steps = len(game.stages) * game.n_agents * 2 if game.in_turn else 30
    paid, decided, met = random_episodes(game, WORLDS if game.n_agents < 20 else 400, steps)
    for label, samples in (*paid.items(), *decided.items()):
        z, _ = deviations(samples)
        assert np.abs(z).max() < BOUND, f"{label}: agent {np.abs(z).argmax()} stands out by {z} standard errors"
    if name in law_cases.BY_PLACE:
        return
    n = game.n_agents
    off = met[:, :, :n][:, ~np.eye(n, dtype=bool)]
    z, _ = deviations(off)
    assert np.abs(z).max() < BOUND, "some pairs meet more often than others"


@pytest.mark.parametrize("n", [3, 4, 7])
def test_random_pairs_are_uniform(n):
    """Every pair of agents is as likely, either as host, and with an odd number everybody sits out as often."""
    game = ms.Society(ms.PrisonersDilemma(), n_agents=n, horizon=ms.Fixed(1))
    sim = ms.Simulator(game, num_envs=20_000, seed=n)
    sim.reset()
    partner, willing = sim.state["partner"], sim.state["willing"]
    hosts = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            hosts[i, j] = ((partner[:, i] == j) & (willing[:, i] == 1)).sum()
    p = (n // 2) / (n * (n - 1))
    expected, error = 20_000 * p, np.sqrt(20_000 * p * (1 - p))
    assert np.abs(hosts[~np.eye(n, dtype=bool)] - expected).max() < BOUND * error
    assert ((partner >= 0).sum(1) == 2 * (n // 2)).all()


@pytest.mark.parametrize("encounters", ["together", "in turn"])
def test_witnesses_are_uniform(encounters):
    """Who watches whom does not depend on the index."""
    n, worlds = 6, 20_000
    game = ms.Society(
        ms.PrisonersDilemma(), ms.RandomMatching(), ms.Punishment(by="witness"), n_agents=n, encounters=encounters
    )
    sim = ms.Simulator(game, num_envs=worlds, seed=5)
    sim.reset()
    sim.step(np.zeros((worlds, n), dtype=np.int64))
    watch = sim.state["watch"]
    counts = np.array([[(watch[:, :, j] == v).sum() for v in range(n) if v != j] for j in range(n)])
    mean = counts.mean()
    assert np.abs(counts - mean).max() < BOUND * np.sqrt(mean)
    assert (watch != np.arange(n)).all()


def relabelled(game, permutation, stage, action):
    """The same choices by agents of other names; in "select" the chosen one's name changes too."""
    there = np.zeros_like(action)
    for i, new in enumerate(permutation):
        there[:, new] = action[:, i]
        if game.stages[stage].kind == "select":
            for w in range(len(action)):
                chosen = permutation[game.peers[i, action[w, i]]]
                there[w, new] = np.flatnonzero(game.peers[new] == chosen)[0]
    return there


@pytest.mark.parametrize("extra", [(), (ms.Gift(), ms.Talk()), (ms.Reputation(private=True),)])
def test_relabelling_is_exact_where_nothing_is_drawn(extra):
    parts = ms.PartnerSelection(), ms.Punishment(by="partner"), *extra
    game = ms.Society(ms.PrisonersDilemma(), *parts, n_agents=5, horizon=ms.Fixed(4))
    permutation = np.array([2, 0, 4, 1, 3])
    here, there = (ms.Simulator(game, num_envs=16, seed=1) for _ in range(2))
    here.reset(), there.reset()
    for t in range(80):
        assert (here.stage == there.stage).all() and (here.acting == there.acting[:, permutation]).all()
        actions = choose(here, t)
        moved = relabelled(game, permutation, here.stage[0], actions)
        a, b = here.step(actions), there.step(moved)
        for name in game.components:
            np.testing.assert_allclose(b.components[name][:, permutation], a.components[name], rtol=0, atol=1e-12)
        if game.stages[here.stage[0]].kind != "select":  # there the columns are in the order of the agents
            np.testing.assert_allclose(b.obs[:, permutation], a.obs, rtol=0, atol=1e-6)
