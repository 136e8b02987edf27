"""What a window leaves behind: pictures, films, replays and the transcripts of people who played."""

from __future__ import annotations

import json
from pathlib import Path

import pygame

from .canvas import Canvas
from .films import Writer
from .replays import SUFFIX, ReplayError
from .show import Show


class Keeper:
    """Writes into `folder`, under names that are not taken."""

    def __init__(self, folder: Path) -> None:
        self.folder = Path(folder)

    def path(self, show: Show, ending: str) -> Path:
        """A name that nothing has yet: the game, the seed, the step."""
        self.folder.mkdir(parents=True, exist_ok=True)
        stem = f"{show.game.label}-seed{show.timeline.seed}-step{show.timeline.at}"
        path, k = self.folder / f"{stem}{ending}", 2
        while path.exists():
            path, k = self.folder / f"{stem}-{k}{ending}", k + 1
        return path

    def save(self, what: str, show: Show, canvas: Canvas) -> str:
        """A "picture", or (to "keep") a replay; returns what to tell."""
        try:
            if what == "picture":
                path = self.path(show, ".png")
                pygame.image.save(canvas.surface, str(path))
            else:
                path = show.replay().save(self.path(show, SUFFIX))
        except (OSError, ReplayError, pygame.error) as reason:
            return str(reason)
        return f"Saved {path}"

    def film(self, show: Show, rate: int) -> Writer:
        """A film to be filled."""
        return Writer(self.path(show, ".mp4"), rate)

    def transcript(self, show: Show) -> Path | None:
        """What people saw and chose, in a replay; as JSON where the game cannot be written down. None: nothing was."""
        if not show.transcript:
            return None
        try:
            path = show.replay().save(self.path(show, SUFFIX))
        except ReplayError:
            path = self.path(show, ".json")
            path.write_text(json.dumps(show.transcript, indent=1) + "\n")
        print(f"what was played is kept in {path}", flush=True)
        show.transcript = []
        return path
