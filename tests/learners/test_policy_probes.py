"""Probes of policy learners: tiny problems whose right answer is known from theory, one for each thing to get wrong."""

import dataclasses

import numpy as np
import pytest
from learners.stream_worlds import others_of
from scipy.stats import binom

from marl_sim.learners import A2C, COMA, MAA2C, MAPPO, PPO, REINFORCE, HeadSpec

SEEDS = np.arange(6)
QUICK = dict(hidden=(8,), lr=0.03, gamma=0.8, entropy=0.001)
LEARNERS = [
    REINFORCE(steps=12, **QUICK),
    A2C(steps=4, **QUICK),
    PPO(steps=12, epochs=3, minibatches=2, **QUICK),
    MAPPO(steps=12, epochs=3, minibatches=2, **QUICK),
    MAA2C(steps=4, **QUICK),
    COMA(steps=4, target_every=5, **QUICK),
]
APART = [MAPPO(nets="separate", steps=12, epochs=3, minibatches=2, **QUICK), MAA2C(nets="separate", steps=4, **QUICK)]
CRITICS = [one for one in LEARNERS if not isinstance(one, REINFORCE)]


def named(learner):
    return type(learner).__name__ + ("-separate" if getattr(learner, "nets", "") == "separate" else "")


def every(learners):
    return pytest.mark.parametrize("learner", learners, ids=named)


