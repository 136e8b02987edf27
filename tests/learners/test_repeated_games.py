"""Learners in repeated games and adversarial bandits: regret bounds, convergence, and where theory says they go."""

import itertools

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.learners import Exp3, FictitiousPlay, HeadSpec, Hedge, JointActionLearner, WoLFPHC

SEEDS = np.arange(8)
PENNIES = np.array([[1.0, -1.0], [-1.0, 1.0]])
CLIMBING = np.array([[11.0, -30.0, 0.0], [-30.0, 7.0, 6.0], [0.0, 0.0, 5.0]])


class Table:
    """n players of every seed at a game of one state. payoffs: a function of actions [..., n], giving as many."""

    def __init__(self, learner, payoffs, players=2, actions=2, seeds=SEEDS, worlds=1):
        self.payoffs, self.n, self.seeds, self.worlds = payoffs, players, len(seeds), worlds
        spec = HeadSpec("play", 1, actions, (1,), others=players - 1)
        self.lanes = learner.build(spec, np.repeat(seeds, players), np.tile(np.arange(players), len(seeds)))
        lead = (self.lanes.n_lanes, worlds)
        self.obs, self.yes = np.zeros((*lead, 1), np.float32), np.ones(lead, bool)
        self.legal = np.ones((*lead, actions), bool)

    def step(self, actions=None):
        """One round, by choice or as told; returns the actions [seeds, worlds, n]."""
        if actions is None:
            chosen = self.lanes.act(self.obs, self.legal, self.yes).reshape(self.seeds, self.n, self.worlds)
            actions = chosen.swapaxes(1, 2).copy()
        watched = np.stack([np.delete(actions, i, axis=-1) for i in range(self.n)], axis=1)
        by_lane = [x.swapaxes(1, 2).reshape(self.obs.shape[:2]) for x in (actions, self.payoffs(actions))]
        others = watched.reshape(*self.obs.shape[:2], self.n - 1)
        self.lanes.add(self.obs, *by_lane, self.obs, self.legal, self.yes, self.yes, None, others)
        self.lanes.learn()
        return actions

    def play(self, rounds):
        """Actions [rounds, seeds, worlds, n]."""
        return np.array([self.step() for _ in range(rounds)])

    def values(self):
        """[seeds, n, A]."""
        return self.lanes.values(self.obs)[:, 0].reshape(self.seeds, self.n, -1).copy()

    def go_on(self, learner):
        """The same players with other options."""
        other = Table(learner, self.payoffs, self.n, self.lanes.spec.n_actions, np.arange(self.seeds), self.worlds)
        other.lanes.load_state_dict(self.lanes.state_dict())
        return other


def two(first, second):
    """Payoffs of two players from a matrix [own action of the first, of the second] each."""
    return lambda actions: np.stack([m[actions[..., 0], actions[..., 1]] for m in (first, second)], axis=-1)


def dominance_solution(payoffs, players, actions):
    """What iterated elimination of strictly dominated actions leaves, as a list of sets."""
    left = [set(range(actions)) for _ in range(players)]

    def pays(i, own):  # against everything that the others have left
        rest = itertools.product(*(left[j] for j in range(players) if j != i))
        return np.array([payoffs(np.array([*r[:i], own, *r[i:]]))[i] for r in rest])

    while True:
        gone = [
            (i, a) for i in range(players) for a in left[i] if any((pays(i, b) > pays(i, a)).all() for b in left[i])
        ]
        if not gone:
            return left
        for i, a in gone:
            left[i].discard(a)


# ------------------------------------------------------------ bandits and experts


def sequences(rounds):
    """Payoffs [rounds, 3] that an adversary might choose: the leader changes, or always pays the one just after."""
    t = np.arange(rounds)
    switch = np.stack([t < rounds / 3, t >= rounds / 3, np.full(rounds, 0.5)], axis=1).astype(float)
    turns = np.stack([t % 2 == 0, t % 2 == 1, t % 8 != 0], axis=1).astype(float)
    return {"switch": switch, "turns": turns}


