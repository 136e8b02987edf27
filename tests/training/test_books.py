"""Rows of records from worlds that report nothing but rewards; those of games are in test_metrics.py."""

from types import SimpleNamespace

import numpy as np
from outside_play import choose
from tiny_pettingzoo import Lives, Turns

from marl_sim.core.rng import key_of
from marl_sim.training.books import RewardBook
from marl_sim.training.outside import OutsideWorlds


def test_rows_are_the_averages_of_episodes():
    """Three seeds of two worlds, blocks of two episodes, five episodes: rows at 2, 4 and 5."""
    worlds = OutsideWorlds(Turns, 2, (3, 7, 9), dict(moves=(2, 1), ends=("t", "c")))
    worlds.reset()
    book, rows, kept = worlds.book(block=2, episodes=5), [], None
    for t in range(20):
        done = book.see(worlds.step(choose(worlds)))
        assert len(done) == 3 * (t in (5, 11, 14))  # an episode has three moves
        rows += done
        if t == 6:
            kept = book.state_dict()
            book = worlds.book(block=2, episodes=5)
            book.load_state_dict(kept)
    assert sorted((row["seed"], row["episode"]) for row in rows) == [(s, e) for s in (3, 7, 9) for e in (2, 4, 5)]
    for (
        row
    ) in rows:  # moves 1 to 3 pay 1, 2, 3 to the first, and 2, 4 to the second, who ends with its move, the second
        assert (row["reward"], row["length"], row["reward_player_0"], row["reward_player_1"]) == (12.0, 3.0, 6.0, 6.0)
        assert list(row) == ["seed", "episode", "reward", "length", "reward_player_0", "reward_player_1"]
    assert book.done.tolist() == [5, 5, 5]


def test_every_world_is_paid_its_own():
    """Two seeds of three worlds whose episodes end at different steps, each with other rewards."""
    book, rng = RewardBook(("a", "b"), (3, 9), num_envs=3, block=1, episodes=1), np.random.default_rng(0)
    lasts, paid = np.array([1, 4, 2, 3, 3, 5]), rng.normal(size=(5, 6, 2))
    paid[np.arange(5)[:, None] >= lasts] = 0
    rows = [row for t in range(5) for row in book.see(SimpleNamespace(reward=paid[t], ended=lasts == t + 1))]
    assert [row["seed"] for row in rows] == [3, 9]
    for row, mine in zip(rows, (slice(0, 3), slice(3, 6))):
        each = paid[:, mine].sum((0, 1)) / 3
        np.testing.assert_allclose([row["reward_a"], row["reward_b"], row["reward"]], [*each, each.sum()], rtol=1e-12)
        assert row["length"] == lasts[mine].mean()


class Long(Lives):
    """Lasts as long as its seed says."""

    def reset(self, seed=None, options=None):
        self.lives = (1 + seed % 2 * 8,)
        return super().reset(seed)


def test_an_even_book_counts_the_first_episodes_of_every_world():
    """Short episodes come first in a plain book; in an even one every world has its say."""
    worlds = OutsideWorlds(Long, 8, (0,), dict(lives=(9,), ends=("t",)))
    worlds.reset()
    lengths = [1 + int(key_of(0, b, 0) >> np.uint64(33)) % 2 * 8 for b in range(8)]
    assert set(lengths) == {1, 9}
    even, plain, found = worlds.book(1, 1, even=True), worlds.book(1, 1), {}
    for _ in range(9):
        step = worlds.step(choose(worlds))
        for book in (even, plain):
            for row in book.see(step):
                found[book] = row["length"]
    assert found[even] == np.mean(lengths) > found[plain]
