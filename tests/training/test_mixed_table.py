"""Six kinds of minds at one table, in one run: on-policy, off-policy, tabular, scripted, external and human."""

import json

import numpy as np
from fake_servers import answer, fake

import marl_sim as ms
from marl_sim.policies.human import Human

ROUNDS, EPISODES, WORLDS, SEEDS = 6, 8, 2, 2


def game():
    return ms.Society(ms.PrisonersDilemma(), n_agents=6, horizon=ms.Fixed(ROUNDS), encode="index")


def defects_on_request(handler, message):
    """The external mind: defects always."""
    handler.say(answer(message, lambda row: 1))


def test_six_kinds_of_minds_play_and_learn_in_one_run():
    asked = []

    def person(ask):
        asked.append(ask.text)
        return "cooperate"

    with fake(defects_on_request) as elsewhere:
        seating = {
            "agent_0": ms.PPO(hidden=(8,), steps=12),
            "agent_1": ms.DQN(hidden=(8,), batch=8),
            "agent_2": ms.TabularQ(alpha=0.2, gamma=0.5, epsilon=0.1),
            "agent_3": "TitForTat",
            "agent_4": elsewhere.url,
            "agent_5": Human(ask=person, worlds=1),
        }
        trainer = ms.Trainer(game(), seating=seating, seeds=SEEDS, episodes=EPISODES, num_envs=WORLDS, block=EPISODES)
        before = [{k: v.copy() for k, v in head.lanes.learned().items()} for head in trainer.heads]
        ((*rows,),) = list(trainer.run())
        report = {one["policy"]: one for one in trainer.seats.report()}
    for head, was in zip(trainer.heads, before, strict=True):  # each of the three learned, in each seed
        now = head.lanes.learned()
        for s in range(SEEDS):
            names = [name for name in was if not name.startswith(("decisions", "greedy_ties", "updates"))]
            assert any((now[name][s] != was[name][s]).any() for name in names), (head.label, s)
    decisions = ROUNDS * EPISODES
    for row in rows:
        assert row["cooperation_4"] == 0
        assert 0 < row["cooperation_3"] < 1
        assert 0 < row["cooperation_5"] < 1  # the person cooperates in one world, chance plays in the others
    assert len(asked) == report["human"]["decisions"] == decisions
    assert report["TitForTat"]["decisions"] == decisions * WORLDS * SEEDS
    assert all(one["replaced"] == 0 for one in report.values())
    assert "You may choose 0 (cooperate) or 1 (defect)." in asked[0]
    json.dumps(trainer.seats.report(), default=float)


def test_company_changes_nothing_of_a_learner_s_seed():
    """The same table with one seed fewer: what is left is the same, bit for bit, scripts and chance included."""

    def play(seeds):
        seating = {
            "agent_0": ms.PPO(hidden=(8,), steps=12), "agent_1": ms.DQN(hidden=(8,), batch=8),
            "agent_2": ms.TabularQ(alpha=0.2, gamma=0.5, epsilon=0.1), "agent_3": "GenerousTitForTat",
            "agent_4..5": "Random",
        }  # fmt: skip
        trainer = ms.Trainer(game(), seating=seating, seeds=seeds, episodes=4, num_envs=WORLDS)
        for _ in trainer.run():
            pass
        return trainer

    both, alone = play((3, 8)), play((8,))
    for many, one in zip(both.heads, alone.heads, strict=True):
        for name, array in one.lanes.learned().items():
            np.testing.assert_array_equal(many.lanes.learned()[name][1:], array, err_msg=f"{one.label} {name}")
