"""Robots that learn from scratch wait where theory says: sigma^2 > 2 beta |mu| with a Boltzmann human."""

import numpy as np
import pytest

import marl_sim as ms

GRID, SEEDS, AGREEMENT, BAND = 10, 4, 0.95, 0.05


def learned_moves(mu, sigma, beta, episodes=80, num_envs=512, rounds=50):
    """The greedy move of every seed's robot in every cell, int [seeds, cells]: 0 act, 1 wait, 2 switch off."""
    game = ms.make(
        "off_switch", mu=mu, sigma=tuple(sigma), beta=tuple(beta), human="boltzmann", sees="levels", rounds=rounds
    )
    learner = ms.TabularQ(alpha="1/n", gamma=0.0, epsilon=1.0)
    trainer = ms.Trainer(game, learner, seeds=SEEDS, episodes=episodes, num_envs=num_envs, block=episodes)
    for _ in trainer.run():
        pass
    return trainer.heads[0].lanes.table.argmax(2)


@pytest.mark.slow
@pytest.mark.parametrize("mu", [0.25, -0.25, 0.5])
def test_the_learned_boundary_is_the_exact_one(mu):
    """At least 95 % of a 10 x 10 grid, in every seed, cells within 5 % of the boundary left out."""
    middles = (np.arange(GRID) + 0.5) / GRID
    sigma, beta = (axis.ravel() for axis in np.meshgrid(1.5 * middles, middles))
    edge = np.sqrt(2 * beta * abs(mu))
    counts = np.abs(sigma - edge) > BAND * edge
    assert counts.sum() >= 0.85 * GRID**2
    best = np.where(sigma > edge, 1, 0 if mu > 0 else 2)
    assert ((best == 1).sum() > 0.2 * GRID**2) and ((best == 1).sum() < 0.9 * GRID**2)
    for moves in learned_moves(mu, sigma, beta):
        assert (moves == best)[counts].mean() >= AGREEMENT
