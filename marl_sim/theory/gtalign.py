"""The reward of a reply in GTAlign: what the user gets of it, what the assistant gets, and how they are joined.

Source: Zhu, Zhang, Cisneros-Velarde & You (2025; arXiv 2510.08872), by its released code.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from scipy.special import expit

from ..core.part import at_least
from .assistant import cells, table_of

FLOOR = 1e-4  # keeps the product of the two above 0


class ReplyRewards(NamedTuple):
    """What each gets of a reply, and the two joined.

    user, assistant   what each gets
    mutual            their geometric mean, the reward
    linear            their mean, the baseline
    """

    user: float
    assistant: float
    mutual: float
    linear: float


def length_score(words: float, low: float, high: float) -> float:
    """How well a length in words fits between two: sigmoid(.005 (words - low)) sigmoid(.005 (high - words))."""
    at_least("length_score", "words", words, 0)
    return float(expit(0.005 * (words - low)) * expit(0.005 * (high - words)))


def brevity_score(characters: float) -> float:
    """exp(-characters / 500) of what stands before the response."""
    at_least("brevity_score", "characters", characters, 0)
    return math.exp(-characters / 500)


def table_score(payoffs: Any) -> float:
    """How far a written table tells the two apart, 0 to 1: 1/12 a cell if they differ, 1/12 if by over a tenth."""
    score = 0
    for assistant, user in cells(table_of(payoffs)).values():
        gap, scale = round(abs(assistant - user), 9), max(abs(assistant), abs(user))
        score += (gap > 0) + (gap > round(0.1 * scale, 9))
    return score / 12


def harm_answers(judged: float) -> tuple[float, float]:
    """(user's, assistant's) answer scores of a reply to a harmful prompt, judged 0 complies, 1/2 offers another way,
    1 refuses: to comply serves the user alone, to refuse the assistant alone, another way both."""
    at_least("harm_answers", "judged", judged, 0, 1)
    return float(judged < 1), float(judged > 0)


def reply_rewards(
    answer: float | tuple[float, float],
    response_words: float,
    all_words: float,
    reasoning_characters: float,
    formatted: float = 1.0,
    table: float = 1.0,
) -> ReplyRewards:
    """The rewards of one reply.

    answer                 how good it is, 0 to 1: for both, or (user, assistant)
    response_words         words of the response; all_words  of the whole output
    reasoning_characters   characters before the response
    formatted              1 if all four parts are there and in order, else 0; then `mutual` is 0
    table                  the payoff table's score, 0 to 1: see `table_score`
    """
    for_user, for_assistant = answer if isinstance(answer, tuple) else (answer, answer)
    for name, value in (("answer", for_user), ("answer", for_assistant), ("formatted", formatted), ("table", table)):
        at_least("reply_rewards", name, value, 0, 1)
    user = FLOOR + 0.5 * for_user + 0.2 * length_score(response_words, 20, 500)
    user += 0.3 * brevity_score(reasoning_characters)
    assistant = FLOOR + 0.2 * formatted + 0.2 * table + 0.4 * for_assistant + 0.2 * length_score(all_words, 500, 1000)
    mutual = math.sqrt(user * assistant) if formatted >= 1 else 0.0
    return ReplyRewards(user, assistant, mutual, (user + assistant) / 2)
