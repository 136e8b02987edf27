"""DRQN: deep Q-learning with a memory, which replays pieces of episodes."""

import numpy as np
import pytest
import torch
from scipy import stats

import marl_sim as ms
from marl_sim.learners import DQN, DRQN, HeadSpec

torch.set_num_threads(1)

WAIT = 3  # decisions between the cue and the one that counts


def recall(learner, seeds, steps, worlds=8):
    """Let lanes learn to repeat a cue that is shown at the first of WAIT + 1 decisions; returns what greedy play earns.

    obs: the cue (+1 or -1) at the first decision, 0 afterwards, and whether it is the last. Only the last is paid: 1
    for action 1 after a cue of +1 and for action 0 after -1. What is seen then says nothing of the cue.
    """
    lanes = learner.build(HeadSpec("play", 2, 2), np.arange(seeds), np.zeros(seeds, int))
    rng, lead = np.random.default_rng(0), (seeds, worlds)
    transitions = not hasattr(lanes, "decided")
    yes, legal = np.ones(lead, bool), np.ones((*lead, 2), bool)

    def play(number, greedy, memory=None):
        cue, paid = rng.integers(0, 2, lead), 0.0
        for t in range(WAIT + 1):
            last = t == WAIT
            obs = np.zeros((*lead, 2), np.float32)
            obs[..., 0], obs[..., 1] = (2 * cue - 1) * (t == 0), last
            extra = {} if transitions or memory is None else dict(memory=memory)
            action = lanes.act(obs, legal, yes, greedy=greedy, **extra).copy()
            reward = np.where(last, action == cue, 0.0)
            paid = paid + reward
            if greedy:
                continue
            if transitions:
                after = np.zeros_like(obs)
                after[..., 1] = t + 1 == WAIT
                lanes.add(obs, action, reward, after, legal, yes & last, yes)
                lanes.learn()
            else:
                lanes.decided(obs, legal, yes, action)
                lanes.earn(reward)
                lanes.ended(yes & last, ~yes)
                lanes.learn(obs, legal, yes)
        return paid

    for number in range(steps):
        play(number, False)
    found = [play(0, True, None if transitions else lanes.fresh_memory(worlds)) for _ in range(40)]
    return np.mean(found, axis=(0, 2))


@pytest.mark.slow
def test_a_cue_is_remembered_by_drqn_and_by_nobody_without_memory():
    """Without memory the last decision knows nothing of the cue: whatever it does earns 1/2, of 320 fair tosses."""
    remembering = DRQN(memory=16, hidden=(16,), length=WAIT + 1, batch=32, lr=5e-3, epsilon=0.3, train_every=8,
                       target_every=25, buffer=4096)  # fmt: skip
    forgetful = DQN(hidden=(16,), batch=32, lr=5e-3, epsilon=0.3, train_every=32, target_every=25, buffer=4096)
    assert (recall(remembering, 5, 500) == 1).all()
    bound = stats.norm.ppf(1 - 1e-4) * 0.5 / 320**0.5
    assert (np.abs(recall(forgetful, 5, 200) - 0.5) < bound).all()


def test_drqn_replays_decisions_by_hand():
    """What is stored of a stream whose decisions lie several steps apart, with its memory, until a clock stops it."""
    lanes = DRQN(memory=3, length=2, batch=1, warmup=50, gamma=0.5).build(
        HeadSpec("play", 1, 2), np.arange(1), np.zeros(1, int)
    )
    before = []
    for t, decides in enumerate([1, 0, 1, 1]):
        obs, yes, legal = np.full((1, 1, 1), t + 1, np.float32), np.array([[bool(decides)]]), np.ones((1, 1, 2), bool)
        before.append(lanes.memory[0, 0].copy() if t else np.zeros(3))
        action = lanes.act(obs, legal, yes).copy()
        lanes.decided(obs, legal, yes, action)
        lanes.earn(np.full((1, 1), 2.0**t))
        cut = np.full((1, 1), t == 3)
        lanes.ended(~cut & cut, cut, np.full((1, 1, 1), 9.0))
    assert not lanes.memory.any() and not lanes.waiting["waits"].any()
    replay = lanes.replay
    assert replay.count[0] == 2 and replay.steps[0, :2].tolist() == [2, 1]
    obs, _, here, _, reward, memory = (array[0, :2] for array in replay.kept)
    assert obs[0, :, 0, 0].tolist() == [1, 3, 4] and obs[1, :2, 0, 0].tolist() == [4, 9]
    assert reward[0].tolist() == [3, 4] and reward[1, 0] == 8
    assert here[0].all() and here[1, :2].all()
    assert not memory[0].any() and np.array_equal(memory[1, 0], before[3]) and before[3].any()
    assert np.array_equal(before[1], before[2])  # memory stands still while others decide


