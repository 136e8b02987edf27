"""How a world's state lies in memory: one row a world, in sections, so that starting anew is a copy from a template."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from .game import Game
from .native import code


class Row:
    """Offsets in bytes of the state fields and of the sections they lie in.

    paid          reward components [components, n_agents], zero at the start of every step
    renewed       what an episode renews; its last part, counted, are the tallies
    lasting       what only a termination or a reset renews
    last_counted  the tallies of the last episode
    and `tick`, which nothing renews: the clock of the draws
    """

    def __init__(self, game: Game):
        self.game, self.size = game, 0
        self.fields: dict[str, tuple[str, int, tuple[int, ...]]] = {}  # name -> dtype, offset, shape
        apart = {"tick", *game.components, *game.tallies}
        own = [name for name in game.state if name not in apart]
        self._section("tick_section", ["tick"])
        self._section("paid", game.components, (len(game.components), game.n_agents))
        start = self.size
        self._section("", [name for name in own if not game.state[name].lasting])
        self._section("counted", game.tallies)
        self.fields["renewed"] = ("i8", start, ((self.size - start) // 8,))
        self._section("lasting", [name for name in own if game.state[name].lasting])
        start = self.size
        for name in game.tallies:
            self._place(f"last_{name}", name)
        self.fields["last_counted"] = ("i8", start, ((self.size - start) // 8,))
        template = np.zeros(self.size // 8, dtype=np.int64)
        for name in own:
            _, offset, shape = self.fields[name]
            np.ndarray(shape, game.state[name].dtype, template, offset)[...] = game.state[name].fill
        self.renewed_template, self.lasting_template = (self._cut(template, name) for name in ("renewed", "lasting"))

    def _place(self, label: str, name: str) -> None:
        field = self.game.state[name]
        self.fields[label] = (code(field.dtype), self.size, field.shape)
        self.size += -(-math.prod(field.shape) * np.dtype(field.dtype).itemsize // 8) * 8

    def _section(self, label: str, names: Iterable[str], shape: tuple[int, ...] | None = None) -> None:
        start = self.size
        for name in names:
            self._place(name, name)
        if label:
            self.fields[label] = ("f8" if shape else "i8", start, shape or ((self.size - start) // 8,))

    def _cut(self, template: np.ndarray, name: str) -> np.ndarray:
        _, offset, (words,) = self.fields[name]
        return template[offset // 8 : offset // 8 + words].copy()

    def place(self, worlds: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Memory for `worlds` rows, int64 [worlds, words], and the named arrays in it, worlds first."""
        memory = np.zeros((worlds, self.size // 8), dtype=np.int64)
        views = {}
        for name, (dtype, offset, shape) in self.fields.items():
            kind = np.dtype(dtype)
            inner = tuple(math.prod(shape[d + 1 :]) * kind.itemsize for d in range(len(shape)))
            views[name] = np.ndarray((worlds, *shape), kind, memory, offset, (memory.strides[0], *inner))
        return memory, views
