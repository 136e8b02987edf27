"""What several families of certificates say: equilibria and welfare of normal forms, play in order, and patience."""

from __future__ import annotations

import dataclasses
import math
from fractions import Fraction
from typing import Any

from ...core.game import Game
from ...core.horizon import Continuing, Geometric
from ..backward import SPNE, shown
from ..dominance import dominated
from ..dynamics import rest_points
from ..form import NormalForm
from ..indices import dilemma_payoffs, punishment_threshold
from ..nash import Equilibria, Equilibrium, equilibria
from ..payoffs import normal_form
from ..repeated import grim_trigger_threshold
from ..sequences import not_solved, spne
from ..welfare import ratio, social_optimum
from .record import Certificate, Fact, Finding, finding

PROFILES = 200_000  # of a game whose players differ: some seconds
SHOWN, LISTED = 4, 100  # pure equilibria in the text, equilibria in the record


def generic(part: Any, game: Game) -> Certificate:
    """For a game without a certificate of its own: its normal form, where that is known and small."""
    try:
        form = normal_form(game)
    except ValueError as refusal:
        name = type(part).__name__
        why = f"{refusal}; or register a certificate with @certificate_of({name!r})"
        return Certificate(name, "not certified", (), (finding("why", why),))
    return Certificate(form.name, "a game in normal form", (), solved(form))


# ---------------------------------------------------------------- one round at once


def solved(form: NormalForm) -> tuple[Finding, ...]:
    """Dominance, equilibria, optimum and prices of a normal form; a sentence where it is too large."""
    try:
        form.refuse_more_than(PROFILES, 0 if form.symmetric else form.size)
        best = social_optimum(form)
    except ValueError as refusal:
        return (finding("equilibria", f"not enumerated: {refusal}"),)
    optimum = finding(
        "optimum",
        f"{_doing(form, best.profile)}  ->  {shown(best.welfare)} in all",
        {"actions": list(form.words(best.profile)), "welfare": best.welfare},
    )
    try:
        found = equilibria(form)
    except ValueError as refusal:
        return (dominance(form), finding("equilibria", f"not enumerated: {refusal}"), optimum)
    listed = [_equilibrium(form, one) for one in list(found)[:LISTED]]
    return (
        dominance(form),
        finding("equilibria", _lines(found), listed),
        optimum,
        *prices(best.welfare, [one.welfare for one in found.pure]),
    )


def dominance(form: NormalForm) -> Finding:
    """Which action of each player beats all its others, if any does."""
    players = [0] if form.symmetric else range(form.n)
    lines, value = [], {}
    for i in players:
        who = "" if form.symmetric else f"{form.players[i]}: "
        words = form.actions[i]
        for strict in (True, False):
            out = dominated(form, i, strict)
            left = [a for a in range(len(words)) if a not in out]
            if len(words) > 1 and len(left) == 1:
                how = "strictly" if strict else "weakly"
                lines.append(
                    f"{who}{words[left[0]]} {how} dominates {'all else' if len(words) > 2 else words[1 - left[0]]}"
                )
                value[form.players[i] if who else "all"] = {"action": words[left[0]], "strictly": strict}
                break
    return finding("dominance", lines or "no action dominates all others", value)


def _lines(found: Equilibria) -> list[str]:
    """As they print, without the heading, and a few of many."""
    few = dataclasses.replace(found, pure=found.pure[:SHOWN])
    lines = [line.strip() for line in str(few).splitlines()[1:]]
    more = len(found.pure) - SHOWN
    return lines if more <= 0 else [*lines[:SHOWN], f"... and {more:,} more pure ones", *lines[SHOWN:]]


def _doing(form: NormalForm, profile: tuple[int, ...]) -> str:
    """A profile in words: 2 stag, 2 hare where players are alike."""
    if not form.symmetric or form.n == 2:
        return ", ".join(form.words(profile))
    counts = {word: list(form.words(profile)).count(word) for word in dict.fromkeys(form.words(profile))}
    if len(counts) == 1:
        return f"all {next(iter(counts))}"
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _equilibrium(form: NormalForm, one: Equilibrium) -> dict[str, Any]:
    profile = one.profile
    does: Any = list(form.words(profile)) if profile is not None else [list(p) for p in one.strategies]
    return {
        "pure": profile is not None,
        "does": does,
        "payoffs": list(one.payoffs),
        "strict": one.strict,
        "times": one.times,
    }