@pytest.mark.parametrize("double", [False, True])
def test_drqns_gradient_is_plain_autograds(double):
    """Against torch's GRUCell, one sequence and one step after the other."""
    learner = DRQN(memory=4, hidden=(6,), length=3, batch=5, warmup=500, gamma=0.9, double=double)
    lanes = learner.build(HeadSpec("play", 2, 3), np.arange(2), np.zeros(2, int))
    rng = np.random.default_rng(0)
    for _ in range(60):
        obs, legal = rng.normal(size=(2, 2, 2)).astype(np.float32), rng.random((2, 2, 3)) < 0.7
        legal[..., 0] |= ~legal.any(-1)
        yes = rng.random((2, 2)) < 0.8
        action = lanes.act(obs, legal, yes).copy()
        lanes.decided(obs, legal, yes, action)
        lanes.earn(rng.normal(size=(2, 2)))
        lanes.ended(rng.random((2, 2)) < 0.1, rng.random((2, 2)) < 0.1, rng.normal(size=(2, 2, 2)))
    lanes.target = lanes.params * 0.7
    net, held = lanes.export(1), lanes.params
    lanes.params = lanes.target
    target, lanes.params = lanes.export(1), held
    device = torch.device("cpu")
    batch = [x[0] for x in lanes.replay.sample(np.array([1]), 5, lanes.keys["replay"], lanes.updates, device)]
    _, obs, legal, here, action, reward, memory, weight = batch

    def values(module, m):
        h, out = memory[m], []
        for seen in obs[m]:
            h = module.memory(seen, h)
            out.append(module.policy(h)[0])
        return out

    losses = []
    for m in range(5):
        q, frozen = values(net, m), values(target, m)
        for t in range(int((weight[m] > 0).sum())):
            judge = (q if double else frozen)[t + 1].detach().masked_fill(~legal[m, t + 1, 0], -torch.inf)
            y = reward[m, t] + 0.9 * frozen[t + 1][judge.argmax()].detach() * here[m, t + 1, 0]
            losses.append(torch.nn.functional.smooth_l1_loss(q[t][action[m, t, 0]], y))
    loss = torch.stack(losses).mean()
    loss.backward()
    gru, layers = net.memory, [x for x in net.policy if isinstance(x, torch.nn.Linear)]
    pairs = [(gru.weight_ih, gru.bias_ih), (gru.weight_hh, gru.bias_hh), *((x.weight, x.bias) for x in layers)]
    grads = torch.cat([torch.cat([w.grad.T, b.grad[None]]).flatten() for w, b in pairs])
    lanes.replay.owed[1] = 1
    assert lanes.learn(obs, legal, yes)["loss"][1] == pytest.approx(loss.item(), rel=1e-4)
    assert torch.allclose(lanes.adam.m[1] * 10, grads, atol=1e-5, rtol=1e-3)


@pytest.mark.parametrize("shared", [False, True])
def test_drqn_in_the_trainer_alone_and_resumed(shared):
    game = ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(every="episode"), ms.Punishment(), n_agents=3,
                      horizon=ms.Fixed(3))  # fmt: skip
    learner = DRQN(memory=4, hidden=(8,), batch=4, buffer=64, length=3, lr=0.01, epsilon=0.2)

    def fresh(seeds):
        return ms.Trainer(game, learner, seeds=seeds, episodes=12, num_envs=2, block=4, shared=shared)

    whole = fresh((3, 5, 9))
    rows = [row for rows in whole.run() for row in rows]
    assert whole.updates > 0
    assert [row for row in rows if row["seed"] == 5] == [row for rows in fresh((5,)).run() for row in rows]
    first, second = fresh((3, 5, 9)), fresh((3, 5, 9))
    again = list(next(first.run()))
    for _ in range(4):
        again += first.advance()
    second.load_state_dict(first.state_dict())
    again += [row for rows in second.run() for row in rows]
    assert again == rows
    for name, array in whole.state_dict().items():
        np.testing.assert_array_equal(array, second.state_dict()[name], err_msg=name)
    assert len(whole.evaluate(4)) == 3


def test_drqn_needs_a_memory():
    with pytest.raises(ValueError, match=r"DRQN\.memory is 0; it must be a whole number of at least 1\."):
        DRQN(memory=0)
