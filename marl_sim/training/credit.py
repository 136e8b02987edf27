"""How experience reaches a learner: when a decision is closed, which rewards it earned and what came after it.

Each way is a small class with the same methods, for one head; all arrays are [lanes, streams, ...].

next      a decision earns until its agent's next decision of the same head, whose observation is what came after. In a
          game that terminates the last decision ends with it; through a truncation a society lives on, and the
          decision is closed by the next one; worlds that begin anew close it with what was last seen.
settled   every standing decision is closed by the end of the round, with the round's reward, and what came after is
          its own observation as it would be then (the same partner, the new memories). A selection that stands for
          an episode is closed anew by every round of its encounter. So do Dasgupta & Musolesi's agents learn.
streams   decisions are kept in their order, as under "next", for learners that learn from what they just did.
steps     every step of the world counts, for learners that value what a team does at once.
rounds    every step of the world counts, with each player's own reward, for learners that look at what others learn.

Learners say by `Learner.feed` whether they take transitions (closed under "next" or "settled"), streams, steps
or rounds.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .heads import Head

Store = Callable[..., None]


class Pending:
    """Decisions that wait for their consequences: observation, legal actions, action, reward so far."""

    def __init__(self, lanes: int, streams: int, obs_dim: int, n_actions: int, others: int = 0, weighed: bool = False):
        self.waiting = np.zeros((lanes, streams), dtype=bool)
        self.obs = np.zeros((lanes, streams, obs_dim), dtype=np.float32)
        self.legal = np.zeros((lanes, streams, n_actions), dtype=bool)
        self.action = np.zeros((lanes, streams), dtype=np.int64)
        self.reward = np.zeros((lanes, streams))
        self.others = np.zeros((lanes, streams, others), dtype=np.int64)
        # How likely the decision was, for learners that want to be told again.
        self.weighed = np.full((lanes, streams), np.nan) if weighed else None

    def open(self, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray) -> None:
        """A decision is taken."""
        self.waiting |= deciding
        np.copyto(self.obs, obs, where=deciding[..., None])
        np.copyto(self.legal, legal, where=deciding[..., None])
        np.copyto(self.action, action, where=deciding)
        self.reward[deciding] = 0.0

    def weigh(self, deciding: np.ndarray, weighed: np.ndarray | None) -> None:
        """What the lanes say of the decisions they have just drawn."""
        if self.weighed is not None and weighed is not None:
            np.copyto(self.weighed, weighed, where=deciding)

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        kept = dict(waiting=self.waiting, obs=self.obs, legal=self.legal, action=self.action, reward=self.reward)
        kept |= {"others": self.others} if self.others.shape[2] else {}
        return kept | ({} if self.weighed is None else {"weighed": self.weighed})


class Feed:
    """Base of the ways; `head` says which lanes, which stages and how the worlds' arrays are arranged."""

    def __init__(self, head: Head) -> None:
        self.head = head

    def decide(self, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray) -> None:
        """The head has decided where `deciding`, before the worlds step."""

    def watch(self, others: np.ndarray, deciding: np.ndarray) -> None:
        """What the other agents of the group do in this step, int64 [lanes, streams, others]."""

    def earn(self, reward: np.ndarray) -> None:
        """Rewards of the step, float64 [lanes, streams]."""

    def close(self, moment: Any) -> None:
        """After the step: what has ended."""

    def look(self) -> None:
        """After the step: what is seen now, by learners that learn at fixed times."""

    def drop(self) -> None:
        """All worlds are abandoned where they are: what is open is not learned from, or as if the clock had stopped."""
        learner = type(self.head.learner).__name__
        raise ValueError(f"{learner} learns from whole episodes as they come, which cannot be abandoned in the middle")

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        return {}

    def last_open(self, moment: Any, otherwise: np.ndarray) -> np.ndarray:
        """What was open when agents saw the last of their worlds, bool [lanes, streams, A]; `otherwise` where that is
        not known."""
        if not hasattr(moment, "final_legal"):
            return otherwise
        said = self.head.arrange(moment.final_legal[:, :, : self.head.n_actions])
        return np.where(said.any(-1, keepdims=True), said, otherwise)


