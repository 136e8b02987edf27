"""The escape room: what every choice pays from every joint place, who ends the game, and what is seen of it."""

import inspect
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marl_sim as ms
from marl_sim.core.registry import factory

START, LEVER, DOOR = range(3)


def room(n=2, levers=1, rounds=5, horizon=None, encode="index", mechanisms=(), **options):
    part = ms.EscapeRoom(levers=levers, **options)
    return ms.Group(part, *mechanisms, n_agents=n, horizon=horizon or ms.Fixed(rounds), encode=encode)


def by_hand(places, chosen, levers, success=10.0, cost=1.0):
    """(what a round pays each, how many get out), the rules said once more."""
    opened = sum(choice == LEVER for choice in chosen) >= levers
    paid, out = [], 0
    for at, choice in zip(places, chosen, strict=True):
        if choice == DOOR and opened:
            paid.append(success)
            out += 1
        else:
            paid.append(0.0 if choice == at else -cost)
    return paid, out


def placed(game, places):
    """A simulator whose worlds are in these joint places, [worlds, n]."""
    sim = ms.Simulator(game, num_envs=len(places))
    sim.reset()
    sim.state["place"][:] = places
    return sim


def check(game, places, chosen, **numbers):
    """One round from each of these joint places: payoffs, endings, tallies, and where all then are; who ended."""
    sim = placed(game, places)
    step = sim.step(np.array(chosen))
    levers = game.dilemma.levers
    expected = [by_hand(at, choice, levers, **numbers) for at, choice in zip(places, chosen, strict=True)]
    out = np.array([count for _, count in expected])
    np.testing.assert_allclose(step.reward, [paid for paid, _ in expected], rtol=1e-12, atol=1e-12)
    np.testing.assert_array_equal(step.components["payoff"], step.reward)
    assert step.terminated.tolist() == (out > 0).tolist()
    assert not step.truncated.any()
    ended = step.terminated
    assert step.tallies["escaped"][ended].tolist() == [[1.0]] * ended.sum()
    assert step.tallies["got_out"][ended, 0].tolist() == out[ended].tolist()
    np.testing.assert_array_equal(sim.state["place"], np.where(ended[:, None], START, chosen))
    return ended


@pytest.mark.parametrize(("n", "levers"), [(2, 1), (3, 1), (3, 2)])
def test_every_choice_from_every_joint_place(n, levers):
    everything = list(itertools.product(range(3), repeat=n))
    pairs = list(itertools.product(everything, everything))
    ended = check(room(n, levers), [at for at, _ in pairs], [choice for _, choice in pairs])
    assert 0 < ended.sum() < len(pairs)


@given(st.data(), st.integers(2, 7), st.floats(0.1, 100), st.floats(0.1, 100))
@settings(max_examples=60)
def test_any_room_of_any_size(data, n, success, cost):
    levers = data.draw(st.integers(1, n - 1))
    joint = st.lists(st.lists(st.integers(0, 2), min_size=n, max_size=n), min_size=4, max_size=4)
    options = dict(success=success, cost=cost)
    check(room(n, levers, **options), data.draw(joint), data.draw(joint), **options)


def test_whoever_pulls_pays_to_come_and_not_to_stay(table):
    t = table(room(3, 2))
    assert t.step(play=np.array([[LEVER, START, START]])).reward.tolist() == [[-1, 0, 0]]
    assert t.step(play=np.array([[LEVER, START, DOOR]])).reward.tolist() == [[0, 0, -1]]
    last = t.step(play=np.array([[LEVER, LEVER, DOOR]]))
    assert last.reward.tolist() == [[0, -1, 10]]
    assert last.terminated.tolist() == [True]
    assert [last.tallies[name][0, 0] for name in ("escaped", "got_out", "lasted")] == [1, 1, 3]


def test_a_pulled_lever_opens_a_door_that_nobody_need_take(table):
    t = table(room(2, 1, rounds=3))
    assert not t.step(play=LEVER).terminated.any()
    assert not t.step(play=np.array([[LEVER, START]])).terminated.any()
    assert t.step(play=np.array([[START, DOOR]])).reward.tolist() == [[-1, -1]]  # whoever lets go shuts it


@pytest.mark.parametrize(
    ("horizon", "ends"),
    [(ms.Fixed(4), "terminated"), (ms.Continuing(4), "truncated")],
)
def test_where_nobody_gets_out_the_horizon_ends_it(horizon, ends):
    sim = ms.Simulator(room(2, horizon=horizon), num_envs=1)
    sim.reset()
    for t in range(4):
        step = sim.step(np.array([[LEVER, LEVER]]))
        assert getattr(step, ends).tolist() == [t == 3]
    assert [step.tallies[name][0, 0] for name in ("escaped", "got_out", "lasted")] == [0, 0, 4]
    stay = ends == "truncated"
    assert sim.state["place"].tolist() == [[LEVER if stay else START] * 2]


def test_getting_out_ends_it_under_any_horizon():
    for horizon in (ms.Fixed(4), ms.Continuing(4), ms.Geometric(0.99)):
        sim = ms.Simulator(room(2, horizon=horizon), num_envs=1)
        sim.reset()
        step = sim.step(np.array([[LEVER, DOOR]]))
        assert (step.terminated.tolist(), step.truncated.tolist()) == ([True], [False])
        assert sim.state["place"].tolist() == [[START, START]]