@pytest.mark.parametrize("name", ["switch", "turns"])
def test_exp3_keeps_its_regret_bound(name):
    """Auer et al. 2002, Theorem 3.1: G_max - E[G] <= (e - 1) * gamma * G_max + K ln K / gamma. The mean over lanes
    stands for the expectation; random play would break the bound.
    """
    rounds, k, n = 3000, 3, 40
    pay = sequences(rounds)[name] * 4 - 1  # paid from -1 to 3: the bound is on the share of that range
    gamma = min(1.0, np.sqrt(k * np.log(k) / ((np.e - 1) * rounds)))
    lanes = Exp3(epsilon=gamma, payoffs=(-1, 3)).build(HeadSpec("play", 1, k, (1,)), np.arange(n), np.zeros(n, int))
    obs, yes, legal, got = np.zeros((n, 1, 1), np.float32), np.ones((n, 1), bool), np.ones((n, 1, k), bool), np.zeros(n)
    for row in pay:
        action = lanes.act(obs, legal, yes)
        lanes.add(obs, action, row[action], obs, legal, yes, yes)
        got += (row[action][:, 0] + 1) / 4
        lanes.learn()
    best = ((pay + 1) / 4).sum(0).max()
    bound = (np.e - 1) * gamma * best + k * np.log(k) / gamma
    assert best - got.mean() <= bound + 3 * got.std() / np.sqrt(n)
    assert best - ((pay + 1) / 4).mean(1).sum() > bound


def test_exp3_weighs_by_the_chance_of_the_draw():
    """Of all transitions that arrive together alike: w(a) *= exp(gamma * x / (K p(a))), by hand."""
    lanes = Exp3(epsilon=0.4).build(HeadSpec("play", 1, 2, (1,)), [0], [0])
    lanes.table[0, 0] = [np.log(3), 0]
    yes, obs = np.ones((1, 3), bool), np.zeros((1, 3, 1), np.float32)
    reward = np.array([[1.0, 0.5, 0.2]])
    lanes.add(obs, np.array([[0, 1, 1]]), reward, obs, yes[..., None] | np.ones(2, bool), yes, yes)
    lanes.learn()
    p = 0.6 * np.array([0.75, 0.25]) + 0.2
    assert np.allclose(lanes.table[0, 0], [np.log(3) + 0.2 * 1.0 / p[0], 0.2 * 0.7 / p[1]], atol=1e-12)
    assert np.allclose(lanes.export(0).sum(), 1)


@pytest.mark.parametrize("credit", ["next", "settled"])
def test_exp3_is_told_again_how_likely_it_was_to_do_what_it_did(credit):
    """Where a decision is learned from after the next one is drawn; by hand, from the table of the draw."""
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(50), encode="index")
    trainer = ms.Trainer(game, Exp3(epsilon=0.2, payoffs=(-1, 6)), seeds=2, num_envs=3, credit=credit)
    head = trainer.heads[0]
    lanes = head.lanes
    store, weights, due = head.store, [], []

    def chances():
        table = lanes.table - lanes.table.max(-1, keepdims=True)
        return 2 * 0.8 * np.exp(table) / np.exp(table).sum(-1, keepdims=True) + 0.2  # K p of every state and action

    def watched(obs, action, reward, *rest, **more):
        before = lanes.table.copy()
        store(obs, action, reward, *rest, **more)
        closed = rest[3]
        then = weights[-2 if credit == "next" else -1]  # the decision before the one just drawn, or that one
        expected = before
        states = lanes._number(obs, closed)
        for lane, b in np.argwhere(closed):
            k_p = then[lane, states[lane, b], action[lane, b]]
            expected[lane, states[lane, b], action[lane, b]] += 0.2 * (reward[lane, b] + 1) / 7 / k_p
            due.append(abs(k_p - weights[-1][lane, states[lane, b], action[lane, b]]))
        np.testing.assert_allclose(lanes.table, expected, rtol=1e-9)

    act = lanes.act

    def draws(*asked, **how):
        weights.append(chances())
        return act(*asked, **how)

    head.store, lanes.act = watched, draws
    for _ in range(40):
        trainer.advance()
    assert lanes.updates.min() > 60
    assert credit == "settled" or max(due) > 0.01  # it would have been another number


