"""The partially observable off-switch game: the papers' examples played out state by state; messages; options."""

from fractions import Fraction

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.games.off_switch_rules import ALLOW, OFF
from marl_sim.games.po_osg_examples import EXAMPLES
from marl_sim.policies import Policy

A, W, S = 0, 1, 2  # act, wait, switch off
ON = ALLOW

# Pairs of policies and what they are worth: {what is observed and heard: choice}, keys as (observed, said, heard)
# without what the game does not have. Values by enumeration of all pairs; "best" is the optimal pair.
PAIRS = [
    ("file_deletion", "best", dict(move=[A, W], answer=[OFF, ON]), Fraction(7, 4)),
    ("file_deletion", "always waits", dict(move=[W, W], answer=[OFF, ON]), Fraction(1)),
    ("file_deletion", "never waits", dict(move=[A, S], answer=[OFF, OFF]), Fraction(1, 2)),
    ("coarse_human", "best", dict(move=[W, W], answer=[OFF, ON]), Fraction(1)),
    ("coarse_human", "never waits", dict(move=[A, A], answer=[OFF, OFF]), Fraction(1, 2)),
    ("fine_human", "best", dict(move=[A, W], answer=[OFF, ON, ON]), Fraction(4, 3)),
    ("fine_human", "always waits", dict(move=[W, W], answer=[OFF, ON, ON]), Fraction(7, 6)),
    ("coarse_robot", "best", dict(move=[W, A], answer=[ON, OFF]), Fraction(5, 3)),
    ("coarse_robot", "always waits", dict(move=[W, W], answer=[ON, OFF]), Fraction(3, 2)),
    ("fine_robot", "best", dict(move=[W, W, A], answer=[ON, OFF]), Fraction(11, 6)),
    ("one_coordinate_each", "best", dict(move=[A, W], answer=[ON, OFF]), Fraction(3, 4)),
    ("one_coordinate_each", "best too", dict(move=[W, A], answer=[OFF, ON]), Fraction(3, 4)),
    ("human_sees_difference", "best", dict(move=[W], answer=[OFF, ON]), Fraction(1)),
    ("unaware_full", "unaware human", dict(move=[W, W], answer=[ON, OFF, OFF]), Fraction(1, 3)),
    ("unaware_full", "best", dict(move=[W, S], answer=[ON, ON, OFF]), Fraction(1, 2)),
    ("unaware_coarse", "unaware human", dict(move=[W, S], answer=[ON, OFF]), Fraction(1, 2)),
    ("human_says_nothing", "best", dict(move=[W, S, S, S, S], answer=[ON, OFF, ON, OFF]), Fraction(1)),
    (
        "human_says_a_bit",
        "best",
        dict(
            say={1: [0, 0, 1, 1]},
            move={(x, m): ([W, A, W, S, S], [W, S, S, A, W])[m][x] for x in range(5) for m in range(2)},
            answer={(x, said): [ON, OFF, ON, OFF][x] for x in range(4) for said in range(2)},
        ),
        Fraction(13, 10),
    ),
    ("robot_says_nothing", "best", dict(move=[W, W, W], answer=[OFF, OFF, OFF, ON]), Fraction(15, 2)),
    (
        "robot_says_a_bit",
        "best: the third acts",
        dict(
            say={0: [0, 1, 0]},
            move={(x, said): [W, W, A][x] for x in range(3) for said in range(2)},
            answer={(x, heard): ON if x in (heard, 3) else OFF for x in range(4) for heard in range(2)},
        ),
        Fraction(39, 4),
    ),
    (
        "robot_says_a_bit",
        "best too: always waits",
        dict(
            say={0: [0, 1, 0]},
            move={(x, said): W for x in range(3) for said in range(2)},
            answer={(x, heard): ON if x in (heard, 3) else OFF for x in range(4) for heard in range(2)},
        ),
        Fraction(39, 4),
    ),
    (
        "robot_says_all",
        "best",
        dict(
            say={0: [0, 1, 2]},
            move={(x, said): W for x in range(3) for said in range(3)},
            answer={(x, heard): ON if x in (heard, 3) else OFF for x in range(4) for heard in range(3)},
        ),
        Fraction(41, 4),
    ),
]  # fmt: skip


