"""One decision head of one group: its lanes, its columns of the observation, and how experience reaches it."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.errors import unknown
from ..learners.base import HeadSpec, Learner
from ..learners.fused_acting import Order
from ..learners.lanes import Lanes
from .credit import FEEDS, Feed
from .export import as_module
from .overlap import AtOnce, Meanwhile
from .seats import Group
from .worlds import HeadPlan, Worlds

if TYPE_CHECKING:
    from .rollout import Trainer

TEAM_REWARDS = ("sum", "mean", "own")


class Head:
    """Lanes are numbered seed by seed, agent by agent: lane = s * k + i for k agents that learn apart; or one lane a
    seed, which drives the group. A lane has a stream for each of its worlds, or for each world and agent, worlds first.
    """

    def __init__(self, trainer: Trainer, group: Group, plan: HeadPlan, label: str):
        self.worlds, self.group, self.name, self.label = trainer.worlds, group, plan.name, label
        self.columns, self.n_actions, self.stages = plan.columns, plan.spec.n_actions, plan.stages
        self.mask = np.zeros(self.worlds.n_stages, dtype=bool)
        self.mask[list(self.stages)] = True
        self.components = tuple(trainer.rewards.get(plan.name, self.worlds.components))
        self.layers, self.team_reward = trainer.layers, trainer.team_reward
        self.learner = group.of(plan.name)
        self._agents = list(group.agents)
        self._sizes = len(self.worlds.seeds), self.worlds.num_envs, len(self._agents)
        self._all = self._agents == list(range(self.worlds.n_agents))
        self.learns = np.zeros(self.worlds.n_agents, dtype=bool)
        self.learns[self._agents] = True
        self.learns &= trainer.learns
        self._always = bool(self.mask.all() and self.learns.all())  # whoever acts decides here
        self.spec = self._spec(plan.spec)
        seeds = np.array(self.worlds.seeds, dtype=np.uint64)
        own = self._agents[:1] if group.together else self._agents
        lane_seeds, lane_agents = np.repeat(seeds, len(own)), np.tile(own, len(seeds))
        self._lanes: Lanes = self.learner.build(self.spec, lane_seeds, lane_agents, trainer.device)
        self._lanes.owners = self._owners(lane_seeds)
        if self.learner.central:
            self._lanes.places = self._sizes[:2]  # type: ignore[attr-defined]
        self.work, self._behind = self._how_to_learn(trainer)
        streams = self.worlds.num_envs * (len(self._agents) if group.together else 1)
        self.shape = (len(lane_seeds), streams, self.spec.obs_dim, self.n_actions)
        self.preferences = [(one, one.begin(self.worlds.n_agents, self.worlds.num_worlds)) for one in self.layers
                            if hasattr(one, "apply")]  # fmt: skip
        self._order = Order(*(self.arrange(np.asarray(x)) for x in np.indices(self.worlds.acting.shape)))
        self.feed: Feed = FEEDS[trainer.credit if self.learner.feed == "transitions" else self.learner.feed](self)

    def _spec(self, spec: HeadSpec) -> HeadSpec:
        """What the learner is told of the decision and of the group."""
        k = len(self._agents)
        named = dict(vars(spec))
        named["team"] = k if self.group.together and self.learner.team else 1
        named["others"] = k - 1 if self.learner.watches else 0
        named["state_dim"] = k * spec.obs_dim if self.learner.central else 0
        return HeadSpec(**named)

    def _owners(self, seeds: np.ndarray) -> list[str]:
        """Who each lane is, for errors."""
        names = [self.worlds.agents[a] for a in self._agents]
        each = [" and ".join(names)] if self.group.together else names
        place = "" if self.name == "all" else f" in stage {self.name!r}"
        return [f"{each[lane % len(each)]} of seed {seed}{place}" for lane, seed in enumerate(seeds)]

    # ------------------------------------------------------------ learning while the worlds go on

    def _how_to_learn(self, trainer: Trainer) -> tuple[AtOnce | Meanwhile, bool]:
        """Where the work of learning is done, and whether the lanes act meanwhile, one update behind.

        Learners of transitions learn while the worlds step and are waited for before they act: nothing changes.
        """
        apart = self.learner.feed == "transitions"
        if not trainer.overlap and (trainer.device == "cpu" or not apart):
            return AtOnce(), False
        work = Meanwhile(trainer.pool(), trainer.device)
        if not apart:
            self._lanes.fall_behind(work.wait)
        return work, not apart

    @property
    def lanes(self) -> Lanes:
        """The lanes, once they have learned what they were learning."""
        self.work.wait()
        return self._lanes

    @property
    def playing(self) -> Lanes:
        """The lanes, to act and to remember: as they are, where they can do so while they learn."""
        return self._lanes if self._behind else self.lanes

    def learn(self, *seen: np.ndarray | None) -> None:
        """Learn what is due, with what is seen now where learners ask for it."""
        lanes: Any = self._lanes
        if not self._behind:
            self.work.begin(lambda: lanes.learn(*seen))
        elif (job := lanes.plan(*seen)) is not None:
            self.work.begin(job)

    # ------------------------------------------------------------ arrangement

    def arrange(self, x: np.ndarray) -> np.ndarray:
        """[worlds, agents, ...] as [lanes, streams, ...]."""
        return self.arrange_all(x if self._all else x[:, self._agents])

    def restore(self, x: np.ndarray) -> np.ndarray:
        """[lanes, streams, ...] as [worlds, agents of the group, ...]."""
        s, b, k = len(self.worlds.seeds), x.shape[1], len(self._agents)
        if self.group.together:
            return x.reshape(s * b // k, k, *x.shape[2:])
        return x.reshape(s, k, b, *x.shape[2:]).swapaxes(1, 2).reshape(s * b, k, *x.shape[2:])

    def turn(self, worlds: Worlds | None = None) -> np.ndarray:
        """Which agents of this head decide now, bool [worlds, agents]."""
        worlds = self.worlds if worlds is None else worlds
        if self._always:
            return worlds.acting.copy()
        return worlds.acting & self.mask[worlds.stage][:, None] & self.learns

    def act(
        self, obs: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool, memory: np.ndarray | None
    ) -> np.ndarray:
        """Actions of the lanes; memory: of other worlds than the training's, for learners that have one."""
        if memory is None:
            return (self.lanes if greedy else self.playing).act(obs, legal, deciding, greedy=greedy)
        return self.lanes.act(obs, legal, deciding, greedy=greedy, memory=memory)  # type: ignore[call-arg]

    def play(self, actions: np.ndarray) -> bool:
        """Decide in the training's own worlds and remember it, at once, where the lanes know how to; if not, false."""
        lanes: Any = self.playing
        if not lanes.plays_at_once:
            return False
        worlds = self.worlds
        turn = worlds.acting if self._always else self.turn()
        if np.count_nonzero(turn):
            obs, legal = np.ascontiguousarray(worlds.obs), np.ascontiguousarray(worlds.legal)
            lanes.play(obs, legal, turn, self.columns.start, actions, self._order, self.state_seen(obs))
        return True

    def fresh_memory(self) -> np.ndarray | None:
        """Empty memory for worlds like the training's; None for learners that remember nothing between decisions."""
        made = getattr(self._lanes, "fresh_memory", None)
        return None if made is None else made(self.shape[1])

    def forget(self, memory: np.ndarray | None, moment: Any) -> None:
        """Empty the memory of agents whose game is over, in those worlds, and of all where a world begins anew."""
        over = moment.terminated
        if not self.worlds.lives_on:
            over = over | moment.truncated | moment.ended[:, None]
        elif getattr(self._lanes, "truncation_ends", False):
            over = over | moment.truncated
        if memory is not None and over.any():
            memory[self.arrange(over)] = 0

    def end_episodes(self, ended: np.ndarray) -> None:
        """Tell lanes whose episode is over, in one of their worlds at least: an episode's memory is forgotten."""
        if np.count_nonzero(ended):
            over = self.arrange(np.broadcast_to(ended[:, None], self.worlds.acting.shape))
            self.playing.end_episode(np.asarray(over.any(axis=1)))

    def put(self, chosen: np.ndarray, actions: np.ndarray) -> None:
        """Add what was chosen, [lanes, streams, ...], to the worlds' actions, 0 where nobody decides."""
        if self._all:
            mine = self._by_lanes(actions)
            mine += chosen.reshape(mine.shape)
        else:
            actions[:, self._agents] += self.restore(chosen)

    def state_seen(self, obs: np.ndarray) -> np.ndarray | None:
        """What the whole group sees in each world, float32 [seeds, worlds, k * D]; None where nobody asks."""
        if not self.learner.central:
            return None
        mine = obs if self._all else obs[:, self._agents]
        return mine[:, :, self.columns].reshape(*self._sizes[:2], -1)

    def arrange_all(self, x: np.ndarray) -> np.ndarray:
        """As `arrange`, of arrays that hold the group's agents only."""
        mine = self._by_lanes(x)
        if self.group.together:
            return mine
        return mine.copy() if self._sizes[0] == 1 else mine.copy().reshape(*self.shape[:2], *x.shape[2:])

    def _by_lanes(self, x: np.ndarray) -> np.ndarray:
        """The same without a copy: [seeds, streams, ...] of a group that is together, else [seeds, agents, worlds, ...]
        or, of one seed, [agents, worlds, ...]."""
        s, b, k = self._sizes
        if self.group.together:
            return x.reshape(s, b * k, *x.shape[2:])
        return x.swapaxes(0, 1) if s == 1 else x.reshape(s, b, k, *x.shape[2:]).swapaxes(1, 2)

    def others_did(self, actions: np.ndarray) -> np.ndarray:
        """What the other agents of the group do, int64 [lanes, streams, k - 1], in the order of their numbers."""
        mine = actions[:, self._agents]
        k = mine.shape[1]
        around = np.array([[j for j in range(k) if j != i] for i in range(k)], np.int64)
        return self.arrange_all(mine[:, around])

    # ------------------------------------------------------------ experience

    def weighed(self) -> np.ndarray | None:
        """How likely the decisions just drawn were, [lanes, streams], of lanes that want to be told again."""
        return getattr(self._lanes, "weighed", None)

    def store(self, *transition: np.ndarray, **more: Any) -> None:
        """Remember transitions and learn from them."""
        if not self.spec.others:
            more.pop("others", None)
        if more.get("weighed") is None:  # those who did not ask need not know of it
            more.pop("weighed", None)
        self.lanes.add(*transition, **more)  # type: ignore[attr-defined]
        self.learn()

    def reward(self, moment: Any, extra: np.ndarray | None) -> np.ndarray:
        """What the step paid the streams of this head, after the layers; [lanes, streams]."""
        parts = [moment.components[name] for name in self.components]
        total = functools.reduce(np.add, parts) if parts else np.zeros(moment.reward.shape)
        for layer in self.layers:
            if hasattr(layer, "scale"):
                total = total * layer.scale(self.name)
        total = total.copy() if self.preferences else total  # what layers do to it is not done to the records
        for layer, memory in self.preferences:
            total = layer.apply(total, memory)
            if moment.ended.any():
                layer.forget(memory, moment.ended)
        paid = self.arrange(self._of_the_team(total))
        return paid if extra is None else paid + extra

    def _of_the_team(self, total: np.ndarray) -> np.ndarray:
        """One reward for all of a group that is trained as one."""
        if not (self.learner.central or self.learner.one_reward) or self.team_reward == "own":
            return total
        mine = total[:, self._agents]
        if self.team_reward is None:
            apart = (mine != mine[:, :1]) & np.isfinite(mine)
            if apart.any():
                w, i = (int(x) for x in np.argwhere(apart)[0])
                first, other = (self.worlds.agents[self._agents[j]] for j in (0, i))
                choices = "'sum' or 'mean'" if self.learner.one_reward else "'sum', 'mean' or 'own'"
                raise ValueError(
                    f"{type(self.learner).__name__} trains a group that is paid alike, but {first} got {mine[w, 0]:g} "
                    f"and {other} {mine[w, i]:g} in one step of {self.worlds.label}; say team_reward={choices}"
                )
            return total
        common = mine.sum(1) if self.team_reward == "sum" else mine.mean(1)
        out = total.copy()
        out[:, self._agents] = common[:, None]
        return out

    # ------------------------------------------------------------ keeping

    def lanes_of(self, agent: int) -> np.ndarray:
        """The lanes that drive an agent, one a seed, int [S]."""
        each = 1 if self.group.together else len(self._agents)
        return np.arange(len(self.worlds.seeds)) * each + (0 if self.group.together else self._agents.index(agent))

    def module(self, s: int, agent: int) -> tuple[Any, int]:
        """What one agent of seed number s has learned, as a torch module, and which agent of its team it is."""
        place = self._agents.index(agent)
        lane = s if self.group.together else s * len(self._agents) + place
        return as_module(self.lanes.export(lane), self.spec), place if self.spec.team > 1 else 0

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that changes, by name."""
        kept = {f"{self.label}/lanes/{k}": v for k, v in self.lanes.state_dict().items()}
        kept |= {f"{self.label}/credit/{k}": v.copy() for k, v in self.feed.state().items()}
        for number, (_, memory) in enumerate(self.preferences):
            if memory is not None:
                kept[f"{self.label}/layers/{number}"] = memory.copy()
        return kept

    def load_state_dict(self, saved: dict[str, np.ndarray]) -> None:
        """Go on from a state_dict."""
        prefix = f"{self.label}/lanes/"
        self.lanes.load_state_dict({k[len(prefix) :]: v for k, v in saved.items() if k.startswith(prefix)})
        for name, array in self.feed.state().items():
            array[...] = saved[f"{self.label}/credit/{name}"]
        for number, (_, memory) in enumerate(self.preferences):
            if memory is not None:
                memory[...] = saved[f"{self.label}/layers/{number}"]


def check_team_reward(team_reward: Any, groups: list[Group]) -> None:
    """ValueError in one sentence for a word that is none, or that the learners cannot take."""
    if team_reward is not None and team_reward not in TEAM_REWARDS:
        raise ValueError(unknown("team_reward", team_reward, TEAM_REWARDS))
    for group in groups:
        learners = [group.learner] if isinstance(group.learner, Learner) else list(group.learner.values())
        for learner in learners:
            if team_reward == "own" and getattr(learner, "one_reward", False):
                raise ValueError(
                    f"{type(learner).__name__} values what a team does at once, so that its agents cannot be paid "
                    "apart; team_reward must be 'sum' or 'mean'"
                )
