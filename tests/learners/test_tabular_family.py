"""Learners with tables, each against what theory says of it: on-policy values, policy gradients, masks, refusals."""

import numpy as np
import pytest

from marl_sim.learners import (
    SARSA,
    Exp3,
    ExpectedSARSA,
    FictitiousPlay,
    HeadSpec,
    Hedge,
    JointActionLearner,
    TabularActorCritic,
    TabularQ,
    WoLFPHC,
)

SEEDS = np.arange(8)
ENDS = -1


def roam(learner, pay, follows, steps, worlds=10, told=True, legal=None, change=None):
    """SEEDS act in a deterministic game, pay [S, A] and next state follows [S, A] or ENDS, from state 0 on.

    A decision is stored once the next one is taken, which it is told of or not. Yields the lanes after every step.
    """
    states, actions = pay.shape
    lanes = learner.build(HeadSpec("play", 1, actions, (states,)), SEEDS, np.zeros(len(SEEDS), int))
    if change is not None:
        change(lanes)
    lead = (len(SEEDS), worlds)
    yes, state, legal = np.ones(lead, bool), np.zeros(lead, int), np.ones(actions, bool) if legal is None else legal
    legal = np.broadcast_to(legal, (*lead, actions))
    waiting = np.zeros(lead, bool)
    before = [state, state, np.zeros(lead)]
    for _ in range(steps):
        obs = state[..., None].astype(np.float32)
        action = lanes.act(obs, legal, yes).copy()
        was, chose, got = before
        lanes.add(was[..., None], chose, got, obs, legal, ~yes, waiting, action if told else None)
        reward, after = pay[state, action], follows[state, action]
        ended = after == ENDS
        lanes.add(obs, action, reward, obs, legal, yes, ended)
        lanes.learn()
        before, waiting, state = [state, action, reward], ~ended, np.where(ended, 0, after)
        yield lanes


def last(runs):
    """The lanes when all is over."""
    for lanes in runs:  # noqa: B007
        pass
    return lanes


# A cliff of two states. 0: action 0 stays away and ends with 0.8, action 1 walks along the edge, to state 1.
# 1: action 0 arrives, 1; action 1 falls, -10. Without discount.
CLIFF = np.array([[0.8, 0.0], [1.0, -10.0]]), np.array([[ENDS, 1], [ENDS, ENDS]])
SLIP = 0.2  # exploration, half of it towards the other action
ON_EDGE = (1 - SLIP / 2) * 1.0 + SLIP / 2 * -10.0  # what an agent that slips gets at the edge: -0.1
SPREAD = 11 * np.sqrt(SLIP / 2 * (1 - SLIP / 2))  # standard deviation of it


def test_q_learning_walks_along_the_cliff():
    lanes = last(roam(TabularQ(alpha=0.1, gamma=1.0, epsilon=SLIP), *CLIFF, steps=1500))
    assert np.allclose(lanes.table, [[0.8, 1.0], [1.0, -10.0]], atol=1e-3)
    assert (lanes.table[:, 0].argmax(1) == 1).all()


@pytest.mark.parametrize("told", [True, False])
def test_sarsa_counts_its_own_slips_and_stays_away(told):
    """Q(0, 1) is what its own exploring policy gets at the edge, not what the best would.

    A running mean of step size alpha, averaged over n visits that outlast it, strays SPREAD / sqrt(n) from the truth.
    Its own spread, SPREAD * sqrt(alpha / 2) = 0.23, keeps it from looking better than staying away. What the edge
    itself pays is known from the start.
    """

    def know(lanes):
        lanes.table[:, 1] = [1.0, -10.0]

    seen, steps, early = [], 4000, 1000
    learner = SARSA(alpha=0.01, gamma=1.0, epsilon=SLIP)
    for t, lanes in enumerate(roam(learner, *CLIFF, steps=steps, told=told, change=know)):
        if t >= early:
            seen.append(lanes.table[:, 0, 1].copy())
    walks = SLIP / 2 / (1 + SLIP / 2)  # share of the steps of an agent that stays away, and the edge takes two
    visits = len(SEEDS) * 10 * (steps - early) * walks
    assert abs(np.mean(seen) - ON_EDGE) < 4.5 * SPREAD / np.sqrt(visits)
    assert (lanes.table[:, 0].argmax(1) == 0).all()
    assert np.allclose(lanes.table[:, 0, 0], 0.8, atol=1e-3)


def test_expected_sarsa_knows_the_same_exactly():
    lanes = last(roam(ExpectedSARSA(alpha=0.1, gamma=1.0, epsilon=SLIP), *CLIFF, steps=2500))
    assert np.allclose(lanes.table, [[0.8, ON_EDGE], [1.0, -10.0]], atol=1e-3)
    assert (lanes.table[:, 0].argmax(1) == 0).all()


