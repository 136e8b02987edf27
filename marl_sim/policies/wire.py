"""The protocol by which a seat speaks with an agent elsewhere: messages of JSON, and how answers are checked.

docs/how-to/agents_elsewhere.md describes it for those who write an agent. Nothing that comes in is trusted: it has a
limit of size, is read as JSON and nothing else, and is checked field by field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .history import Turn

if TYPE_CHECKING:
    from .player import Player
    from .seats import Seats
    from .view import View

VERSION = 1
WANTS = ("obs", "fields", "text", "history")  # parts of a row that an agent may ask for; by default all but history
DEFAULT_WANTS = ("obs", "fields", "text")
MOST_BYTES = 1 << 20  # of an answer, and MOST_BYTES_A_ROW more for each row asked about
MOST_BYTES_A_ROW = 256
MOST_BYTES_ASKED = 64 << 20  # of a message to `ms.serve`
MOST_WORDS = 500  # characters of an agent's own complaint that are passed on
LARGEST = 2**53  # whole numbers beyond it are no numbers in other languages


class BadMessage(ValueError):
    """A message is not what the protocol says. `what` is the short word under which it is counted."""

    def __init__(self, sentence: str, what: str = "malformed"):
        super().__init__(sentence)
        self.what = what


# ---------------------------------------------------------------- what is asked


def hello(player: Player, run: str) -> dict[str, Any]:
    """The first message: what is played, and which rows the agent has."""
    table = player.table
    game = table.game
    kinds = {}
    for kind in table.kinds:
        slots = [slot for slot in table.slots if slot.kind == kind]
        kinds[kind] = {
            "choices": [] if table.box is not None else list(table.choices(kind)),
            "fields": [
                {
                    "name": slot.name,
                    "columns": [slot.start, slot.stop],
                    "levels": table.levels.get(f"{kind}:{slot.name}"),
                    "coded": slot.levels,
                    "words": slot.words,
                    "values": list(slot.values),
                }
                for slot in slots
            ],
        }
    return {
        "type": "hello",
        "run": run,
        "game": "" if game is None else game.label,
        "agents": list(table.agents),
        "in_pairs": table.in_pairs,
        "lives_on": table.lives_on,
        "range": None if table.box is None else list(table.box),
        "stages": [
            {"name": name, "kind": table.kinds[kind]}
            for name, kind in zip(table.stage_names, table.kind_of_stage, strict=True)
        ],
        "kinds": kinds,
        "columns": int(table.obs.shape[2]),
        "actions": int(table.legal.shape[2]),
        "seeds": [int(seed) for seed in table.seeds],
        "num_envs": int(table.num_envs),
        "rows": [
            {"id": row, "world": int(world), "agent": table.agents[agent]}
            for row, (world, agent) in enumerate(zip(player.worlds, player.agents, strict=True))
        ],
    }


def ask(views: list[View], since: list[dict[str, Any]], run: str, wants: tuple[str, ...]) -> dict[str, Any]:
    """The message of a step: all rows that decide now, and what happened to each row since it was last asked."""
    rows = [row for view in views for row in _rows(view, wants)]
    return {"type": "act", "run": run, "step": views[0]._table.clock, "since": since, "rows": rows}


def _rows(view: View, wants: tuple[str, ...]) -> list[dict[str, Any]]:
    table = view._table
    columns: dict[str, list[Any]] = {
        "id": view.rows.tolist(),
        "world": view.worlds.tolist(),
        "agent": [table.agents[agent] for agent in view.agent],
        "stage": [table.stage_names[stage] for stage in table.stage[view.worlds]],
        "kind": [view.kind] * view.n,
        "turn": view.turn.tolist(),
        "opponent": [None if agent < 0 else table.agents[agent] for agent in view.opponent],
        "last": [None if turn is None else _turn(turn, table) for turn in view.player.newest(view.rows)],
    }
    if view.box is None:
        legal = [np.flatnonzero(row).tolist() for row in view.legal]
        columns["legal"] = legal
        columns["words"] = [[view.choices[a] for a in row if a < len(view.choices)] for row in legal]
    else:
        columns["range"] = [list(view.box)] * view.n
    if table.in_pairs:
        columns |= {name: getattr(view, name).tolist() for name in ("met", "own", "other")}
    if "obs" in wants:
        columns["obs"] = _numbers(view.obs)
    if "fields" in wants:
        fields = {name: _numbers(view[name]) for name in view.fields}
        columns["fields"] = [dict(zip(fields, row, strict=True)) for row in zip(*fields.values())] or [{}] * view.n
    if "text" in wants:
        columns["text"] = view.text()
    if "history" in wants:
        history = view.history()
        columns["history"] = [[_turn(turn, table) for turn in history.turns(k)] for k in range(view.n)]
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _turn(turn: Turn, table: Seats) -> dict[str, Any]:
    """A decision of the past: actions as whole numbers where they are, None for nobody and nothing."""
    return {
        "kind": turn.kind,
        "action": int(turn.action) if table.box is None else turn.action,
        "opponent": None if turn.opponent < 0 else table.agents[turn.opponent],
        "theirs": None if turn.theirs < 0 else turn.theirs,
        "reward": turn.reward,
    }


def _numbers(values: np.ndarray) -> list[Any]:
    """As lists; JSON has no infinity and no NaN, which become None."""
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        finite = np.isfinite(values)
        values = values.astype(object)
        values[~finite] = None
    return values.tolist()


# ---------------------------------------------------------------- to and from bytes


def pack(message: Mapping[str, Any], number: int) -> bytes:
    """A message as one line of JSON, with the protocol's version and its own number."""
    return json.dumps({"marl_sim": VERSION, "number": number, **message}, allow_nan=False).encode() + b"\n"


