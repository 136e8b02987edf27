"""Equilibria of games in normal form: pure, mixed of two players, symmetric mixed of many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from .dominance import eliminate
from .form import NormalForm
from .payoffs import normal_form
from .rational import bernstein, roots, solve

LISTED = 100_000  # pure equilibria that are listed at most
SUPPORTS = 20_000  # pairs of supports of two players that are tried at most: 8 actions each
GROUP = 1000  # players of a symmetric game that is solved at most, and
DEGREE = 200  # those with whom symmetric mixed equilibria are looked for
SHOWN = 12  # equilibria that are printed


@dataclass(frozen=True)
class Equilibrium:
    """One equilibrium.

    strategies   for each player, the number of its action or, in a mixed equilibrium, the probabilities of all of its
                 actions: Fractions, or floats where they are irrational
    payoffs      what each player expects
    strict       whether everybody would lose by doing anything else
    times        how many equilibria it stands for: in a symmetric game of three or more, those that differ from it
                 only in who is who are not listed
    """

    strategies: tuple[Any, ...]
    payoffs: tuple[Any, ...]
    strict: bool = False
    times: int = 1

    @property
    def profile(self) -> tuple[int, ...] | None:
        """The action numbers; None in a mixed equilibrium."""
        return self.strategies if all(isinstance(one, int) for one in self.strategies) else None

    @property
    def welfare(self) -> Any:
        """The sum of the payoffs."""
        return sum(self.payoffs)


@dataclass(frozen=True)
class Equilibria:
    """The equilibria of a game. Iterates over all of them, prints as a list.

    form    the game
    pure    all pure ones, up to who is who (see Equilibrium.times)
    mixed   of two players: the extreme ones, of which all others are mixtures; of a symmetric game of three or more
            with two actions: the symmetric ones; None: not looked for
    notes   what else to know, in sentences
    """

    form: NormalForm
    pure: tuple[Equilibrium, ...]
    mixed: tuple[Equilibrium, ...] | None
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Equilibrium]:
        return itertools.chain(self.pure, self.mixed or ())

    def __len__(self) -> int:
        return len(self.pure) + len(self.mixed or ())

    def __str__(self) -> str:
        form = self.form
        lines = [form.heading]
        for kind, found in (("pure", self.pure), ("mixed", self.mixed)):
            if found is None:
                continue
            lines += [f"  {kind:5}  {_line(form, one)}" for one in found[:SHOWN]] or [f"  {kind:5}  none"]
            if len(found) > SHOWN:
                lines.append(f"         ... and {len(found) - SHOWN:,} more")
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def equilibria(game: Any) -> Equilibria:
    """All pure equilibria of a small game and, as far as they can be found exactly, the mixed ones.

    game   anything that `normal_form` takes: a society or group (its dilemma alone, without what mechanisms do), a
           dilemma, a registered name, payoffs

    ValueError in one sentence for a game that is too large to enumerate, with its size and the size that can be done.
    Symmetric games (public goods, two actions for each of many) are solved without enumerating their profiles.
    """
    form = normal_form(game)
    pure = pure_equilibria(form)
    notes: list[str] = []
    mixed: tuple[Equilibrium, ...] | None = None
    kept = eliminate(form).kept
    if all(len(actions) == 1 for actions in kept):
        mixed = ()
        notes.append("There is no other: strictly dominated actions eliminated, one profile is left.")
    elif form.n == 2:
        pairs = math.comb(sum(map(len, kept)), len(kept[0])) - 1
        if pairs > SUPPORTS:
            notes.append(
                f"Mixed ones were not looked for: {pairs:,} pairs of supports, of which {SUPPORTS:,} can be tried."
            )
        else:
            extreme = _extreme(form, kept)
            mixed = tuple(one for one in extreme if any(max(player) < 1 for player in one.strategies))
            if _continua(extreme):
                notes.append(
                    "Degenerate: mixtures of listed ones in which the other player does the same are equilibria too."
                )
    elif form.symmetric and len(kept[0]) == 2 and form.n <= DEGREE:
        mixed = _symmetric_mixed(form, kept[0])
        if mixed is None:
            notes.append("Both actions always pay the same: every mixture is an equilibrium.")
        else:
            notes.append("Of the mixed ones, those in which all do the same.")
    else:
        notes.append(
            f"Mixed ones are looked for of two players, or {DEGREE} who are alike and have two undominated actions."
        )
    return Equilibria(form, pure, mixed, tuple(notes))


# ---------------------------------------------------------------- pure


def pure_equilibria(form: NormalForm) -> tuple[Equilibrium, ...]:
    """All pure equilibria; of symmetric games of three and more players, one of those that differ in who is who."""
    if form.symmetric and form.n > 2:
        form.refuse_more_than(GROUP, form.n, "players")
        found = list(itertools.islice(_symmetric_pure(form), LISTED + 1))
        if len(found) > LISTED:
            raise ValueError(
                f"{form.name} has {form.size:,} profiles and more than {LISTED:,} pure equilibria, even up to who is "
                f"who, and up to {LISTED:,} can be listed"
            )
        return tuple(_pure(form, profile, strict, form.times(profile)) for profile, strict in found)
    table, _ = form.table
    stays, strict = np.ones(form.shape, bool), np.ones(form.shape, bool)
    for i in range(form.n):
        own = table[..., i]
        best = own == own.max(axis=i, keepdims=True)
        stays &= best
        strict &= best & (best.sum(axis=i, keepdims=True) == 1)
    at = np.argwhere(stays)
    form.refuse_more_than(LISTED, len(at), "pure equilibria")
    return tuple(_pure(form, tuple(map(int, profile)), bool(strict[tuple(profile)]), 1) for profile in at)


def _pure(form: NormalForm, profile: tuple[int, ...], strict: bool, times: int) -> Equilibrium:
    return Equilibrium(profile, form.payoff(profile), strict, times)


def _symmetric_pure(form: NormalForm) -> Iterator[tuple[tuple[int, ...], bool]]:
    """Ascending profiles in which everybody replies best, and whether strictly.

    A player who sees the total S and does a faces S - a. So for each S there is a set of actions that are best replies
    to the rest, and the equilibria are the ways to make S of n actions of that set.
    """
    own, _ = form.own_table
    best = own == own.max(axis=0)
    alone = best.sum(axis=0) == 1
    for total in range(form.n * (form.shape[0] - 1) + 1):
        fit = [a for a in range(form.shape[0]) if 0 <= total - a < own.shape[1] and best[a, total - a]]
        for profile in _ways(total, form.n, fit):
            yield profile, all(bool(alone[total - a]) for a in set(profile))


def _ways(total: int, n: int, actions: list[int]) -> Iterator[tuple[int, ...]]:
    """Ascending n-tuples of the given ascending numbers that sum to total."""
    kinds, mask = len(actions), (1 << (total + 1)) - 1
    sums = [[1] + [0] * n for _ in range(kinds + 1)]  # bit s of sums[k][m]: m of actions[k:] can sum to s
    for k in reversed(range(kinds)):
        for m in range(1, n + 1):
            sums[k][m] = (sums[k + 1][m] | sums[k][m - 1] << actions[k]) & mask

    def ways(left: int, m: int, k: int) -> Iterator[tuple[int, ...]]:
        if m == 0:
            yield ()
        for at in range(k, kinds):
            for count in range(1, m + 1):
                rest = left - count * actions[at]
                if rest < 0:
                    break
                if sums[at + 1][m - count] >> rest & 1:  # so that no search ends in nothing
                    yield from ((actions[at],) * count + more for more in ways(rest, m - count, at + 1))

    return ways(total, n, 0)


# ---------------------------------------------------------------- mixed, two players


def _extreme(form: NormalForm, kept: tuple[tuple[int, ...], ...]) -> list[Equilibrium]:
    """All extreme equilibria of a game of two players (Avis, Rosenberg, Savani & von Stengel 2010), exact.

    With payoffs made positive, {x >= 0: x pays the other at most 1 whatever it does} is a polytope. Its vertices and
    those of the other player's, scaled to probabilities, are an equilibrium exactly if every action is unused or a
    best reply. Unlike pairs of supports of equal size, this finds all that there are in degenerate games too.
    """
    rows, columns = kept
    payoff = [[form.payoff((a, b)) for b in columns] for a in rows]
    shift = [1 - min(cell[i] for line in payoff for cell in line) for i in range(2)]
    of_row = [[cell[0] + shift[0] for cell in line] for line in payoff]
    of_column = [[line[b][1] + shift[1] for line in payoff] for b in range(len(columns))]
    ours = _vertices(of_column)  # x and the columns that reply best to it
    theirs = _vertices(of_row)
    found = []
    for x, best_columns in ours:
        for y, best_rows in theirs:
            fits = all(not p or a in best_rows for a, p in enumerate(x))
            if fits and all(not q or b in best_columns for b, q in enumerate(y)):
                mixed = _spread(x, rows, form.shape[0]), _spread(y, columns, form.shape[1])
                found.append(Equilibrium(mixed, form.expected(mixed)))
    return found


def _vertices(payoff: list[list[Fraction]]) -> list[tuple[tuple[Fraction, ...], frozenset[int]]]:
    """Vertices but 0 of {y >= 0: payoff y <= 1}, as probabilities, and which rows are best replies to them."""
    count = len(payoff[0])
    found: dict[tuple[Fraction, ...], frozenset[int]] = {}
    for size in range(1, min(count, len(payoff)) + 1):
        for support in itertools.combinations(range(count), size):
            for tight in itertools.combinations(range(len(payoff)), size):
                part = solve([[payoff[r][c] for c in support] for r in tight], [Fraction(1)] * size)
                if part is None or min(part) <= 0:
                    continue
                values = [sum(row[c] * p for c, p in zip(support, part)) for row in payoff]
                if max(values) == 1:
                    weight = sum(part)
                    y = _spread([p / weight for p in part], support, count)
                    found[y] = frozenset(r for r, v in enumerate(values) if v == 1)
    return list(found.items())


def _spread(chances: Any, at: Any, count: int) -> tuple[Fraction, ...]:
    """Probabilities of some actions, as probabilities of all."""
    of = dict(zip(at, chances))
    return tuple(of.get(a, Fraction(0)) for a in range(count))


def _continua(extreme: list[Equilibrium]) -> bool:
    """Whether two equilibria share a player's strategy, so that all between them are equilibria."""
    return any(len({one.strategies[i] for one in extreme}) < len(extreme) for i in range(2))


