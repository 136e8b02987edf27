"""The examples of the partially observable off-switch game, as plain data.

By name: `prior` [S] probabilities of the states, `u_act` [S] what letting the robot act is worth in each (switching it
off is worth 0), `obs_human` [S] and `obs_robot` [S] what either sees of it, and how many different messages either can
send beforehand (1: none worth the name). States are written row by row, as the tables of the paper are: a row is what
the human sees, a column what the robot sees, unless another order is given.

Source: Garber, Subramani, Luu, Bedaywi, Russell & Emmons, "The partially observable off-switch game" (AAAI 2025; arXiv
2411.17749); the number of each example is the paper's.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import product
from typing import Any

Table = tuple[tuple[int, ...], ...]


def example(
    table: Table,
    columns: tuple[Fraction, ...] | None = None,
    human: tuple[int, ...] | None = None,
    robot: tuple[int, ...] | None = None,
    messages_human: int = 1,
    messages_robot: int = 1,
) -> dict[str, Any]:
    """A game from its table of worths.

    columns   probabilities of the columns; rows are equally likely
    human     what the human sees in each row (none: the row)
    robot     what the robot sees in each column (none: the column)
    """
    height, width = len(table), len(table[0])
    columns = columns or (Fraction(1, width),) * width
    human, robot = human or tuple(range(height)), robot or tuple(range(width))
    cells = list(product(range(height), range(width)))
    return {
        "prior": tuple(columns[c] / height for _, c in cells),
        "u_act": tuple(table[r][c] for r, c in cells),
        "obs_human": tuple(human[r] for r, _ in cells),
        "obs_robot": tuple(robot[c] for _, c in cells),
        "messages_human": messages_human,
        "messages_robot": messages_robot,
    }


FILES: Table = ((3, -5), (-1, 5))  # versions 1.0 and 2.0; legacy or modern code
VERSIONS: Table = ((1, -5), (-2, 3), (3, 3))  # versions 1.0, 1.1 and 2.0
TASKS: Table = ((2, 3, 4), (-4, -1, 2))  # the human sees N or E, the robot F, S or M
DIFFERENT: Table = ((-1, 2), (2, -1))  # one coordinate each, 2 where they differ
UNAWARE: Table = ((1, 1), (2, -3), (-4, -4))
ORDERS: Table = (
    (10, 1, 1, -30, -30),
    (-30, 1, -30, -30, -30),
    (10, -30, -30, 1, 1),
    (-30, -30, -30, 1, -30),
)
QUARTER = (Fraction(1, 4), Fraction(1, 4), Fraction(1, 2))  # (p, p, 1 - 2p) at p = 1/4
REPORTS: Table = ((20, -40, -2), (-40, 20, -2), (-40, -40, 2), (40, 40, 20))  # 5.7's 5/p, -10/p, ... at p = 1/4

EXAMPLES: dict[str, dict[str, Any]] = {
    "file_deletion": example(FILES),  # 4.1
    "coarse_human": example(VERSIONS, human=(0, 0, 1)),  # 4.10: the human sees the first digit
    "fine_human": example(VERSIONS),  # 4.10
    "coarse_robot": example(TASKS, robot=(0, 1, 1)),  # A.14: the robot cannot tell S from M
    "fine_robot": example(TASKS),  # A.14
    "one_coordinate_each": example(DIFFERENT),  # A.13
    "human_sees_difference": example(DIFFERENT) | {"obs_human": (0, 1, 1, 0), "obs_robot": (0, 0, 0, 0)},  # A.13
    "unaware_full": example(UNAWARE),  # 6.3
    "unaware_coarse": example(UNAWARE, human=(0, 0, 1)),  # 6.3: the human sees whether it is the third
    "human_says_nothing": example(ORDERS),  # 5.8
    "human_says_a_bit": example(ORDERS, messages_human=2),  # 5.8
    "robot_says_nothing": example(REPORTS, columns=QUARTER),  # 5.7
    "robot_says_a_bit": example(REPORTS, columns=QUARTER, messages_robot=2),  # 5.7
    "robot_says_all": example(REPORTS, columns=QUARTER, messages_robot=3),  # 5.7
}
