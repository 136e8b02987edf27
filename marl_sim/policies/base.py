"""What a policy is: whoever acts without learning here, in one method."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..core.errors import unknown

if TYPE_CHECKING:
    from .player import Player
    from .view import Seen, View

FALLBACKS = ("raise", "pass", "repeat", "random")


class Policy:
    """Base of the policies: a dataclass of options with one method, called once a step for all its worlds.

    act(view)      the actions, one for each of the rows (a world and an agent in it) that decide now; see View
    reset(player)  optional: before the first step; Player says which rows it has, in which game
    see(seen)      optional: after every step, what it paid and which worlds ended; see Seen
    close(player)  optional: after the last step
    resume(player) optional: it is asked again after `close`; what was let go is taken up anew, memory is as it was

    A policy holds options and nothing else, so that one object can sit in many seats and runs. What it remembers of a
    row lives in `view.kept`, under the names and first values that `keeps` gives; it is part of a run's checkpoints,
    and begins anew where a game is over. What cannot be kept as arrays (connections, other libraries' objects) lives in
    `player.store`.

    tags           what kind of strategy it is (memory, stochastic, nice, punisher, ...)
    keeps          name -> first value of what it remembers of a row: a bool, a number, or an array
    apart          whether it remembers each opponent by itself, in games that are played in pairs
    recalls        whether it reads `view.history()`, which is then recorded
    slow           whether it thinks in a thread of its own while learners decide
    worlds         it sits in the first so many worlds only, and chance plays in the others; None: in all
    illegal        what is played where it gives an illegal action, or -1 (NaN) for none: "raise" IllegalAction; "pass",
                   the first legal action; "repeat", its last one where that is legal; "random", a legal one. Counted
    """

    tags: ClassVar[dict[str, Any]] = {}
    keeps: ClassVar[dict[str, Any]] = {}
    apart: ClassVar[bool] = False
    recalls: ClassVar[bool] = True
    slow: ClassVar[bool] = False
    worlds: ClassVar[int | None] = None
    illegal: ClassVar[str] = "raise"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(cls)

    def act(self, view: View) -> np.ndarray:
        """Actions, integers [view.n] (numbers where the game's decisions are continuous), each legal."""
        raise NotImplementedError(f"{type(self).__name__} must define act(view) and return an action for each world")

    def reset(self, player: Player) -> None:
        """Before the first step. ValueError in one sentence if it cannot play this game."""

    def see(self, seen: Seen) -> None:
        """After every step."""

    def close(self, player: Player) -> None:
        """After the last step."""

    def resume(self, player: Player) -> None:
        """Before the first step after `close`. Whoever thinks elsewhere is greeted anew; others have let nothing go."""
        if self.slow:
            self.reset(player)

    def clone(self) -> Policy:
        """Another with the same options."""
        return dataclasses.replace(self)  # type: ignore[type-var]

    @property
    def name(self) -> str:
        """Its class and the options that are not as usual: GenerousTitForTat(generosity=0.2)."""
        given = ", ".join(
            f"{f.name}={value:g}" if isinstance(value, float) else f"{f.name}={value!r}"
            for f in dataclasses.fields(self)  # type: ignore[arg-type]
            if f.repr and (value := getattr(self, f.name)) is not f.default and value != f.default
        )
        return f"{type(self).__name__}({given})" if given else type(self).__name__


class Random(Policy):
    """Any legal action, all equally likely."""

    tags = dict(memory=0, stochastic=True)
    recalls = False

    def act(self, view: View) -> np.ndarray:
        return view.random_legal()


def check_fallback(owner: str, word: Any) -> None:
    """ValueError in one sentence unless it says what to play instead of an illegal action."""
    if word not in FALLBACKS:
        raise ValueError(f"{owner}: " + unknown("illegal", word, FALLBACKS))
