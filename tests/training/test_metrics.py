"""What the rows of records say, for societies whose members do known things."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.learners import DQN

IDLE = DQN(hidden=(4,), batch=4, buffer=8)


class Habit(ms.Policy):
    """Plays one action, selects one peer, and punishes nobody or everybody."""

    play: int = 0
    peer: int = 0
    punish: int = 0

    def act(self, view):
        return np.full(view.n, {"play": self.play, "select": self.peer, "punish": self.punish}[view.kind])


def rows(game, policies, episodes=6, block=3, seeds=2):
    trainer = ms.Trainer(game, IDLE, seeds=seeds, episodes=episodes, policies=policies, block=block)
    return [row for block in trainer.run() for row in block]


def test_everybody_cooperates():
    game = ms.make("direct_punishment", by="none")
    for row in rows(game, {i: Habit() for i in range(5)}):
        assert row["cooperation"] == row["mutual_cooperation"] == 1.0
        assert row["reward"] == row["payoff"] == 300.0
        assert sum(row[f"reward_{i}"] for i in range(5)) == 300.0
        assert row["reputation"] == 100.0 * (
            row["episode"] - 1
        )  # 100 an episode, lasting; the mean of a block of three


def test_one_defects_and_everybody_punishes():
    game = ms.make("direct_punishment", by="partner")
    policies = {i: Habit(play=int(i == 0), punish=1) for i in range(5)}
    for row in rows(game, policies):
        assert row["punishment"] == row["punish_defectors"] == row["punish_cooperators"] == 1.0
        assert row["cooperation_0"] == 0.0 and row["cooperation_1"] == 1.0
        assert row["just_share"] == pytest.approx(1 - row["cooperation"])
        assert row["just"] + row["unjust"] == 100.0 and row["spared_defectors"] == row["spared_cooperators"] == 0.0
        assert (row["just_by_partner"], row["unjust_by_partner"]) == (row["just"], row["unjust"])
        assert row["reward"] == pytest.approx(row["payoff"] + row["fined"] + row["judging"])
        assert row["fined"] == -300.0 and row["judging"] == pytest.approx(2 * row["just"] - 10 * row["unjust"])


@pytest.mark.parametrize("defector, share", [(4, 1.0), (0, 0.2)])
def test_selections_of_cooperators(defector, share):
    """Everybody chooses the first peer: agent 0, and agent 0 itself agent 1."""
    game = ms.make("direct_punishment", by="none", selection=True)
    policies = {i: Habit(play=int(i == defector)) for i in range(5)}
    later = [
        row for row in rows(game, policies) if row["episode"] > 3
    ]  # the first block has no episode before its first
    for row in later:
        assert row["cooperator_selection"] == pytest.approx(share)
        assert row["most_selected"] == pytest.approx(0.8)


def test_blocks_average_over_all_worlds_of_a_seed():
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Geometric(0.5))
    trainer = ms.Trainer(game, IDLE, seeds=3, num_envs=4, episodes=10, block=5, policies={0: Habit(), 1: Habit()})
    found = [row for block in trainer.run() for row in block]
    assert sorted((row["seed"], row["episode"]) for row in found) == [(s, e) for s in range(3) for e in (5, 10)]
    # an episode has 2 rounds on average and pays 6 a round; 30 x 4 episodes: 5 standard errors of sqrt(2) * 6
    assert np.mean([row["reward"] for row in found]) == pytest.approx(12, abs=5 * np.sqrt(2) * 6 / np.sqrt(120))
