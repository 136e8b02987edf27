"""Compose a society of your own from the command line, and see whether it comes to cooperate.

Some dilemmas are played by two at a time and some by all together; a mechanism that does not go with one is refused.

    python scenarios/compose.py --dilemma stag_hunt --mechanisms partner_selection reputation punishment
    python scenarios/compose.py --dilemma prisoners_dilemma --mechanisms gift talk --n-agents 8
    python scenarios/compose.py --dilemma public_goods --mechanisms institutions peer_punishment --n-agents 7
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import marl_sim as ms

PAIRS = {  # played by two at a time
    "prisoners_dilemma": ms.PrisonersDilemma,
    "donation": ms.DonationGame,
    "stag_hunt": ms.StagHunt,
    "chicken": ms.Chicken,
    "battle_of_the_sexes": ms.BattleOfTheSexes,
    "pure_coordination": ms.PureCoordination,
    "harmony": ms.Harmony,
    "centipede": ms.Centipede,
    "trust": ms.TrustGame,
    "ultimatum": ms.UltimatumGame,
    "dictator": ms.DictatorGame,
    "gift_exchange": ms.GiftExchange,
}
GROUPS = {  # played by all together
    "public_goods": ms.PublicGoods,
    "threshold_public_goods": ms.ThresholdPublicGoods,
    "n_player_prisoners_dilemma": ms.NPlayerPrisonersDilemma,
    "n_player_stag_hunt": ms.NPlayerStagHunt,
    "volunteers_dilemma": ms.VolunteersDilemma,
    "collective_risk": ms.CollectiveRisk,
    "common_pool": ms.CommonPool,
}
TURN_BY_TURN = ("centipede", "trust", "ultimatum", "gift_exchange")  # one encounter at a time
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
    "peer_punishment": ms.PeerPunishment,
    "peer_reward": ms.PeerReward,
    "institutions": ms.Institutions,
}
DilemmaName = Literal[(*PAIRS, *GROUPS)]


@dataclass
class Options(ms.StudyOptions):
    seeds: int = 8  # independent societies; every interval is over these
    episodes: int = 1000  # episodes each world plays
    num_envs: int = 4  # worlds each society lives in at the same time
    dilemma: DilemmaName = "prisoners_dilemma"  # the game that is played, in pairs or by all together
    # laid on it, in this order; marl-sim list names them; not given: what suits pairs, or groups
    mechanisms: tuple[str, ...] | None = None
    n_agents: int = 5  # players in the society
    rounds: int = 10  # rounds an episode
    encounters: Literal["together", "in turn"] = "together"  # all pairs at once, or one after the other
    horizon: Literal["fixed", "geometric", "continuing"] = "continuing"  # who ends an episode
    beside_nothing: bool = True  # also train the bare dilemma, for comparison


def usual(o: Options) -> tuple[str, ...]:
    """The mechanisms asked for, or those that most change what pairs, and groups, do."""
    if o.mechanisms is not None:
        return o.mechanisms
    return ("partner_selection", "reputation", "punishment") if o.dilemma in PAIRS else ("peer_punishment",)


def game(o: Options, mechanisms: tuple[str, ...]) -> ms.Game:
    """The dilemma with some of the mechanisms laid on it."""
    for name in mechanisms:
        if name not in MECHANISMS:
            raise ValueError(f"there is no mechanism {name!r}; choose from: {', '.join(MECHANISMS)}")
    horizons = dict(
        fixed=ms.Fixed(o.rounds), geometric=ms.Geometric(1 - 1 / o.rounds), continuing=ms.Continuing(o.rounds)
    )
    laid_on = [MECHANISMS[name]() for name in mechanisms]
    if o.dilemma in GROUPS:
        horizon = "fixed" if o.dilemma == "collective_risk" else o.horizon  # which pays on the last day
        return ms.Group(GROUPS[o.dilemma](), *laid_on, n_agents=o.n_agents, horizon=horizons[horizon])
    encounters = "in turn" if o.dilemma in TURN_BY_TURN else o.encounters
    return ms.Society(
        PAIRS[o.dilemma](), *laid_on, n_agents=o.n_agents, horizon=horizons[o.horizon], encounters=encounters
    )


def main(o: Options) -> None:
    learner = ms.DQN(gamma=0.9, hidden=(32,), lr=0.003, batch=64, buffer=4096, train_every=8, epsilon=0.05)
    with ms.Study("compose", o) as study:
        mechanisms = usual(o)
        study.train(" + ".join((o.dilemma, *mechanisms)), game(o, mechanisms), learner)
        if o.beside_nothing and mechanisms:
            study.train(o.dilemma, game(o, ()), learner)
        study.table("cooperation", "reward", "punishment", "just_share")
        study.curves("cooperation")


if __name__ == "__main__":
    ms.command(main)
