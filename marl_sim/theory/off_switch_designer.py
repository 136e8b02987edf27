"""How unsure a robot should be made: the designer's problem of the off-switch game (its section 5).

Customers' utilities are U ~ N(0, prior^2); the robot sees x = U + N(0, noise^2) and the designer chooses with what
posterior deviation it goes about, by making it believe in another noise. It then waits for a Boltzmann human where its
own belief says so. The paper's Fig 4 prints no numbers; this is a reading that reproduces its shape.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from scipy.special import ndtr

from .off_switch import plain
from .off_switch_humans import NODES, WEIGHTS, boltzmann, density

REACH = 9.0  # standard deviations of x that are integrated over


class Designed(NamedTuple):
    """What comes of a robot of that uncertainty; floats, or arrays as `spread`.

    value   what a customer gets of it, on average: V
    delta   how much it believes, on average, to gain by waiting
    ask     how often it waits
    """

    value: Any
    delta: Any
    ask: Any


def design_off_switch(
    spread: Any, noise: float = 0.5, beta: float = 0.5, prior: float = 1.0, actions: int = 1
) -> Designed:
    """The value of a robot that is made to believe in a posterior standard deviation of `spread`.

    spread    0 <= spread <= prior; a number or an array. The truth is noise * prior / sqrt(noise^2 + prior^2)
    noise     standard deviation of what the robot sees about U (>= 0)
    beta      of the Boltzmann human (>= 0), whom the robot knows
    prior     standard deviation of U among customers (> 0)
    actions   candidates, of utilities drawn alike, of which the robot takes the one that looks best (>= 1)

    ValueError, in one sentence, for what is out of range.
    """
    spreads = np.asarray(spread, dtype=np.float64)
    for name, value, fine, allowed in (
        ("prior", prior, 0 < prior < math.inf, "positive and finite"),
        ("noise", noise, 0 <= noise < math.inf, "finite and at least 0"),
        ("beta", beta, 0 <= beta < math.inf, "finite and at least 0"),
        ("actions", actions, actions >= 1 and actions == int(actions), "a whole number of at least 1"),
        ("spread", spread, bool(((spreads >= 0) & (spreads <= prior)).all()), f"from 0 to the prior's {prior:g}"),
    ):
        if not fine:
            raise ValueError(f"design_off_switch: {name} must be {allowed}; got {value!r}")
    columns = zip(*(_one(float(s), noise, beta, prior, int(actions)) for s in spreads.ravel()))
    return Designed(*(plain(np.array(column).reshape(spreads.shape)[()]) for column in columns))


def _one(spread: float, noise: float, beta: float, prior: float, actions: int) -> tuple[float, float, float]:
    """(V, mean Delta, share of waits) for one spread, by quadrature over x split where the decision changes."""
    seen = math.hypot(prior, noise)
    shrink = 1 - (spread / prior) ** 2  # of x to the robot's posterior mean
    below = 2 * beta * shrink
    asks = (
        math.inf if below == 0 else spread * spread / below
    )  # it waits where |x| is up to this: sigma^2 > 2 beta |mu|
    cut = min(asks, REACH * seen)
    edges = np.unique(np.concatenate([np.arange(-REACH, REACH + 1) * seen, [-cut, 0.0, cut]]))
    half, middle = np.diff(edges)[:, None] / 2, (edges[1:] + edges[:-1])[:, None] / 2
    x, z = (middle + half * NODES).ravel(), (middle + half * NODES).ravel() / seen
    weight = (half * WEIGHTS).ravel() * actions * density(z) * ndtr(z) ** (actions - 1) / seen  # of the largest x
    mean, deviation = x * (prior / seen) ** 2, np.full(x.shape, prior * noise / seen)
    believed, shape = shrink * x, np.ones(x.shape)
    waits = np.maximum(mean, 0) + boltzmann(mean, deviation, beta * shape)[0]
    value = np.where(np.abs(x) <= cut, waits, np.where(believed > 0, mean, 0.0))
    delta = boltzmann(believed, spread * shape, beta * shape)[0]
    ask = ndtr(asks / seen) ** actions - ndtr(-asks / seen) ** actions
    return float(weight @ value), float(weight @ delta), float(ask)
