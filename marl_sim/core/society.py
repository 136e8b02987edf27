"""A society: a two-player dilemma, met again and again by many agents, with mechanisms laid on it."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from typing import Any, ClassVar

from .encounters import Encounters, neighbours
from .game import Game, check_agents
from .horizon import Horizon
from .part import Part

EXAMPLE = {"pairs": "Punishment()", "groups": "PeerPunishment()"}


class Mechanism(Part):
    """A part laid on a dilemma: punishment, reputation, partner selection, ...

    `on` says where it can live: among "pairs" (a Society) or in "groups" (a Group).
    """

    on: ClassVar[tuple[str, ...]] = ("pairs",)

    @property
    def matches(self) -> str:
        """How often it decides who meets whom: "episode", "round", or "" where it does not."""
        return ""

    @property
    def hosts_a_cycle(self) -> int:
        """Encounters a cycle when they come in turn; 0: every agent hosts one."""
        return 0


class Dilemma(Part):
    """Base of the two-player stage games of a society; see games.matrix."""


def check_mechanisms(given: Iterable[Any], place: str) -> None:
    """ValueError in one sentence unless all are mechanisms that can live among "pairs", or in "groups"."""
    for one in given:
        if not isinstance(one, Mechanism):
            hint = "; give it as horizon=..." if isinstance(one, Horizon) else ""
            raise ValueError(f"a mechanism was expected, such as {EXAMPLE[place]}; got {one!r}{hint}")
        if place not in one.on:
            theirs = f'; if it can, on = ("{place}",) in its class says so'
            own = "" if type(one).__module__.startswith("marl_sim.") else theirs
            raise ValueError(f"{type(one).__name__} lives among {' and '.join(one.on)}, not in {place}{own}")


class Society(Game):
    """`n_agents` agents who meet in pairs and play `dilemma`, under `mechanisms`.

    dilemma      a two-player stage game: PrisonersDilemma(), StagHunt(), MatrixGame(...), Centipede(), ...
    mechanisms   in any combination, each once; they react in the given order
    horizon      Fixed(rounds), Geometric(continuation) or Continuing(rounds)
    encounters   "together": all pairs play at once, an agent's one action counts in every encounter it is in;
                 "in turn": one encounter at a time, host after host
    turns        when in turn: hosts in "random" order or by "index"
    graph        who can meet and watch whom: networkx graph on 0..n_agents-1, or adjacency array; None: all
    memory       how many last actions of each agent are remembered
    encode       "one_hot" or "index": how actions and binary reputations stand in the observation
    """

    label = "society"

    def __init__(
        self,
        dilemma: Dilemma,
        *mechanisms: Mechanism,
        n_agents: int = 2,
        horizon: Horizon | None = None,
        encounters: str = "together",
        turns: str = "random",
        graph: Any = None,
        memory: int = 1,
        encode: str = "one_hot",
    ):
        if not isinstance(dilemma, Dilemma):
            raise ValueError(f"a society needs a dilemma first, such as PrisonersDilemma(); got {dilemma!r}")
        check_agents(n_agents)
        if n_agents < 2:
            raise ValueError(f"n_agents must be at least 2, since a dilemma is played in pairs; got {n_agents}")
        if encounters not in ("together", "in turn"):
            raise ValueError(f"encounters must be 'together' or 'in turn'; got {encounters!r}")
        if turns not in ("random", "index"):
            raise ValueError(f"turns must be 'random' or 'index'; got {turns!r}")
        if isinstance(memory, bool) or not isinstance(memory, int) or memory < 1:
            raise ValueError(f"memory must be a whole number of at least 1; got {memory!r}")
        check_mechanisms(mechanisms, "pairs")
        self.dilemma, self.memory, self.graph, self.turns = dilemma, memory, graph, turns
        self.in_turn = encounters == "in turn"
        self.peers = neighbours(graph, int(n_agents))
        self.given = mechanisms
        matching = [one for one in mechanisms if one.matches]
        if len(matching) > 1:
            names = " and ".join(type(one).__name__ for one in matching)
            raise ValueError(f"only one mechanism can decide who meets whom; got {names}")
        if not matching:
            matching = [_by_chance()]
            mechanisms = (*matching, *mechanisms)
        self.matching = matching[0]
        table = Encounters(
            in_turn=self.in_turn,
            shuffled=turns == "random" or self.matching.hosts_a_cycle > 0,
            hosts=self.matching.hosts_a_cycle,
            rematch=self.matching.matches == "round",
        )
        super().__init__(dilemma, *mechanisms, n_agents=n_agents, horizon=horizon, encode=encode, closing=(table,))

    def _arguments(self) -> tuple[tuple[Part, ...], dict[str, Any]]:
        return (self.dilemma, *self.given), dict(
            n_agents=self.n_agents,
            horizon=self.horizon,
            encounters="in turn" if self.in_turn else "together",
            turns=self.turns,
            graph=self.graph,
            memory=self.memory,
            encode=self.encode,
        )


def _by_chance() -> Mechanism:
    """What matches agents where no mechanism does; found by name, since the core stands below the mechanisms."""
    return importlib.import_module("marl_sim.mechanisms.random_matching").RandomMatching()
