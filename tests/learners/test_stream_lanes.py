"""Laws that every registered learner of streams keeps: its lanes are independent agents, and nothing else."""

import dataclasses

import numpy as np
import pytest
from learners.stream_worlds import CASES, Case, drive, others_of, stacked

from marl_sim.learners import Learner
from marl_sim.learners.policy_gradient import PolicyGradient
from marl_sim.learners.streams import LOOK

WHO = [(seed, agent) for seed in (3, 7) for agent in range(4)]
PLAIN = [case for case in CASES if case.variant == "plain"]
STEPS = 30


LISTED = [pytest.param(case, marks=() if case in PLAIN else pytest.mark.slow) for case in CASES]


@pytest.fixture(params=LISTED, ids=lambda case: f"{case.name}-{case.variant}")
def case(request) -> Case:
    """Every registered learner of streams in every variant that fits it."""
    return request.param


@pytest.fixture(params=PLAIN, ids=lambda case: case.name)
def plain(request) -> Case:
    """Every registered learner of streams, once."""
    return request.param


def same(ours, lane, theirs, other, names=None):
    """Assert that everything that lane holds equals, bit for bit, what the other lane of the other learner holds."""
    a, b = ours.state_dict(), theirs.state_dict()
    if names is None:
        assert a.keys() == b.keys()
        names = a.keys()
    for name in names:
        mine, yours = a[name][lane], b[name][other]
        if name.startswith("streams/") and mine.ndim > 1:  # as many entries as the fullest neighbour's, zeros behind
            n = min(mine.shape[1], yours.shape[1])
            assert not mine[:, n:].any()
            assert not yours[:, n:].any()
            mine, yours = mine[:, :n], yours[:, :n]
        assert mine.tobytes() == yours.tobytes(), name


def test_every_policy_gradient_is_here():
    made = {name for name, cls in Learner.registry.items() if issubclass(cls, PolicyGradient)}
    assert {case.name for case in PLAIN} == made
    assert {"A2C", "COMA", "MAA2C", "MAPPO", "PPO", "REINFORCE"} <= made


def test_no_two_lanes_share_initial_weights_or_noise(case):
    who = [(seed, agent) for seed in range(8) for agent in range(5)]
    made = [case.build(who, name)[0] for name in ("play", "punish")]
    begun = np.concatenate([lanes.params.numpy() for lanes in made])
    drawn = begun[:, begun.any(0)]  # a spread starts at 0 everywhere
    assert all(len(np.unique(column)) == len(begun) for column in drawn.T)
    for lanes in made:
        lanes.params[:] = made[0].params[0]
    obs, yes = np.zeros((40, 60, case.spec.obs_dim), np.float32), np.ones((40, 60), bool)
    legal = np.ones((40, 60, case.spec.n_actions), bool)
    noise = np.concatenate([lanes.act(obs, legal, yes).reshape(40, -1) for lanes in made])
    assert len(np.unique(noise, axis=0)) == 80


def test_every_decision_is_learned_from_once(case):
    """Or still waits: for what comes next, or for the end of its episode."""
    lanes, worlds = case.build(WHO[:3])
    taken, learned = np.zeros((2, 3), int)
    decided, returns = lanes.decided, lanes._returns

    def decides(obs, legal, deciding, *more):
        taken[:] += deciding.sum(1)
        decided(obs, legal, deciding, *more)

    def comes_back(advantage, target, usable):
        returns(advantage, target, usable)
        learned[:] += usable.sum((1, 2))

    lanes.decided, lanes._returns = decides, comes_back
    drive(lanes, worlds, 3 * case.learner.steps + 2)
    s = lanes.streams
    there = np.arange(s.capacity) < s.count[..., None]
    waits = (there & (s.flags & LOOK == 0)).sum((1, 2))
    assert learned.all()
    assert (learned + waits == taken).all()


def test_acting_greedily_leaves_training_as_it_was(case):
    unseen, worlds = case.build(WHO)
    drive(unseen, worlds, 21)
    watched, worlds = case.build(WHO)
    memory = watched.fresh_memory(3)

    def watch(step):
        for crowd in (3, case.streams):
            obs, legal = np.ones((8, crowd, case.spec.obs_dim)), np.ones((8, crowd, case.spec.n_actions))
            watched.act(obs, legal, np.ones((8, crowd)), greedy=True)
        watched.act(obs[:, :1].repeat(3, 1), legal[:, :1].repeat(3, 1), np.ones((8, 3)), greedy=True, memory=memory)

    watch(0)
    drive(watched, worlds, 21, watch)
    assert not case.learner.memory or memory.any()
    if case.spec.box is None:
        assert (watched.greedy_ties > 0).all()
    watched.greedy_ties[:] = unseen.greedy_ties
    for lane in range(len(WHO)):
        same(unseen, lane, watched, lane)


