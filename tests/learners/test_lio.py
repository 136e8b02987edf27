"""Incentives: what is given, what policies make of it, what givers learn, and the escape room."""

import numpy as np
import pytest
import torch
from learners.joint_play import Plays, drive, spec

import marl_sim as ms
from marl_sim.learners import LIO, HeadSpec
from marl_sim.training.incentives import Incentives
from marl_sim.training.rollout import Trainer


def played(learner, players=3, seed=5):
    """Lanes of one group, their last batch and the one before, in double precision."""
    lanes = learner.build(spec(players), np.array([seed]), np.zeros(1, int))
    plays = [Plays(seed, players, 2, 3)]
    batches = []
    for _ in range(2):
        drive(lanes, plays, learner.steps - 1)
        obs, legal, deciding, ended, noise = (x[None] for x in plays[0].draw())
        lanes.add(obs, legal, deciding, lanes.act(obs, legal, deciding), noise, ended)
        batch = lanes._batch(lanes.kept)
        lanes.filled = 0
        batches.append(batch._replace(**{
            name: getattr(batch, name).double() for name in ("obs", "deciding", "reward", "there")}))  # fmt: skip
    return lanes, batches[0], batches[1]


@pytest.mark.parametrize("policy", ["net", "table"])
def test_what_is_given_is_bounded_and_goes_to_others_for_what_they_do(policy):
    lanes, batch, _ = played(LIO(steps=8, max_incentive=1.5, policy=policy))
    gifts = lanes.gifts(lanes.incentives.double(), batch)
    assert gifts.shape == (1, 3, 3, 32, 3)
    assert gifts.min() == 0 and 0.1 < gifts.max() < 1.5
    assert not gifts[:, range(3), range(3)].any()
    assert not gifts[(batch.deciding == 0)[:, None].expand_as(gifts)].any()
    other = batch._replace(action=torch.where(torch.arange(3)[:, None] == 2, 1 - batch.action, batch.action))
    moved = lanes.gifts(lanes.incentives.double(), other) != gifts
    assert moved[0, 0].any() and moved[0, 1].any() and not moved[0, 2].any()  # 2's own action is none of its business


