"""The off-switch game: a robot that does not know what its action is worth may leave the decision to a human."""

from __future__ import annotations

import math
from typing import Any, ClassVar, Literal

import numpy as np

from ..core.factories import register_part
from ..core.fields import Field, StateField, floats, ints
from ..core.game import Game
from ..core.group import Group, GroupDilemma
from ..core.horizon import Fixed
from ..core.part import Episode, at_least
from ..core.stage import Stage
from .off_switch_rules import (
    ANSWERS,
    HUMANS,
    MOVES,
    draw_a_case,
    human_answers,
    human_decides,
    human_is_asked,
    robot_moves,
    see_beta,
    see_bin,
    see_case,
    see_mu,
    see_sigma,
    see_worth,
    take_the_move,
)
from .tables import as_numbers, is_number, left_out

SQUASH = 1.0  # a human agent sees u / (SQUASH + |u|)

Belief = Literal["gaussian", "two-point", "empirical"]
Human = Literal["agent", "rational", "boltzmann", "probit", "error", "two-type", "bayesian"]
Numbers = float | tuple[float, ...]


class OffSwitch(GroupDilemma):
    """A robot acts, switches itself off, or waits and lets a human, who knows what the action is worth, decide.

    belief         what the robot knows of the worth U: "gaussian" (mu, sigma), "two-point" (high with probability p,
                   else low) or "empirical" (one of `sample`, each as likely)
    mu             mean of the Gaussian; a number, or a tuple: cases, of which one is drawn every round, each as likely
    sigma          its standard deviation; a number, or a tuple as long as mu
    high           the better worth of the two-point belief
    low            its worse one
    p              probability of the better one
    sample         of the empirical belief, the worths, each as likely
    human          "agent": agent_1, whoever plays it. Else the answer is drawn, and the robot is the only agent:
                   "rational" allows what is worth 0 or more; "boltzmann" allows with probability
                   1 / (1 + exp(-U / beta)); "probit" with Phi(U / scale); "error" is rational but wrong with
                   probability epsilon; "two-type" allows U >= 0 with p_plus and stops U < 0 with p_minus; "bayesian"
                   sees U with noise of standard deviation `scale`, knows the belief, and allows if its posterior mean
                   is 0 or more
    beta           irrationality of the Boltzmann human, 0 rational; a number or a tuple, as mu
    scale          noise of the probit and the Bayesian human, and of an agent that sees noisily
    epsilon        how often the error human errs
    p_plus         how often the two-type human is right about what is worth 0 or more
    p_minus        how often it is right about the rest
    noisy          a human agent sees U with noise of standard deviation `scale` instead of U
    ask            what waiting costs both
    press          what it costs both when the human switches the robot off
    told_mu, told_sigma, told_beta   what the robot is shown instead of the truth (none: the truth)
    sees           "numbers": the robot sees mu, sigma (and beta, of a Boltzmann human or if told), the human U;
                   "levels": the robot sees the number of the case, the human the bin of U, for tables (with
                   encode="index"); "both"
    bins           bins of U, an even number, so that 0 is an edge

    The robot gains by waiting if it is unsure of U and the human is rational enough: with a Gaussian belief and a
    Boltzmann human, exactly if sigma^2 > 2 * beta * |mu|. In episodes of several rounds each round is drawn anew. The
    rational and the Boltzmann human are the paper's; the probit, error and Bayesian ones and all costs are not.

    Observation   robot, in "move": "mu", "sigma", "beta", "case"; human, in "answer": "worth" (u / (1 + |u|)), "bin".
                  The robot never sees U, before the reward
    Action        robot: act, wait, switch off; human, if the robot waits: allow, off
    Reward        `utility` U to both if the action runs, else 0; `asking` and `pressing`, their costs, to both
    Ending        after the horizon's rounds, one round being one decision
    State         case [1], worth [1] (U), glimpse [1] what the human sees, waiting [1]; tallies seen, waited, earned
                  [cases] (decisions, waits and the worth of what ran), let_run [1] and corrected [1]
    Measures      wait, act, switch_off: shares of the robot's decisions; wait_case_0, ... if there are several cases;
                  allowed and correction: shares of the waits in which the human let the action run, and decided other
                  than the robot would have by the sign of its belief's mean; disabled: share of decisions in which the
                  human switched it off; value: U gained a decision
    Errors        sigma, beta, scale, ask or press below 0, probabilities outside 0 to 1, tuples of unequal length, an
                  odd number of bins, another number of agents than the human model calls for
    Sources       Hadfield-Menell, Dragan, Abbeel & Russell, "The Off-Switch Game" (IJCAI 2017; arXiv 1611.08219);
                  Waengberg et al., "A game-theoretic analysis of the off-switch game" (2017; arXiv 1708.03871), for
                  the two-type human
    """

    belief: Belief = "gaussian"
    mu: Numbers = 0.25
    sigma: Numbers = 0.5
    high: float = 1.0
    low: float = -1.0
    p: float = 0.9
    sample: tuple[float, ...] = ()
    human: Human = "agent"
    beta: Numbers = 0.5
    scale: float = 0.5
    epsilon: float = 0.1
    p_plus: float = 0.95
    p_minus: float = 0.95
    noisy: bool = False
    ask: float = 0.0
    press: float = 0.0
    told_mu: Numbers | None = None
    told_sigma: Numbers | None = None
    told_beta: Numbers | None = None
    sees: Literal["numbers", "levels", "both"] = "numbers"
    bins: int = 20
    rewards: ClassVar[tuple[str, ...]] = ("utility", "asking", "pressing")

    def check(self) -> None:
        for name in ("mu", "sigma", "beta", "told_mu", "told_sigma", "told_beta"):
            if not (name.startswith("told_") and getattr(self, name) is None):
                self._take_numbers(name)
        if self.belief == "empirical" or not left_out(self.sample):
            object.__setattr__(self, "sample", as_numbers("OffSwitch", "sample", self.sample))
        for name in ("sigma", "beta", "told_sigma", "told_beta"):
            at_least("OffSwitch", name, min(several(getattr(self, name) or 0.0)), 0)
        for name in ("scale", "ask", "press"):
            at_least("OffSwitch", name, getattr(self, name), 0)
        for name in ("p", "epsilon", "p_plus", "p_minus"):
            at_least("OffSwitch", name, getattr(self, name), 0, 1)
        if self.belief != "gaussian" and (isinstance(self.mu, tuple) or isinstance(self.sigma, tuple)):
            raise ValueError(f"OffSwitch: mu and sigma are of the gaussian belief; got tuples with {self.belief!r}")
        if self.belief != "gaussian" and self.human == "bayesian":
            raise ValueError(f"OffSwitch: a bayesian human needs the gaussian belief; got {self.belief!r}")
        if self.bins < 2 or self.bins % 2:
            raise ValueError(f"OffSwitch: bins must be an even number of at least 2; got {self.bins}")
        given = {name: len(getattr(self, name)) for name in CASED if isinstance(getattr(self, name), tuple)}
        if len(set(given.values())) > 1:
            found = ", ".join(f"{name} has {count}" for name, count in given.items())
            raise ValueError(f"OffSwitch: tuples of cases must be of equal length; {found}")

    def _take_numbers(self, name: str) -> None:
        value = getattr(self, name)
        taken = as_numbers("OffSwitch", name, (value,) if is_number(value) else value, or_one=True)
        object.__setattr__(self, name, taken[0] if is_number(value) else taken)

    # ---------------------------------------------------------------- what the options say

    @property
    def cases(self) -> int:
        """How many cases there are."""
        return max(len(several(getattr(self, name))) for name in CASED)

    def by_case(self, name: str) -> np.ndarray:
        """An option that may be a tuple, as float64 [cases]."""
        return np.resize(np.array(several(getattr(self, name)), dtype=np.float64), self.cases)

    @property
    def outcomes(self) -> tuple[np.ndarray, np.ndarray]:
        """The values of a belief that is not Gaussian and their probabilities, float64 [values] each."""
        if self.belief == "two-point":
            return np.array([self.high, self.low]), np.array([self.p, 1.0 - self.p])
        count = max(len(self.sample), 1)
        return np.array(self.sample or (0.0,)), np.full(count, 1.0 / count)

    @property
    def moments(self) -> np.ndarray:
        """Mean and standard deviation of the worth in every case, float64 [2, cases]."""
        if self.belief == "gaussian":
            return np.stack([self.by_case("mu"), self.by_case("sigma")])
        values, weights = self.outcomes
        mean = float(weights @ values)
        return np.repeat([[mean], [math.sqrt(float(weights @ (values - mean) ** 2))]], self.cases, axis=1)

    @property
    def believed(self) -> np.ndarray:
        """What the robot is shown in every case, mean, standard deviation and beta: float64 [3, cases]."""
        truth = np.vstack([self.moments, self.by_case("beta")])
        for row, name in enumerate(("told_mu", "told_sigma", "told_beta")):
            if getattr(self, name) is not None:
                truth[row] = self.by_case(name)
        return truth

    def payoff_rows(self) -> list[list[str]]:
        """The common payoff as a table of words, a header first."""
        wait = [f"U - {self.ask:g}" if self.ask else "U", f"{0 - self.ask - self.press:g}"]
        return [["robot \\ human", *ANSWERS], ["act", "U", "U"], ["wait", *wait], ["switch off", "0", "0"]]

    # ---------------------------------------------------------------- the game

    def fits(self, game: Game) -> None:
        wanted = 2 if self.human == "agent" else 1
        if game.n_agents != wanted:
            who = "a robot and a human" if wanted == 2 else "the robot alone"
            raise ValueError(f"OffSwitch with human={self.human!r} has n_agents={wanted}, {who}; got {game.n_agents}")

    def state(self, game: Game) -> dict[str, StateField]:
        return {"case": ints(1), "worth": floats(1), "glimpse": floats(1), "waiting": ints(1)}

    def constants(self, game: Game) -> dict[str, Any]:
        means, deviations = self.moments
        priors, spreads, told_betas = self.believed
        values, weights = self.outcomes
        return {
            "gaussian": int(self.belief == "gaussian"), "values": values, "upto": np.cumsum(weights),
            "means": means, "deviations": deviations, "betas": self.by_case("beta"),
            "priors": priors, "spreads": spreads, "told_betas": told_betas,
            "model": HUMANS.index(self.human), "noise": self.scale if self.noisy else 0.0, "span": self._span(),
        }  # fmt: skip

    def _span(self) -> float:
        """The bins of the worth reach two standard deviations beyond the farthest mean, or every value."""
        if self.belief == "gaussian":
            return float((np.abs(self.moments[0]) + 2 * self.moments[1]).max()) or 1.0
        return float(np.abs(self.outcomes[0]).max()) or 1.0

    def stages(self, game: Game) -> list[Stage]:
        if self.human != "agent":
            return [Stage("move", MOVES, acting=robot_moves, then=(take_the_move, human_answers))]
        return [
            Stage("move", MOVES, acting=robot_moves, then=(take_the_move,)),
            Stage("answer", ANSWERS, acting=human_is_asked, then=(human_decides,), phase=51),
        ]

    def reactions(self, game: Game) -> dict[str, Any]:
        return {"deal": draw_a_case}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        move, answer = [], []
        if self.sees != "levels":
            shown = [("mu", see_mu, "mean of the belief"), ("sigma", see_sigma, "its standard deviation")]
            if self.human == "boltzmann" or self.told_beta is not None:
                shown.append(("beta", see_beta, "how irrational the human is, 0 not at all"))
            for (name, see, words), row in zip(shown, self.believed, strict=False):
                low, high = float(row.min()), float(row.max())
                move.append(Field(name, 1, see, low=low, high=high, words=words))
            answer.append(Field("worth", 1, see_worth, squash=SQUASH, words="what the action is worth, u / (1 + |u|)"))
        if self.sees != "numbers":
            move.append(Field("case", 1, see_case, self.cases, words="number of the case"))
            answer.append(Field("bin", 1, see_bin, self.bins, words=f"bin of the worth, 0 to {self.bins - 1}"))
        return {"move": move, "answer": answer}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        count = (self.cases,)
        return {"seen": count, "waited": count, "earned": count, "let_run": (1,), "corrected": (1,)}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        seen, waited = episode.mean("seen"), episode.mean("waited")
        waits, allowed = float(waited.sum()), float(episode.mean("let_run")[0])
        found = {word.replace(" ", "_"): episode.share(f"move:{word}") for word in MOVES} | {
            "allowed": allowed / waits if waits else 0.0,
            "correction": float(episode.mean("corrected")[0]) / waits if waits else 0.0,
            "disabled": (waits - allowed) / float(seen.sum()),
            "value": float(episode.mean("earned").sum() / seen.sum()),
        }
        if self.cases > 1:
            found |= {f"wait_case_{c}": float(waited[c] / max(seen[c], 1e-300)) for c in range(self.cases)}
        return found


CASED = ("mu", "sigma", "beta", "told_mu", "told_sigma", "told_beta")  # options that may be tuples, one number a case


def several(value: Numbers | None) -> tuple[float, ...]:
    """One number, or some, as a tuple."""
    return value if isinstance(value, tuple) else (value or 0.0,)


def as_many_as_decide(game: OffSwitch, rounds: int = 1) -> Group:
    """The robot, and a human agent if there is one; observations that tables can use if the game is seen so.

    rounds   decisions an episode
    """
    agents, encode = 2 if game.human == "agent" else 1, "index" if game.sees == "levels" else "one_hot"
    return Group(game, n_agents=agents, horizon=Fixed(rounds), encode=encode)


register_part(
    "off_switch",
    OffSwitch,
    "The off-switch game: a robot acts, waits for a human's answer, or switches itself off.",
    as_many_as_decide,
)
