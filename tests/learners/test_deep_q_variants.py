"""Variants of deep Q-learning: returns of several steps and replay by priority."""

import numpy as np
import pytest
import torch
from scipy import stats
from tiny_pettingzoo import Lives

import marl_sim as ms
from marl_sim.learners import DQN, HeadSpec, Linear
from marl_sim.learners.priorities import LEAST, VariedReplay

torch.set_num_threads(1)


# ---------------------------------------------------------------- several steps


def stream(lanes, rewards, ends, first=0):
    """One stream of one lane: decision t sees t, does t % 2, earns rewards[t]; ends[t]: "" on, "over" or "cut"."""
    for t, (reward, end) in enumerate(zip(rewards, ends), first):
        obs, after = np.full((1, 1, 1), t, np.float32), np.full((1, 1, 1), t + 1, np.float32)
        over, cut, yes = np.full((1, 1), end == "over"), np.full((1, 1), end == "cut"), np.ones((1, 1), bool)
        legal = np.array([[[True, t % 3 == 0]]])
        lanes.add(obs, np.full((1, 1), t % 2), np.full((1, 1), reward), after, legal, over, yes, truncated=cut)


def stored(lanes):
    """What a lane has stored, in order: (seen, action, return, seen after, legal after, terminated, discount)."""
    n = int(lanes.replay.count[0])
    batch = lanes.replay.take(np.arange(1), np.arange(n)[None])
    discount = lanes.replay.rows[0, :n, lanes.replay.spare]
    return [
        (batch.obs[0, i, 0], batch.action[0, i], batch.reward[0, i], batch.next_obs[0, i, 0],
         batch.next_legal[0, i].tolist(), batch.terminated[0, i], discount[i])
        for i in range(n)
    ]  # fmt: skip


def one(n_step, gamma=0.5, **options):
    learner = DQN(n_step=n_step, gamma=gamma, batch=1, warmup=50, **options)
    return learner.build(HeadSpec("play", 1, 2), np.arange(1), np.zeros(1, int))


def test_three_steps_by_hand_where_the_game_terminates():
    """gamma 1/2; rewards 1, 2, 4, 8: 1 + 1 + 1, then 2 + 2 + 2, and at the end 4 + 4 and 8 without what comes after."""
    lanes = one(3)
    stream(lanes, [1, 2, 4, 8], ["", "", "", "over"])
    assert stored(lanes) == [
        (0, 0, 3.0, 3, [True, False], False, 0.125),
        (1, 1, 6.0, 4, [True, True], True, 0.125),
        (2, 0, 8.0, 4, [True, True], True, 0.25),
        (3, 1, 8.0, 4, [True, True], True, 0.5),
    ]
    assert lanes.collector.many.tolist() == [[0]]


def test_three_steps_by_hand_where_a_clock_stops_the_game():
    """The same sums, but each bootstraps from what was last seen, discounted by the steps that it did take."""
    lanes = one(3)
    stream(lanes, [1, 2, 4, 8, 16], ["", "", "", "cut", ""])
    assert stored(lanes) == [
        (0, 0, 3.0, 3, [True, False], False, 0.125),
        (1, 1, 6.0, 4, [True, True], False, 0.125),
        (2, 0, 8.0, 4, [True, True], False, 0.25),
        (3, 1, 8.0, 4, [True, True], False, 0.5),
    ]
    stream(lanes, [32], ["over"], first=5)  # the next episode knows nothing of the last one
    assert stored(lanes)[4:] == [
        (4, 0, 32.0, 6, [True, False], True, 0.25),
        (5, 1, 32.0, 6, [True, False], True, 0.5),
    ]


def test_one_step_by_the_general_way_is_the_plain_transition():
    lanes = one(1, prioritised=True)
    stream(lanes, [1, 2], ["", "over"])
    assert stored(lanes) == [
        (0, 0, 1.0, 1, [True, True], False, 0.5),
        (1, 1, 2.0, 2, [True, False], True, 0.5),
    ]


