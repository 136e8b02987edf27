"""Strategies of the Axelrod library in a seat, one Player of theirs for each row and opponent."""

from __future__ import annotations

import dataclasses
import difflib
import functools
import importlib
import inspect
from typing import Any, ClassVar

import numpy as np

from ..core.errors import unknown
from ..core.horizon import Fixed
from ..core.rng import mix_many, purpose
from ..games.matrix import COOPERATE, DEFECT
from ..mechanisms.noise import Noise
from .base import Policy
from .player import Player
from .scripted.pairs import check_dilemma, what_is_played
from .view import Seen, View

STREAM = purpose("axelrod")
PEEPING = ("inspects_source", "manipulates_source", "manipulates_state")
Pair = tuple[int, int]  # a row and its opponent


# Our strategies that are theirs too -> the name of their class, and its options.
TWINS: dict[str, tuple[str, dict[str, Any]]] = {
    "AllC": ("Cooperator", {}),
    "AllD": ("Defector", {}),
    "Alternator": ("Alternator", {}),
    "Cycler#cycle=CDD": ("Cycler", dict(cycle="CDD")),
    "TitForTat": ("TitForTat", {}),
    "SuspiciousTitForTat": ("SuspiciousTitForTat", {}),
    "ReverseTitForTat": ("Bully", {}),
    "TwoTitsForTat": ("TwoTitsForTat", {}),
    "HardTitForTat": ("HardTitForTat", {}),
    "TitForTwoTats": ("TitFor2Tats", {}),
    "HardTitForTwoTats": ("HardTitFor2Tats", {}),
    "GenerousTitForTat#generosity=0.3": ("GTFT", dict(p=0.3)),
    "OmegaTitForTat": ("OmegaTFT", {}),
    "AdaptiveTitForTat#rate=0.5": ("AdaptiveTitForTat", {}),
    "Grim": ("Grudger", {}),
    "FoolMeOnce": ("FoolMeOnce", {}),
    "SpitefulTitForTat": ("SpitefulTitForTat", {}),
    "Davis": ("FirstByDavis", {}),
    "SoftGrudger": ("SoftGrudger", {}),
    "ForgetfulGrudger": ("ForgetfulGrudger", {}),
    "Gradual": ("OriginalGradual", {}),
    "Shubik": ("FirstByShubik", {}),
    "MemoryOne": ("StochasticCooperator", {}),
    "Reactive#p=0.8,q=0.3": ("ReactivePlayer", dict(probabilities=(0.8, 0.3))),
    "Joss": ("FirstByJoss", {}),
    "FirmButFair": ("FirmButFair", {}),
    "Grofman": ("FirstByGrofman", {}),
    "WinStayLoseShift": ("WinStayLoseShift", {}),
    "WinShiftLoseStay": ("WinShiftLoseStay", {}),
    "Willing": ("Willing", {}),
    "Hopeless": ("Hopeless", {}),
    "Desperate": ("Desperate", {}),
    "Extort": ("ZDExtort2", dict(phi=1 / 9)),
    "GenerousZeroDeterminant": ("ZDGTFT2", {}),
    "Equalizer#payoff=2": ("ZDSet2", dict(phi=1 / 3)),
    "Prober": ("Prober", {}),
    "RemorsefulProber": ("RemorsefulProber", {}),
    "Handshake": ("Handshake", {}),
    "Tester": ("SecondByTester", {}),
    "GoByMajority": ("GoByMajority", {}),
    "GoByMajority#soft=False": ("HardGoByMajority", {}),
    "Tullock": ("FirstByTullock", {}),
    "Champion": ("SecondByChampion", {}),
}


@dataclasses.dataclass
class Match:
    """One of their players in a match, and a stand-in that holds the other's history.

    trail   a number that tells histories apart: 0 before the first decision, then changed by every encounter
    """

    player: Any
    other: Any
    trail: int = 0

    def decide(self) -> int:
        """What it does now."""
        self.trail = self.trail or 1
        return DEFECT if self.player.strategy(self.other) == library().Action.D else COOPERATE

    def remember(self, own: int, other: int) -> None:
        """What both did, as the player knows it."""
        actions = library().Action.C, library().Action.D
        self.player.update_history(actions[own], actions[other])
        self.other.update_history(actions[other], actions[own])
        self.trail = (self.trail * 6364136223846793005 + 4 + 2 * own + other) % 2**62


