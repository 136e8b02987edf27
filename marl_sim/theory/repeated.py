"""Repeated games: plans that react to what was done, their discounted payoffs, and how patient players must be.

Payoffs are sums over rounds t = 0, 1, ... of delta^t times the round's; delta is the discount factor, or the chance of
another round. All is exact.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from .form import NormalForm, exact
from .indices import dilemma_payoffs, poles
from .payoffs import normal_form

Profile = tuple[int, ...]


@dataclass(frozen=True)
class Plan:
    """What all players do in a repeated game, as an automaton that all can follow.

    acts    what they do in each state: a profile of action numbers; state 0 is the first round's
    after   (state, what was done) -> the next round's state
    """

    acts: tuple[Profile, ...]
    after: Callable[[int, Profile], int]


def grim_trigger(game: Any, agreed: Sequence[int] | None = None, threat: Sequence[int] | None = None) -> Plan:
    """Keep to the agreed profile until anybody does otherwise; then play the threat for ever.

    agreed, threat   profiles; without: all cooperate, all defect
    """
    form = normal_form(game)
    kept, ended = _profile(form, agreed, 0), _profile(form, threat, 1)
    return Plan((kept, ended), lambda state, done: int(state == 1 or done != kept))


def win_stay_lose_shift(game: Any) -> Plan:
    """All cooperate; after a round in which not all did the same, all defect; after that they cooperate again.

    That is each one's staying with what won and changing what lost, in a dilemma of two (Nowak & Sigmund 1993).
    """
    form = normal_form(game)
    return Plan((_profile(form, None, 0), _profile(form, None, 1)), lambda state, done: int(len(set(done)) > 1))


def tit_for_tat(game: Any) -> Plan:
    """Two players: cooperate first, then do what the other did (Axelrod 1984). A state is what both do next."""
    form = normal_form(game)
    cooperate, defect = poles(form)
    if form.n != 2:
        raise ValueError(f"tit for tat is for two players; got {form.n}")
    both = (cooperate, defect)
    acts = tuple((a, b) for a in both for b in both)
    return Plan(acts, lambda state, done: acts.index((done[1], done[0])))


def _profile(form: NormalForm, given: Sequence[int] | None, pole: int) -> Profile:
    return tuple(given) if given is not None else (poles(form)[pole],) * form.n


# ---------------------------------------------------------------- values


def discounted(game: Any, plan: Plan, delta: Any) -> tuple[Fraction, ...]:
    """What each player gets when all follow the plan: the sum over rounds of delta^t times the payoff."""
    form, delta = normal_form(game), _factor(delta)
    return tuple(
        _value(0, lambda state: plan.after(state, plan.acts[state]), _payer(form, plan, i), delta)
        for i in range(form.n)
    )


def best_discounted(game: Any, plan: Plan, delta: Any, player: int) -> dict[int, Fraction]:
    """The most that `player` can get, by doing whatever it likes, when the others follow the plan: by state.

    Exact, by policy iteration over the states that it can bring about; 0 is the state of the start.
    """
    form, delta = normal_form(game), _factor(delta)
    does = {state: plan.acts[state][player] for state in range(len(plan.acts))}
    while True:
        worth = _worth(form, plan, delta, player, does)
        better = dict(does)
        for state in does:
            options = {
                a: form.payoff(done)[player] + delta * worth[plan.after(state, done)]
                for a in range(form.shape[player])
                for done in [_with(plan.acts[state], player, a)]
            }
            best = max(options, key=options.__getitem__)
            if options[best] > worth[state]:
                better[state] = best
        if better == does:
            return worth
        does = better


def holds(game: Any, plan: Plan, delta: Any, everywhere: bool = True) -> bool:
    """Whether the plan is an equilibrium of the repeated game, subgame perfect if `everywhere` (in every state).

    By brute force: nobody, alone, can get more by any other behaviour.
    """
    form, delta = normal_form(game), _factor(delta)
    for i in range(form.n):
        follows = {state: plan.acts[state][i] for state in range(len(plan.acts))}
        worth, best = _worth(form, plan, delta, i, follows), best_discounted(form, plan, delta, i)
        if any(best[state] > worth[state] for state in (follows if everywhere else [0])):
            return False
    return True


def _factor(delta: Any) -> Fraction:
    found = exact(delta)
    if not 0 <= found < 1:
        raise ValueError(f"the discount factor must be at least 0 and below 1; got {delta}")
    return found


def _with(profile: Profile, player: int, action: int) -> Profile:
    return (*profile[:player], action, *profile[player + 1 :])


def _payer(form: NormalForm, plan: Plan, player: int) -> Callable[[int], Fraction]:
    return lambda state: form.payoff(plan.acts[state])[player]


def _worth(form: NormalForm, plan: Plan, delta: Fraction, player: int, does: dict[int, int]) -> dict[int, Fraction]:
    """A player's discounted payoff from each state, when it does as given and the others follow the plan."""
    done = {state: _with(plan.acts[state], player, a) for state, a in does.items()}
    paid = {state: form.payoff(what)[player] for state, what in done.items()}
    return {state: _value(state, lambda at: plan.after(at, done[at]), paid.__getitem__, delta) for state in does}


