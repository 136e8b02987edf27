"""Who sits where: groups by name, rival teams, policies between learners; each group's numbers are its own."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.learners import A2C, DQN, MAA2C, PPO, TabularQ
from marl_sim.training.rollout import Trainer
from marl_sim.training.seats import seats

NAMES = [f"agent_{i}" for i in range(5)]
SMALL = dict(steps=8, hidden=(8,), lr=0.01)


class AllD(ms.Policy):
    def act(self, view):
        return np.where(view.legal[:, 1], 1, 0)


def pairs(n_agents=4, rounds=4):
    return ms.Society(ms.PrisonersDilemma(), n_agents=n_agents, horizon=ms.Fixed(rounds), encode="index")


def all_rows(trainer):
    return [row for rows in trainer.run() for row in rows]


@pytest.mark.parametrize(
    ("key", "agents"),
    [
        (2, (2,)),
        ("agent_3", (3,)),
        ("agent_1..3", (1, 2, 3)),
        ("agent_0, agent_4", (0, 4)),
        ("agent_0,agent_2..3", (0, 2, 3)),
    ],
)
def test_seats_are_named_by_number_name_or_span(key, agents):
    assert seats(key, NAMES) == agents


def mixed():
    players = {
        "agent_0": DQN(hidden=(8,), batch=8, buffer=64),
        "agent_1": TabularQ(),
        "agent_2..3": PPO(**SMALL),
        4: AllD(),
    }
    return Trainer(pairs(5), seating=players, seeds=2, episodes=12, num_envs=2, block=4)


def test_seating_mixes_learners_of_every_kind_with_policies():
    trainer = mixed()
    rows = all_rows(trainer)
    assert [head.label for head in trainer.heads] == ["agent_0/play", "agent_1/play", "agent_2/play"]
    assert all((head.lanes.updates > 0).all() for head in trainer.heads)
    assert [head.lanes.n_lanes for head in trainer.heads] == [2, 2, 4]
    assert all(row["cooperation_4"] == 0 for row in rows)
    stopped, again = mixed(), mixed()
    before = list(next(stopped.run()))
    for _ in range(3):
        before += stopped.advance()
    again.load_state_dict(stopped.state_dict())
    assert before + all_rows(again) == rows


def test_a_group_apart_is_what_it_is_in_one_group():
    """Independent learners are independent: how the seating is written down changes nothing."""
    one = Trainer(pairs(), A2C(**SMALL), seeds=(3,), episodes=20, num_envs=2)
    two = Trainer(
        pairs(), seating={"agent_0..1": A2C(**SMALL), "agent_2..3": A2C(**SMALL)}, seeds=(3,), episodes=20, num_envs=2
    )
    assert all_rows(one) == all_rows(two)
    apart = np.concatenate([head.lanes.params.numpy() for head in two.heads])
    np.testing.assert_array_equal(one.heads[0].lanes.params.numpy(), apart)


def test_two_rival_teams_are_each_centrally_trained():
    learner = MAA2C(**SMALL)
    game = ms.make("public_goods", n_agents=4)
    trainer = Trainer(
        game,
        seating={"agent_0..1": learner, "agent_2..3": learner},
        team_reward="sum",
        seeds=2,
        episodes=30,
        num_envs=2,
    )
    all_rows(trainer)
    first, second = (head.lanes for head in trainer.heads)
    assert first.n_lanes == second.n_lanes == 2
    assert first.spec.team == second.spec.team == 2
    assert first.spec.state_dim == 2 * first.spec.obs_dim  # a team sees what the team sees, not what its rivals see
    assert (first.updates > 0).all()
    assert not np.array_equal(first.params.numpy(), second.params.numpy())


def test_a_team_that_is_not_paid_alike_says_so():
    trainer = Trainer(pairs(), MAA2C(**SMALL), seeds=1, episodes=30)
    with pytest.raises(
        ValueError, match=r"MAA2C trains a group that is paid alike, but agent_\d got .* say team_reward="
    ):
        all_rows(trainer)
    for way in ("sum", "mean", "own"):
        assert all_rows(Trainer(pairs(), MAA2C(**SMALL), seeds=1, episodes=10, team_reward=way))


def test_what_a_team_is_paid():
    for way, of in (("sum", np.sum), ("mean", np.mean)):
        trainer = Trainer(pairs(), MAA2C(**SMALL), seeds=1, episodes=10, team_reward=way)
        reward = np.array([[1.0, 2.0, -4.0, 0.5]])

        class Moment:
            components, ended = {"payoff": reward}, np.zeros(1, bool)

        Moment.reward = reward
        np.testing.assert_array_equal(trainer.heads[0].reward(Moment, None), np.full((1, 4), of(reward)))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (dict(learner=DQN(), seating={"agent_0..3": DQN()}), "give either seating, or learner and policies"),
        (dict(seating={"agent_0..2": DQN()}), "leaves agent_3 without a player"),
        (dict(seating={"agent_0..3": DQN(), 3: AllD()}), r"gives agent_3 twice: in 'agent_0..3' and in 3"),
        (dict(seating={"agent_0..9": DQN()}), "unknown agent 'agent_4'"),
        (dict(seating={"agnt_0": DQN()}), "did you mean 'agent_0'"),
        (dict(seating={"agent_0..3": "ppo"}), "unknown policy 'ppo'"),
        (dict(seating={"agent_0..3": 7}), "must be a Learner such as PPO"),
        (dict(seating=[DQN()]), "seating must map seats to players"),
        (dict(learner=MAA2C(), team_reward="total"), "unknown team_reward 'total'"),
        (dict(learner=PPO(), credit="settled"), "credit 'settled' is for learners of single transitions"),
    ],
)
def test_wrong_seats_are_refused_in_one_sentence(options, said):
    with pytest.raises(ValueError, match=said) as caught:
        Trainer(pairs(), **options)
    assert "\n" not in str(caught.value)
