"""Two-player stage games given by their payoff matrix, and the named dilemmas among them."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..core.encounters import at_the_table
from ..core.fields import Field, StateField
from ..core.game import Game
from ..core.rules import rule
from ..core.society import Dilemma
from ..core.stage import Stage
from .memory import NOTHING_YET, disjoint, memories, own_recent, remember, target_recent

COOPERATE, DEFECT = 0, 1
OUTCOMES = ("mutual_cooperation", "sucker", "temptation", "mutual_defection")


@rule
def pay(n: Any, hosting: Any, partner: Any, action: Any, matrix: Any, payoff: Any) -> None:
    """Every encounter pays both its players by the matrix; the host is the row player."""
    for host in range(n):
        if hosting[host]:
            guest = partner[host]
            payoff[host] += matrix[action[host], action[guest], 0]
            payoff[guest] += matrix[action[host], action[guest], 1]


@rule
def count_outcomes(n: Any, hosting: Any, partner: Any, action: Any, friendly: Any, outcomes: Any) -> None:
    """Count each encounter by what its host and its guest did."""
    for host in range(n):
        if hosting[host]:
            outcomes[2 * (1 - friendly[action[host]]) + 1 - friendly[action[partner[host]]]] += 1


@rule
def own_role(i: Any, hosting: Any, out: Any) -> None:
    """Whether I am the column player."""
    out[0] = 1 - hosting[i]


@rule
def row_or_column(i: Any, hosting: Any, rows: Any, columns: Any, out: Any) -> None:
    """The row player may take the row actions, the column player the column actions."""
    for a in range(rows if hosting[i] else columns, out.size):
        out[a] = 0


class MatrixGame(Dilemma):
    """Any two-player game of n x m actions, by its payoff matrix.

    payoffs          payoffs[row action][column action] = (row's payoff, column's payoff); an array [rows, columns, 2]
    actions          names of the row player's actions (none: numbers)
    column_actions   names of the column player's (none: as the row player's, where there are as many)
    cooperative      which actions count as cooperation
    sees             what a player sees: "target" the other's last actions, "own" one's own

    Observation   "target_actions", "own_actions": each one of 0..m-1, or m while unknown, as many as the society
                  remembers; "role" 0 row, 1 column player, where the game is not symmetric
    Action        0..rows-1 for the row player (the host of the encounter), 0..columns-1 for the column player
    Reward        `payoff`: the matrix entry, summed over the encounters that an agent is in
    State         recent, did, defected, played, seen_as (see games.memory.memories); unfriendly are the actions that
                  are not among the `cooperative`; tally outcomes [4] (both cooperate, host alone, guest alone, nobody)
    Errors        a table of another shape, entries that are not finite, names or numbers of actions that do not fit
    """

    payoffs: Any = ()
    actions: tuple[str, ...] = ()
    column_actions: tuple[str, ...] = ()
    cooperative: tuple[int, ...] = (0,)
    sees: tuple[str, ...] = ("target", "own")
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)
    unlisted: ClassVar[tuple[str, ...]] = ("sees",)

    def check(self) -> None:
        try:
            table = np.array(self.table(), dtype=np.float64)
        except (TypeError, ValueError):
            table = np.zeros(0)
        name = type(self).__name__
        if table.ndim != 3 or table.shape[2] != 2 or 0 in table.shape:
            wanted = "the shape [row actions][column actions][2]"
            raise ValueError(f"{name}: payoffs must have {wanted}; got {self.payoffs!r}")
        if not np.isfinite(table).all():
            raise ValueError(f"{name}: payoffs must be finite numbers; got {self.payoffs!r}")
        for option, count in (("actions", table.shape[0]), ("column_actions", table.shape[1])):
            words = getattr(self, option)
            if words and len(words) != count:
                raise ValueError(f"{name}: {option} must name {count} actions; got {words!r}")
        if not self.cooperative or not all(a in range(max(table.shape[:2])) for a in self.cooperative):
            raise ValueError(f"{name}: cooperative must list actions of the game; got {self.cooperative!r}")
        if not set(self.sees) <= {"target", "own"}:
            raise ValueError(f"{name}: sees may list 'target' and 'own'; got {self.sees!r}")

    def table(self) -> Any:
        """payoffs [row actions][column actions][2]."""
        return self.payoffs

    @property
    def matrix(self) -> np.ndarray:
        """payoffs as float64 [row actions, column actions, 2]."""
        return np.ascontiguousarray(self.table(), dtype=np.float64)

    @property
    def symmetric(self) -> bool:
        """Whether both roles are the same game."""
        m = self.matrix
        return m.shape[0] == m.shape[1] and bool((m[:, :, 0] == m[:, :, 1].T).all())

    def words(self) -> tuple[str, ...]:
        """One word an action; both roles' words where they differ."""
        rows, columns = self.matrix.shape[:2]
        own = self.actions or tuple(f"action {a}" for a in range(rows))
        other = self.column_actions or (own if rows == columns else tuple(f"action {a}" for a in range(columns)))
        both = range(max(rows, columns))
        padded = [(own[a] if a < rows else other[a], other[a] if a < columns else own[a]) for a in both]
        return tuple(a if a == b else f"{a} / {b}" for a, b in padded)

    def payoff_rows(self) -> list[list[str]]:
        """The payoffs as a table of words, a header first: (row's, column's)."""
        m, words = self.matrix, self.words()
        own, other = ([word.split(" / ")[side] if " / " in word else word for word in words] for side in (0, 1))
        header = ["row \\ column", *other[: m.shape[1]]]
        return [header, *([own[a], *(f"{x:g}, {y:g}" for x, y in m[a])] for a in range(m.shape[0]))]

    def fits(self, game: Game) -> None:
        rows, columns = self.matrix.shape[:2]
        if rows != columns and not game.in_turn and not disjoint(game):
            raise ValueError(
                f"{type(self).__name__} has {rows} row and {columns} column actions, and when all play at once "
                f"an agent may hold both roles; give encounters='in turn', or let chance match pairs"
            )

    def state(self, game: Game) -> dict[str, StateField]:
        return memories(game, len(self.words()))

    def constants(self, game: Game) -> dict[str, Any]:
        rows, columns = self.matrix.shape[:2]
        friendly = np.isin(np.arange(len(self.words())), self.cooperative).astype(np.int32)
        return {"matrix": self.matrix, "friendly": friendly, "rows": rows, "columns": columns}

    def stages(self, game: Game) -> list[Stage]:
        lopsided = self.matrix.shape[0] != self.matrix.shape[1]
        return [
            Stage(
                "play",
                self.words(),
                acting=at_the_table,
                then=(pay, count_outcomes, remember),
                legal=row_or_column if lopsided else None,
            )
        ]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        values, memory = (*self.words(), NOTHING_YET), getattr(game, "memory", 1)
        known = {
            "target": Field("target_actions", memory, target_recent, values=values, words="the other's last actions"),
            "own": Field("own_actions", memory, own_recent, values=values, words="one's own last actions"),
        }
        seen = [known[name] for name in self.sees]
        if not self.symmetric:
            seen.append(Field("role", 1, own_role, values=("row player", "column player"), words="one's own part"))
        return {"play": seen}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"outcomes": (4,)}