def one_step(learner, start, reward=1.0, legal=(1, 1, 1), terminated=False, next_action=None):
    """Q(0, 0) of state 0 after one transition to state 1, whose values are `start`."""
    lanes = learner.build(HeadSpec("play", 1, 3, (2,)), [0], [0])
    lanes.table[0, 1] = start
    yes, zero = np.ones((1, 1), bool), np.zeros((1, 1, 1), np.float32)
    given = None if next_action is None else np.full((1, 1), next_action)
    masks = np.array(legal, bool)[None, None]
    lanes.add(zero, np.zeros((1, 1), int), yes * reward, zero + 1, masks, yes & terminated, yes, given)
    lanes.learn()
    return lanes.table[0, 0, 0]


def test_one_transition_is_the_formula():
    """r + gamma * the next value, by hand: Q(s', .) = (2, 8, 8), alpha 1, gamma 1/2, epsilon 0.3."""
    sarsa, mean = (kind(alpha=1.0, gamma=0.5, epsilon=0.3) for kind in (SARSA, ExpectedSARSA))
    rows = (2.0, 8.0, 8.0)
    assert one_step(sarsa, rows, next_action=0) == 1 + 0.5 * 2
    assert one_step(sarsa, rows, next_action=2) == 1 + 0.5 * 8
    assert one_step(sarsa, rows, next_action=2, terminated=True) == 1
    assert one_step(sarsa, rows, legal=(1, 0, 0)) == 1 + 0.5 * 2
    assert one_step(sarsa, rows, legal=(0, 0, 0)) == 1
    assert one_step(mean, rows) == pytest.approx(1 + 0.5 * (0.7 * 8 + 0.3 * 6), abs=1e-12)
    assert one_step(mean, rows, legal=(1, 0, 1)) == pytest.approx(1 + 0.5 * (0.7 * 8 + 0.3 * 5), abs=1e-12)
    assert one_step(mean, rows, terminated=True) == one_step(mean, rows, legal=(0, 0, 0)) == 1


def test_an_action_that_is_not_told_is_drawn_from_ones_own_policy():
    """With epsilon 0.3 among two equals and a lesser one: 0.45, 0.45, 0.1 of the draws, another in every lane."""
    n = 6000
    lanes = SARSA(alpha=1.0, gamma=1.0, epsilon=0.3).build(HeadSpec("play", 1, 3, (2,)), np.arange(n), np.zeros(n, int))
    lanes.table[:, 1] = [1.0, 9.0, 9.0 + 1e-9]
    lanes.table[:, 1, 2] = 9.0
    lanes.table[:, 1, 0] = 1.0
    yes, zero = np.ones((n, 1), bool), np.zeros((n, 1, 1), np.float32)
    lanes.add(zero, np.zeros((n, 1), int), np.zeros((n, 1)), zero + 1, yes[..., None] & np.ones(3, bool), ~yes, yes)
    lanes.learn()
    assert abs((lanes.table[:, 0, 0] == 1.0).mean() - 0.1) < 4.5 * np.sqrt(0.09 / n)


BOOTSTRAPPED = [
    SARSA(alpha=0.2, gamma=0.8),
    ExpectedSARSA(alpha=0.2, gamma=0.8),
    WoLFPHC(alpha=0.2, gamma=0.8),
    JointActionLearner(alpha=0.2, gamma=0.8),
    TabularActorCritic(critic=0.2, gamma=0.8),
]


@pytest.mark.parametrize("learner", BOOTSTRAPPED, ids=lambda x: type(x).__name__)
@pytest.mark.parametrize("terminated", [True, False])
def test_truncation_bootstraps_and_termination_does_not(learner, terminated):
    """One state that pays 1 a step: worth 1 where each step ends the game, 1 / (1 - gamma) where only a clock stops."""
    follows = np.array([[ENDS if terminated else 0]])
    lanes = last(roam(learner, np.ones((1, 1)), follows, steps=100))
    worth = lanes.worth if hasattr(lanes, "worth") else lanes.joint if hasattr(lanes, "joint") else lanes.table
    assert np.allclose(worth, 1.0 if terminated else 5.0, atol=1e-6)


