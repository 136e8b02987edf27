"""The usual way to train N independent learners: a loop of separate torch modules, one agent after the other.

    python benchmarks/peers/torch_loop.py --n-agents 8 --num-envs 8 --seeds 1

Each agent has its own actor, critic and Adam and knows nothing of the others; the seeds run one after the other. PPO
with clipping and generalised advantages (Schulman et al. 2016, 2017). It is written to be read, and then as fast as
that allows: no torch.distributions, no critic while acting, the fused Adam, one optimiser step for both networks.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from common import PPO, Clock, Sizes, parser, report, sizes
from pond import Copies
from torch import nn


def network(inputs: int, hidden: Sequence[int], outputs: int, last: float) -> nn.Sequential:
    """Tanh between layers; orthogonal weights, the last layer's scaled by `last`."""
    widths = [inputs, *hidden, outputs]
    layers: list[nn.Module] = []
    for i, (wide, narrow) in enumerate(pairwise(widths)):
        linear = nn.Linear(wide, narrow)
        nn.init.orthogonal_(linear.weight, last if i == len(hidden) else 2**0.5)
        nn.init.zeros_(linear.bias)
        layers += [linear, nn.Tanh()]
    return nn.Sequential(*layers[:-1])


def advantages(
    reward: torch.Tensor, value: torch.Tensor, after: torch.Tensor, ended: torch.Tensor, ppo: PPO
) -> torch.Tensor:
    """Generalised advantages, all [T, E].

    `value` is that of the observation acted on, `after` that of the one that followed (0 where the game was over; of
    the episode's last where the clock stopped it), `ended` says where the episode ended either way.
    """
    surprise = reward + ppo.gamma * after - value
    on = ppo.gamma * ppo.gae_lambda * (~ended).float()
    found, later = torch.empty_like(surprise), torch.zeros_like(surprise[0])
    for t in reversed(range(len(surprise))):
        later = found[t] = surprise[t] + on[t] * later
    return found


class Agent:
    """One independent learner."""

    def __init__(self, obs_dim: int, n_actions: int, hidden: Sequence[int], ppo: PPO) -> None:
        self.actor, self.critic = network(obs_dim, hidden, n_actions, 0.01), network(obs_dim, hidden, 1, 1.0)
        self.parameters = [*self.actor.parameters(), *self.critic.parameters()]
        self.adam = torch.optim.Adam(self.parameters, ppo.lr, eps=ppo.adam_eps, fused=True)
        self.ppo = ppo

    @torch.no_grad()
    def act(self, obs: torch.Tensor) -> torch.Tensor:
        """obs [E, D] -> actions [E], drawn with the probabilities softmax(logits) (the Gumbel-max trick)."""
        logits = self.actor(obs)
        return (logits - torch.empty_like(logits).exponential_().log_()).argmax(1)

    def values(self, obs: torch.Tensor) -> torch.Tensor:
        """obs [..., D] -> [...]."""
        return self.critic(obs).squeeze(-1)

    def learn(
        self,
        obs: torch.Tensor,
        action: torch.Tensor,
        reward: torch.Tensor,
        terminated: torch.Tensor,
        truncated: torch.Tensor,
        final: torch.Tensor,
        chosen: Sizes,
    ) -> None:
        """obs [T + 1, E, D]; action, reward, terminated, truncated [T, E]; final [how often truncated, D]."""
        with torch.no_grad():
            value = self.values(obs)
            after = value[1:].masked_fill(terminated, 0.0)
            if len(final):
                after[truncated] = self.values(final)
            advantage = advantages(reward, value[:-1], after, terminated | truncated, self.ppo).flatten()
            target = advantage + value[:-1].flatten()
            obs, action = obs[:-1].flatten(0, 1), action.flatten()
            before = self.actor(obs).log_softmax(1).gather(1, action[:, None])[:, 0]
        for _ in range(chosen.epochs):
            for rows in torch.randperm(len(obs)).chunk(chosen.minibatches):
                self.step(obs[rows], action[rows], before[rows], advantage[rows], target[rows])

    def step(
        self,
        obs: torch.Tensor,
        action: torch.Tensor,
        before: torch.Tensor,
        advantage: torch.Tensor,
        target: torch.Tensor,
    ) -> None:
        """One minibatch of PPO: `before` are the log-probabilities with which the actions were drawn."""
        ppo = self.ppo
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        logs = self.actor(obs).log_softmax(1)
        ratio = (logs.gather(1, action[:, None])[:, 0] - before).exp()
        gain = torch.min(ratio * advantage, ratio.clamp(1 - ppo.clip, 1 + ppo.clip) * advantage).mean()
        entropy = -(logs.exp() * logs).sum(1).mean()
        error = nn.functional.mse_loss(self.values(obs), target)
        self.adam.zero_grad()
        (ppo.value * error - gain - ppo.entropy * entropy).backward()
        nn.utils.clip_grad_norm_(self.parameters, ppo.max_norm)
        self.adam.step()


