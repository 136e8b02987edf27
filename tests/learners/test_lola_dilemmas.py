"""What becomes of dilemmas under opponent shaping: cooperation by reciprocity where naive learners defect."""

import numpy as np
import pytest
import torch

import marl_sim as ms
from marl_sim.learners import LOLA, ExactLOLA
from marl_sim.learners.iterated import iterated_values
from marl_sim.training.rollout import Trainer

# The iterated prisoner's dilemma of the paper: -1 each for cooperating, -2 each for defecting, 0 and -3 for one-sided
# defection; tit for tat against itself gets -1 a round. Payoffs are negative, so that "0.9 of it" is said of the way
# from what defectors get: -2 + 0.9 * (-1 - -2) = -1.1.
PRISONERS = ms.PrisonersDilemma(reward=-1.0, temptation=0.0, sucker=-3.0, punishment=-2.0)
COOPERATES, DEFECTS = -1.1, -1.9
GAMMA = 0.96


def test_the_exact_value_of_two_tit_for_tats_is_that_of_cooperation():
    theta = torch.full((1, 2, 5, 1), 30.0, dtype=torch.float64)
    theta[:, 0, [2, 4]] = theta[:, 1, [3, 4]] = -30.0  # after CD, CC..: defect where the other did
    theta[:, 0, 3], theta[:, 1, 2] = 30.0, 30.0
    value = iterated_values(theta, torch.tensor(PRISONERS.matrix), GAMMA)
    assert (1 - GAMMA) * value[0].numpy() == pytest.approx([-1.0, -1.0])


def exact_payoffs(learner, seeds, times):
    lanes = learner.build(learner.head(), np.arange(seeds), np.zeros(seeds, int))
    return lanes, lanes.improve(times)


@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_naive_learners_of_the_dilemma_end_in_defection(spread):
    """All ten seeds: near chance every step away from cooperation pays at once, and reciprocity has yet to be learned.

    Mutual defection pays -2; a tenth of the way to cooperation is left to odds that approach 0 for ever.
    """
    lanes, paid = exact_payoffs(ExactLOLA(payoffs=PRISONERS.matrix, lookahead=0, spread=spread), 10, 100)
    assert (paid < DEFECTS).all()
    reached = lanes.probabilities()[:, :, [0, 4], 0]  # chance to cooperate at first, and after mutual defection
    assert (reached < 0.1).all()


@pytest.mark.parametrize("rule", ["lookahead", "taylor"])
def test_lola_of_the_dilemma_cooperates_by_reciprocity(rule):
    """Ten seeds of ten, as measured: at least -1.1 a round, 0.9 of the way from defection to what tit for tat gets."""
    lanes, paid = exact_payoffs(ExactLOLA(payoffs=PRISONERS.matrix, rule=rule), 10, 80)
    assert (paid.mean(1) > COOPERATES).sum() >= 9
    chance = lanes.probabilities()[:, 0, :, 0].mean(0)  # the row player's, to cooperate: start, CC, CD, DC, DD
    assert chance[1] > 0.9 > 0.5 > chance[2]  # it goes on cooperating, and answers defection


def test_naive_learners_split_over_the_equilibria_of_the_stag_hunt():
    """One round (gamma 0): stag pays where the other hunts it with probability above 3/4, so that the starts decide."""
    hunt = ms.StagHunt(stag=4, hare=3, temptation=3, alone=0).matrix
    learner = ExactLOLA(payoffs=hunt, gamma=0.0, lookahead=0, lr=2.0, spread=2.5)
    lanes = learner.build(learner.head(), np.arange(64), np.zeros(64, int))
    start = lanes.probabilities()[:, :, 0, 0]
    lanes.improve(250)
    end = lanes.probabilities()[:, :, 0, 0]
    both, neither = (start > 0.75).all(1), (start < 0.75).all(1)
    assert both.sum() >= 5 and neither.sum() >= 5
    assert (end[both] > 0.75).all() and (end[both] >= start[both]).all()
    assert (end[neither] < 0.75).all() and (end[neither] <= start[neither]).all()
    stag, hare = (end > 0.9).all(1), (end < 0.1).all(1)
    assert stag.sum() >= 5 and hare.sum() >= 5 and (stag | hare).mean() > 0.7


def test_exact_lola_plays_and_learns_in_a_trainer():
    game = ms.Society(PRISONERS, n_agents=2, horizon=ms.Fixed(20))
    learner = ExactLOLA(payoffs=PRISONERS.matrix, rule="taylor", steps=4)
    common = dict(episodes=12, num_envs=3, block=3)
    rows = [row for rows in Trainer(game, learner, seeds=2, **common).run() for row in rows]
    alone = [row for rows in Trainer(game, learner, seeds=(1,), **common).run() for row in rows]
    assert [row for row in rows if row["seed"] == 1] == alone
    assert all(first["cooperation"] < 0.85 < 0.9 < last["cooperation"] for first, last in zip(rows[:2], rows[-2:]))


