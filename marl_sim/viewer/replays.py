"""Replays: a game, a seed and what was played, checked by a hash of where it led. Small, and without pickle.

A file is a magic word, the format, the SHA-256 of what follows, and that, compressed: a line of JSON (the version, the
game by names and options, seed, world, who sat where, the hash of the final state) and the actions as plain numbers.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import marl_sim

from ..core.errors import IllegalAction
from ..core.game import Game
from ..core.simulator import Simulator
from .timeline import Timeline

MAGIC, FORMAT = b"marlsimR", 1
SUFFIX = ".replay"
LARGEST = 1 << 30  # bytes that a file may unfold to


class ReplayError(ValueError):
    """A replay cannot be read, or does not lead where it should."""


@dataclass
class Replay:
    """What was played: game, seed and world; actions [steps, n], int or (continuous decisions) float64.

    minds   who sat in each seat, in words
    notes   anything else that JSON can hold, such as the transcript of a human player
    """

    game: Game
    seed: int
    world: int
    actions: np.ndarray
    minds: tuple[str, ...] = ()
    notes: dict[str, Any] = field(default_factory=dict)
    state_hash: str = ""

    @classmethod
    def of(cls, timeline: Timeline, minds: Sequence[str] = (), notes: dict[str, Any] | None = None) -> Replay:
        """All that a timeline knows."""
        game, n = timeline.game, timeline.game.n_agents
        actions = np.array(timeline.actions, dtype=np.float64 if game.box else np.int64).reshape(-1, n)
        return cls(game, timeline.seed, timeline.world, actions, tuple(minds), dict(notes or {}))

    def timeline(self) -> Timeline:
        """The history, at its beginning."""
        return Timeline(self.game, self.seed, self.world, list(self.actions))

    def final_hash(self) -> str:
        """The hash of the state that the actions lead to. ReplayError where one of them cannot be played."""
        simulator = Simulator(self.game, 1, seed=self.seed, threads=1)
        simulator.arrays["worlds"][:, 0] = self.world
        simulator.reset()
        for t, actions in enumerate(self.actions):
            try:
                simulator.step(actions[None])
            except (IllegalAction, ValueError) as reason:
                raise ReplayError(f"step {t} of the replay cannot be played: {reason}") from None
        return state_hash(simulator)

    def save(self, path: str | Path) -> Path:
        """Write it, with the hash of where it leads. ReplayError for a game that names and options do not make."""
        from ..training import recipes

        try:
            recipe = recipes.write(self.game)
        except recipes.NoRecipe as reason:
            raise ReplayError(f"a replay holds its game by names and options: {reason}") from None
        kind = "<f8" if self.game.box else smallest(self.actions)
        self.state_hash = self.final_hash()
        head = {
            "marl_sim": marl_sim.__version__, "game": recipe, "seed": self.seed, "world": self.world,
            "minds": list(self.minds), "notes": self.notes, "steps": len(self.actions), "dtype": kind,
            "hash": self.state_hash,
        }  # fmt: skip
        packed = zlib.compress(json.dumps(head).encode() + b"\n" + self.actions.astype(kind).tobytes(), 9)
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(MAGIC + bytes([FORMAT]) + hashlib.sha256(packed).digest() + packed)
        return path

    @classmethod
    def load(cls, path: str | Path, verify: bool = True) -> Replay:
        """Read one, and play it to see that it leads where it did.

        Raises ReplayError, in one sentence, for a file that is no replay, is damaged, is of another version, or whose
        game now goes another way; FileNotFoundError where there is none.
        """
        head, body = _unpacked(Path(path))
        from ..training import recipes

        try:
            game = recipes.read(head["game"])
            actions = np.frombuffer(body, head["dtype"]).reshape(head["steps"], game.n_agents)
            actions = actions.astype(np.float64 if game.box else np.int64)
            replay = cls(game, int(head["seed"]), int(head["world"]), actions, tuple(head["minds"]),
                         dict(head["notes"]), str(head["hash"]))  # fmt: skip
        except (recipes.NoRecipe, KeyError, TypeError, ValueError, AttributeError) as reason:
            raise ReplayError(f"{path} cannot be played here: {reason}") from None
        if verify and replay.final_hash() != replay.state_hash:
            raise ReplayError(f"{path} ends in another state than when it was saved: the rules of its game differ")
        return replay


def _unpacked(path: Path) -> tuple[dict[str, Any], bytes]:
    """The JSON of a file, and the bytes behind it, once the checksum agrees and the version is this one."""
    if not path.is_file():
        raise FileNotFoundError(f"there is no replay {path}")
    data = path.read_bytes()
    start = len(MAGIC) + 1
    if not data.startswith(MAGIC) or len(data) < start + 32:
        raise ReplayError(f"{path} is no replay")
    if data[len(MAGIC)] != FORMAT:
        raise ReplayError(f"{path} is of replay format {data[len(MAGIC)]}; this version reads format {FORMAT}")
    packed = data[start + 32 :]
    if hashlib.sha256(packed).digest() != data[start : start + 32]:
        raise ReplayError(f"{path} is damaged: its checksum does not match")
    unfolding = zlib.decompressobj()
    try:
        line, _, body = unfolding.decompress(packed, LARGEST).partition(b"\n")
        head = json.loads(line)
        version = head["marl_sim"]
    except (zlib.error, ValueError, KeyError, TypeError) as reason:
        raise ReplayError(f"{path} cannot be read: {reason}") from None
    if version != marl_sim.__version__:
        raise ReplayError(
            f"{path} was saved by marl_sim {version}; this is {marl_sim.__version__}, and its rules may differ"
        )
    return head, body


def smallest(actions: np.ndarray) -> str:
    """The smallest type of whole numbers that holds all actions."""
    most = int(actions.max(initial=0))
    return "|u1" if most < 256 else "<u2" if most < 65536 else "<i8"


def state_hash(simulator: Simulator) -> str:
    """SHA-256 of the named state, what is seen and what was paid, of a simulator's first world."""
    digest = hashlib.sha256()
    for name, values in sorted({**simulator.state, "obs": simulator.obs}.items()):
        values = values[0]
        digest.update(f"{name} {values.dtype.str} {values.shape} ".encode())
        digest.update(np.ascontiguousarray(values).tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Difference:
    """Where two replays part: at step `step` (of which `agent` did `one` and `other`), or None of them."""

    step: int
    agent: int
    one: str
    other: str


def first_difference(one: Replay, other: Replay) -> Difference | None:
    """The first step at which two replays of the same game do not do, or lead to, the same; None where there is none.

    Raises ReplayError where they are of different games.
    """
    if one.game != other.game:
        raise ReplayError("only replays of the same game can be compared: the two are of games with other options")
    if (one.seed, one.world) != (other.seed, other.world):
        return Difference(0, -1, f"seed {one.seed}, world {one.world}", f"seed {other.seed}, world {other.world}")
    shared = min(len(one.actions), len(other.actions))
    apart = np.argwhere(one.actions[:shared] != other.actions[:shared])
    if not len(apart):
        if len(one.actions) == len(other.actions):
            return None
        return Difference(shared, -1, f"{len(one.actions)} steps", f"{len(other.actions)} steps")
    step, agent = (int(x) for x in apart[0])
    history = one.timeline()
    history.seek(step)
    stage = one.game.stages[int(history.simulator.stage[0])]
    words = [stage.choices[int(r.actions[step, agent])] if stage.box is None else f"{r.actions[step, agent]:g}"
             for r in (one, other)]  # fmt: skip
    return Difference(step, agent, *words)
