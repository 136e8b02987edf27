"""Spaces of outside environments as rows of numbers: how an observation is laid flat, and what a choice is there.

Observations are laid out as gymnasium.spaces.flatten does it: arrays row by row, numbers of a Discrete or MultiDiscrete
space one-hot, the parts of Dict and Tuple spaces one after another. Pictures of bytes that use all of 0..255 come as
0..1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from gymnasium import spaces

MASK = "action_mask"
Write = Callable[[Any, np.ndarray], None]
Numbers = tuple[float, ...]


@dataclass(frozen=True)
class Sight:
    """How one agent's observation becomes a row.

    size     numbers in the row
    write    write(observation, row) fills a float32 row [size]
    keyed    the observation is a Dict with an action mask beside what is seen
    image    (height, width, channels) where all that is seen is a picture of bytes
    plain    the observation is an array of one dimension, which is copied as it is
    """

    size: int
    write: Write
    keyed: bool = False
    image: tuple[int, int, int] | None = None
    plain: bool = False


def sight(space: Any, agent: object) -> Sight:
    """How observations of `space` are laid flat. ValueError in one sentence for a space without a fixed length."""
    if isinstance(space, spaces.Dict) and MASK in space.spaces:
        seen = {name: part for name, part in space.spaces.items() if name != MASK}
        if set(seen) == {"observation"}:
            inner, picture = sight(seen["observation"], agent), _picture(seen["observation"])
            return Sight(inner.size, _part("observation", inner.write), True, picture)
        joined = _joined(seen.items(), agent)
        return Sight(joined.size, joined.write, True)
    if isinstance(space, spaces.Discrete):
        return Sight(int(space.n), _one_hot(int(space.start), int(space.n)))
    if isinstance(space, spaces.MultiDiscrete):
        return _one_hots(space)
    if isinstance(space, spaces.Dict):
        return _joined(space.spaces.items(), agent)
    if isinstance(space, spaces.Tuple):
        return _joined(enumerate(space.spaces), agent)
    if isinstance(space, spaces.Box | spaces.MultiBinary):
        size, picture = int(np.prod(space.shape)), _picture(space)
        write = _scaled(size) if picture and _uses_all_bytes(space) else _plain(size)
        return Sight(size, write, image=picture, plain=len(space.shape) == 1)
    raise ValueError(
        f"the observation space of {agent} must be made of Box, Discrete, MultiBinary, MultiDiscrete, Dict and Tuple; "
        f"got {space}"
    )


def _picture(space: Any) -> tuple[int, int, int] | None:
    """(height, width, channels) of a picture of bytes: uint8, int8 or bool."""
    if isinstance(space, spaces.Box) and len(space.shape) == 3 and space.dtype.itemsize == 1:
        height, width, channels = space.shape
        return int(height), int(width), int(channels)
    return None


def _uses_all_bytes(space: Any) -> bool:
    return bool(space.dtype == np.uint8 and (space.low == 0).all() and (space.high == 255).all())


def _flat(x: Any, size: int) -> np.ndarray:
    flat = np.asarray(x).reshape(-1)
    if flat.size != size:
        raise ValueError(f"an observation has {flat.size} numbers where its space has {size}")
    return flat


def _plain(size: int) -> Write:
    def write(x: Any, row: np.ndarray) -> None:
        row[...] = _flat(x, size)

    return write


def _scaled(size: int) -> Write:
    most = np.float32(255)

    def write(x: Any, row: np.ndarray) -> None:
        np.divide(_flat(x, size), most, out=row)

    return write


def _one_hot(start: int, n: int) -> Write:
    def write(x: Any, row: np.ndarray) -> None:
        number = int(x) - start
        if not 0 <= number < n:
            raise ValueError(f"an observation is {x} where its space has {start} to {start + n - 1}")
        row[...] = 0
        row[number] = 1

    return write


def _one_hots(space: spaces.MultiDiscrete) -> Sight:
    counts = space.nvec.reshape(-1)
    size, first = int(counts.sum()), np.cumsum(counts) - counts - space.start.reshape(-1)

    def write(x: Any, row: np.ndarray) -> None:
        row[...] = 0
        row[first + _flat(x, len(first))] = 1

    return Sight(size, write)


def _part(name: Any, inner: Write) -> Write:
    def write(x: Any, row: np.ndarray) -> None:
        inner(x[name], row)

    return write


def _joined(parts: Any, agent: object) -> Sight:
    places, size = [], 0
    for name, space in parts:
        one = sight(space, agent)
        places.append((name, one.write, slice(size, size + one.size)))
        size += one.size

    def write(x: Any, row: np.ndarray) -> None:
        for name, inner, columns in places:
            inner(x[name], row[columns])

    return Sight(size, write)


# ------------------------------------------------------------ what agents choose


@dataclass(frozen=True)
class Choices:
    """What all agents choose among.

    n_actions  most actions of any agent, or most numbers where they choose numbers
    counts     of each agent
    make       for each agent: what was chosen (an int, or a list of n_actions floats) as its own space has it
    box        (lows, highs) of the numbers, n_actions each; None where actions are counted
    """

    n_actions: int
    counts: tuple[int, ...]
    make: tuple[Callable[[Any], Any], ...]
    box: tuple[Numbers, Numbers] | None = None


def choices(own: Sequence[Any], agents: Sequence[object]) -> Choices:
    """One set of choices for action spaces that are all Discrete or all Box.

    Boxes are padded to the widest. Where agents have different ranges of a number, all choose it from -1 to 1, and it
    is stretched to each one's own range. ValueError in one sentence for what cannot be brought together.
    """
    for space, agent in zip(own, agents):
        if not isinstance(space, spaces.Discrete | spaces.Box):
            raise ValueError(f"the action space of {agent} must be Discrete or Box; got {space}")
    if all(isinstance(space, spaces.Discrete) for space in own):
        counts = tuple(int(space.n) for space in own)
        return Choices(max(counts), counts, tuple(_counted(int(space.start)) for space in own))
    if not all(isinstance(space, spaces.Box) for space in own):
        listed = ", ".join(f"{space} of {agent}" for space, agent in zip(own, agents))
        raise ValueError(f"action spaces must be all Discrete or all Box; got {listed}")
    for space, agent in zip(own, agents):
        if not (np.isfinite(space.low).all() and np.isfinite(space.high).all()):
            raise ValueError(f"the action space of {agent} must have finite bounds; got {space}")
    return _boxes(own)


def _counted(start: int) -> Callable[[Any], Any]:
    return (lambda chosen: chosen + start) if start else int


def _boxes(own: Sequence[spaces.Box]) -> Choices:
    counts = tuple(int(np.prod(space.shape)) for space in own)
    width = max(1, *counts)
    ranges: list[set[tuple[float, float]]] = [set() for _ in range(width)]
    for space in own:
        for seen, low, high in zip(ranges, space.low.reshape(-1), space.high.reshape(-1)):
            seen.add((float(low), float(high)))
    common = [next(iter(seen)) if len(seen) == 1 else (-1.0, 1.0) for seen in ranges]
    unlike = np.array([len(seen) > 1 for seen in ranges])
    makers = tuple(_measured(space, count, unlike[:count]) for space, count in zip(own, counts))
    return Choices(width, counts, makers, (tuple(low for low, _ in common), tuple(high for _, high in common)))


def _measured(space: spaces.Box, count: int, unlike: np.ndarray) -> Callable[[Any], Any]:
    low, high = space.low.reshape(-1).astype(float), space.high.reshape(-1).astype(float)
    whole, stretched = space.dtype.kind in "iu", bool(unlike.any())
    shape, dtype = space.shape, space.dtype

    def make(chosen: Any) -> np.ndarray:
        x = np.array(chosen[:count])
        if stretched:
            x = np.where(unlike, np.clip(low + (x + 1) / 2 * (high - low), low, high), x)
        if whole:
            x = np.rint(x)
        return x.astype(dtype).reshape(shape)

    return make
