"""Statistics over seeds against answers known beforehand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_sim.evaluation.statistics import (
    bootstrap_band,
    bootstrap_interval,
    iqm,
    mean,
    median,
    probability_greater,
    probability_of_improvement,
    rolling_mean,
)

finite = st.floats(-1e6, 1e6)
samples = st.lists(finite, min_size=2, max_size=12)


def test_the_three_statistics_of_a_sample_with_an_outlier():
    sample = [1, 2, 3, 4, 5, 6, 7, 100]
    assert mean(sample) == 16.0
    assert median(sample) == 4.5
    assert iqm(sample) == pytest.approx((3 + 4 + 5 + 6) / 4)


def test_the_percentile_interval_of_two_seeds_is_the_two_seeds():
    """Resampled means of {0, 1} are 0, 1/2, 1 with chances 1/4, 1/2, 1/4: the central 95 % reach both ends."""
    interval = bootstrap_interval([0.0, 1.0], method="percentile")
    assert (interval.low, interval.point, interval.high, interval.n) == (0.0, 0.5, 1.0, 2)


@pytest.mark.parametrize("method", ["BCa", "percentile"])
def test_the_interval_of_a_large_normal_sample_is_the_textbook_one(method):
    sample = np.random.default_rng(1).normal(10.0, 2.0, size=2_000)
    interval = bootstrap_interval(sample, method=method)
    half = 1.96 * sample.std(ddof=1) / np.sqrt(sample.size)
    assert interval.low == pytest.approx(sample.mean() - half, abs=0.1 * half)
    assert interval.high == pytest.approx(sample.mean() + half, abs=0.1 * half)


def test_bca_leans_towards_the_long_tail_of_a_skewed_sample():
    sample = np.random.default_rng(2).exponential(size=30)
    bca, percentile = bootstrap_interval(sample), bootstrap_interval(sample, method="percentile")
    assert bca.low > percentile.low
    assert bca.high > percentile.high


def test_the_interval_covers_the_truth_as_often_as_it_says():
    draws = np.random.default_rng(3).normal(size=(400, 20))
    covered = np.mean([0.0 in bootstrap_interval(sample, resamples=500, level=0.9) for sample in draws])
    assert 0.83 < covered < 0.95  # 0.9 less the small-sample shortfall at 20 seeds; standard error 0.015


def test_degenerate_samples():
    none, one, equal = bootstrap_interval([]), bootstrap_interval([3.0]), bootstrap_interval([0.1] * 5)
    assert none.n == 0
    assert np.isnan([none.low, none.point, none.high]).all()
    assert one.point == 3.0
    assert np.isnan([one.low, one.high]).all()
    assert equal.low == equal.point == equal.high == pytest.approx(0.1)


@pytest.mark.parametrize("sample", [[0, 0, 0, 1], [0.5, 0.5, 0.5 + 1e-15], [1, 1, 1, 1, 1, 1, 1, 0]])
@pytest.mark.parametrize("statistic", ["mean", "median", "iqm"])
def test_nearly_degenerate_samples_still_have_an_interval(sample, statistic):
    interval = bootstrap_interval(sample, statistic)
    assert np.isfinite([interval.low, interval.high]).all()
    assert min(sample) <= interval.low <= interval.high <= max(sample)


def test_a_seed_without_a_value_is_left_out_and_counted():
    holed, whole = bootstrap_interval([1.0, np.nan, 2.0, 3.0]), bootstrap_interval([1.0, 2.0, 3.0])
    assert holed == whole
    assert holed.n == 3


@given(samples)
def test_a_mean_lies_inside_its_interval_inside_the_sample(sample):
    interval = bootstrap_interval(sample, method="percentile", resamples=200)
    slack = 1e-9 * (1 + max(map(abs, sample)))
    assert min(sample) - slack <= interval.low <= interval.high <= max(sample) + slack


def test_the_same_numbers_give_the_same_interval():
    sample = np.random.default_rng(4).random(9)
    assert bootstrap_interval(sample) == bootstrap_interval(sample)
    assert bootstrap_interval(sample) != bootstrap_interval(sample, seed=1)


def test_a_band_is_the_interval_at_every_time():
    curves = np.random.default_rng(5).random((6, 150))
    low, point, high = bootstrap_band(curves, resamples=400)
    for t in (0, 70, 149):
        alone_low, alone_point, alone_high = bootstrap_band(curves[:, [t]], resamples=400)
        assert (low[t], high[t]) == (alone_low[0], alone_high[0])
        assert point[t] == pytest.approx(alone_point[0])
    assert (low <= point).all()
    assert (point <= high).all()


def test_a_band_over_curves_with_holes_and_over_one_seed():
    curves = np.array([[0.0, np.nan, 1.0], [0.0, 2.0, 2.0], [0.0, np.nan, 3.0]])
    low, point, high = bootstrap_band(curves, resamples=200)
    np.testing.assert_array_equal(point, [0.0, 2.0, 2.0])
    assert low[0] == high[0] == 0.0
    assert np.isnan([low[1], high[1]]).all()
    low, point, _ = bootstrap_band(curves[:1])
    assert np.isnan(low).all()
    assert point[0] == 0.0
    low, point, _ = bootstrap_band(np.array([[1.0, 2.0]]))
    assert np.isnan(low).all()
    np.testing.assert_array_equal(point, [1.0, 2.0])


def test_probability_of_improvement_counts_pairs():
    assert probability_of_improvement([2, 3], [0, 1]).point == 1.0
    assert probability_of_improvement([1, 1], [1, 1]).point == 0.5
    assert probability_of_improvement([1, 3], [2, 2]).point == 0.5
    assert probability_of_improvement([1, 2, 3], [2]).point == pytest.approx(1.5 / 3)
    assert np.isnan(probability_of_improvement([1, 2, 3], [2]).low)
    assert probability_of_improvement([2, 3, 4], [0, 1, 1]).low == 1.0


def test_the_interval_of_an_improvement_agrees_with_plain_resampling():
    draw = np.random.default_rng(6)
    a, b = draw.normal(0.5, size=12), draw.normal(size=9)
    interval = probability_of_improvement(a, b)
    again = [(draw.choice(a, 12)[:, None] > draw.choice(b, 9)[None]).mean() for _ in range(4_000)]
    low, high = np.percentile(again, (2.5, 97.5))
    assert interval.low == pytest.approx(low, abs=0.03)
    assert interval.high == pytest.approx(high, abs=0.03)


@given(samples, samples)
def test_improvement_of_a_over_b_and_of_b_over_a_add_to_one(a, b):
    total = probability_of_improvement(a, b, resamples=10).point + probability_of_improvement(b, a, resamples=10).point
    assert total == pytest.approx(1.0)


def test_bootstrap_probability_of_a_larger_mean():
    assert probability_greater([2, 3, 4], [0, 1]) == 1.0
    assert probability_greater([1, 1], [1, 1]) == 0.5
    # Means of {0, 1} are 0, 1/2, 1 with chances 1/4, 1/2, 1/4: above 3/4 in one quarter.
    assert probability_greater([0, 1], [0.75]) == pytest.approx(0.25, abs=0.02)
    # Against its like: P(above) + P(tie)/2 = 1/2 by symmetry.
    assert probability_greater([0, 1], [0, 1]) == pytest.approx(0.5, abs=0.02)


def test_pairs_remove_what_the_seeds_share():
    seed_effect = np.random.default_rng(7).normal(size=20)
    a, b = seed_effect + 0.1, seed_effect
    assert probability_greater(a, b, paired=True) == 1.0
    assert 0.4 < probability_greater(a, b) < 0.9
    assert probability_greater([1.0, np.nan, 3.0], [0.0, 9.0, 2.0], paired=True) == 1.0
    with pytest.raises(ValueError, match="equally long"):
        probability_greater([1, 2], [1, 2, 3], paired=True)


def test_rolling_mean():
    np.testing.assert_allclose(rolling_mean([1, 2, 3, 4], 2), [1, 1.5, 2.5, 3.5])
    np.testing.assert_allclose(rolling_mean([1, 2, 3], 10), [1, 1.5, 2])
    np.testing.assert_array_equal(rolling_mean([np.nan, 2, np.nan, np.nan], 2), [np.nan, 2, 2, np.nan])
    np.testing.assert_allclose(rolling_mean([[1, 3], [2, 6]], 2), [[1, 2], [2, 4]])


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: bootstrap_interval([1, np.inf]), "finite"),
        (lambda: bootstrap_interval([[1, 2]]), "one number per seed"),
        (lambda: bootstrap_interval([1, 2], "mode"), "mean, median, iqm"),
        (lambda: bootstrap_interval([1, 2], level=95), "between 0 and 1"),
        (lambda: bootstrap_interval([1, 2], method="basic"), "'BCa' or 'percentile'"),
        (lambda: bootstrap_band([1, 2]), "seeds, times"),
        (lambda: rolling_mean([1, 2], 0), "at least 1"),
    ],
)
def test_wrong_arguments_say_what_is_allowed(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()
