"""Players who change seats: worlds in which every game gives the players other seats, drawn at random."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..core.rng import mix_many, purpose, uniform_many
from .worlds import HeadPlan, Worlds


def in_order(order: np.ndarray, x: np.ndarray) -> np.ndarray:
    """What is of seats, [W, n, ...], in the order of the players, whose seats are order [W, n]."""
    return np.take_along_axis(x, order.reshape(order.shape + (1,) * (x.ndim - 2)), axis=1)


class ShuffledStep:
    """What a step did, player by player; `raw` is what books read, with what is of agents in the players' order."""

    def __init__(self, moment: Any, order: np.ndarray) -> None:
        by_player = partial(in_order, order)
        self.reward = by_player(moment.reward)
        self.components = {name: by_player(paid) for name, paid in moment.components.items()}
        self.terminated, self.truncated = by_player(moment.terminated), by_player(moment.truncated)
        self.final_obs = by_player(moment.final_obs)
        if hasattr(moment, "final_legal"):
            self.final_legal = by_player(moment.final_legal)
        self.ended = moment.ended
        raw = moment.raw
        self.raw = _Raw(raw, self)
        self.raw.tallies = {name: by_player(x) if name in PERSONAL else x for name, x in raw.tallies.items()}
        if "selected" in raw.tallies:  # [chooser, chosen]
            chosen = by_player(raw.tallies["selected"])
            self.raw.tallies["selected"] = np.take_along_axis(chosen, order[:, None, :], axis=2)


PERSONAL = frozenset({"choices", "reputation", "selected"})  # tallies with a row an agent


class _Raw:
    """A step as the worlds' own book reads it."""

    def __init__(self, raw: Any, step: ShuffledStep) -> None:
        self.terminated, self.truncated, self.round_over = raw.terminated, raw.truncated, raw.round_over
        self.ended, self.reward, self.components = step.ended, step.reward, step.components
        self.tallies: dict[str, np.ndarray] = {}


class ShuffledWorlds:
    """Worlds whose agents are players: in each world, player p sits in seat `order[w, p]` until the game is over.

    A society that lives on through a truncation keeps its seats. What is drawn depends on the seed, the world and how
    many games it has seen.
    """

    agents: tuple[str, ...]
    label: str
    components: tuple[str, ...]
    kinds: tuple[str, ...]
    n_agents: int
    n_actions: int
    n_stages: int
    num_envs: int
    num_worlds: int
    seeds: tuple[int, ...]
    box: tuple[tuple[float, ...], tuple[float, ...]] | None
    lives_on: bool

    def __init__(self, worlds: Worlds) -> None:
        self.inner = worlds
        for name in ShuffledWorlds.__annotations__:
            setattr(self, name, getattr(worlds, name))
        self.game, self.simulator = getattr(worlds, "game", None), getattr(worlds, "simulator", None)
        self.games = np.zeros(worlds.num_worlds, np.int64)
        self.order = np.zeros((worlds.num_worlds, worlds.n_agents), np.int64)
        seeds = np.repeat(np.array(worlds.seeds, dtype=np.uint64), worlds.num_envs)
        world = np.tile(np.arange(worlds.num_envs), len(worlds.seeds))
        self._keys = mix_many(mix_many(seeds, purpose("seats")), world)
        self._deal(np.ones(worlds.num_worlds, bool))

    def _deal(self, which: np.ndarray) -> None:
        """New seats in some worlds: the players in the order of one random number each."""
        keys = mix_many(self._keys[which], self.games[which])[:, None]
        self.order[which] = np.argsort(uniform_many(keys, np.arange(self.n_agents)[None]), axis=1)
        self.games[which] += 1

    @property
    def obs(self) -> np.ndarray:
        return in_order(self.order, self.inner.obs)

    @property
    def legal(self) -> np.ndarray:
        return in_order(self.order, self.inner.legal)

    @property
    def acting(self) -> np.ndarray:
        return in_order(self.order, self.inner.acting)

    @property
    def stage(self) -> np.ndarray:
        return self.inner.stage

    def reset(self) -> None:
        self.inner.reset()

    def step(self, actions: np.ndarray) -> ShuffledStep:
        seated = np.empty_like(actions)
        np.put_along_axis(seated, self.order.reshape(self.order.shape + (1,) * (actions.ndim - 2)), actions, axis=1)
        moment = self.inner.step(seated)
        step = ShuffledStep(moment, self.order)
        over = moment.terminated.all(axis=1) if self.lives_on else moment.ended
        if over.any():
            self._deal(over)
        return step

    def save(self) -> dict[str, np.ndarray]:
        return self.inner.save() | {"seat_order": self.order.copy(), "games": self.games.copy()}

    def load(self, saved: dict[str, np.ndarray]) -> None:
        self.order[...], self.games[...] = saved["seat_order"], saved["games"]
        self.inner.load({name: x for name, x in saved.items() if name not in ("seat_order", "games")})

    def plans(self, heads: str) -> list[HeadPlan]:
        return self.inner.plans(heads)

    def another(self, num_envs: int, seeds: tuple[int, ...]) -> ShuffledWorlds:
        return ShuffledWorlds(self.inner.another(num_envs, seeds))

    def close(self) -> None:
        self.inner.close()

    def book(self, block: int, episodes: int, even: bool = False) -> Any:
        return self.inner.book(block, episodes, even)
