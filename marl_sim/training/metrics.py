"""From the counts of episodes to the numbers that studies report."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.game import Game
from .books import Book, Row

MEANING = {
    "cooperation": "share of cooperative actions among all that were played",
    "cooperation_0, ...": "the same, of one agent",
    "mutual_cooperation, sucker, temptation, mutual_defection": "shares of encounters by what host and guest did",
    "reward": "reward of an episode, summed over agents (reward_0, ...: of one agent)",
    "reputation": "reputation at the end of an episode, summed over agents",
    "punishment": "share of judgements that punish",
    "just_share": "share of punishments that hit a defector (0 where nobody is punished)",
    "punish_defectors": "share of judged defectors who are punished",
    "punish_cooperators": "share of judged cooperators who are punished",
    "just, unjust": "punishments of defectors and of cooperators an episode",
    "just_by_partner, unjust_by_partner": "of these, by the partner",
    "spared_defectors, spared_cooperators": "judged and let be, an episode",
    "cooperator_selection": "share of selections of somebody who cooperated at least as often as not an episode ago",
    "KIND:CHOICE": "share of a choice among the decisions of another kind of stage (gift:give, talk:message 1, ...)",
    "any other tally": "a mechanism's own counters (slips, break_ups, ...), summed, an episode",
    "most_selected": "share of an episode's selections that fall on the agent most often selected in it",
}


KNOWN = frozenset(name for names in MEANING for name in names.split(", "))
NAMED_TALLIES = ("choices", "outcomes", "justly", "unjustly", "spared", "by_partner", "reputation", "selected")


class EpisodeBook(Book):
    """The rows of a game's worlds, from the components of its rewards and its tallies."""

    def __init__(
        self, game: Game, seeds: tuple[int, ...], num_envs: int, block: int, episodes: int, even: bool = False
    ):
        super().__init__(seeds, num_envs, block, episodes, even)
        self.game = game
        s, n, worlds = len(seeds), game.n_agents, len(seeds) * num_envs
        self.running |= {name: np.zeros((worlds, n)) for name in game.components}
        self.sums |= {f"paid:{name}": np.zeros((s, n)) for name in game.components}
        self.sums |= {name: np.zeros((s, *shape)) for name, shape in game.tallies.items()}
        self.sums |= {name: np.zeros(s) for name in ("to_cooperators", "to_favourites")}
        self.before = np.zeros((worlds, n, len(game.choice_names)))
        self.friendly = (
            [a for a, word in enumerate(game.choices("play")) if self._cooperative(a)] if "play" in game.kinds else []
        )

    def _cooperative(self, action: int) -> bool:
        friendly = self.game.constants.get("friendly")
        return (friendly is None and action == 0) or (friendly is not None and bool(friendly[action]))

    def see(self, step: Any) -> list[Row]:
        """Take in one step; returns the rows that it completes."""
        for name, paid in step.components.items():
            self.running[name] += paid
        return self._end(step.terminated | step.truncated, step)

    def _add(self, seed: np.ndarray, where: np.ndarray, step: Any) -> None:
        for name in self.game.components:
            self._sum_up(f"paid:{name}", seed, where, self.running[name])
        for name in self.game.tallies:
            self._sum_up(name, seed, where, step.tallies[name])
        if "selected" in self.game.tallies:
            self._sum_up("to_cooperators", seed, where, self._to_cooperators(step))
            self._sum_up("to_favourites", seed, where, step.tallies["selected"].sum(1).max(1))
        self.before[where] = step.tallies["choices"][where]

    def _to_cooperators(self, step: Any) -> np.ndarray:
        """Selections of agents who, an episode ago, cooperated at least as often as they defected, [W]."""
        start = self.game.choice_offset["play"]
        stop = start + len(self.game.choices("play"))
        past = self.before[:, :, start:stop]
        kind = past[:, :, self.friendly].sum(-1) * 2 >= past.sum(-1)
        return (step.tallies["selected"] * kind[:, None, :]).sum((1, 2))

    def _summary(self, sums: dict[str, np.ndarray]) -> Row:
        return summarise(self.game, sums, self.friendly)

    def _state(self) -> dict[str, np.ndarray]:
        return super()._state() | {"before": self.before}


