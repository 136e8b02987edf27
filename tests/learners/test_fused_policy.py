"""The compiled update of policies against autograd, whose loss is its definition."""

from functools import partialmethod

import numpy as np
import pytest
import torch
from learners.stream_worlds import Case, drive

from marl_sim.learners import PPO, HeadSpec

WHO = [(3, 0), (3, 1), (7, 0)]
SIZES = [
    dict(),
    dict(hidden=(20, 33, 4), activation="relu"),
    dict(hidden=(), minibatches=1),
    dict(hidden=(8, 16), normalise_observations=True),
]


def both(name, steps, **options):
    """The same run by autograd and compiled."""
    for path in ("torch", "fused"):
        case = Case(name, "plain", path=path, **options)
        lanes, worlds = case.build(WHO)
        drive(lanes, worlds, steps)
        assert (lanes.fused is not None) == (path == "fused")
        yield lanes


def magnified_rounding(lanes):
    """How far apart rounding may bring parameters, [L, P]. Adam divides by a gradient's usual size, so that of a small
    one, a difference of large terms, it makes steps of the size of its rounding. About a hundred terms go into each."""
    usual = lanes.adam.v.sqrt()
    rounding = np.sqrt(100) * torch.finfo(torch.float32).eps * usual.amax(1, keepdim=True)
    far = 0.01 * torch.from_numpy(lanes.updates).float()[:, None]  # a step goes about as far as its size, 0.01
    return far * (rounding / usual.clamp(min=1e-30)).clamp(max=1)


@pytest.mark.nojit
@pytest.mark.parametrize("sizes", SIZES, ids=str)
@pytest.mark.parametrize("name", ["PPO", "A2C", "REINFORCE", "MAPPO", "MAA2C"])
def test_compiled_steps_are_the_autograd_steps(name, sizes):
    """Same minibatches, so the two differ by float32 rounding only."""
    ours, fused = both(name, 29, **sizes)
    assert np.array_equal(ours.updates, fused.updates)
    assert fused.updates.min() >= (24 if "PPO" in name and sizes.get("minibatches") != 1 else 3)
    for one, other in ((ours.adam.m, fused.adam.m), (ours.adam.v, fused.adam.v)):
        np.testing.assert_allclose(other, one, rtol=2e-3, atol=2e-5)
    moved = (fused.params - ours.params).abs()
    strict = 2e-5 + 2e-3 * ours.params.abs()
    assert (moved <= torch.maximum(strict, magnified_rounding(ours))).all()
    assert (moved <= strict).float().mean() > 0.999
    np.testing.assert_allclose(fused._losses, ours._losses, rtol=2e-3)


@pytest.mark.parametrize("team", [1, 2])
def test_they_stay_together_over_hundreds_of_steps(team):
    """At a size of practice, in more pieces than one, with a ratio that is clipped and a gradient that is cut off; of a
    team that shares its networks, whose agents are told apart."""
    spec, shape = HeadSpec("play", 21, 5, team=team), (2, 16)
    made = [
        PPO(path=path, steps=40, hidden=(64, 32), lr=3e-3, clip=0.05, clip_norm=0.3).build(
            spec, np.arange(2).astype(np.uint64), np.zeros(2, int)
        )
        for path in ("torch", "fused")
    ]
    begun, moved = made[0].params.clone(), []
    for lanes in made:
        rng = np.random.default_rng(0)
        for _ in range(12 * 40):
            obs = rng.normal(size=(*shape, 21)).astype(np.float32)
            legal = rng.random((*shape, 5)) < 0.7
            legal[..., 0] |= ~legal.any(-1)
            action = (legal * rng.random(legal.shape)).argmax(-1)
            lanes.act(obs, legal, np.ones(shape, bool))
            lanes.decided(obs, legal, np.ones(shape, bool), action)
            lanes.earn(obs[..., 0] * action)
            lanes.ended(rng.random(shape) < 0.1, np.zeros(shape, bool))
            lanes.learn(obs, legal, np.ones(shape, bool))
        moved.append((lanes.params - begun).numpy())
    assert made[0].updates.tolist() == made[1].updates.tolist() == [192, 192]
    assert np.abs(moved[0]).max() > 0.05
    apart = np.linalg.norm(moved[1] - moved[0]) / np.linalg.norm(moved[0])
    assert apart < 1e-3


def test_lanes_learn_the_same_by_any_number_of_threads():
    found, before = [], torch.get_num_threads()
    try:
        for threads in (1, 2, 3):
            torch.set_num_threads(threads)
            case = Case("PPO", "plain")
            lanes, worlds = case.build([*WHO, (8, 0)])
            drive(lanes, worlds, 15)
            assert len(lanes.fused._desks) == threads
            found.append(lanes.params.numpy().copy())
    finally:
        torch.set_num_threads(before)
    assert np.array_equal(found[0], found[1])
    assert np.array_equal(found[0], found[2])


@pytest.mark.parametrize("variant", ["gru", "box", "image", "embed"])
def test_what_has_no_compiled_form_goes_by_autograd(variant):
    assert Case("PPO", variant).build(WHO)[0].fused is None
    with pytest.raises(ValueError, match=r"PPO.path is 'fused' for head 'play' on cpu; it needs a CPU, choices"):
        Case("PPO", variant, path="fused").build(WHO)


def test_a_loss_of_ones_own_is_never_passed_over():
    """Nor is what a loss is written with."""
    case = Case("PPO", "plain")
    assert case.build(WHO)[0].fused is not None
    made = type(case.build(WHO)[0])
    for name in ("loss", "evaluate", "_worth"):
        own = type("Own", (made,), {name: partialmethod(getattr(made, name))})
        lanes = own(case.learner, case.spec, np.array([1], np.uint64), np.array([0]))
        assert lanes.fused is None
    assert Case("COMA", "plain").build(WHO)[0].fused is None
    with pytest.raises(ValueError, match=r"PPO.path is 'c'; it must be one of auto, fused, torch"):
        PPO(path="c")


@pytest.mark.parametrize("path", ["fused", "torch"])
def test_a_loss_that_is_not_finite_stops_at_its_lane(path):
    case = Case("PPO", "plain", path=path)
    lanes, worlds = case.build(WHO)

    def breaks(step):
        if step == 6:
            where = lanes.net.where["critic"].start
            lanes.params[1, where] = torch.nan

    with pytest.raises(FloatingPointError, match=r"Lane 1 of head 'play' has a loss of nan at learning step 1"):
        drive(lanes, worlds, 7, breaks)
    assert lanes.updates[1] == 0
