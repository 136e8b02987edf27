"""The Simulator: many worlds of one game, stepped together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numba
import numpy as np

from . import loop
from .compile import compiled_loop
from .errors import IllegalAction, NotReset
from .game import Game
from .native import DTYPES
from .program import Program, outside_arrays
from .row import Row
from .stage import Stage

PARALLEL_ABOVE = 100e-6  # seconds of work a step below which a second thread costs more than it brings
FLAGS = ("legal", "terminated", "truncated", "round_over", "settled")


class Step:
    """What a step did. W worlds, n agents, A actions, D columns; the arrays are reused: copy what you keep.

    obs [W, n, D] float32, legal [W, n, A] bool, acting [W, n] bool, stage [W]   where the worlds are now
    reward [W, n] float64, components {name: [W, n]}                             what the step paid; they add up
    terminated [W], truncated [W] bool                                           an ended world has already begun anew
    final_obs [W, n, D]                                                          last seen, where ended
    tallies {name: [W, ...]}                                                     counts of the episode, where ended
    round_over [W] bool                                                          a pass through the round has ended
    settled_obs [W, S, n, D], settled [W, S, n]                                  with Simulator(settled=True), by stage
    """

    obs: np.ndarray
    legal: np.ndarray
    acting: np.ndarray
    stage: np.ndarray
    reward: np.ndarray
    components: dict[str, np.ndarray]
    terminated: np.ndarray
    truncated: np.ndarray
    final_obs: np.ndarray
    tallies: dict[str, np.ndarray]
    round_over: np.ndarray
    settled_obs: np.ndarray
    settled: np.ndarray

    def copy(self) -> Step:
        """A step whose arrays are its own."""
        twin = Step()
        for name, value in vars(self).items():
            kept = {k: v.copy() for k, v in value.items()} if isinstance(value, dict) else value.copy()
            setattr(twin, name, kept)
        return twin


class Simulator:
    """`num_envs` worlds of `game` for every seed, stepped together: W = number of seeds x num_envs.

    game      a Game, or the name of a registered one
    num_envs  worlds a seed
    seed      an int, or a sequence of ints; world b of seed s is the same in every company
    threads   at most so many threads (default: numba's NUMBA_NUM_THREADS); small batches stay on one
    settled   also report, at the end of every round, how each standing decision would be seen then

        sim = Simulator(game, num_envs=4096, seed=0)
        obs = sim.reset()
        step = sim.step(actions)      # integers [W, n_agents]
    """

    def __init__(
        self,
        game: Game | str,
        num_envs: int = 1,
        seed: int | Sequence[int] = 0,
        threads: int | None = None,
        settled: bool = False,
    ):
        if isinstance(game, str):
            from .registry import make

            game = make(game)
        if isinstance(num_envs, bool) or not isinstance(num_envs, int | np.integer) or num_envs < 1:
            raise ValueError(f"num_envs must be a whole number of at least 1; got {num_envs!r}")
        self.game, self.num_envs = game, int(num_envs)
        if threads is not None and (isinstance(threads, bool) or not isinstance(threads, int) or threads < 1):
            raise ValueError(f"threads must be a whole number of at least 1, or None for all cores; got {threads!r}")
        self.threads = threads or numba.config.NUMBA_NUM_THREADS
        self.settled = settled
        self.seeds = self._check_seeds(seed)
        self.num_worlds = len(self.seeds) * self.num_envs
        self._build()

    def _check_seeds(self, seed: int | Sequence[int]) -> tuple[int, ...]:
        listed = isinstance(seed, Sequence | np.ndarray | range)
        seeds: tuple[Any, ...] = tuple(seed) if listed else (seed,)  # type: ignore[arg-type]
        if not seeds or not all(isinstance(s, int | np.integer) and 0 <= s < 2**64 for s in seeds):
            raise ValueError(f"seed must be a whole number from 0 to 2**64 - 1, or a sequence of them; got {seed!r}")
        return tuple(int(s) for s in seeds)

    def _build(self) -> None:
        row = Row(self.game)
        self._memory, self.arrays = row.place(self.num_worlds)
        self._own = outside_arrays(self.game, self.settled)
        for name, (dtype, shape) in self._own.items():
            self.arrays[name] = np.zeros((self.num_worlds, *shape), DTYPES[dtype])
        self._program = Program(self.game, self.arrays, row, self._memory.strides[0], self.settled, self.threads)
        self._run, self._start = compiled_loop(), self._program.start
        self.arrays["worlds"][:, 0] = np.tile(np.arange(self.num_envs), len(self.seeds))
        self._shape = (self.num_worlds, self.game.n_agents)
        self._no_actions = np.zeros((1, 1), dtype=np.int64)
        self._passes = np.zeros(self._shape, dtype=np.int64)  # what is played where decisions are continuous
        self._chunks = self._cut()
        self._ready = False
        self._step = self._view()

    def _view(self) -> Step:
        step, a = Step(), {k: v.view(bool) if k in FLAGS else v for k, v in self.arrays.items()}
        step.obs, step.final_obs, step.legal, step.reward = a["obs"], a["final_obs"], a["legal"], a["reward"]
        step.acting, step.stage = a["acting"].view(bool), a["stage"][:, 0]
        step.terminated, step.truncated = a["terminated"][:, 0], a["truncated"][:, 0]
        step.round_over = a["round_over"][:, 0]
        step.components = {name: a[name] for name in self.game.components}
        step.tallies = {name: a[f"last_{name}"] for name in self.game.tallies}
        if self.settled:
            step.settled_obs, step.settled = a["settled_obs"], a["settled"]
        return step

    # ------------------------------------------------------------ where the worlds are

    @property
    def obs(self) -> np.ndarray:
        """What each agent sees, float32 [W, n, D]."""
        return self._step.obs

    @property
    def legal(self) -> np.ndarray:
        """Which actions each agent may take, bool [W, n, A]."""
        return self._step.legal

    @property
    def acting(self) -> np.ndarray:
        """Who decides now, bool [W, n]."""
        return self._step.acting

    @property
    def stage(self) -> np.ndarray:
        """Index into game.stages of the stage each world is in, [W]."""
        return self._step.stage

    @property
    def state(self) -> dict[str, np.ndarray]:
        """The named state fields, worlds first; views, not copies."""
        return {name: self.arrays[name] for name in self.game.state}

    # ------------------------------------------------------------ run

    def reset(self, seed: int | Sequence[int] | None = None) -> np.ndarray:
        """Begin every world anew; returns obs.

        With a seed (as many seeds as before) all that follows is as in a new simulator with that seed; without one, the
        worlds go on drawing where they are, so that the next episodes are others.
        """
        if seed is not None:
            seeds = self._check_seeds(seed)
            if len(seeds) != len(self.seeds):
                raise ValueError(f"reset takes as many seeds as the simulator has: {len(self.seeds)}; got {len(seeds)}")
            self.seeds = seeds
        if seed is not None or not self._ready:
            self._memory[...] = 0
            for name in self._own.keys() - {"worlds"}:
                self.arrays[name][...] = 0
            self.arrays["seeds"][:, 0] = np.repeat(np.array(self.seeds, dtype=np.uint64), self.num_envs)
            self.arrays["tick"][:] = -1  # a reset counts as a step
        self._go(self._no_actions, loop.RESET)
        self._ready = True
        return self._step.obs

    def step(self, actions: np.ndarray, only: np.ndarray | None = None) -> Step:
        """Play one stage in every world with `actions`, integers [W, n]; agents that do not act pass with 0.

        Where game.box is set, actions are numbers of that range. only: the worlds, bool [W], that play; the others wait
        as they are, are paid nothing and end nothing, and their actions are not looked at.
        """
        if not self._ready:
            raise NotReset("the simulator has not been reset; call reset() before step()")
        if type(actions) is not np.ndarray:
            actions = np.asarray(actions)
        if only is not None and (np.shape(only) != self._shape[:1] or only.dtype != bool):
            raise ValueError(f"only must be bool of shape {self._shape[:1]}; got {only.dtype} of shape {only.shape}")
        if self.game.box is not None:
            if only is not None:
                actions = np.where(only[:, None], actions, np.where(self.acting, self.game.box[0], 0))
            actions = self._take_amounts(actions, *self.game.box)
        if actions.shape != self._shape or actions.dtype.kind not in "iu":
            raise ValueError(
                f"actions must be integers of shape {self._shape}; got {actions.dtype} of shape {actions.shape}"
            )
        if actions.dtype != np.int64 or not (actions.flags.c_contiguous and actions.flags.writeable):
            actions = np.array(actions, dtype=np.int64, order="C")  # as the compiled loop takes it
        if only is None or only.all():
            self._go(actions, loop.STEP)
        else:
            self._go_in(actions, only)
        return self._step

    def _go_in(self, actions: np.ndarray, only: np.ndarray) -> None:
        """A step of some worlds, one run of neighbours after another; nothing is played if an action is illegal."""
        edges = np.flatnonzero(np.diff(only, prepend=False, append=False))
        runs = list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))
        for mode in (loop.CHECK, loop.STEP_CHECKED):
            for first, end in runs:
                self._finish(actions, self._run(self._start, actions, first, end, mode, 0))
        wait, step = ~only, self._step
        for flag in (step.terminated, step.truncated, step.round_over, step.reward, *step.components.values()):
            flag[wait] = 0
        if self.settled:
            step.settled[wait] = 0

    def _take_amounts(self, amounts: np.ndarray, low: float, high: float) -> np.ndarray:
        """Keep what is chosen where decisions are continuous; returns the (only) action of each agent."""
        if amounts.shape != self._shape or amounts.dtype.kind not in "iuf":
            raise ValueError(
                f"actions must be numbers of shape {self._shape}; got {amounts.dtype} of shape {amounts.shape}"
            )
        fits = np.where(self.acting, (low <= amounts) & (amounts <= high), amounts == 0)
        if not fits.all():
            world, agent = (int(k) for k in np.argwhere(~fits)[0])
            place = (
                f"agent_{agent} chose {amounts[world, agent]} in stage {self._stage_of(world).name!r} of world {world}"
            )
            allowed = f"it may choose a number from {low:g} to {high:g}"
            raise IllegalAction(
                f"{place}; {allowed}"
                if self.acting[world, agent]
                else f"{place}, where it does not act; it may only pass (0)"
            )
        self.arrays["amount"][...] = amounts
        return self._passes

    def _stage_of(self, world: int) -> Stage:
        return self.game.stages[self.stage[world]]

    def what_if(self, actions: np.ndarray) -> Step:
        """What `step(actions)` would do, as a copy; the worlds stay as they are."""
        saved = self.save()
        try:
            return self.step(actions).copy()
        finally:
            self.load(saved)

    def _go(self, actions: np.ndarray, mode: int) -> None:
        """Take all worlds through a step or a reset; nothing is played if an action is illegal."""
        chunks = self._chunks
        if len(chunks) == 1:
            said = self._run(self._start, actions, 0, self.num_worlds, mode, 0)
        else:
            said = loop.FINE
            if mode == loop.STEP:
                said = self._run(self._start, actions, 0, self.num_worlds, loop.CHECK, 0)
                mode = loop.STEP_CHECKED
            if said == loop.FINE:
                pool = _pool(len(chunks) - 1)
                jobs = [pool.submit(self._run, self._start, actions, a, b, mode, lane) for lane, a, b in chunks[1:]]
                _, a, b = chunks[0]
                said = min([self._run(self._start, actions, a, b, mode, 0), *(job.result() for job in jobs)])
        self._finish(actions, said)

    def _finish(self, actions: np.ndarray, said: int) -> None:
        """Errors in what the loop said."""
        if said >= 0:
            raise self._illegal(actions, said)
        if said == loop.STUCK:
            self._ready = False
            raise RuntimeError(f"nobody can act in {loop.MAX_PASSES} stages in a row of {self.game!r}; reset to go on")

    def _cut(self) -> list[tuple[int, int, int]]:
        """Chunks of worlds, one a thread: number, first world, one past the last. One where threads do not pay."""
        work = self.num_worlds * self.game.n_agents * (30e-9 + 1e-9 * self.game.obs_dim)
        count = max(1, min(self.threads, self.num_worlds, int(work / max(PARALLEL_ABOVE, 1e-9))))
        edges = [self.num_worlds * k // count for k in range(count + 1)]
        return [(k, edges[k], edges[k + 1]) for k in range(count)]

    def _illegal(self, actions: np.ndarray, flat: int) -> IllegalAction:
        world, agent = divmod(flat, self.game.n_agents)
        stage = self._stage_of(world)
        chosen = int(actions[world, agent])
        place = f"in stage {stage.name!r} of world {world}"
        if not self.acting[world, agent]:
            return IllegalAction(f"agent_{agent} chose {chosen} {place}, where it does not act; it may only pass (0)")
        allowed = [f"{a} ({stage.choices[a]})" for a in np.flatnonzero(self.legal[world, agent])]
        words = " or ".join([", ".join(allowed[:-1]), allowed[-1]] if len(allowed) > 1 else allowed)
        return IllegalAction(f"agent_{agent} chose {chosen} {place}; it may choose {words}")

    # ------------------------------------------------------------ keep and restore

    def save(self) -> dict[str, np.ndarray]:
        """A copy of everything that the future depends on, by name."""
        kept = {name: self.arrays[name].copy() for name in self._own}
        return kept | {"memory": self._memory.copy(), "ready": np.array(self._ready)}

    def load(self, saved: dict[str, np.ndarray]) -> None:
        """Return to a saved state of a simulator of the same game and size. ValueError in one sentence otherwise."""
        own = {name: self.arrays[name] for name in self._own} | {"memory": self._memory}
        for name, a in own.items():
            if name not in saved or saved[name].shape != a.shape:
                got = saved[name].shape if name in saved else "nothing"
                raise ValueError(f"the saved state is of another game or size: {name} should be {a.shape}; got {got}")
        for name, a in own.items():
            a[...] = saved[name]
        self.seeds = tuple(int(s) for s in self.arrays["seeds"][:: self.num_envs, 0])
        self._ready = bool(saved["ready"])

    def __getstate__(self) -> dict[str, Any]:
        return dict(
            game=self.game, num_envs=self.num_envs, seeds=self.seeds, threads=self.threads, settled=self.settled,
            saved=self.save(),
        )  # fmt: skip

    def __setstate__(self, saved: dict[str, Any]) -> None:
        self.__init__(  # type: ignore[misc]
            saved["game"], saved["num_envs"], saved["seeds"], saved["threads"], saved["settled"]
        )
        self.load(saved["saved"])


@lru_cache(maxsize=4)
def _pool(threads: int) -> ThreadPoolExecutor:
    """Threads that sleep between steps: no OpenMP, so nothing spins while torch has work to do."""
    pool = ThreadPoolExecutor(threads, thread_name_prefix="marl_sim")
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=_pool.cache_clear)
    return pool
