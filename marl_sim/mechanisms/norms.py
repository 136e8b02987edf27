"""Good or bad: binary reputations, assigned by a social norm."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.errors import unknown
from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.part import at_least
from ..core.rng import integer, mix, uniform
from ..core.rules import Rule, rule
from ..core.society import Mechanism
from .reputation import SHOWS_IN, note_standing, standing_fields

NAMED = {"shunning": 1, "image score": 3, "stern judging": 9, "simple standing": 11}
LEADING_EIGHT = {  # verdict on: a good donor who helps the bad, a bad one who helps the bad, a bad one who does not
    "L1": (1, 1, 0),
    "L2": (0, 1, 0),
    "L3": (1, 1, 1),
    "L4": (1, 0, 1),
    "L5": (0, 1, 1),
    "L6": (0, 0, 1),
    "L7": (1, 0, 0),
    "L8": (0, 0, 0),
}


def second_order(number: int) -> np.ndarray:
    """The verdicts of norm 0..15 as int32 [own reputation, other's reputation, action], 0 bad or D, 1 good or C.

    The bits of `number`, highest first, are the new reputation after (D, bad), (D, good), (C, bad), (C, good); one's
    own reputation does not matter (Anastassacos et al. 2021).
    """
    table = np.empty((2, 2, 2), dtype=np.int32)
    for action in (0, 1):
        for other in (0, 1):
            table[:, other, action] = number >> (3 - 2 * action - other) & 1
    return table


def leading(name: str) -> np.ndarray:
    """The verdicts of one of the leading eight, "L1".."L8", in the same form (Ohtsuki & Iwasa 2006, table 1)."""
    table = np.empty((2, 2, 2), dtype=np.int32)
    table[:, 1] = (0, 1)  # towards the good: help is good, refusal bad
    table[1, 0, 0] = 1  # a good donor may refuse the bad
    table[1, 0, 1], table[0, 0, 1], table[0, 0, 0] = LEADING_EIGHT[name]
    return table


@rule
def draw_encounters(
    key: Any, n: Any, hosting: Any, partner: Any, acting: Any, played: Any, meetings: Any, judged_with: Any
) -> None:
    """Each player is judged by one of its encounters, drawn uniformly where it had several at once."""
    for i in range(n):
        meetings[i] = 0
        judged_with[i] = -1
    for host in range(n):
        if hosting[host]:
            for side in range(2):
                i = partner[host] if side else host
                if acting[i] and played[i]:
                    meetings[i] += 1
                    if integer(mix(key, i), host, meetings[i]) == 0:
                        judged_with[i] = host if side else partner[host]


@rule
def assess(
    key: Any, n: Any, judged_with: Any, defected: Any, verdicts: Any, error: Any, standing_before: Any, standing: Any
) -> None:
    """Whoever played is good or bad from now on, by the norm, its own and the other's reputation, and what it did."""
    for viewer in range(standing.shape[0]):
        for i in range(n):
            standing_before[viewer, i] = standing[viewer, i]
    for viewer in range(standing.shape[0]):
        for i in range(n):
            if judged_with[i] >= 0:
                own, other = standing_before[viewer, i], standing_before[viewer, judged_with[i]]
                verdict = verdicts[own, other, 1 - defected[i]]
                standing[viewer, i] = 1 - verdict if uniform(mix(key, viewer), i) < error else verdict


class Norm(Mechanism):
    """Binary reputations by a social norm: after each encounter both players become good (1) or bad (0).

    norm      "shunning" (1), "image score" (3), "stern judging" (9), "simple standing" (11); a number 0..15, whose
              bits, highest first, are the new reputation after (D, bad), (D, good), (C, bad), (C, good) = (own action,
              the other's reputation), as in Anastassacos et al. (2021); or "L1".."L8", the leading eight of Ohtsuki &
              Iwasa (2006), which look at one's own reputation too
    error     with this probability a verdict is turned round (the paper's chi)
    initial   the reputation that everybody starts with; theirs is not known
    private   each agent judges for itself, from its own views and with its own errors
    lasting   reputations go on when the clock stops an episode (a Continuing horizon); False: all start afresh
    seen_in   the kinds of stage that see reputations: "select", "consent", "talk", "gift", "play", "respond", "punish",
              "exit"
    own       beside the other's reputation, one's own is seen

    Verdicts are given after each play and each answer to one, on what it looked like, from the reputations as they were
    before it. Who was in several encounters at once is judged by one of them, drawn uniformly, so that no index
    decides. Punishing, giving and talking are not judged. The names of norms 1 and 11 are the literature's, the paper
    names only their bits.

    Observation   select: all reputations by index (on a graph: the peers'; 0 where there is no peer); punish: the
                  opponent's and the judged one's; elsewhere: the other's and one's own. 0 or 1: tables can use it
    Action, reward   none of its own
    State         standing [1 or n_agents (private), n_agents] 0 or 1; meetings, judged_with [n_agents] and
                  standing_before of the last play; tally reputation [n_agents], the share of viewers who think one good
    Errors        an unknown norm, error or initial outside their range; a Reputation beside it (both are `standing`)
    Sources       Anastassacos, Garcia, Hailes & Musolesi, "Cooperation and reputation dynamics with reinforcement
                  learning" (AAMAS 2021); Ohtsuki & Iwasa, "The leading eight" (J. theor. Biol. 2006)
    """

    norm: Any = "stern judging"
    error: float = 0.001
    initial: int = 1
    private: bool = False
    lasting: bool = True
    seen_in: tuple[str, ...] = ("select", "consent", "play", "respond", "exit")
    own: bool = True

    def check(self) -> None:
        at_least("Norm", "error", self.error, 0, 1)
        at_least("Norm", "initial", self.initial, 0, 1)
        by_number = isinstance(self.norm, int | np.integer) and not isinstance(self.norm, bool)
        if not (by_number and 0 <= self.norm <= 15) and self.norm not in (*NAMED, *LEADING_EIGHT):
            raise ValueError("Norm: " + unknown("norm", self.norm, (*NAMED, *LEADING_EIGHT, "0 to 15")))
        if not set(self.seen_in) <= set(SHOWS_IN):
            raise ValueError(f"Norm: seen_in may list {', '.join(SHOWS_IN)}; got {self.seen_in!r}")

    @property
    def verdicts(self) -> np.ndarray:
        """New reputation, int32 [own reputation, other's reputation, action]; 0 bad or defect, 1 good or cooperate."""
        if self.norm in LEADING_EIGHT:
            return leading(self.norm)
        return second_order(int(NAMED.get(self.norm, self.norm)))

    def state(self, game: Game) -> dict[str, StateField]:
        n = game.n_agents
        views = n if self.private else 1
        return {
            "standing": ints(views, n, fill=self.initial, lasting=self.lasting),
            "standing_before": ints(views, n),
            "meetings": ints(n),
            "judged_with": ints(n, fill=-1),
        }

    def constants(self, game: Game) -> dict[str, Any]:
        return {"verdicts": self.verdicts}

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        judge = [draw_encounters, assess]
        return {"after:play": judge, "after:respond": judge, "round": note_standing}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"reputation": (game.n_agents,)}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        return standing_fields(self, game, levels=2, own=self.own)
