"""Deep Q-learning of small networks on the CPU, compiled: minibatch, forward passes, gradient and Adam in one go.

The definition is `DQNLanes.loss` and autograd; this is the same arithmetic in another order, for networks with one
hidden layer, whose matrices are too small for batched matrix products. A lane's numbers depend on that lane alone.

Shapes: M samples (the batch rounded up to fours with zeros), n inputs (the observation and a constant 1), H hidden
units, A actions. Inner loops run over hidden units, which lie side by side.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import mix

from .buffers import WORD
from .draws import hash_size, subset
from .optim import REORDER, adam_row

ZERO, ONE = np.float32(0), np.float32(1)


class Scratch(NamedTuple):
    """Working memory for one lane at a time, made once (compiling allocations would take as long as compiling the
    rest).
    """

    obs: np.ndarray  # [M, n]
    next_obs: np.ndarray
    reward: np.ndarray  # [M]
    action: np.ndarray
    delta: np.ndarray
    taken: np.ndarray
    ended: np.ndarray
    legal: np.ndarray  # [M, A]
    value: np.ndarray
    judge: np.ndarray
    w: np.ndarray  # [n, H]
    grad_w: np.ndarray
    out: np.ndarray  # [A, H]
    grad_out: np.ndarray
    bias: np.ndarray  # [A]
    grad_bias: np.ndarray
    h: np.ndarray  # [M, H]
    grad: np.ndarray  # [P]
    chosen: np.ndarray  # [batch]
    seen: np.ndarray


def scratch(dim: int, hidden: int, n_actions: int, batch: int) -> Scratch:
    """Working memory for minibatches of `batch` transitions with `dim` observation columns."""
    m, n = (batch + 3) // 4 * 4, dim + 1
    obs = np.zeros((2, m, n), np.float32)
    obs[:, :batch, dim] = 1  # meets the bias
    sample = np.zeros((3, m), np.float32)
    values = np.zeros((2, m, n_actions), np.float32)
    w, out, bias = (np.zeros((2, *shape), np.float32) for shape in ((n, hidden), (n_actions, hidden), (n_actions,)))
    flat = (dim + 1) * hidden + (hidden + 1) * n_actions
    return Scratch(
        obs[0], obs[1], sample[0], np.zeros(m, np.int64), sample[1], sample[2], np.zeros(m, np.bool_),
        np.zeros((m, n_actions), np.bool_), values[0], values[1], w[0], w[1], out[0], out[1], bias[0], bias[1],
        np.zeros((m, hidden), np.float32), np.zeros(flat, np.float32), np.zeros(batch, np.int64),
        np.zeros(hash_size(batch), np.int64),
    )  # fmt: skip


@kernel
def _gather(rows, tags, lane, chosen, dim, obs, action, reward, next_obs, legal, ended):
    """Copy the chosen transitions of a lane out of its ring."""
    start = rows.shape[2] - 2 * dim
    for i in range(chosen.size):  # both ends of every row in a loop of its own: many cache misses at once
        reward[i] = rows[lane, chosen[i], 0]
        next_obs[i, dim - 1] = rows[lane, chosen[i], rows.shape[2] - 1]
    for i in range(chosen.size):
        at = chosen[i]
        code = tags[lane, at, 1]
        action[i] = code >> 1
        ended[i] = (code & 1) != 0
        for a in range(legal.shape[1]):
            legal[i, a] = ((tags[lane, at, 2 + a // WORD] >> (a % WORD)) & 1) != 0
        for d in range(dim):
            obs[i, d] = rows[lane, at, start + d]
            next_obs[i, d] = rows[lane, at, start + dim + d]


@kernel
def _unpack(params, lane, inputs, w, out, bias):
    """Copy a parameter row as first layer w [n, H] (bias in row `inputs`), output layer out [A, H] and its bias [A]."""
    k = 0
    for d in range(inputs + 1):
        for j in range(w.shape[1]):
            w[d, j] = params[lane, k]
            k += 1
    for j in range(out.shape[1]):
        for a in range(out.shape[0]):
            out[a, j] = params[lane, k]
            k += 1
    for a in range(bias.size):
        bias[a] = params[lane, k + a]


@kernel(fastmath=REORDER)
def _hidden(x, w, h):
    """h [M, H] = x [M, n] @ w [n, H], before the ReLU, which whoever reads h applies; four rows of w at a time."""
    n, size = w.shape
    first = (n - 1) % 4 + 1
    for i in range(x.shape[0]):
        x0 = x[i, 0]
        if first == 1:
            for j in range(size):
                h[i, j] = x0 * w[0, j]
        elif first == 2:
            x1 = x[i, 1]
            for j in range(size):
                h[i, j] = x0 * w[0, j] + x1 * w[1, j]
        elif first == 3:
            x1, x2 = x[i, 1], x[i, 2]
            for j in range(size):
                h[i, j] = x0 * w[0, j] + x1 * w[1, j] + x2 * w[2, j]
        else:
            x1, x2, x3 = x[i, 1], x[i, 2], x[i, 3]
            for j in range(size):
                h[i, j] = x0 * w[0, j] + x1 * w[1, j] + x2 * w[2, j] + x3 * w[3, j]
        for d in range(first, n, 4):
            x0, x1, x2, x3 = x[i, d], x[i, d + 1], x[i, d + 2], x[i, d + 3]
            for j in range(size):
                h[i, j] += x0 * w[d, j] + x1 * w[d + 1, j] + x2 * w[d + 2, j] + x3 * w[d + 3, j]


@kernel(fastmath=REORDER)
def _output(h, out, bias, q):
    """q [M, A] = relu(h [M, H]) @ out.T + bias, four samples at a time."""
    for i in range(0, h.shape[0], 4):
        for a in range(bias.size):
            s0 = s1 = s2 = s3 = ZERO
            for j in range(h.shape[1]):
                s0 += max(h[i, j], ZERO) * out[a, j]
                s1 += max(h[i + 1, j], ZERO) * out[a, j]
                s2 += max(h[i + 2, j], ZERO) * out[a, j]
                s3 += max(h[i + 3, j], ZERO) * out[a, j]
            q[i, a], q[i + 1, a], q[i + 2, a], q[i + 3, a] = s0 + bias[a], s1 + bias[a], s2 + bias[a], s3 + bias[a]


@kernel(fastmath=REORDER)
def _output_of(h, out, bias, action, q):
    """q [M] = the values of one action a sample."""
    for i in range(h.shape[0]):
        a = action[i]
        s = ZERO
        for j in range(h.shape[1]):
            s += max(h[i, j], ZERO) * out[a, j]
        q[i] = s + bias[a]


@kernel
def _best(value, judge, legal, i):
    """The value of the legal action that `judge` prefers in sample i; 0 where none is legal."""
    choice = -1
    for a in range(legal.shape[1]):
        if legal[i, a] and (choice < 0 or judge[i, a] > judge[i, choice]):
            choice = a
    return value[i, choice] if choice >= 0 else ZERO


@kernel(fastmath=REORDER)
def _backward(x, delta, action, out, h, grad_w, grad_out):
    """Gradients from delta [M], the derivative of the loss by the value of the action taken; h is used up."""
    n, size = grad_w.shape
    for d in range(n):
        for j in range(size):
            grad_w[d, j] = ZERO
    for a in range(out.shape[0]):
        for j in range(size):
            grad_out[a, j] = ZERO
    for i in range(h.shape[0]):
        a = action[i]
        for j in range(size):
            grad_out[a, j] += delta[i] * max(h[i, j], ZERO)
            h[i, j] = delta[i] * out[a, j] if h[i, j] > ZERO else ZERO
    for i in range(0, h.shape[0], 4):
        for d in range(n):
            x0, x1, x2, x3 = x[i, d], x[i + 1, d], x[i + 2, d], x[i + 3, d]
            for j in range(size):
                grad_w[d, j] += x0 * h[i, j] + x1 * h[i + 1, j] + x2 * h[i + 2, j] + x3 * h[i + 3, j]


@kernel
def _pack(grad_w, grad_out, grad_bias, inputs, grad):
    """The reverse of `_unpack`, into a flat gradient [P]."""
    k = 0
    for d in range(inputs + 1):
        for j in range(grad_w.shape[1]):
            grad[k] = grad_w[d, j]
            k += 1
    for j in range(grad_out.shape[1]):
        for a in range(grad_out.shape[0]):
            grad[k] = grad_out[a, j]
            k += 1
    for a in range(grad_bias.size):
        grad[k + a] = grad_bias[a]


@kernel(fastmath=REORDER)
def forward(params, obs, deciding, values, w, out, bias, h):
    """values float64 [L, B, A] of obs float32 [L, B, D] where deciding; the other entries stay as they are.

    One sample at a time; w, out, bias and h [H] are scratch.
    """
    dim = obs.shape[2]
    for lane in range(obs.shape[0]):
        fresh = True
        for b in range(obs.shape[1]):
            if not deciding[lane, b]:
                continue
            if fresh:
                _unpack(params, lane, dim, w, out, bias)
                fresh = False
            for j in range(h.size):
                h[j] = w[dim, j]
            for d in range(dim):
                for j in range(h.size):
                    h[j] += obs[lane, b, d] * w[d, j]
            for a in range(bias.size):
                q = bias[a]
                for j in range(h.size):
                    q += max(h[j], ZERO) * out[a, j]
                values[lane, b, a] = q


@kernel
def learn(
    rows, tags, clocks, keys, params, target, m, v, updates, losses,
    dim, gamma, lr, clip, target_every, double, scratch,
):  # fmt: skip
    """Do the learning steps each lane owes; returns the lane whose loss is not finite, or -1.

    rows, tags: the replay memory and its integer view [L, capacity, R]; clocks [4, L] its clocks; params, target, m, v
    float32 [L, P]; updates int64 [L]; losses float64 [L] takes the last loss of each lane that learned.
    """
    s = scratch
    batch, n_actions = s.chosen.size, s.bias.size
    scale = ONE / np.float32(batch)
    for lane in range(params.shape[0]):
        while clocks[3, lane] > 0:
            clocks[3, lane] -= 1
            subset(mix(keys[lane], updates[lane]), clocks[1, lane], s.chosen, s.seen)
            _gather(rows, tags, lane, s.chosen, dim, s.obs, s.action, s.reward, s.next_obs, s.legal, s.ended)
            for online in range(1 + double):  # the target network's values and, if asked for, the online one's
                _unpack(params if online else target, lane, dim, s.w, s.out, s.bias)
                _hidden(s.next_obs, s.w, s.h)
                _output(s.h, s.out, s.bias, s.judge if online else s.value)
            _unpack(params, lane, dim, s.w, s.out, s.bias)
            _hidden(s.obs, s.w, s.h)
            _output_of(s.h, s.out, s.bias, s.action, s.taken)

            loss = 0.0
            for a in range(n_actions):
                s.grad_bias[a] = ZERO
            for i in range(batch):
                y = s.reward[i]
                if not s.ended[i]:
                    y += gamma * _best(s.value, s.judge if double else s.value, s.legal, i)
                error = s.taken[i] - y
                loss += 0.5 * error * error if abs(error) < ONE else abs(error) - 0.5
                s.delta[i] = min(max(error, -ONE), ONE) * scale
                s.grad_bias[s.action[i]] += s.delta[i]
            losses[lane] = loss / batch
            if not np.isfinite(loss):
                return lane

            _backward(s.obs, s.delta, s.action, s.out, s.h, s.grad_w, s.grad_out)
            _pack(s.grad_w, s.grad_out, s.grad_bias, dim, s.grad)
            updates[lane] += 1
            adam_row(params, m, v, s.grad, lane, updates[lane], lr, clip)
            if updates[lane] % target_every == 0:
                for i in range(params.shape[1]):
                    target[lane, i] = params[lane, i]
    return -1
