"""The off-switch game: what waiting, acting and switching off are worth beside closed forms; who sees what; options."""

import inspect

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.core.registry import factory
from marl_sim.games.off_switch_rules import ACT, ALLOW, OFF, SWITCH_OFF, WAIT, logistic

WORLDS = 60_000
BOUND = 5.0  # standard errors

# mu, sigma, human, its options, Delta = value of waiting - max(mu, 0); the closed forms are tested in tests/theory
REFERENCE = [
    (0.25, 0.5, "rational", {}, 0.09889828),
    (-0.75, 1.0, "rational", {}, 0.13116692),
    (0.0, 2.0, "rational", {}, 0.79788456),
    (0.25, 0.5, "boltzmann", dict(beta=0.1), 0.08836785),
    (0.25, 0.5, "boltzmann", dict(beta=0.5), 0.0),
    (-0.25, 0.5, "boltzmann", dict(beta=1.0), -0.05207712),
    (0.75, 0.25, "boltzmann", dict(beta=0.5), -0.12648087),
    (1.0, 2.0, "boltzmann", dict(beta=1.0), 0.20971939),
    (0.25, 0.5, "boltzmann", dict(beta=0.0), 0.09889828),
    (0.25, 0.5, "probit", dict(scale=0.25), 0.079594),
    (0.25, 0.5, "probit", dict(scale=1.0), -0.015879),
    (0.75, 0.5, "probit", dict(scale=0.5), -0.02795),
    (0.25, 0.5, "probit", dict(scale=0.0), 0.09889828),
    (0.25, 0.5, "error", dict(epsilon=0.2), 0.009339),
    (0.75, 0.5, "error", dict(epsilon=0.1), -0.063277),
    (0.25, 0.5, "two-type", dict(p_plus=0.95, p_minus=0.7), 0.051784),
    (-0.25, 0.5, "two-type", dict(p_plus=0.95, p_minus=0.7), -0.010716),
    (0.25, 0.5, "two-type", dict(p_plus=0.7, p_minus=0.95), -0.010716),
    (0.25, 0.5, "bayesian", dict(scale=0.5), 0.04991),
    (-0.25, 0.5, "bayesian", dict(scale=1.0), 0.01480),
    (0.25, 0.5, "bayesian", dict(scale=0.0), 0.09889828),
]
TWO_POINT = [
    (dict(high=1.0, low=-1.0, p=0.9), "rational", {}, 0.8, 0.1),
    (dict(high=1.0, low=-1.0, p=0.9), "boltzmann", dict(beta=0.5), 0.8, -0.019203),
    (dict(high=1.0, low=-10.0, p=0.95), "boltzmann", dict(beta=1.0), 0.45, 0.244483),
]


def played(game, move, seed=0, worlds=WORLDS, answer=ALLOW):
    """One decision in every world: rewards of all agents [worlds, n], U [worlds], the simulator and its last step."""
    sim = ms.Simulator(game, worlds, seed=seed)
    sim.reset()
    worth, actions = sim.state["worth"][:, 0].copy(), np.zeros(sim.acting.shape, dtype=int)
    actions[:, 0] = move
    step = sim.step(actions)
    reward = step.reward.copy()
    if move == WAIT and game.n_agents == 2:
        actions[:, 0], actions[:, 1] = 0, answer
        step = sim.step(actions)
        reward += step.reward
    return reward, worth, sim, step


def close(samples, expected):
    """The mean is within BOUND standard errors of what is expected."""
    error = samples.std() / np.sqrt(samples.size)
    assert abs(samples.mean() - expected) <= BOUND * error + 1e-6, (samples.mean(), expected, error)


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("mu, sigma, human, options, delta", REFERENCE)
def test_waiting_is_worth_the_closed_form(mu, sigma, human, options, delta, seed):
    game = ms.make("off_switch", mu=mu, sigma=sigma, human=human, **options)
    reward, _, _, step = played(game, WAIT, seed)
    assert step.terminated.all()
    close(reward[:, 0], delta + max(mu, 0.0))


