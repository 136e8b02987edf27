"""Societies from the command line."""

import pytest


@pytest.mark.parametrize(
    "options",
    [
        ("--dilemma", "stag_hunt", "--mechanisms", "partner_selection", "reputation", "punishment"),
        ("--dilemma", "public_goods", "--n-agents", "4", "--horizon", "fixed"),
        *(
            pytest.param(options, marks=pytest.mark.slow)
            for options in (
                ("--dilemma", "donation", "--mechanisms", "talk", "gift", "noise", "norm", "--horizon", "geometric"),
                ("--dilemma", "centipede", "--mechanisms", "exit", "--n-agents", "4", "--no-beside-nothing"),
                ("--dilemma", "trust", "--mechanisms", "reputation"),
                ("--dilemma", "collective_risk", "--mechanisms", "reputation", "--n-agents", "6"),
            )
        ),
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
    assert set(module.DilemmaName.__args__) == {*module.PAIRS, *module.GROUPS}
    assert all(issubclass(cls, ms.Dilemma) for cls in module.PAIRS.values())
    assert all(issubclass(cls, ms.GroupDilemma) for cls in module.GROUPS.values())


@pytest.mark.parametrize("dilemma", ["pairs", "groups"])
def test_every_dilemma_is_played_bare_and_with_what_suits_it(scenario, dilemma):
    module = scenario("compose")
    for name in module.PAIRS if dilemma == "pairs" else module.GROUPS:
        options = module.Options(dilemma=name, n_agents=6)
        for mechanisms in ((), module.usual(options)):
            game = module.game(options, mechanisms)
            assert all(game.part(module.MECHANISMS[one]) for one in mechanisms)
