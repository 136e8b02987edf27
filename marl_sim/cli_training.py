"""The commands that train, evaluate and export: marl-sim train | eval | export."""

from __future__ import annotations

import argparse
import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .core.errors import unknown
from .training.config import StudyOptions, rebuild
from .training.records import RecordError, RunFolder, slug

SEAT_HELP = "who sits in a seat instead of a learner: agent_1=TitForTat, agent_0..2=my_agent.py:act, agent_3=run:FOLDER"
SHOWN = ("reward", "cooperation", "length", "contribution", "escaped")  # in the table, where recorded


@dataclass
class TrainOptions(StudyOptions):
    """Options of `marl-sim train`; kept in the run folder."""

    game: str = ""  # a registered game, pettingzoo:MODULE or my_module:MyEnv
    learner: str = "dqn"  # by its name, in small or large letters
    set: tuple[str, ...] = ()  # options of the learner, OPTION=VALUE
    game_set: tuple[str, ...] = ()  # options of the game
    heads: str = "per stage"  # "one": one network for all kinds of decisions
    shared: bool = False  # one learner for all agents
    team_reward: str = ""  # sum, mean or own, for centralised learners
    block: int = 10  # episodes a row of records averages over
    overlap: bool = False  # learn while the worlds go on, but for DQN and tables one update behind


def learner_class(name: str) -> type:
    """A learner by its name, whatever its letters' size. ValueError in one sentence otherwise."""
    from . import learners

    plain = {known.lower().replace("_", ""): cls for known, cls in learners.Learner.registry.items()}
    found = plain.get(name.lower().replace("_", "").replace("-", ""))
    if found is None:
        raise ValueError(unknown("learner", name.lower(), plain))
    return found


def make_learner(name: str, chosen: dict[str, Any]) -> Any:
    """A learner with options; unknown ones are refused with the nearest name."""
    cls = learner_class(name)
    allowed = [field.name for field in dataclasses.fields(cls)]
    for option, value in chosen.items():
        if option not in allowed:
            raise ValueError(unknown(f"option of {cls.__name__}", option, allowed))
        default = next(f.default for f in dataclasses.fields(cls) if f.name == option)
        if isinstance(default, tuple) and not isinstance(value, tuple | list):
            chosen[option] = (value,)
    try:
        return cls(**chosen)
    except TypeError as wrong:
        given = ", ".join(f"{option}={value!r}" for option, value in chosen.items())
        raise ValueError(f"{cls.__name__} cannot take {given}: {wrong}") from None


def train(o: TrainOptions) -> None:
    """Train a learner in a game; what it leaves is a run folder."""
    from .cli import assignment
    from .evaluation.study import Study
    from .training.worlds import as_worlds

    learner = make_learner(o.learner, dict(map(assignment, o.set)))
    options = dict(map(assignment, o.game_set))
    as_worlds(o.game, 1, (0,), options, 1, False).close()  # refuses what is not there before there is a run folder
    arguments: dict[str, Any] = dict(heads=o.heads, shared=o.shared, block=o.block, options=options)
    arguments |= dict(team_reward=o.team_reward or None, overlap=o.overlap)
    with Study(f"train_{slug(o.game)}", o) as study:
        study.train(type(learner).__name__, o.game, learner, **arguments)
        recorded = study.records()[type(learner).__name__]
        study.table(*[metric for metric in SHOWN if metric in recorded])
        study.curves(*[metric for metric in SHOWN[:2] if metric in recorded])


def evaluate(options: argparse.Namespace) -> int:
    """Play what a run learned and print what came out, greedy and as it explores."""
    from .evaluation.tables import mean_interval
    from .training.runs import learned_trainer

    trainer = learned_trainer(options.run, options.condition, best=options.best, device=options.device)
    ways = {"greedy": True, "stochastic": False}
    found = {}
    for way, greedy in ways.items():
        if options.only in (None, way):
            found[way] = trainer.evaluate(options.episodes, greedy=greedy)
    if options.json:
        print(json.dumps(found, indent=1))
        return 0
    which = "best policy of each seed" if options.best else "last policies"
    print(f"{trainer.worlds.label}, {which}, {len(trainer.seeds)} seeds, {options.episodes} episodes each")
    names = [name for name in next(iter(found.values()))[0] if name not in ("seed", "episode")]
    width = max(map(len, names))
    print(f"{''.ljust(width)}" + "".join(f"  {way:>28}" for way in found))
    for name in names:
        cells = [mean_interval([row[name] for row in rows]) for rows in found.values()]
        print(f"{name.ljust(width)}" + "".join(f"  {cell:>28}" for cell in cells))
    return 0


