"""Clarify or answer: payoffs and welfare of every user and reply, what the assistant sees, what studies read."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.policies import Policy

CLEAR, VAGUE = 0, 1
ANSWER, ASK, BOTH = 0, 1, 2
PROMPT = {  # the example of the paper's prompt: (assistant's, user's)
    (CLEAR, BOTH): (2.2, 1.9), (CLEAR, ASK): (3.1, 3.5), (CLEAR, ANSWER): (4.2, 4.3),
    (VAGUE, BOTH): (2.0, 2.1), (VAGUE, ASK): (1.3, 1.2), (VAGUE, ANSWER): (2.0, 1.8),
}  # fmt: skip
WELFARE = {
    "mutual": lambda a, u: (a * u) ** 0.5,
    "linear": lambda a, u: (a + u) / 2,
    "user": lambda a, u: u,
    "assistant": lambda a, u: a,
}


@pytest.mark.parametrize("welfare", sorted(WELFARE))
@pytest.mark.parametrize("reply", [ANSWER, ASK, BOTH])
def test_every_reply_pays_its_welfare(welfare, reply):
    sim = ms.Simulator(ms.make("assistant", welfare=welfare), 64, seed=1)
    sim.reset()
    user = sim.state["kind_of_user"][:, 0].copy()
    step = sim.step(np.full((64, 1), reply))
    assert set(user) == {CLEAR, VAGUE}
    assert step.terminated.all()
    pairs = np.array([PROMPT[t, reply] for t in user])
    np.testing.assert_allclose(step.reward[:, 0], [WELFARE[welfare](a, u) for a, u in pairs], rtol=1e-12)
    np.testing.assert_allclose(step.tallies["gained"], pairs)
    assert (step.tallies["replies"].sum((1, 2)) == 1).all()


@pytest.mark.parametrize("vague, accuracy", [(0.5, 0.8), (0.2, 1.0), (0.9, 0.5), (0.3, 0.0)])
def test_users_come_by_the_prior_and_impressions_are_right_as_often_as_said(vague, accuracy):
    worlds = 40_000
    sim = ms.Simulator(ms.make("assistant", vague=vague, accuracy=accuracy, encode="index"), worlds, seed=2)
    sim.reset()
    user, signal = sim.state["kind_of_user"][:, 0], sim.obs[:, 0, sim.game.layout.block("reply")][:, 0]
    assert abs(user.mean() - vague) <= 5 * np.sqrt(vague * (1 - vague) / worlds)
    for t in (CLEAR, VAGUE):
        right = signal[user == t] == t
        assert abs(right.mean() - accuracy) <= 5 * np.sqrt(accuracy * (1 - accuracy) / right.size)


def test_cases_are_as_likely_and_each_is_itself():
    """Two priors with two accuracies; every case is shown, and in it users and impressions are as it says."""
    worlds, wanted = 40_000, ((0.2, 0.9), (0.7, 0.6))
    game = ms.make("assistant", vague=(0.2, 0.7), accuracy=(0.9, 0.6), encode="index")
    assert game.dilemma.cases == wanted
    sim = ms.Simulator(game, worlds, seed=4)
    sim.reset()
    case, user, signal = (sim.state[name][:, 0] for name in ("case", "kind_of_user", "signal"))
    np.testing.assert_array_equal(sim.obs[:, 0, game.layout.block("reply")], np.stack([signal, case], 1))
    assert abs(case.mean() - 0.5) < 5 * 0.5 / np.sqrt(worlds)
    for c, (vague, accuracy) in enumerate(wanted):
        mine = case == c
        assert abs(user[mine].mean() - vague) < 5 * 0.5 / np.sqrt(mine.sum())
        assert abs((signal == user)[mine].mean() - accuracy) < 5 * 0.5 / np.sqrt(mine.sum())
    assert ms.ClarifyOrAnswer(vague=(0.2, 0.7)).cases == ((0.2, 0.8), (0.7, 0.8))


def test_the_assistant_sees_its_impression_alone():
    sim = ms.Simulator(ms.make("assistant"), 500, seed=3)
    sim.reset()
    user, signal = sim.state["kind_of_user"][:, 0], sim.state["signal"][:, 0]
    for s in (CLEAR, VAGUE):
        assert set(user[signal == s]) == {CLEAR, VAGUE}
        assert not np.ptp(sim.obs[signal == s], axis=0).any()


class ByImpression(Policy):
    """A reply for each impression."""

    replies: tuple = (ANSWER, BOTH)

    def act(self, view):
        return np.array(self.replies)[view["signal"]]


def row_of(policy, **options):
    game, worlds = ms.make("assistant", **options), 40_000
    trainer = ms.Trainer(game, ms.DQN(), episodes=1, num_envs=worlds, policies={0: policy})
    (row,) = [row for rows in trainer.run() for row in rows]
    return row


def test_measures():
    """Answer what seems clear, do both where it seems vague: exact expectations at prior 1/4, accuracy 0.9."""
    row = row_of(ByImpression(), vague=0.25, accuracy=0.9, rounds=2)
    p = {(CLEAR, ANSWER): 0.75 * 0.9, (CLEAR, BOTH): 0.75 * 0.1, (VAGUE, BOTH): 0.25 * 0.9, (VAGUE, ANSWER): 0.25 * 0.1}
    expected = {
        "user_payoff": sum(q * PROMPT[cell][1] for cell, q in p.items()),
        "assistant_payoff": sum(q * PROMPT[cell][0] for cell, q in p.items()),
        "mean_welfare": sum(q * WELFARE["mutual"](*PROMPT[cell]) for cell, q in p.items()),
        "answer": p[CLEAR, ANSWER] + p[VAGUE, ANSWER],
        "both": p[CLEAR, BOTH] + p[VAGUE, BOTH],
        "asked_vague": 0.9,
        "asked_clear": 0.1,
    }
    for name, value in expected.items():
        spread = 1.3 if "payoff" in name or "welfare" in name else 0.5  # payoffs lie within 2.6 of one another
        trials = 20_000 if name == "asked_vague" else 80_000
        assert abs(row[name] - value) < 5 * spread / np.sqrt(trials), name
    assert row["ask"] == 0.0
    assert row["mean_welfare"] == pytest.approx(row["payoff"] / 2)


def test_a_type_that_never_comes_is_never_asked():
    row = row_of(ByImpression((ASK, ASK)), vague=0.0)
    assert (row["asked_clear"], row["asked_vague"], row["ask"]) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize("welfare", ["linear", "user", "assistant"])
def test_negative_payoffs_suit_every_welfare_but_the_mutual(refused, welfare):
    table = np.full((2, 3, 2), -1.0)
    sim = ms.Simulator(ms.make("assistant", payoffs=table, welfare=welfare), 4)
    sim.reset()
    assert (sim.step(np.zeros((4, 1), dtype=int)).reward == -1).all()
    refused(lambda: ms.make("assistant", payoffs=table), "payoffs", "at least 0", "mutual", "-1")


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.make("assistant", vague=1.5), "vague", "from 0 to 1", "1.5")
    refused(lambda: ms.make("assistant", accuracy=-0.1), "accuracy", "from 0 to 1", "-0.1")
    refused(lambda: ms.make("assistant", accuracy=float("nan")), "accuracy", "finite")
    refused(lambda: ms.make("assistant", payoffs=np.ones((3, 2, 2))), "payoffs", "[clear, vague]")
    refused(lambda: ms.make("assistant", payoffs="rich"), "payoffs", "rich")
    refused(lambda: ms.make("assistant", payoffs=np.full((2, 3, 2), np.nan)), "payoffs", "finite")
    refused(lambda: ms.make("assistant", welfare="mutal"), "'mutal'", "did you mean 'mutual'")
    refused(lambda: ms.make("assistant", vague=(0.1, 1.5)), "vague", "from 0 to 1", "1.5")
    refused(lambda: ms.make("assistant", vague=()), "vague", "a finite number or a tuple", "()")
    refused(lambda: ms.make("assistant", vague="0.5"), "vague", "a finite number or a tuple", "'0.5'")
    refused(lambda: ms.make("assistant", vague=(0.1, 0.2), accuracy=(0.5, 0.6, 0.7)), "equal length", "2 and 3")
    refused(lambda: ms.theory.assistant_oracle(ms.make("assistant", vague=(0.1, 0.2))), "one vague", "2 cases")
    refused(lambda: ms.Group(ms.ClarifyOrAnswer(), n_agents=2), "n_agents=1", "2")
