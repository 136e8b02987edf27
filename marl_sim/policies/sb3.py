"""Agents of Stable-Baselines3 and sb3-contrib in a seat, and of whoever else has their `predict`."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from .base import Policy, check_fallback
from .sights import chosen, shown
from .view import View

if TYPE_CHECKING:
    from .player import Player


class Predicting(Policy):
    """An object with `predict(observation, state=None, episode_start=None, deterministic=False) -> (actions, state)`.

    model          a PPO, DQN, MaskablePPO, RecurrentPPO, ... or one of their policies
    deterministic  its best action; False: drawn by its odds, the same for the same seed
    illegal        what is played where it answers illegally, as models that see no masks do; see Policy

    Of what predict takes it is given what it knows: `action_masks` (legal actions, bool [n, A]), `state` and
    `episode_start`. A recurrent model's state is kept row by row, and begins anew where a game is over. Observations
    are shown as model.observation_space has them: a Box [D], or a Dict of "observation" and "action_mask".
    ValueError in one sentence for a model of other shapes than the game's.
    """

    model: Any = None
    deterministic: bool = True
    illegal: str = "raise"  # type: ignore[misc]
    tags: ClassVar[dict[str, Any]] = {}
    recalls = False

    def __post_init__(self) -> None:
        check_fallback("Predicting", self.illegal)
        if not callable(getattr(self.model, "predict", None)):
            raise ValueError(f"a model with predict(observation) was expected; got {self.model!r}")
        self._takes = set(inspect.signature(self.model.predict).parameters)

    @property
    def name(self) -> str:
        """The model's class."""
        return type(self.model).__name__

    def reset(self, player: Player) -> None:
        """Asks the model once about nothing, to learn the shapes of what it remembers."""
        space = getattr(self.model, "action_space", None)
        table, n = player.table, getattr(space, "n", None)
        if table.box is None and n is not None and n != table.legal.shape[2]:
            raise ValueError(f"{self.name} chooses among {n} actions; this game has {table.legal.shape[2]}")
        if table.box is None and space is not None and n is None:
            raise ValueError(f"{self.name} answers with {space}; this game's actions are whole numbers")
        if "state" not in self._takes:
            return
        with self._chance(0.5):
            _, state = self._ask(View(player, table.kinds[0], np.arange(1)), None, np.ones(1, bool))
        if state is not None:
            player.store["parts"] = type(state), len(state)
            for k, part in enumerate(state):  # [layers, rows, hidden]
                first = np.asarray(part)[:, 0]
                player.keep(f"state {k}", np.zeros_like(first))
            player.keep("begun", False)

    def act(self, view: View) -> np.ndarray:
        state = start = None
        made, parts = view.store.get("parts", (tuple, 0))
        if parts:
            start = ~view.kept["begun"]
            state = made(np.ascontiguousarray(view.kept[f"state {k}"].swapaxes(0, 1)) for k in range(parts))
        with self._chance(None if self.deterministic else view.uniform()[0]):
            actions, state = self._ask(view, state, start)
        for k in range(parts):
            view.kept[f"state {k}"] = np.asarray(state[k]).swapaxes(0, 1)
        if parts:
            view.kept["begun"] = True
        return chosen(actions, view, self.name)

    def _ask(self, view: View, state: Any, start: Any) -> tuple[Any, Any]:
        given = dict(state=state, episode_start=start, deterministic=self.deterministic, action_masks=view.legal)
        if view.box is not None:
            del given["action_masks"]
        seen = shown(getattr(self.model, "observation_space", None), view, self.name)
        said = self.model.predict(seen, **{name: what for name, what in given.items() if name in self._takes})
        return said if isinstance(said, tuple) else (said, None)

    @staticmethod
    @contextmanager
    def _chance(number: float | None) -> Iterator[None]:
        """Libraries draw from the process's own generators: seed these by a number in [0, 1), and put them back."""
        if number is None:
            yield
            return
        torch, before = sys.modules.get("torch"), np.random.get_state()  # noqa: NPY002
        held = None if torch is None else torch.get_rng_state()
        seed = int(number * 2**31)
        try:
            np.random.seed(seed)  # noqa: NPY002 (it is theirs)
            if torch is not None:
                torch.manual_seed(seed + 2**31)  # another: both are Mersenne twisters, and would draw the same
            yield
        finally:
            np.random.set_state(before)  # noqa: NPY002
            if torch is not None:
                torch.set_rng_state(held)
