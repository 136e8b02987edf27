"""The random draws of lanes: every one is a hash of (seed, agent, head, purpose, count), so a lane never sees its
neighbours.

Also here, because it is where the draws are spent: choosing an action (epsilon-greedy over legal actions) and
choosing a minibatch.
"""

from __future__ import annotations

import numba
import numpy as np

from marl_sim.core.rng import integer, mix, purpose, uniform

# Lane streams, each with its own counter.
PURPOSES = ("init", "explore", "greedy ties", "replay")

NOTHING_TO_CHOOSE = -1


@numba.njit(cache=True, nogil=True)
def _lane_keys(seeds, team_index, head, purposes, keys):
    for lane in range(seeds.size):
        owner = mix(mix(mix(seeds[lane], team_index[lane]), 0), head)
        for p in range(purposes.size):
            keys[p, lane] = mix(owner, purposes[p])


def lane_keys(seeds: np.ndarray, team_index: np.ndarray, head: str) -> dict[str, np.ndarray]:
    """One uint64 key [L] for each purpose; different for any two lanes, heads or purposes."""
    seeds = np.ascontiguousarray(seeds, dtype=np.uint64)
    team_index = np.ascontiguousarray(team_index, dtype=np.uint64)
    purposes = np.array([purpose(f"learner {word}") for word in PURPOSES], dtype=np.uint64)
    keys = np.empty((len(PURPOSES), seeds.size), dtype=np.uint64)
    _lane_keys(seeds, team_index, np.uint64(purpose(f"head {head}")), purposes, keys)
    return {word: keys[p].copy() for p, word in enumerate(PURPOSES)}


@numba.njit(cache=True, nogil=True)
def _player_keys(keys, players, word, out):
    for lane in range(keys.size):
        for i in range(players):
            out[lane * players + i] = mix(mix(keys[lane], word), i)


def player_keys(keys: np.ndarray, players: int, name: str) -> np.ndarray:
    """Keys uint64 [L * N] for each player of lanes with these keys; different for each thing named."""
    out = np.empty(keys.size * players, np.uint64)
    _player_keys(keys, players, np.uint64(purpose(f"player {name}")), out)
    return out


@numba.njit(cache=True, nogil=True)
def fill_uniform(keys, out):
    """out[lane, i] = draw i of the lane's stream, uniform in [0, 1); out is float64 [L, n]."""
    for lane in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[lane, i] = uniform(keys[lane], i)


@numba.njit(cache=True, nogil=True)
def choose(values, legal, deciding, epsilon, keys, clock, greedy, actions):
    """Epsilon-greedy choice among legal actions, ties broken at random; returns a lane that has no choice, or -1.

    values float64 [L, B, A]; legal bool [L, B, A]; deciding bool [L, B]; epsilon float64 [L]; keys uint64 [L]; clock
    int64 [L] counts the decisions of each lane and moves on; actions int64 [L, B] is filled, with 0 where nobody
    decides.
    """
    n_actions = values.shape[2]
    for lane in range(values.shape[0]):
        for b in range(values.shape[1]):
            actions[lane, b] = 0
            if not deciding[lane, b]:
                continue
            key = mix(keys[lane], clock[lane])
            clock[lane] += 1
            explore = not greedy and uniform(key, 0) < epsilon[lane]
            best, ties = -np.inf, 0
            for a in range(n_actions):
                if legal[lane, b, a]:
                    if explore or values[lane, b, a] == best:
                        ties += 1
                    elif values[lane, b, a] > best:
                        best, ties = values[lane, b, a], 1
            if ties == 0:
                return lane
            pick = integer(key, 1, ties) if ties > 1 else 0
            for a in range(n_actions):
                if legal[lane, b, a] and (explore or values[lane, b, a] == best):
                    if pick == 0:
                        actions[lane, b] = a
                        break
                    pick -= 1
    return NOTHING_TO_CHOOSE


@numba.njit(cache=True, nogil=True)
def subset(key, n, chosen, seen):
    """Fill `chosen` with different numbers from 0..n-1, every subset equally likely (Floyd 1987; Bentley & Floyd,
    CACM 30(9)).

    `seen` is scratch for a hash set: int64, its length a power of two of at least twice chosen.size.
    """
    size = chosen.size
    wrap = seen.size - 1
    for i in range(seen.size):
        seen[i] = -1
    for i in range(size):
        last = n - size + i
        item = integer(key, i, last + 1)
        place = item & wrap
        while seen[place] >= 0 and seen[place] != item:
            place = (place + 1) & wrap
        if seen[place] == item:  # taken before: `last` cannot have been
            item = last
            place = item & wrap
            while seen[place] >= 0:
                place = (place + 1) & wrap
        seen[place] = item
        chosen[i] = item


def hash_size(batch: int) -> int:
    """The length of `subset`'s scratch for subsets of this size."""
    return 1 << max(1, int(2 * batch - 1).bit_length())
