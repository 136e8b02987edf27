"""Compose a society of your own from the command line, and see whether it comes to cooperate.

python scenarios/compose.py --dilemma stag_hunt --mechanisms partner_selection reputation punishment
python scenarios/compose.py --dilemma prisoners_dilemma --mechanisms gift talk --n-agents 8
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import marl_sim as ms

DilemmaName = Literal[
    "prisoners_dilemma",
    "donation",
    "stag_hunt",
    "chicken",
    "battle_of_the_sexes",
    "pure_coordination",
    "harmony",
    "centipede",
]
DILEMMAS = {
    "prisoners_dilemma": ms.PrisonersDilemma,
    "donation": ms.DonationGame,
    "stag_hunt": ms.StagHunt,
    "chicken": ms.Chicken,
    "battle_of_the_sexes": ms.BattleOfTheSexes,
    "pure_coordination": ms.PureCoordination,
    "harmony": ms.Harmony,
    "centipede": ms.Centipede,
}
MECHANISMS = {
    "partner_selection": ms.PartnerSelection,
    "random_matching": ms.RandomMatching,
    "exit": ms.Exit,
    "punishment": ms.Punishment,
    "reputation": ms.Reputation,
    "norm": ms.Norm,
    "noise": ms.Noise,
    "gift": ms.Gift,
    "talk": ms.Talk,
}


@dataclass
class Options(ms.StudyOptions):
    seeds: int = 8  # independent societies; every interval is over these
    episodes: int = 1000  # episodes each world plays
    num_envs: int = 4  # worlds each society lives in at the same time
    dilemma: DilemmaName = "prisoners_dilemma"  # the game that is played in pairs
    mechanisms: tuple[str, ...] = (
        "partner_selection",
        "reputation",
        "punishment",
    )  # laid on it, in this order; marl-sim list names them
    n_agents: int = 5  # players in the society
    rounds: int = 10  # rounds an episode
    encounters: Literal["together", "in turn"] = "together"  # all pairs at once, or one after the other
    horizon: Literal["fixed", "geometric", "continuing"] = "continuing"  # who ends an episode
    beside_nothing: bool = True  # also train the bare dilemma, for comparison


def society(o: Options, mechanisms: tuple[str, ...]) -> ms.Society:
    """The dilemma with some of the mechanisms laid on it."""
    for name in mechanisms:
        if name not in MECHANISMS:
            raise ValueError(f"there is no mechanism {name!r}; choose from: {', '.join(MECHANISMS)}")
    horizons = dict(
        fixed=ms.Fixed(o.rounds), geometric=ms.Geometric(1 - 1 / o.rounds), continuing=ms.Continuing(o.rounds)
    )
    encounters = "in turn" if o.dilemma == "centipede" else o.encounters
    return ms.Society(
        DILEMMAS[o.dilemma](),
        *(MECHANISMS[name]() for name in mechanisms),
        n_agents=o.n_agents,
        horizon=horizons[o.horizon],
        encounters=encounters,
    )


def main(o: Options) -> None:
    learner = ms.DQN(gamma=0.9, hidden=(32,), lr=0.003, batch=64, buffer=4096, train_every=8, epsilon=0.05)
    with ms.Study("compose", o) as study:
        study.train(" + ".join((o.dilemma, *o.mechanisms)), society(o, o.mechanisms), learner)
        if o.beside_nothing and o.mechanisms:
            study.train(o.dilemma, society(o, ()), learner)
        study.table("cooperation", "reward", "punishment", "just_share")
        study.curves("cooperation")


if __name__ == "__main__":
    ms.command(main)
