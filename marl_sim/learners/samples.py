"""Minibatches of stream entries: numbered, shuffled and gathered lane by lane, in pieces of one size.

The size of a piece depends on options alone, never on how much other lanes have gone through: matrix products of
another shape may round otherwise, and a lane would not be what it is alone. What is missing is filled with entries of
weight 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from marl_sim.core.kernels import kernel
from marl_sim.core.rng import mix, shuffle

from .actor_critic import BLOCK
from .streams import FRESH, Streams

WHOLE = 32  # entries in a piece are a multiple of this, so that vectorised loops leave no rest that spans two lanes


class Batch(NamedTuple):
    """Entries of every lane: M of them, or S streams of T entries, [L, S, T, ...], for learners with memory.

    obs float32 [L, M, D]; legal bool [L, M, A]; action float32 [L, M, K]; logp, advantage, target float32 [L, M];
    weight float32 [L, M]: what it counts in the loss, 0 for padding; extra float32 [L, M, E]; who int64 [L, M] (or
    [L, S]): the agent of the team; memory float32 [L, S, H] and fresh bool [L, S, T] for learners with memory alone.
    """

    obs: torch.Tensor
    legal: torch.Tensor
    action: torch.Tensor
    logp: torch.Tensor
    advantage: torch.Tensor
    target: torch.Tensor
    weight: torch.Tensor
    extra: torch.Tensor
    who: torch.Tensor
    memory: torch.Tensor | None = None
    fresh: torch.Tensor | None = None


@kernel
def shuffle_lanes(keys, round_, index, n):
    """Shuffle the first n[lane] numbers of each row of index [L, N] with the lane's own stream; round_ int64 [L]."""
    for lane in range(index.shape[0]):
        shuffle(mix(keys[lane], round_[lane]), index[lane, : n[lane]])


@kernel
def _number(usable, index, n):
    for lane in range(usable.shape[0]):
        k = 0
        for r in range(usable.shape[1]):
            for t in range(usable.shape[2]):
                if usable[lane, r, t]:
                    index[lane, k] = r * usable.shape[2] + t
                    k += 1
        n[lane] = k


