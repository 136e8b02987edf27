"""Registered games: every named dilemma alone."""

from __future__ import annotations

from typing import Any, Literal

from ..core.horizon import Fixed
from ..core.registry import register
from ..core.society import Dilemma, Society
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

Encounters = Literal["together", "in turn"]
EXAMPLE = (((3.0, 2.0), (0.0, 4.0), (1.0, 1.0)), ((5.0, 0.0), (1.0, 1.0), (0.0, 3.0)))


def by_chance(game: Dilemma, n_agents: int, rounds: int, encounters: Encounters) -> Society:
    """A dilemma among agents whom chance matches every round, for a fixed number of rounds."""
    return Society(game, n_agents=n_agents, horizon=Fixed(rounds), encounters=encounters)


@register("prisoners_dilemma")
def prisoners_dilemma(
    reward: float = 3.0,
    temptation: float = 4.0,
    sucker: float = 0.0,
    punishment: float = 1.0,
    n_agents: int = 2,
    rounds: int = 10,
    encounters: Encounters = "together",
) -> Society:
    """The repeated prisoner's dilemma: defecting always pays more, yet both would rather both cooperated.

    reward       for both when both cooperate
    temptation   for defecting on a cooperator
    sucker       for cooperating with a defector
    punishment   for both when both defect
    n_agents     players; more than two are matched at random every round
    rounds       rounds, then the game is over
    encounters   "together": all pairs at once; "in turn": every agent hosts one encounter a round, one after the other

    Source       Rapoport & Chammah, "Prisoner's Dilemma" (1965)
    """
    dilemma = PrisonersDilemma(reward=reward, temptation=temptation, sucker=sucker, punishment=punishment)
    return by_chance(dilemma, n_agents, rounds, encounters)


@register("donation")
def donation(
    benefit: float = 5.0, cost: float = 1.0, n_agents: int = 2, rounds: int = 10, encounters: Encounters = "together"
) -> Society:
    """The donation game: at a cost to oneself, one can give the other a larger benefit.

    benefit      what the other gets
    cost         what giving costs, less than the benefit
    n_agents     players; more than two are matched at random every round
    rounds       rounds, then the game is over
    encounters   "together" or "in turn"

    Source       Sigmund, "The Calculus of Selfishness" (2010)
    """
    return by_chance(DonationGame(benefit=benefit, cost=cost), n_agents, rounds, encounters)


@register("stag_hunt")
def stag_hunt(
    stag: float = 4.0,
    hare: float = 3.0,
    temptation: float = 3.0,
    alone: float = 0.0,
    n_agents: int = 2,
    rounds: int = 10,
    encounters: Encounters = "together",
) -> Society:
    """The stag hunt: together they catch the stag, which is best for both, but a hare is certain.

    stag         for both when both hunt the stag
    hare         for both when both hunt hares
    temptation   for hunting hares beside a stag hunter
    alone        for hunting the stag alone
    n_agents     players; more than two are matched at random every round
    rounds       rounds, then the game is over
    encounters   "together" or "in turn"

    Source       Skyrms, "The Stag Hunt and the Evolution of Social Structure" (2004)
    """
    dilemma = StagHunt(stag=stag, hare=hare, temptation=temptation, alone=alone)
    return by_chance(dilemma, n_agents, rounds, encounters)


@register("chicken")
def chicken(
    win: float = 4.0,
    both_swerve: float = 3.0,
    swerve: float = 1.0,
    crash: float = 0.0,
    n_agents: int = 2,
    rounds: int = 10,
    encounters: Encounters = "together",
) -> Society:
    """Chicken (hawk and dove, the snowdrift): daring wins against who swerves, but two who dare crash.

    win           for daring when the other swerves
    both_swerve   for both when both swerve
    swerve        for swerving when the other dares
    crash         for both when both dare
    n_agents      players; more than two are matched at random every round
    rounds        rounds, then the game is over
    encounters    "together" or "in turn"

    Source        Rapoport & Chammah, "The game of chicken" (1966)
    """
    dilemma = Chicken(win=win, both_swerve=both_swerve, swerve=swerve, crash=crash)
    return by_chance(dilemma, n_agents, rounds, encounters)


