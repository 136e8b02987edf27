"""Plain functions in a seat: of a view, or of one observation."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np

from .base import Policy, check_fallback
from .view import View


class Function(Policy):
    """A function as a policy.

    function   act(view) -> actions [n], called once for all worlds, if its (first) parameter is called `view`; else
               act(observation) or act(observation, legal) -> action, called once a world with float32 [D] and bool [A]
    illegal    what is played where it answers illegally; see Policy

    ValueError for what cannot be called like that.
    """

    function: Callable[..., Any] = lambda observation: 0
    illegal: str = "raise"  # type: ignore[misc]
    tags: ClassVar[dict[str, Any]] = {}

    def __post_init__(self) -> None:
        check_fallback("Function", self.illegal)
        if not callable(self.function):
            raise ValueError(f"a function of a view or of one observation was expected; got {self.function!r}")
        self._takes = _takes(self.function)

    @property
    def name(self) -> str:
        """The function's own, after its module's."""
        name = getattr(self.function, "__qualname__", type(self.function).__name__)
        return f"{getattr(self.function, '__module__', '')}.{name}".removeprefix("__main__.").lstrip(".")

    def act(self, view: View) -> np.ndarray:
        if self._takes == "view":
            return np.asarray(self.function(view))
        rows = zip(view.obs, view.legal, strict=True) if self._takes == "both" else ((obs,) for obs in view.obs)
        return np.array([self.function(*row) for row in rows])


def _takes(function: Callable[..., Any]) -> str:
    """How a function wants to be called: with a "view", an "observation", or "both" observation and legal actions."""
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return "observation"
    needed = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    if not needed or len([p for p in needed if p.default is p.empty]) > 2:
        raise ValueError(
            f"{getattr(function, '__name__', function)!s} must take a view, an observation, or an observation and the "
            f"legal actions; it takes {inspect.signature(function)}"
        )
    if needed[0].name == "view" or needed[0].annotation in (View, "View", "ms.View"):
        return "view"
    second = needed[1] if len(needed) > 1 else None
    wants_legal = second is not None and (second.default is second.empty or second.name == "legal")
    return "both" if wants_legal else "observation"
