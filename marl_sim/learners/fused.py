"""Deep Q-learning of small networks on the CPU, compiled: sample, both forward passes, gradient and Adam of a lane in one go.

The definition is `DQNLanes.loss` and autograd; this is the same arithmetic, in another order, for networks with one hidden layer, whose
matrices are too small for batched matrix products to pay. A lane's numbers depend on that lane alone, whatever its neighbours.
"""

from __future__ import annotations

import numba
import numpy as np

from marl_sim.core.rng import mix

from .buffers import WORD
from .draws import subset
from .optim import BETA1, BETA2, EPS

# Sums may be reordered, so that they vectorise. NaN and infinity keep their meaning: they are how a diverged lane is found.
REORDER = {"reassoc", "contract", "nsz"}
ZERO, ONE = np.float32(0), np.float32(1)


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _hidden(x, w, h):
    """h = relu(x @ w) for one input x whose last entry is 1; four rows of w at a time."""
    n, size = w.shape
    first = n % 4 or 4
    x0 = x[0]
    if first == 1:
        for j in range(size):
            h[j] = x0 * w[0, j]
    elif first == 2:
        x1 = x[1]
        for j in range(size):
            h[j] = x0 * w[0, j] + x1 * w[1, j]
    elif first == 3:
        x1, x2 = x[1], x[2]
        for j in range(size):
            h[j] = x0 * w[0, j] + x1 * w[1, j] + x2 * w[2, j]
    else:
        x1, x2, x3 = x[1], x[2], x[3]
        for j in range(size):
            h[j] = x0 * w[0, j] + x1 * w[1, j] + x2 * w[2, j] + x3 * w[3, j]
    for d in range(first, n, 4):
        x0, x1, x2, x3 = x[d], x[d + 1], x[d + 2], x[d + 3]
        for j in range(size):
            h[j] += x0 * w[d, j] + x1 * w[d + 1, j] + x2 * w[d + 2, j] + x3 * w[d + 3, j]
    for j in range(size):
        h[j] = max(h[j], ZERO)


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _dot(u, v):
    total = ZERO
    for j in range(u.size):
        total += u[j] * v[j]
    return total


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _backward(x, delta, out, h, g, grad_w, grad_out):
    """Add one sample's gradient: delta = dloss/dQ of the action taken, whose output weights are `out`."""
    n, size = grad_w.shape
    for j in range(size):
        grad_out[j] += delta * h[j]
        g[j] = delta * out[j] if h[j] > ZERO else ZERO
    for d in range(0, n - 1, 2):
        x0, x1 = x[d], x[d + 1]
        for j in range(size):
            grad_w[d, j] += x0 * g[j]
            grad_w[d + 1, j] += x1 * g[j]
    if n % 2:
        x0 = x[n - 1]
        for j in range(size):
            grad_w[n - 1, j] += x0 * g[j]


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _adam(p, g, m, v, step, lr, clip):
    """One Adam step in place, after scaling g to a norm of at most `clip` (0: no limit)."""
    scale = ONE
    if clip > 0:
        scale = min(ONE, np.float32(clip / (np.sqrt(_dot(g, g)) + 1e-6)))
    size, root = np.float32(lr / (1 - BETA1**step)), np.float32(1 / np.sqrt(1 - BETA2**step))
    b1, c1, b2, c2 = np.float32(BETA1), np.float32(1 - BETA1), np.float32(BETA2), np.float32(1 - BETA2)
    eps = np.float32(EPS)
    for i in range(p.size):
        gi = g[i] * scale
        m[i] = b1 * m[i] + c1 * gi
        v[i] = b2 * v[i] + c2 * gi * gi
        p[i] -= size * m[i] / (np.sqrt(v[i]) * root + eps)


@numba.njit(cache=True, nogil=True)
def _unpack(row, n, size, out, bias):
    """Copy a parameter row's output layer as out [A, H], bias [A]; the first layer is used where it lies."""
    start = n * size
    n_actions = bias.size
    for j in range(size):
        for a in range(n_actions):
            out[a, j] = row[start + j * n_actions + a]
    for a in range(n_actions):
        bias[a] = row[start + size * n_actions + a]


@numba.njit(cache=True, nogil=True)
def forward(params, hidden, obs, deciding, values):
    """values float64 [L, B, A] of obs float32 [L, B, D] where deciding; the other entries stay as they are."""
    n, n_actions = obs.shape[2] + 1, values.shape[2]
    x, h = np.ones(n, np.float32), np.empty(hidden, np.float32)
    out, bias = np.empty((n_actions, hidden), np.float32), np.empty(n_actions, np.float32)
    for lane in range(obs.shape[0]):
        fresh = True
        for b in range(obs.shape[1]):
            if not deciding[lane, b]:
                continue
            if fresh:
                _unpack(params[lane], n, hidden, out, bias)
                fresh = False
            for d in range(n - 1):
                x[d] = obs[lane, b, d]
            _hidden(x, params[lane, : n * hidden].reshape(n, hidden), h)
            for a in range(n_actions):
                values[lane, b, a] = _dot(h, out[a]) + bias[a]


