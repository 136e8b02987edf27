"""What every scripted policy is held to, those of third parties' imagination included: found by the registry."""

import dataclasses
import pickle
from functools import cache

import numpy as np
import pytest
from scripted_tables import HOMES, PAIR, POLICIES, C, D, Play, accepts, faced, rooms

import marl_sim as ms
from marl_sim.policies import Random, Seats

STEPS = 16
PAIRWISE = sorted(name for name in POLICIES if accepts(ms.Simulator(PAIR, 1), POLICIES[name](), 0))
TAGS = {
    "memory", "stochastic", "nice", "retaliatory", "forgiving", "reputation", "selects", "group", "punisher",
    "rewarder", "voter", "robot", "human",
}  # fmt: skip


def test_there_are_at_least_forty():
    assert len(POLICIES) >= 40
    assert len({cls.__doc__.partition("\n")[0] for cls in POLICIES.values()}) == len(POLICIES)  # no bare aliases


@cache
def crowd(name, home):
    """How a policy plays at a table of two worlds for each of two seeds."""
    return Play(home, POLICIES[name](), dict(rooms(name))[home], 2, (5, 9)).steps(STEPS)


@pytest.mark.parametrize("name", POLICIES)
class TestEveryScriptedPolicy:
    def test_says_what_it_is(self, name):
        cls = POLICIES[name]
        assert set(cls.tags) <= TAGS
        assert isinstance(cls.tags["stochastic"], bool)
        assert cls.tags["memory"] >= 0
        assert cls.__doc__.strip()
        assert cls is Random or any(word in cls.__doc__ for word in ("Names:", "Source:"))
        assert ms.as_policy(name) == cls()
        assert not cls.recalls and not cls.slow

    def test_clones_and_pickles(self, name):
        policy = POLICIES[name]()
        for twin in (policy.clone(), pickle.loads(pickle.dumps(policy))):
            assert twin == policy and twin is not policy
            assert twin.name == policy.name == name

    def test_plays_legally_and_the_same_again(self, name):
        """Illegal actions raise. The same object plays the same at a new table, and keeps nothing itself."""
        assert rooms(name)
        for home, agents in rooms(name):
            policy = POLICIES[name]()
            before = pickle.dumps(policy)
            np.testing.assert_array_equal(crowd(name, home), Play(home, policy, agents, 2, (5, 9)).steps(STEPS))
            np.testing.assert_array_equal(crowd(name, home), Play(home, policy, agents, 2, (5, 9)).steps(STEPS))
            assert pickle.dumps(policy) == before

    def test_is_alone_what_it_is_among_many(self, name):
        """World 1 of seed 9 is the same whatever other worlds there are."""
        for home, agents in rooms(name):
            alone = Play(home, POLICIES[name](), agents, 3, (9,)).steps(STEPS)
            np.testing.assert_array_equal(crowd(name, home)[:, 2:], alone[:, :2])

    def test_goes_on_from_its_state(self, name):
        """Saved in the middle and loaded into another table, it does what it would have done."""
        for home, agents in rooms(name):
            play, other = (Play(home, POLICIES[name](), agents, 2, (5, 9)) for _ in range(2))
            play.steps(STEPS // 2)
            other.steps(5)
            other.sim.load(play.sim.save())
            other.seats.load_state_dict(play.seats.state_dict())
            np.testing.assert_array_equal(crowd(name, home)[STEPS // 2 :], other.steps(STEPS - STEPS // 2))


@pytest.mark.parametrize("name", sorted(ms.registered()))
def test_in_every_registered_game_all_who_sit_play_legally(name):
    """All policies that accept a seat, in worlds of their own beside chance."""
    game = ms.make(name)
    sim = ms.Simulator(game, 1, seed=0)
    found = [(POLICIES[one](), agent) for one in POLICIES for agent in range(game.n_agents)]
    sat = [(policy, agent) for policy, agent in found if accepts(sim, policy, agent)]
    assert sum(isinstance(policy, Random) for policy, _ in sat) == game.n_agents
    sim = ms.Simulator(game, len(sat), seed=1)
    sim.reset()
    pairs, others = [], np.ones((len(sat), game.n_agents), bool)
    for world, (policy, agent) in enumerate(sat):
        pairs.append((policy, (np.array([world]), np.array([agent]))))
        others[world, agent] = False
    if others.any():
        pairs.append((Random(), np.nonzero(others)))
    seats = Seats(sim, pairs)
    for _ in range(12):
        actions = np.zeros(sim.acting.shape, dtype=int if game.box is None else float)
        seats.choose(actions)
        seats.saw(sim.step(actions), actions)


# ---------------------------------------------------------------- what the tags say, of those that play in pairs


def histories(rng, worlds=400, rounds=16):
    """Encounters of every temper: from nearly always cooperating to nearly always defecting, for both sides."""
    temper = rng.choice([0.03, 0.2, 0.5, 0.9], size=(2, worlds, 1))
    return (rng.random((2, worlds, rounds)) < temper).astype(int)


@pytest.mark.parametrize("name", PAIRWISE)
class TestTagsAreTrue:
    def test_stochastic(self, name):
        """With the same history it always does the same, or not, as tagged."""
        own, other = np.repeat(histories(np.random.default_rng(1), worlds=60, rounds=30)[:, :, None], 20, axis=2)
        wants = faced(POLICIES[name](), own.reshape(1200, -1), other.reshape(1200, -1)).reshape(60, 20, -1)
        assert (wants != wants[:, :1]).any() == POLICIES[name].tags["stochastic"]

    def test_nice(self, name):
        """It never defects first, or it does sooner or later."""
        policy = POLICIES[name]()
        friends = faced(policy, np.zeros((200, 40), int), np.zeros((200, 40), int))
        assert (friends == C).all() == policy.tags.get("nice", False)

    def test_retaliatory_and_forgiving(self, name):
        policy, size = POLICIES[name](), (400, 60)
        kind, hard = (faced(policy, None, np.full(size, move)).mean() for move in (C, D))
        turned = np.concatenate((np.full((400, 10), D), np.full((400, 40), C)), axis=1)
        if "retaliatory" in policy.tags:
            assert (hard > kind) == policy.tags["retaliatory"]
            assert (faced(policy, None, turned)[:, 20:] == C).any() == policy.tags["forgiving"]

    def test_every_pairwise_strategy_says_so(self, name):
        assert name == "Random" or {"nice", "retaliatory", "forgiving"} <= set(POLICIES[name].tags)


def bounded():
    return [name for name in PAIRWISE if np.isfinite(POLICIES[name].tags["memory"])]


@pytest.mark.parametrize("name", bounded())
def test_what_lies_beyond_its_memory_does_not_matter(name):
    """Hypothesis looks for two histories that agree in the last encounters and are answered differently."""
    from hypothesis import given, settings
    from hypothesis import strategies as st

    memory, policy = POLICIES[name].tags["memory"], POLICIES[name]()
    bits = st.lists(st.integers(0, 1), min_size=64, max_size=64)

    @settings(max_examples=10)
    @given(bits, bits, st.integers(memory + 1, memory + 12), st.integers(0, 2**32))
    def agree(first, second, rounds, seed):
        ones, twos = np.resize(first, (2, 9, rounds)), np.resize(second, (2, 9, rounds))
        twos[:, :, rounds - memory :] = ones[:, :, rounds - memory :]
        answers = [faced(policy, *encounters, seed=seed)[:, -1] for encounters in (ones, twos)]
        np.testing.assert_array_equal(*answers)

    agree()


@pytest.mark.parametrize("name", PAIRWISE)
def test_memory_is_not_longer_than_it_says(name):
    """Two histories that agree in one encounter less (of endless memory: in the last six) are answered differently."""
    memory, policy = POLICIES[name].tags["memory"], POLICIES[name]()
    if memory == 0:
        return
    kept = 6 if np.isinf(memory) else memory - 1
    rounds = 30 if np.isinf(memory) else memory + 10
    rng = np.random.default_rng(2)
    ones, twos = histories(rng, 3000, rounds), histories(rng, 3000, rounds)
    twos[:, :, rounds - kept :] = ones[:, :, rounds - kept :]
    assert (faced(policy, *ones)[:, -1] != faced(policy, *twos)[:, -1]).any()


# ---------------------------------------------------------------- the others


DEEDS = {"punisher": ("punish", "sanction"), "rewarder": ("reward",), "voter": ("vote",)}


def test_punishers_rewarders_and_voters_do_so_and_nobody_else():
    """Each in worlds of its own among those who play by chance, in all homes where one can punish, reward or vote."""
    does = {(name, tag): False for name in POLICIES if name != "Random" for tag in DEEDS}
    for home in ("society", "in turn", "houses"):
        sat = [
            (name, dict(rooms(name))[home][0]) for name in POLICIES if home in dict(rooms(name)) and name != "Random"
        ]
        sim = ms.Simulator(HOMES[home], 12 * len(sat), seed=4)
        sim.reset()
        others = np.ones(sim.acting.shape, bool)
        worlds = np.arange(12 * len(sat)).reshape(len(sat), 12)
        for (_, agent), mine in zip(sat, worlds, strict=True):
            others[mine, agent] = False
        pairs = [(POLICIES[name](), (mine, agent)) for (name, agent), mine in zip(sat, worlds, strict=True)]
        seats = Seats(sim, [*pairs, (Random(), np.nonzero(others))])
        kinds = np.array([stage.kind for stage in sim.game.stages])
        for _ in range(60):
            actions = np.zeros(sim.acting.shape, dtype=int)
            seats.choose(actions)
            for (name, agent), mine in zip(sat, worlds, strict=True):
                for tag, listed in DEEDS.items():
                    does[name, tag] |= bool(
                        (np.isin(kinds[sim.stage[mine]], listed) & (actions[mine, agent] > 0)).any()
                    )
            seats.saw(sim.step(actions), actions)
    assert does == {(name, tag): POLICIES[name].tags.get(tag, False) for name, tag in does}


@pytest.mark.parametrize("name", [name for name in POLICIES if POLICIES[name].tags.get("group")])
def test_the_nice_of_a_group_give_everything_to_those_who_do(name):
    parts = ms.Institutions(), ms.PeerPunishment(points=2), ms.PeerReward(points=2)
    sim = ms.Simulator(ms.Group(ms.PublicGoods(levels=5), *parts, n_agents=3), 1, seed=0)
    sim.reset()
    seats, gave = Seats(sim, {0: POLICIES[name]()}), []
    while len(gave) < 8:
        plays = sim.game.stages[sim.stage[0]].kind == "play"
        actions = np.where(plays, 4, sim.legal.argmax(axis=2)) * sim.acting
        seats.choose(actions)
        gave += [actions[0, 0]] * plays
        seats.saw(sim.step(actions), actions)
    assert (min(gave) == 4) == POLICIES[name].tags["nice"]


def test_options_are_checked():
    """Every number among the options refuses what is not one."""
    for name, cls in POLICIES.items():
        for field in dataclasses.fields(cls):
            if isinstance(field.default, float):
                with pytest.raises(ValueError, match=rf"^{name}: {field.name} must") as caught:
                    cls(**{field.name: float("nan")})
                assert "\n" not in str(caught.value)


def test_the_homes_have_every_kind_of_decision_of_the_mechanisms():
    kinds = {kind for game in HOMES.values() for kind in game.kinds}
    assert kinds >= {"play", "select", "consent", "punish", "sanction", "reward", "vote", "exit", "bid", "talk", "move"}