@pytest.mark.parametrize("points, human, options, mean, delta", TWO_POINT)
def test_waiting_with_two_values(points, human, options, mean, delta):
    game = ms.make("off_switch", belief="two-point", human=human, **points, **options)
    close(played(game, WAIT, 3)[0][:, 0], delta + mean)
    reward, worth, _, _ = played(game, ACT, 3)
    assert set(worth) == {points["high"], points["low"]}
    close(reward[:, 0], mean)
    np.testing.assert_allclose(game.dilemma.moments[0], mean)
    spread = (points["high"] - points["low"]) * np.sqrt(points["p"] * (1 - points["p"]))
    np.testing.assert_allclose(game.dilemma.moments[1], spread)


@pytest.mark.parametrize("human", ["agent", "rational"])
def test_acting_pays_the_worth_and_switching_off_nothing(human):
    game = ms.make("off_switch", mu=-0.5, sigma=1.5, human=human, ask=1.0, press=1.0)
    reward, worth, _, step = played(game, ACT)
    np.testing.assert_array_equal(reward, np.repeat(worth[:, None], game.n_agents, axis=1))
    close(worth, -0.5)
    assert abs(worth.std() - 1.5) < BOUND * 1.5 / np.sqrt(2 * WORLDS)
    assert step.terminated.all()
    reward, _, _, step = played(game, SWITCH_OFF)
    assert not reward.any()
    assert step.terminated.all()


def test_the_human_decides_only_when_asked_and_both_get_the_same():
    game = ms.make("off_switch", ask=0.25, press=0.5)
    sim = ms.Simulator(game, 3, seed=4)
    sim.reset()
    worth = sim.state["worth"][:, 0].copy()
    assert sim.acting.tolist() == [[True, False]] * 3
    step = sim.step(np.array([[WAIT, 0], [WAIT, 0], [ACT, 0]]))
    assert step.terminated.tolist() == [False, False, True]
    assert sim.acting.tolist() == [[False, True], [False, True], [True, False]]
    np.testing.assert_allclose(step.reward, [[-0.25] * 2, [-0.25] * 2, [worth[2]] * 2])
    step = sim.step(np.array([[0, ALLOW], [0, OFF], [SWITCH_OFF, 0]]))
    assert step.terminated.all()
    np.testing.assert_allclose(step.reward, [[worth[0]] * 2, [-0.5] * 2, [0.0] * 2])
    np.testing.assert_allclose(step.components["utility"][0], worth[0])
    np.testing.assert_allclose(step.components["pressing"][1], -0.5)


@pytest.mark.parametrize("answer", [ALLOW, OFF])
def test_costs_are_charged_to_drawn_humans_too(answer):
    value = 1.0 if answer == ALLOW else -1.0
    game = ms.make("off_switch", mu=value, sigma=0.0, human="rational", ask=0.25, press=0.5)
    reward, _, _, _ = played(game, WAIT, worlds=4)
    np.testing.assert_allclose(reward, 0.75 if answer == ALLOW else -0.75)


def test_an_empirical_belief_draws_its_sample():
    game = ms.make("off_switch", belief="empirical", sample=[3.0, -1.0, -1.0, 2.0], human="rational")
    reward, worth, _, _ = played(game, WAIT)
    counts = np.array([(worth == value).sum() for value in (3.0, -1.0, 2.0)])
    p = np.array([0.25, 0.5, 0.25])
    assert (np.abs(counts - WORLDS * p) < BOUND * np.sqrt(WORLDS * p * (1 - p))).all()
    np.testing.assert_array_equal(reward[:, 0], np.maximum(worth, 0.0))
    np.testing.assert_allclose(game.dilemma.moments[:, 0], [0.75, np.std([3.0, -1.0, -1.0, 2.0])])


# ---------------------------------------------------------------- who sees what


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("sees", ["numbers", "levels", "both"])
@pytest.mark.parametrize("human", ["agent", "boltzmann"])
def test_the_robot_never_sees_the_worth(sees, noisy, human):
    """In worlds of one case that differ in U alone the robot sees the same, before and after it moves."""
    game = ms.make("off_switch", sees=sees, noisy=noisy, human=human)
    sim = ms.Simulator(game, 50, seed=6)
    sim.reset()
    assert np.ptp(sim.state["worth"]) > 0.5
    assert not np.ptp(sim.obs[:, 0], axis=0).any()
    step = sim.step(np.tile([WAIT] + [0] * (game.n_agents - 1), (50, 1)))
    assert not np.ptp(step.obs[:, 0], axis=0).any()
    assert not np.ptp(step.final_obs[:, 0], axis=0).any()
    if human == "agent":
        assert np.ptp(step.obs[:, 1], axis=0).any()


