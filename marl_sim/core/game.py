"""A game: its parts put together, checked, and laid out for the engine."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np

from .errors import unknown
from .fields import Field, Layout, Slot, StateField, floats, ints
from .horizon import Fixed, Horizon
from .part import Part, canonical
from .rules import Rule, rule
from .stage import Stage

EVENTS = ("start", "open", "deal", "round")
AROUND = ("before:KIND", "after:KIND")  # of every kind of stage
ENGINE_STATE = ("stage", "tick", "over", "clock", "reopen", "again")


@rule
def where(stage: Any, out: Any) -> None:
    """The stage a world is in."""
    out[0] = stage[0]


def check_agents(n_agents: Any) -> None:
    """ValueError in one sentence unless it is a number of agents."""
    if isinstance(n_agents, bool) or not isinstance(n_agents, int | np.integer) or n_agents < 1:
        raise ValueError(f"n_agents must be a whole number of at least 1; got {n_agents!r}")


class Game:
    """Parts composed into rounds of stages for `n_agents` agents.

    parts      in the order in which they react
    horizon    when an episode ends
    closing    parts that react after the horizon
    encode     "one_hot" or "index": how integer-valued observation fields are coded

    Read-only afterwards: `stages`, `kinds`, `n_actions`, `components`, `layout`, `obs_dim`, `tally_names`, `state`, and
    `box`, the range of the decisions where they are numbers of a range (None: they are whole numbers).
    Equal arguments make equal games; a game pickles as its arguments.
    """

    in_turn = False
    label = "game"

    def __init__(
        self,
        *parts: Part,
        n_agents: int,
        horizon: Horizon | None = None,
        encode: str = "one_hot",
        closing: tuple[Part, ...] = (),
    ):
        check_agents(n_agents)
        if encode not in ("one_hot", "index"):
            raise ValueError(f"encode must be 'one_hot' or 'index'; got {encode!r}")
        self.n_agents = int(n_agents)
        if horizon is not None and not isinstance(horizon, Horizon):
            raise ValueError(
                f"horizon must be Fixed(rounds), Geometric(continuation) or Continuing(rounds); got {horizon!r}"
            )
        self.horizon = Fixed(10) if horizon is None else horizon
        self.encode = encode
        self.parts: tuple[Part, ...] = (*parts, self.horizon, *closing)
        self._given = parts
        self._check_parts()
        self._collect()

    # ---------------------------------------------------------------- composition

    def part(self, kind: type) -> Part | None:
        """The part that is an instance of `kind`, or None."""
        return next((part for part in self.parts if isinstance(part, kind)), None)

    def _check_parts(self) -> None:
        seen: set[type] = set()
        for part in self.parts:
            if not isinstance(part, Part):
                raise ValueError(f"a game is composed of dilemmas, mechanisms and a horizon; got {part!r}")
            if type(part) in seen:
                raise ValueError(f"{type(part).__name__} is given twice; a game takes each part once")
            seen.add(type(part))
        if sum(isinstance(part, Horizon) for part in self.parts) > 1:
            raise ValueError("a game has one horizon: give it as horizon=...")

    def _collect(self) -> None:
        self.state: dict[str, StateField] = {name: ints(1) for name in ENGINE_STATE}
        self.state["tick"] = StateField((1,), np.int64)
        self.state |= {name: ints(self.n_agents) for name in ("target", "action")}
        self.state["acting"] = StateField((self.n_agents,), np.uint8)
        self.constants: dict[str, Any] = {"n": self.n_agents}
        self.components: tuple[str, ...] = ()
        self.tallies: dict[str, tuple[int, ...]] = {}
        stages: list[tuple[Stage, Part]] = []
        self.reactions: dict[str, list[tuple[Part, Rule]]] = {}
        for part in self.parts:
            part.fits(self)
            for name, field in part.state(self).items():
                self._claim(name, part)
                self.state[name] = field
            for name in part.rewards:
                self._claim(name, part)
                self.components += (name,)
                self.state[name] = floats(self.n_agents)
            for name, tally in part.tallies(self).items():
                self._claim(name, part)
                self.state[name] = tally if isinstance(tally, StateField) else floats(*tally)
                self.tallies[name] = self.state[name].shape
            self.constants |= part.constants(self)
            stages += [(stage, part) for stage in part.stages(self)]
            for event, rules in part.reactions(self).items():
                if event not in EVENTS and not event.startswith(("before:", "after:")):
                    raise ValueError(f"{type(part).__name__}: " + unknown("event", event, (*EVENTS, *AROUND)))
                listed = [rules] if isinstance(rules, Rule) else list(rules)
                self.reactions.setdefault(event, []).extend((part, one) for one in listed)
        if all(stage.opening for stage, _ in stages):
            got = ", ".join(part.name for part in self.parts)
            raise ValueError(f"a game needs at least one stage that comes every round; got none from {got}")
        stages.sort(key=lambda pair: (not pair[0].opening, pair[0].phase))
        self.stages = tuple(stage for stage, _ in stages)
        self.stage_owner = tuple(part for _, part in stages)
        self.first_round_stage = sum(stage.opening for stage in self.stages)
        self.kinds = tuple(dict.fromkeys(stage.kind for stage in self.stages))
        self.n_actions = max(len(stage.choices) for stage in self.stages)
        self.box = self._find_box()
        self._lay_out()
        self._count_choices()

    def _find_box(self) -> tuple[float, float] | None:
        """The range of the decisions where they are continuous: all of them, and all the same."""
        boxes = {stage.box for stage in self.stages}
        if len(boxes) > 1:
            kinds = ", ".join(f"{stage.name!r} {stage.box or 'discrete'}" for stage in self.stages)
            raise ValueError(f"the decisions of a game are all discrete, or all continuous in one range; got {kinds}")
        box = boxes.pop()
        if box is not None:
            self.state["amount"] = floats(self.n_agents)
        return box

    def _claim(self, name: str, part: Part) -> None:
        if name in self.state:
            raise ValueError(f"{type(part).__name__} brings a field {name!r} that the game already has")

    def _lay_out(self) -> None:
        self.fields: dict[str, list[tuple[Part, Field]]] = {kind: [] for kind in self.kinds}
        for part in self.parts:
            for kind, fields in part.fields(self).items():
                if kind in self.fields:
                    self.fields[kind] += [(part, field) for field in fields]
        slots = [Slot("stage", "", 0, len(self.stages), 0.0, 1.0, None, "which stage the world is in, one-hot")]
        blocks: dict[str, tuple[int, int]] = {}
        column = len(self.stages)
        for kind in self.kinds:
            start = column
            for _, field in self.fields[kind]:
                stop = column + field.width(self.encode)
                low, high = field.range(self.encode)
                levels = field.levels if self.encode == "index" else None
                slots.append(Slot(field.name, kind, column, stop, low, high, levels, field.words, field.values))
                column = stop
            blocks[kind] = (start, column)
        self.layout = Layout(tuple(slots), blocks, column)
        self.obs_dim = column

    def _count_choices(self) -> None:
        """One counter an agent and choice of every kind, as tally `choices` [n_agents, number of choices]."""
        words: list[str] = []
        self.choice_offset: dict[str, int] = {}
        for stage in self.stages:
            if stage.kind not in self.choice_offset:
                self.choice_offset[stage.kind] = len(words)
                words += [f"{stage.kind}:{choice}" for choice in stage.choices]
        self.choice_names = tuple(words)
        self.tallies["choices"] = (self.n_agents, len(words))
        self.state["choices"] = ints(self.n_agents, len(words))

    # ---------------------------------------------------------------- outside

    @property
    def agents(self) -> list[str]:
        """agent_0, agent_1, ..."""
        return [f"agent_{i}" for i in range(self.n_agents)]

    def choices(self, kind: str) -> tuple[str, ...]:
        """Words of the actions of a kind of stage."""
        return next(stage.choices for stage in self.stages if stage.kind == kind)

    @property
    def field_levels(self) -> dict[str, int]:
        """ "kind:field" -> number of values, for fields of whole numbers."""
        return {f"{kind}:{f.name}": f.levels for kind, fields in self.fields.items() for _, f in fields if f.levels}

    def options(self) -> dict[str, Any]:
        """Everything the game was made from, as plain names and values."""
        found: dict[str, Any] = {"n_agents": self.n_agents, "encode": self.encode}
        for part in self.parts:
            for field in dataclasses.fields(part):  # type: ignore[arg-type]
                found[f"{part.name}.{field.name}"] = getattr(part, field.name)
        return found

    def _arguments(self) -> tuple[tuple[Part, ...], dict[str, Any]]:
        return self._given, dict(n_agents=self.n_agents, horizon=self.horizon, encode=self.encode)

    def __reduce__(self) -> tuple[Callable[..., Game], tuple[Any, ...]]:
        parts, named = self._arguments()
        return _rebuild, (type(self), parts, named, self.label)

    def __eq__(self, other: Any) -> bool:
        return type(self) is type(other) and canonical(self._arguments()) == canonical(other._arguments())

    def __hash__(self) -> int:
        return hash(canonical(self._arguments()))

    def __repr__(self) -> str:
        parts, named = self._arguments()
        inside = [repr(part) for part in parts] + [f"{name}={value!r}" for name, value in named.items()]
        return f"{type(self).__name__}({', '.join(inside)})"


def _rebuild(cls: type[Game], parts: tuple[Part, ...], named: dict[str, Any], label: str) -> Game:
    game = cls(*parts, **named)
    game.label = label
    return game
