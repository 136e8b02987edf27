"""The rules of the off-switch game: what is drawn, who decides, how humans answer, what is paid and seen."""

from __future__ import annotations

import math
from typing import Any

import numba

from ..core.rng import integer, normal, uniform
from ..core.rules import rule

ROBOT, HUMAN = 0, 1
ACT, WAIT, SWITCH_OFF = 0, 1, 2
ALLOW, OFF = 0, 1
MOVES, ANSWERS = ("act", "wait", "switch off"), ("allow", "off")
HUMANS = ("agent", "rational", "boltzmann", "probit", "error", "two-type", "bayesian")
AGENT, RATIONAL, BOLTZMANN, PROBIT, ERROR, TWO_TYPE, BAYESIAN = range(7)


@numba.njit
def logistic(x: Any) -> Any:
    """1 / (1 + exp(-x)), for any x."""
    if x >= 0:
        return 1.0 / (1.0 + math.exp(-min(x, 700.0)))
    grown = math.exp(max(x, -700.0))
    return grown / (1.0 + grown)


@numba.njit
def chance_to_allow(model: Any, u: Any, beta: Any, scale: Any, epsilon: Any, p_plus: Any, p_minus: Any) -> Any:
    """The probability that a human of that model lets the robot act, whose action is worth u (Bayesian: see below)."""
    if model == BOLTZMANN and beta > 0:
        return logistic(u / beta)
    if model == PROBIT and scale > 0:
        return 0.5 * math.erfc(-u / (scale * math.sqrt(2.0)))
    if model == ERROR:
        return 1.0 - epsilon if u >= 0 else epsilon
    if model == TWO_TYPE:
        return p_plus if u >= 0 else 1.0 - p_minus
    return 1.0 if u >= 0 else 0.0


@numba.njit
def answers(
    key: Any, model: Any, u: Any, mu: Any, sigma: Any, beta: Any, scale: Any, epsilon: Any, p_plus: Any, p_minus: Any
) -> Any:  # fmt: skip
    """Whether the human lets the robot act.

    The Bayesian sees u with noise of standard deviation `scale` and judges by the sign of its posterior mean,
    (mu * scale^2 + x * sigma^2) / (scale^2 + sigma^2).
    """
    if model == BAYESIAN and scale > 0:
        return mu * scale * scale + (u + scale * normal(key, 1)) * sigma * sigma >= 0
    return uniform(key, 0) < chance_to_allow(model, u, beta, scale, epsilon, p_plus, p_minus)


@rule
def draw_a_case(
    key: Any, means: Any, deviations: Any, gaussian: Any, values: Any, upto: Any, noise: Any, case: Any, worth: Any,
    glimpse: Any, waiting: Any,
) -> None:  # fmt: skip
    """Nature draws the case and what the robot's action is worth in it."""
    c = integer(key, 0, means.size)
    case[0] = c
    waiting[0] = 0
    if gaussian:
        worth[0] = means[c] + deviations[c] * normal(key, 1)
    else:
        lot, k = uniform(key, 1), 0
        while k < values.size - 1 and lot >= upto[k]:
            k += 1
        worth[0] = values[k]
    glimpse[0] = worth[0] + noise * normal(key, 2)


@rule
def robot_moves(acting: Any) -> None:
    """The robot, agent_0."""
    acting[ROBOT] = 1


@rule
def human_is_asked(waiting: Any, acting: Any) -> None:
    """The human, agent_1, if the robot waits."""
    acting[HUMAN] = waiting[0]


@rule
def take_the_move(
    n: Any, action: Any, case: Any, worth: Any, ask: Any, waiting: Any, utility: Any, asking: Any, seen: Any,
    waited: Any, earned: Any,
) -> None:  # fmt: skip
    """Acting pays both what the action is worth, switching off nothing; waiting costs the asking and leaves it open."""
    c = case[0]
    seen[c] += 1
    waiting[0] = action[ROBOT] == WAIT
    waited[c] += waiting[0]
    for i in range(n):
        if waiting[0]:
            asking[i] -= ask
        elif action[ROBOT] == ACT:
            utility[i] += worth[0]
    if action[ROBOT] == ACT:
        earned[c] += worth[0]


@numba.njit
def carry_out(
    allowed: Any, n: Any, c: Any, worth: Any, prior: Any, press: Any, utility: Any, pressing: Any, earned: Any,
    let_run: Any, corrected: Any,
) -> None:  # fmt: skip
    """What the human decided: both get what the action is worth, or pay for the pressing."""
    for i in range(n):
        if allowed:
            utility[i] += worth
        else:
            pressing[i] -= press
    if allowed:
        earned[c] += worth
        let_run[0] += 1
    if allowed != (prior >= 0):
        corrected[0] += 1


@rule
def human_decides(
    n: Any, action: Any, waiting: Any, case: Any, worth: Any, priors: Any, press: Any, utility: Any, pressing: Any,
    earned: Any, let_run: Any, corrected: Any,
) -> None:  # fmt: skip
    """Allowed, the action runs and pays both what it is worth; off, it pays nothing, and pressing may cost."""
    c, allowed = case[0], action[HUMAN] == ALLOW
    carry_out(allowed, n, c, worth[0], priors[c], press, utility, pressing, earned, let_run, corrected)


@rule
def human_answers(
    key: Any, n: Any, waiting: Any, case: Any, worth: Any, priors: Any, model: Any, means: Any, deviations: Any,
    betas: Any, scale: Any, epsilon: Any, p_plus: Any, p_minus: Any, press: Any, utility: Any, pressing: Any,
    earned: Any, let_run: Any, corrected: Any,
) -> None:  # fmt: skip
    """If the robot waits, the human's answer is drawn by its model: the action runs for both, or is switched off."""
    if waiting[0]:
        c, u = case[0], worth[0]
        allowed = answers(key, model, u, means[c], deviations[c], betas[c], scale, epsilon, p_plus, p_minus)
        carry_out(allowed, n, c, u, priors[c], press, utility, pressing, earned, let_run, corrected)


@rule
def see_case(case: Any, out: Any) -> None:
    """Which case it is."""
    out[0] = case[0]


@rule
def see_mu(case: Any, priors: Any, out: Any) -> None:
    """The mean of the robot's belief."""
    out[0] = priors[case[0]]


@rule
def see_sigma(case: Any, spreads: Any, out: Any) -> None:
    """The standard deviation of the robot's belief."""
    out[0] = spreads[case[0]]


@rule
def see_beta(case: Any, told_betas: Any, out: Any) -> None:
    """How irrational the robot believes the human to be."""
    out[0] = told_betas[case[0]]


@rule
def see_worth(glimpse: Any, out: Any) -> None:
    """What the human sees of the action's worth."""
    out[0] = glimpse[0]


@rule
def see_bin(glimpse: Any, span: Any, bins: Any, out: Any) -> None:
    """The same in bins of equal width from -span to span; the outermost take the rest."""
    k = math.floor((glimpse[0] + span) * bins / (2.0 * span))
    out[0] = min(max(k, 0), bins - 1)
