"""Worlds of other people's environments, held against plain loops over the same environments and against themselves."""

import itertools

import numpy as np
import pytest
from gymnasium import spaces
from hypothesis import given, settings
from hypothesis import strategies as st
from outside_play import assert_same, choose, play
from pettingzoo import ParallelEnv
from tiny_pettingzoo import Leaves, Lives, Masks, Parts, Pictures, Reaches, Silent, Turns

import marl_sim as ms
from marl_sim.core.rng import key_of
from marl_sim.envs.source import Source
from marl_sim.training.outside import OutsideWorlds

pytestmark = pytest.mark.filterwarnings("ignore:The old environment creation API:DeprecationWarning")

UNLIKE = (spaces.Box(-1, 1, (2,)), spaces.Box(0, 4, (3,)))
CASES = {
    "lives": (Lives, {}),
    "the dead stay listed": (Lives, dict(keeps_the_dead=True)),
    "one step": (Lives, dict(lives=(1, 1))),
    "gone without a word": (Lives, dict(lives=(1, 3), ends=("", "c"))),
    "born late": (Lives, dict(lives=(2, 4, 3), born=[0, 1, 2])),
    "turns": (Turns, {}),
    "one dead at the start": (Turns, dict(moves=(2, 0, 1))),
    "last standing": (Turns, dict(last_standing=True)),
    "silent leave": (Leaves, {}),
    "silent end": (Silent, {}),
    "boxes": (Reaches, {}),
    "boxes unlike": (Reaches, dict(boxes=UNLIKE)),
    "ends unlike": (Parts, {}),
    "ends apart": (Parts, dict(ends=2)),
    "ends apart and stays listed": (Parts, dict(ends=1, listed=True)),
    "one of two without a word": (Parts, dict(silent=True)),
    "two without a word": (Parts, dict(ends=9, silent=True)),
    "pictures": (Pictures, {}),
    "masks in infos": (Masks, {}),
    "masks beside arrays": (Masks, dict(looks=True)),
    "our own, in parallel": ("marl_sim.envs.direct_punishment_v0", dict(n_agents=3)),
    "our own, in turn": (ms.aec_env("off_switch"), {}),
    "spread": ("pettingzoo:mpe2.simple_spread_v3", dict(max_cycles=9)),
    "spread, continuous": ("mpe2.simple_spread_v3", dict(max_cycles=9, continuous_actions=True)),
    "spread, in turn": ("mpe2.simple_spread_v3:env", dict(max_cycles=5)),
    "tag": ("mpe2.simple_tag_v3", dict(max_cycles=9)),
    "rps": ("pettingzoo.classic.rps_v2", dict(max_cycles=6)),
    "tictactoe": ("pettingzoo.classic.tictactoe_v3", {}),
    "connect four": ("pettingzoo.classic.connect_four_v3", {}),
}


@pytest.fixture(params=CASES)
def make(request):
    """Makes worlds of one case; skips it, with the reason, where a library is missing."""
    given, options = CASES[request.param]
    try:
        source = Source(given, options)
        source.make()
    except ImportError as error:
        pytest.skip(str(error))
    return lambda num_envs=1, seeds=(0,): OutsideWorlds(source, num_envs, seeds)


def flat(env, agent, x, size):
    """What `agent` sees as Gymnasium flattens it, padded; and its mask, if that stands beside it."""
    space, mask = env.observation_space(agent), None
    if isinstance(space, spaces.Dict) and "action_mask" in space.spaces:
        space, mask, x = space["observation"], x["action_mask"], x["observation"]
    row = spaces.flatten(space, x).astype(np.float32)
    if isinstance(space, spaces.Box) and space.dtype == np.uint8:
        row = row / np.float32(255)
    return np.pad(row, (0, size - len(row))), mask


# ------------------------------------------------------------ against plain loops


