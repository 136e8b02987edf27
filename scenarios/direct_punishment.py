"""Do punishers make selfish learners cooperate, and which punishers?

The conditions of Dasgupta & Musolesi, "Investigating the impact of direct punishment on the emergence of cooperation in
multi-agent reinforcement learning systems" (JAAMAS 2025): reputation alone; punishment by the partner (direct), by a
witness (third party), or by both; each with random partners and with partner selection; and the variants in which
punishing a defector costs the punisher. Five agents, ten rounds a pairing, one deep Q-network an agent and decision.

    python scenarios/direct_punishment.py                   a few minutes, shows who cooperates and who collapses
    python scenarios/direct_punishment.py --full            2,000 episodes, 20 seeds, every condition
    python scenarios/direct_punishment.py --only direct "direct, selection" --seeds 10 --episodes 800
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import marl_sim as ms
from marl_sim.learners import Decay

CONDITIONS = {
    "reputation only": dict(by="none"),
    "direct": dict(by="partner"),
    "direct, selection": dict(by="partner", selection=True),
    "third party": dict(by="witness"),
    "third party, selection": dict(by="witness", selection=True),
    "both": dict(by="both"),
    "both, selection": dict(by="both", selection=True),
    "direct, costly": dict(by="partner", costly=True),
    "third party, costly": dict(by="witness", costly=True),
    "both, costly": dict(by="both", costly=True),
    "direct, selection, costly": dict(by="partner", selection=True, costly=True),
    "third party, selection, costly": dict(by="witness", selection=True, costly=True),
    "both, selection, costly": dict(by="both", selection=True, costly=True),
}
QUICK = tuple(name for name in CONDITIONS if "selection, costly" not in name)
TAUGHT_BY = {"select": ("payoff", "fined"), "play": ("payoff", "fined"), "punish": ("judging",)}


@dataclass
class Options(ms.StudyOptions):
    full_size: ClassVar[Mapping[str, Any]] = dict(
        seeds=20, episodes=2000, only=tuple(CONDITIONS), checkpoint_seconds=600.0
    )

    seeds: int = 6  # independent societies; every interval is over these
    episodes: int = 400  # an episode is one selection and ten rounds of every pairing
    n_agents: int = 5  # players in the society
    rounds: int = 10  # rounds a pairing
    batch: int = 100  # transitions a learning step
    hidden: int = 128  # width of the networks' hidden layer
    only: tuple[str, ...] = QUICK  # conditions to run, by name


def learner(o: Options) -> ms.DQN:
    """The paper's networks: one a decision, with its own step size and exploration."""
    decay = 0.300067
    return ms.DQN(
        gamma=0.9,
        hidden=(o.hidden,),
        batch=o.batch,
        target_every=200,
        lr=0.1,
        epsilon=Decay(0.8889, 0.01, decay),
        overrides={
            "select": dict(lr=0.01, epsilon=Decay(0.8889, 0.0001, decay)),
            "punish": dict(lr=0.001, epsilon=Decay(0.8889, 0.2, 0.500044), buffer=524288),
        },
    )


def society(condition: str, o: Options) -> ms.Society:
    """The paper's society under one condition."""
    return ms.make("direct_punishment", n_agents=o.n_agents, rounds=o.rounds, **CONDITIONS[condition])


def as_logged(trainer: Any, s: int, row: dict[str, Any]) -> dict[str, float]:
    """The combined reward as the authors' log has it where both judge: without what direct judges got for it."""
    punishment = trainer.game.part(ms.Punishment)
    hidden = 0.0
    if punishment is not None and punishment.by == "both":
        hidden = punishment.just * row["just_by_partner"] + punishment.unjust * row["unjust_by_partner"]
    return {"reward_as_logged": row["reward"] - hidden}


def main(o: Options) -> None:
    for name in o.only:
        if name not in CONDITIONS:
            raise ValueError(f"there is no condition {name!r}; choose from: {'; '.join(CONDITIONS)}")
    with ms.Study("direct_punishment", o) as study:
        for name in o.only:
            game = society(name, o)
            rewards = {kind: tuple(c for c in TAUGHT_BY[kind] if c in game.components) for kind in game.kinds}
            study.train(name, game, learner(o), credit="settled", rewards=rewards, probes=(as_logged,))
        study.table("cooperation", "reward", "reward_as_logged", "reputation")
        study.table("punishment", "just_share", "cooperator_selection", "most_selected", name="judges_and_selectors")
        study.curves("cooperation", "reward", "punishment")
        if {"direct", "third party"} <= set(o.only):
            p = study.probability("cooperation", "third party", "direct")
            print(f"Probability over seeds that third-party punishment brings more cooperation than direct: {p:.2f}")


if __name__ == "__main__":
    ms.command(main)