def unpack(data: bytes, limit: int, who: str) -> dict[str, Any]:
    """A message of this version of the protocol. BadMessage in one sentence for what is none."""
    if len(data) > limit:
        raise BadMessage(f"{who} sent more than the {limit} bytes that are allowed here", "too_long")
    try:
        found = json.loads(data, parse_constant=_no_constant)
    except RecursionError:
        raise BadMessage(f"{who} sent JSON that is nested too deep") from None
    except ValueError as wrong:
        raise BadMessage(f"{who} sent what is not JSON ({wrong}): {shown(data)}") from None
    if not isinstance(found, dict):
        raise BadMessage(f"{who} must send a JSON object; got {shown(data)}")
    version = found.get("marl_sim")
    if isinstance(version, bool) or version != VERSION:
        raise BadMessage(
            f'{who} speaks version {version!r:.40} of the protocol; here it is {{"marl_sim": {VERSION}, ...}}',
            "version",
        )
    return found


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is no JSON")


def shown(data: bytes) -> str:
    """The beginning of what came, for a message."""
    text = data[:120].decode(errors="replace")
    return repr(text) + ("..." if len(data) > 120 else "")


def complaint(answer: Mapping[str, Any]) -> str:
    """What the agent says went wrong on its side; empty where nothing did."""
    said = answer.get("error")
    return "" if said is None else " ".join(str(said).split())[:MOST_WORDS]


def reason(data: bytes) -> str:
    """The complaint in the body of a refusal; empty where there is none."""
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return ""
    return complaint(found) if isinstance(found, dict) else ""


# ---------------------------------------------------------------- what is answered


def check_hello(answer: Mapping[str, Any], who: str) -> tuple[str, ...]:
    """Which parts of a row the agent wants. BadMessage in one sentence for parts that there are not."""
    wants = answer.get("wants", list(DEFAULT_WANTS))
    if not isinstance(wants, list) or any(not isinstance(part, str) or part not in WANTS for part in wants):
        raise BadMessage(f"{who} must give as wants a list of some of {', '.join(WANTS)}; got {wants!r:.80}")
    return tuple(wants)


def check_answer(answer: Mapping[str, Any], ids: np.ndarray, whole: bool, who: str) -> dict[int, float]:
    """The actions by row; rows that are left out or null have none. BadMessage in one sentence for all else.

    ids: the rows that were asked about; whole: whether actions are whole numbers. Whether they are legal is another's
    question.
    """
    actions = answer.get("actions")
    if not isinstance(actions, dict):
        raise BadMessage(f'{who} must answer with "actions", an object of action by id of row; got {actions!r:.80}')
    asked = {str(row): int(row) for row in ids}
    found: dict[int, float] = {}
    for key, action in actions.items():
        if key not in asked:
            raise BadMessage(f"{who} answers for row {key[:40]!r}, which it was not asked about", "unknown_ids")
        if action is None:
            continue
        if isinstance(action, bool) or not isinstance(action, int if whole else (int, float)):
            want = "a whole number" if whole else "a number"
            raise BadMessage(f"{who} must give {want} (or null) for row {key}; got {json.dumps(action)[:40]}")
        if not -LARGEST <= action <= LARGEST or not math.isfinite(action):
            raise BadMessage(f"{who} gives a number for row {key} that is beyond all range")
        found[asked[key]] = action
    return found
