"""The baselines of benchmarks/peers are honest: the loop of torch modules is a PPO that learns what is known."""

import importlib
import sys

import numpy as np
import pytest
import torch
from gymnasium import spaces
from pettingzoo import ParallelEnv
from pettingzoo.test import parallel_api_test, parallel_seed_test


@pytest.fixture
def peers(root, monkeypatch):
    """A function that imports a script of the folder by name, as if started there."""
    monkeypatch.syspath_prepend(str(root / "benchmarks" / "peers"))
    yield importlib.import_module
    for name in ("common", "pond", "torch_loop", "run_all"):
        sys.modules.pop(name, None)


class Bandit(ParallelEnv):
    """Two agents see one of three signals and are paid 1 for the right answer: agent 0's is the signal itself, agent
    1's the next one. An episode lasts `length` steps and then is `over` (terminates) or stopped (truncates).
    """

    metadata = {"name": "bandit_v0"}

    def __init__(self, length=1, over=True, free=False):
        self.possible_agents, self.agents = ["agent_0", "agent_1"], []
        self.length, self.over, self.free = length, over, free
        self.rng = np.random.default_rng()

    def observation_space(self, agent):
        return spaces.Box(0, 1, (3,), np.float32)

    def action_space(self, agent):
        return spaces.Discrete(3)

    def seen(self):
        self.signal = int(self.rng.integers(3))
        return {a: np.eye(3, dtype=np.float32)[self.signal] for a in self.possible_agents}

    def reset(self, seed=None, options=None):
        if seed is not None:
            self.rng = np.random.default_rng(seed)
        self.agents, self.time = self.possible_agents[:], 0
        return self.seen(), {a: {} for a in self.agents}

    def step(self, actions):
        self.time += 1
        right = [self.free or actions[a] == (self.signal + i) % 3 for i, a in enumerate(self.possible_agents)]
        end = self.time == self.length
        if end:
            self.agents = []
        names = self.possible_agents
        ends = dict.fromkeys(names, end and self.over), dict.fromkeys(names, end and not self.over)
        return self.seen(), dict(zip(names, map(float, right))), *ends, {a: {} for a in names}


@pytest.mark.slow
def test_each_agent_of_the_loop_learns_its_own_right_answer(peers):
    loop, common = peers("torch_loop"), peers("common")
    sizes = common.Sizes(n_agents=2, num_envs=8, steps=32, hidden=(32, 32))
    agents, earned = loop.train(Bandit, sizes, 60, common.PPO(lr=3e-3, gamma=0.9), seed=1)
    assert earned[0] == pytest.approx(1 / 3, abs=0.15)  # drawn at random
    assert (earned[-1] > 0.95).all()
    answers = [agent.actor(torch.eye(3)).argmax(1).tolist() for agent in agents]
    assert answers == [[0, 1, 2], [1, 2, 0]]


@pytest.mark.slow
@pytest.mark.parametrize("over, worth", [(True, 1.0), (False, 5.0)])
def test_the_loop_bootstraps_when_the_clock_stops_and_not_when_the_game_is_over(peers, over, worth):
    """A reward of 1 in episodes of one step is worth 1; of a game that would go on, 1 / (1 - 0.8)."""
    loop, common = peers("torch_loop"), peers("common")
    sizes = common.Sizes(n_agents=2, num_envs=4, steps=32, hidden=(32, 32))
    agents, _ = loop.train(lambda: Bandit(over=over, free=True), sizes, 150, common.PPO(lr=3e-3, gamma=0.8))
    for agent in agents:
        assert agent.values(torch.eye(3)).tolist() == pytest.approx([worth] * 3, rel=0.05)


def test_advantages_are_sums_of_discounted_surprises(peers):
    loop, common = peers("torch_loop"), peers("common")
    rng = torch.Generator().manual_seed(0)
    reward, value, after = torch.rand(3, 6, 1, generator=rng)
    ended = torch.tensor([0, 0, 1, 0, 0, 0], dtype=torch.bool)[:, None]
    ppo = common.PPO(gamma=0.9, gae_lambda=0.7)
    surprise = reward + 0.9 * after - value
    by_hand = [sum(0.63 ** (k - t) * surprise[k] for k in range(t, 3 if t < 3 else 6)) for t in range(6)]
    torch.testing.assert_close(loop.advantages(reward, value, after, ended, ppo), torch.stack(by_hand))


