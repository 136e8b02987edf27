"""Registered games: every dilemma of two by two actions, any matrix game, and the centipede, alone."""

from __future__ import annotations

from ..core.factories import by_chance, register_part
from ..core.society import Society
from .centipede import Centipede
from .matrix import (
    BattleOfTheSexes,
    Chicken,
    DonationGame,
    Harmony,
    MatrixGame,
    PrisonersDilemma,
    PureCoordination,
    StagHunt,
)

EXAMPLE = (((3.0, 2.0), (0.0, 4.0), (1.0, 1.0)), ((5.0, 0.0), (1.0, 1.0), (0.0, 3.0)))

register_part(
    "prisoners_dilemma",
    PrisonersDilemma,
    "The repeated prisoner's dilemma: defecting always pays more, yet both would rather both cooperated.",
)
register_part(
    "donation", DonationGame, "The donation game: at a cost to oneself, one can give the other a larger benefit."
)
register_part(
    "stag_hunt",
    StagHunt,
    "The stag hunt: together they catch the stag, which is best for both, but a hare is certain.",
)
register_part(
    "chicken",
    Chicken,
    "Chicken (hawk and dove, the snowdrift): daring wins against who swerves, but two who dare crash.",
)
register_part(
    "battle_of_the_sexes",
    BattleOfTheSexes,
    "The battle of the sexes: both want to go to the same place, each rather to its own.",
)
register_part(
    "pure_coordination",
    PureCoordination,
    "Pure coordination: it does not matter what they do, if only they do the same.",
)
register_part("harmony", Harmony, "Harmony, which is no dilemma: whatever the other does, cooperating pays more.")
register_part(
    "matrix_game",
    MatrixGame,
    """Any two-player game by its payoff matrix; as it comes, an example of 2 row and 3 column actions.

    The host of an encounter is the row player; when all play at once, chance draws the roles every round.
    """,
    payoffs=EXAMPLE,
)


def one_table_at_a_time(game: Centipede, n_agents: int = 2, rounds: int = 1) -> Society:
    """Whole games, one after the other.

    n_agents   players; more than two play in turn, every agent hosting one game a round against a random other
    rounds     rounds, each one whole game an encounter; then it is over
    """
    return by_chance(game, n_agents, rounds, "together" if n_agents == 2 else "in turn")


register_part(
    "centipede",
    Centipede,
    "The centipede: two agents in turn continue or stop; the pot grows, but whoever stops first does better by it.",
    one_table_at_a_time,
)
