"""Games in normal form, with exact payoffs."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

LIMIT = 500_000  # profiles that are enumerated at most: exact payoffs of so many take some ten seconds
SIMPLE = 10**6  # denominators up to which a float is taken for the fraction that it is nearest to


def exact(x: Any) -> Fraction:
    """A number as the fraction that is meant: 1.8 is 9/5, 1 / 3 is 1/3, and 0.1 + 0.2 is 3/10.

    The nearest one of a denominator of up to a million, if it is as near as rounding leaves it (4 units in the last
    place); else the float's decimals. ValueError for what is not finite.
    """
    if isinstance(x, Fraction):
        return x
    if isinstance(x, int | np.integer):
        return Fraction(int(x))
    value = float(x)
    if not math.isfinite(value):
        raise ValueError(f"exact payoffs need finite numbers; got {x!r}")
    near = Fraction(value).limit_denominator(SIMPLE)
    return near if abs(near - Fraction(value)) <= 4 * Fraction(math.ulp(value)) else Fraction(str(value))


def whole(values: Sequence[Fraction], terms: int = 1) -> tuple[np.ndarray, int]:
    """Fractions as whole numbers over one denominator: (array, denominator).

    int64 where a sum of `terms` of them cannot overflow, else Python's own whole numbers.
    """
    below = math.lcm(*(v.denominator for v in values))
    above = [v.numerator * (below // v.denominator) for v in values]
    fits = max(map(abs, above), default=0) < 2**62 // max(terms, 1)
    return np.array(above, dtype=np.int64 if fits else object), below


class NormalForm:
    """A game in which everybody chooses once, not knowing what the others choose.

    actions     for each player, the words of its actions
    rule        profile of action numbers -> payoffs, one a player (Fractions)
    own         given instead of `rule` where players are alike and care only for the sum of what the others do:
                (own action number, sum of the others' action numbers) -> payoff. That holds for every symmetric game
                of two players or of two actions, and for public goods; such games are solved at sizes that could not
                be enumerated
    players     their names (none: agent_0, agent_1, ...)
    name        what the game is called when printed
    cooperate   the number of the action that is full cooperation, and
    defect      the one that is none, where the game has them

    Built from a game by `normal_form`, from numbers by `NormalForm.of_arrays`.
    """

    def __init__(
        self,
        actions: Sequence[Sequence[str]],
        rule: Callable[[tuple[int, ...]], Sequence[Fraction]] | None = None,
        *,
        own: Callable[[int, int], Fraction] | None = None,
        players: Sequence[str] | None = None,
        name: str = "game",
        cooperate: int | None = None,
        defect: int | None = None,
    ):
        if (rule is None) == (own is None):
            raise ValueError("a normal form has either a rule of payoffs or, where symmetric, what one player gets")
        self.actions = tuple(tuple(words) for words in actions)
        self.players = tuple(players) if players else tuple(f"agent_{i}" for i in range(len(self.actions)))
        self.name, self.own, self.cooperate, self.defect = name, own, cooperate, defect
        if not self.actions or not all(self.actions) or len(self.players) != len(self.actions):
            raise ValueError(f"{name}: every player needs a name and an action; got {self.players}, {self.actions}")
        if own is not None and len(set(map(len, self.actions))) > 1:
            raise ValueError(f"{name}: the players of a symmetric game have equally many actions; got {self.shape}")
        self._rule = rule

    @classmethod
    def of_arrays(cls, *payoffs: Any, **given: Any) -> NormalForm:
        """From arrays: one a player, each [actions of player 0, actions of player 1, ...]; or one, the players last.

        Entries may be Fractions. `actions` and the other options of NormalForm may be given by name.
        """
        tables = [np.array(table, dtype=object) for table in payoffs]
        if len(tables) == 1:
            tables = [tables[0][..., i] for i in range(tables[0].shape[-1])]
        shape = tables[0].shape
        if any(table.shape != shape for table in tables) or len(shape) != len(tables) or 0 in shape:
            raise ValueError(
                "payoffs must be one array a player, each with one axis a player, or one array with the players last; "
                f"got shapes {[np.shape(table) for table in payoffs]}"
            )
        entries = {at: tuple(exact(table[at]) for table in tables) for at in np.ndindex(*shape)}
        given.setdefault("actions", [[str(a) for a in range(count)] for count in shape])
        form = cls(rule=entries.__getitem__, **given)
        if form.shape != shape:
            raise ValueError(f"actions must name {shape} actions; got {form.shape}")
        alike = (
            len(shape) == 2 and shape[0] == shape[1] and all(entries[a, b] == entries[b, a][::-1] for a, b in entries)
        )
        if alike:
            form._rule, form.own = None, lambda mine, other: entries[mine, other][0]
        return form

    # ---------------------------------------------------------------- size and payoffs

    @property
    def n(self) -> int:
        """Number of players."""
        return len(self.actions)

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return tuple(map(len, self.actions))

    @property
    def size(self) -> int:
        """Number of profiles of actions."""
        return math.prod(self.shape)

    @property
    def symmetric(self) -> bool:
        """Whether players are alike, and known to be (see `own`)."""
        return self.own is not None

    def payoff(self, profile: Sequence[int]) -> tuple[Fraction, ...]:
        """What each player gets when they do what the profile says."""
        if self.own is not None:
            total = sum(profile)
            return tuple(self.own(a, total - a) for a in profile)
        assert self._rule is not None
        return tuple(self._rule(tuple(profile)))

    def words(self, profile: Sequence[int]) -> tuple[str, ...]:
        """A profile in words."""
        return tuple(self.actions[i][a] for i, a in enumerate(profile))

    def refuse_more_than(self, limit: int, count: int | None = None, what: str = "profiles") -> None:
        """ValueError in one sentence where there is more to enumerate than can be done."""
        count = self.size if count is None else count
        if count > limit:
            raise ValueError(f"{self.name} has {count:,} {what}, and up to {limit:,} can be enumerated")

    def profiles(self) -> Iterator[tuple[int, ...]]:
        """Every profile. ValueError where there are more than LIMIT."""
        self.refuse_more_than(LIMIT)
        return itertools.product(*(range(count) for count in self.shape))

    @property
    def n_representatives(self) -> int:
        """Number of profiles; of a symmetric game, up to relabelling the players."""
        return math.comb(self.shape[0] + self.n - 1, self.n) if self.symmetric else self.size

    @property
    def what_is_counted(self) -> str:
        """What `n_representatives` counts."""
        return "profiles up to who is who" if self.symmetric else "profiles"

    def representatives(self) -> Iterator[tuple[int, ...]]:
        """Every profile; of a symmetric game, one of each that differ in the players' labels, its actions ascending."""
        self.refuse_more_than(LIMIT, self.n_representatives, self.what_is_counted)
        if self.symmetric:
            return itertools.combinations_with_replacement(range(self.shape[0]), self.n)
        return self.profiles()

    def times(self, profile: Sequence[int]) -> int:
        """How many profiles a representative stands for."""
        if not self.symmetric:
            return 1
        return math.factorial(self.n) // math.prod(math.factorial(list(profile).count(a)) for a in set(profile))

    # ---------------------------------------------------------------- tables, in whole numbers

    @cached_property
    def own_table(self) -> tuple[np.ndarray, int]:
        """Of a symmetric game: payoffs [own action, sum of the others'] as whole numbers, and their denominator."""
        assert self.own is not None
        count, sums = self.shape[0], (self.n - 1) * (self.shape[0] - 1) + 1
        self.refuse_more_than(LIMIT, count * sums, "cases for one player")
        values, below = whole([self.own(a, t) for a in range(count) for t in range(sums)], 4 * self.n)
        return values.reshape(count, sums), below

    @cached_property
    def table(self) -> tuple[np.ndarray, int]:
        """Payoffs [actions of 0, of 1, ..., player] as whole numbers, and their denominator. ValueError if too many."""
        self.refuse_more_than(LIMIT)
        if self.symmetric:
            own, below = self.own_table
            each = np.indices(self.shape)
            total = each.sum(0)
            return np.stack([own[mine, total - mine] for mine in each], axis=-1), below
        values, below = whole([x for profile in self.profiles() for x in self.payoff(profile)], 4 * self.n)
        return values.reshape(*self.shape, self.n), below

    # ---------------------------------------------------------------- against mixed strategies

    def mixed(self, strategies: Sequence[Any]) -> tuple[tuple[Any, ...], ...]:
        """Strategies as distributions over actions: each an action number, or probabilities already."""
        return tuple(
            tuple(Fraction(int(a == one)) for a in range(count)) if isinstance(one, int | np.integer) else tuple(one)
            for one, count in zip(strategies, self.shape)
        )

    def values(self, strategies: Sequence[Any], player: int) -> tuple[Any, ...]:
        """Expected payoff of each action of `player` while the others follow their strategies (its own is ignored).

        A strategy is an action number or a distribution over actions; Fractions in, Fractions out.
        """
        others = [one for i, one in enumerate(strategies) if i != player]
        if self.own is not None and all(isinstance(one, int | np.integer) for one in others):
            total = int(sum(others))
            return tuple(self.own(a, total) for a in range(self.shape[player]))
        mixed = self.mixed(strategies)
        if self.own is not None:
            chances = _sums([one for i, one in enumerate(mixed) if i != player])
            return tuple(sum(p * self.own(a, t) for t, p in enumerate(chances) if p) for a in range(self.shape[player]))
        found: list[Any] = [Fraction(0)] * self.shape[player]
        supports = [
            range(self.shape[i]) if i == player else [a for a, p in enumerate(one) if p] for i, one in enumerate(mixed)
        ]
        self.refuse_more_than(LIMIT, math.prod(map(len, supports)))
        for profile in itertools.product(*supports):
            chance = math.prod((mixed[i][a] for i, a in enumerate(profile) if i != player), start=Fraction(1))
            found[profile[player]] += chance * self.payoff(profile)[player]
        return tuple(found)

    def expected(self, strategies: Sequence[Any]) -> tuple[Any, ...]:
        """Expected payoff of each player."""
        mixed = self.mixed(strategies)
        return tuple(sum(p * v for p, v in zip(mixed[i], self.values(mixed, i)) if p) for i in range(self.n))

    @property
    def heading(self) -> str:
        """Its name and size in words."""
        one_size = self.n > 2 and len(set(self.shape)) == 1
        size = f"{self.shape[0]} actions each" if one_size else f"{' x '.join(map(str, self.shape))} actions"
        return f"{self.name}: {self.n} player{'s' * (self.n > 1)}, {size}"

    def __repr__(self) -> str:
        return f"NormalForm({self.heading})"


def _sums(strategies: list[tuple[Any, ...]]) -> list[Any]:
    """The distribution of the sum of independent action numbers."""
    chances: list[Any] = [Fraction(1)]
    for one in strategies:
        wider: list[Any] = [Fraction(0)] * (len(chances) + len(one) - 1)
        played = [(a, q) for a, q in enumerate(one) if q]
        for t, p in enumerate(chances):
            for a, q in played if p else ():
                wider[t + a] += p * q
        chances = wider
    return chances
