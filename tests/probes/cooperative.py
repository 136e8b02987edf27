"""Small games of two whose answers are known, as probes of learners who should coordinate.

Agent 0 is always the row player and agent 1 the column player. One round or two, then the game is over.
"""

from typing import Any, ClassVar

import numpy as np

import marl_sim as ms

# The climbing game of Claus & Boutilier, "The dynamics of reinforcement learning in cooperative multiagent systems"
# (AAAI 1998), as it is commonly given; which agent has the rows changes nothing about what is best.
CLIMBING = ((11, -30, 0), (-30, 7, 6), (0, 0, 5))
PENNIES = (((1, -1), (-1, 1)), ((-1, 1), (1, -1)))
# The states of the two-step game: where agent 0 chooses, 2A and 2B; Rashid et al. (ICML 2018).
TWO_STEPS = (((0, 0), (0, 0)), ((7, 7), (7, 7)), ((0, 1), (1, 8)))


@ms.rule
def seat(partner: Any, willing: Any) -> None:
    """Agent 0 hosts agent 1."""
    partner[0], partner[1] = 1, 0
    willing[0], willing[1] = 1, 0


class Seated(ms.Mechanism):
    """Agent 0 always meets agent 1 and is the row player. State: partner, willing (see core.encounters)."""

    matches = "episode"

    def reactions(self, game: ms.Game) -> dict[str, Any]:
        return {"open": seat}


def matrix(payoffs: Any) -> ms.Society:
    """One round of a game of two, payoffs[row][column] = (row's, column's) or one number for both; nobody sees more
    than whether it is the row player."""
    table = np.asarray(payoffs, dtype=float)
    both = np.stack([table, table], axis=-1) if table.ndim == 2 else table
    return ms.Society(ms.MatrixGame(both, sees=()), Seated(), n_agents=2, horizon=ms.Fixed(1))


def climbing() -> ms.Society:
    """The climbing game: the best outcome, 11, lies beside the worst, and who explores climbs to 5 or 7 instead."""
    return matrix(CLIMBING)


def penalty(k: float = -100.0) -> ms.Society:
    """The penalty game of Claus & Boutilier: two best outcomes of 10, between which a miss pays k <= 0, and a safe 2.

    Against a partner who chooses evenly the safe action is the best one if and only if k < -8.
    """
    return matrix(((10, 0, k), (0, 2, 0), (k, 0, 10)))


def matching_pennies() -> ms.Society:
    """Zero sum: the row player wins when both show the same. In the one equilibrium both toss; it is worth 0."""
    return matrix(PENNIES)


@ms.rule
def two_steps(n: Any, place: Any, action: Any, table: Any, payoff: Any) -> None:
    """Everybody is paid by the table of the place; at the start agent 0's action then says where they go."""
    for i in range(n):
        payoff[i] += table[place[0], action[0], action[1]]
    if place[0] == 0:
        place[0] = 1 + action[0]


@ms.rule
def see_place(place: Any, out: Any) -> None:
    """Where they are: 0 at the start, 1 in 2A, 2 in 2B."""
    out[0] = place[0]


class TwoSteps(ms.GroupDilemma):
    """At the start agent 0 chooses: A leads to 2A, which pays both 7 whatever they do, B to 2B, which pays both 8 if
    both choose B, 1 if one does and 0 if none does. Sums of one number an agent cannot value 2B right, monotonic
    mixtures can: so VDN takes the 7 and QMIX the 8.

    Observation   "place": 0 at the start, 1 in 2A, 2 in 2B
    Reward        `payoff`, the same for both
    Source        Rashid et al., "QMIX" (ICML 2018), section 5
    """

    rewards: ClassVar[tuple[str, ...]] = ("payoff",)

    def state(self, game: ms.Game) -> dict[str, Any]:
        return {"place": ms.ints(1)}

    def constants(self, game: ms.Game) -> dict[str, Any]:
        return {"table": np.array(TWO_STEPS, dtype=float)}

    def stages(self, game: ms.Game) -> list[ms.Stage]:
        return [ms.Stage("play", ("A", "B"), then=(two_steps,))]

    def fields(self, game: ms.Game) -> dict[str, list[ms.Field]]:
        return {"play": [ms.Field("place", 1, see_place, levels=3, words="0 at the start, 1 in 2A, 2 in 2B")]}


def two_step(encode: str = "one_hot") -> ms.Group:
    """The two-step game of the QMIX paper, with encode "index" for tables."""
    return ms.Group(TwoSteps(), n_agents=2, horizon=ms.Fixed(2), encode=encode)
