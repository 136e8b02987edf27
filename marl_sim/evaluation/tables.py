"""Tables of a study: one line per condition, one column per metric, each a statistic with its interval over seeds."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from marl_sim.core.errors import unknown
from marl_sim.evaluation.statistics import Interval, Statistic, bootstrap_interval

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Summary:
    """Intervals by condition and metric; `metrics` gives the order of the columns, `caption` says what was averaged.

    theory: what is known without learning, by metric and condition; shown beside the metric.
    """

    caption: str
    metrics: tuple[str, ...]
    cells: Mapping[str, Mapping[str, Interval]]
    theory: Mapping[str, Mapping[str, float]] = field(default_factory=dict)


def per_seed(columns: Mapping[str, np.ndarray], metric: str, last: int) -> np.ndarray:
    """Each seed's mean of a metric over the last `last` episodes recorded, [S] in order of seeds.

    columns: a condition's records, arrays of equal length with at least "seed", "episode" and the metric. NaN entries
    are left out; a seed with nothing else has NaN.
    """
    values, episode, seed = (np.asarray(columns[name], float) for name in (metric, "episode", "seed"))
    late = episode > episode.max(initial=0) - last
    means = []
    for one in np.unique(seed):
        mine = values[late & (seed == one)]
        mine = mine[~np.isnan(mine)]
        means.append(mine.mean() if mine.size else np.nan)
    return np.array(means)


def summarise(
    conditions: Mapping[str, Mapping[str, np.ndarray]],
    metrics: Sequence[str],
    last: int,
    statistic: Statistic = "mean",
    level: float = 0.95,
    theory: Mapping[str, Mapping[str, float]] | None = None,
) -> Summary:
    """The table of a study over the last `last` episodes of each condition. A metric a condition lacks stays empty.

    theory: {metric: {condition: number}}. Raises ValueError for a metric or condition that the table does not have.
    """
    for metric, known in (theory or {}).items():
        if metric not in metrics:
            raise ValueError(unknown("metric in theory:", metric, metrics))
        for name in known:
            if name not in conditions:
                raise ValueError(unknown("condition in theory:", name, conditions))
    cells = {
        name: {
            metric: bootstrap_interval(per_seed(columns, metric, last), statistic, level)
            for metric in metrics
            if metric in columns
        }
        for name, columns in conditions.items()
    }
    late = f"last {last} episodes" if last > 1 else "at the end"
    caption = f"{statistic} and {100 * level:g} % bootstrap interval over seeds, {late}"
    return Summary(caption, tuple(metrics), cells, theory or {})


def rich_table(summary: Summary, title: str) -> Table:
    """For the terminal: the point estimate over its interval, so that many metrics fit beside one another.

    The caption is left to the caller: inside the table it would be wrapped to the table's width. On a narrow terminal
    words are broken rather than cut, those of conditions last.
    """
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("condition", overflow="fold", no_wrap=max(map(len, summary.cells), default=0) <= 16)
    for head in _heads(summary):
        table.add_column(head, justify="right", overflow="fold")
    for name, row in _text(summary).items():
        table.add_row(name, *(f"{point}\n[dim]{bounds}[/dim]" if bounds else point for point, bounds in row))
    return table


def markdown(summary: Summary, title: str) -> str:
    """The same table for a page: title, caption and a pipe table."""
    heads = ["condition", *_heads(summary)]
    lines = [
        f"**{title}** ({summary.caption})",
        "",
        _pipes(heads),
        _pipes(["---"] + ["---:"] * (len(heads) - 1)),
        *(
            _pipes([name, *(f"{point} ({bounds})" if bounds else point for point, bounds in row)])
            for name, row in _text(summary).items()
        ),
    ]
    return "\n".join(lines) + "\n"


def as_csv(summary: Summary) -> str:
    """The numbers in full: columns condition, metric, value, low, high, seeds; empty where there is no number. Where
    the table has theory, a column theory too."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    heads = ["condition", "metric", "value", "low", "high", "seeds"]
    writer.writerow(heads + ["theory"] * bool(summary.theory))
    for name, row in summary.cells.items():
        for metric, cell in row.items():
            numbers = ["" if np.isnan(x) else repr(x) for x in (cell.point, cell.low, cell.high)]
            known = summary.theory.get(metric, {}).get(name, "")
            writer.writerow([name, metric, *numbers, cell.n] + [known] * bool(summary.theory))
    return text.getvalue()


def mean_interval(values: Sequence[float]) -> str:
    """The mean of numbers, one a seed, with its 95 % bootstrap interval, as text."""
    interval = bootstrap_interval(np.asarray(values, float))
    point, bounds = _cell(interval, 3)
    return f"{point} ({bounds})" if bounds else point


def _text(summary: Summary) -> dict[str, list[tuple[str, str]]]:
    """(estimate, bounds) of every cell as text, all cells of a metric with the same number of decimals."""
    decimals = {}
    for metric in summary.metrics:
        sizes = [abs(row[metric].point) for row in summary.cells.values() if metric in row]
        sizes += [abs(number) for number in summary.theory.get(metric, {}).values()]
        largest = max((size for size in sizes if np.isfinite(size)), default=0.0)
        decimals[metric] = 3 if largest < 2 else 2 if largest < 10 else 1 if largest < 1000 else 0
    return {
        name: [
            cell
            for metric in summary.metrics
            for cell in (
                _cell(row.get(metric), decimals[metric]),
                *_known(summary, metric, name, decimals[metric]),
            )
        ]
        for name, row in summary.cells.items()
    }


def _heads(summary: Summary) -> list[str]:
    """The columns after the condition's: each metric, and what theory says where it says anything."""
    heads = []
    for metric in summary.metrics:
        words = metric.replace("_", " ")
        heads += [words, f"{words}, theory"] if metric in summary.theory else [words]
    return heads


def _known(summary: Summary, metric: str, name: str, decimals: int) -> list[tuple[str, str]]:
    """The cell of what theory says, where that column is shown."""
    if metric not in summary.theory:
        return []
    number = summary.theory[metric].get(name)
    return [("" if number is None else f"{round(number, decimals) + 0.0:.{decimals}f}", "")]


def _cell(interval: Interval | None, decimals: int) -> tuple[str, str]:
    if interval is None or np.isnan(interval.point):
        return "-", ""
    point, low, high = (
        f"{round(x, decimals) + 0.0:.{decimals}f}" for x in (interval.point, interval.low, interval.high)
    )
    return point, "" if np.isnan(interval.low) else f"{low} to {high}"


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
