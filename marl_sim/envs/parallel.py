"""The PettingZoo ParallelEnv: every agent at every stage, those that do not decide passing."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any

import numpy as np
from pettingzoo import ParallelEnv

from ..core.errors import NotReset
from ..core.game import Game
from .face import Face

Observations = dict[str, Any]
Infos = dict[str, dict[str, Any]]


class GameParallelEnv(Face, ParallelEnv):
    __doc__ = Face.__doc__

    def _bind(self) -> None:
        super()._bind()
        names = self.possible_agents
        self._pick = itemgetter(*names) if len(names) > 1 else lambda actions: (actions[names[0]],)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in super().__getstate__().items() if name != "_pick"}

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Observations, Infos]:
        """Begin an episode (see the class for what `seed` decides); returns observations and infos by agent."""
        self._begin(seed)
        self.agents = self.possible_agents[:]
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, int]
    ) -> tuple[Observations, dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """Play one stage; returns observations, rewards, terminations, truncations and infos by agent.

        `actions` holds an integer for every agent that decides; the others may be left out or pass with 0.
        IllegalAction (nothing is played) or ValueError in one sentence otherwise; NotReset before the first reset and
        after the end.
        """
        if not self.agents:
            return self._nobody(actions)
        names = self.possible_agents
        self._play(self._chosen(actions) if self.game.box is None else self._sorted_out(actions))
        rewards = dict(zip(names, self._reward.tolist()))
        terminations = dict.fromkeys(names, self.terminated)
        truncations = dict.fromkeys(names, self.truncated)
        if self.terminated or self.truncated:
            self.agents = []
        return self._observations(), rewards, terminations, truncations, self._infos()

    def _chosen(self, actions: Mapping[str, int]) -> np.ndarray:
        """Everybody's action, integers [1, n]."""
        try:
            chosen = self._pick(actions)
            array = np.array((chosen,)) if len(actions) == len(self.possible_agents) else self._sorted_out(actions)
        except (KeyError, TypeError, ValueError, OverflowError):
            array = self._sorted_out(actions)
        if array.dtype.kind not in "iu" or array.ndim != 2:
            array = self._sorted_out(actions)
        return array if self.illegal_action == "raise" else self._repaired(array)

    def _observations(self) -> Observations:
        if self.game.box is not None:
            return dict(zip(self.possible_agents, self._obs))
        return {
            agent: {"observation": seen, "action_mask": mask}
            for agent, seen, mask in zip(self.possible_agents, self._obs, self._mask)
        }

    def _infos(self) -> Infos:
        at = self._at
        return {agent: {"stage": at, "acting": acts} for agent, acts in zip(self.possible_agents, self._decides)}

    def _nobody(self, actions: Mapping[str, int]) -> Any:
        """A step where nobody lives: PettingZoo's empty answer to no actions after an end, an error otherwise."""
        self._need_reset("step")
        if actions:
            raise NotReset("the episode has ended; call reset() before step()")
        return {}, {}, {}, {}, {}

    def _sorted_out(self, actions: Mapping[str, int]) -> np.ndarray:
        """The slow way, for dictionaries that leave somebody out or hold something odd, or numbers of a box: [1, n]."""
        box = self.game.box
        if not isinstance(actions, Mapping):
            what = "integers" if box is None else "numbers"
            raise ValueError(f"actions must be a dictionary from agents to {what}; got {actions!r}")
        for agent in actions:
            self._known(agent)
        array = np.zeros((1, self.game.n_agents), dtype=np.int64 if box is None else np.float64)
        for i, agent in enumerate(self.possible_agents):
            if agent in actions and box is None:
                array[0, i] = self._integer(agent, actions[agent])
            elif agent in actions and self._acting[i]:
                array[0, i] = self._amount(agent, actions[agent])
            elif agent not in actions and self._acting[i]:
                raise ValueError(f"actions must hold an action for {agent}, which decides in stage {self.stage.name!r}")
        return array

    def _repaired(self, actions: np.ndarray) -> np.ndarray:
        """The same actions [1, n] with the illegal ones replaced."""
        count = self.game.n_actions
        row = actions[0]
        inside = (row >= 0) & (row < count)
        fine = inside & (self._legal[np.arange(len(row)), np.where(inside, row, 0)] != 0)
        if not fine.all():
            actions = actions.astype(np.int64)
            for i in np.flatnonzero(~fine):
                actions[0, i] = self._mended(int(i), int(row[i]))
        return actions


def parallel_env(
    game: Game | str,
    render_mode: str | None = None,
    illegal_action: str = "raise",
    max_cycles: int | None = None,
    seed: int = 0,
    render_size: tuple[int, int] | None = None,
    **options: Any,
) -> GameParallelEnv:
    """A PettingZoo ParallelEnv of `game`: a Game, or a registered name with its options.

        env = ms.parallel_env("direct_punishment", n_agents=5)
        observations, infos = env.reset(seed=0)
        while env.agents:
            actions = {a: env.action_space(a).sample(observations[a]["action_mask"]) for a in env.agents}
            observations, rewards, terminations, truncations, infos = env.step(actions)

    The arguments are explained in GameParallelEnv. ValueError in one sentence for a wrong one.
    """
    return GameParallelEnv(game, render_mode, illegal_action, max_cycles, seed, render_size, **options)
