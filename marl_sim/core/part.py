"""A part of a game: a dilemma, a mechanism, a horizon. Parts know no other part; they meet in named fields."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
import typing
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol, get_args, get_origin

import numpy as np

from .errors import unknown
from .fields import Field, StateField
from .rules import Rule
from .stage import Stage

if TYPE_CHECKING:
    from typing_extensions import dataclass_transform

    from .game import Game
else:

    def dataclass_transform(**_: Any) -> Any:
        return lambda cls: cls


@dataclass_transform(frozen_default=True)
class Part:
    """Base of everything a game is composed of.

    A subclass is a frozen dataclass by itself: its annotated attributes are the options, and the numbers among them
    can be named by its rules. It may define any of the methods below; each gets the game, to ask for `n_agents`,
    `in_turn` and the like.
    """

    rewards: ClassVar[tuple[str, ...]] = ()  # reward components its rules write
    unlisted: ClassVar[tuple[str, ...]] = ()  # options that are no options of a registered game of it alone

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        dataclasses.dataclass(frozen=True, repr=True, eq=False)(cls)
        _refuse_unknown_options(cls)

    def __post_init__(self) -> None:
        hints = option_types(type(self))
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            checked = check_option(type(self).__name__, field.name, getattr(self, field.name), hints[field.name])
            object.__setattr__(self, field.name, checked)
        self.check()

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and canonical(self) == canonical(other)

    def __hash__(self) -> int:
        return hash(canonical(self))

    @property
    def name(self) -> str:
        """snake_case name of the class, by which it is registered and its draws are keyed."""
        return snake(type(self).__name__)

    def check(self) -> None:
        """Refuse wrong options, in one sentence (ValueError)."""

    def fits(self, game: Game) -> None:
        """Refuse a game this part cannot live in, in one sentence (ValueError)."""

    def state(self, game: Game) -> dict[str, StateField]:
        """The state fields it brings."""
        return {}

    def constants(self, game: Game) -> dict[str, Any]:
        """Numbers and arrays, beyond the options, that its rules name."""
        return {}

    def stages(self, game: Game) -> list[Stage]:
        """The stages it brings."""
        return []

    def fields(self, game: Game) -> dict[str, list[Field]]:
        """The observation fields it brings, by the decision kind that sees them."""
        return {}

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        """Rules run on what happens, by event: {event: rule or rules}.

        start         an episode starts
        open          the opening stages are about to run: at the start, and whenever a rule has set reopen[0] = 1
        deal          a pass through the round's stages is about to begin
        before:KIND   the choices of a stage of that kind are known (in `action`) and have not yet taken effect
        after:KIND    they have
        round         a round has ended

        Parts react in the order of composition. A kind that the game does not have is never reached.
        """
        return {}

    def tallies(self, game: Game) -> Mapping[str, tuple[int, ...] | StateField]:
        """Counters over an episode: state that is zeroed when an episode starts and reported at its end.

        name -> shape (of float64), or a StateField: `ints(...)` where the counts are whole and many.
        """
        return {}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        """The numbers that a study reports of it, beside those that every game has: name -> number."""
        return {}


class Episode(Protocol):
    """The average episode of a few, as `Part.measures` is given it."""

    def mean(self, tally: str) -> np.ndarray:
        """A tally, averaged over episodes: float64 of the tally's shape."""

    def count(self, choice: str, agent: int | None = None) -> float:
        """How often "kind:word" was chosen, an episode, by one agent or (None) by all."""

    def share(self, choice: str, agent: int | None = None) -> float:
        """The share of "kind:word" among the decisions of its kind; 0 where there were none."""


def canonical(value: Any) -> Any:
    """A hashable stand-in, equal for equal parts, arrays and graphs, of which repr shows too little."""
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Part):
        names = (field.name for field in dataclasses.fields(value))  # type: ignore[arg-type]
        return type(value), tuple((name, canonical(getattr(value, name))) for name in names)
    if isinstance(value, dict):
        return tuple((name, canonical(one)) for name, one in value.items())
    if isinstance(value, tuple | list):
        return tuple(canonical(one) for one in value)
    if hasattr(value, "nodes") and hasattr(value, "edges"):
        return repr(sorted(value.nodes)), repr(sorted(value.edges)), value.is_directed()
    return repr(value)


def _refuse_unknown_options(cls: type) -> None:
    """Have the constructor name the nearest option where it is given one that it does not know."""
    build, names = cls.__init__, [field.name for field in dataclasses.fields(cls)]  # type: ignore[misc]

    @functools.wraps(build)
    def checked(self: Any, *values: Any, **options: Any) -> None:
        for name in options:
            if name not in names:
                raise TypeError(f"{cls.__name__}: " + unknown("option", name, names))
        build(self, *values, **options)

    cls.__init__ = checked  # type: ignore[misc]


def snake(name: str) -> str:
    """PartnerSelection -> partner_selection."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def option_types(cls: type) -> dict[str, Any]:
    """Resolved annotations of a dataclass's options."""
    return typing.get_type_hints(cls)


def check_option(owner: str, name: str, value: Any, hint: Any) -> Any:
    """`value` as the type the option declares, or ValueError in one sentence."""
    if get_origin(hint) is Literal:
        if value not in get_args(hint):
            raise ValueError(f"{owner}: " + unknown(f"value for {name}:", value, map(str, get_args(hint))))
        return value
    if hint is bool:
        if not isinstance(value, bool | np.bool_):
            raise ValueError(f"{owner}: {name} must be True or False; got {value!r}")
        return bool(value)
    if hint in (int, float):
        if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
            raise ValueError(f"{owner}: {name} must be a number; got {value!r}")
        if math.isnan(value) or math.isinf(value):
            raise ValueError(f"{owner}: {name} must be a finite number; got {value!r}")
        if hint is int and int(value) != value:
            raise ValueError(f"{owner}: {name} must be a whole number; got {value!r}")
        return hint(value)
    if get_origin(hint) is tuple and str in get_args(hint):
        if isinstance(value, str) or not all(isinstance(word, str) for word in value):
            raise ValueError(f"{owner}: {name} must be a tuple of words; got {value!r}")
        return tuple(value)
    return value


def at_least(owner: str, name: str, value: float, low: float, high: float = math.inf) -> None:
    """ValueError, in one sentence, unless low <= value <= high."""
    if not low <= value <= high:
        allowed = f"at least {low}" if high == math.inf else f"from {low} to {high}"
        raise ValueError(f"{owner}: {name} must be {allowed}; got {value}")
