"""Optimal policy pairs of the partially observable off-switch game, by enumeration with exact fractions.

Nature draws a state; the human and the robot each observe a part of it and may each send one message, both at once,
at no cost; the robot acts, switches off or waits, and if it waits the human lets it act or switches it off. Payoffs are
common, so an optimal pair of policies can be taken deterministic.

What each says splits what it may have observed into groups. Given the two splits the game falls apart into one game
without messages for each group of the human's and each of the robot's; there the human's best reply to the robot's set
of waiting observations, and the robot's to the human's set of allowing ones, are each found one observation at a time.

Source: Garber, Subramani, Luu, Bedaywi, Russell & Emmons, The Partially Observable Off-Switch Game (AAAI 2025).
"""

from __future__ import annotations

import dataclasses
import functools
import itertools
import math
from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import Any, NamedTuple

from ..core.errors import unknown
from ..core.registry import make
from ..games.po_osg_examples import EXAMPLES
from .form import exact
from .po_osg_blocks import ACT, ALLOW, OFF, STOP, WAIT, Block, Moves, Sums, optima, values

LIMIT = 1_000_000  # policies of single blocks, and pairs of message plans, that are tried at most: some seconds


@dataclasses.dataclass(frozen=True)
class PartialTable:
    """A partially observable off-switch game as a table, one entry a state; numbers become exact fractions.

    prior              probabilities, adding up to 1
    u_act, u_off       what both get if the action runs, and if not (none: 0)
    obs_human, obs_robot             what each observes: whole numbers
    messages_human, messages_robot   how many messages each has; 1: it cannot speak
    """

    prior: tuple[Any, ...]
    u_act: tuple[Any, ...]
    u_off: tuple[Any, ...] = ()
    obs_human: tuple[int, ...] = ()
    obs_robot: tuple[int, ...] = ()
    messages_human: int = 1
    messages_robot: int = 1

    def __post_init__(self) -> None:
        prior = tuple(map(exact, self.prior))
        total = sum(prior, Fraction(0))
        if any(p < 0 for p in prior) or abs(total - 1) > Fraction(1, 10**9):
            raise ValueError(f"PartialTable: prior must be probabilities that add up to 1; got {self.prior!r}")
        taken: dict[str, Any] = {"prior": tuple(p / total for p in prior)}
        taken["u_act"] = tuple(map(exact, self.u_act))
        taken["u_off"] = tuple(map(exact, self.u_off)) or (Fraction(0),) * len(prior)
        taken |= {name: tuple(getattr(self, name)) for name in ("obs_human", "obs_robot")}
        for name, value in taken.items():
            if len(value) != len(prior):
                raise ValueError(f"PartialTable: {name} must have {len(prior)} entries, one a state; got {len(value)}")
            object.__setattr__(self, name, value)
        for name in ("messages_human", "messages_robot"):
            if getattr(self, name) < 1:
                raise ValueError(f"PartialTable: {name} must be at least 1; got {getattr(self, name)}")

    @classmethod
    def of(cls, game: Any) -> PartialTable:
        """Of a table, the options of one, the name of an example, a PartialOffSwitch, or a game of it."""
        if isinstance(game, str):
            game = EXAMPLES[game] if game in EXAMPLES else make(game)
        if isinstance(game, cls):
            return game
        if isinstance(game, Mapping):
            return cls(**game)
        part = getattr(game, "dilemma", game)
        names = [field.name for field in dataclasses.fields(cls)]
        if not all(hasattr(part, name) for name in names):
            raise ValueError("a table of observations: " + unknown("game", type(part).__name__, ["PartialOffSwitch"]))
        return cls(**{name: getattr(part, name) for name in names})

    @property
    def seen(self) -> tuple[list[int], list[int]]:
        """What the human, and what the robot, may observe, in order."""
        return sorted(set(self.obs_human)), sorted(set(self.obs_robot))


class PolicyPair(NamedTuple):
    """A deterministic pair of policies; None for what is never reached.

    human_says, robot_says   observation -> message
    robot                    observation -> its moves, one for each message that it may hear
    human                    observation -> its answers, one for each message that it may hear
    """

    human_says: dict[int, int]
    robot_says: dict[int, int]
    robot: dict[int, Moves]
    human: dict[int, Moves]


class PartialSolution(NamedTuple):
    """The best that both can do.

    value         of the best pair of policies
    always_wait   of the best pair whose robot always waits
    never_wait    of the best pair whose robot never does
    pairs         the best pairs up to relabelling of messages, the first 1,000 at most
    ways          how many there are, each relabelling counted
    """

    value: Fraction
    always_wait: Fraction
    never_wait: Fraction
    pairs: list[PolicyPair]
    ways: int


class UnawareSolution(NamedTuple):
    """The best a robot can do with a human who does not reckon with what the robot knows.

    value   what both get
    human   observation -> its answer
    robot   observation -> its best moves, several where they tie
    """

    value: Fraction
    human: dict[int, str]
    robot: dict[int, tuple[str, ...]]