def seen(sim, agent, where):
    """The fields that an agent sees in some worlds of one stage, as tuples of whole numbers in the layout's order."""
    kind = sim.game.stages[int(sim.stage[where[0]])].kind
    columns = sim.obs[where, agent][:, sim.game.layout.block(kind)].astype(int)
    return kind, [tuple(row) for row in columns]


def values_by_state(game, pair, worlds=3000):
    """What a pair of policies gets in every state, [states]; each the same in all worlds that are in it."""
    sim = ms.Simulator(game, worlds, seed=1)
    sim.reset()
    nature, paid, done = sim.state["nature"][:, 0].copy(), np.zeros((worlds, 2)), np.zeros(worlds, dtype=bool)
    while not done.all():
        actions = np.zeros((worlds, 2), dtype=int)
        for agent in range(2):
            for stage in np.unique(sim.stage[~done]):
                where = np.flatnonzero(sim.acting[:, agent] & (sim.stage == stage) & ~done)
                if not len(where):
                    continue
                kind, fields = seen(sim, agent, where)
                table = pair["say"][agent] if kind == "talk" else pair[kind]
                actions[where, agent] = [table[f if isinstance(table, dict) else f[0]] for f in fields]
        step = sim.step(actions)
        paid[~done] += step.reward[~done]
        done |= step.terminated
    np.testing.assert_array_equal(paid[:, 0], paid[:, 1])
    found = [paid[nature == s, 0] for s in range(len(game.dilemma.prior))]
    assert all(len(one) and np.ptp(one) == 0 for one in found)
    return np.array([one[0] for one in found])


@pytest.mark.parametrize("example, which, pair, value", PAIRS, ids=[f"{p[0]}: {p[1]}" for p in PAIRS])
def test_the_examples_pay_what_the_paper_says(example, which, pair, value):
    game = ms.make("po_osg", example=example, encode="index")
    worths = values_by_state(game, pair)
    got = sum(Fraction(p) * Fraction(x) for p, x in zip(EXAMPLES[example]["prior"], worths.tolist(), strict=True))
    assert got == value


def test_every_example_is_played():
    assert {name for name, *_ in PAIRS} == set(EXAMPLES)
    assert len(EXAMPLES) == 14


@pytest.mark.parametrize("example", sorted(EXAMPLES))
def test_states_are_drawn_by_the_prior_and_shown_to_whom_they_should_be(example):
    data, worlds = EXAMPLES[example], 20_000
    game = ms.make("po_osg", example=example, encode="index")
    assert sum(data["prior"]) == 1
    sim = ms.Simulator(game, worlds, seed=2)
    sim.reset()
    nature = sim.state["nature"][:, 0]
    p = np.array(game.dilemma.prior)
    assert (np.abs(np.bincount(nature, minlength=len(p)) - worlds * p) < 5 * np.sqrt(worlds * p * (1 - p))).all()
    if game.stages[0].kind == "talk":
        sim.step(np.zeros((worlds, 2), dtype=int))
    robot, human = game.layout.block("move").start, game.layout.block("answer").start
    np.testing.assert_array_equal(sim.obs[:, 0, robot], np.array(data["obs_robot"])[nature])
    assert not sim.obs[:, 1, len(game.stages) :].any()
    sim.step(np.tile([W, 0], (worlds, 1)))
    np.testing.assert_array_equal(sim.obs[:, 1, human], np.array(data["obs_human"])[nature])
    assert not sim.obs[:, 0, len(game.stages) :].any()


def talkative(**options):
    part = ms.PartialOffSwitch(messages_human=2, messages_robot=3, **options)
    return ms.Group(part, n_agents=2, horizon=ms.Fixed(1), encode="index")


def test_messages_are_said_at_once_and_heard_by_the_other(table):
    t = table(talkative())
    assert t.kind == "talk"
    assert t.sim.acting.tolist() == [[True, True]]
    assert t.sim.legal[0].tolist() == [[True, True, True], [True, True, False]]
    t.step(talk=np.array([[2, 1]]))
    assert (t.kind, t.sees("said")[0, 0], t.sees("heard")[0, 0]) == ("move", 2, 1)
    t.step(move=W)
    assert (t.kind, t.sees("said")[1, 0], t.sees("heard")[1, 0]) == ("answer", 1, 2)
    assert t.step(answer=ON).terminated[0]


