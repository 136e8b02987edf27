"""The table at which policies sit: who plays in which worlds, what they are shown, what they are told afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np

from .background import think
from .base import Policy, Random
from .meetings import Meetings
from .player import Player
from .view import View

Rows = tuple[np.ndarray, np.ndarray]  # worlds and agents


class Seats:
    """Policies in the seats of a Simulator's worlds (or of other worlds with the same arrays).

    worlds    a Simulator, or what trainers call worlds: obs, legal, acting, stage, seeds, num_envs
    policies  (policy, seat) pairs; a seat is an agent's number (in every world), several, or two arrays of equal
              length, worlds and agents. A mapping {agent: policy} will do. An object that sits in several seats is
              asked once

        seats = Seats(sim, {0: TitForTat(), 1: Grim()})
        while ...:
            actions = np.zeros(sim.acting.shape, dtype=int)
            seats.choose(actions)
            seats.saw(sim.step(actions), actions)

    ValueError in one sentence for a policy that cannot play here.
    """

    def __init__(self, worlds: Any, policies: Mapping[int, Policy] | Sequence[tuple[Policy, Any]]):
        self._worlds = worlds
        self.game = getattr(worlds, "game", None)
        simulator = getattr(worlds, "simulator", worlds if hasattr(worlds, "what_if") else None)
        self._state = None if simulator is None else simulator.state
        self.seeds, self.num_envs = worlds.seeds, worlds.num_envs
        self.num_worlds, self.n_agents = worlds.acting.shape
        self.clock, self._closed = 0, False
        self._describe()
        self.seed_of = np.repeat(np.array(self.seeds, dtype=np.uint64), self.num_envs)
        self.number_of = np.tile(np.arange(self.num_envs), len(self.seeds))
        self._anybody = Random()
        self.players = [Player(policy, *rows, self) for policy, rows in self._rows(policies)]
        self._slow = [player for player in self.players if player.policy.slow]
        self._thinking: list[Future[list[tuple[View, np.ndarray]]]] = []
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
        return self._state["target"][worlds, agents]  # type: ignore[index]

    def allows(self, view: View, chosen: np.ndarray) -> np.ndarray:
        """Which of the actions [n] are legal, bool [n]."""
        if view.box is not None:
            return (chosen >= view.box[0]) & (chosen <= view.box[1])
        inside = (chosen >= 0) & (chosen < self.legal.shape[2])
        return inside & self.legal[view.worlds, view.agent, np.where(inside, chosen, 0)]

    # ------------------------------------------------------------ a step

    def begin(self) -> None:
        """Let slow players think, while others are asked."""
        if self._closed:
            self._closed = False
            for player in self.players:
                player.policy.reset(player)
        self._thinking = [think(self._ask, player) for player in self._slow]

    @staticmethod
    def _ask(player: Player) -> list[tuple[View, np.ndarray]]:
        return [(view, player.answer(view)) for view in player.turns_now()]

    def choose(self, actions: np.ndarray) -> None:
        """Write the players' actions into `actions` [W, n] (or [W, n, 1] where they are numbers of a range)."""
        if not self._thinking:
            self.begin()
        answers = [(player, self._ask(player)) for player in self.players if not player.policy.slow]
        answers += [(player, future.result()) for player, future in zip(self._slow, self._thinking, strict=True)]
        self._thinking, self._decided = [], []
        target = actions[..., 0] if actions.ndim == 3 else actions
        for player, answered in answers:
            for view, chosen in answered:
                target[view.worlds, view.agent] = chosen
                self._decided.append((view, player.chose(view, chosen)))
        if self.in_pairs:
            self._played = self.acting & self._plays[self.stage][:, None]
            self._facing = self._state["facing"].copy()  # type: ignore[index]

    def saw(self, step: Any, actions: np.ndarray) -> None:
        """What came of it. step: what the Simulator's or the worlds' step returned; actions as they were played."""
        self.clock += 1
        actions = actions[..., 0] if actions.ndim == 3 else actions
        spread = self.acting.shape
        over, stopped = (
            np.broadcast_to(flag if flag.ndim == 2 else flag[:, None], spread)
            for flag in (step.terminated, step.truncated)
        )
        if self.in_pairs:
            self._note_meetings(over, actions)
        for player in self.players:
            player.saw(step.reward, over, stopped, actions)

    def _note_meetings(self, over: np.ndarray, actions: np.ndarray) -> None:
        """Who met whom, and what both did; where the game is over the state is of the next one, and what was chosen
        stands for what was done."""
        ended, played = over[:, 0], self._played
        if played.any():
            state: Any = self._state
            did = np.where(over, actions, state["did"][:, :, 0])
            looked = np.where(over, actions, state["recent"][:, :, 0])
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
        self._thinking, self._closed = [], True

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
