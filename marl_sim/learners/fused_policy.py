"""Policy gradients of plain networks on the CPU, compiled: forward, loss, gradient and Adam while a lane is at hand.

The definition is the learner's `loss` and autograd; this is the same arithmetic in another order, for an actor and a
critic that are multilayer perceptrons apart, of numbers, without memory. A lane's numbers depend on that lane alone.

    said  = actor(x),  worth = critic(x)                                 x: a piece of a minibatch, [S, D]
    loss  = sum over the piece of  share * (-gain + value (worth - target)^2 / 2 - entropy * H)
    gain  = min(w A, clip(w, 1 - clip, 1 + clip) A),  or A log pi where clip is 0

Layers are matrices [inputs, outputs], their rows and columns padded with zeros to whole tiles; see `products`.
"""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numba
import numpy as np

from .activations import P0, P1, P2, P3, P4, P5, Q0, Q1, Q2, Q3, Q4, Q5, Q6
from .actor_critic import ActorCritic
from .optim import REORDER, adam_row
from .products import even, multiply, wide

PIECE = 96  # decisions that go through the layers at once, so that they stay in the second-level cache
RARE = 4  # inputs of which fewer than one in so many is not 0 are gone through one by one in the first layer
ZERO, ONE, FLAT = np.float32(0), np.float32(1), np.float32(8)
LEAST = np.float32(-np.inf)
Layers = tuple[np.ndarray, ...]


class Network(NamedTuple):
    """One network of the lane at hand, and what went through it; float32."""

    start: int  # where it lies in a row of parameters
    sizes: np.ndarray  # of inputs, hidden layers and outputs
    weight: Layers  # [inputs + 1, outputs] of each layer, the last row its biases
    turned: Layers  # [outputs, inputs]
    grad: Layers  # of `weight`
    x: Layers  # what each layer was given, [S, inputs], and what the last one gave
    back: Layers  # the derivative of the loss by what each layer gave before it bent, [S, outputs]
    places: np.ndarray  # which inputs of x[0] are not 0, int64 [S, inputs]
    many: np.ndarray  # how many they are, int64 [S]


def network(start: int, sizes: tuple[int, ...], pieces: int = PIECE) -> Network:
    """Working memory for a network of these sizes whose parameters begin at `start`."""

    def zeros(rows: int, columns: int) -> np.ndarray:
        return np.zeros((rows, wide(columns)), np.float32)

    layers = list(pairwise(sizes))
    return Network(
        start,
        np.array(sizes),
        tuple(zeros(i + 1, o) for i, o in layers),
        tuple(zeros(o, i) for i, o in layers),
        tuple(zeros(even(i) + 1, o) for i, o in layers),
        tuple(zeros(even(pieces), n) for n in sizes),
        tuple(zeros(even(pieces), n) for n in sizes[1:]),
        np.zeros((even(pieces), sizes[0]), np.int64),
        np.zeros(even(pieces), np.int64),
    )


