"""The draws: splitmix64's published numbers, equal with and without compilation, uniform, and independent by key."""

import os
import subprocess
import sys

import numpy as np
import pytest
from scipy import stats

from marl_sim.core import rng

# Rosetta Code, "Pseudo-random numbers/Splitmix64", and Vigna's splitmix64.c for seed 0.
PUBLISHED = {
    1234567: (
        6457827717110365317, 3203168211198807973, 9817491932198370423, 4593380528125082431, 16408922859458223821,
    ),
    0: (0xE220A8397B1DCDAF, 0x6E789E6AA1B965F4, 0x06C45D188009454F),
}  # fmt: skip
SHOW = """
from marl_sim.core import rng
import numpy as np
keys = [0, 1, 1234567, 2**63 + 5, 2**64 - 1]
keys = [np.uint64(k) for k in keys]
for k in keys:
    for i in (0, 1, 7, 2**40):
        print(f"{rng.normal(k, i):.12g}")
        print(int(rng.bits(k, i)), int(rng.mix(k, i)), float(rng.uniform(k, i)).hex(), int(rng.integer(k, i, 10)))
items = np.arange(12)
rng.shuffle(np.uint64(3), items)
print(items.tolist(), int(rng.mix(np.uint64(5), -1)))
"""


@pytest.mark.parametrize("seed", PUBLISHED)
def test_published_numbers(seed):
    assert tuple(int(rng.bits(np.uint64(seed), i)) for i in range(len(PUBLISHED[seed]))) == PUBLISHED[seed]


def test_plain_python_draws_the_same():
    def shown(**environment):
        done = subprocess.run(
            [sys.executable, "-c", SHOW], env=os.environ | environment, capture_output=True, text=True, check=True
        )
        return done.stdout

    assert shown() == shown(NUMBA_DISABLE_JIT="1") != ""


def chi_square_bound(cells):
    """A chi-square with many degrees of freedom stays below its mean plus six standard deviations."""
    return cells - 1 + 6 * np.sqrt(2 * (cells - 1))


def chi_square(counts):
    expected = counts.sum() / counts.size
    return ((counts - expected) ** 2 / expected).sum()


@pytest.mark.parametrize("axis", ["index", "key", "tick"])
def test_draws_are_uniform_along_every_axis(axis):
    """Along a stream, over worlds, and over steps: 64 cells, and pairs of successive draws."""
    count = 64_000
    key = rng.key_of(7, 3, 11)
    if axis == "index":
        draws = np.array([rng.uniform(key, i) for i in range(count)])
    elif axis == "key":
        draws = np.array([rng.uniform(rng.key_of(7, w, 11), 5) for w in range(count)])
    else:
        draws = np.array([rng.uniform(rng.key_of(7, 3, t, 99), 0) for t in range(count)])
    assert draws.min() >= 0
    assert draws.max() < 1
    assert chi_square(np.bincount((draws * 64).astype(int), minlength=64)) < chi_square_bound(64)
    pairs = (draws[:-1:2] * 16).astype(int) * 16 + (draws[1::2] * 16).astype(int)
    assert chi_square(np.bincount(pairs, minlength=256)) < chi_square_bound(256)


def test_neighbouring_keys_share_half_their_bits():
    apart = [bin(int(rng.bits(np.uint64(k), 0)) ^ int(rng.bits(np.uint64(k + 1), 0))).count("1") for k in range(4000)]
    assert abs(np.mean(apart) - 32) < 6 * 4 / np.sqrt(4000)


def test_integers_cover_their_range_evenly():
    for n in (1, 2, 3, 10):
        draws = np.array([rng.integer(np.uint64(n), i, n) for i in range(20_000)])
        assert set(draws) == set(range(n))
        assert n == 1 or chi_square(np.bincount(draws)) < chi_square_bound(n) + 12


def test_shuffles_are_uniform():
    seen = {}
    for k in range(12_000):
        items = np.arange(4)
        rng.shuffle(np.uint64(k), items)
        seen[tuple(items)] = seen.get(tuple(items), 0) + 1
    assert len(seen) == 24
    assert chi_square(np.array(list(seen.values()))) < chi_square_bound(24)


def test_purposes_differ():
    names = [f"part_{a}.rule_{b}" for a in range(30) for b in range(30)]
    assert len({rng.purpose(name) for name in names}) == 900
    assert all(0 <= rng.purpose(name) < 2**63 for name in names)


def test_normal_draws_are_normal():
    """Kolmogorov and Smirnov's test of each stream, and no correlation between neighbours."""
    for key in (0, 5, 2**63):
        draws = np.array([rng.normal(np.uint64(key), i) for i in range(20_000)])
        assert stats.kstest(draws, "norm").pvalue > 1e-6
        assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 6 / np.sqrt(len(draws))


def test_many_at_once_are_the_same_draws():
    keys = np.arange(50, dtype=np.uint64) * np.uint64(0x123456789ABCDEF1)
    assert [int(rng.mix(key, 3)) for key in keys] == rng.mix_many(keys, 3).tolist()
    assert [int(rng.mix(np.uint64(5), number)) for number in range(-3, 9)] == rng.mix_many(5, np.arange(-3, 9)).tolist()
    assert [rng.uniform(key, 7) for key in keys] == rng.uniform_many(keys, 7).tolist()
