"""A study: conditions declared one by one, trained together, reported side by side."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.measure import Measurement
from rich.table import Table

from marl_sim.core.errors import unknown
from marl_sim.evaluation.figures import as_curve, curves_figure, save
from marl_sim.evaluation.statistics import Statistic, probability_greater
from marl_sim.evaluation.tables import Summary, as_csv, markdown, per_seed, rich_table, summarise
from marl_sim.policies import as_policy
from marl_sim.training.config import Stopped, StudyOptions, check_same, guests_of, plain
from marl_sim.training.metrics import KNOWN
from marl_sim.training.progress import display
from marl_sim.training.records import RecordError, RunFolder, write_text
from marl_sim.training.runner import Condition, rollout_trainer, run_conditions, usable_cores
from marl_sim.training.watching import open_window


class Study:
    """Train a few conditions over the same seeds and compare them.

        with Study("direct_punishment", options) as study:
            study.train("direct", game, ms.DQN())      # declares a condition; nothing runs yet
            study.train("third party", other, ms.DQN())
            study.table("cooperation", "reward")       # the first result asked for trains all that was declared
            study.curves("cooperation")

    Everything is kept in `folder`, `<out>/<name>/<time>/`. With `options.resume` a folder is gone on with: finished
    conditions are not run again, the others go on from their newest checkpoint, bit for bit.

    `trainer` makes the trainer of a condition from (game, learner, seeds=, episodes=, num_envs=, device=, ...); see
    `marl_sim.training.runner`. With more than one worker it is pickled, as games and learners are.

    Ctrl-C raises `Stopped`, once rows and checkpoints are written.
    """

    def __init__(
        self, name: str, options: StudyOptions | None = None, trainer: Callable[..., Any] = rollout_trainer
    ) -> None:
        self.name, self.options, self.trainer = name, options or StudyOptions(), trainer
        self.console = Console()
        self.conditions: list[Condition] = []
        self.folder: RunFolder
        self._open = ExitStack()

    def __enter__(self) -> Study:
        options = self.options
        if options.resume is None:
            self.folder = RunFolder.create(self.name, plain(options), options.out)
        else:
            self.folder = RunFolder.open(options.resume)
            if self.folder.scenario != self.name:
                raise RecordError(f"{options.resume} is a run of {self.folder.scenario!r}, not of {self.name!r}.")
            check_same(options, self.folder)
        self._open.enter_context(self.folder.locked())
        self._say(f"Run folder: {self.folder.path}")
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        with self._open:
            if kind is None:
                self.run()
            elif not self.conditions and self.options.resume is None:
                shutil.rmtree(self.folder.path)  # a wrong option of the first game: nothing was measured

    def train(self, condition: str, game: Any, learner: Any, **arguments: Any) -> None:
        """Declare a condition; the keyword arguments go to its trainer, before the study's own of the same name."""
        if any(known.name == condition for known in self.conditions):
            raise ValueError(f"condition {condition!r} is declared twice.")
        o = self.options
        common: dict[str, Any] = dict(seeds=o.seeds, episodes=o.episodes, num_envs=o.num_envs, device=o.device)
        if o.seat:
            common["guests"] = guests_of(o.seat)
            for player in common["guests"].values():
                as_policy(player)  # refuses what is not there before anything is trained
        self.folder.condition(condition)  # refuses a name that would share another's folder
        self.conditions.append(Condition(condition, game, learner, self.trainer, common | arguments))

    def run(self) -> None:
        """Train what was declared and is not finished, `options.workers` at a time, and write metrics.csv."""
        pending = [c for c in self.conditions if not self.folder.condition(c.name).finished]
        if not pending:
            self.folder.gather()
            return
        o = self.options
        workers = o.workers or (usable_cores() if o.device == "cpu" else 1)
        show = display(self.console, o.quiet)
        if o.watch:
            open_window(self.folder.path, pending[0].name)
        if len(pending) < len(self.conditions):
            self._say(
                f"{len(self.conditions) - len(pending)} of {len(self.conditions)} conditions are finished already."
            )
        try:
            all_done = run_conditions(self.folder, pending, workers, o.checkpoint_seconds, show)
        finally:
            self.folder.gather()
        if not all_done:
            done = sum(self.folder.condition(c.name).finished for c in self.conditions)
            raise Stopped(
                f"Stopped with {done} of {len(self.conditions)} conditions finished; what was measured is kept. "
                f"Go on with --resume {self.folder.path}"
            )
        self._tell_of_seats()

    def _tell_of_seats(self) -> None:
        """What the policies in the seats did, where any sat in one."""
        for c in self.conditions:
            for one in self.folder.condition(c.name).seats():
                more = {k: v for k, v in one.items() if k not in ("seats", "policy", "seconds") and v}
                counted = ", ".join(f"{times} {what}" for what, times in more.items())
                self._say(f"{c.name}: {one['policy']} as {', '.join(one['seats'])}: {counted}, {one['seconds']:.1f} s")

    def records(self) -> dict[str, dict[str, np.ndarray]]:
        """Per condition its metrics as columns [rows]: seed, episode, and one per metric; trains first if need be."""
        self.run()
        return {c.name: self.folder.condition(c.name).log.read() for c in self.conditions}

    def table(
        self,
        *metrics: str,
        last: int | None = None,
        statistic: Statistic = "mean",
        name: str = "table",
        theory: Mapping[str, Mapping[str, float]] | None = None,
        conditions: Sequence[str] = (),
    ) -> Summary:
        """Print metrics by condition, each with its interval over seeds; also <name>.csv and .md in the run folder.

        last: episodes at the end that are averaged per seed before seeds are compared; default a tenth of all.
        theory: {metric: {condition: number}}, what is known without learning, printed beside what was learned.
        conditions: which to show; all, where none is named.
        """
        records = self.records()
        for condition in conditions:
            if condition not in records:
                raise ValueError(unknown("condition", condition, records))
        records = {name: records[name] for name in conditions or records}
        metrics = self._recorded(records, metrics)
        if not metrics:
            return Summary("", (), {})
        shown = {metric: known for metric, known in (theory or {}).items() if metric in metrics}
        summary = summarise(records, metrics, last or self._tenth(), statistic, theory=shown)
        write_text(self.folder.path / f"{name}.csv", as_csv(summary))
        title = self.name if name == "table" else f"{self.name}: {name.replace('_', ' ')}"
        write_text(self.folder.path / f"{name}.md", markdown(summary, title))
        self._print(rich_table(summary, title))
        self.console.print(summary.caption, highlight=False, soft_wrap=True)
        return summary

    def curves(
        self,
        *metrics: str,
        window: int | None = None,
        statistic: Statistic = "mean",
        references: Mapping[str, float] | None = None,
    ) -> list[Path]:
        """Draw metrics over episodes, one PNG each in the run folder's figures/; returns their paths.

        window: recorded points over which each seed's curve is smoothed; default a fiftieth of the curve.
        references: name -> height of horizontal lines, such as an equilibrium's value.
        """
        records: dict[str, dict[str, np.ndarray]] = self.records()
        paths: list[Path] = []
        for metric in self._recorded(records, metrics):
            curves = {
                name: as_curve(columns["seed"], columns["episode"], columns[metric])
                for name, columns in records.items()
                if metric in columns
            }
            points = max(curve.episodes.size for curve in curves.values())
            title = f"{self.name}: {metric.replace('_', ' ')}"
            figure = curves_figure(curves, metric, title, window or max(1, points // 50), statistic, references)
            paths.append(save(figure, self.folder.figures / f"{metric}.png"))
            self._say(f"Figure: {paths[-1]}")
        return paths

    def probability(self, metric: str, larger: str, smaller: str, last: int | None = None) -> float:
        """Bootstrap probability over seeds that condition `larger` has the larger mean of a metric than `smaller`."""
        records = self.records()
        self._check_metric(records, metric)
        last = last or self._tenth()
        for name in (larger, smaller):
            if metric not in records.get(name, {}):
                allowed = ", ".join(name for name, columns in records.items() if metric in columns)
                raise ValueError(f"no condition {name!r} has {metric!r}; those that have it are {allowed}.")
        return probability_greater(per_seed(records[larger], metric, last), per_seed(records[smaller], metric, last))

    def _tenth(self) -> int:
        return max(1, self.options.episodes // 10)

    def _recorded(self, records: Mapping[str, Mapping[str, np.ndarray]], metrics: tuple[str, ...]) -> tuple[str, ...]:
        """The metrics that some condition recorded. Others are named, if they are metrics at all (a society
        without judges has no punishment); ValueError otherwise."""
        found = tuple(metric for metric in metrics if any(metric in columns for columns in records.values()))
        for metric in metrics:
            if metric not in found:
                if metric not in KNOWN:
                    self._check_metric(records, metric)
                self._say(f"Not recorded by any condition: {metric}")
        return found

    def _check_metric(self, records: Mapping[str, Mapping[str, np.ndarray]], metric: str) -> None:
        known = dict.fromkeys(
            name for columns in records.values() for name in columns if name not in ("seed", "episode")
        )
        if metric not in known:
            raise ValueError(f"no condition recorded {metric!r}; recorded were {', '.join(known) or 'none'}.")

    def _print(self, table: Table) -> None:
        """In a file or a pipe a table is as wide as it is; a terminal wraps it to its own width."""
        wide = self.console.options.update(max_width=1000)
        if self.console.is_terminal:
            self.console.print(table)
        else:
            width = Measurement.get(self.console, wide, table).maximum
            Console(file=self.console.file, width=width).print(table)

    def _say(self, text: str) -> None:
        if not self.options.quiet:
            self.console.print(text, highlight=False, soft_wrap=True)
