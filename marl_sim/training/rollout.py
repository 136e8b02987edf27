"""The one loop in which learners, policies and worlds meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import closing
from typing import Any

import numpy as np

from ..core.errors import unknown
from ..core.game import Game
from ..core.rng import key_of, purpose
from ..learners.base import Learner
from ..policies import Seats
from .best import Best, learned
from .credit import CREDITS
from .heads import Head, check_team_reward
from .overlap import thread
from .seats import Group, seated
from .shuffled import ShuffledWorlds
from .worlds import SimulatorWorlds, Worlds, as_worlds, looks

Rows = list[dict[str, Any]]


class Trainer:
    """Trains independent or centralised learners, for many seeds at once, in one game or environment.

    game         a Game, the name of a registered one, "pettingzoo:mpe2.simple_spread_v3", "my_module:MyEnv", or what
                 makes a PettingZoo environment (see training.outside)
    learner      DQN(...), PPO(...), TabularQ(...), ...: every agent of every seed is a lane of its own; or {head:
                 learner}. Centralised learners (MAPPO, VDN, ...) drive all agents by one lane a seed
    seeds        whole numbers, or how many (0, 1, ...); the numbers of a seed do not depend on the others
    episodes     episodes every world plays
    num_envs     worlds a seed, all driven by the same agents
    heads        "per stage": a network or table for every kind of decision; "one": one for all
    credit       "next" or "settled": when a decision is closed (see training.credit)
    rewards      {head: components}: which rewards teach which head; all, where a head is not named
    shared       one learner for all agents of a seed (parameter sharing) rather than one each
    policies     {agent: policy}: seats that do not learn; a Policy, or whatever `ms.as_policy` takes
    seating      {"agent_0..3": PPO(), "agent_4": "TitForTat"}: who sits where, in place of learner and policies; each
                 entry is a group of its own, so that two entries with a centralised learner are two rival teams
    guests       {"agent_2": "TitForTat"}: policies that take these seats from whoever would sit there
    team_reward  "sum" or "mean": what a centralised learner's group is paid where its agents are paid apart; "own":
                 each its own reward, under a central critic
    shuffle_seats  every game seats the players anew, at random (see training.shuffled); agents are then players
    layers       reward layers over the game's payoffs (social preferences, introspection); records keep the true ones
    probes       called as probe(trainer, s, row) -> {column: number} for every row of seed number s
    block        episodes a row of records averages over
    device       where learners compute: "cpu", or a GPU that torch sees ("cuda", "cuda:1", ...)
    overlap      learn while the worlds go on, in a thread of its own. Learners of single transitions (DQN, tables) are
                 waited for before they act, which changes nothing, and off the CPU they always do so; all others act by
                 the parameters of one update ago. Not for learners of rounds (LOLA, LIO)
    options      options of a game or environment given by its name

    Lanes are numbered seed by seed, agent by agent; lane = s * n_agents + i.
    """

    def __init__(
        self,
        game: Any,
        learner: Learner | Mapping[str, Learner] | None = None,
        seeds: int | Sequence[int] = 1,
        episodes: int = 100,
        num_envs: int = 1,
        heads: str = "per stage",
        credit: str = "next",
        rewards: Mapping[str, Sequence[str]] | None = None,
        shared: bool = False,
        policies: Mapping[int, Any] | None = None,
        seating: Mapping[Any, Any] | None = None,
        guests: Mapping[Any, Any] | None = None,
        team_reward: str | None = None,
        shuffle_seats: bool = False,
        layers: Sequence[Any] = (),
        probes: Sequence[Any] = (),
        block: int = 10,
        device: str = "cpu",
        threads: int = 1,
        options: Mapping[str, Any] | None = None,
        overlap: bool = False,
    ):
        self.learner, self.num_envs = learner, num_envs
        self.seeds = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
        self.credit, self.device, self.shared, self.team_reward = credit, device, shared, team_reward
        self.overlap, self._pool = overlap, None  # type: tuple[bool, Executor | None]
        self.rewards = {name: tuple(parts) for name, parts in (rewards or {}).items()}
        self.layers, self.probes, self.block = tuple(layers), tuple(probes), block
        self._check(heads, episodes)
        self.worlds: Worlds = as_worlds(game, num_envs, self.seeds, options, threads, credit == "settled")
        if shuffle_seats:
            self._check_shuffle()
            self.worlds = ShuffledWorlds(self.worlds)
        self.game: Any = getattr(self.worlds, "game", None)
        self.groups, self.policies = seated(learner, policies, seating, guests, shared, self.worlds.agents)
        check_team_reward(team_reward, self.groups)
        self.learns = np.array([i not in self.policies for i in range(self.worlds.n_agents)])
        self.heads = self._heads(heads)
        self.book = self.worlds.book(block, episodes)
        self.best = Best(self.seeds)
        self.steps = 0
        self._watching: list[Any] = []  # what learners remember where they only play
        self.worlds.reset()
        self.pasts: dict[int, dict[int, dict[str, np.ndarray]]] = {}  # agent -> episode -> what it had learned by then
        self.seats = Seats(self.worlds, self.policies, self)
        self._renew()

    @property
    def simulator(self) -> Any:
        """The Simulator, where the worlds are ours."""
        return getattr(self.worlds, "simulator", None)

    def _check(self, heads: str, episodes: int) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be at least one and all different; got {self.seeds}")
        for name, value in (("episodes", episodes), ("num_envs", self.num_envs), ("block", self.block)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}")
        if heads not in ("per stage", "one"):
            raise ValueError(f"heads must be 'per stage' or 'one'; got {heads!r}")
        if self.credit not in CREDITS:
            raise ValueError(unknown("credit", self.credit, CREDITS))

    def _check_shuffle(self) -> None:
        if self.credit == "settled" or any(hasattr(layer, "extra") for layer in self.layers):
            raise ValueError(
                "shuffle_seats goes with credit 'next' and layers of rewards alone: settling and introspection look at "
                "seats"
            )

    def _heads(self, heads: str) -> list[Head]:
        made = []
        for group in self.groups:
            made += self._heads_of(group, heads)
        names = {head.name for head in made}
        for head, parts in self.rewards.items():
            if head not in names:
                raise ValueError(unknown("head in rewards:", head, names))
            for part in parts:
                if part not in self.worlds.components:
                    raise ValueError(unknown(f"reward component for {head!r}:", part, self.worlds.components))
        return made

    def _heads_of(self, group: Group, heads: str) -> list[Head]:
        whole = isinstance(group.learner, Learner) and group.learner.feed == "steps"
        plans = self.worlds.plans("one" if whole else heads)
        if not isinstance(group.learner, Learner):
            for plan in plans:
                if not isinstance(group.learner.get(plan.name), Learner):
                    raise ValueError(f"learner must be a Learner, or name one for each head; nothing for {plan.name!r}")
        first = "" if len(self.groups) == 1 else f"{self.worlds.agents[group.agents[0]]}/"
        for plan in plans:
            if self.credit == "settled" and group.of(plan.name).feed != "transitions":
                raise ValueError(
                    f"credit 'settled' is for learners of single transitions such as DQN; "
                    f"{type(group.of(plan.name)).__name__} learns from decisions in their order, with credit 'next'"
                )
            if self.credit == "settled" and getattr(group.of(plan.name).for_head(plan.name), "n_step", 1) > 1:
                raise ValueError("credit 'settled' closes every decision by itself; n_step must be 1, or credit 'next'")
        return [Head(self, group, plan, f"{first}{plan.name}") for plan in plans]

    def pool(self) -> Executor:
        """The thread in which learners learn while the worlds go on."""
        if self._pool is None:
            self._pool = thread()
        return self._pool

    # ------------------------------------------------------------ the loop

    @property
    def updates(self) -> int:
        """Learning steps done so far, over all lanes and heads."""
        return int(sum(head.playing.updates.sum() for head in self.heads))

    @property
    def episodes(self) -> int:
        """Episodes every world plays; a training may be told to go on for more."""
        return self.book.episodes

    @episodes.setter
    def episodes(self, value: int) -> None:
        self.book.episodes = value

    @property
    def episode(self) -> int:
        """Episodes that every seed has completed and recorded."""
        return int(self.book.done.min())

    def run(self, greedy: bool = False) -> Iterator[Rows]:
        """Play and learn; yields the rows of a block whenever every seed has completed one.

        At the end, or where something goes wrong, it closes what its players hold.
        """
        ready: Rows = []
        while self.episode < self.episodes:
            before = self.episode
            try:
                ready += self.advance(greedy)
            except BaseException:
                self.close()
                raise
            if self.episode > before:
                yield ready
                ready = []
        self.close()

    def close(self) -> None:
        """Let go of what the players in the seats hold: connections, processes. Who plays on takes them up anew."""
        self.seats.close()

    def evaluate(self, episodes: int = 20, game: Game | None = None, greedy: bool = True) -> Rows:
        """A row for each seed of what its agents do when they do not learn, in worlds of their own.

        episodes  at least so many, equally many in each of num_envs worlds a seed; the training's worlds and random
                  streams stay untouched
        game      where they play: the game they were trained in, or one that looks the same to them
        greedy    without exploring; False: as they explore now
        """
        if game is not None and looks(game) != looks(self.game):
            raise ValueError(
                f"agents trained in one game can play another of the same agents, stages, choices and observations; "
                f"{game.label} and {self.game.label} differ in them"
            )
        seeds = tuple(int(key_of(seed, purpose("evaluation"))) for seed in self.seeds)
        worlds: Worlds = self.worlds.another(self.num_envs, seeds)
        if game is not None:
            worlds = SimulatorWorlds(game, self.num_envs, seeds)
            worlds = ShuffledWorlds(worlds) if isinstance(self.worlds, ShuffledWorlds) else worlds
        worlds.reset()
        block = -(-episodes // self.num_envs)
        book = worlds.book(block, block, even=True)
        memories = [head.fresh_memory() for head in self.heads]
        clocks = [head.lanes.decisions.copy() for head in self.heads]
        seats = Seats(worlds, self.policies, self)
        rows: Rows = []
        with closing(worlds), closing(seats):
            while len(rows) < len(seeds):
                actions, _ = self._decide(worlds, seats, greedy, memories)
                moment = worlds.step(actions)
                seats.saw(moment, actions)
                for head, memory in zip(self.heads, memories, strict=True):
                    head.forget(memory, moment)
                rows += book.see(moment.raw)
        for head, clock in zip(self.heads, clocks, strict=True):
            head.lanes.decisions[...] = clock
        own = dict(zip(seeds, self.seeds, strict=True))
        return sorted(
            ({**row, "seed": own[row["seed"]]} for row in rows), key=lambda row: self.seeds.index(row["seed"])
        )

    def advance(self, greedy: bool = False) -> Rows:
        """One step in every world: decide, play, credit, learn. Returns the rows it completes."""
        if greedy and not self._watching:
            self._watching = [head.fresh_memory() for head in self.heads]
        actions, extra = self._decide(self.worlds, self.seats, greedy, self._watching if greedy else None)
        moment = self.worlds.step(actions)
        self.seats.saw(moment, actions)
        self.steps += self.worlds.num_worlds
        for head, memory in zip(self.heads, self._watching if greedy else ()):
            head.forget(memory, moment)
        if not greedy:
            for head in self.heads:
                head.feed.earn(head.reward(moment, extra.get(head.label)))
                head.feed.close(moment)
                head.feed.look()
                head.end_episodes(moment.ended)
        rows = self.book.see(moment.raw)
        for row in rows:
            for probe in self.probes:
                row.update(probe(self, self.seeds.index(row["seed"]), row))
        self.best.see(self.heads, rows)
        if rows and not greedy:
            self._renew()
        return rows

    def _renew(self) -> None:
        """Let policies that are made of what is learned here take it over."""
        for player in self.seats.players:
            if hasattr(player.policy, "renew"):
                player.policy.renew(player, self)

    def _decide(
        self, worlds: Worlds, seats: Seats, greedy: bool, memories: list[Any] | None = None
    ) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Everybody's actions; in the training's own worlds (memories None) decisions are also remembered."""
        shape, kind = worlds.acting.shape, np.int64 if worlds.box is None else np.float64
        actions = np.zeros(shape if worlds.box is None else (*shape, len(worlds.box[0])), dtype=kind)
        extra: dict[str, np.ndarray] = {}
        seats.begin()
        at_once = memories is None and not greedy and not any(hasattr(layer, "extra") for layer in self.layers)
        for number, head in enumerate(self.heads):
            if at_once and head.play(actions):
                continue
            turn = head.turn(worlds)
            deciding = head.arrange(turn)
            if not np.count_nonzero(turn) and head.learner.feed != "steps":
                continue
            obs = head.arrange(worlds.obs[:, :, head.columns])
            legal = head.arrange(worlds.legal[:, :, : head.n_actions])
            chosen = head.act(obs, legal, deciding, greedy, None if memories is None else memories[number])
            head.put(chosen, actions)
            if greedy or memories is not None:
                continue
            head.feed.decide(deciding, obs, legal, chosen)
            for layer in self.layers:
                more = layer.extra(self, head, obs, deciding, chosen) if hasattr(layer, "extra") else None
                if more is not None:
                    extra[head.label] = extra.get(head.label, 0.0) + more
        seats.choose(actions)
        if not greedy and memories is None:
            for head in self.heads:
                if head.spec.others:
                    head.feed.watch(head.others_did(actions), head.arrange(head.turn()))
        return actions, extra

    # ------------------------------------------------------------ keep and restore

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that the rest of the training depends on, as a flat {name: array}."""
        kept = {f"sim/{k}": v for k, v in self.worlds.save().items()}
        kept |= {f"book/{k}": v for k, v in self.book.state_dict().items()}
        kept |= {f"seats/{k}": v for k, v in self.seats.state_dict().items()}
        for agent, pasts in self.pasts.items():
            for episode, learned_then in pasts.items():
                kept |= {f"pasts/{agent}/{episode}/{name}": array for name, array in learned_then.items()}
        for head in self.heads:
            kept |= head.state_dict()
        return kept | self.best.state_dict() | {"steps": np.array(self.steps)}

    def final_state(self) -> dict[str, np.ndarray]:
        """What was learned, at the end and at its best, without what only going on would need (replay, optimiser)."""
        return learned(self.heads) | self.best.state_dict()

    def load_final_state(self, saved: Mapping[str, np.ndarray], best: bool = False) -> None:
        """Take over what was learned, from `final_state` or `state_dict`, to play with it or to evaluate it.

        best: what each seed had learned after its best block, rather than what it had learned last.
        """
        saved = _under("best/", saved) if best else saved
        for head in self.heads:
            head.lanes.load_learned(_under(f"{head.label}/lanes/", saved))

    def load_state_dict(self, saved: Mapping[str, np.ndarray]) -> None:
        """Go on from a state_dict, bit for bit."""
        for head in self.heads:  # first: it refuses what is of other shapes
            head.load_state_dict(dict(saved))
        self.worlds.load(_under("sim/", saved))
        self.book.load_state_dict(_under("book/", saved))
        self.pasts = {}
        for name, array in _under("pasts/", saved).items():
            agent, episode, what = name.split("/", 2)
            self.pasts.setdefault(int(agent), {}).setdefault(int(episode), {})[what] = array
        if self.pasts:
            self.seats = Seats(self.worlds, self.policies, self)
        self.seats.load_state_dict(_under("seats/", saved))
        self.best.load_state_dict(saved)
        self.steps = int(saved["steps"])


def _under(prefix: str, saved: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {k[len(prefix) :]: v for k, v in saved.items() if k.startswith(prefix)}
