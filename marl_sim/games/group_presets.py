"""Registered games: groups with sanctions and institutions."""

from __future__ import annotations

from typing import Literal

from ..core.group import Group
from ..core.horizon import Fixed
from ..core.registry import register
from ..core.society import Mechanism
from ..mechanisms.institutions import Institutions
from ..mechanisms.sanctions import PeerPunishment, PeerReward
from .public_goods import PublicGoods


@register("fehr_gaechter")
def fehr_gaechter(
    punishment: bool = True,
    points: int = 10,
    cost: float = 1.0,
    effect: float = 3.0,
    n_agents: int = 4,
    multiplier: float = 1.6,
    endowment: float = 20.0,
    levels: int = 21,
    rounds: int = 6,
    encode: str = "one_hot",
) -> Group:
    """Public goods with punishment: having seen what the others gave, each can pay to take money from any of them.

    punishment   False: the public goods game alone, the experiment's other treatment
    points       the most points one can assign to another in a round
    cost         what a point costs the punisher
    effect       what it takes from the punished
    n_agents     members of the group
    multiplier   of the pot; multiplier / n_agents is the marginal per-capita return, here 0.4
    endowment    what everybody has in a round
    levels       contributions to choose from, evenly from nothing to all
    rounds       rounds, then the game is over
    encode       "one_hot" or "index": how whole numbers stand in the observation

    Groups of 4, an endowment of 20, a return of 0.4 and 3 taken for 1 paid are the experiment's by accounts of it; at
    most 10 points and 6 rounds, each in a new group, are as commonly reported. Here the group stays together. Where all
    care for money alone nobody punishes, and so nobody contributes.

    Source       Fehr & Gaechter, "Altruistic punishment in humans" (Nature 2002)
    """
    game = PublicGoods(multiplier=multiplier, endowment=endowment, levels=levels)
    judges = (PeerPunishment(points=points, cost=cost, effect=effect),) if punishment else ()
    return Group(game, *judges, n_agents=n_agents, horizon=Fixed(rounds), encode=encode)


@register("institution_choice")
def institution_choice(
    by: Literal["feet", "majority"] = "feet",
    rewards: bool = True,
    points: int = 5,
    budget: float = 20.0,
    n_agents: int = 7,
    multiplier: float = 1.6,
    endowment: float = 20.0,
    levels: int = 21,
    rounds: int = 15,
    encode: str = "one_hot",
) -> Group:
    """Will people choose to live with sanctions? Each round, before contributing, everybody picks an institution.

    by           "feet": everybody lives where it chose; "majority": all live where most chose
    rewards      points can be given as rewards too, not as punishment only
    points       the most points of a kind that one can assign to another in a round; not known, a reconstruction
    budget       the most that one can spend on points in a round
    n_agents     members of the society
    multiplier   of a house's pot, shared by who lives in it; it is 1.6 / 7 = 0.2286 a head where all live together
    endowment    what everybody can contribute of in a round
    levels       contributions to choose from, evenly from nothing to all
    rounds       rounds, then the game is over
    encode       "one_hot" or "index": how whole numbers stand in the observation

    A point costs 1; as punishment it takes 3, as reward it gives 1. Seven agents, 15 rounds and these numbers are those
    of a public simulation after the experiment, where everybody also starts with 1,000 tokens and has 20 more in every
    round to spend on points or keep: amounts that no choice changes, and that are not paid here; the 20 are the budget.

    Source       Guererk, Irlenbusch & Rockenbach, "The competitive advantage of sanctioning institutions" (Science
                 2006); the experiment itself had sessions of 12 and 30 rounds
    """
    sanctions: tuple[Mechanism, ...] = (PeerPunishment(points=points, cost=1.0, effect=3.0, budget=budget),)
    if rewards:
        sanctions += (PeerReward(points=points, cost=1.0, effect=1.0, budget=budget),)
    game = PublicGoods(multiplier=multiplier, endowment=endowment, levels=levels)
    return Group(game, Institutions(by=by), *sanctions, n_agents=n_agents, horizon=Fixed(rounds), encode=encode)
