"""How the human of the off-switch game answers a robot that waits, and what that is worth.

Where the utility is U ~ N(mu, sigma^2), waiting for a human who lets the robot go on with probability pi(U) beats the
better of acting and switching off by

    Delta = E[pi U] - max(mu, 0) = sigma^2 E[pi'] - |mu| Pr(C)        (Hadfield-Menell et al. 2017, Theorem 2)

C being the event that the human corrects the robot: stops one with mu >= 0, lets one go on with mu < 0. So two numbers
say everything of a human, `allow` = E[pi] and `gain` = sigma^2 E[pi'], and each model below has them in closed form
but the Boltzmann one, of which they are integrals.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.special import expit, ndtr

from ..core.errors import unknown

Numbers = Mapping[str, np.ndarray]
RANGES = {
    "mu": (-math.inf, math.inf),
    "sigma": (0.0, math.inf),
    "beta": (0.0, math.inf),
    "scale": (0.0, math.inf),
    "epsilon": (0.0, 1.0),
    "p_plus": (0.0, 1.0),
    "p_minus": (0.0, 1.0),
    "p": (0.0, 1.0),
    "ask": (0.0, math.inf),
    "press": (0.0, math.inf),
}
UNBOUNDED = ("beta", "scale")  # may be inf: a human who tosses a coin
TINY = 1e-100  # a width below this share of the mean is none
NODES, WEIGHTS = np.polynomial.legendre.leggauss(16)
BLOCK = 512  # integrals that are done at once


def checked(owner: str, **given: Any) -> dict[str, np.ndarray]:
    """Numbers or arrays as float64 arrays of one shape; ValueError, in one sentence, for what is out of range."""
    arrays = {}
    for name, value in given.items():
        low, high = RANGES[name]
        try:
            array = np.asarray(value, dtype=np.float64)
        except (TypeError, ValueError):
            raise ValueError(f"{owner}: {name} must be a number or an array of numbers; got {value!r}") from None
        finite = np.isfinite(array) | ((array == math.inf) & (name in UNBOUNDED))
        fine = finite & (array >= low) & (array <= high)
        if not fine.all():
            above = "at least 0" if name in UNBOUNDED else "finite and at least 0" if low == 0 else "finite"
            allowed = f"from {low:g} to {high:g}" if high < math.inf else above
            raise ValueError(f"{owner}: {name} must be {allowed}; got {array[~fine].flat[0]:g}")
        arrays[name] = array
    return dict(zip(arrays, np.broadcast_arrays(*arrays.values())))


def known(owner: str, human: str) -> None:
    """ValueError, naming the nearest model, where there is none of that name."""
    if human not in MOMENTS:
        raise ValueError(f"{owner}: " + unknown("human", human, MOMENTS))


def density(z: np.ndarray) -> np.ndarray:
    """Of the standard normal."""
    with np.errstate(over="ignore"):
        return np.exp(-0.5 * z * z) / math.sqrt(2 * math.pi)


def over(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """a / b, where a number over zero is infinite and zero over zero is zero: the human of a tie lets it be decided."""
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        return np.where((a == 0) & (b == 0), 0.0, a / b)


# ---------------------------------------------------------------- what each model is, pointwise and on average


def step(u: np.ndarray) -> np.ndarray:
    """1 where u >= 0."""
    return (u >= 0).astype(np.float64)


def step_moments(mu: np.ndarray, sigma: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(E[pi], sigma^2 E[pi']) of a human who lets the robot go on where U >= 0."""
    z = over(mu, sigma)
    return np.where(sigma > 0, ndtr(z), step(mu)), sigma * density(z)


