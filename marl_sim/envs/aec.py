"""The PettingZoo AECEnv: the agents that decide in a stage, one after the other, none seeing the others' choices."""

from __future__ import annotations

from operator import add
from typing import Any

import numpy as np
from pettingzoo import AECEnv

from ..core.errors import NotReset
from ..core.game import Game
from .face import Face

WAITING = ("skip", "pass")


class GameAECEnv(Face, AECEnv):
    __doc__ = f"""{Face.__doc__}
    waiting         "skip": only agents that decide are selected; "pass": every agent is selected in every stage, and
                    those that do not decide pass with 0 (what PettingZoo's aec_to_parallel needs)

    Within a stage agents are selected by index. Their decisions are simultaneous: until the last of them has chosen,
    everybody sees what was to be seen when the stage opened, and nothing is paid.
    """

    def __init__(
        self,
        game: Game | str,
        render_mode: str | None = None,
        illegal_action: str = "raise",
        max_cycles: int | None = None,
        seed: int = 0,
        waiting: str = "skip",
        render_size: tuple[int, int] | None = None,
        **options: Any,
    ):
        if waiting not in WAITING:
            raise ValueError(f"waiting must be 'skip' or 'pass'; got {waiting!r}")
        super().__init__(game, render_mode, illegal_action, max_cycles, seed, render_size, **options)
        self.waiting = waiting
        self.metadata["is_parallelizable"] = waiting == "pass"
        self._index = {agent: i for i, agent in enumerate(self.possible_agents)}
        self.agent_selection: str = self.possible_agents[0]
        self._everybody = [(i, agent) for agent, i in self._index.items()][::-1]
        self._width = self.game.n_actions
        self._over = True  # no decision is awaited: not reset yet, or the episode has ended

    def _bind(self) -> None:
        super()._bind()
        n = self.game.n_agents
        self._boxed = self.game.box is not None
        self._low, self._high = self.game.box or (0.0, 0.0)
        self._actions = np.zeros((1, n), dtype=np.float64 if self._boxed else np.int64)
        self._chosen = memoryview(self._actions[0])  # a third of the time of writing into the array itself

    def __getstate__(self) -> dict[str, Any]:
        state = super().__getstate__()
        del state["_chosen"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        self._actions[:] = state["_actions"]

    def reset(self, seed: int | None = None, options: dict[str, Any] | None = None) -> None:
        """Begin an episode (see the class for what `seed` decides)."""
        self._begin(seed)
        names = self.possible_agents
        self.agents = names[:]
        self.rewards: dict[str, float] = dict.fromkeys(names, 0.0)
        self._nothing = dict.fromkeys(names, 0.0)
        self._cumulative_rewards: dict[str, float] = dict.fromkeys(names, 0.0)
        self.terminations = dict.fromkeys(names, False)
        self.truncations = dict.fromkeys(names, False)
        self._skip_agent_selection = None
        self._open()

    def _open(self) -> None:
        """Line up those who decide in the stage that is open now; after an end, everybody, to be dismissed."""
        at, decides = self._at, self._decides
        self._over = self.terminated or self.truncated
        self.infos = {agent: {"stage": at, "acting": acts} for agent, acts in zip(self.possible_agents, decides)}
        self._all_decide = self._over or self.waiting == "pass" or all(decides)
        if self._all_decide:
            self._line = self._everybody[:]  # whose turn is next stands last
        else:
            self._line = [one for one in self._everybody if decides[one[0]]]
            self._actions[:] = 0
        self._allowed = self._legal.tobytes()
        self._turn, self.agent_selection = self._line.pop()

    def observe(self, agent: str) -> Any:
        """What `agent` sees: {"observation": float32 [D], "action_mask": int8 [A]}; with a box the first alone."""
        try:
            i = self._index[agent]
            return self._obs[i] if self._boxed else {"observation": self._obs[i], "action_mask": self._mask[i]}
        except KeyError:
            self._known(agent)
            raise
        except AttributeError:
            self._need_reset("observe")
            raise

    def last(self, observe: bool = True) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """Observation (None if not asked for), reward since its last decision, terminated, truncated and info of the
        selected agent."""
        agent = self.agent_selection
        try:
            i = self._index[agent]  # observe() without the call, which costs as much as the look-ups in it
            if self._boxed:
                seen = self._obs[i]
            else:
                seen = {"observation": self._obs[i], "action_mask": self._mask[i]}
            return (
                seen if observe else None,
                self._cumulative_rewards[agent],
                self.terminated,
                self.truncated,
                self.infos[agent],
            )
        except (AttributeError, KeyError):
            self._need_somebody("last")
            raise

    def step(self, action: int | None) -> None:
        """The selected agent chooses `action` (None once the episode has ended).

        The stage is played when the last of its agents has chosen. IllegalAction (nothing has changed) or ValueError in
        one sentence otherwise; NotReset before the first reset and when no agent is left.
        """
        if self._over:
            self._need_somebody("step")
            self._was_dead_step(action)
            return
        agent, i = self.agent_selection, self._turn
        self._chosen[i] = self._number(i, action) if self._boxed else self._choice(i, action)  # type: ignore[assignment]
        self._cumulative_rewards[agent] = 0.0
        line = self._line
        if line:
            self.rewards = self._nothing
            self._turn, self.agent_selection = line.pop()
        else:
            self._settle()

    def _choice(self, i: int, action: Any) -> int:
        """What agent i chooses among its legal actions."""
        chosen = action if type(action) is int else self._integer(self.agent_selection, action)
        width = self._width
        if not (0 <= chosen < width and self._allowed[i * width + chosen]):
            chosen = self._legal_instead(i, chosen)
        return chosen

    def _number(self, i: int, action: Any) -> float:
        """What agent i chooses in the game's box; nothing, where it does not decide."""
        if not self._acting[i]:
            return 0.0
        amount = self._amount(self.agent_selection, action)
        if not self._low <= amount <= self._high:
            self._actions[:] = np.where(self._acting, self._low, 0.0)  # nobody else is to blame
            self._refused_by_the_simulator(i, amount)
        return amount

    def _settle(self) -> None:
        """Everybody has chosen: play the stage, pay, and open the next one or end the episode."""
        names = self.possible_agents
        self._play(self._actions)
        paid = self._reward.tolist()
        self.rewards = dict(zip(names, paid))
        if self._all_decide:  # what they had before was theirs at this decision
            self._cumulative_rewards = self.rewards.copy()
        else:
            self._cumulative_rewards = dict(zip(names, map(add, self._cumulative_rewards.values(), paid)))
        self._open()
        if self._over:
            self.terminations = dict.fromkeys(names, self.terminated)
            self.truncations = dict.fromkeys(names, self.truncated)

    def _legal_instead(self, agent: int, action: int) -> int:
        if self.illegal_action != "raise":
            return self._mended(agent, action)
        self._refused_by_the_simulator(agent, action if -(2**63) <= action < 2**63 else -1)
        raise AssertionError("the simulator took an action that its own mask forbids")

    def _refused_by_the_simulator(self, agent: int, action: float) -> None:
        attempt = self._actions.copy()
        attempt[0, agent] = action
        self.simulator.step(attempt)  # refuses it, in its own words

    def _need_somebody(self, what: str) -> None:
        self._need_reset(what)
        if not self.agents:
            raise NotReset(f"the episode has ended and no agent is left; call reset() before {what}()")


def aec_env(
    game: Game | str,
    render_mode: str | None = None,
    illegal_action: str = "raise",
    max_cycles: int | None = None,
    seed: int = 0,
    waiting: str = "skip",
    render_size: tuple[int, int] | None = None,
    **options: Any,
) -> GameAECEnv:
    """A PettingZoo AECEnv of `game`: a Game, or a registered name with its options.

        env = ms.aec_env("direct_punishment", n_agents=5)
        env.reset(seed=0)
        for agent in env.agent_iter():
            observation, reward, terminated, truncated, info = env.last()
            done = terminated or truncated
            env.step(None if done else env.action_space(agent).sample(observation["action_mask"]))

    The arguments are explained in GameAECEnv. ValueError in one sentence for a wrong one.
    """
    return GameAECEnv(game, render_mode, illegal_action, max_cycles, seed, waiting, render_size, **options)
