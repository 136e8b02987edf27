"""The probe games pay what the papers and their definitions say, for every profile of actions."""

import itertools
import pickle

import numpy as np
import pytest
from probes import alone, cooperative

import marl_sim as ms
from marl_sim import IllegalAction


def play(game: ms.Game, courses: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Play courses [W, T, n] of actions, a world each, to the end; rewards [W, T, n], observations [W, T, n, D]."""
    sim = ms.Simulator(game, num_envs=len(courses), seed=seed)
    sim.reset()
    paid, seen = [], []
    for t in range(courses.shape[1]):
        seen.append(sim.obs.copy())
        step = sim.step(courses[:, t])
        paid.append(step.reward.copy())
        assert (step.terminated == (t == courses.shape[1] - 1)).all() and not step.truncated.any()
    return np.stack(paid, axis=1), np.stack(seen, axis=1)


def every(actions: int, steps: int, n: int) -> np.ndarray:
    """All courses of so many steps and agents: [actions ** (steps * n), steps, n]."""
    return np.array(list(itertools.product(range(actions), repeat=steps * n))).reshape(-1, steps, n)


def view(game: ms.Game, obs: np.ndarray, name: str) -> np.ndarray:
    """A one-hot field of observations [..., D] in its own values."""
    slot = next(slot for slot in game.layout.slots if slot.name == name)
    return obs[..., slot.start : slot.stop].argmax(axis=-1)


# ---------------------------------------------------------------- games of two

MATRICES = {
    "climbing": (cooperative.climbing(), [[11, -30, 0], [-30, 7, 6], [0, 0, 5]]),
    "penalty": (cooperative.penalty(-7), [[10, 0, -7], [0, 2, 0], [-7, 0, 10]]),
}


@pytest.mark.parametrize("name", MATRICES)
def test_common_payoffs(name):
    game, printed = MATRICES[name]
    profiles = every(3, 1, 2)
    for seed in range(3):  # the seats are not drawn
        paid, _ = play(game, profiles, seed)
        for reward, (row, column) in zip(paid[:, 0], profiles[:, 0]):
            assert reward.tolist() == [printed[row][column]] * 2


@pytest.mark.parametrize("game, best", [("climbing", 2), (-9, 1), (-7, 0)])
def test_what_is_best_against_a_partner_who_explores(game, best):
    """The best outcome is not reached by answering an even partner, in the penalty game below k = -8."""
    game = cooperative.climbing() if game == "climbing" else cooperative.penalty(game)
    table = play(game, every(3, 1, 2))[0][:, 0, 0].reshape(3, 3)
    assert table[0, 0] == table.max()
    assert table.mean(axis=1).argmax() == best


def test_matching_pennies():
    paid, _ = play(cooperative.matching_pennies(), every(2, 1, 2))
    assert paid[:, 0].tolist() == [[1, -1], [-1, 1], [-1, 1], [1, -1]]


def test_agent_0_has_the_rows():
    game = cooperative.climbing()
    _, seen = play(game, every(3, 1, 2))
    assert (view(game, seen, "role") == [0, 1]).all()


def test_the_two_step_game():
    """All sixteen courses: agent 0 picks the matrix, whatever agent 1 does; the first step pays nothing."""
    game, courses = cooperative.two_step(), every(2, 2, 2)
    paid, seen = play(game, courses)
    assert (paid[:, 0] == 0).all()
    for (first, (a, b)), reward in zip(courses.tolist(), paid[:, 1]):
        by_hand = 7 if first[0] == 0 else [[0, 1], [1, 8]][a][b]
        assert reward.tolist() == [by_hand] * 2
    place = view(game, seen, "place")
    assert (place[:, 0] == 0).all() and (place[:, 1] == 1 + courses[:, 0, :1]).all()
    assert paid.sum(axis=(1, 2)).max() == 2 * 8


def test_the_next_episode_is_at_the_start_again():
    game = cooperative.two_step()
    sim = ms.Simulator(game, num_envs=4)
    sim.reset()
    for _ in range(3):
        for place, action in ((0, 1), (2, 0)):
            assert (view(game, sim.obs, "place") == place).all()
            step = sim.step(np.full((4, 2), action))
        assert (step.reward == 0).all() and (view(game, step.final_obs, "place") == 2).all()


# ---------------------------------------------------------------- games alone

N = [1, 2]


@pytest.mark.parametrize("n", N)
def test_one_step(n):
    profiles = every(3, 1, n)
    paid, seen = play(alone.one_step((0.0, 1.0, 0.25), n_agents=n), profiles)
    np.testing.assert_array_equal(paid, np.array([0.0, 1.0, 0.25])[profiles])
    assert (seen == seen[0, 0, 0]).all()


@pytest.mark.parametrize("n", N)
def test_a_small_reward_now_or_1_at_the_end(n):
    game, courses = alone.late(rounds=3, n_agents=n), every(2, 3, n)
    paid, seen = play(game, courses)
    first = courses[:, 0]
    assert (paid[:, 0] == np.where(first == 0, 0.5, 0)).all()
    assert (paid[:, 1] == 0).all()
    assert (paid[:, 2] == first).all()
    assert (view(game, seen, "round") == [[0], [1], [2]]).all()
    assert (view(game, seen, "chosen")[:, 0] == 0).all() and (
        view(game, seen, "chosen")[:, 1:] == 1 + first[:, None]
    ).all()


@pytest.mark.parametrize("n", N)
@pytest.mark.parametrize("cues", [2, 3])
def test_the_cue_is_shown_once_and_pays_at_the_end(n, cues):
    game, rounds = alone.remember_the_cue(rounds=3, cues=cues, n_agents=n), 3
    courses = every(cues, rounds, n)
    paid, seen = play(game, courses)
    cue = view(game, seen, "cue")
    assert (cue[:, 0] < cues).all() and (cue[:, 1:] == cues).all()
    assert (paid[:, :-1] == 0).all()
    assert (paid[:, -1] == (courses[:, -1] == cue[:, 0])).all()
    assert (view(game, seen, "round") == np.arange(rounds)[:, None]).all()


def test_cues_are_drawn_evenly_and_each_agent_has_its_own():
    game = alone.remember_the_cue(rounds=2, cues=3, n_agents=2)
    _, seen = play(game, np.zeros((9000, 2, 2), int), seed=1)
    counts = np.bincount(view(game, seen[:, 0], "cue") @ [3, 1], minlength=9)
    assert (abs(counts - 1000) < 4 * (1000 * 8 / 9) ** 0.5).all()


def test_another_episode_has_another_cue():
    game = alone.remember_the_cue(rounds=1, cues=2)
    sim = ms.Simulator(game, num_envs=1)
    sim.reset()
    cues = set()
    for _ in range(20):
        cues.add(int(view(game, sim.obs, "cue")[0, 0]))
        sim.step(np.zeros((1, 1), int))
    assert cues == {0, 1}


@pytest.mark.parametrize("n", N)
def test_what_may_be_done_in_two_rounds(n):
    courses = every(3, 2, n)
    courses = courses[(courses[:, 1] < 2).all(axis=1)]
    paid, _ = play(alone.mask(n_agents=n), courses)
    np.testing.assert_array_equal(paid[:, 0], np.array([1.0, 0, 5])[courses[:, 0]])
    np.testing.assert_array_equal(paid[:, 1], np.array([-1.0, -2])[courses[:, 1]])


def test_the_best_action_is_closed_in_the_second_round():
    sim = ms.Simulator(alone.mask())
    sim.reset()
    assert sim.legal[0, 0].tolist() == [True, True, True]
    sim.step(np.array([[2]]))
    assert sim.legal[0, 0].tolist() == [True, True, False]
    with pytest.raises(IllegalAction, match=r"agent_0 chose 2 .*; it may choose 0 \(a\) or 1 \(b\)"):
        sim.step(np.array([[2]]))


# ---------------------------------------------------------------- all of them

ALL = {
    "climbing": cooperative.climbing,
    "penalty": cooperative.penalty,
    "matching_pennies": cooperative.matching_pennies,
    "two_step": cooperative.two_step,
    "one_step": alone.one_step,
    "late": alone.late,
    "remember_the_cue": alone.remember_the_cue,
    "mask": alone.mask,
}


@pytest.mark.parametrize("name", ALL)
def test_they_are_games_like_others(name):
    """They pickle as their arguments, as studies with several workers need."""
    game = ALL[name]()
    assert pickle.loads(pickle.dumps(game)) == game == ALL[name]()


@pytest.mark.parametrize("name", ["two_step", "one_step", "late", "remember_the_cue", "mask"])
def test_tables_can_learn_them(name):
    trainer = ms.Trainer(ALL[name](encode="index"), ms.TabularQ(alpha=0.5), seeds=2, episodes=3, block=1)
    assert len([row for rows in trainer.run() for row in rows]) == 6
