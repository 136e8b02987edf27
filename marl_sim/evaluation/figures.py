"""Figures of a study: curves over episodes with a bootstrap band over seeds, one colour and one label per condition.

Drawn without pyplot, so that nothing global is touched and no display is needed. Colours are Okabe and Ito's (2008),
which remain apart under every common colour blindness; yellow is left out, being too pale on white.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike

from marl_sim.evaluation.statistics import Statistic, bootstrap_band, rolling_mean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
INK, FAINT = "#333333", "#c8c8c8"
MOST_IN_ONE_PANEL = len(PALETTE)


@dataclass(frozen=True)
class Curve:
    """One metric of one condition: episodes [T] and values [S, T], one row per seed, NaN where a seed has no value."""

    episodes: np.ndarray
    values: np.ndarray


def curves_figure(
    curves: Mapping[str, Curve],
    metric: str,
    title: str = "",
    window: int = 1,
    statistic: Statistic = "mean",
    references: Mapping[str, float] | None = None,
) -> Figure:
    """Draw a metric over episodes: one line per condition, its band the 95 % bootstrap interval over seeds.

    Up to seven conditions share one panel, each labelled at its line's end; more get a panel each, with the others
    in grey behind, so that no line is hidden. `window` smooths every seed's curve by a trailing mean over that many
    recorded points. `references` are horizontal lines with a name, such as an equilibrium's value.

    Raises ValueError where there is nothing to draw.
    """
    if not curves:
        raise ValueError(f"there are no curves of {metric!r} to draw.")
    bands = {
        name: (curve.episodes, *bootstrap_band(rolling_mean(curve.values, window), statistic))
        for name, curve in curves.items()
    }
    seeds = {curve.values.shape[0] for curve in curves.values()}
    figure, axes = _together(bands) if len(bands) <= MOST_IN_ONE_PANEL else _apart(bands)
    low, high = _limits(bands, references or {})
    for ax in axes:
        ax.set_ylim(low, high)
        for name, value in (references or {}).items():
            ax.axhline(value, color=INK, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
            if ax is axes[0]:
                ax.annotate(
                    name, (0, value), (3, 2), xycoords=("axes fraction", "data"), textcoords="offset points", fontsize=8
                )
    if len(axes) == 1:
        axes[0].set_ylabel(metric.replace("_", " "))
        _label_ends(axes[0], bands)
    caption = _caption(seeds, statistic, window) + ("; grey: the other conditions" if len(axes) > 1 else "")
    _title(figure, title or metric.replace("_", " "), caption)
    return figure


def save(figure: Figure, path: Path) -> Path:
    """Write a figure as PNG, through a temporary file, so that a reader never meets half a picture."""
    part = path.with_name(f".{path.name}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(part, format="png", dpi=150, facecolor="white")
    part.replace(path)
    return path


def as_curve(seeds: ArrayLike, episodes: ArrayLike, values: ArrayLike) -> Curve:
    """Arrange rows, one per seed and episode in any order, as a Curve; what a seed has not recorded is NaN."""
    seed_of, seed = np.unique(np.asarray(seeds), return_inverse=True)
    episode_of, episode = np.unique(np.asarray(episodes), return_inverse=True)
    table = np.full((seed_of.size, episode_of.size), np.nan)
    table[seed.ravel(), episode.ravel()] = np.asarray(values, float)
    return Curve(episode_of, table)


Bands = Mapping[
    str, tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
]  # name: episodes, low, point, high; each [T]


def _canvas(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Figure, list[Axes]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    for ax in grid.flat:
        ax.spines[["top", "right"]].set_visible(False)
        ax.spines[["left", "bottom"]].set_color(INK)
        ax.tick_params(colors=INK, labelsize=9)
        ax.grid(axis="y", color="#e8e8e8", linewidth=0.8)
        ax.set_axisbelow(True)
    return figure, list(grid.flat)


def _together(bands: Bands) -> tuple[Figure, list[Axes]]:
    figure, axes = _canvas(8.0, 4.5)
    ax = axes[0]
    for colour, dashes, band in zip(PALETTE, _dashes(bands), bands.values()):
        _draw(ax, band, colour, dashes)
    ax.set_xlabel("episode")
    ax.set_xlim(*_span(bands))
    return figure, axes


def _apart(bands: Bands) -> tuple[Figure, list[Axes]]:
    columns = min(4, math.ceil(math.sqrt(len(bands))))
    rows = math.ceil(len(bands) / columns)
    figure, axes = _canvas(2.6 * columns, 2.1 * rows + 0.5, rows, columns)
    for index, (name, ax) in enumerate(zip(bands, axes)):
        for other, band in bands.items():
            if other != name:
                ax.plot(band[0], band[2], color=FAINT, linewidth=0.8, zorder=1)
        _draw(ax, bands[name], PALETTE[0])
        ax.set_title(name, fontsize=9, loc="left", color=INK)
        ax.set_xlim(*_span(bands))
        if index + columns >= len(bands):
            ax.set_xlabel("episode", fontsize=9)
            ax.tick_params(labelbottom=True)
        ax.locator_params(axis="x", nbins=4)
    for ax in axes[len(bands) :]:
        ax.remove()
    return figure, axes[: len(bands)]


Dashes = Literal["solid"] | tuple[float, tuple[float, float]]


def _draw(ax: Axes, band: tuple[np.ndarray, ...], colour: str, dashes: Dashes = "solid") -> None:
    episodes, low, point, high = band
    ax.fill_between(episodes, low, high, color=colour, alpha=0.18, linewidth=0, zorder=2)
    lone = np.isfinite(point).sum() == 1  # a single recorded point draws no line
    line = ax.plot(episodes, point, color=colour, linewidth=1.8, linestyle=dashes, dash_capstyle="butt", zorder=3)
    if lone:
        line[0].set(marker="o", markersize=4)


def _dashes(bands: Bands) -> list[Dashes]:
    """Lines that run on top of one another take turns, dash by dash, so that the last drawn does not hide the rest."""
    low, high = _limits(bands, {})
    groups: list[list[int]] = []
    points = [(band[0], band[2]) for band in bands.values()]
    for index, (episodes, point) in enumerate(points):
        for group in groups:
            there, other = points[group[0]]
            gap = np.abs(point - np.interp(episodes, there, other))
            if np.nanmedian(np.append(gap[np.isfinite(gap)], np.nan)) < 0.006 * (high - low):
                group.append(index)
                break
        else:
            groups.append([index])
    styles: list[Dashes] = ["solid"] * len(points)
    for group in groups:
        for turn, index in enumerate(group if len(group) > 1 else []):
            styles[index] = (-6.0 * turn, (6.0, 6.0 * (len(group) - 1)))
    return styles


def _span(bands: Bands) -> tuple[float, float]:
    first = min(float(band[0][0]) for band in bands.values())
    last = max(float(band[0][-1]) for band in bands.values())
    return (first, last) if last > first else (first - 1, last + 1)


def _limits(bands: Bands, references: Mapping[str, float]) -> tuple[float, float]:
    """A little air around everything drawn; a share, which lives between 0 and 1, is shown on its whole range."""
    ends = np.concatenate([np.concatenate(band[1:]) for band in bands.values()] + [np.array(list(references.values()))])
    ends = ends[np.isfinite(ends)]
    low, high = (float(ends.min()), float(ends.max())) if ends.size else (0.0, 1.0)
    if low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    air = 0.04 * ((high - low) or max(abs(high), 1.0))
    return low - air, high + air


def _label_ends(ax: Axes, bands: Bands) -> None:
    """Name each line beside its end, moved where names would overlap, with a thin leader back to the line."""
    low, high = ax.get_ylim()
    right = ax.get_xlim()[1]
    ends = [_last_finite(band) for band in bands.values()]
    places = spread([(y - low) / (high - low) for _, y in ends], 0.058)
    for name, colour, (x, y), place in zip(bands, PALETTE, ends, places):
        ax.annotate(
            name,
            xy=(x if x < right else right, y),
            xytext=(1.035, place),
            xycoords="data",
            textcoords=ax.transAxes,
            color=colour,
            fontsize=9,
            va="center",
            ha="left",
            annotation_clip=False,
            arrowprops=dict(
                arrowstyle="-",
                color=colour,
                linewidth=0.7,
                alpha=0.7,
                linestyle=":" if x < right else "-",  # a line that stopped early is not to be read on
                relpos=(0, 0.5),
                shrinkA=1,
                shrinkB=0,
            ),
        )


def spread(heights: Sequence[float], gap: float) -> list[float]:
    """Move heights in [0, 1] as little as needed so that neighbours are at least `gap` apart, keeping their order.

    Runs of neighbours that touch are laid out as one block around their own mean (pool adjacent violators).
    """
    order = sorted(range(len(heights)), key=lambda index: (-heights[index], index))  # from the top down, ties by rank
    blocks: list[list[float]] = []  # [sum of (height + rank * gap), count]: a block's base is their ratio
    for rank, index in enumerate(order):
        blocks.append([heights[index] + rank * gap, 1])
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] < blocks[-1][0] / blocks[-1][1]:
            total, count = blocks.pop()
            blocks[-1][0] += total
            blocks[-1][1] += count
    lowest = gap * (len(heights) - 1)  # clipping an isotonic fit gives the best one inside the bounds
    bases = [min(max(total / count, lowest), 1.0) for total, count in blocks for _ in range(int(count))]
    placed = [0.0] * len(heights)
    for rank, index in enumerate(order):
        placed[index] = bases[rank] - rank * gap
    return placed


def _last_finite(band: tuple[np.ndarray, ...]) -> tuple[float, float]:
    finite = np.flatnonzero(np.isfinite(band[2]))
    if not finite.size:
        return float(band[0][-1]), 0.0
    return float(band[0][finite[-1]]), float(band[2][finite[-1]])


def _title(figure: Figure, title: str, caption: str) -> None:
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=8, color="#666666")


def _caption(seeds: set[int], statistic: str, window: int) -> str:
    count = f"{min(seeds)}" if len(seeds) == 1 else f"{min(seeds)} to {max(seeds)}"
    what = f"{statistic} over 1 seed" if seeds == {1} else f"{statistic} and 95 % bootstrap interval over {count} seeds"
    return what + (f"; each seed smoothed over {window} points" if window > 1 else "")