def test_the_actors_preferences_follow_the_policy_gradient():
    """Two arms that pay 1 and 0. The difference d of their preferences grows by 2 * actor * p (1 - p) on average,
    p its logistic, so that exp(d) - exp(-d) + 2 d = 2 * actor * steps. Lanes scatter about it; a scatter of s bends
    their mean by about s^2 / 2.
    """
    actor, steps = 0.02, 1500
    lanes = last(roam(TabularActorCritic(actor=actor), np.array([[1.0, 0.0]]), np.full((1, 2), ENDS), steps, worlds=4))
    d = lanes.table[:, 0, 0] - lanes.table[:, 0, 1]
    grid = np.linspace(0, 20, 200001)
    expected = grid[np.searchsorted(np.exp(grid) - np.exp(-grid) + 2 * grid, 2 * actor * steps * 4)]
    assert abs(d.mean() - expected) < 4.5 * d.std() / np.sqrt(len(SEEDS)) + d.var() / 2
    assert (lanes.export(0)[0].argmax() == 0) and np.isclose(lanes.export(0)[0].sum(), 1)


@pytest.mark.parametrize(
    "learner",
    [
        TabularActorCritic(actor=0.1, critic=0.2, gamma=0.8),
        WoLFPHC(gamma=0.8, alpha=0.2, win=0.005, lose=0.01, epsilon=0.1),
    ],
    ids=lambda x: type(x).__name__,
)
def test_a_policy_comes_to_prefer_the_delayed_reward(learner):
    """State 0: 0.5 at once, or nothing and state 1, where 1 is to be had: worth 0.8 now. Odds of at least 9 to 1."""
    lanes = last(roam(learner, np.array([[0.5, 0.0], [0.0, 1.0]]), np.array([[ENDS, 1], [ENDS, ENDS]]), steps=3000))
    for lane in range(len(SEEDS)):
        assert (lanes.export(lane)[:, 1] > 0.9).all()


def test_a_policy_gradient_step_is_the_formula():
    """h(s, b) += actor * delta * (1[b = a] - pi(b)), V(s) += critic * delta; by hand, with one action illegal."""
    lanes = TabularActorCritic(actor=0.5, critic=0.25, gamma=0.5).build(HeadSpec("play", 1, 3, (2,)), [0], [0])
    lanes.table[0, 0], lanes.worth[0] = [np.log(3), 0, 7], [1, 6]
    yes, zero, legal = np.ones((1, 1), bool), np.zeros((1, 1, 1), np.float32), np.array([[[1, 1, 0]]], bool)
    lanes.act(zero, legal, yes)
    lanes.add(zero, np.zeros((1, 1), int), yes * 2.0, zero + 1, legal, ~yes, yes)
    lanes.learn()  # delta = 2 + 3 - 1 = 4, pi = (3/4, 1/4)
    assert np.allclose(lanes.table[0, 0], [np.log(3) + 0.5, -0.5, 7], atol=1e-12)
    assert np.allclose(lanes.worth[0], [2, 6], atol=1e-12)


FAMILY = [
    SARSA(alpha=0.2),
    ExpectedSARSA(alpha=0.2),
    TabularActorCritic(),
    Exp3(payoffs=(-3, 3)),
    Hedge(),
    FictitiousPlay(),
    FictitiousPlay(temperature=1.0),
    WoLFPHC(),
    JointActionLearner(),
]


@pytest.mark.parametrize("learner", FAMILY, ids=lambda x: type(x).__name__)
def test_what_an_illegal_action_looks_like_makes_no_difference(learner):
    """Whether its place in the table says 800 or -800: the others are chosen and learned just the same."""

    def say(number):
        def change(lanes):
            for name in {"table", "joint"} & set(lanes.saved):
                getattr(lanes, name)[:, :, 2] = number

        return change

    pay, follows = np.array([[0.3, 0.6, 0.0], [1.0, 0.9, 0.0]]), np.array([[1, 1, 0], [ENDS, 0, 0]])
    high, low = (last(roam(learner, pay, follows, 100, legal=[True, True, False], change=say(x))) for x in (800, -800))
    for name, array in high.state_dict().items():
        if array.ndim >= 3 and name in ("table", "joint"):
            assert array[:, :, :2].tobytes() == low.state_dict()[name][:, :, :2].tobytes(), name
        else:
            assert array.tobytes() == low.state_dict()[name].tobytes(), name


