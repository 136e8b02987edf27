"""One seat of a game as a Gymnasium environment; who sits in the others is given."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ..core.errors import NotReset
from ..core.game import Game
from .face import FRAMES_A_SECOND


def seat_table(*arguments: Any) -> Any:
    """The worlds behind it. They stand above this layer, where learners and policies meet, and are found by name."""
    return importlib.import_module("marl_sim.training.outside_seat").SeatTable(*arguments)


def seat_viewer(env: Any, size: tuple[int, int] | None) -> Any:
    """What draws each of its worlds; found by name, so that environments without pictures need no pygame."""
    pictures = importlib.import_module("marl_sim.viewer.faces").seat_pictures
    return pictures(env) if size is None else pictures(env, size)


class Seat:
    """What the environment of one seat and that of many worlds share: spaces, and how a row of arrays is shown."""

    table: Any

    def _make_spaces(self, masked: bool) -> tuple[spaces.Space[Any], spaces.Space[Any]]:
        game = self.table.game
        low, high = game.layout.bounds()
        vector = spaces.Box(low, high, dtype=np.float32)
        if game.box is not None:
            if masked:
                raise ValueError(f"decisions of {game.label} are numbers of a range, which no mask describes")
            return vector, spaces.Box(game.box[0], game.box[1], (1,), np.float32)
        mask = spaces.Box(0, 1, (game.n_actions,), np.int8)
        seen = spaces.Dict({"observation": vector, "action_mask": mask}) if masked else vector
        return seen, spaces.Discrete(game.n_actions)

    def _shown(self, obs: np.ndarray, legal: np.ndarray, masked: bool) -> Any:
        return {"observation": obs, "action_mask": legal.view(np.int8)} if masked else obs

    def _numbers(self, actions: np.ndarray) -> np.ndarray:
        """Actions [W], of a box's [W, 1] too; what float32 rounds past an end of the range is the end itself."""
        box = self.table.game.box
        if box is None:
            return actions
        numbers = actions.reshape(len(actions), -1)[:, 0].astype(np.float64)
        inside = (np.float32(box[0]) <= numbers) & (numbers <= np.float32(box[1]))
        return np.where(inside, numbers.clip(*box), numbers)

    @property
    def trainer(self) -> Any:
        """The Trainer behind the other seats: its learners, state_dict(), what export_agent takes."""
        return self.table.trainer

    @property
    def rows(self) -> list[dict[str, Any]]:
        """What the Trainer recorded: a row for every `block` episodes of each world, the last thousand."""
        return list(self.table.rows)

    def evaluate(self, player: Any, episodes: int = 20, greedy: bool = True) -> dict[str, Any]:
        """The row of what everybody does when nobody learns, with `player` (what `ms.as_policy` takes) in this seat.

        Played in worlds of their own; the environment's stay where they are. greedy: learners do not explore.
        """
        return self.table.evaluate(player, episodes, greedy)

    @property
    def replaced(self) -> int:
        """How many illegal actions were replaced since the society was founded."""
        return self.table.replaced


