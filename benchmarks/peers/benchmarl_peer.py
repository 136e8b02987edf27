"""IPPO and MAPPO of BenchMARL, which trains with TorchRL.

    python benchmarks/peers/benchmarl_peer.py --algorithm ippo --n-agents 8 --num-envs 8
    python benchmarks/peers/benchmarl_peer.py --algorithm mappo --separate

Agents share one actor and one critic, as is its default; --separate gives each its own of both (of MAPPO, whose critic
sees everybody). No evaluation, no logs, no checkpoints: an iteration is to collect and to learn.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import tempfile
from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import torch
from benchmarl.algorithms import IppoConfig, MappoConfig
from benchmarl.environments.pettingzoo.common import PettingZooClass
from benchmarl.experiment import Callback, Experiment, ExperimentConfig
from benchmarl.models.mlp import MlpConfig
from common import PPO, Clock, Sizes, parser, report, sizes
from pond import make_env
from torchrl.envs import PettingZooWrapper

ALGORITHMS = {"ippo": IppoConfig, "mappo": MappoConfig}


class Task(PettingZooClass):
    """An environment of ours as BenchMARL wants it."""

    def get_env_fun(self, num_envs: int, continuous_actions: bool, seed: int | None, device: Any) -> Callable[[], Any]:
        def make() -> PettingZooWrapper:
            env = make_env(self.config["env"], self.config["n_agents"])
            return PettingZooWrapper(env, categorical_actions=True, device=device, seed=seed)

        return make

    def supports_continuous_actions(self) -> bool:
        return False

    def supports_discrete_actions(self) -> bool:
        return True

    def has_state(self) -> bool:
        return False

    def has_render(self, env: Any) -> bool:
        return False

    def max_steps(self, env: Any) -> int:
        return 1000  # of an evaluation, which does not take place; our environments end by themselves

    def info_spec(self, env: Any) -> None:
        return None

    @staticmethod
    def env_name() -> str:
        return "marl_sim"


class Ticks(Callback):
    """Ticks whenever a batch has been collected: from there to the next lie one learning and one collecting."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock, self.begun, self.earned = clock, False, list[float]()

    def on_batch_collected(self, batch: Any) -> None:
        if self.begun:
            self.clock.tick()
        else:
            self.begun = True
            self.clock.start()
        (group,) = self.experiment.group_map
        self.earned.append(float(batch["next", group, "reward"].mean()))


def experiment(algorithm: str, separate: bool, chosen: Sizes, ppo: PPO, folder: str, ticks: Ticks) -> Experiment:
    """The experiment, one iteration longer than is measured, and one for the warm-up."""
    rows = chosen.num_envs * chosen.steps
    config = ExperimentConfig.get_from_yaml()
    config.share_policy_params = not separate
    config.gamma, config.lr, config.adam_eps, config.clip_grad_val = ppo.gamma, ppo.lr, ppo.adam_eps, ppo.max_norm
    config.max_n_iters, config.max_n_frames = chosen.updates + 2, None
    config.on_policy_collected_frames_per_batch, config.on_policy_n_envs_per_worker = rows, chosen.num_envs
    config.on_policy_n_minibatch_iters, config.on_policy_minibatch_size = chosen.epochs, rows // chosen.minibatches
    config.evaluation = config.render = config.create_json = False
    config.loggers, config.save_folder = [], folder
    how = ALGORITHMS[algorithm].get_from_yaml()
    how.share_param_critic, how.clip_epsilon, how.lmbda = not separate, ppo.clip, ppo.gae_lambda
    how.entropy_coef, how.critic_coef = ppo.entropy, ppo.value
    model = MlpConfig(num_cells=list(chosen.hidden), layer_class=torch.nn.Linear, activation_class=torch.nn.Tanh)
    return Experiment(
        task=Task("MARL_SIM", {"env": chosen.env, "n_agents": chosen.n_agents}),
        algorithm_config=how,
        model_config=model,
        critic_model_config=model,
        seed=chosen.seed,
        config=config,
        callbacks=[ticks],
    )


def main() -> None:
    asked = parser(__doc__)
    asked.add_argument("--algorithm", choices=tuple(ALGORITHMS), default="ippo")
    asked.add_argument("--separate", action="store_true", help="an actor and a critic for each agent")
    given = asked.parse_args()
    chosen, clock = sizes(given), Clock(given.by_turns)
    torch.set_num_threads(chosen.threads)
    ticks = Ticks(clock)
    with tempfile.TemporaryDirectory() as folder:
        experiment(given.algorithm, given.separate, chosen, PPO(), folder, ticks).run()
    clock.forget(0)
    report(
        f"benchmarl_{given.algorithm}" + "_separate" * given.separate,
        ", ".join(f"{name} {version(name)}" for name in ("benchmarl", "torchrl", "tensordict", "torch")),
        chosen,
        clock,
        ticks.earned,
        networks="separate for each agent" if given.separate else "one for all agents",
        gradient_steps=chosen.epochs * chosen.minibatches,
    )


if __name__ == "__main__":
    main()
