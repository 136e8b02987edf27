"""Backward induction: subgame-perfect equilibria of games in which players move one after the other, exactly.

A game in order is told by `Moves`: who moves when, what it knows, what it may do, and what an end is worth to it. The
solver knows nothing else of it, so public goods and the centipede are solved by the same thirty lines.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Literal, NamedTuple

State = Hashable
Ties = Literal["high", "low"]
LIMIT = 300_000  # choices weighed in one pass: some seconds with exact fractions
MANY = 8  # entries of a tuple that are all shown


class Over(NamedTuple):
    """The game has ended before its last move, in `end`."""

    end: Any


@dataclass(frozen=True)
class Moves:
    """A game in order. Depth t is the t-th move; what its mover knows is the state.

    movers    who moves at depth 0, 1, ...
    states    states(depth): all that can be known there, first at depth 0
    choices   choices(depth, state): what its mover may do, the least generous first
    after     after(depth, state, choice): the next mover's state, or Over(end); after the last move the end itself
    worth     worth(depth, state, choice, end): what its mover gets at an end
    payoffs   payoffs(path): what every player gets, from all choices in turn
    size      choices that one pass weighs
    """

    movers: Sequence[int]
    states: Callable[[int], Iterable[Any]]
    choices: Callable[[int, Any], Sequence[Any]]
    after: Callable[[int, Any, Any], Any]
    worth: Callable[[int, Any, Any, Any], Fraction]
    payoffs: Callable[[tuple[Any, ...]], tuple[Fraction, ...]]
    size: int


@dataclass(frozen=True)
class SPNE:
    """A subgame-perfect equilibrium in pure strategies, found by backward induction with exact fractions.

    path      what is done in turn: contributions or amounts (Fraction), or words
    payoffs   what every player then gets (Fraction), the first to move first where the order is drawn
    ties      states at which the mover has several best replies; 0: there is no other equilibrium
    unique    whether every pure equilibrium follows this path (off it, they may differ where there are ties)
    policy    policy[player][what it knows] -> its choice; the total so far, the offer, the number of moves, ()
    """

    path: tuple[Any, ...]
    payoffs: tuple[Fraction, ...]
    ties: int
    unique: bool
    policy: tuple[Mapping[Any, Any], ...] = field(repr=False)

    def __str__(self) -> str:
        states = "1 state" if self.ties == 1 else f"{self.ties} states"
        tied = f"{states} with several best replies" if self.ties else "one best reply in every state"
        only = "the only path of an equilibrium" if self.unique else "other equilibria follow other paths"
        return f"path {series(self.path)}, payoffs {series(self.payoffs)}: {only}; {tied}"

    def __repr__(self) -> str:
        return f"SPNE(path={series(self.path)}, payoffs={series(self.payoffs)}, ties={self.ties}, unique={self.unique})"


def shown(value: Any) -> str:
    """A number as it would be typed, decimals where they are few and end; a tuple of them in brackets."""
    if isinstance(value, tuple | list):
        inside = ", ".join(shown(one) for one in value)
        return f"({inside},)" if len(value) == 1 else f"({inside})"
    if not isinstance(value, Fraction):
        return f"{value:g}" if isinstance(value, float) else str(value)
    if (10**6) % value.denominator == 0:
        return f"{float(value):.6f}".rstrip("0").rstrip(".")
    return str(value) if value.denominator < 1000 else f"{float(value):.6g}"


def series(values: tuple[Any, ...]) -> str:
    """A tuple as `shown`; a long one by its first and last, or by how often the same comes."""
    if len(values) <= MANY:
        return shown(values)
    if len(set(values)) == 1:
        return f"({shown(values[0])}, {len(values)} times)"
    return f"({', '.join(map(shown, values[:3]))}, ..., {shown(values[-1])})"


def induce(game: Moves, ties: Ties = "high") -> SPNE:
    """The equilibrium in which whoever is indifferent takes the last ("high") or first ("low") of its best choices."""
    if game.size > LIMIT:
        raise ValueError(
            f"backward induction would weigh {game.size:,} choices, and can do {LIMIT:,}: take fewer players or levels"
        )
    policy, tied = _choose(game, ties)
    path = _follow(game, policy)
    unique = not tied or (path == _follow(game, _choose(game, _other(ties))[0]) and _paths(game) == 1)
    players = max(game.movers) + 1
    by_player: list[dict[Any, Any]] = [{} for _ in range(players)]
    for depth, chosen in enumerate(policy):
        by_player[game.movers[depth]] |= chosen
    return SPNE(path, game.payoffs(path), tied, unique, tuple(by_player))


def _other(ties: Ties) -> Ties:
    return "low" if ties == "high" else "high"


def _choose(game: Moves, ties: Ties) -> tuple[list[dict[Any, Any]], int]:
    """What is chosen at every depth and state, and the number of states with several best replies."""
    policy: list[dict[Any, Any]] = []
    ends: dict[Any, Any] = {}
    tied = 0
    for depth in reversed(range(len(game.movers))):
        chosen, reached = {}, {}
        for state in game.states(depth):
            choices = game.choices(depth, state)
            after = [_end(game.after(depth, state, choice), ends) for choice in choices]
            worths = [game.worth(depth, state, choice, end) for choice, end in zip(choices, after, strict=True)]
            top = max(worths)
            best = [k for k, worth in enumerate(worths) if worth == top]
            tied += len(best) > 1
            pick = best[-1] if ties == "high" else best[0]
            chosen[state], reached[state] = choices[pick], after[pick]
        policy.insert(0, chosen)
        ends = reached
    return policy, tied


def _end(state: Any, ends: Mapping[Any, Any]) -> Any:
    """Where play from `state` ends; after the last move, in that state itself."""
    if isinstance(state, Over):
        return state.end
    return ends[state] if ends else state


def _follow(game: Moves, policy: list[dict[Any, Any]]) -> tuple[Any, ...]:
    """All choices in turn."""
    (state,) = game.states(0)
    path: list[Any] = []
    for depth, chosen in enumerate(policy):
        path.append(chosen[state])
        state = game.after(depth, state, chosen[state])
        if isinstance(state, Over):
            break
    return tuple(path)


def _paths(game: Moves) -> int:
    """How many paths pure subgame-perfect equilibria follow (counted to 2).

    A choice can be on such a path, with a certain end of those its subgame has in equilibrium, if that is worth no less
    than the worst that equilibria make of each other choice: deviations may be answered in different ways.
    """
    ends: dict[Any, dict[Any, int]] = {}
    for depth in reversed(range(len(game.movers))):
        found: dict[Any, dict[Any, int]] = {}
        for state in game.states(depth):
            worths: list[dict[Any, Fraction]] = []
            counts: list[dict[Any, int]] = []
            for choice in game.choices(depth, state):
                after = game.after(depth, state, choice)
                known = {after.end: 1} if isinstance(after, Over) else ends[after] if ends else {after: 1}
                worths.append({end: game.worth(depth, state, choice, end) for end in known})
                counts.append(known)
            bar = max(min(worth.values()) for worth in worths)
            kept = found.setdefault(state, {})
            for worth, count in zip(worths, counts, strict=True):
                for end, value in worth.items():
                    if value >= bar:
                        kept[end] = min(2, kept.get(end, 0) + count[end])
        ends = found
    (root,) = ends.values()
    return min(2, sum(root.values()))
