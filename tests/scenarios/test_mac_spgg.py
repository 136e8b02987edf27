"""What is given turn by turn, and what theory says of it."""

import re

import pytest


def test_a_small_run_prints_theory_beside_what_was_learned(run):
    size = "--seeds", "2", "--episodes", "40", "--num-envs", "16"
    printed, rows, figures = run("mac_spgg", *size, "--only", "classical", "everything", "all at once", "sees nothing")
    assert figures == {"contribution.png", "full.png", "paths.png"}
    assert set(rows.condition) == {"classical", "everything", "all at once", "sees nothing"}
    last = rows[rows.episode == 40]
    assert last.greedy_contribution.between(0, 1).all()
    assert re.search(r"everything.*1\.000.*1\.000.*1\.000", printed)
    assert "position 1, theory" in printed


def test_theory_is_that_of_the_facts(scenario):
    """The reference outcomes of three movers and 21 levels."""
    module = scenario("mac_spgg")
    options, paths = module.Options(), {}
    for name, changes in module.CONDITIONS.items():
        known = module.equilibrium(module.game(options, **changes))
        paths[name] = known and tuple(map(float, known.path))
    assert paths == {
        "classical": (0, 0, 0),
        "everything": (1, 1, 1),
        "threshold 85 %": (0.55, 1, 1),
        "threshold 28 %": (0.3, 1, 1),
        "no bonus": (1, 1, 1),
        "no penalty": (0.3, 1, 1),
        "no share": (1, 1, 1),
        "bonus by the mean": (1, 1, 1),
        "bonus not by one's own, 28 %": (0, 0, 0.85),
        "sees the total": (1, 1, 1),
        "sees the last": None,
        "sees nothing": None,
        "random turns": (1, 1, 1),
        "bids for turns": None,
        "all at once": None,
    }


def test_a_seat_counts_as_at_the_equilibrium_within_half_a_step(scenario):
    probe = scenario("mac_spgg").AtEquilibrium((0.3, 1, 1), levels=21)
    row = {"greedy_contribution": 0.75, "greedy_position_1": 0.32, "greedy_position_2": 0.97, "greedy_position_3": 1.0}
    assert probe(None, 0, row) == {"at_spne": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (dict(parts=("turn",)), "parts may list rewards, sights, turns; got 'turn'"),
        (dict(only=("everyone",)), "only may list 'classical', .*; got 'everyone'"),
        (dict(parts=("turns",), only=("classical",)), "no condition of the parts turns is among those of only"),
        (dict(rho=-1.0, only=("everything",)), "rho must be"),
        (dict(levels=1), "levels must be"),
    ],
)
def test_wrong_options_are_refused_in_one_sentence(scenario, tmp_path, options, says):
    module = scenario("mac_spgg")
    with pytest.raises(ValueError, match=says):
        module.main(module.Options(out=tmp_path, quiet=True, **options))
