"""Scripted robots and humans of the off-switch game."""

from __future__ import annotations

import math
from typing import Any, ClassVar

import numpy as np

from ..games.off_switch import SQUASH
from ..games.off_switch_rules import ACT, ALLOW, ANSWERS, HUMAN, MOVES, OFF, ROBOT, SWITCH_OFF, WAIT
from .base import Policy
from .player import Player
from .view import View

ROOT_TWO = math.sqrt(2.0)
erfc = np.vectorize(math.erfc, otypes=[float])


def unit(owner: str, **values: float) -> None:
    """ValueError, in one sentence, unless all are from 0 to 1."""
    for name, value in values.items():
        if not 0 <= value <= 1:
            raise ValueError(f"{owner}: {name} must be from 0 to 1; got {value!r}")


def not_negative(owner: str, **values: float) -> None:
    """ValueError, in one sentence, unless all are finite numbers of at least 0."""
    for name, value in values.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{owner}: {name} must be a finite number of at least 0; got {value!r}")


class Role(Policy):
    """Base of the robots and humans: ValueError in one sentence for a seat that does not decide what they decide."""

    tags: ClassVar[dict[str, Any]] = {}
    recalls: ClassVar[bool] = False
    agent: ClassVar[int] = ROBOT
    kind: ClassVar[str] = "move"
    words: ClassVar[tuple[str, ...]] = MOVES
    needs: ClassVar[tuple[str, ...]] = ()

    def reset(self, player: Player) -> None:
        table, who = player.table, ("robot's", "human's")[self.agent]
        if self.kind not in table.kinds or table.choices(self.kind) != self.words:
            raise ValueError(f"{self.name} sits in the {who} seat of an off-switch game; here nobody decides it")
        if (player.agents != self.agent).any():
            sat = table.agents[player.agents[player.agents != self.agent][0]]
            raise ValueError(f"{self.name} sits in the {who} seat, {table.agents[self.agent]}; got {sat}")
        seen = {slot.name for slot in table.slots if slot.kind == self.kind}
        if missing := [name for name in self.needs if name not in seen]:
            raise ValueError(f"{self.name} needs a game that shows {' and '.join(missing)}; this one does not")

    def act(self, view: View) -> np.ndarray:
        return self.decide(view) if view.kind == self.kind else view.legal.argmax(axis=1)

    def decide(self, view: View) -> np.ndarray:
        """What it does where it has the say, ints [n]."""
        raise NotImplementedError(f"{type(self).__name__} must define decide(view)")


# ---------------------------------------------------------------- robots


class AlwaysWait(Role):
    """The fully deferential robot: it always leaves the decision to the human.

    Source: the policy w(a) of Hadfield-Menell, Dragan, Abbeel & Russell, "The Off-Switch Game" (IJCAI 2017).
    """

    tags = dict(memory=0, stochastic=False, robot=True)

    def decide(self, view: View) -> np.ndarray:
        return np.full(view.n, WAIT)


class AlwaysAct(Role):
    """The robot that bypasses the human and acts, whatever it believes.

    Source: the policy a of Hadfield-Menell, Dragan, Abbeel & Russell, "The Off-Switch Game" (IJCAI 2017).
    """

    tags = dict(memory=0, stochastic=False, robot=True)

    def decide(self, view: View) -> np.ndarray:
        return np.full(view.n, ACT)


class AlwaysOff(Role):
    """The robot that switches itself off, whatever it believes.

    Source: the policy s of Hadfield-Menell, Dragan, Abbeel & Russell, "The Off-Switch Game" (IJCAI 2017).
    """

    tags = dict(memory=0, stochastic=False, robot=True)

    def decide(self, view: View) -> np.ndarray:
        return np.full(view.n, SWITCH_OFF)


class BayesRobot(Role):
    """Does what is best in expectation by its belief: waits if sigma^2 >= 2 * beta * |mu|, else acts if mu > 0.

    beta   how irrational it takes the human to be, 0 rational; None: what it is told ("beta" in the view), else 0

    Exact where the belief is Gaussian, the human is Boltzmann-rational and neither asking nor pressing costs. Needs a
    game that shows numbers.

    Source: the incentive of Hadfield-Menell, Dragan, Abbeel & Russell, "The Off-Switch Game" (IJCAI 2017), theorem 2;
    that its sign is this parabola's is this project's finding. Raises ValueError for a negative beta.
    """

    tags = dict(memory=0, stochastic=False, robot=True)

    needs = ("mu", "sigma")

    beta: float | None = None

    def __post_init__(self) -> None:
        not_negative("BayesRobot", beta=0.0 if self.beta is None else self.beta)

    def decide(self, view: View) -> np.ndarray:
        mu, sigma = view["mu"], view["sigma"]
        told = view["beta"] if "beta" in view else np.zeros(view.n)
        beta = told if self.beta is None else self.beta
        return np.where(sigma**2 >= 2 * beta * np.abs(mu), WAIT, np.where(mu > 0, ACT, SWITCH_OFF))


