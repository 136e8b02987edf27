"""Worlds of any PettingZoo environment, for the Trainer: what worlds of our own games are to it, from outside."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from pettingzoo import AECEnv

from ..core.errors import IllegalAction, NotReset
from ..core.kernels import kernel
from ..core.rng import key_of
from ..envs.source import Environment, Source
from ..learners.base import HeadSpec
from .books import RewardBook
from .outside_spaces import choices, sight
from .outside_world import ParallelWorld, Seat, TurnWorld, World
from .worlds import HeadPlan


@kernel
def first_illegal(actions, legal):
    """The place w * n + i of the first of actions int64 [W, n] that legal [W, n, A] does not allow, or -1."""
    worlds, n, most = legal.shape
    for w in range(worlds):
        for i in range(n):
            if not (0 <= actions[w, i] < most and legal[w, i, actions[w, i]]):
                return w * n + i
    return -1


class OutsideStep:
    """What a step did. W worlds, n agents, A actions, D columns; the arrays are reused: copy what you keep.

    obs [W, n, D] float32, legal [W, n, A] bool, acting [W, n] bool, stage [W]   where the worlds are now
    reward [W, n] float64, components {"reward": the same}                       what the step paid
    terminated, truncated [W, n] bool                                            whose life ended with it, and how
    ended [W] bool                                                               nobody is left; it has begun anew
    final_obs [W, n, D] float32                                                  last seen, where an agent ended
    final_legal [W, n, A] bool                                                   what was open then, where its mask said
                                                                                 so; nothing, where none did
    round_over [W] bool                                                          the same as ended
    tallies {}                                                                   outside environments count nothing
    """

    obs: np.ndarray
    legal: np.ndarray
    acting: np.ndarray
    stage: np.ndarray
    reward: np.ndarray
    components: dict[str, np.ndarray]
    terminated: np.ndarray
    truncated: np.ndarray
    ended: np.ndarray
    final_obs: np.ndarray
    final_legal: np.ndarray
    round_over: np.ndarray
    tallies: dict[str, np.ndarray]

    @property
    def raw(self) -> OutsideStep:
        """What its book reads: itself."""
        return self


class OutsideWorlds:
    """Copies of a PettingZoo environment, stepped one after another: W = number of seeds x num_envs, seed by seed.

    source    "mpe2.simple_spread_v3" (with or without "pettingzoo:" before it; parallel_env is preferred to env),
              "my_module:MyEnv", a function or class that makes an environment, or an environment to be copied
    num_envs  worlds a seed
    seeds     whole numbers; episode e of world b of seed s starts with reset(seed=f(s, b, e)), in every company
    options   keyword arguments of whatever makes the environment

    agents, n_agents         the names of possible_agents, and how many
    obs [W, n, D] float32    flat observations (see training.outside_spaces), shorter ones padded with zeros; zeros
                             for whoever is not there; in turn-taking environments what each saw at its last turn
    legal [W, n, A] bool     what each may do; 0 alone for those who do not act
    acting [W, n] bool       who decides: everybody alive, or (AECEnv) the one selected; never one whose mask is empty
    n_actions, obs_dim       A and D: the most of any agent; action_counts, obs_sizes: of each agent
    box                      (lows, highs), A numbers each, where actions are numbers: one range for all agents, and
                             -1 to 1 where theirs differ
    image                    (height, width, channels) where all agents see pictures of bytes of that shape

        worlds = OutsideWorlds("mpe2.simple_spread_v3", num_envs=8, seeds=(0, 1))
        worlds.reset()
        step = worlds.step(actions)       # integers [W, n]; numbers [W, n, A] where box is set

    Worlds begin anew in the step in which their last agent ends. ValueError in one sentence for spaces that no single
    head can serve, ImportError for a package that is missing.
    """

    lives_on = False  # nothing lasts from one episode to the next
    components: tuple[str, ...] = ("reward",)
    kinds: tuple[str, ...] = ("all",)
    n_stages = 1

    def __init__(self, source: Any, num_envs: int, seeds: Sequence[int], options: dict[str, Any] | None = None):
        self._source = source if isinstance(source, Source) else Source(source, options)
        self.label, self.num_envs, self.seeds = self._source.label, num_envs, tuple(seeds)
        self._check()
        self.num_worlds = len(self.seeds) * num_envs
        envs = [self._source.make() for _ in range(self.num_worlds)]
        seats = self._seat(envs[0])
        self._allot()
        kind: type[World] = TurnWorld if isinstance(envs[0], AECEnv) else ParallelWorld
        arrays = vars(self._step)
        self._worlds = [kind(env, seats, arrays, number) for number, env in enumerate(envs)]
        self._log: list[list[Any]] = [[] for _ in envs]  # what was chosen since the episode began
        self._episode = np.full(self.num_worlds, -1, dtype=np.int64)
        self._ready = False

    def _check(self) -> None:
        whole = isinstance(self.num_envs, int) and not isinstance(self.num_envs, bool)
        if not whole or self.num_envs < 1:
            raise ValueError(f"num_envs must be a whole number of at least 1; got {self.num_envs!r}")
        if not self.seeds or not all(isinstance(s, int | np.integer) and 0 <= s < 2**64 for s in self.seeds):
            raise ValueError(f"seeds must be whole numbers from 0 to 2**64 - 1, at least one; got {self.seeds!r}")

    def _seat(self, env: Environment) -> list[Seat]:
        """Everybody's seat, from the spaces of one environment."""
        names = list(getattr(env, "possible_agents", ()))
        if not names:
            raise ValueError(f"{self.label} must name its possible_agents; it names none")
        sights = [sight(env.observation_space(name), name) for name in names]
        choice = choices([env.action_space(name) for name in names], names)
        self.agents, self.n_agents = tuple(str(name) for name in names), len(names)
        self.obs_sizes, self.action_counts = tuple(one.size for one in sights), choice.counts
        self.obs_dim, self.n_actions, self.box = max(1, *self.obs_sizes), choice.n_actions, choice.box
        images = {one.image for one in sights}
        self.image = images.pop() if len(images) == 1 else None
        return [
            Seat(i, name, sights[i], choice.counts[i], choice.make[i], choice.box is None)
            for i, name in enumerate(names)
        ]

    def _allot(self) -> None:
        w, n, d, a = self.num_worlds, self.n_agents, self.obs_dim, self.n_actions
        step = self._step = OutsideStep()
        step.obs, step.final_obs = np.zeros((w, n, d), np.float32), np.zeros((w, n, d), np.float32)
        step.legal, step.acting, step.stage = np.zeros((w, n, a), bool), np.zeros((w, n), bool), np.zeros(w, np.int64)
        step.final_legal = np.zeros((w, n, a), bool)
        step.reward, step.terminated, step.truncated = np.zeros((w, n)), np.zeros((w, n), bool), np.zeros((w, n), bool)
        step.ended = step.round_over = np.zeros(w, bool)
        step.components, step.tallies = {"reward": step.reward}, {}
        self.obs, self.legal, self.acting, self.stage = step.obs, step.legal, step.acting, step.stage

    # ------------------------------------------------------------ run

    def reset(self) -> None:
        """Begin every world anew: with its first episode, or with the next one where it has begun before."""
        for world in self._worlds:
            self._begin(world, int(self._episode[world.number]) + 1)
        self._somebody_acts()
        self._ready = True

    def _begin(self, world: World, episode: int) -> None:
        b = world.number
        self._episode[b], self._log[b] = episode, []
        world.begin(int(key_of(self.seeds[b // self.num_envs], b % self.num_envs, episode)) >> 33)

    def step(self, actions: np.ndarray) -> OutsideStep:
        """One step in every world: everybody alive, or the one selected in each, does as `actions` say.

        actions: integers [W, n], 0 where an agent does not act; numbers [W, n, A] where box is set. IllegalAction where
        one is not legal (nothing is played), RuntimeError where a world goes on and nobody acts in it.
        """
        if not self._ready:
            raise NotReset("the worlds have not been reset; call reset() before step()")
        step, chosen = self._step, self._checked(np.asarray(actions)).tolist()
        step.reward.fill(0)
        step.terminated.fill(False)
        step.truncated.fill(False)
        step.ended.fill(False)
        for world, mine in zip(self._worlds, chosen):
            b = world.number
            self._log[b].append(mine)
            if world.play(mine):
                step.ended[b] = True
                self._begin(world, int(self._episode[b]) + 1)
        self._somebody_acts()
        return step

    def _somebody_acts(self) -> None:
        if np.count_nonzero(self.acting) == self.acting.size:
            return
        someone = self.acting.any(axis=1)
        if not someone.all():
            self._ready = False
            raise RuntimeError(
                f"nobody acts in world {int(someone.argmin())} of {self.label}, which has not ended; "
                "an environment must have an agent to act, or end"
            )

    def _checked(self, actions: np.ndarray) -> np.ndarray:
        shape = self.acting.shape if self.box is None else (*self.acting.shape, self.n_actions)
        kinds, what = ("iu", "integers") if self.box is None else ("iuf", "numbers")
        if actions.shape != shape or actions.dtype.kind not in kinds:
            raise ValueError(f"actions must be {what} of shape {shape}; got {actions.dtype} of shape {actions.shape}")
        if self.box is not None:
            self._within(actions, *self.box)
            return actions.astype(float)
        place = first_illegal(np.ascontiguousarray(actions, np.int64), self.legal)
        if place >= 0:
            b, i = divmod(place, self.n_agents)
            allowed = ", ".join(str(a) for a in np.flatnonzero(self.legal[b, i]))
            raise IllegalAction(f"{self.agents[i]} chose {actions[b, i]} in world {b}; it may choose {allowed}")
        return actions

    def _within(self, actions: np.ndarray, lows: tuple[float, ...], highs: tuple[float, ...]) -> None:
        fine = ((np.array(lows) <= actions) & (actions <= np.array(highs))) | ~self._counted_in()
        if not fine.all():
            b, i, k = (int(x) for x in np.argwhere(~fine)[0])
            raise IllegalAction(
                f"{self.agents[i]} chose {actions[b, i, k]} in world {b}; it may choose a number from {lows[k]:g} to "
                f"{highs[k]:g}"
            )

    def _counted_in(self) -> np.ndarray:
        """Which of the numbers [W, n, A] decide something."""
        return self.acting[:, :, None] & self.legal

    # ------------------------------------------------------------ what belongs to them

    def plans(self, heads: str) -> list[HeadPlan]:
        """One kind of decision, whatever `heads` asks for: environments from outside know no stages."""
        spec = HeadSpec("all", self.obs_dim, self.n_actions, box=self.box, image=self.image)
        return [HeadPlan(spec, (0,), slice(0, self.obs_dim))]

    def book(self, block: int, episodes: int, even: bool = False) -> RewardBook:
        """A book of rows for these worlds' steps (see training.books)."""
        return RewardBook(self.agents, self.seeds, self.num_envs, block, episodes, even)

    def another(self, num_envs: int, seeds: tuple[int, ...]) -> OutsideWorlds:
        """New worlds of the same source, as for evaluating in worlds of their own."""
        return OutsideWorlds(self._source, num_envs, seeds)

    def close(self) -> None:
        """Close all environments."""
        self._ready = False
        for world in self._worlds:
            world.env.close()

    # ------------------------------------------------------------ keep and restore

    def save(self) -> dict[str, np.ndarray]:
        """Everything that the future depends on, by name: for each world its episode and what was chosen since."""
        rows = [row for log in self._log for row in log]
        shape = self.acting.shape[1:] if self.box is None else (self.n_agents, self.n_actions)
        return {
            "ready": np.array(self._ready),
            "seeds": np.array(self.seeds, dtype=np.uint64),
            "episode": self._episode.copy(),
            "length": np.array([len(log) for log in self._log], dtype=np.int64),
            "actions": np.array(rows, dtype=np.int64 if self.box is None else float).reshape(-1, *shape),
            "obs": self.obs.copy(),
            "legal": self.legal.copy(),
            "acting": self.acting.copy(),
        }

    def load(self, saved: dict[str, np.ndarray]) -> None:
        """Return to a saved state by playing every world's episode again up to where it was.

        ValueError in one sentence where it is of other worlds, or where the environment does not do the same again.
        """
        own = self.save()
        for name in ("seeds", "episode", "length", "obs", "legal", "acting"):
            if name not in saved or saved[name].shape != own[name].shape:
                got = saved[name].shape if name in saved else "nothing"
                raise ValueError(f"the saved state is of other worlds: {name} should be {own[name].shape}; got {got}")
        if not np.array_equal(saved["seeds"], own["seeds"]):
            raise ValueError(f"the saved state is of the seeds {saved['seeds'].tolist()}; these are {self.seeds}")
        self._ready = False
        self._episode[...] = saved["episode"]
        if not saved["ready"]:
            return
        ends = np.cumsum(saved["length"])
        for world, end in zip(self._worlds, ends):
            b = world.number
            self._begin(world, int(saved["episode"][b]))
            chosen = saved["actions"][end - saved["length"][b] : end].tolist()
            over = any(world.play(mine) for mine in chosen)
            self._log[b] = chosen
            same = all(
                np.array_equal(own_now[b], saved[name][b], equal_nan=name == "obs") for name, own_now in self._now()
            )
            if over or not same:
                raise ValueError(
                    f"world {b} of {self.label} does not come back to where it was: with the same seed and the same "
                    "actions its environment did something else"
                )
        self._ready = True

    def _now(self) -> list[tuple[str, np.ndarray]]:
        return [("obs", self.obs), ("legal", self.legal), ("acting", self.acting)]
