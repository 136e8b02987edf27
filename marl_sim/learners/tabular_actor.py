"""An actor and a critic in tables, in lanes: a softmax policy that the critic's surprise moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.kernels import kernel
from .base import HeadSpec
from .table_steps import Waiting, done, soft_policy
from .tables import OnceLanes, TableLearner, check_share


@dataclass(frozen=True, kw_only=True)
class TabularActorCritic(TableLearner):
    """One-step actor-critic with tables (Barto, Sutton & Anderson 1983; Sutton & Barto 2018, 13.5).

        pi(a | s)   = exp h(s, a) / sum_b exp h(s, b)                   over legal b
        delta       = r + gamma * V(s') - V(s)                          no bootstrap where the game terminated
        V(s)       <- V(s) + critic * delta
        h(s, b)    <- h(s, b) + actor * delta * (1[b = a] - pi(b | s))  for every legal b

    The factor gamma^t of the exact gradient of a discounted return is left out, as is usual. Every transition is
    learned once, in order, with pi as it is then. What was legal is taken from when the state was last decided in.

    Actions are drawn from pi, which explores by itself; greedy takes the most likely one. `values` are the chances pi.
    Tables: preferences h [L, S, A], state values V [L, S]; both start at 0, so pi starts uniform.
    """

    actor: float = 0.1  # step size of the policy, above 0 to 1
    critic: float = 0.1  # step size of the state values, above 0 to 1
    gamma: float = 0.99  # discount, 0 to 1

    def check(self) -> None:
        super().check()
        for name in ("actor", "critic"):
            check_share(f"TabularActorCritic.{name}", getattr(self, name), open_below=True)


@kernel
def _learn(table, worth, known, w, updates, losses, actor, critic, gamma):
    policy = np.empty(table.shape[2])
    for lane in range(table.shape[0]):
        for i in range(w.owed[lane]):
            state, action, after = w.state[lane, i], w.action[lane, i], w.after[lane, i]
            goes_on = not w.terminated[lane, i] and w.legal[lane, i].any()
            delta = w.reward[lane, i] + (gamma * worth[lane, after] if goes_on else 0.0) - worth[lane, state]
            soft_policy(table[lane, state], known[lane, state], action, policy)
            worth[lane, state] += critic * delta
            for b in range(policy.size):
                table[lane, state, b] -= actor * delta * policy[b]
            table[lane, state, action] += actor * delta
            if not done(updates, losses, lane, 0.5 * delta * delta):
                return lane
    return -1


class TabularActorLanes(OnceLanes):
    """L actors and critics. `worth` float64 [L, S] are the state values."""

    options: TabularActorCritic
    saved = ("table", "worth")
    mixed, recalls = True, True

    def __init__(self, options: TabularActorCritic, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.table = self._started(0.0)
        self.worth = np.zeros((self.n_lanes, self.n_states))

    def _update(self, w: Waiting) -> int:
        o = self.options
        return _learn(
            self.table, self.worth, self.legal, w, self.updates, self._losses, o.actor, o.critic, o.gamma
        )  # fmt: skip


TabularActorCritic.lanes = TabularActorLanes