def test_illegal_actions_are_never_chosen(case):
    lanes, _ = case.build(WHO[:6])
    rng = np.random.default_rng(0)
    legal = rng.random((6, 200, case.spec.n_actions)) < 0.5
    deciding = legal.any(2)
    for greedy in (False, True):
        seen = rng.normal(size=(6, 200, case.spec.obs_dim)) if case.spec.levels is None else np.ones((6, 200, 3))
        action = lanes.act(seen, legal, deciding, greedy=greedy)
        assert not action[~deciding].any()
        if case.spec.box is None:
            assert np.take_along_axis(legal, action[..., None], 2)[..., 0][deciding].all()
        else:
            low, high = case.spec.box
            assert (action[deciding] >= low).all() and (action[deciding] <= high).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_rewards_that_are_not_finite_stop_with_the_lane_and_head(plain, bad):
    lanes, worlds = plain.build(WHO[:4], "punish")
    lanes.owners = ["agent_0", "agent_1", "agent_2", "agent_3"]
    obs, legal, deciding, state = stacked(worlds, "obs", "legal", "deciding", "state")
    reward = np.zeros(deciding.shape)
    reward[2] = bad
    for waiting in (False, True):
        deciding[2] = waiting  # what is paid to who waits for nothing does not count
        action = lanes.act(obs, legal, deciding).copy()
        lanes.decided(obs, legal, deciding, action, state, others_of(lanes, action))
        if waiting:
            words = r"Lane 2 of head 'punish' \(agent_2\) got a reward that is not finite"
            with pytest.raises(FloatingPointError, match=words):
                lanes.earn(reward)
        else:
            lanes.earn(reward)


def test_losses_that_are_not_finite_stop_with_the_lane_and_head(case):
    lanes, worlds = case.build(WHO[:4], "punish")

    def break_it(step):
        if step == 2 * case.learner.steps - 1:
            lanes.ended(np.ones((4, case.streams), bool), np.zeros((4, case.streams), bool))  # some have waited for it
            lanes.params[1] = np.nan

    with pytest.raises(FloatingPointError, match=r"Lane 1 of head 'punish' has a loss of nan at learning step \d"):
        drive(lanes, worlds, 2 * case.learner.steps, break_it)


def test_networks_that_say_nothing_finite_do_not_act(case):
    lanes, worlds = case.build(WHO[:4])
    lanes.params[2, -1] = np.nan  # some part
    lanes.net.of("policy", lanes.params)[2, -1] = np.nan  # the last action alone
    obs, legal, deciding = stacked(worlds, "obs", "legal", "deciding")
    with pytest.raises(ValueError, match=r"Lane 2 of head 'play' must decide but has no legal action of a finite"):
        lanes.act(obs, np.ones_like(legal), np.ones_like(deciding))


def test_wrong_shapes_and_empty_masks_are_refused(plain):
    lanes, worlds = plain.build(WHO[:2])
    drive(lanes, worlds, 3)
    obs, legal, deciding, state = stacked(worlds, "obs", "legal", "deciding", "state")
    yes = np.ones_like(deciding)
    r = plain.streams
    with pytest.raises(ValueError, match=rf"'play' got obs of shape \(2, {r}, 2\); it needs \(2, {r}, 3\)"):
        lanes.act(obs[..., :2], legal, yes)
    with pytest.raises(ValueError, match="got legal of shape"):
        lanes.act(obs, legal[..., :2], yes)
    nothing = legal.copy()
    nothing[1] = False
    with pytest.raises(ValueError, match="Lane 1 of head 'play' must decide but has no legal action"):
        lanes.act(obs, nothing, yes)
    with pytest.raises(ValueError, match=r"got reward of shape \(2,\)"):
        lanes.earn(np.zeros(2))
    done = yes.astype(int)
    if lanes.spec.others:
        with pytest.raises(ValueError, match="needs what the others of the group do, and got nothing"):
            lanes.decided(obs, legal, yes, done, state)
        with pytest.raises(ValueError, match="got others of shape"):
            lanes.decided(obs, legal, yes, done, state, done)
    if lanes.options.central:
        with pytest.raises(ValueError, match="needs what the whole group sees, and got nothing"):
            lanes.decided(obs, legal, yes, done, others=others_of(lanes, done))
        with pytest.raises(ValueError, match="got state of shape"):
            lanes.decided(obs, legal, yes, done, state[..., :1], others_of(lanes, done))


