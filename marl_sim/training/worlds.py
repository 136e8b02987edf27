"""The worlds a Trainer trains in, whoever made them: what it asks of them, and our own Simulator behind it.

`training.outside` puts PettingZoo environments behind the same interface.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from ..core.game import Game
from ..core.simulator import Simulator
from ..learners.base import HeadSpec
from .metrics import EpisodeBook


class HeadPlan:
    """One kind of decision that a learner is made for: which stages, which columns of the observation."""

    def __init__(self, spec: HeadSpec, stages: tuple[int, ...], columns: slice) -> None:
        self.name, self.spec, self.stages, self.columns = spec.name, spec, stages, columns


class Worlds(Protocol):
    """W worlds: `num_envs` for each of the seeds, seed by seed; n agents, D columns, A actions.

    obs float32 [W, n, D], legal bool [W, n, A], acting bool [W, n], stage int [W]   where the worlds are now
    box           (lows, highs) where decisions are numbers; actions are then float [W, n, A], else int64 [W, n]
    lives_on      whether a society goes on through a truncation, so that its next decision is what came after
    n_stages      how many stages there are
    step(actions) a moment: reward float64 [W, n] and its components by name; terminated, truncated bool [W, n], of each
                  agent; ended bool [W]: the world is over and has begun anew; final_obs [W, n, D], last seen where it
                  ended; final_legal bool [W, n, A], what was open then, if worlds that begin anew know it: nothing for
                  those of whom they do not
    """

    agents: tuple[str, ...]
    label: str
    components: tuple[str, ...]
    kinds: tuple[str, ...]
    n_agents: int
    n_actions: int
    n_stages: int
    num_envs: int
    num_worlds: int
    seeds: tuple[int, ...]
    box: tuple[tuple[float, ...], tuple[float, ...]] | None
    lives_on: bool

    @property
    def obs(self) -> np.ndarray:
        """What everybody sees."""

    @property
    def legal(self) -> np.ndarray:
        """What everybody may do."""

    @property
    def acting(self) -> np.ndarray:
        """Who decides."""

    @property
    def stage(self) -> np.ndarray:
        """In which stage each world is."""

    def reset(self) -> Any:
        """Begin every world anew."""

    def step(self, actions: np.ndarray) -> Any:
        """Play one step in every world."""

    def save(self) -> dict[str, np.ndarray]:
        """Everything that decides what comes next."""

    def load(self, saved: dict[str, np.ndarray]) -> None:
        """Go on from what `save` gave."""

    def plans(self, heads: str) -> list[HeadPlan]:
        """The decisions there are: one plan a kind, or one for all."""

    def another(self, num_envs: int, seeds: tuple[int, ...]) -> Worlds:
        """Fresh worlds of the same kind."""

    def close(self) -> None:
        """Let go of what the worlds hold."""

    def book(self, block: int, episodes: int, even: bool = False) -> Any:
        """What turns steps into rows of records."""


class Moment:
    """What a step of a Simulator did, agent by agent; see Worlds. Its arrays are views of the step's."""

    def __init__(self, step: Any) -> None:
        self.raw, self.components, self.reward = step, step.components, step.reward
        self.terminated = np.broadcast_to(step.terminated[:, None], step.reward.shape)
        self.truncated = np.broadcast_to(step.truncated[:, None], step.reward.shape)
        self.final_obs = step.final_obs

    @property
    def ended(self) -> np.ndarray:
        """Which worlds have begun anew, bool [W]."""
        return self.raw.terminated | self.raw.truncated


