"""The centipede: closed forms for every length of play, whose move it is, and mechanisms after every move."""

import numpy as np
import pytest

import marl_sim as ms


def society(*parts, n_agents=2, rounds=1, dilemma=None, **options):
    options = dict(encounters="in turn" if n_agents > 2 else "together") | options
    return ms.Society(dilemma or ms.Centipede(), *parts, n_agents=n_agents, horizon=ms.Fixed(rounds), **options)


def play_until(t, stop_at):
    """One game in every world, stopped at the world's own move number; what host and guest got."""
    worlds = t.sim.num_worlds
    host = t.sim.state["hosting"].argmax(1)
    total, over = np.zeros((worlds, 2)), np.zeros(worlds, dtype=bool)
    while not over.all():
        stop = t.sim.state["move"][:, 0] >= stop_at
        step = t.step(play=np.repeat(stop[:, None], 2, axis=1).astype(int))
        total[~over] += step.reward[~over]
        over |= step.terminated
    return np.take_along_axis(total, np.stack([host, 1 - host], 1), 1)


FORMS = [
    ms.Centipede(),
    ms.Centipede(iterations=3, cost=0.5, benefit=2),
    ms.Centipede(form="exponential", iterations=3),
    ms.Centipede(form="exponential", iterations=2, large=0.4, small=0.1),
]


@pytest.mark.parametrize("dilemma", FORMS, ids=["paper", "linear", "exponential", "experiment"])
def test_every_length_of_play_pays_the_purse(table, dilemma):
    lengths = np.arange(dilemma.moves + 1)
    got = play_until(table(society(dilemma=dilemma), num_envs=len(lengths)), lengths)
    np.testing.assert_allclose(got, dilemma.purse, atol=1e-12)
    for t, (host, guest) in enumerate(got):
        if dilemma.form == "linear":  # c * own moves, b * the other's
            b, c = dilemma.benefit, dilemma.cost
            assert (host, guest) == (b * (t // 2) - c * ((t + 1) // 2), b * ((t + 1) // 2) - c * (t // 2))
        else:
            large, small = dilemma.large * dilemma.growth**t, dilemma.small * dilemma.growth**t
            np.testing.assert_allclose((host, guest), (large, small) if t % 2 == 0 else (small, large))


def test_the_papers_payoffs():
    assert ms.Centipede().purse[[0, 1, 2, 20]].tolist() == [[0, 0], [-1, 5], [4, 4], [40, 40]]


def test_the_experiments_payoffs():  # McKelvey & Palfrey's four-move game
    purse = ms.Centipede(form="exponential", iterations=2, large=0.4, small=0.1).purse
    np.testing.assert_allclose(purse, [[0.4, 0.1], [0.2, 0.8], [1.6, 0.4], [0.8, 3.2], [6.4, 1.6]])


@pytest.mark.parametrize("dilemma", FORMS, ids=["paper", "linear", "exponential", "experiment"])
def test_it_is_a_centipede(dilemma):
    purse = dilemma.purse
    for t in range(dilemma.moves):
        mover = t % 2
        assert purse[t, mover] > purse[t + 1, mover]  # one would rather stop than be stopped next
        if t + 2 <= dilemma.moves:
            assert purse[t + 2, mover] > purse[t, mover]  # but two moves on one is better off


def test_players_move_in_turn_and_know_how_far_it_is(table):
    t = table(society(dilemma=ms.Centipede(iterations=3), encode="index"), num_envs=5)
    host = t.sim.state["hosting"].argmax(1)
    for move in range(6):
        assert (t.sim.acting.sum(1) == 1).all()
        assert (t.sim.acting.argmax(1) == (host if move % 2 == 0 else 1 - host)).all()
        for world in range(5):
            mover = int(t.sim.acting[world].argmax())
            assert t.sees("move", world)[mover] == move
            assert t.sees("target_actions", world)[mover] == (0 if move else 2)
        step = t.step(play=0)
    assert step.terminated.all()
    assert step.tallies["games"].tolist() == [[1]] * 5
    assert step.tallies["continued"].tolist() == [[6]] * 5


def test_a_round_is_a_whole_game(table):
    t = table(society(n_agents=3, rounds=2), num_envs=3)
    games, ended = 0, False
    while not ended:
        ended = bool(t.step(play=lambda sim: sim.state["move"][:, :1] >= 2).terminated[0])
        games += 1
    assert games == 2 * 3 * 3  # two rounds, three hosts, three moves


@pytest.mark.parametrize("by", ["partner", "witness", "both"])
def test_the_mover_is_judged_after_every_move(table, by):
    game = ms.make("direct_punishment", dilemma="centipede", by=by)
    t = table(game)
    for move in range(6):
        assert t.kind == "play"
        mover = int(t.sim.acting[0].argmax())
        t.step(play=move // 5)
        judges = set()
        while t.kind == "punish":
            for j in np.flatnonzero(t.sim.acting[0]):
                assert t.sim.state["target"][0, j] == mover
                assert t.sees("target_act")[j] == move // 5
                judges.add(int(j))
            t.step(punish=0)
        assert len(judges) == (2 if by == "both" else 1)
        assert mover not in judges


def test_reputation_and_norms_judge_the_mover_alone(table):
    t = table(society(ms.Reputation(), dilemma=ms.Centipede(iterations=2)))
    mover = int(t.sim.acting[0].argmax())
    t.step(play=0)
    assert t.sim.state["standing"][0, 0, mover] == 1
    assert t.sim.state["standing"][0, 0, 1 - mover] == 0
    t = table(society(ms.Norm(norm=0, error=0.0), dilemma=ms.Centipede(iterations=2)))
    mover = int(t.sim.acting[0].argmax())
    t.step(play=0)
    assert t.sim.state["standing"][0, 0].tolist() == [int(i != mover) for i in range(2)]


def test_slips_stop_a_game(table):
    t = table(society(ms.Noise(execution=1.0)))
    assert t.step(play=0).terminated.all()  # meant to continue


@pytest.mark.parametrize(
    "parts",
    [
        (ms.PartnerSelection(), ms.Gift(), ms.Talk(3), ms.Punishment(by="both")),
        (ms.Exit(), ms.Norm(), ms.Noise(0.1, 0.1)),
    ],
)
def test_mechanisms_lie_on_it(random_steps, parts):
    for sim, step in random_steps(society(*parts, n_agents=5, rounds=2), 150):
        assert sim.acting.any(-1).all()
        assert np.isfinite(step.reward).all()


def test_misfits_are_refused(refused):
    refused(lambda: ms.Society(ms.Centipede(), n_agents=4), "Centipede", "in turn")
    refused(lambda: ms.Society(ms.Centipede(), ms.PartnerSelection(), n_agents=2), "Centipede", "in turn")
    refused(lambda: ms.Centipede(iterations=0), "iterations", "0")
    refused(lambda: ms.Centipede(benefit=1.0), "benefit > cost > 0", "benefit=1")
    refused(lambda: ms.Centipede(form="exponential", small=2.0), "large > growth * small", "small=2")
    refused(lambda: ms.Centipede(form="cubic"), "'cubic'", "linear")
    refused(lambda: ms.Centipede(sees=("all",)), "sees", "all")