@pytest.mark.parametrize("k", [2, 3, 5])
@pytest.mark.parametrize("adaptive", [True, False])
def test_hedge_keeps_its_regret_bound(k, adaptive):
    """ln K / eta + eta T / 8 on the payoffs expected of its chances, whatever the others do (Cesa-Bianchi & Lugosi
    2006, Theorem 2.2), once all pairs were met; the K * K rounds that takes cost at most 1 each. The others pay it the
    least they can, or draw. Payoffs are 1 where it does as they do.
    """
    rounds = 2000
    eta = np.sqrt(8 * np.log(k) / (rounds + k * k))
    bound = np.log(k) / eta + eta * (rounds + k * k) / 8 + k * k
    for seed in range(3):
        table = Table(Hedge(rate=eta), two(np.eye(k), np.eye(k)), actions=k, seeds=[seed])
        for pair in itertools.product(range(k), range(k)):
            table.step(np.array(pair)[None, None])
        rng, counts, expected = np.random.default_rng(seed), np.full(k, k), 0.0
        for _ in range(rounds):
            chances = table.values()[0, 0]
            theirs = chances.argmin() if adaptive else rng.integers(k)
            expected += chances[theirs]
            counts[theirs] += 1
            own = table.lanes.act(table.obs, table.legal, table.yes)[0, 0]
            table.step(np.array([own, theirs])[None, None])
        assert counts.max() - expected <= bound
        assert np.allclose(table.lanes.table[0, 0], counts)


def test_hedge_reckons_the_past_anew_when_a_payoff_becomes_known():
    """G(a) is the sum over all the others did of what a is now known to pay, wherever that was learned."""
    table = Table(Hedge(rate=0.3, init=0.5), two(CLIMBING, -CLIMBING), actions=3, seeds=[4])
    seen = []
    for _ in range(40):
        seen.append(table.step()[0, 0])
        seen_pairs = {tuple(x) for x in seen}
        known = np.array([[CLIMBING[a, o] if (a, o) in seen_pairs else 0.5 for o in range(3)] for a in range(3)])
        total = sum(known[:, o] for _, o in seen)
        assert np.allclose(table.lanes.table[0, 0], total, atol=1e-9)
        odds = np.exp(0.3 * (total - total.max()))
        assert np.allclose(table.values()[0, 0], odds / odds.sum(), atol=1e-9)


# ------------------------------------------------------------ fictitious play


def test_fictitious_play_comes_to_halves_in_matching_pennies():
    """Robinson 1951: shares converge in zero-sum games. Here the two leads d (heads less tails) circle the origin, |d1|
    + |d2| growing by 2 a quarter turn at most, which is 2 sqrt(T) after T rounds: shares are within 1 / sqrt(T) of a
    half. The four pairs are new once each, which may cost four rounds of lead.
    """
    rounds = 3000
    table = Table(FictitiousPlay(epsilon=0.0, init=2.0), two(PENNIES, -PENNIES))
    share = table.play(rounds).mean((0, 2))
    assert np.abs(share - 0.5).max() < 1 / np.sqrt(rounds) + 4 / rounds


def test_fictitious_play_finds_what_dominance_leaves():
    """Three players want to be at two fifths of the others' mean: nothing but 0 survives. (Milgrom & Roberts 1991: play
    that adapts ends in what iterated dominance leaves.)
    """

    def payoffs(actions):
        others = (actions.sum(-1, keepdims=True) - actions) / 2
        return -np.abs(actions - 0.4 * others)

    solved = dominance_solution(payoffs, 3, 4)
    assert solved == [{0}] * 3
    table = Table(FictitiousPlay(epsilon=0.0, init=1.0), payoffs, players=3, actions=4)
    assert not table.play(600)[-100:].any()


