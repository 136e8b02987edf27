"""Social preferences: reward layers by which an agent is taught what it makes of everybody's payoff.

    layers=(ms.InequityAversion(alpha=(5, 5, 0, 0), beta=(0.05, 0.05, 0, 0)),)
    layers=(ms.InequityAversion(5, 0.05, agents=(0, 1)),)      # the same among four agents

Every option that is a number is one for all agents, or a sequence of one for each; with `agents`, one for those and 0
for the others. 0 is always a selfish agent, so that mixed populations are one line. Layers work on any learner, in the
given order, each on what the one before made of the payoffs; records keep the payoffs.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ..core.kernels import kernel
from ..core.part import at_least
from ..games.tables import as_numbers, is_number, shown

Numbers = float | Sequence[float]


@dataclass(frozen=True)
class Preference:
    """Base of the social preferences, and what a Trainer asks of a reward layer: begin, apply, forget.

    agents   who has the preference; None: all. Only with options that are one number for all
    """

    agents: Sequence[int] | None = field(default=None, kw_only=True)
    ranges: ClassVar[dict[str, tuple[float, float]]] = {}  # options that are numbers: lowest, highest

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for name, (low, high) in self.ranges.items():
            value = getattr(self, name)
            if value is None and getattr(type(self), name, 0) is None:  # left out, as it may be
                continue
            one = is_number(value) and math.isfinite(value)
            taken = as_numbers(owner, name, (value,) if one else value, or_one=True)
            for number in taken:
                at_least(owner, name, number, low, high)
            object.__setattr__(self, name, taken[0] if one else taken)
        if self.agents is not None:
            self._check_agents(owner)
        self.check()

    def _check_agents(self, owner: str) -> None:
        listed = isinstance(self.agents, Sequence | range | np.ndarray) and not isinstance(self.agents, str)
        found: tuple[Any, ...] = tuple(self.agents) if listed else ()  # type: ignore[arg-type]
        whole = all(isinstance(a, int | np.integer) and not isinstance(a, bool) and a >= 0 for a in found)
        if not found or not whole or len(set(found)) < len(found):
            wanted = "None or a tuple of different numbers of agents, such as (0, 2)"
            raise ValueError(f"{owner}: agents must be {wanted}; got {shown(self.agents)}")
        for name in self.ranges:
            if isinstance(getattr(self, name), tuple):
                got = shown(getattr(self, name))
                raise ValueError(f"{owner}: {name} must be one number where agents are named; got {got}")
        object.__setattr__(self, "agents", tuple(int(a) for a in found))

    def check(self) -> None:
        """Refuse wrong options, in one sentence (ValueError)."""

    def each(self, name: str, n_agents: int) -> np.ndarray:
        """An option, agent by agent: float64 [n_agents]."""
        values = np.zeros(n_agents)
        values[slice(None) if self.agents is None else list(self.agents)] = getattr(self, name)
        return values

    def begin(self, n_agents: int, worlds: int) -> np.ndarray | None:
        """What the layer remembers of so many worlds, at first 0, or None; ValueError if it does not fit the agents."""
        owner = type(self).__name__
        if n_agents < 2:
            raise ValueError(f"{owner} is about others and needs at least 2 agents; got {n_agents}")
        for name in self.ranges:
            value = getattr(self, name)
            if isinstance(value, tuple) and len(value) != n_agents:
                wanted = f"one number or {n_agents}, one for each agent"
                raise ValueError(f"{owner}: {name} must be {wanted}; got {len(value)}")
        for agent in self.agents or ():
            if agent >= n_agents:
                raise ValueError(f"{owner}: agents must be from 0 to {n_agents - 1}; got {agent}")
        return self.blank(n_agents, worlds)

    def blank(self, n_agents: int, worlds: int) -> np.ndarray | None:
        """An empty memory, worlds first, or None where nothing is remembered."""
        return None

    def apply(self, reward: np.ndarray, memory: np.ndarray | None = None) -> np.ndarray:
        """What the agents make of a step's rewards: float64 [W, n] -> a new array [W, n]; moves the memory on."""
        raise NotImplementedError

    def forget(self, memory: np.ndarray | None, ended: np.ndarray) -> None:
        """Clear the memory of the worlds whose episode has ended, bool [W]."""
        if memory is not None:
            memory[ended] = 0


