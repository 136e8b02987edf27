"""What a run learned, in the seats of one world: finished, or still in training."""

from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ..core.simulator import Simulator
from ..policies import Seats
from ..training import watching
from ..training.records import RecordError
from ..training.runs import learned_trainer, open_condition, playing_trainer

ASK_EVERY = 5.0  # seconds between two requests to a training for its newest policies


class Learned:
    """The agents of one seed of a run.

    path        a run folder
    condition   of a run with several
    seed        whose agents play, of the run's seeds; None: the first
    greedy      without exploring
    best        each seed's best policies rather than its last
    follow      keep up with a training that goes on: see `refresh`

    Raises RecordError in one sentence where the run cannot be opened, ValueError for a seed that it does not have.
    """

    def __init__(
        self, path: str | Path, condition: str | None = None, seed: int | None = None, greedy: bool = True,
        best: bool = False, follow: bool = False,
    ) -> None:  # fmt: skip
        self._record = open_condition(path, condition)
        if follow:
            self.trainer = playing_trainer(self._record, num_envs=1)
        else:
            self.trainer = learned_trainer(path, condition, best, num_envs=1)
        if self.trainer.game is None:
            raise RecordError(f"{path} was trained in {self.trainer.worlds.label}, which is no game of marl_sim")
        self.game, self.greedy, self.follows = self.trainer.game, greedy, follow
        self.seeds = self.trainer.seeds
        self.lane = 0
        self.choose(self.seeds[0] if seed is None else seed)
        self._mirror = _Mirror(self.trainer)
        self._seats: Seats | None = None
        self.begin()
        self._modules: dict[tuple[int, int], Any] = {}
        self.episode: int | None = None  # of the training that is followed
        self._written = self._asked = 0.0
        if follow:
            watching.ask(self._record.path)

    def choose(self, seed: int) -> None:
        """Let the agents of another of the run's seeds play."""
        if seed not in self.seeds:
            raise ValueError(f"the run has no seed {seed}; it has {', '.join(map(str, self.seeds))}")
        self.lane = self.seeds.index(seed)
        self._modules = {}
        self.names = [self._name(i) for i in range(self.game.n_agents)]

    def _name(self, agent: int) -> str:
        if agent in self.trainer.policies:
            return self.trainer.policies[agent].name
        learner = next(head.learner for head in self.trainer.heads if head.learns[agent])
        return f"{type(learner).__name__}, seed {self.seeds[self.lane]}"

    # ------------------------------------------------------------ a training that goes on

    def refresh(self) -> bool:
        """Take over policies newer than those that play, if the training has left any; whether it has."""
        now = time.monotonic()
        if not self.follows:
            return False
        if now - self._asked > ASK_EVERY:
            self._asked = now
            if self._record.finished:
                return self._finish()
            watching.ask(self._record.path)
        found = watching.newest(self._record.path, self._written)
        if found is None:
            return False
        state, self.episode, self._written = found
        self.trainer.load_final_state(state)
        self._modules = {}
        return True

    def _finish(self) -> bool:
        """Play as what was learned in the end."""
        self.follows = False
        self.trainer.load_final_state(self._record.state())
        self._modules, self.episode = {}, None
        return True

    # ------------------------------------------------------------ Minds

    def decide(self, simulator: Simulator) -> np.ndarray:
        """Everybody's actions [n]. The run's other seeds decide along, in a world that looks the same to them."""
        self._mirror.show(simulator)
        seats = self._seats if self._seats is not None else Seats(self._mirror, self.trainer.policies)
        self._seats = seats
        worlds: Any = self._mirror
        actions = self.trainer._decide(worlds, seats, self.greedy, self._memories)[0][self.lane]
        return actions[:, 0] if simulator.game.box else actions

    def saw(self, step: Any, actions: np.ndarray) -> None:
        """Memories of games that are over are forgotten; policies among the agents are told what came of it."""
        lanes, n = len(self.seeds), self.game.n_agents
        over, stopped = (np.full((lanes, n), bool(flag[0])) for flag in (step.terminated, step.truncated))
        reward = np.repeat(step.reward, lanes, axis=0)
        moment = SimpleNamespace(terminated=over, truncated=stopped, ended=(over | stopped)[:, 0], reward=reward)
        for head, memory in zip(self.trainer.heads, self._memories, strict=True):
            head.forget(memory, moment)
        if self._seats is not None and self.trainer.policies:
            self._mirror.show(self._mirror.shown)
            self._seats.saw(moment, np.repeat(actions[None], lanes, axis=0))

    def begin(self) -> None:
        """Empty memories."""
        self._memories = [head.fresh_memory() for head in self.trainer.heads]
        self._seats = None

    def remember(self) -> Any:
        """Copies of the memories, of agents and of policies among them."""
        kept = [None if memory is None else memory.copy() for memory in self._memories]
        return kept, None if self._seats is None else self._seats.state_dict()

    def recall(self, remembered: Any) -> None:
        """Take them over again."""
        memories, seats = remembered
        self._memories = [None if memory is None else memory.copy() for memory in memories]
        if seats is None:
            self._seats = None
        elif self._seats is not None:
            self._seats.load_state_dict(seats)

    def likes(self, simulator: Simulator, agent: int) -> tuple[str, np.ndarray] | None:
        """Probabilities of a policy, or values of the actions; None where the agent is asked nothing."""
        import torch

        at = int(simulator.stage[0])
        for number, head in enumerate(self.trainer.heads):
            if not (head.learns[agent] and head.mask[at]):
                continue
            key = number, agent
            if key not in self._modules:
                self._modules[key] = head.module(self.lane, agent)
            module, who = self._modules[key]
            obs = torch.from_numpy(simulator.obs[:, agent, head.columns].copy())
            legal = torch.from_numpy(simulator.legal[:, agent, : head.n_actions].copy())
            memory = torch.zeros(1, module.hidden)
            if module.hidden and self._memories[number] is not None:
                memory = torch.from_numpy(self._own_memory(number, head, agent)).reshape(1, -1)[:, : module.hidden]
            with torch.no_grad():
                said = module(obs, legal, torch.tensor([who]), memory)[0][0].numpy().astype(float)
            if simulator.game.box:
                return "number", said
            if hasattr(module, "policy"):
                return "probability", np.exp(said)
            return "value", np.where(legal[0].numpy(), said, np.nan)
        return None

    def _own_memory(self, number: int, head: Any, agent: int) -> np.ndarray:
        """An agent's own part of a head's memories [lanes, streams, ...]."""
        memory, place = self._memories[number], head._agents.index(agent)
        assert memory is not None
        lane, stream = (self.lane, place) if head.group.together else (self.lane * len(head._agents) + place, 0)
        return np.asarray(memory[lane, stream], np.float32).copy()


class _Mirror:
    """One world as the worlds of a trainer: the same before the agents of every seed."""

    obs: np.ndarray
    legal: np.ndarray
    acting: np.ndarray
    stage: np.ndarray
    shown: Simulator

    def __init__(self, trainer: Any) -> None:
        self.game, self.box, self.seeds, self.num_envs = trainer.game, trainer.worlds.box, trainer.seeds, 1
        self._policies = bool(trainer.policies)
        self.simulator = SimpleNamespace(state={})
        self.show(Simulator(trainer.game, 1, threads=1))

    def show(self, simulator: Simulator) -> None:
        """Hold what a simulator's world holds now."""
        lanes, self.shown = len(self.seeds), simulator
        self.seeds = simulator.seeds[:1] * lanes  # of the world: policies among the agents draw by it
        self.obs, self.legal, self.acting, self.stage = (
            np.repeat(array, lanes, axis=0)
            for array in (simulator.obs, simulator.legal, simulator.acting, simulator.stage)
        )
        if self._policies:  # they may look at who faces whom
            state = {name: np.repeat(field, lanes, axis=0) for name, field in simulator.state.items()}
            self.simulator.state.update(state)
