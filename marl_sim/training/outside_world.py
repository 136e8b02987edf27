"""One outside environment, writing into the rows of one world. All of PettingZoo's rules of order are kept here.

Both kinds answer to begin(seed) and play(chosen), and keep the same books: who is alive, who acts, what each sees.
What an agent is paid is what `rewards` holds after a step; `_cumulative_rewards`, which AEC environments add up from it
for last(), is never read, so that nothing is paid twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import numpy as np
from pettingzoo import AECEnv, ParallelEnv

from .outside_spaces import MASK, Sight

ROWS = ("obs", "legal", "acting", "reward", "terminated", "truncated", "final_obs", "final_legal")
Flags = Mapping[Any, bool]
Looks = bytes | np.ndarray  # of all agents in their order, [n, D], or its bytes where that is all float32
PATIENCE = 1000  # dead agents dismissed in one step before the world is called stuck


@dataclass(frozen=True)
class Seat:
    """One agent as all worlds have it.

    index  its place in the arrays; agent: its name in the environment; sight: how it sees; count: actions it has
    make   turns what was chosen into an action of its space; counted: it chooses among whole numbers, not in a box
    """

    index: int
    agent: Any
    sight: Sight
    count: int
    make: Callable[[Any], Any]
    counted: bool


class World:
    """What worlds of both kinds share. `arrays` holds the arrays of all worlds by the names of ROWS."""

    def __init__(self, env: Any, seats: Sequence[Seat], arrays: Mapping[str, np.ndarray], number: int):
        self.env, self.seats, self.number = env, seats, number
        self._obs, self._legal, self._acting, self._reward, self._terminated, self._truncated, final, last = (
            arrays[name][number] for name in ROWS
        )
        self._seen = [self._obs[seat.index, : seat.sight.size] for seat in seats]
        self._final, self._last_legal = final, last
        self._own = [np.arange(self._legal.shape[1]) < max(1, seat.count) for seat in seats]
        self._pass = np.arange(self._legal.shape[1]) == 0
        self._by_agent = {seat.agent: seat for seat in seats}
        self.alive: dict[Any, Seat] = {}
        self.dead: set[Any] = set()

    def begin(self, seed: int) -> None:
        """Begin an episode."""
        raise NotImplementedError

    def play(self, chosen: Sequence[Any]) -> bool:
        """One step with everybody's choice; true where the world is over. Rewards are added to the row."""
        raise NotImplementedError

    def _empty(self) -> None:
        self.alive, self.dead = {}, set()
        self._obs[...] = 0
        self._acting[...] = False
        self._legal[...] = self._pass

    def _admit(self, agent: Any) -> Seat:
        if agent not in self._by_agent:
            raise RuntimeError(f"agent {agent!r} of world {self.number} is not among the environment's possible_agents")
        seat = self.alive[agent] = self._by_agent[agent]
        return seat

    def _show(self, seat: Seat, seen: Any, info: Any) -> None:
        """The agent decides next: what it sees, and what it may do. One whose mask allows nothing waits."""
        i = seat.index
        mask = self._look(seat, seen, info, self._seen[i])
        if mask is None or not seat.counted:
            self._legal[i] = self._own[i]
            self._acting[i] = True
            return
        row = self._legal[i]
        self._allow(seat, mask, row)
        self._acting[i] = some = row.any()
        if not some:
            row[0] = True

    def _allow(self, seat: Seat, mask: Any, row: np.ndarray) -> None:
        """Write an action mask into a row of legality."""
        if np.size(mask) != seat.count:
            raise ValueError(
                f"the action mask of {seat.agent} in world {self.number} must have {seat.count} entries, "
                f"one for each action; it has {np.size(mask)}"
            )
        row[: seat.count] = mask  # beyond that nothing is ever legal

    def _look(self, seat: Seat, seen: Any, info: Any, row: np.ndarray) -> Any:
        """Write an observation into a row; returns the action mask beside it, or None."""
        try:
            seat.sight.write(seen, row)
        except (ValueError, IndexError) as error:
            raise ValueError(f"{error}: {seat.agent} in world {self.number}") from error
        if seat.sight.keyed:
            return seen[MASK]
        return info.get(MASK) if info else None

    def _rest(self, seat: Seat) -> None:
        self._acting[seat.index] = False
        self._legal[seat.index] = self._pass

    def _part(self, seat: Seat, seen: Any, terminated: bool, truncated: bool, info: Any = None) -> None:
        """The agent's life in this world ends with `seen` before its eyes (None: with what it saw before)."""
        i = seat.index
        self._last_legal[i] = False
        if seen is None:
            self._final[i] = self._obs[i]
        else:
            self._final[i] = 0
            mask = self._look(seat, seen, info, self._final[i, : seat.sight.size])
            if mask is not None and seat.counted:
                self._allow(seat, mask, self._last_legal[i])
        self._obs[i] = 0
        self._rest(seat)
        self._terminated[i] = terminated
        self._truncated[i] = truncated
        del self.alive[seat.agent]
        self.dead.add(seat.agent)


