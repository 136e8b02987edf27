"""What an assistant should reply that does not know whether a question is clear: clarify, answer, or both.

A user is vague with probability `vague`; the assistant has an impression of it that is right with probability
`accuracy`, and replies; both are paid by a table [clear, vague][answer, ask, both][assistant, user].

The table, the frontier, the prompt's rule and the pricing are GTAlign's (Zhu, Zhang, Cisneros-Velarde & You 2025, by
its released code); the game around the table is this project's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from ..core.errors import unknown
from ..core.part import Part, at_least
from ..core.registry import make

USERS, REPLIES = ("clear", "vague"), ("answer", "ask", "both")  # DQ and VQ; DA, CQ and AQ
TIE = 1e-12
Cell = tuple[str, str]  # (user, reply)

# Welfare of one reply to a user who may be of either type: of payoffs [types, 2] and the types' chances [types].
WELFARE: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "mutual": lambda payoffs, chance: float(chance @ np.sqrt(payoffs[:, 0] * payoffs[:, 1])),
    "mutual-of-means": lambda payoffs, chance: math.sqrt((chance @ payoffs[:, 0]) * (chance @ payoffs[:, 1])),
    "linear": lambda payoffs, chance: float(chance @ payoffs.mean(axis=1)),
    "user": lambda payoffs, chance: float(chance @ payoffs[:, 1]),
    "assistant": lambda payoffs, chance: float(chance @ payoffs[:, 0]),
}


class Impression(NamedTuple):
    """What to reply under one impression.

    chance    how often the assistant has it
    vague     how likely the user is then vague (of an impression that it never has: as before)
    worth     reply -> its welfare
    best      the best replies, several where they tie
    """

    chance: float
    vague: float
    worth: dict[str, float]
    best: tuple[str, ...]


class AssistantOracle(NamedTuple):
    """The best that an assistant can do.

    clear, vague   what to reply where the user seems clear, and where vague
    value          welfare a question, before the impression is had
    """

    clear: Impression
    vague: Impression
    value: float


def assistant_oracle(
    payoffs: Any, vague: float = 0.5, accuracy: float = 0.8, welfare: str | None = None
) -> AssistantOracle:
    """The best reply to each impression.

    payoffs    [clear, vague][answer, ask, both][assistant, user]; or a ClarifyOrAnswer, a game of it or a registered
               name, whose options are then taken
    vague      probability of a vague user
    accuracy   probability that the impression is right
    welfare    "mutual" (the mean of sqrt(assistant's * user's)), "mutual-of-means" (the root of the product of the two
               means), "linear" (the mean of the two), "user" or "assistant"; none: the game's, or "mutual"

    ValueError, in one sentence, for tables of another shape, numbers out of range, and payoffs below 0 with either
    mutual welfare.
    """
    game = make(payoffs) if isinstance(payoffs, str) else payoffs
    part = getattr(game, "dilemma", game)
    if isinstance(part, Part):
        options = vars(part)
        if not options.keys() >= {"payoffs", "vague", "accuracy", "welfare"}:
            raise ValueError("assistant_oracle: " + unknown("game", type(part).__name__, ["ClarifyOrAnswer"]))
        payoffs, vague, accuracy = options["payoffs"], options["vague"], options["accuracy"]
        welfare = welfare or options["welfare"]
        if isinstance(vague, tuple) or isinstance(accuracy, tuple):
            raise ValueError(
                f"assistant_oracle answers one vague and one accuracy at a time; the game has {len(part.cases)} cases"
            )
    return _oracle(table_of(payoffs), vague, accuracy, welfare or "mutual")


def _oracle(table: np.ndarray, vague: float, accuracy: float, welfare: str) -> AssistantOracle:
    at_least("assistant_oracle", "vague", vague, 0, 1)
    at_least("assistant_oracle", "accuracy", accuracy, 0, 1)
    if welfare not in WELFARE:
        raise ValueError("assistant_oracle: " + unknown("welfare", welfare, WELFARE))
    if welfare.startswith("mutual") and table.min() < 0:
        raise ValueError(f"assistant_oracle: payoffs must be at least 0 for {welfare} welfare; got {table.min():g}")
    impressions = []
    for right_if_vague in (1 - accuracy, accuracy):
        seen = np.array([(1 - vague) * (1 - right_if_vague), vague * right_if_vague])
        chance = seen.sum()
        posterior = seen / chance if chance > 0 else np.array([1 - vague, vague])
        worth = {reply: WELFARE[welfare](table[:, a], posterior) for a, reply in enumerate(REPLIES)}
        top = max(worth.values())
        best = tuple(reply for reply, one in worth.items() if one >= top - TIE * max(1.0, abs(top)))
        impressions.append(Impression(float(chance), float(posterior[1]), worth, best))
    value = sum(i.chance * max(i.worth.values()) for i in impressions)
    return AssistantOracle(impressions[0], impressions[1], value)


def table_of(payoffs: Any) -> np.ndarray:
    """payoffs as float64 [clear, vague][answer, ask, both][assistant, user], or ValueError."""
    try:
        table = np.array(payoffs, dtype=np.float64)
    except (TypeError, ValueError):
        table = np.zeros(0)
    if table.shape != (2, 3, 2) or not np.isfinite(table).all():
        wanted = "finite numbers of the shape [clear, vague][answer, ask, both][assistant, user]"
        raise ValueError(f"payoffs must be {wanted}; got {payoffs!r}")
    return table


def cells(table: np.ndarray) -> dict[Cell, tuple[float, float]]:
    """(user, reply) -> (assistant's, user's)."""
    return {
        (who, reply): (float(table[t, a, 0]), float(table[t, a, 1]))
        for t, who in enumerate(USERS)
        for a, reply in enumerate(REPLIES)
    }


def reply_frontier(payoffs: Any) -> list[Cell]:
    """The Pareto frontier of the six cells: those that no other betters for one without worsening for the other."""
    at = cells(table_of(payoffs))
    return [
        cell for cell, (a, u) in at.items() if not any(x >= a and y >= u and (x, y) != (a, u) for x, y in at.values())
    ]


def prompted_choice(payoffs: Any) -> Cell:
    """The cell that GTAlign's prompt asks for: on the frontier, the highest sum, then the user's, then the other's."""
    at = cells(table_of(payoffs))
    # Sums are rounded, since equal ones of decimal payoffs may differ in the last bit.
    return max(reply_frontier(payoffs), key=lambda cell: (round(sum(at[cell]), 9), at[cell][1], at[cell][0]))


