"""Deep Q-learning: the compiled step against autograd, and autograd against plain torch modules."""

import numpy as np
import pytest
import torch
from torch import nn

from marl_sim.learners import DQN, HeadSpec
from marl_sim.learners.buffers import Replay

SEEDS, AGENTS = np.repeat(np.arange(2), 2), np.tile(np.arange(2), 2)


def fill(lanes, rng, n, scale=1.0):
    """Store n random transitions in every lane."""
    spec, lead = lanes.spec, (lanes.n_lanes, n)
    legal = rng.random((*lead, spec.n_actions)) < 0.7
    lanes.add(
        rng.normal(size=(*lead, spec.obs_dim)),
        rng.integers(0, spec.n_actions, lead),
        rng.normal(size=lead) * scale,
        rng.normal(size=(*lead, spec.obs_dim)),
        legal,
        rng.random(lead) < 0.2,
        rng.random(lead) < 0.8,
    )


@pytest.mark.parametrize("double", [False, True])
@pytest.mark.parametrize("clip", [None, 0.1])
@pytest.mark.parametrize(
    ("dim", "actions", "hidden", "batch"), [(1, 1, 3, 1), (2, 2, 16, 10), (5, 4, 33, 7), (9, 3, 8, 32)]
)
def test_fused_steps_are_the_autograd_steps(double, clip, dim, actions, hidden, batch):
    """Same minibatches, so the two paths differ by float32 rounding only, over 60 steps and 5 target copies."""
    options = dict(hidden=(hidden,), batch=batch, lr=0.01, gamma=0.9, target_every=12, double=double, clip=clip)
    spec = HeadSpec("play", dim, actions)
    fused, torch_ = (DQN(path=path, **options).build(spec, SEEDS, AGENTS) for path in ("fused", "torch"))
    assert fused.fused
    assert not torch_.fused
    for lanes in (fused, torch_):
        rng = np.random.default_rng(0)
        for _ in range(15 + batch // 4):
            fill(lanes, rng, 4, scale=2.0)
            last = lanes.learn()["loss"]
    assert np.array_equal(fused.updates, torch_.updates)
    assert fused.updates.min() > 25
    assert np.allclose(fused.params, torch_.params, atol=2e-4, rtol=1e-3)
    assert np.allclose(fused.target, torch_.target, atol=2e-4, rtol=1e-3)
    assert np.allclose(last, fused._losses, rtol=1e-3)
    obs = np.random.default_rng(1).normal(size=(4, 6, dim)).astype(np.float32)
    torch_.load_state_dict(fused.state_dict())
    assert np.allclose(fused.values(obs), torch_.values(obs), atol=1e-5)


def test_one_fused_gradient_is_the_autograd_gradient():
    """One step from the same place: Adam's first moment is a tenth of the gradient, equal to float32 rounding."""
    spec = HeadSpec("play", 4, 2)
    fused, torch_ = (DQN(path=path, batch=100).build(spec, SEEDS, AGENTS) for path in ("fused", "torch"))
    for lanes in (fused, torch_):
        rng = np.random.default_rng(0)
        while (lanes.replay.count < 100).any():
            fill(lanes, rng, 1)
        lanes.replay.owed[:] = 1
        lanes.learn()
    assert np.allclose(fused.adam.m, torch_.adam.m, atol=1e-8, rtol=1e-4)


@pytest.mark.parametrize("path", ["fused", "torch"])
def test_a_lane_is_a_torch_module_trained_by_torchs_adam(path):
    """The definition itself: one lane against nn.Sequential, smooth_l1_loss, torch.optim.Adam and a copied target."""
    spec, gamma = HeadSpec("play", 3, 2), 0.9
    lanes = DQN(path=path, hidden=(16,), batch=8, lr=0.01, gamma=gamma, target_every=10).build(spec, SEEDS, AGENTS)
    net, target = lanes.export(2), lanes.export(2)
    adam = torch.optim.Adam(net.parameters(), lr=0.01)
    rng = np.random.default_rng(0)
    fill(lanes, rng, 60)
    lanes.learn()
    lanes = DQN(path=path, hidden=(16,), batch=8, lr=0.01, gamma=gamma, target_every=10).build(spec, SEEDS, AGENTS)
    fill(lanes, np.random.default_rng(0), 60)
    lanes.replay.owed[:] = 0
    for step in range(1, 51):
        batch = lanes.replay.sample(np.array([2]), 8, lanes.keys["replay"], lanes.updates)
        obs, action, reward, after, legal, ended = (torch.as_tensor(x[0]) for x in batch[1:])
        with torch.no_grad():
            best = target(after).masked_fill(~legal, -torch.inf).max(1).values
            best = torch.where(legal.any(1) & ~ended, best, 0.0)
        loss = nn.functional.smooth_l1_loss(net(obs).gather(1, action[:, None])[:, 0], reward + gamma * best)
        adam.zero_grad()
        loss.backward()
        adam.step()
        if step % 10 == 0:
            target.load_state_dict(net.state_dict())
        lanes.replay.owed[2] = 1
        assert lanes.learn()["loss"][2] == pytest.approx(loss.item(), rel=2e-3, abs=1e-5)
    ours, theirs = lanes.export(2).state_dict(), net.state_dict()
    for name in theirs:
        assert torch.allclose(ours[name], theirs[name], atol=1e-4, rtol=1e-3)


def test_initial_weights_are_torchs_default():
    """U(-1/sqrt(inputs), 1/sqrt(inputs)) for weights and biases of every layer."""
    lanes = DQN(hidden=(64, 32)).build(HeadSpec("play", 16, 2), np.arange(20), np.zeros(20, int))
    for lane in range(20):
        for layer in lanes.export(lane):
            if isinstance(layer, nn.Linear):
                bound = layer.in_features**-0.5
                assert layer.weight.abs().max() <= bound
                if layer.weight.numel() > 1000:
                    assert layer.weight.abs().max() > 0.95 * bound
                    assert abs(layer.weight.std().item() / (bound / 3**0.5) - 1) < 0.05


@pytest.mark.parametrize("path", ["fused", "torch"])
def test_a_loss_that_is_not_finite_stops_with_the_lane_and_head(path):
    lanes = DQN(path=path, hidden=(4,), batch=2).build(HeadSpec("select", 2, 2), SEEDS, AGENTS)
    fill(lanes, np.random.default_rng(0), 8)
    lanes.params[1, 0] = torch.nan
    with pytest.raises(FloatingPointError, match=r"Lane 1 of head 'select' has a loss of nan at learning step 1"):
        lanes.learn()


def test_one_update_a_stored_transition_once_the_batch_is_there():
    lanes = DQN(hidden=(4,), batch=10).build(HeadSpec("play", 2, 2), SEEDS, AGENTS)
    zero, yes = np.zeros((4, 1, 2), np.float32), np.ones((4, 1), bool)
    for stored in range(1, 30):
        valid = np.array([[True], [True], [stored % 2 == 0], [False]])
        lanes.add(zero, np.zeros((4, 1), int), np.zeros((4, 1)), zero, yes[..., None] | np.ones(2, bool), yes, valid)
        done = lanes.learn()["updates"]
        assert done.tolist() == [stored >= 10] * 2 + [stored % 2 == 0 and stored // 2 >= 10, 0]


def test_the_ring_keeps_the_newest_and_grows_only_as_it_fills():
    memory = Replay(n_lanes=2, obs_dim=1, n_actions=35, capacity=600, warmup=1, every=1)
    assert memory.rows.shape[1] < 600
    yes = np.ones((2, 1), bool)
    legal = np.zeros((2, 1, 35), bool)
    legal[..., [0, 29, 30, 34]] = True
    for i in range(1000):
        obs = np.full((2, 1, 1), i, np.float32)
        memory.add(obs, np.full((2, 1), 34), np.full((2, 1), -i), obs + 1, legal, ~yes, yes)
    assert memory.rows.shape[1] == 600
    batch = memory.sample(np.array([1]), 600, np.zeros(2, np.uint64), np.zeros(2, np.int64))
    assert sorted(batch.obs[0, :, 0]) == list(range(400, 1000))
    assert (batch.reward == -batch.obs[..., 0]).all()
    assert (batch.next_obs == batch.obs + 1).all()
    assert (batch.action == 34).all()
    assert (batch.next_legal == legal[1, 0]).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(gamma=1.5), "DQN.gamma is 1.5; it must be a number from 0 to 1."),
        (dict(gamma=float("nan")), "DQN.gamma is nan"),
        (dict(lr=0), "DQN.lr is 0; it must be positive and finite."),
        (dict(batch=0), "DQN.batch is 0; it must be a whole number of at least 1."),
        (dict(batch=10.5), "DQN.batch is 10.5"),
        (dict(hidden=(0,)), r"A width in DQN.hidden is 0"),
        (dict(batch=100, buffer=50), "it needs batch <= warmup <= buffer"),
        (dict(memory="all"), "DQN.memory is 'all'; it must be one of ring, episode."),
        (dict(epsilon=-1), "DQN.epsilon is -1"),
        (dict(clip=0), "DQN.clip is 0"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        DQN(**options)


def test_the_fused_path_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="it needs one hidden layer on the cpu"):
        DQN(hidden=(8, 8), path="fused").build(HeadSpec("play", 2, 2), SEEDS, AGENTS)
