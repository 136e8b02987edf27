"""LOLA of what was played: players who shape what the others learn, from samples."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from .base import HeadSpec, check_count, check_discount, check_positive
from .joint import JointBatch, JointLanes, JointLearner
from .optim import Adam
from .shaping import RULES, dice, shaped_gradient
from .value_scale import ValueScale


@dataclass(frozen=True, kw_only=True)
class LOLA(JointLearner):
    """Learning with opponent-learning awareness, from samples (Foerster et al. 2018, LOLA; 2018, DiCE).

        theta_i <- theta_i + Adam(d/d theta_i  V_i(theta_i, theta_j + opponent_lr * grad_j V_j(theta) for all j != i))

    V the discounted payoff of an episode. It is estimated by `shaping.dice` from `steps` steps of all worlds, so that
    derivatives through the others' steps are those of the samples. rule="taylor" is the update of the first paper, see
    `shaping.shaped_gradient`. "lookahead", the formula above, weighs what was played by how much likelier it would be
    under the others' new policies; the second paper plays new episodes with these instead. Here learning uses only what
    was played, and the weights are noisy: in the prisoner's dilemma "taylor" learns to reciprocate, and "lookahead"
    seldom did.

    A_t are advantages of each player by a critic of what it sees; lam=1 is DiCE with a baseline, less lam bootstraps
    (Loaded DiCE). An episode that a batch cuts is bootstrapped there, and goes on as another. lookahead=0: naive
    learners, each the policy gradient of its own payoff.

    obs [L * N, M, D] -> log odds [L * N, M, A]. N players, each a row of its own; one lane drives them all.
    """

    lr: float = 0.1  # Adam's step size, of the policies
    opponent_lr: float = 1.0  # step that a player expects the others to take up their gradients
    lookahead: int = 1  # how many such steps; 0: naive learners
    rule: Literal["lookahead", "taylor"] = "taylor"  # to first order in the others' step, or through their new policies
    lam: float = 0.5  # trace of the advantages, 0 (one step, then the critic) to 1 (as far as experience goes: DiCE)
    critic_lr: float = 0.05  # Adam's step size, of the critics; they learn returns of mean 0 and deviation 1
    critic_steps: int = 4  # of the critics in each update

    def check(self) -> None:
        super().check()
        for name in ("lr", "critic_lr"):
            check_positive(f"LOLA.{name}", getattr(self, name))
        check_discount("LOLA.lam", self.lam)
        check_count("LOLA.critic_steps", self.critic_steps)
        check_shaping("LOLA", self)

    def build(self, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu") -> LOLALanes:
        return LOLALanes(self.for_head(spec.name), spec, seeds, team_index, device)


def check_shaping(name: str, options: Any) -> None:
    """ValueError, in one sentence, where the options of looking ahead are out of their ranges."""
    check_positive(f"{name}.opponent_lr", options.opponent_lr, zero=True)
    if options.lookahead != 0:
        check_count(f"{name}.lookahead, where it is not 0,", options.lookahead)
    if options.rule not in RULES:
        raise ValueError(f"{name}.rule is {options.rule!r}; it must be {' or '.join(map(repr, RULES))}.")
    if options.rule == "taylor" and options.lookahead > 1:
        raise ValueError(f"{name}.lookahead is {options.lookahead!r}; with rule='taylor' it must be 0 or 1.")


class LOLALanes(JointLanes):
    """L groups of players who look ahead."""

    options: LOLA

    def __init__(
        self, options: LOLA, spec: HeadSpec, seeds: np.ndarray, team_index: np.ndarray, device: str = "cpu"
    ) -> None:
        super().__init__(options, spec, seeds, team_index, device)
        self.critic = self.part(1)
        self.critics = self.start("critic", self.critic)
        self.adam, self.critic_adam = Adam(self.params, options.lr), Adam(self.critics, options.critic_lr)
        self.scale = ValueScale(self.n_lanes * self.players)

    def gains(self, params: torch.Tensor, batch: JointBatch, advantage: torch.Tensor) -> torch.Tensor:
        """What policies [L, N, P] are worth to each player beyond the present ones, [L, N]; see `shaping.dice`."""
        now = self.odds(self.grouped(self.params), batch)[0].sum(1)
        then = self.odds(params, batch)[0].sum(1)
        share = batch.discount(self.options.gamma) / batch.episodes()[:, None, None]
        return dice(then, now, batch.first, advantage, share)

    def _improve(self, batch: JointBatch, active: np.ndarray) -> None:
        o = self.options
        expected = self._expected(batch)
        advantage, usable = batch.advantages(expected, o.gamma, o.lam)
        found = shaped_gradient(
            lambda params: self.gains(params, batch, advantage), self.grouped(self.params), o.opponent_lr, o.lookahead,
            o.rule,
        )  # fmt: skip
        gradient = found.flatten(0, 1)
        paid = (batch.discount(o.gamma)[:, None] * batch.reward).flatten(2).sum(2) / batch.episodes()[:, None]
        self._judge(-paid.mean(1) + 0 * found.flatten(1).sum(1))
        steps, rows = (self.learned_by + 1).reshape(-1), active.reshape(-1)
        self.adam.step_where(self.params, rows, -gradient, steps, None)
        self._learn_values(batch, expected + advantage, usable, rows, steps)

    def _expected(self, batch: JointBatch) -> torch.Tensor:
        """What the critics expect from each step on, [L, N, T, B]."""
        with torch.no_grad():
            said = self.critic.forward(self.critics, batch.obs)[..., 0].reshape(-1, *batch.deciding.shape[2:])
            return self.grouped(torch.from_numpy(self.scale.grow(said.cpu().numpy())).to(self.device))

    def _learn_values(
        self, batch: JointBatch, returns: torch.Tensor, usable: torch.Tensor, rows: np.ndarray, steps: np.ndarray
    ) -> None:
        """`critic_steps` steps of the critics towards the returns, mean squared error."""
        o = self.options
        target, counts = returns.flatten(0, 1).cpu().numpy(), (batch.deciding * usable[:, None]).flatten(0, 1)
        self.scale.update(target, counts.cpu().numpy() > 0)
        aim = torch.from_numpy(self.scale.shrink(target)).to(self.device).flatten(1)
        weight = (counts / counts.flatten(1).sum(1).clamp(min=1)[:, None, None]).flatten(1)
        for k in range(o.critic_steps):
            critics = self.critics.detach().clone().requires_grad_()
            error = self.critic.forward(critics, batch.obs)[..., 0] - aim
            (gradient,) = torch.autograd.grad((0.5 * weight * error.square()).sum(1).sum(), critics)
            self.critic_adam.step_where(self.critics, rows, gradient, (steps - 1) * o.critic_steps + k + 1, None)

    def _tensors(self) -> dict[str, tuple[torch.Tensor, list[tuple[str, Any]]]]:
        policy, critic = [("policy", self.net)], [("critic", self.critic)]
        return {
            "params": (self.params, policy), "adam_m": (self.adam.m, policy), "adam_v": (self.adam.v, policy),
            "memory_critics": (self.critics, critic), "adam_critic_m": (self.critic_adam.m, critic),
            "adam_critic_v": (self.critic_adam.v, critic),
        }  # fmt: skip

    def _state(self) -> dict[str, np.ndarray]:
        moments = self.scale.moments.reshape(self.n_lanes, self.players, -1)
        return {**super()._state(), "memory_value_scale": moments}