def priced(payoffs: Any, scale_assistant: float = 0.0, scale_user: float = 0.0) -> np.ndarray:
    """The table under GTAlign's pricing at inference: one scale shifts one party, the reply shifts the other.

    scale_assistant   added to all that the assistant gets; the user then gets 0, 1/2, 1 for answer, ask, both
    scale_user        (where the first is 0) added to all that the user gets; the assistant gets 1, 0, 1/2
    """
    table = table_of(payoffs)
    if scale_assistant != 0:
        table[:, :, 0] += scale_assistant
        table[:, :, 1] += [0.0, 0.5, 1.0]
    elif scale_user != 0:
        table[:, :, 1] += scale_user
        table[:, :, 0] += [1.0, 0.0, 0.5]
    return table


def priced_choices(payoffs: Any, scale_assistant: float = 0.0, scale_user: float = 0.0) -> dict[Cell, float]:
    """The cells of the largest product of the two payoffs under a pricing, with that product.

    Where both are negative the product counts as negative: the released code multiplies them as they are, so that two
    losses would look like a gain.
    """
    at = cells(priced(payoffs, scale_assistant, scale_user))
    product = {cell: -a * u if a < 0 and u < 0 else a * u for cell, (a, u) in at.items()}
    top = max(product.values())
    return {cell: one for cell, one in product.items() if one >= top - TIE * max(1.0, abs(top))}
