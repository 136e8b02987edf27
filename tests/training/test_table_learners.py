"""Learners with tables in the loop: seeds keep to themselves, and whoever asks is told what was chosen next."""

import numpy as np
import pytest

import marl_sim as ms

LEARNERS = [
    ms.SARSA(alpha=0.1, gamma=0.9),
    ms.ExpectedSARSA(alpha=0.1, gamma=0.9),
    ms.TabularActorCritic(gamma=0.9),
    ms.Exp3(payoffs=(-20, 20)),
    ms.WoLFPHC(gamma=0.9),
]


def trainer(learner, seeds, credit="next"):
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Continuing(4), encode="index")
    return ms.Trainer(game, learner, seeds=seeds, episodes=12, num_envs=3, credit=credit, block=4)


@pytest.mark.parametrize("credit", ["next", "settled"])
@pytest.mark.parametrize("learner", LEARNERS, ids=lambda x: type(x).__name__)
def test_a_seed_is_the_same_alone_and_in_company(learner, credit):
    crowd, alone = (
        [row for rows in trainer(learner, seeds, credit).run() for row in rows] for seeds in ((3, 7, 11), (7,))
    )
    assert [row for row in crowd if row["seed"] == 7] == alone
    assert crowd[-1]["episode"] == 12


def test_sarsa_is_told_what_its_agent_chose_next(monkeypatch):
    one = trainer(LEARNERS[0], 2)
    lanes = one.heads[0].lanes
    told = []

    def add(obs, action, reward, next_obs, next_legal, terminated, valid, next_action=None, others=None):
        told.append((valid.copy(), next_action.copy(), lanes._actions.copy()))

    monkeypatch.setattr(lanes, "add", add)
    list(one.run())
    assert len(told) > 40
    for valid, following, chosen in told:
        assert valid.all() and np.array_equal(following, chosen)
