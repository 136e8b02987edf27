"""What every dilemma keeps of what was played, for the mechanisms that are laid on it."""

from __future__ import annotations

from typing import Any

from ..core.fields import StateField, ints
from ..core.game import Game
from ..core.rules import rule

NOTHING_YET = "nothing yet"


def disjoint(game: Game) -> bool:
    """Whether all play at once and nobody is in two encounters."""
    pairs = getattr(getattr(game, "matching", None), "pairs", None)
    return not game.in_turn and pairs is not None and pairs(game)


@rule
def remember(
    n: Any, acting: Any, action: Any, seen_as: Any, friendly: Any, did: Any, recent: Any, defected: Any, played: Any
) -> None:
    """Agents remember what they did, and everybody what it looked like: the newest action first."""
    for i in range(n):
        played[i] = acting[i]
        if acting[i]:
            for h in range(recent.shape[1] - 1, 0, -1):
                recent[i, h] = recent[i, h - 1]
                did[i, h] = did[i, h - 1]
            did[i, 0] = action[i]
            recent[i, 0] = action[i] if seen_as[i] < 0 else seen_as[i]
            defected[i] = 1 - friendly[recent[i, 0]]
            seen_as[i] = -1


def deeds(game: Game) -> tuple[str, ...]:
    """Words of what players are remembered for, by number: the choices of play, then the answers to it, if any."""
    return tuple(word for kind in ("play", "respond") if kind in game.kinds for word in game.choices(kind))


def remembered(game: Game) -> tuple[str, ...]:
    """What the numbers are called by which fields show what players are remembered for: `deeds`, and nothing yet."""
    return (*deeds(game), NOTHING_YET)


def memories(game: Game, actions: int) -> dict[str, StateField]:
    """What every dilemma keeps, and mechanisms rely on.

    recent [n_agents, memory]   what everybody saw an agent do last, newest first (`actions`: nothing yet); lasting
    did [n_agents, memory]      what it really did, known to itself alone; lasting
    defected [n_agents]         whether what was seen last was unfriendly
    played [n_agents]           whether it took part in the last play stage, or has since answered in a way to be judged
    seen_as [n_agents]          set before a play takes effect: the action it will be taken for (-1: what it is)

    Constants beside them: friendly [actions], which actions count as cooperation, and rows and columns, how many
    actions a host and a guest have. Where a stage of kind "respond" follows play, in which guests answer what hosts
    did, `actions` counts both: an answer is remembered by its number plus that of the host's actions.
    """
    n, memory = game.n_agents, getattr(game, "memory", 1)
    return {
        "recent": ints(n, memory, fill=actions, lasting=True),
        "did": ints(n, memory, fill=actions, lasting=True),
        "defected": ints(n),
        "played": ints(n),
        "seen_as": ints(n, fill=-1),
    }


@rule
def target_recent(i: Any, target: Any, recent: Any, out: Any) -> None:
    """What the other did last, newest first."""
    for h in range(out.size):
        out[h] = recent[target[i], h]


@rule
def own_recent(i: Any, did: Any, out: Any) -> None:
    """What I did last, newest first."""
    for h in range(out.size):
        out[h] = did[i, h]