@numba.njit(cache=True, nogil=True)
def _load(row, net, differentiated):
    """Copy the network out of a row of parameters [P]."""
    at = net.start
    for layer in range(len(net.weight)):
        weight, turned = net.weight[layer], net.turned[layer]
        inputs, outputs = net.sizes[layer], net.sizes[layer + 1]
        given = row[at : at + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
        at += given.size
        for i in range(inputs + 1):
            for j in range(outputs):
                weight[i, j] = given[i, j]
        if differentiated and layer:
            for j in range(outputs):
                for i in range(inputs):
                    turned[j, i] = given[i, j]
        if differentiated:
            net.grad[layer][:] = ZERO


@numba.njit(cache=True, nogil=True)
def _store(net, grad):
    """Copy the gradient into a row [P]."""
    at = net.start
    for layer in range(len(net.weight)):
        mine, inputs, outputs = net.grad[layer], net.sizes[layer], net.sizes[layer + 1]
        kept = grad[at : at + (inputs + 1) * outputs].reshape(inputs + 1, outputs)
        at += kept.size
        for i in range(inputs + 1):
            here = i if i < inputs else mine.shape[0] - 1
            for j in range(outputs):
                kept[i, j] = mine[here, j]


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "nsz"})
def _bend(x, relu):
    """tanh (the fraction of `activations.fill_tanh`) or ReLU of x [n], in place."""
    if relu:
        for i in range(x.size):
            x[i] = max(x[i], ZERO)
        return
    for i in range(x.size):
        v = x[i]
        v = FLAT if v > FLAT else v
        v = -FLAT if v < -FLAT else v
        t = v * v
        above = v * (P0 + t * (P1 + t * (P2 + t * (P3 + t * (P4 + t * P5)))))
        below = Q0 + t * (Q1 + t * (Q2 + t * (Q3 + t * (Q4 + t * (Q5 + t * Q6)))))
        y = above / below
        y = ONE if y > ONE else y
        x[i] = -ONE if y < -ONE else y


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _enter(net, rows):
    """The first layer's product where most inputs are 0, as those of one-hot observations."""
    x, weight, y, bias = net.x[0], net.weight[0], net.x[1], net.weight[0][net.sizes[0]]
    for i in range(rows):
        for j in range(bias.size):
            y[i, j] = bias[j]
        for k in range(net.many[i]):
            d = net.places[i, k]
            for j in range(bias.size):
                y[i, j] += x[i, d] * weight[d, j]


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _leave(net, rows):
    """The same for the gradient of its weights."""
    x, back, grad = net.x[0], net.back[0], net.grad[0]
    for i in range(rows):
        for k in range(net.many[i]):
            d = net.places[i, k]
            for j in range(back.shape[1]):
                grad[d, j] += x[i, d] * back[i, j]


@numba.njit(cache=True, nogil=True)
def _forward(net, rows, rare, relu):
    """What the network gives for the first `rows` of x[0], in its last x; rare: most of its inputs are 0."""
    last = len(net.weight) - 1
    for layer in range(last + 1):
        weight, x, y, inputs = net.weight[layer], net.x[layer], net.x[layer + 1], net.sizes[layer]
        if rare and layer == 0:
            _enter(net, rows)
        else:
            multiply(x, weight, y, rows, inputs, weight, inputs, 0)
        if layer < last:
            _bend(y[:rows].reshape(-1), relu)


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _unbend(y, back, relu):
    """From the derivative by what a layer gave, y [n], to that by what it gave before it bent, in place."""
    if relu:
        for i in range(y.size):
            back[i] = back[i] if y[i] > ZERO else ZERO
    else:
        for i in range(y.size):
            back[i] *= ONE - y[i] * y[i]


@numba.njit(cache=True, nogil=True, fastmath=REORDER)
def _backward(net, rows, rare, relu, nothing):
    """Add to the gradient, from the derivative by what the last layer gave."""
    for layer in range(len(net.weight) - 1, -1, -1):
        x, back, grad = net.x[layer], net.back[layer], net.grad[layer]
        if rare and layer == 0:
            _leave(net, rows)
        else:
            multiply(x.T, back, grad, grad.shape[0] - 1, rows, grad, 0, 1)
        bias = grad[grad.shape[0] - 1]
        for i in range(rows):
            for j in range(bias.size):
                bias[j] += back[i, j]
        if layer:
            before = net.back[layer - 1]
            multiply(back, net.turned[layer], before, rows, net.sizes[layer + 1], nothing, 0, 0)
            _unbend(x[:rows].reshape(-1), before[:rows].reshape(-1), relu)


@numba.njit(cache=True, nogil=True)
def _show(seen, lane, at, team, net):
    """Copy the decisions of these numbers, and which agent of the team took them, into x[0], and note which inputs are
    not 0; returns the rows in use, and whether those are rare."""
    capacity, dim, rows, total = seen.shape[2], seen.shape[3], at.size + at.size % 2, 0
    x, places = net.x[0], net.places
    for i in range(at.size):
        stream, many = at[i] // capacity, 0
        given = seen[lane, stream, at[i] % capacity]
        for d in range(dim):
            x[i, d] = given[d]
            places[i, many] = d
            many += given[d] != 0
        for k in range(team):
            x[i, dim + k] = ZERO
        if team:
            x[i, dim + stream % team] = ONE
            places[i, many] = dim + stream % team
            many += 1
        net.many[i] = many
        total += many
    for i in range(at.size, rows):
        x[i] = ZERO
        net.many[i] = 0
    return rows, total * RARE < rows * net.sizes[0]


