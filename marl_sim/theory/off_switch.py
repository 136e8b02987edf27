"""The off-switch game in closed form: what asking a human is worth to a robot that does not know what it is about.

A robot acts (worth U to both), switches itself off (0), or waits for a human, who knows U and lets it go on with
probability pi(U). With U ~ N(mu, sigma^2) as both believe, waiting beats the better of the other two by

    Delta = E[pi(U) U] - max(mu, 0)

Source: Hadfield-Menell, Dragan, Abbeel & Russell, The Off-Switch Game (2017), whose equations are named by number. Its
Eq 4, for a robot that is sure of U, prints the two branches swapped; here Delta = U pi where U < 0, -U (1 - pi) else.
The closed forms for rational, probit, erring and Bayesian humans, and the exact boundary sigma^2 = 2 beta |mu|, are
derived, and are not printed in the paper.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq

from .off_switch_humans import MOMENTS, boltzmann, checked, known

Value = Any  # a number, or an array of them: as the options are


def plain(array: np.ndarray) -> Value:
    """A float where the inputs were numbers, else the array."""
    return float(array) if np.ndim(array) == 0 else array


def off_switch_delta(mu: Value, sigma: Value, human: str = "rational", **options: Value) -> Value:
    """What waiting is worth beyond the better of acting and switching off, where U ~ N(mu, sigma^2) (Eq 1).

    mu, sigma          mean and standard deviation (>= 0) of the belief
    human              the model of whoever answers:
        rational       lets the robot go on where U >= 0
        agent          weighs the cost of pressing too: where U >= -press
        boltzmann      with probability 1 / (1 + exp(-U / beta)) (Eq 5)
        probit         with probability Phi(U / scale): one who sees U with normal noise of that scale
        bayesian       sees U with that noise, knows the belief, and follows the sign of the posterior mean
        error          rational, but errs with probability epsilon
        two-type       is right with probability p_plus where U >= 0 and p_minus where U < 0
        constant       with probability p, whatever U is
    beta, scale        >= 0, inf being a coin; both 0.5
    epsilon            from 0 to 1; 0.1
    p_plus, p_minus    from 0 to 1; 0.95
    p                  from 0 to 1; 0.5
    ask                cost of waiting, paid whatever is answered (>= 0); 0
    press              cost of being switched off by the human (>= 0), which only the "agent" heeds; 0

    Every number may be an array; the result is a float, or an array of their joint shape. Exact to rounding, the
    Boltzmann human by quadrature (to about 1e-13). ValueError for what is out of range and for unknown humans.
    """
    o = options_of("off_switch_delta", human, mu=mu, sigma=sigma, **options)
    return plain(solved(human, o)[0])


DEFAULTS = dict(beta=0.5, scale=0.5, epsilon=0.1, p_plus=0.95, p_minus=0.95, p=0.5, ask=0.0, press=0.0)


def options_of(owner: str, human: str, **given: Value) -> dict[str, np.ndarray]:
    known(owner, human)
    for name in given.keys() - DEFAULTS.keys() - {"mu", "sigma"}:
        raise TypeError(f"{owner} has no option {name!r} (it has: {', '.join(DEFAULTS)})")
    return checked(owner, **{**DEFAULTS, **given})


def solved(human: str, o: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Delta, E[pi], sigma^2 E[pi'])."""
    if human == "boltzmann":
        delta, allow, gain = boltzmann(o["mu"], o["sigma"], o["beta"])
    else:
        allow, gain = MOMENTS[human](o)
        delta = gain - np.abs(o["mu"]) * correction_of(o["mu"], allow)
    return delta - o["ask"] - o["press"] * (1 - allow), allow, gain


def correction_of(mu: np.ndarray, allow: np.ndarray) -> np.ndarray:
    """Pr(C): the human undoes what the robot would have done by itself (Eq 6)."""
    return np.where(mu >= 0, 1 - allow, allow)


class OffSwitchAnswer(NamedTuple):
    """What a robot that believes U ~ N(mu, sigma^2) should do, and what comes of it; floats, or arrays of one shape.

    delta        what waiting adds, costs included
    act          E[U], what acting is worth
    wait         what waiting is worth
    value        what the best move is worth: V*
    best         the best moves among act, wait and switch off: a tuple, of several where they tie; an array of such
    allow        E[pi]: the chance that the human lets it go on
    correction   Pr(C): the chance that the human undoes what the robot would have done by itself (Eq 6)
    gain         sigma^2 E[pi'], so that delta = gain - |mu| correction, before costs (Theorem 2)
    """

    delta: Value
    act: Value
    wait: Value
    value: Value
    best: Any
    allow: Value
    correction: Value
    gain: Value


TIE = 1e-12  # values closer than this, relative to |mu| + sigma, are told apart by rounding alone