@kernel
def suffer(earned, alpha, beta, reward):
    """Take from reward [W, n] what each suffers from inequity; earned [W, n, n]: j's earnings as i counts them."""
    worlds, n = reward.shape
    for w in range(worlds):
        for i in range(n):
            total = 0.0
            for j in range(n):
                lead = earned[w, i, j] - earned[w, i, i]
                total += alpha[i] * lead if lead > 0 else -beta[i] * lead
            reward[w, i] -= total / (n - 1)


@dataclass(frozen=True)
class InequityAversion(Preference):
    """Nobody likes to have less than others, and some do not like to have more (Fehr & Schmidt 1999).

        U_i = r_i - alpha_i / (n - 1) * sum_j max(e_j - e_i, 0) - beta_i / (n - 1) * sum_j max(e_i - e_j, 0)

    alpha      dislike of being behind (disadvantageous inequity, envy), at least 0
    beta       dislike of being ahead (advantageous inequity, guilt), at least 0. Fehr & Schmidt take people to have
               beta <= alpha and beta < 1, which is not asked for here
    smoothing  None: e is the step's reward, as in the textbook. 0 to 1: what has been earned fades by and by,
               e_j <- gamma * smoothing * e_j + r_j at every step, from 0 when an episode starts (the lambda of Hughes
               et al. 2018). Given agent by agent, it is that of who compares
    gamma      the learners' discount factor, 0 to 1; used with smoothing only

    A step is a stage of the game. Where agents are paid in different steps (in turn, or by a mechanism), compare them
    with smoothing: the textbook's comparison knows nothing of what was paid a step ago.

    Memory     with smoothing: float64 [W, n, n], what i still counts of j's earnings
    Sources    Fehr & Schmidt, "A theory of fairness, competition, and cooperation" (QJE 1999); Hughes et al.,
               "Inequity aversion improves cooperation in intertemporal social dilemmas" (NeurIPS 2018)
    """

    alpha: Numbers
    beta: Numbers
    smoothing: Numbers | None = None
    gamma: Numbers = 0.99
    ranges: ClassVar[dict[str, tuple[float, float]]] = {
        "alpha": (0, math.inf),
        "beta": (0, math.inf),
        "smoothing": (0, 1),
        "gamma": (0, 1),
    }

    def blank(self, n_agents: int, worlds: int) -> np.ndarray | None:
        return None if self.smoothing is None else np.zeros((worlds, n_agents, n_agents))

    def apply(self, reward: np.ndarray, memory: np.ndarray | None = None) -> np.ndarray:
        worlds, n = reward.shape
        alpha, beta = self.each("alpha", n), self.each("beta", n)
        earned = np.broadcast_to(reward[:, None, :], (worlds, n, n))  # by j, as i sees it
        if self.smoothing is not None:
            if memory is None:
                raise ValueError("InequityAversion with smoothing needs the memory that begin() makes; got None")
            memory *= (self.each("gamma", n) * self.each("smoothing", n))[:, None]
            memory += earned
            earned = memory
        made = np.array(reward)
        suffer(earned, alpha, beta, made)
        return made


@dataclass(frozen=True)
class Weighted(Preference):
    """Base of the preferences that are weighted sums of everybody's reward: U_i = sum_j weights[i, j] * r_j."""

    def weights(self, n_agents: int) -> np.ndarray:
        """What j's reward is worth to i: float64 [n, n], row i, column j."""
        raise NotImplementedError

    def apply(self, reward: np.ndarray, memory: np.ndarray | None = None) -> np.ndarray:
        weights = self.weights(reward.shape[1])
        total = np.zeros_like(reward)
        for j in range(reward.shape[1]):  # one after the other, so that the sum is the same in any number of worlds
            total += reward[:, j, None] * weights[:, j]
        return total


@dataclass(frozen=True)
class SocialValueOrientation(Weighted):
    """The weight of one's own outcome against that of others, as an angle (Griesinger & Livingston 1973).

        U_i = cos(angle_i) * r_i + sin(angle_i) * (mean of r_j over the others)

    angle   degrees, -180 to 180: 0 individualistic, 45 cooperative (prosocial), 90 altruistic, -45 competitive

    The ring is of two persons; the mean of the others is the usual step to more. McKee et al. (2020) reward an agent
    for how near the angle of the outcomes is to its own instead, which is another preference and not offered here.

    Sources   Griesinger & Livingston, "Toward a model of interpersonal motivation in experimental games" (Behavioral
              Science 1973); Liebrand, "The effect of social motives, communication and group size on behaviour in an
              N-person multi-stage mixed-motive game" (European Journal of Social Psychology 1984)
    """

    angle: Numbers
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"angle": (-180, 180)}

    def weights(self, n_agents: int) -> np.ndarray:
        """cos(angle_i) for oneself, sin(angle_i) / (n - 1) for each of the others."""
        angle = np.deg2rad(self.each("angle", n_agents))
        weights = np.repeat(np.sin(angle)[:, None] / (n_agents - 1), n_agents, axis=1)
        np.fill_diagonal(weights, np.cos(angle))
        return weights


