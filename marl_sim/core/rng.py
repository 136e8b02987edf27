"""Counter-based random numbers: a draw is a hash of who asks, when and for what, never the next of a stream.

The generator is splitmix64 (Steele, Lea & Flood 2014, "Fast splittable pseudorandom number generators"): output number
`i` of the stream seeded with `key` is `finalise(key + (i + 1) * GOLDEN)`. Keys are built by `mix`, which absorbs one
number at a time, so that

    key  = mix(mix(mix(seed, world), tick), purpose)
    draw = uniform(key, agent)

depends on nothing else: world 7 of seed 3 draws the same alone, among 4,096 and on any number of threads.

Every function works on numba's uint64 and, when compilation is switched off (NUMBA_DISABLE_JIT=1), on plain Python
integers, with equal results.
"""

from __future__ import annotations

import hashlib
import math

import numba
import numpy as np

GOLDEN = 0x9E3779B97F4A7C15
MASK = (1 << 64) - 1

if numba.config.DISABLE_JIT:
    _S11 = 11

    def finalise(z: int) -> int:
        """splitmix64's output function, a bijection of 64-bit integers."""
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def bits(key: int, index: int) -> int:
        """Output number `index` (from 0) of the splitmix64 stream seeded with `key`: 64 random bits."""
        return finalise((int(key) + (int(index) + 1) * GOLDEN) & MASK)

    def mix(key: int, number: int) -> int:
        """A new key from `key` and one more number (an agent, a step, a purpose)."""
        return finalise((finalise(int(key) & MASK) + (int(number) & MASK) * GOLDEN + GOLDEN) & MASK)

else:
    _S11 = np.uint64(11)
    _GOLDEN, _M1, _M2 = np.uint64(GOLDEN), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
    _S30, _S27, _S31, _ONE = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(1)

    @numba.njit
    def finalise(z):
        """splitmix64's output function, a bijection of 64-bit integers."""
        z = (z ^ (z >> _S30)) * _M1
        z = (z ^ (z >> _S27)) * _M2
        return z ^ (z >> _S31)

    @numba.njit
    def bits(key, index):
        """Output number `index` (from 0) of the splitmix64 stream seeded with `key`: 64 random bits."""
        return finalise(np.uint64(key) + (np.uint64(index) + _ONE) * _GOLDEN)

    @numba.njit
    def mix(key, number):
        """A new key from `key` and one more number (an agent, a step, a purpose)."""
        return finalise(finalise(np.uint64(key)) + np.uint64(number) * _GOLDEN + _GOLDEN)


@numba.njit
def uniform(key, index):
    """Draw number `index` under `key`: a float64 in [0, 1), a multiple of 2**-53."""
    return float(bits(key, index) >> _S11) * (1.0 / 9007199254740992.0)


@numba.njit
def normal(key, index):
    """Draw number `index` under `key`: a float64 from the standard normal distribution (Box & Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - uniform(mix(key, 1), index)))
    return radius * math.cos(2.0 * math.pi * uniform(mix(key, 2), index))


@numba.njit
def integer(key, index, n):
    """Draw number `index` under `key`: an integer in 0..n-1 (bias below n / 2**53)."""
    return int(uniform(key, index) * n)


@numba.njit
def shuffle(key, items):
    """Put `items` (1-D array) into a uniformly random order, in place (Fisher and Yates)."""
    for i in range(items.size - 1, 0, -1):
        j = integer(key, i, i + 1)
        items[i], items[j] = items[j], items[i]


def purpose(name: str) -> int:
    """A fixed 63-bit number for the name of a rule, so that no two rules share their draws."""
    return int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), "little") >> 1


def key_of(seed: int, *numbers: int) -> np.uint64:
    """`mix` of a seed and more numbers, from plain Python."""
    key = np.uint64(seed)
    for number in numbers:
        key = np.uint64(mix(key, number))
    return key


@numba.njit
def fill_uniform(key, out):
    """out[i] = draw number i under `key`; out is float64 [n]."""
    for i in range(out.size):
        out[i] = uniform(key, i)


def mix_many(keys, numbers):
    """`mix` of many keys and numbers at once: arrays that broadcast, at least one long. Nothing is compiled."""
    return _finalise_many(_finalise_many(_many(keys)) + (_many(numbers) + _MANY_ONE) * _MANY_GOLDEN)


def uniform_many(keys, index):
    """`uniform` of many keys and indices at once, float64."""
    many_bits = _finalise_many(_many(keys) + (_many(index) + _MANY_ONE) * _MANY_GOLDEN)
    return (many_bits >> _MANY_11) * (1.0 / 9007199254740992.0)


def _many(numbers):
    """As uint64 [at least 1]: of arrays NumPy lets sums and products wrap without a word."""
    if type(numbers) is np.ndarray and numbers.dtype == np.uint64 and numbers.ndim:
        return numbers
    return np.atleast_1d(np.asarray(numbers)).astype(np.uint64)


_MANY_ONE, _MANY_GOLDEN, _MANY_11 = np.uint64(1), np.uint64(GOLDEN), np.uint64(11)
_MANY_STEPS = [
    (np.uint64(30), np.uint64(0xBF58476D1CE4E5B9)),
    (np.uint64(27), np.uint64(0x94D049BB133111EB)),
]
_MANY_31 = np.uint64(31)


def _finalise_many(z):
    for shift, factor in _MANY_STEPS:
        shifted = z >> shift
        shifted ^= z
        shifted *= factor
        z = shifted
    return z ^ (z >> _MANY_31)
