"""Optimal policy pairs of the partially observable off-switch game: the paper's examples, and its theorems."""

import itertools
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import marl_sim as ms
from marl_sim.games.po_osg_examples import EXAMPLES, example
from marl_sim.theory import PartialTable, partial_optimum, unaware_optimum

A, W, OFF = "act", "wait", "switch off"
ON, STOP = "allow", "off"


def silent(robot, human):
    """Policies by observation, without messages."""
    return {a: (move,) for a, move in enumerate(robot)}, {h: (answer,) for h, answer in enumerate(human)}


# example, value, always wait, never wait, the optimal pair
EXACT = [
    ("file_deletion", "7/4", "1", "1/2", silent((A, W), (STOP, ON))),
    ("coarse_human", "1", "1", "1/2", silent((W, W), (STOP, ON))),
    ("fine_human", "4/3", "7/6", "1/2", silent((A, W), (STOP, ON, ON))),
    ("coarse_robot", "5/3", "3/2", None, silent((W, A), (ON, STOP))),
    ("fine_robot", "11/6", "3/2", None, silent((W, W, A), (ON, STOP))),
    ("human_sees_difference", "1", "1", None, silent((W,), (STOP, ON))),
    ("human_says_nothing", "1", None, None, silent((W, OFF, OFF, OFF, OFF), (ON, STOP, ON, STOP))),
]


@pytest.mark.parametrize("name, value, always, never, pair", EXACT)
def test_examples_with_one_optimal_pair(name, value, always, never, pair):
    found = partial_optimum(name)
    assert found.value == Fraction(value) and found.ways == len(found.pairs) == 1
    assert always is None or found.always_wait == Fraction(always)
    assert never is None or found.never_wait == Fraction(never)
    assert (found.pairs[0].robot, found.pairs[0].human) == pair


def test_one_coordinate_each_has_two_mirrored_optima():
    found = partial_optimum("one_coordinate_each")
    assert found.value == Fraction(3, 4) and found.ways == 2
    assert [(p.robot, p.human) for p in found.pairs] == [silent((W, A), (STOP, ON)), silent((A, W), (ON, STOP))]


def test_a_bit_of_the_humans_makes_the_robot_act_and_wins_all_that_can_be_won():
    found = partial_optimum("human_says_a_bit")
    table = PartialTable.of("human_says_a_bit")
    assert found.value == Fraction(13, 10) == sum(p * max(u, 0) for p, u in zip(table.prior, table.u_act))
    assert found.ways == 2 and len(found.pairs) == 1  # one, and its relabelling
    (pair,) = found.pairs
    assert pair.human_says == {0: 0, 1: 0, 2: 1, 3: 1}
    assert [moves[0] for moves in pair.robot.values()] == [W, A, W, OFF, OFF]
    assert [moves[1] for moves in pair.robot.values()] == [W, OFF, OFF, A, W]


def reports(p, messages):
    """Example 5.7 at any p."""
    a, b, c = Fraction(5) / p, Fraction(-10) / p, 1 / (1 - 2 * p)
    rows = ((a, b, -c), (b, a, -c), (b, b, c), (-b, -b, 10 * c))
    return example(rows, columns=(p, p, 1 - 2 * p), messages_robot=messages)


@pytest.mark.parametrize("p", [Fraction(1, 10), Fraction(1, 4), Fraction(2, 5)])
def test_messages_of_the_robots(p):
    silent, bit, all_three = (partial_optimum(reports(p, messages)) for messages in (1, 2, 3))
    assert silent.value == silent.always_wait == Fraction(15, 2)
    assert bit.value == Fraction(39, 4) and all_three.value == all_three.always_wait == Fraction(41, 4)
    assert all(set(pair.robot.values()) == {(W,)} for pair in (*silent.pairs, *all_three.pairs))
    # The paper's pair (wait, wait, act) is optimal with two messages, and so is one that always waits.
    moves = [tuple(move for (move,) in pair.robot.values()) for pair in bit.pairs]
    assert set(moves) == {(W, W, A), (W, W, W)} and bit.always_wait == bit.value


def test_the_examples_of_the_games_are_the_papers_at_a_quarter():
    for messages, name in enumerate(("robot_says_nothing", "robot_says_a_bit", "robot_says_all"), 1):
        assert PartialTable.of(name) == PartialTable.of(reports(Fraction(1, 4), messages))


def test_a_human_who_is_unaware_can_lose_by_seeing_more():
    full, coarse = unaware_optimum("unaware_full"), unaware_optimum("unaware_coarse")
    assert full.value == Fraction(1, 3) and full.robot == {0: (W,), 1: (W,)}
    assert full.human == {0: ON, 1: STOP, 2: STOP}
    assert coarse.value == Fraction(1, 2) and coarse.robot == {0: (W,), 1: (OFF,)}
    assert partial_optimum("unaware_full").value == Fraction(1, 2)
    with pytest.raises(ValueError, match="messages_human and messages_robot must be 1; got 2 and 1"):
        unaware_optimum("human_says_a_bit")


