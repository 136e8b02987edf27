"""Inequity aversion against the textbook: envy and guilt by hand, and what has been earned as it fades."""

import pickle
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from training.felt_rewards import PD, course, felt, payoff, steps

import marl_sim as ms

# ---------------------------------------------------------------- by hand


def test_envy_and_guilt_in_the_prisoners_dilemma():
    """alpha takes from who is behind, beta from who is ahead: 0 - 1/2 * 4 and 4 - 1/4 * 4."""
    layer = ms.InequityAversion(alpha=1 / 2, beta=1 / 4)
    by_hand = {"CC": (3, 3), "CD": (-2, 3), "DC": (3, -2), "DD": (1, 1)}
    assert {profile: tuple(felt(layer, paid)) for profile, paid in PD.items()} == by_hand


@pytest.mark.parametrize("beta, best", [(0.1, "D"), (0.24, "D"), (0.26, "C"), (0.6, "C")])
def test_guilt_makes_cooperation_a_best_answer_to_cooperation(beta, best):
    """4 - 4 beta < 3 if and only if beta > 1/4, which turns the dilemma into a stag hunt."""
    layer = ms.InequityAversion(alpha=2, beta=beta)
    own = {action: felt(layer, PD[action + "C"])[0] for action in "CD"}
    assert max(own, key=own.get) == best


def test_a_low_offer_is_refused_by_whoever_envies_enough():
    """Fehr & Schmidt's responder takes a share s < 1/2 of the pie if s - alpha (1 - 2 s) > 0, s > alpha/(1+2 alpha)."""
    alpha = F(2)
    threshold = alpha / (1 + 2 * alpha)
    assert threshold == F(2, 5)
    for share in (threshold - F(1, 100), threshold, threshold + F(1, 100)):
        by_hand = share - alpha * (1 - 2 * share)
        got = felt(ms.InequityAversion(alpha=2, beta=0.6), (float(1 - share), float(share)))[1]
        assert got == pytest.approx(float(by_hand), abs=1e-12)
    assert by_hand > 0


def test_four_players_by_hand():
    """Who has 4 among 1, 4, 10, 0: one is ahead by 6, two are behind, by 3 and 4; each sum is split by n - 1 = 3."""
    alpha, beta = F(3, 2), F(1, 2)
    by_hand = [
        1 - alpha * F(3 + 9, 3) - beta * F(1, 3),
        4 - alpha * F(6, 3) - beta * F(3 + 4, 3),
        10 - beta * F(9 + 6 + 10, 3),
        0 - alpha * F(1 + 4 + 10, 3),
    ]
    got = felt(ms.InequityAversion(float(alpha), float(beta)), (1, 4, 10, 0))
    assert got == pytest.approx([float(x) for x in by_hand], rel=1e-14)


@given(steps)
def test_inequity_is_a_cost_whichever_side_one_is_on(rewards):
    for layer in (ms.InequityAversion(1, 0), ms.InequityAversion(0, 1), ms.InequityAversion(1, 1, smoothing=0.5)):
        assert (course(layer, rewards) <= rewards).all()


def test_only_the_richest_envies_nobody_and_only_the_poorest_feels_no_guilt():
    envy = np.array([1, 4, 10, 0]) - felt(ms.InequityAversion(1, 0), (1, 4, 10, 0))
    guilt = np.array([1, 4, 10, 0]) - felt(ms.InequityAversion(0, 1), (1, 4, 10, 0))
    assert envy[2] == 0 and (np.delete(envy, 2) > 0).all()
    assert guilt[3] == 0 and (np.delete(guilt, 3) > 0).all()


@given(arrays(float, (3, 2), elements=payoff), st.integers(2, 6))
def test_equal_rewards_are_what_they_are(common, n):
    rewards = np.repeat(common[:, :, None], n, axis=2)
    for smoothing in (None, 0.9):
        np.testing.assert_array_equal(course(ms.InequityAversion(5, 0.5, smoothing), rewards), rewards)


# ---------------------------------------------------------------- smoothing


