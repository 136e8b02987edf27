"""Random play for learners that drive a group: made lane by lane, so that a lane's experience is its own."""

import numpy as np

from marl_sim.learners import HeadSpec

LEVELS = (3, 2)


def spec(players: int, actions: int = 2, name: str = "play") -> HeadSpec:
    return HeadSpec(name, len(LEVELS), actions, LEVELS, team=players)


class Plays:
    """What comes to one lane in each of its steps, whoever else is there; idle: players who never decide."""

    def __init__(
        self, seed: int, players: int, actions: int, worlds: int, idle: tuple[int, ...] = (), scale: float = 1.0
    ) -> None:
        self.scale = scale
        self.rng = np.random.default_rng(seed)
        self.players, self.actions, self.worlds = players, actions, worlds
        self.absent = np.isin(np.tile(np.arange(players), worlds), idle)

    def draw(self) -> tuple[np.ndarray, ...]:
        """Observations [R, D], legal [R, A], deciding [R], ended [R], noise of the rewards [R]."""
        rows = self.worlds * self.players
        obs = self.rng.integers(0, LEVELS, (rows, len(LEVELS))).astype(np.float32)
        legal = self.rng.random((rows, self.actions)) < 0.7
        legal[:, 0] |= ~legal.any(-1)
        deciding = (self.rng.random(rows) < 0.8) & ~self.absent
        ended = np.repeat(self.rng.random(self.worlds) < 0.1, self.players)
        return obs, legal, deciding, ended, self.rng.normal(size=rows)


def drive(lanes, plays: list[Plays], steps: int) -> np.ndarray:
    """Act, store and learn for some steps; returns the actions [steps, L, R]."""
    done = []
    for _ in range(steps):
        obs, legal, deciding, ended, noise = (np.stack(x) for x in zip(*(one.draw() for one in plays)))
        action = lanes.act(obs, legal, deciding).copy()
        scale = np.array([[one.scale] for one in plays])
        lanes.add(obs, legal, deciding, action, scale * (noise + action * obs.sum(-1)), ended)
        lanes.learn()
        done.append(action)
    return np.array(done)


def same(ours, lane: int, theirs, other: int) -> None:
    """Assert that a lane holds, bit for bit, what another one of other lanes holds."""
    a, b = ours.state_dict(), theirs.state_dict()
    assert a.keys() == b.keys()
    for name in a:
        assert a[name][lane].tobytes() == b[name][other].tobytes(), name
