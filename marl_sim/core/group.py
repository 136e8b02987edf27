"""A group: many agents who all play one and the same game, with mechanisms laid on it."""

from __future__ import annotations

from typing import Any, ClassVar

from .encounters import next_round
from .game import Game
from .horizon import Horizon
from .part import Part
from .rules import Rule
from .society import Mechanism, check_mechanisms


class GroupDilemma(Part):
    """Base of the games that a group plays together: public goods, commons, games of fixed roles."""


class Rounds(Part):
    """A round follows a round until the horizon has enough.

    rematch   the opening stages come again before every round, else once an episode
    """

    rematch: bool = False

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"round": next_round}


class Group(Game):
    """`n_agents` agents who play `dilemma` together, round after round, under `mechanisms`.

    dilemma      a game of the group: PublicGoods(), CommonPool(), OffSwitch(), ...
    mechanisms   those that live in groups, in any combination, each once; they react in the given order
    horizon      Fixed(rounds), Geometric(continuation) or Continuing(rounds)
    encode       "one_hot" or "index": how whole numbers stand in the observation

    Nobody has a partner here: whom a decision is about, where it is about somebody, stands in `target`.
    """

    label = "group"
    place: ClassVar[str] = "groups"

    def __init__(
        self,
        dilemma: GroupDilemma,
        *mechanisms: Mechanism,
        n_agents: int,
        horizon: Horizon | None = None,
        encode: str = "one_hot",
    ):
        if not isinstance(dilemma, GroupDilemma):
            raise ValueError(f"a group needs a game for all first, such as PublicGoods(); got {dilemma!r}")
        check_mechanisms(mechanisms, self.place)
        self.dilemma = dilemma
        super().__init__(dilemma, *mechanisms, n_agents=n_agents, horizon=horizon, encode=encode, closing=(Rounds(),))

    def _arguments(self) -> tuple[tuple[Part, ...], dict[str, Any]]:
        return self._given, dict(n_agents=self.n_agents, horizon=self.horizon, encode=self.encode)