class Told(NamedTuple):
    """What is learned from, of all lanes: see `Streams`, and `returns`."""

    obs: np.ndarray
    legal: np.ndarray
    action: np.ndarray
    logp: np.ndarray
    advantage: np.ndarray
    target: np.ndarray


class Terms(NamedTuple):
    """What the loss is made of."""

    clip: float  # 0: no ratio, but the log odds
    value: float
    entropy: float


@numba.njit(cache=True, nogil=True)
def _odds(said, legal, p):
    """Odds of the choices, 0 where not legal, into p; returns what to subtract from `said` for their logarithms."""
    best, total = LEAST, ZERO
    for a in range(legal.size):
        if legal[a]:
            best = max(best, said[a])
    for a in range(legal.size):
        p[a] = math.exp(said[a] - best) if legal[a] else ZERO
        total += p[a]
    for a in range(legal.size):
        p[a] /= total
    return best + math.log(total)


@numba.njit(cache=True, nogil=True)
def _compare(told, lane, at, said, worth, by_said, by_worth, terms, share):
    """The loss of the decisions of these numbers, and its derivatives by what the networks said of them."""
    capacity, many, loss = told.obs.shape[2], told.legal.shape[3], 0.0
    for i in range(at.size):
        stream, entry = at[i] // capacity, at[i] % capacity
        legal, p, advantage = told.legal[lane, stream, entry], by_said[i], told.advantage[lane, stream, entry]
        total = _odds(said[i], legal, p)
        chosen, spread = int(told.action[lane, stream, entry, 0]), 0.0
        for a in range(many):
            if legal[a]:
                spread -= p[a] * (said[i, a] - total)
        logp = said[i, chosen] - total
        gain, pull = advantage * logp, advantage
        if terms.clip > 0:
            w = math.exp(logp - told.logp[lane, stream, entry])
            gain = pull = w * advantage
            held = min(max(w, 1 - terms.clip), 1 + terms.clip)
            if held != w and held * advantage < gain:
                gain, pull = held * advantage, 0.0
        for a in range(many):
            if legal[a]:
                by = pull * (p[a] - (a == chosen)) + terms.entropy * p[a] * (said[i, a] - total + spread)
                p[a] = share * by
        error = worth[i, 0] - told.target[lane, stream, entry]
        by_worth[i, 0] = share * terms.value * error
        loss += share * (terms.value * 0.5 * error * error - gain - terms.entropy * spread)
    for i in range(at.size, at.size + at.size % 2):
        by_said[i] = ZERO
        by_worth[i] = ZERO
    return loss


@numba.njit(cache=True, nogil=True)
def descend(
    lanes, told, index, n, parts, actor, critic, judged, nothing, terms, relu, team,
    params, m, v, grad, updates, losses, lr, clip_norm,
):  # fmt: skip
    """A pass over the decisions index [L, :n[lane]] of these lanes in so many even parts, a step of Adam each; returns
    the lane whose loss is not finite, or -1.

    params, m, v float32 [L, P]; updates int64, losses, lr float64 [L]; grad [P] and nothing [1, width] are scratch, the
    latter of zeros. judged: whether there is a critic.
    """
    for lane in lanes:
        for part in range(parts[lane]):
            start, stop = n[lane] * part // parts[lane], n[lane] * (part + 1) // parts[lane]
            if start == stop:
                continue
            _load(params[lane], actor, True)
            if judged:
                _load(params[lane], critic, True)
            loss = 0.0
            for begin in range(start, stop, PIECE):
                at = index[lane, begin : min(begin + PIECE, stop)]
                rows, rare = _show(told.obs, lane, at, team, actor)
                _forward(actor, rows, rare, relu)
                if judged:
                    _forward(critic, rows, rare, relu)
                said, worth = actor.x[-1], critic.x[-1]
                by_said, by_worth = actor.back[-1], critic.back[-1]
                loss += _compare(told, lane, at, said, worth, by_said, by_worth, terms, 1 / (stop - start))
                _backward(actor, rows, rare, relu, nothing)
                if judged:
                    _backward(critic, rows, rare, relu, nothing)
            losses[lane] = loss
            if not np.isfinite(loss):
                return lane
            _store(actor, grad)
            if judged:
                _store(critic, grad)
            updates[lane] += 1
            adam_row(params, m, v, grad, lane, updates[lane], lr[lane], clip_norm)
    return -1


