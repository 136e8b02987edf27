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
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from .off_switch_humans import ALLOWS, MOMENTS, boltzmann, checked, known

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
    o = _options("off_switch_delta", human, mu=mu, sigma=sigma, **options)
    return plain(_solved(human, o)[0])


DEFAULTS = dict(beta=0.5, scale=0.5, epsilon=0.1, p_plus=0.95, p_minus=0.95, p=0.5, ask=0.0, press=0.0)


def _options(owner: str, human: str, **given: Value) -> dict[str, np.ndarray]:
    known(owner, human)
    for name in given.keys() - DEFAULTS.keys() - {"mu", "sigma"}:
        raise TypeError(f"{owner} has no option {name!r} (it has: {', '.join(DEFAULTS)})")
    return checked(owner, **{**DEFAULTS, **given})


def _solved(human: str, o: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Delta, E[pi], sigma^2 E[pi'])."""
    if human == "boltzmann":
        delta, allow, gain = boltzmann(o["mu"], o["sigma"], o["beta"])
    else:
        allow, gain = MOMENTS[human](o)
        delta = gain - np.abs(o["mu"]) * _correction(o["mu"], allow)
    return delta - o["ask"] - o["press"] * (1 - allow), allow, gain


def _correction(mu: np.ndarray, allow: np.ndarray) -> np.ndarray:
    """Pr(C): the human undoes what the robot would have done by itself (Eq 6)."""
    return np.where(mu >= 0, 1 - allow, allow)


class OffSwitchAnswer(NamedTuple):
    """What a robot that believes U ~ N(mu, sigma^2) should do, and what comes of it; floats, or arrays of one shape.

    delta        what waiting adds, costs included
    act          E[U], what acting is worth
    wait         what waiting is worth
    value        what the best of act, wait and off is worth: V*
    best         words of the best moves, all of them where they tie; an array of such tuples for arrays
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
    """The robot's best moves among act, wait and off, with the numbers behind them; options of `off_switch_delta`."""
    o = _options("off_switch_answer", human, mu=mu, sigma=sigma, **options)
    (delta, allow, gain), act = _solved(human, o), o["mu"]
    wait, value = np.maximum(act, 0) + delta, np.maximum(act, 0) + np.maximum(delta, 0)
    room = TIE * (np.abs(act) + o["sigma"])
    ties = {"act": (act >= 0) & (delta <= room), "wait": delta >= -room, "off": (act <= 0) & (delta <= room)}
    best = np.empty(np.shape(act), dtype=object)
    for at in np.ndindex(best.shape):
        best[at] = tuple(word for word, among in ties.items() if among[at])
    numbers = [plain(x) for x in (allow, _correction(act, allow), gain)]
    return OffSwitchAnswer(plain(delta), plain(act), plain(wait), plain(value), best[()], *numbers)


# ---------------------------------------------------------------- beliefs of finitely many values


def off_switch_delta_of(
    values: Sequence[float], probabilities: Sequence[float] | None = None, human: str = "rational", **options: float
) -> float:
    """`off_switch_delta` of a belief of finitely many values: two-point, or the empirical one of a sample.

    values          what U may be
    probabilities   how likely each is (none: all alike); they must add up to 1
    """
    owner = "off_switch_delta_of"
    u = np.asarray(values, dtype=np.float64)
    p = np.full(u.shape, 1 / max(u.size, 1)) if probabilities is None else np.asarray(probabilities, dtype=np.float64)
    if u.ndim != 1 or not u.size or not np.isfinite(u).all():
        raise ValueError(f"{owner}: values must be a list of finite numbers; got {values!r}")
    if p.shape != u.shape or not (p >= 0).all() or not abs(p.sum() - 1) < 1e-9:
        raise ValueError(
            f"{owner}: probabilities must be {u.size} numbers >= 0 that add up to 1; got {probabilities!r}"
        )
    o = _options(owner, human, mu=0.0, sigma=0.0, **options)
    allow = _bayesian_allows(u, p, float(o["scale"])) if human == "bayesian" else ALLOWS[human](u, o)
    return float(p @ (allow * u - o["press"] * (1 - allow)) - max(p @ u, 0.0) - o["ask"])


def _bayesian_allows(u: np.ndarray, p: np.ndarray, scale: float) -> np.ndarray:
    """pi(u) of one who sees y = u + N(0, scale^2) and lets the robot go on where the posterior mean is >= 0.

    That mean rises with y, so it is so from some y on.
    """
    u_likely, p_likely = u[p > 0], p[p > 0]
    if scale == 0 or u_likely.min() >= 0 or u_likely.max() <= 0:
        # All of one sign: what is seen decides nothing. Where U is 0 nothing is at stake.
        return (u >= 0).astype(np.float64) if scale == 0 else np.full(u.shape, float(u_likely.min() >= 0))
    if scale == math.inf:
        return np.full(u.shape, float(p @ u >= 0))

    def posterior(y: float) -> float:
        exponent = -0.5 * ((y - u_likely) / scale) ** 2
        return float((p_likely * u_likely) @ np.exp(exponent - exponent.max()))

    low, high = float(u_likely.min()), float(u_likely.max())
    width = high - low
    while posterior(low) >= 0:
        low, width = low - width, 2 * width
    while posterior(high) < 0:
        high, width = high + width, 2 * width
    return ndtr((u - brentq(posterior, low, high, xtol=1e-14)) / scale)


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
    true = _options(owner, human, mu=mu, sigma=sigma, **options)
    wrong = _options(owner, human, **{**true, **(believed or {})})
    seen, real = _solved(human, wrong)[0], _solved(human, true)[0]
    alone = np.where(wrong["mu"] > 0, true["mu"], 0.0)
    base = np.maximum(true["mu"], 0.0)
    return plain(base + np.maximum(real, 0.0) - np.where(seen >= 0, base + real, alone))