def plain_parallel(env, worlds, actions, seed, check):
    """An episode of a ParallelEnv with the worlds' actions; what each step must have shown goes through `check`."""
    seen, infos = env.reset(seed=seed)
    agents, dead = list(env.agents), set()
    while True:
        yield {a: (*flat(env, a, seen[a], worlds.obs_dim), infos.get(a, {})) for a in agents}
        mine = next(actions)
        does = {a: mine(a) for a in env.agents if a not in dead}
        seen, paid, over, cut, infos = env.step(does)
        ends = [a for a in does if over[a] or cut[a] or a not in env.agents]
        dead |= set(ends)
        agents = [a for a in env.agents if a not in dead]
        check(
            {a: paid[a] for a in does},
            {a: (over[a] or not cut[a], cut[a], flat(env, a, seen[a], worlds.obs_dim)[0]) for a in ends},
            not agents,
        )
        if not agents:
            return


def as_the_env_has_it(worlds, env, row):
    """The action of an agent as its own space has it, from the worlds' row of one world."""

    def of(agent):
        i, space = list(env.possible_agents).index(agent), env.action_space(agent)
        if isinstance(space, spaces.Discrete):
            return int(row[i]) + int(space.start)
        x = row[i][: worlds.action_counts[i]]
        low, high = (np.array(ends[: len(x)]) for ends in worlds.box)
        shared = (low == space.low) & (high == space.high)
        return np.float32(np.where(shared, x, space.low + (x + 1) / 2 * (space.high - space.low)))

    return of


def test_worlds_show_what_a_plain_loop_shows(make):
    worlds = make(1, (5,))
    env = worlds._source.make()
    (held_against_steps if isinstance(env, ParallelEnv) else held_against_turns)(worlds, env)


def held_against_steps(worlds, env):
    """Three episodes of a ParallelEnv: everything is equal to the bit."""
    worlds.reset()
    names, now = list(env.possible_agents), {}
    for episode in range(3):

        def check(paid, ends, over):
            step = now["step"]
            for i, a in enumerate(names):
                assert step.reward[0, i] == paid.get(a, 0.0)
                terminated, truncated, last = ends.get(a, (False, False, None))
                assert (step.terminated[0, i], step.truncated[0, i]) == (terminated, truncated)
                if last is not None:
                    np.testing.assert_array_equal(step.final_obs[0, i], last)
            assert step.ended[0] == step.round_over[0] == over
            assert step.components["reward"] is step.reward and step.tallies == {}

        def actions():
            while True:
                row = choose(worlds)
                now["step"] = worlds.step(row)
                yield as_the_env_has_it(worlds, env, row[0])

        for shown in plain_parallel(env, worlds, actions(), int(key_of(5, 0, episode)) >> 33, check):
            for i, a in enumerate(names):
                row, mask, info = shown.get(a, (0, None, {}))
                np.testing.assert_array_equal(worlds.obs[0, i], row)
                mask = info.get("action_mask", mask)
                legal = np.arange(worlds.n_actions) < worlds.action_counts[i]
                if mask is not None:
                    legal = np.pad(np.asarray(mask, bool), (0, worlds.n_actions - len(mask)))
                acts = a in shown and legal.any()
                assert worlds.acting[0, i] == acts
                np.testing.assert_array_equal(worlds.legal[0, i], legal if acts else np.arange(worlds.n_actions) == 0)


def held_against_turns(worlds, env):
    """Three episodes of an AECEnv, through agent_iter and last(): everybody decides in the same order, sees the same
    and gets the same over the episode."""
    worlds.reset()
    for episode in range(3):
        env.reset(seed=int(key_of(5, 0, episode)) >> 33)
        paid, got = dict.fromkeys(env.possible_agents, 0.0), np.zeros(worlds.n_agents)
        over = False
        for agent in env.agent_iter():
            x, reward, terminated, truncated, _ = env.last()
            paid[agent] += reward
            i = env.possible_agents.index(agent)
            if terminated or truncated:
                env.step(None)
                continue
            assert not over and worlds.acting[0].tolist() == [k == i for k in range(worlds.n_agents)]
            row, mask = flat(env, agent, x, worlds.obs_dim)
            np.testing.assert_array_equal(worlds.obs[0, i], row)
            own = np.arange(worlds.n_actions) < worlds.action_counts[i]
            np.testing.assert_array_equal(worlds.legal[0, i], own if mask is None else np.asarray(mask, bool))
            chosen = choose(worlds)
            step = worlds.step(chosen)
            env.step(as_the_env_has_it(worlds, env, chosen[0])(agent))
            got += step.reward[0]
            over = bool(step.ended[0])
        assert over
        if worlds._source.label != "Silent":  # whose agents go without being told what they earned last
            assert got.tolist() == pytest.approx(list(paid.values()))


