"""Stochastic policies: drawing from them with a lane's own random stream, and the odds of what was drawn.

A choice among A actions is a softmax over the legal ones. A continuous decision is a diagonal Gaussian over numbers of
which -1 is the low and 1 the high end of the box; what falls outside is played at the end, and remembered as drawn.
"""

from __future__ import annotations

import math

import numpy as np
import torch

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import integer, mix, normal, uniform

from .borrowing import borrowed
from .draws import NOTHING_TO_CHOOSE
from .elementary import exponential
from .optim import REORDER

HALF_LOG_TAU = 0.5 * math.log(2 * math.pi)
LEAST = 1e-37  # odds whose logarithm float32 still tells


@kernel(fastmath=REORDER)
def _weigh(logits, legal, best, odds):
    """Fill in odds as they are to the best choice's, float32 [A], 0 where not legal; returns their sum."""
    total = 0.0
    for a in range(odds.size):
        odds[a] = exponential(logits[a] - best)
    for a in range(odds.size):
        odds[a] = odds[a] if legal[a] else np.float32(0)
        total += odds[a]
    return total


@kernel
def draw_choices(logits, legal, deciding, keys, clock, greedy, actions, logp):
    """Choose among legal actions by softmax, or a likeliest one if greedy; returns a lane that has no choice, or -1.

    logits float32 [L, R, A]; legal bool [L, R, A]; deciding bool [L, R]; keys uint64, clock int64 [L] (moves on).
    Fills actions int64 and logp float32 [L, R], 0 where nobody decides.
    """
    odds, logits, legal = np.empty(logits.shape[2], np.float32), borrowed(logits), borrowed(legal)
    for lane in range(logits.shape[0]):
        for r in range(logits.shape[1]):
            actions[lane, r], logp[lane, r] = 0, 0.0
            if not deciding[lane, r]:
                continue
            key = mix(keys[lane], clock[lane])
            clock[lane] += 1
            best, ties = np.float32(-np.inf), 0
            for a in range(logits.shape[2]):
                if legal[lane, r, a]:
                    if logits[lane, r, a] > best:
                        best, ties = logits[lane, r, a], 1
                    elif logits[lane, r, a] == best:
                        ties += 1
            if not np.isfinite(best):
                return lane
            total = _weigh(logits[lane, r], legal[lane, r], best, odds)
            if not np.isfinite(total):  # one of them is not a number
                return lane
            left = integer(key, 1, ties) if greedy else uniform(key, 0) * total
            chosen = -1
            for a in range(logits.shape[2]):
                if not legal[lane, r, a]:
                    continue
                if not greedy:
                    chosen = a
                    left -= odds[a]
                    if left < 0:
                        break
                elif logits[lane, r, a] == best:
                    chosen = a
                    if left == 0:
                        break
                    left -= 1
            actions[lane, r] = chosen
            logp[lane, r] = logits[lane, r, chosen] - best - math.log(total)
    return NOTHING_TO_CHOOSE


@kernel
def explore(logits, legal, epsilon):
    """Turn logits float32 [L, R, A] into the log odds of a policy that chooses evenly among the legal actions with
    probability epsilon float64 [L], and by them otherwise; those of illegal actions mean nothing."""
    for lane in range(logits.shape[0]):
        for r in range(logits.shape[1]):
            best, total, many = -np.inf, 0.0, 0
            for a in range(logits.shape[2]):
                if legal[lane, r, a]:
                    best = max(best, logits[lane, r, a])
                    many += 1
            for a in range(logits.shape[2]):
                if legal[lane, r, a]:
                    total += math.exp(logits[lane, r, a] - best)
            for a in range(logits.shape[2]):
                if legal[lane, r, a]:
                    own = math.exp(logits[lane, r, a] - best) / total
                    odds = (1 - epsilon[lane]) * own + epsilon[lane] / many
                    logits[lane, r, a] = math.log(odds) if odds > 0 else -1e9 if odds == 0 else np.nan


@kernel
def draw_numbers(mean, spread, deciding, keys, clock, greedy, drawn, logp):
    """Draw from Gaussians of these means float32 [L, R, A] and log deviations float32 [L, A]; else as above."""
    for lane in range(mean.shape[0]):
        for r in range(mean.shape[1]):
            logp[lane, r] = 0.0
            for a in range(mean.shape[2]):
                drawn[lane, r, a] = 0.0
            if not deciding[lane, r]:
                continue
            key = mix(keys[lane], clock[lane])
            clock[lane] += 1
            odds = 0.0
            for a in range(mean.shape[2]):
                if not np.isfinite(mean[lane, r, a]) or not np.isfinite(spread[lane, a]):
                    return lane
                noise = 0.0 if greedy else normal(key, a)
                drawn[lane, r, a] = mean[lane, r, a] + math.exp(spread[lane, a]) * noise
                odds -= 0.5 * noise * noise + spread[lane, a] + HALF_LOG_TAU
            logp[lane, r] = odds
    return NOTHING_TO_CHOOSE


def choice_odds(
    logits: torch.Tensor, legal: torch.Tensor, action: torch.Tensor, epsilon: torch.Tensor | None = None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Log odds of the actions taken and entropy [L, M], and the log odds of all actions [L, M, A].

    logits [L, M, A], legal bool [L, M, A], action int64 [L, M]. Where nothing is legal (padding) all are. epsilon [L]:
    how often a legal action is chosen at random; None: never.
    """
    closed = ~legal & legal.any(-1, keepdim=True)
    log_odds = torch.log_softmax(logits.masked_fill(closed, -1e9), -1)
    if epsilon is not None:
        share = epsilon[:, None, None]
        odds = (1 - share) * log_odds.exp() + share / (~closed).sum(-1, keepdim=True)
        log_odds = odds.clamp_min(LEAST).log().masked_fill(closed, -1e9)
    taken = log_odds.gather(-1, action[..., None])[..., 0]
    return taken, -(log_odds.exp() * log_odds.masked_fill(closed, 0.0)).sum(-1), log_odds


def number_odds(mean: torch.Tensor, spread: torch.Tensor, drawn: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Log density of what was drawn and entropy [L, M]; mean, drawn [L, M, A], spread (log deviations) [L, A]."""
    noise = (drawn - mean) * torch.exp(-spread)[:, None]
    logp = -(0.5 * noise.square() + spread[:, None] + HALF_LOG_TAU).sum(-1)
    entropy = (spread + 0.5 + HALF_LOG_TAU).sum(-1)[:, None].expand_as(logp)
    return logp, entropy