@numba.njit(cache=True, nogil=True)
def say(lanes, seen, count, net, relu, team, params, at, out):
    """What the networks of these lanes give for the first count[lane, r] entries of seen [L, R, C, D], into out [L, R,
    C, outputs]; at int64 [PIECE] is scratch."""
    capacity = seen.shape[2]
    for lane in lanes:
        if not count[lane].any():
            continue
        _load(params[lane], net, False)
        many = 0
        for stream in range(count.shape[1]):
            for entry in range(count[lane, stream]):
                at[many] = stream * capacity + entry
                many += 1
                if many == at.size:
                    _answer(seen, lane, at, net, relu, team, out)
                    many = 0
        _answer(seen, lane, at[:many], net, relu, team, out)


@numba.njit(cache=True, nogil=True)
def _answer(seen, lane, at, net, relu, team, out):
    """What the network gives for the entries of these numbers, into out."""
    rows, rare = _show(seen, lane, at, team, net)
    _forward(net, rows, rare, relu)
    said, capacity = net.x[-1], seen.shape[2]
    for i in range(at.size):
        for a in range(out.shape[3]):
            out[lane, at[i] // capacity, at[i] % capacity, a] = said[i, a]


class FusedPolicy:
    """The networks of policy lanes with working memory: what they say, and their steps down the loss."""

    def __init__(self, net: ActorCritic, terms: Terms, relu: bool) -> None:
        actor, where = net.policy.sizes, net.where
        self.terms, self.relu, self.team, self.judged = terms, relu, net.team, "critic" in net
        self.acting, self.actor = (network(where["policy"].start, actor) for _ in range(2))  # one may act meanwhile
        if self.judged:
            critic = network(where["critic"].start, net.critic.sizes)
            shared = dict(places=self.actor.places, many=self.actor.many)
            self.critic = critic._replace(x=(self.actor.x[0], *critic.x[1:]), **shared)
        else:  # one that says nothing, and is not looked for in the parameters
            self.critic = network(0, (1,) * len(actor))
        widest = max(x.shape[1] for x in (*self.actor.x, *self.critic.x))
        self._nothing, self._grad = np.zeros((1, widest), np.float32), np.zeros(net.n_params, np.float32)
        self._at, self._acts = np.zeros(PIECE, np.int64), np.zeros(PIECE, np.int64)

    def prefer(self, params: np.ndarray, obs: np.ndarray, deciding: np.ndarray) -> np.ndarray:
        """Logits float32 [L, R, A] for obs [L, R, D]; 0 where nobody decides."""
        out = np.zeros((*obs.shape[:2], 1, self.actor.sizes[-1]), np.float32)
        lanes = np.arange(len(obs))
        say(
            lanes,
            obs[:, :, None],
            deciding.astype(np.int64),
            self.acting,
            self.relu,
            self.team,
            params,
            self._acts,
            out,
        )
        return out[:, :, 0]

    def values(self, params: np.ndarray, obs: np.ndarray, count: np.ndarray) -> np.ndarray:
        """What the critic says, float32 [L, R, C], of the first count [L, R] of obs [L, R, C, D]; 0 behind them."""
        out = np.zeros((*obs.shape[:3], 1), np.float32)
        say(np.arange(len(obs)), obs, count, self.critic, self.relu, self.team, params, self._at, out)
        return out[..., 0]

    def descend(
        self, told: Told, index: np.ndarray, n: np.ndarray, parts: np.ndarray, params: np.ndarray, m: np.ndarray,
        v: np.ndarray, updates: np.ndarray, losses: np.ndarray, lr: np.ndarray, clip_norm: float | None,
    ) -> int:  # fmt: skip
        """A pass over what is told, see `descend`."""
        return descend(
            np.arange(len(params)), told, index, n, parts, self.actor, self.critic, self.judged, self._nothing,
            self.terms, self.relu, self.team, params, m, v, self._grad, updates, losses, lr, clip_norm or 0.0,
        )  # fmt: skip