def off_switch_answer(mu: Value, sigma: Value, human: str = "rational", **options: Value) -> OffSwitchAnswer:
    """The robot's best moves with the numbers behind them; options and errors of `off_switch_delta`."""
    o = options_of("off_switch_answer", human, mu=mu, sigma=sigma, **options)
    return answer(o["mu"], o["sigma"], *solved(human, o))


def answer(act: np.ndarray, sigma: np.ndarray, delta: np.ndarray, allow: np.ndarray, gain: np.ndarray) -> Any:
    """An OffSwitchAnswer from E[U], the deviation of U, and what is known of the human."""
    wait, value = np.maximum(act, 0) + delta, np.maximum(act, 0) + np.maximum(delta, 0)
    room = TIE * (np.abs(act) + sigma)
    ties = {"act": (act >= 0) & (delta <= room), "wait": delta >= -room, "switch off": (act <= 0) & (delta <= room)}
    best = np.empty(np.shape(act), dtype=object)
    for at in np.ndindex(best.shape):
        best[at] = tuple(word for word, among in ties.items() if among[at])
    numbers = [plain(x) for x in (allow, correction_of(act, allow), gain)]
    return OffSwitchAnswer(plain(delta), plain(act), plain(wait), plain(value), best[()], *numbers)


# ---------------------------------------------------------------- thresholds, contours, wrong beliefs


def off_switch_boundary(mu: Value, beta: Value) -> Value:
    """The sigma from which on waiting for a Boltzmann human is best: sqrt(2 beta |mu|), exactly (Fig 3)."""
    o = checked("off_switch_boundary", mu=mu, beta=beta)
    return plain(np.sqrt(2 * o["beta"] * np.abs(o["mu"])))


def off_switch_error_limit(mu: Value, sigma: Value) -> Value:
    """eps*: the chance of error from which on waiting for an otherwise rational human no longer pays."""
    rational = np.asarray(off_switch_delta(mu, sigma))
    below = 2 * rational + np.abs(mu)
    return plain(np.where(below > 0, rational / np.where(below > 0, below, 1), 0.5))


def off_switch_sigma(mu: float, delta: float, human: str = "rational", **options: float) -> float:
    """The least sigma at which Delta reaches a level >= 0: with the level as price, where asking begins to pay.

    ValueError where the level is negative; inf where no sigma reaches it.
    """
    if not delta >= 0:
        raise ValueError(f"off_switch_sigma: delta must be at least 0; got {delta}")

    def short(sigma: float) -> float:
        return off_switch_delta(mu, sigma, human, **options) - delta

    if short(0.0) >= 0:
        return 0.0
    high = max(abs(mu), delta)
    while short(high) < 0:
        if high > 1e9 * max(abs(mu), delta):
            return math.inf
        high *= 2
    return float(brentq(short, 0.0, high, xtol=1e-14, rtol=1e-13))


def off_switch_beta(mu: float, sigma: float, delta: float) -> float:
    """The beta at which a Boltzmann human makes waiting worth `delta`: a contour of Fig 3. nan where none does.

    Delta falls in beta, from that of the rational human to -|mu| / 2.
    """
    top = off_switch_delta(mu, sigma)
    if not -abs(mu) / 2 < delta <= top:
        return math.nan

    def above(beta: float) -> float:
        return off_switch_delta(mu, sigma, "boltzmann", beta=beta) - delta

    high = max(abs(mu), sigma)
    while above(high) > 0:
        high *= 2
    return float(brentq(above, 0.0, high, xtol=1e-14, rtol=1e-13)) if delta < top else 0.0


def off_switch_regret(
    mu: Value, sigma: Value, human: str = "boltzmann", believed: dict[str, Value] | None = None, **options: Value
) -> Value:
    """What a robot loses, in expectation, that acts on wrong numbers: V* less what its choice is truly worth.

    believed   the options that it has wrong, e.g. dict(beta=1.0); mu and sigma may be among them

    It waits where it believes Delta >= 0, else acts where it believes mu > 0, else switches off. Where beta alone is
    wrong the regret is |Delta| of the truth wherever the two decisions differ, and 0 elsewhere.
    """
    owner = "off_switch_regret"
    true = options_of(owner, human, mu=mu, sigma=sigma, **options)
    wrong = options_of(owner, human, **{**true, **(believed or {})})
    return plain(regret_of(true["mu"], solved(human, true)[0], wrong["mu"], solved(human, wrong)[0]))


def regret_of(act: np.ndarray, delta: np.ndarray, seen_act: np.ndarray, seen_delta: np.ndarray) -> np.ndarray:
    """V* less the true worth of what is best by the numbers that are seen."""
    base = np.maximum(act, 0.0)
    alone = np.where(seen_act > 0, act, 0.0)
    return base + np.maximum(delta, 0.0) - np.where(seen_delta >= 0, base + delta, alone)