def test_copies_begin_anew_in_the_step_in_which_they_end(peers):
    pond = peers("pond")
    copies = pond.Copies(lambda: pond.Pond(2, length=3), 2, num_envs=2, seed=5)
    turns = [copies.step(np.full((2, 2), action)) for action in (1, 2, 3, 0)]
    assert [turn.truncated.tolist() for turn in turns] == [[False] * 2, [False] * 2, [True] * 2, [False] * 2]
    assert not any(turn.terminated.any() for turn in turns)
    clocks = [turn.obs[:, :, 2].mean() for turn in turns]
    assert clocks == pytest.approx([1 / 3, 2 / 3, 0, 1 / 3])
    assert (turns[2].final[:, :, 2] == 1).all()
    assert (turns[0].final == turns[0].obs).all()
    assert (turns[0].obs[0] != turns[0].obs[1]).any()  # each copy has its own random numbers


def test_the_pond_is_a_pettingzoo_environment(peers):
    pond = peers("pond")
    parallel_api_test(pond.Pond(3), 60)
    parallel_seed_test(lambda: pond.Pond(3), 60)


@pytest.mark.slow
def test_games_of_ours_serve_as_plain_vectors_where_everything_is_legal(peers):
    pond = peers("pond")
    copies = pond.Copies("public_goods", 3, num_envs=2, seed=0)
    turn = copies.step(np.ones((2, 3), dtype=np.int64))
    assert turn.obs.shape == (2, 3, copies.obs_dim)
    with pytest.raises(ValueError, match="not always legal"):
        pond.make_env("direct_punishment", 4)


@pytest.mark.slow
def test_measure_runs_a_peer_and_says_none_where_it_is_not_installed(peers, monkeypatch):
    run_all = peers("run_all")
    sizes = dict(n_agents=2, num_envs=2, steps=16, hidden=(8, 8), updates=2)
    found = run_all.measure("torch_loop", **sizes, seeds=2)
    assert found["agent_steps_per_second"] == pytest.approx(2 * found["env_steps_per_second"], rel=0.01)
    assert found["hidden"] == [8, 8] and found["n_agents"] == 2 and found["gradient_steps"] == 2 * 4 * 4
    with pytest.raises(RuntimeError, match="multiple of minibatches"):
        run_all.measure("torch_loop", **sizes | {"steps": 1})
    monkeypatch.setitem(run_all.PEERS, "absent", run_all.Peer("sb3", (), ("no_such_module",), ""))
    assert run_all.measure("absent", sys.executable, **sizes) is None


WORKER = """
import sys
sys.path.insert(0, {folder!r})
from common import Clock
clock = Clock(by_turns=True)
for iteration in range({iterations}):
    open({file!r}, "a").write("x")
    print("something that it says")
    clock.tick()
raise SystemExit("nothing is left to do")
"""


@pytest.fixture
def turns(peers, root, monkeypatch):
    """benchmarks/peers/turns.py, imported as benchmarks import it."""
    monkeypatch.syspath_prepend(str(root / "benchmarks"))
    yield peers("peers.turns")
    for name in [name for name in sys.modules if name.split(".")[0] == "peers"]:
        sys.modules.pop(name)


@pytest.fixture
def worker(root, tmp_path):
    """A function that gives the command of a program with so many iterations, and counts those it has begun."""

    def make(name, iterations=10**6):
        file = tmp_path / name
        code = WORKER.format(folder=str(root / "benchmarks" / "peers"), iterations=iterations, file=str(file))
        return [sys.executable, "-c", code], lambda: len(file.read_text())

    return make


def test_programs_are_measured_by_turns_and_wait_in_between(turns, worker):
    (one, begun), (other, begun_there) = worker("one"), worker("other")
    with turns.together({"one": one, "other": other}, threads=1) as running:
        assert (begun(), begun_there()) == (1, 1)  # warmed up
        for done in (2, 3):
            seconds = running["one"].turn(long=0)
            assert 0 < seconds.wall < 10 and 0 <= seconds.cpu < 10
            assert (begun(), begun_there()) == (done, 1)
        running["other"].turn(long=0.05)  # quick iterations are repeated
        assert begun() == 3 and begun_there() > 2


def test_a_program_that_ends_is_named_with_what_it_said(turns, worker):
    command, _ = worker("short", iterations=2)
    with turns.together({"short": command}, threads=1) as running:
        running["short"].turn(long=0)
        for _ in range(2):  # as it ends, and after that
            with pytest.raises(RuntimeError, match=r"short ended before its turn:(.|\n)*nothing is left to do"):
                running["short"].turn(long=0)
