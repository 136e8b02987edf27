"""Best replies, dominance and iterated elimination, exact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .form import NormalForm
from .payoffs import normal_form


def best_replies(game: Any, strategies: Sequence[Any], player: int) -> tuple[int, ...]:
    """The actions that pay `player` most when the others follow `strategies` (its own entry is ignored).

    game         anything that `normal_form` takes
    strategies   one a player: an action number, or probabilities of its actions
    """
    values = normal_form(game).values(strategies, player)
    most = max(values)
    return tuple(a for a, v in enumerate(values) if v == most)


def is_equilibrium(game: Any, strategies: Sequence[Any], tolerance: float = 0.0) -> bool:
    """Whether nobody gains more than `tolerance` by doing something else alone, by trying all that they could do."""
    form = normal_form(game)
    mixed = form.mixed(strategies)
    for i, own in enumerate(mixed):
        values = form.values(mixed, i)
        if max(values) - sum(p * v for p, v in zip(own, values)) > tolerance:
            return False
    return True


@dataclass(frozen=True)
class Elimination:
    """What is left when dominated actions are taken out, and again while there are any.

    kept    for each player, the numbers of the actions left
    steps   (player, action, action that dominates it), in the order in which they went
    """

    kept: tuple[tuple[int, ...], ...]
    steps: tuple[tuple[int, int, int], ...]

    @property
    def solvable(self) -> bool:
        """Whether one profile is left."""
        return all(len(actions) == 1 for actions in self.kept)


def dominated(game: Any, player: int = 0, strict: bool = True) -> dict[int, int]:
    """The dominated actions of `player`: {action: an action that dominates it}.

    strict   the other pays more whatever the others do; False: never less, and more in some case
    """
    form = normal_form(game)
    return _dominated(form, [list(range(count)) for count in form.shape], player, strict)


def eliminate(game: Any, strict: bool = True) -> Elimination:
    """Iterated elimination of actions dominated by another action.

    Every equilibrium of the game is in what strict elimination leaves. Weak elimination depends on the order; here
    all players' weakly dominated actions go at once, round by round.
    """
    form = normal_form(game)
    kept = [list(range(count)) for count in form.shape]
    steps: list[tuple[int, int, int]] = []
    while True:
        if form.symmetric:
            found = [_dominated(form, kept, 0, strict)] * form.n
        else:
            found = [_dominated(form, kept, i, strict) for i in range(form.n)]
        if not any(found):
            return Elimination(tuple(map(tuple, kept)), tuple(steps))
        for i, out in enumerate(found):
            steps += [(i, a, by) for a, by in out.items()]
            kept[i] = [a for a in kept[i] if a not in out]


def _dominated(form: NormalForm, kept: list[list[int]], player: int, strict: bool) -> dict[int, int]:
    """As `dominated`, in the game that is left of the kept actions."""
    cases = _cases(form, kept, player)
    found: dict[int, int] = {}
    for a, row in enumerate(cases):
        never_less = cases >= row
        more = cases > row
        by = more.all(1) if strict else never_less.all(1) & more.any(1)
        if by.any():
            found[kept[player][a]] = kept[player][int(by.argmax())]
    return found


def _cases(form: NormalForm, kept: list[list[int]], player: int) -> np.ndarray:
    """What the kept actions of a player pay, by all that the others may do: [actions, cases]."""
    if form.symmetric:
        sums = {0}
        for _ in range(form.n - 1):
            sums = {t + a for t in sums for a in kept[0]}
        return form.own_table[0][np.ix_(kept[player], sorted(sums))]
    table = form.table[0][..., player][np.ix_(*kept)]
    return np.moveaxis(table, player, 0).reshape(len(kept[player]), -1)