class SeatEnv(Seat, gymnasium.Env[Any, Any]):
    """One seat of a game as a Gymnasium environment, in which any single-agent library can learn.

    game            a Game, or the name of a registered one, made with `options`
    agent           whose seat it is: "agent_3", or 3
    seating         who sits in the others, {"agent_0..1": ms.PPO(), "agent_2": "TitForTat"}: learners, which go on
                    learning, policies, or what `ms.as_policy` takes. Seats that are left out play randomly
    masked          whether observations hold the legal actions too
    illegal_action  "raise" IllegalAction; or play "pass", the first legal action, "repeat", its last one, "random", a
                    legal one, instead
    render_mode     None; "rgb_array": render() returns a picture; "human": a window shows every stage, also the others'
    render_size     (width, height) of pictures, in pixels
    seed            of the learners, and of the worlds until reset(seed=...) gives another
    training        further arguments of the Trainer behind the learners (heads, credit, team_reward, layers, ...)

    Step          one decision of the seat: the others' stages in between are played by who sits there
    Observation   float32 [D], laid out as game.layout says; masked: {"observation": float32 [D], "action_mask": int8
                  [A]}. After the end: what was last seen, with nothing masked
    Action        0..A-1, of which `action_masks()` are legal; game.stages says what each means. An array [1] of a
                  number in the range, where the game's decisions are continuous
    Reward        everything the seat is paid until its next decision, or the end of the episode. What it was paid
                  before its first decision ("early") comes with that decision's
    Info          "stage": index in game.stages of what is decided on; "action_mask": int8 [A]; "early"
    Ending        terminated where the game is over, truncated where the clock stopped (a Continuing horizon)

    reset(seed=s) founds the society anew, and all that follows depends on s, the actions, and what learners have
    learned so far. reset() goes on to the society's next episode; in the middle of one, it abandons it (see
    training.outside_seat). Learners in two environments are two learners: for many worlds around the same learners
    take SeatVectorEnv. ValueError in one sentence for wrong options.
    """

    metadata: dict[str, Any] = {"render_modes": ["human", "rgb_array"], "render_fps": FRAMES_A_SECOND}

    def __init__(
        self,
        game: Game | str,
        agent: int | str = 0,
        seating: Mapping[Any, Any] | None = None,
        masked: bool = False,
        illegal_action: str = "raise",
        seed: int = 0,
        training: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        render_size: tuple[int, int] | None = None,
        **options: Any,
    ):
        if render_mode not in (None, *self.metadata["render_modes"]):
            raise ValueError(f"render_mode must be None, 'human' or 'rgb_array'; got {render_mode!r}")
        self.table = seat_table(game, agent, seating, 1, seed, illegal_action, training, options)
        self.masked, self.render_mode = masked, render_mode
        self.observation_space, self.action_space = self._make_spaces(masked)
        self._playing = False
        self._pictures: Any = None
        if render_mode is not None:
            (self._pictures,) = seat_viewer(self, render_size)

    @property
    def game(self) -> Game:
        """What is played."""
        return self.table.game

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin an episode at the seat's first decision (see the class for what `seed` decides)."""
        super().reset(seed=seed)
        self.table.begin(seed)
        self._playing = True
        legal = self.table.legal[0]
        return self._shown(self.table.obs[0], legal, self.masked), self._info(legal)

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Take a decision. IllegalAction (nothing is played) or ValueError in one sentence for one that is not legal;
        NotReset before the first reset and after the end."""
        if not self._playing:
            raise NotReset("no episode is under way; call reset() before step()")
        out = self.table.play(self._numbers(np.asarray(action).reshape(1, -1)[:, 0]))
        ended = bool(out.ended[0])
        self._playing = not ended
        obs = out.final_obs[0] if ended else self.table.obs[0]
        legal = np.ones(self.game.n_actions, bool) if ended else self.table.legal[0]
        flags = bool(out.terminated[0]), bool(out.truncated[0])
        return self._shown(obs, legal, self.masked), float(out.reward[0]), *flags, self._info(legal)

    def action_masks(self) -> np.ndarray:
        """Which actions are legal now, bool [A], as sb3-contrib's MaskablePPO asks for them."""
        return self.table.legal[0]

    def render(self) -> Any:
        """The society as it is: uint8 [height, width, 3] ("rgb_array"); nothing where a window shows every stage."""
        if not self.table._begun:
            raise NotReset("the environment has not been reset; call reset() before render()")
        return self._pictures.array() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Let go of what the other seats hold, and of the window."""
        self.table.trainer.seats.close()
        if self._pictures is not None:
            self._pictures.close()

    def _info(self, legal: np.ndarray) -> dict[str, Any]:
        info = {"stage": int(self.table.stage[0]), "early": float(self.table.early[0])}
        return info if self.game.box is not None else info | {"action_mask": legal.astype(np.int8)}
