"""Playing against one's own past: copies of what a learner was, taken from time to time, in another seat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from ..policies import Player, Policy, View
from .population import Population, Roster

if TYPE_CHECKING:
    from .rollout import Trainer


class SelfPlay(Population):
    """A seat in which past selves of a learner sit (and the members beside them, if there are any).

    of        whose: the number or name of an agent that learns in the same training
    every     episodes from one copy to the next; the first is taken before anything is learned
    keep      at most so many copies; the oldest goes first
    greedy    they do not explore; else they act as the learner did when they were taken
    members, rule   as of a Population; a rule sees the copies as "agent_0 of episode 50"

        ms.Trainer(game, seating={"agent_0": ms.PPO(), "agent_1": ms.SelfPlay(of=0, every=20, keep=5)})

    Each seed meets its own past alone. ValueError in one sentence for an agent that does not learn, or that learns to
    decide on something else than what is decided in this seat.
    """

    of: int | str = 0
    every: int = 50
    keep: int = 5
    greedy: bool = False
    tags: ClassVar[dict[str, Any]] = {}

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("every", "keep"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"SelfPlay: {name} must be a whole number of at least 1; got {value!r}")

    def reset(self, player: Player) -> None:
        super().reset(player)
        trainer = player.table.trainer
        if trainer is None:
            raise ValueError("SelfPlay sits in a Trainer's seats, where somebody learns; there is no training here")
        pasts = trainer.pasts.setdefault(self._agent(trainer), {})
        for episode, learned in pasts.items():
            self._enter(player, trainer, episode, learned)

    def _agent(self, trainer: Trainer) -> int:
        """The number of the learner."""
        names = trainer.worlds.agents
        agent = names.index(self.of) if self.of in names else self.of
        if agent not in range(len(names)) or not trainer.learns[agent]:
            raise ValueError(f"SelfPlay: of must be an agent that learns; got {self.of!r}")
        return int(agent)

    def _enter(self, player: Player, trainer: Trainer, episode: int, learned: Mapping[str, np.ndarray]) -> None:
        agent = self._agent(trainer)
        past = PastSelf(PastLanes(trainer, agent, episode, learned), self.greedy)  # type: ignore[call-arg]
        player.children.add(past, f"{trainer.worlds.agents[agent]} of episode {episode}")

    def renew(self, player: Player, trainer: Trainer) -> None:
        """Between two blocks of a training: take a copy where it is time, and let the oldest go."""
        agent, episode = self._agent(trainer), trainer.episode
        pasts = trainer.pasts.setdefault(agent, {})
        if not pasts or episode >= max(pasts) + self.every:
            pasts[episode] = _taken(trainer, agent)
            self._enter(player, trainer, episode, pasts[episode])
        roster: Roster = player.children
        while len(pasts) > self.keep:
            del pasts[min(pasts)]
            roster.drop(min(number for number in roster.numbers if isinstance(roster.players[number].policy, PastSelf)))


def _taken(trainer: Trainer, agent: int) -> dict[str, np.ndarray]:
    """What an agent has learned by now, {head/name: [S, ...]}."""
    made: dict[str, np.ndarray] = {}
    for head in trainer.heads:
        if head.learns[agent]:
            rows = head.lanes_of(agent)
            made |= {f"{head.name}/{name}": array[rows] for name, array in head.playing.played().items()}
    return made


class PastLanes:
    """Lanes of an agent as it was, one a seed; nothing here learns."""

    def __init__(self, trainer: Trainer, agent: int, episode: int, learned: Mapping[str, np.ndarray]) -> None:
        self.heads = {head.name: head for head in trainer.heads if head.learns[agent]}
        self.lanes = {}
        seeds = np.array(trainer.seeds, dtype=np.uint64)
        apart = np.full(len(seeds), agent + (episode + 1) * trainer.worlds.n_agents)  # random streams of its own
        for name, head in self.heads.items():
            if head.spec.team > 1:
                raise ValueError(f"SelfPlay copies independent learners; {type(head.learner).__name__} drives a team")
            lanes = head.learner.build(head.spec, seeds, apart, trainer.device)
            prefix = f"{name}/"
            lanes.load_learned({k[len(prefix) :]: v for k, v in learned.items() if k.startswith(prefix)})
            self.lanes[name] = lanes


class PastSelf(Policy):
    """What a learner was, in the rows of another seat. Memory begins empty with every episode."""

    past: Any = None
    greedy: bool = False
    tags: ClassVar[dict[str, Any]] = {}
    recalls: ClassVar[bool] = False

    def reset(self, player: Player) -> None:
        for name, lanes in self.past.lanes.items():
            player.common |= {f"decisions {name}": lanes.decisions, f"greedy_ties {name}": lanes.greedy_ties}
            if hasattr(lanes, "fresh_memory"):
                player.keep(f"memory {name}", lanes.fresh_memory(1)[0, 0])

    def act(self, view: View) -> np.ndarray:
        name = view.kind if view.kind in self.past.lanes else "all"
        if name not in self.past.lanes:
            raise ValueError(f"a past self knows how to decide on {', '.join(self.past.lanes)}, not on {view.kind!r}")
        head, lanes = self.past.heads[name], self.past.lanes[name]
        lane, stream, shape = _places(view)
        obs = np.zeros((*shape, head.spec.obs_dim), np.float32)
        legal = np.ones((*shape, head.n_actions), bool)
        deciding = np.zeros(shape, bool)
        obs[lane, stream], deciding[lane, stream] = view.obs[:, head.columns], True
        legal[lane, stream] = view.legal[:, : head.n_actions]
        more = {}
        if f"memory {name}" in view.player.kept:
            memory = np.zeros((*shape, *view.kept[f"memory {name}"].shape[1:]), np.float32)
            memory[lane, stream] = view.kept[f"memory {name}"]
            more["memory"] = memory
        chosen = lanes.act(obs, legal, deciding, greedy=self.greedy, **more)[lane, stream]
        if more:
            view.kept[f"memory {name}"] = more["memory"][lane, stream]
        return chosen if view.box is None else chosen[:, 0]

    def see(self, seen: Any) -> None:
        """An episode's memory ends with it."""
        ended = seen.terminated | seen.truncated
        for name, array in seen.player.kept.items():
            if name.startswith("memory "):
                array[ended] = 0


def _places(view: View) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Lane and stream of each row: a lane a seed, a stream for each of a seed's rows."""
    player, table = view.player, view.player.table
    streams = player.num_rows // len(table.seeds)
    if "stream" not in player.store:
        order = np.lexsort((player.agents, player.worlds))
        stream = np.empty(player.num_rows, np.int64)
        stream[order] = np.arange(player.num_rows) % streams
        player.store["stream"] = stream
    return view.worlds // table.num_envs, player.store["stream"][view.rows], (len(table.seeds), streams)
