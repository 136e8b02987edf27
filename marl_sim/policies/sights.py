"""What other libraries' agents are shown: the rows of a view in the shape of an observation space of theirs."""

from __future__ import annotations

from typing import Any

import numpy as np

from .view import View

VECTORS = ("observation", "observations", "obs")
MASKS = ("action_mask", "action_masks")


def shown(space: Any, view: View, owner: str) -> Any:
    """The observations of a view as `space` (a gymnasium Box or Dict, None: not known) has them, rows first.

    A Dict holds the vector as "observation" (or observations, obs) and the legal actions as "action_mask".
    ValueError in one sentence where the shapes differ, or the space holds something else.
    """
    parts = getattr(space, "spaces", None)
    if not isinstance(parts, dict):
        return _fitted(space, view.obs, owner, "observations")
    made = {}
    for name, part in parts.items():
        if name not in (*VECTORS, *MASKS):
            known = ", ".join((*VECTORS, *MASKS))
            raise ValueError(f"{owner} wants to see {name!r}; a seat shows only what is called {known}")
        values = view.obs if name in VECTORS else view.legal
        made[name] = _fitted(part, values, owner, name)
    return made


def _fitted(space: Any, values: np.ndarray, owner: str, name: str) -> np.ndarray:
    shape = getattr(space, "shape", None)
    if shape is not None and tuple(shape) != values.shape[1:]:
        raise ValueError(f"{owner} takes {name} of shape {tuple(shape)}; this game's are {values.shape[1:]}")
    return values.astype(getattr(space, "dtype", None) or values.dtype)


def chosen(said: Any, view: View, owner: str) -> np.ndarray:
    """What a library answered, [n] or [n, 1], as actions: numbers where the game's decisions are, else whole ones.

    What float32 rounds past an end of the range is the end itself.
    """
    actions = np.asarray(said)
    actions = actions.reshape(actions.shape[0], -1) if actions.ndim else actions.reshape(1, 1)
    if actions.shape != (view.n, 1):
        raise ValueError(f"{owner} must answer with one action for each of {view.n} rows; got shape {np.shape(said)}")
    if view.box is not None:
        numbers = actions[:, 0].astype(np.float64)
        inside = (np.float32(view.box[0]) <= numbers) & (numbers <= np.float32(view.box[1]))
        return np.where(inside, numbers.clip(*view.box), numbers)
    return actions[:, 0].astype(np.int64)