class SimulatorWorlds:
    """Our own worlds: a Simulator and what a Trainer asks of it.

    waiting  worlds, bool [W], that sit out the next step, in which nobody seems to act; None: none
    """

    lives_on = True
    waiting: np.ndarray | None = None
    _moment: Moment | None = None

    def __init__(
        self,
        game: Game,
        num_envs: int,
        seeds: tuple[int, ...],
        threads: int | None = None,
        settled: bool = False,
    ) -> None:
        self.game, self.threads, self.settled = game, threads, settled
        self.simulator = Simulator(game, num_envs, seeds, threads=threads, settled=settled)
        self.agents, self.label = tuple(game.agents), game.label
        self.components, self.kinds = game.components, game.kinds
        self.n_agents, self.n_actions, self.n_stages = game.n_agents, game.n_actions, len(game.stages)
        self.num_envs, self.num_worlds, self.seeds = num_envs, self.simulator.num_worlds, self.simulator.seeds
        self.box: tuple[tuple[float, ...], tuple[float, ...]] | None = None
        if game.box is not None:
            self.box = (game.box[0],), (game.box[1],)

    @property
    def obs(self) -> np.ndarray:
        return self.simulator.obs

    @property
    def legal(self) -> np.ndarray:
        return self.simulator.legal

    @property
    def acting(self) -> np.ndarray:
        acting = self.simulator.acting
        return acting if self.waiting is None else acting & ~self.waiting[:, None]

    @property
    def stage(self) -> np.ndarray:
        return self.simulator.stage

    def reset(self) -> None:
        self.simulator.reset()

    def step(self, actions: np.ndarray) -> Moment:
        only, self.waiting = None if self.waiting is None else ~self.waiting, None
        step = self.simulator.step(actions[..., 0] if self.box is not None else actions, only)
        if self._moment is None or self._moment.raw is not step:  # a Simulator shows all its steps in the same arrays
            self._moment = Moment(step)
        return self._moment

    def save(self) -> dict[str, np.ndarray]:
        return self.simulator.save()

    def load(self, saved: dict[str, np.ndarray]) -> None:
        self.simulator.load(saved)

    def another(self, num_envs: int, seeds: tuple[int, ...]) -> SimulatorWorlds:
        return SimulatorWorlds(self.game, num_envs, seeds, self.threads, self.settled)

    def close(self) -> None:
        """Nothing to let go of."""

    def book(self, block: int, episodes: int, even: bool = False) -> EpisodeBook:
        return EpisodeBook(self.game, self.seeds, self.num_envs, block, episodes, even=even)

    def plans(self, heads: str) -> list[HeadPlan]:
        game = self.game
        if heads == "one":
            spec = HeadSpec("all", game.obs_dim, game.n_actions, box=self.box)
            return [HeadPlan(spec, tuple(range(len(game.stages))), slice(0, game.obs_dim))]
        made = []
        for kind in game.kinds:
            columns, levels = game.layout.block(kind), game.layout.levels(kind)
            stages = tuple(k for k, stage in enumerate(game.stages) if stage.kind == kind)
            if columns.start == columns.stop:  # it sees nothing but that it is its turn: the stage's own column
                columns, levels = slice(stages[0], stages[0] + 1), (2,)
            spec = HeadSpec(kind, columns.stop - columns.start, len(game.choices(kind)), levels, box=self.box)
            made.append(HeadPlan(spec, stages, columns))
        return made


def looks(game: Game) -> tuple[Any, ...]:
    """What agents meet of a game: how many they are, what they decide among, and how they see it."""
    seen = [(slot.kind, slot.name, slot.start, slot.stop, slot.levels) for slot in game.layout.slots]
    return game.n_agents, [(stage.kind, stage.choices) for stage in game.stages], seen


def as_worlds(
    game: Any, num_envs: int, seeds: tuple[int, ...], options: Mapping[str, Any] | None, threads: int, settled: bool
) -> Worlds:
    """Worlds of a Game, of the name of a registered one, or of a PettingZoo environment however it is named."""
    from ..core.registry import make, registered

    if isinstance(game, str) and (game in registered() or not ({":", "."} & set(game))):
        game = make(game, **(options or {}))
    if isinstance(game, Game):
        return SimulatorWorlds(game, num_envs, seeds, threads, settled)
    from .outside import OutsideWorlds

    return OutsideWorlds(game, num_envs, seeds, dict(options or {}))
