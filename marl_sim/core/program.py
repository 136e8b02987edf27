"""A game as the engine's loop reads it: its stages and rules as tables of numbers over a simulator's arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from . import rng
from .compile import address_of
from .fields import Field
from .game import Game
from .loop import EVENTS, HEAD, SEQUENCE, STAGE
from .native import CODINGS, DTYPES, JIT, MAX_DIMS, code
from .part import Part
from .row import Row
from .rules import Rule
from .stage import Stage


def outside_arrays(game: Game, settled: bool) -> dict[str, tuple[str, tuple[int, ...]]]:
    """The simulator's arrays that are no state: name -> dtype, shape behind the worlds."""
    n, a, d, s = game.n_agents, game.n_actions, game.obs_dim, len(game.stages)
    found: dict[str, tuple[str, tuple[int, ...]]] = {
        "seeds": ("u8", (1,)),
        "worlds": ("i8", (1,)),
        "obs": ("f4", (n, d)),
        "final_obs": ("f4", (n, d)),
        "legal": ("u1", (n, a)),
        "reward": ("f8", (n,)),
        "terminated": ("u1", (1,)),
        "truncated": ("u1", (1,)),
        "round_over": ("u1", (1,)),
    }
    if settled:
        found |= {"settled_obs": ("f4", (s, n, d)), "settled": ("u1", (s, n))}
    return found


