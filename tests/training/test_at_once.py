"""Deciding and remembering in one call, held against the two calls it stands for."""

from functools import partial

import numpy as np
import pytest
from tiny_pettingzoo import Lives, Turns

import marl_sim as ms
from marl_sim.training.rollout import Trainer

SMALL = dict(hidden=(5,), steps=6, lr=0.01)


def society():
    return ms.Society(
        ms.PrisonersDilemma(), ms.PartnerSelection(), ms.Reputation(), n_agents=3, horizon=ms.Continuing(4)
    )


CASES = {
    "a head a stage": (society, ms.PPO(epochs=2, minibatches=2, **SMALL), {}),
    "one head": (society, ms.A2C(**SMALL), dict(heads="one")),
    "shared": (society, ms.REINFORCE(**SMALL), dict(shared=True)),
    "central": (society, ms.MAPPO(**SMALL), dict(team_reward="mean")),
    "central, separate": (society, ms.MAA2C(nets="separate", **SMALL), dict(team_reward="mean", heads="one")),
    "some seats": (society, ms.A2C(**SMALL), dict(policies={1: "Random"})),
    "players change seats": (society, ms.A2C(**SMALL), dict(shuffle_seats=True)),
    "one seed, one world": (society, ms.PPO(**SMALL), dict(seeds=1, num_envs=1)),
    "while it learns": (society, ms.A2C(**SMALL), dict(overlap=True)),
    "one-hot": (partial(ms.make, "public_goods", n_agents=3), ms.PPO(**SMALL), {}),
    "ends at different times": (Lives, ms.A2C(**SMALL), {}),
    "in turn": (Turns, ms.A2C(**SMALL), {}),
}


def trainer(case, at_once=True, **more):
    """And whether its heads decide in one call."""
    make, learner, options = CASES[case]
    game = make if isinstance(make, type) else make()
    one = Trainer(game, learner, **{**dict(seeds=(3, 7), num_envs=3, episodes=10**6, block=10**6), **options, **more})
    assert all(head._lanes.plays_at_once for head in one.heads)
    if not at_once:
        for head in one.heads:
            head._lanes.plays_at_once = False
    return one


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    assert set(a) == set(b)
    for name in a:
        np.testing.assert_array_equal(a[name], b[name], err_msg=name)


@pytest.mark.parametrize("case", CASES)
def test_one_call_is_the_same_as_two(case):
    """Worlds, streams, random clocks and parameters, bit for bit, over some updates."""
    one, other = trainer(case), trainer(case, at_once=False)
    for _ in range(30):
        one.advance()
        other.advance()
    assert one.updates > 0
    same(one, other)


def test_a_greedy_step_between_them_disturbs_nothing():
    one, other = trainer("one head"), trainer("one head", at_once=False)
    for step in range(20):
        one.advance(greedy=step % 4 == 3)
        other.advance(greedy=step % 4 == 3)
    same(one, other)


def test_an_agent_whose_choice_is_no_number_is_named_and_nothing_is_kept():
    one = trainer("one-hot")
    one.advance()
    (head,) = one.heads
    kept = head.lanes.streams.count.copy()
    head.lanes.params[4] = float("nan")  # lanes: three agents of seed 3, three of seed 7
    with pytest.raises(ValueError, match=r"Lane 4 of head .* \(agent_1 of seed 7 in .*\) must decide but has no legal"):
        one.advance()
    assert (head.lanes.streams.count == kept).all()


@pytest.mark.parametrize("more", [dict(path="torch"), dict(memory=3), dict(normalise_observations=True)])
def test_what_is_not_compiled_takes_two_calls(more):
    one = Trainer(society(), ms.A2C(**SMALL, **more), episodes=8)
    assert not any(head.lanes.plays_at_once for head in one.heads)
    rows = [row for block in one.run() for row in block]
    assert rows and one.updates > 0


def test_a_decision_of_ones_own_is_never_passed_over():
    learner, spec = ms.PPO(**SMALL), trainer("one-hot").heads[0].spec
    lanes = learner.build(spec, np.zeros(1, np.uint64), np.zeros(1, np.int64))
    assert lanes.plays_at_once
    for name in ("act", "_prefer", "_choose", "decided"):
        own = type("Own", (type(lanes),), {name: lambda self, *args: None})
        assert not own(learner, spec, np.zeros(1, np.uint64), np.zeros(1, np.int64)).plays_at_once
