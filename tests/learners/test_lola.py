"""Opponent shaping: exact values and gradients, the magic box by enumeration, and what players remember."""

import itertools

import numpy as np
import pytest
import torch

from marl_sim.learners import LOLA, ExactLOLA, HeadSpec
from marl_sim.learners.iterated import iterated_values, state_of
from marl_sim.learners.shaping import dice, shaped_gradient

GAMMA = 0.96
SHAPES = [(2, 2, 2), (2, 3, 2), (2, 2, 2, 3)]


def random_game(shape, seed=0):
    """Payoffs, and theta [1, N, S, A - 1] of memory-one players of it."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=shape), rng.normal(size=(1, shape[-1], 1 + np.prod(shape[:-1]), max(shape[:-1]) - 1))


def move_odds(theta, counts):
    """[N, S, A_i] probabilities, written out; theta [N, S, A - 1]."""
    found = []
    for i, count in enumerate(counts):
        weights = np.exp(np.concatenate([theta[i], np.zeros((*theta[i].shape[:-1], 1))], -1))[..., :count]
        found.append(weights / weights.sum(-1, keepdims=True))
    return found


def joint_odds(theta, counts, state):
    """Probabilities of what all do together in a state, in the order of itertools.product."""
    own = [p[state] for p in move_odds(theta, counts)]
    return np.array([np.prod([p[a] for p, a in zip(own, acts)]) for acts in itertools.product(*map(range, counts))])


def summed_values(theta, payoffs, gamma, rounds=1500):
    """Values of the players by a long sum over rounds, of theta [N, S, A - 1]."""
    counts = payoffs.shape[:-1]
    pay, total = payoffs.reshape(-1, payoffs.shape[-1]), 0.0
    moves = np.stack([joint_odds(theta, counts, 1 + j) for j in range(len(pay))])
    now = joint_odds(theta, counts, 0)
    for t in range(rounds):
        total = total + gamma**t * now @ pay
        now = now @ moves
    return total


@pytest.mark.parametrize("shape", SHAPES)
def test_the_exact_value_is_the_long_sum(shape):
    payoffs, theta = random_game(shape)
    exact = iterated_values(torch.tensor(theta), torch.tensor(payoffs), GAMMA)[0].numpy()
    assert exact == pytest.approx(summed_values(theta[0], payoffs, GAMMA), rel=1e-9)


def test_states_are_numbered_with_the_last_player_fastest():
    assert state_of(np.array([[-1, -1], [0, 0], [0, 2], [1, 0], [1, 2]]), (2, 3)).tolist() == [0, 1, 3, 4, 6]


def test_players_choose_among_their_own_actions_and_remember_what_all_did():
    """Two against three actions: how often each comes in 6000 worlds, in each state that the last round led to."""
    learner = ExactLOLA(payoffs=np.zeros((2, 3, 2)), spread=2.0)
    lanes = learner.build(learner.head(), np.arange(1), np.zeros(1, int))
    obs, legal, yes = np.zeros((1, 12000, 1), np.float32), np.ones((1, 12000, 3), bool), np.ones((1, 12000), bool)
    first = lanes.act(obs, legal, yes).reshape(-1, 2).copy()
    again = lanes.act(obs, legal, yes).reshape(-1, 2)
    assert first[:, 0].max() == again[:, 0].max() == 1 and first[:, 1].max() == 2
    odds = lanes.probabilities()[0]
    for i in range(2):
        assert np.bincount(first[:, i], minlength=3) / 6000 == pytest.approx(odds[i, 0], abs=0.03)
        for state, acts in enumerate(itertools.product(range(2), range(3)), 1):
            there = (first == acts).all(1)
            share = np.bincount(again[there, i], minlength=3) / max(there.sum(), 1)
            assert share == pytest.approx(odds[i, state], abs=3 * 0.5 / np.sqrt(max(there.sum(), 1)))


def numeric_gradient(f, x, h):
    """Central differences of a function of an array."""
    found = np.zeros(x.shape)
    for at in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[at] += h
        down[at] -= h
        found[at] = (f(up) - f(down)) / (2 * h)
    return found


def defined_gradient(payoffs, theta, i, step, lookahead, rule):
    """Player i's gradient by differences of what LOLA is defined to climb; theta [N, S, A - 1]."""
    n, gamma = payoffs.shape[-1], 0.8  # a long sum of 80 rounds leaves 2e-8

    def value(j, at):
        return summed_values(at, payoffs, gamma, 80)[j]

    def own_gradient(j, of, at):  # of player `of`'s value by j's parameters
        return numeric_gradient(lambda x: value(of, np.concatenate([at[:j], x[None], at[j + 1 :]])), at[j], 1e-4)

    others = [j for j in range(n) if j != i]
    held = {j: own_gradient(j, i, theta) for j in others}

    def climbed(x):
        at = np.concatenate([theta[:i], x[None], theta[i + 1 :]])
        if rule == "taylor":
            return value(i, at) + step * sum((held[j] * own_gradient(j, j, at)).sum() for j in others)
        for _ in range(lookahead):
            moves = {j: own_gradient(j, j, at) for j in others}
            at = np.stack([at[j] + step * moves[j] if j != i else at[j] for j in range(n)])
        return value(i, at)

    return numeric_gradient(climbed, theta[i], 1e-3)


