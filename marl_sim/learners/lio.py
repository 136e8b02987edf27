"""LIO: players who learn what to pay the others so that these learn to do what is good for the payer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from .base import HeadSpec, check_positive
from .joint import JointBatch, JointLanes, JointLearner
from .nets import MLP
from .optim import Adam


@dataclass(frozen=True, kw_only=True)
class LIO(JointLearner):
    """Learning to incentivize others (Yang et al. 2020), a reconstruction from the paper's idea.

        given          r_ij = max_incentive * sigmoid(net_eta_i(o_i, a_-i))_j    what i gives j for what it sees j do
        policies       theta_j <- theta_j + lr * grad_j J_j,    J_j of payoff_j + sum_i r_ij, and entropy
        incentives     eta_i <- eta_i + Adam(d/d eta_i  [J_i(theta_hat(eta)) - cost * mean sum_j r_ij])

    theta_hat(eta) are the policies after that step, a differentiable function of the incentives that were given in it;
    J_i, of payoff_i alone, is judged by what was played next, with the policies that the step had made: each batch is
    first the judge of the last one's incentives, then what the policies learn from. Both J's are policy gradients with
    the mean return as baseline, (G_t - mean G) log pi(a_t | o_t), mean over decisions. `cost` is what the givers mind
    giving; their payoffs are not reduced. Incentives are inside the learner, and records keep the true payoffs.

    With max_incentive=0 nobody gives anything: policy gradient learners. obs [L * N, M, D] -> log odds [L * N, M, A],
    incentives [L, N, N, T, B].
    """

    gamma: float = 0.99
    steps: int = 32
    lr: float = 0.05  # the policies' step up their gradients
    incentive_lr: float = 0.05  # Adam's step size, of the incentives
    max_incentive: float = 2.0  # the most that a player gives another in a step
    cost: float = 0.01  # weight of what is given in the giver's aim
    entropy: float = 0.1  # weight of the policies' entropy bonus

    def check(self) -> None:
        super().check()
        for name in ("lr", "incentive_lr"):
            check_positive(f"LIO.{name}", getattr(self, name))
        for name in ("max_incentive", "cost", "entropy"):
            check_positive(f"LIO.{name}", getattr(self, name), zero=True)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> LIOLanes:
        if spec.team < 2:
            raise ValueError(f"Head {spec.name!r} has {spec.team} player; LIO needs at least 2, who pay each other.")
        return LIOLanes(self.for_head(spec.name), spec, seeds, team_index, device)


class LIOLanes(JointLanes):
    """L groups of players who pay each other. `incentives` float32 [L * N, Q]: rows of their incentive functions.

    given, received float64 [L, N]: mean incentives a step of each player in the last batch, in all.
    """

    options: LIO

    def __init__(
        self, options: LIO, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu"
    ) -> None:
        super().__init__(options, spec, seeds, team_index, device)
        n = self.players
        self.payer = MLP(self._seen_by_payer, options.hidden, n - 1, options.activation)
        self.incentives = self.start("incentives", self.payer)
        self.adam = Adam(self.incentives, options.incentive_lr)
        self.given, self.received = np.zeros((self.n_lanes, n)), np.zeros((self.n_lanes, n))
        self.before = self.params.clone()  # the policies that played the last batch
        self.last: dict[str, np.ndarray] | None = None  # that batch
        self._others = torch.tensor([[j for j in range(n) if j != i] for i in range(n)])

    @property
    def _seen_by_payer(self) -> int:
        """Inputs of an incentive function: one's observation, index-coded columns one-hot, and what the others do."""
        levels = self.spec.levels if self.options.policy == "table" else None
        return (sum(levels) if levels else self.spec.obs_dim) + (self.players - 1) * self.spec.n_actions

    # -- what is given -------------------------------------------------------------------------------------------

    def gifts(self, incentives: torch.Tensor, batch: JointBatch) -> torch.Tensor:
        """What i gives j in each step, [L, N (i), N (j), T, B], 0 to oneself and to who did not decide."""
        n, shape = self.players, batch.deciding.shape
        acts = torch.nn.functional.one_hot(self.grouped(batch.action), self.spec.n_actions)
        acts = acts * batch.deciding.flatten(2)[..., None]
        others = acts[:, self._others].movedim(2, 3).flatten(3).flatten(0, 1)  # [K, M, (N - 1) A]
        said = self.payer.forward(incentives, torch.cat([self._coded(batch.obs), others], -1))
        given = self.options.max_incentive * torch.sigmoid(said)
        to = given.unflatten(1, shape[2:]).movedim(3, 1).unflatten(0, (-1, n))  # [L, N, N - 1, T, B]
        full = to.new_zeros(*to.shape[:2], n, *to.shape[3:])
        index = self._others[None, :, :, None, None].expand(to.shape).to(to.device)
        return full.scatter(2, index, to) * batch.deciding[:, None]

    def _coded(self, obs: torch.Tensor) -> torch.Tensor:
        if self.options.policy != "table":
            return obs
        assert self.spec.levels is not None
        columns = (torch.nn.functional.one_hot(obs[..., d].long(), k) for d, k in enumerate(self.spec.levels))
        return torch.cat(list(columns), -1).to(obs.dtype)

    # -- learning ------------------------------------------------------------------------------------------------

    def aim(self, policies: torch.Tensor, batch: JointBatch, reward: torch.Tensor) -> torch.Tensor:
        """What a policy gradient climbs, [L, N, N]: of player j's policy [.., j] for the rewards [L, N, T, B] of i.

        mean over j's decisions of (G_t^i - mean G^i) log pi_j(a_t | o_t). policies [L, N, P].
        """
        logp, _ = self.odds(policies, batch)
        weight = batch.deciding / batch.deciding.flatten(2).sum(2).clamp(min=1)[..., None, None]
        returns = batch.to_go(reward, self.options.gamma)[:, :, None]
        mean = (returns * weight[:, None]).flatten(3).sum(3)[..., None, None]
        return ((returns - mean) * logp[:, None] * weight[:, None]).flatten(3).sum(3)

    def moved(self, policies: torch.Tensor, batch: JointBatch, received: torch.Tensor) -> torch.Tensor:
        """The policies [L, N, P] after a step with these incentives [L, N, T, B], differentiable in them."""
        own = policies.detach().requires_grad_()
        aim = torch.diagonal(self.aim(own, batch, batch.reward + received), dim1=1, dim2=2)
        entropy = self.odds(own, batch)[1].flatten(2).sum(2) / batch.deciding.flatten(2).sum(2).clamp(min=1)
        total = (aim + self.options.entropy * entropy).sum()
        (gradient,) = torch.autograd.grad(total, own, create_graph=True)
        return own.detach() + self.options.lr * gradient

    def _improve(self, batch: JointBatch, active: np.ndarray) -> None:
        if self.last is not None and self.options.max_incentive > 0:
            self._learn_to_give(batch)
        with torch.no_grad():
            gifts = self.gifts(self.incentives, batch)
        steps = batch.there.sum() * batch.ended.shape[2]
        self.given[:] = gifts.sum(2).flatten(2).sum(2).cpu().numpy() / float(steps)
        self.received[:] = gifts.sum(1).flatten(2).sum(2).cpu().numpy() / float(steps)
        self.before.copy_(self.params)
        after = self.moved(self.grouped(self.params), batch, gifts.sum(1)).detach()
        self._judge(-batch.reward.flatten(1).sum(1) / steps + 0 * after.flatten(1).sum(1))
        rows = torch.from_numpy(active.reshape(-1)).to(self.device)
        self.params.copy_(torch.where(rows[:, None], after.flatten(0, 1), self.params))
        assert self.kept is not None
        self.last = {name: array.copy() for name, array in self.kept.items()}

    def _learn_to_give(self, batch: JointBatch) -> None:
        """Each player's incentives by what the last ones made of the others: its payoff in what was played since."""
        assert self.last is not None
        gradient = self.shaping(self.incentives, self.grouped(self.before), self._batch(self.last), batch)
        acted = self._acted(self.last).reshape(-1)
        steps = self.learned_by.reshape(-1)
        self.adam.step_where(self.incentives, acted, -gradient.flatten(0, 1), steps, None)

    def shaping(
        self, incentives: torch.Tensor, policies: torch.Tensor, last: JointBatch, batch: JointBatch
    ) -> torch.Tensor:
        """Each player's gradient of its aim by its own incentives, [L, N, Q].

        policies [L, N, P] played the last batch; those that they became by it, with incentives [L * N, Q], this one.
        """
        eta, n = incentives.detach().clone().requires_grad_(), self.players
        gifts = self.gifts(eta, last)
        aims = self.aim(self.moved(policies, last, gifts.sum(1)), batch, batch.reward)
        spent = gifts.sum(2).flatten(2).sum(2) / (last.there.sum() * last.ended.shape[2])
        found = []
        for i in range(n):
            total = sum(aims[:, i, j] for j in range(n) if j != i) - self.options.cost * spent[:, i]
            (gradient,) = torch.autograd.grad(total.sum(), eta, retain_graph=True)
            found.append(self.grouped(gradient)[:, i])
        return torch.stack(found, 1)

    # -- keeping -------------------------------------------------------------------------------------------------

    def _tensors(self) -> dict[str, tuple[torch.Tensor, list[tuple[str, Any]]]]:
        payer = [("payer", self.payer)]
        return {
            **super()._tensors(), "memory_before": (self.before, [("policy", self.net)]),
            "incentives": (self.incentives, payer), "adam_m": (self.adam.m, payer), "adam_v": (self.adam.v, payer),
        }  # fmt: skip

    def _state(self) -> dict[str, np.ndarray]:
        return {**super()._state(), "memory_given": self.given, "memory_received": self.received}

    def _memories(self) -> dict[str, np.ndarray]:
        last = {} if self.last is None else {f"memory/last/{name}": x for name, x in self.last.items()}
        return {**super()._memories(), **last}

    def _remember(self, memories: Mapping[str, np.ndarray]) -> None:
        super()._remember(memories)
        last = {name: np.array(x) for name, x in memories.items() if name.startswith("memory/last/")}
        self.last = {name.removeprefix("memory/last/"): x for name, x in last.items()} or None

    def load_state_dict(self, state: Mapping[str, np.ndarray]) -> None:
        if self.last is None and "memory/last/action" in state:
            self.last = {name: np.array(state[f"memory/last/{name}"]) for name in self.NAMES}
        super().load_state_dict(state)