@register("battle_of_the_sexes")
def battle_of_the_sexes(
    favourite: float = 3.0,
    other: float = 2.0,
    apart: float = 0.0,
    n_agents: int = 2,
    rounds: int = 10,
    encounters: Encounters = "together",
) -> Society:
    """The battle of the sexes: both want to go to the same place, each rather to its own.

    favourite    for meeting at one's own place
    other        for meeting at the other's
    apart        for not meeting
    n_agents     players; more than two are matched at random every round
    rounds       rounds, then the game is over
    encounters   "together" or "in turn"

    Source       Luce & Raiffa, "Games and Decisions" (1957)
    """
    return by_chance(BattleOfTheSexes(favourite=favourite, other=other, apart=apart), n_agents, rounds, encounters)


@register("pure_coordination")
def pure_coordination(
    match: float = 1.0, mismatch: float = 0.0, n_agents: int = 2, rounds: int = 10, encounters: Encounters = "together"
) -> Society:
    """Pure coordination: it does not matter what they do, if only they do the same.

    match        for both when they do the same
    mismatch     for both when they do not
    n_agents     players; more than two are matched at random every round
    rounds       rounds, then the game is over
    encounters   "together" or "in turn"

    Source       Lewis, "Convention" (1969)
    """
    return by_chance(PureCoordination(match=match, mismatch=mismatch), n_agents, rounds, encounters)


@register("harmony")
def harmony(
    reward: float = 4.0,
    temptation: float = 3.0,
    sucker: float = 2.0,
    punishment: float = 1.0,
    n_agents: int = 2,
    rounds: int = 10,
    encounters: Encounters = "together",
) -> Society:
    """Harmony, which is no dilemma: whatever the other does, cooperating pays more.

    reward       for both when both cooperate
    temptation   for defecting on a cooperator
    sucker       for cooperating with a defector
    punishment   for both when both defect
    n_agents     players; more than two are matched at random every round
    rounds       rounds, then the game is over
    encounters   "together" or "in turn"

    Source       Santos, Pacheco & Lenaerts, "Evolutionary dynamics of social dilemmas in structured heterogeneous
                 populations" (PNAS 2006)
    """
    dilemma = Harmony(reward=reward, temptation=temptation, sucker=sucker, punishment=punishment)
    return by_chance(dilemma, n_agents, rounds, encounters)


@register("centipede")
def centipede(
    form: Literal["linear", "exponential"] = "linear",
    iterations: int = 10,
    cost: float = 1.0,
    benefit: float = 5.0,
    large: float = 4.0,
    small: float = 1.0,
    growth: float = 2.0,
    n_agents: int = 2,
    rounds: int = 1,
) -> Society:
    """The centipede: two agents in turn continue or stop; the pot grows, but whoever stops first does better by it.

    form         "linear": continuing costs the mover `cost` and gives the other `benefit`; "exponential": the pot
                 grows by the factor `growth` with every move, whoever stops takes the large part
    iterations   moves of each player
    cost         linear: what continuing costs
    benefit      linear: what it gives the other
    large        exponential: what stopping at once would give the mover
    small        exponential: what it would leave the other
    growth       exponential: growth of both with every move
    n_agents     players; more than two play in turn, every agent hosting one game a round against a random other
    rounds       rounds, each one whole game an encounter; then it is over

    Sources      Rosenthal, "Games of perfect information, predatory pricing and the chain-store paradox" (1981);
                 McKelvey & Palfrey, "An experimental study of the centipede game" (1992); the linear payoffs are those
                 of Dasgupta & Musolesi (2025)
    """
    dilemma = Centipede(
        form=form, iterations=iterations, cost=cost, benefit=benefit, large=large, small=small, growth=growth
    )
    return by_chance(dilemma, n_agents, rounds, "together" if n_agents == 2 else "in turn")


@register("matrix_game")
def matrix_game(
    payoffs: Any = EXAMPLE,
    actions: tuple[str, ...] = (),
    column_actions: tuple[str, ...] = (),
    cooperative: tuple[int, ...] = (0,),
    n_agents: int = 2,
    rounds: int = 10,
    encounters: Encounters = "together",
) -> Society:
    """Any two-player game by its payoff matrix; as it comes, an example of 2 row and 3 column actions.

    payoffs          payoffs[row action][column action] = (row's payoff, column's payoff)
    actions          names of the row player's actions
    column_actions   names of the column player's actions
    cooperative      which actions count as cooperation
    n_agents         players; more than two are matched at random every round
    rounds           rounds, then the game is over
    encounters       "together" or "in turn"

    The host of an encounter is the row player; when all play at once, chance draws the roles every round.
    """
    dilemma = MatrixGame(payoffs=payoffs, actions=actions, column_actions=column_actions, cooperative=cooperative)
    return by_chance(dilemma, n_agents, rounds, encounters)
