"""Compiled functions whose cached code is never stale.

numba keeps compiled code beside a function's file and compiles anew when that file has changed, but not when a helper
or a constant in another file has. Here the mark that it compares is a hash of the file and of all files of this package
that it imports, directly or not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numba
from numba.core import caching

PACKAGE = Path(__file__).resolve().parents[1]
IMPORT = re.compile(r"^\s*(?:from\s+(\.*)([\w.]*)\s+import\s+(\([^)]*\)|.*)|import\s+([\w.]+))", re.MULTILINE)


def kernel(function: Callable[..., Any] | None = None, **options: Any) -> Any:
    """A function compiled by numba, without Python's lock and kept on disk: `@kernel`, or with options of `numba.njit`,
    `@kernel(fastmath=...)`.

    What is not said is said here: numba would take fastmath and error_model from the function that happens to call this
    one first, and keep that on disk for all that come later.
    """
    options = {"cache": True, "nogil": True, "fastmath": False, "error_model": "python", **options}

    def compiled(function: Callable[..., Any]) -> Any:
        made = numba.njit(**options)(function)
        kept = getattr(made, "_cache", None)
        if isinstance(kept, caching.FunctionCache):
            its = kept._impl
            kept._cache_file = Index(kept.cache_path, its.filename_base, its.locator.get_source_stamp())
        return made

    return compiled if function is None else compiled(function)


class Index(caching.IndexDataCacheFile):
    """What is kept of a function. numba reads an index whole before it looks whether it is of older code, and one that
    names a class which has been moved or renamed since cannot be read; here that, too, is code to be made anew."""

    def _load_index(self) -> Any:
        try:
            return super()._load_index()
        except Exception:
            return {}


def imported(path: Path, package: Path = PACKAGE) -> Iterator[Path]:
    """The files of the package that a file of it imports."""
    for dots, module, names, plain in IMPORT.findall(path.read_text()):
        if dots:
            home = path.parents[len(dots) - 1].joinpath(*module.split("."))
        elif (module or plain).split(".")[0] == package.name:
            home = package.parent.joinpath(*(module or plain).split("."))
        else:
            continue
        named = [_file(home / name) for name in re.findall(r"\w+", names)]
        yield from [one for one in named if one] or [one for one in [_file(home)] if one]


def _file(module: Path) -> Path | None:
    """Where the text of a module or package is."""
    return next((one for one in (module.with_suffix(".py"), module / "__init__.py") if one.is_file()), None)


@cache
def mark(path: Path, package: Path = PACKAGE) -> str:
    """A hash of a file of the package and of all that it imports from there, directly or not."""
    reached, waiting = set[Path](), [path]
    while waiting:
        one = waiting.pop()
        if one not in reached:
            reached.add(one)
            waiting += imported(one, package)
    digest = hashlib.blake2b(digest_size=16)
    for one in sorted(reached):
        digest.update(f"{one.relative_to(package)}\n".encode() + one.read_bytes())
    return digest.hexdigest()


class Locator:
    """Where numba keeps the code of a function of this package: where it always would, but under our mark."""

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> Any:
        """numba's own place for it; None for functions of others."""
        path = Path(py_file).resolve()
        if not path.is_relative_to(PACKAGE):
            return None
        for other in caching.CompileResultCacheImpl._locator_classes:
            found = None if other is cls else other.from_function(py_func, py_file)
            if found is not None:
                found.get_source_stamp = lambda: mark(path, PACKAGE)
                return found
        return None


if Locator not in caching.CompileResultCacheImpl._locator_classes:
    caching.CompileResultCacheImpl._locator_classes.insert(0, Locator)
