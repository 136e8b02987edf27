"""The loop: seeds alone and in company, resuming, credit, seats that do not learn."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.core.rules import rule
from marl_sim.core.society import Mechanism
from marl_sim.learners import DQN, TabularQ
from marl_sim.training.rollout import Trainer

SMALL = DQN(gamma=0.9, hidden=(16,), batch=8, buffer=256, lr=0.01, epsilon=0.1)


def society(horizon=None, encounters="in turn", n_agents=3):
    return ms.Society(
        ms.PrisonersDilemma(),
        ms.PartnerSelection(every="episode"),
        ms.Punishment(),
        ms.Reputation(),
        n_agents=n_agents,
        horizon=horizon or ms.Continuing(4),
        encounters=encounters,
        encode="index",
    )


def all_rows(trainer):
    return [row for rows in trainer.run() for row in rows]


def by_seed(rows, seed):
    return [row for row in rows if row["seed"] == seed]


@pytest.mark.parametrize("credit", ["next", "settled"])
@pytest.mark.parametrize("num_envs", [1, 3])
def test_a_seed_is_the_same_alone_and_in_company(credit, num_envs):
    common = dict(episodes=12, num_envs=num_envs, credit=credit, block=4)
    crowd = all_rows(Trainer(society(), SMALL, seeds=(3, 7, 11), **common))
    alone = all_rows(Trainer(society(), SMALL, seeds=(7,), **common))
    assert by_seed(crowd, 7) == alone
    assert by_seed(crowd, 3) != [row | {"seed": 3} for row in alone]


@pytest.mark.parametrize("credit", ["next", "settled"])
@pytest.mark.parametrize("horizon", [ms.Continuing(4), ms.Fixed(4), ms.Geometric(0.7)])
def test_resuming_equals_never_stopping(credit, horizon):
    def fresh():
        return Trainer(society(horizon), SMALL, seeds=2, episodes=12, credit=credit, block=3)

    whole = fresh()
    uncut = all_rows(whole)
    first, second = fresh(), fresh()
    run = first.run()
    rows = list(next(run))
    for _ in range(5):  # into the middle of an episode
        rows += first.advance()
    second.load_state_dict(first.state_dict())
    rows += all_rows(second)
    assert rows == uncut
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(array, second.state_dict()[name], err_msg=name)


def test_the_reward_of_a_one_step_game_arrives():
    game = ms.Society(ms.Harmony(), n_agents=2, horizon=ms.Fixed(1), encode="index")
    trainer = Trainer(game, TabularQ(alpha=0.1, gamma=0.9, epsilon=0.3), seeds=5, episodes=400, block=400)
    list(trainer.run())
    table = trainer.heads[0].lanes.table
    visited = np.abs(table).sum(-1) > 0
    # a one-step game: values are the expected payoffs against an opponent who defects with probability at most 1/2
    assert (table[visited][:, 0] > table[visited][:, 1]).all()
    assert table.max() <= 4.0 and (table[visited][:, 0] >= 2.0).all()


@pytest.mark.parametrize("horizon, value", [(ms.Fixed(1), 1.0), (ms.Continuing(1), 10.0)])
def test_truncation_bootstraps_and_termination_does_not(horizon, value):
    """A reward of 1 a round for ever is worth 1 / (1 - 0.9); of a game that ends after one round, 1."""
    game = ms.Society(ms.PureCoordination(match=1.0, mismatch=1.0 - 1e-9), n_agents=2, horizon=horizon, encode="index")
    trainer = Trainer(game, TabularQ(alpha=0.2, gamma=0.9, epsilon=0.5), seeds=3, episodes=2000, block=2000)
    list(trainer.run())
    table = trainer.heads[0].lanes.table
    reached = table[table > 0.5 * value]
    assert reached.size >= 6 and reached == pytest.approx(value, rel=0.02)


def test_a_seat_that_does_not_learn_leaves_its_lane_untouched():
    class AllD(ms.Policy):
        def act(self, view):
            return np.where(view.legal[:, 1], 1, 0) if view.kind == "play" else np.zeros(view.n, int)

    trainer = Trainer(society(), SMALL, seeds=2, episodes=20, policies={1: AllD()}, block=10)
    before = [head.lanes.params.clone() for head in trainer.heads]
    rows = all_rows(trainer)
    for head, params in zip(trainer.heads, before, strict=True):
        moved = (head.lanes.params != params).any(1).reshape(2, 3)
        assert not moved[:, 1].any() and moved[:, 0].all()
        assert not head.lanes.updates.reshape(2, 3)[:, 1].any()
    assert all(row["cooperation_1"] == 0.0 for row in rows)


@rule
def pay_round_number(n, round, bonus):
    for i in range(n):
        bonus[i] += 10.0 ** round[0]


class Bonus(Mechanism):
    """Pays 1, 10, 100, ... at the end of rounds 0, 1, 2, ...: shows which reward reached which decision."""

    rewards = ("bonus",)

    def reactions(self, game):
        return {"round": pay_round_number}


@pytest.mark.parametrize("credit", ["next", "settled"])
def test_each_decision_earns_what_came_between_it_and_its_closing(credit):
    game = ms.Society(
        ms.PrisonersDilemma(), ms.PartnerSelection(every="episode"), Bonus(), n_agents=2, horizon=ms.Fixed(3),
        encode="index",
    )  # fmt: skip
    rewards = {"play": ("bonus",), "select": ("bonus",)}
    trainer = Trainer(game, SMALL, seeds=1, episodes=2, credit=credit, rewards=rewards, block=2)
    stored = {"select": [], "play": []}
    for head in trainer.heads:

        def keep(obs, action, reward, next_obs, next_legal, terminated, valid, name=head.name, **_):
            stored[name] += [(float(r), bool(t)) for r, t, v in zip(reward[0], terminated[0], valid[0]) if v]

        head.store = keep  # type: ignore[method-assign]
    list(trainer.run())
    episode = [(1.0, False), (10.0, False), (100.0, True)]
    assert stored["play"] == episode * 2
    # chosen once for three rounds: closed by the end of the game, or anew by every round
    assert stored["select"] == ([(111.0, True)] * 2 if credit == "next" else episode * 2)


def test_the_last_block_may_be_shorter():
    rows = all_rows(Trainer(society(), SMALL, seeds=2, episodes=7, block=3))
    assert [row["episode"] for row in rows] == [3, 3, 6, 6, 7, 7]


def test_more_episodes_than_were_planned_are_as_if_they_had_been():
    planned = all_rows(Trainer(society(), SMALL, seeds=2, episodes=8, block=2))
    trainer = Trainer(society(), SMALL, seeds=2, episodes=4, block=2)
    rows = all_rows(trainer)
    trainer.episodes = 8
    assert rows + all_rows(trainer) == planned


def test_what_was_learned_is_kept_without_what_only_going_on_would_need():
    trainer = Trainer(society(), SMALL, seeds=2, episodes=4, block=2)
    list(trainer.run())
    final = trainer.final_state()
    np.testing.assert_array_equal(final["play/lanes/params"], trainer.heads[1].lanes.params.numpy())
    assert set(final) < set(trainer.state_dict()) and not any("replay" in name for name in final)


def test_shared_parameters_are_one_lane_a_seed():
    trainer = Trainer(society(encounters="together"), SMALL, seeds=2, episodes=4, shared=True, num_envs=2, block=2)
    assert [head.lanes.n_lanes for head in trainer.heads] == [2, 2, 2]
    assert len(all_rows(trainer)) == 4
    x = np.arange(2 * 2 * 3).reshape(4, 3)
    np.testing.assert_array_equal(trainer.heads[0].restore(trainer.heads[0].arrange(x)), x)


@pytest.mark.parametrize(
    "options, said",
    [
        (dict(seeds=(1, 1)), "seeds must be"),
        (dict(episodes=0), "episodes must be"),
        (dict(credit="settle"), "did you mean 'settled'"),
        (dict(heads="two"), "heads must be"),
        (dict(rewards={"plya": ()}), "did you mean 'play'"),
        (dict(rewards={"play": ("payof",)}), "did you mean 'payoff'"),
        (dict(policies={9: None}), "agents 0 to 2"),
        (dict(policies={0: "tit_for_tat"}), "unknown policy 'tit_for_tat'"),
        (dict(policies={0: 3}), r"policies\[0\] must be a policy"),
        (dict(policies=["tit_for_tat"]), "must map agents"),
        (dict(learner=DQN), "learner must be"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(options, said):
    with pytest.raises(ValueError, match=said) as caught:
        Trainer(society(), **{"learner": SMALL} | options)
    assert "\n" not in str(caught.value)


def test_a_decision_that_sees_nothing_can_be_learned():
    game = ms.Society(ms.PrisonersDilemma(), ms.Talk(messages=3), ms.Gift(), n_agents=4)
    rows = all_rows(Trainer(game, SMALL, seeds=1, episodes=4, block=2))
    assert rows[-1]["episode"] == 4
    tabular = ms.Society(ms.PrisonersDilemma(), ms.Talk(), n_agents=2, encode="index")
    assert all_rows(Trainer(tabular, TabularQ(), seeds=1, episodes=4, block=2))


def test_tallies_of_any_mechanism_are_recorded():
    game = ms.Society(ms.PrisonersDilemma(), ms.Noise(execution=0.5), n_agents=2, horizon=ms.Fixed(10))
    rows = all_rows(Trainer(game, SMALL, seeds=4, episodes=20, block=10))
    assert 5 < np.mean([row["slips"] for row in rows]) < 15  # half of 20 decisions an episode
