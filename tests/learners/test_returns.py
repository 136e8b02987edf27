"""Streams and what decisions were worth, against the same said in plain Python, decision by decision."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from marl_sim.learners.returns import advantages, ended_before, episode_returns, normalise
from marl_sim.learners.streams import LOOK, Streams

pytestmark = pytest.mark.nojit

WAIT, DECIDE = False, True
GOES_ON, TERMINATED, CUT = range(3)
# What one stream does in a step: whether its agent decides, what it is paid, how the step ends.
MOMENT = st.tuples(st.booleans(), st.integers(-3, 3), st.sampled_from([GOES_ON] * 5 + [TERMINATED, CUT]))
SCRIPT = st.lists(st.tuples(MOMENT, MOMENT, MOMENT), min_size=1, max_size=40)
SHARE = st.sampled_from([0.0, 0.3, 0.9, 1.0])


def worth(number):
    """The value of what was seen under this number: anything, as long as both say the same."""
    return float(np.float32(np.sin(number * 1.7) * 3))


class Decision:
    """A decision of the plain telling: what it earned and what came after."""

    def __init__(self, number):
        self.number, self.reward, self.after = number, 0.0, None  # after: None (open), "end", "cut", number or Decision

    def closed(self):
        return self.after is not None


class Plain:
    """One stream, told in plain Python: its decisions in order, with carry-over of what is open."""

    def __init__(self):
        self.decisions = []

    def waiting(self):
        return bool(self.decisions) and not self.decisions[-1].closed()

    def decide(self, number):
        new = Decision(number)
        if self.waiting():
            self.decisions[-1].after = new
        self.decisions.append(new)

    def earn(self, reward):
        if self.waiting():
            self.decisions[-1].reward += reward

    def close(self, after):
        if self.waiting():
            self.decisions[-1].after = after

    def take(self):
        """The closed decisions, which are then forgotten."""
        closed = [d for d in self.decisions if d.closed()]
        self.decisions = [d for d in self.decisions if not d.closed()]
        return closed


def plain_advantage(decision, gamma, lam):
    after = decision.after
    if after == "end":
        return decision.reward - worth(decision.number)
    number = after.number if isinstance(after, Decision) else after
    delta = decision.reward + gamma * worth(number) - worth(decision.number)
    if isinstance(after, Decision) and after.closed():
        return delta + gamma * lam * plain_advantage(after, gamma, lam)
    return delta


def entry(numbers):
    """What is seen under these numbers, as streams keep it: obs, legal, action, logp."""
    numbers = np.asarray(numbers, np.float32)[None]
    return (
        numbers[..., None], np.ones((*numbers.shape, 1), bool), numbers[..., None] * 2, numbers * 3,
    )  # fmt: skip


@given(SCRIPT, SHARE, SHARE, st.integers(1, 9))
def test_advantages_are_those_of_a_plain_telling(script, gamma, lam, every):
    """Three streams of a lane, in rounds of learning with a look at what comes next, and open ones carried over."""
    streams, plain = Streams(1, 3, 1, 1), [Plain() for _ in range(3)]
    number = 0
    for step, moments in enumerate(script):
        decides = np.array([[moment[0] for moment in moments]])
        seen = number + np.arange(3)
        number += 3
        streams.decide(decides, *entry(seen))
        streams.earn(np.array([[moment[1] for moment in moments]], float))
        ends = np.array([[moment[2] for moment in moments]])
        last = number + np.arange(3)
        number += 3
        streams.end(ends == TERMINATED)
        streams.look(ends == CUT, *entry(last)[:2])
        for r, (does, paid, how) in enumerate(moments):
            if does:
                plain[r].decide(int(seen[r]))
            plain[r].earn(paid)
            if how != GOES_ON:
                plain[r].close("end" if how == TERMINATED else int(last[r]))
        if (step + 1) % every and step + 1 < len(script):
            continue
        soon = np.array([[moment[0] for moment in script[(step + 1) % len(script)]]])
        streams.look(soon, *entry(number + np.arange(3))[:2])
        for r in range(3):
            if soon[0, r]:
                plain[r].close(number + r)
        number += 3
        values = np.vectorize(worth)(streams.obs[..., 0]).astype(np.float32)
        advantage, target = np.zeros((2, *streams.reward.shape), np.float32)
        usable = np.ones(streams.reward.shape, bool)
        usable[np.arange(streams.capacity) >= streams.count[..., None]] = False
        advantages(streams.reward, streams.flags, streams.count, values, gamma, lam, advantage, target, usable)
        for r in range(3):
            told = plain[r].take()
            mine = usable[0, r]
            assert streams.obs[0, r, mine, 0].tolist() == [d.number for d in told]
            assert streams.action[0, r, mine, 0].tolist() == [2 * d.number for d in told]
            assert streams.logp[0, r, mine].tolist() == [3 * d.number for d in told]
            expected = np.array([plain_advantage(d, gamma, lam) for d in told])
            np.testing.assert_allclose(advantage[0, r, mine], expected, rtol=1e-5, atol=1e-5)
            own = np.array([worth(d.number) for d in told])
            np.testing.assert_allclose(target[0, r, mine], expected + own, rtol=1e-5, atol=1e-5)
        streams.keep(streams.count - streams.open)
        assert (streams.count[0] == [p.waiting() for p in plain]).all()


@given(SCRIPT, SHARE, st.integers(1, 9))
def test_episode_returns_are_those_of_a_plain_telling(script, gamma, every):
    """The sum of discounted rewards to the end of the episode, once the episode has ended; never twice, none lost."""
    streams = Streams(1, 3, 1, 1)
    going, over = [[] for _ in range(3)], [[] for _ in range(3)]  # (number, rewards) of decisions, by episode
    number = 0
    for step, moments in enumerate(script):
        seen = number + np.arange(3)
        number += 3
        streams.decide(np.array([[moment[0] for moment in moments]]), *entry(seen))
        streams.earn(np.array([[moment[1] for moment in moments]], float))
        streams.end(np.array([[moment[2] != GOES_ON for moment in moments]]))
        for r, (does, paid, how) in enumerate(moments):
            if does:
                going[r].append([int(seen[r]), 0.0])
            if going[r]:
                going[r][-1][1] += paid
            if how != GOES_ON:
                rewards = [reward for _, reward in going[r]]
                for k, (who, _) in enumerate(going[r]):
                    over[r].append((who, sum(gamma**n * x for n, x in enumerate(rewards[k:]))))
                going[r] = []
        if (step + 1) % every:
            continue
        returns, usable = np.zeros(streams.reward.shape, np.float32), np.zeros(streams.reward.shape, bool)
        done = ended_before(streams.flags, streams.count)
        episode_returns(streams.reward, streams.flags, done, gamma, returns, usable)
        for r in range(3):
            mine = usable[0, r]
            assert streams.obs[0, r, mine, 0].tolist() == [who for who, _ in over[r]]
            np.testing.assert_allclose(returns[0, r, mine], [g for _, g in over[r]], rtol=1e-5, atol=1e-5)
            over[r] = []
        streams.keep(done)
        assert streams.count[0].tolist() == [len(some) for some in going]


@given(st.integers(0, 10_000))
def test_normalising_is_per_lane_over_what_counts(seed):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(3, 2, 5)).astype(np.float32) * 10 + 4
    usable = rng.random((3, 2, 5)) < 0.6
    usable[2] = False
    usable[2, 0, 0] = True  # a single one has no deviation, and stays
    before = x.copy()
    normalise(x, usable, True, True)
    for lane in range(2):
        mine = before[lane, usable[lane]]
        if len(mine) > 1:
            expected = (mine - mine.mean()) / (mine.std() + 1e-8)
            np.testing.assert_allclose(x[lane, usable[lane]], expected, rtol=1e-3, atol=1e-4)
    assert np.array_equal(x[~usable], before[~usable])
    assert np.array_equal(x[2], before[2])


def test_a_look_is_marked_and_closes_only_what_waits():
    streams = Streams(1, 2, 1, 1)
    streams.decide(np.array([[True, False]]), *entry([5, 6]))
    streams.look(np.array([[True, True]]), *entry([7, 8])[:2])
    assert streams.count.tolist() == [[2, 0]]
    assert streams.flags[0, 0, 1] & LOOK
    streams.earn(np.array([[1.0, 1.0]]))  # nobody waits
    assert not streams.reward.any()
    assert not streams.open.any()
