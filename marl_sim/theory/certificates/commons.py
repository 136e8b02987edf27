"""Many rounds in one game: a common pool that grows back, a risk that a group can avert together, an escape room."""

from __future__ import annotations

from fractions import Fraction
from typing import Any, NamedTuple

from ...core.game import Game
from ...core.horizon import Geometric
from ..backward import shown
from ..form import exact
from ..payoffs import normal_form
from .common import indices, solved
from .record import Certificate, fact, finding
from .registry import certificate_of

TRAGEDY = "tragedy of the commons"
COLLECTIVE_RISK = "collective-risk dilemma (in equilibrium the target is reached, or nothing is given)"
ESCAPE_ROOM = "escape room (some must lose for the others to get out, and in no pure equilibrium does anybody)"


class Course(NamedTuple):
    """What becomes of a pool: rounds until it was lost (or the horizon's), all harvested, all paid, the stock left."""

    rounds: int
    harvest: float
    paid: float
    stock: float
    lost: bool


def course(part: Any, asked: float, n: int, rounds: int) -> Course:
    """All n ask for `asked` in every round: S' = S - H + growth S (1 - S / capacity), H = min(n asked, S)."""
    stock, harvest, paid = part.initial * part.capacity, 0.0, 0.0
    for t in range(1, rounds + 1):
        caught = min(n * asked, stock)
        harvest += caught
        paid += part.price * caught - part.cost * n * asked
        stock = max(0.0, stock - caught + part.growth * stock * (1 - stock / part.capacity))
        if stock <= part.floor:
            return Course(t, harvest, paid, stock, True)
    return Course(rounds, harvest, paid, stock, False)


@certificate_of("CommonPool")
def common_pool(part: Any, game: Game) -> Certificate:
    """To ask for more pays at once whatever the others do, and if all do, the stock cannot replace it."""
    n, ends = game.n_agents, game.horizon
    rounds = round(1 / (1 - ends.continuation)) if isinstance(ends, Geometric) else getattr(ends, "rounds", 1)
    sustainable = exact(part.growth) * exact(part.capacity) / 4
    share = min(sustainable / n, exact(part.most))
    greedy, modest = course(part, part.most, n, rounds), course(part, float(share), n, rounds)
    facts = (
        fact("price > cost", part.price, part.cost),
        fact("n_agents * most > growth * capacity / 4", n * exact(part.most), sustainable),
        fact(f"all paid for fair shares > all paid for the most, in {rounds} rounds", modest.paid, greedy.paid),
    )
    pays, outgrows, worse = (one.holds for one in facts)
    kind = TRAGEDY
    if not pays:
        kind = "no dilemma: a unit is not worth asking for"
    elif not outgrows:
        kind = "no dilemma: the stock grows back whatever is taken"
    elif not worse:
        kind = f"{TRAGEDY}, in which {rounds} rounds are too few for greed to cost the group"
    found = (
        finding(
            "sustainable yield",
            f"{shown(sustainable)} a round for ever, from half the capacity: {shown(sustainable / n)} each",
            sustainable,
        ),
        finding("all ask for the most", _told(greedy), greedy._asdict()),
        finding("all ask for a fair share", _told(modest), modest._asdict()),
    )
    return Certificate("", kind, facts, found)


def _told(one: Course) -> str:
    fate = f"lost in round {one.rounds}" if one.lost else f"{one.stock:.6g} left after {one.rounds} rounds"
    return f"the stock is {fate}; {one.harvest:.6g} harvested, {one.paid:.6g} paid in all"


@certificate_of("CollectiveRisk")
def collective_risk(part: Any, game: Game) -> Certificate:
    """Fair shares are an equilibrium if the risk to what one keeps is worth them (Milinski et al. 2008)."""
    n, rounds = game.n_agents, getattr(game.horizon, "rounds", 1)
    endowment, unit, target, risk = map(exact, (part.endowment, part.unit, part.target, part.risk))
    share = target / n
    most = unit * min(endowment // unit, rounds * (part.levels - 1))
    facts = (
        fact("risk * endowment >= target / n_agents", risk * endowment, share),
        fact("target > the most that one can give", target, most),
        fact("endowment > target / n_agents", endowment, share),
    )
    stays, joint, _ = (one.holds for one in facts)
    kind = COLLECTIVE_RISK
    if not stays:
        kind = "no dilemma: the risk is too small to be worth averting by fair shares"
    elif not joint:
        kind = "collective-risk dilemma that one alone can avert"
    form = normal_form(game)
    found = (
        finding("fair share", f"{shown(share)} in all, {shown(share / rounds)} a round", share),
        finding("least risk", f"{shown(share / endowment)} makes fair shares an equilibrium", share / endowment),
        finding(
            "expected at the end",
            f"fair shares {shown(endowment - share)}, nothing given {shown((1 - risk) * endowment)}",
            {"fair": endowment - share, "nothing": (1 - risk) * endowment},
        ),
        finding("below", f"plans made beforehand: how much to give in all {rounds} rounds together", rounds),
    )
    return Certificate("", kind, facts, (*found, *solved(form), *indices(form)))


@certificate_of("EscapeRoom")
def escape_room(part: Any, game: Game) -> Certificate:
    """Whoever pulls when others get out has paid for nothing, and whoever never moves has lost nothing.

    So in no equilibrium in pure strategies, of however many rounds, does anybody get out: at least `levers` agents
    would end below the 0 that staying guarantees. And if nobody gets out, whoever moves ends below it.
    """
    n, levers, success, cost = game.n_agents, part.levers, exact(part.success), exact(part.cost)
    prize, price = success * (n - levers), cost * levers
    facts = (fact("success * (n_agents - levers) > cost * levers", prize, price), fact("cost > 0", cost, 0))
    kind = (
        ESCAPE_ROOM if facts[0].holds else "no dilemma: getting out is worth no more than what it costs those who pull"
    )
    best = f"{levers} lever, {n - levers} door, in the first round  ->  {shown(prize - price)} in all"
    if not facts[0].holds:
        best = "nobody moves  ->  0 in all"
    share = prize / levers
    found = (
        finding("optimum of the game", best, max(prize - price, Fraction(0))),
        finding(
            "equilibria of the game",
            "in pure strategies nobody moves, in however many rounds: never moving leaves at least 0, and whoever "
            "pulls when others get out ends below it",
            {"escape": False, "guaranteed": 0, "most of who pulls": -cost},
        ),
        finding(
            "price of a pull",
            f"whoever is the last that is needed loses by pulling unless given {shown(cost)}; those who get out have "
            f"up to {shown(share)} to give to each who pulls",
            {"least": cost, "most": share},
        ),
        finding("below", "one round from the start", 1),
    )
    return Certificate("", kind, facts, (*found, *solved(normal_form(game))))
