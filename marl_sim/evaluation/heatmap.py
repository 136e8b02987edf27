"""Heat maps: a number, or what was chosen, over a grid of two options, with the curve where theory has it turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from marl_sim.evaluation.figures import INK, PALETTE

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CHOICES = ("#dbe9f6", "#56B4E9", "#08306b", "#009E73", "#CC79A7")  # light to dark first, so that grey shows them too
LINES = (PALETTE[1], PALETTE[4], PALETTE[6])


@dataclass(frozen=True)
class Line:
    """A curve over a map: points x [K] and y [K], and what it is called."""

    name: str
    x: ArrayLike
    y: ArrayLike


@dataclass(frozen=True)
class Map:
    """Numbers over a grid.

    values   [Y, X], row y and column x; NaN where there is none
    x, y     middles of the columns and of the rows, evenly spaced
    title    over the panel
    lines    curves drawn in
    """

    values: ArrayLike
    x: ArrayLike
    y: ArrayLike
    title: str = ""
    lines: Sequence[Line] = ()


def heatmap_figure(
    maps: Sequence[Map],
    x_label: str,
    y_label: str,
    value_label: str = "",
    title: str = "",
    caption: str = "",
    limits: tuple[float, float] = (0.0, 1.0),
    names: Sequence[str] = (),
) -> Figure:
    """Maps side by side on one scale of colours, readable in grey and under colour blindness.

    limits   the numbers that the ends of the scale stand for
    names    where values are choices 0, 1, ..., at most five: what each is called; then there is no scale

    Raises ValueError where there is nothing to draw, for values that do not fit their grid, and for too many names.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import BoundaryNorm, ListedColormap, Normalize
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    if not maps:
        raise ValueError("heatmap_figure: there are no maps to draw.")
    if len(names) > len(CHOICES):
        raise ValueError(f"heatmap_figure: at most {len(CHOICES)} choices have a colour; got {len(names)}.")
    figure = Figure(
        figsize=((2.2 if not names else 1.0) + (3.0 if len(maps) > 1 else 5.0) * len(maps), 4.8), layout="constrained"
    )
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(maps), sharey=True, squeeze=False)[0]
    colours: Any = "Blues" if not names else ListedColormap(CHOICES[: len(names)])
    scale = Normalize(*limits) if not names else BoundaryNorm(np.arange(len(names) + 1) - 0.5, len(names))
    for ax, one in zip(panels, maps, strict=True):
        image = _draw(ax, one, colours, scale)
        ax.set_xlabel(x_label)
    panels[0].set_ylabel(y_label)
    handles = {label: handle for ax in panels for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    if names:
        handles |= {name: Patch(facecolor=colour, edgecolor=INK, linewidth=0.4) for name, colour in zip(names, CHOICES)}
    else:
        bar = figure.colorbar(image, ax=list(panels), pad=0.02, label=value_label)
        bar.outline.set_visible(False)
    if handles:
        figure.legend(
            handles.values(), handles.keys(), loc="outside upper right", ncols=len(handles), frameon=False, fontsize=9
        )
    figure.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", color=INK)
    figure.supxlabel(caption, x=0.01, ha="left", fontsize=8, color="#666666")
    return figure


def _draw(ax: Axes, one: Map, colours: Any, scale: Any) -> Any:
    values, x, y = (np.asarray(array, float) for array in (one.values, one.x, one.y))
    if values.shape != (y.size, x.size):
        wanted = (y.size, x.size)
        raise ValueError(f"heatmap_figure: values must have the shape {wanted} of y and x; got {values.shape}.")
    columns, rows = edges(x), edges(y)
    ax.set_facecolor("#b0b0b0")  # where there is no number
    image = ax.pcolormesh(
        columns, rows, np.ma.masked_invalid(values), cmap=colours, norm=scale, edgecolors="white", linewidth=0.4
    )
    for line, colour in zip(one.lines, LINES * len(one.lines)):
        ax.plot(line.x, line.y, color="white", linewidth=4)  # seen on light and on dark
        ax.plot(line.x, line.y, color=colour, linewidth=2.2, label=line.name)
    ax.set(xlim=(columns[0], columns[-1]), ylim=(rows[0], rows[-1]))
    ax.tick_params(colors=INK, labelsize=9)
    ax.spines[:].set_visible(False)
    if one.title:
        ax.set_title(one.title, fontsize=10, loc="left", color=INK)
    return image


def edges(middles: np.ndarray) -> np.ndarray:
    """The bounds of evenly spaced cells around their middles; a cell alone is 1 wide."""
    half = (middles[1] - middles[0]) / 2 if middles.size > 1 else 0.5
    return np.append(middles - half, middles[-1] + half)
