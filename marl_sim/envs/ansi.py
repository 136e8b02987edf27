"""A society as text: who decides about whom, what was done, what was paid, who is thought of how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..games.memory import deeds

if TYPE_CHECKING:
    from .face import Face

TOLD = ("stage", "acting", "target", "facing", "round", "standing", "recent")


def note(env: Face, actions: np.ndarray) -> dict[str, Any]:
    """What a picture of the coming step needs and the step will overwrite; actions are integers [1, n]."""
    return {"actions": actions[0].copy()} | told(env)


def told(env: Face) -> dict[str, Any]:
    """Copies of the state fields that a picture shows, as far as the game has them."""
    arrays = env.simulator.state
    return {name: arrays[name][0].copy() for name in TOLD if name in arrays}


def picture(env: Face) -> str:
    """One line on where the society is, one on the stage just played, and one line an agent."""
    over = env.terminated or env.truncated
    before, now = env._before, told(env)
    shown = before if over and before else now  # after an end the arrays hold the next episode already
    rows = [["", "decides", "faces", "did", "paid", "last play", "reputation"]]
    for i, agent in enumerate(env.possible_agents):
        row = [agent, "" if over else decides(now, i), faces(shown, i), did(env, before, i)]
        row += [f"{env._reward[i]:+g}" if before else "", played(env, shown, i)]
        row += [thought_of(before if env.terminated and before else now, i)]
        rows.append(row)
    kept = [column for column in zip(*rows) if any(column[1:])]
    widths = [max(map(len, column)) for column in kept]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in zip(*kept)]
    return "\n".join([*heading(env, shown, over), *lines])


def heading(env: Face, shown: dict[str, Any], over: bool) -> list[str]:
    """Where the society is and what has just happened."""
    where = f"{env.game.label}: step {env.steps}"
    if "round" in shown:
        where += f", round {int(shown['round'][0]) + 1}"
    if over:
        where += f"; the episode is over ({'terminated' if env.terminated else 'truncated'})"
    else:
        where += f"; stage {env.stage.name!r} is open"
    if not env._before:
        return [where]
    return [where, f"played: stage {env.game.stages[int(env._before['stage'][0])].name!r}"]


def decides(now: dict[str, Any], i: int) -> str:
    """Whether agent i decides now, and about whom."""
    if not now["acting"][i]:
        return ""
    return f"on agent_{now['target'][i]}" if now["target"][i] >= 0 else "yes"


def faces(shown: dict[str, Any], i: int) -> str:
    """Whom agent i meets."""
    return f"agent_{shown['facing'][i]}" if "facing" in shown and shown["facing"][i] >= 0 else ""


def did(env: Face, before: dict[str, Any], i: int) -> str:
    """The word of what agent i chose in the stage just played."""
    if not before or not before["acting"][i]:
        return ""
    stage, action = env.game.stages[int(before["stage"][0])], before["actions"][i]
    return stage.choices[action] if stage.box is None else f"{stage.choices[0]} {action:.4g}"


def played(env: Face, shown: dict[str, Any], i: int) -> str:
    """The word of agent i's last deed, as everybody remembers it; amounts, of which there is no word, are not."""
    if "recent" not in shown or "play" not in env.game.kinds or env.game.box is not None:
        return ""
    words, last = deeds(env.game), int(shown["recent"][i, 0])
    return words[last] if 0 <= last < len(words) else ""


def thought_of(shown: dict[str, Any], i: int) -> str:
    """Agent i's reputation (the mean of all views, where views are private)."""
    return f"{shown['standing'][:, i].mean():+g}" if "standing" in shown else ""
