"""The display: opened when a window is wanted, and only then."""

from __future__ import annotations

import os
import sys
from typing import Any

import pygame


class NoDisplay(RuntimeError):
    """There is no screen to open a window on."""


def open_display(size: tuple[int, int], title: str, resizable: bool = True) -> Any:
    """Open the window; returns its surface. NoDisplay, in one sentence, where there is no screen."""
    chosen = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not chosen and not screen:
        # SDL would then draw on a screen that nobody can see
        raise NoDisplay(
            "there is no display to open a window on (DISPLAY is not set); render_mode='rgb_array' and "
            "`marl-sim record` need none"
        )
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
    try:
        pygame.display.init()
        surface = pygame.display.set_mode(size, pygame.RESIZABLE if resizable else 0)
    except pygame.error as reason:
        raise NoDisplay(f"no window can be opened: {reason}; `marl-sim record` needs none") from None
    pygame.display.set_caption(title)
    return surface


def close_display() -> None:
    """Let go of the window."""
    if pygame.display.get_init():
        pygame.display.quit()


def part_of_screen(otherwise: tuple[int, int]) -> tuple[int, int]:
    """A comfortable part of the screen, in pixels; `otherwise` where nothing is known of it."""
    try:
        pygame.display.init()
        wide, high = pygame.display.get_desktop_sizes()[0]
    except (pygame.error, IndexError):
        return otherwise
    return max(480, min(round(wide * 0.8), 2 * 1280)), max(400, min(round(high * 0.8), 2 * 800))
