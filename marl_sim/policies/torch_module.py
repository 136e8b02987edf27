"""A torch module in a seat: observations in, preferences or actions out."""

from __future__ import annotations

import inspect
from typing import Any, ClassVar

import numpy as np

from .base import Policy, check_fallback
from .exported import drawn
from .sights import chosen
from .view import View


class TorchModule(Policy):
    """A torch module as a policy: module(obs [n, D]) -> preferences [n, A], or actions, integers [n].

    module   with one parameter, the observations float32 [n, D], or two: the legal actions bool [n, A] too. Of a tuple
             that it gives the first counts. Preferences are log odds or values; illegal actions are passed over. Where
             the game's decisions are continuous it gives the numbers, [n] or [n, 1]
    sample   drawn by its log odds rather than the best
    illegal  what is played where it answers with an illegal action itself; see Policy

    ValueError in one sentence for outputs of other shapes.
    """

    module: Any = None
    sample: bool = False
    illegal: str = "raise"  # type: ignore[misc]
    tags: ClassVar[dict[str, Any]] = {}
    recalls = False

    def __post_init__(self) -> None:
        check_fallback("TorchModule", self.illegal)
        if not callable(getattr(self.module, "forward", None)):
            raise ValueError(f"a torch module was expected; got {self.module!r}")
        needed = [
            one for one in inspect.signature(self.module.forward).parameters.values()
            if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD) and one.default is one.empty
        ]  # fmt: skip
        self._wants_legal = len(needed) == 2

    @property
    def name(self) -> str:
        """The module's class."""
        return type(self.module).__name__

    def act(self, view: View) -> np.ndarray:
        import torch

        given = (view.obs, view.legal) if self._wants_legal else (view.obs,)
        with torch.no_grad():
            said = self.module(*map(torch.from_numpy, given))
        said = (said[0] if isinstance(said, tuple) else said).detach().cpu().numpy()
        if said.dtype.kind in "iu" or view.box is not None:
            return chosen(said, view, self.name)
        if said.shape != view.legal.shape:
            raise ValueError(
                f"{self.name} must give {view.legal.shape[1]} preferences for each of {view.n} rows, or an integer; "
                f"got {said.dtype} of shape {said.shape}"
            )
        likes = np.where(view.legal, said, -np.inf)
        return drawn(view, likes) if self.sample else likes.argmax(1)
