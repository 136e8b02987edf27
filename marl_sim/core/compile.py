"""Compile a kernel, or take it from memory or from the cache folder.

numba's own cache does not notice that a function in another file has changed. Here a kernel's file name is a hash of
its text, of the modules its rules live in, of the engine's sources and of the versions and flags that matter, so that
an edited rule or helper is compiled anew and an unchanged game starts from disk.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import sys
import tempfile
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np

from . import rng, views
from .rules import Rule

SIGNATURE = "void(int64[::1], int64[::1], int64[::1], float64[::1], int64[::1], int64, int64, int64)"


@lru_cache(maxsize=1)
def _package_stamp() -> str:
    """The versions, flags and engine sources that a compiled kernel depends on."""
    root = Path(__file__).parents[1]
    texts = [p.read_text() for folder in ("core", "games", "mechanisms") for p in sorted((root / folder).glob("*.py"))]
    flags = (sys.version, numba.__version__, np.__version__, numba.config.BOUNDSCHECK, numba.config.DISABLE_JIT)
    return repr(flags) + "".join(texts)


def cache_folder() -> Path:
    """Where kernels are kept: $MARL_SIM_CACHE, the user's cache folder, or a temporary one if that cannot be written."""
    base = os.environ.get("MARL_SIM_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "marl_sim"
    )
    for folder in (Path(base) / "kernels", Path(tempfile.gettempdir()) / f"marl_sim-{os.getuid()}" / "kernels"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            if os.access(folder, os.W_OK):
                return folder
        except OSError:
            continue
    raise OSError(f"no folder for compiled rules can be written; set MARL_SIM_CACHE (tried {base!r})")


@lru_cache(maxsize=512)
def load(source: str, modules: str, rules: tuple[tuple[str, Rule], ...]) -> Any:
    names = {name: getattr(views, name) for name in views.__all__} | {"mix": rng.mix}
    if numba.config.DISABLE_JIT:
        space: dict[str, Any] = names | {name: rule.function for name, rule in rules}
        exec(compile(source, "<kernel>", "exec"), space)
        return space["kernel"]
    digest = hashlib.blake2b((source + modules + _package_stamp()).encode(), digest_size=12).hexdigest()
    file = cache_folder() / f"kernel_{digest}.py"
    if not file.exists():
        with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".tmp", delete=False) as handle:
            handle.write(source)
        os.replace(handle.name, file)
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[file.stem] = importlib.util.module_from_spec(spec)  # numba loads from cache by module name
    vars(module).update(names | {name: rule.compiled for name, rule in rules})
    spec.loader.exec_module(module)
    return numba.njit(SIGNATURE, cache=True, nogil=True)(module.kernel)
