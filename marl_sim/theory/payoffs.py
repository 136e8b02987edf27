"""The payoffs of the games, from their options by the formulae of their sources; nothing here plays a game."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import cache
from typing import Any

import numpy as np

from ..core.game import Game
from ..core.group import Group, GroupDilemma
from ..core.registry import make
from ..core.society import Dilemma, Society
from .form import NormalForm, exact

Payoffs = Callable[[Any, Game], NormalForm]
_KNOWN: dict[str, Payoffs] = {}


def payoffs_of(part: str | type) -> Callable[[Payoffs], Payoffs]:
    """Register a function (part, game) -> NormalForm as the payoffs of a class of games, and of what derives from it.

    part   the class, or its name
    """

    def keep(build: Payoffs) -> Payoffs:
        _KNOWN[part if isinstance(part, str) else part.__name__] = build
        return build

    return keep


def game_of(game: Any, n_agents: int | None, otherwise: int) -> Any:
    """A name's game, or the game of a dilemma alone, of a pair or of a group; what is neither stays.

    n_agents    players of the group; none: as registered, or `otherwise`. ValueError for a game that has its players
    """
    if isinstance(game, str):
        return make(game) if n_agents is None else make(game, n_agents=n_agents)
    if isinstance(game, GroupDilemma):
        return Group(game, n_agents=otherwise if n_agents is None else n_agents)
    if n_agents is not None:
        got = type(game).__name__
        raise ValueError(
            f"n_agents goes with a group dilemma given alone, or a registered name; got {got} and {n_agents}"
        )
    return Society(game, n_agents=2) if isinstance(game, Dilemma) else game


def normal_form(game: Any, n_agents: int | None = None, at_once: bool = False) -> NormalForm:
    """One round of a game in normal form, its payoffs exact.

    game       a Society or Group (the stage game of its dilemma alone, without what its mechanisms do), a dilemma, a
               registered name, a NormalForm, or payoffs [actions of player 0, actions of player 1, ..., player]
    n_agents   players of a group dilemma given without its group, or of a registered game
    at_once    contributions that are made in order, each seeing earlier ones, are taken as made at once

    ValueError in one sentence for games whose payoffs are not known, and for those that are no normal form of actions:
    where somebody acts on what another did, a strategy is a plan, and `spne` solves the game.
    """
    if isinstance(game, NormalForm):
        return game
    game = game_of(game, n_agents, 4)
    if not isinstance(game, Game):
        return NormalForm.of_arrays(game)
    part: Any = getattr(game, "dilemma", None)
    names = [cls.__name__ for cls in type(part).__mro__]
    known = next((name for name in names if name in _KNOWN), None)
    if known is None:
        raise ValueError(
            f"no normal form is known for {names[0]}: where players move in turn, solve it with spne; else give "
            f"@payoffs_of({names[0]!r}) a function of its payoffs (known: {', '.join(sorted(_KNOWN))})"
        )
    if not at_once and getattr(part, "order", "together") in ("fixed", "random", "bid") and part.sees != "none":
        raise ValueError(
            f"{names[0]} is played in order, so that strategies are plans: solve it with spne, or take its choices as "
            "made at once with normal_form(game, at_once=True)"
        )
    form = _KNOWN[known](part, game)
    form.name = names[0] if game.label in ("society", "group") else game.label
    return form


# ---------------------------------------------------------------- two players, a matrix


def two_by_two(part: Any, cc: Any, cd: Any, dc: Any, dd: Any) -> NormalForm:
    """A symmetric game of two players and two actions by the row player's payoffs."""
    own = [[exact(cc), exact(cd)], [exact(dc), exact(dd)]]
    first = part.cooperative == (0,)
    return NormalForm(
        [part.actions or ("cooperate", "defect")] * 2,
        own=lambda a, t: own[a][t],
        cooperate=0 if first else None,
        defect=1 if first else None,
    )


@payoffs_of("PrisonersDilemma")
@payoffs_of("Harmony")
def _reward_and_temptation(part: Any, game: Game) -> NormalForm:
    return two_by_two(part, part.reward, part.sucker, part.temptation, part.punishment)


@payoffs_of("DonationGame")
def _donation(part: Any, game: Game) -> NormalForm:
    benefit, cost = exact(part.benefit), exact(part.cost)
    return two_by_two(part, benefit - cost, -cost, benefit, 0)


