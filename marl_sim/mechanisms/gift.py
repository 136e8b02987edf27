"""Before they play, agents may give."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..core.encounters import at_the_table
from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.part import at_least
from ..core.rules import rule
from ..core.society import Mechanism
from ..core.stage import Stage


@rule
def hand_over(
    n: Any, acting: Any, action: Any, facing: Any, worth: Any, multiplier: Any, gift: Any, given: Any, received: Any
) -> None:
    """The giver pays, and whom it faces gets the multiple."""
    for i in range(n):
        gift[i] = -1
        if acting[i]:
            gift[i] = action[i]
            given[i] -= worth[action[i]]
            received[facing[i]] += multiplier * worth[action[i]]


@rule
def what_i_was_given(i: Any, target: Any, facing: Any, gift: Any, out: Any) -> None:
    """The choice of whom I face; the first where it gave to somebody else."""
    out[0] = gift[target[i]] if facing[target[i]] == i and gift[target[i]] >= 0 else 0


class Gift(Mechanism):
    """Before play, each player may pay something to whom it faces, who gets `multiplier` times as much.

    multiplier   what the receiver gets for each unit paid; 1 a transfer, above 1 giving creates wealth
    amounts      what can be given, in units of payoff; the first is what is given when in doubt, usually nothing

    An agent gives to the one it faces, once before every play stage (in a game of several moves before each move).

    Observation   play, respond: "gift", which of the `amounts` the other gave (0 where it faced and gave to somebody
                  else)
    Action        gift: a-th of `amounts`
    Reward        `given` (minus what one pays), `received` (multiplier times what others paid): all that is received is
                  multiplier times all that is given
    State         gift [n_agents] the last choices, -1 for those who had none
    Errors        a negative multiplier, fewer than two amounts, amounts that are negative, not finite or given twice
    Source        Berg, Dickhaut & McCabe, "Trust, reciprocity, and social history" (1995): their first move, made
                  mutual
    """

    multiplier: float = 3.0
    amounts: tuple[float, ...] = (0.0, 1.0)
    rewards: ClassVar[tuple[str, ...]] = ("given", "received")

    def check(self) -> None:
        at_least("Gift", "multiplier", self.multiplier, 0)
        good = isinstance(self.amounts, tuple | list) and len(self.amounts) >= 2
        if not (good and all(isinstance(x, int | float) and math.isfinite(x) and x >= 0 for x in self.amounts)):
            raise ValueError(f"Gift: amounts must be at least two finite numbers of at least 0; got {self.amounts!r}")
        if len(set(self.amounts)) < len(self.amounts):
            raise ValueError(f"Gift: amounts must differ from one another; got {self.amounts!r}")

    def state(self, game: Game) -> dict[str, StateField]:
        return {"gift": ints(game.n_agents, fill=-1)}

    def constants(self, game: Game) -> dict[str, Any]:
        return {"worth": np.array(self.amounts, dtype=np.float64)}

    def stages(self, game: Game) -> list[Stage]:
        words = tuple("keep" if amount == 0 else f"give {amount:g}" for amount in self.amounts)
        return [Stage("gift", words, acting=at_the_table, then=(hand_over,), phase=30)]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        words = "which amount the other gave"
        values = tuple(f"{amount:g}" for amount in self.amounts)
        seen = [Field("gift", 1, what_i_was_given, values=values, words=words)]
        return {"play": seen, "respond": seen}