def export(options: argparse.Namespace) -> int:
    """Write one agent of a run as plain torch programs."""
    from .training.export import export_agent
    from .training.runs import learned_trainer

    trainer = learned_trainer(options.run, options.condition, best=options.best)
    folder = export_agent(trainer, options.agent, options.seed, Path(options.out))
    print(f"{folder}: {', '.join(sorted(file.name for file in folder.iterdir()))}")
    return 0


def run_train(options: argparse.Namespace) -> int:
    """From the command line's words to TrainOptions, as a scenario's command does it."""
    words = dict(vars(options))
    names = [field.name for field in dataclasses.fields(TrainOptions)]
    given = {name: words[name] for name in names if words.get(name) is not None}
    given |= {name: tuple(given[name]) for name in ("set", "game_set", "seat") if name in given}
    if given.get("resume") is not None:
        held = rebuild(TrainOptions, RunFolder.open(given["resume"]))
        o = dataclasses.replace(held, **given)
    elif not given.get("game"):
        raise RecordError("train needs a game, such as `marl-sim train stag_hunt --learner ppo`, or --resume FOLDER.")
    else:
        o = TrainOptions(**given)
    train(o)
    return 0


def add_commands(commands: Any) -> None:
    """The three commands, into the command line's parser."""
    one = commands.add_parser("train", help="train a learner in a game or in any PettingZoo environment")
    one.add_argument("game", nargs="?", metavar="GAME", help="a registered game, pettingzoo:MODULE or my_module:MyEnv")
    one.add_argument("--learner", metavar="NAME", help="dqn, ppo, mappo, ... (marl-sim list learners); default dqn")
    one.add_argument("--set", nargs="+", action="extend", metavar="OPTION=VALUE", help="options of the learner")
    one.add_argument("--game-set", nargs="+", action="extend", metavar="OPTION=VALUE", help="options of the game")
    one.add_argument("--seat", nargs="+", action="extend", metavar="SEAT=PLAYER", help=SEAT_HELP)
    for field in dataclasses.fields(TrainOptions):
        if field.name in ("game", "learner", "set", "game_set", "seat", "full"):
            continue
        flag = f"--{field.name.replace('_', '-')}"
        if field.type in ("bool", bool):
            one.add_argument(flag, action="store_true", default=None)
        else:
            kind = {"int": int, "float": float, "str": str}.get(str(field.type), Path)
            one.add_argument(flag, type=kind, metavar=field.name.upper(), help=f"default {field.default}")
    one.set_defaults(do=run_train)
    one = commands.add_parser("eval", help="play what a run learned, greedy and stochastic")
    _of_a_run(one)
    one.add_argument("--episodes", type=int, default=100, help="episodes a seed, default 100")
    one.add_argument("--only", choices=("greedy", "stochastic"), help="one of the two")
    one.add_argument("--device", default="cpu")
    one.add_argument("--json", action="store_true", help="for machines: a row a seed")
    one.set_defaults(do=evaluate)
    one = commands.add_parser("export", help="write one agent of a run as plain torch programs")
    _of_a_run(one)
    one.add_argument("--agent", default="0", help="its name or number, default 0")
    one.add_argument("--seed", type=int, help="of which seed; default the first")
    one.add_argument("--out", default="agent", metavar="FOLDER", help="where to; default agent/")
    one.set_defaults(do=export)


def _of_a_run(one: argparse.ArgumentParser) -> None:
    one.add_argument("run", metavar="RUN", help="a run folder")
    one.add_argument("--condition", help="of a run with several")
    one.add_argument("--best", action="store_true", help="each seed's best policy rather than its last")
