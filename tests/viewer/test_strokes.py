"""Compiled drawing against what it should cover: so much ink, there and nowhere else."""

import numpy as np
import pygame
import pytest

from marl_sim.viewer.canvas import Canvas

WHITE, BLACK = (255, 255, 255), (0, 0, 0)


def blank(size=(90, 70)):
    canvas = Canvas(size)
    canvas.surface.fill(WHITE)
    return canvas


def ink(canvas):
    """How far each pixel is covered, float [height, width]."""
    return 1 - canvas.array()[..., 0] / 255


@pytest.mark.parametrize("thick", [1.0, 2.5, 6.0])
@pytest.mark.parametrize("end", [(70.0, 20.0), (20.0, 55.0), (70.0, 55.0), (31.0, 60.0), (66.5, 21.3)])
def test_a_line_has_as_much_ink_as_it_is_long_and_thick(thick, end):
    canvas = blank()
    canvas.line((20, 20), end, BLACK, thick)
    long = np.hypot(end[0] - 20, end[1] - 20)
    covered = ink(canvas)
    assert covered.sum() == pytest.approx(long * thick + np.pi * thick**2 / 4, rel=0.06, abs=1.5)  # its round ends
    middle = round(20 + (end[1] - 20) / 2), round(20 + (end[0] - 20) / 2)
    assert covered[middle] > 0.4
    y, x = np.nonzero(covered > 0.02)
    along = ((x - 20) * (end[0] - 20) + (y - 20) * (end[1] - 20)) / long
    away = np.hypot(x - 20 - along * (end[0] - 20) / long, y - 20 - along * (end[1] - 20) / long)
    assert away.max() <= thick / 2 + 0.5 and along.min() >= -thick / 2 - 0.5 and along.max() <= long + thick / 2 + 0.5


def test_a_point_is_a_dot_and_what_lies_outside_is_left_out():
    canvas = blank()
    canvas.line((40, 30), (40, 30), BLACK, 4)
    assert ink(canvas).sum() == pytest.approx(np.pi * 4, rel=0.1)
    canvas = blank()
    for start, end in [((-50, 10), (200, 10)), ((5, -40), (5, 300)), ((-90, -90), (-20, -10)), ((300, 5), (400, 5))]:
        canvas.line(start, end, BLACK, 1)
    covered = ink(canvas)
    assert covered[10].min() == covered[:, 5].min() == 1.0
    assert covered.sum() == pytest.approx(90 + 70 - 1)


def test_lines_lie_on_one_another_in_their_order():
    canvas = blank()
    ends = np.array([(10, 30, 80, 30), (45, 5, 45, 60)], float)
    canvas.lines(ends, np.array([5.0, 5.0]), np.array([(200, 0, 0), (0, 0, 200)]))
    assert tuple(canvas.array()[30, 45]) == (0, 0, 200) and tuple(canvas.array()[30, 20]) == (200, 0, 0)


def test_arrows_end_in_a_head_at_their_end():
    canvas = blank()
    canvas.arrows(np.array([(10.0, 30.0)]), np.array([(70.0, 30.0)]), np.array([BLACK]), 1.0, 20.0)
    covered = ink(canvas)
    heads = covered[:, 50:71].sum()
    assert heads == pytest.approx(20 * 22 / 2, rel=0.06)  # half its length times its width
    assert covered[:, 51].sum() > covered[:, 65].sum() > 1.0 and covered[:, 73:].sum() == 0
    backwards = blank()
    backwards.arrows(np.array([(70.0, 30.0)]), np.array([(10.0, 30.0)]), np.array([BLACK]), 1.0, 20.0)
    assert ink(backwards)[:, 9:31].sum() == pytest.approx(heads, rel=0.03)


def test_an_array_is_what_is_on_the_surface():
    rng = np.random.default_rng(0)
    canvas = blank((33, 21))
    pixels = rng.integers(0, 256, (33, 21, 3), dtype=np.uint8)
    pygame.surfarray.blit_array(canvas.surface, pixels)
    assert (canvas.array() == pixels.swapaxes(0, 1)).all()
