"""Pictures and films of a show: PNG, GIF and MP4, without a display."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pygame

from ..core.errors import unknown
from .canvas import Canvas
from .frame import SIZE, Painter
from .palette import LIGHT, Theme
from .show import Show

KINDS = (".png", ".gif", ".mp4")
RATE = {".gif": 12, ".mp4": 30}  # frames a second


def frames(show: Show, steps: int, size: tuple[int, int] = SIZE, theme: Theme = LIGHT, rate: int = 30,
           seconds: float = 0.6) -> Iterator[np.ndarray]:  # fmt: skip
    """The frames of so many stages, uint8 [height, width, 3]: each stage lasts `seconds`, its deeds half of them."""
    canvas, painter = Canvas(size, theme), Painter(show.game)
    each = max(1, round(rate * seconds))
    painter.paint(canvas, show.scene())
    for _ in range(each):
        yield canvas.array()
    for _ in range(steps):
        show.step()
        scene = show.scene()
        for k in range(each):
            # the whole deed is seen in the last frame of a stage, however few there are
            painter.paint(canvas, scene, 1.0 if k == each - 1 else min(1.0, 2 * (k + 1) / each))
            yield canvas.array()


def film(path: str | Path, show: Show, steps: int, size: tuple[int, int] = SIZE, theme: Theme = LIGHT,
         rate: int | None = None, seconds: float = 0.6) -> Path:  # fmt: skip
    """Write the next `steps` stages of a show: .png their last picture, .gif and .mp4 all of them.

    size     of the pictures, in pixels; even numbers for .mp4 (else a pixel is cut off)
    rate     frames a second; default 12 of a .gif and 30 of an .mp4
    seconds  that a stage lasts

    Raises ValueError, in one sentence, for another ending; ImportError where imageio is missing.
    """
    path = Path(path)
    if path.suffix not in KINDS:
        raise ValueError(unknown("kind of picture or film", path.suffix or path.name, KINDS))
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".png":
        for _ in range(steps):
            show.step()
        canvas = Canvas(size, theme)
        Painter(show.game).paint(canvas, show.scene())
        pygame.image.save(canvas.surface, str(path))
        return path
    if path.suffix == ".mp4":
        size = size[0] // 2 * 2, size[1] // 2 * 2
    rate = rate or RATE[path.suffix]
    with Writer(path, rate) as writer:
        for frame in frames(show, steps, size, theme, rate, seconds):
            writer.add(frame)
    return path


class Writer:
    """A film that grows frame by frame. ImportError, in one sentence, where what writes it is not installed."""

    def __init__(self, path: str | Path, rate: int) -> None:
        path = Path(path)
        try:
            import imageio.v2 as imageio

            if path.suffix == ".mp4":
                import imageio_ffmpeg  # noqa: F401  (the writer's own message is long)
        except ImportError as missing:
            raise ImportError(
                f"films need {missing.name}, which is not installed: pip install imageio imageio-ffmpeg"
            ) from None
        self.path = path
        options: dict[str, Any] = dict(mode="I", loop=0, duration=1000 / rate)
        if path.suffix == ".mp4":
            options = dict(fps=rate, codec="libx264", quality=8, macro_block_size=2, ffmpeg_log_level="error")
        self._writer = imageio.get_writer(str(path), **options)

    def add(self, frame: np.ndarray) -> None:
        """One more frame, uint8 [height, width, 3]."""
        self._writer.append_data(frame)

    def close(self) -> None:
        """Finish the file."""
        self._writer.close()

    def __enter__(self) -> Writer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