@payoffs_of("StagHunt")
def _stag_hunt(part: Any, game: Game) -> NormalForm:
    return two_by_two(part, part.stag, part.alone, part.temptation, part.hare)


@payoffs_of("Chicken")
def _chicken(part: Any, game: Game) -> NormalForm:
    return two_by_two(part, part.both_swerve, part.swerve, part.win, part.crash)


@payoffs_of("PureCoordination")
def _pure_coordination(part: Any, game: Game) -> NormalForm:
    form = two_by_two(part, part.match, part.mismatch, part.mismatch, part.match)
    form.cooperate = form.defect = None
    return form


@payoffs_of("BattleOfTheSexes")
def _battle_of_the_sexes(part: Any, game: Game) -> NormalForm:
    f, o, a = exact(part.favourite), exact(part.other), exact(part.apart)
    return NormalForm.of_arrays([[(f, o), (a, a)], [(a, a), (o, f)]], actions=[part.actions] * 2)


@payoffs_of("MatrixGame")
def _matrix(part: Any, game: Game) -> NormalForm:
    """The table that the game was given, or that a class of somebody else's makes of its own options."""
    table = part.table()
    rows, columns = np.shape(table)[:2]
    own = part.actions or tuple(f"action {a}" for a in range(rows))
    other = part.column_actions or (own if rows == columns else tuple(f"action {a}" for a in range(columns)))
    form = NormalForm.of_arrays(table, actions=[own, other])
    if form.symmetric and form.shape == (2, 2) and len(part.cooperative) == 1:
        form.cooperate, form.defect = part.cooperative[0], 1 - part.cooperative[0]
    return form


@payoffs_of("DictatorGame")
def _dictator(part: Any, game: Game) -> NormalForm:
    """One player decides how much of the pie the other gets."""
    pie, levels = exact(part.pie), part.levels
    gifts = [pie * k / (levels - 1) for k in range(levels)]
    return NormalForm(
        [[f"give {_short(gift)}" for gift in gifts], ["take it"]],
        lambda profile: (pie - gifts[profile[0]], gifts[profile[0]]),
    )


# ---------------------------------------------------------------- groups: contributions on a grid


def grid(part: Any) -> list[Fraction]:
    """What the action numbers 0, 1, ... contribute. ValueError where any number may be contributed."""
    if getattr(part, "box", False):
        name = type(part).__name__
        raise ValueError(f"{name} takes any contribution; a grid of them can be solved: give box=False and levels")
    return [exact(part.endowment) * k / (part.levels - 1) for k in range(part.levels)]


def alike(
    game: Game, words: Sequence[str], own: Callable[[int, int], Fraction], cooperate: int | None = None
) -> NormalForm:
    """A group of players who are alike, whose first action is no cooperation and whose last (or another) is full."""
    top = len(words) - 1 if cooperate is None else cooperate
    return NormalForm([words] * game.n_agents, own=own, cooperate=top, defect=0)


def fair_part(total: Fraction, unit: Fraction, n: int) -> int:
    """The least action that reaches a total if all n take it: its steps of `unit` each."""
    return math.ceil(total / unit / n)


def amounts(given: Sequence[Fraction]) -> list[str]:
    """Words for contributions."""
    return [f"give {_short(c)}" for c in given]


def _short(x: Fraction) -> str:
    return f"{float(x):g}"


@payoffs_of("PublicGoods")
def _public_goods(part: Any, game: Game) -> NormalForm:
    """U = endowment - own + multiplier / n * total."""
    c, endowment, share = grid(part), exact(part.endowment), exact(part.multiplier) / game.n_agents
    return alike(game, amounts(c), lambda a, t: endowment - c[a] + share * c[1] * (a + t))


@payoffs_of("ThresholdPublicGoods")
def _threshold(part: Any, game: Game) -> NormalForm:
    """U = endowment - own + value where the total reaches the threshold (where it does not: own back, if refunded).

    To cooperate is to give one's part of the threshold: more than that is lost.
    """
    c, endowment, threshold, value = grid(part), exact(part.endowment), exact(part.threshold), exact(part.value)

    def own(a: int, t: int) -> Fraction:
        if c[1] * (a + t) >= threshold:
            return endowment - c[a] + value
        return endowment - (0 if part.refund else c[a])

    return alike(game, amounts(c), own, fair_part(threshold, c[1], game.n_agents))