# ---------------------------------------------------------------- humans


def worth(view: View) -> np.ndarray:
    """What the human sees of the action's worth, float64 [view.n]; undoes the squashing of the observation."""
    x = view["worth"].astype(np.float64)
    return SQUASH * x / np.maximum(1.0 - np.abs(x), 1e-12)


class RationalHuman(Role):
    """Lets the robot act exactly if that is worth 0 or more.

    Source: Hadfield-Menell, Dragan, Abbeel & Russell, "The Off-Switch Game" (IJCAI 2017), theorem 1.
    """

    tags = dict(memory=0, stochastic=False, human=True)
    agent, kind, words, needs = HUMAN, "answer", ANSWERS, ("worth",)

    def decide(self, view: View) -> np.ndarray:
        return np.where(self.chance(worth(view)) > view.uniform(), ALLOW, OFF)

    def chance(self, u: np.ndarray) -> np.ndarray:
        """The probability of letting the robot act where that is worth u."""
        return (u >= 0).astype(np.float64)


class BoltzmannHuman(RationalHuman):
    """Lets the robot act with probability 1 / (1 + exp(-u / beta)); beta = 0 is rational.

    Source: Hadfield-Menell, Dragan, Abbeel & Russell, "The Off-Switch Game" (IJCAI 2017), equation 5.
    Raises ValueError for a negative beta.
    """

    tags = dict(memory=0, stochastic=True, human=True)

    beta: float = 0.5

    def __post_init__(self) -> None:
        not_negative("BoltzmannHuman", beta=self.beta)

    def chance(self, u: np.ndarray) -> np.ndarray:
        if self.beta == 0:
            return super().chance(u)
        return 1.0 / (1.0 + np.exp(np.clip(-u / self.beta, -700, 700)))


class ProbitHuman(RationalHuman):
    """Lets the robot act with probability Phi(u / scale), as if it saw u with normal noise; scale = 0 is rational.

    Source: the probit choice rule (Thurstone 1927), this project's variant of the paper's human.
    Raises ValueError for a negative scale.
    """

    tags = dict(memory=0, stochastic=True, human=True)

    scale: float = 0.5

    def __post_init__(self) -> None:
        not_negative("ProbitHuman", scale=self.scale)

    def chance(self, u: np.ndarray) -> np.ndarray:
        return 0.5 * erfc(-u / (self.scale * ROOT_TWO)) if self.scale else super().chance(u)


class TwoTypeHuman(RationalHuman):
    """Lets what is worth 0 or more run with probability p_plus, and stops the rest with probability p_minus.

    Source: after Waengberg et al., "A game-theoretic analysis of the off-switch game" (2017; arXiv 1708.03871).
    Raises ValueError for probabilities outside 0 to 1.
    """

    tags = dict(memory=0, stochastic=True, human=True)

    p_plus: float = 0.95
    p_minus: float = 0.95

    def __post_init__(self) -> None:
        unit("TwoTypeHuman", p_plus=self.p_plus, p_minus=self.p_minus)

    def chance(self, u: np.ndarray) -> np.ndarray:
        return np.where(u >= 0, self.p_plus, 1.0 - self.p_minus)


class ErrorHuman(RationalHuman):
    """Rational, but does the opposite with probability epsilon.

    Source: the trembling hand (Selten 1975), this project's variant of the paper's human.
    Raises ValueError for an epsilon outside 0 to 1.
    """

    tags = dict(memory=0, stochastic=True, human=True)

    epsilon: float = 0.1

    def __post_init__(self) -> None:
        unit("ErrorHuman", epsilon=self.epsilon)

    def chance(self, u: np.ndarray) -> np.ndarray:
        return np.where(u >= 0, 1.0 - self.epsilon, self.epsilon)


class BayesianHuman(RationalHuman):
    """Takes what it sees for the worth plus normal noise, and lets the robot act if the posterior mean is 0 or more.

    mu, sigma   its prior, which should be the game's
    scale       standard deviation of the noise, which the game adds (noisy=True, scale=...)

    Source: Bayes' rule for a normal mean; this project's variant of the paper's human. Raises ValueError for a negative
    sigma or scale.
    """

    tags = dict(memory=0, stochastic=False, human=True)

    mu: float = 0.25
    sigma: float = 0.5
    scale: float = 0.5

    def __post_init__(self) -> None:
        if not abs(self.mu) < math.inf:
            raise ValueError(f"BayesianHuman: mu must be a finite number; got {self.mu!r}")
        not_negative("BayesianHuman", sigma=self.sigma, scale=self.scale)

    def chance(self, u: np.ndarray) -> np.ndarray:
        if self.scale == 0:
            return super().chance(u)
        return (self.mu * self.scale**2 + u * self.sigma**2 >= 0).astype(np.float64)
