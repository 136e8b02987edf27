"""Stable-Baselines3 learns in one seat while our learners learn in the others; skipped where it is not installed."""

import numpy as np
import pytest

import marl_sim as ms

pytest.importorskip("stable_baselines3", reason="needs pip install stable-baselines3")

from stable_baselines3 import PPO
from stable_baselines3.common.env_checker import check_env
from stable_baselines3.common.vec_env import DummyVecEnv, VecMonitor

TINY = dict(n_steps=16, batch_size=16, n_epochs=1, device="cpu", seed=0)


class Always(ms.Policy):
    action: int = 1

    def act(self, view):
        return np.full(view.n, self.action)


def pairs(rounds=4, horizon=ms.Fixed, dilemma=None):
    return ms.Society(dilemma or ms.PrisonersDilemma(), n_agents=2, horizon=horizon(rounds))


@pytest.mark.parametrize("masked", [False, True])
def test_its_own_checker_passes(masked):
    check_env(ms.SeatEnv("ultimatum", masked=masked, illegal_action="random"), warn=False)


def payoffs(mine, theirs):
    """The prisoner's dilemma's."""
    return np.array([[3.0, 0.0], [4.0, 1.0]])[mine, theirs]


@pytest.mark.parametrize("vector", ["many worlds", "DummyVecEnv"])
def test_both_learn_and_no_transition_is_wrong(vector):
    """PPO here, DQN there: both change, and PPO's rollout buffer holds what the game paid, step for step."""
    game, seating = pairs(), {1: ms.DQN(hidden=(8,), batch=8, buffer=64)}
    env = ms.SeatVectorEnv(game, 0, seating, num_envs=2) if vector == "many worlds" else None
    ours = [env] if env else [ms.SeatEnv(game, 0, seating, seed=seed) for seed in (0, 1)]
    vec = env.for_sb3() if env else DummyVecEnv([lambda one=one: one for one in ours])
    before = [one.trainer.heads[0].lanes.params.numpy().copy() for one in ours]
    told = [[], []]
    for one in ours:  # what the others did, and was paid, as the simulator has it
        simulator, step = one.table.simulator, one.table.simulator.step

        def listening(actions, only=None, step=step, one=one):
            done = step(actions, only)
            for w in range(len(actions)):
                world = w if env else ours.index(one)
                told[world].append((*actions[w], done.reward[w, 0], bool(done.terminated[w])))
            return done

        simulator.step = listening
    model = PPO("MlpPolicy", vec, **TINY)
    first = [p.detach().numpy().copy() for p in model.policy.parameters()]
    model.learn(32)  # one rollout of 16 steps in 2 worlds
    buffer = model.rollout_buffer
    for w in (0, 1):
        mine, theirs, paid, over = (np.array(column) for column in zip(*told[w]))
        acted, seen = (part.reshape(2, 16, -1)[w] for part in (buffer.actions, buffer.observations))  # made flat
        np.testing.assert_array_equal(acted[:, 0], mine)
        np.testing.assert_array_equal(buffer.rewards[:, w], payoffs(mine, theirs))
        np.testing.assert_array_equal(paid, payoffs(mine, theirs))
        np.testing.assert_array_equal(buffer.episode_starts[1:, w], over[:-1])
        assert over.tolist() == [False, False, False, True] * 4
        own = next(slot for slot in game.layout.slots if slot.name == "own_actions")
        shown = seen[1:, own.start : own.stop].argmax(-1)
        assert (shown[~over[:-1]] == mine[:-1][~over[:-1]]).all()
    assert any((p.detach().numpy() != q).any() for p, q in zip(model.policy.parameters(), first))
    for one, params in zip(ours, before, strict=True):
        assert one.trainer.updates > 0 and (one.trainer.heads[0].lanes.params.numpy() != params).any()


def test_what_was_last_seen_is_there_to_bootstrap_from():
    env = ms.SeatVectorEnv(pairs(2, ms.Continuing), 0, {1: Always(0)}, num_envs=3).for_sb3()
    env.reset()
    env.step(np.ones(3, int))
    obs, reward, done, infos = env.step(np.ones(3, int))
    assert done.all() and reward.dtype == np.float32
    assert all(info["TimeLimit.truncated"] and info["terminal_observation"].shape == obs[0].shape for info in infos)


def test_monitors_and_masks_reach_through():
    contrib = pytest.importorskip("sb3_contrib", reason="needs pip install sb3-contrib")
    game = ms.make("partner_selection", n_agents=4)
    env = ms.SeatVectorEnv(game, 0, {"agent_1": ms.DQN(hidden=(8,))}, num_envs=4)  # strict: illegal actions raise
    model = contrib.MaskablePPO("MlpPolicy", VecMonitor(env.for_sb3()), **TINY).learn(256)
    assert model.ep_info_buffer and env.replaced == 0
    single = contrib.MaskablePPO("MlpPolicy", ms.SeatEnv(game), **TINY).learn(64)  # wrapped in a DummyVecEnv by SB3
    assert single.num_timesteps == 64


def two_rounds_of_elimination():
    """C is dominated by B, and A too once nobody plays C: (B, B) is what is left, and the only equilibrium. Against
    somebody who plays at random A is best (8/3 against 2 and 1/3)."""
    mine = np.array([[2.0, 0.0, 6.0], [3.0, 1.0, 2.0], [1.0, 0.0, 0.0]])
    payoffs = tuple(tuple((mine[i, j], mine[j, i]) for j in range(3)) for i in range(3))
    return ms.Society(ms.MatrixGame(payoffs, actions=("A", "B", "C")), n_agents=2, horizon=ms.Fixed(1))


def learned_by_ppo(other, seed):
    """How often each action is played by PPO (seat 0) and by the other when both have learned, [2, 3]."""
    game = two_rounds_of_elimination()
    env = ms.SeatVectorEnv(game, 0, {1: other}, num_envs=8, seed=seed)
    model = PPO("MlpPolicy", env.for_sb3(), n_steps=32, batch_size=64, device="cpu", seed=seed).learn(10_000)
    trainer = ms.Trainer(game, seating={0: ms.as_policy(model), 1: "Random"}, seeds=(seed,), episodes=1)
    trainer.advance()
    mine = trainer.simulator._step.tallies["choices"][0, 0]
    row = env.evaluate(model, episodes=40)
    return mine, row


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_ppo_here_and_dqn_there_reach_the_only_equilibrium(seed):
    mine, row = learned_by_ppo(ms.DQN(hidden=(16,), epsilon=0.1), seed)
    assert mine.tolist() == [0, 1, 0]
    assert (row["reward_0"], row["reward_1"]) == (1, 1)  # paid by (B, B) and by nothing else


@pytest.mark.slow
def test_against_chance_ppo_learns_something_else():
    """So the equilibrium above was not there to be found without the other's learning."""
    mine, _ = learned_by_ppo("Random", seed=0)
    assert mine.tolist() == [1, 0, 0]


def test_a_picture_of_every_world():
    pytest.importorskip("pygame")
    env = ms.SeatVectorEnv(pairs(), num_envs=2, render_mode="rgb_array", render_size=(320, 240)).for_sb3()
    assert env.render_mode == "rgb_array"
    env.reset()
    env.step(np.array([0, 1]))
    one, other = env.get_images()
    assert one.shape == (240, 320, 3) and (one != other).any()
    assert env.render().shape[-1] == 3 and env.render().size == 2 * one.size, "its own render() tiles them"
    bare = ms.SeatVectorEnv(pairs(), num_envs=2).for_sb3()
    bare.reset()
    assert bare.get_images() == [None, None]
