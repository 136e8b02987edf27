"""Moments of games, drawn without a display, and what a picture must satisfy whatever it shows."""

import itertools

import numpy as np

import marl_sim as ms
from marl_sim.viewer.canvas import Canvas
from marl_sim.viewer.frame import SIZE, Painter
from marl_sim.viewer.palette import LEAST_CONTRAST, LIGHT, contrast
from marl_sim.viewer.show import Show


def moment(game, steps, seed=0):
    """A show of a game (or of its name), so many stages on."""
    show = Show(ms.make(game) if isinstance(game, str) else game, seed=seed)
    for _ in range(steps):
        show.step()
    return show


def last_of_episode(game, seed=0, most=2000):
    """A show that stands at the end of its first episode."""
    show = moment(game, 1, seed)
    while not show.timeline.chronicle.over and show.timeline.at < most:
        show.step()
    assert show.timeline.chronicle.over, "the episode has no end"
    return show


def drawn(show, size=SIZE, theme=LIGHT, progress=1.0, zoom=1.0):
    """Its picture, with the list of what was drawn."""
    canvas = Canvas(size, theme, zoom, audit=True)
    Painter(show.game).paint(canvas, show.scene(), progress)
    return canvas


def check(canvas, names):
    """Every agent is drawn once, inside its box, on nobody else; every text is whole inside its box and can be read."""
    agents = [one for one in canvas.drawn if one.kind == "agent"]
    assert sorted(one.name for one in agents) == sorted(names)
    for one in agents:
        assert one.box.contains(one.rect), one
    for one, other in itertools.combinations(agents, 2):
        assert not one.rect.colliderect(other.rect), (one, other)
    texts = [one for one in canvas.drawn if one.kind == "text"]
    assert texts
    for one in texts:
        assert one.rect.left >= one.box.left - 1 and one.rect.right <= one.box.right + 1, one
        assert canvas.rect.contains(one.rect), one
        assert contrast(one.ink, one.ground) >= LEAST_CONTRAST, (one, contrast(one.ink, one.ground))
    for one, other in itertools.combinations(texts, 2):
        assert not one.rect.inflate(-2, -4).colliderect(other.rect.inflate(-2, -4)), (one, other)
    for one in canvas.drawn:
        if one.kind == "mark":
            assert canvas.rect.contains(one.rect), one


def pixels(canvas):
    """The picture, float [height, width, 3]."""
    return canvas.array().astype(np.float64)
