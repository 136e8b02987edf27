"""Keys and buttons: each does one thing, all are named, none lies on another."""

from itertools import pairwise

import pygame
import pytest

from marl_sim.viewer.canvas import Canvas
from marl_sim.viewer.controls import BY_NAME, CONTROLS, Bar, help_sheet, of_key


def test_every_key_does_one_thing_and_the_help_names_them_all():
    keys = [key for control in CONTROLS for key in control.keys]
    assert len(keys) == len(set(keys))
    assert of_key(pygame.K_SLASH, "?") == "help" and of_key(pygame.K_F9, "") == ""
    for control in CONTROLS:
        assert of_key(control.keys[0], "") == control.name
    for size in ((1100, 700), (700, 480)):
        canvas = Canvas(size, audit=True)
        help_sheet(canvas, canvas.rect)
        words = [one.name for one in canvas.drawn if one.kind == "text"]
        for control in CONTROLS:
            assert control.key_words in words
        for one in canvas.drawn:
            assert one.box.inflate(2, 40).contains(one.rect) and canvas.rect.contains(one.rect)


@pytest.mark.parametrize("width", [480, 700, 1000, 1800])
def test_buttons_lie_apart_inside_the_bar(width):
    canvas, bar = Canvas((width, 100), audit=True), Bar()
    bar.draw(canvas, canvas.rect, 3, 10, {"faster": "+ 1/8x"}, {"play"}, 4)
    rects = list(bar.buttons.values())
    assert len(rects) >= 8 and all(canvas.rect.contains(rect) for rect in rects)
    assert all(one.right <= other.left for one, other in pairwise(rects))
    assert bar.hit(rects[2].center) == list(bar.buttons)[2] and bar.hit((0, 0)) == ""
    assert bar.moment((bar.slider.left - 50, 0), 10) == 0 and bar.moment((bar.slider.right + 9, 0), 10) == 10
    assert set(bar.buttons) <= set(BY_NAME)
