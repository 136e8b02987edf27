"""PPO of Stable-Baselines3 behind SuperSuit: one network for all agents (its way to do several agents).

    python benchmarks/peers/sb3.py --n-agents 8 --num-envs 8

Each agent of each copy is a slot of SB3's vector of environments, so that a minibatch holds all agents' rows.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

from importlib.metadata import version

import supersuit
import torch
from common import PPO, Clock, Sizes, parser, report, sizes
from pond import make_env
from stable_baselines3 import PPO as StablePPO
from stable_baselines3.common.callbacks import BaseCallback


class Ticks(BaseCallback):
    """Ticks whenever a rollout begins, which ends the iteration before."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock, self.begun, self.earned = clock, False, list[float]()

    def _on_rollout_start(self) -> None:
        if self.begun:
            self.clock.tick()
        else:
            self.begun = True
            self.clock.start()

    def _on_rollout_end(self) -> None:
        self.earned.append(float(self.model.rollout_buffer.rewards.mean()))

    def _on_step(self) -> bool:
        return True


def learner(chosen: Sizes, ppo: PPO) -> StablePPO:
    """SB3's PPO over all agents of all copies."""
    slots = supersuit.pettingzoo_env_to_vec_env_v1(make_env(chosen.env, chosen.n_agents))
    envs = supersuit.concat_vec_envs_v1(slots, chosen.num_envs, num_cpus=1, base_class="stable_baselines3")
    envs.venv.seed = lambda seed=None: [None] * envs.num_envs  # SuperSuit has none, and SB3 asks for it
    return StablePPO(
        "MlpPolicy",
        envs,
        learning_rate=ppo.lr,
        n_steps=chosen.steps,
        batch_size=chosen.num_envs * chosen.n_agents * chosen.steps // chosen.minibatches,
        n_epochs=chosen.epochs,
        gamma=ppo.gamma,
        gae_lambda=ppo.gae_lambda,
        clip_range=ppo.clip,
        ent_coef=ppo.entropy,
        vf_coef=ppo.value,
        max_grad_norm=ppo.max_norm,
        policy_kwargs=dict(net_arch=dict(pi=list(chosen.hidden), vf=list(chosen.hidden)), activation_fn=torch.nn.Tanh),
        seed=chosen.seed,
        device="cpu",
    )


def main() -> None:
    given = parser(__doc__).parse_args()
    chosen, clock, ppo = sizes(given), Clock(given.by_turns), PPO()
    torch.set_num_threads(chosen.threads)
    iteration = chosen.num_envs * chosen.n_agents * chosen.steps
    ticks = Ticks(clock)
    learner(chosen, ppo).learn((chosen.updates + 1) * iteration, callback=ticks)
    clock.tick()  # nothing begins after the last
    clock.forget(0)
    report(
        "sb3",
        ", ".join(f"{name} {version(name)}" for name in ("stable-baselines3", "supersuit", "torch")),
        chosen,
        clock,
        ticks.earned,
        networks="one for all agents",
        gradient_steps=chosen.epochs * chosen.minibatches,
    )


if __name__ == "__main__":
    main()
