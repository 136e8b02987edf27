"""The compiled steps that table learners are written in: numbering, looking up, averaging, moving a value."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..core.kernels import kernel
from .buffers import WORD


@kernel
def number_states(obs, flag, levels, states):
    """Number index-coded observations where flagged; returns a lane with an impossible one, or -1."""
    for lane in range(obs.shape[0]):
        for b in range(obs.shape[1]):
            state = 0
            if flag[lane, b]:
                for d in range(levels.size):
                    index = obs[lane, b, d]
                    if not (0 <= index < levels[d] and index == np.floor(index)):
                        return lane
                    state = state * levels[d] + int(index)
            states[lane, b] = state
    return -1


@kernel
def look_up(table, states, deciding, values):
    """values[lane, b] = table[lane, states[lane, b]] where deciding."""
    for lane in range(states.shape[0]):
        for b in range(states.shape[1]):
            if deciding[lane, b]:
                for a in range(table.shape[2]):
                    values[lane, b, a] = table[lane, states[lane, b], a]


@kernel
def soften(scores, deciding):
    """Softmax of scores [L, B, A] over all actions, in place, where deciding."""
    for lane in range(scores.shape[0]):
        for b in range(scores.shape[1]):
            if deciding[lane, b]:
                row = scores[lane, b]
                top, total = row.max(), 0.0
                for a in range(row.size):
                    row[a] = np.exp(row[a] - top)
                    total += row[a]
                for a in range(row.size):
                    row[a] /= total


@kernel
def soft_policy(scores, legal, action, policy):
    """policy [A] = softmax of the legal scores, 0 elsewhere; `action` was chosen, so it was legal. Returns how many
    are."""
    top, total, count = scores[action], 0.0, 0
    for a in range(scores.size):
        if legal[a]:
            top = max(top, scores[a])
    for a in range(scores.size):
        policy[a] = 0.0
        if legal[a] or a == action:
            policy[a] = np.exp(scores[a] - top)
            total += policy[a]
            count += 1
    for a in range(scores.size):
        policy[a] /= total
    return count


@kernel
def remember(legal, states, deciding, known):
    """known[lane, states[lane, b]] = legal[lane, b] where deciding."""
    for lane in range(states.shape[0]):
        for b in range(states.shape[1]):
            if deciding[lane, b]:
                for a in range(legal.shape[2]):
                    known[lane, states[lane, b], a] = legal[lane, b, a]


@kernel
def highest(values, legal):
    """The highest of the legal values [A]; 0 where no action is legal."""
    best, found = 0.0, False
    for a in range(values.size):
        if legal[a] and (not found or values[a] > best):
            best, found = values[a], True
    return best


@kernel
def move(table, visits, state, action, error, alpha):
    """Move table[state, action] by its step size times the error.

    A step size of 0 stands for one over the visits [S, A] of the pair, which are then counted.
    """
    if alpha == 0.0:
        visits[state, action] += 1
        table[state, action] += error / visits[state, action]
    else:
        table[state, action] += alpha * error


@kernel
def done(updates, losses, lane, loss):
    """Book one learning step of a lane; False where its loss is not finite."""
    losses[lane] = loss
    if not np.isfinite(loss):
        return False
    updates[lane] += 1
    return True


class Waiting(NamedTuple):
    """Transitions that wait to be learned, oldest first: the first owed[lane] of n in every lane.

    owed int64 [L]; state, action, after (the next state), next_action (-1 where unknown), others (the joint action of
    the others, numbered) int64 [L, n]; reward float64 [L, n]; terminated bool [L, n]; legal (in the next state) bool
    [L, n, A].
    """

    owed: np.ndarray
    state: np.ndarray
    action: np.ndarray
    reward: np.ndarray
    terminated: np.ndarray
    after: np.ndarray
    legal: np.ndarray
    next_action: np.ndarray
    others: np.ndarray


@kernel
def unpack(rows, tags, w):
    """Rows as `buffers` keeps them, with (state, others) before and (state, action) after, into Waiting."""
    for lane in range(w.owed.size):
        for i in range(w.owed[lane]):
            row, tag = rows[lane, i], tags[lane, i]
            end = row.size
            w.state[lane, i], w.others[lane, i] = int(row[end - 4]), int(row[end - 3])
            w.after[lane, i], w.next_action[lane, i] = int(row[end - 2]), int(row[end - 1])
            w.reward[lane, i], w.action[lane, i] = row[0], tag[1] >> 1
            w.terminated[lane, i] = (tag[1] & 1) != 0
            for a in range(w.legal.shape[2]):
                w.legal[lane, i, a] = ((tag[2 + a // WORD] >> (a % WORD)) & 1) != 0


@kernel
def number_joint(others, valid, n_actions, joint):
    """Number the joint actions of the others, the first of them slowest; returns a lane with an odd one, or -1."""
    for lane in range(valid.shape[0]):
        for b in range(valid.shape[1]):
            number = 0
            if valid[lane, b]:
                for k in range(others.shape[2]):
                    if not 0 <= others[lane, b, k] < n_actions:
                        return lane
                    number = number * n_actions + others[lane, b, k]
            joint[lane, b] = number
    return -1
