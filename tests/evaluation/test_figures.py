"""Figures and tables: everything drawn can be told apart, and tables say what was counted."""

import csv
import io
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.text import Text

from marl_sim.evaluation.figures import PALETTE, Curve, as_curve, curves_figure, save, spread
from marl_sim.evaluation.tables import as_csv, markdown, per_seed, rich_table, summarise

EPISODES = np.arange(10, 210, 10)


def curve(height, seeds=4):
    noise = np.random.default_rng(0).normal(0, 0.01, (seeds, EPISODES.size))
    return Curve(EPISODES, height + noise)


def labels(figure):
    return [text for ax in figure.axes for text in ax.texts]


def test_each_condition_has_a_line_a_band_and_a_label_of_its_colour():
    figure = curves_figure({"direct": curve(0.6), "third party": curve(0.3)}, "cooperation")
    (ax,) = figure.axes
    lines, bands = ax.get_lines(), ax.collections
    assert [line.get_color() for line in lines] == list(PALETTE[:2])
    assert len(bands) == 2
    assert {text.get_text(): text.get_color() for text in labels(figure)} == {
        "direct": PALETTE[0],
        "third party": PALETTE[1],
    }


def test_labels_of_lines_that_end_together_do_not_overlap():
    figure = curves_figure({f"condition {i}": curve(0.001 * i) for i in range(7)}, "cooperation")
    figure.draw_without_rendering()  # lays it out
    # Text's own extent, since an annotation's takes its leader in.
    boxes = sorted((Text.get_window_extent(text) for text in labels(figure)), key=lambda box: box.y0)
    assert all(below.y1 <= above.y0 for below, above in pairwise(boxes))
    assert all(box.x1 <= figure.bbox.x1 for box in boxes)
    assert all(figure.bbox.y0 <= box.y0 <= box.y1 <= figure.bbox.y1 for box in boxes)


def test_lines_on_top_of_one_another_take_turns():
    zero = Curve(EPISODES, np.zeros((3, EPISODES.size)))
    figure = curves_figure({"a": zero, "b": zero, "high": curve(0.9)}, "punishment")
    first, second, apart = figure.axes[0].get_lines()
    assert first.get_linestyle() == second.get_linestyle() == "--"
    assert first._unscaled_dash_pattern[0] != second._unscaled_dash_pattern[0]
    assert apart.get_linestyle() == "-"


def test_more_conditions_than_colours_get_a_panel_each():
    figure = curves_figure({f"condition {i}": curve(0.1 * i) for i in range(9)}, "cooperation")
    assert [ax.get_title(loc="left") for ax in figure.axes] == [f"condition {i}" for i in range(9)]
    assert all(len(ax.get_lines()) == 9 for ax in figure.axes)


def test_a_picture_is_written_whole(tmp_path):
    path = save(curves_figure({"direct": curve(0.5)}, "reward"), tmp_path / "figures" / "reward.png")
    assert path.read_bytes().startswith(b"\x89PNG")
    assert [file.name for file in path.parent.iterdir()] == ["reward.png"]


@pytest.mark.parametrize("values", [np.full((3, 20), np.nan), np.zeros((1, 20)), np.full((2, 20), -7.0)])
def test_empty_single_and_constant_curves_are_drawn(values, tmp_path):
    save(curves_figure({"only": Curve(EPISODES, values)}, "just_share", window=3), tmp_path / "figure.png")


def test_nothing_to_draw_is_said():
    with pytest.raises(ValueError, match="no curves of 'reward'"):
        curves_figure({}, "reward")


def test_rows_in_any_order_become_a_curve():
    rows = [(1, 20, 0.4), (0, 10, 0.1), (0, 20, 0.2), (1, 10, 0.3), (2, 10, 0.5)]
    made = as_curve(*zip(*rows))
    np.testing.assert_array_equal(made.episodes, [10, 20])
    np.testing.assert_array_equal(made.values, [[0.1, 0.2], [0.3, 0.4], [0.5, np.nan]])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=10))
