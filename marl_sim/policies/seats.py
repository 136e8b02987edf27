"""The table at which policies sit: who plays in which worlds, what they are shown, what they are told afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from ..core.rng import mix_many, purpose
from .background import think
from .base import Policy, Random
from .glance import Glance
from .meetings import Meetings
from .player import Player
from .view import View

Rows = tuple[np.ndarray, np.ndarray]  # worlds and agents


class Seats:
    """Policies in the seats of a Simulator's worlds (or of other worlds with the same arrays).

    worlds    a Simulator, or what trainers call worlds: obs, legal, acting, stage, seeds, num_envs
    policies  (policy, seat) pairs; a seat is an agent's number (in every world), several, or two arrays of equal
              length, worlds and agents. A mapping {agent: policy} will do. An object in several seats is asked once
    trainer   the training they sit in, if any

        seats = Seats(sim, {0: TitForTat(), 1: Grim()})
        while ...:
            actions = np.zeros(sim.acting.shape, dtype=int)
            seats.choose(actions)
            seats.saw(sim.step(actions), actions)

    ValueError in one sentence for a policy that cannot play here.
    """

    def __init__(self, worlds: Any, policies: Mapping[int, Policy] | Sequence[tuple[Policy, Any]], trainer: Any = None):
        self._worlds, self.trainer = worlds, trainer
        self.game = getattr(worlds, "game", None)
        simulator = getattr(worlds, "simulator", worlds if hasattr(worlds, "what_if") else None)
        self._state = None if simulator is None else simulator.state
        self._order: np.ndarray | None = getattr(worlds, "order", None)  # seats of players, where these change
        self.seeds, self.num_envs = worlds.seeds, worlds.num_envs
        self.num_worlds, self.n_agents = worlds.acting.shape
        self.clock, self._closed = 0, False
        self._describe()
        self.seed_of = np.repeat(np.array(self.seeds, dtype=np.uint64), self.num_envs)
        self.stream_of = mix_many(self.seed_of, purpose("policy"))
        self.number_of = np.tile(np.arange(self.num_envs), len(self.seeds))
        self._glance: Glance | None = None
        self._anybody = Random()
        self.players = [Player(policy, *rows, self) for policy, rows in self._rows(policies)]
        self._slow = [player for player in self.players if player.policy.slow]
        self._thinking: list[Future[list[tuple[View, np.ndarray]]]] = []
        self._begun = False
        self._decided: list[tuple[View, np.ndarray | None]] = []  # and where the diary tells of it
        for player in self.players:
            player.policy.reset(player)

    def _describe(self) -> None:
        """What is played: the same facts of our own games and of outside worlds."""
        game = self.game
        self.agents = tuple(self._worlds.agents if game is None else game.agents)
        self.lives_on = game is not None
        self.kinds: tuple[str, ...] = ("all",) if game is None else game.kinds
        self.stage_names = ("all",) if game is None else tuple(stage.name for stage in game.stages)
        self.slots = () if game is None else game.layout.slots
        self.levels: dict[str, int] = {} if game is None else game.field_levels
        kinds = ("all",) if game is None else tuple(stage.kind for stage in game.stages)
        self.kind_of_stage = np.array([self.kinds.index(kind) for kind in kinds])
        self.box = _one_range(self._worlds) if game is None else game.box
        self._plays = np.array([kind == "play" for kind in kinds])
        self.in_pairs = self._state is not None and {"facing", "did", "recent"} <= set(self._state)
        self._everybody = np.ones((self.num_worlds, self.n_agents), bool)
        self.meetings = Meetings(self.num_worlds, self.n_agents) if self.in_pairs else Meetings(0, 0)

    def _rows(self, policies: Any) -> list[tuple[Policy, Rows]]:
        """Each policy object once, with all its rows."""
        pairs = [(policy, agent) for agent, policy in policies.items()] if isinstance(policies, Mapping) else policies
        found: dict[int, tuple[Policy, list[Rows]]] = {}
        for policy, seat in pairs:
            if isinstance(seat, tuple) and len(seat) == 2 and isinstance(seat[0], np.ndarray):
                rows = seat[0].astype(np.int64), np.broadcast_to(seat[1], seat[0].shape).astype(np.int64)
            else:
                agents = np.atleast_1d(np.asarray(seat))
                rows = np.repeat(np.arange(self.num_worlds), len(agents)), np.tile(agents, self.num_worlds)
            for who, where in self._shared_out(policy, rows):
                found.setdefault(id(who), (who, []))[1].append(where)
        return [
            (policy, (np.concatenate([w for w, _ in all_rows]), np.concatenate([a for _, a in all_rows])))
            for policy, all_rows in found.values()
        ]

    def _shared_out(self, policy: Policy, rows: Rows) -> list[tuple[Policy, Rows]]:
        """A policy that sits in a few worlds only has its seats in the others filled by chance."""
        if policy.worlds is None:
            return [(policy, rows)]
        mine = rows[0] < policy.worlds
        parts = [(policy, mine), (self._anybody, ~mine)]
        return [(who, (rows[0][which], rows[1][which])) for who, which in parts if which.any()]

    # ------------------------------------------------------------ what players are shown

    @property
    def obs(self) -> np.ndarray:
        """float32 [W, n, D]."""
        return self._worlds.obs

    @property
    def legal(self) -> np.ndarray:
        """bool [W, n, A]."""
        return self._worlds.legal

    @property
    def acting(self) -> np.ndarray:
        """bool [W, n]."""
        return self._worlds.acting

    @property
    def stage(self) -> np.ndarray:
        """[W]."""
        return self._worlds.stage

    def choices(self, kind: str) -> tuple[str, ...]:
        """Words of a kind's actions."""
        if self.game is None:
            return tuple(f"action {a}" for a in range(self.legal.shape[2]))
        return self.game.choices(kind)

    def target(self, worlds: np.ndarray, agents: np.ndarray) -> np.ndarray:
        """Whom decisions are about; -1 where they are about nobody."""
        if not self.in_pairs:
            return np.full(len(worlds), -1)
        return self._in_players("target", whom=True)[worlds, agents]

    def _in_players(self, name: str, whom: bool = False) -> np.ndarray:
        """A state field [W, n] with the players' values in the players' order; whom: they name agents."""
        field: np.ndarray = self._state[name]  # type: ignore[index]
        field = field if field.ndim == 2 else field[:, :, 0]
        if self._order is None:
            return field
        mine = np.take_along_axis(field, self._order, axis=1)
        if not whom:
            return mine
        player_of = np.argsort(self._order, axis=1)
        return np.where(mine >= 0, np.take_along_axis(player_of, np.maximum(mine, 0), axis=1), -1)

    def targets(self) -> np.ndarray | None:
        """Whom all decisions are about, [W * n]; None in games that are not played in pairs."""
        return self._in_players("target", whom=True).reshape(-1) if self.in_pairs else None

    @property
    def glance(self) -> Glance:
        """What is the same for all policies: looked up once a step while they are asked, anew at other times."""
        return self._glance or Glance(self)

    def allows(self, view: View, chosen: np.ndarray) -> np.ndarray:
        """Which of the actions [n] are legal, bool [n]."""
        if view.box is not None:
            return (chosen >= view.box[0]) & (chosen <= view.box[1])
        inside = (chosen >= 0) & (chosen < self.legal.shape[2])
        return inside & self.legal[view.worlds, view.agent, np.where(inside, chosen, 0)]

    # ------------------------------------------------------------ a step

    def begin(self) -> None:
        """Let slow players think, while others are asked."""
        if not self.players:
            return
        if self._closed:
            self._closed = False
            for player in self.players:
                player.policy.resume(player)
        self._glance = Glance(self)
        self._decided, self._begun = [], True
        self._thinking = [think(self._ask, player) for player in self._slow]

    @staticmethod
    def _ask(player: Player) -> list[tuple[View, np.ndarray]]:
        return [(view, player.answer(view)) for view in player.turns_now()]

    def choose(self, actions: np.ndarray) -> None:
        """Write the players' actions into `actions` [W, n] (or [W, n, 1] where they are numbers of a range)."""
        if not self.players:  # learners sit everywhere: nothing is looked at or kept
            return
        if not self._begun:
            self.begin()
        answers = [(player, self._ask(player)) for player in self.players if not player.policy.slow]
        answers += [(player, future.result()) for player, future in zip(self._slow, self._thinking, strict=True)]
        self._thinking, self._begun = [], False
        flat = actions.reshape(-1)  # a copy where the caller's array has gaps
        for player, answered in answers:
            for view, chosen in answered:
                flat[view.places] = chosen
                self.decided(view, player.chose(view, chosen))
        if not np.may_share_memory(flat, actions):
            actions[...] = flat.reshape(actions.shape)
        if self.in_pairs:
            played = self._glance is not None and self._glance.kind == "play"  # by everybody
            self._played = self._everybody if played else self.acting & self._plays[self.stage][:, None]
            self._facing = self._in_players("facing", whom=True).copy()
        self._glance = None

    def decided(self, view: View, page: np.ndarray | None) -> None:
        """Somebody decided; page: where its diary tells of it."""
        self._decided.append((view, page))

    def saw(self, step: Any, actions: np.ndarray) -> None:
        """What came of it. step: what the Simulator's or the worlds' step returned; actions as they were played."""
        self.clock += 1
        if not self.players:
            return
        actions = actions[..., 0] if actions.ndim == 3 else actions
        spread = self.acting.shape
        over, stopped = (
            np.broadcast_to(flag if flag.ndim == 2 else flag[:, None], spread)
            for flag in (step.terminated, step.truncated)
        )
        if self.in_pairs:
            self._note_meetings(over, actions)
        ended = bool(over.any() or stopped.any())
        for player in self.players:
            if ended or player.listens:
                player.saw(step.reward, over, stopped, actions)

    def _note_meetings(self, over: np.ndarray, actions: np.ndarray) -> None:
        """Who met whom, and what both did; where the game is over the state is of the next one, and what was chosen
        stands for what was done."""
        ended, played = over[:, 0], self._played
        if played.any():
            did, looked = self._in_players("did"), self._in_players("recent")
            if ended.any():
                did, looked = np.where(over, actions, did), np.where(over, actions, looked)
            self.meetings.note(played, self._facing, did, looked)
            for view, page in self._decided:
                if page is not None and view.kind == "play":
                    page["action"] = did[view.worlds, view.agent]
                    page["theirs"] = np.where(view.opponent >= 0, looked[view.worlds, view.whom], -1)
        if ended.any():
            self.meetings.forget(ended)

    def close(self) -> None:
        """Let go of what the players hold. Whoever is asked again afterwards takes it up anew."""
        for player in self.players if not self._closed else ():
            player.policy.close(player)
        self._thinking, self._begun, self._closed = [], False, True

    def report(self) -> list[dict[str, Any]]:
        """For each player: seats, policy, decisions, how many were replaced, seconds of thought, what it counted."""
        return [player.report() for player in self.players]

    # ------------------------------------------------------------ keeping

    def state_dict(self) -> dict[str, np.ndarray]:
        """Everything that the players remember, as a flat {name: array} of copies."""
        made = {f"meetings/{name}": array for name, array in self.meetings.state().items()}
        for k, player in enumerate(self.players):
            made |= {f"{k}/{name}": array for name, array in player.state().items()}
        return {name: array.copy() for name, array in made.items()} | {"clock": np.array(self.clock)}

    def load_state_dict(self, saved: Mapping[str, np.ndarray]) -> None:
        """Go on from a state_dict."""
        for name, array in self.meetings.state().items():
            array[...] = saved[f"meetings/{name}"]
        for k, player in enumerate(self.players):
            prefix = f"{k}/"
            player.load({name[len(prefix) :]: v for name, v in saved.items() if name.startswith(prefix)})
        self.clock = int(saved["clock"])


def _one_range(worlds: Any) -> tuple[float, float] | None:
    """The range of an outside environment's decisions, None where they are whole numbers."""
    if worlds.box is None:
        return None
    lows, highs = worlds.box
    if len(lows) != 1:
        raise ValueError(
            f"policies choose a whole number or one number; a decision of {worlds.label} is {len(lows)} numbers"
        )
    return lows[0], highs[0]