def test_who_moved_not_is_paid_at_once():
    """Turns pays agent i (i + 1) * t at every move of anybody; those who have ended get nothing more."""
    worlds = OutsideWorlds(Turns, 1, (0,), dict(moves=(1, 2), ends=("c", "t")))
    worlds.reset()
    ends = []
    for acting, reward, ended in [([1, 0], [1, 2], 0), ([0, 1], [0, 4], 0), ([0, 1], [0, 6], 1)]:
        assert worlds.acting[0].tolist() == acting
        step = worlds.step(choose(worlds))
        assert step.reward[0].tolist() == reward and step.ended[0] == ended
        ends.append((step.terminated[0].tolist(), step.truncated[0].tolist()))
    assert ends == [([0, 0], [1, 0]), ([0, 0], [0, 0]), ([0, 1], [0, 0])]


def test_whoever_goes_without_a_word_last_saw_what_it_saw_then():
    """Nothing can be asked of an environment that has no agents left."""
    worlds = OutsideWorlds(Silent, 1, (0,))
    worlds.reset()
    play(worlds, 1)
    held = worlds.obs.copy()
    step = worlds.step(choose(worlds))
    assert step.terminated.all() and held.any()
    np.testing.assert_array_equal(step.final_obs, held)
    worlds = OutsideWorlds(Leaves, 1, (0,))
    worlds.reset()
    step = worlds.step(choose(worlds))
    assert step.terminated.tolist() == [[False, True, False]] and worlds.acting.tolist() == [[False, False, True]]


@pytest.mark.parametrize("kind", [Lives, Turns])
@settings(max_examples=30)
@given(data=st.data())
def test_every_reward_of_every_life_arrives_once(kind, data):
    """Whoever ends when and how: rewards by arithmetic, one end an agent and episode, of the kind that was ordered."""
    lives = data.draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    ends = data.draw(st.lists(st.sampled_from(["t", "c", "tc"]), min_size=len(lives), max_size=len(lives)))
    worlds = OutsideWorlds(kind, 2, (1, 2), dict(zip(("lives" if kind is Lives else "moves", "ends"), (lives, ends))))
    worlds.reset()
    n, length = len(lives), max(lives) if kind is Lives else sum(lives)
    died, t = np.zeros((4, n), int), 0
    paid, earned = np.zeros((4, n)), np.zeros((4, n))
    for _ in range(2 * length):
        t += 1
        lived, chosen = died == 0, choose(worlds)
        earned += lived * (np.arange(1, n + 1) * t + (chosen / 8 if kind is Lives else 0))
        step = worlds.step(chosen)
        paid += step.reward
        gone = step.terminated | step.truncated
        assert (step.terminated == gone * ["t" in end for end in ends]).all()
        assert (step.truncated == gone * ["c" in end for end in ends]).all()
        died += gone
        assert not (worlds.acting & (died > 0) & ~step.ended[:, None]).any()
        assert (step.ended == (t == length)).all()
        if t == length:
            assert (died == 1).all()
            died[...], t = 0, 0
    np.testing.assert_allclose(paid, earned)


# ------------------------------------------------------------ against themselves


def test_a_world_is_the_same_alone_and_among_many(make):
    crowd = make(2, (3, 7, 11))
    crowd.reset()
    many = play(crowd, 25)
    pair, alone = make(2, (7,)), make(1, (7,))
    pair.reset()
    alone.reset()
    assert_same({name: rows[:, 2:4] for name, rows in many.items()}, play(pair, 25))
    assert_same({name: rows[:, 2:3] for name, rows in many.items()}, play(alone, 25))
    if crowd.label not in ("tictactoe_v3", "connect_four_v3", "rps_v2"):  # there is no chance in those
        looks = np.concatenate([many["obs"], many["legal"]], axis=-1)
        assert (looks[:, 2] != looks[:, 3]).any() and (looks[:, 0] != looks[:, 2]).any()


