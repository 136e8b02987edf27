"""Games in which players move one after the other, as backward induction needs them: from their options alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

from ..core.game import Game
from ..core.group import Group
from ..core.part import Part
from ..core.society import Mechanism
from .backward import SPNE, Moves, Over, Ties, induce
from .form import exact
from .payoffs import game_of, grid

Worth = Callable[[int, Fraction, Fraction, Fraction], Fraction]  # (seat, own, total before, total) -> payoff
_MOVES: dict[str, Callable[[Any, Game], Moves]] = {}
_WORTH: dict[str, Callable[[Any, int], Worth]] = {}


def moves_of(part: str | type) -> Callable[[Callable[[Any, Game], Moves]], Callable[[Any, Game], Moves]]:
    """Register a function (part, game) -> Moves as the moves of a class of games in order, by class or its name."""

    def keep(build: Callable[[Any, Game], Moves]) -> Callable[[Any, Game], Moves]:
        _MOVES[part if isinstance(part, str) else part.__name__] = build
        return build

    return keep


def worth_of(part: str | type) -> Callable[[Callable[[Any, int], Worth]], Callable[[Any, int], Worth]]:
    """Register a function (part, n_agents) -> Worth for a class of contributions in order, by class or its name."""

    def keep(build: Callable[[Any, int], Worth]) -> Callable[[Any, int], Worth]:
        _WORTH[part if isinstance(part, str) else part.__name__] = build
        return build

    return keep


def spne(game: Any, ties: Ties = "high", n_agents: int | None = None) -> SPNE:
    """The subgame-perfect equilibrium of one round of a game in order, by backward induction with exact fractions.

    game       a Group of contributions made in order, a Society (or dilemma) of Centipede, TrustGame, UltimatumGame,
               DictatorGame or GiftExchange, or a registered name
    ties       what those do who are indifferent: "high" gives (continues, accepts) as much as is best for them, "low"
               as little
    n_agents   players of a group dilemma given without its group, or of a registered game

    Contributions are solved on their grid for order="fixed" and, since seats are all that differs, for "random", whose
    path is by seat. The running total is what a later mover needs, so sees="all" and "total" have the same solution.

    ValueError in one sentence for what is not solved here: choices made at once, or without seeing the total
    (`equilibria`), bidding for the order, groups with mechanisms that bring stages or pay, grids that are too large.
    """
    if ties not in ("high", "low"):
        raise ValueError(f"ties must be 'high' or 'low'; got {ties!r}")
    found = game_of(game, n_agents, 3)
    if not isinstance(found, Game):
        raise ValueError(f"spne takes a game, a dilemma or a registered name; got {game!r}")
    return induce(moves(found), ties)


def in_order(part: Part) -> bool:
    """Whether spne knows this dilemma as one of moves in order."""
    names = {cls.__name__ for cls in type(part).__mro__}
    return bool(names & _MOVES.keys()) or (bool(names & _WORTH.keys()) and getattr(part, "order", "") != "together")


def moves(game: Game) -> Moves:
    """A game as moves in order; ValueError in one sentence where it is none, or none that is solved here."""
    part: Any = getattr(game, "dilemma", None)
    name = type(part).__name__
    laid_on = [
        type(one).__name__ for one in game.parts if isinstance(one, Mechanism) and (one.stages(game) or one.rewards)
    ]
    if laid_on and isinstance(game, Group):
        raise ValueError(f"spne solves {name} alone, and this game lays {', '.join(laid_on)} on it")
    build = next((_MOVES[cls.__name__] for cls in type(part).__mro__ if cls.__name__ in _MOVES), None)
    worth = next((_WORTH[cls.__name__] for cls in type(part).__mro__ if cls.__name__ in _WORTH), None)
    if build is not None:
        return build(part, game)
    if worth is None:
        raise ValueError(f"spne knows no moves in order of {game.label} ({name}); known are {', '.join(_known())}")
    refusal = not_solved(part, game)
    if refusal:
        raise ValueError(f"{name}: {refusal}")
    return contributions(part, game.n_agents, worth(part, game.n_agents))


def _known() -> list[str]:
    return sorted([*_MOVES, *_WORTH])


def not_solved(part: Any, game: Game) -> str:
    """Why contributions cannot be solved backwards, or "" where they can."""
    if part.order == "together":
        return "all contribute at once, so equilibria(game) solves it and spne does not; give order='fixed'"
    if part.order == "bid":
        return "spne solves the order once it is known, not the bidding for it; give order='fixed'"
    if part.sees == "none":
        return "movers see nothing, which is as moving at once, so equilibria(game) solves it and spne does not"
    if part.sees == "last" and game.n_agents > 2:
        return "after sees='last' the third mover does not know the total, so there are no subgames; give sees='total'"
    return ""


# ---------------------------------------------------------------- contributions in order


def contributions(part: Any, n: int, worth: Worth) -> Moves:
    """Contributions on a grid: what a mover knows is the total so far."""
    given = grid(part)
    unit = given[1]
    totals = [[unit * s for s in range(i * (len(given) - 1) + 1)] for i in range(n)]

    def payoffs(path: tuple[Any, ...]) -> tuple[Fraction, ...]:
        total = sum(path, Fraction(0))
        return tuple(worth(i, c, sum(path[:i], Fraction(0)), total) for i, c in enumerate(path))

    return Moves(
        movers=range(n),
        states=totals.__getitem__,
        choices=lambda depth, total: given,
        after=lambda depth, total, c: total + c,
        worth=lambda depth, total, c, end: worth(depth, c, total, end),
        payoffs=payoffs,
        size=len(given) * sum(map(len, totals)),
    )


@worth_of("PublicGoods")
def _public_goods(part: Any, n: int) -> Worth:
    endowment, share = exact(part.endowment), exact(part.multiplier) / n
    return lambda seat, own, before, total: endowment - own + share * total


@worth_of("ThresholdPublicGoods")
def _threshold(part: Any, n: int) -> Worth:
    endowment, threshold, value = exact(part.endowment), exact(part.threshold), exact(part.value)

    def worth(seat: int, own: Fraction, before: Fraction, total: Fraction) -> Fraction:
        if total >= threshold:
            return endowment - own + value
        return endowment if part.refund else endowment - own

    return worth


@worth_of("MacSPGG")
def _mac_spgg(part: Any, n: int) -> Worth:
    """The bonus is by what those before gave: in all ("prod"), on average ("mean"), or whatever oneself gives."""
    kappa, gamma, share = exact(part.kappa), exact(part.gamma), exact(part.rho) / n
    least = exact(part.B) * (n if part.scale == "mean" else 1)
    penalty, bonus = exact(part.penalty), part.bonus

    def worth(seat: int, own: Fraction, before: Fraction, total: Fraction) -> Fraction:
        common = share * total - penalty if total < least else share * total
        if bonus == "const":
            return common - kappa * own + gamma * before
        return common + own * (gamma * (before / seat if bonus == "mean" and seat else before) - kappa)

    return worth


@worth_of("NPlayerPrisonersDilemma")
def _n_player_prisoners_dilemma(part: Any, n: int) -> Worth:
    """Whoever contributes contributes 1, here and below."""
    each, cost = exact(part.benefit) / n, exact(part.cost)
    return lambda seat, own, before, total: each * total - cost * own


@worth_of("NPlayerStagHunt")
def _n_player_stag_hunt(part: Any, n: int) -> Worth:
    cost, each = exact(part.cost), exact(part.multiplier) * exact(part.cost) / n
    return lambda seat, own, before, total: (each * total if total >= part.threshold else 0) - cost * own


@worth_of("VolunteersDilemma")
def _volunteers_dilemma(part: Any, n: int) -> Worth:
    benefit, cost = exact(part.benefit), exact(part.cost)
    return lambda seat, own, before, total: (benefit if total else 0) - cost * own


# ---------------------------------------------------------------- two players in turn


def two_moves(
    offers: Sequence[Fraction],
    answers: Callable[[Fraction], Sequence[Any]],
    pays: Callable[[Fraction, Any], tuple[Fraction, Fraction]],
) -> Moves:
    """The first moves without knowing anything, (), the second knowing the offer."""
    return Moves(
        movers=(0, 1),
        states=lambda depth: offers if depth else [()],
        choices=lambda depth, offer: answers(offer) if depth else offers,
        after=lambda depth, offer, choice: (offer, choice) if depth else choice,
        worth=lambda depth, offer, choice, end: pays(*end)[depth],
        payoffs=lambda path: pays(*path),
        size=len(offers) * (1 + len(answers(offers[-1]))),
    )


def steps(low: Any, high: Any, levels: int) -> list[Fraction]:
    """Evenly spaced amounts."""
    start, stop = exact(low), exact(high)
    return [start + (stop - start) * k / (levels - 1) for k in range(levels)]


@moves_of("TrustGame")
def _trust(part: Any, game: Game) -> Moves:
    """The answer is what comes back; of nothing there is one share only."""
    endowment, factor = exact(part.endowment), exact(part.multiplier)
    shares = steps(0, 1, part.shares)
    own = endowment if part.both_endowed else Fraction(0)
    return two_moves(
        steps(0, endowment, part.levels),
        lambda sent: [factor * sent * share for share in shares] if sent else [Fraction(0)],
        lambda sent, back: (endowment - sent + back, own + factor * sent - back),
    )


@moves_of("UltimatumGame")
def _ultimatum(part: Any, game: Game) -> Moves:
    pie, nothing = exact(part.pie), (Fraction(0), Fraction(0))
    return two_moves(
        steps(0, pie, part.levels),
        lambda offer: ("reject", "accept"),
        lambda offer, answer: (pie - offer, offer) if answer == "accept" else nothing,
    )


@moves_of("GiftExchange")
def _gift_exchange(part: Any, game: Game) -> Moves:
    value, fixed = exact(part.value), exact(part.fixed_cost)
    efforts = [Fraction(j + 1, len(part.costs)) for j in range(len(part.costs))]
    cost = {effort: fixed + exact(x) for effort, x in zip(efforts, part.costs, strict=True)}
    return two_moves(
        steps(part.lowest, part.highest, part.levels),
        lambda wage: efforts,
        lambda wage, effort: ((value - wage) * effort, wage - cost[effort]),
    )


@moves_of("DictatorGame")
def _dictator(part: Any, game: Game) -> Moves:
    pie = exact(part.pie)
    gifts = steps(0, pie, part.levels)
    return Moves(
        movers=(0,),
        states=lambda depth: [()],
        choices=lambda depth, state: gifts,
        after=lambda depth, state, gift: gift,
        worth=lambda depth, state, gift, end: pie - gift,
        payoffs=lambda path: (pie - path[0], path[0]),
        size=len(gifts),
    )


@moves_of("Centipede")
def _centipede(part: Any, game: Game) -> Moves:
    """What a mover knows is the number of moves made; to stop is the less generous choice."""
    length = 2 * part.iterations

    def purse(t: int) -> tuple[Fraction, ...]:
        """What the two have where t moves have continued: each costs its mover, or the pot grows."""
        mover, other = t % 2, 1 - t % 2
        found = [Fraction(0)] * 2
        if part.form == "linear":
            made = (t - t // 2, t // 2)
            gain, cost = exact(part.benefit), exact(part.cost)
            return gain * made[1] - cost * made[0], gain * made[0] - cost * made[1]
        found[mover], found[other] = (exact(x) * exact(part.growth) ** t for x in (part.large, part.small))
        return tuple(found)

    def after(t: int, state: int, choice: str) -> Any:
        return t + 1 if choice == "continue" else Over(t)

    return Moves(
        movers=[t % 2 for t in range(length)],
        states=lambda t: [t],
        choices=lambda t, state: ("stop", "continue"),
        after=after,
        worth=lambda t, state, choice, end: purse(end)[t % 2],
        payoffs=lambda path: purse(path.count("continue")),
        size=2 * length,
    )
