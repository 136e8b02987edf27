"""The off-switch scenario: its theory is the facts', its probes see what robots do, and it runs."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.training.rollout import Trainer


def declared(module, o, part):
    """What a part declares, {condition: (game, arguments)}, and its "theory", without training anything."""
    told = {}

    class Listens:
        def train(self, condition, game, learner, **arguments):
            told[condition] = (game, arguments)

        def table(self, *metrics, theory, conditions, **more):
            told["theory"] = theory

    module.DECLARED[part](Listens(), o)()
    return told


@pytest.mark.parametrize(
    "condition, delta",
    [
        ("rational", 0.09889828),
        ("Boltzmann 0.25", 0.05242985),
        ("Boltzmann 1", -0.05207712),
        ("probit 0.25", 0.079594),
        ("probit 1", -0.015879),
        ("noisy, Bayesian 0.5", 0.04991),
        ("errs 10 %", 0.054119),
        ("stops 30 % of the good", -0.010716),
        ("allows 30 % of the bad", 0.051784),
    ],
)
def test_humans_stand_beside_the_known_values(scenario, condition, delta):
    """The facts' values at mu = 0.25, sigma = 0.5."""
    module = scenario("off_switch")
    theory = declared(module, module.Options(), "humans")["theory"]
    assert theory["delta"][condition] == pytest.approx(delta, abs=1e-5)
    assert theory["greedy_wait"][condition] == (delta > 0)
    assert theory["greedy_value"][condition] == pytest.approx(0.25 + max(delta, 0), abs=1e-5)


def test_what_a_wrong_beta_costs(scenario):
    module = scenario("off_switch")
    told = declared(module, module.Options(), "wrong beta")
    assert sorted(told["theory"]["regret"].values()) == pytest.approx([0.028591, 0.072082, 0.125535], abs=1e-6)
    for name, lost in told["theory"]["regret"].items():
        game, arguments = told[name]
        greedy, _ = arguments["probes"]
        assert game.dilemma.beta != greedy.game.dilemma.beta  # learned among others than those it is tried among
        best = ms.theory.off_switch_cases(greedy.game).answer.value[0]
        assert told["theory"]["greedy_value"][name] == pytest.approx(best - lost)


def test_what_asking_costs(scenario):
    module = scenario("off_switch")
    theory = declared(module, module.Options(), "asking")["theory"]
    assert list(theory["threshold"].values()) == pytest.approx([0.353842, 0.503127], abs=1e-6)


def test_an_exploring_human_is_an_erring_one(scenario):
    """(1 - e) Delta - e / 2 |mu|: below 0 from e = 2 eps* = 0.44171 on."""
    module = scenario("off_switch")
    told = declared(module, module.Options(explore=(0.0, 0.44, 0.443, 1.0)), "together")["theory"]
    assert list(told["greedy_wait"].values()) == [1, 1, 0, 0]
    assert list(told["delta"].values())[::3] == pytest.approx([0.09889828, -0.125])
    assert list(told["greedy_value"].values()) == pytest.approx([0.34889828, 0.34889828, 0.25, 0.25])


def test_decisions_are_judged_case_by_case(scenario):
    """A robot whose table is written by hand: right in the first case, wrong by |Delta| and by mu in the others."""
    module = scenario("off_switch")
    game = module.game(module.Options(), sigma=(0.5, 0.5, 0.25), beta=(0.25, 1.0, 1.0), human="boltzmann")
    trainer = Trainer(game, module.ROBOT, seeds=2, episodes=1)
    table = trainer.heads[0].lanes.table
    table[1] = [[0, 1, 0], [0, 3, 0], [-1, -1, 0]]  # waits, waits, switches off; best: waits, acts, acts
    probe = module.Decisions(game, spacing=0.1)
    found = probe(trainer, 1, {})
    assert found["agreement"] == pytest.approx(1 / 3)
    assert found["regret"] == pytest.approx((0.05207712 + 0.25) / 3, abs=1e-6)
    assert found["delta"] == pytest.approx((1 + 3 - 1) / 3)
    assert found["threshold"] == pytest.approx(0.1)
    near = np.array([False, True, True])
    assert module.Decisions(game, near)(trainer, 1, {})["agreement"] == 1
    assert "threshold" not in module.Decisions(game)(trainer, 0, {})


def test_the_human_is_right_where_it_allows_the_good_alone(scenario):
    module = scenario("off_switch")
    game = module.game(module.Options(), human="agent")
    trainer = Trainer(game, module.ROBOT, seeds=2, episodes=1)
    human = trainer.heads[1].lanes.table[3]  # seed 1, agent_1
    human[10:, 0] = 1.0
    assert module.HumanIsRight()(trainer, 1, {})["human_right"] == 1
    human[:5, 0] = 1.0
    assert module.HumanIsRight()(trainer, 1, {})["human_right"] == 0.75


def test_it_runs(run):
    printed, rows, figures = run("off_switch", "--seeds", "2", "--episodes", "4", "--num-envs", "64", "--grid", "4")
    assert figures == {"boundary.png"}
    assert set(rows.condition) >= {"Boltzmann, grid", "rational", "asking costs 0.1", "human explores 0.3"}
    for part in ("boundary", "humans", "wrong beta", "asking", "together"):
        assert f"off_switch: {part}" in printed
    last = rows.groupby(["condition", "seed"]).tail(1)
    assert last.greedy_value.notna().all() and last.agreement.between(0, 1).all() and (last.regret >= -1e-12).all()


@pytest.mark.slow
def test_other_means_and_one_part(run, tmp_path):
    _, rows, _ = run(
        "off_switch", "--seeds", "1", "--episodes", "2", "--num-envs", "8", "--grid", "1", "--parts", "boundary",
        "--mu", "-0.5",
    )  # fmt: skip
    assert list(rows.condition.unique()) == ["Boltzmann, grid"]
    (grid,) = tmp_path.rglob("grid.csv")
    assert grid.read_text().splitlines()[0] == "sigma,beta,wait,delta,wait_theory"
    assert len(grid.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    "options, says",
    [
        (dict(parts=("border",)), "parts may list boundary, humans, wrong beta, asking, together; got 'border'"),
        (dict(parts=()), "parts must list at least one"),
        (dict(grid=0), "grid must be a whole number of at least 1; got 0"),
        (dict(largest_beta=0.0), "largest_beta must be a finite number above 0; got 0.0"),
        (dict(explore=(1.5,)), "explore may list numbers from 0 to 1; got 1.5"),
    ],
)
def test_nonsense_is_refused(scenario, tmp_path, options, says):
    module = scenario("off_switch")
    with pytest.raises(ValueError, match=says):
        module.main(module.Options(out=tmp_path, **options))
    assert not list(tmp_path.iterdir())


def test_wrong_numbers_of_the_game_are_one_sentence(scenario, tmp_path):
    module = scenario("off_switch")
    with pytest.raises(ValueError, match="sigma must be at least 0; got -1"):
        module.main(module.Options(out=tmp_path, sigma=-1.0, parts=("humans",)))
