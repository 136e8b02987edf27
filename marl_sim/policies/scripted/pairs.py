"""What the strategies of dilemmas that are played in pairs share."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...core.encounters import at_the_table
from ...games.matrix import COOPERATE, DEFECT
from ..base import Policy
from ..player import Player
from ..view import View


class Pairwise(Policy):
    """Base of the strategies of two-player dilemmas: `cooperates(view)` says which rows cooperate, bool [n].

    In stages other than play the first legal action is taken; `elsewhere(view)` may say otherwise. Opponents are told
    apart. ValueError in one sentence for a game that is not played in pairs, both at once, with two actions of which 0
    cooperates.
    """

    tags: ClassVar[dict[str, Any]] = {}
    apart: ClassVar[bool] = True
    recalls: ClassVar[bool] = False

    def reset(self, player: Player) -> None:
        check_dilemma(self, player)

    def act(self, view: View) -> np.ndarray:
        if view.kind != "play":
            return self.elsewhere(view)
        return np.where(self.cooperates(view), COOPERATE, DEFECT)

    def cooperates(self, view: View) -> np.ndarray:
        """Whether each row cooperates with whom it faces, bool [n]."""
        raise NotImplementedError(f"{type(self).__name__} must define cooperates(view)")

    def elsewhere(self, view: View) -> np.ndarray:
        """What it does in other stages than play."""
        return view.legal.argmax(axis=1)


def is_dilemma(player: Player) -> bool:
    """Whether what is played is a dilemma of two actions, 0 to cooperate and 1 to defect, chosen by both at once."""
    game = player.table.game
    if not player.table.in_pairs or game is None or list(game.constants.get("friendly", ())) != [1, 0]:
        return False
    return all(stage.acting is at_the_table for stage in game.stages if stage.kind == "play")


def check_dilemma(policy: Policy, player: Player) -> None:
    """ValueError in one sentence unless it can play the player's game."""
    if not is_dilemma(player):
        raise ValueError(
            f"{policy.name} plays dilemmas in pairs, both at once, with two actions of which 0 cooperates, such as "
            f"PrisonersDilemma(); {what_is_played(player)} is none"
        )


def sees(player: Player, kind: str, name: str) -> bool:
    """Whether a field of that name is seen in decisions of that kind."""
    return any(slot.kind == kind and slot.name == name for slot in player.table.slots)


def what_is_played(player: Player) -> str:
    """The name of the dilemma that is played."""
    game = player.table.game
    return "an environment from outside" if game is None else type(game.parts[0]).__name__


def check_share(policy: Policy, **values: float) -> None:
    """ValueError in one sentence unless all are from 0 to 1."""
    for name, value in values.items():
        if isinstance(value, str) or not 0 <= value <= 1:
            raise ValueError(f"{type(policy).__name__}: {name} must be from 0 to 1; got {value!r}")


def check_number(policy: Policy, **values: float) -> None:
    """ValueError in one sentence unless all are finite numbers."""
    for name, value in values.items():
        if not abs(value) < float("inf"):
            raise ValueError(f"{type(policy).__name__}: {name} must be a finite number; got {value!r}")


def check_whole(policy: Policy, least: int, **values: int) -> None:
    """ValueError in one sentence unless all are whole numbers of at least `least`."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            allowed = f"must be a whole number of at least {least}"
            raise ValueError(f"{type(policy).__name__}: {name} {allowed}; got {value!r}")


def payoffs(policy: Policy, player: Player) -> tuple[float, float, float, float]:
    """R, S, T and P of the game: for both cooperating, the sucker, temptation, both defecting.

    ValueError in one sentence where the two roles are not paid alike.
    """
    matrix = np.asarray(player.table.game.constants["matrix"])  # type: ignore[union-attr]
    if not (matrix[:, :, 0] == matrix[:, :, 1].T).all():
        raise ValueError(f"{policy.name} needs a game that is the same for both; {what_is_played(player)} is not")
    (r, s), (t, p) = matrix[:, :, 0]
    return float(r), float(s), float(t), float(p)
