"""Policies that draw: against torch.distributions, and how often what is drawn."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch.distributions import Categorical, Independent, Normal

from marl_sim.learners.distributions import choice_odds, draw_choices, draw_numbers, explore, number_odds
from marl_sim.learners.value_scale import ValueScale

MANY = 20_000
KEYS = np.arange(1, 3, dtype=np.uint64) * np.uint64(77)


def drawn(logits, legal, greedy=False, n=MANY):
    """Actions and their log odds of two lanes in n worlds that all see the same, [2, n]."""
    shape = (2, n, len(logits))
    actions, logp, clock = np.zeros((2, n), np.int64), np.zeros((2, n), np.float32), np.zeros(2, np.int64)
    said = np.broadcast_to(np.asarray(logits, np.float32), shape).copy()
    yes = np.ones((2, n), bool)
    assert draw_choices(said, np.broadcast_to(legal, shape).copy(), yes, KEYS, clock, greedy, actions, logp) == -1
    assert (clock == n).all()
    return actions, logp


def test_choices_are_drawn_as_often_as_the_softmax_says():
    logits, legal = np.array([1.0, -0.5, 30.0, 0.3, 1.0]), np.array([1, 1, 0, 1, 1], bool)
    actions, logp = drawn(logits, legal)
    odds = np.where(legal, np.exp(logits - 1.0), 0)
    odds /= odds.sum()
    for lane in range(2):
        counts = np.bincount(actions[lane], minlength=5)
        assert counts[2] == 0
        assert stats.chisquare(counts[legal], odds[legal] * MANY).pvalue > 1e-3
    np.testing.assert_allclose(logp, np.log(odds[actions]), rtol=1e-5)
    assert (actions[0] != actions[1]).any()


def test_greedy_choices_are_the_likeliest_and_ties_are_broken_evenly():
    actions, _ = drawn([1.0, 2.0, 2.0, 9.0, 2.0], np.array([1, 1, 1, 0, 1], bool), greedy=True)
    for lane in range(2):
        counts = np.bincount(actions[lane], minlength=5)
        assert counts[[0, 3]].sum() == 0
        assert stats.chisquare(counts[[1, 2, 4]]).pvalue > 1e-3


def test_nobody_draws_where_nobody_decides():
    actions, logp, clock = np.full((2, 3), 9), np.full((2, 3), 9, np.float32), np.zeros(2, np.int64)
    said, legal = np.zeros((2, 3, 2), np.float32), np.zeros((2, 3, 2), bool)
    assert draw_choices(said, legal, np.zeros((2, 3), bool), KEYS, clock, False, actions, logp) == -1
    assert not actions.any() and not logp.any() and not clock.any()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_lane_whose_numbers_are_not_finite_is_named(bad):
    said, legal = np.zeros((2, 3, 4), np.float32), np.ones((2, 3, 4), bool)
    said[1, 2, 3] = bad
    yes, clock = np.ones((2, 3), bool), np.zeros(2, np.int64)
    assert draw_choices(said, legal, yes, KEYS, clock, False, np.zeros((2, 3), np.int64), np.zeros((2, 3))) == 1
    spread = np.zeros((2, 4), np.float32)
    assert draw_numbers(said, spread, yes, KEYS, clock, False, np.zeros_like(said), np.zeros((2, 3))) == 1
    spread[0, 0] = np.nan
    assert (
        draw_numbers(np.zeros_like(said), spread, yes, KEYS, clock, False, np.zeros_like(said), np.zeros((2, 3))) == 0
    )


def test_odds_and_entropy_of_choices_are_torchs():
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 50, 4, generator=rng) * 3
    legal = torch.rand(2, 50, 4, generator=rng) < 0.6
    legal[..., 0] |= ~legal.any(-1)
    theirs = Categorical(logits=logits.masked_fill(~legal, -torch.inf))
    action = theirs.sample()
    logp, entropy, every = choice_odds(logits, legal, action)
    torch.testing.assert_close(logp, theirs.log_prob(action), rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(every.exp(), theirs.probs, rtol=1e-5, atol=1e-6)
    p = theirs.probs
    torch.testing.assert_close(entropy, -torch.special.xlogy(p, p).sum(-1), rtol=1e-5, atol=1e-5)


def test_exploring_mixes_with_an_even_choice_of_what_is_legal():
    rng = torch.Generator().manual_seed(0)
    logits = torch.randn(2, 50, 4, generator=rng) * 30
    legal = torch.rand(2, 50, 4, generator=rng) < 0.6
    legal[..., 0] |= ~legal.any(-1)
    action, epsilon = legal.int().argmax(-1), torch.tensor([0.3, 0.0])
    plain = Categorical(logits=logits.masked_fill(~legal, -torch.inf)).probs
    odds = (1 - epsilon[:, None, None]) * plain + epsilon[:, None, None] * legal / legal.sum(-1, keepdim=True)
    logits.requires_grad_()
    logp, entropy, every = choice_odds(logits, legal, action, epsilon)
    torch.testing.assert_close(every.exp(), odds, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(logp.exp()[0], odds[0].gather(-1, action[0, :, None])[:, 0], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(entropy, -torch.special.xlogy(odds, odds).sum(-1), rtol=1e-4, atol=1e-5)
    assert torch.isfinite(torch.autograd.grad((logp + entropy).sum(), logits)[0]).all()
    said = logits.detach().numpy().copy()
    explore(said, legal.numpy(), epsilon.double().numpy())
    np.testing.assert_allclose(np.exp(said[legal]), odds.numpy()[legal], rtol=1e-4, atol=1e-6)


def test_what_is_all_illegal_is_padding_and_stays_finite():
    logits = torch.randn(1, 3, 4).requires_grad_()
    logp, entropy, _ = choice_odds(logits, torch.zeros(1, 3, 4, dtype=torch.bool), torch.zeros(1, 3, dtype=torch.long))
    (grad,) = torch.autograd.grad((logp + entropy).sum() * 0, logits)
    assert torch.isfinite(logp).all() and torch.isfinite(entropy).all() and not grad.any()


def test_numbers_are_drawn_from_the_gaussian():
    mean, spread = np.array([0.5, -2.0]), np.log([[0.5, 2.0], [1.0, 0.1]])
    shape = (2, MANY, 2)
    out, logp, clock = np.zeros(shape, np.float32), np.zeros(shape[:2], np.float32), np.zeros(2, np.int64)
    said = np.broadcast_to(mean.astype(np.float32), shape).copy()
    yes, spread = np.ones(shape[:2], bool), spread.astype(np.float32)
    assert draw_numbers(said, spread, yes, KEYS, clock, False, out, logp) == -1
    for lane in range(2):
        for a in range(2):
            z = (out[lane, :, a] - mean[a]) / np.exp(spread[lane, a])
            assert stats.kstest(z, "norm").pvalue > 1e-3
        theirs = Independent(Normal(torch.tensor(mean), torch.tensor(np.exp(spread[lane].astype(float)))), 1)
        np.testing.assert_allclose(logp[lane], theirs.log_prob(torch.tensor(out[lane], dtype=torch.double)), atol=1e-4)
    assert abs(np.corrcoef(out[0, :, 0], out[0, :, 1])[0, 1]) < 4 / MANY**0.5
    assert draw_numbers(said, spread, yes, KEYS, clock, True, out, logp) == -1
    assert np.array_equal(out, said)


def test_odds_and_entropy_of_numbers_are_torchs():
    rng = torch.Generator().manual_seed(0)
    mean, spread, x = (torch.randn(*shape, generator=rng) for shape in ((2, 30, 3), (2, 3), (2, 30, 3)))
    theirs = Independent(Normal(mean, spread.exp()[:, None]), 1)
    logp, entropy = number_odds(mean, spread, x)
    torch.testing.assert_close(logp, theirs.log_prob(x), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(entropy, theirs.entropy(), rtol=1e-5, atol=1e-5)


def test_values_are_scaled_by_a_running_mean_and_deviation_of_each_lane():
    rng = np.random.default_rng(0)
    scale = ValueScale(3)
    weight, mean, square = (np.zeros(3) for _ in range(3))
    x = np.float32([[[-1.0, 2.0]]] * 3)
    assert np.array_equal(scale.shrink(x), x)  # nothing is known yet
    for _ in range(20):
        target = (rng.normal(size=(3, 2, 5)) * [[[1.0]], [[100.0]], [[0.01]]] + 7).astype(np.float32)
        usable = rng.random((3, 2, 5)) < 0.7
        usable[2] = False
        scale.update(target, usable)
        for lane in range(2):
            mine = target[lane, usable[lane]].astype(float)
            weight[lane] = 0.99 * weight[lane] + 0.01
            mean[lane] = 0.99 * mean[lane] + 0.01 * mine.mean()
            square[lane] = 0.99 * square[lane] + 0.01 * (mine**2).mean()
    for lane in range(2):
        centre = mean[lane] / weight[lane]
        deviation = np.sqrt(square[lane] / weight[lane] - centre**2)
        np.testing.assert_allclose(scale.shrink(x)[lane], (x[lane] - centre) / deviation, rtol=1e-4)
    assert np.array_equal(scale.shrink(x)[2], x[2])
    np.testing.assert_allclose(scale.grow(scale.shrink(x)), x, rtol=1e-3, atol=1e-4)


def test_a_first_update_makes_targets_of_mean_0_and_deviation_1():
    scale, target = ValueScale(1), np.float32([[[3.0, 5.0, 7.0, 9.0]]])
    scale.update(target, np.ones(target.shape, bool))
    small = scale.shrink(target)
    assert abs(small.mean()) < 1e-6 and abs(small.std() - 1) < 1e-6
    scale.update(np.full_like(target, 3.0), np.ones(target.shape, bool))
    assert np.isfinite(scale.shrink(target)).all()
