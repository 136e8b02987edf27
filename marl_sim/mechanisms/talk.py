"""Before they play, agents say something that costs and binds nothing."""

from __future__ import annotations

from typing import Any

from ..core.encounters import at_the_table
from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.part import at_least
from ..core.rules import rule
from ..core.society import Mechanism
from ..core.stage import Stage


@rule
def speak(n: Any, acting: Any, action: Any, said: Any) -> None:
    """What is said can be heard."""
    for i in range(n):
        said[i] = action[i] if acting[i] else -1


@rule
def what_the_other_said(i: Any, target: Any, said: Any, out: Any) -> None:
    """The message of whom I face."""
    out[0] = said[target[i]]


@rule
def what_i_said(i: Any, said: Any, out: Any) -> None:
    """My own message."""
    out[0] = said[i]


class Talk(Mechanism):
    """Cheap talk: before play every player sends one of `messages` messages, all at once, free and binding nobody.

    messages   how many different messages there are; they mean what the agents come to mean by them

    A message is heard by whoever faces its sender. One speaks once before every play stage (in a game of several moves
    before each move).

    Observation   gift, play, respond: "message", what the other said, and "own_message", what one said oneself
    Action        talk: a message, 0..messages - 1
    Reward        none
    State         said [n_agents] the last messages, -1 for those who had none
    Errors        fewer than 2 messages
    Sources       Crawford & Sobel, "Strategic information transmission" (1982); Farrell, "Cheap talk, coordination, and
                  entry" (1987)
    """

    messages: int = 2

    def check(self) -> None:
        at_least("Talk", "messages", self.messages, 2)

    def state(self, game: Game) -> dict[str, StateField]:
        return {"said": ints(game.n_agents, fill=-1)}

    def words(self) -> tuple[str, ...]:
        """One word a message."""
        return tuple(f"message {m}" for m in range(self.messages))

    def stages(self, game: Game) -> list[Stage]:
        return [Stage("talk", self.words(), acting=at_the_table, then=(speak,), phase=20)]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        values = self.words()
        heard = [
            Field("message", 1, what_the_other_said, values=values, words="what the other said"),
            Field("own_message", 1, what_i_said, values=values, words="what one said oneself"),
        ]
        return {"gift": heard, "play": heard, "respond": heard}