class Lab:
    """Lanes of all seeds (and of `agents` that learn apart) in a problem told by the state of a stream.

    play(state [L, R], action) -> reward, next state, terminated, truncated. seen: how a state looks, [states, D];
    legal: what may be done there, [states, A]. lives_on: what comes after a truncation is the next episode.
    """

    def __init__(
        self, learner, seen, actions, worlds=8, team=1, agents=1, legal=None, box=None, lives_on=False, seeds=SEEDS
    ):
        self.seen = np.asarray(seen, np.float32)
        self.legal = np.ones((len(self.seen), actions), bool) if legal is None else np.asarray(legal, bool)
        self.lives_on = lives_on
        dim = self.seen.shape[1]
        state = team * agents * dim if learner.central else 0
        others = team - 1 if learner.watches else 0
        spec = HeadSpec("play", dim, actions, team=team, box=box, state_dim=state, others=others)
        who = np.tile(np.arange(agents), len(seeds))
        self.lanes = learner.build(spec, np.repeat(seeds, agents).astype(np.uint64), who)
        self.lanes.places = len(seeds), worlds
        self.agents, self.shape = agents, (len(who), worlds * team)
        self.state = np.zeros(self.shape, np.int64)
        self.yes = np.ones(self.shape, bool)

    def told(self, state):
        """What all see, also of those who learn apart."""
        joint = self.seen[state].reshape(-1, self.agents, state.shape[1] // self.lanes.spec.team, self._width)
        return np.concatenate([joint[:, i] for i in range(self.agents)], -1)

    @property
    def _width(self):
        return self.lanes.spec.team * self.seen.shape[1]

    def decide(self):
        obs, legal = self.seen[self.state], self.legal[self.state]
        action = self.lanes.act(obs, legal, self.yes).copy()
        numbers = np.zeros(self.shape, np.int64) if self.lanes.spec.box else action
        self.lanes.decided(obs, legal, self.yes, action, self.told(self.state), others_of(self.lanes, numbers))
        return action

    def run(self, play, gradients):
        """Learn for about so many steps down a gradient."""
        o = self.lanes.options
        for _ in range(-(-gradients // (o.epochs * o.minibatches)) * o.steps):
            action = self.decide()
            reward, after, terminated, truncated = play(self.state, action)
            self.lanes.earn(np.broadcast_to(reward, self.shape))
            last = None if self.lives_on else self.seen[after]
            self.lanes.ended(terminated, truncated, last, self.told(after))
            self.state = np.where(terminated | truncated, 0, after)
            obs, legal = self.seen[self.state], self.legal[self.state]
            self.lanes.learn(obs, legal, self.yes, self.told(self.state))
        return self

    def greedy(self, states, legal=None):
        """What is done in a row of states, one after the other, without exploring; [L, len(states), team, ...]."""
        team, lanes = self.lanes.spec.team, self.shape[0]
        memory = self.lanes.fresh_memory(team)
        done = []
        for state in states:
            obs = np.broadcast_to(self.seen[state], (lanes, team, self.seen.shape[1]))
            may = np.broadcast_to(self.legal[state] if legal is None else legal, (lanes, team, self.legal.shape[1]))
            done.append(self.lanes.act(obs, may, np.ones((lanes, team)), greedy=True, memory=memory).copy())
        return np.stack(done, 1)

    def worth(self):
        """What the critic says of the state where all are, [L, R]."""
        self.decide()
        return np.take_along_axis(self.lanes.values(), self.lanes.streams.count[..., None] - 1, 2)[..., 0]


def ends(state):
    return np.ones(state.shape, bool)


@every(LEARNERS)
def test_the_best_arm_of_a_bandit_is_chosen(learner):
    pay = np.array([0.2, 1.0, -0.5])
    lab = Lab(learner, [[1.0]], 3).run(lambda s, a: (pay[a], s, ends(s), ~ends(s)), 60)
    assert (lab.greedy([0]) == 1).all()


@every(LEARNERS)
@pytest.mark.parametrize(("gamma", "best"), [(0.8, 1), (0.3, 0)])
def test_a_delayed_reward_counts_for_what_it_is_discounted_to(learner, gamma, best):
    """State 0: action 0 pays 0.5 and ends; action 1 leads to state 1, where action 1 pays 1 and ends. gamma or 1/2."""

    def play(state, action):
        first = state == 0
        reward = np.where(first, 0.5 * (action == 0), 1.0 * (action == 1))
        return reward, np.ones_like(state), ~first | (action == 0), np.zeros(state.shape, bool)

    lab = Lab(dataclasses.replace(learner, gamma=gamma, entropy=0.01), np.eye(2), 2).run(play, 120)
    assert (lab.greedy([0])[:, 0] == best).all()
    if best == 1:
        assert (lab.greedy([1]) == 1).all()


@every(CRITICS)
@pytest.mark.parametrize(
    ("terminated", "lives_on", "worth"), [(True, False, 1.0), (False, False, 5.0), (False, True, 5.0)]
)
def test_truncation_bootstraps_and_termination_does_not(learner, terminated, lives_on, worth):
    """One state that pays 1 a step: worth 1 where each step ends the game, 1 / (1 - gamma) where only a clock stops."""

    def play(state, action):
        return np.ones(state.shape), state, ends(state) & terminated, ends(state) & (not terminated)

    lab = Lab(learner, [[1.0]], 1, worlds=2, lives_on=lives_on).run(play, 120)
    assert np.allclose(lab.worth(), worth, atol=0.03 * worth)


@every(CRITICS)
def test_what_comes_after_a_truncation_is_what_was_last_seen(learner):
    """State 0 pays nothing and leads to state 1, which pays 1 and ends. In half of the worlds the clock stops in
    between; state 0 is worth gamma all the same, and not what the next episode begins with."""

    def play(state, action):
        cut = (state == 0) & (np.arange(state.shape[1]) % 2 == 0)
        return 1.0 * (state == 1), np.ones_like(state), state == 1, cut

    lab = Lab(learner, np.eye(2), 1).run(play, 120)
    for state, worth in ((0, 0.8), (1, 1.0)):
        lab.state[:] = state
        assert np.allclose(lab.worth(), worth, atol=0.04)


@every(LEARNERS)
def test_the_best_of_what_is_legal_is_chosen(learner):
    """The mask changes from world to world and cannot be seen; what pays most is never legal."""
    pay = np.array([0.0, 0.5, 1.0, 9.0])
    legal = [[1, 1, 0, 0], [1, 0, 1, 0], [0, 1, 1, 0], [1, 0, 0, 0]]

    def play(s, a):
        assert np.take_along_axis(lab.legal[s], a[..., None], -1).all()
        return pay[a], s, ends(s), ~ends(s)

    class Masks(Lab):
        def decide(self):
            self.state = np.broadcast_to(np.arange(8) % 4, self.shape)
            return super().decide()

    lab = Masks(learner, np.ones((4, 1)), 4, legal=legal)
    lab.run(play, 80)
    for row, best in zip(legal, (1, 2, 2, 0)):
        assert (lab.greedy([0], row) == best).all()


# What is seen: a cue (states 0 and 1), nothing (2, 3), a sign to answer (4, 5); odd states follow the second cue.
CUE = np.array([[1, 1, 0], [1, -1, 0], [0, 0, 0], [0, 0, 0], [0, 0, 1], [0, 0, 1]])


def seeds_that_answer(learner, seeds):
    """How many of them answer both cues after learning."""

    def play(state, action):
        right = np.where(state >= 4, action == state % 2, 0.0)
        return right, np.minimum(state + 2, 5), state >= 4, np.zeros(state.shape, bool)

    class Cues(Lab):  # episodes begin with the one cue in the even worlds, with the other in the odd ones
        def decide(self):
            self.state = np.where(self.state < 2, np.arange(self.shape[1]) % 2, self.state)
            return super().decide()

    quick = dataclasses.replace(learner, steps=6, entropy=0.03, lr=0.02)
    lab = Cues(quick, CUE, 2, seeds=seeds).run(play, 500 if learner.memory else 10)
    right = [lab.greedy([first, first + 2, first + 4])[:, 2, 0] == first for first in (0, 1)]
    return np.all(right, axis=0).sum()


@every(LEARNERS)
def test_a_cue_that_is_gone_is_not_answered_without_memory(learner):
    """One of the two cues is answered wrongly, whatever the policy."""
    assert seeds_that_answer(learner, SEEDS) == 0


@pytest.mark.parametrize(
    ("learner", "many"),
    [pytest.param(one, 12, marks=pytest.mark.slow, id=named(one)) for one in LEARNERS]
    + [pytest.param(one, 6, id=f"{named(one)}, 6 seeds") for one in LEARNERS if isinstance(one, PPO) and not one.team],
)
def test_a_cue_that_is_gone_is_answered_by_memory(learner, many):
    """Nothing says that every seed must; if 19 of 20 do, fewer than this come once in 10,000 sets of seeds."""
    enough = binom.ppf(1e-4, many, 0.95)
    assert seeds_that_answer(dataclasses.replace(learner, memory=8), np.arange(many)) >= enough


@pytest.mark.parametrize("epsilon", [0.05, 0.0])
def test_coma_finds_out_that_it_is_wrong_where_it_keeps_every_action_in_play(epsilon):
    """It begins almost sure, e^8 to 1, of the arm that pays less. What the critic says of the other one is then a guess
    until it is taken."""
    pay = np.array([0.2, 1.0])
    lab = Lab(COMA(steps=4, target_every=5, **QUICK | dict(entropy=0.0, epsilon=epsilon)), [[1.0]], 2)
    lab.lanes.net.names(lab.lanes.params.numpy())["policy.1"][:, -1, 0] += 8
    right = lab.run(lambda s, a: (pay[a], s, ends(s), ~ends(s)), 200).greedy([0]) == 1
    assert right.all() == (epsilon > 0)


@every([one for one in LEARNERS if one.continuous])
def test_a_gaussian_finds_the_best_number_of_a_box(learner):
    """-(x - 3)^2 in [0, 4], and y at its lower end in [10, 20]: expected pay falls with the deviation of x, so that the
    spread shrinks as well."""
    box = ((0.0, 10.0), (4.0, 20.0))

    def play(state, action):
        assert (action >= box[0]).all() and (action <= box[1]).all()
        x, y = action[..., 0], action[..., 1]
        return -((x - 3) ** 2) - (y - 10) / 10, state, ends(state), ~ends(state)

    quick = dataclasses.replace(learner, lr=0.02, entropy=0.02, steps=24)
    lab = Lab(quick, [[1.0]], 2, box=box).run(play, 150)
    found = lab.greedy([0])[:, 0, 0]
    assert np.abs(found[:, 0] - 3).max() < 0.25
    assert found[:, 1].max() < 11
    assert (lab.lanes.net.spread(lab.lanes.params)[:, 0] < -0.5).all()


PAY = np.array([[0.0, 1.0], [0.5, 0.0]])  # of what agents 0 and 1 do; from even odds, (0, 1) pays both more at once


@every([one for one in LEARNERS if one.team])
def test_a_team_coordinates_through_one_network(learner):
    """On different actions, so that the network must know whom it acts for."""

    def play(state, action):
        both = action.reshape(len(action), -1, 2)
        reward = np.repeat(PAY[both[..., 0], both[..., 1]], 2, axis=1)
        return reward, state, ends(state), ~ends(state)

    lab = Lab(learner, [[1.0]], 2, team=2).run(play, 120)
    assert (lab.greedy([0])[:, 0] == [0, 1]).all()


@every([*APART, *(one for one in LEARNERS if not one.team)])
def test_agents_that_learn_apart_coordinate(learner):
    def play(state, action):
        both = action.reshape(len(SEEDS), 2, -1)
        reward = np.repeat(PAY[both[:, 0], both[:, 1]], 2, axis=0)
        return reward, state, ends(state), ~ends(state)

    lab = Lab(learner, [[1.0]], 2, agents=2).run(play, 120)
    assert (lab.greedy([0])[:, 0, 0].reshape(-1, 2) == [0, 1]).all()
