"""Free riding, and what is laid on it: what runs, and what theory says of each condition."""

import numpy as np
import pytest

import marl_sim as ms


def test_a_small_run_of_every_condition(run):
    printed, rows, figures = run("public_goods", "--seeds", "2", "--episodes", "20", "--num-envs", "2", "--rounds", "3")
    assert figures == {"contribution.png"}
    last = rows[rows.episode == 20]
    assert last.contribution.between(0, 1).all()
    assert last.greedy_contribution.between(0, 1).all()
    assert "greedy contribution, theory" in printed
    scripted = last[last.condition.isin(["1 point", "3 points"])]
    assert (scripted.contribution_0 == 1).all()
    assert (scripted.contribution_1 == 1).all()


def theory(module, options, name):
    given = dict(module.CONDITIONS[name])
    punishers, strength = given.pop("punishers", 0), given.pop("strength", 0)
    return module.expected(options, module.game(options, **given), punishers, strength)["greedy_contribution"]


def test_theory_of_the_conditions(scenario):
    module = scenario("public_goods")
    expected = {name: theory(module, module.Options(), name) for name in module.CONDITIONS}
    assert expected == {
        "nothing": 0, "punishment": 0, "reward": 0, "institutions": 0, "1 point": 0, "3 points": 1, "threshold": 0.5,
        "threshold, refund": 0.5,
    }  # fmt: skip


@pytest.mark.parametrize("strength", [1, 2, 3])
def test_scripted_punishers_turn_the_best_reply_where_theory_says(scenario, strength):
    """What each contribution pays a player between two scripted punishers, played out."""
    module = scenario("public_goods")
    options = module.Options(n_agents=3, rounds=1)
    judges = (ms.PeerPunishment(points=module.POINTS),)
    game = module.game(options, laid_on=judges)
    paid = []
    for own in range(options.levels):
        sim = ms.Simulator(game)
        sim.reset()
        total = sim.step(np.array([[own, options.levels - 1, options.levels - 1]])).reward[0, 0]
        for _ in range(2):
            points = np.where((sim.state["target"][0] == 0) & (own < options.levels - 1), strength, 0)
            total += sim.step(points[None]).reward[0, 0]
        paid.append(total)
    best = theory_of_three(module, options, strength)
    gain, fine = 20 * (1 - 1.6 / 3), 2 * strength * 3.0
    assert paid[0] - paid[-1] == pytest.approx(gain - fine)
    assert best == float(paid[-1] > paid[0])


def theory_of_three(module, options, strength):
    game = module.game(options, laid_on=(ms.PeerPunishment(points=module.POINTS),))
    return module.expected(options, game, punishers=2, strength=strength)["greedy_contribution"]


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (dict(only=("punish",)), "only may list 'nothing', .*; got 'punish'"),
        (dict(n_agents=2), "n_agents must be at least 3"),
        (dict(multiplier=-1.0), "multiplier must be"),
        (dict(levels=1), "levels must be"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(scenario, tmp_path, options, says):
    module = scenario("public_goods")
    with pytest.raises(ValueError, match=says):
        module.main(module.Options(out=tmp_path, quiet=True, **options))