def test_places_and_round_are_seen(table):
    t = table(room(3, 2, rounds=3))
    assert t.sees("place").tolist() == [[START]] * 3
    t.step(play=np.array([[LEVER, START, DOOR]]))
    assert t.sees("place").tolist() == [[LEVER], [START], [DOOR]]
    assert t.sees("others").tolist() == [[START, DOOR], [LEVER, DOOR], [LEVER, START]]
    assert t.sees("round").tolist() == [[1]] * 3
    assert t.game.layout.levels("play") == (3, 3, 3, 3)
    assert room(3, rounds=7, encode="one_hot").layout.size == 1 + 3 * 3 + 7


@pytest.mark.parametrize("encode", ["index", "one_hot"])
def test_what_is_last_seen_is_in_its_range(encode):
    game = room(2, rounds=2, encode=encode)
    sim = ms.Simulator(game, num_envs=1)
    low, high = game.layout.bounds()
    for last in ([START, START], [LEVER, DOOR]):
        sim.reset()
        for act in ([START, START], last):
            step = sim.step(np.array([act]))
        assert step.terminated.all()
        assert (step.final_obs >= low).all()
        assert (step.final_obs <= high).all()
        block = step.final_obs[0, :, 1:]
        if encode == "index":
            assert block.tolist() == [[last[0], last[1], 1], [last[1], last[0], 1]]
        else:
            assert (block.sum(1) == 3).all()


@pytest.mark.parametrize("horizon", [ms.Fixed(1), ms.Geometric(0.5), ms.Continuing(3)])
def test_the_round_is_shown_where_it_matters_alone(horizon):
    assert [slot.name for slot in room(horizon=horizon).layout.slots] == ["stage", "place", "others"]


def test_to_pull_is_to_cooperate(table):
    t = table(room(3, 2, cost=0.5))
    t.step(play=np.array([[START, LEVER, DOOR]]))
    assert t.sim.state["defected"][0].tolist() == [1, 0, 1]
    assert t.sim.state["given"][0].tolist() == [0, 0.5, 0]


def test_those_who_are_out_can_still_reward_who_pulled(table):
    """The round in which the door is taken has its other stages too."""
    t = table(room(2, 1, mechanisms=(ms.PeerReward(points=4),)))
    pay = lambda sim: np.where(sim.acting & (sim.state["given"] == 0), 4, 0)  # noqa: E731
    paid = t.round(play=np.array([[LEVER, DOOR]]), reward=pay)
    assert paid.payoff.tolist() == [[-1, 10]]
    assert paid.reward.tolist() == [[3, 6]]
    assert paid.step.terminated.all()


def test_studies_report_how_often_they_escape_and_how_many():
    trainer = ms.Trainer(
        ms.make("escape_room", n_agents=4, levers=2, encode="index"), ms.TabularQ(), seeds=2, episodes=60
    )
    rows = [row for rows in trainer.run() for row in rows]
    for row in rows:
        assert row["leavers"] == pytest.approx(row["got_out"] / row["escaped"] if row["escaped"] else 0)
        assert 0 <= row["escaped"] <= 1
        assert 1 <= row["lasted"] <= 5
        assert row["reward"] == pytest.approx(row["payoff"])
    assert max(row["leavers"] for row in rows) >= 1


def test_measures_of_episodes_by_hand():
    class Few:
        def mean(self, name):
            return np.array([{"escaped": 0.5, "got_out": 0.75}[name] if self.some else 0.0])

    game, few = room(4, 2), Few()
    few.some = True
    assert game.dilemma.measures(game, few) == {"escaped": 0.5, "leavers": 1.5}
    few.some = False
    assert game.dilemma.measures(game, few) == {"escaped": 0.0, "leavers": 0.0}


def test_as_it_is_registered():
    game = ms.make("escape_room")
    assert game == room(2, 1, rounds=5, encode="one_hot", success=10.0, cost=1.0)
    changed = dict(levers=2, success=5.0, cost=2.0, n_agents=4, rounds=6, encode="index")
    assert set(changed) == set(inspect.signature(factory("escape_room")).parameters)
    for option, value in changed.items():
        assert ms.make("escape_room", **{"n_agents": 3} | {option: value}) != ms.make("escape_room", n_agents=3), option


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: room(2, levers=2), ("levers must be at most 1", "2 agents", "got 2")),
        (lambda: room(3, levers=5), ("levers must be at most 2", "got 5")),
        (lambda: room(2, levers=0), ("levers must be at least 1", "0")),
        (lambda: room(2, levers=1.5), ("levers must be a whole number", "1.5")),
        (lambda: room(1), ("at least 2 agents", "n_agents=1")),
        (lambda: room(success=0), ("success must be above 0", "0")),
        (lambda: room(cost=-1), ("cost must be above 0", "-1")),
        (lambda: room(cost=0), ("cost must be above 0", "0")),
        (lambda: room(cost=float("nan")), ("cost must be a finite number",)),
    ],
)
def test_misfits_are_refused(refused, build, words):
    refused(build, "EscapeRoom", *words)