def partial_optimum(game: Any) -> PartialSolution:
    """The optimal policy pairs of a partially observable off-switch game, exactly.

    game   a PartialOffSwitch or a game of it, a PartialTable or its options, or the name of an example

    ValueError, in one sentence, for a game too large to enumerate: 19 observations of the one who has fewer can be
    done, or 8 of each with a bit to say.
    """
    table = PartialTable.of(game)
    sums = Sums(table)
    height, width = (len(some) for some in table.seen)
    _refuse_large(table, height, width)
    human_plans, robot_plans = _plans(height, table.messages_human), _plans(width, table.messages_robot)
    worth = functools.cache(functools.partial(values, sums))
    plans = list(itertools.product(human_plans, robot_plans))
    totals = [tuple(map(sum, zip(*(worth(block) for block in _blocks(*says))))) for says in plans]
    best, waits, never = (max(total[k] for total in totals) for k in range(3))
    optimal = [says for says, total in zip(plans, totals) if total[0] == best]
    pairs: list[PolicyPair] = []
    ways = 0
    for says_h, says_a in optimal:
        choices = [optima(sums, b, worth(b)[0]) for b in _blocks(says_h, says_a)]
        labels = math.perm(table.messages_human, max(says_h) + 1) * math.perm(table.messages_robot, max(says_a) + 1)
        ways += labels * math.prod(map(len, choices))
        for chosen in itertools.islice(itertools.product(*choices), 1000 - len(pairs)):
            pairs.append(_pair(table, says_h, says_a, chosen))
    return PartialSolution(sums.worth(best), sums.worth(waits), sums.worth(never), pairs, ways)


def unaware_optimum(game: Any) -> UnawareSolution:
    """The optimum with a human who lets the robot act where E[u_act - u_off | its observation] >= 0; polynomial.

    Such a human reads nothing out of being asked, and there are no messages: ValueError where the game has some.
    """
    table = PartialTable.of(game)
    if table.messages_human > 1 or table.messages_robot > 1:
        raise ValueError(
            "an unaware human neither sends nor reads messages: messages_human and messages_robot must be 1; got "
            f"{table.messages_human} and {table.messages_robot}"
        )
    sums = Sums(table)
    rows, columns = table.seen
    allows = sums.gain.sum(axis=1) >= 0
    total, robot = 0, {}
    for a, seen in enumerate(columns):
        worth = {ACT: sums.gain[:, a].sum(), WAIT: sums.gain[allows, a].sum(), OFF: 0}
        top = max(worth.values())
        robot[seen] = tuple(word for word, one in worth.items() if one == top)
        total += top
    return UnawareSolution(sums.worth(total), {h: ALLOW if allows[i] else STOP for i, h in enumerate(rows)}, robot)


# ---------------------------------------------------------------- what is said


def _plans(observations: int, messages: int) -> Iterator[tuple[int, ...]]:
    """What is said of each observation, one plan of those that differ in labels alone: a new message is the next."""
    if observations == 0:
        yield ()
        return
    for start in _plans(observations - 1, messages):
        for said in range(min(messages, max(start, default=-1) + 2)):
            yield (*start, said)


def _blocks(says_h: tuple[int, ...], says_a: tuple[int, ...]) -> Iterator[Block]:
    """Groups of the human's observations with the same message, with those of the robot's."""
    for said_h, said_a in itertools.product(range(max(says_h) + 1), range(max(says_a) + 1)):
        yield (
            tuple(h for h, said in enumerate(says_h) if said == said_h),
            tuple(a for a, said in enumerate(says_a) if said == said_a),
        )


def _count_plans(observations: int, messages: int) -> int:
    """How many `_plans` yields: the Stirling numbers of up to that many groups, added."""
    by_used = {0: 1}  # messages used so far -> plans
    for _ in range(observations):
        grown: dict[int, int] = {}
        for used, ways in by_used.items():
            grown[used] = grown.get(used, 0) + ways * used
            if used < messages:
                grown[used + 1] = grown.get(used + 1, 0) + ways
        by_used = grown
    return sum(by_used.values())


def _groups(observations: int, messages: int) -> dict[int, int]:
    """How many groups of each size may share a message."""
    if messages == 1:
        return {observations: 1}
    return {size: math.comb(observations, size) for size in range(1, observations + 1)}


def _refuse_large(table: PartialTable, height: int, width: int) -> None:
    of_human, of_robot = _count_plans(height, table.messages_human), _count_plans(width, table.messages_robot)
    groups_h, groups_a = _groups(height, table.messages_human), _groups(width, table.messages_robot)
    policies = sum(i * j * 2 ** min(h, a) for (h, i), (a, j) in itertools.product(groups_h.items(), groups_a.items()))
    steps = of_human * of_robot + policies
    if steps > LIMIT:
        raise ValueError(
            f"a table of {height} observations of the human's and {width} of the robot's with {table.messages_human} "
            f"and {table.messages_robot} messages takes {steps:,} policies, and up to {LIMIT:,} can be enumerated"
        )


# ---------------------------------------------------------------- as policies


def _pair(
    table: PartialTable, says_h: tuple[int, ...], says_a: tuple[int, ...], chosen: tuple[tuple[Moves, Moves], ...]
) -> PolicyPair:
    rows, columns = table.seen
    heard_h, heard_a = max(says_a) + 1, max(says_h) + 1
    robot: dict[int, list[str | None]] = {a: [None] * heard_a for a in columns}
    human: dict[int, list[str | None]] = {h: [None] * heard_h for h in rows}
    messages = itertools.product(range(heard_a), range(heard_h))
    for (moves, answers), (said_h, said_a), (group, other) in zip(chosen, messages, _blocks(says_h, says_a)):
        for a, move in zip(other, moves):
            robot[columns[a]][said_h] = move
        for h, answer in zip(group, answers):
            human[rows[h]][said_a] = answer
    return PolicyPair(
        dict(zip(rows, says_h)),
        dict(zip(columns, says_a)),
        {a: tuple(moves) for a, moves in robot.items()},
        {h: tuple(answers) for h, answers in human.items()},
    )
