"""Who decides: a mind for every seat, asked once a step. Whatever `ms.as_policy` takes can sit in one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..core.game import Game
from ..core.rng import key_of, purpose
from ..core.simulator import Simulator
from ..policies import Seats, as_policy


class Minds(Protocol):
    """All seats of one world.

    names   who sits in each seat, in words
    """

    names: list[str]

    def decide(self, simulator: Simulator) -> np.ndarray:
        """Everybody's actions [n], 0 for those who do not decide."""

    def saw(self, step: Any, actions: np.ndarray) -> None:
        """What came of the `actions` [n] that were played in the end: memories of what is over are forgotten."""

    def begin(self) -> None:
        """Another world begins: nothing of the one before is known."""

    def remember(self) -> Any:
        """What the minds know beside what they see, to be given back to `recall` when time is turned back."""

    def recall(self, remembered: Any) -> None:
        """Know again what was known then."""

    def likes(self, simulator: Simulator, agent: int) -> tuple[str, np.ndarray] | None:
        """What an agent's choice is made by: "probability" or "value", and a number for each action; None: unknown."""


class Table:
    """Policies in some seats; chance in the others.

    policies   {agent: whatever ms.as_policy takes}
    """

    def __init__(self, game: Game, policies: Mapping[int, Any] | None = None) -> None:
        self.game = game
        self.policies = {check_seat(game, agent): as_policy(policy) for agent, policy in (policies or {}).items()}
        self.names = [self.policies[i].name if i in self.policies else "chance" for i in range(game.n_agents)]
        self._simulator: Simulator | None = None
        self._seats: Seats | None = None

    def _at(self, simulator: Simulator) -> Seats:
        """The table in a world; moved there with all that the policies remember."""
        if self._simulator is not simulator or self._seats is None:
            remembered = self.remember()
            self._simulator, self._seats = simulator, Seats(simulator, self.policies)
            if remembered is not None:
                self._seats.load_state_dict(remembered)
        return self._seats

    def decide(self, simulator: Simulator) -> np.ndarray:
        """Everybody's actions [n]."""
        actions = by_chance(simulator)
        if self.policies:
            self._at(simulator).choose(actions[None])
        return actions

    def saw(self, step: Any, actions: np.ndarray) -> None:
        """What came of it."""
        if self._seats is not None:
            self._seats.saw(step, actions[None])

    def begin(self) -> None:
        """The policies begin anew."""
        self._simulator = self._seats = None

    def remember(self) -> Any:
        """All that the policies keep; None where they have not been asked yet."""
        return None if self._seats is None else self._seats.state_dict()

    def recall(self, remembered: Any) -> None:
        """Keep again what was kept then."""
        if remembered is None:
            self.begin()
        elif self._seats is not None:
            self._seats.load_state_dict(remembered)

    def likes(self, simulator: Simulator, agent: int) -> tuple[str, np.ndarray] | None:
        """Known of chance alone."""
        if agent in self.policies or self.game.box is not None:
            return None
        legal = simulator.legal[0, agent].astype(float)
        return "probability", legal / legal.sum()


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
        self.game, self.replaced = game, 0
        self._table = Table(game, policies)
        self._actions, self._kinds, self._at = list(actions), list(kinds), start
        self.names = [f"{mind} (recorded)" for mind in minds or game.agents]
        for agent in self._table.policies:
            self.names[agent] = self._table.names[agent]

    def decide(self, simulator: Simulator) -> np.ndarray:
        """Everybody's actions [n]."""
        game, t = self.game, self._at
        kind = game.stages[int(simulator.stage[0])].kind
        actions = self._table.decide(simulator)
        for i in np.flatnonzero(simulator.acting[0]).tolist():
            if i in self._table.policies:
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

    def saw(self, step: Any, actions: np.ndarray) -> None:
        """What came of it."""
        self._table.saw(step, actions)

    def begin(self) -> None:
        """The record from its beginning."""
        self._at = self.replaced = 0
        self._table.begin()

    def remember(self) -> Any:
        """Where in the record the world is, and what the policies keep."""
        return self._at, self.replaced, self._table.remember()

    def recall(self, remembered: Any) -> None:
        """Back to there."""
        self._at, self.replaced, kept = remembered
        self._table.recall(kept)

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