class NamedGame(MatrixGame):
    """Base of the named 2 x 2 games, whose payoffs are options of their own and keep an order."""

    order: ClassVar[str] = ""
    unlisted: ClassVar[tuple[str, ...]] = ("payoffs", "actions", "column_actions", "cooperative", "sees")

    def require(self, holds: bool, **values: float) -> None:
        """Refuse payoffs that break the order the name stands for."""
        if not isinstance(self.payoffs, tuple) or self.payoffs:
            raise ValueError(f"{type(self).__name__} makes its own payoffs of its options; give a table to MatrixGame")
        if not holds:
            got = ", ".join(f"{name}={value:g}" for name, value in values.items())
            raise ValueError(f"{type(self).__name__} needs {self.order}; got {got}.")

    def symmetric_table(self, cc: float, cd: float, dc: float, dd: float) -> list[list[tuple[float, float]]]:
        """The table of a symmetric game from the row player's four payoffs."""
        return [[(cc, cc), (cd, dc)], [(dc, cd), (dd, dd)]]


class PrisonersDilemma(NamedGame):
    """Defection dominates, and mutual cooperation is better for both than mutual defection.

    reward       for both when both cooperate
    temptation   for defecting on a cooperator
    sucker       for cooperating with a defector
    punishment   for both when both defect

    temptation > reward > punishment > sucker, and 2 * reward > temptation + sucker, so that taking turns at exploiting
    each other does not beat cooperation. Defaults: Dasgupta & Musolesi's 3, 4, 0, 1.

    Source       Rapoport & Chammah, "Prisoner's Dilemma" (1965)
    """

    reward: float = 3.0
    temptation: float = 4.0
    sucker: float = 0.0
    punishment: float = 1.0
    actions: tuple[str, ...] = ("cooperate", "defect")
    order: ClassVar[str] = "temptation > reward > punishment > sucker and 2 * reward > temptation + sucker"

    def check(self) -> None:
        t, r, p, s = self.temptation, self.reward, self.punishment, self.sucker
        self.require(t > r > p > s and 2 * r > t + s, temptation=t, reward=r, punishment=p, sucker=s)
        super().check()

    def table(self) -> Any:
        return self.symmetric_table(self.reward, self.sucker, self.temptation, self.punishment)


