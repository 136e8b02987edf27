"""Five ways of running the same rules over worlds, for `benchmarks/engine.py --ways`.

Each builder takes a folder for caches and returns build(worlds) -> a call that plays one round of the plain dilemma
(six rules, 16 agents) in every world.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import engine
import numba
import numpy as np

from marl_sim.core import rng
from marl_sim.core.loop import head_of, operate
from marl_sim.core.native import at
from marl_sim.core.part import Part
from marl_sim.core.rules import Rule

Build = Callable[[int], Callable[[], Any]]


def pieces(worlds: int) -> tuple[dict[str, np.ndarray], dict[str, Any], list[tuple[Rule, list[str]]]]:
    """The worlds' arrays, the constants, and every rule with the names of what it takes."""
    game = engine.GAMES["plain dilemma"]()
    arrays: dict[str, np.ndarray] = {}
    constants: dict[str, Any] = {"n": game.n_agents}
    rules = []
    for rule, part in engine.chain():
        own = part.constants(game)
        for name in rule.parameters:
            if name in game.state:
                field = game.state[name]
                arrays[name] = np.full((worlds, *field.shape), field.fill, field.dtype)
            elif name in own or name in game.constants:
                constants[name] = own.get(name, game.constants.get(name))
        rules.append((rule, list(rule.parameters)))
    return arrays, constants, rules


def text(kind: str, arrays: dict[str, Any], constants: dict[str, Any], rules: list[tuple[Rule, list[str]]]) -> str:
    """The generated function: every rule for every world, or the body for one world."""
    given = [*arrays, *constants]
    calls = []
    for k, (_, names) in enumerate(rules):
        taken = [
            f"mix(tick * 1000003 + {'0' if kind == 'gu' else 'w'}, {k})" if name == "key"
            else f"{name}[w]" if name in arrays and kind != "gu" else name
            for name in names
        ]  # fmt: skip
        calls.append(f"rule{k}({', '.join(taken)})")
    if kind == "gu":
        return f"def kernel({', '.join(given)}, tick, done):\n    " + "\n    ".join(calls) + "\n"
    loop = "prange" if kind == "prange" else "range"
    head = f"def kernel({', '.join(given)}, tick, worlds):\n    for w in {loop}(worlds):\n        "
    return head + "\n        ".join(calls) + "\n"


def module(folder: str, name: str, source: str, rules: list[tuple[Rule, list[str]]]) -> Any:
    """The generated text as a module on disk, so that numba can cache it."""
    file = Path(folder) / f"{name}.py"
    if not file.exists():
        file.write_text(source)
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    made = sys.modules[name] = importlib.util.module_from_spec(spec)
    vars(made).update({f"rule{k}": numba.njit(rule.function) for k, (rule, _) in enumerate(rules)})
    vars(made).update({"mix": rng.mix, "prange": numba.prange})
    spec.loader.exec_module(made)
    return made.kernel


def generated(folder: str, parallel: bool) -> Build:
    def build(worlds: int) -> Callable[[], Any]:
        arrays, constants, rules = pieces(worlds)
        name = "prange" if parallel else "serial"
        kernel = compiled.get(name)
        if kernel is None:
            plain = module(folder, f"ways_{name}", text(name, arrays, constants, rules), rules)
            kernel = compiled[name] = numba.njit(plain, cache=True, parallel=parallel)
        given = [*arrays.values(), *constants.values()]
        return lambda: kernel(*given, 1, worlds)

    compiled: dict[str, Any] = {}
    return build


def ufunc(folder: str) -> Build:
    compiled: dict[str, Any] = {}

    def shape(array: np.ndarray, skip: int) -> str:
        sizes = {16: "n", 1: "o", 2: "two", 3: "p", 4: "four", 15: "m"}
        return "(" + ",".join(sizes[d] for d in array.shape[skip:]) + ")"

    def build(worlds: int) -> Callable[[], Any]:
        arrays, constants, rules = pieces(worlds)
        done = np.zeros((worlds, 1), dtype=np.int64)
        if "gu" not in compiled:
            plain = module(folder, "ways_gu", text("gu", arrays, constants, rules), rules)
            kinds, shapes = [], []
            for array in arrays.values():
                kinds.append(numba.from_dtype(array.dtype)[(slice(None, None, 1),) * (array.ndim - 1)])
                shapes.append(shape(array, 1))
            for value in constants.values():
                table = isinstance(value, np.ndarray)
                kind = numba.from_dtype(value.dtype) if table else numba.int64
                kinds.append(kind[(slice(None, None, 1),) * value.ndim] if table else kind)
                shapes.append(shape(value, 0) if table else "()")
            signature = numba.void(*kinds, numba.int64, numba.int64[::1])
            layout = f"{','.join(shapes)},()->(o)"
            compiled["gu"] = numba.guvectorize([signature], layout, nopython=True, cache=True)(plain)
        given = [*arrays.values(), *constants.values()]
        return lambda: compiled["gu"](*given, 1, done)

    return build


def by_address(folder: str) -> Build:
    """As the engine does it: each rule compiled for itself, called by address from one loop."""

    @numba.njit
    def play(program, worlds, first, end):
        h = head_of(program, 0)
        for w in range(worlds):
            operate(h, first, end, at(w, h.row_bytes), np.uint64(w), h.scratch, h.scratch)

    import marl_sim as ms
    from marl_sim.core import simulator
    from marl_sim.core.program import Program

    class Chain(Program):
        """The program of the game, and behind it the chain of rules."""

        def _head(self, *given: Any) -> dict[str, Any]:
            self.chain = self._sequence((rule, owner(self.game, part)) for rule, part in engine.chain())
            return super()._head(*given)

    def owner(game: Any, part: Part) -> Any:
        return game.part(type(part))

    def build(worlds: int) -> Callable[[], Any]:
        simulator.Program = Chain  # type: ignore[misc]
        sim = ms.Simulator(engine.GAMES["plain dilemma"](), worlds, threads=1)
        program, chain = sim._program, sim._program.chain  # type: ignore[attr-defined]
        return lambda: play(program.start, worlds, chain["first"], chain["end"])

    return build


def plain_python(folder: str) -> Build:
    def build(worlds: int) -> Callable[[], Any]:
        arrays, constants, rules = pieces(worlds)

        def run() -> None:
            for w in range(worlds):
                world = {name: array[w] for name, array in arrays.items()} | constants
                for k, (rule, names) in enumerate(rules):
                    key = rng.mix(np.uint64(w), k)
                    rule.function(*(np.uint64(key) if name == "key" else world[name] for name in names))

        return run

    return build


BUILDERS: dict[str, Callable[[str], Build]] = {
    "by address (as built)": by_address,
    "generated loop": lambda folder: generated(folder, parallel=False),
    "generated prange": lambda folder: generated(folder, parallel=True),
    "guvectorize": ufunc,
    "plain Python": plain_python,
}