def test_a_resumed_exact_run_is_one_that_never_stopped():
    game = ms.Society(PRISONERS, n_agents=2, horizon=ms.Fixed(5))
    learner = ExactLOLA(payoffs=PRISONERS.matrix, steps=3)
    whole, first, second = (Trainer(game, learner, seeds=2, episodes=6, num_envs=2, block=2) for _ in range(3))
    uncut = [row for rows in whole.run() for row in rows]
    rows = [row for _ in range(13) for row in first.advance()]
    second.load_state_dict(first.state_dict())
    assert rows + [row for more in second.run() for row in more] == uncut
    shown = first.heads[0].lanes.state_dict()
    first.evaluate(4)
    assert all(np.array_equal(shown[k], v) for k, v in first.heads[0].lanes.state_dict().items() if k != "greedy_ties")


class AllD(ms.Policy):
    def act(self, view):
        return np.ones(view.n, int)


def test_exact_players_refuse_what_they_do_not_know():
    game = ms.Society(ms.PrisonersDilemma(), n_agents=2, horizon=ms.Fixed(5))
    with pytest.raises(ValueError, match=r"was paid \[.*\] for actions \[.*\]; ExactLOLA.payoffs say \[-"):
        list(Trainer(game, ExactLOLA(payoffs=PRISONERS.matrix), episodes=1).run())
    three = ms.Society(ms.PrisonersDilemma(), n_agents=4, horizon=ms.Fixed(5))
    with pytest.raises(ValueError, match=r"payoffs are for 2 players of \(2, 2\) actions; head 'play' has 4 of 2"):
        Trainer(three, ExactLOLA(payoffs=PRISONERS.matrix), episodes=1)
    alone = Trainer(ms.Society(PRISONERS, n_agents=2), ExactLOLA(payoffs=PRISONERS.matrix), policies={1: AllD()})
    with pytest.raises(ValueError, match=r"agent_0 and agent_1 of seed 0 .* plays games in which all decide at once"):
        list(alone.run())
    for wrong in ([[1, 2], [3, 4]], [[[1, np.nan]] * 2] * 2, "dilemma"):
        with pytest.raises(ValueError, match=r"ExactLOLA.payoffs is .*; it must be finite numbers"):
            ExactLOLA(payoffs=wrong)
    with pytest.raises(ValueError, match=r"ExactLOLA.gamma is 1"):
        ExactLOLA(payoffs=PRISONERS.matrix, gamma=1)
    learner = ExactLOLA(payoffs=PRISONERS.matrix)
    lanes = learner.build(learner.head(), np.arange(2), np.zeros(2, int))
    lanes.theta[1] = np.nan
    with pytest.raises(FloatingPointError, match=r"Lane 1 of head 'play' has a loss of nan"):
        lanes.improve()


@pytest.mark.slow
@pytest.mark.parametrize(("lookahead", "cooperates"), [(1, True), (0, False)])
def test_lola_of_what_was_played_cooperates_too(lookahead, cooperates):
    """The same dilemma through a Trainer, from samples: payoffs a round of mutual cooperation -1, of defection -2.

    0.9 of the way from defection to what tit for tat gets is -1.1. Of ten seeds nine got there when this was written;
    eight are asked for. Naive learners, the same with no lookahead, all defect: within a tenth of -2.
    """
    game = ms.Society(PRISONERS, n_agents=2, horizon=ms.Fixed(50), encode="index")
    learner = LOLA(policy="table", steps=50, lookahead=lookahead)
    trainer = ms.Trainer(game, learner, seeds=10, episodes=160, num_envs=64, block=40)
    paid = [row["reward"] / 100 for block in trainer.run() for row in block if row["episode"] == 160]
    print(lookahead, sorted(paid))
    assert len(paid) == 10
    assert sum(x > -1.1 for x in paid) >= 8 if cooperates else max(paid) < -1.9


def test_sampled_lola_learns_in_a_trainer_as_it_does_alone():
    game = ms.Society(PRISONERS, n_agents=2, horizon=ms.Fixed(6), encode="index")
    learner = LOLA(policy="table", steps=12, lr=0.05)
    common = dict(episodes=8, num_envs=4, block=2)
    rows = [row for rows in Trainer(game, learner, seeds=3, **common).run() for row in rows]
    trainer = Trainer(game, learner, seeds=(1,), **common)
    assert [row for row in rows if row["seed"] == 1] == [row for rows in trainer.run() for row in rows]
    assert trainer.heads[0].lanes.updates.tolist() == [4]