def test_fictitious_play_is_the_best_reply_to_what_was_seen():
    """Against what two others do together, not each of them apart: the third bets on whether they match."""

    def payoffs(actions):
        match = actions[..., 0] == actions[..., 1]
        return np.stack([0 * match, 0 * match, np.where(actions[..., 2] == 0, match, 0.75)], axis=-1)

    table = Table(FictitiousPlay(epsilon=0.0), payoffs, players=3, seeds=[0])
    for t in range(12):
        table.step(np.array([t % 2, t % 2, t // 2 % 2])[None, None])
    assert np.allclose(table.values()[0, 2], [1, 0.75])  # they always matched; independent halves would say 0.5
    assert table.step()[0, 0, 2] == 0


def test_smooth_fictitious_play_comes_to_the_logit_equilibrium():
    """Hofbauer & Sandholm 2002: in zero-sum games both its beliefs and its replies converge to it. The equilibrium is
    solved for here; after T rounds shares scatter about it by at most 1 / (2 sqrt(T)), and replies follow shares no
    faster than the slope of the payoff difference over 4 * temperature.
    """
    first, temperature, rounds = np.array([[2.0, -1.0], [-1.0, 0.5]]), 1.0, 1500

    def reply(matrix, other):
        odds = np.exp(matrix @ other / temperature)
        return odds / odds.sum()

    p = q = np.full(2, 0.5)
    for _ in range(2000):
        p, q = 0.9 * p + 0.1 * reply(first, q), 0.9 * q + 0.1 * reply(-first.T, p)
    table = Table(FictitiousPlay(epsilon=0.0, temperature=temperature), two(first, -first), worlds=4)
    table.play(rounds)
    gain = (first[0, 0] - first[0, 1] - first[1, 0] + first[1, 1]) / (4 * temperature)
    assert np.abs(table.values() - [p, q]).max() < 4.5 * 0.5 / np.sqrt(4 * rounds) * gain + 4 / rounds
    assert abs(q[0] - 0.5) > 0.1  # which is not where it starts


# ------------------------------------------------------------ WoLF


def swings(learner, steps):
    """How far from 1/2 both policies come in the last fifth of the steps, from a start far off. [seeds, 2]"""
    table = Table(learner, two(PENNIES, -PENNIES), worlds=10)
    table.lanes.policy[0::2], table.lanes.policy[1::2] = [0.9, 0.1], [0.2, 0.8]
    far = []
    for t in range(steps):
        table.step()
        if t >= steps * 4 / 5:
            far.append(np.abs(table.values()[..., 0] - 0.5))
    return np.max(far, axis=0)


def test_wolf_settles_in_matching_pennies_and_plain_hill_climbing_does_not():
    """Bowling & Veloso 2002. Which arm is better is read off Q, whose difference 4 (q - 1/2) carries noise of a
    standard deviation of at most sqrt(alpha): beyond three of them, 3 / 4 sqrt(alpha) from a half, the policy is driven
    back. With win = lose the gradient goes round and round (Singh, Kearns & Mansour 2000), out to the corners.
    """
    options = dict(gamma=0.0, alpha=0.02, slows=1000.0, epsilon=0.05)
    assert swings(WoLFPHC(win=0.002, lose=0.008, **options), 4000).max() < 0.75 * np.sqrt(0.02)
    assert swings(WoLFPHC(win=0.008, lose=0.008, **options), 4000).min() > 3 * 0.75 * np.sqrt(0.02)


def test_wolf_follows_the_papers_table():
    """Table 5 of the paper, written out in plain Python for one state of three actions, at every step."""
    alpha, win, lose, rng = 0.3, 0.05, 0.2, np.random.default_rng(0)
    lanes = WoLFPHC(alpha=alpha, gamma=0.5, win=win, lose=lose).build(HeadSpec("play", 1, 3, (1,)), [0], [0])
    q, pi, mean = np.array([0.1, 0.3, 0.2]), np.full(3, 1 / 3), np.full(3, 1 / 3)
    lanes.table[0, 0] = q
    obs, yes, legal = np.zeros((1, 1, 1), np.float32), np.ones((1, 1), bool), np.ones((1, 1, 3), bool)
    fast = 0
    for count in range(1, 200):
        a, reward = rng.integers(3), rng.normal()
        lanes.add(obs, np.full((1, 1), a), np.full((1, 1), reward), obs, legal, ~yes, yes)
        lanes.learn()
        q[a] += alpha * (reward + 0.5 * q.max() - q[a])
        mean += (pi - mean) / count
        rate = win if pi @ q > mean @ q else lose
        fast += rate == lose
        best = q.argmax()
        step = np.minimum(pi, rate / 2)
        step[best] = 0
        pi = pi - step
        pi[best] += step.sum()
        assert np.allclose(lanes.table[0, 0], q, atol=1e-12)
        assert np.allclose(lanes.policy[0, 0], pi, atol=1e-12)
        assert np.allclose(lanes.mean[0, 0], mean, atol=1e-12)
    assert 20 < fast < 180


@pytest.mark.parametrize(
    ("legal", "expected"),
    [
        ([1, 1, 1], [1 / 3 + 0.2, 1 / 3 - 0.1, 1 / 3 - 0.1]),
        ([1, 1, 0], [1 / 3 + 0.2, 1 / 3 - 0.2, 1 / 3]),
        ([1, 0, 0], 1 / 3),
    ],
)
def test_wolf_moves_legal_actions_alone(legal, expected):
    """The best of K legal ones gets d / (K - 1) from each of the others; nothing moves where there is no choice."""
    lanes = WoLFPHC(win=0.2, lose=0.2).build(HeadSpec("play", 1, 3, (1,)), [0], [0])
    obs, yes, legal = np.zeros((1, 1, 1), np.float32), np.ones((1, 1), bool), np.array([[legal]], bool)
    lanes.act(obs, legal, yes)
    lanes.add(obs, np.zeros((1, 1), int), yes * 1.0, obs, legal, yes, yes)
    lanes.learn()
    assert np.allclose(lanes.policy[0, 0], expected, atol=1e-12)


# ------------------------------------------------------------ joint actions


def explored(matrix, rounds):
    """Two joint-action learners after play at random, and what they did [rounds, seeds, 1, 2]."""
    learner = JointActionLearner(alpha="1/n", gamma=0.0, epsilon=1.0)
    table = Table(learner, two(matrix, matrix), actions=3)
    return table, table.play(rounds)


def test_joint_values_are_the_payoffs_and_expectations_follow_the_model():
    """Claus & Boutilier 1998: Q, of joint actions, does not depend on what the others do; EV weighs it by counts."""
    table, done = explored(CLIMBING, 400)
    assert (table.lanes.joint[0::2, 0] == CLIMBING).all()
    assert (table.lanes.joint[1::2, 0] == CLIMBING.T).all()
    for s in range(len(SEEDS)):
        shares = [np.bincount(done[:, s, 0, i], minlength=3) / len(done) for i in range(2)]
        assert np.allclose(table.values()[s], [CLIMBING @ shares[1], CLIMBING.T @ shares[0]], atol=1e-9)


def test_joint_action_learners_climb_to_the_lesser_peak():
    """After random play c is the safest for both: a mean of 5/3 and 11/3, where a and b lose. The first player's best
    reply to c is b, which it takes once c was seen often enough to make up for every time a was seen, 30 each; the
    second's best reply to b is b, which must make up for 30 each again and 5 for every c. So they climb to (b, b), an
    equilibrium that pays 7 where (a, a) would pay 11, and no further.
    """
    table, done = explored(CLIMBING, 100)
    assert (table.values().argmax(-1) == 2).all()
    times = [int((done == action).sum(0).max()) for action in range(3)]
    first = 30 * times[0]
    second = 30 * times[0] + 5 * (times[2] + first)
    later = table.go_on(JointActionLearner(alpha="1/n", gamma=0.0, epsilon=0.0)).play(first + second + 100)
    assert (later[-100:] == 1).all()


@pytest.mark.parametrize(("penalty", "best"), [(-4.0, 10.0), (-30.0, 2.0)])
def test_the_penalty_decides_which_equilibrium_is_learned(penalty, best):
    """The penalty game: (a, a) and (c, c) pay 10, missing each other costs the penalty k, (b, b) pays 2. After random
    play a and c look worth (10 + k) / 3 and b 2/3, so b is the reply, for good, where k < -8.
    """
    game = np.array([[10.0, 0.0, penalty], [0.0, 2.0, 0.0], [penalty, 0.0, 10.0]])
    table, _ = explored(game, 400)
    later = table.go_on(JointActionLearner(alpha="1/n", gamma=0.0, epsilon=0.0)).play(1500)[-100:]
    assert (game[later[..., 0], later[..., 1]] == best).all()


def test_joint_values_look_ahead_by_the_expected_value_of_what_comes():
    """Two states, two actions: Q(0, a, o) = r + gamma * max_a' sum_o' f(o' | 1) Q(1, a', o'), by hand, and the sums
    that are kept as it goes are those of the tables.
    """
    lanes = JointActionLearner(alpha=0.5, gamma=0.5).build(HeadSpec("play", 1, 2, (2,), others=1), [0], [0])
    yes, zero, legal = np.ones((1, 1), bool), np.zeros((1, 1, 1), np.float32), np.ones((1, 1, 2), bool)

    def see(state, a, o, reward, ends):
        lanes.add(zero + state, yes * a, yes * reward, zero + 1, legal, yes & ends, yes, None, np.full((1, 1, 1), o))
        lanes.learn()

    for o in (0, 0, 0, 1):
        see(1, 1, o, 8.0, True)  # Q(1, 1, 0) = 4, 6, 7; Q(1, 1, 1) = 4; EV(1, 1) = 3/4 * 7 + 1/4 * 4 = 6.25
    assert lanes.values(zero + 1)[0, 0].tolist() == [0.0, 6.25]
    see(0, 0, 1, 2.0, False)
    assert lanes.joint[0, 0, 0, 1] == 0.5 * (2 + 0.5 * 6.25)
    rng = np.random.default_rng(0)
    for _ in range(300):
        see(rng.integers(2), rng.integers(2), rng.integers(2), rng.normal(), rng.random() < 0.3)
    assert np.allclose(lanes.table, np.einsum("lso,lsao->lsa", lanes.counts, lanes.joint), atol=1e-9)