@dataclass(frozen=True)
class Prosocial(Weighted):
    """One's own reward mixed with that of the group.

        U_i = (1 - weight_i) * r_i + weight_i * (mean of r over all)

    weight   0, selfish, to 1, the mean of the group alone

    That agents who are paid for the rewards of their partners coordinate better is Peysakhovich & Lerer's; that the
    group's mean, oneself included, is mixed in, so that the scale of rewards is kept, is this project's choice.

    Source   Peysakhovich & Lerer, "Prosocial learning agents solve generalized stag hunts better than selfish ones"
             (AAMAS 2018; arXiv 1709.02865)
    """

    weight: Numbers
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"weight": (0, 1)}

    def weights(self, n_agents: int) -> np.ndarray:
        """weight_i / n for everybody, and 1 - weight_i more for oneself."""
        weight = self.each("weight", n_agents)
        return np.repeat(weight[:, None] / n_agents, n_agents, axis=1) + np.diag(1 - weight)


@dataclass(frozen=True)
class RewardExchange(Weighted):
    """Agents give parts of their rewards away, losses included; what one gives others get, so the sum stays.

        U_i = sum_j matrix[i][j] * r_j

    share    what each gives of its own, 0 to 1, in equal parts to all others: matrix[j][j] = 1 - share_j, and
             matrix[i][j] = share_j / (n - 1)
    matrix   or any other division: matrix[i][j] is the part of j's reward that i gets (row gets, column gives), 0 to 1,
             and every column sums to one

    Unlike the other preferences this one is an arrangement among all: the others get what a generous agent gives.
    With share (n - 1) / n everybody gets an equal part of everything, as with Prosocial(1).

    Source   transfers of rewards as contracts: Willis, Du, Leibo & Luck, "Resolving social dilemmas with minimal reward
             transfer" (2024; arXiv 2310.12928). The convention of rows and columns is this project's
    """

    share: Numbers | None = None
    matrix: Any = None
    ranges: ClassVar[dict[str, tuple[float, float]]] = {"share": (0, 1)}

    def check(self) -> None:
        if (self.share is None) == (self.matrix is None):
            got = "neither" if self.share is None else "both"
            raise ValueError(f"RewardExchange takes either share or matrix; got {got}")
        if self.matrix is None:
            return
        if self.agents is not None:
            raise ValueError(f"RewardExchange: agents go with share, a matrix names all; got agents={self.agents}")
        try:
            table = np.array(self.matrix, dtype=np.float64)
        except (TypeError, ValueError):
            table = np.zeros(0)
        square = table.ndim == 2 and table.shape[0] == table.shape[1]
        if not square or not (table >= 0).all() or not np.allclose(table.sum(axis=0), 1, rtol=0, atol=1e-9):
            wanted = "a square table of numbers from 0 to 1 whose columns sum to 1"
            raise ValueError(f"RewardExchange: matrix must be {wanted}; got {shown(self.matrix)}")
        object.__setattr__(self, "matrix", tuple(map(tuple, table.tolist())))

    def begin(self, n_agents: int, worlds: int) -> np.ndarray | None:
        if self.matrix is not None and len(self.matrix) != n_agents:
            k = len(self.matrix)
            raise ValueError(
                f"RewardExchange: matrix must be {n_agents} x {n_agents}, one for each agent; got {k} x {k}"
            )
        return super().begin(n_agents, worlds)

    def weights(self, n_agents: int) -> np.ndarray:
        """The matrix."""
        if self.matrix is not None:
            return np.array(self.matrix)
        share = self.each("share", n_agents)
        weights = np.repeat(share[None, :] / (n_agents - 1), n_agents, axis=0)
        np.fill_diagonal(weights, 1 - share)
        return weights