class _Rows:
    """What all agents of a world see, [n, D], written at once."""

    def __init__(self, array: np.ndarray) -> None:
        self._array, self._bytes = array, array.data.cast("B")

    def write(self, looks: Looks) -> None:
        if isinstance(looks, bytes):
            self._bytes[:] = looks
        else:
            self._array[...] = looks


class ParallelWorld(World):
    """A ParallelEnv: everybody who is alive decides at once."""

    env: ParallelEnv

    def __init__(self, env: Any, seats: Sequence[Seat], arrays: Mapping[str, np.ndarray], number: int):
        super().__init__(env, seats, arrays, number)
        self._names, width = [seat.agent for seat in seats], self._obs.shape[1]
        self._of_all = itemgetter(*self._names) if len(seats) > 1 else lambda of: (of[seats[0].agent],)
        self._alike = all(seat.sight.plain and seat.sight.size == width for seat in seats)  # one array holds all looks
        self._kind, self._lengths = [self._obs.dtype] * len(seats), [width] * len(seats)
        self._now, self._last = _Rows(self._obs), _Rows(self._final)
        self._as_chosen = all(seat.make is int for seat in seats)  # what is chosen is the action already
        self._open = np.stack(self._own)
        self._whole = self._free = False  # all are there; and all decide, and may do whatever they can

    def begin(self, seed: int) -> None:
        """Begin an episode."""
        self._empty()
        seen, infos = self.env.reset(seed=seed)
        for agent in self.env.agents:
            self._admit(agent)
        self._count()
        looks = self._looks(seen, infos)
        if looks is not None:
            self._show_all(looks)
            return
        for agent, seat in self.alive.items():
            self._show(seat, seen[agent], infos.get(agent))

    def play(self, chosen: Sequence[Any]) -> bool:
        """One step with everybody's choice; true where the world is over."""
        env, alive = self.env, self.alive
        if self._as_chosen and self._whole:
            actions = dict(zip(self._names, chosen))
        else:
            actions = {agent: alive[agent].make(chosen[alive[agent].index]) for agent in env.agents if agent in alive}
        seen, paid, terminations, truncations, infos = env.step(actions)
        looks = self._looks(seen, infos)
        flags = terminations, truncations
        if looks is None or not (self._all_go_on(*flags) or self._all_end(*flags)):
            return self._one_by_one(seen, paid, *flags, infos)
        self._pay_all(paid)
        if env.agents:
            self._show_all(looks)
            return False
        self._last.write(looks)
        self._last_legal[...] = False
        self._terminated[...] = [terminations.get(agent, False) for agent in self._names]
        self._truncated[...] = [truncations.get(agent, False) for agent in self._names]
        return True

    def _one_by_one(
        self, seen: Mapping[Any, Any], paid: Mapping[Any, float], terminations: Flags, truncations: Flags,
        infos: Mapping[Any, Any],
    ) -> bool:  # fmt: skip
        """What a step did, agent by agent; true where the world is over."""
        env, alive = self.env, self.alive
        self._free, present = False, set(env.agents)
        for agent, seat in list(alive.items()):
            self._reward[seat.index] += paid.get(agent, 0.0)
            terminated, truncated = terminations.get(agent, False), truncations.get(agent, False)
            if terminated or truncated:
                self._part(seat, seen.get(agent), terminated, truncated, infos.get(agent))
            elif agent in present:
                self._show(seat, seen[agent], infos.get(agent))
            else:  # gone without a word
                self._part(seat, seen.get(agent), True, False)
        if len(present) > len(alive):
            for agent in env.agents:
                if agent not in self.dead and agent not in alive:  # who comes late; nobody comes back
                    self._show(self._admit(agent), seen[agent], infos.get(agent))
        self._count()
        return not alive

    def _empty(self) -> None:
        super()._empty()
        self._free = False

    def _count(self) -> None:
        """See whether all are there, in their order."""
        self._whole = len(self.alive) == len(self._names) and self.env.agents == self._names

    # What follows is for worlds in which the same happens to all: where it does not apply, they go one by one.

    def _looks(self, seen: Mapping[Any, Any], infos: Mapping[Any, Any]) -> Looks | None:
        """What all see, where all are there, see numbers of one shape and are told nothing besides."""
        if not (self._alike and self._whole) or any(infos.values()):
            return None
        try:
            rows = self._of_all(seen)
        except KeyError:
            return None
        try:  # a copy of bytes takes half the time of one of numbers
            if [row.dtype for row in rows] == self._kind and list(map(len, rows)) == self._lengths:
                looks = b"".join(rows)
                return looks if len(looks) == self._obs.nbytes else None
        except (AttributeError, TypeError):  # of lists, of arrays that are not in one piece
            pass
        try:
            array = np.array(rows)
        except ValueError:  # of different shapes
            return None
        return array if array.shape == self._obs.shape and array.dtype.kind in "biuf" else None

    def _all_go_on(self, terminations: Flags, truncations: Flags) -> bool:
        """Whether nobody comes or goes."""
        return self.env.agents == self._names and not any(terminations.values()) and not any(truncations.values())

    def _all_end(self, terminations: Flags, truncations: Flags) -> bool:
        """Whether everybody's life ends."""
        return not self.env.agents and all(terminations.get(a) or truncations.get(a) for a in self._names)

    def _pay_all(self, paid: Mapping[Any, float]) -> None:
        """What a step paid; nothing to whom it does not name."""
        try:
            self._reward[...] = self._of_all(paid)
        except KeyError:
            self._reward[...] = [paid.get(agent, 0.0) for agent in self._names]

    def _show_all(self, looks: Looks) -> None:
        """Everybody decides next."""
        self._now.write(looks)
        if not self._free:
            self._legal[...] = self._open
            self._acting[...] = self._free = True