@pytest.mark.parametrize(
    "lookahead, rule", [(0, "lookahead"), (1, "lookahead"), (2, "lookahead"), (1, "taylor")]
)  # fmt: skip
def test_the_shaped_gradient_is_that_of_its_definition(lookahead, rule):
    payoffs, theta = random_game((2, 2, 2), 1)
    flat = torch.tensor(theta).flatten(2)

    def values(x):
        return iterated_values(x.unflatten(2, theta.shape[2:]), torch.tensor(payoffs), 0.8)

    found = shaped_gradient(values, flat, 0.7, lookahead, rule)[0].numpy()
    for i in range(2):
        defined = defined_gradient(payoffs, theta[0], i, 0.7, lookahead, rule)
        assert found[i].reshape(defined.shape) == pytest.approx(defined, abs=2e-5)
    naive = shaped_gradient(values, flat, 0.7, 0)[0].numpy()
    assert (np.abs(found - naive).max() > 0.01) == (lookahead > 0)


def test_three_players_shape_each_other():
    """Each foresees what both others learn: to first order the sum of what it foresees of either."""
    payoffs, theta = random_game((2, 2, 2, 3), 2)
    flat = torch.tensor(theta).flatten(2)

    def values(x):
        return iterated_values(x.unflatten(2, theta.shape[2:]), torch.tensor(payoffs), 0.8)

    def by(step, rule):
        return shaped_gradient(values, flat, step, 1, rule)

    naive = by(0.0, "lookahead")
    assert torch.allclose(naive, shaped_gradient(values, flat, 1.0, 0))
    assert torch.allclose(naive, by(0.0, "taylor"))
    first, small = by(1.0, "taylor") - naive, (by(1e-4, "lookahead") - naive) / 1e-4
    assert (first.abs().amax(2) > 1e-3).all()
    whole = torch.stack([two_of(values, flat, i, held=False) for i in range(3)])
    assert torch.allclose(small[0], whole, atol=1e-5) and not torch.allclose(small, first, atol=1e-3)
    alone = [two_of(values, flat, i) for i in range(3)]  # what shaping either of the others makes of it, added up
    assert torch.allclose(first[0], torch.stack(alone), atol=1e-12)


def two_of(values, flat, i, held=True):
    """Player i's shaping term, an other at a time: d/d theta_i (grad_j V_i . grad_j V_j), the first held fixed, [P]."""
    total = 0.0
    for j in range(flat.shape[1]):
        if j == i:
            continue
        x = flat.clone().requires_grad_()
        v = values(x)
        (theirs,) = torch.autograd.grad(v[0, j], x, create_graph=True)
        (mine,) = torch.autograd.grad(v[0, i], x, create_graph=True)
        mine = mine.detach() if held else mine
        (term,) = torch.autograd.grad((mine[0, j] * theirs[0, j]).sum(), x)
        total = total + term[0, i]
    return total


# -- the magic box, by enumeration -----------------------------------------------------------------------------------


class TwoRounds:
    """Every way two rounds of a game can go, as the worlds of a batch, each counted by how likely it is."""

    def __init__(self, shape, gamma=0.9, seed=3):
        payoffs, theta = random_game(shape, seed)
        self.counts, self.n, self.gamma = shape[:-1], shape[-1], gamma
        self.theta = torch.tensor(theta)
        self.pay = torch.tensor(payoffs.reshape(-1, self.n))
        j = len(self.pay)
        self.acts = torch.tensor(list(itertools.product(*map(range, self.counts))))  # [J, N]
        self.path = torch.tensor(list(itertools.product(range(j), range(j))))  # [B, 2]
        self.states = torch.stack([torch.zeros(j * j, dtype=torch.long), 1 + self.path[:, 0]])  # [2, B]

    def logp(self, flat):
        """Joint log odds [1, 2, B] of every way, under theta [1, N, S * (A - 1)]."""
        theta = flat.unflatten(2, self.theta.shape[2:])
        total = 0.0
        for i, count in enumerate(self.counts):
            odds = torch.log_softmax(torch.nn.functional.pad(theta[0, i], (0, 1))[:, :count], -1)
            total = total + torch.stack([odds[self.states[t], self.acts[self.path[:, t], i]] for t in range(2)])
        return total[None]

    def exact(self, flat):
        """Expected discounted payoffs of two rounds, [1, N]."""
        p = self.logp(flat).exp()[0]
        paid = [self.pay[self.path[:, t]] for t in range(2)]
        both = p[0] * p[1]
        return sum(self.gamma**t * (both[:, None] * paid[t]).sum(0) for t in range(2))[None]

    def sampled(self, flat, behaviour, baseline):
        """How much more that is than under `behaviour`, by `dice`, of ways that come as often as they then do."""
        then = self.logp(behaviour).detach()
        likely = then.sum(1, keepdim=True).exp()
        discount = torch.tensor([1.0, self.gamma], dtype=torch.float64)[None, :, None] * likely
        reward = torch.stack([self.pay[self.path[:, t]].T for t in range(2)], 1)[None]  # [1, N, 2, B]
        last = reward[:, :, 1]
        advantage = torch.stack([reward[:, :, 0] + self.gamma * last, last], 2) - baseline
        first = torch.zeros(1, 2, len(self.path), dtype=torch.long)
        return dice(self.logp(flat), then, first, advantage, discount)

    def baseline(self):
        """Any numbers that depend on the past alone."""
        drawn = torch.tensor(np.random.default_rng(5).normal(size=(1, self.n, 1 + len(self.pay)))) * 3
        return torch.stack([drawn[:, :, self.states[t]] for t in range(2)], 2)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("moved", [False, True])
