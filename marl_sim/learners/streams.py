"""What agents went through, decision by decision: the memory of learners that learn from what they just did.

A *stream* is one agent of one lane in one world. Its entries are its own decisions in their order, however many steps
of the world lie between them, each with the reward it earned until the next. An entry is open until something closes
it: the agent's next decision, the end of the game, or a look at what it would decide on next.

A *look* is an entry that nobody decided on: the last observation before the clock stopped, or the present one when it
is time to learn. It is there to be valued, so that what comes after can be bootstrapped.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping

import numpy as np

from ..core.kernels import kernel
from .states import FIRST, States, room

CLOSED, TERMINATED, LOOK, FRESH = 1, 2, 4, 8
"""Flags of an entry: its reward is complete; the game ended with it; it is a look; it is the first of an episode, so
that memory begins anew with it."""

FINE = -1


@kernel
def append(entries, count, fresh, where, given, mark):
    """A new entry where `where`; it closes the one before. entries, given: obs, legal, action, logp, memory, extra."""
    obs, legal, action, logp, memory, extra, reward, flags = entries
    obs_now, legal_now, action_now, logp_now, memory_now, extra_now = given
    for lane in range(count.shape[0]):
        for r in range(count.shape[1]):
            if not where[lane, r]:
                continue
            n = count[lane, r]
            if n > 0:
                flags[lane, r, n - 1] |= CLOSED
            for d in range(obs.shape[3]):
                obs[lane, r, n, d] = obs_now[lane, r, d]
            for a in range(legal.shape[3]):
                legal[lane, r, n, a] = legal_now[lane, r, a]
            for a in range(action.shape[3]):
                action[lane, r, n, a] = action_now[lane, r, a]
            for h in range(memory.shape[3]):
                memory[lane, r, n, h] = memory_now[lane, r, h]
            for e in range(extra.shape[3]):
                extra[lane, r, n, e] = extra_now[lane, r, e]
            logp[lane, r, n] = logp_now[lane, r]
            reward[lane, r, n] = 0.0
            flags[lane, r, n] = mark | (FRESH if fresh[lane, r] else 0)
            if not mark & LOOK:
                fresh[lane, r] = False
            count[lane, r] = n + 1


@kernel
def _earn(reward, flags, count, paid):
    """Rewards of a step, for the open entries; returns the lane of one that is not finite, or -1."""
    for lane in range(count.shape[0]):
        for r in range(count.shape[1]):
            n = count[lane, r]
            if n > 0 and not flags[lane, r, n - 1] & CLOSED:
                if not np.isfinite(paid[lane, r]):
                    return lane
                reward[lane, r, n - 1] += paid[lane, r]
    return FINE


@kernel
def _end(flags, count, fresh, where):
    """Close the open entries where `where`, with nothing after them; memory begins anew there."""
    for lane in range(count.shape[0]):
        for r in range(count.shape[1]):
            if where[lane, r]:
                n = count[lane, r]
                if n > 0 and not flags[lane, r, n - 1] & CLOSED:
                    flags[lane, r, n - 1] |= TERMINATED | CLOSED
                fresh[lane, r] = True


@kernel
def _keep(entries, count, first):
    """Drop the entries before `first` [L, R]; what is left moves to the front."""
    obs, legal, action, logp, memory, extra, reward, flags = entries
    for lane in range(count.shape[0]):
        for r in range(count.shape[1]):
            start, left = first[lane, r], 0
            for n in range(start, count[lane, r]):
                to = n - start
                left += 1
                if start:
                    obs[lane, r, to], legal[lane, r, to] = obs[lane, r, n], legal[lane, r, n]
                    action[lane, r, to], memory[lane, r, to] = action[lane, r, n], memory[lane, r, n]
                    extra[lane, r, to], logp[lane, r, to] = extra[lane, r, n], logp[lane, r, n]
                    reward[lane, r, to], flags[lane, r, to] = reward[lane, r, n], flags[lane, r, n]
            count[lane, r] = left


class Streams:
    """The streams of L lanes with R streams each (worlds a lane x agents of the lane), growing as they fill.

    obs float32 [L, R, C, D], legal bool [L, R, C, A], action float32 [L, R, C, K] (K = 1 number of a choice, or the
    numbers of a continuous decision), logp float32 [L, R, C], reward float64 [L, R, C], flags uint8 [L, R, C]; memory
    float32 [L, R, C, H] as it was before the decision, extra float32 [L, R, C, E] whatever else the learner wants to
    see again; states: what groups of agents saw, S numbers each, None where S is 0. count int64 [L, R] says how many of
    the C entries there are. C doubles, but for a stop at `usual`, which are seldom exceeded.

    places: groups of agents, and worlds of each, whose states are told; see `States`.
    """

    NAMES = ("obs", "legal", "action", "logp", "memory", "extra", "reward", "flags")

    def __init__(
        self,
        lanes: int,
        streams: int,
        obs_dim: int,
        n_actions: int,
        numbers: int = 1,
        memory: int = 0,
        extra: int = 0,
        usual: int = 0,
        state: int = 0,
        places: tuple[int, int] = (1, 1),
    ) -> None:
        self.lead, self._usual = (lanes, streams), usual
        self.states = States(places, state, (lanes, streams, FIRST), usual) if state else None
        self._widths = dict(obs=obs_dim, legal=n_actions, action=numbers, memory=memory, extra=extra)
        self._types = dict(legal=np.bool_, reward=np.float64, flags=np.uint8)
        self.count = np.zeros(self.lead, np.int64)
        self.fresh = np.ones(self.lead, np.bool_)
        self._nothing = np.zeros((*self.lead, 0), np.float32)
        self._silent = np.zeros(self.lead, np.float32)
        self._still = np.zeros((*self.lead, numbers), np.float32)
        self._most = 0  # entries that the fullest stream has at most, so that seldom need all be counted
        self._allocate(FIRST)

    def _allocate(self, capacity: int) -> None:
        kept = getattr(self, "entries", None)
        self.capacity = capacity
        made = []
        for k, name in enumerate(self.NAMES):
            width = (self._widths[name],) if name in self._widths else ()
            array = np.zeros((*self.lead, capacity, *width), self._types.get(name, np.float32))
            if kept is not None:
                array[:, :, : kept[k].shape[2]] = kept[k]
            made.append(array)
        self._take(made)
        if self.states is not None:
            self.states.grow(capacity)

    def _take(self, entries: Iterable[np.ndarray]) -> None:
        self.entries = tuple(entries)
        self.obs, self.legal, self.action, self.logp, self.memory, self.extra, self.reward, self.flags = self.entries

    def _room(self, entries: int) -> None:
        """For so many entries."""
        self._most = entries
        if self.capacity < entries:
            self._allocate(room(self.capacity, entries, self._usual))

    def one_more(self) -> None:
        """Room for one more entry of each stream."""
        if self._most < self.capacity:
            self._most += 1
        else:
            self._room(int(self.count.max(initial=0)) + 1)

    def decide(
        self,
        where: np.ndarray,
        obs: np.ndarray,
        legal: np.ndarray,
        action: np.ndarray,
        logp: np.ndarray,
        memory: np.ndarray | None = None,
        extra: np.ndarray | None = None,
        state: np.ndarray | None = None,
    ) -> None:
        """Decisions taken where `where` (bool [L, R]); state as `States.see` takes it, the others as the entries are,
        without C."""
        self.one_more()
        memory, extra = self._or_nothing(memory), self._or_nothing(extra)
        append(self.entries, self.count, self.fresh, where, (obs, legal, action, logp, memory, extra), 0)
        self.see(state, where)

    def look(
        self,
        where: np.ndarray,
        obs: np.ndarray,
        legal: np.ndarray,
        memory: np.ndarray | None = None,
        extra: np.ndarray | None = None,
        state: np.ndarray | None = None,
    ) -> None:
        """Close the open entries where `where` with what is seen now."""
        where = where & self.open
        if where.any():
            self.one_more()
            given = (obs, legal, self._still, self._silent, self._or_nothing(memory), self._or_nothing(extra))
            append(self.entries, self.count, self.fresh, where, given, LOOK | CLOSED)
            self.see(state, where)

    def see(self, state: np.ndarray | None, where: np.ndarray) -> None:
        """What groups see, for the newest entries where `where`; nothing where no states are kept."""
        if self.states is not None:
            assert state is not None
            self.states.see(state, where, self.count)

    def earn(self, reward: np.ndarray) -> int:
        """Rewards of a step, float64 [L, R]; returns the lane of one that is not finite, or -1."""
        return _earn(self.reward, self.flags, self.count, reward)

    def end(self, terminated: np.ndarray) -> None:
        """Games that are over, bool [L, R]: nothing comes after their last decisions."""
        _end(self.flags, self.count, self.fresh, terminated)

    def begin_anew(self, where: np.ndarray) -> None:
        """The next decisions there are the first of an episode."""
        self.fresh |= where

    @property
    def open(self) -> np.ndarray:
        """Which streams wait for the consequences of their last decision, bool [L, R]."""
        last = np.take_along_axis(self.flags, np.maximum(self.count - 1, 0)[..., None], 2)[..., 0]
        return (self.count > 0) & (last & CLOSED == 0)

    def keep(self, first: np.ndarray) -> None:
        """Forget the entries before number `first` (int64 [L, R]) of each stream."""
        if self.states is not None:
            self.states.keep(self.count, first)
        _keep(self.entries, self.count, first)

    def copy(self) -> Streams:
        """The same entries, apart from these."""
        other = copy.copy(self)
        other._take([array.copy() for array in self.entries])
        other.count, other.fresh = self.count.copy(), self.fresh.copy()
        other.states = None if self.states is None else self.states.copy()
        return other

    def beside(self, lanes: np.ndarray, streams: np.ndarray, entries: np.ndarray) -> np.ndarray:
        """What entries of these numbers were kept with besides, [..., S + E]: the state, and extra behind it."""
        extra = self.extra[lanes, streams, entries]
        return extra if self.states is None else np.concatenate([self.states.of(lanes, streams, entries), extra], -1)

    def _or_nothing(self, array: np.ndarray | None) -> np.ndarray:
        return self._nothing if array is None else array

    # -- saving --------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name; as many entries as the fullest stream has."""
        n = int(self.count.max(initial=0))
        there = np.arange(n) < self.count[..., None]
        kept = {}
        for name, array in zip(self.NAMES, self.entries):
            mine = there.reshape(there.shape + (1,) * (array.ndim - 3))
            kept[name] = np.where(mine, array[:, :, :n], np.zeros((), array.dtype))
        seen = {} if self.states is None else {f"state_{k}": v for k, v in self.states.state(there).items()}
        return {**kept, **seen, "count": self.count.copy(), "fresh": self.fresh.copy()}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `state` gave."""
        n = state["obs"].shape[2]
        self._room(n)
        for name, array in zip(self.NAMES, self.entries):
            array[:, :, :n] = state[name]
        self.count[...], self.fresh[...] = state["count"], state["fresh"]
        if self.states is not None:
            self.states.restore({k: state[f"state_{k}"] for k in States.NAMES})
