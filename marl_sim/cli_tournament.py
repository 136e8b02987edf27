"""The command marl-sim tournament."""

from __future__ import annotations

import argparse
import json
import time
from typing import Any


def tournament(options: argparse.Namespace) -> int:
    """Let players play a round robin and print the ranking."""
    from .cli import assignment
    from .evaluation.tournament import player_list, round_robin

    began = time.perf_counter()
    found = round_robin(
        player_list(options.players),
        options.game,
        options.turns,
        options.repetitions,
        options.noise,
        options.seed,
        **dict(map(assignment, options.game_set)),
    )
    if options.out:
        found.write(options.out)
    if options.json:
        print(json.dumps(found.rows(), indent=1))
        return 0
    matches = len(found.players) * (len(found.players) + 1) // 2 * options.repetitions
    took = time.perf_counter() - began
    print(f"{options.game}, {matches} matches of {options.turns} rounds, noise {options.noise:g}, {took:.1f} s")
    print(found.table())
    return 0


def add_commands(commands: Any) -> None:
    """The command, into the command line's parser."""
    one = commands.add_parser("tournament", help="a round robin: everybody plays everybody")
    one.add_argument(
        "--players",
        nargs="+",
        default=["all"],
        metavar="PLAYER",
        help="names (marl-sim list policies), GenerousTitForTat#generosity=0.2, axelrod:Grudger, my_agent.py:act; "
        "all: every scripted one",
    )
    one.add_argument("--game", default="prisoners_dilemma", metavar="GAME", help="a game of two; default %(default)s")
    one.add_argument(
        "--game-set", nargs="+", action="extend", default=[], metavar="OPTION=VALUE", help="options of the game"
    )
    one.add_argument("--turns", type=int, default=200, help="rounds of a match, default %(default)s")
    one.add_argument("--repetitions", type=int, default=10, help="matches of each pair, default %(default)s")
    one.add_argument("--noise", type=float, default=0.0, help="probability that a hand slips, default %(default)s")
    one.add_argument("--seed", type=int, default=0)
    one.add_argument("--out", metavar="FOLDER", help="write ranking.csv and matches.csv there")
    one.add_argument("--json", action="store_true", help="for machines: a row a player")
    one.set_defaults(do=tournament)
