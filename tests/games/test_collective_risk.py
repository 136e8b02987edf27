"""The collective-risk dilemma: what is taken home, how often the disaster comes, and what is known on the way."""

import numpy as np
import pytest

import marl_sim as ms


def group(n_agents=3, rounds=4, encode="index", **options):
    options = dict(endowment=10.0, unit=1.0, target=9.0) | options
    return ms.Group(ms.CollectiveRisk(**options), n_agents=n_agents, horizon=ms.Fixed(rounds), encode=encode)


def episode(game, acts, worlds=1, seed=0):
    """Play acts [rounds, n]; what each step paid, the sum, and the last step."""
    sim = ms.Simulator(game, num_envs=worlds, seed=seed)
    sim.reset()
    paid = []
    for act in acts:
        step = sim.step(np.tile(act, (worlds, 1)))
        paid.append(step.reward.copy())
    assert step.terminated.all()
    return np.array(paid), step


@pytest.mark.parametrize("seed", range(5))
def test_an_episode_pays_what_is_taken_home_and_nothing_before_the_end(seed):
    rng = np.random.default_rng(seed)
    acts = rng.integers(3, size=(4, 3))
    paid, step = episode(group(risk=1.0), acts)
    kept = 10.0 - acts.sum(0)
    reached = acts.sum() >= 9
    assert not paid[:-1].any()
    np.testing.assert_allclose(paid[-1][0], kept if reached else 0.0)
    np.testing.assert_allclose(step.components["payoff"][0], kept)
    np.testing.assert_allclose(step.components["lost"][0], 0.0 if reached else -kept)
    told = [float(step.tallies[name][0, 0]) for name in ("saved", "reached", "disaster")]
    assert told == [acts.sum(), reached, not reached]


@pytest.mark.parametrize(("total", "averted"), [(8, False), (9, True), (10, True)])
def test_the_target_must_be_reached_to_the_last_unit(total, averted):
    acts = np.zeros((4, 3), dtype=int)
    acts.flat[:total] = 1
    paid, _ = episode(group(risk=1.0), acts)
    assert bool(paid[-1].any()) == averted


@pytest.mark.parametrize("risk", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_the_disaster_comes_as_often_as_the_risk_says_and_hits_all_alike(near, risk):
    paid, step = episode(group(risk=risk), np.zeros((4, 3), dtype=int), worlds=8000)
    home = paid.sum(0)
    assert ((home == 0).all(1) | (home == 10).all(1)).all()
    near((home == 0).all(1).sum(), 8000, risk)
    assert (step.tallies["disaster"][:, 0] == (home[:, 0] == 0)).all()
    averted, _ = episode(group(risk=risk), np.ones((4, 3), dtype=int), worlds=100)
    assert (averted.sum(0) == 6).all()


def test_the_experiments_closed_forms(near):
    game = ms.make("collective_risk")
    paid, step = episode(game, np.ones((10, 6), dtype=int), worlds=4)
    assert paid.sum(0).tolist() == [[20.0] * 6] * 4  # everybody gives 2 a round: 120 in the pot
    assert step.tallies["saved"].tolist() == [[120.0]] * 4
    paid, _ = episode(game, np.zeros((10, 6), dtype=int), worlds=8000)
    near((paid.sum(0)[:, 0] == 40).sum(), 8000, 0.1)
    short = np.ones((10, 6), dtype=int)
    short[9, 0] = 0
    paid, _ = episode(ms.make("collective_risk", risk=1.0), short)
    assert not paid.any()


def test_tenths_add_up():
    game = group(endowment=0.3, unit=0.1, target=0.9, rounds=3, levels=2, risk=1.0)
    assert (game.dilemma.most, game.dilemma.needed) == (3, 9)
    _, step = episode(game, np.ones((3, 3), dtype=int))
    assert step.tallies["reached"][0, 0] == 1


def test_quotients_of_tenths_are_not_rounded_up():
    game = group(n_agents=7, endowment=0.3, unit=0.3, target=2.1, rounds=1, levels=2, risk=1.0)
    assert 2.1 / 0.3 > 7
    _, step = episode(game, np.ones((1, 7), dtype=int))
    assert step.tallies["reached"][0, 0] == 1


def test_an_account_cannot_be_overdrawn(table):
    t = table(group(endowment=3.0, target=6.0))
    allowed = []
    for act in (2, 0, 1, 0):
        allowed.append(t.sim.legal[0].sum(-1).tolist())
        t.step(play=act)
    assert allowed == [[3] * 3, [2] * 3, [2] * 3, [1] * 3]
    assert group(endowment=8.0).stages[0].legal is None  # enough for the most in every round


def test_pot_account_round_and_acts_are_seen(table):
    t = table(group(sees=("pot", "account", "round", "acts")))
    acts = np.array([[2, 1, 0], [2, 2, 2], [0, 0, 1], [0, 0, 0]])
    assert t.sees("acts")[0].tolist() == [3, 3, 3]
    for k in range(4):
        assert t.sees("pot").ravel().tolist() == [min(9, acts[:k].sum())] * 3
        assert t.sees("account").ravel().tolist() == (10 - acts[:k].sum(0)).tolist()
        assert t.sees("round").ravel().tolist() == [k] * 3
        if k:
            assert t.sees("acts").tolist() == [acts[k - 1].tolist()] * 3
        t.step(play=acts[k])
    assert t.sees("pot").ravel().tolist() == [0] * 3
    assert group().layout.levels("play") == (10, 11, 4)


def test_to_give_one_s_part_is_to_cooperate(table):
    t = table(group(target=12.0))  # 12 / (3 * 4) = 1 a round
    t.step(play=np.array([[0, 1, 2]]))
    assert t.sim.state["defected"][0].tolist() == [1, 0, 0]
    t = table(group(target=13.0))
    t.step(play=np.array([[0, 1, 2]]))
    assert t.sim.state["defected"][0].tolist() == [1, 1, 0]


@pytest.mark.parametrize(
    ("build", "words"),
    [
        (lambda: ms.CollectiveRisk(endowment=0), ("endowment must be above 0", "0")),
        (lambda: ms.CollectiveRisk(unit=-2), ("unit must be above 0", "-2")),
        (lambda: ms.CollectiveRisk(target=0), ("target must be above 0",)),
        (lambda: ms.CollectiveRisk(levels=1), ("levels must be at least 2", "1")),
        (lambda: ms.CollectiveRisk(risk=1.1), ("risk must be from 0 to 1", "1.1")),
        (lambda: ms.CollectiveRisk(sees=("future",)), ("sees", "'future'", "'pot'")),
        (lambda: group(target=25), ("target must be at most 24", "3 agents can give in 4 rounds", "25")),
        (lambda: group(endowment=2, target=7), ("at most 6", "7")),
        (
            lambda: ms.Group(ms.CollectiveRisk(), n_agents=6, horizon=ms.Geometric(0.9)),
            ("horizon=Fixed(rounds)", "Geometric(continuation=0.9)"),
        ),
    ],
)
def test_misfits_are_refused(refused, build, words):
    refused(build, "CollectiveRisk", *words)


def test_the_last_observation_stays_in_its_levels_where_it_is_an_index():
    sim = ms.Simulator(ms.make("collective_risk", encode="index"), num_envs=2, seed=0)
    sim.reset()
    high = sim.game.layout.bounds()[1]
    for _ in range(10):
        step = sim.step(np.zeros((2, 6), int))
    assert step.terminated.all()
    assert (step.final_obs <= high).all()
