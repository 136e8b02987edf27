"""Who sits where: groups of agents that learn alike, and seats whose policies do not learn."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ..core.errors import unknown
from ..learners.base import Learner
from ..policies import Policy, as_policy


@dataclass(frozen=True)
class Group:
    """Agents (by number) that learn by the same learner: a lane each, or one lane together.

    learner: a Learner, or one for each head. together: one lane a seed drives them all.
    """

    agents: tuple[int, ...]
    learner: Learner | Mapping[str, Learner]
    together: bool

    def of(self, head: str) -> Learner:
        """The learner of one head."""
        return self.learner if isinstance(self.learner, Learner) else self.learner[head]


def is_team(learner: Learner | Mapping[str, Learner]) -> bool:
    """Whether it drives all agents of its group together by its nature."""
    learners = [learner] if isinstance(learner, Learner) else list(learner.values())
    return any(one.team for one in learners)


def seated(
    learner: Any, policies: Mapping[int, Any] | None, seating: Mapping[Any, Any] | None,
    guests: Mapping[Any, Any] | None, shared: bool, names: Sequence[str],
) -> tuple[list[Group], dict[int, Policy]]:  # fmt: skip
    """Groups of learners and policies by seat. ValueError in one sentence for seats or players that are not there."""
    groups, still = _settled(learner, policies, seating, shared, names)
    came: dict[int, Policy] = {}
    for key, player in (guests or {}).items():
        came |= dict.fromkeys(seats(key, names), _policy(player, f"the guest in {key!r} must be"))
    if seating is not None and came:
        left = [replace(group, agents=tuple(a for a in group.agents if a not in came)) for group in groups]
        groups = [group for group in left if group.agents]
    return groups, still | came


def _settled(
    learner: Any, policies: Mapping[int, Any] | None, seating: Mapping[Any, Any] | None, shared: bool,
    names: Sequence[str],
) -> tuple[list[Group], dict[int, Policy]]:  # fmt: skip
    """The same without guests."""
    if seating is None:
        return [_group(tuple(range(len(names))), learner, shared)], _policies(policies, names)
    if learner is not None or policies:
        raise ValueError("give either seating, or learner and policies; seating names the players of all seats")
    if not isinstance(seating, Mapping):
        raise ValueError(f"seating must map seats to players, such as {{'agent_0..3': PPO()}}; got {seating!r}")
    groups: list[Group] = []
    still: dict[int, Policy] = {}
    taken: dict[int, Any] = {}
    for key, player in seating.items():
        agents = seats(key, names)
        for agent in agents:
            if agent in taken:
                raise ValueError(f"seating gives {names[agent]} twice: in {taken[agent]!r} and in {key!r}")
            taken[agent] = key
        if isinstance(player, Learner | Mapping):
            groups.append(_group(agents, player, shared))
        else:
            still |= dict.fromkeys(agents, _policy(player, f"seating[{key!r}] must be a Learner such as PPO(), or"))
    empty = [name for agent, name in enumerate(names) if agent not in taken]
    if empty:
        raise ValueError(f"seating leaves {', '.join(empty)} without a player; every agent needs one")
    return groups, still


def seats(key: Any, names: Sequence[str]) -> tuple[int, ...]:
    """The agents a key of `seating` names: a number, "agent_2", "agent_0..3", or several with commas."""
    if isinstance(key, int) and not isinstance(key, bool):
        key = names[key] if key in range(len(names)) else f"agent {key}"
    found: list[int] = []
    for part in str(key).split(","):
        part = part.strip()
        span = re.fullmatch(r"(.*?)(\d+)\.\.(\d+)", part)
        for name in [f"{span[1]}{k}" for k in range(int(span[2]), int(span[3]) + 1)] if span else [part]:
            if name not in names:
                raise ValueError(unknown("agent", name, names))
            found.append(names.index(name))
    return tuple(found)


def _group(agents: tuple[int, ...], learner: Any, shared: bool) -> Group:
    if not isinstance(learner, Learner | Mapping):
        raise ValueError(f"learner must be a Learner such as DQN(), or one for each head; got {learner!r}")
    return Group(agents, learner, shared or is_team(learner))


def _policies(policies: Any, names: Sequence[str]) -> dict[int, Policy]:
    if policies is not None and not isinstance(policies, Mapping):
        raise ValueError(f"policies must map agents to policies, such as {{0: 'TitForTat'}}; got {policies!r}")
    for agent in policies or {}:
        if agent not in range(len(names)):
            raise ValueError(f"policies names agent {agent!r}; the game has agents 0 to {len(names) - 1}")
    given = dict(policies or {})
    made: dict[int, Policy] = {}  # whoever sits in several seats stays one
    for agent, player in given.items():
        same = next((other for other in made if given[other] is player), None)
        made[agent] = made[same] if same is not None else _policy(player, f"policies[{agent}] must be")
    return made


def _policy(player: Any, where: str) -> Policy:
    try:
        return as_policy(player)
    except ValueError as wrong:
        if isinstance(player, str):
            raise
        raise ValueError(f"{where} a policy: {wrong}") from None
