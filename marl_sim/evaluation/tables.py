"""Tables of a study: one line per condition, one column per metric, each a statistic with its interval over seeds."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from marl_sim.evaluation.statistics import Interval, Statistic, bootstrap_interval

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Summary:
    """Intervals by condition and metric; `metrics` gives the order of the columns, `caption` says what was averaged."""

    caption: str
    metrics: tuple[str, ...]
    cells: Mapping[str, Mapping[str, Interval]]


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
) -> Summary:
    """The table of a study over the last `last` episodes of each condition. A metric a condition lacks stays empty."""
    cells = {
        name: {
            metric: bootstrap_interval(per_seed(columns, metric, last), statistic, level)
            for metric in metrics
            if metric in columns
        }
        for name, columns in conditions.items()
    }
    caption = f"{statistic} and {100 * level:g} % bootstrap interval over seeds, last {last} episodes"
    return Summary(caption, tuple(metrics), cells)


def rich_table(summary: Summary, title: str) -> Table:
    """For the terminal: the point estimate over its interval, so that many metrics fit beside one another.

    The caption is left to the caller: inside the table it would be wrapped to the table's width.
    """
    from rich.table import Table

    table = Table(title=title, title_justify="left")
    table.add_column("condition")
    for metric in summary.metrics:
        table.add_column(metric.replace("_", " "), justify="right")
    for name, row in _text(summary).items():
        table.add_row(name, *(f"{point}\n[dim]{bounds}[/dim]" if bounds else point for point, bounds in row))
    return table


def markdown(summary: Summary, title: str) -> str:
    """The same table for a page: title, caption and a pipe table."""
    heads = ["condition", *(metric.replace("_", " ") for metric in summary.metrics)]
    lines = [
        f"**{title}** ({summary.caption})",
        "",
        _pipes(heads),
        _pipes(["---"] + ["---:"] * len(summary.metrics)),
        *(
            _pipes([name, *(f"{point} ({bounds})" if bounds else point for point, bounds in row)])
            for name, row in _text(summary).items()
        ),
    ]
    return "\n".join(lines) + "\n"


def as_csv(summary: Summary) -> str:
    """The numbers in full: columns condition, metric, value, low, high, seeds; empty where there is no number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["condition", "metric", "value", "low", "high", "seeds"])
    for name, row in summary.cells.items():
        for metric, cell in row.items():
            numbers = ["" if np.isnan(x) else repr(x) for x in (cell.point, cell.low, cell.high)]
            writer.writerow([name, metric, *numbers, cell.n])
    return text.getvalue()


def _text(summary: Summary) -> dict[str, list[tuple[str, str]]]:
    """(estimate, bounds) of every cell as text, all cells of a metric with the same number of decimals."""
    decimals = {}
    for metric in summary.metrics:
        sizes = [abs(row[metric].point) for row in summary.cells.values() if metric in row]
        largest = max((size for size in sizes if np.isfinite(size)), default=0.0)
        decimals[metric] = 3 if largest < 2 else 2 if largest < 10 else 1 if largest < 1000 else 0
    return {
        name: [_cell(row.get(metric), decimals[metric]) for metric in summary.metrics]
        for name, row in summary.cells.items()
    }


def _cell(interval: Interval | None, decimals: int) -> tuple[str, str]:
    if interval is None or np.isnan(interval.point):
        return "-", ""
    point, low, high = (
        f"{round(x, decimals) + 0.0:.{decimals}f}" for x in (interval.point, interval.low, interval.high)
    )
    return point, "" if np.isnan(interval.low) else f"{low} to {high}"


def _pipes(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
