"""COMA: an actor is taught by how much better its action was than what it would have done on average."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch

from .a2c import A2C, A2CLanes
from .actor_critic import ActorCritic
from .base import HeadSpec, check_count
from .distributions import choice_odds, explore
from .nets import split
from .returns import advantages, normalise
from .samples import Batch
from .schedules import Schedule, check_rate, rates
from .streams import LOOK


@dataclass(frozen=True, kw_only=True)
class COMA(A2C):
    """Counterfactual multi-agent policy gradients (Foerster et al. 2018).

        loss = mean over decisions of  -A_i log pi(u_i | o_i) + value (Q(s, u) - y)^2 / 2 - entropy * H(pi(. | o_i))
        A_i  = Q(s, u) - sum_a pi(a | o_i) Q(s, (u_-i, a))
        pi   = (1 - epsilon) softmax + epsilon / (how many actions are legal)
        y_t  = r_t + gamma [(1 - lam) Q'(s_{t+1}, u_{t+1}) + lam y_{t+1}]     TD(lambda); r_t where the game terminated

    The critic sees what the whole group sees (s), which agent it is about, and what the others did (u_-i, one-hot; who
    did not act counts as action 0), and values each of the agent's own actions at once; with memory, it also sees what
    the agent remembers. Q' is Q as it was up to `target_every` updates ago. One policy network for the group, which is
    told which agent it acts for; the group must be paid alike.

    epsilon keeps every action in play: A_i is told by the critic alone, which learns what an action is worth only where
    it is taken, so that a policy sure of itself would never find out that it is wrong.

    u_{t+1} is what was done next: a decision is learned from once the next one has been taken, so that the last one
    waits for the next update. Where the clock stopped nothing was done next; there y_{t+1} is sum_a pi(a | o_i) Q'(s,
    (u_-i, a)), with the others' actions drawn from their policies. obs [L, M, D], state [L, M, S] -> log odds
    [L, M, A], Q [L, M, A].
    """

    team: ClassVar[bool] = True
    central: ClassVar[bool] = True
    watches: ClassVar[bool] = True
    one_reward: ClassVar[bool] = True
    continuous: ClassVar[bool] = False

    lam: float = 0.8  # trace of the critic's targets, 0 (one step) to 1 (as far as experience goes)
    epsilon: float | Schedule = 0.02  # share of choices made at random among what is legal
    target_every: int = 20  # updates between two copies of the critic, from which targets are made

    def check(self) -> None:
        super().check()
        check_rate("COMA.epsilon", self.epsilon)
        check_count("COMA.target_every", self.target_every)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> COMALanes:
        return COMALanes(self.for_head(spec.name), spec, seeds, team_index, device)


class COMALanes(A2CLanes):
    """L groups of actors, each with a critic of what they do together.

    `extra` of a batch: the central state, and behind it the others' actions, by number, in the order of the agents.
    """

    options: COMA
    looks_ahead = False  # what is open is what was done next
    round_epsilon: torch.Tensor  # epsilon of what is learned from now, float32 [L]

    def __init__(
        self, options: COMA, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu"
    ) -> None:
        super().__init__(options, spec, seeds, team_index, device)
        self.target = self.net.of("critic", self.params).clone()

    def _network(self) -> ActorCritic:
        s, o = self.spec, self.options
        if not s.state_dim or s.others != s.team - 1:
            raise ValueError(
                f"COMA needs to be told what the whole group sees and does; head {s.name!r} has state_dim "
                f"{s.state_dim} and others {s.others}, it needs state_dim above 0 and others {s.team - 1}."
            )
        state = self._state_columns()
        seen = state + s.others * s.n_actions if isinstance(state, int) else state + (s.n_actions,) * s.others
        return ActorCritic(s, o.hidden, o.activation, o.memory, o.channels, s.n_actions, seen, embed=o.embed)

    # -- the critic ----------------------------------------------------------------------------------------------

    def _judged(self, critic: torch.Tensor, features: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Q of each of the agent's actions, [L, M, A], under parameters of a critic [L, P]."""
        state, others = batch.extra.split((self.spec.state_dim, self.spec.others), -1)
        if self.options.embed:
            return self.net.judge_with(critic, features, batch.extra, batch.who)
        did = others[..., None] == torch.arange(self.spec.n_actions, device=self.device)
        seen = torch.cat([state, did.flatten(2).to(state.dtype)], -1)
        return self.net.judge_with(critic, features, seen, batch.who)

    def _worth(self, params: torch.Tensor, features: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Q of what was done, [L, M]."""
        return taken(self._judged(self.net.of("critic", params), features, batch), batch)

    def _counterfactual(
        self, params: torch.Tensor, features: torch.Tensor, batch: Batch
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Q of what was done and its mean over what the agent could have done, now and by the target; [L, M] each."""
        odds = self._odds(self.net.choose(params, features), batch)[2].exp()
        now, then = (self._judged(critic, features, batch) for critic in (self.net.of("critic", params), self.target))
        return taken(now, batch), (odds * now).sum(-1), taken(then, batch), (odds * then).sum(-1)

    # -- exploring -----------------------------------------------------------------------------------------------

    def epsilon(self) -> np.ndarray:
        """The share of random choices of every lane now, float64 [L]."""
        return rates(self.options.epsilon, self.acting_updates, self.decisions)

    def _choose(
        self, said: np.ndarray, legal: np.ndarray, deciding: np.ndarray, greedy: bool, logp: np.ndarray
    ) -> np.ndarray:
        if not greedy:
            explore(said, legal, self.epsilon())
        return super()._choose(said, legal, deciding, greedy, logp)

    def _odds(self, logits: torch.Tensor, batch: Batch) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        return choice_odds(logits, batch.legal, batch.action[..., 0].long(), self.round_epsilon)

    # -- learning ------------------------------------------------------------------------------------------------

    def plan(self, *seen: np.ndarray | None) -> Callable[[], None] | None:
        work = super().plan(*seen)
        if work is not None:
            self.round_epsilon = torch.from_numpy(self.epsilon().astype(np.float32)).to(self.device)
        return work

    def _returns(self, advantage: np.ndarray, target: np.ndarray, usable: np.ndarray) -> None:
        s, o = self.round, self.options
        now, baseline, then, expected = self._sweep(self._counterfactual, 4)
        values = np.where(s.flags & LOOK != 0, expected, then)
        advantages(s.reward, s.flags, s.count, values, o.gamma, o.lam, advantage, target, usable)
        np.subtract(now, baseline, out=advantage)
        if o.normalise_advantages:
            normalise(advantage, usable, True, True)

    def _learn(self) -> None:
        before = self.updates.copy()
        super()._learn()
        due = (self.updates > before) & (self.updates % self.options.target_every == 0)
        lanes = torch.as_tensor(np.flatnonzero(due), device=self.device)
        self.target[lanes] = self.net.of("critic", self.params)[lanes]

    def ended(
        self,
        terminated: np.ndarray,
        truncated: np.ndarray,
        final_obs: np.ndarray | None = None,
        state: np.ndarray | None = None,
        final_legal: np.ndarray | None = None,
        others: np.ndarray | None = None,
    ) -> None:
        """As any policy's; where the clock stopped, what the others would do next is drawn from their policies, of
        those that were waiting for what comes next."""
        if self.streams is not None and final_obs is not None and truncated.any():
            obs, legal, where = self._arrays(final_obs, self._last_open(final_legal, truncated), truncated)
            going_on = where & self.streams.open
            said = self._prefer(self.acting, obs, going_on, self.memory.copy(), keep=False)
            did = self._choose(said, legal, going_on, False, np.zeros(where.shape, np.float32))
            others = others_of(did, self.spec.team)
        super().ended(terminated, truncated, final_obs, state, final_legal, others)

    # -- keeping -------------------------------------------------------------------------------------------------

    def _tensors(self) -> dict[str, torch.Tensor]:
        return {**super()._tensors(), "target": self.target}

    def _matrices(self, name: str, rows: np.ndarray) -> dict[str, np.ndarray]:
        if name == "target":
            return {f"target/{k}": v for k, v in split([("critic", self.net.critic)], rows).items()}
        return super()._matrices(name, rows)


def taken(q: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Of numbers for each action [L, M, A], those of the actions that were taken, [L, M]."""
    return q.gather(-1, batch.action[..., :1].long())[..., 0]


def others_of(actions: np.ndarray, team: int) -> np.ndarray:
    """What the other agents of a team did, [L, R, team - 1], from actions [L, R], R worlds of agents."""
    others = np.array([[j for j in range(team) if j != i] for i in range(team)], np.int64)
    return actions.reshape(len(actions), -1, team)[:, :, others].reshape(*actions.shape, team - 1)
