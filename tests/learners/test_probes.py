"""Probes: tiny problems whose right answer is known from theory, one for each thing that a learner can get wrong."""

import numpy as np
import pytest

from marl_sim.learners import DQN, HeadSpec, JointActionLearner, TabularQ

SEEDS = np.arange(6)
# Small networks at a fixed step size; the answers are exact fixed points, the tolerances what Adam's jitter needs.
DEEP = dict(hidden=(16,), batch=16, lr=0.01, target_every=20, epsilon=1.0)
PROBED = [
    pytest.param(DQN(gamma=0.8, path="fused", **DEEP), 0.05, id="DQN-fused"),
    pytest.param(DQN(gamma=0.8, path="torch", double=True, **DEEP), 0.05, id="DQN-torch-double"),
    pytest.param(TabularQ(gamma=0.8, alpha=0.2, epsilon=1.0), 0.05, id="TabularQ"),
    pytest.param(TabularQ(gamma=0.8, alpha=0.2, epsilon=1.0, replay=4, memory="ring"), 0.05, id="TabularQ-replay"),
    pytest.param(JointActionLearner(gamma=0.8, alpha=0.2, epsilon=1.0), 0.05, id="JointActionLearner-alone"),
]


def learn(learner, play, states, actions, steps, change=None, forbidden=()):
    """Let all SEEDS act in a world play(state, action) -> reward, next state, ended; returns lanes and their values."""
    spec = HeadSpec("play", 1, actions, (states,))
    lanes = learner.build(spec, SEEDS, np.zeros(len(SEEDS), int))
    if change is not None:
        change(lanes)
    one = (len(SEEDS), 1)
    state, legal = np.zeros(one), np.ones((*one, actions), bool)
    legal[..., list(forbidden)] = False
    yes = np.ones(one, bool)
    for _ in range(steps):
        obs = state[..., None].astype(np.float32)
        action = lanes.act(obs, legal, yes).copy()
        reward, after, ended = play(state, action)
        lanes.add(obs, action, reward, after[..., None], legal, ended, yes)
        lanes.learn()
        state = np.where(ended, 0, after)
    every = np.tile(np.arange(states, dtype=np.float32)[None, :, None], (len(SEEDS), 1, 1))
    return lanes, lanes.values(every).copy()


@pytest.mark.parametrize(("learner", "tolerance"), PROBED)
def test_bandit_values_are_the_arms_payoffs(learner, tolerance):
    pay = np.array([0.2, 1.0, -0.5])

    def play(state, action):
        return pay[action], state, np.ones(state.shape, bool)

    lanes, q = learn(learner, play, states=1, actions=3, steps=500)
    assert np.allclose(q[:, 0], pay, atol=tolerance)
    yes = np.ones((len(SEEDS), 1), bool)
    greedy = lanes.act(np.zeros((len(SEEDS), 1, 1), np.float32), np.ones((len(SEEDS), 1, 3), bool), yes, greedy=True)
    assert (greedy == 1).all()


@pytest.mark.parametrize(("learner", "tolerance"), PROBED)
def test_delayed_reward_comes_back_discounted(learner, tolerance):
    """State 0: action 1 leads to state 1 for nothing, action 0 ends with 0.5; in state 1 action 1 pays 1 and ends."""

    def play(state, action):
        first = state == 0
        reward = np.where(first, 0.5 * (action == 0), 1.0 * (action == 1))
        ended = ~first | (action == 0)
        return reward, np.ones_like(state), ended

    _, q = learn(learner, play, states=2, actions=2, steps=900)
    assert np.allclose(q, [[0.5, 0.8], [0.0, 1.0]], atol=tolerance)


@pytest.mark.parametrize(("learner", "tolerance"), PROBED)
@pytest.mark.parametrize("terminated", [True, False])
def test_truncation_bootstraps_and_termination_does_not(learner, tolerance, terminated):
    """One state that pays 1 a step: worth 1 where each step ends the game, 1 / (1 - gamma) where only a clock stops."""

    def play(state, action):
        return np.ones(state.shape), state, np.full(state.shape, terminated)

    _, q = learn(learner, play, states=1, actions=1, steps=1200)
    assert np.allclose(q, 1.0 if terminated else 5.0, atol=2 * tolerance)