@pytest.mark.parametrize("steps", [0, 4, 11])
def test_resuming_equals_never_stopping(make, steps):
    whole, first = make(2, (3, 7)), make(2, (3, 7))
    whole.reset()
    first.reset()
    play(whole, steps)
    play(first, steps)
    saved = {name: array.copy() for name, array in first.save().items()}
    play(first, 3)
    for resumed in (make(2, (3, 7)), first):  # a new one, and one that has gone on
        resumed.load(saved)
        assert all(np.array_equal(array, saved[name]) for name, array in resumed.save().items())
        assert all(not array.dtype.hasobject for array in saved.values())
        rest = play(resumed, 15)
        if resumed is not first:
            uncut = play(whole, 15)
        assert_same(rest, uncut)


def test_worlds_saved_before_their_reset_begin_where_new_ones_do():
    new, played = OutsideWorlds(Lives, 1, (0,)), OutsideWorlds(Lives, 1, (0,))
    played.reset()
    play(played, 5)
    played.load(new.save())
    new.reset()
    played.reset()
    assert_same(play(new, 5), play(played, 5))


def test_shapes_stay_and_numbers_are_finite(make):
    worlds = make(2, (3, 7))
    worlds.reset()
    w, n, a, d = 4, worlds.n_agents, worlds.n_actions, worlds.obs_dim
    assert len(worlds.agents) == n and max(worlds.obs_sizes) == d and max(worlds.action_counts) == a
    assert not worlds.lives_on
    held = worlds.obs, worlds.legal, worlds.acting, worlds.stage
    for _ in range(20):
        step = worlds.step(choose(worlds))
        assert all(a is b for a, b in zip(held, (worlds.obs, worlds.legal, worlds.acting, worlds.stage)))
        assert step.obs is worlds.obs and step.acting is worlds.acting and step.legal is worlds.legal
        assert (step.obs.shape, step.obs.dtype) == ((w, n, d), np.float32)
        assert (step.final_obs.shape, step.final_obs.dtype) == ((w, n, d), np.float32)
        assert (step.legal.shape, step.acting.shape, step.reward.shape) == ((w, n, a), (w, n), (w, n))
        assert (step.terminated.shape, step.truncated.shape, step.ended.shape) == ((w, n), (w, n), (w,))
        assert (step.stage == 0).all() and step.stage.dtype == np.int64 and step.reward.dtype == np.float64
        assert np.isfinite(step.obs).all() and np.isfinite(step.final_obs).all() and np.isfinite(step.reward).all()
        assert step.acting.any(1).all()
        assert (step.legal[~step.acting] == (np.arange(a) == 0)).all()
        for i, (size, count) in enumerate(zip(worlds.obs_sizes, worlds.action_counts)):
            assert not step.obs[:, i, size:].any() and not step.legal[:, i, max(1, count) :].any()


def test_every_episode_has_a_seed_of_its_own():
    """31 bits from the seed, the world within the seed and the episode; a second reset begins the next episode."""
    worlds = OutsideWorlds(Lives, 2, (3, 2**63), dict(lives=(2,), ends=("t",)))
    expected = [[int(key_of(s, b, e)) >> 33 for e in range(4)] for s, b in itertools.product((3, 2**63), (0, 1))]
    assert len({seed for row in expected for seed in row}) == 16 and max(max(row) for row in expected) < 2**31
    worlds.reset()
    for e, steps in ((0, 2), (1, 2), (2, 1), (3, 0)):
        assert [world.env.seed for world in worlds._worlds] == [row[e] for row in expected]
        play(worlds, steps)
        if e == 2:  # in the middle of an episode
            worlds.reset()


def test_another_is_of_the_same_source_in_worlds_of_its_own():
    worlds = OutsideWorlds(Lives, 1, (3,), dict(lives=(4, 2)))
    worlds.reset()
    play(worlds, 1)
    other = worlds.another(2, (8, 9))
    other.reset()
    assert (other.num_worlds, other.seeds, other.label, other.n_agents) == (4, (8, 9), "Lives", 2)
    before = worlds.save()
    play(other, 9)
    assert all(np.array_equal(array, before[name]) for name, array in worlds.save().items())