def probit_moments(mu: np.ndarray, sigma: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of one who sees U with normal noise of that scale."""
    t = np.hypot(sigma, scale)
    return np.where(t > 0, ndtr(over(mu, t)), step(mu)), sigma * over(sigma, t) * density(over(mu, t))


def bayesian_moments(mu: np.ndarray, sigma: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of one who knows the robot's belief too: the sign of a posterior mean, which is N(mu, (sigma^2 / t)^2)."""
    t = np.hypot(sigma, scale)
    return step_moments(mu, sigma * over(sigma, t))


def mixed(at_least_zero: np.ndarray, p_plus: np.ndarray, p_minus: np.ndarray) -> np.ndarray:
    """pi of one who is right with probability p_plus where U >= 0 and p_minus where U < 0."""
    return p_plus * at_least_zero + (1 - p_minus) * (1 - at_least_zero)


def two_type_moments(
    mu: np.ndarray, sigma: np.ndarray, p_plus: np.ndarray, p_minus: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Of one with two chances of error (Waengberg et al. 2017)."""
    allow, gain = step_moments(mu, sigma)
    return mixed(allow, p_plus, p_minus), (p_plus + p_minus - 1) * gain


def logistic(u: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """1 / (1 + exp(-u / beta)); at beta = 0, 1 where u >= 0."""
    return np.where(beta > 0, expit(over(u, beta)), step(u))


def probit(u: np.ndarray, scale: np.ndarray) -> np.ndarray:
    """Phi(u / scale); at scale = 0, 1 where u >= 0."""
    return np.where(scale > 0, ndtr(over(u, scale)), step(u))


# E[pi] and sigma^2 E[pi'] where U ~ N(mu, sigma^2). "agent" is a human who minimises the cost of pressing too.
MOMENTS: dict[str, Callable[[Numbers], tuple[np.ndarray, np.ndarray]]] = {
    "agent": lambda o: step_moments(o["mu"] + o["press"], o["sigma"]),
    "rational": lambda o: step_moments(o["mu"], o["sigma"]),
    "boltzmann": lambda o: boltzmann(o["mu"], o["sigma"], o["beta"])[1:],
    "probit": lambda o: probit_moments(o["mu"], o["sigma"], o["scale"]),
    "error": lambda o: two_type_moments(o["mu"], o["sigma"], 1 - o["epsilon"], 1 - o["epsilon"]),
    "two-type": lambda o: two_type_moments(o["mu"], o["sigma"], o["p_plus"], o["p_minus"]),
    "bayesian": lambda o: bayesian_moments(o["mu"], o["sigma"], o["scale"]),
    "constant": lambda o: (o["p"], 0.0 * o["p"]),
}

# pi(u). The Bayesian's depends on the whole belief: see `off_switch_delta_of`.
ALLOWS: dict[str, Callable[[np.ndarray, Numbers], np.ndarray]] = {
    "agent": lambda u, o: step(u + o["press"]),
    "rational": lambda u, o: step(u),
    "boltzmann": lambda u, o: logistic(u, o["beta"]),
    "probit": lambda u, o: probit(u, o["scale"]),
    "error": lambda u, o: mixed(step(u), 1 - o["epsilon"], 1 - o["epsilon"]),
    "two-type": lambda u, o: mixed(step(u), o["p_plus"], o["p_minus"]),
    "constant": lambda u, o: o["p"] + 0.0 * u,
}


# ---------------------------------------------------------------- the integrals of the Boltzmann human


def boltzmann(mu: np.ndarray, sigma: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(Delta, E[pi], sigma^2 E[pi']) of one who follows pi(u) = 1 / (1 + exp(-u / beta)) (Eq 5), limits included."""
    mean = np.asarray(mu)
    m, sigma, beta = np.broadcast_arrays(np.abs(mu), sigma, beta)
    dirac, rational, coin = sigma <= TINY * m, beta <= TINY * np.maximum(m, sigma), beta == math.inf
    allow, gain = step_moments(m, sigma)
    correction = np.where(coin, 0.5, np.where(rational, 1 - allow, 1 - logistic(m, beta)))
    gain = np.where(coin | dirac, 0.0, gain)
    delta = np.where(dirac, -m * correction, gain - m * correction)
    rest = ~(dirac | rational | coin)
    if rest.any():
        unit = np.maximum(m, sigma)[rest]  # the larger of the two is made 1: Delta(k mu, k sigma, k beta) = k Delta
        chosen = [x[rest] / unit for x in (m, sigma, beta)]
        blocks = [_integrals(*(x[i : i + BLOCK] for x in chosen)) for i in range(0, len(unit), BLOCK)]
        delta[rest], correction[rest], gain[rest] = (np.concatenate(column) for column in zip(*blocks))
        delta[rest] *= unit
        gain[rest] *= unit
    return delta, np.where(mean >= 0, 1 - correction, correction), gain


def _integrals(m: np.ndarray, sigma: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Delta, Pr(C), sigma^2 E[pi'] by quadrature split at u = 0 and folded there; m >= 0, all [k].

    The folded integrand of Delta is v pi(-v) p(v) (exp(v / beta - 2 m v / sigma^2) - 1), which has one sign: Delta > 0
    if and only if sigma^2 > 2 beta m. So the boundary comes out exactly, however small Delta is about it.
    """
    v, weight = _half_line(m, sigma, beta)
    m, sigma, beta = m[:, None], sigma[:, None], beta[:, None]
    low, high = expit(-v / beta), expit(v / beta)
    near, far = density((v - m) / sigma) / sigma, density((v + m) / sigma) / sigma
    tilt = v * (1 / beta - 2 * m / sigma / sigma)
    folded = np.where(tilt > 0, -far * high * np.expm1(-np.abs(tilt)), near * low * np.expm1(-np.abs(tilt)))
    delta = (weight * v * folded).sum(axis=1)
    correction = ndtr(-m / sigma)[:, 0] + (weight * low * (near - far)).sum(axis=1)
    gain = (sigma * sigma / beta * weight * low * high * (near + far)).sum(axis=1)
    return delta, correction, gain


def _half_line(m: np.ndarray, sigma: np.ndarray, beta: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nodes and weights [k, nodes] on 0 < v < m + 12 sigma: panels that halve towards 0, and of 2 sigma about m."""
    top = m + 12 * sigma
    halvings = int(np.clip(np.ceil(np.log2(top / np.minimum(beta, sigma)).max()) + 3, 3, 400))
    graded = top[:, None] * 0.5 ** np.arange(halvings)
    about = np.clip(m[:, None] + sigma[:, None] * np.arange(-12, 12, 2), 0, top[:, None])
    edges = np.sort(np.concatenate([np.zeros((len(m), 1)), graded, about], axis=1), axis=1)
    half = np.diff(edges)[..., None] / 2
    middle = (edges[:, 1:] + edges[:, :-1])[..., None] / 2
    return (middle + half * NODES).reshape(len(m), -1), (half * WEIGHTS).reshape(len(m), -1)