# ---------------------------------------------------------------- mixed, many players who are alike


def gain(form: NormalForm, pair: tuple[int, int] = (0, 1)) -> list[Fraction]:
    """What action pair[1] pays more than pair[0], when each other plays pair[1] with probability x: a polynomial in x.

    sum_k C(n-1, k) x^k (1-x)^(n-1-k) [U(pair[1], k others do it) - U(pair[0], k)]; coefficients, the constant first.
    """
    assert form.own is not None
    low, high = pair
    base = low * (form.n - 1)
    sums = [base + k * (high - low) for k in range(form.n)]
    return bernstein([form.own(high, t) - form.own(low, t) for t in sums])


def _symmetric_mixed(form: NormalForm, pair: tuple[int, ...]) -> tuple[Equilibrium, ...] | None:
    """Equilibria in which all play pair[1] with one probability strictly between 0 and 1: the roots of the gain."""
    polynomial = gain(form, (pair[0], pair[1]))
    if not polynomial:
        return None
    found = []
    for x in roots(polynomial):
        one = _spread((1 - x, x), pair, form.shape[0])
        worth = form.values([one] * form.n, 0)[pair[0]]
        found.append(Equilibrium((one,) * form.n, (worth,) * form.n))
    return tuple(found)


# ---------------------------------------------------------------- words