def test_the_human_sees_the_worth_exactly_or_noisily():
    def seen(**options):
        sim = played_to_the_answer(ms.make("off_switch", sigma=2.0, **options), 4000)
        x = sim.obs[:, 1, sim.game.layout.block("answer")][:, 0].astype(float)
        return x / (1 - np.abs(x)), sim.state["worth"][:, 0]

    shown, worth = seen()
    np.testing.assert_allclose(shown, worth, rtol=1e-4)
    shown, worth = seen(noisy=True, scale=0.3)
    off = shown - worth
    assert abs(off.mean()) < BOUND * 0.3 / np.sqrt(4000)
    assert abs(off.std() - 0.3) < BOUND * 0.3 / np.sqrt(8000)
    assert abs(np.corrcoef(off, worth)[0, 1]) < BOUND / np.sqrt(4000)


def played_to_the_answer(game, worlds, seed=0):
    sim = ms.Simulator(game, worlds, seed=seed)
    sim.reset()
    sim.step(np.tile([WAIT, 0], (worlds, 1)))
    return sim


def test_bins_are_of_equal_width_with_zero_as_an_edge():
    sim = played_to_the_answer(ms.make("off_switch", mu=0.25, sigma=0.5, sees="levels", bins=10), 4000)
    bins, worth = sim.obs[:, 1, sim.game.layout.block("answer")][:, 0], sim.state["worth"][:, 0]
    assert set(bins) == set(range(10))
    np.testing.assert_array_equal(bins >= 5, worth >= 0)
    edges = np.linspace(-1.25, 1.25, 11)  # |mu| + 2 sigma
    np.testing.assert_array_equal(bins, np.clip(np.digitize(worth, edges) - 1, 0, 9))


CASES = dict(mu=(-1.0, 0.5, 2.0), sigma=(0.1, 0.2, 0.3))


def test_cases_are_drawn_alike_and_shown():
    game = ms.make("off_switch", **CASES, beta=(0.0, 1.0, 2.0), human="boltzmann", sees="both")
    sim = ms.Simulator(game, 9000, seed=8)
    sim.reset()
    case, worth = sim.state["case"][:, 0], sim.state["worth"][:, 0]
    counts = np.bincount(case, minlength=3)
    assert (np.abs(counts - 3000) < BOUND * np.sqrt(2000)).all()
    names = [slot.name for slot in game.layout.slots if slot.kind == "move"]
    assert names == ["mu", "sigma", "beta", "case"]
    shown = sim.obs[:, 0, game.layout.block("move")]
    np.testing.assert_allclose(shown[:, :3], np.transpose([CASES["mu"], CASES["sigma"], (0, 1, 2)])[case], rtol=1e-6)
    np.testing.assert_array_equal(shown[:, 3:].argmax(1), case)
    for c in range(3):
        close(worth[case == c], CASES["mu"][c])


def test_cases_of_irrationality():
    """One belief, humans from rational to a coin: each case is worth what it is worth alone."""
    betas, deltas = (0.0, 0.1, 1.0), (0.09889828, 0.08836785, -0.05207712)
    reward, _, _, step = played(ms.make("off_switch", beta=betas, human="boltzmann"), WAIT, 9)
    assert (step.tallies["seen"].sum(1) == 1).all()
    for c, delta in enumerate(deltas):
        close(reward[step.tallies["seen"][:, c] == 1, 0], delta + 0.25)


