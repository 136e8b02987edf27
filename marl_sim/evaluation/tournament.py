"""A round robin: everybody plays everybody, all matches at once, as worlds of one Simulator."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from ..core.errors import unknown
from ..core.game import Game
from ..core.horizon import Fixed
from ..core.part import at_least
from ..core.registry import as_game
from ..core.simulator import Simulator
from ..core.society import Society
from ..mechanisms.noise import Noise
from ..mechanisms.random_matching import RandomMatching
from ..policies import Policy, Seats, as_policy

COLUMNS = ("rank", "player", "score", "cooperation", "wins")


@dataclass(frozen=True)
class Tournament:
    """What P players did to each other in R repetitions.

    players                names, by number
    turns                  rounds of a match
    payoffs [P, P, R]      what the first was paid a round, against the second (against itself: the mean of both seats)
    cooperation [P, P, R]  the first's share of cooperative choices, as chosen: slips of the hand are not counted
    """

    players: tuple[str, ...]
    turns: int
    payoffs: np.ndarray
    cooperation: np.ndarray

    @cached_property
    def scores(self) -> np.ndarray:
        """What each was paid a round by the others on average, [P, R]."""
        return _by_others(self.payoffs)

    @cached_property
    def wins(self) -> np.ndarray:
        """How many others each was paid more than in their match, ints [P, R]."""
        ahead = self.payoffs > self.payoffs.swapaxes(0, 1) + 1e-9
        return ahead.sum(axis=1)

    @cached_property
    def ranking(self) -> tuple[int, ...]:
        """Numbers of the players, the one of the highest mean score first; equals in the order they were given."""
        return tuple(int(k) for k in np.argsort(-self.scores.mean(axis=1).round(9), kind="stable"))

    def rows(self) -> list[dict[str, Any]]:
        """One row a player, best first: rank, player, score and cooperation (means), wins (mean a repetition)."""
        score, wins = self.scores.mean(axis=1), self.wins.mean(axis=1)
        share = _by_others(self.cooperation).mean(axis=1)
        return [
            dict(zip(COLUMNS, (rank, self.players[k], *map(float, (score[k], share[k], wins[k]))), strict=True))
            for rank, k in enumerate(self.ranking, 1)
        ]

    def table(self) -> str:
        """The rows as text."""
        found = [[str(r["rank"]), r["player"], *(f"{r[c]:.3f}" for c in COLUMNS[2:4]), f"{r['wins']:.1f}"]
                 for r in self.rows()]  # fmt: skip
        widths = [max(map(len, column)) for column in zip(COLUMNS, *found, strict=True)]
        lines = [list(COLUMNS), *found]
        return "\n".join(
            f"{line[0]:>{widths[0]}}  {line[1]:<{widths[1]}}  "
            + "  ".join(f"{cell:>{width}}" for cell, width in zip(line[2:], widths[2:], strict=True))
            for line in lines
        )

    def write(self, folder: str | Path) -> Path:
        """Write ranking.csv and matches.csv (one line a pair and repetition) into a folder; returns it."""
        place = Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with (place / "ranking.csv").open("w", newline="") as file:
            table = csv.DictWriter(file, COLUMNS)
            table.writeheader()
            table.writerows(self.rows())
        with (place / "matches.csv").open("w", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(("player", "opponent", "repetition", "payoff", "cooperation"))
            for i, j, r in np.ndindex(self.payoffs.shape):
                lines.writerow((self.players[i], self.players[j], r, self.payoffs[i, j, r], self.cooperation[i, j, r]))
        return place


def round_robin(
    players: Iterable[Any],
    game: Game | str = "prisoners_dilemma",
    turns: int = 200,
    repetitions: int = 10,
    noise: float = 0.0,
    seed: int = 0,
    **options: Any,
) -> Tournament:
    """Everybody plays everybody, and itself.

    players       what `as_policy` takes: policies, names such as "TitForTat" or "axelrod:Grudger", functions, ...
    game          a game of two agents, or the name of a registered one with its `options`; its horizon and noise are
                  given here
    turns         rounds of a match
    repetitions   matches of each pair; in every other one the two change seats. Who is the row player is drawn once a
                  match
    noise         probability that a hand slips: that a player does the other thing than it chose

    Match m of the list (0 with 0, 0 with 1, ..., 1 with 1, ...) in repetition r is world m * repetitions + r of the
    seed. ValueError in one sentence for fewer than two players, for games of more or fewer than two agents, for noise
    in games that know none, and for players that cannot play.
    """
    policies = _distinct([as_policy(player) for player in players])
    if len(policies) < 2:
        raise ValueError(f"a tournament needs at least 2 players; got {len(policies)}")
    at_least("round_robin", "repetitions", repetitions, 1)
    played = _with_rules(as_game(game, options), turns, noise)
    one, two = np.triu_indices(len(policies))
    sides = np.repeat(np.stack((one, two)), repetitions, axis=1)  # who sits where, [2, worlds]
    turned = np.tile(np.arange(repetitions) % 2 == 1, len(one))
    sides[:, turned] = sides[::-1, turned]
    paid, cooperative = _play(played, policies, sides, seed)
    shape, result = (len(policies), len(policies), repetitions), []
    for found in (paid / turns, cooperative):
        by_side = np.where(turned, found[::-1], found).reshape(2, len(one), repetitions)
        made = np.empty(shape)
        made[one, two], made[two, one] = by_side
        same = one == two
        made[one[same], two[same]] = by_side[:, same].mean(axis=0)
        result.append(made)
    return Tournament(_names(policies), turns, *result)


def _by_others(values: np.ndarray) -> np.ndarray:
    """The mean over opponents other than oneself, of [P, P, R]: [P, R]."""
    count = len(values)
    return (values.sum(axis=1) - values[np.arange(count), np.arange(count)]) / (count - 1)


def _distinct(policies: list[Policy]) -> list[Policy]:
    """The same object given twice is two players."""
    return [
        policy.clone() if any(policy is one for one in policies[:k]) else policy for k, policy in enumerate(policies)
    ]


def _names(policies: list[Policy]) -> tuple[str, ...]:
    """Their names; of equal ones the second is called so, and so on."""
    times: dict[str, int] = {}
    names = []
    for policy in policies:
        times[policy.name] = times.get(policy.name, 0) + 1
        names.append(policy.name if times[policy.name] == 1 else f"{policy.name} ({times[policy.name]})")
    return tuple(names)


def _with_rules(game: Game, turns: int, noise: float) -> Game:
    """The game, of so many rounds, with hands that slip."""
    parts, named = game._arguments()
    if game.n_agents != 2:
        raise ValueError(f"a tournament is played by two at a time; {game.label} has {game.n_agents} agents")
    parts = tuple(part for part in parts if not isinstance(part, Fixed))
    if noise:
        if not isinstance(game, Society):
            raise ValueError(f"noise is for games played in pairs, such as PrisonersDilemma(); got noise={noise:g}")
        parts = (*(part for part in parts if not isinstance(part, Noise)), Noise(execution=noise))
    if isinstance(game, Society) and not any(part.matches for part in game.given):
        parts = (*parts, RandomMatching(every="episode"))
    return type(game)(*parts, **named | {"horizon": Fixed(turns)})


def _play(game: Game, policies: list[Policy], sides: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """What each side of each world was paid in a match, and its share of cooperative choices; [2, worlds] each."""
    sim = Simulator(game, sides.shape[1], seed=seed)
    sim.reset()
    rows = [np.nonzero(sides == number)[::-1] for number in range(len(policies))]  # worlds and agents
    seats = Seats(sim, list(zip(policies, rows, strict=True)))
    friendly = np.asarray(game.constants.get("friendly", np.zeros(game.n_actions)), bool)
    friendly = np.pad(friendly, (0, max(0, game.n_actions - len(friendly))))
    plays = np.array([stage.kind == "play" for stage in game.stages])
    number = np.int64 if game.box is None else np.float64
    shape = (sides.shape[1], 2)
    paid, cooperated, asked = np.zeros(shape), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    over = np.zeros(sides.shape[1], bool)
    actions = np.zeros(sim.acting.shape, number)
    try:
        while not over.all():
            now = sim.acting.copy() if plays.all() else sim.acting & plays[sim.stage][:, None]
            if over.any():
                now &= ~over[:, None]
            actions[...] = 0
            seats.choose(actions)
            asked += now
            if game.box is None:
                now &= friendly[actions]
                cooperated += now
            step = sim.step(actions)
            seats.saw(step, actions)
            paid += np.where(over[:, None], 0.0, step.reward) if over.any() else step.reward
            over |= step.terminated | step.truncated
    finally:
        seats.close()
    return paid.T, (cooperated / np.maximum(asked, 1)).T


def player_list(words: Iterable[str]) -> list[Policy]:
    """Policies by the words of a command line; "all" stands for every scripted one that plays dilemmas in pairs.

    ValueError in one sentence for unknown names.
    """
    from ..policies import scripted_policies
    from ..policies.scripted import Pairwise

    plain = [name for name, cls in scripted_policies().items() if issubclass(cls, Pairwise) and _always_plays(cls)]
    listed = [name for word in words for name in (plain if word == "all" else [word])]
    if not listed:
        raise ValueError("a tournament needs players: " + unknown("player", "", plain))
    return [as_policy(name) for name in listed]


def _always_plays(cls: type[Policy]) -> bool:
    """Whether it needs nothing but two who play."""
    return not {"reputation", "selects"} & set(cls.tags)