def _value(state: int, after: Callable[[int], int], pays: Callable[[int], Fraction], delta: Fraction) -> Fraction:
    """The discounted payoff of a way through states, which comes round to one that it has been in."""
    seen: dict[int, int] = {}
    way: list[int] = []
    while state not in seen:
        seen[state] = len(way)
        way.append(state)
        state = after(state)
    start, length = seen[state], len(way) - seen[state]
    first = sum((delta**t * pays(s) for t, s in enumerate(way[:start])), Fraction(0))
    cycle = sum((delta**t * pays(s) for t, s in enumerate(way[start:])), Fraction(0))
    return first + delta**start * cycle / (1 - delta**length)


# ---------------------------------------------------------------- how patient one must be


def grim_trigger_delta(temptation: Any, reward: Any, punishment: Any) -> Fraction | float:
    """(T - R) / (T - P): the least discount factor with which grim trigger keeps cooperation (Friedman 1971).

    T + delta P / (1 - delta) <= R / (1 - delta). 0 where T <= R; inf (no patience is enough) where else R <= P.
    """
    t, r, p = map(exact, (temptation, reward, punishment))
    if t <= r:
        return Fraction(0)
    return (t - r) / (t - p) if r > p else math.inf


def win_stay_lose_shift_delta(temptation: Any, reward: Any, punishment: Any) -> Fraction | float:
    """(T - R) / (R - P): the least discount factor with which win-stay lose-shift keeps cooperation between two.

    A deviation gets T and then P once before cooperation is back: T + delta P <= R + delta R. 0 where T <= R; inf
    where even the most patient would deviate, which is if T + P >= 2 R.
    """
    t, r, p = map(exact, (temptation, reward, punishment))
    if t <= r:
        return Fraction(0)
    return (t - r) / (r - p) if t + p < 2 * r else math.inf


def tit_for_tat_delta(temptation: Any, reward: Any, punishment: Any, sucker: Any) -> Fraction | float:
    """max of (T - R) / (T - P) and (T - R) / (R - S): with it, tit for tat is a best reply to itself (Axelrod 1984).

    The best of all deviations are to defect for ever and to defect every other round. Of a prisoner's dilemma,
    T > R > P > S; inf where 2 R <= T + S.
    """
    t, r, p, s = map(exact, (temptation, reward, punishment, sucker))
    if not t > r > p > s:
        raise ValueError(f"tit for tat's threshold is of a prisoner's dilemma, T > R > P > S; got {t}, {r}, {p}, {s}")
    return max((t - r) / (t - p), (t - r) / (r - s)) if 2 * r > t + s else math.inf


def grim_trigger_threshold(
    game: Any, agreed: Sequence[int] | None = None, threat: Sequence[int] | None = None
) -> Fraction | float:
    """The least discount factor with which grim trigger keeps the agreed profile, for any number of players.

    agreed, threat   profiles; without: all cooperate, all defect. The threat must be an equilibrium of the stage game

    The largest over players of (T - R) / (T - P), where R and P are what it gets by the agreed profile and by the
    threat, and T by its best deviation from the agreed one. In a linear public good of n with multiplier r, T - R =
    e (1 - r/n), T - P = e r (n-1)/n, so that it is (n - r) / (r (n - 1)).
    """
    form = normal_form(game)
    kept, ended = _profile(form, agreed, 0), _profile(form, threat, 1)
    found: Fraction | float = Fraction(0)
    for i in range(form.n):
        if max(form.values(ended, i)) > form.payoff(ended)[i]:
            raise ValueError(f"{form.name}: the threat {form.words(ended)} is no equilibrium of the stage game")
        tempted = max(form.values(kept, i))
        found = max(found, grim_trigger_delta(tempted, form.payoff(kept)[i], form.payoff(ended)[i]))
    return found


def win_stay_lose_shift_threshold(game: Any) -> Fraction | float:
    """win_stay_lose_shift_delta of a prisoner's dilemma of two."""
    four = dilemma_payoffs(game)
    return win_stay_lose_shift_delta(four.temptation, four.reward, four.punishment)
