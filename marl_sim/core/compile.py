"""Compile rules and the engine's loop, or take them from memory or from the cache folder.

A rule is compiled once for the kinds of what it names (int32 table, float, ...), whatever game it is in. numba's own
cache does not notice that a helper in another file has changed; here the name of a cached piece is a hash of the code
of the rule and of every function and constant it reaches, so that stale code is never run, and of the versions, flags
and processor that matter.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import platform
import sys
import tempfile
import types
import warnings
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import llvmlite
import numba
import numpy as np

from . import loop, native, rng
from .native import CALL, JIT, VIEWS
from .rules import Rule

LOOP = "int64(int64, int64[:, ::1], int64, int64, int64, int64)"
_FROZEN = (bool, int, float, complex, str, bytes, tuple, np.generic, np.ndarray)  # globals that numba freezes
_addresses: dict[tuple[str, str, tuple[tuple[str, str], ...]], int] = {}
_alive: list[Any] = []  # compiled code is freed with its library


# ---------------------------------------------------------------- what a piece of code depends on


def fingerprint(thing: Any) -> str:
    """A hash of a function's code and of all functions and constants that it reaches by name."""
    return _reach(thing)[0]


def _reach(thing: Any) -> tuple[str, list[Any]]:
    """The fingerprint, and the numba functions on the way."""
    digest, seen = hashlib.blake2b(digest_size=16), dict[int, Any]()
    _digest(thing, digest, seen)
    return digest.hexdigest(), [one for one in seen.values() if hasattr(one, "py_func")]


_compiled_as: dict[int, str] = {}  # numba function (by id; they live as long as what calls them) -> fingerprint


def _refresh(helpers: list[Any]) -> None:
    """In a session a helper can be defined anew; numba would go on with what it once compiled of its callers."""
    for helper in helpers:
        now = fingerprint(helper)
        if _compiled_as.setdefault(id(helper), now) != now:
            helper.recompile()
            _compiled_as[id(helper)] = now


def _digest(thing: Any, digest: Any, seen: dict[int, Any]) -> None:
    if isinstance(thing, Rule):
        thing = thing.function
    if hasattr(thing, "py_func"):  # a numba dispatcher
        seen[id(thing)] = thing
        digest.update(repr(sorted(thing.targetoptions.items(), key=str)).encode())
        thing = thing.py_func
    if id(thing) in seen:
        return
    if isinstance(thing, types.FunctionType):
        seen[id(thing)] = thing
        _digest_code(thing.__code__, thing, digest, seen)
        for cell in thing.__closure__ or ():
            _digest(cell.cell_contents, digest, seen)
    elif isinstance(thing, np.ndarray):  # numba freezes global arrays
        digest.update(repr((thing.dtype, thing.shape)).encode() + thing.tobytes())
    elif isinstance(thing, bool | int | float | complex | str | bytes | np.generic | type(None)):
        digest.update(repr((type(thing).__name__, thing)).encode())
    elif isinstance(thing, tuple | list):
        for one in thing:
            _digest(one, digest, seen)
    elif hasattr(thing, "_defn"):  # a numba intrinsic
        _digest(thing._defn, digest, seen)
    else:
        digest.update(f"{type(thing).__name__} {getattr(thing, '__qualname__', '')}".encode())