def train(
    make: str | Callable[[], Any], chosen: Sizes, iterations: int, ppo: PPO, seed: int = 0, clock: Clock | None = None
) -> tuple[list[Agent], np.ndarray]:
    """Train one seed's agents; returns them and the mean reward of each in each iteration [iterations, N].

    `make` is the name of an environment or a function that makes one. `clock` ticks after every iteration.
    """
    torch.manual_seed(seed)
    copies = Copies(make, chosen.n_agents, chosen.num_envs, seed)
    dim, n, shape = copies.obs_dim, chosen.n_agents, (chosen.steps, chosen.num_envs)
    agents = [Agent(dim, copies.n_actions, chosen.hidden, ppo) for _ in range(n)]
    obs = torch.empty(n, shape[0] + 1, shape[1], dim)
    action = torch.empty(n, *shape, dtype=torch.long)
    reward = torch.empty(n, *shape)
    terminated, truncated = torch.empty(2, *shape, dtype=torch.bool)
    earned = np.empty((iterations, n))
    if clock:
        clock.start()
    for iteration in range(iterations):
        final: list[torch.Tensor] = []  # [how many, N, D] of every step in which the clock stopped somebody
        obs[:, 0] = torch.from_numpy(copies.obs).transpose(0, 1)
        for t in range(chosen.steps):
            for i, agent in enumerate(agents):
                action[i, t] = agent.act(obs[i, t])
            turn = copies.step(action[:, t].T.numpy())
            obs[:, t + 1] = torch.from_numpy(turn.obs).transpose(0, 1)
            reward[:, t] = torch.from_numpy(turn.reward).T
            terminated[t], truncated[t] = torch.from_numpy(turn.terminated), torch.from_numpy(turn.truncated)
            if turn.truncated.any():
                final.append(torch.from_numpy(turn.final[turn.truncated]))
        last = torch.cat(final).transpose(0, 1) if final else torch.empty(n, 0, dim)
        for i, agent in enumerate(agents):
            agent.learn(obs[i], action[i], reward[i], terminated, truncated, last[i], chosen)
        earned[iteration] = reward.mean((1, 2)).numpy()
        if clock:
            clock.tick()
            if iteration == 0:
                clock.forget()
    return agents, earned


def main() -> None:
    asked = parser(__doc__)
    asked.add_argument("--seeds", type=int, default=1, help="trained one after the other")
    given = asked.parse_args()
    chosen, clock = sizes(given), Clock(given.by_turns)
    torch.set_num_threads(chosen.threads)
    each = [
        train(chosen.env, chosen, chosen.updates + 1, PPO(), seed, clock)[1]
        for seed in range(chosen.seed, chosen.seed + given.seeds)
    ]
    report(
        "torch_loop",
        f"torch {torch.__version__}",
        chosen,
        clock,
        np.mean(each, axis=(0, 2)).tolist(),
        seeds=given.seeds,
        networks="separate for each agent",
        gradient_steps=chosen.n_agents * chosen.epochs * chosen.minibatches,
    )


if __name__ == "__main__":
    main()
