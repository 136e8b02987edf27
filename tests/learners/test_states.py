"""What groups saw is kept once a moment and world, and each entry of a stream points at what was seen with it."""

import numpy as np
import pytest
from learners.stream_worlds import Case, drive

from marl_sim.learners.streams import LOOK, Streams

# lanes, streams, groups, worlds: a lane a group of 3, of agents that share networks; or 3 lanes a group
ARRANGEMENTS = {"shared": (2, 12, 2, 4), "separate": (6, 4, 2, 4)}


class Shadow:
    """Streams of these sizes, and what their entries must have seen, as lists: (moment, group, world, state)."""

    def __init__(self, arrangement, seed):
        self.lanes, self.size, self.groups, self.worlds = ARRANGEMENTS[arrangement]
        self.rng, self.moment = np.random.default_rng(seed), 0
        self.seen = {(lane, r): [] for lane in range(self.lanes) for r in range(self.size)}
        places = self.groups, self.worlds
        self.streams = Streams(self.lanes, self.size, 1, 2, extra=1, usual=20, state=5, places=places)

    @property
    def fill(self):
        shape = self.lanes, self.size
        return np.zeros((*shape, 1), np.float32), np.ones((*shape, 2), bool)

    def enter(self, where, look=False):
        """Decisions, or looks, with states that differ in every number."""
        self.moment += 1
        state = self.rng.normal(size=(self.groups, self.worlds, 5)).astype(np.float32)
        extra = np.full((self.lanes, self.size, 1), self.moment, np.float32)
        given = dict(extra=extra, state=state)
        if look:
            where = where & self.streams.open
            self.streams.look(where, *self.fill, **given)
        else:
            nothing = np.zeros((self.lanes, self.size), np.float32)
            self.streams.decide(where, *self.fill, nothing[..., None], nothing, **given)
        for lane, r in np.argwhere(where).tolist():
            g, w = lane // (self.lanes // self.groups), r // (self.size // self.worlds)
            self.seen[lane, r].append((self.moment, g, w, state[g, w]))

    def some(self, share):
        return self.rng.random((self.lanes, self.size)) < share

    def turn(self):
        """One agent of each world, or nobody."""
        where, group = np.zeros((self.lanes, self.size), bool), self.lanes // self.groups
        for g in range(self.groups):
            for w in range(self.worlds):
                who = self.rng.integers(0, 4)
                if who < 3:
                    where[(g * group + who, w) if group > 1 else (g, 3 * w + who)] = True
        return where

    def keep(self):
        """Forget some; what is left is all that anybody can still point at."""
        count = self.streams.count
        first = np.maximum(count - self.rng.integers(0, 3, count.shape), 0)
        self.streams.keep(first)
        for (lane, r), told in self.seen.items():
            del told[: first[lane, r]]
        wanted = {one[:3] for told in self.seen.values() for one in told}
        assert self.streams.states.count.sum() == len(wanted)

    def check(self, streams=None):
        s = self.streams if streams is None else streams
        for (lane, r), told in self.seen.items():
            assert s.count[lane, r] == len(told)
            for t, (moment, _, _, state) in enumerate(told):
                np.testing.assert_array_equal(s.beside(lane, r, t), np.append(state, np.float32(moment)))


@pytest.fixture(params=ARRANGEMENTS)
def arrangement(request):
    return request.param


@pytest.fixture(params=["at once", "in turn", "as it comes"])
def shadow(request, arrangement):
    one = Shadow(arrangement, seed=5)
    draw = {"at once": lambda: one.some(2), "in turn": one.turn, "as it comes": lambda: one.some(0.3)}[request.param]
    one.play = lambda moments: [one.enter(draw()) for _ in range(moments)]
    return one


def test_a_moment_is_one_row_of_each_world_where_somebody_decides(shadow):
    shadow.play(40)  # past the usual
    shadow.check()
    seen = {one[:3] for told in shadow.seen.values() for one in told}
    assert shadow.streams.states.count.sum() == len(seen) > 0


def test_entries_that_are_kept_point_at_what_they_saw_and_no_more_is_kept(shadow):
    for _ in range(6):
        shadow.play(9)
        shadow.enter(shadow.some(0.5), look=True)
        shadow.keep()
        shadow.check()
        assert shadow.streams.states.rows.shape[2] <= 40
    assert (shadow.streams.flags & LOOK).any()


def test_one_that_waits_forever_keeps_one_row(arrangement):
    shadow = Shadow(arrangement, seed=0)
    shadow.enter(shadow.some(2))
    others = shadow.some(2)
    others[0, 0] = False
    for _ in range(100):
        shadow.enter(others)
        shadow.streams.keep(shadow.streams.count - 1)
        assert shadow.streams.states.count.max() == 2
    told = shadow.seen[0, 0]
    np.testing.assert_array_equal(shadow.streams.beside(0, 0, 0)[:5], told[0][3])


def test_a_copy_goes_its_own_way(shadow):
    shadow.play(12)
    before, other = {k: list(v) for k, v in shadow.seen.items()}, shadow.streams.copy()
    shadow.keep()
    shadow.play(20)
    shadow.check()
    shadow.seen, shadow.streams = before, other
    shadow.check()
    shadow.play(30)
    shadow.check()


def test_what_was_saved_goes_on_in_streams_that_were_full_of_others(shadow):
    shadow.play(10)
    shadow.keep()
    shadow.play(7)
    saved = shadow.streams.state()
    for used in (0, 50):
        other = Shadow("shared" if shadow.lanes == 2 else "separate", seed=9)
        for _ in range(used):
            other.enter(other.some(0.7))
        other.streams.restore(saved)
        shadow.check(other.streams)
        again = other.streams.state()
        assert all(again[name].tobytes() == array.tobytes() for name, array in saved.items())
        assert again.keys() == saved.keys()
    shadow.streams = other.streams
    shadow.play(5)
    shadow.keep()
    shadow.check()


OPTIONS = {
    "fused": dict(path="fused"),
    "torch": dict(path="torch"),
    "normalised": dict(path="fused", normalise_observations=True),
    "memory": dict(memory=3),
}


def with_the_states_of(whose, told, place):
    """A method of lanes that takes states as its argument of that number, and nothing behind, told those of others."""
    return lambda *args: told(*args[:place], args[place][whose])


@pytest.mark.parametrize("options", OPTIONS)
@pytest.mark.parametrize("name", ["MAPPO", "MAA2C"])
def test_lanes_of_one_group_learn_the_same_from_one_state_as_from_a_copy_each(name, options):
    """Three agents with networks of their own."""
    case, made = Case(name, "plain", nets="separate", **OPTIONS[options]), []
    for together in (True, False):
        lanes, worlds = case.build([(seed, agent) for seed in (3, 7) for agent in range(3)])
        lanes.places = (2, case.worlds) if together else None
        whose = [0, 3] if together else [0, 0, 0, 3, 3, 3]
        for what, place in (("decided", 4), ("ended", 3), ("learn", 3)):
            setattr(lanes, what, with_the_states_of(whose, getattr(lanes, what), place))
        drive(lanes, worlds, 3 * case.learner.steps + 2)
        assert len(lanes.streams.states.rows) == len(whose)
        made.append(lanes.state_dict())
    assert made[0]["updates"].min() > 2
    for key, array in made[0].items():
        if not key.startswith("streams/state"):
            assert array.tobytes() == made[1][key].tobytes(), key
