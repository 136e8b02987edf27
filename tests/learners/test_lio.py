"""LIO: what is given stays in its bounds, is paid for by its own gradient, and opens the escape room."""

import numpy as np
import pytest
import torch
from learners.joint_play import Plays, drive, spec

import marl_sim as ms
from marl_sim.learners import LIO


def played(learner, players=2, steps=None):
    """Lanes that have gone through two batches, and the last of them."""
    lanes = learner.build(spec(players), np.arange(2, dtype=np.uint64), np.zeros(2, int))
    drive(lanes, [Plays(lane, players, 2, 2) for lane in range(2)], steps or 2 * learner.steps)
    return lanes, lanes._batch(lanes.last)


@pytest.mark.parametrize("players", [2, 3])
def test_gifts_stay_in_their_bounds_and_go_to_others_who_acted(players):
    lanes, batch = played(LIO(steps=6, max_incentive=1.5, hidden=(8,)), players)
    gifts = lanes.gifts(lanes.incentives, batch)
    assert gifts.shape[:3] == (2, players, players)
    assert (gifts >= 0).all() and (gifts <= 1.5).all()
    assert not torch.diagonal(gifts, dim1=1, dim2=2).any()
    acted = batch.deciding.bool()
    assert not gifts[~acted[:, None].expand_as(gifts)].any()
    others = ~torch.eye(players, dtype=torch.bool)[None, :, :, None, None]
    assert (gifts[(acted[:, None] & others).expand_as(gifts)] > 0).all()


def test_the_incentives_gradient_is_that_of_the_payoff_after_the_others_step():
    """Central differences of J_i(theta_hat(eta)) - cost * given, along twelve directions."""
    learner = LIO(steps=8, hidden=(4,), lr=0.5, cost=0.05)
    lanes, batch = played(learner)
    last, policies = batch, lanes.grouped(lanes.before)

    def total(eta):
        gifts = lanes.gifts(eta, last)
        aims = lanes.aim(lanes.moved(policies, last, gifts.sum(1)), batch, batch.reward)
        spent = gifts.sum(2).flatten(2).sum(2) / (last.there.sum() * last.ended.shape[2])
        return (aims[:, 0, 1] - learner.cost * spent[:, 0]).sum()

    eta = lanes.incentives.detach().clone().requires_grad_()
    (gradient,) = torch.autograd.grad(total(eta), eta)
    ways = torch.randn(12, *eta.shape, generator=torch.Generator().manual_seed(0))
    step = 1e-2
    measured = torch.stack([(total(eta + step * way) - total(eta - step * way)).detach() / (2 * step) for way in ways])
    meant = (ways * gradient).flatten(1).sum(1)
    assert torch.allclose(measured, meant, atol=0.02 * float(meant.abs().max()))


def test_without_incentives_nothing_is_given():
    lanes, batch = played(LIO(steps=6, max_incentive=0.0, hidden=(4,)))
    assert not lanes.gifts(lanes.incentives, batch).any()
    assert not lanes.given.any() and not lanes.received.any()


def test_incentives_are_inside_the_learner_and_records_keep_the_true_payoffs():
    game = ms.make("escape_room", encode="index")
    trainer = ms.Trainer(game, LIO(steps=10, max_incentive=5.0, hidden=(8,)), seeds=2, episodes=40, num_envs=2)
    rows = [row for block in trainer.run() for row in block]
    assert trainer.heads[0].lanes.given.any()
    assert all(row["reward"] == row["payoff"] for row in rows)


@pytest.mark.slow
@pytest.mark.parametrize(("incentive", "opens"), [(3.0, True), (0.0, False)])
def test_incentives_open_the_escape_room(incentive, opens):
    """ER(2, 1): who pulls the lever pays 1 and the other gets 10, so that no selfish player pulls and nobody gets out:
    at best 0 in all. With incentives each of five seeds passes half of the optimum, which is 9."""
    learner = LIO(max_incentive=incentive, steps=25, lr=0.1, incentive_lr=0.02, entropy=0.05, cost=0.01)
    game = ms.make("escape_room", encode="index")
    trainer = ms.Trainer(game, learner, seeds=5, episodes=1500, num_envs=16, block=300)
    rows = [row for block in trainer.run() for row in block if row["episode"] == 1500]
    assert len(rows) == 5
    for row in rows:
        print(incentive, row["seed"], row["reward"])
        assert row["reward"] > 4.5 if opens else row["reward"] <= 0
