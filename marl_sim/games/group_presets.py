"""Registered games: groups with sanctions and institutions, collective risk, the commons."""

from __future__ import annotations

from typing import Literal

from ..core.group import Group
from ..core.horizon import Fixed
from ..core.registry import register
from ..core.society import Mechanism
from ..mechanisms.institutions import Institutions
from ..mechanisms.sanctions import PeerPunishment, PeerReward
from .collective_risk import CollectiveRisk
from .common_pool import CommonPool
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


@register("collective_risk")
def collective_risk(
    risk: float = 0.9,
    endowment: float = 40.0,
    unit: float = 2.0,
    levels: int = 3,
    target: float = 120.0,
    n_agents: int = 6,
    rounds: int = 10,
    sees: tuple[str, ...] = ("pot", "account", "round"),
    encode: str = "one_hot",
) -> Group:
    """The collective-risk dilemma: if a group does not save enough, all may lose what they kept.

    risk        probability of the disaster where the target is missed; the experiment has 0.9, 0.5 and 0.1
    endowment   money on everybody's account at the start
    unit        money that a step of a contribution is
    levels      contributions: 0, 1, .. levels - 1 units a round
    target      money that must be in the pot after the last round
    n_agents    members of the group
    rounds      rounds, then the game is over
    sees        what is known: "pot", "account", "round", "acts" (what everybody gave last; the experiment shows it)
    encode      "one_hot" or "index": how whole numbers stand in the observation

    Six players with 40 euros each give 0, 2 or 4 in each of 10 rounds towards 120, as commonly reported. All is paid
    after the last round. Giving one's part leaves 20; giving nothing leaves 40 with probability 1 - risk.

    Source      Milinski, Sommerfeld, Krambeck, Reed & Marotzke, "The collective-risk social dilemma and the prevention
                of simulated dangerous climate change" (PNAS 2008)
    """
    game = CollectiveRisk(risk=risk, endowment=endowment, unit=unit, levels=levels, target=target, sees=sees)
    return Group(game, n_agents=n_agents, horizon=Fixed(rounds), encode=encode)


@register("common_pool")
def common_pool(
    capacity: float = 100.0,
    growth: float = 0.4,
    initial: float = 1.0,
    floor: float = 5.0,
    most: float = 5.0,
    levels: int = 11,
    price: float = 1.0,
    cost: float = 0.0,
    box: bool = False,
    bins: int = 0,
    n_agents: int = 5,
    rounds: int = 30,
    encode: str = "one_hot",
) -> Group:
    """The tragedy of the commons: all take from a stock that grows back, and lose it if they take too much.

    capacity   the most that the stock can be
    growth     rate of regrowth a round
    initial    the stock at the start, as a share of capacity
    floor      a stock of no more than this is lost, and the game over
    most       the most that one can ask for in a round
    levels     amounts to choose from, evenly from nothing to `most`
    price      paid for each unit harvested
    cost       of each unit asked for
    box        any amount from 0 to `most`
    bins       0: stock and harvest are seen as numbers; else as which of so many parts of their range they are in
    n_agents   members of the group
    rounds     rounds, then the game is over
    encode     "one_hot" or "index": how whole numbers stand in the observation

    As it comes, 10 a round, 2 for each of 5, can be taken for ever from half the capacity; if all take all they can,
    the stock is lost in the 6th round. Numbers of our own, after no experiment.

    Source     Hardin, "The tragedy of the commons" (Science 1968)
    """
    game = CommonPool(
        capacity=capacity, growth=growth, initial=initial, floor=floor, most=most, levels=levels, price=price,
        cost=cost, box=box, bins=bins,
    )  # fmt: skip
    return Group(game, n_agents=n_agents, horizon=Fixed(rounds), encode=encode)