def prices(best: Fraction, welfares: list[Any]) -> tuple[Finding, ...]:
    """Prices of anarchy and stability over pure equilibria, where welfare makes them mean something."""
    if not welfares:
        return (finding("price of anarchy", "none: there is no pure equilibrium", math.nan),)
    anarchy, stability = ratio(best, min(welfares)), ratio(best, max(welfares))
    if isinstance(anarchy, float) and math.isnan(anarchy):
        return (finding("price of anarchy", "none: no welfare is positive", math.nan),)
    found = [finding("price of anarchy", _price(anarchy), anarchy)]
    if stability != anarchy:
        found.append(finding("price of stability", _price(stability), stability))
    return tuple(found)


def _price(x: Fraction | float) -> str:
    return shown(x) if isinstance(x, Fraction) else "infinite: that equilibrium leaves nothing"


def indices(form: NormalForm) -> tuple[Finding, ...]:
    """Greed, fear and Rapoport's K of a dilemma of cooperating and defecting."""
    four = dilemma_payoffs(form)
    text = f"greed T - R = {shown(four.greed)}, fear P - S = {shown(four.fear)}"
    value = {"greed": four.greed, "fear": four.fear}
    if four.temptation != four.sucker:
        value["K"] = four.k_index
        text += f", Rapoport's K = (R - P) / (T - S) = {shown(four.k_index)}"
    return (finding("indices", text, value),)


def replicator(form: NormalForm) -> tuple[Finding, ...]:
    """Where a population that copies what pays ends up."""
    try:
        points = rest_points(form)
    except ValueError:
        return ()
    named = [(form.actions[0], point) for point in points]
    lines = [f"{_shares(words, point.shares)}: {point.stability}" for words, point in named]
    value = [{"shares": list(point.shares), "stability": point.stability} for point in points]
    return (finding("replicator", lines, value),)


def _shares(words: tuple[str, ...], shares: tuple[Any, ...]) -> str:
    """A population in words."""
    there = [(share, word) for share, word in zip(shares, words, strict=True) if share]
    if len(there) == 1:
        return f"all {there[0][1]}"
    return ", ".join(f"{shown(_short(share))} {word}" for share, word in there)


def _short(x: Any) -> Any:
    return x if isinstance(x, Fraction) else float(x)


# ---------------------------------------------------------------- in order


def order(game: Game) -> tuple[Finding, ...]:
    """The subgame-perfect equilibrium of contributions in order, or why there is none to find."""
    part: Any = game.dilemma  # type: ignore[attr-defined]
    why = not_solved(part, game)
    if why:
        return (finding("in order", why),)
    try:
        high = spne(part, "high", game.n_agents)
        low = spne(part, "low", game.n_agents) if high.ties else high
    except ValueError as refusal:
        return (finding("in order", str(refusal)),)
    return tuple(paths(high, low))


def paths(high: SPNE, low: SPNE) -> list[Finding]:
    """Equilibrium paths under both tie-breaks; one where they are the same."""
    found = [("SPNE", high)]
    if high.path != low.path:
        found = [("SPNE, ties high", high), ("SPNE, ties low", low)]
    return [
        finding(
            name,
            str(one),
            {"path": list(one.path), "payoffs": list(one.payoffs), "ties": one.ties, "unique": one.unique},
        )
        for name, one in found
    ]


# ---------------------------------------------------------------- many rounds


def patience(form: NormalForm, game: Game) -> tuple[Finding, ...]:
    """The least discount factor with which grim trigger keeps cooperation, beside what the horizon offers."""
    if punishment_threshold(form) == 0:
        return ()
    try:
        least = grim_trigger_threshold(form)
    except ValueError:
        return (finding("grim trigger", "has no threat: all defecting is no equilibrium", None),)
    if least == math.inf:
        return (finding("grim trigger", "keeps nothing: cooperation is no better than defection", least),)
    text = f"keeps cooperation among those who stay together from a discount factor of {shown(least)} on"
    return (finding("grim trigger", f"{text}; {horizon(game, least)}", least),)


def horizon(game: Game, least: Any) -> str:
    """What a game's horizon says of a discount factor."""
    ends = game.horizon
    if isinstance(ends, Geometric):
        enough = "enough" if ends.continuation >= least else "too little"
        return f"here the next round comes with probability {ends.continuation:g}, which is {enough}"
    if isinstance(ends, Continuing):
        return "here there is always a next round, and the learners' own discount factor counts"
    rounds = getattr(ends, "rounds", 1)
    return f"here the last of {rounds} rounds is known to be the last" if rounds > 1 else "here there is but one round"


def holding(facts: tuple[Fact, ...]) -> bool:
    """Whether all of them hold."""
    return all(one.holds for one in facts)
