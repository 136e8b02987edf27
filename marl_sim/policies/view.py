"""What a policy is shown: before it decides (View), and after a step (Seen)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.rng import mix_many, uniform_many
from .glance import once

if TYPE_CHECKING:
    from .glance import Glance
    from .history import History
    from .player import Player


class View:
    """What one policy sees where it decides now: n rows, each a world and an agent in it.

    kind, stage         what is decided on ("play", "punish", ...), and the name of the stage of the first row
    n, worlds, agent    how many rows; of each its world and which agent it is there, ints [n]
    obs                 the flat observations, float32 [n, D]
    legal               which actions are open, bool [n, A]
    choices             words of the actions
    view["target_act"]  a field by name, in its own values (one-hot groups as whole numbers, -1 for none): [n] for
                        fields of one number, [n, size] for longer ones; `in` tells whether it is there, `fields` which
                        are
    uniform()           one random number in [0, 1) a row, of its own stream
    kept["name"]        what the policy remembers of each row (of its opponent now, if it tells opponents apart): read
                        and written, [n, ...]
    turn, last          how often it has decided this here before, and what it did last (-1: never), [n]
    opponent            whom the decision is about, [n]; -1 for nobody
    met, own, other     in games of pairs, of the opponent faced now: how often they have played, what the row did last
                        (as done) and what the other did last (as it looked), [n], -1 where they have not met
    first               whether it knows nothing yet of whom it faces (of the game), bool [n]
    history()           what the rows went through in this episode; text(): what they see, in the game's own words

    Arrays are new or the policy's own; nothing it does to them changes the game.
    """

    def __init__(self, player: Player, kind: str, rows: np.ndarray, glance: Glance | None = None):
        self.player, self.kind, self.rows = player, kind, rows
        self.n = len(rows)
        self.worlds, self.agent, self.places = player.worlds, player.agents, player.places
        if rows is not player.every:
            self.worlds, self.agent, self.places = self.worlds[rows], self.agent[rows], self.places[rows]
        self.anything, self._glance = glance is not None and glance.anything, glance
        self._table, self._drawn = player.table, 0

    # ------------------------------------------------------------ what is seen

    @once
    def stage(self) -> str:
        """Name of the stage of the first row."""
        return self._table.stage_names[int(self._table.stage[self.worlds[0]])]

    @once
    def obs(self) -> np.ndarray:
        """The flat observations, float32 [n, D]."""
        return self._table.obs[self.worlds, self.agent]

    @once
    def legal(self) -> np.ndarray:
        """Which actions are open, bool [n, A]."""
        return self._table.legal[self.worlds, self.agent]

    @property
    def choices(self) -> tuple[str, ...]:
        """Words of the actions 0, 1, ..."""
        return self._table.choices(self.kind)

    @property
    def box(self) -> tuple[float, float] | None:
        """The range of the decision, where it is a number of a range."""
        return self._table.box

    @property
    def fields(self) -> tuple[str, ...]:
        """Names of what is seen."""
        return tuple(slot.name for slot in self._table.slots if slot.kind == self.kind)

    def __contains__(self, name: str) -> bool:
        return name in self.fields

    def __getitem__(self, name: str) -> np.ndarray:
        for slot in self._table.slots:
            if slot.name == name and slot.kind == self.kind:
                levels = self._table.levels.get(f"{slot.kind}:{name}")
                return decode(self.obs[:, slot.start : slot.stop], levels, slot.levels)
        raise KeyError(f"no field {name!r} is seen in {self.kind!r} (seen: {', '.join(self.fields) or 'nothing'})")

    def text(self) -> list[str]:
        """What each row sees and may do, in the game's own words."""
        from .words import tell

        return tell(self)

    # ------------------------------------------------------------ what is remembered

    @once
    def kept_at(self) -> np.ndarray:
        """Where what is kept of each row (of its opponent now, if it tells opponents apart) stands, counted flat."""
        return self.rows * self._table.n_agents + self.whom if self.player.apart else self.rows

    @property
    def kept(self) -> Kept:
        """What the policy remembers."""
        return Kept(self)

    @once
    def turn(self) -> np.ndarray:
        """How often each row has decided on this before, since its game began."""
        return self.player.turns[self.kind][self.rows]  # a copy, also of all rows

    @once
    def last(self) -> np.ndarray:
        """What each row chose last in such a decision; -1 before the first."""
        return self.player.last[self.kind][self.rows]

    @once
    def opponent(self) -> np.ndarray:
        """Whom the decision is about, -1 for nobody."""
        if self._glance is None or self._glance.target is None:
            return self._table.target(self.worlds, self.agent)
        return self._glance.target[self.places]

    @once
    def whom(self) -> np.ndarray:
        """Where what is known of the opponent stands in arrays [..., n_agents]; of nobody: in one's own place."""
        if self._glance is not None and self._glance.faced:
            return self.opponent
        return np.where(self.opponent >= 0, self.opponent, self.agent)

    @once
    def _pair(self) -> np.ndarray:
        """Where what is known of the opponent stands in arrays [W, n, n] laid flat."""
        return self.places * self._table.n_agents + self.whom

    @once
    def own(self) -> np.ndarray:
        """What the row did when it last played with whom it faces; -1 before."""
        return self._table.meetings.own.reshape(-1)[self._pair]

    @once
    def other(self) -> np.ndarray:
        """What the other did when they last played, as it looked; -1 before."""
        return self._table.meetings.other.reshape(-1)[self._pair]

    @once
    def met(self) -> np.ndarray:
        """How often the row and whom it faces have played."""
        return self._table.meetings.met.reshape(-1)[self._pair]

    @once
    def first(self) -> np.ndarray:
        """Whether the row knows nothing yet of whom it faces; in games of groups, whether it has not decided yet."""
        return self.met == 0 if self._table.in_pairs else self.turn == 0

    def history(self) -> History:
        """What the rows went through since their episode began. Only for policies that say recalls = True."""
        return self.player.history_of(self.rows)

    # ------------------------------------------------------------ chance, and what is told

    def uniform(self) -> np.ndarray:
        """Random numbers in [0, 1), float64 [n], the same for the same seed, world, agent and moment."""
        self._drawn += 1
        table = self._table
        if self._drawn == 1:
            self._key = mix_many(self.player.streams(self.rows), table.clock)
        return uniform_many(mix_many(self._key, self._drawn), table.number_of[self.worlds])

    def random_legal(self) -> np.ndarray:
        """A legal action a row, all equally likely; where decisions are continuous, a number of the range."""
        if self.box is not None:
            low, high = self.box
            return low + (high - low) * self.uniform()
        up_to = self.legal.cumsum(axis=1)
        pick = (self.uniform() * up_to[:, -1]).astype(np.int64)
        return (up_to > pick[:, None]).argmax(axis=1)

    def count(self, what: str, times: int = 1) -> None:
        """Note in the seat's report that something happened (a timeout, a retry)."""
        if times:
            self.player.counts[what] += int(times)

    @property
    def store(self) -> dict[Any, Any]:
        """What the policy keeps that is no array; not part of checkpoints."""
        return self.player.store


