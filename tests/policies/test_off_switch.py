"""Scripted robots and humans: the humans answer as the game's drawn ones, the robot waits inside the parabola."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.games.off_switch_rules import ACT, SWITCH_OFF, WAIT
from marl_sim.policies import (
    AlwaysAct,
    AlwaysOff,
    AlwaysWait,
    BayesianHuman,
    BayesRobot,
    BoltzmannHuman,
    ErrorHuman,
    ProbitHuman,
    RationalHuman,
    Seats,
    TwoTypeHuman,
)

WORLDS = 60_000
BOUND = 5.0  # standard errors

HUMANS = [
    (RationalHuman(), {}, 0.09889828),
    (BoltzmannHuman(0.25), {}, 0.05242985),
    (BoltzmannHuman(1.0), {}, -0.05207712),
    (BoltzmannHuman(0.0), {}, 0.09889828),
    (ProbitHuman(0.5), {}, 0.042043),
    (ProbitHuman(0.0), {}, 0.09889828),
    (ErrorHuman(0.1), {}, 0.054119),
    (TwoTypeHuman(0.95, 0.7), {}, 0.051784),
    (TwoTypeHuman(0.7, 0.95), {}, -0.010716),
    (BayesianHuman(0.25, 0.5, 0.5), dict(noisy=True, scale=0.5), 0.04991),
    (RationalHuman(), dict(noisy=True, scale=0.5), 0.042043),  # rational about what it misperceives is probit
]


def view_of(sim, agent):
    """What an agent sees in all worlds, which are in one stage."""
    (view,) = Seats(sim, {agent: AlwaysWait()}).players[0].turns_now()
    return view


def value(game, policies, seed):
    """What an episode pays the robot: mean and standard error."""
    sim = ms.Simulator(game, WORLDS, seed=seed)
    sim.reset()
    paid, done = np.zeros(WORLDS), np.zeros(WORLDS, dtype=bool)
    seats = Seats(sim, policies)
    while not done.all():
        actions = np.zeros(sim.acting.shape, dtype=int)
        seats.choose(actions)
        step = sim.step(actions)
        seats.saw(step, actions)
        paid += np.where(done, 0.0, step.reward[:, 0])
        done |= step.terminated
    return paid.mean(), paid.std() / np.sqrt(WORLDS)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("human, options, delta", HUMANS)
def test_a_waiting_robot_gets_what_the_human_is_worth(human, options, delta, seed):
    mean, error = value(ms.make("off_switch", **options), {0: AlwaysWait(), 1: human}, seed)
    assert abs(mean - 0.25 - delta) < BOUND * error + 1e-6


@pytest.mark.parametrize("robot, expected", [(AlwaysAct(), 0.25), (AlwaysOff(), 0.0)])
def test_robots_that_do_not_ask(robot, expected):
    mean, error = value(ms.make("off_switch"), {0: robot, 1: RationalHuman()}, 3)
    assert abs(mean - expected) <= BOUND * error
    assert (error == 0) == (expected == 0)


def moves(policy, **options):
    """What a robot does in each case of a game."""
    game = ms.make("off_switch", **options)
    sim = ms.Simulator(game, 400, seed=1)
    sim.reset()
    case, chosen = sim.state["case"][:, 0], policy.act(view_of(sim, 0))
    found = [set(chosen[case == c]) for c in range(game.dilemma.cases)]
    assert all(len(one) == 1 for one in found)
    return [one.pop() for one in found]


def test_the_bayes_robot_waits_inside_the_parabola():
    sigma = np.array([0.223607, 0.353553, 0.5, 0.612372, 0.707107])  # the boundary at these beta for |mu| = 1/4
    beta = np.array([0.1, 0.25, 0.5, 0.75, 1.0])
    for mu, otherwise in ((0.25, ACT), (-0.25, SWITCH_OFF)):
        for factor, want in ((1.01, WAIT), (0.99, otherwise)):
            options = dict(human="boltzmann", mu=(mu,) * 5, sigma=tuple(sigma * factor), beta=tuple(beta))
            assert moves(BayesRobot(), **options) == [want] * 5
    assert moves(BayesRobot(), human="boltzmann", mu=(0.0, 0.0), sigma=0.1, beta=5.0) == [WAIT, WAIT]


def test_the_bayes_robot_goes_by_what_it_is_told_or_given():
    game = dict(human="boltzmann", mu=0.25, sigma=0.6, beta=1.0)  # truly: act
    assert moves(BayesRobot(), **game) == [ACT]
    assert moves(BayesRobot(), **game, told_beta=0.1) == [WAIT]
    assert moves(BayesRobot(beta=0.1), **game) == [WAIT]
    assert moves(BayesRobot(), **game, told_mu=-0.25) == [SWITCH_OFF]
    assert moves(BayesRobot(), **game, told_sigma=2.0) == [WAIT]
    assert moves(BayesRobot(), mu=0.25, sigma=0.01) == [WAIT]  # nothing said of beta: rational


def test_a_wrong_beta_costs_the_regret_of_the_facts():
    """mu 1/4, sigma 0.6, true beta 1, believed 0.5: it waits where it should act, and loses |Delta|."""
    game = ms.make("off_switch", human="boltzmann", mu=0.25, sigma=0.6, beta=1.0, told_beta=0.5)
    mean, error = value(game, {0: BayesRobot()}, 4)
    assert abs(0.25 - mean - 0.028591) < BOUND * error


def test_answers_depend_on_seed_and_moment_alone():
    def answers(seed, clock=0):
        sim = ms.Simulator(ms.make("off_switch"), 100, seed=1)
        sim.reset()
        sim.step(np.tile([WAIT, 0], (100, 1)))
        sim.seeds = (seed,)
        seats = Seats(sim, {1: BoltzmannHuman(5.0)})
        seats.clock = clock
        actions = np.zeros(sim.acting.shape, dtype=int)
        seats.choose(actions)
        return actions[:, 1]

    assert (answers(1) == answers(1)).all()
    assert (answers(1) != answers(2)).any()
    assert (answers(1) != answers(1, clock=1)).any()


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: BayesRobot(beta=-1.0), ("BayesRobot", "beta", "-1")),
        (lambda: BoltzmannHuman(float("nan")), ("BoltzmannHuman", "beta", "nan")),
        (lambda: ProbitHuman(-0.5), ("ProbitHuman", "scale", "-0.5")),
        (lambda: ErrorHuman(1.5), ("ErrorHuman", "epsilon", "1.5")),
        (lambda: TwoTypeHuman(p_minus=-0.1), ("TwoTypeHuman", "p_minus", "-0.1")),
        (lambda: BayesianHuman(sigma=-1.0), ("BayesianHuman", "sigma", "-1")),
    ],
)
def test_wrong_options_are_refused(refused, make, words):
    refused(make, *words)
