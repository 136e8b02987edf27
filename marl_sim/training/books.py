"""When the episodes of many worlds make a row of a record, and the rows of worlds that report rewards alone."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.kernels import kernel

Row = dict[str, Any]


@kernel
def _add_up(total, group, where, values):
    """Add the rows `where` of values [W, k] to those of total [S, k] that `group` names, in their order."""
    for g, w in zip(group, where):
        for j in range(total.shape[1]):
            total[g, j] += values[w, j]


class Book:
    """Adds up what ended episodes report, seed by seed, and turns a block of them into a row.

    S seeds, B worlds a seed. `block` episodes of every world make a row, the last one of what is left of `episodes`.
    Where episodes differ in length a row closes when B * block have ended, in whatever world, so that learning need not
    wait; short ones then come first. With `even`, only the first `episodes` of each world count, long or short.

    A kind of book fills `running` ([W, ...], of the episodes under way) and `sums` ([S, ...], of the block).
    """

    def __init__(self, seeds: tuple[int, ...], num_envs: int, block: int, episodes: int, even: bool = False):
        self.seeds, self.num_envs, self.block, self.episodes = seeds, num_envs, block, episodes
        self.running: dict[str, np.ndarray] = {}
        self.sums: dict[str, np.ndarray] = {"episodes": np.zeros(len(seeds))}
        self.done = np.zeros(len(seeds), dtype=np.int64)  # episodes recorded, seed by seed
        self.left = np.full(len(seeds) * num_envs, episodes) if even else None  # of each world that still count
        self._seed_of = np.repeat(np.arange(len(seeds)), num_envs)

    def see(self, step: Any) -> list[Row]:
        """Take in one step; returns the rows that it completes."""
        raise NotImplementedError

    def _add(self, seed: np.ndarray, where: np.ndarray, step: Any) -> None:
        """Add the episodes that have ended in the worlds `where` to the sums of their seeds."""
        raise NotImplementedError

    def _summary(self, sums: dict[str, np.ndarray]) -> Row:
        """The columns of one seed's row from its sums over a block."""
        raise NotImplementedError

    def _end(self, ended: np.ndarray, step: Any) -> list[Row]:
        """Count the episodes of the worlds that have `ended`, bool [W]; returns the rows that they complete."""
        if not np.count_nonzero(ended):
            return []
        where = ended.nonzero()[0]
        if self.left is not None:
            where = where[self.left[where] > 0]
            self.left[where] -= 1
        seed = self._seed_of[where]
        self._add(seed, where, step)
        for running in self.running.values():
            running[ended] = 0
        self._sum_up("episodes", seed, where, np.ones(len(ended)))
        due = np.minimum(self.block, self.episodes - self.done)
        full = (due > 0) & (self.sums["episodes"] >= due * self.num_envs)
        return [self._row(int(s), int(due[s])) for s in np.flatnonzero(full)]

    def _sum_up(self, name: str, seed: np.ndarray, where: np.ndarray, values: np.ndarray) -> None:
        """Add what `values` [W, ...] says of the worlds `where` to a sum of their seeds: np.add.at, but quicker."""
        total = self.sums[name]
        _add_up(total.reshape(len(total), -1), seed, where, values.reshape(len(values), -1))

    def _row(self, s: int, due: int) -> Row:
        self.done[s] += due
        sums = {name: total[s].copy() for name, total in self.sums.items()}
        for total in self.sums.values():
            total[s] = 0
        return {"seed": self.seeds[s], "episode": int(self.done[s])} | self._summary(sums)

    def _state(self) -> dict[str, np.ndarray]:
        """All arrays that change, by name; loading copies into them."""
        kept = {f"running/{k}": v for k, v in self.running.items()} | {f"sums/{k}": v for k, v in self.sums.items()}
        return kept | {"done": self.done} | ({} if self.left is None else {"left": self.left})

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        return {name: array.copy() for name, array in self._state().items()}

    def load_state_dict(self, saved: dict[str, np.ndarray]) -> None:
        """Go on from a state_dict."""
        for name, array in self._state().items():
            array[...] = saved[name]


class RewardBook(Book):
    """Rows of worlds that report nothing but rewards: the average episode of a block.

    reward         summed over an episode and over agents
    length         steps an episode
    reward_<name>  of one agent, for each of `agents`
    """

    def __init__(
        self,
        agents: tuple[str, ...],
        seeds: tuple[int, ...],
        num_envs: int,
        block: int,
        episodes: int,
        even: bool = False,
    ):
        super().__init__(seeds, num_envs, block, episodes, even)
        self.agents = agents
        worlds = len(seeds) * num_envs
        self.running |= {"reward": np.zeros((worlds, len(agents))), "length": np.zeros(worlds)}
        self.sums |= {"reward": np.zeros((len(seeds), len(agents))), "length": np.zeros(len(seeds))}

    def see(self, step: Any) -> list[Row]:
        """Take in one step (`reward` [W, n], `ended` [W]); returns the rows that it completes."""
        self.running["reward"] += step.reward
        self.running["length"] += 1
        return self._end(step.ended, step)

    def _add(self, seed: np.ndarray, where: np.ndarray, step: Any) -> None:
        for name, running in self.running.items():
            self._sum_up(name, seed, where, running)

    def _summary(self, sums: dict[str, np.ndarray]) -> Row:
        each = sums["reward"] / sums["episodes"]
        row = {"reward": float(each.sum()), "length": float(sums["length"] / sums["episodes"])}
        return row | {f"reward_{name}": float(one) for name, one in zip(self.agents, each)}
