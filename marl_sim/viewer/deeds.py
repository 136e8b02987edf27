"""What was done in a stage, as deeds that a picture can show: who, to whom, of which kind, in which words."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from ..core.game import Game


class Deed(NamedTuple):
    """One decision: of which kind (see marks.MEANING), by whom, about whom (-1 nobody), in words, how much of it."""

    kind: str
    agent: int
    target: int
    word: str
    amount: float


def deeds(game: Game, before: dict[str, np.ndarray], actions: np.ndarray) -> list[Deed]:
    """The decisions of a stage. before: the state fields of its world when it was open; actions [n]."""
    stage = game.stages[int(before["stage"][0])]
    read = KINDS.get(stage.kind, _other)
    found = []
    for i in np.flatnonzero(before["acting"]).tolist():
        if stage.box is not None:
            word, amount = f"{stage.choices[0]} {actions[i]:.3g}", float(actions[i])
        else:
            word, amount = stage.choices[int(actions[i])], amount_of(stage.choices[int(actions[i])])
        target = int(before["target"][i])
        found.append(read(game, before, i, target if target != i else -1, actions[i], word, amount))
    return found


@lru_cache(maxsize=4096)
def amount_of(word: str) -> float:
    """The number in a choice's words: 2.5 of "give 2.5", 30 of "return 30%"; 1 where there is none."""
    for part in word.replace("%", " ").split():
        try:
            return float(part)
        except ValueError:
            continue
    return 1.0


def _facing(before: dict[str, np.ndarray], i: int, target: int) -> int:
    return int(before["facing"][i]) if target < 0 and "facing" in before else target


def _play(game: Game, before: Any, i: int, target: int, action: Any, word: str, amount: float, offset: int = 0) -> Deed:
    if word.startswith(("give", "take", "send", "return", "offer", "wage", "effort")):
        kind = "give"
    else:
        kind = "cooperate" if is_friendly(game, action, offset) else "defect"
    return Deed(kind, i, _facing(before, i, target), word, amount)


def is_friendly(game: Game, action: Any, offset: int = 0) -> bool:
    """Whether an action counts as cooperation, as the game says; the first does where it says nothing."""
    friendly = game.constants.get("friendly")
    if game.box is not None:
        return float(action) >= float(game.constants.get("fair_amount", 0.0))
    if friendly is None:
        return int(action) == 0
    return bool(friendly[min(int(action) + offset, len(friendly) - 1)])


def _respond(game: Game, before: Any, i: int, target: int, action: Any, word: str, amount: float) -> Deed:
    return _play(game, before, i, target, action, word, amount, len(game.choices("play")))


def _punish(game: Game, before: Any, i: int, target: int, action: Any, word: str, amount: float) -> Deed:
    if amount == 0 or int(action) == 0:
        return Deed("spare", i, target, word, 0.0)
    deserved = "defected" not in before or bool(before["defected"][target])
    return Deed("just" if deserved else "unjust", i, target, word, amount)


def _gift(game: Game, before: Any, i: int, target: int, action: Any, word: str, amount: float) -> Deed:
    kind = "spare" if int(action) == 0 else "gift"
    return Deed(kind, i, _facing(before, i, target), word, amount if int(action) else 0.0)


def _talk(game: Game, before: Any, i: int, target: int, action: Any, word: str, amount: float) -> Deed:
    other = 1 - i if game.n_agents == 2 else _facing(before, i, target)
    return Deed("talk", i, other, word, amount)


def _select(game: Game, before: Any, i: int, target: int, action: Any, word: str, amount: float) -> Deed:
    peers = game.constants.get("peers")
    chosen = int(peers[i, int(action)]) if peers is not None else target
    return Deed("choose", i, chosen, word, 1.0)


def _consent(game: Game, before: Any, i: int, target: int, action: Any, word: str, amount: float) -> Deed:
    return Deed("choose" if int(action) else "spare", i, target, word, 1.0)


def _other(game: Game, before: Any, i: int, target: int, action: Any, word: str, amount: float) -> Deed:
    return Deed("other", i, target, word, amount)


KINDS: dict[str, Any] = {
    "play": _play, "respond": _respond, "punish": _punish, "sanction": _punish, "reward": _gift, "gift": _gift,
    "talk": _talk, "select": _select, "consent": _consent,
}  # fmt: skip
