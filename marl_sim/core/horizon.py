"""Who ends an episode, and whether learners look beyond its end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from .fields import StateField, ints
from .part import Part, at_least
from .rng import uniform
from .rules import Rule, rule

if TYPE_CHECKING:
    from .game import Game


@rule
def count_rounds(round: Any, rounds: Any, enough: Any) -> None:
    """The series of rounds is complete when the last one has been played."""
    enough[0] = round[0] + 1 >= rounds


@rule
def toss_for_the_end(key: Any, continuation: Any, enough: Any) -> None:
    """Each round is the last with probability 1 - continuation."""
    enough[0] = uniform(key, 0) >= continuation


class Horizon(Part):
    """Base of the horizons: sets enough[0] at the end of a round."""

    truncates: ClassVar[bool] = False  # the clock stops (learners bootstrap) rather than the game ends

    def state(self, game: Game) -> dict[str, StateField]:
        return {"round": ints(1), "enough": ints(1)}

    def constants(self, game: Game) -> dict[str, Any]:
        return {"truncates": int(self.truncates)}


class Fixed(Horizon):
    """`rounds` rounds, then the game is over (`terminated`): nothing comes after, learners do not bootstrap."""

    rounds: int = 10

    def check(self) -> None:
        at_least("Fixed", "rounds", self.rounds, 1)

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"round": count_rounds}


class Geometric(Horizon):
    """After each round the game goes on with probability `continuation` (`terminated` otherwise).

    The expected number of rounds is 1 / (1 - continuation), and nobody can tell the last one: the usual reading of a
    discount factor.
    """

    continuation: float = 0.9

    def check(self) -> None:
        if not 0 <= self.continuation < 1:
            raise ValueError(f"Geometric: continuation must be from 0 to below 1; got {self.continuation}")

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"round": toss_for_the_end}


class Continuing(Horizon):
    """The society lives for ever; after every `rounds` rounds the clock stops (`truncated`) and the books are closed.

    Lasting state (reputations, memory) goes on into the next episode, and learners bootstrap across the border.
    """

    rounds: int = 10
    truncates: ClassVar[bool] = True

    def check(self) -> None:
        at_least("Continuing", "rounds", self.rounds, 1)

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"round": count_rounds}