class Kept:
    """What a policy remembers of the rows that decide now; of their opponents, where it tells these apart."""

    def __init__(self, view: View):
        self._arrays, self._apart = view.player.kept, view.player.apart
        self._at = view.kept_at

    def _flat(self, name: str) -> np.ndarray:
        """An array with a row, or a row and whom it faces, to each entry."""
        array = self._arrays[name]
        return array.reshape(-1, *array.shape[2:]) if self._apart else array

    def __getitem__(self, name: str) -> np.ndarray:
        return self._flat(name)[self._at]

    def __setitem__(self, name: str, values: Any) -> None:
        self._flat(name)[self._at] = values


class Seen:
    """What a step did to the rows of one policy.

    player                  whose rows: player.worlds, player.agents
    reward [R] float64      what it paid them; everybody [R, n]: what it paid all agents of their worlds
    terminated, truncated   whose game is over, and where the clock stopped, bool [R]
    actions [R]             what they chose (0 where they did not decide)
    """

    def __init__(self, player: Player, paid: np.ndarray, terminated: np.ndarray, truncated: np.ndarray, actions: Any):
        self.player, self._paid, self.terminated, self.truncated = player, paid, terminated, truncated
        self.actions = actions

    @once
    def reward(self) -> np.ndarray:
        """What the step paid the rows."""
        return self._paid[self.player.worlds, self.player.agents]

    @once
    def everybody(self) -> np.ndarray:
        """What the step paid all agents of the rows' worlds."""
        return self._paid[self.player.worlds]


def decode(columns: np.ndarray, levels: int | None, coded: int | None) -> np.ndarray:
    """A field's columns of flat observations, float [n, size], in the field's own values: [n] or [n, k].

    levels   how many values each of its whole numbers can take; None: they are no whole numbers, and stay as they are
    coded    of an index-coded field the same (Slot.levels); None where each number is a group of `levels` columns, one
             of them above 0: its place there, -1 where none is
    """
    if levels and coded is None:
        groups = columns.reshape(len(columns), -1, levels)
        columns = np.where(groups.any(-1), groups.argmax(-1), -1)
    elif levels:
        columns = columns.astype(np.int64)
    return columns[:, 0] if columns.shape[1] == 1 else columns
