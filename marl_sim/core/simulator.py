"""The Simulator: many worlds of one game, stepped together."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import Any

import numba
import numpy as np

from . import kernel
from .errors import IllegalAction, NotReset
from .game import Game
from .views import DTYPES, first_illegal

PARALLEL_ABOVE = 100e-6  # seconds of work a step below which a second thread costs more than it brings
FLAGS = ("legal", "terminated", "truncated", "round_over", "settled")


class Step:
    """What a step did. W worlds, n agents, A actions, D columns; the arrays are reused: copy what you keep.

    obs [W, n, D] float32, legal [W, n, A] bool, acting [W, n] bool, stage [W]   where the worlds are now
    reward [W, n] float64, components {name: [W, n]}                             what the step paid; they add up
    terminated [W], truncated [W] bool                                           an ended world has begun anew already
    final_obs [W, n, D]                                                          last seen, where ended
    tallies {name: [W, ...]}                                                     counts of the ended episode, where ended
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
        self.threads = threads or numba.config.NUMBA_NUM_THREADS
        self.settled = settled
        self.seeds = self._check_seeds(seed)
        self.num_worlds = len(self.seeds) * self.num_envs
        self._build()

    def _check_seeds(self, seed: int | Sequence[int]) -> tuple[int, ...]:
        seeds = (seed,) if isinstance(seed, int | np.integer) else tuple(seed)
        if not seeds or not all(isinstance(s, int | np.integer) and 0 <= s < 2**64 for s in seeds):
            raise ValueError(f"seed must be a whole number from 0 to 2**64 - 1, or a sequence of them; got {seed!r}")
        return tuple(int(s) for s in seeds)

    def _build(self) -> None:
        plan = kernel.plan(self.game, self.settled)
        self._kernel = plan.compile()
        self._memory, placed = plan.row.place(self.game, self.num_worlds)
        self.arrays: dict[str, np.ndarray] = {}
        dims = [self.game.n_agents]
        for name, dtype, shape in plan.arrays:
            array = placed.get(name)
            self.arrays[name] = np.zeros((self.num_worlds, *shape), DTYPES[dtype]) if array is None else array
            dims += shape
        for table in plan.tables:
            dims += table.shape
        self._own = [name for name in self.arrays if name not in placed]
        self._tables, self._numbers, self._counts = plan.tables, plan.numbers, plan.counts
        everything = [*self.arrays.values(), *self._tables]
        self._pointers: Any = everything
        if not numba.config.DISABLE_JIT:
            self._pointers = np.array([a.ctypes.data for a in everything], dtype=np.int64)
        self._strides = np.array([a.strides[0] for a in self.arrays.values()] + [0] * len(self._tables), dtype=np.int64)
        self._dims = np.array(dims, dtype=np.int64)
        self.arrays["seeds"][:, 0] = np.repeat(np.array(self.seeds, dtype=np.uint64), self.num_envs)
        self.arrays["worlds"][:, 0] = np.tile(np.arange(self.num_envs), len(self.seeds))
        self._arguments = (self._pointers, self._strides, self._dims, self._numbers, self._counts)
        self._actions = self.arrays["actions"]
        self._legal = self.arrays["legal"]
        self._stuck = self.arrays["stuck"]
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
        """Begin every world anew (with other seeds if given: as many as before); returns obs."""
        if seed is not None:
            seeds = self._check_seeds(seed)
            if len(seeds) != len(self.seeds):
                raise ValueError(f"reset takes as many seeds as the simulator has: {len(self.seeds)}; got {len(seeds)}")
            self.seeds = seeds
            self.arrays["seeds"][:, 0] = np.repeat(np.array(seeds, dtype=np.uint64), self.num_envs)
        self._run(kernel.RESET)
        self._ready = True
        return self._step.obs

    def step(self, actions: np.ndarray) -> Step:
        """Play one stage in every world with `actions`, integers [W, n]; agents that do not act pass with 0."""
        if not self._ready:
            raise NotReset("the simulator has not been reset; call reset() before step()")
        if type(actions) is not np.ndarray:
            actions = np.asarray(actions)
        if actions.shape != self._actions.shape or actions.dtype.kind not in "iu":
            raise ValueError(
                f"actions must be integers of shape {self._actions.shape}; got {actions.dtype} of shape {actions.shape}"
            )
        self._actions[...] = actions
        bad = first_illegal(self._actions, self._legal)
        if bad >= 0:
            raise self._illegal(bad)
        self._run(kernel.STEP)
        return self._step

    def what_if(self, actions: np.ndarray) -> Step:
        """What `step(actions)` would do, as a copy; the worlds stay as they are."""
        saved = self.save()
        try:
            return self.step(actions).copy()
        finally:
            self.load(saved)

    def _run(self, mode: int) -> None:
        chunks = self._chunks()
        if chunks == 1:
            self._kernel(*self._arguments, 0, self.num_worlds, mode)
        else:
            edges = np.linspace(0, self.num_worlds, chunks + 1).astype(int)
            jobs = [
                _pool(self.threads).submit(self._kernel, *self._arguments, int(a), int(b), mode)
                for a, b in zip(edges[:-1], edges[1:], strict=True)
            ]
            for job in jobs:
                job.result()
        if self._stuck.any():
            raise RuntimeError(f"no agent can act in {kernel.MAX_PASSES} stages in a row of {self.game!r}")

    def _chunks(self) -> int:
        """One, unless there is work enough for more; the measure is the game's own size, so that it never flickers."""
        work = self.num_worlds * self.game.n_agents * (30e-9 + 1e-9 * self.game.obs_dim)
        return min(self.threads, self.num_worlds) if work > PARALLEL_ABOVE else 1

    def _illegal(self, flat: int) -> IllegalAction:
        world, agent = divmod(flat, self.game.n_agents)
        stage = self.game.stages[self.stage[world]]
        chosen = int(self._actions[world, agent])
        place = f"in stage {stage.name!r} of world {world}"
        if not self.acting[world, agent]:
            return IllegalAction(f"agent_{agent} chose {chosen} {place}, where it does not act; it may only pass with 0.")
        allowed = [f"{a} ({stage.choices[a]})" for a in np.flatnonzero(self._legal[world, agent])]
        words = " or ".join([", ".join(allowed[:-1]), allowed[-1]] if len(allowed) > 1 else allowed)
        return IllegalAction(f"agent_{agent} chose {chosen} {place}; it may choose {words}.")

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
