"""What decisions were worth: advantages and returns over streams, from rewards, values and endings.

The value of what comes after a decision is that of its stream's next entry, 0 where the game terminated with it. An
entry that waits for its consequences is not used, but is the "next" of the one before it.
"""

from __future__ import annotations

import numpy as np

from ..core.kernels import kernel
from .streams import CLOSED, LOOK, TERMINATED


@kernel
def advantages(reward, flags, count, values, gamma, lam, advantage, target, usable):
    """Generalised advantage estimation (Schulman et al. 2016), lam = 1: Monte Carlo with a bootstrap at the end.

        delta_t = r_t + gamma V_{t+1} - V_t,    A_t = delta_t + gamma lam A_{t+1},    target_t = A_t + V_t

    reward float64, flags uint8, values float32 [L, R, C]; gamma, lam per decision. Fills advantage and target float32
    and usable bool [L, R, C]: closed decisions, looks excepted.
    """
    for lane in range(count.shape[0]):
        for r in range(count.shape[1]):
            next_value, next_advantage = 0.0, 0.0
            for t in range(count[lane, r] - 1, -1, -1):
                mark, value = flags[lane, r, t], float(values[lane, r, t])
                usable[lane, r, t] = mark & CLOSED and not mark & LOOK
                if not usable[lane, r, t]:
                    advantage[lane, r, t], target[lane, r, t] = 0.0, value
                    next_value, next_advantage = value, 0.0
                    continue
                if mark & TERMINATED:
                    next_value, next_advantage = 0.0, 0.0
                delta = reward[lane, r, t] + gamma * next_value - value
                next_advantage = delta + gamma * lam * next_advantage
                next_value = value
                advantage[lane, r, t], target[lane, r, t] = next_advantage, next_advantage + value


@kernel
def ended_before(flags, count):
    """The number of the first entry of the episode that goes on, int64 [L, R], of streams of `count` entries."""
    done = np.zeros(count.shape, np.int64)
    for lane in range(count.shape[0]):
        for r in range(count.shape[1]):
            for t in range(count[lane, r]):
                if flags[lane, r, t] & (TERMINATED | LOOK):
                    done[lane, r] = t + 1
    return done


@kernel
def episode_returns(reward, flags, done, gamma, returns, usable):
    """Discounted returns to the end of the episode, of the decisions before the episode that goes on.

    done int64 [L, R]: see `ended_before`; fills returns float32, usable bool [L, R, C]. An episode ends where the game
    terminated or the clock stopped; nothing is bootstrapped.
    """
    for lane in range(done.shape[0]):
        for r in range(done.shape[1]):
            total = 0.0
            for t in range(done[lane, r] - 1, -1, -1):
                mark = flags[lane, r, t]
                if mark & (TERMINATED | LOOK):
                    total = 0.0
                usable[lane, r, t] = not mark & LOOK
                total = reward[lane, r, t] + gamma * total
                returns[lane, r, t] = total


@kernel
def normalise(x, usable, centre, scale):
    """Per lane over its usable entries: subtract the mean where `centre`, divide by the deviation where `scale`."""
    for lane in range(x.shape[0]):
        n, total, square = 0, 0.0, 0.0
        for r in range(x.shape[1]):
            for t in range(x.shape[2]):
                if usable[lane, r, t]:
                    n += 1
                    total += x[lane, r, t]
        if n < 2:
            continue
        mean = total / n
        for r in range(x.shape[1]):
            for t in range(x.shape[2]):
                if usable[lane, r, t]:
                    square += (x[lane, r, t] - mean) ** 2
        deviation = np.sqrt(square / n) + 1e-8 if scale else 1.0
        shift = mean if centre else 0.0
        for r in range(x.shape[1]):
            for t in range(x.shape[2]):
                if usable[lane, r, t]:
                    x[lane, r, t] = (x[lane, r, t] - shift) / deviation
