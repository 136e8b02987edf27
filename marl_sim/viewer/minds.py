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
    """All seats of one world."""

    @property
    def names(self) -> list[str]:
        """Who sits in each seat, in words."""

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
        self.fill(simulator, actions)
        return actions

    def fill(self, simulator: Simulator, actions: np.ndarray) -> None:
        """Write what the policies decide into actions [n]; the other seats' stay."""
        if self.policies:
            self._at(simulator).choose(actions[None])

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


class Joined:
    """Policies in some of the seats of other minds: of a run's agents, who play on around them.

    minds   who plays in the other seats
    table   the policies in theirs
    """

    def __init__(self, minds: Any, table: Table) -> None:
        self.minds, self.table = minds, table

    def refresh(self) -> bool:
        """Let minds that follow a training take over newer policies; whether they have."""
        return self.follows and bool(self.minds.refresh())

    @property
    def names(self) -> list[str]:
        """Who sits in each seat, in words."""
        theirs = self.table.policies
        return [self.table.names[i] if i in theirs else name for i, name in enumerate(self.minds.names)]

    @property
    def follows(self) -> bool:
        """Whether the other minds keep up with a training."""
        return bool(getattr(self.minds, "follows", False))

    @property
    def episode(self) -> int | None:
        """Of the training that is followed."""
        return getattr(self.minds, "episode", None)

    def decide(self, simulator: Simulator) -> np.ndarray:
        """Everybody's actions [n]."""
        actions = self.minds.decide(simulator)
        self.table.fill(simulator, actions)
        return actions

    def saw(self, step: Any, actions: np.ndarray) -> None:
        """What came of it, for all."""
        self.minds.saw(step, actions)
        self.table.saw(step, actions)

    def begin(self) -> None:
        """All begin anew."""
        self.minds.begin()
        self.table.begin()

    def remember(self) -> Any:
        """What the minds know, and what the policies keep."""
        return self.minds.remember(), self.table.remember()

    def recall(self, remembered: Any) -> None:
        """Know and keep it again."""
        known, kept = remembered
        self.minds.recall(known)
        self.table.recall(kept)

    def likes(self, simulator: Simulator, agent: int) -> tuple[str, np.ndarray] | None:
        """Known of the seats that are not the policies'."""
        return None if agent in self.table.policies else self.minds.likes(simulator, agent)


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
