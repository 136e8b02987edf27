"""The centipede: two agents in turn continue or stop, and each would rather stop than be stopped next."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np

from ..core.encounters import at_the_table
from ..core.fields import Field, StateField, ints
from ..core.game import Game
from ..core.part import at_least
from ..core.rules import rule
from ..core.society import Dilemma
from ..core.stage import Stage
from .memory import NOTHING_YET, disjoint, memories, own_recent, remember, target_recent

CONTINUE, STOP = 0, 1


@rule
def whoever_moves(n: Any, hosting: Any, partner: Any, move: Any, acting: Any, target: Any) -> None:
    """Host and guest move in turn, the host first."""
    for host in range(n):
        if hosting[host]:
            guest = partner[host]
            mover = guest if move[0] % 2 else host
            acting[mover] = 1
            target[mover] = host if move[0] % 2 else guest


@rule
def take_turn(
    n: Any, hosting: Any, partner: Any, move: Any, moves: Any, action: Any, purse: Any, payoff: Any, again: Any,
    continued: Any, games: Any,
) -> None:  # fmt: skip
    """What a move changes in the two purses is paid at once; the game goes on until it is stopped or at its end."""
    for host in range(n):
        if hosting[host]:
            guest = partner[host]
            at = move[0]
            if at == 0:
                games[0] += 1
                payoff[host] += purse[0, 0]
                payoff[guest] += purse[0, 1]
            move[0] = 0
            if action[guest if at % 2 else host] == 0:
                continued[0] += 1
                payoff[host] += purse[at + 1, 0] - purse[at, 0]
                payoff[guest] += purse[at + 1, 1] - purse[at, 1]
                if at + 1 < moves:
                    move[0] = at + 1
                    again[0] = 1


@rule
def how_far(move: Any, out: Any) -> None:
    """How many moves have been made."""
    out[0] = move[0]


class Centipede(Dilemma):
    """Two agents move in turn, the host first: continue, which costs the mover and gives the other more, or stop.

    form              "linear": continuing costs the mover `cost` and gives the other `benefit`; stopping changes
                      nothing. "exponential": the pot grows by the factor `growth` with every move; whoever stops takes
                      `large` times its growth and leaves `small` times it; if nobody stops, it is as if the one whose
                      turn it would be had stopped
    iterations        moves of each player, so that a game has at most 2 * iterations
    cost              linear: what continuing costs the mover, above 0. Default: Dasgupta & Musolesi's
    benefit           linear: what it gives the other, above cost. Default: theirs
    large             exponential: what stopping at once would give the mover, above growth * small
    small             exponential: what it would leave the other, at least 0
    growth            exponential: growth of both with every move, above 1
    sees              what the mover sees: "target" the other's last actions, "own" one's own, "move" how far the game
                      is

    Backward induction stops at once, though both would be better off at the end. One round is one
    whole game. After each move the other stages of a round come too (to punish the mover, to talk, to give before the
    next), and what they did last, in whatever game, is what others know of agents. Continuing counts as cooperation.
    Learners see the whole worth of a move only with the next one, so train with credit="next".

    Observation   "target_actions", "own_actions" (0 continue, 1 stop, 2 nothing yet), "move" (0..2 * iterations - 1)
    Action        continue, stop
    Reward        `payoff`: what each move changes; over a game they add up to `purse`
    State         move [1]; recent, did, defected, played, seen_as (see games.memory.memories); tallies games [1] and
                  continued [1], the moves that continued
    Errors        payoffs that break their order; more than one table at a time: give encounters="in turn"
    Sources       Rosenthal, "Games of perfect information, predatory pricing and the chain-store paradox" (1981);
                  McKelvey & Palfrey, "An experimental study of the centipede game" (1992), for the exponential form;
                  Dasgupta & Musolesi, "Investigating the impact of direct punishment" (JAAMAS 2025), their released
                  code, for the linear one
    """

    form: Literal["linear", "exponential"] = "linear"
    iterations: int = 10
    cost: float = 1.0
    benefit: float = 5.0
    large: float = 4.0
    small: float = 1.0
    growth: float = 2.0
    sees: tuple[str, ...] = ("target", "own", "move")
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)
    unlisted: ClassVar[tuple[str, ...]] = ("sees",)

    def check(self) -> None:
        at_least("Centipede", "iterations", self.iterations, 1)
        if self.form == "linear" and not self.benefit > self.cost > 0:
            raise ValueError(f"Centipede needs benefit > cost > 0; got benefit={self.benefit:g}, cost={self.cost:g}")
        ordered = self.large > self.growth * self.small and self.small >= 0 and self.growth > 1
        if self.form == "exponential" and not ordered:
            raise ValueError(
                f"Centipede needs large > growth * small, small >= 0 and growth > 1; "
                f"got large={self.large:g}, small={self.small:g}, growth={self.growth:g}"
            )
        if not set(self.sees) <= {"target", "own", "move"}:
            raise ValueError(f"Centipede: sees may list 'target', 'own' and 'move'; got {self.sees!r}")

    @property
    def moves(self) -> int:
        """The most moves a game can have."""
        return 2 * self.iterations

    @property
    def purse(self) -> np.ndarray:
        """What (host, guest) have in all when a game ends after t moves that continued: float64 [moves + 1, 2]."""
        t = np.arange(self.moves + 1)
        if self.form == "linear":
            by_host, by_guest = (t + 1) // 2, t // 2
            host = self.benefit * by_guest - self.cost * by_host
            guest = self.benefit * by_host - self.cost * by_guest
        else:
            pot = self.growth**t
            host = pot * np.where(t % 2 == 0, self.large, self.small)
            guest = pot * np.where(t % 2 == 0, self.small, self.large)
        return np.stack([host, guest], axis=1).astype(np.float64)

    def words(self) -> tuple[str, ...]:
        """One word an action."""
        return "continue", "stop"

    def payoff_rows(self) -> list[list[str]]:
        """The purses as a table of words, a header first."""
        rows = [["the game ends after", "first mover", "second mover"]]
        return rows + [[f"{t} moves", f"{a:g}", f"{b:g}"] for t, (a, b) in enumerate(self.purse)]

    def fits(self, game: Game) -> None:
        if not game.in_turn and not (game.n_agents == 2 and disjoint(game)):
            raise ValueError(
                "Centipede is played at one table at a time: give encounters='in turn', "
                "or have two agents whom chance matches in pairs"
            )

    def state(self, game: Game) -> dict[str, StateField]:
        return memories(game, len(self.words())) | {"move": ints(1)}

    def constants(self, game: Game) -> dict[str, Any]:
        friendly = np.array([1, 0], dtype=np.int32)
        return {"purse": self.purse, "moves": self.moves, "friendly": friendly, "rows": 2, "columns": 2}

    def stages(self, game: Game) -> list[Stage]:
        return [
            Stage(
                "play",
                self.words(),
                acting=whoever_moves,
                then=(take_turn, remember),
                settles=at_the_table,
            )
        ]

    def fields(self, game: Game) -> dict[str, list[Field]]:
        values, memory = (*self.words(), NOTHING_YET), getattr(game, "memory", 1)
        known = {
            "target": Field("target_actions", memory, target_recent, values=values, words="the other's last actions"),
            "own": Field("own_actions", memory, own_recent, values=values, words="one's own last actions"),
            "move": Field("move", 1, how_far, self.moves, words="how many moves have been made"),
        }
        return {"play": [known[name] for name in self.sees]}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {"games": (1,), "continued": (1,)}
