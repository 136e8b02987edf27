"""Statistics over seeds: a run is one draw, and everything said about a condition is said over independent seeds.

Samples are arrays [S] of one number per seed (or [S, T] for curves). NaN marks a seed that has no value, such as the
share of just punishments where nobody punished; such seeds are left out, and `Interval.n` says how many were counted.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

Statistic = Literal["mean", "median", "iqm"]
Method = Literal["BCa", "percentile"]


@dataclass(frozen=True)
class Interval:
    """A point estimate between its bounds. `low` and `high` are NaN where fewer than two seeds give no interval."""

    low: float
    point: float
    high: float
    n: int  # seeds counted
    level: float = 0.95

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


def mean(values: ArrayLike, axis: int = -1) -> np.ndarray:
    """Arithmetic mean along `axis`."""
    return np.mean(np.asarray(values, float), axis=axis)


def median(values: ArrayLike, axis: int = -1) -> np.ndarray:
    """Median along `axis`."""
    return np.median(np.asarray(values, float), axis=axis)


def iqm(values: ArrayLike, axis: int = -1) -> np.ndarray:
    """Interquartile mean: the mean of what is left when floor(S/4) values are cut off each end (Agarwal 2021)."""
    ordered = np.sort(np.asarray(values, float), axis=axis)
    cut = ordered.shape[axis] // 4
    return np.mean(np.take(ordered, np.arange(cut, ordered.shape[axis] - cut), axis=axis), axis=axis)


STATISTICS: dict[str, Callable[..., np.ndarray]] = {"mean": mean, "median": median, "iqm": iqm}


def bootstrap_interval(
    values: ArrayLike,
    statistic: Statistic = "mean",
    level: float = 0.95,
    method: Method = "BCa",
    resamples: int = 10_000,
    seed: int = 0,
) -> Interval:
    """Bootstrap interval of a statistic over seeds.

    values [S]: one number per seed, NaN where a seed has none.
    method "BCa": bias-corrected and accelerated (Efron 1987); where it is undefined, as for the median of values that
    are nearly all equal, the percentile interval is given instead.

    One seed has no interval (NaN bounds); equal seeds have the interval [x, x]. The resampling is keyed by `seed`, so
    the same numbers give the same interval.
    """
    sample, estimate = _sample(values), _statistic(statistic)
    _check_level(level)
    if sample.size == 0:
        return Interval(np.nan, np.nan, np.nan, 0, level)
    point = float(estimate(sample))
    if sample.size == 1:
        return Interval(np.nan, point, np.nan, 1, level)
    if np.ptp(sample) == 0:
        return Interval(point, point, point, sample.size, level)
    low, high = np.nan, np.nan
    if method == "BCa":
        low, high = _scipy_bootstrap(sample, estimate, level, "BCa", resamples, seed)
    elif method != "percentile":
        raise ValueError(f"method must be 'BCa' or 'percentile'; got {method!r}.")
    if not np.isfinite([low, high]).all():
        low, high = _scipy_bootstrap(sample, estimate, level, "percentile", resamples, seed)
    return Interval(float(low), point, float(high), sample.size, level)


def bootstrap_band(
    values: ArrayLike,
    statistic: Statistic = "mean",
    level: float = 0.95,
    resamples: int = 2_000,
    seed: int = 0,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pointwise percentile band of curves over seeds.

    values [S, T] -> low, point, high, each [T]. Whole curves are resampled, so the band at two times is of the same
    resampled seeds. With fewer than two seeds at a time, low and high are NaN there.
    """
    curves, estimate = np.asarray(values, float), _statistic(statistic)
    if curves.ndim != 2:
        raise ValueError(f"curves must be [seeds, times]; got an array of shape {curves.shape}.")
    _check_level(level)
    seeds, times = curves.shape
    if seeds and np.isfinite(curves).all():
        chosen = np.random.default_rng(seed).integers(0, seeds, size=(resamples, seeds))
        tails = 50 * (1 - level), 50 * (1 + level)
        low, high = np.full((2, times), np.nan)
        if seeds > 1:  # a few times at once keep the resampled block [resamples, S, times] small
            for start in range(0, times, 64):
                part = slice(start, start + 64)
                low[part], high[part] = np.percentile(estimate(curves[:, part][chosen], axis=1), tails, axis=0)
        return low, estimate(curves, axis=0), high
    columns = [bootstrap_interval(curves[:, t], statistic, level, "percentile", resamples, seed) for t in range(times)]
    low, point, high = np.array([(c.low, c.point, c.high) for c in columns]).reshape(times, 3).T
    return low, point, high