def test_labels_are_spread_by_at_least_the_gap_and_keep_their_order(heights):
    placed = spread(heights, 0.05)
    ordered = sorted(placed)
    assert all(above - below >= 0.05 - 1e-9 for below, above in pairwise(ordered))
    for i, first in enumerate(heights):
        for j, second in enumerate(heights):
            if first > second:
                assert placed[i] > placed[j]
    assert ordered[0] >= -1e-9
    assert ordered[-1] <= 1 + 1e-9


def test_labels_with_room_stay_where_they_are():
    assert spread([0.2, 0.9, 0.5], 0.05) == pytest.approx([0.2, 0.9, 0.5])


RECORDS = {
    "seed": np.repeat([0, 1, 2], 4),
    "episode": np.tile([10, 20, 30, 40], 3),
    "cooperation": np.array([0, 0, 0.5, 0.7, 0, 0, 0.1, 0.3, 0, 0, np.nan, np.nan]),
}


def test_a_seeds_value_is_its_mean_over_the_last_episodes():
    np.testing.assert_allclose(per_seed(RECORDS, "cooperation", last=20), [0.6, 0.2, np.nan])
    np.testing.assert_allclose(per_seed(RECORDS, "cooperation", last=1000), [0.3, 0.1, 0.0])


def test_the_table_in_its_three_forms(capsys):
    from rich.console import Console

    summary = summarise(
        {"direct": RECORDS, "a|b": {**RECORDS, "reward": RECORDS["episode"]}}, ["cooperation", "reward"], 20
    )
    rows = list(csv.DictReader(io.StringIO(as_csv(summary))))
    assert [(row["condition"], row["metric"], row["seeds"]) for row in rows] == [
        ("direct", "cooperation", "2"),
        ("a|b", "cooperation", "2"),
        ("a|b", "reward", "3"),
    ]
    assert float(rows[0]["value"]) == pytest.approx(0.4)
    text = markdown(summary, "punishment")
    assert "| direct | 0.400 (0.200 to 0.600) | - |" in text
    assert "| a\\|b | 0.400 (0.200 to 0.600) | 35.0 (35.0 to 35.0) |" in text
    assert "last 20 episodes" in text
    Console(width=100).print(rich_table(summary, "punishment"))
    assert "0.200 to 0.600" in capsys.readouterr().out


def test_theory_stands_beside_what_was_learned(capsys):
    from rich.console import Console

    known = {"cooperation": {"direct": 0.25}}
    summary = summarise({"direct": RECORDS, "other": RECORDS}, ["cooperation"], 20, theory=known)
    text = markdown(summary, "punishment")
    assert "| condition | cooperation | cooperation, theory |" in text
    assert "| direct | 0.400 (0.200 to 0.600) | 0.250 |" in text
    assert "| other | 0.400 (0.200 to 0.600) |  |" in text
    rows = list(csv.DictReader(io.StringIO(as_csv(summary))))
    assert [row["theory"] for row in rows] == ["0.25", ""]
    Console(width=100).print(rich_table(summary, "punishment"))
    assert "cooperation, theory" in capsys.readouterr().out


def test_a_narrow_terminal_cuts_no_word(capsys):
    from rich.console import Console

    metrics = {f"greedy_contribution_{k}": RECORDS["cooperation"] for k in range(6)}
    records = {"episode": RECORDS["episode"], "seed": RECORDS["seed"], **metrics}
    long = "a threshold of 28 % and a bonus that is not by one's own"
    for names in (["classical", "everything"], ["classical", long]):
        summary = summarise(dict.fromkeys(names, records), list(metrics), 20)
        Console(width=70).print(rich_table(summary, "narrow"))
        out = capsys.readouterr().out
        assert "…" not in out
        assert max(map(len, out.splitlines())) <= 70
        if long not in names:
            assert "classical" in out
            assert "everything" in out


@pytest.mark.parametrize(
    "known, says",
    [
        ({"kindness": {"direct": 1.0}}, "unknown metric in theory: 'kindness'"),
        ({"cooperation": {"indirect": 1.0}}, "unknown condition in theory: 'indirect'; did you mean 'direct'"),
    ],
)
def test_theory_of_what_the_table_has_not_is_refused(known, says):
    with pytest.raises(ValueError, match=says):
        summarise({"direct": RECORDS}, ["cooperation"], 20, theory=known)
