"""Policy gradients of plain networks on the CPU, compiled: forward, loss, gradient and Adam while a lane is at hand.

The definition is the learner's `loss` and autograd; this is the same arithmetic in another order, for an actor and a
critic that are multilayer perceptrons apart, of numbers, without memory. A lane's numbers depend on that lane alone,
and a lane is through with all its steps before the next one begins. What the loss is: see `fused_loss`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
import torch

from ..core.kernels import kernel
from . import fused_network as layers
from .actor_critic import ActorCritic
from .borrowing import borrowed
from .fused_inputs import PIECE, ZERO, Inputs, Seen, inputs_of, lined_up, show, survey
from .fused_loss import Sheet, Terms, compare, sheet
from .fused_network import BACK, Network, Y, network, part
from .optim import adam_row
from .products import wide


class Told(NamedTuple):
    """What is learned from, of all lanes, by each decision's number r * C + c: see `Streams`, and `returns`."""

    obs: Seen
    state: Seen  # what the critic sees: obs, or the central state
    legal: np.ndarray  # bool [L, R C, A]
    action: np.ndarray  # float32 [L, R C, 1]
    logp: np.ndarray  # float32 [L, R C], as the next two
    advantage: np.ndarray
    target: np.ndarray


def told(obs: Seen, state: Seen, *numbers: np.ndarray) -> Told:
    """What is learned from; numbers [L, R, C, ...] in the order of Told's."""
    return Told(obs, state, *(x.reshape(len(x), -1, *x.shape[3:]) for x in numbers))


@kernel
def descend(
    lanes, told, index, n, parts, desk, central, judged, terms, relu, team,
    params, m, v, updates, losses, lr, clip_norm,
):  # fmt: skip
    """Passes over the decisions index [E, L, :n[lane]] of these lanes, each in so many even parts, a step of Adam each;
    returns the lane whose loss is not finite, or -1.

    params, m, v float32 [L, P]; updates int64, losses, lr float64 [L]. judged: whether there is a critic; central:
    whether it sees another thing than the actor.
    """
    told, desk, index = borrowed(told), borrowed(desk), borrowed(index)
    params, m, v = borrowed(params), borrowed(m), borrowed(v)
    nets, given, grad, shown = desk.nets, desk.given, desk.grad, (told.obs, told.state)
    said, worth = part(nets[0], Y, -1), part(nets[1], Y, -1)
    by_said, by_worth = part(nets[0], BACK, -1), part(nets[1], BACK, -1)
    for lane in lanes:
        row, all_of = params[lane], index[0, lane, : n[lane]]
        found = beyond = survey(told.obs, lane, all_of, team)
        if central:
            beyond = survey(told.state, lane, all_of, team)
        for step in range(index.shape[0] * parts[lane]):
            epoch, place = step // parts[lane], step % parts[lane]
            start, stop = n[lane] * place // parts[lane], n[lane] * (place + 1) // parts[lane]
            if start == stop:
                continue
            grad[:] = ZERO
            for k in range(1 + judged):
                layers.load(row, nets[k])
                layers.turn(row, nets[k])
            loss = 0.0
            for begin in range(start, stop, PIECE):
                at = index[epoch, lane, begin : min(begin + PIECE, stop)]
                rows = at.size + at.size % 2
                for k in range(1 + judged):
                    seen = beyond if k else found
                    if k == 0 or central:
                        show(shown[k], lane, at, team, seen, given[k])
                    layers.forward(row, nets[k], given[k], rows, seen.rare, relu)
                share = np.float32(1 / (stop - start))
                loss += compare(told, lane, at, said, worth, by_said, by_worth, desk.sheet, terms, share)
                for k in range(1 + judged):
                    rare = beyond.rare if k else found.rare
                    layers.backward(grad, nets[k], given[k], rows, rare, relu, desk.nothing)
            losses[lane] = loss
            if not np.isfinite(loss):
                return lane
            for k in range(1 + judged):
                layers.store(nets[k], grad)
            updates[lane] += 1
            adam_row(params, m, v, grad, lane, updates[lane], lr[lane], clip_norm)
    return -1


