"""The loss of decisions and its derivatives by what networks said of them, compiled.

    said  = actor(x),  worth = critic(x)  or  critic(state)              x: a piece of a minibatch, [S, D]
    loss  = sum over the piece of  each * (-gain + value (worth - target)^2 / 2 - entropy * H)
    gain  = min(w A, clip(w, 1 - clip, 1 + clip) A),  or A log pi where clip is 0

Numbers of one kind lie side by side for all decisions, so that every step of the reckoning is one of vectors.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ..core.kernels import kernel
from .elementary import exponential, logarithm
from .fused_inputs import ONE, PIECE, ZERO, lined_up
from .optim import REORDER

LEAST = np.float32(-np.inf)
HALF = np.float32(0.5)


class Terms(NamedTuple):
    """What the loss is made of; float32 in compiled code."""

    clip: float  # 0: no ratio, but the log odds
    value: float
    entropy: float


class Sheet(NamedTuple):
    """What is reckoned of the decisions of a piece, float32 [PIECE] but for the first two, [A, PIECE]."""

    said: np.ndarray  # what the actor said; LEAST where it is not legal
    odds: np.ndarray  # of each choice; at the end the derivative by what was said of it
    best: np.ndarray  # the most that was said, then the logarithm of the sum of the exponentials of all
    share: np.ndarray  # that sum, then its inverse
    spread: np.ndarray  # entropy of the odds
    taken: np.ndarray  # what was said of the choice taken
    before: np.ndarray  # log odds of that choice when it was taken
    advantage: np.ndarray
    pull: np.ndarray  # derivative of the gain by the log odds of the choice taken
    error: np.ndarray  # what the critic said, less its target


def sheet(actions: int) -> Sheet:
    """Room for a piece."""
    return Sheet(lined_up(actions, PIECE), lined_up(actions, PIECE), *(lined_up(PIECE) for _ in Sheet._fields[2:]))


@kernel
def _fill(told, lane, at, said, worth, s):
    """What is known of the decisions of these numbers."""
    for i in range(at.size):
        one, chosen = at[i], int(told.action[lane, at[i], 0])
        for a in range(s.said.shape[0]):
            s.said[a, i] = said[i, a] if told.legal[lane, one, a] else LEAST
        s.taken[i], s.before[i] = said[i, chosen], told.logp[lane, one]
        s.advantage[i], s.error[i] = told.advantage[lane, one], worth[i, 0] - told.target[lane, one]


@kernel(fastmath=REORDER, error_model="numpy")
def _weigh(s, n):
    """Odds of all choices, and their entropy."""
    best, share, spread = s.best, s.share, s.spread
    for i in range(n):
        best[i], share[i], spread[i] = LEAST, ZERO, ZERO
    for a in range(s.said.shape[0]):
        said = s.said[a]
        for i in range(n):
            best[i] = max(best[i], said[i])
    for a in range(s.said.shape[0]):
        said, odds = s.said[a], s.odds[a]
        for i in range(n):  # what is not legal adds 1e-38
            odds[i] = exponential(said[i] - best[i])
            share[i] += odds[i]
    for i in range(n):
        best[i] += logarithm(share[i])
        share[i] = ONE / share[i]
    for a in range(s.said.shape[0]):
        said, odds = s.said[a], s.odds[a]
        for i in range(n):
            odds[i] = odds[i] * share[i] if said[i] != LEAST else ZERO
        for i in range(n):
            spread[i] -= odds[i] * (said[i] - best[i]) if said[i] != LEAST else ZERO


@kernel(fastmath=REORDER)
def _gain(s, n, clip):
    """What the actor gains in all, and what pulls at the log odds of each choice taken."""
    best, taken, before, advantage, pull, total = s.best, s.taken, s.before, s.advantage, s.pull, 0.0
    if clip == ZERO:
        for i in range(n):
            pull[i] = advantage[i]
            total += advantage[i] * (taken[i] - best[i])
        return total
    for i in range(n):
        pull[i] = exponential(taken[i] - best[i] - before[i])
    low, high = ONE - clip, ONE + clip
    for i in range(n):
        gain, held = pull[i] * advantage[i], min(max(pull[i], low), high)
        beyond = held != pull[i] and held * advantage[i] < gain
        pull[i] = ZERO if beyond else gain
        total += held * advantage[i] if beyond else gain
    return total


@kernel(fastmath=REORDER)
def _spread_out(told, lane, at, s, by_said, by_worth, terms, each):
    """The derivatives, decision by decision again."""
    best, spread, pull = s.best, s.spread, s.pull
    for a in range(s.said.shape[0]):
        said, odds = s.said[a], s.odds[a]
        for i in range(at.size):
            surprise = said[i] - best[i] + spread[i] if said[i] != LEAST else ZERO
            odds[i] *= each * (pull[i] + terms.entropy * surprise)
    for i in range(at.size):
        for a in range(s.said.shape[0]):
            by_said[i, a] = s.odds[a, i]
        by_said[i, int(told.action[lane, at[i], 0])] -= each * pull[i]
        by_worth[i, 0] = each * terms.value * s.error[i]
    for i in range(at.size, at.size + at.size % 2):
        by_said[i] = ZERO
        by_worth[i] = ZERO


@kernel(fastmath=REORDER)
def compare(told, lane, at, said, worth, by_said, by_worth, s, terms, each):
    """The loss of the decisions of these numbers, each of which counts `each`, and its derivatives by what the networks
    said of them, [S, A] and [S, 1], of S decisions rounded up to an even number, zeros in the last one then."""
    n, rest = at.size, 0.0
    _fill(told, lane, at, said, worth, s)
    _weigh(s, n)
    gain = _gain(s, n, terms.clip)
    for i in range(n):
        rest += terms.value * HALF * s.error[i] * s.error[i] - terms.entropy * s.spread[i]
    _spread_out(told, lane, at, s, by_said, by_worth, terms, each)
    return each * (rest - gain)
