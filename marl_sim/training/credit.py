"""When a decision is closed: which rewards it earned and what came after it.

Two answers, each a small class with the same four methods; all arrays are [lanes, worlds a lane, ...].

next      a decision earns until its agent's next decision of the same head, whose observation is what came after. In a
          game that terminates the last decision ends with it; through a truncation the society lives on, and the
          decision is closed by the next one.
settled   every standing decision is closed by the end of the round, with the round's reward, and what came after is
          its own observation as it would be then (the same partner, the new memories). A selection that stands for
          an episode is closed anew by every round of its encounter. So do Dasgupta & Musolesi's agents learn.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Store = Callable[..., None]


class Pending:
    """Decisions that wait for their consequences: observation, legal actions, action, reward so far."""

    def __init__(self, lanes: int, worlds: int, obs_dim: int, n_actions: int):
        self.waiting = np.zeros((lanes, worlds), dtype=bool)
        self.obs = np.zeros((lanes, worlds, obs_dim), dtype=np.float32)
        self.legal = np.zeros((lanes, worlds, n_actions), dtype=bool)
        self.action = np.zeros((lanes, worlds), dtype=np.int64)
        self.reward = np.zeros((lanes, worlds))

    def open(self, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray) -> None:
        """A decision is taken."""
        self.waiting |= deciding
        np.copyto(self.obs, obs, where=deciding[..., None])
        np.copyto(self.legal, legal, where=deciding[..., None])
        np.copyto(self.action, action, where=deciding)
        self.reward[deciding] = 0.0

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        return dict(waiting=self.waiting, obs=self.obs, legal=self.legal, action=self.action, reward=self.reward)


class NextDecision:
    """Closes a decision with the next one of the same head."""

    def __init__(self, stages: list[int], shape: tuple[int, int, int, int]):
        self.pending = Pending(*shape)

    def decide(
        self, stage_of: Any, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray, store: Store
    ) -> None:
        """The head decides: what it decided before is closed."""
        p = self.pending
        closed = p.waiting & deciding
        if closed.any():
            store(p.obs, p.action, p.reward, obs, legal, np.zeros_like(closed), closed, action)
        p.open(deciding, obs, legal, action)

    def earn(self, reward: np.ndarray) -> None:
        """Rewards of a step, [lanes, worlds]."""
        self.pending.reward += reward

    def close(self, step: Any, arrange: Callable[[np.ndarray], np.ndarray], columns: slice, store: Store) -> None:
        """After a step: games that have terminated close what is open."""
        if step.terminated.any():
            p = self.pending
            over = arrange(np.broadcast_to(step.terminated[:, None], step.acting.shape))
            closed = p.waiting & over
            if closed.any():
                store(p.obs, p.action, p.reward, p.obs, p.legal, closed, closed)
                p.waiting &= ~over

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        return self.pending.state()


class Settled:
    """Closes every standing decision at the end of a round."""

    def __init__(self, stages: list[int], shape: tuple[int, int, int, int]):
        self.pending = {stage: Pending(*shape) for stage in stages}
        self.earning = {stage: np.zeros(shape[:2], dtype=bool) for stage in stages}

    def decide(
        self, stage_of: Any, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray, store: Store
    ) -> None:
        """The head decides: an earlier decision of this round earns no more, it waits for the end of the round."""
        for stage in self.pending:
            now = deciding & (stage_of == stage)
            if now.any():
                for other in self.pending:
                    self.earning[other] &= ~now
                self.pending[stage].open(now, obs, legal, action)
                self.earning[stage] |= now

    def earn(self, reward: np.ndarray) -> None:
        """Rewards of a step, [lanes, worlds]."""
        for stage, p in self.pending.items():
            p.reward += np.where(self.earning[stage], reward, 0.0)

    def close(self, step: Any, arrange: Callable[[np.ndarray], np.ndarray], columns: slice, store: Store) -> None:
        """After a step: where a round has ended, store what it settled."""
        if not step.round_over.any():
            return
        spread = step.acting.shape
        rounds = arrange(np.broadcast_to(step.round_over[:, None], spread))
        over = arrange(np.broadcast_to(step.terminated[:, None], spread))
        ended = over | arrange(np.broadcast_to(step.truncated[:, None], spread))
        for stage, p in self.pending.items():
            closed = p.waiting & rounds & arrange(step.settled[:, stage])
            if closed.any():
                after = arrange(step.settled_obs[:, stage, :, columns])
                store(p.obs, p.action, p.reward, after, p.legal, over & closed, closed)
            p.reward[rounds] = 0.0
            p.waiting &= ~ended

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        kept = {f"{stage}/{k}": v for stage, p in self.pending.items() for k, v in p.state().items()}
        return kept | {f"{stage}/earning": v for stage, v in self.earning.items()}


CREDITS: dict[str, type[NextDecision] | type[Settled]] = {"next": NextDecision, "settled": Settled}
