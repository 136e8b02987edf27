"""A table at which one seat's actions come from outside, while learners and policies play, and learn, in the others."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np

from ..core.game import Game
from ..core.registry import as_game
from ..policies import Policy, Random, Seats, View, as_policy
from ..policies.base import check_fallback
from .rollout import Trainer
from .seats import seats
from .worlds import SimulatorWorlds

ENDLESS = 2**62  # episodes
PATIENCE = 10_000  # steps without a decision of the seat before it is said never to decide
WHOLE = ("steps", "rounds")  # feeds that count every step of all worlds at once


class Outside(Policy):
    """Plays what the table was told to."""

    illegal: str = "raise"  # type: ignore[misc]
    tags: ClassVar[dict[str, Any]] = {}
    recalls = False

    @property
    def name(self) -> str:
        """Whom errors name."""
        return "the player from outside"

    def act(self, view: View) -> np.ndarray:
        return view.store["actions"][view.worlds]


class Outcome:
    """What came of the seat's decisions, world by world.

    reward float64 [W]; terminated, truncated bool [W]; final_obs float32 [W, D], last seen where the episode has ended
    """

    def __init__(self, num_worlds: int, obs_dim: int):
        self.reward = np.zeros(num_worlds)
        self.terminated, self.truncated = np.zeros((2, num_worlds), bool)
        self.final_obs = np.zeros((num_worlds, obs_dim), np.float32)

    @property
    def ended(self) -> np.ndarray:
        """bool [W]."""
        return self.terminated | self.truncated


class SeatTable:
    """Worlds of a game in which one seat is played from outside: `begin`, then `play` and `go_on` in turn.

    game     a Game, or the name of a registered one, made with `options`
    agent    whose seat: "agent_3", or 3
    seating  who sits in the others, as a Trainer takes it: learners, which learn; policies, which do not. Seats that
             are left out play randomly
    illegal  what is played where an illegal action is given; see policies.Policy
    training further arguments of the Trainer: heads, credit, team_reward, layers, ...

    The seat has a decision to take in every world that is not at an end. Worlds in which it decides sooner wait for the
    others: nobody acts and nothing is paid there meanwhile (reward layers that fade from step to step do go on fading).
    `skipped` counts the episodes in which the seat had nothing to decide at all, and `skipped_reward` what they paid
    it. `rows` holds what the Trainer recorded, the last thousand rows.
    """

    def __init__(
        self, game: Game | str, agent: int | str, seating: Mapping[Any, Any] | None, num_envs: int, seed: int,
        illegal: str, training: Mapping[str, Any] | None, options: Mapping[str, Any],
    ):  # fmt: skip
        game = as_game(game, options)
        check_fallback("the seat", illegal)
        names = game.agents
        self.game, (self.seat, *more) = game, seats(agent, names)
        if more:
            raise ValueError(f"one seat is played from outside; got {agent!r}")
        taken = {who: key for key in seating or {} for who in seats(key, names)}
        if self.seat in taken:
            raise ValueError(
                f"{names[self.seat]} is the seat that is played from outside; seating gives it to {taken[self.seat]!r}"
            )
        self._outside = Outside(illegal)  # type: ignore[call-arg]
        everybody = {self.seat: self._outside, **(seating or {})}
        everybody |= {who: Random() for who in range(len(names)) if who not in taken and who != self.seat}
        self.trainer = Trainer(
            game, seating=everybody, seeds=(seed,), num_envs=num_envs, episodes=ENDLESS, **(training or {})
        )
        assert isinstance(self.trainer.worlds, SimulatorWorlds)
        self.worlds, self.simulator = self.trainer.worlds, self.trainer.worlds.simulator
        self.num_worlds = self.worlds.num_worlds
        self.rows: deque[dict[str, Any]] = deque(maxlen=1000)
        self.skipped, self.skipped_reward = 0, 0.0
        self._early = np.zeros(self.num_worlds)
        self._at_end = np.ones(self.num_worlds, bool)  # of an episode that was closed for the learners too
        self._begun, self._still = False, 0

    # ------------------------------------------------------------ what is seen

    @property
    def obs(self) -> np.ndarray:
        """What the seat sees, float32 [W, D], a copy."""
        return self.simulator.obs[:, self.seat].copy()

    @property
    def legal(self) -> np.ndarray:
        """What it may do, bool [W, A], a copy."""
        return self.simulator.legal[:, self.seat].copy()

    @property
    def stage(self) -> np.ndarray:
        """Index in game.stages of what it decides on, [W], a copy."""
        return self.simulator.stage.copy()

    @property
    def early(self) -> np.ndarray:
        """What the seat was paid in this episode before its first decision, [W]; part of that decision's reward."""
        return self._early.copy()

    @property
    def replaced(self) -> int:
        """Illegal actions that were replaced."""
        return self._player.counts["replaced"]

    @property
    def _player(self) -> Any:
        return next(player for player in self.trainer.seats.players if player.policy is self._outside)

    # ------------------------------------------------------------ play

    def begin(self, seed: int | None = None) -> None:
        """Go on to the next episode of every world, or (seed) found the society anew in all.

        Between episodes nothing is lost. In the middle of one it is abandoned, in every world: what learners have open
        then is closed as if the clock had stopped there, or forgotten by those that learn from single transitions;
        ValueError from learners that can do neither.
        """
        if seed is not None or not self._at_end.all():
            if self.trainer.steps and not (self._at_end.all() and not self.simulator._step.truncated.any()):
                for head in self.trainer.heads:
                    head.feed.drop()
                    head.end_episodes(np.ones(self.num_worlds, bool))
            for running in self.trainer.book.running.values():
                running[...] = 0
            self.simulator.reset(seed)
            self.worlds.seeds = self.simulator.seeds
            self.trainer.seats.close()
            self.trainer.seats = Seats(self.worlds, self.trainer.policies, self.trainer)
        self._begun = True
        self._at_end[:] = True
        self.go_on()

    def play(self, actions: Any) -> Outcome:
        """The seat's actions [W]; play on until it decides again, or the episode ends, in every world.

        IllegalAction (nothing is played) where they are illegal and nothing is said of what to play instead.
        """
        assert self._begun and not self._at_end.any()
        self._choose(np.asarray(actions))
        out = Outcome(self.num_worlds, self.game.obs_dim)
        out.reward += self._early
        self._early[:], self._still = 0, 0
        there = np.zeros(self.num_worlds, bool)
        while not there.all():
            step = self._step(there)
            out.reward += step.reward[:, self.seat]
            ended = step.terminated | step.truncated
            out.terminated |= step.terminated
            out.truncated |= step.truncated
            out.final_obs[ended] = step.final_obs[ended, self.seat]
            self._at_end |= ended
            there |= ended | self.simulator.acting[:, self.seat]
        return out

    def go_on(self) -> None:
        """Where an episode has ended, play on until the seat decides in the next one."""
        self._early[self._at_end], self._still = 0, 0
        there = ~self._at_end | self.simulator.acting[:, self.seat]
        while not there.all():
            step = self._step(there)
            self._early += step.reward[:, self.seat]
            ended = step.terminated | step.truncated
            if ended.any():
                self.skipped += int(ended.sum())
                self.skipped_reward += float(self._early[ended].sum())
                self._early[ended] = 0
            there |= self.simulator.acting[:, self.seat]
        self._at_end[:] = False

    def evaluate(self, player: Any, episodes: int, greedy: bool) -> dict[str, Any]:
        """The row of what everybody does when nobody learns, with `player` in the seat."""
        held = self.trainer.policies
        self.trainer.policies = held | {self.seat: as_policy(player)}
        try:
            (row,) = self.trainer.evaluate(episodes, greedy=greedy)
        finally:
            self.trainer.policies = held
        return row

    def _choose(self, actions: np.ndarray) -> None:
        chosen = np.zeros(self.num_worlds, np.int64 if self.game.box is None else np.float64)
        player = self._player
        for view in player.turns_now():
            chosen[view.worlds] = player.checked(view, actions[view.worlds])
        player.store["actions"] = chosen

    def _step(self, there: np.ndarray) -> Any:
        """One step of the worlds that are not `there` yet."""
        if there.any():
            for head in self.trainer.heads:
                if head.learner.feed in WHOLE:
                    raise ValueError(
                        f"{type(head.learner).__name__} learns from all worlds at once, and here some would have to "
                        f"wait until {self.game.agents[self.seat]} decides in the others; take one world (num_envs=1)"
                    )
            self.worlds.waiting = there.copy()
        self._still += 1
        if self._still > PATIENCE:
            raise RuntimeError(
                f"{self.game.agents[self.seat]} has had nothing to decide in {PATIENCE} steps of {self.game.label}"
            )
        self.rows.extend(self.trainer.advance())
        return self.simulator._step
