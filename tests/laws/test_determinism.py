"""Laws (a), (b), (j): the same seed and actions give the same world, in any process, company, state of pickling."""

import os
import pickle
import subprocess
import sys
from pathlib import Path

import law_cases
import numpy as np
import pytest
from law_cases import choose, play

import marl_sim as ms
from marl_sim.core import simulator


def same(a, b, what=""):
    assert len(a) == len(b)
    for t, (one, two) in enumerate(zip(a, b, strict=True)):
        for name in one:
            assert np.array_equal(one[name], two[name], equal_nan=True), f"{what}: {name} differs at step {t}"


def fingerprints_elsewhere(steps, **environment):
    """Fingerprints of all games' play, from another process."""
    found = subprocess.run(
        [sys.executable, Path(law_cases.__file__), str(steps)],
        env=os.environ | {"PYTHONHASHSEED": "77", "PYTHONPATH": str(Path(ms.__file__).parents[1])} | environment,
        capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert found.returncode == 0, found.stderr
    return dict(line.split("\t") for line in found.stdout.splitlines())


def test_another_process_plays_the_same_1000_steps():
    assert fingerprints_elsewhere(1000) == {name: law_cases.fingerprint(name, 1000) for name in law_cases.NAMES}


def test_plain_python_plays_the_same():
    plain = fingerprints_elsewhere(60, NUMBA_DISABLE_JIT="1")
    assert plain == {name: law_cases.fingerprint(name, 60) for name in law_cases.NAMES}


@pytest.mark.slow  # compiles everything a second time
def test_bounds_checks_change_nothing():
    assert os.environ["NUMBA_BOUNDSCHECK"] == "1"
    assert fingerprints_elsewhere(60, NUMBA_BOUNDSCHECK="0") == {
        name: law_cases.fingerprint(name, 60) for name in law_cases.NAMES
    }


def test_alone_as_among_many(game):
    many = ms.Simulator(game, num_envs=3, seed=[5, 2**63 + 1], settled=True)
    many.reset()
    trace = play(many, 40)
    for s, seed in enumerate(many.seeds):
        alone = ms.Simulator(game, num_envs=1, seed=seed, settled=True)
        alone.reset()
        same(play(alone, 40), [{k: v[3 * s : 3 * s + 1] for k, v in step.items()} for step in trace], "alone")


@pytest.mark.parametrize("threads", [2, 3])
def test_any_number_of_threads(game, threads, monkeypatch):
    serial = ms.Simulator(game, num_envs=7, seed=3, threads=1)
    serial.reset()
    monkeypatch.setattr(simulator, "PARALLEL_ABOVE", 0.0)
    parallel = ms.Simulator(game, num_envs=7, seed=3, threads=threads)
    assert len(parallel._chunks) == threads
    assert np.array_equal(serial.reset(seed=3), parallel.reset(seed=3))
    same(play(serial, 30), play(parallel, 30), f"{threads} threads")


def test_seeds_and_worlds_differ(name, game):
    """Two worlds, or two seeds, are not the same world twice, unless chance has no say in the game."""
    sim = ms.Simulator(game, num_envs=2, seed=[1, 2])
    sim.reset()
    apart = np.zeros(4)
    for t in range(600):
        action = np.broadcast_to(choose(sim, t)[:1], (4, game.n_agents))
        if not law_cases.possible(sim, action):
            return  # already apart
        step = sim.step(action)
        apart += np.abs(step.obs - step.obs[:1]).sum((1, 2)) + np.abs(step.reward - step.reward[:1]).sum(1)
    if name in law_cases.GUESTS and not (apart[1:] > 0).any():
        pytest.skip(f"chance has no say in {name}, as far as 600 steps show")
    assert (apart[1:] > 0).all() != (name in law_cases.WITHOUT_CHANCE)


def test_episodes_differ(game):
    """The draws of an episode are not those of the last one: the clock is renewed by a reset with a seed only."""
    sim = ms.Simulator(game, num_envs=1, seed=1)
    sim.reset()
    ticks = []
    for t in range(300):
        sim.step(choose(sim, t))
        ticks.append(int(sim.state["tick"][0, 0]))
    assert ticks == list(range(1, 301))


def test_reset_with_a_seed_repeats_and_without_goes_on(game):
    sim = ms.Simulator(game, num_envs=2, seed=9)
    first = sim.reset().copy(), play(sim, 25)
    sim.reset()
    tick = int(sim.state["tick"][0, 0])
    assert tick == 26
    again = sim.reset(seed=9).copy(), play(sim, 25)
    assert np.array_equal(first[0], again[0])
    same(first[1], again[1], "reset")


def test_settled_changes_nothing(game):
    plain, settled = (ms.Simulator(game, num_envs=2, seed=4, settled=s) for s in (False, True))
    assert np.array_equal(plain.reset(), settled.reset())
    for a, b in zip(play(plain, 60), play(settled, 60), strict=True):
        for name in a:
            assert np.array_equal(a[name], b[name]), name


def test_save_and_load_and_pickle_in_the_middle(game):
    sim = ms.Simulator(game, num_envs=2, seed=[6, 7], settled=True)
    sim.reset()
    play(sim, 7)
    saved, twin = sim.save(), pickle.loads(pickle.dumps(sim))
    assert twin.game == game
    after = play(sim, 30, start=7)
    same(after, play(twin, 30, start=7), "pickled")
    sim.load(saved)
    same(after, play(sim, 30, start=7), "loaded")
    fresh = ms.Simulator(game, num_envs=2, seed=[0, 1], settled=True)
    fresh.load(pickle.loads(pickle.dumps(saved)))
    assert fresh.seeds == (6, 7)
    same(after, play(fresh, 30, start=7), "loaded by another")


def test_what_if_leaves_the_worlds_as_they_are(game):
    sim = ms.Simulator(game, num_envs=2, seed=8)
    sim.reset()
    play(sim, 5)
    before = {k: v.copy() for k, v in sim.save().items()}
    actions = choose(sim, 5)
    foreseen = sim.what_if(actions)
    assert all(np.array_equal(before[k], v, equal_nan=True) for k, v in sim.save().items())
    came = sim.step(actions)
    for (name, one), (_, two) in zip(law_cases.pieces(foreseen), law_cases.pieces(came), strict=True):
        assert np.array_equal(one, two), name
