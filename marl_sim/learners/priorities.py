"""Replay by priority: what was most surprising is replayed most often, and weighed down accordingly.

A lane's priorities are the leaves of a tree of sums: node i has children 2i and 2i + 1, node 1 is the whole. A larger
tree has the same sums, so that a lane's draws do not depend on how much its neighbours remember.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import mix, uniform

from .buffers import Batch, Replay

LEAST = 1e-6  # added to every error, so that nothing is forgotten altogether


class Drawn(NamedTuple):
    """Transitions of some lanes: a Batch; float32 [k, M] the discount of what came after each, and its weight in the
    loss; int64 [k, M] the rows they are kept in."""

    batch: Batch
    discount: np.ndarray
    weight: np.ndarray
    chosen: np.ndarray


@kernel
def put(tree, lane, row, priority):
    """Change one leaf and the sums above it."""
    node = tree.shape[1] // 2 + row
    tree[lane, node] = priority
    while node > 1:
        node //= 2
        tree[lane, node] = tree[lane, 2 * node] + tree[lane, 2 * node + 1]


@kernel
def find(tree, lane, mass):
    """The row in whose share of the sum `mass` lies."""
    node, leaves = 1, tree.shape[1] // 2
    while node < leaves:
        node *= 2
        if mass >= tree[lane, node] and tree[lane, node + 1] > 0:
            mass -= tree[lane, node]
            node += 1
    return node - leaves


@kernel
def _enter(rows, tree, before, capacity, valid, discount, top, column):
    """Discounts and first priorities of the rows that were just stored, from position before[lane] on."""
    for lane in range(valid.shape[0]):
        at = before[lane]
        for i in range(valid.shape[1]):
            if valid[lane, i]:
                rows[lane, at, column] = discount[lane, i]
                if tree.shape[1]:
                    rows[lane, at, column + 1] = top[lane]
                    put(tree, lane, at, top[lane])
                at = (at + 1) % capacity


@kernel
def draw_by_priority(tree, count, keys, updates, lanes, beta, chosen, weight):
    """Fill chosen [k, M], one row out of each M-th of the sum, and weight [k, M], at most 1."""
    batch = chosen.shape[1]
    for k in range(lanes.size):
        lane = lanes[k]
        key, total = mix(keys[lane], updates[lane]), tree[lane, 1]
        least = np.inf
        for i in range(batch):
            row = find(tree, lane, (i + uniform(key, i)) / batch * total)
            chosen[k, i] = row
            least = min(least, tree[lane, tree.shape[1] // 2 + row])
        for i in range(batch):
            share = tree[lane, tree.shape[1] // 2 + chosen[k, i]]
            weight[k, i] = (least / share) ** beta[lane]


@kernel
def _revise(rows, tree, lanes, chosen, errors, alpha, top, column):
    """Priorities of rows whose errors are known anew."""
    for k in range(lanes.size):
        lane = lanes[k]
        for i in range(chosen.shape[1]):
            rows[lane, chosen[k, i], column + 1] = (abs(errors[k, i]) + LEAST) ** alpha
            priority = rows[lane, chosen[k, i], column + 1]
            put(tree, lane, chosen[k, i], priority)
            top[lane] = max(top[lane], priority)


class VariedReplay(Replay):
    """A ring of transitions over several steps, each with its own discount, drawn evenly or by priority.

    Proportional prioritisation (Schaul et al. 2016): P(i) = p_i / sum p, p = (|error| + 1e-6)^alpha; new transitions
    have the highest priority a lane has seen, 1 at first. A batch holds one transition of each of its equal shares of
    the sum, perhaps one of them twice; weights are (N P(i))^-beta over their largest in the batch.
    """

    def __init__(
        self, n_lanes: int, obs_dim: int, n_actions: int, capacity: int, warmup: int, every: int, prioritised: bool,
        alpha: float,
    ) -> None:  # fmt: skip
        self.prioritised, self.alpha = prioritised, alpha
        self.top = np.ones(n_lanes, np.float32)
        self.tree = np.zeros((n_lanes, 0))
        super().__init__(n_lanes, obs_dim, n_actions, capacity, warmup, every, spare=2)

    def _take(self, rows: np.ndarray) -> None:
        super()._take(rows)
        if self.prioritised:
            self._plant()

    def _plant(self) -> None:
        """The tree of the priorities in the rows."""
        leaves = 2 ** max(1, int(self.rows.shape[1] - 1).bit_length())
        self.tree = np.zeros((self.rows.shape[0], 2 * leaves))
        n = self.rows.shape[1]
        there = np.arange(n) < self.count[:, None]
        self.tree[:, leaves : leaves + n] = np.where(there, self.rows[:, :, self.spare + 1], 0)
        for node in range(leaves - 1, 0, -1):
            self.tree[:, node] = self.tree[:, 2 * node] + self.tree[:, 2 * node + 1]

    def add_spans(self, transition: tuple[np.ndarray, ...], discount: np.ndarray) -> int:
        """As `add`, with the discount of what comes after, float [L, B]."""
        before = self.position.copy()
        bad = self.add(*transition)
        if bad < 0:
            _enter(self.rows, self.tree, before, self.capacity, transition[-1], discount, self.top, self.spare)
        return bad

    def draw(self, lanes: np.ndarray, batch: int, keys: np.ndarray, updates: np.ndarray, beta: np.ndarray) -> Drawn:
        """`batch` transitions of each of these lanes (int64 [k]), for learning step number updates[lane] of each."""
        if self.prioritised:
            chosen, weight = np.empty((lanes.size, batch), np.int64), np.empty((lanes.size, batch), np.float32)
            draw_by_priority(self.tree, self.count, keys, updates, lanes, beta, chosen, weight)
        else:
            chosen, weight = self.evenly(lanes, batch, keys, updates), np.ones((lanes.size, batch), np.float32)
        discount = self.rows[lanes[:, None], chosen, self.spare]
        return Drawn(self.take(lanes, chosen), discount, weight, chosen)

    def revise(self, lanes: np.ndarray, chosen: np.ndarray, errors: np.ndarray) -> None:
        """Set the priorities of rows chosen [k, M] of these lanes by their errors, float32 [k, M]."""
        if self.prioritised:
            _revise(self.rows, self.tree, lanes, chosen, errors, self.alpha, self.top, self.spare)

    def clear(self, lanes: np.ndarray) -> None:
        super().clear(lanes)
        self.tree[lanes] = 0

    def restore(self, rows: np.ndarray) -> None:
        super().restore(rows)
        if self.prioritised:
            self._plant()
