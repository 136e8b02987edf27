"""A policy at the table: the rows it sits in, and what is kept of each."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import IllegalAction
from ..core.rng import mix_many
from .base import Policy
from .history import ENTRY, Diary, History, Turn
from .view import Seen, View
from .words import options

if TYPE_CHECKING:
    from .seats import Seats


class Player:
    """One policy in its rows: row r is agent `agents[r]` in world `worlds[r]`.

    table    the Seats it sits at: what is played (table.game), in how many worlds, by what seeds
    kept     what the policy remembers: name -> [R, ...], or [R, n_agents, ...] where it tells opponents apart
    common   what it keeps of all rows together: name -> array, changed in place
    store    whatever else it keeps; lost when a run is resumed
    counts   what happened: decisions, replaced, and what the policy itself counts
    """

    def __init__(self, policy: Policy, worlds: np.ndarray, agents: np.ndarray, table: Seats):
        self.policy, self.table = policy, table
        self.worlds, self.agents = worlds, agents
        self.num_rows = len(worlds)
        self.places = worlds * table.n_agents + agents  # in arrays [W, n] laid flat
        self.every = np.arange(self.num_rows)
        for array in (worlds, agents, self.places, self.every):
            array.setflags(write=False)  # views of all rows hand them out
        self.apart = policy.apart and table.in_pairs
        self.turns = {kind: np.zeros(self.num_rows, np.int64) for kind in table.kinds}
        whole = np.int64 if table.box is None else np.float64
        self.last = {kind: np.full(self.num_rows, -1, whole) for kind in table.kinds}
        self.kept: dict[str, np.ndarray] = {}
        self._fresh: dict[str, Any] = {}
        for name, value in policy.keeps.items():
            self.keep(name, value)
        self.common: dict[str, np.ndarray] = {}
        self.store: dict[Any, Any] = {}
        self.children: Any = None  # players who share these rows, where the policy is many
        self.counts: Counter[str] = Counter(decisions=0, replaced=0)
        self.seconds = 0.0
        self.diary = Diary(self.num_rows) if policy.recalls else None
        self._sees = type(policy).see is not Policy.see
        self.listens = self._sees or self.diary is not None  # to every step, not only to those that end something
        self._stream: np.ndarray | None = None

    def keep(self, name: str, first: Any) -> None:
        """Remember something of every row from now on, beginning with a value, or an array of them."""
        value = np.asarray(first)
        shape = (self.num_rows, self.table.n_agents) if self.apart else (self.num_rows,)
        self.kept[name] = np.broadcast_to(value, (*shape, *value.shape)).copy()
        self._fresh[name] = value

    def history_of(self, rows: np.ndarray) -> History:
        """What some rows went through. RuntimeError in one sentence for policies that are not recorded."""
        if self.diary is None:
            raise RuntimeError(f"{type(self.policy).__name__} reads its history, so its class must say recalls = True")
        return self.diary.of(rows, self.table.kinds)

    def newest(self, rows: np.ndarray) -> list[Turn | None]:
        """The last decision of each of some rows; None before the first, and for policies that are not recorded."""
        return [None] * len(rows) if self.diary is None else self.diary.newest(rows, self.table.kinds)

    def streams(self, rows: np.ndarray) -> np.ndarray:
        """Keys of the random streams of some rows."""
        if self._stream is None:
            self._stream = mix_many(self.table.stream_of[self.worlds], self.agents)
        return self._stream if rows is self.every else self._stream[rows]

    # ------------------------------------------------------------ deciding

    def turns_now(self) -> list[View]:
        """A view for each kind of decision that some of its rows have to take now."""
        table, glance = self.table, self.table.glance
        if glance.kind:
            return [View(self, glance.kind, self.every, glance)] if self.num_rows else []
        rows = np.flatnonzero(table.acting[self.worlds, self.agents])
        if not len(rows):
            return []
        if len(table.kinds) == 1:
            return [View(self, table.kinds[0], rows)]
        kinds = table.kind_of_stage[table.stage[self.worlds[rows]]]
        return [View(self, table.kinds[k], rows[kinds == k]) for k in np.unique(kinds)]

    def answer(self, view: View) -> np.ndarray:
        """The policy's actions for a view, legal ones: others are refused or replaced as the policy says."""
        began = time.perf_counter()
        try:
            given = np.asarray(self.policy.act(view))
        finally:
            self.seconds += time.perf_counter() - began
        self.counts["decisions"] += view.n
        return self.checked(view, given)

    def checked(self, view: View, given: np.ndarray) -> np.ndarray:
        """Actions given for a view as legal ones: others are refused or replaced as the policy says."""
        whole = given.dtype.kind in "iub"
        if given.shape != (view.n,) or given.dtype.kind not in "iubf" or not (whole or view.box is not None):
            what = "an action" if view.box is None else "a number"
            raise ValueError(
                f"{self.policy.name} must return {what} for each of {view.n} worlds; "
                f"got {given.dtype} of shape {given.shape}"
            )
        chosen = given.astype(np.int64 if view.box is None else np.float64)
        if view.anything and chosen.view(np.uint64).max() < self.table.legal.shape[2]:  # the negative are huge there
            return chosen
        wrong = ~self.table.allows(view, chosen)
        return self._mended(view, chosen, wrong) if wrong.any() else chosen

    def _mended(self, view: View, chosen: np.ndarray, wrong: np.ndarray) -> np.ndarray:
        how, k = self.policy.illegal, int(wrong.argmax())
        if how == "raise":
            raise IllegalAction(
                f"{self.policy.name}, as {self.table.agents[view.agent[k]]} in world {view.worlds[k]}, chose "
                f"{chosen[k]} in stage {view.stage!r}; it may choose {options(view, k)}"
            )
        self.counts["replaced"] += int(wrong.sum())
        if how == "random":
            instead = view.random_legal()
        else:
            instead = np.full(view.n, view.box[0]) if view.box is not None else view.legal.argmax(axis=1)
            if how == "repeat":
                instead = np.where(self.table.allows(view, view.last), view.last, instead)
        return np.where(wrong, instead, chosen)

    def chose(self, view: View, chosen: np.ndarray) -> np.ndarray | None:
        """Remember what it decided; returns the page of the diary that tells of it."""
        if view.rows is self.every:
            self.turns[view.kind] += 1
            self.last[view.kind][...] = chosen
        else:
            self.turns[view.kind][view.rows] += 1
            self.last[view.kind][view.rows] = chosen
        if self.diary is None:
            return None
        page = np.zeros(view.n, ENTRY)
        page["row"], page["kind"], page["action"] = view.rows, self.table.kinds.index(view.kind), chosen
        page["opponent"], page["theirs"] = view.opponent, -1
        self.diary.write(page)
        return page

    # ------------------------------------------------------------ after the step

    def saw(self, reward: np.ndarray, terminated: np.ndarray, truncated: np.ndarray, actions: np.ndarray) -> None:
        """What the step paid and ended; arrays [W, n]."""
        if self.children is not None:
            self.children.saw(reward, terminated, truncated, actions)
        at = (self.worlds, self.agents)
        over, stopped = terminated[at], truncated[at]
        if self._sees:
            self.policy.see(Seen(self, reward, over, stopped, actions[at]))
        if self.diary is not None:
            self.diary.pay(reward[at])
        if not (over.any() or stopped.any()):
            return
        if self.diary is not None:
            self.diary.tear_out(over | stopped)
        over = over if self.table.lives_on else over | stopped
        for name, array in self.kept.items():
            array[over] = self._fresh[name]
        for kind in self.table.kinds:
            self.turns[kind][over], self.last[kind][over] = 0, -1

    def report(self) -> dict[str, Any]:
        """Who it is, where it sits, what it did and how long it thought (seconds)."""
        names = [self.table.agents[a] for a in np.unique(self.agents)]
        return {"seats": names, "policy": self.policy.name, "seconds": self.seconds, **self.counts}

    # ------------------------------------------------------------ keeping

    def state(self) -> dict[str, np.ndarray]:
        """Everything that is kept, by name."""
        made = {f"kept/{name}": array for name, array in self.kept.items()}
        made |= {f"common/{name}": array for name, array in self.common.items()}
        made |= {f"turns/{kind}": array for kind, array in self.turns.items()}
        made |= {f"last/{kind}": array for kind, array in self.last.items()}
        made |= {f"counts/{what}": np.array(times) for what, times in self.counts.items()}
        if self.children is not None:
            made |= {f"children/{name}": array for name, array in self.children.state().items()}
        if self.diary is not None:
            made |= {f"diary/{name}": array for name, array in self.diary.state().items()}
        return made

    def load(self, saved: dict[str, np.ndarray]) -> None:
        """Go on from `state`."""
        for name, array in self.kept.items():
            array[...] = saved[f"kept/{name}"]
        for name, array in self.common.items():
            array[...] = saved[f"common/{name}"]
        for kind in self.table.kinds:
            self.turns[kind][...], self.last[kind][...] = saved[f"turns/{kind}"], saved[f"last/{kind}"]
        self.counts = Counter({k[len("counts/") :]: int(v) for k, v in saved.items() if k.startswith("counts/")})
        if self.children is not None:
            self.children.load({k[len("children/") :]: v for k, v in saved.items() if k.startswith("children/")})
        if self.diary is not None:
            self.diary.load({k[len("diary/") :]: v for k, v in saved.items() if k.startswith("diary/")})
