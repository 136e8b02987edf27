"""What the Parallel and the AEC environment share: one world of a game, seen through PettingZoo's vocabulary."""

from __future__ import annotations

import importlib
import operator
from typing import Any

import numpy as np
from gymnasium import logger, spaces

from ..core.errors import NotReset
from ..core.fields import Layout
from ..core.game import Game
from ..core.registry import as_game
from ..core.rng import GOLDEN, MASK, purpose
from ..core.simulator import Simulator
from ..core.stage import Stage
from . import ansi

ILLEGAL = ("raise", "pass", "random")
MODES = ("ansi", "human", "rgb_array")
FRAMES_A_SECOND = 4  # at which a window shows the stages, and a film should
VERSION = 0  # of every registered game, as it stands in direct_punishment_v0


class Face:
    """One world of `game` behind a PettingZoo interface.

    game            a Game, or the name of a registered one, made with `options`
    render_mode     None; "ansi": render() returns a text picture; "rgb_array": a picture, uint8 [height, width, 3], for
                    which no display is needed; "human": every stage is shown in a window
    illegal_action  "raise" IllegalAction; or replace what is not legal: "pass" by 0 (by the first legal action where 0
                    is not legal), "random" by a legal action drawn from (seed, step, agent)
    max_cycles      truncate an episode after so many steps (stages), whatever the game's own horizon; None: never
    seed            of the first episode, until reset(seed=...) gives another
    render_size     (width, height) of pictures, in pixels

    Observation   {"observation": float32 [D], "action_mask": int8 [A]}, laid out as `layout` says. The arrays are the
                  caller's to keep. Agents that do not decide see the stage alone, and may only pass with 0.
    Action        0..A-1; what each means in a stage stands in `game.stages`
    Box           where the game's decisions are continuous (game.box): an observation is the float32 vector alone, an
                  action an array [1] of a number in the range, and what agents that do not decide choose is ignored
    Reward        a float; `components()` splits it
    Info          "stage": index in game.stages of the stage that is open; "acting": whether the agent decides in it.
                  Numbers only, since libraries make tensors of infos.
    Ending        all agents at once: `terminated` when the game is over, `truncated` when the clock stopped (a
                  Continuing horizon, or max_cycles). In the last observation the mask shows what would have been
                  open to those who would have decided.

    reset(seed=s) founds the society anew, and all that follows depends on s and the actions alone. reset() goes on to
    the society's next episode, exactly as the Simulator does: after an end, to the episode that has begun already (with
    a Continuing horizon reputations and memory go on into it); in the middle of an episode, or after max_cycles, to a
    new one that starts from scratch. Unknown options of reset are ignored.

    `replaced` counts decisions that were illegal and replaced, `ignored` the non-zero actions of agents that had
    nothing to decide, both since the environment was made.
    """

    metadata: dict[str, Any]
    agents: list[str]

    def __init__(
        self,
        game: Game | str,
        render_mode: str | None = None,
        illegal_action: str = "raise",
        max_cycles: int | None = None,
        seed: int = 0,
        render_size: tuple[int, int] | None = None,
        **options: Any,
    ):
        game = as_game(game, options)
        if render_mode is not None and render_mode not in MODES:
            raise ValueError(f"render_mode must be None, {', '.join(map(repr, MODES[:-1]))} or {MODES[-1]!r}; "
                             f"got {render_mode!r}")  # fmt: skip
        if illegal_action not in ILLEGAL:
            raise ValueError(f"illegal_action must be 'raise', 'pass' or 'random'; got {illegal_action!r}")
        whole = isinstance(max_cycles, int | np.integer) and not isinstance(max_cycles, bool)
        if max_cycles is not None and (not whole or max_cycles < 1):
            raise ValueError(f"max_cycles must be a whole number of at least 1, or None; got {max_cycles!r}")
        self.game: Game = game
        self.simulator = Simulator(game, num_envs=1, seed=seed, threads=1)
        self.render_mode, self.illegal_action, self.max_cycles = render_mode, illegal_action, max_cycles
        self.replaced = self.ignored = 0
        self.metadata = {"name": f"{game.label}_v{VERSION}", "render_modes": list(MODES), "is_parallelizable": True}
        self.metadata["render_fps"] = FRAMES_A_SECOND
        self.possible_agents: list[str] = game.agents
        self.agents = []
        self._played = 0  # stages since the last seed
        self.steps = 0  # stages since the episode began
        self._begun = self._met = False  # the next episode has begun already; reset() has been called
        self.terminated = self.truncated = False
        self._before: dict[str, Any] = {}  # what render() tells of the stage just played
        self._pictures = _viewer(self, render_size) if render_mode in ("human", "rgb_array") else None
        self._make_spaces()
        self._bind()

    # ------------------------------------------------------------ spaces

    @property
    def layout(self) -> Layout:
        """Where each field lies in the flat observation."""
        return self.game.layout

    def _make_spaces(self) -> None:
        low, high = self.game.layout.bounds()
        n, actions = self.game.n_agents, self.game.n_actions
        box = self.game.box

        def seen() -> spaces.Space[Any]:
            vector = spaces.Box(low, high, dtype=np.float32)
            if box is not None:
                return vector
            return spaces.Dict({"observation": vector, "action_mask": spaces.Box(0, 1, (actions,), np.int8)})

        def done() -> spaces.Space[Any]:
            return spaces.Discrete(actions) if box is None else spaces.Box(*box, (1,), np.float32)

        self.observation_spaces: dict[str, spaces.Space[Any]] = {agent: seen() for agent in self.possible_agents}
        self.action_spaces: dict[str, spaces.Space[Any]] = {agent: done() for agent in self.possible_agents}
        self.state_space = spaces.Box(np.tile(low, n), np.tile(high, n), dtype=np.float32)

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        """The space of what `agent` sees; the same object at every call."""
        return self.observation_spaces[self._known(agent)]

    def action_space(self, agent: str) -> spaces.Space[Any]:
        """Discrete(A), or Box(low, high, (1,)) where decisions are continuous; the same object at every call."""
        return self.action_spaces[self._known(agent)]

    def state(self) -> np.ndarray:
        """A global view for centralised critics: all agents' observations by index, float32 [n * D].

        The named state fields themselves are in `simulator.state`.
        """
        self._need_reset("state")
        return self._obs.ravel()

    def _known(self, agent: str) -> str:
        if agent not in self.observation_spaces:
            names = self.possible_agents
            raise ValueError(f"there is no agent {agent!r}; the agents are {names[0]} to {names[-1]}")
        return agent

    # ------------------------------------------------------------ the world

    def _bind(self) -> None:
        """Views of the one world's arrays; they are not pickled, but taken anew."""
        sim = self.simulator
        step = sim._step
        self._legal = sim.legal[0].view(np.int8)
        self._seen, self._last_seen = sim.obs[0], step.final_obs[0]
        self._acting, self._stage, self._reward = sim.acting[0], sim.stage, step.reward[0]
        self._flags = step.terminated, step.truncated

    def __getstate__(self) -> dict[str, Any]:
        bound = ("_legal", "_seen", "_last_seen", "_acting", "_stage", "_reward", "_flags")
        return {name: value for name, value in self.__dict__.items() if name not in bound}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._bind()

    def _need_reset(self, what: str) -> None:
        if not self._met:
            raise NotReset(f"the environment has not been reset; call reset() before {what}()")

    def _begin(self, seed: int | None) -> None:
        """Start an episode: of a society with this seed; or the one that has begun already; or the next."""
        anew = seed is not None or not self._begun
        if anew:
            self.simulator.reset(seed)
        if seed is not None:
            self._played = 0
        self._begun, self._met = False, True
        self.terminated = self.truncated = False
        self.steps = 0
        self._before = {}
        self._show()
        if self._pictures is not None:
            self._pictures.begin(anew)
            self._display()

    def _show(self) -> None:
        """What the agents see is what the world holds now."""
        self._obs, self._mask = self._seen.copy(), self._legal.copy()
        self._at, self._decides = self._stage.item(), self._acting.tolist()

    def _play(self, actions: np.ndarray) -> None:
        """One stage with `actions`, [1, n]; then _obs, _mask, terminated and truncated say what is shown."""
        if self.render_mode == "ansi":
            self._before = ansi.note(self, actions)
        elif self._pictures is not None:
            self._pictures.note()
        self.simulator.step(actions)
        self.steps += 1
        self._played += 1
        terminated, truncated = self._flags
        self.terminated, self.truncated = terminated.item(), truncated.item()
        if self.terminated or self.truncated:
            self._begun = True
            self._obs = self._last_seen.copy()
            self._at = int(self._obs[0, : len(self.game.stages)].argmax())
            self._mask = self._final_mask()
            self._decides = [False] * self.game.n_agents
        else:
            self._show()
            if self.max_cycles is not None and self.steps >= self.max_cycles:
                self.truncated = True
                self._decides = [False] * self.game.n_agents
        if self._pictures is not None:
            self._pictures.see(actions)
            if self.truncated:
                self._pictures.cut()
            self._display()

    def _display(self) -> None:
        """Show the moment, where somebody watches."""
        if self.render_mode == "human" and self._pictures is not None:
            self._pictures.show()

    def _final_mask(self) -> np.ndarray:
        """What would have been open in the stage last seen, to those who see its block; the others pass."""
        stage = self.game.stages[self._at]
        block = self._obs[:, self.game.layout.block(stage.kind)]
        mask = np.zeros_like(self._legal)
        mask[:, 0] = 1
        deciders = block.any(axis=1) if block.shape[1] else np.ones(len(block), dtype=bool)
        mask[deciders, : len(stage.choices)] = 1
        return mask

    def _mended(self, agent: int, action: int) -> int:
        """What is played instead of an illegal action."""
        if not self._acting[agent]:
            self.ignored += 1
            return 0
        self.replaced += 1
        open_now = np.flatnonzero(self._legal[agent])
        pick = draw(self.simulator.seeds[0], self._played, "replace", agent) if self.illegal_action == "random" else 0
        return int(open_now[pick % len(open_now)])

    def _amount(self, agent: str, action: Any) -> float:
        """`action` as a number of the game's box, or ValueError in one sentence. What float32 rounds past an end of the
        range is the end itself; anything else outside is replaced as illegal_action says, or left to be refused."""
        assert self.game.box is not None
        low, high = self.game.box
        try:
            amount = float(np.asarray(action, dtype=np.float64).reshape(()) if np.ndim(action) == 0 else action[0])
            if np.ndim(action) > 1 or np.size(action) != 1:
                raise ValueError
        except (TypeError, ValueError, IndexError, KeyError):
            raise ValueError(
                f"the action of {agent} must be one number from {low:g} to {high:g}; got {action!r}"
            ) from None
        if np.float32(low) <= amount <= np.float32(high):
            return min(max(amount, low), high)
        if self.illegal_action == "raise":
            return amount
        self.replaced += 1
        if self.illegal_action == "pass":
            return low
        seed = self.simulator.seeds[0]
        return low + (high - low) * (draw(seed, self._played, "replace", self.possible_agents.index(agent)) / 2**64)

    def _refuse(self, agent: str, action: Any) -> ValueError:
        last = self.game.n_actions - 1
        return ValueError(f"the action of {agent} must be an integer from 0 to {last}; got {action!r}")

    def _integer(self, agent: str, action: Any) -> int:
        """`action` as an int, or ValueError in one sentence. What no int64 can hold is as illegal as -1."""
        try:
            whole = operator.index(action)
        except TypeError:
            raise self._refuse(agent, action) from None
        return whole if -(2**63) <= whole < 2**63 else -1

    # ------------------------------------------------------------ more to ask

    @property
    def stage(self) -> Stage:
        """The stage that is open now; after an end, the one that would have been."""
        self._need_reset("stage")
        return self.game.stages[self._at]

    def components(self) -> dict[str, dict[str, float]]:
        """The last step's rewards by component: {"payoff": {"agent_0": 3.0, ...}, ...}; they add up to the reward."""
        self._need_reset("components")
        split = self.simulator._step.components
        return {name: dict(zip(self.possible_agents, paid[0].tolist())) for name, paid in split.items()}

    def tallies(self) -> dict[str, np.ndarray]:
        """The game's counts over the episode that ended last (game.tallies), as copies; zeros before the first end."""
        return {name: count[0].copy() for name, count in self.simulator._step.tallies.items()}

    def render(self) -> str | np.ndarray | None:
        """The society as it is: text ("ansi"), a picture, uint8 [height, width, 3] ("rgb_array"), or nothing where a
        window shows every stage by itself ("human")."""
        self._need_reset("render")
        if self.render_mode is None:
            logger.warn("render() shows nothing without a render_mode; make the environment with render_mode='ansi'.")
            return None
        if self._pictures is None:
            return ansi.picture(self)
        return self._pictures.array() if self.render_mode == "rgb_array" else None

    def close(self) -> None:
        """Close the window, where there is one."""
        if self._pictures is not None:
            self._pictures.close()


def _viewer(env: Face, size: tuple[int, int] | None) -> Any:
    """What draws the pictures; found by name, so that environments without pictures need no pygame."""
    pictures = importlib.import_module("marl_sim.viewer.faces").Pictures
    return pictures(env) if size is None else pictures(env, size)


def draw(*keys: int | str) -> int:
    """64 random bits that depend on `keys` alone: the engine's splitmix64, in Python so that nothing is compiled."""
    state = 0
    for key in keys:
        number = purpose(key) if isinstance(key, str) else key
        state = _finalise((_finalise(state & MASK) + (number & MASK) * GOLDEN + GOLDEN) & MASK)
    return state


def _finalise(z: int) -> int:
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
    return z ^ (z >> 31)
