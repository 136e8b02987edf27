"""Write, compile and cache the loop that takes every world of a game through one step.

The rules of a game are called, one world at a time, from one generated function:

    kernel(arrays, strides, dims, numbers, counts, w0, w1, mode) -> None

which numba compiles without Python objects, so that chunks of worlds can run on several threads. Sizes and options are
arguments, not constants: another number of agents or other payoffs compile nothing.

`arrays` holds addresses and `strides` the bytes from one world to the next (numba needs 100 ns to unpack an array
argument; fifty of them would cost more than the step). Without compilation (NUMBA_DISABLE_JIT=1) `arrays` is a list of
the arrays themselves, and the same text runs as plain Python.

A world's state lies in one row of memory, in sections: rewards, what an episode renews (counters last), what lasts,
and the counters of the last episode. Starting anew is then one copy from a template.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import rng
from .compile import load
from .fields import Field
from .game import Game
from .part import Part
from .rules import Rule

STEP, RESET = 0, 1
MAX_PASSES = 1000  # stages opened in one step before a game that nobody can act in is refused

EXTRA = (  # arrays of the simulator itself: name, dtype, shape behind the worlds (n agents, A actions, D columns)
    ("seeds", "u8", (1,)),
    ("worlds", "i8", (1,)),
    ("actions", "i8", ("n",)),
    ("obs", "f4", ("n", "D")),
    ("final_obs", "f4", ("n", "D")),
    ("legal", "u1", ("n", "A")),
    ("reward", "f8", ("n",)),
    ("terminated", "u1", (1,)),
    ("truncated", "u1", (1,)),
    ("round_over", "u1", (1,)),
    ("stuck", "u1", (1,)),
    ("scratch", "f8", ("raw",)),
)
SETTLED = (("settled_obs", "f4", ("S", "n", "D")), ("settled", "u1", ("S", "n")))


class Row:
    """How one world's state lies in memory: offsets in bytes, sections, and the values it starts from."""

    def __init__(self, game: Game):
        self.offsets: dict[str, int] = {}
        self.size = 0
        state = {name: field for name, field in game.state.items() if name not in game.components}
        renewed = [name for name, field in state.items() if not field.lasting and name not in game.tallies]
        lasting = [name for name, field in state.items() if field.lasting]
        self.sections: dict[str, tuple[str, int, tuple[int, ...]]] = {}  # name -> dtype, offset, shape
        self._section("paid", "f8", game, game.components)
        start = self.size
        self._section("", "i8", game, renewed)
        self._section("counted", "f8", game, game.tallies)
        self.sections["renewed"] = ("i8", start, ((self.size - start) // 8,))
        self._section("lasting", "i8", game, lasting)
        start = self.size
        for name, shape in game.tallies.items():
            self.sections[f"last_{name}"] = ("f8", self.size, shape)
            self.size += 8 * math.prod(shape)
        self.sections["last_counted"] = ("f8", start, ((self.size - start) // 8,))
        template = np.zeros(self.size // 8, dtype=np.int64)
        for name, field in state.items():
            place = np.ndarray(field.shape, field.dtype, template, self.offsets[name])
            place[...] = field.fill
        self.renewed, self.lasting = (self._cut(template, name) for name in ("renewed", "lasting"))

    def _section(self, name: str, dtype: str, game: Game, fields: Iterable[str]) -> None:
        start = self.size
        for field in fields:
            self.offsets[field] = self.size
            size = math.prod(game.state[field].shape) * np.dtype(game.state[field].dtype).itemsize
            self.size += -(-size // 8) * 8
        if name:
            self.sections[name] = (dtype, start, ((self.size - start) // 8,))

    def _cut(self, template: np.ndarray, name: str) -> np.ndarray:
        _, offset, (words,) = self.sections[name]
        return template[offset // 8 : offset // 8 + words].copy()

    def place(self, game: Game, worlds: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Memory for `worlds` rows, int64 [worlds, words], and the named arrays in it, worlds first."""
        memory = np.zeros((worlds, max(self.size // 8, 1)), dtype=np.int64)
        found = {name: (code(game.state[name].dtype), offset, game.state[name].shape) for name, offset in self.offsets.items()}
        views = {}
        for name, (dtype, offset, shape) in (found | self.sections).items():
            kind = np.dtype(dtype)
            inner = tuple(math.prod(shape[d + 1 :]) * kind.itemsize for d in range(len(shape)))
            views[name] = np.ndarray((worlds, *shape), kind, memory, offset, (memory.strides[0], *inner))
        return memory, views


@dataclass(frozen=True)
class Plan:
    """Everything the simulator needs to call a kernel: order of arrays and options, and the function."""

    arrays: tuple[tuple[str, str, tuple[int, ...]], ...]  # name, dtype code, shape behind the worlds
    row: Row
    numbers: np.ndarray
    counts: np.ndarray
    tables: tuple[np.ndarray, ...]
    source: str
    modules: str
    rules: dict[str, Rule]

    def compile(self) -> Any:
        """The kernel, from memory, from disk, or compiled now."""
        return load(self.source, self.modules, tuple(self.rules.items()))


def code(dtype: Any) -> str:
    """Two-letter name of a dtype: i4, i8, u1, u8, f4, f8."""
    return np.dtype(dtype).str[1:]


class Writer:
    """Writes a game's kernel, line by line."""

    def __init__(self, game: Game, settled: bool):
        self.game, self.settled = game, settled
        self.rules: dict[str, Rule] = {}
        self.used: set[str] = set()
        self.numbers: dict[str, float] = {}
        self.counts: dict[str, int] = {}
        self.tables: dict[str, np.ndarray] = {}
        self.lines: list[str] = []
        self.depth = 0
        raw = max([field.size for fields in game.fields.values() for _, field in fields] + [1])
        sizes = {"n": game.n_agents, "A": game.n_actions, "D": game.obs_dim, "S": len(game.stages), "raw": raw}
        self.shapes: dict[str, tuple[str, tuple[int, ...]]] = {}
        for name, dtype, shape in EXTRA + (SETTLED if settled else ()):
            self.shapes[name] = (dtype, tuple(sizes.get(size, size) for size in shape))
        for name, field in game.state.items():
            self.shapes[name] = (code(field.dtype), field.shape)
        self.row = Row(game)
        for name, (dtype, _, shape) in self.row.sections.items():
            self.shapes[name] = (dtype, shape)

    # ------------------------------------------------------------ names

    def put(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    def block(self, head: str) -> _Block:
        return _Block(self, head)

    def array(self, name: str) -> str:
        self.used.add(name)
        return name

    def constant(self, value: Any, owner: str, name: str) -> str:
        """The expression for an option: a slot of `numbers`, of `counts`, or a table."""
        label = f"{owner}__{name}"
        if isinstance(value, np.ndarray):
            self.tables[label] = value
            return label
        if isinstance(value, float):
            self.numbers[label] = value
            return f"numbers[{list(self.numbers).index(label)}]"
        self.counts[label] = int(value)
        return f"counts[{list(self.counts).index(label)}]"

    def argument(self, name: str, part: Part | None, key: str, given: dict[str, str], rule: Rule) -> str:
        if name in given:
            return given[name]
        if name == "key":
            owner = part.name if part else "engine"
            return f"mix({key}, {rng.purpose(owner + '.' + rule.name)})"
        if name == "n":
            return "n"
        if part is not None:
            own = part.constants(self.game)
            for source in (own, vars(part)):
                value = source.get(name)
                if isinstance(value, bool | int | float | np.ndarray):
                    return self.constant(value, part.name, name)
        if name in self.shapes:
            return self.array(name)
        if name in self.game.constants and self.game.constants[name] is not None:
            return self.constant(self.game.constants[name], "game", name)
        owner = type(part).__name__ if part else "the engine"
        raise ValueError(
            f"{rule!r} of {owner} names {name!r}, which no part of the game brings "
            f"(state and rewards: {', '.join(sorted(self.game.state))})"
        )

    def call(self, rule: Rule, part: Part | None, key: str = "key", constants: Any = (), **given: str) -> None:
        alias = next((label for label, known in self.rules.items() if known is rule), f"{rule.name}_{len(self.rules)}")
        self.rules[alias] = rule
        given |= {name: str(int(value)) for name, value in dict(constants).items()}
        self.put(f"{alias}({', '.join(self.argument(p, part, key, given, rule) for p in rule.parameters)})")

    def react(self, event: str, key: str = "key") -> None:
        for part, rule in self.game.reactions.get(event, []):
            self.call(rule, part, key)

    def by_stage(self, variable: str, body: Any) -> None:
        """if variable == 0: body(0) elif ..."""
        for k in range(len(self.game.stages)):
            with self.block(f"{'if' if k == 0 else 'elif'} {variable} == {k}:"):
                mark = len(self.lines)
                body(k)
                if len(self.lines) == mark:
                    self.put("pass")

    # ------------------------------------------------------------ the text

    def write(self) -> str:
        self.depth = 2
        with self.block("if mode == 0:"):
            self.put(f"{self.array('tick')}[0] += 1")
        with self.block("else:"):
            self.put(f"copy_words({self.array('renewed')}, renewed_template)")
            self.put(f"copy_words({self.array('lasting')}, lasting_template)")
        self.put(f"key = mix(mix({self.array('seeds')}[0], {self.array('worlds')}[0]), tick[0])")
        for name in ("terminated", "truncated", "round_over", "stuck"):
            self.put(f"{self.array(name)}[0] = 0")
        if self.settled:
            self.put(f"zero2({self.array('settled')})")
        self.put(f"zero({self.array('paid')})")
        self.put("ended = False")
        self.put("starting = mode == 1")
        self.put("opening = mode == 1")
        self.put("following = 0")
        with self.block("if mode == 0:"):
            self.act()
        self.advance()
        body, self.lines = self.lines, []
        self.prologue()
        return "\n".join([*self.lines, *body]) + "\n"

    def act(self) -> None:
        """Everybody has chosen: count, apply, let the others react."""
        game = self.game
        self.put(f"at = {self.array('stage')}[0]")
        with self.block("for i in range(n):"):
            self.put(f"{self.array('action')}[i] = {self.array('actions')}[i]")

        def settle(k: int) -> None:
            stage, part = game.stages[k], game.stage_owner[k]
            offset = game.choice_offset[stage.kind]
            self.put(f"count_choices({self.array('choices')}, action, {self.array('acting')}, {offset})")
            self.react(f"before:{stage.kind}")
            for one in stage.then:
                self.call(one, part, constants=stage.constants)
            self.react(f"after:{stage.kind}")

        self.by_stage("at", settle)
        self.put("following = at + 1")
        with self.block(f"if {self.array('over')}[0]:"):
            self.put("ended = True")
            self.put(f"following = {len(game.stages)}")

    def advance(self) -> None:
        """Find the next stage in which somebody acts, through the ends of rounds and of the episode."""
        game, count = self.game, len(self.game.stages)
        self.put("shown = False")
        self.put("passes = 0")
        with self.block("while True:"):
            self.put("passes += 1")
            with self.block(f"if passes > {MAX_PASSES}:"):
                self.put("stuck[0] = 1")
                self.put("break")
            self.put("draw = mix(key, passes)")
            with self.block(f"if following == {count}:"):
                self.close_round()
            with self.block("if starting:"):
                self.put("starting = False")
                self.react("start", "draw")
            with self.block("if opening:"):
                self.put("opening = False")
                self.put("following = 0")
                self.react("open", "draw")
            with self.block(f"if following == {game.first_round_stage}:"):
                self.put("pass")
                self.react("deal", "draw")
            self.seat("following", self.begin)
            self.put("waiting = True")
            with self.block("for i in range(n):"):
                with self.block("if acting[i]:"):
                    self.put("waiting = False")
            with self.block(f"if waiting and not (ended and not shown and passes > {count + 1}):"):
                self.put("following += 1")
                self.put("continue")
            with self.block("if not waiting:"):
                self.put(f"zero2({self.array('obs')})")
                self.observe("following", "obs")
            with self.block("if ended and not shown:"):
                self.end()
                self.put("continue")
            self.put("break")
        self.put(f"{self.array('stage')}[0] = following")
        self.legal()
        self.put(f"zero({self.array('reward')})")
        for name in game.components:
            self.put(f"add(reward, {self.array(name)})")

    def close_round(self) -> None:
        """The last stage of a round is done: settle, let the parts react, see whether the episode goes on."""
        self.put("round_over[0] = 1")
        if self.settled:
            self.settle()
        with self.block(f"if {self.array('again')}[0] and not ended:"):
            self.put("again[0] = 0")
        with self.block("else:"):
            with self.block("if not ended:"):
                self.react("round", "draw")
                self.put(f"ended = {self.array('over')}[0] != 0 or {self.array('clock')}[0] != 0")
            self.put(f"opening = {self.array('reopen')}[0] != 0 or ended")
            self.put("reopen[0] = 0")
        self.put(f"following = {self.game.first_round_stage}")

    def begin(self, k: int) -> None:
        stage, part = self.game.stages[k], self.game.stage_owner[k]
        if stage.begin is not None:
            self.call(stage.begin, part, "draw", stage.constants)

    def seat(self, variable: str, before: Any = None, settling: bool = False) -> None:
        """acting and target of the stage named by `variable`."""
        self.put(f"clear({self.array('acting')}, {self.array('target')})")

        def body(k: int) -> None:
            stage, part = self.game.stages[k], self.game.stage_owner[k]
            if before is not None:
                before(k)
            rule = stage.settles if settling and stage.settles is not None else stage.acting
            if rule is None:
                self.put("everybody(acting)")
            else:
                self.call(rule, part, "draw", stage.constants)

        self.by_stage(variable, body)

    def observe(self, variable: str, out: str) -> None:
        """Fill the observation of whoever acts."""
        layout = self.game.layout
        with self.block("for i in range(n):"):
            self.put(f"{out}[i, {variable}] = 1.0")
            with self.block("if acting[i]:"):

                def body(k: int) -> None:
                    kind = self.game.stages[k].kind
                    slots = [slot for slot in layout.slots if slot.kind == kind]
                    for (part, field), slot in zip(self.game.fields[kind], slots, strict=True):
                        self.look(part, field, slot.start, out, self.game.stages[k].constants)

                self.by_stage(variable, body)

    def look(self, part: Part, field: Field, start: int, out: str, constants: Any) -> None:
        raw, tag = self.array("scratch"), f"{part.name}_{field.name}_{start}"
        size = self.constant(field.size, "size", tag)
        column = self.constant(start, "column", tag)
        self.call(field.rule, part, constants=constants, i="i", out=f"{raw}[:{size}]")
        if field.levels and self.game.encode == "one_hot":
            levels = self.constant(field.levels, "levels", tag)
            self.put(f"put_one_hot({out}, i, {column}, {raw}, {size}, {levels})")
        elif field.squash:
            squash = self.constant(float(field.squash), "squash", tag)
            self.put(f"put_squashed({out}, i, {column}, {raw}, {size}, {squash})")
        else:
            self.put(f"put_raw({out}, i, {column}, {raw}, {size})")

    def settle(self) -> None:
        """At the end of a pass: every standing decision's observation as it would be now."""
        with self.block(f"for k in range({len(self.game.stages)}):"):
            self.seat("k", settling=True)
            self.put(f"zero2({self.array('settled_obs')}[k])")
            self.put("seen = settled_obs[k]")
            self.observe("k", "seen")
            with self.block("for i in range(n):"):
                self.put(f"{self.array('settled')}[k, i] = acting[i]")

    def end(self) -> None:
        """The episode is over: keep what was last seen and counted, and start anew."""
        self.put("shown = True")
        self.put(f"copy2({self.array('final_obs')}, obs)")
        self.put("terminated[0] = over[0]")
        self.put("truncated[0] = 1 - over[0]")
        self.put(f"copy_words({self.array('last_counted')}, {self.array('counted')})")
        with self.block("if over[0]:"):
            self.put("copy_words(lasting, lasting_template)")
        self.put("copy_words(renewed, renewed_template)")
        self.put("starting = True")
        self.put("opening = True")

    def legal(self) -> None:
        self.put(f"zero2({self.array('legal')})")
        with self.block("for i in range(n):"):
            with self.block("if not acting[i]:"):
                self.put("legal[i, 0] = 1")
            with self.block("else:"):

                def body(k: int) -> None:
                    stage, part = self.game.stages[k], self.game.stage_owner[k]
                    self.put(f"open_choices(legal, i, {self.constant(len(stage.choices), 'choices', stage.name)})")
                    if stage.legal is not None:
                        self.call(stage.legal, part, constants=stage.constants, i="i", out="legal[i]")

                self.by_stage("following", body)

    def prologue(self) -> None:
        """Bind names to one world's arrays, by address or directly."""
        self.depth = 0
        self.put("def kernel(arrays, strides, dims, numbers, counts, w0, w1, mode):")
        self.depth = 1
        self.put("n = dims[0]")
        at, per_world = 1, []
        for j, (name, (dtype, shape)) in enumerate([*self.ordered(), *self.ordered_tables()]):
            sizes = "".join(f", dims[{at + d}]" for d in range(len(shape)))
            at += len(shape)
            if name in self.used:
                per_world.append(f"{name} = {dtype}_{len(shape)}(arrays[{j}], strides[{j}], w{sizes})")
            elif j >= len(self.shapes):
                self.put(f"{name} = {dtype}_{len(shape)}(arrays[{j}], 0, 0{sizes})")
        self.put("for w in range(w0, w1):")
        self.depth = 2
        for line in per_world:
            self.put(line)

    def ordered(self) -> list[tuple[str, tuple[str, tuple[int, ...]]]]:
        """The arrays in the order of `arrays`: name, (dtype, shape)."""
        return [(name, self.shapes[name]) for name in sorted(self.shapes)]

    def ordered_tables(self) -> list[tuple[str, tuple[str, tuple[int, ...]]]]:
        """The constant tables, which follow the arrays."""
        tables = {"renewed_template": self.row.renewed, "lasting_template": self.row.lasting} | self.tables
        return [(name, (code(table.dtype), table.shape)) for name, table in tables.items()]


class _Block:
    """An indented block of the text under a head line."""

    def __init__(self, writer: Writer, head: str):
        self.writer, self.head = writer, head

    def __enter__(self) -> None:
        self.writer.put(self.head)
        self.writer.depth += 1

    def __exit__(self, *_: object) -> None:
        self.writer.depth -= 1


def plan(game: Game, settled: bool = False) -> Plan:
    """Write the kernel of a game. ValueError in one sentence where a rule names what no part brings."""
    writer = Writer(game, settled)
    source = writer.write()
    arrays = tuple((name, dtype, shape) for name, (dtype, shape) in writer.ordered())
    return Plan(
        arrays=arrays,
        numbers=np.array(list(writer.numbers.values()), dtype=np.float64),
        counts=np.array(list(writer.counts.values()), dtype=np.int64),
        row=writer.row,
        tables=tuple(
            np.ascontiguousarray(table) for table in (writer.row.renewed, writer.row.lasting, *writer.tables.values())
        ),
        source=source,
        modules=hashlib.blake2b("".join(sorted({r.source for r in writer.rules.values()})).encode()).hexdigest(),
        rules=writer.rules,
    )
