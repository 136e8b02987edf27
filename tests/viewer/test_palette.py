"""Words can be read, and deeds told apart: with every kind of eyes, and without colour."""

import itertools

import numpy as np
import pygame
import pytest

from marl_sim.viewer.marks import MEANING, SIGNS, mark
from marl_sim.viewer.palette import DEEDS, LEAST_CONTRAST, THEMES, blend, contrast, ink_on, luminance, rgb

# Machado, Oliveira & Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009),
# severity 1, on linear RGB.
EYES = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritan": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}


def linear(colour):
    c = np.array(colour) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def test_contrast_is_that_of_wcag():
    assert contrast((0, 0, 0), (255, 255, 255)) == pytest.approx(21)
    assert contrast(rgb("#777777"), (255, 255, 255)) == pytest.approx(4.48, abs=0.005)  # the classic near miss
    assert luminance((255, 255, 255)) == 1
    assert blend((0, 0, 0), (200, 100, 50), 0.5) == (100, 50, 25)


@pytest.mark.parametrize("theme", THEMES.values(), ids=list(THEMES))
def test_inks_can_be_read_on_every_ground(theme):
    for ground in (theme.paper, theme.panel, theme.sunk, theme.node):
        for ink in (theme.ink, theme.soft):
            assert contrast(ink, ground) >= LEAST_CONTRAST, (ink, ground)
    assert contrast(theme.accent, theme.panel) >= LEAST_CONTRAST
    for colour in DEEDS.values():
        assert contrast(ink_on(colour), colour) >= LEAST_CONTRAST


def lab(light):
    """CIE L*a*b* (D65) of linear RGB."""
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ light
    f = np.cbrt(xyz / (0.9505, 1.0, 1.089))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("eyes", EYES)
def test_colours_of_deeds_stay_apart(eyes):
    seen = {kind: lab(np.clip(np.array(EYES[eyes]) @ linear(colour), 1e-3, 1)) for kind, colour in DEEDS.items()}
    for (one, a), (other, b) in itertools.combinations(seen.items(), 2):
        if DEEDS[one] != DEEDS[other]:
            # a CIE76 distance above 10 is seen at a glance
            assert np.linalg.norm(a - b) > 10, (one, other)


def grey(kind, side=32):
    """A mark on white, in shades of grey: [side, side], 0 to 1."""
    surface = pygame.Surface((side, side), 0, 32)
    surface.fill((255, 255, 255))
    surface.blit(mark(kind, side), (0, 0))
    return pygame.surfarray.array3d(surface).astype(float).mean(-1) / 255


def test_every_deed_has_a_mark_of_a_shape_of_its_own():
    assert set(SIGNS) == set(MEANING)
    for one, other in itertools.combinations(SIGNS, 2):
        assert (np.abs(grey(one) - grey(other)) > 0.2).mean() > 0.06, (one, other)