class TurnWorld(World):
    """An AECEnv: the agent that is selected decides, and dead ones are dismissed as soon as they are selected.

    A row of obs holds what its agent saw when it was last selected.
    """

    env: AECEnv

    def begin(self, seed: int) -> None:
        """Begin an episode."""
        self._empty()
        env = self.env
        env.reset(seed=seed)
        terminations, truncations = env.terminations, env.truncations
        for agent in env.agents:
            if terminations.get(agent) or truncations.get(agent):
                self.dead.add(agent)
            else:
                self._admit(agent)
        self._select(terminations, truncations)

    def play(self, chosen: Sequence[Any]) -> bool:
        """One step with the choice of the selected agent; true where the world is over."""
        seat = self._turn
        self._rest(seat)
        self.env.step(seat.make(chosen[seat.index]))
        self._select(*self._settle())
        return not self.alive

    def _settle(self) -> tuple[Flags, Flags]:
        """After a step: what it paid, and who ends with it. Returns terminations and truncations, each look-up of
        which goes through all wrappers."""
        env = self.env
        paid, over, cut = env.rewards, env.terminations, env.truncations
        for agent, seat in list(self.alive.items()):
            self._reward[seat.index] += paid.get(agent, 0.0)
            terminated, truncated = over.get(agent, False), cut.get(agent, False)
            if terminated or truncated:
                self._part(seat, env.observe(agent), terminated, truncated, env.infos.get(agent))
        return over, cut

    def _select(self, terminations: Flags, truncations: Flags) -> None:
        """Dismiss the dead until somebody who lives is selected, or nobody is left."""
        env = self.env
        for _ in range(PATIENCE):
            agents = env.agents
            if not agents:
                for seat in list(self.alive.values()):  # gone without a word
                    self._part(seat, None, True, False)
                return
            agent = env.agent_selection
            if not (terminations.get(agent) or truncations.get(agent)):
                break
            env.step(None)
            terminations, truncations = self._settle()
        else:
            raise RuntimeError(f"world {self.number} does not go on: {agent} is dead and stays selected")
        if len(agents) != len(self.alive):
            for seat in [seat for one, seat in self.alive.items() if one not in agents]:  # gone without a word
                self._part(seat, None, True, False)
            for one in agents:
                if one not in self.dead and one not in self.alive:  # who comes late
                    self._admit(one)
        if agent not in self.alive:
            raise RuntimeError(f"world {self.number} does not go on: {agent} has ended and is selected to decide")
        self._turn = self.alive[agent]
        info = None if self._turn.sight.keyed else env.infos.get(agent)
        self._show(self._turn, env.observe(agent), info)