# ---------------------------------------------------------------- by trying every pair of policies


def played(table, human_says, robot_says, robot, human):
    """What a pair is worth; robot[o][heard], human[o][heard]."""
    total = Fraction(0)
    for p, act, off, h, a in zip(table.prior, table.u_act, table.u_off, table.obs_human, table.obs_robot):
        move = robot[a][human_says[h]]
        runs = move == A or (move == W and human[h][robot_says[a]] == ON)
        total += p * (act if runs else off)
    return total


def brute(table):
    """The best value of all deterministic policies, labels and all."""
    rows, columns = table.seen
    m_h, m_a = table.messages_human, table.messages_robot

    def plans(observed, words, heard):
        every = itertools.product(itertools.product(words, repeat=heard), repeat=len(observed))
        return [dict(zip(observed, plan)) for plan in every]

    says_h = [dict(zip(rows, said)) for said in itertools.product(range(m_h), repeat=len(rows))]
    says_a = [dict(zip(columns, said)) for said in itertools.product(range(m_a), repeat=len(columns))]
    robots, humans = plans(columns, (A, W, OFF), m_h), plans(rows, (ON, STOP), m_a)
    return max(played(table, *pair) for pair in itertools.product(says_h, says_a, robots, humans))


def as_one(table):
    """What the two would get if either knew all that the other does."""
    cells = {}
    for p, act, off, *seen in zip(table.prior, table.u_act, table.u_off, table.obs_human, table.obs_robot):
        acting, idle = cells.get(tuple(seen), (0, 0))
        cells[tuple(seen)] = acting + p * act, idle + p * off
    return sum(max(cell) for cell in cells.values())


def drawn(rng, rows, columns, m_h=1, m_a=1, states=6):
    weights = [rng.randint(0, 4) for _ in range(states - 1)] + [1]
    return PartialTable(
        prior=tuple(Fraction(w, sum(weights)) for w in weights),
        u_act=tuple(rng.randint(-5, 5) for _ in range(states)),
        u_off=tuple(rng.randint(-2, 2) for _ in range(states)),
        obs_human=tuple(rng.randrange(rows) for _ in range(states)),
        obs_robot=tuple(rng.randrange(columns) for _ in range(states)),
        messages_human=m_h,
        messages_robot=m_a,
    )


@pytest.mark.parametrize(
    "rows, columns, m_h, m_a", [(3, 3, 1, 1), (2, 4, 1, 1), (4, 2, 1, 1), (2, 2, 2, 1), (2, 2, 1, 2)]
)
@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_is_that_of_every_pair_tried(rows, columns, m_h, m_a, seed):
    table = drawn(random.Random(seed), rows, columns, m_h, m_a)
    found = partial_optimum(table)
    assert found.value == brute(table)
    assert found.pairs and all(
        played(table, p.human_says, p.robot_says, p.robot, p.human) == found.value for p in found.pairs
    )


def test_the_optimum_is_that_of_every_pair_tried_where_both_speak():
    table = drawn(random.Random(7), 2, 2, 2, 2)
    assert partial_optimum(table).value == brute(table)


def test_every_optimal_pair_is_listed():
    rng = random.Random(3)
    for _ in range(30):
        table = drawn(rng, 2, 2, states=4)
        rows, columns = table.seen
        found = partial_optimum(table)
        nobody = dict.fromkeys(rows, 0), dict.fromkeys(columns, 0)
        best = set()
        for moves in itertools.product((A, W, OFF), repeat=len(columns)):
            for answers in itertools.product((ON, STOP), repeat=len(rows)):
                robot, human = ({o: (x,) for o, x in zip(*one)} for one in ((columns, moves), (rows, answers)))
                if played(table, *nobody, robot, human) == found.value:
                    best.add((moves, answers))
        listed = set()  # with what is never reached filled in, either way
        for pair in found.pairs:
            free = [[(A, W, OFF) if m is None else (m,) for (m,) in pair.robot.values()],
                    [(ON, STOP) if m is None else (m,) for (m,) in pair.human.values()]]  # fmt: skip
            listed |= set(itertools.product(itertools.product(*free[0]), itertools.product(*free[1])))
        assert listed == best


def test_what_is_never_reached_is_no_choice():
    sure = dict(prior=(1,), u_act=(1,), obs_human=(0,), obs_robot=(0,))
    assert [(p.robot, p.human) for p in partial_optimum(sure).pairs] == [({0: (A,)}, {0: (None,)}), silent((W,), (ON,))]


