"""Hands tremble and eyes err."""

from __future__ import annotations

from typing import Any

import numba

from ..core.fields import StateField
from ..core.game import Game
from ..core.part import at_least
from ..core.rng import integer, mix, uniform
from ..core.rules import Rule, rule
from ..core.society import Mechanism


@numba.njit
def another(key: Any, i: Any, count: Any, action: Any) -> Any:
    """One of the actions 0..count-1 other than `action`, drawn uniformly; `action` itself where there is none."""
    if count < 2:
        return action
    drawn = integer(key, i, count - 1)
    return drawn + 1 if drawn >= action else drawn


@rule
def tremble(
    key: Any, n: Any, acting: Any, hosting: Any, rows: Any, columns: Any, action: Any, execution: Any, slips: Any
) -> None:
    """With probability `execution` a player does something else than it chose."""
    for i in range(n):
        if acting[i] and uniform(key, i) < execution:
            done = another(mix(key, 1), i, rows if hosting[i] else columns, action[i])
            slips[0] += done != action[i]
            action[i] = done


@rule
def misread(
    key: Any, n: Any, acting: Any, hosting: Any, rows: Any, columns: Any, action: Any, perception: Any, seen_as: Any,
    misreadings: Any,
) -> None:  # fmt: skip
    """With probability `perception` what a player does looks like something else, to everybody else."""
    for i in range(n):
        if acting[i] and uniform(key, i) < perception:
            looks = another(mix(key, 1), i, rows if hosting[i] else columns, action[i])
            if looks != action[i]:
                seen_as[i] = looks
                misreadings[0] += 1


class Noise(Mechanism):
    """Errors in play: the wrong thing is done (execution), or the right thing is taken for another (perception).

    execution    probability that a player does another of its legal actions, drawn uniformly, than the one it chose
    perception   probability that its action is taken for another of its legal actions, drawn uniformly

    A slip is real: it is paid for, and everybody, its author included, knows what was done, not what was meant. A
    misreading is public: payoffs are those of what was done and its author knows what it did, but memories,
    reputations, norms and judges go by what it looked like, the same to all, until its next action. Each play, and
    each answer to one, errs independently, an action that slipped can be misread as well, and an agent whose only legal
    action it is does not err.

    Observation, action, reward   none of its own
    State         tallies slips [1], misreadings [1]: how many there were. The tally `choices` counts what was chosen,
                  `outcomes` what was done
    Errors        probabilities outside 0 to 1
    Source        Sigmund, "The Calculus of Selfishness" (2010), on errors of implementation and of perception
    """

    execution: float = 0.0
    perception: float = 0.0

    def check(self) -> None:
        at_least("Noise", "execution", self.execution, 0, 1)
        at_least("Noise", "perception", self.perception, 0, 1)

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"before:play": [tremble, misread], "before:respond": [tremble, misread]}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"slips": (1,), "misreadings": (1,)}
