"""What all lanes have: L independent agents of one head in stacked arrays, their keys, their clocks, their keeping."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .draws import lane_keys

if TYPE_CHECKING:
    from .base import HeadSpec


class Lanes:
    """L independent agents (or teams) of one head in stacked arrays.

    B worlds share a lane: a lane decides and learns in all of them. Arrays that methods return are reused; copy what
    you keep.
    """

    ONLY_FOR_LEARNING: tuple[str, ...] = (  # names of the state begin so
        "replay", "adam", "streams", "memory", "target", "value_scale", "acting",
    )  # fmt: skip

    def __init__(self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray) -> None:
        seeds, team_index = np.atleast_1d(np.asarray(seeds)), np.atleast_1d(np.asarray(team_index))
        if seeds.ndim != 1 or seeds.shape != team_index.shape:
            raise ValueError(
                f"Head {spec.name!r} got seeds of shape {seeds.shape} and team_index of shape {team_index.shape}; "
                "both must be [L]."
            )
        if spec.box is not None and not options.continuous:
            raise ValueError(
                f"{type(options).__name__} chooses among whole numbers, and head {spec.name!r} decides on numbers of a "
                "range; a game with box=False, or A2C or PPO, will do."
            )
        self.options, self.spec = options, spec
        self.owners: list[str] = []  # who each lane is, for errors, where somebody has said so
        self.n_lanes = seeds.size
        self.keys = lane_keys(seeds, team_index, spec.name)
        self.decisions = np.zeros(self.n_lanes, np.int64)  # counters of the exploration stream
        self.greedy_ties = np.zeros(self.n_lanes, np.int64)  # of the stream that breaks ties when acting greedily
        self.updates = np.zeros(self.n_lanes, np.int64)  # learning steps done
        self._actions = np.zeros((self.n_lanes, 0), np.int64)
        self._losses = np.full(self.n_lanes, np.nan)

    plays_at_once = False  # whether `play` stands for `act` and `decided`, see StreamLanes

    def act(self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool = False) -> np.ndarray:
        """Actions of the lanes in their worlds, 0 where nobody decides; `greedy`: without exploring."""
        raise NotImplementedError

    def export(self, lane: int) -> Any:
        """One agent as a torch module (see learners.export), as a net of its values, or as a table [S, A]."""
        raise NotImplementedError(f"{type(self.options).__name__} has no agents that could be exported")

    def end_episode(self, lanes: np.ndarray | None = None) -> None:
        """Tell lanes (bool [L], default all) that an episode of theirs ended in one of their worlds."""

    def fall_behind(self, wait: Callable[[], None]) -> None:
        """From now on, act and remember while learning goes on elsewhere, by what was learned one update ago.

        wait: returns once the work last given out is done; see `behind.BehindLanes`. ValueError where they cannot.
        """
        raise ValueError(f"{type(self.options).__name__} cannot act while it learns; overlap must be False with it.")

    # -- saving --------------------------------------------------------------------------------------------------

    def _state(self) -> dict[str, np.ndarray]:
        """All arrays that change, by name; loading copies into them."""
        return {"decisions": self.decisions, "greedy_ties": self.greedy_ties, "updates": self.updates}

    def _memories(self) -> dict[str, np.ndarray]:
        """Copies of arrays whose second dimension grows with what is remembered, by name."""
        return {}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        """Take over what `_memories` gave."""

    def state_dict(self) -> dict[str, np.ndarray]:
        """Copies of everything that changes, lanes first; the same options and seeds with them go on bit for bit."""
        return {name: np.array(array) for name, array in self._state().items()} | self._memories()

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over a state_dict; raises ValueError where its names or shapes are not those of these lanes."""
        own, memories = self._state(), self._memories()
        if set(state) != {*own, *memories}:
            odd = ", ".join(sorted(set(state) ^ {*own, *memories}))
            raise ValueError(
                f"The saved state of head {self.spec.name!r} differs in {odd}; it must be of the same learner."
            )
        for name, array in own.items():
            self._same_shape(name, np.shape(state[name]), array.shape)
        for name, array in memories.items():
            shape = np.shape(state[name])
            grown = self._grown(name, shape, array.shape)
            self._same_shape(name, shape, grown)
        for name, array in own.items():
            array[...] = state[name]
        self._remember({name: np.asarray(state[name]) for name in memories})

    def learned(self) -> dict[str, np.ndarray]:
        """Of the state, what acting needs: neither what is remembered nor what only learning on would need."""
        return {k: np.array(v) for k, v in self._state().items() if not k.startswith(self.ONLY_FOR_LEARNING)}

    def played(self) -> dict[str, np.ndarray]:
        """As `learned`, of what training acts by now; may be asked while learning goes on elsewhere."""
        return self.learned()

    def load_learned(self, state: Mapping[str, np.ndarray]) -> None:
        """Take over what `learned` or `state_dict` gave, for acting; ValueError as `load_state_dict`."""
        mine = {k: v for k, v in state.items() if not k.startswith(self.ONLY_FOR_LEARNING)}
        self.load_state_dict(self.state_dict() | mine)

    def _grown(self, name: str, saved: tuple[int, ...], mine: tuple[int, ...]) -> tuple[int, ...]:
        """The shape that a saved memory may have: as mine, but for how much is remembered."""
        return (*mine[:1], *saved[1:2], *mine[2:]) if len(saved) == len(mine) else mine

    def _same_shape(self, name: str, saved: tuple[int, ...], mine: tuple[int, ...]) -> None:
        if saved != mine:
            raise ValueError(f"The saved {name} of head {self.spec.name!r} has shape {saved}; these lanes need {mine}.")

    # -- checking ------------------------------------------------------------------------------------------------

    def _begin(self) -> np.ndarray:
        self._losses.fill(np.nan)
        return self.updates.copy()

    def _lane(self, lane: int) -> str:
        named = f"Lane {lane} of head {self.spec.name!r}"
        return f"{named} ({self.owners[lane]})" if self.owners else named

    def _bad_loss(self, lane: int) -> FloatingPointError:
        return FloatingPointError(
            f"{self._lane(lane)} has a loss of {self._losses[lane]} at learning step "
            f"{self.updates[lane] + 1}; it must stay finite (a smaller step size may help)."
        )

    def _bad_reward(self, lane: int, dtype: Any = np.float64) -> FloatingPointError:
        return FloatingPointError(
            f"{self._lane(lane)} got a reward that is not finite; rewards must be finite {np.dtype(dtype)} numbers."
        )

    def _nothing_legal(self, lane: int) -> ValueError:
        return ValueError(
            f"{self._lane(lane)} must decide but has no legal action of a finite value; "
            "every decision needs at least one, and observations must be finite."
        )

    def _check_levels(self, obs: np.ndarray, deciding: np.ndarray) -> None:
        """ValueError where somebody who decides sees what is no index of an index-coded column."""
        levels = np.asarray(self.spec.levels)
        odd = ~((obs >= 0) & (obs < levels) & (obs == np.floor(obs))) & deciding[..., None]
        if odd.any():
            lane, row, d = (int(x) for x in np.argwhere(odd)[0])
            raise ValueError(
                f"{self._lane(lane)} sees {obs[lane, row, d]:g} in column {d}; it must be a whole number from 0 to "
                f"{levels[d] - 1}."
            )

    def _arrays(
        self, obs: np.ndarray, legal: np.ndarray, flag: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The three as contiguous arrays of the kernels' dtypes; ValueError where a shape does not fit."""
        flag = np.ascontiguousarray(flag, dtype=np.bool_)
        obs = np.ascontiguousarray(obs, dtype=np.float32)
        legal = np.ascontiguousarray(legal, dtype=np.bool_)
        worlds = flag.shape[1] if flag.ndim == 2 else -1
        self._fit("flags", flag, (self.n_lanes, worlds))
        self._fit("obs", obs, (self.n_lanes, worlds, self.spec.obs_dim))
        self._fit("legal", legal, (self.n_lanes, worlds, self.spec.n_actions))
        return obs, legal, flag

    def _fit(self, name: str, array: np.ndarray, shape: tuple[int, ...]) -> None:
        if array.shape != shape:
            raise ValueError(f"Head {self.spec.name!r} got {name} of shape {array.shape}; it needs {shape}.")