@numba.njit(cache=True, nogil=True)
def learn(
    rows, tags, clocks, keys, params, target, m, v, updates, losses,
    hidden, n_actions, batch, hash_size, gamma, lr, clip, target_every, double,
):  # fmt: skip
    """Do the learning steps each lane owes; returns the lane whose loss is not finite, or -1.

    rows, tags: the replay memory and its integer view [L, capacity, R]; clocks [4, L] its clocks; params, target, m, v float32 [L, P];
    updates int64 [L]; losses float64 [L] takes the last loss of each lane that learned.
    """
    dim = (rows.shape[2] - 2 - (n_actions + WORD - 1) // WORD) // 2
    n = dim + 1
    ahead, behind = np.ones((batch, n), np.float32), np.ones((batch, n), np.float32)
    reward, taken = np.empty(batch, np.float32), np.empty(batch, np.int64)
    legal, ended = np.empty((batch, n_actions), np.bool_), np.empty(batch, np.bool_)
    h, g = np.empty(hidden, np.float32), np.empty(hidden, np.float32)
    out, out_target = np.empty((n_actions, hidden), np.float32), np.empty((n_actions, hidden), np.float32)
    bias, bias_target = np.empty(n_actions, np.float32), np.empty(n_actions, np.float32)
    grad, grad_out = np.empty(params.shape[1], np.float32), np.empty((n_actions, hidden), np.float32)
    grad_w = grad[: n * hidden].reshape(n, hidden)
    chosen, seen = np.empty(batch, np.int64), np.empty(hash_size, np.int64)

    for lane in range(params.shape[0]):
        w = params[lane, : n * hidden].reshape(n, hidden)
        w_target = target[lane, : n * hidden].reshape(n, hidden)
        while clocks[3, lane] > 0:
            clocks[3, lane] -= 1
            subset(mix(keys[lane], updates[lane]), clocks[1, lane], chosen, seen)
            for i in range(batch):
                row, tag = rows[lane, chosen[i]], tags[lane, chosen[i]]
                for d in range(dim):
                    behind[i, d] = row[d]
                    ahead[i, d] = row[dim + d]
                reward[i] = row[2 * dim]
                taken[i] = tag[2 * dim + 1] >> 1
                ended[i] = (tag[2 * dim + 1] & 1) != 0
                for a in range(n_actions):
                    legal[i, a] = ((tag[2 * dim + 2 + a // WORD] >> (a % WORD)) & 1) != 0
            _unpack(params[lane], n, hidden, out, bias)
            _unpack(target[lane], n, hidden, out_target, bias_target)
            grad[:] = ZERO
            grad_out[:] = ZERO
            loss = 0.0
            for i in range(batch):
                y = reward[i]
                if not ended[i]:
                    y += gamma * _best(ahead[i], w, out, bias, w_target, out_target, bias_target, legal[i], double, h)
                a = taken[i]
                _hidden(behind[i], w, h)
                error = _dot(h, out[a]) + bias[a] - y
                loss += 0.5 * error * error if abs(error) < ONE else abs(error) - 0.5
                delta = min(max(error, -ONE), ONE) / np.float32(batch)
                grad[(n + n_actions) * hidden + a] += delta
                _backward(behind[i], delta, out[a], h, g, grad_w, grad_out[a])
            losses[lane] = loss / batch
            if not np.isfinite(loss):
                return lane
            for j in range(hidden):
                for a in range(n_actions):
                    grad[n * hidden + j * n_actions + a] = grad_out[a, j]
            updates[lane] += 1
            _adam(params[lane], grad, m[lane], v[lane], updates[lane], lr, clip)
            if updates[lane] % target_every == 0:
                target[lane, :] = params[lane]
    return -1


@numba.njit(cache=True, nogil=True)
def _best(x, w, out, bias, w_target, out_target, bias_target, legal, double, h):
    """The target network's value of the best legal action (the online network's choice of it if `double`); 0 where none is legal."""
    choice = -1
    if double:
        _hidden(x, w, h)
        top = ZERO
        for a in range(bias.size):
            if legal[a]:
                q = _dot(h, out[a]) + bias[a]
                if choice < 0 or q > top:
                    choice, top = a, q
    _hidden(x, w_target, h)
    best, found = ZERO, False
    for a in range(bias.size):
        if legal[a] and (choice < 0 or a == choice):
            q = _dot(h, out_target[a]) + bias_target[a]
            if not found or q > best:
                best, found = q, True
    return best
