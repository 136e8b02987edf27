"""Lanes of policies that act and keep what they go through in streams; how they learn from it is left to subclasses."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch

from .actor_critic import ActorCritic, columns_of
from .base import HeadSpec
from .behind import BehindLanes
from .distributions import NOTHING_TO_CHOOSE, draw_choices, draw_numbers
from .embedding import Columns
from .export import PolicyModule
from .fused_acting import Order, Player
from .fused_policy import FusedPolicy
from .observation_scale import ObservationScale
from .optim import Adam
from .streams import Streams
from .value_scale import ValueScale


class StreamLanes(BehindLanes):
    """L policies. `params` float32 [L, P], rows as `net` lays them out.

    R streams a lane: agent r % team of world r // team.
    """

    options: Any
    critic_outputs = 1
    fused: FusedPolicy | None = None  # the compiled form of the networks, where there is one

    def __init__(
        self, options: Any, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu"
    ) -> None:
        super().__init__(options, spec, seeds, team_index)
        self.device = torch.device(device)
        self.net = self._network()
        self.params = torch.from_numpy(self.net.init(self.keys["init"])).to(self.device)
        self._act_by(self.params)
        self.adam = Adam(self.params, 0.0)  # each step is told its size
        self.tick = 0  # steps of the world
        self.scale = ValueScale(self.n_lanes) if getattr(options, "normalise_values", False) else None
        self.sight = self.acting_sight = self._sight()
        self.streams: Streams | None = None
        self.places: tuple[int, int] | None = None  # groups and worlds that a central state is told of, if not as here
        self._player: Player | None = None
        self._told_apart = torch.zeros((self.n_lanes, 0), dtype=torch.int64)

    def _sight(self) -> ObservationScale | None:
        """How observations are normalised, where they are."""
        if not self.options.normalise_observations:
            return None
        if self.spec.image is not None and self.options.channels:
            raise ValueError(
                f"Head {self.spec.name!r} sees pictures; normalise_observations must be False, or channels ()."
            )
        return ObservationScale(self.n_lanes, self.spec.obs_dim)

    def fall_behind(self, wait: Callable[[], None]) -> None:
        super().fall_behind(wait)
        self.acting_sight = copy.deepcopy(self.sight)

    def _catch_up(self) -> None:
        super()._catch_up()
        if self.behind and self.sight is not None and self.acting_sight is not None:
            self.acting_sight.take_over(self.sight)

    def played(self) -> dict[str, np.ndarray]:
        seen = {} if self.acting_sight is None else self.acting_sight.state()
        return super().played() | {name: np.array(array) for name, array in seen.items()}

    def _network(self) -> ActorCritic:
        o = self.options
        state = self._state_columns() if o.central else 0
        return ActorCritic(
            self.spec, o.hidden, o.activation, o.memory, o.channels, self.critic_outputs, state, embed=o.embed
        )

    def _state_columns(self) -> Columns:
        """What a central critic sees of everybody."""
        mine = columns_of(self.spec, self.options.embed)
        return self.spec.state_dim if isinstance(mine, int) else mine * (self.spec.state_dim // self.spec.obs_dim)

    def _prepare(self, streams: int) -> None:
        """Memory for R streams a lane, once it is known how many there are."""
        s = self.spec
        numbers = s.n_actions if s.box else 1
        sizes = s.obs_dim, s.n_actions, numbers, self.options.memory, s.others, self.options.steps + 2
        state = s.state_dim if self.options.central else 0
        places = self.places or (self.n_lanes, streams // s.team)
        self.streams = Streams(self.n_lanes, streams, *sizes, state, places)
        self.memory = self.fresh_memory(streams)
        self._before = self.memory.copy()
        self._logp = np.zeros((self.n_lanes, streams), np.float32)
        self._drawn = np.zeros((self.n_lanes, streams, numbers), np.float32)
        self._player = Player(self.fused, self.streams) if self.fused else None

    def fresh_memory(self, streams: int) -> np.ndarray:
        """Empty memory for `act` in other worlds than those of the training, float32 [L, R, H]."""
        return np.zeros((self.n_lanes, streams, self.options.memory), np.float32)

    # -- acting --------------------------------------------------------------------------------------------------

    def act(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        deciding: np.ndarray,
        greedy: bool = False,
        memory: np.ndarray | None = None,
    ) -> np.ndarray:
        """Actions int64 [L, R], 0 where nobody decides; of a continuous decision float32 [L, R, A], inside the box.

        obs float32 [L, R, D]; legal bool [L, R, A]; deciding bool [L, R]. greedy: the likeliest action, or the mean,
        without disturbing the training; its memory begins empty. memory: of other worlds than the training's
        (`fresh_memory`); it moves on.
        """
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        if self.options.embed:
            self._check_levels(obs, deciding)
        if greedy and memory is None:
            memory = self.fresh_memory(obs.shape[1])
        mine = memory is None
        if mine and (self.streams is None or self.streams.lead[1] != obs.shape[1]):
            self._prepare(obs.shape[1])
        params = self.acting if mine else self.params
        said = self._prefer(params, obs, deciding, self.memory if memory is None else memory, keep=mine)
        logp = self._logp if mine else np.zeros(deciding.shape, np.float32)
        if self.spec.box is None:
            return self._choose(said, legal, deciding, greedy, logp)
        spread = self.net.spread(params).cpu().numpy()
        drawn = self._drawn if mine else np.zeros(said.shape, np.float32)
        return self._place(said, spread, deciding, greedy, logp, drawn)

    def _prefer(
        self, params: torch.Tensor, obs: np.ndarray, deciding: np.ndarray, memory: np.ndarray, keep: bool
    ) -> np.ndarray:
        """Logits or means float32 [L, R, A]; memory moves on where somebody decides."""
        sight = self.acting_sight if params is self.acting else self.sight
        if self.fused is not None:
            seen = obs if sight is None else sight.scaled(torch.from_numpy(obs)).numpy()
            return self.fused.prefer(params.numpy(), seen, deciding)
        with torch.no_grad():
            shown = torch.from_numpy(obs).to(self.device)
            shown = shown if sight is None else sight.scaled(shown)
            features = self.net.seen(params, shown, self._who(obs.shape[1]))
            if self.options.memory:
                if keep:
                    self._before[...] = memory
                features = self.net.remember(params, features, torch.from_numpy(memory).to(self.device))
                np.copyto(memory, features.cpu().numpy(), where=deciding[..., None])
            return self.net.choose(params, features).cpu().numpy()

    def _who(self, streams: int) -> torch.Tensor:
        """The agent of the team in each stream, int64 [L, R]; made once, as acting asks for it at every step."""
        if self._told_apart.shape[1] != streams:
            agents = np.arange(streams) % self.spec.team
            self._told_apart = torch.from_numpy(agents).to(self.device).expand(self.n_lanes, streams)
        return self._told_apart

    def _choose(
        self, said: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool, logp: np.ndarray
    ) -> np.ndarray:
        """Draw among actions; fills logp."""
        if self._actions.shape != deciding.shape:
            self._actions = np.zeros(deciding.shape, np.int64)
        key, clock = ("greedy ties", self.greedy_ties) if greedy else ("explore", self.decisions)
        stuck = draw_choices(said, legal, deciding, self.keys[key], clock, greedy, self._actions, logp)
        if stuck != NOTHING_TO_CHOOSE:
            raise self._nothing_legal(stuck)
        return self._actions

    def _place(
        self,
        said: np.ndarray,
        spread: np.ndarray,
        deciding: np.ndarray,
        greedy: bool,
        logp: np.ndarray,
        drawn: np.ndarray,
    ) -> np.ndarray:
        """Draw numbers and bring them into the box; fills logp and drawn."""
        assert self.spec.box is not None
        key, clock = ("greedy ties", self.greedy_ties) if greedy else ("explore", self.decisions)
        stuck = draw_numbers(said, spread, deciding, self.keys[key], clock, greedy, drawn, logp)
        if stuck != NOTHING_TO_CHOOSE:
            raise self._nothing_legal(stuck)
        low, high = (np.asarray(end, np.float32) for end in self.spec.box)
        inside = low + (np.clip(drawn, -1, 1) + 1) / 2 * (high - low)
        return np.where(deciding[..., None], np.clip(inside, low, high), 0).astype(np.float32)

    # -- acting and remembering at once --------------------------------------------------------------------------

    def play(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        turn: np.ndarray,
        first: int,
        actions: np.ndarray,
        order: Order,
        state: np.ndarray | None = None,
    ) -> None:
        """`act` and `decided`, from the worlds' arrays and into their actions, where it is somebody's turn.

        obs float32 [W, n, D'], of which the columns from `first` on are seen; legal bool [W, n, A']; turn bool, actions
        int64 [W, n]; order: where each stream is; state as for `decided`.
        """
        if self.streams is None or self.streams.lead != order.world.shape:
            self._prepare(order.world.shape[1])
        assert self._player is not None and self.streams is not None
        keys, clock = self.keys["explore"], self.decisions
        stuck = self._player.play(obs, legal, turn, first, actions, order, self.acting, keys, clock)
        if stuck != NOTHING_TO_CHOOSE:
            raise self._nothing_legal(stuck)
        self.streams.see(self._joint(state), self._player.decided)

    # -- remembering ---------------------------------------------------------------------------------------------

    def decided(
        self,
        obs: np.ndarray,
        legal: np.ndarray,
        deciding: np.ndarray,
        action: np.ndarray,
        state: np.ndarray | None = None,
        others: np.ndarray | None = None,
    ) -> None:
        """What `act` just chose was played: arguments as there.

        state float32 [G, W, S]: what G groups see in W worlds each, for central critics; as `places` says, or a group a
        lane. others int [L, R, spec.others]: what the other agents did, for learners that watch.
        """
        assert self.streams is not None
        obs, legal, deciding = self._arrays(obs, legal, deciding)
        kept = self._drawn if self.spec.box else action[..., None].astype(np.float32)
        seen = self._others(others), self._joint(state)
        self.streams.decide(deciding, obs, legal, kept, self._logp, self._before, *seen)

    def earn(self, reward: np.ndarray) -> None:
        """Rewards of a step, float [L, R]. Raises FloatingPointError where one that counts is not finite."""
        if self.streams is not None:
            reward = np.ascontiguousarray(reward, np.float64)
            self._fit("reward", reward, self.streams.lead)
            bad = self.streams.earn(reward)
            if bad >= 0:
                raise self._bad_reward(bad)

    def ended(
        self,
        terminated: np.ndarray,
        truncated: np.ndarray,
        final_obs: np.ndarray | None = None,
        state: np.ndarray | None = None,
        final_legal: np.ndarray | None = None,
        others: np.ndarray | None = None,
    ) -> None:
        """Ends of games and of episodes after a step, bool [L, R].

        final_obs: what was last seen where truncated, to bootstrap from; None: the society lives on, and what comes
        after the last decision is the next one, in the next episode. final_legal bool [L, R, A]: what was open then;
        where nothing is, that is not known. state, others: then, as for `decided`.
        """
        if self.streams is None:
            return
        if terminated.any():
            self.streams.end(terminated)
        over = terminated
        if final_obs is not None and truncated.any():
            obs, legal, where = self._arrays(final_obs, self._last_open(final_legal, truncated), truncated)
            self.streams.look(where, obs, legal, self.memory, self._others(others), self._joint(state))
            self.streams.begin_anew(where)
            over = terminated | truncated
        if self.options.memory and over.any():
            self.memory[over] = 0

    def _last_open(self, final_legal: np.ndarray | None, truncated: np.ndarray) -> np.ndarray:
        """Where it is not known what was open, everything was."""
        if final_legal is None:
            return np.ones((*truncated.shape, self.spec.n_actions), bool)
        return final_legal | ~final_legal.any(-1, keepdims=True)

    def _joint(self, state: np.ndarray | None) -> np.ndarray | None:
        """What groups see, where critics are central."""
        assert self.streams is not None
        if self.streams.states is None:
            return None
        if state is None:
            raise ValueError(f"{type(self.options).__name__} needs what the whole group sees, and got nothing.")
        state = np.ascontiguousarray(state, np.float32)
        self._fit("state", state, self.streams.states.shape)
        return state

    def _others(self, others: np.ndarray | None) -> np.ndarray | None:
        """What the others do, where it is watched."""
        assert self.streams is not None
        if not self.spec.others:
            return None
        if others is None:
            raise ValueError(f"{type(self.options).__name__} needs what the others of the group do, and got nothing.")
        others = np.ascontiguousarray(others, np.float32)
        self._fit("others", others, (*self.streams.lead, self.spec.others))
        return others

    def end_episode(self, lanes: np.ndarray | None = None) -> None:
        """Streams know their ends; nothing to do."""

    # -- keeping -------------------------------------------------------------------------------------------------

    def export(self, lane: int) -> PolicyModule:
        """One agent as plain torch modules."""
        module = self.net.module(self.params[lane].cpu().numpy())
        if self.sight is not None:
            module.torso = self.sight.module(lane)
        return module  # type: ignore[return-value]

    def _tensors(self) -> dict[str, torch.Tensor]:
        """What changes of the networks, [L, ...] each."""
        acting = {"acting": self.acting} if self.behind else {}
        return {"params": self.params, "adam_m": self.adam.m, "adam_v": self.adam.v, **acting}

    def _matrices(self, name: str, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The matrices in the rows of one of these tensors, by name, views."""
        return {f"{name}/{k}": v for k, v in self.net.names(rows).items()}

    def _state(self) -> dict[str, np.ndarray]:
        kept = {**super()._state(), "ticks": np.full(self.n_lanes, self.tick)}
        if self.behind:
            kept["acting_updates"] = self.acting_updates
        for name, tensor in self._tensors().items():
            kept |= self._matrices(name, tensor.cpu().numpy())
        if self.scale is not None:
            kept |= self.scale.state()
        if self.sight is not None and self.acting_sight is not None:
            kept |= self.sight.state()
            kept |= {f"acting_{k}": v for k, v in self.acting_sight.state().items()} if self.behind else {}
        if self.streams is not None:
            kept["memory"] = self.memory
        return kept

    def _memories(self) -> dict[str, np.ndarray]:
        return {} if self.streams is None else {f"streams/{k}": v for k, v in self.streams.state().items()}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        if self.streams is not None:
            self.streams.restore({k.removeprefix("streams/"): v for k, v in memories.items()})

    def _grown(self, name: str, saved: tuple[int, ...], mine: tuple[int, ...]) -> tuple[int, ...]:
        """Entries of streams are the third dimension."""
        return (*mine[:2], *saved[2:3], *mine[3:]) if len(saved) == len(mine) else mine

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        before = self.streams
        if "streams/count" not in state:
            self.streams = None  # saved before the first decision
        elif self.streams is None:
            self._prepare(np.shape(state["streams/count"])[1])
        try:
            super().load_state_dict(state)
        except ValueError:
            self.streams = before
            raise
        self.tick = int(state["ticks"][0])
        if self.device.type != "cpu":
            for name, tensor in self._tensors().items():
                for k, view in self._matrices(name, rows := tensor.cpu().numpy()).items():
                    view[...] = state[k]
                tensor.copy_(torch.from_numpy(rows))
