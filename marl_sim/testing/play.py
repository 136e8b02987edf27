"""Any PettingZoo environment played with random legal actions, and everything it said written down, to be compared."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, TypeAlias

import numpy as np
from pettingzoo import AECEnv, ParallelEnv

Environment: TypeAlias = ParallelEnv | AECEnv
WHAT = ("observation", "reward", "termination", "truncation", "info")


@dataclass
class Moment:
    """What an environment said at one point: after a reset, after a step (AEC: when it was an agent's turn).

    step        steps since the beginning of the trace; episode: which one it is
    agents      who is in env.agents then
    actions     what was chosen at this point, by agent (empty where the episode is over)
    said        (what, agent) -> the thing itself, for what in WHAT
    """

    step: int
    episode: int
    agents: tuple[str, ...]
    said: dict[tuple[str, str], Any]
    actions: dict[str, Any] = field(default_factory=dict)

    @property
    def where(self) -> str:
        """ "step 3 of episode 0", for sentences."""
        return f"step {self.step} (episode {self.episode})"


class Chooser:
    """Random legal actions that depend on a seed and on what was asked alone."""

    def __init__(self, env: Environment, seed: int):
        self._env, self._seed = env, seed
        self._spaces: dict[str, Any] = {}

    def __call__(self, agent: str, observation: Any, info: Any) -> Any:
        """An action of the agent's space, legal where a mask says what is."""
        if agent not in self._spaces:
            self._spaces[agent] = copy.deepcopy(self._env.action_space(agent))
            self._spaces[agent].seed(int.from_bytes(blake2b(f"{self._seed} {agent}".encode()).digest()[:4], "little"))
        mask = mask_of(observation, info)
        space = self._spaces[agent]
        return space.sample() if mask is None else space.sample(np.asarray(mask).astype(np.int8))


def mask_of(observation: Any, info: Any) -> Any:
    """The action mask, beside the observation or in the info; None where there is none."""
    for place in (observation, info):
        if isinstance(place, dict) and "action_mask" in place:
            return place["action_mask"]
    return None


def play(env: Environment, seed: int, steps: int, episodes: int | None = None) -> Iterator[Moment]:
    """Moments of random play: episode k begins with reset(seed=seed + k), until so many steps or episodes are over."""
    taken = 0
    for episode in range(episodes if episodes is not None else steps):
        for moment in play_on(env, Chooser(env, seed + episode), seed + episode, steps - taken):
            moment.step, moment.episode = moment.step + taken, episode
            yield moment
            last = moment.step
        taken = max(last, taken + 1)
        if taken >= steps:
            return


def play_on(env: Environment, chooser: Chooser, seed: int | None, steps: int) -> Iterator[Moment]:
    """One episode, or so many steps of it. seed None: go on with an episode that is under way (parallel only)."""
    run = _parallel if isinstance(env, ParallelEnv) else _in_turn
    return run(env, chooser, seed, steps)


def _parallel(env: ParallelEnv, chooser: Chooser, seed: int | None, steps: int) -> Iterator[Moment]:
    seen, infos = env.reset(seed=seed)
    said = {("observation", a): x for a, x in seen.items()} | {("info", a): x for a, x in infos.items()}
    for step in range(steps + 1):
        moment = Moment(step, 0, tuple(env.agents), said)
        if not env.agents or step == steps:
            yield moment
            return
        moment.actions = {a: chooser(a, said.get(("observation", a)), said.get(("info", a))) for a in env.agents}
        yield moment
        parts = env.step(dict(moment.actions))
        said = {(what, a): x for what, part in zip(WHAT, parts, strict=True) for a, x in part.items()}


def _in_turn(env: AECEnv, chooser: Chooser, seed: int | None, steps: int) -> Iterator[Moment]:
    env.reset(seed=seed)
    for step in range(steps + 1):
        if not env.agents:
            yield Moment(step, 0, (), {})
            return
        agent = env.agent_selection
        observation, reward, terminated, truncated, info = env.last()
        values = (observation, reward, terminated, truncated, info)
        moment = Moment(step, 0, tuple(env.agents), {(what, agent): x for what, x in zip(WHAT, values, strict=True)})
        if step < steps:
            moment.actions = {agent: None if terminated or truncated else chooser(agent, observation, info)}
        yield moment
        if step < steps:
            env.step(moment.actions[agent])


# ---------------------------------------------------------------- comparing


def digest(thing: Any) -> str:
    """A short word that is equal for equal things: nested dictionaries, sequences, arrays and numbers."""
    state = blake2b(digest_size=12)
    _absorb(thing, state)
    return state.hexdigest()


def _absorb(thing: Any, state: Any) -> None:
    if isinstance(thing, dict):
        state.update(b"{")
        for key in sorted(thing, key=str):
            state.update(str(key).encode())
            _absorb(thing[key], state)
    elif isinstance(thing, (list, tuple)):
        state.update(b"[")
        for item in thing:
            _absorb(item, state)
    elif (isinstance(thing, np.ndarray) and thing.dtype != object) or isinstance(
        thing, np.generic | int | float | bool
    ):
        array = np.ascontiguousarray(thing)
        state.update(repr((array.dtype.kind, array.shape)).encode() + array.tobytes())
    else:
        state.update(repr(thing).encode())


def summary(moments: Iterator[Moment]) -> list[dict[str, Any]]:
    """Moments as plain words that travel between processes and are compared."""
    return [
        {
            "where": moment.where,
            "agents": list(moment.agents),
            "said": {f"{what} of {agent}": digest(thing) for (what, agent), thing in moment.said.items()},
            "actions": {agent: digest(action) for agent, action in moment.actions.items()},
        }
        for moment in moments
    ]


def difference(one: list[dict[str, Any]], other: list[dict[str, Any]]) -> str:
    """The first thing in which two summaries differ, as words; empty where they are equal."""
    for a, b in zip(one, other):
        if a == b:
            continue
        if a["agents"] != b["agents"]:
            return f"{a['where']}: the agents are {a['agents']} once and {b['agents']} then"
        names = dict.fromkeys((*a["said"], *b["said"]))
        for name in names:
            if a["said"].get(name) != b["said"].get(name):
                return f"{a['where']}: the {name} differs"
        return f"{a['where']}: the legal actions differ"
    if len(one) != len(other):
        return f"one run ends after {len(one)} moments, the other after {len(other)}"
    return ""
