"""Slips and misreadings: who is paid for what, who knows what, and how often."""

import numpy as np

import marl_sim as ms

LOPSIDED = ms.MatrixGame(payoffs=np.zeros((2, 3, 2)).tolist())
WIDE = ms.MatrixGame(payoffs=np.zeros((3, 3, 2)).tolist())


def society(dilemma, *parts, **options):
    return ms.Society(dilemma, *parts, **dict(n_agents=2, horizon=ms.Continuing(1000)) | options)


def test_a_slip_is_real_and_known_to_all(table):
    game = society(ms.PrisonersDilemma(), ms.Noise(execution=1.0), ms.Reputation(), horizon=ms.Fixed(2), encode="index")
    t = table(game)
    paid = t.round(play=0)
    assert paid.payoff.tolist() == [[1.0, 1.0]]  # both meant to cooperate, both defected
    assert t.sees("own_actions").tolist() == [[1], [1]]
    assert t.sees("target_actions").tolist() == [[1], [1]]
    assert t.sim.state["standing"][0, 0].tolist() == [-1.0, -1.0]
    told = t.round(play=0).step.tallies
    assert told["slips"].tolist() == [[4]]
    assert told["outcomes"].tolist() == [[0, 0, 0, 2]]
    assert told["choices"][0].tolist() == [[2, 0], [2, 0]]  # what was chosen


def test_a_misreading_is_paid_as_done_and_known_to_its_author_alone(table):
    game = society(
        ms.PrisonersDilemma(), ms.Reputation(), ms.Noise(perception=1.0), horizon=ms.Fixed(2), encode="index"
    )
    t = table(game)
    paid = t.round(play=0)
    assert paid.payoff.tolist() == [[3.0, 3.0]]
    assert t.sees("own_actions").tolist() == [[0], [0]]
    assert t.sees("target_actions").tolist() == [[1], [1]]
    assert t.sim.state["standing"][0, 0].tolist() == [-1.0, -1.0]
    told = t.round(play=0).step.tallies
    assert told["misreadings"].tolist() == [[4]]
    assert told["outcomes"].tolist() == [[2, 0, 0, 0]]


def test_judges_go_by_what_it_looked_like(table):
    game = society(ms.PrisonersDilemma(), ms.Punishment(), ms.Noise(perception=1.0), horizon=ms.Fixed(1))
    paid = table(game).round(play=0, punish=1)
    assert paid.judging.tolist() == [[2.0, 2.0]]  # it looked like defection
    assert paid.step.tallies["justly"].tolist() == [[2]]


def test_without_noise_nothing_errs(random_steps):
    for sim, step in random_steps(society(ms.PrisonersDilemma(), ms.Noise(), n_agents=4), 50):
        assert (sim.state["recent"] == sim.state["did"]).all()
        assert not step.tallies["slips"].any()


def test_errors_come_at_their_rates_and_are_uniform_among_the_other_actions(table, near):
    worlds = 20000
    t = table(society(WIDE, ms.Noise(execution=0.2, perception=0.1)), num_envs=worlds)
    t.round(play=1)
    did, seen = t.sim.state["did"][:, :, 0], t.sim.state["recent"][:, :, 0]
    near((did != 1).sum(), did.size, 0.2)
    near((did[did != 1] == 0).sum(), (did != 1).sum(), 0.5)
    near((seen != did).sum(), did.size, 0.1)
    third = (seen - did)[seen != did] % 3
    near((third == 1).sum(), third.size, 0.5)
    near(((did != 1) & (seen != did)).sum(), did.size, 0.02)  # independent


def test_nobody_errs_into_an_action_that_it_does_not_have(table):
    t = table(society(LOPSIDED, ms.Noise(execution=1.0, perception=1.0)), num_envs=2000)
    for _ in range(3):
        hosting = t.sim.state["hosting"].astype(bool)
        t.round(play=1)
        for seen in (t.sim.state["did"], t.sim.state["recent"]):
            assert set(seen[hosting].ravel()) <= {0, 1}
            assert set(seen[~hosting].ravel()) <= {0, 1, 2}
        assert (t.sim.state["did"][hosting] == 0).all()


def test_a_single_action_cannot_err(table):
    t = table(society(ms.MatrixGame(payoffs=[[(1, 1)]]), ms.Noise(execution=1.0, perception=1.0)))
    assert t.round(play=0).payoff.tolist() == [[1.0, 1.0]]
    assert t.sim.state["recent"].ravel().tolist() == [0, 0]


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.Noise(execution=1.5), "execution", "1.5", "from 0 to 1")
    refused(lambda: ms.Noise(perception=-0.1), "perception", "-0.1")
    refused(lambda: ms.Noise(perception=float("nan")), "perception", "nan")
    refused(lambda: ms.Noise(perception="often"), "perception", "often")