@pytest.mark.parametrize("double", [False, True])
def test_the_loss_of_several_steps_is_by_the_formula(double):
    lanes = one(3, hidden=(6,), double=double)
    stream(lanes, [1, 2, 4, 8, 3, 5, 1], ["", "", "", "over", "", "cut", ""])
    lanes.target = lanes.params * 0.7
    drawn = lanes.replay.draw(np.arange(1), 6, lanes.keys["replay"], lanes.updates, np.zeros(1))
    batch, net = drawn.batch, lanes.export(0)
    held, lanes.params = lanes.params, lanes.target
    target, lanes.params = lanes.export(0), held
    loss = []
    for i in range(6):
        q, frozen = net(torch.tensor(batch.obs[0, i])), target(torch.tensor(batch.next_obs[0, i]))
        judge = net(torch.tensor(batch.next_obs[0, i])) if double else frozen
        best = judge.masked_fill(~torch.tensor(batch.next_legal[0, i]), -torch.inf).argmax()
        y = batch.reward[0, i] + drawn.discount[0, i] * frozen[best] * (not batch.terminated[0, i])
        loss.append(torch.nn.functional.smooth_l1_loss(q[batch.action[0, i]], y.detach()))
    params = lanes.params.clone().requires_grad_()
    chosen, y = lanes.compared(params, batch, torch.from_numpy(drawn.discount))
    assert torch.nn.functional.smooth_l1_loss(chosen, y).item() == pytest.approx(torch.stack(loss).mean().item())


@pytest.mark.parametrize("terminated", [True, False])
def test_several_steps_in_the_trainer_end_where_games_end(terminated):
    """A reward of 1 a round is worth 1 / (1 - gamma) where a clock stops it, and less and less where the game ends."""
    horizon = ms.Fixed(3) if terminated else ms.Continuing(3)
    game = ms.Society(ms.PureCoordination(match=1, mismatch=1 - 1e-9), n_agents=2, horizon=horizon)
    learner = DQN(n_step=2, gamma=0.5, epsilon=1.0, hidden=(8,), batch=16, lr=0.01, buffer=512, target_every=20)
    trainer = ms.Trainer(game, learner, seeds=2, episodes=300, num_envs=2)
    for _ in trainer.run():
        pass
    replay = trainer.heads[0].lanes.replay
    ends = replay.tags[0, : replay.count[0], 1] % 2
    assert ends.mean() == pytest.approx(2 / 3 if terminated else 0, abs=0.05)
    values = trainer.heads[0].lanes.values(trainer.worlds.obs[:, :, trainer.heads[0].columns].swapaxes(0, 1).copy())
    if not terminated:
        assert values == pytest.approx(2.0, abs=0.1)