def test_policies_climb_payoffs_and_what_they_receive():
    """Against the policy gradient written out: (G - mean G) (1[a = taken] - pi), mean over decisions."""
    options = LIO(steps=8, policy="table", entropy=0.0, lr=0.5, gamma=0.9)
    lanes, batch, _ = played(options, players=2)
    received = torch.rand(batch.reward.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    received *= batch.there
    policies = lanes.grouped(lanes.params).double()
    after = (lanes.moved(policies, batch, received) - policies)[0].detach().numpy() / options.lr
    shape = batch.deciding.shape[1:]
    row = (batch.obs[..., 0] * 2 + batch.obs[..., 1]).long().reshape(shape).numpy()
    took, legal = batch.action.reshape(shape).numpy(), batch.legal.reshape(*shape, 2).numpy()
    paid = (batch.reward + received)[0].numpy()
    for i in range(2):
        decided, total = batch.deciding[0, i].numpy() > 0, np.zeros(shape[1:])
        for t in range(7, -1, -1):
            after_it = 0 if t == 7 else np.where(batch.ended[0, t].numpy(), 0, total[t + 1])
            total[t] = paid[i, t] + 0.9 * after_it
        gradient = np.zeros(6)
        for t, w in np.argwhere(decided):
            if legal[i, t, w].all():
                chance = 1 / (1 + np.exp(-policies[0, i, row[i, t, w]].item()))
                gradient[row[i, t, w]] += (total[t, w] - total[decided].mean()) * ((took[i, t, w] == 0) - chance)
        assert after[i] == pytest.approx(gradient / decided.sum(), abs=1e-9)


def test_givers_climb_their_own_payoff_through_what_the_others_learn():
    """The gradient by each giver's own parameters against differences of its aim, with the cost of giving."""
    lanes, last, batch = played(LIO(steps=8, hidden=(3,), cost=0.3, lr=0.7))
    policies, eta = lanes.grouped(lanes.params).double(), lanes.incentives.double()
    found = lanes.shaping(eta, policies, last, batch)[0]

    def aim(i, x):
        gifts = lanes.gifts(x, last)
        reached = lanes.aim(lanes.moved(policies, last, gifts.sum(1)).detach(), batch, batch.reward)[0, i]
        return float(reached.sum() - reached[i] - 0.3 * gifts[0, i].sum() / (8 * 3))

    for i in range(3):
        for p in range(0, eta.shape[1], 5):
            up, down = eta.clone(), eta.clone()
            up[i, p] += 1e-5
            down[i, p] -= 1e-5
            assert float(found[i, p]) == pytest.approx((aim(i, up) - aim(i, down)) / 2e-5, abs=1e-8)
    free = played(LIO(steps=8, hidden=(3,), cost=0.0, lr=0.7))[0].shaping(eta, policies, last, batch)[0]
    assert (free - found).abs().max() > 1e-3 and free.abs().max() > 1e-6


def test_what_judges_incentives_is_the_step_that_they_were_part_of():
    """The policies of the last batch, moved by what was given in it, are those that play now."""
    learner = LIO(steps=8, hidden=(3,))
    lanes = learner.build(spec(3), np.arange(2), np.zeros(2, int))
    drive(lanes, [Plays(seed, 3, 2, 3) for seed in range(2)], 3 * 8)
    last = lanes._batch(lanes.last)
    moved = lanes.moved(lanes.grouped(lanes.before), last, lanes.gifts(lanes.incentives, last).sum(1))
    assert torch.equal(moved.detach(), lanes.grouped(lanes.params)) and not torch.equal(lanes.before, lanes.params)


LEVER = HeadSpec("play", 1, 2, (2,), team=2)


def pull(learner, seeds, updates):
    """One-round games: player 0 may pull, for -1, which gives player 1 5. Shares of pulls in the last batch."""
    lanes = learner.build(LEVER, np.arange(seeds), np.zeros(seeds, int))
    worlds, shape = 16, (seeds, 32)
    legal = np.ones((*shape, 2), bool)
    for _ in range(updates * learner.steps):
        action = lanes.act(np.zeros((*shape, 1), np.float32), legal, np.ones(shape, bool)).copy()
        pulled = action.reshape(seeds, worlds, 2)[..., 0]
        reward = np.stack([-1.0 * pulled, 5.0 * pulled], -1).reshape(shape)
        lanes.add(np.zeros((*shape, 1), np.float32), legal, np.ones(shape, bool), action, reward, np.ones(shape, bool))
        lanes.learn()
    return lanes, 1 / (1 + np.exp(lanes._state()["params/policy.table"][:, 0, 0, 0]))


def test_a_player_learns_to_pay_for_what_is_good_for_it():
    """Nobody pulls for nothing, and all are paid to: more than the 1 it costs. Six seeds."""
    common = dict(policy="table", steps=4, lr=0.3, entropy=0.05, hidden=(8,))
    lanes, chance = pull(LIO(**common), 6, 100)
    assert (chance > 0.8).all()
    assert (lanes.received[:, 0] > 1).all() and (lanes.given[:, 1] == lanes.received[:, 0]).all()
    assert (lanes.given[:, 0] < 0.5).all()  # player 0 has nothing to pay for
    lanes, chance = pull(LIO(max_incentive=0.0, **common), 6, 100)
    assert (chance < 0.2).all() and not lanes.given.any()


def test_records_keep_true_payoffs_and_what_was_given():
    common = dict(seeds=2, episodes=4, num_envs=3, block=2, probes=(Incentives(),))
    rows = [row for rows in Trainer(ms.make("escape_room"), LIO(steps=5), **common).run() for row in rows]
    assert all(row["received_0"] == pytest.approx(row["given_1"]) for row in rows)
    assert any(row["given_1"] > 0.1 for row in rows)
    plain = [row for rows in Trainer(ms.make("escape_room"), LIO(steps=5), **common).run() for row in rows]
    assert rows == plain
    for row in rows:
        assert row["reward"] == pytest.approx(row["reward_0"] + row["reward_1"]) and row["reward"] <= 9.0


@pytest.mark.slow
def test_incentives_open_the_escape_room():
    """ER(2, 1), ten seeds: at best 10 - 1 = 9 an episode, and 0 where nobody moves.

    Without incentives the same learners stay below 0: going anywhere costs, and nobody pulls for the other. Half of
    the best, 4.5, is more than they reach by chance at the start (about 3), so that it has to be learned; measured are
    more than 8 on average.
    """
    paid = {}
    for most in (2.0, 0.0):
        trainer = Trainer(ms.make("escape_room"), LIO(max_incentive=most), seeds=10, episodes=2000, num_envs=16,
                          block=200)  # fmt: skip
        rows = [row for rows in trainer.run() for row in rows]
        paid[most] = np.array([[r["reward"] for r in rows if r["seed"] == s][-1] for s in range(10)])
        print(most, np.round(paid[most], 2))
    assert (paid[0.0] < 1).all()
    assert (paid[2.0] > 4.5).sum() >= 9 and paid[2.0].mean() - paid[0.0].mean() > 4.5
