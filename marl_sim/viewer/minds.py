"""Who decides: a mind for every seat, asked once a step. Whatever has `act(view)` can sit in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..core.game import Game
from ..core.rng import key_of, purpose
from ..core.simulator import Simulator
from ..policies.base import View, seat_key


class Minds(Protocol):
    """All seats of one world.

    names   who sits in each seat, in words
    """

    names: list[str]

    def decide(self, simulator: Simulator) -> np.ndarray:
        """Everybody's actions [n], 0 for those who do not decide."""

    def ended(self, step: Any) -> None:
        """What the step that was just played did: memories of what is over are forgotten."""

    def begin(self) -> None:
        """Another world begins: nothing of the one before is known."""

    def remember(self) -> Any:
        """What the minds know beside what they see, to be given back to `recall` when time is turned back."""

    def recall(self, remembered: Any) -> None:
        """Know again what was known then."""

    def likes(self, simulator: Simulator, agent: int) -> tuple[str, np.ndarray] | None:
        """What an agent's choice is made by: "probability" or "value", and a number for each action; None: unknown."""


class Seats:
    """A policy for each seat; chance where there is none.

    policies   {agent: whatever has act(view)}
    names      {agent: in words}, where the class's name will not do
    """

    def __init__(
        self, game: Game, policies: Mapping[int, Any] | None = None, names: Mapping[int, str] | None = None
    ) -> None:
        self.game, self.policies = game, dict(policies or {})
        for agent in self.policies:
            check_seat(game, agent)
        named = {agent: type(policy).__name__ for agent, policy in self.policies.items()} | dict(names or {})
        self.names = [named.get(i, "chance") for i in range(game.n_agents)]

    def decide(self, simulator: Simulator) -> np.ndarray:
        """Everybody's actions [n]."""
        actions = by_chance(simulator)
        for agent, policy in self.policies.items():
            if simulator.acting[0, agent]:
                actions[agent] = asked(policy, simulator, agent)
        return actions

    def ended(self, step: Any) -> None:
        """Policies keep nothing."""

    def begin(self) -> None:
        """Policies know nothing."""

    def remember(self) -> Any:
        """Nothing is remembered."""
        return None

    def recall(self, remembered: Any) -> None:
        """Nothing was."""

    def likes(self, simulator: Simulator, agent: int) -> tuple[str, np.ndarray] | None:
        """Known of chance alone."""
        if agent in self.policies:
            return None
        legal = simulator.legal[0, agent].astype(float)
        return "probability", legal / legal.sum()


def asked(policy: Any, simulator: Simulator, agent: int) -> float:
    """What a policy does in a seat. ValueError, in one sentence, where it says something else than one action."""
    game = simulator.game
    kind = game.stages[int(simulator.stage[0])].kind
    key = seat_key(simulator.seeds[0], agent, int(simulator.state["tick"][0, 0]))
    view = View(kind, simulator.obs[:, agent], simulator.legal[:, agent], game.layout, game.field_levels, [(key, 1)])
    said = np.asarray(policy.act(view)).ravel()
    if said.size != 1:
        raise ValueError(f"{type(policy).__name__} must return one action for one world; got {said.size}")
    return said[0]


def by_chance(simulator: Simulator) -> np.ndarray:
    """A legal action for everybody who decides, drawn evenly from (seed, step, agent): [n]."""
    game = simulator.game
    acting, legal = simulator.acting[0], simulator.legal[0]
    actions = np.zeros(game.n_agents, np.float64 if game.box else np.int64)
    tick, world = int(simulator.state["tick"][0, 0]), int(simulator.arrays["worlds"][0, 0])
    for i in np.flatnonzero(acting):
        lot = int(key_of(simulator.seeds[0], purpose("viewer"), world, int(i), tick)) / 2**64
        if game.box:
            actions[i] = game.box[0] + (game.box[1] - game.box[0]) * lot
        else:
            open_now = np.flatnonzero(legal[i])
            actions[i] = open_now[int(lot * len(open_now))]
    return actions


class Recorded:
    """Everybody does again what was recorded, as far as that is open; what is not is replaced and counted.

    Some seats may be given to policies. Where a recorded decision is missing, because the world has gone another way,
    the agent's last recorded action of that kind of stage is taken if it is legal, else the first that is.
    """

    def __init__(
        self, game: Game, actions: Sequence[np.ndarray], kinds: Sequence[str], start: int, minds: Sequence[str] = (),
        policies: Mapping[int, Any] | None = None,
    ) -> None:  # fmt: skip
        self.game, self.policies, self.replaced = game, dict(policies or {}), 0
        for agent in self.policies:
            check_seat(game, agent)
        self._actions, self._kinds, self._at = list(actions), list(kinds), start
        self.names = [f"{mind} (recorded)" for mind in minds or game.agents]
        for agent, policy in self.policies.items():
            self.names[agent] = type(policy).__name__

    def decide(self, simulator: Simulator) -> np.ndarray:
        """Everybody's actions [n]."""
        game, t = self.game, self._at
        kind = game.stages[int(simulator.stage[0])].kind
        actions = np.zeros(game.n_agents, np.float64 if game.box else np.int64)
        for i in np.flatnonzero(simulator.acting[0]).tolist():
            if i in self.policies:
                actions[i] = asked(self.policies[i], simulator, i)
                continue
            same = t < len(self._actions) and self._kinds[t] == kind
            wanted = self._actions[t][i] if same else self._last(kind, i)
            legal = game.box is not None or bool(simulator.legal[0, i, int(wanted)])
            self.replaced += not (same and legal)
            actions[i] = wanted if legal else simulator.legal[0, i].argmax()
        self._at += 1
        return actions

    def _last(self, kind: str, agent: int) -> Any:
        for t in range(min(self._at, len(self._actions)) - 1, -1, -1):
            if self._kinds[t] == kind:
                return self._actions[t][agent]
        return self.game.box[0] if self.game.box else 0

    def ended(self, step: Any) -> None:
        """The record goes on."""

    def begin(self) -> None:
        """The record from its beginning."""
        self._at = self.replaced = 0

    def remember(self) -> Any:
        """Where in the record the world is."""
        return self._at, self.replaced

    def recall(self, remembered: Any) -> None:
        """Back to there."""
        self._at, self.replaced = remembered

    def likes(self, simulator: Simulator, agent: int) -> tuple[str, np.ndarray] | None:
        """A record likes nothing."""
        return None


def check_seat(game: Game, agent: Any) -> int:
    """A seat's number, given as a number or a name. ValueError in one sentence where it is not there."""
    if isinstance(agent, str):
        agent = game.agents.index(agent) if agent in game.agents else int(agent) if agent.isdigit() else agent
    if isinstance(agent, bool) or not isinstance(agent, int | np.integer) or not 0 <= agent < game.n_agents:
        raise ValueError(f"there is no seat {agent!r}; the seats are 0 to {game.n_agents - 1}")
    return int(agent)