class DonationGame(NamedGame):
    """A prisoner's dilemma in which cooperating gives the other something: benefit > cost > 0.

    benefit   what the other gets
    cost      what giving costs, less than the benefit

    Source    Sigmund, "The Calculus of Selfishness" (2010)
    """

    benefit: float = 5.0
    cost: float = 1.0
    actions: tuple[str, ...] = ("cooperate", "defect")
    order: ClassVar[str] = "benefit > cost > 0"

    def check(self) -> None:
        self.require(self.benefit > self.cost > 0, benefit=self.benefit, cost=self.cost)
        super().check()

    def table(self) -> Any:
        b, c = self.benefit, self.cost
        return self.symmetric_table(b - c, -c, b, 0.0)


class StagHunt(NamedGame):
    """Hunting the stag together is best, but the hare is safe: two pure equilibria.

    stag         for both when both hunt the stag
    hare         for both when both hunt hares
    temptation   for hunting hares beside a stag hunter
    alone        for hunting the stag alone

    stag > hare >= temptation > alone.

    Source       Skyrms, "The Stag Hunt and the Evolution of Social Structure" (2004)
    """

    stag: float = 4.0
    hare: float = 3.0
    temptation: float = 3.0
    alone: float = 0.0
    actions: tuple[str, ...] = ("stag", "hare")
    order: ClassVar[str] = "stag > hare >= temptation > alone"

    def check(self) -> None:
        s, h, t, a = self.stag, self.hare, self.temptation, self.alone
        self.require(s > h >= t > a, stag=s, hare=h, temptation=t, alone=a)
        super().check()

    def table(self) -> Any:
        return self.symmetric_table(self.stag, self.alone, self.temptation, self.hare)


class Chicken(NamedGame):
    """Whoever dares against one who swerves wins, but two who dare crash: win > both_swerve > swerve > crash.

    win           for daring when the other swerves
    both_swerve   for both when both swerve
    swerve        for swerving when the other dares
    crash         for both when both dare

    Source        Rapoport & Chammah, "The game of chicken" (1966)
    """

    win: float = 4.0
    both_swerve: float = 3.0
    swerve: float = 1.0
    crash: float = 0.0
    actions: tuple[str, ...] = ("swerve", "dare")
    order: ClassVar[str] = "win > both_swerve > swerve > crash"

    def check(self) -> None:
        w, b, s, c = self.win, self.both_swerve, self.swerve, self.crash
        self.require(w > b > s > c, win=w, both_swerve=b, swerve=s, crash=c)
        super().check()

    def table(self) -> Any:
        return self.symmetric_table(self.both_swerve, self.swerve, self.win, self.crash)


class BattleOfTheSexes(NamedGame):
    """Both want to meet, each at its own favourite: favourite > other > apart. Row likes action 0, column action 1.

    favourite   for meeting at one's own place
    other       for meeting at the other's
    apart       for not meeting

    Source      Luce & Raiffa, "Games and Decisions" (1957)
    """

    favourite: float = 3.0
    other: float = 2.0
    apart: float = 0.0
    actions: tuple[str, ...] = ("opera", "football")
    order: ClassVar[str] = "favourite > other > apart"

    def check(self) -> None:
        f, o, a = self.favourite, self.other, self.apart
        self.require(f > o > a, favourite=f, other=o, apart=a)
        super().check()

    def table(self) -> Any:
        f, o, a = self.favourite, self.other, self.apart
        return [[(f, o), (a, a)], [(a, a), (o, f)]]


class PureCoordination(NamedGame):
    """What they do does not matter, if only they do the same: match > mismatch.

    match      for both when they do the same
    mismatch   for both when they do not

    Source     Lewis, "Convention" (1969)
    """

    match: float = 1.0
    mismatch: float = 0.0
    actions: tuple[str, ...] = ("left", "right")
    order: ClassVar[str] = "match > mismatch"

    def check(self) -> None:
        self.require(self.match > self.mismatch, match=self.match, mismatch=self.mismatch)
        super().check()

    def table(self) -> Any:
        return self.symmetric_table(self.match, self.mismatch, self.mismatch, self.match)


class Harmony(NamedGame):
    """No dilemma: cooperation dominates. reward > temptation, sucker > punishment and reward > punishment.

    reward       for both when both cooperate
    temptation   for defecting on a cooperator
    sucker       for cooperating with a defector
    punishment   for both when both defect

    Source       Santos, Pacheco & Lenaerts, "Evolutionary dynamics of social dilemmas in structured heterogeneous
                 populations" (PNAS 2006)
    """

    reward: float = 4.0
    temptation: float = 3.0
    sucker: float = 2.0
    punishment: float = 1.0
    actions: tuple[str, ...] = ("cooperate", "defect")
    order: ClassVar[str] = "reward > temptation, sucker > punishment and reward > punishment"

    def check(self) -> None:
        r, t, s, p = self.reward, self.temptation, self.sucker, self.punishment
        self.require(r > t and s > p and r > p, reward=r, temptation=t, sucker=s, punishment=p)
        super().check()

    def table(self) -> Any:
        return self.symmetric_table(self.reward, self.sucker, self.temptation, self.punishment)
