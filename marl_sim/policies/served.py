"""A policy at a table that is elsewhere: what `ms.serve` makes of the messages of one run."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.fields import Slot
from ..core.game import Game
from . import wire
from .base import Policy
from .meetings import Meetings
from .player import Player
from .seats import Seats
from .wire import BadMessage

MOST_NUMBERS = 1 << 26  # of the observations of all rows


class TableElsewhere(Seats):
    """What a policy is shown of worlds it hears of by messages: the same as if it sat at their table.

    hello   the first message of a run. BadMessage in one sentence where it does not say what it must
    game    the game that is played there, for policies that look into it; None: nothing is known but what hello says
    """

    def __init__(self, hello: Mapping[str, Any], policy: Policy, game: Game | None = None):
        self._said = hello
        names = _list(hello, "agents", str)
        self._number_of_agent = {name: number for number, name in enumerate(names)}
        seeds, num_envs = tuple(_list(hello, "seeds", int)), _whole(hello, "num_envs", 1)
        columns, actions = _whole(hello, "columns", 0), _whole(hello, "actions", 1)
        worlds = len(seeds) * num_envs
        if worlds * len(names) * (columns + actions) > MOST_NUMBERS or any(not 0 <= seed < 2**64 for seed in seeds):
            raise BadMessage(f"{worlds} worlds of {len(names)} agents that see {columns} numbers are too much to serve")
        rows = [self._row(row, number, worlds) for number, row in enumerate(_list(hello, "rows", dict))]
        self._at = rows
        self._id = {at: number for number, at in enumerate(rows)}
        if not rows or len(self._id) < len(rows):
            raise BadMessage("rows must be worlds and agents, each once")
        where = np.array([row[0] for row in rows], np.int64), np.array([row[1] for row in rows], np.int64)
        elsewhere = _Worlds(hello, names, seeds, num_envs, columns, actions)
        elsewhere.game = game
        super().__init__(elsewhere, [(policy, where)])
        self._who: dict[tuple[int, int], tuple[Player, int]] = {}
        for player in self.players:  # more than one where the policy sits in some worlds only
            for row, at in enumerate(zip(player.worlds.tolist(), player.agents.tolist(), strict=True)):
                self._who[at] = player, row

    def _row(self, row: Mapping[str, Any], number: int, worlds: int) -> tuple[int, int]:
        """World and agent of a row of the hello; ids are 0, 1, ..."""
        agent, world = self._number_of_agent.get(_word(row, "agent")), _whole(row, "world", 0)
        if agent is None or world >= worlds or _whole(row, "id", 0) != number:
            raise BadMessage(f"rows must have the ids 0, 1, ..., a world and an agent of the game; got {row!r:.120}")
        return world, agent

    def _describe(self) -> None:
        said = self._said
        self.agents, self.lives_on = self._worlds.agents, bool(said.get("lives_on"))
        stages = [(_word(stage, "name"), _word(stage, "kind")) for stage in _list(said, "stages", dict)]
        self.stage_names = tuple(name for name, _ in stages)
        kinds = _object(said, "kinds")
        self.kinds = tuple(kinds)
        if not stages or any(kind not in kinds for _, kind in stages):
            raise BadMessage("every stage must be of one of the kinds")
        self.kind_of_stage = np.array([self.kinds.index(kind) for _, kind in stages])
        self._choices = {kind: tuple(_list(_object(kinds, kind), "choices", str)) for kind in kinds}
        if self.game is not None:
            self._check_game(self.game)
        self.levels = {}
        self.slots = tuple(slot for kind in kinds for slot in self._slots(kind, _object(kinds, kind)))
        self.box, self.in_pairs = self._worlds.box, bool(said.get("in_pairs"))
        shape = (self.num_worlds, self.n_agents) if self.in_pairs else (0, 0)
        self.meetings = Meetings(*shape)
        self._target = np.full((self.num_worlds, self.n_agents), -1)
        self._did = np.zeros((self.num_worlds, self.n_agents), np.int64 if self.box is None else np.float64)

    def _check_game(self, game: Game) -> None:
        """BadMessage in one sentence unless what is played can be this game."""
        here = list(game.agents), game.layout.size, {kind: tuple(game.choices(kind)) for kind in game.kinds}
        there = list(self.agents), self.obs.shape[2], self._choices
        for what, ours, theirs in zip(("agents", "columns", "choices"), here, there, strict=True):
            if ours != theirs and not (what == "choices" and game.box is not None):
                raise BadMessage(f"what is played is not {game.label}, which is served: {what} are {theirs!r:.120}")

    def _slots(self, kind: str, said: Mapping[str, Any]) -> list[Slot]:
        found = []
        for field in _list(said, "fields", dict):
            name, columns = _word(field, "name"), _list(field, "columns", int)
            if len(columns) != 2 or not 0 <= columns[0] <= columns[1] <= self.obs.shape[2]:
                raise BadMessage(f"field {name!r:.40} must have two columns of the observation; got {columns!r:.40}")
            if field.get("levels") is not None:
                self.levels[f"{kind}:{name}"] = _whole(field, "levels", 1)
            coded = None if field.get("coded") is None else _whole(field, "coded", 1)
            values = tuple(_list(field, "values", str)) if "values" in field else ()
            found.append(Slot(name, kind, columns[0], columns[1], 0.0, 0.0, coded, str(field.get("words", "")), values))
        return found

    def choices(self, kind: str) -> tuple[str, ...]:
        return self._choices[kind]

    def target(self, worlds: np.ndarray, agents: np.ndarray) -> np.ndarray:
        return self._target[worlds, agents]

    def targets(self) -> np.ndarray | None:
        return self._target.reshape(-1) if self.in_pairs else None

    # ------------------------------------------------------------ what messages tell

    def tell(self, message: Mapping[str, Any]) -> None:
        """Take in what an act message says: what was paid and what ended, and what every row sees now."""
        for events in _passes(_list(message, "since", dict)):
            self._was_paid(events)
        self.clock = _whole(message, "step", 0)
        self.acting[...] = False
        for row in _list(message, "rows", dict):
            self._sees(row)

    def _was_paid(self, events: Mapping[int, Mapping[str, Any]]) -> None:
        reward = np.zeros((self.num_worlds, self.n_agents))
        terminated, truncated = np.zeros(reward.shape, bool), np.zeros(reward.shape, bool)
        for number, event in events.items():
            at = self._place(number)
            reward[at] = _number(event, "reward")
            terminated[at], truncated[at] = event.get("ended") == "terminated", event.get("ended") == "truncated"
        for player in self.players:
            player.saw(reward, terminated, truncated, self._did)
        if self.in_pairs:
            over = terminated if self.lives_on else terminated | truncated
            self.meetings.forget(np.asarray(over.any(axis=1)))

    def _place(self, number: int) -> tuple[int, int]:
        """World and agent of a row."""
        if not 0 <= number < len(self._at):
            raise BadMessage(f"there is no row {number} in this run")
        return self._at[number]

    def _sees(self, row: Mapping[str, Any]) -> None:
        number = _whole(row, "id", 0)
        at, stage = self._place(number), _word(row, "stage")
        obs = row.get("obs")
        if stage not in self.stage_names or not isinstance(obs, list) or len(obs) != self.obs.shape[2]:
            raise BadMessage(f"row {number} must be in a stage of the game and see {self.obs.shape[2]} numbers")
        try:
            self.obs[at] = np.array(obs, np.float32)
        except (TypeError, ValueError):
            raise BadMessage(f"row {number} must see numbers") from None
        self.stage[at[0]], self.acting[at] = self.stage_names.index(stage), True
        legal = _list(row, "legal", int) if self.box is None else [0]
        if not legal or not all(0 <= action < self.legal.shape[2] for action in legal):
            raise BadMessage(f"row {number} must have legal actions from 0 to {self.legal.shape[2] - 1}")
        self.legal[at] = False
        self.legal[at[0], at[1], legal] = True
        self._remember(at, row)

    def _remember(self, at: tuple[int, int], row: Mapping[str, Any]) -> None:
        """Whom it faces, what both did, and how its last decision came out."""
        player, number = self._who[at]
        kind = self.kinds[self.kind_of_stage[self.stage[at[0]]]]
        player.turns[kind][number] = _whole(row, "turn", 0)
        named = row.get("opponent")
        self._target[at] = self._number_of_agent.get(named, -1) if isinstance(named, str) else -1
        if self.in_pairs:
            whom = self._target[at] if self._target[at] >= 0 else at[1]
            for name in ("met", "own", "other"):
                getattr(self.meetings, name)[at[0], at[1], whom] = _whole(row, name, -1)
        last = row.get("last")
        if isinstance(last, dict) and player.diary is not None:
            theirs = -1 if last.get("theirs") is None else _whole(last, "theirs", -1)
            player.diary.correct(number, _number(last, "action"), theirs)

    # ------------------------------------------------------------ what the policy answers

    def answers(self) -> dict[str, Any]:
        """The actions of all rows that decide now, by their ids."""
        found: dict[str, Any] = {}
        for player in self.players:
            for view in player.turns_now():
                chosen = player.answer(view)
                player.chose(view, chosen)
                self._did[view.worlds, view.agent] = chosen
                ids = [str(self._id[at]) for at in zip(view.worlds.tolist(), view.agent.tolist(), strict=True)]
                found |= zip(ids, chosen.tolist(), strict=True)
        return found


class _Worlds:
    """The arrays that a table looks at."""

    game: Game | None = None
    label = "worlds elsewhere"

    def __init__(
        self,
        said: Mapping[str, Any],
        agents: list[str],
        seeds: tuple[int, ...],
        num_envs: int,
        columns: int,
        actions: int,
    ):
        self.agents, self.seeds, self.num_envs = tuple(agents), seeds, num_envs
        shape = (len(seeds) * num_envs, len(agents))
        self.obs, self.legal = np.zeros((*shape, columns), np.float32), np.zeros((*shape, actions), bool)
        self.acting, self.stage = np.zeros(shape, bool), np.zeros(shape[0], np.int64)
        box = said.get("range")
        self.box = None if box is None else tuple(float(end) for end in _list(said, "range", (int, float)))
        if box is not None and len(box) != 2:
            raise BadMessage(f"range must be two numbers; got {box!r:.40}")


class Run:
    """One run that somebody plays with us: its table, and the last answer, in case it is asked for again."""

    def __init__(self, hello: Mapping[str, Any], policy: Policy, game: Game | None = None):
        self.lock = threading.Lock()
        self.table = TableElsewhere(hello, policy, game)
        self._number, self._answer = -1, dict[str, Any]()

    def act(self, message: Mapping[str, Any], number: int) -> dict[str, Any]:
        """The actions of all rows that are asked about."""
        if number != self._number:
            self.table.tell(message)
            self._number, self._answer = number, {"actions": self.table.answers()}
        return self._answer


def _passes(events: list[Any]) -> list[dict[int, Any]]:
    """Events in order, such that each pass has at most one of a row."""
    found: list[dict[int, Any]] = []
    at: dict[int, int] = {}
    for event in events:
        row = _whole(event, "id", 0)
        number = at[row] = at.get(row, -1) + 1
        if number == len(found):
            found.append({})
        found[number][row] = event
    return found


# ---------------------------------------------------------------- reading what somebody sent


def _list(said: Mapping[str, Any], name: str, kind: Any) -> list[Any]:
    value = said.get(name)
    if not isinstance(value, list) or any(isinstance(one, bool) or not isinstance(one, kind) for one in value):
        words = " or ".join(one.__name__ for one in (kind if isinstance(kind, tuple) else (kind,)))
        raise BadMessage(f"{name} must be a list of {words}; got {value!r:.80}")
    return value


def _object(said: Mapping[str, Any], name: str) -> dict[str, Any]:
    value = said.get(name)
    if not isinstance(value, dict):
        raise BadMessage(f"{name} must be an object; got {value!r:.80}")
    return value


def _whole(said: Mapping[str, Any], name: str, least: int) -> int:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= wire.LARGEST:
        raise BadMessage(f"{name} must be a whole number of at least {least}; got {value!r:.80}")
    return value


def _number(said: Mapping[str, Any], name: str) -> float:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or abs(value) > wire.LARGEST:
        raise BadMessage(f"{name} must be a number; got {value!r:.80}")
    return float(value)


def _word(said: Mapping[str, Any], name: str) -> str:
    value = said.get(name)
    if not isinstance(value, str):
        raise BadMessage(f"{name} must be a word; got {value!r:.80}")
    return value