@pytest.mark.parametrize(("learner", "tolerance"), PROBED)
def test_bootstrap_ignores_illegal_actions(learner, tolerance):
    """Only action 0 is legal and pays 0, so every state is worth 0, however high the illegal action stands."""

    def lift(lanes):
        saved = lanes.state_dict()
        for name in saved:
            if name in ("params", "target"):
                saved[name][:, -1] = 50  # output bias of action 1
            elif name in ("table", "joint"):
                saved[name][:, :, 1] = 50
        lanes.load_state_dict(saved)

    def play(state, action):
        return np.zeros(state.shape), np.ones_like(state), state == 1

    _, q = learn(learner, play, states=2, actions=2, steps=700, change=lift, forbidden=[1])
    assert np.allclose(q[:, :, 0], 0, atol=tolerance)
    assert (q[:, :, 1] > 10).all()


def test_tabular_q_follows_the_closed_form():
    """n updates of one state-action pair towards r give r * (1 - (1 - alpha)^n)."""
    lanes = TabularQ(alpha=0.1).build(HeadSpec("play", 1, 1, (1,)), SEEDS, np.zeros(6, int))
    zero, yes = np.zeros((6, 3, 1), np.float32), np.ones((6, 3), bool)
    reward = np.tile(SEEDS[:, None] + 0.3, (1, 3))
    for n in range(1, 20):
        lanes.add(zero, np.zeros((6, 3), int), reward, zero, yes[..., None], yes, yes)
        lanes.learn()
        assert np.allclose(lanes.table[:, 0, 0], reward[:, 0] * (1 - 0.9 ** (3 * n)), rtol=1e-12)


def test_a_step_size_of_one_over_n_is_the_sample_mean():
    """Of every pair apart, however often each comes."""
    lanes = TabularQ(alpha="1/n", gamma=0.0, init=7.0).build(HeadSpec("play", 1, 2, (2,)), SEEDS, np.zeros(6, int))
    rng, no = np.random.default_rng(0), np.zeros((6, 5), bool)
    seen = []
    for _ in range(40):
        state, action, reward = rng.integers(0, 2, (6, 5)), rng.integers(0, 2, (6, 5)), rng.normal(size=(6, 5))
        after = np.zeros((6, 5, 1), np.float32)
        lanes.add(state[..., None].astype(np.float32), action, reward, after, ~no[..., None] | [True, True], no, ~no)
        lanes.learn()
        seen.append((state, action, reward))
    state, action, reward = (np.concatenate(x, axis=1) for x in zip(*seen, strict=True))
    for lane, s, a in np.ndindex(6, 2, 2):
        mine = (state[lane] == s) & (action[lane] == a)
        assert np.isclose(lanes.table[lane, s, a], reward[lane, mine].mean(), rtol=0, atol=1e-12)
        assert lanes.visits[lane, s, a] == mine.sum()


def test_an_episodes_memory_is_forgotten_at_its_end():
    lanes = TabularQ(replay=2).build(HeadSpec("play", 1, 1, (1,)), SEEDS, np.zeros(6, int))
    deep = DQN(memory="episode", batch=2).build(HeadSpec("play", 1, 1), SEEDS, np.zeros(6, int))
    zero, yes = np.zeros((6, 3, 1), np.float32), np.ones((6, 3), bool)
    for x in (lanes, deep):
        x.add(zero, np.zeros((6, 3), int), np.ones((6, 3)), zero, yes[..., None], yes, yes)
        assert (x.learn()["updates"] == 2).all()
        x.end_episode(np.array([1, 0, 1, 1, 1, 1], bool))
        assert x.replay.count.tolist() == [0, 3, 0, 0, 0, 0]
