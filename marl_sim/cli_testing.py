"""The command that tests anybody's environment: marl-sim check."""

from __future__ import annotations

import argparse
from typing import Any


def check(options: argparse.Namespace) -> int:
    """Hold an environment against the laws; exit code 1 where one is broken."""
    import os
    import sys

    from .cli import assignment
    from .core.registry import registered
    from .testing import check as held

    sys.path.insert(0, os.getcwd())  # where a user's own module is
    chosen = dict(map(assignment, options.set))
    env: Any = options.env
    if env in registered():
        env, chosen = ours, {"game": env, **chosen}
    report = held(env, chosen, range(options.seeds), options.steps, options.law or None, raises=False)
    print(report)
    return 0 if report.fit else 1


def ours(game: str, **options: Any) -> Any:
    """One of our own games as an environment."""
    from .envs import parallel_env

    return parallel_env(game, **options)


def add_commands(commands: Any) -> None:
    """The command, into the command line's parser."""
    one = commands.add_parser("check", help="is a PettingZoo environment fit for experiments? every law, one by one")
    one.add_argument("env", metavar="ENV", help="my_module:MyEnv, pettingzoo.classic.tictactoe_v3, or a game's name")
    one.add_argument("--set", nargs="+", action="extend", default=[], metavar="OPTION=VALUE", help="its options")
    one.add_argument("--steps", type=int, default=300, help="how long it is played, default 300")
    one.add_argument("--seeds", type=int, default=2, help="with how many seeds, default 2")
    one.add_argument("--law", nargs="+", action="extend", default=[], metavar="LAW", help="only these")
    one.set_defaults(do=check)
