"""What a policy is, and what it is shown."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from ..core.fields import Layout
from ..core.rng import fill_uniform, key_of, purpose


class View:
    """What one seat sees in the worlds in which it decides now.

    kind    the kind of stage it decides in ("play", "punish", ...)
    n       number of these worlds
    obs     the flat observations, float32 [n, D]
    legal   which actions are open, bool [n, A]
    view["target_actions"]   a field by name, in its own values (one-hot groups as whole numbers, -1 for none):
                             [n] for fields of one number, [n, size] for longer ones
    uniform()                one random number in [0, 1) a world, of the seat's own stream
    """

    def __init__(
        self,
        kind: str,
        obs: np.ndarray,
        legal: np.ndarray,
        layout: Layout,
        levels: dict[str, int],
        keys: Sequence[tuple[int, int]],
    ):
        self.kind, self.obs, self.legal = kind, obs, legal
        self.n = len(obs)
        self._layout, self._levels, self._drawn = layout, levels, 0
        self._keys = keys  # of each seed: its stream, and how many of these worlds are its

    def __getitem__(self, name: str) -> np.ndarray:
        for slot in self._layout.slots:
            if slot.name == name and slot.kind == self.kind:
                return self._decode(
                    self.obs[:, slot.start : slot.stop], self._levels.get(f"{slot.kind}:{name}"), slot.levels
                )
        seen = ", ".join(slot.name for slot in self._layout.slots if slot.kind == self.kind)
        raise KeyError(f"no field {name!r} is seen in {self.kind!r} (seen: {seen or 'nothing'})")

    def __contains__(self, name: str) -> bool:
        return any(slot.name == name and slot.kind == self.kind for slot in self._layout.slots)

    def _decode(self, columns: np.ndarray, levels: int | None, coded: int | None) -> np.ndarray:
        if levels and coded is None:
            groups = columns.reshape(self.n, -1, levels)
            columns = np.where(groups.any(-1), groups.argmax(-1), -1)
        elif levels:
            columns = columns.astype(np.int64)
        return columns[:, 0] if columns.shape[1] == 1 else columns

    def uniform(self) -> np.ndarray:
        """Random numbers in [0, 1), float64 [n], the same for the same seed, seat and moment."""
        self._drawn += 1
        numbers, at = np.empty(self.n), 0
        for key, count in self._keys:
            fill_uniform(key_of(key, self._drawn), numbers[at : at + count])
            at += count
        return numbers


class Policy:
    """Base of the policies: a dataclass of options with one method, called once a step for all its worlds.

    `tags` say what kind of strategy it is (memory, stochastic, nice, punisher, ...). Policies keep no state of their
    own: what they know is in the view.
    """

    tags: ClassVar[dict[str, Any]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(cls)

    def act(self, view: View) -> np.ndarray:
        """Actions, integers [view.n], each legal."""
        raise NotImplementedError(f"{type(self).__name__} must define act(view) and return an action for each world")


def seat_key(seed: int, agent: int, tick: int) -> int:
    """The random stream of a policy's seat at one moment."""
    return int(key_of(seed, purpose("policy"), agent, tick))
