"""One seat in many worlds of a game as a Gymnasium vector environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space

from ..core.errors import NotReset
from ..core.game import Game
from .face import FRAMES_A_SECOND
from .seat import Seat, seat_table, seat_viewer


class SeatVectorEnv(Seat, VectorEnv[Any, Any, Any]):
    """One seat in `num_envs` worlds, as SeatEnv is in one; the same learners sit around it in all of them.

    All arguments are SeatEnv's. One step is one decision of the seat in every world; worlds in which it decides sooner
    wait for the others. A world whose episode has ended begins the next one in the same step (AutoresetMode.SAME_STEP):
    infos["final_obs"] then holds what was last seen, and infos["_final_obs"] says where, as Gymnasium has it.

    Observations float32 [W, D], or a dictionary of "observation" and "action_mask" int8 [W, A]; rewards float64 [W];
    infos "stage" [W], "early" [W], "action_mask" [W, A]. render() gives a tuple of pictures, one a world, with
    render_mode="rgb_array".
    """

    metadata: dict[str, Any] = {
        "render_modes": ["rgb_array"], "render_fps": FRAMES_A_SECOND, "autoreset_mode": AutoresetMode.SAME_STEP,
    }  # fmt: skip

    def __init__(
        self,
        game: Game | str,
        agent: int | str = 0,
        seating: Mapping[Any, Any] | None = None,
        num_envs: int = 8,
        masked: bool = False,
        illegal_action: str = "raise",
        seed: int = 0,
        training: Mapping[str, Any] | None = None,
        render_mode: str | None = None,
        render_size: tuple[int, int] | None = None,
        **options: Any,
    ):
        if render_mode not in (None, "rgb_array"):
            why = "; a window shows one world, that of a SeatEnv" if render_mode == "human" else ""
            raise ValueError(f"render_mode of many worlds must be None or 'rgb_array'{why}; got {render_mode!r}")
        self.table = seat_table(game, agent, seating, num_envs, seed, illegal_action, training, options)
        self.num_envs, self.masked = num_envs, masked
        self.single_observation_space, self.single_action_space = self._make_spaces(masked)
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._playing, self.render_mode = False, render_mode
        self._pictures: Any = None if render_mode is None else seat_viewer(self, render_size)

    @property
    def game(self) -> Game:
        """What is played."""
        return self.table.game

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begin anew in every world: with a seed, all are founded anew."""
        if seed is not None and not isinstance(seed, int | np.integer):
            raise ValueError(f"all worlds are seeded by one whole number, each in its own way; got {seed!r}")
        super().reset(seed=seed)
        self.table.begin(seed)
        self._playing = True
        return self._now(), self._infos()

    def step(self, actions: Any) -> tuple[Any, np.ndarray, np.ndarray, np.ndarray, dict[str, Any]]:
        """Take a decision in every world, [W] (or [W, 1] where they are numbers)."""
        if not self._playing:
            raise NotReset("no episode is under way; call reset() before step()")
        actions = np.asarray(actions)
        if len(actions) != self.num_envs:
            raise ValueError(f"there must be an action for each of {self.num_envs} worlds; got shape {actions.shape}")
        out = self.table.play(self._numbers(actions))
        self.table.go_on()
        infos = self._infos()
        if out.ended.any():
            infos |= self._final(out)
        return self._now(), out.reward, out.terminated, out.truncated, infos

    def action_masks(self) -> np.ndarray:
        """Which actions are legal now, bool [W, A]."""
        return self.table.legal

    def render(self) -> tuple[np.ndarray, ...] | None:
        """Every world as it is, uint8 [height, width, 3] each; None without a render_mode."""
        if not self.table._begun:
            raise NotReset("the environment has not been reset; call reset() before render()")
        return None if self._pictures is None else tuple(one.array() for one in self._pictures)

    def for_sb3(self) -> Any:
        """The same as a VecEnv of Stable-Baselines3, which must be installed."""
        try:
            from .seat_sb3 import SeatVecEnv
        except ImportError as missing:
            if not str(missing.name).startswith("stable_baselines3"):
                raise
            raise ImportError("Stable-Baselines3 is not installed: pip install stable-baselines3") from None
        return SeatVecEnv(self)

    def close_extras(self, **kwargs: Any) -> None:
        """Let go of what the other seats hold."""
        self.table.trainer.seats.close()

    def _now(self) -> Any:
        return self._shown(self.table.obs, self.table.legal, self.masked)

    def _infos(self) -> dict[str, Any]:
        table, everywhere = self.table, np.ones(self.num_envs, bool)
        infos = {"stage": table.stage, "early": table.early}
        if self.game.box is None:
            infos["action_mask"] = table.legal.astype(np.int8)
        return infos | {f"_{name}": everywhere.copy() for name in infos}

    def _final(self, out: Any) -> dict[str, Any]:
        last = np.full(self.num_envs, None, dtype=object)
        everything = np.ones(self.game.n_actions, bool)
        for w in np.flatnonzero(out.ended):
            last[w] = self._shown(out.final_obs[w], everything.copy(), self.masked)
        return {"final_obs": last, "_final_obs": out.ended}
