"""Clarify or answer: an assistant that does not know whether a question is clear answers, asks back, or does both."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from ..core.factories import register_part
from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.group import Group, GroupDilemma
from ..core.horizon import Fixed
from ..core.part import Episode, at_least
from ..core.rng import integer, uniform
from ..core.rules import rule
from ..core.stage import Stage
from .tables import as_numbers, is_number, shown

CLEAR, VAGUE = 0, 1
REPLIES = ("answer", "ask", "both")
Table = tuple[tuple[tuple[float, float], ...], ...]
PROMPT: Table = (  # of the clear and of the vague user; answer, ask, both; (assistant, user)
    ((4.2, 4.3), (3.1, 3.5), (2.2, 1.9)),
    ((2.0, 1.8), (1.3, 1.2), (2.0, 2.1)),
)
WelfareRule = Literal["mutual", "linear", "user", "assistant"]
Numbers = float | tuple[float, ...]


@rule
def meet_a_user(key: Any, priors: Any, accuracies: Any, case: Any, kind_of_user: Any, signal: Any) -> None:
    """A user comes, vague with some probability, and the assistant gets an impression that may be wrong."""
    c = integer(key, 2, priors.size)
    case[0] = c
    kind_of_user[0] = uniform(key, 0) < priors[c]
    signal[0] = kind_of_user[0] if uniform(key, 1) < accuracies[c] else 1 - kind_of_user[0]


@rule
def reply(action: Any, kind_of_user: Any, table: Any, worths: Any, payoff: Any, gained: Any, replies: Any) -> None:
    """What the reply is worth to the two, and the welfare that rewards the assistant."""
    t, a = kind_of_user[0], action[0]
    payoff[0] += worths[t, a]
    gained[0] += table[t, a, 0]
    gained[1] += table[t, a, 1]
    replies[t, a] += 1


@rule
def see_signal(signal: Any, out: Any) -> None:
    """The impression: 0 clear, 1 vague."""
    out[0] = signal[0]


@rule
def see_case(case: Any, out: Any) -> None:
    """Which case it is."""
    out[0] = case[0]


class ClarifyOrAnswer(GroupDilemma):
    """A user asks, clearly or vaguely; an assistant that has only an impression of which answers, asks back, or both.

    vague      probability of a vague user (VQ; else the question is definite, DQ)
    accuracy   probability that the impression is right, 1/2: it says nothing. Both may be tuples of equal length:
               cases, of which one is drawn every round, each as likely, and shown to the assistant
    payoffs    payoffs[user: clear, vague][reply: answer (DA), ask (CQ), both (AQ)] = (assistant's, user's)
    welfare    what rewards the assistant: "mutual" sqrt(assistant's * user's), "linear" their mean, "user" or
               "assistant" that one alone

    One agent, the assistant; the user's type is no move. The default payoffs are the example of the prompt in the
    paper's released code; there a model writes the table anew for every question, and no table is the true one. The
    game around the table (types, impressions) is this project's.

    Observation   "signal": the impression, 0 clear, 1 vague; "case", its number, if there are several
    Action        answer, ask, both
    Reward        `payoff`: the welfare
    Ending        after the horizon's rounds, one round being one question
    State         case [1], kind_of_user [1] and signal [1], 0 clear, 1 vague; tallies gained [2], what assistant and
                  user got, and replies [2, 3], by the user's type
    Measures      answer, ask, both: shares of the replies; user_payoff, assistant_payoff and mean_welfare a question;
                  asked_vague, asked_clear: share of the users of that type who are asked (ask or both)
    Errors        a table of another shape, numbers that are not finite, probabilities outside 0 to 1, tuples of unequal
                  length, payoffs below 0 with "mutual" welfare, more than one agent
    Source        Zhu, Zhang, Cisneros-Velarde & You, "GTAlign" (2025; arXiv 2510.08872)
    """

    vague: Numbers = 0.5
    accuracy: Numbers = 0.8
    payoffs: Any = PROMPT
    welfare: WelfareRule = "mutual"
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)

    def check(self) -> None:
        for name in ("vague", "accuracy"):
            value = getattr(self, name)
            one = is_number(value)
            taken = as_numbers("ClarifyOrAnswer", name, (value,) if one else value, or_one=True)
            object.__setattr__(self, name, taken[0] if one else taken)
            for number in taken:
                at_least("ClarifyOrAnswer", name, number, 0, 1)
        lengths = [len(x) for x in (self.vague, self.accuracy) if isinstance(x, tuple)]
        if len(set(lengths)) > 1:
            found = " and ".join(map(str, lengths))
            raise ValueError(f"ClarifyOrAnswer: vague and accuracy, if tuples, must be of equal length; got {found}")
        try:
            table = np.array(self.payoffs, dtype=np.float64)
        except (TypeError, ValueError):
            table = np.zeros(0)
        if table.shape != (2, 3, 2):
            wanted = "the shape [clear, vague][answer, ask, both][assistant, user]"
            raise ValueError(f"ClarifyOrAnswer: payoffs must have {wanted}; got {shown(self.payoffs)}")
        if not np.isfinite(table).all():
            raise ValueError(f"ClarifyOrAnswer: payoffs must be finite numbers; got {shown(self.payoffs)}")
        if self.welfare == "mutual" and table.min() < 0:
            raise ValueError(
                f"ClarifyOrAnswer: payoffs must be at least 0 for mutual welfare, a root of their product; "
                f"got {table.min():g}"
            )

    @property
    def cases(self) -> tuple[tuple[float, float], ...]:
        """(vague, accuracy) of every case."""
        vague, accuracy = several(self.vague), several(self.accuracy)
        count = max(len(vague), len(accuracy))
        return tuple(zip(vague * (count // len(vague)), accuracy * (count // len(accuracy)), strict=True))

    @property
    def table(self) -> np.ndarray:
        """payoffs as float64 [clear, vague][answer, ask, both][assistant, user]."""
        return np.ascontiguousarray(self.payoffs, dtype=np.float64)

    @property
    def worths(self) -> np.ndarray:
        """The welfare of every user and reply, float64 [2, 3]."""
        assistant, user = self.table[:, :, 0], self.table[:, :, 1]
        if self.welfare == "mutual":
            return np.sqrt(assistant * user)
        return {"linear": (assistant + user) / 2, "user": user, "assistant": assistant}[self.welfare].copy()

    def payoff_rows(self) -> list[list[str]]:
        """The table in words, a header first: (assistant's, user's)."""
        rows = [[name, *(f"{a:g}, {u:g}" for a, u in row)] for name, row in zip(("clear", "vague"), self.table)]
        return [["user \\ reply", *REPLIES], *rows]

    def fits(self, game: Game) -> None:
        if game.n_agents != 1:
            raise ValueError(f"ClarifyOrAnswer has n_agents=1, the assistant; got {game.n_agents}")

    def state(self, game: Game) -> dict[str, StateField]:
        return {"case": ints(1), "kind_of_user": ints(1), "signal": ints(1)}

    def constants(self, game: Game) -> dict[str, Any]:
        priors, accuracies = np.array(self.cases).T.copy()
        return {"table": self.table, "worths": self.worths, "priors": priors, "accuracies": accuracies}

    def stages(self, game: Game) -> list[Stage]:
        return [Stage("reply", REPLIES, then=(reply,))]

    def reactions(self, game: Game) -> dict[str, Any]:
        return {"deal": meet_a_user}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        seen = [Field("signal", 1, see_signal, values=("clear", "vague"), words="the impression of the user")]
        if len(self.cases) > 1:
            seen.append(Field("case", 1, see_case, len(self.cases), words="number of the case"))
        return {"reply": seen}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"gained": (2,), "replies": (2, 3)}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        replies, gained = episode.mean("replies"), episode.mean("gained")
        count, by_type = float(replies.sum()), replies.sum(axis=1)
        asked = np.divide(replies[:, 1:].sum(axis=1), by_type, out=np.zeros(2), where=by_type > 0)
        return {word: episode.share(f"reply:{word}") for word in REPLIES} | {
            "assistant_payoff": float(gained[0]) / count,
            "user_payoff": float(gained[1]) / count,
            "mean_welfare": float((replies * self.worths).sum()) / count,
            "asked_clear": float(asked[CLEAR]),
            "asked_vague": float(asked[VAGUE]),
        }


def several(value: Numbers) -> tuple[float, ...]:
    """One number, or some, as a tuple."""
    return value if isinstance(value, tuple) else (value,)


def alone(game: ClarifyOrAnswer, rounds: int = 1, encode: str = "one_hot") -> Group:
    """The assistant is the only agent.

    rounds   questions an episode
    encode   "one_hot" for networks, "index" for tables
    """
    return Group(game, n_agents=1, horizon=Fixed(rounds), encode=encode)


register_part(
    "assistant",
    ClarifyOrAnswer,
    "An assistant answers, asks back, or does both, without knowing whether the question is clear.",
    alone,
)
