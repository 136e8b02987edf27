"""Societies from the command line."""

import pytest


@pytest.mark.parametrize(
    "options",
    [
        ("--dilemma", "stag_hunt", "--mechanisms", "partner_selection", "reputation", "punishment"),
        ("--dilemma", "donation", "--mechanisms", "talk", "gift", "noise", "norm", "--horizon", "geometric"),
        ("--dilemma", "centipede", "--mechanisms", "exit", "--n-agents", "4", "--no-beside-nothing"),
    ],
)
def test_any_composition_runs(run, options):
    printed, rows, figures = run("compose", "--seeds", "2", "--episodes", "20", "--num-envs", "2", *options)
    assert rows.cooperation.between(0, 1).all()
    assert rows.groupby(["condition", "seed"]).episode.max().eq(20).all()
    assert figures == {"cooperation.png"}
    assert options[1] in printed


def test_every_mechanism_and_dilemma_has_a_name(scenario):
    import marl_sim as ms

    module = scenario("compose")
    homes = {name: home for name, home in ms._HOME_OF.items() if home.startswith("mechanisms.")}
    assert {cls.__name__ for cls in module.MECHANISMS.values()} == set(homes)
    assert set(module.DILEMMAS) == set(module.DilemmaName.__args__)