@kernel
def say(lanes, seen, count, net, given, relu, team, params, out):
    """What the networks of these lanes give for the first count[lane, r] entries, into out [L, R C, outputs]."""
    seen, net, given, params, out = borrowed(seen), borrowed(net), borrowed(given), borrowed(params), borrowed(out)
    capacity, said, numbers = seen.capacity, part(net, Y, -1), np.zeros(out.shape[1], np.int64)
    for lane in lanes:
        many = 0
        for stream in range(count.shape[1]):
            for entry in range(count[lane, stream]):
                numbers[many] = stream * capacity + entry
                many += 1
        found = survey(seen, lane, numbers[:many], team)
        layers.fetch(params[lane], net, found.rare)
        layers.load(params[lane], net)
        for begin in range(0, many, PIECE):
            at = numbers[begin : min(begin + PIECE, many)]
            show(seen, lane, at, team, found, given)
            layers.forward(params[lane], net, given, at.size + at.size % 2, found.rare, relu)
            for i in range(at.size):
                for a in range(out.shape[2]):
                    out[lane, at[i], a] = said[i, a]


class Desk(NamedTuple):
    """Working memory for one lane at a time."""

    nets: tuple[Network, Network]  # actor and critic
    given: tuple[Inputs, Inputs]  # what they are given; the same, unless the critic is central
    nothing: np.ndarray  # float32 [1, width], zeros
    grad: np.ndarray  # float32 [P]
    sheet: Sheet  # what the loss is made of


@functools.cache  # acting asks for them at every step
def _lanes(lanes: int) -> tuple[np.ndarray, np.ndarray]:
    """The numbers of so many lanes, and that none of their decisions sees another's row."""
    return np.arange(lanes), np.zeros((lanes, 0), np.int64)


def own(obs: np.ndarray) -> Seen:
    """What decisions see where each has a row of its own, obs float32 [L, R, C, D]."""
    lanes, streams, capacity, dim = obs.shape
    return Seen(obs.reshape(lanes, streams * capacity, dim), _lanes(lanes)[1], capacity)


class FusedPolicy:
    """The networks of policy lanes with working memory: what they say, and their steps down the loss.

    Lanes are shared out among as many threads as torch has; a lane's numbers do not depend on how many they are.
    """

    def __init__(self, net: ActorCritic, terms: Terms, relu: bool) -> None:
        self.net, self.relu, self.team, self.judged = net, relu, net.team, "critic" in net
        self.terms = Terms(*(np.float32(term) for term in terms))
        self.acting = self._desk()  # of its own, as one may act while one learns
        self._desks = [self._desk()]

    def _desk(self) -> Desk:
        sizes = self.net.policy.sizes
        actor = network(self.net.where["policy"].start, sizes)
        judge = self.net.critic.sizes if self.judged else (sizes[0], 1)  # or one that is never asked
        critic = network(self.net.where["critic"].start if self.judged else 0, judge)
        nothing = lined_up(1, wide(max(*sizes, *judge)))
        grad = lined_up(self.net.n_params)
        seen = inputs_of(sizes[0])
        given = seen, inputs_of(judge[0]) if self.net.central else seen
        return Desk((actor, critic), given, nothing, grad, sheet(sizes[-1]))

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
        lanes, none = _lanes(len(obs))
        out = np.zeros((*obs.shape[:2], self.net.policy.sizes[-1]), np.float32)
        seen, count, desk = Seen(obs, none, 1), deciding.astype(np.int64), self.acting
        say(lanes, seen, count, desk.nets[0], desk.given[0], self.relu, self.team, params, out)
        return out

    def values(self, params: np.ndarray, state: Seen, count: np.ndarray) -> np.ndarray:
        """What the critic says, float32 [L, R, C], of the first count [L, R] of what it sees; or 0."""
        out = np.zeros((len(count), count.shape[1] * state.capacity, 1), np.float32)

        def work(lanes: np.ndarray, desk: Desk) -> None:
            say(lanes, state, count, desk.nets[1], desk.given[1], self.relu, self.team, params, out)

        self._share(len(params), work)
        return out.reshape(*count.shape, state.capacity)

    def descend(
        self, told: Told, index: np.ndarray, n: np.ndarray, parts: np.ndarray, params: np.ndarray, m: np.ndarray,
        v: np.ndarray, updates: np.ndarray, losses: np.ndarray, lr: np.ndarray, clip_norm: float | None,
    ) -> int:  # fmt: skip
        """Passes over what is told, see `descend`."""

        def work(lanes: np.ndarray, desk: Desk) -> int:
            return descend(
                lanes, told, index, n, parts, desk, self.net.central, self.judged, self.terms, self.relu, self.team,
                params, m, v, updates, losses, lr, clip_norm or 0.0,
            )  # fmt: skip

        return next((lane for lane in self._share(len(params), work) if lane >= 0), -1)
