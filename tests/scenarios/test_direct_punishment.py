"""The scenario of direct punishment: conditions, what teaches whom, the authors' log, and that it runs."""

import pytest

import marl_sim as ms


def test_the_societies_are_the_papers(scenario):
    module = scenario("direct_punishment")
    for name, wanted in module.CONDITIONS.items():
        game = module.society(name, module.Options())
        assert (game.n_agents, game.in_turn, game.turns, game.encode) == (5, True, "index", "index")
        assert game.horizon == ms.Continuing(10)
        punishment = game.part(ms.Punishment)
        assert (punishment is None) == (wanted["by"] == "none")
        assert (game.part(ms.PartnerSelection) is not None) == wanted.get("selection", False)
        if punishment is not None:
            just = -3.0 if wanted.get("costly") else 2.0
            assert (punishment.fine, punishment.just, punishment.unjust) == (3.0, just, -10.0)


@pytest.mark.parametrize(
    "condition, dims",
    [
        ("reputation only", {"play": 4}),
        ("direct", {"play": 2, "punish": 2}),
        ("third party, selection", {"select": 5, "play": 4, "punish": 2}),
    ],
)
def test_what_is_seen_is_what_the_paper_shows(scenario, condition, dims):
    module = scenario("direct_punishment")
    game = module.society(condition, module.Options())
    seen = {kind: stop - start for kind, (start, stop) in game.layout.blocks.items()}
    assert seen == dims


def test_it_runs(run):
    only = ("reputation only", "direct", "third party, selection", "both, costly")
    printed, rows, figures = run("direct_punishment", "--seeds", "2", "--episodes", "20", "--only", *only)
    assert set(rows.condition) == set(only)
    assert rows.groupby(["condition", "seed"]).episode.max().eq(20).all()
    assert {"cooperation.png", "reward.png", "punishment.png"} <= figures
    assert "both, costly" in printed
    both = rows[rows.condition == "both, costly"]
    assert (both.reward_as_logged > both.reward).all()


def test_one_condition_alone_runs(run):
    printed, rows, figures = run("direct_punishment", "--seeds", "1", "--episodes", "10", "--only", "reputation only")
    assert "Not recorded by any condition: punishment" in printed
    assert figures >= {"cooperation.png"}
    assert len(rows) == 1
