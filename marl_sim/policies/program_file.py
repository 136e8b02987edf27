"""Exported programs of strangers: read as tensors and operations, never as pickles, which could run anything.

torch.export.load by itself unpickles weights, constants and example inputs wherever the file says that they are.
"""

from __future__ import annotations

import json
import os
import pickle
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PICKLED = ("custom_obj_", "opaque_obj_")  # how torch calls files of constants that it unpickles
TENSORS_ALONE = "TORCH_FORCE_WEIGHTS_ONLY_LOAD"  # torch.load then reads tensors alone, whatever its caller asked for
_one_at_a_time = threading.Lock()


def loaded(file: Path) -> Callable[..., Any]:
    """The program of a file. ValueError in one sentence where it holds none, or objects other than tensors."""
    import torch

    try:
        with zipfile.ZipFile(file) as archive:
            pages = [json.loads(archive.read(name)) for name in archive.namelist() if name.endswith(".json")]
    except (OSError, ValueError, zipfile.BadZipFile) as wrong:
        raise ValueError(f"{file} holds no exported program: {wrong}") from None
    if any(_pickled(page) for page in pages):
        raise ValueError(f"{file} holds pickled objects, which could run anything; an exported agent is tensors alone")
    with _tensors_alone():
        try:
            return torch.export.load(str(file)).module()
        except (pickle.UnpicklingError, RuntimeError, AssertionError, KeyError) as wrong:
            said = " ".join(str(wrong).split())[:160]
            raise ValueError(f"{file} holds no program that can be read as tensors alone: {said}") from None


def _pickled(page: Any) -> bool:
    """Whether a page of the archive says of anything that it is to be unpickled."""
    if isinstance(page, list):
        return any(map(_pickled, page))
    if not isinstance(page, dict):
        return False
    place = page.get("path_name")
    return (
        bool(page.get("use_pickle"))
        or (isinstance(place, str) and place.startswith(PICKLED))
        or any(map(_pickled, page.values()))
    )


@contextmanager
def _tensors_alone() -> Iterator[None]:
    with _one_at_a_time:
        before = os.environ.get(TENSORS_ALONE)
        os.environ[TENSORS_ALONE] = "1"
        try:
            yield
        finally:
            os.environ.pop(TENSORS_ALONE) if before is None else os.environ.update({TENSORS_ALONE: before})
