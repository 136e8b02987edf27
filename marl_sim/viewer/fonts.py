"""Type: DejaVu Sans, which matplotlib brings along, and pygame's own font where that is not there."""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

FILES = {False: "DejaVuSans.ttf", True: "DejaVuSans-Bold.ttf"}
KEPT = 4096  # pictures of words that are kept; a second of an animated window shows a few hundred


@lru_cache(maxsize=1)
def _folder() -> Path | None:
    """Where matplotlib keeps its fonts, found without importing it."""
    found = importlib.util.find_spec("matplotlib")
    folder = Path(found.origin).parent / "mpl-data" / "fonts" / "ttf" if found and found.origin else None
    return folder if folder and (folder / FILES[False]).is_file() else None


@lru_cache(maxsize=64)
def font(size: int, bold: bool = False) -> Any:
    """A font of so many pixels."""
    import pygame.font as fonts

    if not fonts.get_init():
        fonts.init()
    folder = _folder()
    file = None if folder is None else str(folder / FILES[bold])
    # None is pygame's own: drawn a fifth smaller for the same number
    return fonts.Font(file, max(6, size if file else round(size * 1.2)))


@lru_cache(maxsize=KEPT)
def width(words: str, size: int, bold: bool = False) -> int:
    """How wide words are, in pixels."""
    return font(size, bold).size(words)[0]


@lru_cache(maxsize=KEPT)
def fitted(words: str, size: int, bold: bool, most: int) -> str:
    """The words, or as much of their beginning as fits, with dots behind it."""
    if width(words, size, bold) <= most:
        return words
    low, high = 0, len(words)
    while low < high:
        middle = (low + high + 1) // 2
        if font(size, bold).size(words[:middle].rstrip() + "…")[0] <= most:
            low = middle
        else:
            high = middle - 1
    return words[:low].rstrip() + "…" if low else ""


@lru_cache(maxsize=KEPT)
def line(words: str, size: int, least: int, bold: bool, colour: tuple[int, int, int], most: int) -> tuple[str, Any]:
    """Words that fit into `most` pixels, and a picture of them on nothing (None where nothing fits).

    They are made smaller down to `least` (0: not at all) before they are cut short.
    """
    while least and size > least and width(words, size, bold) > most:
        size = max(least, min(size - 1, size * most // width(words, size, bold) + 1))
    words = fitted(words, size, bold, most)
    return words, font(size, bold).render(words, True, colour) if words else None