def test_an_unaware_human_of_two_minds_lets_the_robot_go_on():
    even = unaware_optimum(dict(prior=(0.5, 0.5), u_act=(1, -1), obs_human=(0, 0), obs_robot=(0, 1)))
    assert even.human == {0: ON} and even.robot == {0: (A, W), 1: (OFF,)} and even.value == Fraction(1, 2)


# ---------------------------------------------------------------- theorems

seeds = st.integers(0, 10**6)


@given(seeds)
@settings(max_examples=60)
def test_more_information_never_lowers_the_value(seed):
    rng = random.Random(seed)
    fine = drawn(rng, 4, 4, states=8)
    for who in ("obs_human", "obs_robot"):
        merged = {o: rng.randrange(2) for o in range(4)}
        coarse = PartialTable(
            **{**vars(fine), who: tuple(merged[o] for o in getattr(fine, who))},
        )
        assert partial_optimum(coarse).value <= partial_optimum(fine).value


@given(seeds)
@settings(max_examples=40)
def test_messages_never_lower_the_value_and_enough_of_them_make_all_or_none_wait(seed):
    rng = random.Random(seed)
    table = drawn(rng, 3, 3, states=7)

    def with_messages(m_h, m_a):
        return partial_optimum(PartialTable(**{**vars(table), "messages_human": m_h, "messages_robot": m_a}))

    values = {(m_h, m_a): with_messages(m_h, m_a) for m_h in (1, 2, 3) for m_a in (1, 2, 3)}
    for (m_h, m_a), found in values.items():
        for less in ((m_h - 1, m_a), (m_h, m_a - 1)):
            assert less not in values or values[less].value <= found.value
    for m in (1, 2, 3):
        assert values[m, 3].always_wait == values[m, 3].value  # the robot can tell all that it knows
        assert values[3, m].never_wait == values[3, m].value  # the human can
    assert values[3, 3].value == values[1, 3].value == values[3, 1].value == as_one(table)


@given(seeds)
@settings(max_examples=60)
def test_who_knows_all_that_the_other_knows_can_decide_alone(seed):
    rng = random.Random(seed)
    table = drawn(rng, 4, 4, states=8)
    both = tuple(4 * h + a for h, a in zip(table.obs_human, table.obs_robot))
    wise_human = partial_optimum(PartialTable(**{**vars(table), "obs_human": both}))
    wise_robot = partial_optimum(PartialTable(**{**vars(table), "obs_robot": both}))
    assert wise_human.always_wait == wise_human.value == as_one(table)
    assert wise_robot.never_wait == wise_robot.value == as_one(table)


@given(seeds)
@settings(max_examples=60)
def test_an_unaware_human_is_never_better(seed):
    table = drawn(random.Random(seed), 4, 4, states=8)
    assert unaware_optimum(table).value <= partial_optimum(table).value


# ---------------------------------------------------------------- what is taken, and what is refused


def test_games_and_parts_are_read_from_their_options():
    for name in EXAMPLES:
        assert partial_optimum(ms.make("po_osg", example=name)) == partial_optimum(name)
    part = ms.make("po_osg", example="human_says_a_bit").dilemma
    assert PartialTable.of(part) == PartialTable.of("human_says_a_bit")


def test_a_game_too_large_says_so():
    cells = list(itertools.product(range(30), range(25)))
    options = dict(
        prior=(Fraction(1, len(cells)),) * len(cells),
        u_act=tuple((7 * h + 5 * a) % 11 - 5 for h, a in cells),
        obs_human=tuple(h for h, _ in cells),
        obs_robot=tuple(a for _, a in cells),
    )
    with pytest.raises(ValueError, match=r"30 observations of the human's and 25 of the robot's with 1 and 1 messages "
                                         r"takes 33,554,433 policies, and up to 1,000,000 can"):  # fmt: skip
        partial_optimum(options)


@pytest.mark.parametrize(
    "wrong, message",
    [
        (dict(prior=(0.5, 0.6)), r"prior must be probabilities that add up to 1; got \(0.5, 0.6\)"),
        (dict(prior=(1.5, -0.5)), "prior must be probabilities"),
        (dict(u_act=(1, 2, 3)), "u_act must have 2 entries, one a state; got 3"),
        (dict(obs_human=(1,)), "obs_human must have 2 entries, one a state; got 1"),
        (dict(messages_robot=0), "messages_robot must be at least 1; got 0"),
        (dict(u_act=(1, float("nan"))), "finite"),
    ],
)
def test_tables_that_are_refused(wrong, message):
    options = dict(prior=(0.5, 0.5), u_act=(1, -1), obs_human=(0, 1), obs_robot=(0, 0))
    with pytest.raises(ValueError, match=message):
        partial_optimum({**options, **wrong})


def test_another_game_is_refused():
    with pytest.raises(ValueError, match="unknown game 'PrisonersDilemma'"):
        partial_optimum(ms.PrisonersDilemma())
