"""The off-switch game of beliefs of finitely many values, and of a game's own options, case by case."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.special import ndtr

from ..core.errors import unknown
from ..core.registry import make
from .off_switch import OffSwitchAnswer, answer, correction_of, options_of, regret_of, solved
from .off_switch_humans import ALLOWS


def off_switch_delta_of(
    values: Sequence[float], probabilities: Sequence[float] | None = None, human: str = "rational", **options: float
) -> float:
    """`off_switch_delta` of a belief of finitely many values: two-point, or the empirical one of a sample.

    values          what U may be
    probabilities   how likely each is (none: all alike); they must add up to 1

    Exact to rounding for every human; options and errors of `off_switch_delta`.
    """
    return off_switch_answer_of(values, probabilities, human, **options).delta


def off_switch_answer_of(
    values: Sequence[float], probabilities: Sequence[float] | None = None, human: str = "rational", **options: float
) -> OffSwitchAnswer:
    """`off_switch_answer` of a belief of finitely many values; see `off_switch_delta_of`."""
    u, p = _belief(values, probabilities)
    o = options_of("off_switch_answer_of", human, mu=0.0, sigma=0.0, **options)
    if human == "bayesian":
        allows = bayesian_allows(u, p, float(o["scale"]))
    else:
        allows = ALLOWS[human](u, o)
    return _answer(u, p, allows, o)


def _answer(u: np.ndarray, p: np.ndarray, allows: np.ndarray, o: dict[str, np.ndarray]) -> OffSwitchAnswer:
    mean = np.asarray(p @ u)
    allow, alone = np.asarray(p @ allows), max(float(mean), 0.0)
    delta = p @ (allows * u) - alone
    gain = delta + abs(mean) * correction_of(mean, allow)  # what Theorem 2 leaves for it
    spread = np.sqrt(p @ (u - mean) ** 2)
    return answer(mean, spread, np.asarray(delta - o["ask"] - o["press"] * (1 - allow)), allow, np.asarray(gain))


def _belief(values: Sequence[float], probabilities: Sequence[float] | None) -> tuple[np.ndarray, np.ndarray]:
    u = np.asarray(values, dtype=np.float64)
    if u.ndim != 1 or not u.size or not np.isfinite(u).all():
        raise ValueError(f"an off-switch belief: values must be a list of finite numbers; got {values!r}")
    p = np.full(u.shape, 1 / u.size) if probabilities is None else np.asarray(probabilities, dtype=np.float64)
    if p.shape != u.shape or not (p >= 0).all() or not abs(p.sum() - 1) < 1e-9:
        wanted = f"{u.size} numbers >= 0 that add up to 1"
        raise ValueError(f"an off-switch belief: probabilities must be {wanted}; got {probabilities!r}")
    return u, p


def bayesian_allows(u: np.ndarray, p: np.ndarray, scale: float) -> np.ndarray:
    """pi(u) of one who sees y = u + N(0, scale^2) and lets the robot go on where the posterior mean is >= 0.

    That mean rises with y, so it is so from some y on.
    """
    some, weight = u[p > 0], p[p > 0]
    if scale == 0:
        return (u >= 0).astype(np.float64)
    if scale == math.inf:
        return np.full(u.shape, float(p @ u >= 0))
    if some.min() >= 0 or some.max() <= 0:  # of one sign: what is seen decides nothing
        return np.full(u.shape, float(some.min() >= 0))

    def posterior(y: float) -> float:
        exponent = -0.5 * ((y - some) / scale) ** 2
        return float((weight * some) @ np.exp(exponent - exponent.max()))

    low, high = float(some.min()), float(some.max())
    width = high - low
    while posterior(low) >= 0:
        low, width = low - width, 2 * width
    while posterior(high) < 0:
        high, width = high + width, 2 * width
    return ndtr((u - brentq(posterior, low, high, xtol=1e-14)) / scale)


# ---------------------------------------------------------------- a game's own cases


class OffSwitchCases(NamedTuple):
    """What theory says of each case of an off-switch game; arrays [cases].

    mu, sigma, beta   of the truth, case by case
    answer            what is best, and worth what, in truth; a human agent being one who replies best
    told              the same by the numbers that the robot is shown
    regret            what a robot loses that does what is best by those
    """

    mu: np.ndarray
    sigma: np.ndarray
    beta: np.ndarray
    answer: OffSwitchAnswer
    told: OffSwitchAnswer
    regret: np.ndarray


def off_switch_cases(game: Any) -> OffSwitchCases:
    """An OffSwitch, a game of it, or a registered name: the theory of its cases, from the options alone."""
    game = make(game) if isinstance(game, str) else game
    part = getattr(game, "dilemma", game)
    if type(part).__name__ != "OffSwitch":
        raise ValueError("off_switch_cases: " + unknown("game", type(part).__name__, ["OffSwitch"]))
    (mu, sigma), beta = part.moments, part.by_case("beta")
    same = {name: getattr(part, name) for name in ("scale", "epsilon", "p_plus", "p_minus", "ask", "press")}
    human, noise = part.human, part.scale if part.noisy and part.human == "agent" else 0.0
    seen_mu, seen_sigma, seen_beta = part.believed
    told = _gaussian(seen_mu, seen_sigma, seen_beta, human, noise, same)
    if part.belief == "gaussian":
        found = _gaussian(mu, sigma, beta, human, noise, same)
    else:
        found = _stacked([_finite(part.outcomes, human, noise, {**same, "beta": b}) for b in beta])
        if part.told_mu is None and part.told_sigma is None and part.told_beta is None:
            told = found
    return OffSwitchCases(mu, sigma, beta, found, told, regret_of(mu, found.delta, told.act, told.delta))


def _gaussian(mu: np.ndarray, sigma: np.ndarray, beta: np.ndarray, human: str, noise: float, same: Any) -> Any:
    """A human agent who sees U with noise goes by the posterior mean, whose deviation is sigma^2 / t."""
    t = np.hypot(sigma, noise)
    seen = np.where(t > 0, sigma * sigma / np.where(t > 0, t, 1.0), 0.0)
    o = options_of("off_switch_cases", human, mu=mu, sigma=seen, beta=beta, **same)
    return answer(mu, sigma, *solved(human, o))


def _finite(belief: tuple[np.ndarray, np.ndarray], human: str, noise: float, o: dict[str, Any]) -> OffSwitchAnswer:
    u, p = belief
    if not noise:
        return off_switch_answer_of(list(u), list(p), human, **o)
    allows = bayesian_allows(u + o["press"], p, noise)  # goes on where the posterior mean is >= -press
    return _answer(u, p, allows, options_of("off_switch_cases", human, mu=0.0, sigma=0.0, **o))


def _stacked(answers: list[OffSwitchAnswer]) -> OffSwitchAnswer:
    """Answers of single cases as one of arrays."""
    best = np.empty(len(answers), dtype=object)
    best[:] = [one.best for one in answers]
    columns = {
        name: np.array([getattr(one, name) for one in answers]) for name in OffSwitchAnswer._fields if name != "best"
    }
    return OffSwitchAnswer(**columns, best=best)