def test_a_wrong_belief_is_shown_and_nothing_else_changes():
    truth = ms.make("off_switch", human="boltzmann", beta=1.0)
    told = ms.make("off_switch", human="boltzmann", beta=1.0, told_mu=-2.0, told_sigma=3.0, told_beta=0.25)
    a, b = (played(game, WAIT, 10, 2000) for game in (truth, told))
    np.testing.assert_array_equal(a[0], b[0])
    assert a[2].obs[0, 0, truth.layout.block("move")].tolist() == [0.25, 0.5, 1.0]
    assert b[2].obs[0, 0, told.layout.block("move")].tolist() == [-2.0, 3.0, 0.25]
    right, wrong = a[3].tallies["corrected"].sum(), b[3].tallies["corrected"].sum()
    assert right + wrong == 2000  # a robot that would have switched off is corrected where the human allows
    assert a[3].tallies["let_run"].sum() == wrong


# ---------------------------------------------------------------- what studies read


def rows_of(game, policies, episodes=1, num_envs=20_000, seeds=2):
    trainer = ms.Trainer(game, ms.DQN(), seeds=seeds, episodes=episodes, num_envs=num_envs, policies=policies)
    return [row for rows in trainer.run() for row in rows]


def test_measures():
    from marl_sim.policies import AlwaysAct, AlwaysOff, AlwaysWait

    game = ms.make("off_switch", human="boltzmann", beta=0.25)
    for row in rows_of(game, {0: AlwaysWait()}):
        assert (row["wait"], row["act"], row["switch_off"]) == (1.0, 0.0, 0.0)
        allowed = 0.64772644  # E[pi]
        bound = BOUND * np.sqrt(allowed * (1 - allowed) / 20_000)
        assert abs(row["allowed"] - allowed) < bound
        assert abs(row["correction"] - (1 - allowed)) < bound
        assert row["disabled"] == pytest.approx(1 - row["allowed"])
        assert row["value"] == pytest.approx(row["utility"])
        assert abs(row["value"] - 0.30242985) < BOUND * 0.5 / np.sqrt(20_000)
    game = ms.make("off_switch", mu=-0.25, human="boltzmann", beta=0.25)
    for row in rows_of(game, {0: AlwaysWait()}):
        assert row["correction"] == row["allowed"] > 0.3
    for policy, word in ((AlwaysAct(), "act"), (AlwaysOff(), "switch_off")):
        for row in rows_of(game, {0: policy}, num_envs=100):
            assert row[word] == 1.0
            assert (row["wait"], row["allowed"], row["correction"], row["disabled"]) == (0.0, 0.0, 0.0, 0.0)
    assert "wait_case_0" not in row


def test_waiting_is_told_apart_by_case():
    from marl_sim.policies import BayesRobot, RationalHuman

    game = ms.make("off_switch", mu=(2.0, 0.1, -2.0), sigma=(0.1, 1.0, 0.1), rounds=5)
    for row in rows_of(game, {0: BayesRobot(beta=0.5), 1: RationalHuman()}, num_envs=200):
        assert [row[f"wait_case_{c}"] for c in range(3)] == [0.0, 1.0, 0.0]
        assert 0.2 < row["wait"] < 0.5
        assert row["seen"] == 5
        assert row["value"] == pytest.approx(row["utility"] / 2 / 5)


def test_every_round_is_drawn_anew():
    game = ms.make("off_switch", human="rational", rounds=3)
    sim = ms.Simulator(game, 1, seed=0)
    sim.reset()
    worths = []
    for t in range(6):
        worths.append(float(sim.state["worth"][0, 0]))
        assert sim.step(np.array([[ACT]])).terminated[0] == (t % 3 == 2)
    assert len(set(worths)) == 6


def test_a_table_learns_whom_to_ask():
    """Robot with a table over three cases, drawn humans: asks where it pays, acts or stops where it does not."""
    game = ms.make(
        "off_switch", mu=(0.25, 1.0, -1.0), sigma=(1.0, 0.1, 0.1), beta=1.0, human="boltzmann", sees="levels"
    )
    learner = ms.TabularQ(alpha=0.02, gamma=0.0, epsilon=0.3)
    trainer = ms.Trainer(game, learner, seeds=3, episodes=300, num_envs=32, block=300)
    for _ in trainer.run():
        pass
    for s in range(3):
        table = trainer.heads[0].lanes.state_dict()["table"][s]
        assert table.argmax(-1).tolist() == [WAIT, ACT, SWITCH_OFF]


# ---------------------------------------------------------------- what is refused


