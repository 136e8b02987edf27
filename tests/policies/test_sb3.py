"""Stable-Baselines3 and sb3-contrib in our seats; skipped where they are not installed."""

import numpy as np
import pytest
from the_pot import pot

import marl_sim as ms
from marl_sim.policies import Random, Seats
from marl_sim.training.rollout import Trainer

pytest.importorskip("stable_baselines3", reason="needs pip install stable-baselines3")
contrib = pytest.importorskip("sb3_contrib", reason="needs pip install sb3-contrib")

from stable_baselines3 import A2C, DQN, PPO  # noqa: E402

KEPT = dict(device="cpu", seed=0)
TINY = dict(n_steps=16, batch_size=16, n_epochs=1, **KEPT)


def pairs(rounds=4):
    return ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(rounds))


def untrained(cls, env, policy="MlpPolicy", **options):
    return cls(policy, env, **options)


def rows_of(game, seating, episodes=6):
    trainer = Trainer(game, seating=seating, seeds=(3,), episodes=episodes, num_envs=4, block=2)
    return [row for rows in trainer.run() for row in rows], trainer


@pytest.mark.parametrize("cls", [PPO, A2C, DQN])
def test_a_model_plays_what_it_predicts(cls):
    game = pairs()
    model = untrained(cls, ms.SeatEnv(game), **KEPT)
    sim = ms.Simulator(game, 6, seed=1, threads=1)
    sim.reset()
    seats = ms.as_policy(model), ms.as_policy(model.policy)  # the algorithm, or its policy alone
    from marl_sim.policies import Seats

    table = Seats(sim, dict(enumerate(seats)))
    for _ in range(8):
        want, _ = model.predict(sim.obs.reshape(12, -1), deterministic=True)
        actions = np.zeros((6, 2), int)
        table.choose(actions)
        np.testing.assert_array_equal(actions.ravel(), want)
        table.saw(sim.step(actions), actions)


@pytest.mark.parametrize("deterministic", [True, False])
def test_maskable_ppo_is_told_what_is_legal(deterministic):
    game = ms.make("partner_selection", n_agents=4)
    model = contrib.MaskablePPO("MlpPolicy", ms.SeatEnv(game), **TINY)
    policy = ms.as_policy(model, deterministic=deterministic)
    rows, trainer = rows_of(game, dict.fromkeys(range(game.n_agents), policy))  # illegal="raise"
    assert rows and trainer.seats.report()[0]["replaced"] == 0
    assert rows == rows_of(game, dict.fromkeys(range(game.n_agents), policy))[0]


def test_masks_in_observations_and_models_that_see_none():
    game = ms.make("partner_selection", n_agents=4)
    sees = untrained(PPO, ms.SeatEnv(game, masked=True), "MultiInputPolicy", **TINY)
    with pytest.raises(ms.IllegalAction):
        rows_of(game, {i: ms.as_policy(sees, deterministic=False) for i in range(game.n_agents)})
    policy = ms.as_policy(sees, deterministic=False, illegal="random")
    rows, trainer = rows_of(game, dict.fromkeys(range(game.n_agents), policy))
    assert rows and trainer.seats.report()[0]["replaced"] > 0


def test_recurrent_ppo_remembers_row_by_row():
    game = pairs(rounds=3)
    model = contrib.RecurrentPPO("MlpLstmPolicy", ms.SeatEnv(game), policy_kwargs=dict(lstm_hidden_size=8), **TINY)
    sim = ms.Simulator(game, 3, seed=2, threads=1)
    sim.reset()
    policy = ms.as_policy(model)
    seats = Seats(sim, {0: policy, 1: Random()})
    state, start = None, np.ones(3, bool)
    for step in range(7):
        want, state = model.predict(sim.obs[:, 0].copy(), state=state, episode_start=start, deterministic=True)
        actions = np.zeros((3, 2), int)
        seats.choose(actions)
        np.testing.assert_array_equal(actions[:, 0], want)
        kept = seats.players[0].kept["state 0"]
        np.testing.assert_allclose(kept.swapaxes(0, 1), state[0], rtol=1e-6)
        seats.saw(sim.step(actions), actions)
        start = np.full(3, (step + 1) % 3 == 0)


def test_models_of_numbers_play_where_decisions_are_numbers():
    game = pot()
    model = PPO("MlpPolicy", ms.SeatEnv(game), **TINY).learn(64)
    rows, trainer = rows_of(game, {0: ms.as_policy(model), 1: "Random", 2: "Random"})
    assert rows and trainer.seats.report()[0]["replaced"] == 0


def test_a_saved_model_is_the_one_that_was_trained(tmp_path):
    game = pairs()
    model = untrained(PPO, ms.SeatVectorEnv(game, num_envs=4).for_sb3(), **TINY).learn(256)
    model.save(tmp_path / "model")
    players = [ms.as_policy(one) for one in (model, PPO.load(tmp_path / "model", device="cpu"))]
    mine, again = (rows_of(game, {0: player, 1: "Random"})[0] for player in players)
    assert mine == again