def number(x: Any) -> str:
    """A number as it is best read: 2/3, 0.585786."""
    if isinstance(x, Fraction) and x.denominator < 100:
        return str(x)
    return f"{float(x):.6g}"


def _line(form: NormalForm, one: Equilibrium) -> str:
    """An equilibrium in a line."""
    profile = one.profile
    if profile is not None and form.symmetric and form.n > 2:
        groups = [(profile.count(a), form.actions[0][a], one.payoffs[profile.index(a)]) for a in sorted(set(profile))]
        what = ", ".join(f"{count} {word}" for count, word, _ in groups)
        pays = ", ".join(
            f"{number(worth)}" + (f" to who {word}" if len(groups) > 1 else " each") for _, word, worth in groups
        )
    elif profile is not None:
        what, pays = ", ".join(form.words(profile)), ", ".join(map(number, one.payoffs))
    elif form.symmetric and form.n > 2:
        what, pays = "each " + _mix(form, one, 0), f"{number(one.payoffs[0])} each"
    else:
        what = "; ".join(f"{name} {_mix(form, one, i)}" for i, name in enumerate(form.players))
        pays = ", ".join(map(number, one.payoffs))
    more = [word for word, holds in (("strict", one.strict), (f"times {one.times}", one.times > 1)) if holds]
    return f"{what}  ->  {pays}" + (f"  ({', '.join(more)})" if more else "")


def _mix(form: NormalForm, one: Equilibrium, player: int) -> str:
    """A mixed strategy in words."""
    return " + ".join(f"{number(p)} {word}" for p, word in zip(one.strategies[player], form.actions[player]) if p)
