"""Minibatches of stream entries: numbered, shuffled and gathered lane by lane, in pieces of one size.

The size of a piece depends on options alone, never on how much other lanes have gone through: matrix products of
another shape may round otherwise, and a lane would not be what it is alone. What is missing is filled with entries of
weight 0.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numba
import numpy as np
import torch

from marl_sim.core.rng import mix, shuffle

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


@numba.njit(cache=True, nogil=True)
def shuffle_lanes(keys, round_, index, n):
    """Shuffle the first n[lane] numbers of each row of index [L, N] with the lane's own stream; round_ int64 [L]."""
    for lane in range(index.shape[0]):
        shuffle(mix(keys[lane], round_[lane]), index[lane, : n[lane]])


@numba.njit(cache=True, nogil=True)
def _gather(source, index, start, stop, out):
    """out[lane, i] = source[lane, stream, entry] of entry number index[lane, start + i]; the rest stays."""
    capacity = source.shape[2]
    for lane in range(out.shape[0]):
        for i in range(stop[lane] - start):
            at = index[lane, start + i]
            for d in range(out.shape[2]):
                out[lane, i, d] = source[lane, at // capacity, at % capacity, d]


def gather(source: np.ndarray, index: np.ndarray, start: int, stop: np.ndarray, size: int) -> np.ndarray:
    """Entries number start..stop[lane] of each lane's index, [L, size, ...], zeros behind them."""
    flat = source.reshape(*source.shape[:3], -1)
    out = np.zeros((source.shape[0], size, flat.shape[3]), source.dtype)
    _gather(flat, index, start, stop, out)
    return out.reshape(source.shape[0], size, *source.shape[3:])


@numba.njit(cache=True, nogil=True)
def scatter(source, index, start, stop, out):
    """The reverse of `gather` for single numbers: source float32 [L, size] into out [L, streams, entries]."""
    capacity = out.shape[2]
    for lane in range(source.shape[0]):
        for i in range(stop[lane] - start):
            at = index[lane, start + i]
            out[lane, at // capacity, at % capacity] = source[lane, i]


def agents(index: np.ndarray, start: int, stop: np.ndarray, size: int, capacity: int, team: int) -> np.ndarray:
    """Which agent of the team each entry is of, int64 [L, size], 0 behind them."""
    numbers = np.zeros((index.shape[0], size), np.int64)
    part = index[:, start : start + size]
    numbers[:, : part.shape[1]] = part
    return np.where(np.arange(size) < (stop - start)[:, None], numbers // capacity % team, 0)


def whole(n: int) -> int:
    """n rounded up to a multiple of WHOLE."""
    return -(-n // WHOLE) * WHOLE


def pieces(index: np.ndarray, n: np.ndarray, size: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """(start, stop int64 [L], how many int64 [L]) of pieces of `size` numbers, until every lane has had all of its n."""
    for start in range(0, int(n.max(initial=0)), size):
        stop = np.clip(n, start, start + size)
        yield start, stop, stop - start


def entries(
    streams: Streams,
    index: np.ndarray,
    start: int,
    stop: np.ndarray,
    size: int,
    team: int,
    advantage: np.ndarray,
    target: np.ndarray,
    weight: np.ndarray,
    device: torch.device,
) -> Batch:
    """A piece as a Batch; weight float32 [L]: what each entry of a lane counts."""

    def take(source: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(gather(source, index, start, stop, size)).to(device)

    there = np.arange(size) < (stop - start)[:, None]
    who = agents(index, start, stop, size, streams.capacity, team)
    s = streams
    return Batch(
        take(s.obs), take(s.legal), take(s.action), take(s.logp), take(advantage), take(target),
        torch.from_numpy(np.where(there, weight[:, None], np.float32(0))).to(device), take(s.extra),
        torch.from_numpy(who).to(device),
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

    def take(source: np.ndarray) -> torch.Tensor:
        full = np.zeros((*rows.shape, length, *source.shape[3:]), source.dtype)
        short = min(length, source.shape[2])
        full[:, :, :short] = source[lanes, rows, :short]
        full[~there] = 0
        return torch.from_numpy(full).to(device)

    s = streams
    first = np.where(none[..., None], 0, s.memory[lanes, rows, 0])
    return Batch(
        take(s.obs), take(s.legal), take(s.action), take(s.logp), take(advantage), take(target), take(weight),
        take(s.extra), torch.from_numpy(rows % team).to(device), torch.from_numpy(first).to(device),
        take(s.flags & FRESH != 0),
    )  # fmt: skip
