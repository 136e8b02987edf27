"""Colours: two themes, and the colours of deeds, which are told apart under every common colour blindness.

The deeds' colours are Okabe and Ito's (2008). They never stand alone: every deed has a shape of its own (see marks).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Colour = tuple[int, int, int]

LEAST_CONTRAST = 4.5  # of text on its ground: WCAG 2.1, level AA


def rgb(code: str) -> Colour:
    """ "#0072B2" as (0, 114, 178)."""
    return int(code[1:3], 16), int(code[3:5], 16), int(code[5:7], 16)


def luminance(colour: Colour) -> float:
    """Relative luminance of an sRGB colour, 0 to 1 (WCAG 2.1)."""
    parts = [c / 255 for c in colour[:3]]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: Colour, other: Colour) -> float:
    """Contrast ratio of two colours, 1 to 21 (WCAG 2.1)."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def blend(one: Colour, other: Colour, share: float) -> Colour:
    """`one` with `share` of `other` in it."""
    return (
        round(one[0] + (other[0] - one[0]) * share),
        round(one[1] + (other[1] - one[1]) * share),
        round(one[2] + (other[2] - one[2]) * share),
    )


def blended(one: Colour, other: Colour, share: np.ndarray) -> np.ndarray:
    """`blend` for many shares: uint8 [..., 3]."""
    a, b = np.array(one, float), np.array(other, float)
    return np.rint(a + (b - a) * share[..., None]).astype(np.uint8)


def ink_on(ground: Colour) -> Colour:
    """Black or white, whichever reads better on `ground`."""
    dark, light = (17, 20, 26), (255, 255, 255)
    return dark if contrast(dark, ground) >= contrast(light, ground) else light


BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY = map(
    rgb, ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
)

DEEDS: dict[str, Colour] = {
    "cooperate": BLUE, "defect": VERMILION, "just": GREEN, "unjust": PURPLE, "gift": ORANGE, "give": ORANGE,
    "talk": SKY,
}  # fmt: skip


@dataclass(frozen=True)
class Theme:
    """The colours of everything that is no deed: paper and panels, ink and fainter ink, lines, what is chosen."""

    name: str
    paper: Colour
    panel: Colour
    sunk: Colour
    ink: Colour
    soft: Colour
    line: Colour
    edge: Colour
    accent: Colour
    node: Colour

    def deed(self, kind: str) -> Colour:
        """The colour of a kind of deed."""
        return DEEDS.get(kind, self.soft)


LIGHT = Theme(
    "light", rgb("#F7F6F2"), rgb("#FFFFFF"), rgb("#ECEBE6"), rgb("#1D2330"), rgb("#565E70"), rgb("#D8D9DD"),
    rgb("#9AA1AF"), rgb("#5B3FA8"), rgb("#FFFFFF"),
)  # fmt: skip
DARK = Theme(
    "dark", rgb("#12151C"), rgb("#1B202B"), rgb("#0C0E13"), rgb("#F1F3F7"), rgb("#A5AEBF"), rgb("#323A4A"),
    rgb("#626C80"), rgb("#B9A5FF"), rgb("#232A38"),
)  # fmt: skip
THEMES = {theme.name: theme for theme in (LIGHT, DARK)}
