"""What a round has settled is not lost when the next host turns out to be alone."""

import numpy as np

import marl_sim as ms


def test_a_pass_without_players_settles_nothing():
    game = ms.Society(ms.PrisonersDilemma(), ms.Exit(), n_agents=4, encounters="in turn", horizon=ms.Fixed(4))
    sim = ms.Simulator(game, num_envs=8, seed=0, settled=True)
    sim.reset()
    play = [stage.kind for stage in game.stages].index("play")
    players, rounds = np.zeros_like(sim.acting), 0
    for _ in range(60):
        players = np.where((sim.stage == play)[:, None], sim.acting, players)
        step = sim.step(np.zeros(sim.acting.shape, int))
        rounds += step.round_over.sum()
        np.testing.assert_array_equal(step.settled[step.round_over, play], players[step.round_over])
    assert rounds > 0
