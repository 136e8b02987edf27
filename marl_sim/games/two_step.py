"""Games of two moves: the host offers something, and the guest, who has seen the offer, answers it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.part import Episode, at_least
from ..core.rules import rule
from ..core.society import Dilemma
from ..core.stage import Stage
from .memory import NOTHING_YET, disjoint, memories, own_recent, remember, target_recent

MOST = 1001  # offers, and answers: the payoffs of all pairs are kept as a table
SHOWN = 6  # rows and columns of that table in a description


@rule
def hosts(n: Any, hosting: Any, facing: Any, acting: Any, target: Any) -> None:
    """The host of each encounter offers."""
    for i in range(n):
        if hosting[i]:
            acting[i] = 1
            target[i] = facing[i]


@rule
def make_offer(
    n: Any, hosting: Any, partner: Any, action: Any, asks: Any, payoffs: Any, offer: Any, payoff: Any
) -> None:
    """The offer is made; one that leaves the other nothing to decide is paid at once."""
    for i in range(n):
        offer[i] = -1
    for host in range(n):
        if hosting[host]:
            offer[host] = action[host]
            if not asks[offer[host]]:
                payoff[host] += payoffs[offer[host], 0, 0]
                payoff[partner[host]] += payoffs[offer[host], 0, 1]


@rule
def whoever_is_asked(n: Any, hosting: Any, partner: Any, offer: Any, asks: Any, acting: Any, target: Any) -> None:
    """The guest answers an offer that leaves it something to decide."""
    for host in range(n):
        if hosting[host] and offer[host] >= 0 and asks[offer[host]]:
            acting[partner[host]] = 1
            target[partner[host]] = host


@rule
def pay_both(n: Any, hosting: Any, partner: Any, action: Any, asks: Any, payoffs: Any, offer: Any, payoff: Any) -> None:
    """The answer settles the encounter: both are paid."""
    for host in range(n):
        if hosting[host] and asks[offer[host]]:
            guest = partner[host]
            payoff[host] += payoffs[offer[host], action[guest], 0]
            payoff[guest] += payoffs[offer[host], action[guest], 1]


@rule
def remember_answer(
    n: Any, acting: Any, action: Any, seen_as: Any, levels: Any, judged: Any, friendly: Any, did: Any, recent: Any,
    defected: Any, played: Any,
) -> None:  # fmt: skip
    """Answers are remembered like offers, by numbers that follow theirs."""
    for i in range(n):
        if acting[i]:
            for h in range(recent.shape[1] - 1, 0, -1):
                recent[i, h] = recent[i, h - 1]
                did[i, h] = did[i, h - 1]
            did[i, 0] = levels + action[i]
            recent[i, 0] = levels + (action[i] if seen_as[i] < 0 else seen_as[i])
            defected[i] = 1 - friendly[recent[i, 0]]
            seen_as[i] = -1
            played[i] = judged


@rule
def what_was_offered(i: Any, target: Any, recent: Any, out: Any) -> None:
    """The offer, as everybody saw it."""
    out[0] = recent[target[i], 0]


class TwoStep(Dilemma):
    """Base of the games of two moves: the host makes an offer, and the guest, who has seen it, answers.

    levels   how many different offers there are, 2 to 1001, evenly spaced
    fair     the least share of the way from the lowest to the highest offer that counts as cooperating, 0 to 1
    sees     what players see beside the offer: "target" the other's last deeds, "own" one's own

    A subclass says what can be offered (`offers`, `amounts`), what can be answered (`answers`, `replies`; none: the
    offer settles it), which answers count as cooperation (`friendly_answers`; None: answers are not judged), what both
    get (`payoffs`), and under which names average offers and answers are reported (`measured`).
    """

    levels: int = 11
    fair: float = 0.5
    sees: tuple[str, ...] = ("target", "own")
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)
    unlisted: ClassVar[tuple[str, ...]] = ("fair", "sees")
    measured: ClassVar[tuple[str, ...]] = ()

    def check(self) -> None:
        name = type(self).__name__
        at_least(name, "levels", self.levels, 2, MOST)
        at_least(name, "fair", self.fair, 0, 1)
        if not set(self.sees) <= {"target", "own"}:
            raise ValueError(f"{name}: sees may list 'target' and 'own'; got {self.sees!r}")

    # ---------------------------------------------------------------- what a subclass says

    def offers(self) -> tuple[str, ...]:
        """One word an offer."""
        raise NotImplementedError

    def answers(self) -> tuple[str, ...]:
        """One word an answer; none: the offer settles the game."""
        return ()

    @property
    def amounts(self) -> np.ndarray:
        """What each offer is worth: float64 [levels]."""
        raise NotImplementedError

    @property
    def replies(self) -> np.ndarray:
        """What each answer is worth: float64 [answers]."""
        return np.zeros(0)

    @property
    def payoffs(self) -> np.ndarray:
        """What (host, guest) get: float64 [levels, answers, 2], or [levels, 1, 2] where there are no answers."""
        raise NotImplementedError

    def friendly_answers(self) -> np.ndarray | None:
        """Which answers count as cooperation: bool [answers]; None: answers are not judged."""
        return None

    # ---------------------------------------------------------------- what follows from it

    def cooperative(self, count: int) -> np.ndarray:
        """Which of `count` evenly spaced choices reach the `fair` share of the way: bool [count]."""
        return np.arange(count) / (count - 1) >= self.fair - 1e-9

    def words(self) -> tuple[str, ...]:
        """One word a deed: offers, then answers."""
        return (*self.offers(), *self.answers())

    def payoff_rows(self) -> list[list[str]]:
        """Payoffs of (first mover, second mover) as a table of words, a header first; of a large game a selection."""
        offers, answers, paid = self.offers(), self.answers() or ("the offer stands",), self.payoffs
        rows, columns = (np.linspace(0, len(w) - 1, min(len(w), SHOWN)).round().astype(int) for w in (offers, answers))
        header = ["first mover \\ second", *(answers[b] for b in columns)]
        return [header, *([offers[a], *(f"{x:g}, {y:g}" for x, y in paid[a, columns])] for a in rows)]

    def fits(self, game: Game) -> None:
        if self.answers() and not game.in_turn and not disjoint(game):
            raise ValueError(
                f"{type(self).__name__} is answered by a guest who is at one table only: "
                f"give encounters='in turn', or let chance match pairs"
            )

    def state(self, game: Game) -> dict[str, StateField]:
        return memories(game, len(self.words())) | {"offer": ints(game.n_agents, fill=-1)}

    def constants(self, game: Game) -> dict[str, Any]:
        friendly, payoffs = self.friendly_answers(), self.payoffs
        answers = np.ones(len(self.answers())) if friendly is None else friendly
        return {
            "payoffs": np.ascontiguousarray(payoffs, dtype=np.float64),
            "asks": (payoffs != payoffs[:, :1]).any(axis=(1, 2)).astype(np.int32),
            "friendly": np.concatenate([self.cooperative(self.levels), answers]).astype(np.int32),
            "judged": int(friendly is not None),
            "rows": self.levels,
            "columns": max(len(self.answers()), 1),
        }

    def stages(self, game: Game) -> list[Stage]:
        play = Stage("play", self.offers(), acting=hosts, then=(make_offer, remember))
        if not self.answers():
            return [play]
        then = (pay_both, remember_answer)
        return [play, Stage("respond", self.answers(), acting=whoever_is_asked, then=then, phase=55)]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        memory, values = getattr(game, "memory", 1), (*self.words(), NOTHING_YET)
        known = {
            "target": Field("target_actions", memory, target_recent, values=values, words="the other's last deeds"),
            "own": Field("own_actions", memory, own_recent, values=values, words="one's own last deeds"),
        }
        offer = Field("offer", 1, what_was_offered, values=self.offers(), words="what the other has offered")
        # With a memory of one the other's last deed is the offer, which is seen anyway.
        beside = [known[name] for name in self.sees if name == "own" or memory > 1]
        return {"play": [known[name] for name in self.sees], "respond": [offer, *beside]}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        said = (("play", self.offers(), self.amounts), ("respond", self.answers(), self.replies))
        return {
            name: float(sum(episode.share(f"{kind}:{word}") * x for word, x in zip(words, worth, strict=True)))
            for name, (kind, words, worth) in zip(self.measured, said, strict=False)
        }
