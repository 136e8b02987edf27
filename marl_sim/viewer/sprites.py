"""Round things, drawn large and scaled down once, so that their edges are smooth; then kept."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import pygame

from .palette import Colour

FINE = 4
TURNS = 48  # steps of a full turn in which a ring can be filled


@lru_cache(maxsize=2048)
def dial(radius: int, thick: int, steps: int, colour: Colour, rest: Colour, inside: Colour) -> Any:
    """A disc whose rim is filled by `steps` of TURNS, clockwise from above."""
    big, middle = radius * FINE, (radius * FINE, radius * FINE)
    surface = pygame.Surface((2 * big, 2 * big), pygame.SRCALPHA, 32)
    surface.fill((*rest, 0))
    pygame.draw.circle(surface, rest, middle, big - 1)
    if steps >= TURNS:
        pygame.draw.circle(surface, colour, middle, big - 1)
    elif steps > 0:
        turn = np.linspace(0.0, 2 * np.pi * steps / TURNS, max(3, 2 * steps))
        rim = np.stack([big + np.sin(turn) * (big - 1), big - np.cos(turn) * (big - 1)], 1)
        pygame.draw.polygon(surface, colour, [middle, *rim.tolist()])
    pygame.draw.circle(surface, inside, middle, big - thick * FINE)
    return pygame.transform.smoothscale(surface, (2 * radius, 2 * radius))


@lru_cache(maxsize=512)
def lozenge(width: int, height: int, colour: Colour, edge: Colour | None) -> Any:
    """A rectangle with round ends."""
    surface = pygame.Surface((width * FINE, height * FINE), pygame.SRCALPHA, 32)
    surface.fill((*(edge or colour), 0))
    rect = surface.get_rect()
    pygame.draw.rect(surface, edge or colour, rect, border_radius=rect.h // 2)
    if edge is not None:
        rect = rect.inflate(-2 * FINE, -2 * FINE)
        pygame.draw.rect(surface, colour, rect, border_radius=rect.h // 2)
    return pygame.transform.smoothscale(surface, (width, height))
