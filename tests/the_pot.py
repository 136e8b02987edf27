"""A game for a group with continuous decisions, small enough to be worked out by hand."""

from typing import Any, ClassVar

import marl_sim as ms


@ms.rule
def share_out(n: Any, amount: Any, factor: Any, payoff: Any, given: Any) -> None:
    """What was given is multiplied and split."""
    for i in range(n):
        given[0] += amount[i]
    for i in range(n):
        payoff[i] -= amount[i]
        for j in range(n):
            payoff[i] += factor * amount[j] / n


@ms.rule
def the_first(acting: Any) -> None:
    """Agent 0 decides alone."""
    acting[0] = 1


class Pot(ms.GroupDilemma):
    """Everybody gives; then agent 0 may give more."""

    factor: float = 1.5
    rewards: ClassVar[tuple[str, ...]] = ("payoff",)

    def stages(self, game: ms.Game) -> list[ms.Stage]:
        box = (0.5, 2.0)
        return [
            ms.Stage("give", ("give",), then=(share_out,), kind="play", box=box),
            ms.Stage("more", ("give",), acting=the_first, then=(share_out,), kind="play", phase=60, box=box),
        ]

    def tallies(self, game: ms.Game) -> dict[str, Any]:
        return {"given": (1,)}

    def measures(self, game: ms.Game, episode: Any) -> dict[str, float]:
        return {"gifts": float(episode.mean("given")[0])}


def pot(rounds: int = 3, **options: Any) -> ms.Group:
    return ms.Group(Pot(**options), n_agents=3, horizon=ms.Fixed(rounds))