def test_the_magic_box_has_the_values_derivatives_of_both_orders(shape, moved):
    """Where the policies are those that played, and (importance-weighted) elsewhere."""
    ways = TwoRounds(shape)
    played = ways.theta.flatten(2)
    here = played + 0.5 if moved else played.clone()
    x, baseline = here.requires_grad_(), ways.baseline()
    results = []
    for values in (ways.exact(x) - ways.exact(played), ways.sampled(x, played, baseline)):
        (slope,) = torch.autograd.grad(values[0, 0], x, create_graph=True)
        (bend,) = torch.autograd.grad((slope * torch.linspace(-1, 1, slope.numel()).reshape(slope.shape)).sum(), x)
        results.append((values.detach(), slope.detach(), bend))
    for exact, sampled in zip(*results):
        assert torch.allclose(exact, sampled, atol=1e-12)
        assert exact.abs().max() > 1e-3 or (exact is results[0][0] and not moved)


@pytest.mark.parametrize("lookahead, rule", [(1, "lookahead"), (2, "lookahead"), (1, "taylor")])
def test_sampled_shaping_is_exact_shaping_when_every_way_is_played(lookahead, rule):
    ways = TwoRounds((2, 2, 2))
    theta, baseline = ways.theta.flatten(2), ways.baseline()
    exact = shaped_gradient(ways.exact, theta, 0.5, lookahead, rule)
    sampled = shaped_gradient(lambda x: ways.sampled(x, theta, baseline), theta, 0.5, lookahead, rule)
    assert torch.allclose(exact, sampled, atol=1e-12)


def test_a_rollout_ends_with_its_episode():
    """Steps 0 and 1 are an episode; 2 and 3 are of one that step 4, which is there to be valued, cuts."""
    spec = HeadSpec("play", 2, 2, (2, 2), team=2)
    lanes = LOLA(steps=5, policy="table", gamma=0.9).build(spec, np.arange(1), np.zeros(1, int))
    rng, yes = np.random.default_rng(0), np.ones((1, 2), bool)
    for t in range(5):
        obs, paid = rng.integers(0, 2, (1, 2, 2)).astype(np.float32), np.array([[1.0, 10.0]]) * (t + 1)
        lanes.add(obs, np.ones((1, 2, 2), bool), yes, rng.integers(0, 2, (1, 2)), paid, yes & (t == 1))
    batch = lanes._batch(lanes.kept)
    assert batch.first[0, :5, 0].tolist() == [0, 0, 2, 2, 2]
    assert batch.discount(0.9)[0, :6, 0].tolist() == pytest.approx([1, 0.9, 1, 0.9, 0.81, 0])
    assert batch.episodes().tolist() == [2]
    assert batch.to_go(batch.reward, 0.9)[0, 1, :5, 0].tolist() == pytest.approx([28, 20, 106.5, 85, 50])
    values = torch.arange(1.0, 1 + batch.reward.numel()).reshape(batch.reward.shape)
    v = values[0, 0, :, 0].tolist()
    far, usable = batch.advantages(values, 0.9, 1.0)
    assert usable[0, :6, 0].tolist() == [True, True, True, True, False, False]
    by_hand = [1 + 0.9 * 2 - v[0], 2 - v[1], 3 + 0.9 * 4 + 0.81 * v[4] - v[2], 4 + 0.9 * v[4] - v[3], 0]
    assert far[0, 0, :5, 0].tolist() == pytest.approx(by_hand)
    near = batch.advantages(values, 0.9, 0.0)[0][0, 0, :5, 0].tolist()
    assert near == pytest.approx([1 + 0.9 * v[1] - v[0], 2 - v[1], 3 + 0.9 * v[3] - v[2], 4 + 0.9 * v[4] - v[3], 0])
    params = lanes.grouped(lanes.params).clone() + 0.3 * torch.arange(1, 3)[:, None]
    logp, now = lanes.odds(params, batch)[0].sum(1), lanes.odds(lanes.grouped(lanes.params), batch)[0].sum(1)
    w, a = torch.exp(logp - now)[0, :, 0].tolist(), by_hand
    gain = (w[0] - 1) * a[0] + 0.9 * w[0] * (w[1] - 1) * a[1] + (w[2] - 1) * a[2] + 0.9 * w[2] * (w[3] - 1) * a[3]
    assert float(lanes.gains(params, batch, far)[0, 0]) == pytest.approx(gain / 2, rel=1e-5)
