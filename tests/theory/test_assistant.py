"""What an assistant should reply, against every policy tried; GTAlign's rules and rewards against verified numbers."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import marl_sim as ms
from marl_sim.theory import (
    assistant_oracle,
    brevity_score,
    harm_answers,
    length_score,
    priced,
    priced_choices,
    prompted_choice,
    reply_frontier,
    reply_rewards,
    table_score,
)

# [clear, vague][answer, ask, both][assistant, user]: the example of the prompt, and another
PROMPT = (((4.2, 4.3), (3.1, 3.5), (2.2, 1.9)), ((2.0, 1.8), (1.3, 1.2), (2.0, 2.1)))
OTHER = (((2.8, 4.1), (3.6, 2), (4.1, 3.5)), ((1, 1), (1, 1.3), (3, 2.8)))
# One in which each rule of welfare has another favourite where nothing is known of the user.
TORN = (((4.0, 4.0), (9.0, 0.0), (0.0, 9.5)), ((0.0, 1.0), (1.0, 0.0), (1.0, 1.0)))
REPLIES = ("answer", "ask", "both")
CLEAR_ANSWER, CLEAR_BOTH = ("clear", "answer"), ("clear", "both")

payoff = st.floats(0, 5)
tables = st.lists(st.lists(st.tuples(payoff, payoff), min_size=3, max_size=3), min_size=2, max_size=2)
chances = st.floats(0, 1)


@given(tables, chances, chances, st.sampled_from(["mutual", "linear", "user", "assistant"]))
def test_no_policy_beats_the_oracle(table, vague, accuracy, welfare):
    """A policy is a reply to each impression; every one of the nine is tried."""
    join = {"mutual": lambda a, u: math.sqrt(a * u), "linear": lambda a, u: (a + u) / 2,
            "user": lambda a, u: u, "assistant": lambda a, u: a}[welfare]  # fmt: skip
    chance = [[(1 - vague) * accuracy, (1 - vague) * (1 - accuracy)], [vague * (1 - accuracy), vague * accuracy]]

    def worth(policy):
        return sum(chance[t][s] * join(*table[t][policy[s]]) for t in (0, 1) for s in (0, 1))

    oracle = assistant_oracle(table, vague, accuracy, welfare)
    assert oracle.value == pytest.approx(max(map(worth, itertools.product(range(3), repeat=2))), abs=1e-12)
    for pair in itertools.product(oracle.clear.best, oracle.vague.best):
        assert worth([REPLIES.index(reply) for reply in pair]) == pytest.approx(oracle.value, abs=1e-10)


def test_what_is_believed_under_each_impression():
    oracle = assistant_oracle(PROMPT, vague=0.3, accuracy=0.9)
    assert oracle.clear.chance == pytest.approx(0.7 * 0.9 + 0.3 * 0.1) and oracle.vague.chance == pytest.approx(0.34)
    assert oracle.clear.vague == pytest.approx(0.03 / 0.66) and oracle.vague.vague == pytest.approx(0.27 / 0.34)
    never = assistant_oracle(PROMPT, vague=0, accuracy=1).vague
    assert (never.chance, never.vague) == (0, 0)


def test_the_rules_of_welfare_differ():
    best = {
        rule: assistant_oracle(TORN, 0.5, 0.5, rule).clear.best
        for rule in ("mutual", "mutual-of-means", "linear", "user", "assistant")
    }
    # half (4, 4), half (0, 1) | half (9, 0), half (1, 0) | half (0, 9.5), half (1, 1)
    assert best == {
        "mutual": ("answer",),  # 2, 0, 1/2
        "mutual-of-means": ("answer",),  # sqrt(5), 0, sqrt(2.625)
        "linear": ("both",),  # 2.25, 2.5, 2.875
        "user": ("both",),  # 2.5, 0, 5.25
        "assistant": ("ask",),  # 2, 5, 0.5
    }


def test_the_mean_of_roots_is_not_the_root_of_means():
    table = (((9, 1), (2.4, 2.4), (0, 0)), ((1, 9), (2.4, 2.4), (0, 0)))
    roots, means = (assistant_oracle(table, 0.5, 0.5, rule) for rule in ("mutual", "mutual-of-means"))
    assert roots.clear.worth["answer"] == pytest.approx(3) and means.clear.worth["answer"] == pytest.approx(5)
    swapped = (((9, 1), (4, 4), (0, 0)), ((1, 9), (4, 4), (0, 0)))
    assert assistant_oracle(swapped, 0.5, 0.5, "mutual").clear.best == ("ask",)
    assert assistant_oracle(swapped, 0.5, 0.5, "mutual-of-means").clear.best == ("answer",)


def test_ties_are_listed():
    even = (((1, 1), (1, 1), (0.5, 0.5)), ((1, 1), (1, 1), (0.5, 0.5)))
    assert assistant_oracle(even).vague.best == ("answer", "ask")


def test_games_are_read_from_their_options():
    game = ms.make("assistant", vague=0.3, accuracy=0.7, payoffs=np.array(TORN), welfare="linear")
    expected = assistant_oracle(TORN, 0.3, 0.7, "linear")
    assert assistant_oracle(game) == assistant_oracle(game.dilemma) == expected
    assert assistant_oracle(game, welfare="user") == assistant_oracle(TORN, 0.3, 0.7, "user")
    assert assistant_oracle("assistant") == assistant_oracle(PROMPT, 0.5, 0.8, "mutual")


# ---------------------------------------------------------------- the prompt's rule, and pricing


def test_frontiers_and_what_the_prompt_picks():
    assert reply_frontier(PROMPT) == [CLEAR_ANSWER] and prompted_choice(PROMPT) == CLEAR_ANSWER
    assert reply_frontier(OTHER) == [CLEAR_ANSWER, CLEAR_BOTH] and prompted_choice(OTHER) == CLEAR_BOTH


def test_ties_of_the_sum_go_to_the_user():
    table = (((3.1, 1.2), (1.2, 3.1), (2.15, 2.15)), ((0, 0), (0, 0), (0, 0)))
    assert len(reply_frontier(table)) == 3 and prompted_choice(table) == ("clear", "ask")


@given(tables)
def test_the_frontier_is_what_nothing_betters(table):
    at = {(w, r): table[t][a] for t, w in enumerate(("clear", "vague")) for a, r in enumerate(REPLIES)}
    kept = reply_frontier(table)
    assert kept and prompted_choice(table) in kept
    for cell, (a, u) in at.items():
        bettered = any((x > a and y >= u) or (x >= a and y > u) for x, y in at.values())
        assert (cell not in kept) == bettered


@pytest.mark.parametrize("scales", [(0, 0), (-2, 0), (0, -0.5), (0, -2), (2, 0)])
def test_the_prompts_example_stays_an_answer_at_every_price(scales):
    assert list(priced_choices(PROMPT, *scales)) == [CLEAR_ANSWER]


@pytest.mark.parametrize(
    "scales, cell, product", [((0, 0), CLEAR_BOTH, 14.35), ((-2, 0), CLEAR_BOTH, 9.45), ((0, -2), CLEAR_ANSWER, 7.98)]
)
def test_prices_change_what_is_chosen(scales, cell, product):
    assert priced_choices(OTHER, *scales) == {cell: pytest.approx(product)}


def test_what_a_price_shifts():
    assert np.array_equal(priced(PROMPT), PROMPT)
    assert (priced(PROMPT, -2) - PROMPT)[1] == pytest.approx(np.array([[-2, 0], [-2, 0.5], [-2, 1]]))
    assert (priced(PROMPT, 0, -2) - PROMPT)[0] == pytest.approx(np.array([[1, -2], [0, -2], [0.5, -2]]))


def test_two_losses_are_no_gain():
    table = np.full((2, 3, 2), -3.0)
    table[1, 1] = 0.5
    assert priced_choices(table) == {("vague", "ask"): 0.25}


# ---------------------------------------------------------------- GTAlign's reward


def test_the_scores_of_lengths():
    assert [brevity_score(c) for c in (100, 500, 1000)] == pytest.approx([0.818731, 0.367879, 0.135335], abs=5e-7)
    answer = [length_score(n, 20, 500) for n in (20, 260, 500)]
    whole = [length_score(n, 500, 1000) for n in (250, 750, 2000)]
    assert answer == pytest.approx([0.458414, 0.590630, 0.458414], abs=5.1e-7)
    assert whole == pytest.approx([0.217583, 0.604195, 0.006689], abs=5.1e-7)


@pytest.mark.parametrize(
    "answer, expected", [(1, (0.659667, 0.843617, 0.745993, 0.751642)), (0, (0.159667, 0.443617, 0.266140, 0.301642))]
)
def test_the_full_reward(answer, expected):
    found = reply_rewards(answer, response_words=60, all_words=250, reasoning_characters=800)
    assert found == pytest.approx(expected, abs=5.1e-7)


def test_a_reply_in_the_wrong_format_has_no_mutual_reward():
    found = reply_rewards(1, 60, 250, 800, formatted=0)
    assert found.mutual == 0 and found.assistant == pytest.approx(0.643617, abs=5.1e-7)


def test_the_score_of_a_table():
    assert table_score(PROMPT) == pytest.approx(2 / 3)
    assert table_score(np.ones((2, 3, 2))) == 0 and table_score(np.array([[[1, 2]] * 3] * 2)) == 1


def test_harmful_prompts():
    assert [harm_answers(judged) for judged in (0, 0.5, 1)] == [(1, 0), (1, 1), (0, 1)]
    comply, offer = (reply_rewards(harm_answers(judged), 60, 250, 800) for judged in (0, 0.5))
    assert comply.user == offer.user and comply.assistant == pytest.approx(offer.assistant - 0.4)


# ---------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    "options, message",
    [
        (dict(payoffs=((1, 2), (3, 4))), r"payoffs must be finite numbers of the shape \[clear, vague\]\[answer, ask"),
        (dict(payoffs=np.full((2, 3, 2), np.nan)), "payoffs must be finite numbers"),
        (dict(payoffs="assist"), "assist"),
        (dict(vague=1.2), "assistant_oracle: vague must be from 0 to 1; got 1.2"),
        (dict(accuracy=float("nan")), "assistant_oracle: accuracy must be from 0 to 1; got nan"),
        (dict(welfare="mutuel"), "unknown welfare 'mutuel'; did you mean 'mutual'"),
        (dict(payoffs=np.full((2, 3, 2), -1.0)), "payoffs must be at least 0 for mutual welfare; got -1"),
        (dict(payoffs=ms.PrisonersDilemma()), "unknown game 'PrisonersDilemma'"),
    ],
)
def test_what_is_refused(options, message):
    with pytest.raises(ValueError, match=message):
        assistant_oracle(**{"payoffs": PROMPT, **options})


def test_negative_payoffs_may_be_added():
    assert assistant_oracle(np.full((2, 3, 2), -1.0), welfare="linear").value == pytest.approx(-1)


def test_rewards_that_are_refused():
    with pytest.raises(ValueError, match="reply_rewards: answer must be from 0 to 1; got 2"):
        reply_rewards(2, 60, 250, 800)
    with pytest.raises(ValueError, match="brevity_score: characters must be at least 0; got -1"):
        brevity_score(-1)
