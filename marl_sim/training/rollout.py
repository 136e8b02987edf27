"""The one loop in which learners, policies and simulators meet."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ..core.errors import unknown
from ..core.game import Game
from ..core.registry import make
from ..core.rng import key_of, purpose
from ..core.simulator import Simulator, Step
from ..learners.base import HeadSpec, Learner
from ..policies.base import Policy, View, seat_key
from .credit import CREDITS
from .metrics import EpisodeBook

Rows = list[dict[str, Any]]


class Head:
    """One decision head: its lanes, its columns of the observation, and its open decisions."""

    def __init__(
        self, trainer: Trainer, name: str, kinds: tuple[str, ...], columns: slice, levels: Any, n_actions: int
    ):
        game = trainer.game
        self.name, self.columns, self.n_actions = name, columns, n_actions
        self.stages = [k for k, stage in enumerate(game.stages) if stage.kind in kinds]
        self.mask = np.zeros(len(game.stages), dtype=bool)
        self.mask[self.stages] = True
        self.components = tuple(trainer.rewards.get(name, game.components))
        spec = HeadSpec(name, columns.stop - columns.start, n_actions, levels)
        learner = trainer.learner if isinstance(trainer.learner, Learner) else trainer.learner[name]
        self.lanes = learner.build(spec, trainer.lane_seeds, trainer.lane_agents, trainer.device)
        shape = (len(trainer.lane_seeds), trainer.worlds_a_lane, spec.obs_dim, n_actions)
        self.credit = CREDITS[trainer.credit](self.stages, shape)

    def store(self, *transition: np.ndarray) -> None:
        """Remember transitions and learn from them."""
        self.lanes.add(*transition)
        self.lanes.learn()


def looks(game: Game) -> tuple[Any, ...]:
    """What agents meet of a game: how many they are, what they decide among, and how they see it."""
    seen = [(slot.kind, slot.name, slot.start, slot.stop, slot.levels) for slot in game.layout.slots]
    return game.n_agents, [(stage.kind, stage.choices) for stage in game.stages], seen


class Trainer:
    """Trains one learner an agent, for many seeds at once, in one game.

    game       a Game or the name of a registered one
    learner    DQN(...), TabularQ(...), ...: every agent of every seed is a lane of its own; or {head: learner}
    seeds      whole numbers, or how many (0, 1, ...); the numbers of a seed do not depend on the others
    episodes   episodes every world plays
    num_envs   worlds a seed, all driven by the same agents
    heads      "per stage": a network or table for every kind of decision; "one": one for all
    credit     "next" or "settled": when a decision is closed (see training.credit)
    rewards    {head: components}: which rewards teach which head; all, where a head is not named
    shared     one learner for all agents of a seed (parameter sharing) rather than one each
    policies   {agent: Policy}: seats that do not learn
    layers     reward layers over the game's payoffs (see training.introspection); records keep the true payoffs
    probes     called as probe(trainer, s, row) -> {column: number} for every row of seed number s
    block      episodes a row of records averages over

    Lanes are numbered seed by seed, agent by agent; lane = s * n_agents + i.
    """

    def __init__(
        self,
        game: Game | str,
        learner: Learner | Mapping[str, Learner],
        seeds: int | Sequence[int] = 1,
        episodes: int = 100,
        num_envs: int = 1,
        heads: str = "per stage",
        credit: str = "next",
        rewards: Mapping[str, Sequence[str]] | None = None,
        shared: bool = False,
        policies: Mapping[int, Policy] | None = None,
        layers: Sequence[Any] = (),
        probes: Sequence[Any] = (),
        block: int = 10,
        device: str = "cpu",
        threads: int = 1,
    ):
        self.game = make(game) if isinstance(game, str) else game
        self.learner, self.episodes, self.num_envs = learner, episodes, num_envs
        self.seeds = tuple(range(seeds)) if isinstance(seeds, int) else tuple(seeds)
        self.credit, self.device, self.shared = credit, device, shared
        self.rewards = {name: tuple(parts) for name, parts in (rewards or {}).items()}
        if policies is not None and not isinstance(policies, Mapping):
            raise ValueError(f"policies must map agents to policies, such as {{0: ActionRule(5)}}; got {policies!r}")
        self.policies, self.block = dict(policies or {}), block
        self.layers, self.probes = tuple(layers), tuple(probes)
        self._check(heads)
        n, s = self.game.n_agents, len(self.seeds)
        self.simulator = Simulator(self.game, num_envs, self.seeds, threads=threads, settled=credit == "settled")
        teams = 1 if shared else n
        self.lane_seeds = np.repeat(np.array(self.seeds, dtype=np.uint64), teams)
        self.lane_agents = np.tile(np.arange(teams), s)
        self.worlds_a_lane = num_envs * n // teams
        self.heads = self._heads(heads)
        self.learns = np.array([i not in self.policies for i in range(n)])
        self.book = EpisodeBook(self.game, self.seeds, num_envs, block, episodes)
        self.steps = 0
        self.simulator.reset()

    def _check(self, heads: str) -> None:
        if not self.seeds or len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds must be at least one and all different; got {self.seeds}")
        for name, value in (("episodes", self.episodes), ("num_envs", self.num_envs), ("block", self.block)):
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be a whole number of at least 1; got {value!r}")
        if heads not in ("per stage", "one"):
            raise ValueError(f"heads must be 'per stage' or 'one'; got {heads!r}")
        if self.credit not in CREDITS:
            raise ValueError(unknown("credit", self.credit, CREDITS))
        if self.game.box is not None:
            raise ValueError(
                f"learners choose among whole numbers; {self.game.label} has continuous decisions, box=False has not"
            )
        names = self.game.kinds if heads == "per stage" else ("all",)
        if not isinstance(self.learner, Learner | Mapping):
            raise ValueError(f"learner must be a Learner such as DQN(), or one for each head; got {self.learner!r}")
        if not isinstance(self.learner, Learner):
            for head in names:
                if not isinstance(self.learner.get(head), Learner):
                    raise ValueError(f"learner must be a Learner, or name one for each head; nothing for {head!r}")
        for head, parts in self.rewards.items():
            if head not in names:
                raise ValueError(unknown("head in rewards:", head, names))
            for part in parts:
                if part not in self.game.components:
                    raise ValueError(unknown(f"reward component for {head!r}:", part, self.game.components))
        for agent, policy in self.policies.items():
            if agent not in range(self.game.n_agents):
                raise ValueError(f"policies names agent {agent!r}; the game has agents 0 to {self.game.n_agents - 1}")
            if not isinstance(policy, Policy):
                raise ValueError(
                    f"policies must hold a Policy for agent {agent}, such as ActionRule(5); got {policy!r}"
                )

    def _heads(self, heads: str) -> list[Head]:
        game = self.game
        if heads == "one":
            return [Head(self, "all", game.kinds, slice(0, game.obs_dim), None, game.n_actions)]
        made = []
        for kind in game.kinds:
            columns, levels = game.layout.block(kind), game.layout.levels(kind)
            if columns.start == columns.stop:  # it sees nothing but that it is its turn: the stage's own column
                turn = next(k for k, stage in enumerate(game.stages) if stage.kind == kind)
                columns, levels = slice(turn, turn + 1), (2,)
            made.append(Head(self, kind, (kind,), columns, levels, len(game.choices(kind))))
        return made

    def arrange(self, x: np.ndarray) -> np.ndarray:
        """[worlds, agents, ...] as [lanes, worlds a lane, ...]."""
        s, b, n = len(self.seeds), self.num_envs, self.game.n_agents
        x = x.reshape(s, b, n, *x.shape[2:])
        if self.shared:
            return x.reshape(s, b * n, *x.shape[3:])
        return np.ascontiguousarray(x.swapaxes(1, 2)).reshape(s * n, b, *x.shape[3:])

    def restore(self, x: np.ndarray) -> np.ndarray:
        """[lanes, worlds a lane] as [worlds, agents]."""
        s, b, n = len(self.seeds), self.num_envs, self.game.n_agents
        if self.shared:
            return x.reshape(s * b, n)
        return x.reshape(s, n, b).swapaxes(1, 2).reshape(s * b, n)

    # ------------------------------------------------------------ the loop

    @property
    def updates(self) -> int:
        """Learning steps done so far, over all lanes and heads."""
        return int(sum(head.lanes.updates.sum() for head in self.heads))

    @property
    def episode(self) -> int:
        """Episodes that every seed has completed and recorded."""
        return int(self.book.done.min())

    def run(self, greedy: bool = False) -> Iterator[Rows]:
        """Play and learn; yields the rows of a block whenever every seed has completed one."""
        ready: Rows = []
        while self.episode < self.episodes:
            before = self.episode
            ready += self.advance(greedy)
            if self.episode > before:
                yield ready
                ready = []

    def evaluate(self, episodes: int = 20, game: Game | None = None) -> Rows:
        """A row for each seed of what its agents do when they neither explore nor learn, in worlds of their own.

        episodes  at least so many, equally many in each of num_envs worlds a seed; the training's worlds and random
                  streams stay untouched
        game      where they play: the game they were trained in, or one that looks the same to them
        """
        game = self.game if game is None else game
        if looks(game) != looks(self.game):
            raise ValueError(
                f"agents trained in one game can play another of the same agents, stages, choices and observations; "
                f"{game.label} and {self.game.label} differ in them"
            )
        seeds = [int(key_of(seed, purpose("evaluation"))) for seed in self.seeds]
        sim = Simulator(game, self.num_envs, seeds)
        sim.reset()
        block = -(-episodes // self.num_envs)
        book = EpisodeBook(game, self.seeds, self.num_envs, block, block, even=True)
        rows: Rows = []
        while len(rows) < len(self.seeds):
            rows += book.see(sim.step(self._decide(sim, greedy=True)[0]))
        return sorted(rows, key=lambda row: self.seeds.index(row["seed"]))

    def advance(self, greedy: bool = False) -> Rows:
        """One stage in every world: decide, play, credit, learn. Returns the rows it completes."""
        sim = self.simulator
        actions, pay = self._decide(sim, greedy)
        step = sim.step(actions)
        self.steps += self.simulator.num_worlds
        if not greedy:
            for head in self.heads:
                head.credit.earn(self._reward(head, step, pay))
                head.credit.close(step, self.arrange, head.columns, head.store)
            self._end_episodes(step.terminated | step.truncated)
        rows = self.book.see(step)
        for row in rows:
            for probe in self.probes:
                row.update(probe(self, self.seeds.index(row["seed"]), row))
        return rows

    def _end_episodes(self, ended: np.ndarray) -> None:
        """Tell lanes whose episode is over, in one of their worlds at least: an episode's memory is forgotten."""
        if ended.any():
            lanes = np.asarray(self.arrange(np.broadcast_to(ended[:, None], self.simulator.acting.shape)).any(axis=1))
            for head in self.heads:
                head.lanes.end_episode(lanes)

    def _decide(self, sim: Simulator, greedy: bool) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        actions = np.zeros(sim.acting.shape, dtype=np.int64)
        extra: dict[str, np.ndarray] = {}
        for head in self.heads:
            turn = sim.acting & head.mask[sim.stage][:, None] & self.learns
            if not turn.any():
                continue
            deciding = self.arrange(turn)
            obs = self.arrange(sim.obs[:, :, head.columns])
            legal = self.arrange(sim.legal[:, :, : head.n_actions])
            chosen = head.lanes.act(obs, legal, deciding, greedy=greedy)
            actions += self.restore(chosen)
            if greedy:
                continue
            stage = self.arrange(np.broadcast_to(sim.stage[:, None], turn.shape))
            head.credit.decide(stage, deciding, obs, legal, chosen, head.store)
            for layer in self.layers:
                more = layer.extra(self, head, obs, deciding, chosen)
                if more is not None:
                    extra[head.name] = extra.get(head.name, 0.0) + more
        for agent, policy in self.policies.items():
            self._play_policy(sim, agent, policy, actions)
        return actions, extra

    def _play_policy(self, sim: Simulator, agent: int, policy: Policy, actions: np.ndarray) -> None:
        for k in np.unique(sim.stage[sim.acting[:, agent]]):
            where = np.flatnonzero(sim.acting[:, agent] & (sim.stage == k))
            tick = sim.state["tick"]
            keys = [
                (seat_key(self.seeds[s], agent, int(tick[s * self.num_envs, 0])), int(count))
                for s, count in enumerate(np.bincount(where // self.num_envs, minlength=len(self.seeds)))
                if count
            ]
            kind, obs, legal = self.game.stages[k].kind, sim.obs[where, agent], sim.legal[where, agent]
            view = View(kind, obs, legal, self.game.layout, self.game.field_levels, keys)
            chosen = np.asarray(policy.act(view))
            if chosen.shape != where.shape:
                raise ValueError(
                    f"{type(policy).__name__} must return an action for each of {where.size} worlds; "
                    f"got shape {chosen.shape}"
                )
            actions[where, agent] = chosen

    def _reward(self, head: Head, step: Step, extra: dict[str, np.ndarray]) -> np.ndarray:
        total = sum((step.components[name] for name in head.components), np.zeros(step.reward.shape))
        for layer in self.layers:
            total *= layer.scale(head.name)
        paid = self.arrange(total)
        return paid + extra[head.name] if head.name in extra else paid

    # ------------------------------------------------------------ keep and restore

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that the rest of the training depends on, as a flat {name: array}."""
        kept = {f"sim/{k}": v for k, v in self.simulator.save().items()}
        kept |= {f"book/{k}": v for k, v in self.book.state_dict().items()}
        for head in self.heads:
            kept |= {f"{head.name}/lanes/{k}": v for k, v in head.lanes.state_dict().items()}
            kept |= {f"{head.name}/credit/{k}": v.copy() for k, v in head.credit.state().items()}
        return kept | {"steps": np.array(self.steps)}

    def final_state(self) -> dict[str, np.ndarray]:
        """What was learned, without what only going on would need (replay, optimiser), as a flat {name: array}."""
        kept = {f"{h.name}/lanes/{k}": v for h in self.heads for k, v in h.lanes.state_dict().items()}
        return {k: v for k, v in kept.items() if not k.rpartition("/")[2].startswith(("replay", "adam"))}

    def load_state_dict(self, saved: Mapping[str, np.ndarray]) -> None:
        """Go on from a state_dict, bit for bit."""

        def under(prefix: str) -> dict[str, np.ndarray]:
            return {k[len(prefix) :]: v for k, v in saved.items() if k.startswith(prefix)}

        self.simulator.load(under("sim/"))
        self.book.load_state_dict(under("book/"))
        for head in self.heads:
            head.lanes.load_state_dict(under(f"{head.name}/lanes/"))
            for name, array in head.credit.state().items():
                array[...] = saved[f"{head.name}/credit/{name}"]
        self.steps = int(saved["steps"])
