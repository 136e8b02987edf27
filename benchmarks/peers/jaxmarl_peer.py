"""IPPO compiled whole by JAX, on an environment of JaxMARL: simple_spread of its particle world.

    python benchmarks/peers/jaxmarl_peer.py --n-agents 8 --num-envs 8

It runs ANOTHER environment than its neighbours, since an environment of Python cannot be compiled; the option --env is
of no use here. JaxMARL's wheel has environments but no learners, so the learner is a small one of our own after its
IPPO: acting, stepping, advantages, epochs and minibatches are one compiled function an iteration. Agents share one
actor and one critic, as there; --separate gives each its own. As in JaxMARL, the end of the clock counts as an end.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false")

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import jaxmarl
import optax
from common import PPO, Clock, Sizes, parser, report, sizes


class ActorCritic(nn.Module):
    """Logits and value, from two networks."""

    n_actions: int
    hidden: tuple[int, ...]

    @nn.compact
    def __call__(self, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        answers = []
        for outputs, last in ((self.n_actions, 0.01), (1, 1.0)):
            x = obs
            for width in self.hidden:
                x = nn.tanh(nn.Dense(width, kernel_init=nn.initializers.orthogonal(2**0.5))(x))
            answers.append(nn.Dense(outputs, kernel_init=nn.initializers.orthogonal(last))(x))
        return answers[0], answers[1].squeeze(-1)


def advantages(reward: jax.Array, value: jax.Array, ended: jax.Array, ppo: PPO) -> jax.Array:
    """Generalised advantages [T, ...]: reward and ended are [T, ...], value [T + 1, ...]."""

    def back(later: jax.Array, at: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
        paid, now, after, over = at
        on = ppo.gamma * (1.0 - over)
        later = paid + on * after - now + on * ppo.gae_lambda * later
        return later, later

    start = jnp.zeros_like(reward[0])
    return jax.lax.scan(back, start, (reward, value[:-1], value[1:], ended.astype(jnp.float32)), reverse=True)[1]


class Trainer:
    """K networks (one, or one for each agent) as one tree of parameters whose leaves begin with [K]."""

    def __init__(self, chosen: Sizes, ppo: PPO, separate: bool) -> None:
        self.chosen, self.ppo = chosen, ppo
        self.env = jaxmarl.make("MPE_simple_spread_v3", num_agents=chosen.n_agents, num_landmarks=chosen.n_agents)
        self.names = self.env.agents
        self.obs_dim = self.env.observation_space(self.names[0]).shape[0]
        self.net = ActorCritic(self.env.action_space(self.names[0]).n, chosen.hidden)
        self.adam = optax.chain(optax.clip_by_global_norm(ppo.max_norm), optax.adam(ppo.lr, eps=ppo.adam_eps))
        self.lanes = chosen.n_agents if separate else 1
        self.iterate = jax.jit(self._iterate, donate_argnums=0)

    def start(self, key: jax.Array) -> Any:
        """What an iteration takes and gives back: parameters, Adam's, the worlds, their observations, the key."""
        key, nets, worlds = jax.random.split(key, 3)
        params = jax.vmap(self.net.init, (0, None))(jax.random.split(nets, self.lanes), jnp.zeros(self.obs_dim))
        obs, state = jax.vmap(self.env.reset)(jax.random.split(worlds, self.chosen.num_envs))
        return params, jax.vmap(self.adam.init)(params), state, self._by_lane(obs), key

    def _by_lane(self, by_agent: dict[str, jax.Array]) -> jax.Array:
        """{agent: [E, ...]} -> [K, N / K, E, ...]."""
        stacked = jnp.stack([by_agent[a] for a in self.names])
        return stacked.reshape(self.lanes, -1, *stacked.shape[1:])

    def _think(self, params: Any, obs: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Every lane's network on its rows [K, ...]."""
        return jax.vmap(self.net.apply)(params, obs)

    def _iterate(self, carried: Any) -> tuple[Any, jax.Array]:
        """Collect and learn; returns what is carried on, and the mean reward."""
        params, adam, state, obs, key = carried
        key, acting, learning = jax.random.split(key, 3)

        def step(carry: Any, key: jax.Array) -> tuple[Any, Any]:
            state, obs = carry
            draw, world = jax.random.split(key)
            logits, value = self._think(params, obs)
            action = jax.random.categorical(draw, logits)
            log = pick(nn.log_softmax(logits), action)
            given = dict(zip(self.names, action.reshape(len(self.names), -1)))
            keys = jax.random.split(world, self.chosen.num_envs)
            seen, state, paid, over, _ = jax.vmap(self.env.step)(keys, state, given)
            over = {a: over[a] for a in self.names}
            return (state, self._by_lane(seen)), (obs, action, log, value, self._by_lane(paid), self._by_lane(over))

        (state, obs), rows = jax.lax.scan(step, (state, obs), jax.random.split(acting, self.chosen.steps))
        seen, action, log, value, reward, over = rows  # [T, K, N / K, E, ...]
        every = jnp.concatenate([value, self._think(params, obs)[1][None]])
        advantage = advantages(reward, every, over, self.ppo)
        batch = jax.tree.map(lane_first, (seen, action, log, advantage, advantage + value))
        params, adam = jax.vmap(self._learn)(params, adam, batch, jax.random.split(learning, self.lanes))
        return (params, adam, state, obs, key), reward.mean()

    def _learn(self, params: Any, adam: Any, batch: Any, key: jax.Array) -> Any:
        """All epochs of one lane; the batch's arrays are [rows, ...]."""
        count = len(batch[1])

        def minibatch(carry: Any, rows: jax.Array) -> tuple[Any, None]:
            params, adam = carry
            slope = jax.grad(self._loss)(params, *(x[rows] for x in batch))
            change, adam = self.adam.update(slope, adam)
            return (optax.apply_updates(params, change), adam), None

        def epoch(carry: Any, key: jax.Array) -> tuple[Any, None]:
            order = jax.random.permutation(key, count).reshape(self.chosen.minibatches, -1)
            return jax.lax.scan(minibatch, carry, order)

        return jax.lax.scan(epoch, (params, adam), jax.random.split(key, self.chosen.epochs))[0]

    def _loss(self, params: Any, obs: Any, action: Any, before: Any, advantage: Any, target: Any) -> jax.Array:
        """PPO's on one minibatch: `before` are the log-probabilities with which the actions were drawn."""
        ppo = self.ppo
        logits, value = self.net.apply(params, obs)
        logs = nn.log_softmax(logits)
        advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        ratio = jnp.exp(pick(logs, action) - before)
        gain = jnp.minimum(ratio * advantage, jnp.clip(ratio, 1 - ppo.clip, 1 + ppo.clip) * advantage).mean()
        entropy = -(jnp.exp(logs) * logs).sum(-1).mean()
        return ppo.value * jnp.square(value - target).mean() - gain - ppo.entropy * entropy


def pick(of: jax.Array, action: jax.Array) -> jax.Array:
    """of [..., A], action [...] -> [...]."""
    return jnp.take_along_axis(of, action[..., None], -1)[..., 0]


def lane_first(x: jax.Array) -> jax.Array:
    """[T, K, N / K, E, ...] -> [K, rows, ...]."""
    moved = jnp.moveaxis(x, 1, 0)
    return moved.reshape(moved.shape[0], -1, *moved.shape[4:])


def measure(iterate: Callable[[Any], Any], carried: Any, updates: int, clock: Clock) -> list[float]:
    """The mean reward of each iteration; the first one compiles and is not counted."""
    earned = []
    clock.start()
    for _ in range(updates + 1):
        carried, reward = iterate(carried)
        earned.append(float(jax.block_until_ready((carried, reward))[1]))
        clock.tick()
    clock.forget(0)
    return earned


def main() -> None:
    asked = parser(__doc__)
    asked.add_argument("--separate", action="store_true", help="an actor and a critic for each agent")
    given = asked.parse_args()
    chosen, clock = sizes(given), Clock(given.by_turns)
    trainer = Trainer(chosen, PPO(), given.separate)
    earned = measure(trainer.iterate, trainer.start(jax.random.key(chosen.seed)), chosen.updates, clock)
    report(
        "jaxmarl_ippo" + "_separate" * given.separate,
        ", ".join(f"{name} {version(name)}" for name in ("jaxmarl", "jax", "flax", "optax")),
        chosen,
        clock,
        earned,
        env="jaxmarl MPE_simple_spread_v3 (another environment than the other peers')",
        obs_dim=trainer.obs_dim,
        device=jax.devices()[0].platform,
        networks="separate for each agent" if given.separate else "one for all agents",
        gradient_steps=chosen.epochs * chosen.minibatches,
    )


if __name__ == "__main__":
    main()