class NextDecision(Feed):
    """Closes a decision with the next one of the same head."""

    def __init__(self, head: Head):
        super().__init__(head)
        self.pending = Pending(head.shape[0], head.shape[1], head.shape[2], head.shape[3], head.spec.others,
                               head.weighed() is not None)  # fmt: skip

    def decide(self, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray) -> None:
        p = self.pending
        drawn = self.head.weighed()
        closed = p.waiting & deciding
        if closed.any():
            going_on = np.zeros_like(closed)
            self.head.store(
                p.obs, p.action, p.reward, obs, legal, going_on, closed, next_action=action, others=p.others,
                weighed=p.weighed,
            )  # fmt: skip
        p.open(deciding, obs, legal, action)
        p.weigh(deciding, drawn)

    def watch(self, others: np.ndarray, deciding: np.ndarray) -> None:
        np.copyto(self.pending.others, others, where=deciding[..., None])

    def earn(self, reward: np.ndarray) -> None:
        self.pending.reward += reward

    def close(self, moment: Any) -> None:
        """Games that have terminated close what is open; so do worlds that begin anew, with what was last seen."""
        if moment.terminated.any():
            p = self.pending
            over = self.head.arrange(moment.terminated)
            closed = p.waiting & over
            if closed.any():
                self.head.store(
                    p.obs, p.action, p.reward, p.obs, p.legal, closed, closed, others=p.others, weighed=p.weighed
                )
                p.waiting &= ~over
        if not self.head.worlds.lives_on and moment.truncated.any():
            p = self.pending
            cut = self.head.arrange(moment.truncated)
            closed = p.waiting & cut
            if closed.any():
                seen = self.head.arrange(moment.final_obs[:, :, self.head.columns])
                going_on = np.zeros_like(closed)
                self.head.store(
                    p.obs, p.action, p.reward, seen, self.last_open(moment, p.legal), going_on, closed,
                    others=p.others, truncated=closed, weighed=p.weighed,
                )  # fmt: skip
                p.waiting &= ~cut

    def drop(self) -> None:
        self.pending.waiting[...] = False

    def state(self) -> dict[str, np.ndarray]:
        return self.pending.state()


class Settled(Feed):
    """Closes every standing decision at the end of a round."""

    def __init__(self, head: Head):
        super().__init__(head)
        weighed = head.weighed() is not None
        self.pending = {stage: Pending(*head.shape, weighed=weighed) for stage in head.stages}
        self.earning = {stage: np.zeros(head.shape[:2], dtype=bool) for stage in head.stages}

    def decide(self, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray) -> None:
        """An earlier decision of this round earns no more, it waits for the end of the round."""
        worlds = self.head.worlds
        stage_of = self.head.arrange(np.broadcast_to(worlds.stage[:, None], worlds.acting.shape))
        for stage in self.pending:
            now = deciding & (stage_of == stage)
            if now.any():
                for other in self.pending:
                    self.earning[other] &= ~now
                self.pending[stage].open(now, obs, legal, action)
                self.pending[stage].weigh(now, self.head.weighed())
                self.earning[stage] |= now

    def earn(self, reward: np.ndarray) -> None:
        for stage, p in self.pending.items():
            p.reward += np.where(self.earning[stage], reward, 0.0)

    def close(self, moment: Any) -> None:
        """Where a round has ended, store what it settled."""
        step, arrange = moment.raw, self.head.arrange
        if not step.round_over.any():
            return
        spread = step.acting.shape
        rounds = arrange(np.broadcast_to(step.round_over[:, None], spread))
        over = arrange(moment.terminated)
        ended = over | arrange(moment.truncated)
        for stage, p in self.pending.items():
            closed = p.waiting & rounds & arrange(step.settled[:, stage])
            if closed.any():
                after = arrange(step.settled_obs[:, stage, :, self.head.columns])
                self.head.store(p.obs, p.action, p.reward, after, p.legal, over & closed, closed, weighed=p.weighed)
            p.reward[rounds] = 0.0
            p.waiting &= ~ended

    def drop(self) -> None:
        for stage, p in self.pending.items():
            p.waiting[...], self.earning[stage][...] = False, False

    def state(self) -> dict[str, np.ndarray]:
        kept = {f"{stage}/{k}": v for stage, p in self.pending.items() for k, v in p.state().items()}
        return kept | {f"{stage}/earning": v for stage, v in self.earning.items()}


