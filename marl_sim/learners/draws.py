"""The random draws of lanes: every one is a hash of (seed, agent, head, purpose, count), so a lane never sees its
neighbours.

Also here, because it is where the draws are spent: choosing an action (epsilon-greedy, or from a mixed policy, always
over legal actions) and choosing a minibatch.
"""

from __future__ import annotations

import numpy as np

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import integer, mix, purpose, uniform

# Lane streams, each with its own counter.
PURPOSES = ("init", "explore", "greedy ties", "replay")

NOTHING_TO_CHOOSE = -1


@kernel
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


@kernel
def _player_keys(keys, players, word, out):
    for lane in range(keys.size):
        for i in range(players):
            out[lane * players + i] = mix(mix(keys[lane], word), i)


def player_keys(keys: np.ndarray, players: int, name: str) -> np.ndarray:
    """Keys uint64 [L * N] for each player of lanes with these keys; different for each thing named."""
    out = np.empty(keys.size * players, np.uint64)
    _player_keys(keys, players, np.uint64(purpose(f"player {name}")), out)
    return out


@kernel
def fill_uniform(keys, out):
    """out[lane, i] = draw i of the lane's stream, uniform in [0, 1); out is float64 [L, n]."""
    for lane in range(out.shape[0]):
        for i in range(out.shape[1]):
            out[lane, i] = uniform(keys[lane], i)


@kernel
def choose_one(values, legal, epsilon, key, greedy):
    """One epsilon-greedy choice among legal actions, ties broken at random; -1 where there is nothing to choose.

    values float64 [A]; legal bool [A]. Spends draws 0 and 1 of `key`.
    """
    explore = not greedy and uniform(key, 0) < epsilon
    best, ties = -np.inf, 0
    for a in range(values.size):
        if legal[a]:
            if explore or values[a] == best:
                ties += 1
            elif values[a] > best:
                best, ties = values[a], 1
    pick = integer(key, 1, ties) if ties > 1 else 0
    for a in range(values.size):
        if legal[a] and (explore or values[a] == best):
            if pick == 0:
                return a
            pick -= 1
    return NOTHING_TO_CHOOSE


@kernel
def sample_one(scores, legal, epsilon, key, greedy):
    """One draw from the softmax of the legal scores, by its inverse distribution function; -1 where there is nothing.

    A share epsilon of the draws is uniform over the legal actions, as are all where every legal score is -inf. Greedy:
    the most likely action, ties broken at random. scores float64 [A], logarithms of chances up to a constant; legal
    bool [A]. Spends draws 0 to 2 of `key`.
    """
    if greedy:
        return choose_one(scores, legal, 0.0, key, True)
    top = -np.inf
    for a in range(scores.size):
        if legal[a]:
            if np.isnan(scores[a]):
                return NOTHING_TO_CHOOSE
            top = max(top, scores[a])
    if top == -np.inf or uniform(key, 0) < epsilon:
        return choose_one(scores, legal, 1.0, key, False)
    total = 0.0
    for a in range(scores.size):
        if legal[a]:
            total += np.exp(scores[a] - top)
    left, last = uniform(key, 2) * total, NOTHING_TO_CHOOSE
    for a in range(scores.size):
        if legal[a] and np.exp(scores[a] - top) > 0:
            last = a  # rounding may leave a crumb of `left` behind the last action that has a chance
            left -= np.exp(scores[a] - top)
            if left < 0:
                break
    return last


@kernel
def choose(values, legal, deciding, epsilon, keys, clock, greedy, actions):
    """Epsilon-greedy choice among legal actions, ties broken at random; returns a lane that has no choice, or -1.

    values float64 [L, B, A]; legal bool [L, B, A]; deciding bool [L, B]; epsilon float64 [L]; keys uint64 [L]; clock
    int64 [L] counts the decisions of each lane and moves on; actions int64 [L, B] is filled, with 0 where nobody
    decides.
    """
    for lane in range(values.shape[0]):
        for b in range(values.shape[1]):
            actions[lane, b] = 0
            if deciding[lane, b]:
                key = mix(keys[lane], clock[lane])
                clock[lane] += 1
                action = choose_one(values[lane, b], legal[lane, b], epsilon[lane], key, greedy)
                if action == NOTHING_TO_CHOOSE:
                    return lane
                actions[lane, b] = action
    return NOTHING_TO_CHOOSE


@kernel
def sample(scores, legal, deciding, epsilon, keys, clock, greedy, actions):
    """As `choose`, but drawn from the softmax of the legal scores: see `sample_one`."""
    for lane in range(scores.shape[0]):
        for b in range(scores.shape[1]):
            actions[lane, b] = 0
            if deciding[lane, b]:
                key = mix(keys[lane], clock[lane])
                clock[lane] += 1
                action = sample_one(scores[lane, b], legal[lane, b], epsilon[lane], key, greedy)
                if action == NOTHING_TO_CHOOSE:
                    return lane
                actions[lane, b] = action
    return NOTHING_TO_CHOOSE


@kernel
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