class Axelrod(Policy):
    """A strategy of the Axelrod library.

    strategy   a Player of theirs, which is cloned and stays as it is, or the name of its class, such as "TitForTat"

    Every row has a Player of its own for every opponent, seeded by its world, its agent and whom it faces, so that it
    does the same alone and among many worlds. A match is an episode: where the game is over, or its clock stops, new
    players begin. They know what the library tells its players: the number of rounds where that is fixed (infinity
    otherwise), the payoffs, and the noise of execution. In stages other than play the first legal action is taken.

    Where a run is resumed the players are made anew and led through what they have seen.

    ValueError in one sentence for an unknown strategy, for games that are not played in pairs with two actions and the
    same payoffs for both, and for strategies that look into the other's program, since there is none to look into.
    ImportError in one sentence where the library is missing.
    """

    tags: ClassVar[dict[str, Any]] = {}
    apart: ClassVar[bool] = True
    keeps: ClassVar[dict[str, Any]] = dict(trail=0)

    strategy: Any = "TitForTat"

    def __post_init__(self) -> None:
        if isinstance(self.strategy, str):
            self.strategy = strategy_of(self.strategy)()
        theirs = library().Classifiers
        if any(theirs[word](self.strategy) for word in PEEPING):
            raise ValueError(
                f"{self.name} looks into the program of whom it plays with, or changes it, which nobody here can offer"
            )

    @property
    def name(self) -> str:
        """Theirs."""
        return f"axelrod:{self.strategy}"

    def clone(self) -> Axelrod:
        return dataclasses.replace(self, strategy=self.strategy.clone())  # type: ignore[type-var]

    def reset(self, player: Player) -> None:
        check_dilemma(self, player)
        game: Any = player.table.game
        matrix = np.asarray(game.constants["matrix"])
        if not (matrix[:, :, 0] == matrix[:, :, 1].T).all():
            raise ValueError(f"{self.name} plays games that are the same for both; {what_is_played(player)} is not")
        noise = game.part(Noise)
        (r, s), (t, p) = matrix[:, :, 0].tolist()
        axl = library()
        player.store["matches"] = {}
        player.store["attributes"] = dict(
            length=game.horizon.rounds if isinstance(game.horizon, Fixed) else float("inf"),
            game=axl.Game(r=r, s=s, t=t, p=p),
            noise=noise.execution if noise is not None else 0,
        )
        own = mix_many(player.table.stream_of[player.worlds], STREAM)
        own = mix_many(own, player.table.number_of[player.worlds])
        player.store["keys"] = mix_many(own, player.agents)

    def act(self, view: View) -> np.ndarray:
        if view.kind != "play":
            return view.legal.argmax(axis=1)
        matches, chosen, trails = view.store["matches"], np.empty(view.n, np.int64), view.kept["trail"].copy()
        pairs = list(zip(view.rows.tolist(), view.whom.tolist(), strict=True))
        stale = [k for k, pair in enumerate(pairs) if pair not in matches or matches[pair].trail != trails[k]]
        if stale:
            self._begin(view, pairs, stale, trails)
        own, other = view.own.tolist(), view.other.tolist()
        for k, pair in enumerate(pairs):
            match = matches[pair]
            if match.trail:
                match.remember(own[k], other[k])
            chosen[k] = match.decide()
            trails[k] = match.trail
        view.kept["trail"] = trails
        return chosen

    def _begin(self, view: View, pairs: list[Pair], numbers: list[int], trails: np.ndarray) -> None:
        """New matches for some of the pairs; those that have been going on are led to where they were."""
        for k in numbers:
            view.store["matches"][pairs[k]] = self._match(view.player, pairs[k])
        if not trails[numbers].any():
            return
        found = view.history()
        plays = found.entries[found.entries["kind"] == found.kinds.index("play")]
        for k in numbers:
            match = view.store["matches"][pairs[k]]
            mine = plays[(plays["row"] == k) & (plays["opponent"] == pairs[k][1])] if trails[k] else plays[:0]
            for number in range(len(mine)):
                if number:
                    match.remember(int(mine[number - 1]["action"]), int(mine[number - 1]["theirs"]))
                match.decide()

    def _match(self, player: Player, pair: Pair) -> Match:
        row, opponent = pair
        theirs, other = self.strategy.clone(), library().MockPlayer()
        attributes = player.store["attributes"]
        theirs.set_match_attributes(**attributes)
        other.set_match_attributes(**attributes)
        theirs.set_seed(int(mix_many(player.store["keys"][row], opponent)[0]) & 0xFFFFFFFF)
        return Match(theirs, other)

    def see(self, seen: Seen) -> None:
        over = seen.terminated | seen.truncated
        if over.any():
            seen.player.kept["trail"][over] = 0
            matches = seen.player.store["matches"]
            for pair in [pair for pair in matches if over[pair[0]]]:
                del matches[pair]


def from_name(name: str, **options: Any) -> Axelrod:
    """The strategy of a class of theirs, with options of its own. ValueError in one sentence for unknown ones."""
    cls, policy = strategy_of(name), Axelrod  # type: type, Any
    allowed = list(inspect.signature(cls.__init__).parameters)[1:]  # type: ignore[misc]
    for option in options:
        if option not in allowed:
            raise ValueError(unknown(f"option of axelrod:{name}:", option, allowed))
    return policy(cls(**options))


def strategy_of(name: str) -> type:
    """A class of strategies of theirs. ValueError in one sentence for unknown names."""
    axl = library()
    found = {cls.__name__: cls for cls in axl.all_strategies}
    cls = found.get(name, getattr(axl, name, None))
    if not (isinstance(cls, type) and issubclass(cls, axl.Player)):
        near = difflib.get_close_matches(name, found, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"the Axelrod library has no strategy {name!r}{hint} (it has {len(found)})")
    return cls


@functools.cache
def library() -> Any:
    """Theirs, loaded when it is first needed: that takes ten seconds."""
    try:
        return importlib.import_module("axelrod")
    except ImportError as missing:
        if missing.name != "axelrod":
            raise
        raise ImportError("strategies named axelrod:... are the Axelrod library's: pip install axelrod") from None
