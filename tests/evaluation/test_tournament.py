"""The round robin against what is known of it, and against matches played one by one."""

import csv
import json

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.cli import main
from marl_sim.evaluation.tournament import player_list, round_robin
from marl_sim.policies import Seats

T, R, P, S = 4.0, 3.0, 1.0, 0.0


def test_known_matches():
    found = round_robin(["AllC", "AllD", "TitForTat", "Alternator"], turns=10, repetitions=3)
    expected = [
        [R, S, R, (R + S) / 2],
        [T, P, (T + 9 * P) / 10, (T + P) / 2],
        [R, (S + 9 * P) / 10, R, (R + 5 * S + 4 * T) / 10],
        [(T + R) / 2, (S + P) / 2, (R + 5 * T + 4 * S) / 10, (R + P) / 2],
    ]
    np.testing.assert_allclose(found.payoffs, np.repeat(np.array(expected)[:, :, None], 3, axis=2))
    shares = [[1, 1, 1, 1], [0, 0, 0, 0], [1, 0.1, 1, 0.6], [0.5] * 4]
    np.testing.assert_allclose(found.cooperation.mean(axis=2), shares)
    np.testing.assert_allclose(found.scores[0], np.full(3, (S + R + (R + S) / 2) / 3))
    assert found.wins.tolist() == [
        [0] * 3,
        [3] * 3,
        [0] * 3,
        [2] * 3,
    ]
    assert found.players[found.ranking[0]] == "AllD"
    rows = found.rows()
    assert [row["rank"] for row in rows] == [1, 2, 3, 4]
    assert [row["score"] for row in rows] == sorted((row["score"] for row in rows), reverse=True)


def test_a_match_is_what_it_is_in_a_simulator_of_its_own():
    """World m * repetitions + r: the same policies, seated alike, in the same world."""
    names, turns, reps = ["Joss", "GenerousTitForTat", "Random"], 12, 2
    found = round_robin(names, turns=turns, repetitions=reps, noise=0.1, seed=5)
    pairs = [(i, j) for i in range(3) for j in range(i, 3)]
    parts = ms.Noise(execution=0.1), ms.RandomMatching(every="episode")
    game = ms.Society(ms.PrisonersDilemma(), *parts, horizon=ms.Fixed(turns))
    for m, (i, j) in enumerate(pairs):
        for r in range(reps):
            sim = ms.Simulator(game, len(pairs) * reps, seed=5)
            sim.reset()
            who = (i, j) if r % 2 == 0 else (j, i)
            seats, paid = Seats(sim, {side: ms.as_policy(names[k]) for side, k in enumerate(who)}), 0.0
            for _ in range(turns):
                actions = np.zeros(sim.acting.shape, int)
                seats.choose(actions)
                step = sim.step(actions)
                paid = paid + step.reward[m * reps + r]
                seats.saw(step, actions)
            mine = dict(zip(who, paid / turns, strict=True)) if i != j else {i: paid.mean() / turns}
            for k, value in mine.items():
                assert found.payoffs[k, j if k == i else i, r] == pytest.approx(value)


def test_names_and_players():
    policy = ms.as_policy("Random")
    assert round_robin([policy, policy, "Random"], turns=2, repetitions=1).players == (
        "Random",
        "Random (2)",
        "Random (3)",
    )
    assert len(player_list(["all"])) >= 40
    other = round_robin(["AllC", "AllD"], game="stag_hunt", turns=5, repetitions=1)
    assert other.payoffs[:, :, 0].tolist() == [[4, 0], [3, 3]]
    group = round_robin(
        ["FreeRider", "UnconditionalContributor"], game="public_goods", n_agents=2, turns=5, repetitions=2
    )
    np.testing.assert_allclose(group.payoffs[0, 1], 20 + 0.8 * 20)


def test_what_is_refused(refused):
    refused(lambda: round_robin(["AllC"]), "at least 2 players", "1")
    refused(lambda: round_robin(["AllC", "AllD"], game="public_goods"), "two at a time", "4 agents")
    refused(lambda: round_robin(["AllC", "AllD"], repetitions=0), "repetitions")
    refused(lambda: round_robin(["AllC", "AllD"], turns=0), "rounds")
    refused(lambda: round_robin(["AllC", "AllD"], game="trust"), "AllC", "TrustGame")
    refused(lambda: round_robin(["FreeRider"] * 2, game="public_goods", n_agents=2, noise=0.1), "noise", "0.1")
    refused(lambda: player_list([]), "needs players")


def test_the_command(tmp_path, capsys):
    words = [
        "tournament",
        "--players",
        "AllC",
        "AllD",
        "TitForTat",
        "--turns",
        "10",
        "--repetitions",
        "2",
        "--noise",
        "0.01",
    ]
    assert main([*words, "--out", str(tmp_path / "results")]) == 0
    said = capsys.readouterr().out
    assert "12 matches of 10 rounds, noise 0.01" in said
    assert said.splitlines()[1].split() == ["rank", "player", "score", "cooperation", "wins"]
    with (tmp_path / "results" / "matches.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 3 * 3 * 2
    assert main([*words, "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["player"] for row in rows} == {"AllC", "AllD", "TitForTat"}
    assert main(["tournament", "--players", "TitForTatt", "AllC"]) == 2
    assert "did you mean 'TitForTat'" in capsys.readouterr().err
