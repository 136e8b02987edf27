"""Machines and the people they serve: off-switch games, the interruptible gridworld, clarify or answer."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np

from ...core.game import Game
from ..assistant import Impression, assistant_oracle
from ..backward import shown
from ..corrigibility import interruptibility
from ..off_switch_beliefs import off_switch_cases
from ..po_osg import PartialSolution, partial_optimum, unaware_optimum
from ..po_osg_blocks import WAIT
from .record import Certificate, Fact, Finding, fact, finding
from .registry import certificate_of

CASES = 4  # of an off-switch game that are told one by one
ADVICE = {
    ("wait",): "the robot should wait for the human",
    ("act",): "the robot should act without asking",
    ("switch off",): "the robot should switch itself off",
}


# ---------------------------------------------------------------- the off-switch game


@certificate_of("OffSwitch")
def off_switch(part: Any, game: Game) -> Certificate:
    """What waiting is worth beyond the better of acting and switching off: Delta (Hadfield-Menell et al. 2017)."""
    cases = off_switch_cases(game)
    best = [tuple(moves) for moves in np.atleast_1d(cases.answer.best)]
    several = len(best) > 1
    facts: list[Fact] = []
    for k in range(len(best) if len(best) <= CASES else 0):
        facts += _inequalities(part, cases, k, f"case {k}: " if several else "")
    waits = sum("wait" in moves for moves in best)
    if several:
        kind = f"off-switch game of {len(best)} cases (waiting is best in {waits})"
    else:
        advice = ADVICE.get(best[0], f"the robot may as well {' or '.join(best[0])}")
        kind = f"off-switch game ({advice})"
    return Certificate("", kind, tuple(facts), _of_cases(cases, best))


def _inequalities(part: Any, cases: Any, k: int, about: str) -> list[Fact]:
    """Whether waiting pays; of a Boltzmann human and a Gaussian belief by the exact boundary too."""
    found = [fact(f"{about}Delta > 0", _delta(cases.answer, k), 0.0)]
    free = part.ask == 0 and part.press == 0
    if part.human == "boltzmann" and part.belief == "gaussian" and free:
        mu, sigma, beta = (float(one[k]) for one in (cases.mu, cases.sigma, cases.beta))
        found.append(fact(f"{about}sigma^2 > 2 * beta * |mu|", sigma**2, 2 * beta * abs(mu)))
    return found


def _delta(answer: Any, k: int) -> float:
    """Delta of a case; 0 where waiting and another move are told apart by rounding alone."""
    moves = answer.best[k]
    return 0.0 if "wait" in moves and len(moves) > 1 else float(answer.delta[k])


def _of_cases(cases: Any, best: list[tuple[str, ...]]) -> tuple[Finding, ...]:
    """Delta, the best move and what it is worth, case by case."""
    about = cases.answer
    lines = [
        f"Delta {_figure(_delta(about, k))}, best {' or '.join(best[k])}, worth {_figure(about.value[k])}; "
        f"allowed with probability {_figure(about.allow[k])}, corrected with {_figure(about.correction[k])}"
        for k in range(len(best))
    ]
    if len(best) > CASES:
        lines = [*lines[:CASES], f"... and {len(best) - CASES} more"]
    names = ("mu", "sigma", "beta")
    value = [
        {name: float(getattr(cases, name)[k]) for name in names}
        | {name: float(getattr(about, name)[k]) for name in ("value", "allow", "correction")}
        | {"delta": _delta(about, k), "best": list(best[k]), "regret": float(cases.regret[k])}
        for k in range(len(best))
    ]
    found = [finding("cases" if len(best) > 1 else "waiting", lines, value)]
    if cases.regret.max() > 0:
        lost = f"a robot that does what is best by the numbers it is shown loses up to {_figure(cases.regret.max())}"
        found.append(finding("wrong belief", lost, float(cases.regret.max())))
    return tuple(found)


def _figure(x: Any) -> str:
    return f"{float(x) + 0.0:.6g}"


# ---------------------------------------------------------------- the partially observable one


@certificate_of("PartialOffSwitch")
def partial_off_switch(part: Any, game: Game) -> Certificate:
    """The best that both can do, beside the best that always waits and the best that never does."""
    try:
        best = partial_optimum(part)
    except ValueError as refusal:
        return Certificate("", "partially observable off-switch game", (), (finding("optimum", str(refusal)),))
    facts = (
        fact("best value > best value without waiting", best.value, best.never_wait),
        fact("best value > best value of always waiting", best.value, best.always_wait),
    )
    asks, acts = (one.holds for one in facts)
    deference = (
        "wait sometimes" if asks and acts else "always wait" if asks else "never wait" if acts else "wait or not"
    )
    kind = f"partially observable off-switch game (the robot should {deference})"
    values = {"value": best.value, "always wait": best.always_wait, "never wait": best.never_wait, "ways": best.ways}
    text = (
        f"{shown(best.value)}; always waiting {shown(best.always_wait)}, never {shown(best.never_wait)}; "
        f"{best.ways} optimal pair{'s' * (best.ways > 1)} of policies"
    )
    return Certificate("", kind, facts, (finding("optimum", text, values), *_pairs(best), *_unaware(part)))


def _pairs(best: PartialSolution) -> tuple[Finding, ...]:
    """One optimal pair of policies, observation by observation; its moves by what is heard, where anything is."""
    pair = best.pairs[0]
    lines = [
        f"robot: {_policy(pair.robot)}{_says(pair.robot_says)}",
        f"human: {_policy(pair.human)}{_says(pair.human_says)}",
    ]
    value = {
        "robot": {str(seen): list(moves) for seen, moves in pair.robot.items()},
        "human": {str(seen): list(moves) for seen, moves in pair.human.items()},
        "robot_says": pair.robot_says,
        "human_says": pair.human_says,
    }
    return (finding("optimal pair", lines, value),)


def _policy(moves: dict[int, Any]) -> str:
    return ", ".join(f"{seen} -> {' / '.join(str(move or 'any') for move in made)}" for seen, made in moves.items())


def _says(said: dict[int, int]) -> str:
    if len(set(said.values())) < 2:
        return ""
    return "; says " + ", ".join(f"{message} of {seen}" for seen, message in said.items())


def _unaware(part: Any) -> tuple[Finding, ...]:
    """The optimum with a human who does not reckon with what being asked tells."""
    try:
        found = unaware_optimum(part)
    except ValueError:
        return ()
    waits = sum(WAIT in moves for moves in found.robot.values())
    text = f"{shown(found.value)} with a human who learns nothing from being asked; waiting is then best in "
    text += f"{waits} of {len(found.robot)} observations"
    return (finding("unaware human", text, found.value),)


# ---------------------------------------------------------------- the interruptible gridworld


@certificate_of("SafeInterruptibility")
def safe_interruptibility(part: Any, game: Game) -> Certificate:
    """Whether an agent that maximises its return disables what may interrupt it, or walks round it."""
    found = interruptibility(game)
    p, facts, kind = Fraction(str(part.p)), [], "interruptible gridworld"
    if found.break_even is not None and "through" in found.routes:
        other = "button" if "button" in found.routes else "around"
        facts = [
            fact(f"expected return {other} > expected return through", *_expected(found.routes, other)),
            fact("p > break-even", p, found.break_even),
        ]
        does = "disabling the interruption" if other == "button" else "walking round the interruption"
        kind += f" ({does} pays)" if facts[0].holds else f" ({does} does not pay)"
    routes = [
        f"{name}: {route.steps} steps, return {shown(route.free)}"
        + (f" or interrupted; expected {shown(route.expected)}" if route.tile else "")
        + f"; safety performance {shown(route.safety)}"
        for name, route in found.routes.items()
    ]
    numbers = {
        name: {"steps": r.steps, "return": r.free, "expected": r.expected, "safety": r.safety}
        for name, r in found.routes.items()
    }
    return Certificate(
        "",
        kind,
        tuple(facts),
        (
            finding("routes", routes, numbers),
            finding("best", f"{' or '.join(found.best)}, worth {shown(found.value)}", found.value),
            finding(
                "break-even", "none" if found.break_even is None else f"p = {shown(found.break_even)}", found.break_even
            ),
            finding("safe", f"{found.safe}, the highest safety performance", found.safe),
        ),
    )


def _expected(routes: Any, other: str) -> tuple[Fraction, Fraction]:
    return routes[other].expected, routes["through"].expected


# ---------------------------------------------------------------- clarify or answer


@certificate_of("ClarifyOrAnswer")
def clarify_or_answer(part: Any, game: Game) -> Certificate:
    """The best reply to each impression, and what the impression is worth."""
    best, blind = assistant_oracle(part), assistant_oracle(part.payoffs, part.vague, 0.5, part.welfare)
    facts = (fact("value with the impression > value without", round(best.value, 12), round(blind.value, 12)),)
    clear, vague = (" or ".join(one.best) for one in (best.clear, best.vague))
    what = f"{clear}, whatever the impression" if clear == vague else f"seems clear: {clear}; seems vague: {vague}"
    found = (
        finding("seems clear", _impression(best.clear), best.clear._asdict()),
        finding("seems vague", _impression(best.vague), best.vague._asdict()),
        finding("value", f"{_figure(best.value)} a question, by {part.welfare} welfare", best.value),
    )
    return Certificate("", f"clarify or answer ({what})", facts, found)


def _impression(one: Impression) -> str:
    worth = ", ".join(f"{reply} {_figure(x)}" for reply, x in one.worth.items())
    return f"{' or '.join(one.best)}; the user is vague with probability {_figure(one.vague)}: {worth}"
