"""Do selfish learners free ride, and what do punishment, reward, institutions and thresholds change about it?

Everybody may give to a pot that is multiplied and shared by all alike; giving nothing pays best whatever the others do.
Learners with a table play the same group for some rounds, beside what theory says of a round.

    nothing               the public goods game alone
    punishment            each may pay a point to take three from another (Fehr & Gaechter 2002)
    reward                each may pay a point to give three to another
    institutions          everybody chooses to live with punishment or without (Guererk et al. 2006)
    1 point, 3 points     two of four are no learners but scripted punishers, who give everything and assign so many
                          points to everybody who gave less; theory says from which number on free riding stops paying
    threshold             a good worth 30 to each comes if 40 are given together; with refund, what was given comes back
                          if they are not

    python scenarios/public_goods.py                             one to two minutes
    python scenarios/public_goods.py --only nothing punishment --seeds 10
    python scenarios/public_goods.py --full                      20 seeds, three times as long

contribution is the share of the endowment that all give, scripted punishers too; greedy contribution that of the
learners alone when they explore no more. Of a threshold's equilibria theory shows the best; giving nothing is another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import marl_sim as ms
from marl_sim.learners import Linear
from marl_sim.policies import Policy, View
from marl_sim.training.greedy import Greedy

POINTS = 3  # the most points that one can assign to another
CONDITIONS: dict[str, dict[str, Any]] = {
    "nothing": {},
    "punishment": dict(laid_on=(ms.PeerPunishment(points=POINTS),)),
    "reward": dict(laid_on=(ms.PeerReward(points=POINTS, effect=3.0),)),
    "institutions": dict(laid_on=(ms.Institutions(sees=("size",)), ms.PeerPunishment(points=POINTS))),
    "1 point": dict(laid_on=(ms.PeerPunishment(points=POINTS),), punishers=2, strength=1),
    "3 points": dict(laid_on=(ms.PeerPunishment(points=POINTS),), punishers=2, strength=3),
    "threshold": dict(threshold=40.0),
    "threshold, refund": dict(threshold=40.0, refund=True),
}
VALUE = 30.0  # of the good that a threshold provides, to each


@dataclass
class Options(ms.StudyOptions):
    full_size: ClassVar[Mapping[str, Any]] = dict(seeds=20, episodes=10000, alpha=0.002, checkpoint_seconds=600.0)

    seeds: int = 4  # independent groups; every interval is over these
    episodes: int = 3000  # episodes each world plays
    num_envs: int = 64  # worlds each group lives in at the same time
    only: tuple[str, ...] = ()  # these conditions alone
    n_agents: int = 4  # members of the group
    multiplier: float = 1.6  # of the pot; multiplier / n_agents comes back to each
    endowment: float = 20.0  # what everybody has in a round
    levels: int = 3  # contributions to choose from
    rounds: int = 10  # rounds an episode
    alpha: float = 0.004  # step size of the tables
    gamma: float = 0.0  # discount: what a round is worth beside the next; 0: learners care for one round at a time


class Punisher(Policy):
    """Gives everything, and assigns points to everybody who gave less, whatever it costs.

    Names: altruistic punisher (Fehr & Gaechter 2002), as a fixed rule.
    """

    tags = dict(memory=1, stochastic=False, punisher=True)
    points: int = 1
    most: int = 2  # the contribution that is everything

    def act(self, view: View) -> np.ndarray:
        if view.kind == "play":
            return np.full(view.n, self.most)
        return np.where(view["target_act"] < self.most, self.points, 0)


class Learners:
    """Probe, after Greedy: the greedy contribution of the seats that learn."""

    def __call__(self, trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
        given = [row[f"greedy_contribution_{i}"] for i in np.flatnonzero(trainer.learns)]
        return {"greedy_contribution": float(np.mean(given))}


def game(o: Options, laid_on: tuple[Any, ...] = (), threshold: float = 0.0, refund: bool = False) -> ms.Group:
    """The public good of a condition, under its mechanisms."""
    shape = dict(endowment=o.endowment, levels=o.levels)
    if threshold:
        good: Any = ms.ThresholdPublicGoods(threshold=threshold, value=VALUE, refund=refund, **shape)
    else:
        good = ms.PublicGoods(multiplier=o.multiplier, **shape)
    return ms.Group(good, *laid_on, n_agents=o.n_agents, horizon=ms.Fixed(o.rounds), encode="index")


def expected(o: Options, played: ms.Group, punishers: int = 0, strength: int = 0) -> dict[str, float]:
    """What theory expects of selfish players in a round: the share of the endowment that is given, and points.

    A threat that costs whoever carries it out is no threat, so that mechanisms change nothing; scripted punishers
    carry it out. Then giving everything is best if what they take from whoever gives less is more than free riding
    gains. Of a threshold's equilibria the best is meant: just enough is given.
    """
    if isinstance(played.dilemma, ms.ThresholdPublicGoods):
        return {"greedy_contribution": played.dilemma.threshold / (o.n_agents * o.endowment)}
    judges = played.part(ms.PeerPunishment)
    gain = o.endowment * (1 - o.multiplier / o.n_agents)
    taken = punishers * strength * judges.effect if judges else 0.0
    contributes = taken > gain or o.multiplier > o.n_agents
    return {"greedy_contribution": float(contributes)} | ({} if punishers else {"greedy_sanction_points": 0.0})


def declare(study: ms.Study, o: Options, name: str) -> dict[str, float]:
    """Declare a condition; returns what theory says of it."""
    options = dict(CONDITIONS[name])
    punishers, strength = options.pop("punishers", 0), options.pop("strength", 0)
    played = game(o, **options)
    metrics = ["reward", "full", *(f"contribution_{i}" for i in range(o.n_agents))]
    if played.part(ms.PeerPunishment):
        metrics.append("sanction_points")
    if played.part(ms.PeerReward):
        metrics.append("reward_points")
    if played.part(ms.Institutions):
        metrics.append("institutions")
    rounds = o.episodes * o.num_envs * o.rounds
    tries = Linear(1.0, 0.0, max(1, round(0.9 * rounds)))
    others = Linear(1.0, 0.0, max(1, round(0.9 * rounds * (o.n_agents - 1))))  # one decision about each other a round
    learner = ms.TabularQ(
        alpha=o.alpha, gamma=o.gamma, epsilon=tries,
        overrides={"sanction": dict(epsilon=others), "reward": dict(epsilon=others)},
    )  # fmt: skip
    study.train(
        name, played, learner, block=max(1, o.episodes // 50),
        policies={i: Punisher(points=strength, most=o.levels - 1) for i in range(punishers)},
        probes=(Greedy(tuple(metrics), 4 * o.num_envs), Learners()),
    )  # fmt: skip
    return expected(o, played, punishers, strength)


def wanted(o: Options) -> list[str]:
    """The conditions to run. ValueError in one sentence for a wrong name, or for more punishers than players."""
    for name in o.only:
        if name not in CONDITIONS:
            raise ValueError(f"only may list {', '.join(map(repr, CONDITIONS))}; got {name!r}")
    if o.n_agents < 3:
        raise ValueError(f"n_agents must be at least 3, two punishers and a learner; got {o.n_agents}")
    return [name for name in CONDITIONS if not o.only or name in o.only]


def main(o: Options) -> None:
    names = wanted(o)
    with ms.Study("public_goods", o) as study:
        known = {name: declare(study, o, name) for name in names}
        metrics = ("greedy_contribution", "contribution", "greedy_sanction_points", "greedy_reward_points")
        metrics += ("greedy_institutions", "greedy_reward")
        recorded = {m for columns in study.records().values() for m in columns}
        metrics = tuple(m for m in metrics if m in recorded)
        theory = {m: {name: row[m] for name, row in known.items() if m in row} for m in metrics}
        study.table(*metrics, last=1, theory={m: row for m, row in theory.items() if row})
        study.curves("contribution")


if __name__ == "__main__":
    ms.command(main)