class Streamed(Feed):
    """Passes decisions, rewards and endings on as they come; the lanes keep them in their streams."""

    def decide(self, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray) -> None:
        state = self.head.state_seen(self.head.worlds.obs)
        if self.head.spec.others:  # waits for what they do; the worlds' arrays will have moved on by the next step
            self._kept = obs.copy(), legal.copy(), deciding.copy(), action.copy(), state
        else:
            self.head.playing.decided(obs, legal, deciding, action, state)  # type: ignore[attr-defined]

    def watch(self, others: np.ndarray, deciding: np.ndarray) -> None:
        """Kept with the decisions of this step."""
        if deciding.any():
            obs, legal, mine, action, state = self._kept
            self.head.playing.decided(obs, legal, mine, action, state, others)  # type: ignore[attr-defined]

    def earn(self, reward: np.ndarray) -> None:
        self.head.playing.earn(reward)  # type: ignore[attr-defined]

    def close(self, moment: Any) -> None:
        head = self.head
        if np.count_nonzero(moment.terminated) or np.count_nonzero(moment.truncated):  # quicker than any()
            over, cut = head.arrange(moment.terminated), head.arrange(moment.truncated)
            seen, state, legal = None, None, None
            if not head.worlds.lives_on:
                seen = head.arrange(moment.final_obs[:, :, head.columns])
                state = head.state_seen(moment.final_obs)
                legal = self.last_open(moment, np.zeros((*cut.shape, head.n_actions), bool))
            head.playing.ended(over, cut, seen, state, legal)  # type: ignore[attr-defined]

    def drop(self) -> None:
        head, obs = self.head, self.head.worlds.obs
        cut = np.ones(head.shape[:2], bool)
        seen, state = head.arrange(obs[:, :, head.columns]), head.state_seen(obs)
        head.lanes.ended(~cut, cut, seen, state)  # type: ignore[attr-defined]

    def look(self) -> None:
        head, worlds = self.head, self.head.worlds
        if not head.playing.looks_now:  # type: ignore[attr-defined]
            head.learn()
            return
        obs = head.arrange(worlds.obs[:, :, head.columns])
        legal = head.arrange(worlds.legal[:, :, : head.n_actions])
        deciding = head.arrange(head.turn())
        head.learn(obs, legal, deciding, head.state_seen(worlds.obs))


class Stepped(Feed):
    """Passes on whole steps of the team: everybody's observation, legal actions and action, acting or not."""

    def decide(self, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray) -> None:
        self._now = obs.copy(), legal.copy(), deciding.copy(), action.copy()

    def earn(self, reward: np.ndarray) -> None:
        self._reward = reward

    def close(self, moment: Any) -> None:
        """What was last seen stands for what comes after, where worlds have begun anew."""
        head, worlds = self.head, self.head.worlds
        over, cut = head.arrange(moment.terminated), head.arrange(moment.truncated)
        ended = moment.terminated.all(axis=1) if worlds.lives_on else moment.ended
        after = head.arrange(worlds.obs[:, :, head.columns])
        legal = head.arrange(worlds.legal[:, :, : head.n_actions])
        deciding = head.arrange(head.turn())
        if worlds.lives_on:
            cut = np.zeros_like(cut)
        elif cut.any():
            after = np.where(cut[..., None], head.arrange(moment.final_obs[:, :, head.columns]), after)
            legal = np.where(cut[..., None], self.last_open(moment, self._now[1]), legal)
            deciding = np.where(cut, self._now[2], deciding)
        anew = head.arrange(np.broadcast_to(ended[:, None], moment.terminated.shape))
        head.playing.add(*self._now, self._reward, over, cut, after, legal, deciding, anew)  # type: ignore[attr-defined]
        head.learn()


class Rounds(Feed):
    """Passes on whole steps of the group: what everybody saw, did and was paid, and whether the world is over."""

    def __init__(self, head: Head):
        super().__init__(head)
        lead, d, a = head.shape[:2], head.spec.obs_dim, head.n_actions
        self._nobody = (
            np.zeros((*lead, d), np.float32), np.zeros((*lead, a), bool), np.zeros(lead, bool), np.zeros(lead, np.int64)
        )  # fmt: skip
        self._now: tuple[np.ndarray, ...] = self._nobody
        self._reward = np.zeros(lead)

    def decide(self, deciding: np.ndarray, obs: np.ndarray, legal: np.ndarray, action: np.ndarray) -> None:
        self._now = obs.copy(), legal.copy(), deciding, action.copy()

    def earn(self, reward: np.ndarray) -> None:
        self._reward = reward

    def close(self, moment: Any) -> None:
        head, spread = self.head, self.head.worlds.acting.shape
        over = moment.terminated.all(1) if head.worlds.lives_on else moment.ended
        ended = head.arrange(np.broadcast_to(over[:, None], spread))
        head.playing.add(*self._now, self._reward, ended)  # type: ignore[attr-defined]
        head.learn()
        self._now = self._nobody


FEEDS: dict[str, type[Feed]] = {
    "next": NextDecision,
    "settled": Settled,
    "streams": Streamed,
    "steps": Stepped,
    "rounds": Rounds,
}
CREDITS = ("next", "settled")  # what a Trainer may be told for learners of transitions
