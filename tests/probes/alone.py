"""Games in which every agent plays for itself: one thing that a learner can get wrong, each, and a known answer.

With several agents each plays a copy of its own, with draws of its own.
"""

from typing import Any, ClassVar

import numpy as np

import marl_sim as ms
from marl_sim.core.rng import integer


class Alone(ms.GroupDilemma):
    """Base: one stage a round, `payoff`."""

    rewards: ClassVar[tuple[str, ...]] = ("payoff",)


def group(part: Alone, rounds: int, n_agents: int, encode: str) -> ms.Group:
    return ms.Group(part, n_agents=n_agents, horizon=ms.Fixed(rounds), encode=encode)


@ms.rule
def see_round(round: Any, out: Any) -> None:
    """The number of the round, from 0."""
    out[0] = round[0]


# ---------------------------------------------------------------- one step


@ms.rule
def pay_arms(n: Any, action: Any, arms: Any, payoff: Any) -> None:
    """Every action has its payoff."""
    for i in range(n):
        payoff[i] += arms[action[i]]


class OneStep(Alone):
    """One decision, then it is over: action a pays arms[a], and nothing comes after."""

    arms: Any = (0.0, 1.0)

    def constants(self, game: ms.Game) -> dict[str, Any]:
        return {"arms": np.array(self.arms, dtype=float)}

    def stages(self, game: ms.Game) -> list[ms.Stage]:
        return [ms.Stage("play", tuple(f"arm {a}" for a in range(len(self.arms))), then=(pay_arms,))]


def one_step(arms: tuple[float, ...] = (0.0, 1.0, 0.25), n_agents: int = 1, encode: str = "one_hot") -> ms.Group:
    """Q(a) = arms[a], whatever the discount."""
    return group(OneStep(arms), 1, n_agents, encode)


# ---------------------------------------------------------------- a reward that comes late


@ms.rule
def choose_first(n: Any, round: Any, rounds: Any, action: Any, soon: Any, chosen: Any, payoff: Any) -> None:
    """The first round's action decides: a small reward at once, or a reward of 1 in the last round."""
    for i in range(n):
        if round[0] == 0:
            chosen[i] = 1 + action[i]
            if action[i] == 0:
                payoff[i] += soon
        if round[0] == rounds - 1 and chosen[i] == 2:
            payoff[i] += 1


@ms.rule
def see_chosen(i: Any, chosen: Any, out: Any) -> None:
    """0 nothing yet, 1 soon, 2 late."""
    out[0] = chosen[i]


class Late(Alone):
    """In the first round: `soon` now, or 1 in the last round; what is done between and then changes nothing.

    Observation   "round"; "chosen", 0 nothing yet, 1 soon, 2 late
    """

    soon: float = 0.5

    def state(self, game: ms.Game) -> dict[str, Any]:
        return {"chosen": ms.ints(game.n_agents)}

    def constants(self, game: ms.Game) -> dict[str, Any]:
        return {"rounds": game.horizon.rounds}

    def stages(self, game: ms.Game) -> list[ms.Stage]:
        return [ms.Stage("play", ("soon", "late"), then=(choose_first,))]

    def fields(self, game: ms.Game) -> dict[str, list[ms.Field]]:
        rounds = game.horizon.rounds
        return {"play": [ms.Field("round", 1, see_round, levels=rounds), ms.Field("chosen", 1, see_chosen, levels=3)]}


def late(rounds: int = 4, soon: float = 0.5, n_agents: int = 1, encode: str = "one_hot") -> ms.Group:
    """At the start Q(soon) = soon and Q(late) = gamma^(rounds - 1): patience pays where that is more."""
    return group(Late(soon), rounds, n_agents, encode)


# ---------------------------------------------------------------- something to remember


@ms.rule
def draw_cues(key: Any, n: Any, cues: Any, cue: Any) -> None:
    """Every agent's cue, each as likely."""
    for i in range(n):
        cue[i] = integer(key, i, cues)


@ms.rule
def repeat_the_cue(n: Any, round: Any, rounds: Any, action: Any, cue: Any, payoff: Any) -> None:
    """In the last round the cue's action pays 1; before that nothing does."""
    for i in range(n):
        if round[0] == rounds - 1 and action[i] == cue[i]:
            payoff[i] += 1


@ms.rule
def see_cue(i: Any, round: Any, cues: Any, cue: Any, out: Any) -> None:
    """The cue in the first round, then that it is gone."""
    out[0] = cue[i] if round[0] == 0 else cues


class Cue(Alone):
    """One of `cues` is shown in the first round, and is the one right action of the last.

    Observation   "round"; "cue", or `cues` once it is gone
    """

    cues: int = 2

    def state(self, game: ms.Game) -> dict[str, Any]:
        return {"cue": ms.ints(game.n_agents)}

    def constants(self, game: ms.Game) -> dict[str, Any]:
        return {"rounds": game.horizon.rounds}

    def stages(self, game: ms.Game) -> list[ms.Stage]:
        return [ms.Stage("play", tuple(f"cue {a}" for a in range(self.cues)), then=(repeat_the_cue,))]

    def reactions(self, game: ms.Game) -> dict[str, Any]:
        return {"start": draw_cues}

    def fields(self, game: ms.Game) -> dict[str, list[ms.Field]]:
        seen = [
            ms.Field("round", 1, see_round, levels=game.horizon.rounds),
            ms.Field("cue", 1, see_cue, levels=self.cues + 1),
        ]
        return {"play": seen}


def remember_the_cue(rounds: int = 3, cues: int = 2, n_agents: int = 1, encode: str = "one_hot") -> ms.Group:
    """Worth 1 an episode to who remembers, 1 / cues to who cannot."""
    return group(Cue(cues), rounds, n_agents, encode)


# ---------------------------------------------------------------- something that is not allowed


@ms.rule
def pay_by_round(n: Any, round: Any, action: Any, table: Any, payoff: Any) -> None:
    """What the action pays in this round."""
    for i in range(n):
        payoff[i] += table[round[0], action[i]]


@ms.rule
def closed_in_the_second(round: Any, out: Any) -> None:
    """The last action is open in the first round only."""
    if round[0] == 1:
        out[2] = 0


class Mask(Alone):
    """Two rounds. The third action is the best of the first, and closed in the second, where the others cost.

    Observation   "round"
    """

    table: ClassVar[Any] = ((1.0, 0.0, 5.0), (-1.0, -2.0, 0.0))

    def constants(self, game: ms.Game) -> dict[str, Any]:
        return {"table": np.array(self.table)}

    def stages(self, game: ms.Game) -> list[ms.Stage]:
        return [ms.Stage("play", ("a", "b", "c"), then=(pay_by_round,), legal=closed_in_the_second)]

    def fields(self, game: ms.Game) -> dict[str, list[ms.Field]]:
        return {"play": [ms.Field("round", 1, see_round, levels=2)]}


def mask(n_agents: int = 1, encode: str = "one_hot") -> ms.Group:
    """Q is (1, 0, 5) - gamma in the first round and (-1, -2) in the second.

    A learner that bootstraps from the closed action finds 0 there, or 5 where it generalises from the first round.
    """
    return group(Mask(), 2, n_agents, encode)
