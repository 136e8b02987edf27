"""One seat in many worlds as a VecEnv of Stable-Baselines3; imported only where that is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
from stable_baselines3.common.vec_env import VecEnv

from .seat_vector import SeatVectorEnv


class SeatVecEnv(VecEnv):
    """A SeatVectorEnv as Stable-Baselines3 has its vectors: `infos` a list, "terminal_observation" and
    "TimeLimit.truncated" where an episode has ended, and action_masks for sb3-contrib's MaskablePPO."""

    def __init__(self, env: SeatVectorEnv):
        self.env = env
        super().__init__(env.num_envs, env.single_observation_space, env.single_action_space)

    def reset(self) -> Any:
        """Begin anew in every world, with the seed of `seed()` where one was given."""
        obs, _ = self.env.reset(seed=self._seeds[0])
        self._reset_seeds()
        return obs

    def step_async(self, actions: np.ndarray) -> None:
        """Keep the actions for step_wait."""
        self._actions = actions

    def step_wait(self) -> tuple[Any, np.ndarray, np.ndarray, list[dict[str, Any]]]:
        """Observations, rewards float32 [W], dones bool [W] and infos."""
        obs, reward, terminated, truncated, said = self.env.step(self._actions)
        done = terminated | truncated
        infos: list[dict[str, Any]] = [{"stage": int(stage)} for stage in said["stage"]]
        for w in np.flatnonzero(done):
            infos[w]["terminal_observation"] = said["final_obs"][w]
            infos[w]["TimeLimit.truncated"] = bool(truncated[w] and not terminated[w])
        return obs, reward.astype(np.float32), done, infos

    def get_images(self) -> list[np.ndarray | None]:
        """A picture of every world, where the environment was made with render_mode="rgb_array"."""
        return list(self.env.render() or [None] * self.num_envs)

    def close(self) -> None:
        """Let go of what the other seats hold."""
        self.env.close()

    def get_attr(self, attr_name: str, indices: Any = None) -> list[Any]:
        """An attribute of the vector environment, for each world."""
        return [getattr(self.env, attr_name)] * len(list(self._get_indices(indices)))

    def set_attr(self, attr_name: str, value: Any, indices: Any = None) -> None:
        """Set an attribute of the vector environment."""
        setattr(self.env, attr_name, value)

    def has_attr(self, attr_name: str) -> bool:
        """Whether the vector environment has it."""
        return hasattr(self.env, attr_name)

    def env_method(self, method_name: str, *args: Any, indices: Any = None, **kwargs: Any) -> list[Any]:
        """Call a method of the vector environment; what it gives has a row for each world."""
        given = getattr(self.env, method_name)(*args, **kwargs)
        return [given[k] for k in self._get_indices(indices)]

    def env_is_wrapped(self, wrapper_class: Any, indices: Any = None) -> list[bool]:
        """No world is."""
        return [False] * len(list(self._get_indices(indices)))
