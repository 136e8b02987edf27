"""Heat maps show the numbers they are given, where they belong."""

import numpy as np
import pytest

from marl_sim.evaluation.figures import save
from marl_sim.evaluation.heatmap import Line, Map, edges, heatmap_figure


def colours_at(figure, ax, points):
    """The colours drawn at data points, RGB 0 to 255."""
    figure.canvas.draw()
    picture = np.asarray(figure.canvas.buffer_rgba())
    spots = ax.transData.transform(points).astype(int)
    return [tuple(int(c) for c in picture[picture.shape[0] - 1 - y, x, :3]) for x, y in spots]


def test_cells_lie_where_their_numbers_are():
    x, y = np.array([0.1, 0.3, 0.5]), np.array([1.0, 2.0])
    values = np.array([[0.0, 0.5, 1.0], [1.0, np.nan, 0.0]])
    figure = heatmap_figure([Map(values, x, y)], "x", "y", "share")
    got = colours_at(figure, figure.axes[0], [(a, b) for b in y for a in x])
    low, middle, high, again_high, none, again_low = got
    assert low == again_low and high == again_high
    assert sum(low) > sum(middle) > sum(high)  # light to dark
    assert none == (0xB0,) * 3
    assert figure.axes[0].get_xlim() == pytest.approx((0.0, 0.6)) and figure.axes[0].get_ylim() == (0.5, 2.5)


def test_choices_have_a_colour_each_and_a_legend():
    maps = [Map([[0, 1], [2, 1]], [0, 1], [0, 1], title=t, lines=[Line("edge", [0, 1], [0.5, 0.5])]) for t in "ab"]
    figure = heatmap_figure(maps, "x", "y", names=("answer", "ask", "both"))
    first, second = figure.axes
    got = colours_at(figure, first, [(0, 0), (1, 0), (0, 1), (1, 1)])
    assert len(set(got)) == 3 and got[1] == got[3]
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["edge", "answer", "ask", "both"]
    assert second.get_title(loc="left") == "b"


def test_a_curve_is_drawn_and_saved(tmp_path):
    figure = heatmap_figure(
        [Map(np.eye(3), range(3), range(3), lines=[Line("edge", [0, 2], [0, 2])])], "x", "y", "share"
    )
    assert [line.get_label() for line in figure.axes[0].lines][-1] == "edge"
    assert save(figure, tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "maps, names, says",
    [
        ([], (), "no maps to draw"),
        ([Map(np.zeros((2, 3)), range(2), range(3))], (), r"shape \(3, 2\) of y and x; got \(2, 3\)"),
        ([Map(np.zeros((2, 2)), range(2), range(2))], "abcdef", "at most 5 choices have a colour; got 6"),
    ],
)
def test_what_cannot_be_drawn_is_refused(maps, names, says):
    with pytest.raises(ValueError, match=says):
        heatmap_figure(maps, "x", "y", names=names)


def test_edges_are_halfway():
    assert edges(np.array([1.0, 2.0, 3.0])).tolist() == [0.5, 1.5, 2.5, 3.5]
    assert edges(np.array([4.0])).tolist() == [3.5, 4.5]
