"""Independent learners meet theory: nothing is given in the classical game, everything in MAC-SPGG with B = n."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.learners import Linear

SEEDS = 4
GREEDY = 0.95  # the share of greedy decisions that must be the equilibrium's


def trained(game, episodes, num_envs):
    """Tables that try everything at first and in the last tenth of the games explore no more."""
    learner = ms.TabularQ(alpha=0.1, gamma=1.0, epsilon=Linear(1.0, 0.0, round(0.9 * episodes * num_envs)))
    trainer = ms.Trainer(game, learner, seeds=SEEDS, episodes=episodes, num_envs=num_envs, block=episodes)
    for _ in trainer.run():
        pass
    return trainer


def greedy_shares(trainer, word, episodes=256):
    """The share of each seed's greedy decisions to play that are `word`."""
    rows = trainer.evaluate(episodes)
    assert [row["seed"] for row in rows] == list(range(SEEDS))
    return [row[f"play:{word}"] for row in rows]


@pytest.fixture
def counted(monkeypatch):
    """Rows that also hold the share of every word of play."""
    from marl_sim.training import metrics

    plain = metrics.summarise

    def more(game, sums, friendly):
        start, words = game.choice_offset["play"], game.choices("play")
        counts = sums["choices"][:, start : start + len(words)].sum(0)
        return plain(game, sums, friendly) | {f"play:{w}": c / counts.sum() for w, c in zip(words, counts, strict=True)}

    monkeypatch.setattr(metrics, "summarise", more)


@pytest.mark.slow
@pytest.mark.parametrize("order", ["together", "fixed"])
def test_nobody_gives_in_the_classical_game(order, counted):
    """multiplier / n = 0.4 < 1: giving nothing is dominant, at once and in turn."""
    game = ms.Group(
        ms.PublicGoods(multiplier=1.6, endowment=20, levels=21, order=order, sees="total"),
        n_agents=4,
        horizon=ms.Fixed(1),
        encode="index",
    )
    if order == "fixed":
        assert ms.theory.spne(game).path == (0, 0, 0, 0)
    shares = greedy_shares(trained(game, 1000, 256), "give 0")
    assert min(shares) >= GREEDY, shares


@pytest.mark.slow
@pytest.mark.parametrize("sees", ["all", "total"])
def test_everybody_gives_everything_where_the_threshold_is_everything(sees, counted):
    game = ms.make("mac_spgg", sees=sees, encode="index")
    assert ms.theory.spne(game).path == (1, 1, 1)
    assert ms.theory.spne(game).unique
    shares = greedy_shares(trained(game, 2000, 256), "give 1")
    assert min(shares) >= GREEDY, shares


@pytest.mark.slow
def test_nobody_gives_where_bonus_and_penalty_are_gone(counted):
    """The same game without the two parts that it adds to the classical one."""
    game = ms.make("mac_spgg", gamma=0.0, penalty=0.0, sees="total", encode="index")
    assert ms.theory.spne(game).path == (0, 0, 0)
    shares = greedy_shares(trained(game, 2000, 256), "give 0")
    assert min(shares) >= GREEDY, shares


def test_what_is_counted_is_what_was_chosen(counted):
    game = ms.make("volunteers_dilemma", n_agents=3, rounds=4, encode="index")
    trainer = ms.Trainer(game, ms.TabularQ(), seeds=SEEDS, episodes=1)
    for row in trainer.evaluate(50):
        words = [row[f"play:{word}"] for word in game.choices("play")]
        assert np.isclose(sum(words), 1)
        assert np.isclose(words[1], row["contribution"])
