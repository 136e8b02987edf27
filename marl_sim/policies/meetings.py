"""Who has played with whom in a game of pairs, and what both did: what every player knows of its own encounters."""

from __future__ import annotations

import numpy as np


class Meetings:
    """For each world, and each agent and whom it faced: [W, n, n].

    own, other  what the agent did when they last played, and what the other's action looked like to it; -1: not met
    met         how often they have played
    """

    def __init__(self, num_worlds: int, n_agents: int):
        shape = (num_worlds, n_agents, n_agents)
        self.own, self.other = np.full(shape, -1, np.int16), np.full(shape, -1, np.int16)
        self.met = np.zeros(shape, np.int32)
        places = np.arange(num_worlds * n_agents).reshape(num_worlds, n_agents)
        self._pairs = places * n_agents  # where what each agent knows of agent 0 stands in arrays laid flat
        self._worlds = places[:, :1]

    def note(self, played: np.ndarray, facing: np.ndarray, did: np.ndarray, looked: np.ndarray) -> None:
        """A stage of play is over. played bool [W, n]: who took part; facing, did, looked ints [W, n]."""
        n = played.shape[1]
        if played.all() and (facing >= 0).all():
            pair = self._pairs + facing
            self.own.reshape(-1)[pair] = did
            self.other.reshape(-1)[pair] = looked.reshape(-1)[self._worlds + facing]
            self.met.reshape(-1)[pair] += 1
            return
        at = np.flatnonzero(played & (facing >= 0))
        j = facing.reshape(-1)[at]
        pair = at * n + j
        self.own.reshape(-1)[pair] = did.reshape(-1)[at]
        self.other.reshape(-1)[pair] = looked.reshape(-1)[at - at % n + j]
        self.met.reshape(-1)[pair] += 1

    def forget(self, over: np.ndarray) -> None:
        """Societies that ended, bool [W]: those that come next know nobody."""
        self.own[over], self.other[over], self.met[over] = -1, -1, 0

    def state(self) -> dict[str, np.ndarray]:
        """The arrays by name."""
        return {"own": self.own, "other": self.other, "met": self.met}
