"""The display: opened when a window is wanted, and only then."""

from __future__ import annotations

import os
import sys
from typing import Any

import pygame


class NoDisplay(RuntimeError):
    """There is no screen to open a window on."""


class Screen:
    """A window with the real pixels of its screen, of which one of twice the usual density has twice as many a side as
    the system counts: pictures are in pixels, places of the mouse in the system's count until `pixel` translates them.
    """

    def __init__(self, size: tuple[int, int], title: str, resizable: bool = True) -> None:
        self.window = pygame.Window(title, size, resizable=resizable, allow_high_dpi=True)
        self.window.get_surface()  # from here on it has one

    @property
    def size(self) -> tuple[int, int]:
        """In pixels."""
        return self.window.get_surface().get_size()

    def pixel(self, spot: tuple[int, int]) -> tuple[int, int]:
        """A place of the mouse as a pixel."""
        (wide, high), (across, down) = self.size, self.window.size
        return spot[0] * wide // max(across, 1), spot[1] * high // max(down, 1)

    def show(self, picture: Any) -> None:
        """Put a picture on it, whole."""
        surface = self.window.get_surface()
        if surface.get_size() != picture.get_size():  # asked for in the system's count, on a denser screen
            picture = pygame.transform.smoothscale(picture, surface.get_size())
        surface.blit(picture, (0, 0))
        self.window.flip()

    def close(self) -> None:
        """Let go of the window, and of the display with it."""
        self.window.destroy()
        close_display()


def open_display(size: tuple[int, int], title: str, resizable: bool = True) -> Screen:
    """Open a window. NoDisplay, in one sentence, where there is no screen."""
    chosen = os.environ.get("SDL_VIDEODRIVER") or os.environ.get("SDL_VIDEO_DRIVER")
    screen = os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not chosen and not screen:
        # SDL would then draw on a screen that nobody can see
        raise NoDisplay(
            "there is no display to open a window on (DISPLAY is not set); render_mode='rgb_array' and "
            "`marl-sim record` need none"
        )
    os.environ.setdefault("SDL_AUDIODRIVER", "dummy")
    os.environ.setdefault("SDL_WINDOWS_DPI_AWARENESS", "permonitorv2")  # or Windows blows the picture up
    try:
        pygame.display.init()
        return Screen(size, title, resizable)
    except pygame.error as reason:
        raise NoDisplay(f"no window can be opened: {reason}; `marl-sim record` needs none") from None


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
