"""Checkpoint files: named arrays in one file that is read whole or not at all.

A file is a NumPy `.npz` archive followed by a footer of fixed length: magic word, format version, length and SHA-256 of
the archive. It is written beside its place, flushed to disk and renamed, so that a crash leaves the old file or the new
one; the footer finds damage from elsewhere. No pickle: what cannot be stored as plain arrays is refused.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

FORMAT = 1
FOOTER = struct.Struct("<8sIQ32s")  # magic, format, length of the archive, its SHA-256
MAGIC = b"marlsimC"
META = "meta"  # JSON beside the arrays, whose names are kept apart by a prefix
PREFIX = "state/"


class CheckpointError(ValueError):
    """A checkpoint is damaged, or of another format."""


def write(path: Path, state: Mapping[str, Any], meta: Mapping[str, Any]) -> None:
    """Store arrays and a little JSON at `path`, atomically.

    state: name -> array or number of any plain dtype, kept bit for bit. meta: what JSON can hold.
    Raises ValueError for an array of Python objects, which would need pickle.
    """
    arrays = {name: np.asarray(value) for name, value in state.items()}
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise ValueError(f"a checkpoint holds plain arrays; {name!r} is an array of {array.dtype}.")
    packed = {PREFIX + name: array for name, array in arrays.items()}
    packed[META] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        stream = _Hashing(file)
        np.savez(stream, allow_pickle=False, **packed)
        file.write(FOOTER.pack(MAGIC, FORMAT, stream.length, stream.digest.digest()))
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    sync_folder(path.parent)


def read(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the JSON stored at `path`.

    Raises CheckpointError, in one sentence, for a file that is cut short, changed, or of another format.
    """
    with path.open("rb") as file:
        length = _check(path, file)
        file.seek(0)
        with np.load(_Part(file, length), allow_pickle=False) as archive:
            state = {name.removeprefix(PREFIX): archive[name] for name in archive.files if name.startswith(PREFIX)}
            meta = json.loads(archive[META].tobytes())
    return state, meta


def sync_folder(folder: Path) -> None:
    """Make a rename in `folder` survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _check(path: Path, file: IO[bytes]) -> int:
    """Length of the archive, once the footer and the checksum agree."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - FOOTER.size))
    footer = file.read()
    if len(footer) < FOOTER.size or not footer.startswith(MAGIC):
        raise CheckpointError(f"{path} is no whole checkpoint: its last bytes are missing.")
    _, version, length, digest = FOOTER.unpack(footer)
    if version != FORMAT:
        raise CheckpointError(f"{path} is of checkpoint format {version}; this version reads format {FORMAT}.")
    if length != size - FOOTER.size:
        raise CheckpointError(f"{path} is no whole checkpoint: it holds {size - FOOTER.size} bytes of {length}.")
    file.seek(0)
    seen, left = hashlib.sha256(), length
    while left:
        block = file.read(min(left, 1 << 20))
        seen.update(block)
        left -= len(block)
    if seen.digest() != digest:
        raise CheckpointError(f"{path} is damaged: its checksum does not match.")
    return length


class _Hashing(io.RawIOBase):
    """Passes on what is written and hashes it; says it cannot seek, so that the archive comes out in one pass."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.digest, self.length = file, hashlib.sha256(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.file.write(view)
        self.digest.update(view)
        self.length += len(view)
        return len(view)


class _Part(io.RawIOBase):
    """The first `length` bytes of a file, as a file: the archive without the footer."""

    def __init__(self, file: IO[bytes], length: int) -> None:
        self.file, self.length = file, length

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        if whence == os.SEEK_END:
            offset, whence = self.length + offset, os.SEEK_SET
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

    def readinto(self, buffer: Any) -> int:
        count = min(len(buffer), self.length - self.tell())
        return self.file.readinto(memoryview(buffer)[: max(0, count)])  # type: ignore[attr-defined]
