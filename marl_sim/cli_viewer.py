"""The commands that show: marl-sim play | record | replay."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import Any

from .core.errors import unknown

RUN = "run:"
SUFFIX = ".replay"


def pair(text: str) -> tuple[int, int]:
    """960x600 as (960, 600)."""
    wide, _, high = text.lower().partition("x")
    if not (wide.isdigit() and high.isdigit()):
        raise argparse.ArgumentTypeError(f"a size is WIDTHxHEIGHT, such as 960x600; got {text!r}")
    return int(wide), int(high)


def make_show(options: argparse.Namespace, follow: bool = False) -> Any:
    """What `play` and `record` are given: a game by name, run:FOLDER or a replay. ValueError in one sentence."""
    from .viewer.show import Show

    what = options.what
    if what.startswith(RUN):
        return run_show(options, follow)
    if what.endswith(SUFFIX):
        from .viewer.replays import Replay

        return Show.of(Replay.load(what), Path(what).stem.replace("_", " "))
    from .cli import assignment
    from .core.registry import make
    from .viewer.minds import Table

    game = make(what, **dict(map(assignment, options.set)))
    policies, guests = seats(game, options.seat)
    show = Show(game, Table(game, policies), options.seed, options.world)
    for agent in guests:
        show.sit(agent)
    return show


def run_show(options: argparse.Namespace, follow: bool) -> Any:
    """What a run learned, in a world of its own game."""
    from .core.rng import key_of, purpose
    from .viewer.learned import Learned
    from .viewer.minds import Joined, Table
    from .viewer.show import Show

    if options.set:
        raise ValueError("--set goes with a game by its name; a run brings its own")
    folder = options.what.removeprefix(RUN)
    if follow:
        wait_for(folder, options.condition)
    minds = Learned(folder, options.condition, options.agents_of, not options.explore, options.best, follow)
    first = minds.lane

    def reseed(k: int) -> None:
        minds.choose(minds.seeds[(first + k - options.world) % len(minds.seeds)])

    seed = int(key_of(options.seed, purpose("evaluation")))
    policies, guests = seats(minds.game, options.seat)
    playing = Joined(minds, Table(minds.game, policies)) if policies else minds
    show = Show(minds.game, playing, seed, options.world, reseed=reseed)
    for agent in guests:
        show.sit(agent)
    return show


def wait_for(folder: str, condition: str | None, patience: float = 60.0) -> None:
    """Give a training that has just been started the time to write down what it is made of."""
    import time

    from .training.records import RecordError
    from .training.runs import RECIPE, open_condition

    until = time.monotonic() + patience
    while time.monotonic() < until:
        try:
            if (open_condition(folder, condition).path / RECIPE).is_file():
                return
        except RecordError:
            if not (Path(folder) / "options.toml").is_file():
                raise
        time.sleep(0.2)


def seats(game: Any, given: list[str]) -> tuple[dict[int, Any], list[int]]:
    """--seat SEAT=PLAYER as {agent: policy} and the seats that people take."""
    from .training.config import guests_of
    from .training.seats import seats as named

    policies: dict[int, Any] = {}
    people: list[int] = []
    for seat, player in guests_of(given).items():
        for agent in named(int(seat) if seat.isdigit() else seat, game.agents):
            if player == "human":
                people.append(agent)
            else:
                policies[agent] = player
    return policies, people


# ---------------------------------------------------------------- the commands


def play(options: argparse.Namespace) -> int:
    """Open a window on a game, a run or a replay."""
    from .viewer.palette import THEMES
    from .viewer.window import Window

    if options.follow and hasattr(os, "nice"):
        os.nice(19)  # the training comes first: with 13 it took a quarter longer on a core that both shared
    show = make_show(options, options.follow)
    Window(show, size=options.size, theme=THEMES[options.theme], limit=options.limit, everything=options.everything,
           out=Path(options.out)).run()  # fmt: skip
    return 0


def record(options: argparse.Namespace) -> int:
    """Write a picture, a film or a replay, without a display."""
    from .viewer.films import film
    from .viewer.frame import SIZE
    from .viewer.palette import THEMES

    show = make_show(options)
    if show.guests:
        raise ValueError("a human plays in a window: marl-sim play")
    known = len(show.timeline)
    steps = options.steps or known or steps_of(show, options.episodes)
    if options.out.endswith(SUFFIX):
        for _ in range(steps):
            show.step()
        path = show.replay().save(options.out)
        print(f"{path}: {len(show.timeline)} steps, {path.stat().st_size} bytes")
        return 0
    path = film(options.out, show, steps, options.size or SIZE, THEMES[options.theme], options.rate, options.seconds)
    print(f"{path}: {steps} steps, {path.stat().st_size} bytes")
    return 0


def steps_of(show: Any, episodes: int, most: int = 10_000) -> int:
    """How many stages the next episodes last; the show stands where it stood."""
    line = show.timeline
    while line.chronicle.episodes < episodes and len(line) < most:
        show.step()
    show.seek(0)
    return len(line)


def replay(options: argparse.Namespace) -> int:
    """Check a replay, compare two, branch one, or show it in a window."""
    from .viewer.replays import Replay, first_difference

    held = Replay.load(options.file)
    if options.change or options.put or options.at is not None:
        return branched(options, held)
    if options.other:
        other = Replay.load(options.other)
        found = first_difference(held, other)
        if found is None:
            print("no difference")
        else:
            who = "" if found.agent < 0 else f"{held.game.agents[found.agent]}: "
            print(f"first difference at step {found.step}: {who}{found.one} | {found.other}")
    if options.check or (options.other and options.no_window):
        print(f"{options.file}: {held.game.label}, seed {held.seed}, {len(held.actions)} steps; "
              f"ends where it ended when it was saved")  # fmt: skip
        return 0
    from .viewer.palette import THEMES
    from .viewer.show import Show
    from .viewer.window import Window

    beside = Show.of(Replay.load(options.other), Path(options.other).stem) if options.other else None
    Window(Show.of(held, Path(options.file).stem), beside=beside, size=options.size, theme=THEMES[options.theme]).run()
    return 0


def branched(options: argparse.Namespace, held: Any) -> int:
    """What would have happened, as another replay."""
    from .viewer.branches import branch
    from .viewer.minds import check_seat
    from .viewer.replays import ReplayError, first_difference

    if options.at is None or options.out is None:
        raise ReplayError("a branch needs --at STEP and --out FILE.replay")
    history = held.timeline()
    history.seek(options.at)
    stage = held.game.stages[int(history.simulator.stage[0])]
    change = {}
    for text in options.change:
        agent, _, action = text.partition("=")
        change[check_seat(held.game, agent.strip())] = action_of(stage, action.strip())
    policies, guests = seats(held.game, options.put)
    if guests:
        raise ReplayError("a human plays in a window: marl-sim replay FILE, then take over a seat")
    other, replaced = branch(held, options.at, change, policies)
    path = other.save(options.out)
    found = first_difference(held, other)
    print(f"{path}: {len(other.actions)} steps; {replaced} recorded decisions were no longer open and were replaced")
    print("nothing changed" if found is None else f"first difference at step {found.step}")
    return 0


def action_of(stage: Any, text: str) -> float:
    """An action of a stage by its number or its word. ValueError in one sentence."""
    try:
        return float(text) if stage.box else int(text)
    except ValueError:
        if text not in stage.choices:
            raise ValueError(unknown(f"choice in stage {stage.name!r}:", text, stage.choices)) from None
        return stage.choices.index(text)


# ---------------------------------------------------------------- the parser


def add_commands(commands: Any) -> None:
    """The three commands, into the command line's parser."""
    one = commands.add_parser("play", help="a window on a game, a run (run:FOLDER) or a replay: watch, and step in")
    _what(one)
    one.add_argument(
        "--limit", type=float, default=0.0, metavar="SECONDS", help="for a human's turn; then chance plays"
    )
    one.add_argument("--everything", action="store_true", help="show a human more than its agent may see")
    one.add_argument("--follow", action="store_true", help="of a run that is still training: its newest policies")
    one.add_argument("--out", default=".", metavar="FOLDER", help="for pictures, films, replays; default here")
    one.set_defaults(do=play)
    one = commands.add_parser("record", help="write a picture, a film or a replay, without a display")
    _what(one)
    one.add_argument("--out", required=True, metavar="FILE", help=".png, .gif, .mp4 or .replay")
    one.add_argument("--episodes", type=int, default=1, help="how many, default 1")
    one.add_argument("--steps", type=int, default=0, help="stages, in place of episodes")
    one.add_argument("--rate", type=int, help="frames a second")
    one.add_argument("--seconds", type=float, default=0.6, help="that a stage lasts, default 0.6")
    one.set_defaults(do=record)
    one = commands.add_parser("replay", help="show, check, compare or branch a replay")
    one.add_argument("file", metavar="FILE", help="a .replay")
    one.add_argument("other", nargs="?", metavar="OTHER", help="another one of the same game, shown beside it")
    one.add_argument("--check", action="store_true", help="only see whether it still ends where it did")
    one.add_argument("--no-window", action="store_true", help="compare without showing")
    one.add_argument("--at", type=int, metavar="STEP", help="branch here")
    one.add_argument("--change", nargs="+", default=[], metavar="AGENT=ACTION", help="what is done there instead")
    one.add_argument("--put", nargs="+", default=[], metavar="SEAT=POLICY", help="who sits in a seat from there on")
    one.add_argument("--out", metavar="FILE", help="where the branch is written, a .replay")
    _looks(one)
    one.set_defaults(do=replay)


def _what(one: argparse.ArgumentParser) -> None:
    one.add_argument("what", metavar="WHAT", help="a registered game, run:FOLDER or FILE.replay")
    one.add_argument("--set", nargs="+", action="extend", default=[], metavar="OPTION=VALUE", help="of the game")
    one.add_argument("--seat", nargs="+", action="extend", default=[], metavar="SEAT=PLAYER",
                     help="agent_0=human, agent_1..3=TitForTat, agent_4=run:FOLDER")  # fmt: skip
    one.add_argument("--seed", type=int, default=0, help="of the world, default 0")
    one.add_argument("--world", type=int, default=0, help="which world of that seed, default 0")
    one.add_argument("--condition", help="of a run with several")
    one.add_argument("--agents-of", type=int, metavar="SEED", help="whose agents play, of the run's seeds")
    one.add_argument("--best", action="store_true", help="the run's best policies rather than its last")
    one.add_argument("--explore", action="store_true", help="agents explore as in training")
    _looks(one)


def _looks(one: argparse.ArgumentParser) -> None:
    one.add_argument("--size", type=pair, metavar="WIDTHxHEIGHT", help="in pixels")
    one.add_argument("--theme", choices=("light", "dark"), default="light")