def test_the_trainer_says_where_a_clock_cut_the_game():
    """In worlds that begin anew no return spans two episodes: each is the sum of what its own episode still paid."""
    learner = DQN(n_step=3, gamma=1.0, epsilon=1.0, hidden=(4,), batch=4, buffer=64, warmup=40)
    trainer = ms.Trainer(Lives(lives=(4, 4), ends=("c", "t")), learner, seeds=1, episodes=5)
    list(trainer.run())
    lanes = trainer.heads[0].lanes
    for lane, over in enumerate((False, True)):
        many = int(lanes.replay.count[lane])
        returns, tags = lanes.replay.rows[lane, :many, 0], lanes.replay.tags[lane, :many, 1]
        steps = np.array([[6, 9, 7, 4]] * (many // 4)).ravel() * (lane + 1)  # 1 + 2 + 3, 2 + 3 + 4, 3 + 4, 4
        assert many == 20
        assert ((returns >= steps) & (returns <= steps + 3 * (lane + 1) / 8)).all()
        assert ((tags % 2).reshape(-1, 4) == [0, over, over, over]).all()
        assert not lanes.collector.many[lane].any()


def test_decisions_that_are_closed_one_by_one_have_no_several_steps():
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(3))
    with pytest.raises(ValueError, match="n_step must be 1, or credit 'next'"):
        ms.Trainer(game, DQN(n_step=2), credit="settled")


# ---------------------------------------------------------------- priorities


def filled(n, capacity=64, lanes=2, alpha=0.5):
    """A replay memory with n transitions a lane, numbered by their reward, and priorities of errors 0, 1, 2, ..."""
    replay = VariedReplay(lanes, 1, 2, capacity, 1, 1, True, alpha)
    yes = np.ones((lanes, 1), bool)
    for i in range(n):
        obs = np.full((lanes, 1, 1), i, np.float32)
        given = obs, np.zeros((lanes, 1), int), np.full((lanes, 1), i), obs, yes[..., None] | [True, True], ~yes, yes
        replay.add_spans(given, np.ones((lanes, 1)))
    rows = np.tile(np.arange(min(n, capacity)), (lanes, 1))
    replay.revise(np.arange(lanes), rows, rows.astype(np.float32))
    return replay


def law(errors, alpha):
    p = (np.abs(errors) + LEAST) ** alpha
    return p / p.sum()


@pytest.mark.parametrize("n", [5, 50])
def test_transitions_are_drawn_in_proportion_to_their_priorities(n):
    """Chi-square of 40,000 draws, one a batch, so that they are independent; at 1e-4 the bound is rarely crossed."""
    replay, keys, draws = filled(n), np.arange(2, dtype=np.uint64), 40_000
    seen = np.zeros(n)
    for update in range(draws):
        drawn = replay.draw(np.array([1]), 1, keys, np.full(2, update), np.zeros(2))
        seen[drawn.chosen[0, 0]] += 1
    expected = law(np.arange(n), 0.5) * draws
    many = expected > 5
    assert many.sum() >= n - 1
    chi = ((seen - expected)[many] ** 2 / expected[many]).sum()
    assert chi < stats.chi2.ppf(1 - 1e-4, many.sum() - 1)


def test_a_batch_takes_one_of_each_equal_share():
    """Stratified: a transition with a share of s is in a batch of M between floor(s M) - 1 and ceil(s M) + 1 times."""
    replay, shares = filled(10), law(np.arange(10), 0.5)
    for update in range(50):
        drawn = replay.draw(np.array([0]), 40, np.arange(2, dtype=np.uint64), np.full(2, update), np.zeros(2))
        times = np.bincount(drawn.chosen[0], minlength=10)
        assert (np.abs(times - shares * 40) < 2).all()
        assert (drawn.batch.reward[0] == drawn.chosen[0]).all()


def test_importance_weights_are_by_the_formula():
    replay, n = filled(10), 10
    drawn = replay.draw(np.array([0, 1]), 8, np.arange(2, dtype=np.uint64), np.zeros(2, int), np.array([0.4, 1.0]))
    for lane, beta in enumerate((0.4, 1.0)):
        w = (n * law(np.arange(n), 0.5)[drawn.chosen[lane]]) ** -beta
        assert drawn.weight[lane] == pytest.approx(w / w.max(), rel=1e-5)


def test_new_transitions_have_the_highest_priority_and_old_ones_go():
    replay = filled(8, capacity=8)
    leaves = replay.tree.shape[1] // 2
    top = np.float32((7 + LEAST) ** 0.5)
    assert replay.top.tolist() == [top, top]
    yes = np.ones((2, 1), bool)
    obs = np.zeros((2, 1, 1), np.float32)
    replay.add_spans((obs, np.zeros((2, 1), int), np.zeros((2, 1)), obs, yes[..., None] | [True, True], ~yes, yes),
                     np.ones((2, 1)))  # fmt: skip
    assert replay.tree[0, leaves] == top
    for node in range(1, leaves):
        assert replay.tree[0, node] == replay.tree[0, 2 * node] + replay.tree[0, 2 * node + 1]


def test_a_learning_step_weighs_its_errors_and_revises_priorities():
    learner = DQN(prioritised=True, alpha=1.0, beta=1.0, hidden=(6,), batch=4, warmup=60, buffer=64, gamma=0.5)
    lanes = learner.build(HeadSpec("play", 2, 2), np.arange(2), np.zeros(2, int))
    rng = np.random.default_rng(0)
    obs, after = rng.normal(size=(2, 2, 20, 2)).astype(np.float32)
    yes = np.ones((2, 20), bool)
    lanes.add(obs, rng.integers(0, 2, (2, 20)), rng.normal(size=(2, 20)) * 3, after, yes[..., None] | [True, True],
              rng.random((2, 20)) < 0.3, yes)  # fmt: skip
    rows = np.tile(np.arange(20), (2, 1))
    lanes.replay.revise(np.arange(2), rows, rng.random((2, 20)).astype(np.float32))
    drawn = lanes.replay.draw(np.arange(2), 4, lanes.keys["replay"], lanes.updates, np.ones(2))
    params = lanes.params.clone().requires_grad_()
    chosen, y = lanes.compared(params, drawn.batch, 0.5)
    error = chosen - y
    loss = torch.nn.functional.smooth_l1_loss(chosen, y, reduction="none") * torch.from_numpy(drawn.weight)
    (grads,) = torch.autograd.grad(loss.mean(1).sum(), params)
    lanes.replay.owed[:] = 1
    assert lanes.learn()["loss"] == pytest.approx(loss.mean(1).detach().numpy(), rel=1e-5)
    assert torch.allclose(lanes.adam.m * 10, grads, atol=1e-6)
    kept = lanes.replay.rows[np.arange(2)[:, None], drawn.chosen, lanes.replay.spare + 1]
    assert kept == pytest.approx(error.detach().abs().numpy() + LEAST, rel=1e-5)


def test_an_episodes_memory_is_forgotten_with_its_priorities():
    lanes = DQN(memory="episode", batch=2, prioritised=True).build(
        HeadSpec("play", 1, 2), np.arange(3), np.zeros(3, int)
    )
    zero, yes = np.zeros((3, 4, 1), np.float32), np.ones((3, 4), bool)
    for _ in range(2):
        legal = yes[..., None] | [True, True]
        lanes.add(zero, np.zeros((3, 4), int), np.ones((3, 4)), zero, legal, yes, yes)
        assert (lanes.learn()["updates"] == 3).all()
        lanes.end_episode(np.array([True, False, True]))
        assert lanes.replay.tree[[0, 2]].sum() == 0 < lanes.replay.tree[1, 1]
        lanes.end_episode()


@pytest.mark.parametrize("options", [dict(n_step=3), dict(prioritised=True, beta=Linear(0.4, 1.0, 500, "updates"))])
def test_variants_find_the_delayed_reward(options):
    """State 0: action 1 leads on for nothing, action 0 ends with 0.5; in state 1 action 1 pays 1 and ends.

    Several steps off the policy judge the behaviour, here uniform: Q(0, 1) is 0.8 * 1/2 by three steps.
    """
    learner = DQN(gamma=0.8, hidden=(16,), batch=64, lr=0.004, target_every=20, epsilon=1.0, **options)
    seeds = np.arange(5)
    lanes = learner.build(HeadSpec("play", 1, 2), seeds, np.zeros(5, int))
    state, yes, legal = np.zeros((5, 1)), np.ones((5, 1), bool), np.ones((5, 1, 2), bool)
    for _ in range(1500):
        obs = state[..., None].astype(np.float32)
        action = lanes.act(obs, legal, yes).copy()
        first = state == 0
        reward, ended = np.where(first, 0.5 * (action == 0), 1.0 * (action == 1)), ~first | (action == 0)
        lanes.add(obs, action, reward, np.ones((5, 1, 1)), legal, ended, yes)
        lanes.learn()
        state = np.where(ended, 0.0, 1.0)
    q = lanes.values(np.tile(np.array([[0.0], [1.0]], np.float32), (5, 1, 1)))
    onward = 0.4 if "n_step" in options else 0.8
    assert np.allclose(q, [[0.5, onward], [0, 1]], atol=0.1)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (dict(n_step=0), "DQN.n_step is 0; it must be a whole number of at least 1."),
        (dict(prioritised=2), "DQN.prioritised is 2; it must be True or False."),
        (dict(alpha=1.5), "DQN.alpha is 1.5; it must be a number from 0 to 1."),
        (dict(beta=-1), "DQN.beta is -1; it must be a number from 0 to 1."),
        (dict(path="fused", n_step=2), "DQN.path is 'fused' with n_step 2"),
        (dict(path="fused", prioritised=True), "DQN.path is 'fused' with n_step 1, prioritised True"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(options, words):
    with pytest.raises(ValueError, match=words):
        DQN(**options)


def test_the_compiled_path_is_for_the_plain_case():
    for options, compiled in ((dict(), True), (dict(n_step=2), False), (dict(prioritised=True), False)):
        assert DQN(**options).build(HeadSpec("play", 2, 2), np.arange(1), np.zeros(1, int)).fused == compiled
