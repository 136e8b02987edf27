"""Many players for one seat: who sits in it is drawn anew for every episode, by chance or by a rule of the user's."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..policies import Player, Policy, Seen, View, as_policy


@dataclass(frozen=True)
class Standing:
    """What is known of the members, for a rule that chooses among them: of one seed, over all its episodes so far.

    names                what each is called, [m]
    games                episodes each has played, ints [m]
    reward, others       mean reward of an episode to the member, and to the mean of all others in its games, floats
                         [m]; NaN before its first
    """

    names: tuple[str, ...]
    games: np.ndarray
    reward: np.ndarray
    others: np.ndarray


Rule = Callable[[Standing], Any]


def uniform(standing: Standing) -> np.ndarray:
    """All members alike."""
    return np.ones(len(standing.names))


class Population(Policy):
    """Members who share a seat: every world draws one of them at the beginning of each episode.

    members   policies, or whatever `ms.as_policy` takes
    rule      a Standing -> weights [m] that are not negative, not all 0: how likely each is drawn; None: all alike.
              A league is such a rule: members against whom learners earn little, or those of like strength, more often

    Results are kept apart by seed, so that seeds stay independent. ValueError in one sentence for an empty population
    and for weights that are none.
    """

    members: Sequence[Any] = ()
    rule: Rule | None = None
    tags: ClassVar[dict[str, Any]] = {}
    keeps: ClassVar[dict[str, Any]] = {"member": -1, "earned": 0.0, "others": 0.0}
    recalls: ClassVar[bool] = False

    def __post_init__(self) -> None:
        self.members = tuple(as_policy(member) for member in self.members)
        if not self.members and type(self) is Population:
            raise ValueError("a Population needs at least one member; got none")
        if self.rule is not None and not callable(self.rule):
            raise ValueError(f"Population: rule must be a function of a Standing; got {self.rule!r}")

    def reset(self, player: Player) -> None:
        """Seat the members beside each other in all rows."""
        roster = Roster(player)
        player.children = roster
        for member in self.members:
            roster.add(member, member.name)

    def act(self, view: View) -> np.ndarray:
        roster = view.player.children
        member = view.kept["member"]
        empty = ~np.isin(member, roster.numbers)
        if empty.any():
            member = np.where(empty, roster.draw(view, self.rule or uniform), member)
            view.kept["member"] = member
        chosen = np.zeros(view.n, np.int64 if view.box is None else np.float64)
        for number in np.unique(member):
            mine = member == number
            chosen[mine] = roster.ask(int(number), view, mine)
        return chosen

    def see(self, seen: Seen) -> None:
        """Add up what members and the others earn; where an episode ends, the seat is free again."""
        kept, roster = seen.player.kept, seen.player.children
        kept["earned"] += seen.reward
        kept["others"] += (seen.everybody.sum(1) - seen.reward) / max(seen.everybody.shape[1] - 1, 1)
        ended = seen.terminated | seen.truncated
        if ended.any():
            roster.note(ended, kept)
            for name, first in self.keeps.items():
                kept[name][ended] = first

    def close(self, player: Player) -> None:
        """Close the members."""
        for child in player.children.players.values():
            child.policy.close(child)

    def resume(self, player: Player) -> None:
        """Take the members up anew."""
        for child in player.children.players.values():
            child.policy.resume(child)


class Roster:
    """The members of one player's rows, by number, and what each has earned; numbers are never used twice.

    players   number -> the member's own Player, with what it remembers of each row
    results   number -> float64 [S, 3]: games, reward of the member, of the others; sums, of each seed
    """

    def __init__(self, player: Player) -> None:
        self._player = player
        self.players: dict[int, Player] = {}
        self.names: dict[int, str] = {}
        self.results: dict[int, np.ndarray] = {}
        self.next = 0
        self._seed = player.worlds // player.table.num_envs

    @property
    def numbers(self) -> list[int]:
        """Of the members who are there."""
        return list(self.players)

    def add(self, policy: Policy, name: str, number: int | None = None) -> int:
        """A new member; returns its number."""
        number = self.next if number is None else number
        self.next = max(self.next, number + 1)
        mine = self._player
        self.players[number] = Player(policy, mine.worlds, mine.agents, mine.table)
        policy.reset(self.players[number])
        self.names[number], self.results[number] = name, np.zeros((len(mine.table.seeds), 3))
        return number

    def drop(self, number: int) -> None:
        """A member leaves; where it sits now, another is drawn at the next decision."""
        gone = self.players.pop(number)
        gone.policy.close(gone)
        del self.names[number], self.results[number]

    def standing(self, s: int) -> Standing:
        """What is known of the members, in seed number s."""
        sums = np.array([self.results[k][s] for k in self.numbers])
        with np.errstate(invalid="ignore", divide="ignore"):
            means = sums[:, 1:] / sums[:, :1]
        return Standing(tuple(self.names[k] for k in self.numbers), sums[:, 0].astype(int), means[:, 0], means[:, 1])

    def draw(self, view: View, rule: Rule) -> np.ndarray:
        """A member for each row of a view, int [n]."""
        chance, numbers = view.uniform(), np.array(self.numbers)
        drawn = np.zeros(view.n, np.int64)
        seeds = self._seed[view.rows]
        for s in np.unique(seeds):
            mine = seeds == s
            weights = np.asarray(rule(self.standing(int(s))), dtype=np.float64)
            fit = weights.shape == numbers.shape and np.isfinite(weights).all() and (weights >= 0).all()
            if not (fit and weights.any()):
                raise ValueError(
                    f"a population's rule must give each of {len(numbers)} members a weight of 0 or more, not all 0; "
                    f"got {weights.tolist()}"
                )
            edges = weights.cumsum() / weights.sum()
            drawn[mine] = numbers[np.minimum(np.searchsorted(edges, chance[mine], side="right"), len(numbers) - 1)]
        return drawn

    def ask(self, number: int, view: View, rows: np.ndarray) -> np.ndarray:
        """What a member does in some rows of a view, bool [n]."""
        child = self.players[number]
        own = View(child, view.kind, view.rows[rows])
        chosen = child.answer(own)
        view.player.table.decided(own, child.chose(own, chosen))
        return chosen

    def note(self, ended: np.ndarray, kept: dict[str, np.ndarray]) -> None:
        """Episodes are over in some rows, bool [R]."""
        for number, sums in self.results.items():
            mine = ended & (kept["member"] == number)
            for column, values in enumerate((np.ones(len(mine)), kept["earned"], kept["others"])):
                np.add.at(sums[:, column], self._seed[mine], values[mine])

    def saw(self, *step: np.ndarray) -> None:
        """What a step did, for what members remember."""
        for child in self.players.values():
            child.saw(*step)

    # ------------------------------------------------------------ keeping

    def state(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        made = {"numbers": np.array(self.numbers, np.int64), "next": np.array(self.next)}
        for number, child in self.players.items():
            made[f"{number}/results"] = self.results[number]
            made |= {f"{number}/{name}": array for name, array in child.state().items()}
        return made

    def load(self, saved: dict[str, np.ndarray]) -> None:
        """Go on from `state`; the members must be there already."""
        self.next = int(saved["next"])
        then = [int(number) for number in saved["numbers"]]  # in the same order, but counted on while others left
        now = zip(then, self.players.values(), self.names.values(), self.results.values(), strict=True)
        rows = list(now)
        self.players = {number: child for number, child, _, _ in rows}
        self.names = {number: name for number, _, name, _ in rows}
        self.results = {number: sums for number, _, _, sums in rows}
        for number, child in self.players.items():
            prefix = f"{number}/"
            mine = {k[len(prefix) :]: v for k, v in saved.items() if k.startswith(prefix)}
            self.results[number][...] = mine.pop("results")
            child.load(mine)