def _digest_code(code: types.CodeType, function: types.FunctionType, digest: Any, seen: dict[int, Any]) -> None:
    digest.update(code.co_code)
    digest.update(repr((code.co_names, code.co_varnames, code.co_freevars)).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _digest_code(constant, function, digest, seen)
        else:
            _digest(constant, digest, seen)
    reached = [function.__globals__[name] for name in code.co_names if name in function.__globals__]
    for thing in reached:
        if isinstance(thing, types.ModuleType):
            for name in code.co_names:  # module.constant, module.helper
                inside = getattr(thing, name, None)
                if hasattr(inside, "py_func") or isinstance(inside, (*_FROZEN, types.FunctionType)):
                    _digest(inside, digest, seen)
        else:
            _digest(thing, digest, seen)


@lru_cache(maxsize=1)
def _stamp() -> str:
    """Versions, flags and processor that compiled code depends on, and the engine's own pieces."""
    from numba.core.registry import cpu_target

    flags = {name: getattr(numba.config, name) for name in dir(numba.config) if name.isupper() and "CACHE" not in name}
    wanted = ("BOUNDSCHECK", "OPT", "LOOP_VECTORIZE", "SLP_VECTORIZE", "CPU_NAME", "CPU_FEATURES", "DEBUGINFO_DEFAULT")
    versions = (sys.version, platform.machine(), numba.__version__, llvmlite.__version__, np.__version__)
    processor = cpu_target.target_context.codegen().magic_tuple()
    sources = [Path(str(module.__file__)).read_text() for module in (native, loop, rng)]
    return repr((versions, processor, {name: flags.get(name) for name in wanted}, sources))


def _name(*depends: str) -> str:
    return hashlib.blake2b("\0".join([*depends, _stamp()]).encode(), digest_size=16).hexdigest()


# ---------------------------------------------------------------- the cache folder


@lru_cache(maxsize=1)
def cache_folder() -> Path | None:
    """Where compiled code is kept: $MARL_SIM_CACHE, the user's cache folder, or a temporary one of the user's own.

    None, with a warning, if none can be written: then every start compiles.
    """
    base = os.environ.get("MARL_SIM_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "marl_sim"
    )
    user = os.getuid() if hasattr(os, "getuid") else 0
    for folder in (Path(base) / "compiled", Path(tempfile.gettempdir()) / f"marl_sim-{user}"):
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if os.access(folder, os.W_OK) and (not hasattr(os, "getuid") or folder.stat().st_uid == user):
                return folder
        except OSError:
            continue
    warnings.warn(f"compiled rules cannot be kept: set MARL_SIM_CACHE to a folder (tried {base!r})", stacklevel=2)
    return None


def _read(file: str) -> Any:
    """What `_write` kept, or None if it is not there or not whole."""
    folder = cache_folder()
    try:
        text = (folder / file).read_bytes() if folder else b""
    except OSError:
        return None
    if hashlib.blake2b(text[16:], digest_size=16).digest() != text[:16]:
        return None
    return pickle.loads(text[16:])


def _write(file: str, thing: Any) -> None:
    """Keep `thing`; whoever reads meanwhile finds all of it or nothing."""
    folder, text = cache_folder(), pickle.dumps(thing)
    if folder is None:
        return
    try:
        with tempfile.NamedTemporaryFile(dir=folder, suffix=".tmp", delete=False) as handle:
            handle.write(hashlib.blake2b(text, digest_size=16).digest() + text)
        os.replace(handle.name, folder / file)
    except OSError as error:
        warnings.warn(f"compiled code could not be kept in {folder}: {error}", stacklevel=2)


# ---------------------------------------------------------------- rules


def parameters_text(sorts: tuple[tuple[str, str], ...]) -> tuple[list[str], int]:
    """How a rule's parameters are taken from its row of arguments: an expression for each, and the row's length.

    Sorts: "int", "float", "key", "i", "out", or a view ("i4_2") of the world's state, with "table " in front of a
    constant array.
    """
    found, j = [], 0
    for _, sort in sorts:
        if sort in ("i", "out"):
            found.append(sort)
        elif sort == "key":
            found.append(f"mix(key, a[{j}])")
            j += 1
        elif sort in ("int", "float"):
            found.append(f"{'a' if sort == 'int' else 'b'}[{j}]")
            j += 1
        else:
            view, row = sort.removeprefix("table "), "0" if sort.startswith("table ") else "row"
            dims = int(view[-1])
            found.append(f"{view}({row}, a[{j}], {', '.join(f'a[{j + 1 + d}]' for d in range(dims))})")
            j += 1 + dims
    return found, j


HEADS = {  # what a rule of each form takes before its own arguments, and how it is run
    "rule": ((), "rule({given})"),
    "legal": (
        ("n", "acting", "choices"),
        """n, acting, open_to = a[0], u1_1(row, a[1], a[0]), u1_2(0, out, a[0], a[2])
    for i in range(n):
        if acting[i]:
            rule({given})""",
    ),
}
for _coding in native.CODINGS:
    for _size in ("", "_1"):  # a field of one number, the most common, has a text of its own: 3 times faster
        HEADS[_coding + _size] = (
            ("n", "acting", "width", "size", "column", "by"),
            f"""n, acting = a[0], u1_1(row, a[1], a[0])
    obs, raw = f4_2(0, out, n, a[2]), f8_1(0, scratch, {"1" if _size else "a[3]"})
    for i in range(n):
        if acting[i]:
            rule({{given}})
            {_coding}(obs, i, a[4], raw, {"b" if _coding == "squash" else "a"}[5])""",
        )


def rule_text(form: str, sorts: tuple[tuple[str, str], ...]) -> str:
    """The function that the loop calls for a rule."""
    head, body = HEADS[form]
    found, size = parameters_text((*[(name, "int") for name in head], *sorts))
    found = [{"i": "i", "out": "open_to[i]" if form == "legal" else "raw"}.get(one, one) for one in found[len(head) :]]
    lines = ["def called(arguments, row, key, out, scratch):", f"    a = i8_1(0, arguments, {max(size, 1)})"]
    lines += [f"    b = f8_1(0, arguments, {max(size, 1)})"]
    for k, one in enumerate(found):
        if one not in ("i", "raw", "open_to[i]"):  # all others are the same for every agent
            lines.append(f"    p{k} = {one}")
            found[k] = f"p{k}"
    given = ", ".join(found)
    return "\n".join([*lines, "    " + body.format(given=given)]) + "\n"


def address_of(rule: Rule, form: str, sorts: tuple[tuple[str, str], ...]) -> int:
    """The address of a compiled rule, from memory, from disk, or compiled now.

    TypeError in one sentence, and numba's account of it, if the rule leaves the subset that compiles.
    """
    known = fingerprint(rule), form, sorts
    if known not in _addresses:
        _addresses[known] = _load_rule(rule, *known)
    return _addresses[known]


def _load_rule(rule: Rule, code: str, form: str, sorts: tuple[tuple[str, str], ...]) -> int:
    from numba.core.registry import cpu_target
    from numba.core.runtime import rtsys

    text = rule_text(form, sorts)
    file = f"rule_{rule.name}_{_name(text, code)}.bin"
    kept = _read(file)
    if kept is None:
        _refresh(_reach(rule)[1])
        space: dict[str, Any] = {name: VIEWS[name] for name in VIEWS}
        space |= {"mix": rng.mix, "rule": numba.njit(rule.function), **native.CODINGS}
        exec(compile(text, f"<{rule.name}>", "exec"), space)
        try:
            built = numba.njit(CALL, no_cpython_wrapper=True, no_cfunc_wrapper=True)(space["called"])
        except numba.core.errors.NumbaError as error:
            raise TypeError(f"{rule!r} does not compile; numba says: {str(error).strip()}") from error
        (result,) = built.overloads.values()
        _alive.append(built)
        library, name = result.library, result.fndesc.llvm_func_name
        _write(file, (library.serialize_using_object_code(), name))
    else:
        state, name = kept
        rtsys.initialize(cpu_target.target_context)  # kept code calls numba's runtime
        library = cpu_target.target_context.codegen().unserialize_library(state)
        _alive.append(library)
    return int(library.get_pointer_to_function(name))


@lru_cache(maxsize=1)
def compiled_loop() -> Callable[..., int]:
    """The engine's loop, from disk or compiled now; plain Python where compilation is switched off."""
    if not JIT:
        return loop.run
    folder = cache_folder()
    if folder is None:
        return numba.njit(LOOP, nogil=True)(loop.run)
    before, numba.config.CACHE_DIR = numba.config.CACHE_DIR, str(folder / f"loop_{_name()}")
    try:  # the folder is read when the function is wrapped
        return numba.njit(LOOP, cache=True, nogil=True)(loop.run)
    except (OSError, EOFError, pickle.UnpicklingError, ValueError):  # a full disk, a damaged file
        return numba.njit(LOOP, nogil=True)(loop.run)
    finally:
        numba.config.CACHE_DIR = before
