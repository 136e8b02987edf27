"""Pictures of societies: a window, films, replays. Reads the simulator's state; nothing that trains knows of it.

Importing it raises ImportError, in one sentence, where pygame-ce is missing.
"""

from __future__ import annotations

import os

os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

try:
    import pygame
except ImportError:
    raise ImportError("the viewer needs pygame-ce, which is not installed: pip install pygame-ce") from None
if not hasattr(pygame.draw, "aacircle"):
    raise ImportError(
        f"the viewer needs pygame-ce 2.5 or newer and found pygame {pygame.__version__}: "
        "pip uninstall pygame pygame-ce, then pip install pygame-ce"
    )