class Program:
    """The tables of one simulator: `start` is what the loop takes (an address, or the head itself without compilation).

    ValueError in one sentence where a rule names what no part of the game brings.
    """

    def __init__(
        self, game: Game, arrays: Mapping[str, np.ndarray], row: Row, row_bytes: int, settles: bool, lanes: int
    ):
        self.game, self.arrays, self.row = game, arrays, row
        self.kept: list[np.ndarray] = []  # what the tables point at
        self.functions: list[Any] = []
        self.arguments: list[Any] = []
        self.tables: dict[int, np.ndarray] = {}
        self.constants: dict[int, dict[str, Any]] = {}  # of each part
        stages = [self._stage(k) for k in range(len(game.stages))]
        sequences = [self._sequence((rule, part) for part, rule in game.reactions.get(event, [])) for event in EVENTS]
        head = self._head(row_bytes, settles, lanes)
        if JIT:
            self.functions, self.arguments = self._numbers(self.functions), self._numbers(self.arguments)
        head |= {"functions": self.functions, "arguments": self.arguments}
        if JIT:
            head = {name: self._address(value) for name, value in head.items()}
            head |= {"table": self._records(stages, STAGE), "sequences": self._records(sequences, SEQUENCE)}
            self.start: Any = self._records([head], HEAD)
        else:
            head |= {"table": [SimpleNamespace(**row) for row in stages]}
            head |= {"sequences": [SimpleNamespace(**row) for row in sequences]}
            self.start = [SimpleNamespace(**head)]

    # ------------------------------------------------------------ tables

    def _numbers(self, values: Iterable[int]) -> Any:
        table = np.array([*values, 0], dtype=np.int64)
        self.kept.append(table)
        return table

    def _records(self, rows: list[dict[str, Any]], names: tuple[str, ...]) -> int:
        return self._address(self._numbers(row[name] for row in rows for name in names))

    def _address(self, value: Any) -> int:
        if isinstance(value, np.ndarray):
            self.kept.append(value)
            return int(value.ctypes.data)
        return int(value)

    def _head(self, row_bytes: int, settles: bool, lanes: int) -> dict[str, Any]:
        game, row, arrays = self.game, self.row, self.arrays
        raw = max([field.size for fields in game.fields.values() for _, field in fields] + [1])
        scratch: Any = np.zeros((lanes, -(-raw // 8) * 8 + 8))  # a cache line apart
        none = np.zeros(1)
        head: dict[str, Any] = {
            "n": game.n_agents, "choices": game.n_actions, "width": game.obs_dim, "stages": len(game.stages),
            "first_round_stage": game.first_round_stage, "components": len(game.components),
            "choice_names": len(game.choice_names), "settles": int(settles), "row_bytes": row_bytes,
            "busy_bytes": row.fields["last_counted"][1],
            "renewed_template": row.renewed_template, "lasting_template": row.lasting_template,
            "counts": arrays["choices"],
            "scratch": scratch, "scratch_bytes": scratch.strides[0],
        }  # fmt: skip
        for name in ("renewed", "lasting", "counted"):
            head[f"{name}_words"] = row.fields[name][2][0]
        for name in HEAD:
            if name.endswith("_bytes") and name not in head:
                head[name] = arrays.get(name.removesuffix("_bytes"), none).strides[0]
            elif name not in head:
                head[name] = arrays.get(name, none)
        return head

    # ------------------------------------------------------------ stages

    def _stage(self, k: int) -> dict[str, int]:
        game = self.game
        stage, part = game.stages[k], game.stage_owner[k]
        before, after = (
            [(rule, owner) for owner, rule in game.reactions.get(f"{when}:{stage.kind}", [])]
            for when in ("before", "after")
        )
        then = self._sequence([*before, *((rule, part) for rule in stage.then), *after], stage)
        begin = self._sequence([(stage.begin, part)] if stage.begin else [], stage)
        acting = self._add(stage.acting, part, stage)
        looks = [slot for slot in game.layout.slots if slot.kind == stage.kind]
        block = game.layout.blocks[stage.kind]
        row = {
            "then": then["first"], "then_end": then["end"], "begin": begin["first"], "begin_end": begin["end"],
            "acting": acting, "settling": self._add(stage.settles, part, stage) if stage.settles else acting,
            "legal": self._add(stage.legal, part, stage, "legal", self._mask_head()), "looks": len(self.functions),
            "block": block[0], "block_end": block[1], "choices": len(stage.choices),
            "offset": game.choice_offset[stage.kind],
        }  # fmt: skip
        for (owner, field), slot in zip(game.fields[stage.kind], looks, strict=True):
            self._add(field.rule, owner, stage, *self._look(field, slot.start))
        return row | {"looks_end": len(self.functions)}

    def _sequence(self, rules: Iterable[tuple[Rule, Part]], stage: Stage | None = None) -> dict[str, int]:
        first = len(self.functions)
        for rule, part in rules:
            self._add(rule, part, stage)
        return {"first": first, "end": len(self.functions)}

    def _mask_head(self) -> list[Any]:
        return [self.game.n_agents, self.arrays["acting"], self.game.n_actions]

    def _look(self, field: Field, column: int) -> tuple[str, list[Any]]:
        """How a field's rule is run, and what it takes before its own arguments."""
        form, by = "plain", 0.0
        if field.levels:
            form, by = ("one_hot", field.levels) if self.game.encode == "one_hot" else ("plain", 0)
        elif field.squash:
            form, by = "squash", float(field.squash)
        head = [self.game.n_agents, self.arrays["acting"], self.game.obs_dim, field.size, column, by]
        return form + ("_1" if field.size == 1 else ""), head

    # ------------------------------------------------------------ operations

    def _add(
        self, rule: Rule | None, part: Part, stage: Stage | None = None, form: str = "rule", head: Sequence[Any] = ()
    ) -> int:
        """List one more operation; its number, or -1 where there is no rule."""
        if rule is None:
            return -1
        constants = stage.constants if stage else {}
        bound = [self._bind(name, rule, part, form, constants) for name in rule.parameters]
        if JIT:
            sorts = tuple((name, sort) for name, (sort, _) in zip(rule.parameters, bound, strict=True))
            row = [_bits(value) if isinstance(value, float) else self._address(value) for value in head]
            row += [word for sort, value in bound for word in self._words(value) if sort not in ("i", "out")]
            self.functions.append(address_of(rule, form, sorts))
            self.arguments.append(self._address(self._numbers(row)))
        else:
            self.functions.append(self._plain(rule, form, bound, head))
            self.arguments.append(None)
        return len(self.functions) - 1

    def _words(self, value: Any) -> list[int]:
        """A value as a row of arguments holds it: a number, or where an array of world 0 lies and its shape."""
        if isinstance(value, float):
            return [_bits(value)]
        if isinstance(value, _World):
            return [self._address(value.array), *value.array.shape[1:]]
        if isinstance(value, np.ndarray):
            return [self._address(value), *value.shape]
        return [int(value)]

    def _bind(self, name: str, rule: Rule, part: Part, form: str, constants: Mapping[str, int]) -> tuple[str, Any]:
        """What a parameter stands for: its sort (see compile.parameters_text) and its value."""
        if form != "rule" and name in ("i", "out"):
            return name, 0
        if name in constants:
            return "int", int(constants[name])
        if name == "key":
            return "key", rng.purpose(f"{part.name}.{rule.name}")
        if name == "n":
            return "int", self.game.n_agents
        if id(part) not in self.constants:
            self.constants[id(part)] = part.constants(self.game)
        for source in (self.constants[id(part)], vars(part)):
            if _is_constant(source.get(name)):
                return self._constant(source[name], name, part)
        if name in self.game.state:
            array = self.arrays[name]
            return f"{code(array.dtype)}_{array.ndim - 1}", _World(array)
        if _is_constant(self.game.constants.get(name)):
            return self._constant(self.game.constants[name], name, part)
        raise ValueError(
            f"{rule!r} of {type(part).__name__} names {name!r}, which no part of the game brings "
            f"(state and rewards: {', '.join(sorted(self.game.state))})"
        )

    def _constant(self, value: Any, name: str, part: Part) -> tuple[str, Any]:
        if isinstance(value, np.ndarray):
            if id(value) not in self.tables:
                self.tables[id(value)] = as_table(value, f"{type(part).__name__}: {name}")
                self.kept.append(value)
            table = self.tables[id(value)]
            return f"table {code(table.dtype)}_{table.ndim}", table
        return ("float", float(value)) if isinstance(value, float | np.floating) else ("int", int(value))

    def _plain(self, rule: Rule, form: str, bound: list[tuple[str, Any]], head: Sequence[Any]) -> Any:
        """The twin of compile.rule_text in plain Python."""

        def given(row: int, key: int, i: int = 0, out: Any = None) -> list[Any]:
            found: list[Any] = []
            for sort, value in bound:
                world = isinstance(value, _World)
                found.append(
                    i if sort == "i" else out if sort == "out" else rng.mix(key, value) if sort == "key"
                    else value.array[row] if world else value
                )  # fmt: skip
            return found

        def run_rule(row: int, key: int, out: Any) -> None:
            rule.function(*given(row, key))

        def run_field(row: int, key: int, out: Any) -> None:
            n, acting, _, size, column, by = head
            raw = np.zeros(size)
            for i in range(n):
                if acting[row, i]:
                    rule.function(*given(row, key, i, raw))
                    CODINGS[form.removesuffix("_1")](out, i, column, raw, by)

        def run_legal(row: int, key: int, out: Any) -> None:
            for i in range(head[0]):
                if head[1][row, i]:
                    rule.function(*given(row, key, i, out[i]))

        return {"rule": run_rule, "legal": run_legal}.get(form, run_field)


class _World:
    """An array of which a rule gets one world's part."""

    def __init__(self, array: np.ndarray):
        self.array = array


def _bits(value: float) -> int:
    """A float64 in the place of an integer."""
    return int(np.float64(value).view(np.int64))


def _is_constant(value: Any) -> bool:
    return isinstance(value, bool | int | float | np.integer | np.floating | np.ndarray)


def as_table(value: np.ndarray, label: str) -> np.ndarray:
    """A constant array as rules can take it. ValueError in one sentence otherwise."""
    kind = value.dtype.kind
    if kind not in "biuf" or not 1 <= value.ndim <= MAX_DIMS:
        raise ValueError(
            f"{label} must be numbers in 1 to {MAX_DIMS} dimensions for a rule to take it; "
            f"got {value.dtype} of shape {value.shape}"
        )
    if kind in "iu" and code(value.dtype) in DTYPES:
        return np.ascontiguousarray(value)
    return np.ascontiguousarray(value, dtype={"b": np.uint8, "f": np.float64}.get(kind, np.int64))
