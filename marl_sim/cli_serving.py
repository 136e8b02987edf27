"""The command that lets a policy play in games elsewhere: marl-sim serve."""

from __future__ import annotations

import argparse
from typing import Any


def serve(options: argparse.Namespace) -> int:
    """Answer until Ctrl-C."""
    import os
    import sys

    from .cli import assignment
    from .core.registry import make
    from .policies import serve as serving

    sys.path.insert(0, os.getcwd())  # where a user's own module is
    game = make(options.game, **dict(map(assignment, options.set))) if options.game else None
    server = serving.serve(options.policy, options.port, options.host, game)
    who = "only this machine can ask" if serving.only_here(options.host) else "there is no password"
    print(f"{server.policy.name} answers at {server.url}; {who}. Ctrl-C ends it.", flush=True)
    if not serving.only_here(options.host):
        print("marl-sim: anybody who can reach this machine can ask it.", file=sys.stderr)
    server.wait()
    return 0


def add_commands(commands: Any) -> None:
    """The command, into the command line's parser."""
    one = commands.add_parser("serve", help="let a policy play in games elsewhere, by HTTP")
    one.add_argument("policy", metavar="POLICY", help="TitForTat, exported:FOLDER, my_agent.py:act, ...")
    one.add_argument("--game", help="the registered game that is played, for policies that look into it")
    one.add_argument("--set", nargs="+", action="extend", default=[], metavar="OPTION=VALUE", help="its options")
    one.add_argument("--port", type=int, default=0, help="default: a free one")
    one.add_argument("--host", default="127.0.0.1", help="where to listen; by default only this machine can ask")
    one.set_defaults(do=serve)