@pytest.mark.parametrize("x", [-1e6, -800.0, -1.0, 0.0, 1.0, 800.0, 1e6])
def test_the_logistic_function_never_overflows(x):
    want = 0.5 * (1 + np.tanh(x / 2))
    assert logistic(x) == pytest.approx(want, abs=1e-12)
    assert logistic.py_func(x) == pytest.approx(want, abs=1e-12)


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(sigma=-0.5), ("sigma", "at least 0", "-0.5")),
        (dict(sigma=(0.5, -0.1), mu=(0.0, 0.0)), ("sigma", "at least 0", "-0.1")),
        (dict(beta=-1.0), ("beta", "at least 0", "-1")),
        (dict(told_beta=-1.0), ("told_beta", "at least 0", "-1")),
        (dict(mu=float("nan")), ("mu", "finite", "nan")),
        (dict(mu=(0.0, float("inf"))), ("mu", "finite", "inf")),
        (dict(mu="much"), ("mu", "number", "much")),
        (dict(mu=()), ("mu", "number", "()")),
        (dict(mu=None), ("mu", "number", "None")),
        (dict(sigma=True), ("sigma", "number", "True")),
        (dict(mu=(0.0, 1.0), sigma=(1.0, 1.0, 1.0)), ("equal length", "mu has 2", "sigma has 3")),
        (dict(mu=(0.0, 1.0), told_beta=(1.0, 1.0, 1.0)), ("equal length", "told_beta has 3")),
        (dict(p=1.5), ("p", "from 0 to 1", "1.5")),
        (dict(epsilon=-0.1), ("epsilon", "from 0 to 1", "-0.1")),
        (dict(p_plus=2.0), ("p_plus", "from 0 to 1")),
        (dict(p_minus=-1.0), ("p_minus", "from 0 to 1")),
        (dict(scale=-1.0), ("scale", "at least 0")),
        (dict(ask=-1.0), ("ask", "at least 0")),
        (dict(press=-1.0), ("press", "at least 0")),
        (dict(bins=7), ("bins", "even", "7")),
        (dict(human="boltzman"), ("'boltzman'", "did you mean 'boltzmann'")),
        (dict(belief="normal"), ("'normal'", "gaussian")),
        (dict(belief="empirical"), ("sample", "numbers", "()")),
        (dict(sample=(1.0, "x")), ("sample", "numbers")),
        (dict(belief="two-point", mu=(0.0, 1.0)), ("gaussian", "two-point")),
        (dict(belief="two-point", human="bayesian"), ("bayesian", "gaussian", "two-point")),
        (dict(believe="gaussian"), ("'believe'", "did you mean 'belief'")),
    ],
)
def test_wrong_options_are_refused(refused, options, words):
    refused(lambda: ms.make("off_switch", **options), *words)


def test_the_number_of_agents_fits_the_human(refused):
    refused(lambda: ms.Group(ms.OffSwitch(), n_agents=3), "human='agent'", "n_agents=2", "3")
    refused(lambda: ms.Group(ms.OffSwitch(human="rational"), n_agents=2), "human='rational'", "n_agents=1", "2")


def test_options_reach_the_game():
    """Every option of the part is an option of the registered game, with the same default."""
    assert ms.make("off_switch").dilemma == ms.OffSwitch()
    given = dict(belief="empirical", sample=(1.0, 2.0), high=2.0, low=-2.0, p=0.3, scale=0.7, epsilon=0.3, p_plus=0.8,
                 p_minus=0.7, noisy=True, ask=0.1, press=0.2, told_mu=1.0, told_sigma=2.0, told_beta=3.0, sees="both",
                 bins=4, beta=0.9, mu=0.1, sigma=0.2)  # fmt: skip
    part = ms.make("off_switch", **given).dilemma
    assert {name: getattr(part, name) for name in given} == given


@pytest.mark.parametrize("name", ["off_switch", "po_osg", "safe_interruptibility", "assistant"])
def test_every_option_of_the_family_is_described(name):
    text = ms.describe(name)
    for option in inspect.signature(factory(name)).parameters:
        row = next(line for line in text.splitlines() if line.startswith(f"{option} "))
        assert len(row.split()) > 2, option