def test_only_those_with_messages_speak(table):
    for example, who in (("human_says_a_bit", [False, True]), ("robot_says_a_bit", [True, False])):
        t = table(ms.make("po_osg", example=example))
        assert (t.kind, t.sim.acting[0].tolist()) == ("talk", who)
    assert "talk" not in ms.make("po_osg").kinds


def test_being_off_can_be_worth_something(table):
    part = ms.PartialOffSwitch(prior=(1.0,), u_act=(3.0,), u_off=(-2.0,), obs_human=(0,), obs_robot=(0,))
    game = ms.Group(part, n_agents=2, horizon=ms.Fixed(1))
    assert table(game).step(move=A).reward.tolist() == [[3.0, 3.0]]
    assert table(game).step(move=S).reward.tolist() == [[-2.0, -2.0]]
    for answer, paid in ((ON, 3.0), (OFF, -2.0)):
        t = table(game)
        assert not t.step(move=W).reward.any()
        assert t.step(answer=answer).reward.tolist() == [[paid, paid]]


class ByTable(Policy):
    """A choice for each observation, one table for the robot and one for the human."""

    move: tuple = ()
    answer: tuple = (OFF, ON)

    def act(self, view):
        return np.array(getattr(self, view.kind))[view["observed"]]


@pytest.mark.parametrize("move, value, square", [((W, W), 1, (1 + 25) / 4), ((A, S), 1 / 2, (9 + 1) / 4)])
def test_measures(move, value, square):
    game, pair = ms.make("po_osg", example="file_deletion", rounds=2), ByTable(move)
    trainer = ms.Trainer(game, ms.DQN(), episodes=1, num_envs=20_000, policies={0: pair, 1: pair})
    (row,) = [row for rows in trainer.run() for row in rows]
    assert abs(row["value"] - value) < 5 * np.sqrt((square - value**2) / 40_000)
    assert row["value"] == pytest.approx(row["utility"] / 2 / 2)
    assert row["wait"] == (move == (W, W))
    halves = ("allowed",) if row["wait"] else ("act", "switch_off")
    assert all(abs(row[name] - 1 / 2) < 5 * 0.5 / np.sqrt(40_000) for name in halves)
    assert all(row[name] == 0 for name in {"act", "switch_off", "allowed"} - set(halves))


@pytest.mark.parametrize(
    "options, words",
    [
        (dict(prior=(0.5, 0.6)), ("prior", "add up to 1")),
        (dict(prior=(1.5, -0.5)), ("prior", "add up to 1")),
        (dict(prior=()), ("prior", "finite numbers")),
        (dict(prior=(0.5, float("nan"), 0.5)), ("prior", "finite")),
        (dict(u_act=(1.0, 2.0)), ("u_act", "4 finite numbers", "(1.0, 2.0)")),
        (dict(u_off=(1.0,)), ("u_off", "4 finite numbers")),
        (dict(u_act=np.ones((30, 30))), ("u_act", "4 finite numbers")),
        (dict(u_off=3.0), ("u_off", "4 finite numbers", "3.0")),
        (dict(u_act="much"), ("u_act", "numbers", "much")),
        (dict(obs_human=(0, 0, 1, 1.5)), ("obs_human", "whole numbers", "1.5")),
        (dict(obs_robot=(0, -1, 0, 1)), ("obs_robot", "whole numbers of at least 0", "-1")),
        (dict(obs_robot=(0, 1)), ("obs_robot", "4")),
        (dict(messages_human=0), ("messages_human", "at least 1", "0")),
        (dict(messages_robot=1.5), ("messages_robot", "whole number", "1.5")),
    ],
)
def test_wrong_tables_are_refused(refused, options, words):
    refused(lambda: ms.PartialOffSwitch(**options), "PartialOffSwitch", *words)


def test_unknown_examples_and_misfits_are_refused(refused):
    refused(lambda: ms.make("po_osg", example="file_deletoin"), "'file_deletoin'", "did you mean 'file_deletion'")
    refused(lambda: ms.Group(ms.PartialOffSwitch(), n_agents=3), "n_agents=2", "3")