@payoffs_of("NPlayerPrisonersDilemma")
def _n_player_prisoners_dilemma(part: Any, game: Game) -> NormalForm:
    """U = benefit * k / n - cost for a contributor, of k contributors among n."""
    benefit, cost, n = exact(part.benefit), exact(part.cost), game.n_agents
    return alike(game, part.actions, lambda a, t: benefit * (a + t) / n - cost * a)


@payoffs_of("NPlayerStagHunt")
def _n_player_stag_hunt(part: Any, game: Game) -> NormalForm:
    """U = multiplier * cost * k / n where k reaches the threshold, less the cost (Pacheco et al. 2009)."""
    cost, factor, n, threshold = exact(part.cost), exact(part.multiplier), game.n_agents, part.threshold

    def own(a: int, t: int) -> Fraction:
        return (factor * cost * (a + t) / n if a + t >= threshold else Fraction(0)) - cost * a

    return alike(game, part.actions, own)


@payoffs_of("VolunteersDilemma")
def _volunteers_dilemma(part: Any, game: Game) -> NormalForm:
    """U = benefit where anybody volunteers, less the cost of volunteering (Diekmann 1985)."""
    benefit, cost = exact(part.benefit), exact(part.cost)
    return alike(game, part.actions, lambda a, t: (benefit if a + t else Fraction(0)) - cost * a)


@payoffs_of("CollectiveRisk")
def _collective_risk(part: Any, game: Game) -> NormalForm:
    """The game in plans made before it starts: how much to give in all its rounds together.

    U = endowment - own where the total reaches the target, else (1 - risk) of it (expected). To cooperate is to give
    one's part of the target.
    """
    rounds = game.horizon.rounds  # type: ignore[attr-defined]  # the game takes no other than Fixed
    endowment, unit, risk = exact(part.endowment), exact(part.unit), exact(part.risk)
    needed, most = exact(part.target) / unit, min(rounds * (part.levels - 1), int(endowment / unit))

    def own(a: int, t: int) -> Fraction:
        return (endowment - unit * a) * (1 if a + t >= needed else 1 - risk)

    words = amounts([unit * k for k in range(most + 1)])
    return alike(game, words, own, fair_part(exact(part.target), unit, game.n_agents))


@payoffs_of("EscapeRoom")
def _escape_room(part: Any, game: Game) -> NormalForm:
    """One round from the start: U = success at the door where enough pull, 0 at the start, else -cost."""
    success, cost = exact(part.success), exact(part.cost)
    start, lever, door = range(3)

    def rule(profile: tuple[int, ...]) -> list[Fraction]:
        opened = profile.count(lever) >= part.levers
        return [success if a == door and opened else Fraction(0) if a == start else -cost for a in profile]

    return NormalForm([("start", "lever", "door")] * game.n_agents, rule)


@payoffs_of("MacSPGG")
def _mac_spgg(part: Any, game: Game) -> NormalForm:
    """U_i = -kappa c_i + bonus_i + rho / n * total - penalty where the total misses B.

    The bonus goes by what those in earlier seats give, so that the game is symmetric only where there are no seats.
    """
    if part.order not in ("together", "fixed"):
        raise ValueError(f"MacSPGG: exact payoffs need seats in a fixed order; got order={part.order!r}")
    n, c = game.n_agents, grid(part)
    kappa, gamma, share = exact(part.kappa), exact(part.gamma), exact(part.rho) / n
    least = exact(part.B) * (n if part.scale == "mean" else 1)
    penalty, bonus = exact(part.penalty), part.bonus

    @cache
    def own(a: int, t: int) -> Fraction:
        total = c[1] * (a + t)
        return share * total - kappa * c[a] - (penalty if total < least else 0)

    if part.order == "together":
        return alike(game, amounts(c), own)

    @cache
    def earned(a: int, before: int, seat: int) -> Fraction:
        base = c[1] * before / (seat if bonus == "mean" and seat else 1)
        return gamma * base * (1 if bonus == "const" else c[a])

    def rule(profile: tuple[int, ...]) -> list[Fraction]:
        total, before, found = sum(profile), 0, []
        for seat, a in enumerate(profile):
            found.append(own(a, total - a) + earned(a, before, seat))
            before += a
        return found

    return NormalForm([amounts(c)] * n, rule, cooperate=len(c) - 1, defect=0)
