"""Introspection: the reward R = (1 - alpha) U + alpha S, checked by hand on tables that are set."""

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.training.introspection import Introspection
from marl_sim.training.rollout import Trainer

B, C = 5.0, 1.0
BOTH, SUCKER, EXPLOIT, NONE = B - C, -C, B, 0.0  # own payoffs of CC, CD, DC, DD


def society(encounters="together", encode="index", seen_in=("play",), own=False, norm=9):
    return ms.Society(
        ms.DonationGame(benefit=B, cost=C, sees=()),
        ms.RandomMatching(how="pairs" if encounters == "together" else "one pair"),
        ms.Norm(norm=norm, error=0.0, seen_in=seen_in, own=own),
        n_agents=4,
        horizon=ms.Continuing(8),
        encounters=encounters,
        encode=encode,
    )


def trainer(layer, game=None, **more):
    return Trainer(game or society(), ms.TabularQ(epsilon=0.0), seeds=2, episodes=4, layers=(layer,), **more)


def asked(layer, t, obs, action, table=None):
    """alpha * S for one lane that sees `obs` and takes `action`; all lanes and worlds alike."""
    head = t.heads[0]
    if table is not None:
        head.lanes.table[:] = table
    shape = (head.lanes.n_lanes, 1)
    seen = np.full((*shape, 1), obs, dtype=np.float32)
    got = layer.extra(t, head, seen, np.ones(shape, dtype=bool), np.full(shape, action))
    assert (got == got[0, 0]).all()
    return got[0, 0]


GOOD_ONLY = [[0.0, 1.0], [1.0, 0.0]]  # states bad, good: defect with the bad, cooperate with the good (rule 5)


@pytest.mark.parametrize("own", [0, 1])
@pytest.mark.parametrize("other", [0, 1])
@pytest.mark.parametrize("action", [0, 1])
def test_meeting_oneself(own, other, action):
    """Same reputations: the action meets itself. Else both draw from the policy that sees one's own reputation."""
    taken, drawn = Introspection(1.0, epsilon=0.2), Introspection(1.0, epsilon=0.2, simulated="drawn")
    t = trainer(taken)
    t.simulator.state["standing"][:] = own
    p = 0.9 if own else 0.1  # rule 5 with 20 % random actions helps itself with this probability
    alone = p * p * BOTH + p * (1 - p) * (SUCKER + EXPLOIT)
    assert asked(drawn, t, other, action, GOOD_ONLY) == pytest.approx(alone)
    by_hand = (BOTH if action == 0 else NONE) if own == other else alone
    assert asked(taken, t, other, action, GOOD_ONLY) == pytest.approx(by_hand)
    assert asked(Introspection(0.25, 0.2), t, other, action, GOOD_ONLY) == pytest.approx(0.25 * by_hand)


def test_ties_are_drawn_evenly():
    t = trainer(Introspection(1.0, epsilon=0.0))
    t.simulator.state["standing"][:] = 1
    even = (BOTH + SUCKER + EXPLOIT + NONE) / 4
    assert asked(Introspection(1.0, epsilon=0.0), t, 0, 1, np.zeros((2, 2))) == pytest.approx(even)


def test_it_leaves_other_heads_alone_and_nothing_behind():
    layer = Introspection(0.3)
    assert layer.scale("play") == pytest.approx(0.7) and layer.scale("select") == 1.0
    t = trainer(layer)
    before, table = t.simulator.save(), t.heads[0].lanes.table.copy()
    asked(layer, t, 1, 0)
    for name, array in t.simulator.save().items():
        np.testing.assert_array_equal(array, before[name])
    np.testing.assert_array_equal(t.heads[0].lanes.table, table)
    assert layer.extra(t, type("Head", (), dict(name="select")), *[None] * 3) is None
    assert Introspection(0.0).extra(t, t.heads[0], *[None] * 3) is None


@pytest.mark.parametrize("encounters", ["together", "in turn"])
def test_learners_are_taught_the_mixture_and_records_keep_the_payoff(encounters):
    """With alpha 1 and everybody always bad (norm 0), a cooperator is taught b - c each time, whatever it was paid."""
    game = society(encounters, norm=0)
    learner = ms.TabularQ(alpha=1.0, gamma=0.0, epsilon=1.0)  # everybody acts at random; a table holds the last reward
    t = Trainer(game, learner, seeds=3, episodes=40, block=1, layers=(Introspection(1.0),))
    rows = [row for rows in t.run() for row in rows]
    np.testing.assert_allclose(t.heads[0].lanes.table[:, 0], [[BOTH, NONE]] * t.heads[0].lanes.n_lanes)
    meetings = 8 * (4 if encounters == "together" else 2)
    paid = np.array([row["reward"] for row in rows]) / meetings
    assert abs(paid.mean() - BOTH / 2) < 4 * paid.std() / np.sqrt(paid.size)  # half cooperate: (b - c) / 2 each


def test_alpha_zero_changes_nothing():
    def rows(*layers):
        t = Trainer(society(), ms.TabularQ(epsilon=0.3), seeds=2, episodes=6, block=2, layers=layers)
        return [row for rows in t.run() for row in rows]

    assert rows(Introspection(0.0)) == rows()


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(alpha=1.5), "alpha must be from 0 to 1; got 1.5"),
        (dict(alpha=0.5, epsilon=-1), "epsilon must be from 0 to 1; got -1"),
        (dict(alpha=0.5, simulated="same"), "simulated must be 'taken' or 'drawn'; got 'same'"),
    ],
)
def test_options_are_checked(options, words):
    with pytest.raises(ValueError, match=words):
        Introspection(**options)


@pytest.mark.parametrize("game", [society(encode="one_hot"), society(seen_in=("select",))], ids=["one-hot", "unseen"])
def test_players_must_see_the_others_reputation(game):
    learner = (
        ms.DQN(hidden=(4,), batch=2) if game.encode == "one_hot" or not game.layout.levels("play") else ms.TabularQ()
    )
    with pytest.raises(ValueError, match=r"Introspection needs players who see|needs at least 1 of each"):
        Trainer(game, learner, seeds=1, layers=(Introspection(0.5),)).advance()


def test_one_head_for_everything_is_refused():
    with pytest.raises(ValueError, match="give heads='per stage'"):
        Trainer(society(), ms.DQN(hidden=(4,), batch=2), heads="one", layers=(Introspection(0.5),)).advance()