class Block:
    """The average episode of a block, for core.part.Part.measures."""

    def __init__(self, game: Game, sums: dict[str, np.ndarray]):
        self.game, self.sums, self.episodes = game, sums, float(sums["episodes"])

    def mean(self, tally: str) -> np.ndarray:
        """A tally, averaged over episodes."""
        return self.sums[tally] / self.episodes

    def count(self, choice: str, agent: int | None = None) -> float:
        """How often "kind:word" was chosen, an episode."""
        return float(self._of(agent)[self.game.choice_names.index(choice)]) / self.episodes

    def share(self, choice: str, agent: int | None = None) -> float:
        """The share of "kind:word" among the decisions of its kind."""
        kind = choice.partition(":")[0]
        start = self.game.choice_offset[kind]
        return share(
            self.count(choice, agent) * self.episodes,
            self._of(agent)[start : start + len(self.game.choices(kind))].sum(),
        )

    def _of(self, agent: int | None) -> np.ndarray:
        counts = self.sums["choices"]
        return counts.sum(0) if agent is None else counts[agent]


def share(part: float, whole: float) -> float:
    """part / whole, 0 where there is nothing."""
    return float(part / whole) if whole else 0.0


def summarise(game: Game, sums: dict[str, np.ndarray], friendly: list[int]) -> dict[str, float]:
    """The metrics of one seed's block from its sums over episodes."""
    episodes = float(sums["episodes"])
    paid = {name: float(sums[f"paid:{name}"].sum()) / episodes for name in game.components}
    row: dict[str, float] = {"reward": sum(paid.values())} | paid
    for i, each in enumerate(np.sum([sums[f"paid:{name}"] for name in game.components], axis=0) / episodes):
        row[f"reward_{i}"] = float(each)
    count = dict(zip(game.choice_names, sums["choices"].sum(0), strict=True))
    if "play" in game.kinds:
        start, words = game.choice_offset["play"], game.choices("play")
        played = sums["choices"][:, start : start + len(words)]
        row["cooperation"] = share(played[:, friendly].sum(), played.sum())
        for i, each in enumerate(played):
            row[f"cooperation_{i}"] = share(each[friendly].sum(), each.sum())
    if "outcomes" in sums:
        for name, value in zip(
            ("mutual_cooperation", "sucker", "temptation", "mutual_defection"), sums["outcomes"], strict=True
        ):
            row[name] = share(value, sums["outcomes"].sum())
    if "justly" in sums:
        just, unjust, spared = sums["justly"][0], sums["unjustly"][0], sums["spared"]
        row["punishment"] = share(just + unjust, just + unjust + spared.sum())
        row["just_share"] = share(just, just + unjust)
        row["punish_defectors"] = share(just, just + spared[0])
        row["punish_cooperators"] = share(unjust, unjust + spared[1])
        row["just"], row["unjust"] = float(just) / episodes, float(unjust) / episodes
        row["spared_defectors"], row["spared_cooperators"] = (float(x) / episodes for x in spared)
        row["just_by_partner"], row["unjust_by_partner"] = (float(x) / episodes for x in sums["by_partner"])
    if "reputation" in sums:
        row["reputation"] = float(sums["reputation"].sum()) / episodes
    if "selected" in sums:
        selected = sums["selected"]
        row["cooperator_selection"] = share(float(sums["to_cooperators"]), selected.sum())
        row["most_selected"] = share(float(sums["to_favourites"]), selected.sum())
    for name in game.tallies:
        if name not in NAMED_TALLIES:
            row[name] = float(sums[name].sum()) / episodes
    for kind in game.kinds:
        if kind not in ("play", "punish", "select"):
            words = game.choices(kind)
            total = sum(count[f"{kind}:{word}"] for word in words)
            for word in words[1:]:
                row[f"{kind}:{word}"] = share(count[f"{kind}:{word}"], total)
    for part in game.parts:
        row |= part.measures(game, Block(game, sums))
    return row