def test_states_of_others_are_refused_by_the_first_tensor_that_differs(plain):
    lanes, worlds = plain.build(WHO[:2])
    drive(lanes, worlds, 3)
    saved = lanes.state_dict()
    before = {k: v.copy() for k, v in saved.items()}
    with pytest.raises(ValueError, match=r"differs in decisions; it must be of the same learner"):
        lanes.load_state_dict({k: v for k, v in saved.items() if k != "decisions"})
    three, worlds = plain.build(WHO[:3])
    drive(three, worlds, 3)
    with pytest.raises(ValueError, match=r"saved decisions of head 'play' has shape \(3,\); these lanes need \(2,\)"):
        lanes.load_state_dict(three.state_dict())
    wide = Case(plain.name, "plain", hidden=(6,))
    other, worlds = wide.build(WHO[:2])
    drive(other, worlds, 3)
    inputs = plain.spec.obs_dim + (plain.team if plain.team > 1 else 0) + 1
    words = rf"saved params/policy.0 of head 'play' has shape \(2, {inputs}, 6\); these lanes need \(2, {inputs}, 5\)"
    fresh, _ = plain.build(WHO[:2])
    names = fresh.state_dict().keys()
    for target in (lanes, fresh):
        with pytest.raises(ValueError, match=words):
            target.load_state_dict(other.state_dict())
    assert fresh.state_dict().keys() == names
    after = lanes.state_dict()
    assert after.keys() == before.keys()
    assert all(np.array_equal(after[k], before[k]) for k in before)


def test_overrides_hold_for_their_head_only(plain):
    made = type(plain.learner)
    changed = made(lr=0.25, overrides={"punish": dict(lr=0.75)})
    assert changed.for_head("play").lr == 0.25
    assert changed.for_head("punish").lr == 0.75
    with pytest.raises(ValueError, match=r"overrides\['punish'\] names 'lrr', which .* does not have"):
        made(overrides={"punish": dict(lrr=0.1)})
    with pytest.raises(ValueError, match=rf"{made.__name__}.lr is -2; it must be positive and finite"):
        made(overrides={"punish": dict(lr=-2)})


WRONG = [
    (dict(gamma=1.5), "gamma is 1.5; it must be a number from 0 to 1"),
    (dict(gamma=float("nan")), "gamma is nan"),
    (dict(steps=0), "steps is 0; it must be a whole number of at least 1"),
    (dict(hidden=(0,)), "hidden is 0"),
    (dict(channels=(2.5,)), "channels is 2.5"),
    (dict(entropy=-1), "entropy is -1; it must be 0 or positive and finite"),
    (dict(clip_norm=0), "clip_norm is 0; it must be positive and finite"),
    (dict(memory=-3), "memory is -3"),
    (dict(activation="gelu"), "activation is 'gelu'; it must be 'tanh' or 'relu'"),
    (dict(lam=2), "lam is 2"),
    (dict(value=-1), "value is -1"),
    (dict(clip=0), "clip is 0"),
    (dict(epochs=0), "epochs is 0"),
    (dict(minibatches=1.5), "minibatches is 1.5"),
    (dict(baseline="median"), "baseline is 'median'; it must be 'mean' or 'none'"),
    (dict(target_every=0), "target_every is 0"),
    (dict(nets="two"), "nets is 'two'; it must be 'shared' or 'separate'"),
    (dict(overrides={"play": dict(nets="separate")}), "nets must be the same for all heads, here 'shared'"),
]


def test_wrong_options_are_refused_in_one_sentence(plain):
    made = type(plain.learner)
    has = {f.name for f in dataclasses.fields(made)}
    for options, words in WRONG:
        if options.keys() <= has and all(set(o) <= has for o in options.get("overrides", {}).values()):
            with pytest.raises(ValueError, match=words):
                made(**options)
