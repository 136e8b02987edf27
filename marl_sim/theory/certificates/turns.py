"""Two players who move in turn: the centipede, trust, ultimatum, dictator and gift exchange."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ...core.game import Game
from ..backward import Moves, Over, shown
from ..form import exact
from ..sequences import moves, spne
from ..welfare import ratio
from .common import holding, paths
from .record import Certificate, Fact, Finding, fact, finding
from .registry import certificate_of

WAYS = 50_000  # choices of a game whose ends are compared: some seconds
CENTIPEDE = "centipede (all gain by going on, and whoever moves gains by stopping)"
TRUST = "trust game (sending creates wealth, and in equilibrium nobody sends)"
ULTIMATUM = "ultimatum game (the proposer keeps all but the least that the responder prefers to nothing)"
DICTATOR = "dictator game, no dilemma (a pie is divided, and giving is altruism)"
GIFT_EXCHANGE = "gift exchange (both gain by a high wage and effort, and in equilibrium both are the least)"


def ends(tree: Moves) -> list[tuple[Any, ...]]:
    """All that can be done, choice after choice."""
    (root,) = tree.states(0)
    found: list[tuple[Any, ...]] = []
    going: list[tuple[tuple[Any, ...], Any]] = [((), root)]
    for depth in range(len(tree.movers)):
        further = []
        for path, state in going:
            for choice in tree.choices(depth, state):
                after = tree.after(depth, state, choice)
                if isinstance(after, Over) or depth + 1 == len(tree.movers):
                    found.append((*path, choice))
                else:
                    further.append(((*path, choice), after))
        going = further
    return found


def in_turn(game: Game) -> tuple[tuple[Finding, ...], tuple[Fact, ...]]:
    """Equilibrium paths, optimum and the price between them; and whether both could gain over the equilibrium."""
    tree = moves(game)
    high = spne(game, "high")
    low = spne(game, "low") if high.ties else high
    if tree.size > WAYS:
        few = f"not searched: there are {tree.size:,} choices, and up to {WAYS:,} can be compared"
        return (*paths(high, low), finding("optimum", few)), ()
    paid = {path: tree.payoffs(path) for path in ends(tree)}
    best = max(paid, key=lambda path: sum(paid[path]))
    deal = max(paid, key=lambda path: min(x - y for x, y in zip(paid[path], high.payoffs, strict=True)))
    gain = min(x - y for x, y in zip(paid[deal], high.payoffs, strict=True))
    most, least = sum(paid[best]), min(sum(one.payoffs) for one in (high, low))
    found = [*paths(high, low), finding("optimum", f"{_steps(best)}  ->  {shown(most)} in all", _end(tree, best))]
    if gain > 0:
        found.append(finding("better for both", f"{_steps(deal)}  ->  {shown(paid[deal])}", _end(tree, deal)))
    price = ratio(Fraction(most), Fraction(least))
    found.append(finding("optimum / equilibrium", _ratio(price), price))
    relation = ">" if gain > 0 else "="
    return tuple(found), (fact(f"what both could gain over the equilibrium {relation} 0", gain, 0),)


def _end(tree: Moves, path: tuple[Any, ...]) -> dict[str, Any]:
    return {"path": list(path), "payoffs": list(tree.payoffs(path)), "welfare": sum(tree.payoffs(path))}


def _steps(path: tuple[Any, ...]) -> str:
    if len(path) > 4 and len(set(path)) == 1:
        return f"{path[0]}, {len(path)} times"
    return ", ".join(shown(step) for step in path)


def _ratio(x: Fraction | float) -> str:
    return shown(x) if isinstance(x, Fraction) else "infinite: the equilibrium leaves nothing"


def certificate(game: Game, kind: str, facts: tuple[Fact, ...], other: str, gain: bool = True) -> Certificate:
    """A game of moves in turn: of its kind where the facts hold, and where both could gain (or, if not `gain`, not)."""
    try:
        found, deal = in_turn(game)
    except ValueError as refusal:
        return Certificate("", kind if holding(facts) else other, facts, (finding("in order", str(refusal)),))
    is_so = holding(facts) and all((one.left > 0) == gain for one in deal)
    return Certificate("", kind if is_so else other, (*facts, *deal), found)


@certificate_of("Centipede")
def centipede(part: Any, game: Game) -> Certificate:
    """At every move stopping beats being stopped next, and the end is better for both together than the start."""
    tree = moves(game)
    stopped = [tree.payoffs(("continue",) * t + ("stop",)) for t in range(len(tree.movers))]
    stopped.append(tree.payoffs(("continue",) * len(tree.movers)))
    gains = [stopped[t][mover] - stopped[t + 1][mover] for t, mover in enumerate(tree.movers)]
    if part.form == "linear":
        facts = [fact("benefit > cost", part.benefit, part.cost), fact("cost > 0", part.cost, 0)]
    else:
        large, small, growth = map(exact, (part.large, part.small, part.growth))
        facts = [fact("large > growth * small", large, growth * small), fact("growth > 1", growth, 1)]
    facts += [
        fact("least gain by stopping rather than being stopped next > 0", min(gains), 0),
        fact("welfare at the end > welfare of stopping at once", sum(stopped[-1]), sum(stopped[0])),
    ]
    return certificate(game, CENTIPEDE, tuple(facts), "a centipede-like game")


@certificate_of("TrustGame")
def trust(part: Any, game: Game) -> Certificate:
    """What is sent is worth more than it costs, and nothing of it need come back."""
    facts = (fact("multiplier > 1", part.multiplier, 1),)
    return certificate(game, TRUST, facts, "a game of sending and returning")


@certificate_of("UltimatumGame")
def ultimatum(part: Any, game: Game) -> Certificate:
    """Any positive offer is better than nothing; an offer of nothing leaves the responder indifferent."""
    step = exact(part.pie) / (part.levels - 1)
    facts = (fact("least positive offer > 0", step, 0),)
    made = certificate(game, ULTIMATUM, facts, "a game of proposing", gain=False)
    text = "every offer is one of some equilibrium, in which the responder rejects all that is less"
    threats = finding(
        "equilibria", f"{text}; subgame-perfect are offers of 0 and of {shown(step)}", {"perfect": [0, step]}
    )
    return Certificate("", made.kind, made.facts, (*made.findings, threats))


@certificate_of("DictatorGame")
def dictator(part: Any, game: Game) -> Certificate:
    """What is given is kept less: welfare is the pie, whatever is done."""
    tree = moves(game)
    nothing, everything = (sum(tree.payoffs((gift,))) for gift in (exact(0), exact(part.pie)))
    facts = (fact("welfare if nothing is given = welfare if all is", nothing, everything),)
    return certificate(game, DICTATOR, facts, "a game of giving", gain=False)


@certificate_of("GiftExchange")
def gift_exchange(part: Any, game: Game) -> Certificate:
    """A worker who has been paid gains by the least effort, and a firm by the lowest wage; a better deal is there."""
    facts = (
        fact("cost of full effort > cost of the least", part.costs[-1], part.costs[0]),
        fact("highest > lowest", part.highest, part.lowest),
    )
    return certificate(game, GIFT_EXCHANGE, facts, "gift exchange in which no deal is better for both")
