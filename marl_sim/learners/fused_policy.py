"""Policy gradients of plain networks on the CPU, compiled: forward, loss, gradient and Adam while a lane is at hand.

The definition is the learner's `loss` and autograd; this is the same arithmetic in another order, for an actor and a
critic that are multilayer perceptrons apart, of numbers, without memory. A lane's numbers depend on that lane alone.

    said  = actor(x),  worth = critic(x)                                 x: a piece of a minibatch, [S, D]
    loss  = sum over the piece of  share * (-gain + value (worth - target)^2 / 2 - entropy * H)
    gain  = min(w A, clip(w, 1 - clip, 1 + clip) A),  or A log pi where clip is 0
"""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numba
import numpy as np
import torch

from .actor_critic import ActorCritic
from .fused_network import BACK, PIECE, ZERO, Network, X, backward, forward, load, networks, part, show, store
from .optim import adam_row
from .products import wide

LEAST = np.float32(-np.inf)


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
    piece = actor.many.size
    for lane in lanes:
        for step in range(parts[lane]):
            start, stop = n[lane] * step // parts[lane], n[lane] * (step + 1) // parts[lane]
            if start == stop:
                continue
            load(params[lane], actor, True)
            if judged:
                load(params[lane], critic, True)
            loss = 0.0
            for begin in range(start, stop, piece):
                at = index[lane, begin : min(begin + piece, stop)]
                rows, rare = show(told.obs, lane, at, team, actor)
                forward(actor, rows, rare, relu)
                if judged:
                    forward(critic, rows, rare, relu)
                said, worth = part(actor, X, -1), part(critic, X, -1)
                by_said, by_worth = part(actor, BACK, -2), part(critic, BACK, -2)
                loss += _compare(told, lane, at, said, worth, by_said, by_worth, terms, 1 / (stop - start))
                backward(actor, rows, rare, relu, nothing)
                if judged:
                    backward(critic, rows, rare, relu, nothing)
            losses[lane] = loss
            if not np.isfinite(loss):
                return lane
            store(actor, grad)
            if judged:
                store(critic, grad)
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
        load(params[lane], net, False)
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
    rows, rare = show(seen, lane, at, team, net)
    forward(net, rows, rare, relu)
    said, capacity = part(net, X, -1), seen.shape[2]
    for i in range(at.size):
        for a in range(out.shape[3]):
            out[lane, at[i] // capacity, at[i] % capacity, a] = said[i, a]


class Desk(NamedTuple):
    """Working memory for one lane at a time."""

    actor: Network
    critic: Network
    nothing: np.ndarray  # float32 [1, width], zeros
    grad: np.ndarray  # float32 [P]
    at: np.ndarray  # int64 [PIECE]


class FusedPolicy:
    """The networks of policy lanes with working memory: what they say, and their steps down the loss.

    Lanes are shared out among as many threads as torch has; a lane's numbers do not depend on how many they are.
    """

    def __init__(self, net: ActorCritic, terms: Terms, relu: bool) -> None:
        self.net, self.terms, self.relu, self.team, self.judged = net, terms, relu, net.team, "critic" in net
        self._acting = self._desk()  # of its own, as one may act while one learns
        self._desks = [self._desk()]

    def _desk(self) -> Desk:
        starts, sizes = [self.net.where["policy"].start], [self.net.policy.sizes]
        starts.append(self.net.where["critic"].start if self.judged else 0)
        sizes.append(self.net.critic.sizes if self.judged else (sizes[0][0], 1))  # or one that is never asked
        actor, critic = networks(starts, sizes)
        nothing = np.zeros((1, wide(max(actor.sizes.max(), critic.sizes.max()))), np.float32)
        return Desk(actor, critic, nothing, np.zeros(self.net.n_params, np.float32), np.zeros(PIECE, np.int64))

    def _share(self, lanes: int, work: Callable[[np.ndarray, Desk], Any]) -> list[Any]:
        """The work on all lanes, part by part."""
        threads = min(torch.get_num_threads(), lanes)
        while len(self._desks) < threads:
            self._desks.append(self._desk())
        parts = np.array_split(np.arange(lanes), threads)
        if threads == 1:
            return [work(parts[0], self._desks[0])]
        with ThreadPoolExecutor(threads) as pool:  # made anew: what a process was forked with has no threads
            return list(pool.map(work, parts, self._desks))

    def prefer(self, params: np.ndarray, obs: np.ndarray, deciding: np.ndarray) -> np.ndarray:
        """Logits float32 [L, R, A] for obs [L, R, D]; 0 where nobody decides."""
        out = np.zeros((*obs.shape[:2], 1, self.net.policy.sizes[-1]), np.float32)
        seen, count, desk = obs[:, :, None], deciding.astype(np.int64), self._acting
        say(np.arange(len(obs)), seen, count, desk.actor, self.relu, self.team, params, desk.at, out)
        return out[:, :, 0]

    def values(self, params: np.ndarray, obs: np.ndarray, count: np.ndarray) -> np.ndarray:
        """What the critic says, float32 [L, R, C], of the first count [L, R] of obs [L, R, C, D]; 0 behind them."""
        out = np.zeros((*obs.shape[:3], 1), np.float32)

        def work(lanes: np.ndarray, desk: Desk) -> None:
            say(lanes, obs, count, desk.critic, self.relu, self.team, params, desk.at, out)

        self._share(len(params), work)
        return out[..., 0]

    def descend(
        self, told: Told, index: np.ndarray, n: np.ndarray, parts: np.ndarray, params: np.ndarray, m: np.ndarray,
        v: np.ndarray, updates: np.ndarray, losses: np.ndarray, lr: np.ndarray, clip_norm: float | None,
    ) -> int:  # fmt: skip
        """A pass over what is told, see `descend`."""

        def work(lanes: np.ndarray, desk: Desk) -> int:
            return descend(
                lanes, told, index, n, parts, desk.actor, desk.critic, self.judged, desk.nothing, self.terms,
                self.relu, self.team, params, m, v, desk.grad, updates, losses, lr, clip_norm or 0.0,
            )  # fmt: skip

        return next((lane for lane in self._share(len(params), work) if lane >= 0), -1)