def numbered(usable: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The usable entries of each lane (bool [L, R, C]) by number, stream by stream: int64 [L, N], and how many [L]."""
    index, n = np.zeros((usable.shape[0], usable[0].size), np.int64), np.zeros(usable.shape[0], np.int64)
    _number(usable, index, n)
    return index, n


@kernel
def _piece(index, start, stop, at):
    for lane in range(at.shape[0]):
        for i in range(stop[lane] - start[lane]):
            at[lane, i] = index[lane, start[lane] + i]


def pieces(
    index: np.ndarray, n: np.ndarray, size: int, least: int = 1
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Each lane's first n[lane] numbers of index [L, N] in `least` even pieces, or more where they are over `size`.

    Yields (at int64 [L, size], many int64 [L], last bool [L]): the numbers, how many of them count, and whether the
    lane has now had all.
    """
    parts = np.maximum(least, -(-n // size))
    for part in range(int(parts.max(initial=0))):
        start, stop = (n * np.minimum(k, parts) // parts for k in (part, part + 1))
        at = np.zeros((len(n), size), np.int64)
        _piece(index, start, stop, at)
        yield at, stop - start, part + 1 >= parts


@kernel
def _gather(source, at, many, out):
    capacity = source.shape[2]
    for lane in range(out.shape[0]):
        for i in range(many[lane]):
            stream, entry = at[lane, i] // capacity, at[lane, i] % capacity
            for d in range(out.shape[2]):
                out[lane, i, d] = source[lane, stream, entry, d]


def gather(source: np.ndarray, at: np.ndarray, many: np.ndarray) -> np.ndarray:
    """The entries of these numbers, [L, size, ...], zeros behind the first many[lane]."""
    flat = source.reshape(*source.shape[:3], -1)
    out = np.zeros((*at.shape, flat.shape[3]), source.dtype)
    _gather(flat, at, many, out)
    return out.reshape(*at.shape, *source.shape[3:])


@kernel
def scatter(source, at, many, out):
    """The reverse of `gather` for single numbers: source float32 [L, size] into out [L, streams, entries]."""
    capacity = out.shape[2]
    for lane in range(source.shape[0]):
        for i in range(many[lane]):
            out[lane, at[lane, i] // capacity, at[lane, i] % capacity] = source[lane, i]


def whole(n: int) -> int:
    """n rounded up to a multiple of WHOLE."""
    return -(-n // WHOLE) * WHOLE


def entries(
    streams: Streams,
    at: np.ndarray,
    many: np.ndarray,
    team: int,
    advantage: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    device: torch.device,
) -> Batch:
    """A piece as a Batch; weight float32 [L]: what each entry of a lane counts."""

    def take(source: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(gather(source, at, many)).to(device)

    there = np.arange(at.shape[1]) < many[:, None]
    s, stream = streams, at // streams.capacity
    extra = s.beside(np.arange(len(at))[:, None], stream, at % s.capacity)
    extra[~there] = 0
    return Batch(
        take(s.obs), take(s.legal), take(s.action), take(s.logp), take(advantage), take(target),
        torch.from_numpy(np.where(there, weight[:, None], np.float32(0))).to(device),
        torch.from_numpy(extra).to(device), torch.from_numpy(stream % team).to(device),
    )  # fmt: skip


def sequences(
    streams: Streams,
    chosen: np.ndarray,
    length: int,
    team: int,
    advantage: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    device: torch.device,
) -> Batch:
    """Whole streams as a Batch: chosen int64 [L, S] (-1 for none), the first `length` entries; weight [L, R, C]."""
    lanes = np.arange(len(chosen))[:, None]
    none = chosen < 0
    rows = np.where(none, 0, chosen)
    there = (np.arange(length) < streams.count[lanes, rows][..., None]) & ~none[..., None]

    s, short = streams, min(length, streams.capacity)

    def padded(some: np.ndarray) -> torch.Tensor:
        full = np.zeros((*rows.shape, length, *some.shape[3:]), some.dtype)
        full[:, :, :short] = some
        full[~there] = 0
        return torch.from_numpy(full).to(device)

    def take(source: np.ndarray) -> torch.Tensor:
        return padded(source[lanes, rows, :short])

    extra = padded(s.beside(lanes[..., None], rows[..., None], np.arange(short)))
    first = np.where(none[..., None], 0, s.memory[lanes, rows, 0])
    return Batch(
        take(s.obs), take(s.legal), take(s.action), take(s.logp), take(advantage), take(target), take(weight),
        extra, torch.from_numpy(rows % team).to(device), torch.from_numpy(first).to(device),
        take(s.flags & FRESH != 0),
    )  # fmt: skip


def flattened(batch: Batch, start: int, length: int) -> Batch:
    """Some entries of every stream, [L, S, T, ...], side by side as [L, S * length, ...]."""

    def some(x: torch.Tensor) -> torch.Tensor:
        return x[:, :, start : start + length].flatten(1, 2)

    b = batch
    return Batch(
        some(b.obs), some(b.legal), some(b.action), some(b.logp), some(b.advantage), some(b.target), some(b.weight),
        some(b.extra), b.who[:, :, None].expand(*b.who.shape, length).flatten(1, 2),
    )  # fmt: skip


def weighted(each: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """The weighted sum of every lane, [L]; each, weight [L, M] or [L, S, T]. Block by block, so that it does not round
    by how many blocks there are."""
    product = each * weight
    if product.ndim == 2:
        return product.sum(1)
    total = torch.zeros_like(product[:, 0, 0])
    for start in range(0, product.shape[2], BLOCK):
        total = total + product[:, :, start : start + BLOCK].flatten(1).sum(1)
    return total