def probability_of_improvement(
    a: ArrayLike, b: ArrayLike, level: float = 0.95, resamples: int = 10_000, seed: int = 0
) -> Interval:
    """P(A > B) for one random seed of each: the share of all pairs in which a is larger, ties counting one half.

    This is the Mann-Whitney statistic over S_a * S_b (Agarwal et al. 2021); its interval resamples seeds of both
    conditions independently. a [S_a], b [S_b].
    """
    first, second = _sample(a), _sample(b)
    _check_level(level)
    if not first.size or not second.size:
        return Interval(np.nan, np.nan, np.nan, min(first.size, second.size), level)
    wins = (np.sign(first[:, None] - second[None, :]) + 1) / 2  # [S_a, S_b] in {0, 1/2, 1}
    point, n = float(wins.mean()), min(first.size, second.size)
    if n < 2:
        return Interval(np.nan, point, np.nan, n, level)
    draw = np.random.default_rng(seed)
    # Resampled pairs are counted by how often each seed was drawn: weights_a @ wins @ weights_b.
    weights_a = draw.multinomial(first.size, np.full(first.size, 1 / first.size), size=resamples) / first.size
    weights_b = draw.multinomial(second.size, np.full(second.size, 1 / second.size), size=resamples) / second.size
    shares = np.einsum("ri,ij,rj->r", weights_a, wins, weights_b, optimize=True)
    low, high = np.percentile(shares, (50 * (1 - level), 50 * (1 + level)))
    return Interval(float(low), point, float(high), n, level)


def probability_greater(
    a: ArrayLike,
    b: ArrayLike,
    statistic: Statistic = "mean",
    paired: bool = False,
    resamples: int = 10_000,
    seed: int = 0,
) -> float:
    """Bootstrap probability that the statistic of A exceeds that of B: the share of resamples in which it does.

    Ties count one half. `paired` resamples the same seeds in both, for conditions that share their random draws;
    then a and b must be equally long, and a seed without a value in either is left out of both.
    """
    estimate = _statistic(statistic)
    draw = np.random.default_rng(seed)
    if paired:
        first, second = np.asarray(a, float), np.asarray(b, float)
        if first.shape != second.shape or first.ndim != 1:
            raise ValueError(f"paired samples must be equally long; got {first.shape} and {second.shape}.")
        both = ~np.isnan(first) & ~np.isnan(second)
        first, second = _sample(first[both]), _sample(second[both])
    else:
        first, second = _sample(a), _sample(b)
    if not first.size or not second.size:
        return float("nan")
    chosen = draw.integers(0, first.size, size=(resamples, first.size))
    others = chosen if paired else draw.integers(0, second.size, size=(resamples, second.size))
    difference = estimate(first[chosen], axis=1) - estimate(second[others], axis=1)
    return float(np.mean((np.sign(difference) + 1) / 2))


def rolling_mean(values: ArrayLike, window: int) -> np.ndarray:
    """Trailing mean over the last `window` entries along the last axis; the first entries average what there is.

    [..., T] -> [..., T]. NaN entries are left out; where a window holds nothing else, the mean is NaN.
    """
    series = np.asarray(values, float)
    if window < 1:
        raise ValueError(f"window must be at least 1; got {window}.")
    counted = ~np.isnan(series)
    if not series.size or window == 1:
        return series.copy()
    # Summed window by window: differences of one long running sum would lose digits and never forget an infinity.
    padding = [(0, 0)] * (series.ndim - 1) + [(window - 1, 0)]
    sums = np.lib.stride_tricks.sliding_window_view(np.pad(np.where(counted, series, 0.0), padding), window, axis=-1)
    counts = np.lib.stride_tricks.sliding_window_view(np.pad(counted, padding), window, axis=-1)
    with np.errstate(invalid="ignore"):
        return sums.sum(-1) / counts.sum(-1)


def _sample(values: ArrayLike) -> np.ndarray:
    sample = np.asarray(values, float)
    if sample.ndim != 1:
        raise ValueError(f"a sample holds one number per seed; got an array of shape {sample.shape}.")
    if np.isinf(sample).any():
        raise ValueError("a sample must hold finite numbers or NaN for a seed without a value; got an infinity.")
    return sample[~np.isnan(sample)]


def _statistic(name: str) -> Callable[..., np.ndarray]:
    if name not in STATISTICS:
        raise ValueError(f"statistic must be one of {', '.join(STATISTICS)}; got {name!r}.")
    return STATISTICS[name]


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"level must be between 0 and 1; got {level}.")


def _scipy_bootstrap(
    sample: np.ndarray, estimate: Callable[..., np.ndarray], level: float, method: str, resamples: int, seed: int
) -> tuple[float, float]:
    from scipy import stats  # a second to load: not in every worker of a study

    with warnings.catch_warnings():  # scipy warns where BCa is undefined; the caller then takes percentiles
        warnings.simplefilter("ignore")
        result = stats.bootstrap(
            (sample,),
            estimate,
            confidence_level=level,
            n_resamples=resamples,
            method=method,
            vectorized=True,
            random_state=np.random.default_rng(seed),
        )
    return result.confidence_interval.low, result.confidence_interval.high