@pytest.mark.parametrize("learner", FAMILY, ids=lambda x: type(x).__name__)
def test_an_agents_export_is_its_values_in_every_state(learner):
    pay, follows = np.array([[0.3, 0.6], [1.0, 0.9]]), np.array([[1, 1], [ENDS, 0]])
    lanes = last(roam(learner, pay, follows, 30))
    every = np.tile(np.arange(2, dtype=np.float32)[None, :, None], (len(SEEDS), 1, 1))
    values = lanes.values(every).copy()
    for lane in range(len(SEEDS)):
        assert (lanes.export(lane) == values[lane]).all()
    if lanes.mixed:
        assert np.allclose(values.sum(-1), 1)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: SARSA(alpha=0), "SARSA.alpha is 0; it must be a number above 0 and at most 1, or '1/n'."),
        (lambda: ExpectedSARSA(gamma=2), "ExpectedSARSA.gamma is 2; it must be a number from 0 to 1."),
        (lambda: TabularActorCritic(actor=0), "TabularActorCritic.actor is 0; it must be a number above 0 and at most"),
        (lambda: TabularActorCritic(critic="1/n"), "TabularActorCritic.critic is '1/n'"),
        (lambda: Exp3(epsilon=0), "Exp3.epsilon is 0; it must be a number above 0 and at most 1."),
        (
            lambda: Exp3(payoffs=(1, 1)),
            r"Exp3.payoffs is \(1, 1\); it must be two finite numbers, the lower one",
        ),
        (lambda: Hedge(rate=0), "Hedge.rate is 0; it must be positive and finite."),
        (lambda: Hedge(init="uniform"), "Hedge.init is 'uniform'; it must be a finite number."),
        (
            lambda: FictitiousPlay(temperature=-1),
            "FictitiousPlay.temperature is -1; it must be 0 or positive",
        ),
        (lambda: WoLFPHC(win=0.5, lose=0.1), "WoLFPHC.win is 0.5; it may not exceed lose, which is 0.1."),
        (lambda: WoLFPHC(slows=0), "WoLFPHC.slows is 0; it must be positive and finite."),
        (lambda: JointActionLearner(epsilon=-1), "JointActionLearner.epsilon is -1"),
        (
            lambda: JointActionLearner().build(HeadSpec("play", 1, 8, (8,), others=7), [0], [0]),
            "would need 134217728 numbers for the joint actions of head 'play'; at most 16777216 are allowed.",
        ),
        (lambda: Exp3().build(HeadSpec("play", 1, 8, (8,)), [0], [0], device="cuda"), "Exp3 got device 'cuda'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(make, words):
    with pytest.raises(ValueError, match=words):
        make()


def add(lanes, reward=0.0, **told):
    """Store one transition for two lanes that see one state."""
    yes, zero = np.ones((2, 1), bool), np.zeros((2, 1, 1), np.float32)
    legal = np.ones((2, 1, lanes.spec.n_actions), bool)
    lanes.add(zero, np.zeros((2, 1), int), np.array([[0.0], [reward]]), zero, legal, ~yes, yes, **told)


@pytest.mark.parametrize("learner", [Hedge(), FictitiousPlay(), JointActionLearner()], ids=lambda x: type(x).__name__)
def test_who_watches_must_be_told(learner):
    lanes = learner.build(HeadSpec("play", 1, 2, (1,), others=2), [0, 1], [0, 0])
    with pytest.raises(ValueError, match=rf"'play' was not told what the others did; {type(learner).__name__} needs"):
        add(lanes)
    with pytest.raises(ValueError, match=r"got others of shape \(2, 1\); it needs \(2, 1, 2\)"):
        add(lanes, others=np.zeros((2, 1), int))
    with pytest.raises(ValueError, match=r"Lane 1 of head 'play' was told of an action .* must hold 0 to 1"):
        add(lanes, others=np.array([[[0, 1]], [[0, 2]]]))
    add(lanes, others=np.array([[[0, 1]], [[1, 0]]]))
    lanes.learn()
    assert (lanes.counts == [[[0, 1, 0, 0]], [[0, 0, 1, 0]]]).all()  # the first of the others counts slowest


def test_a_next_action_is_one_of_the_heads_or_unknown():
    lanes = SARSA().build(HeadSpec("play", 1, 2, (1,)), [0, 1], [0, 0])
    with pytest.raises(ValueError, match="'play' got next_action -1 to 2; it must hold 0 to 1, or -1"):
        add(lanes, next_action=np.array([[-1], [2]]))
    with pytest.raises(ValueError, match=r"got next_action of shape \(2,\)"):
        add(lanes, next_action=np.zeros(2, int))


def test_exp3_must_know_what_there_is_to_be_paid():
    lanes = Exp3(payoffs=(-1, 2)).build(HeadSpec("play", 1, 2, (1,)), [0, 1], [0, 0])
    with pytest.raises(ValueError, match=r"Lane 1 of head 'play' got a reward of 2.5; Exp3.payoffs allows -1 to 2."):
        add(lanes, reward=2.5)


def test_what_waits_has_an_end():
    lanes = SARSA().build(HeadSpec("play", 1, 2, (1,)), [0, 1], [0, 0])
    lanes.replay.capacity = 3
    for _ in range(3):
        add(lanes)
    with pytest.raises(ValueError, match=r"has 3 transitions waiting; call learn\(\) before adding more"):
        add(lanes)
    assert (lanes.learn()["updates"] == 3).all()