@given(steps, st.floats(0, 1), st.floats(0, 1))
def test_what_has_been_earned_fades_geometrically(rewards, smoothing, gamma):
    """e_j(t) = sum_k (gamma * lambda)^k r_j(t - k), compared as the textbook compares r."""
    layer = ms.InequityAversion(alpha=(5, 0, 1), beta=(0, 0.05, 1), smoothing=smoothing, gamma=gamma)
    got = course(layer, rewards)
    for t, w in np.ndindex(rewards.shape[:2]):
        e = sum((gamma * smoothing) ** k * rewards[t - k, w] for k in range(t + 1))
        for i, (alpha, beta) in enumerate(zip(layer.alpha, layer.beta)):
            envy = sum(max(e[j] - e[i], 0) for j in range(3))
            guilt = sum(max(e[i] - e[j], 0) for j in range(3))
            assert got[t, w, i] == pytest.approx(rewards[t, w, i] - (alpha * envy + beta * guilt) / 2, abs=1e-9)


def test_two_steps_by_hand():
    """The first step's 4 is remembered as 1/2 * 3/4 * 4 = 3/2 when the second pays 1 to the other."""
    layer = ms.InequityAversion(alpha=1, beta=0.5, smoothing=0.5, gamma=0.75)
    gap = F(1, 2) * F(3, 4) * 4 - 1
    got = felt(layer, (4, 0), (0, 1))
    assert got.tolist() == [float(0 - F(1, 2) * gap), float(1 - gap)]


@given(steps)
def test_smoothing_by_nothing_is_the_textbook(rewards):
    textbook = course(ms.InequityAversion(5, 0.05), rewards)
    np.testing.assert_array_equal(course(ms.InequityAversion(5, 0.05, smoothing=0), rewards), textbook)
    np.testing.assert_array_equal(course(ms.InequityAversion(5, 0.05, smoothing=1, gamma=0), rewards), textbook)


def test_each_agent_may_remember_for_another_time():
    """Agent 0 remembers everything, agent 1 nothing: its 0 now is no worse than the other's 0 now."""
    got = felt(ms.InequityAversion(1, 0.5, smoothing=(1, 0), gamma=1), (2, 0), (0, 0))
    assert got.tolist() == [-1.0, 0.0]


@given(steps, st.data())
def test_an_episodes_earnings_end_with_it(rewards, data):
    """In the worlds that ended, and in no others, all goes on as in a new world."""
    rewards = np.concatenate([rewards, rewards[:1]])
    at = data.draw(st.integers(0, len(rewards) - 2))
    ended = np.zeros(rewards.shape[:2], bool)
    ended[at] = data.draw(arrays(bool, rewards.shape[1]))
    layer = ms.InequityAversion(5, 0.5, smoothing=0.9)
    got, new, never = course(layer, rewards, ended), course(layer, rewards[at + 1 :]), course(layer, rewards)
    np.testing.assert_array_equal(got[: at + 1], never[: at + 1])
    np.testing.assert_array_equal(got[at + 1 :, ended[at]], new[:, ended[at]])
    np.testing.assert_array_equal(got[at + 1 :, ~ended[at]], never[at + 1 :, ~ended[at]])


def test_memory_is_a_plain_array_that_a_checkpoint_can_hold():
    layer = ms.InequityAversion(5, 0.5, smoothing=0.9)
    rewards = np.random.default_rng(0).normal(size=(6, 2, 3))
    memory = layer.begin(3, 2)
    assert type(memory) is np.ndarray and memory.dtype == np.float64 and len(memory) == 2 and not memory.any()
    for reward in rewards[:3]:
        layer.apply(reward, memory)
    kept, layer = memory.copy(), pickle.loads(pickle.dumps(layer))
    np.testing.assert_array_equal([layer.apply(r, kept) for r in rewards[3:]], course(layer, rewards)[3:])


def test_smoothing_without_its_memory_is_refused():
    with pytest.raises(ValueError, match="needs the memory that begin"):
        ms.InequityAversion(1, 1, smoothing=0.5).apply(np.zeros((1, 2)))
