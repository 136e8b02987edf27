"""Strategies that go by what is said of the other, or by what it was seen to do."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...core.errors import unknown
from ...games.matrix import DEFECT
from ...mechanisms.norms import LEADING_EIGHT, Norm
from ...mechanisms.reputation import Reputation
from ..player import Player
from ..view import View
from .pairs import Pairwise, check_number, sees


class ByReputation(Pairwise):
    """Base of the strategies that play by reputations. ValueError in one sentence where they do not see them."""

    tags: ClassVar[dict[str, Any]] = {}
    needs: ClassVar[tuple[str, ...]] = ("target_reputation",)

    def reset(self, player: Player) -> None:
        super().reset(player)
        missing = [name for name in self.needs if not sees(player, "play", name)]
        if missing:
            raise ValueError(
                f"{self.name} needs to see {' and '.join(missing)} in play, as under Norm() or Reputation() with "
                f"seen_in=('play',); here it does not"
            )


class ImageScorer(ByReputation):
    """Cooperates with whoever has a good enough score: at least `threshold` under Reputation(), good under Norm().

    threshold   in points of the score; 0 is what everybody starts with

    Names: Image scoring, the discriminators (Nowak & Sigmund 1998). ValueError for a threshold that is no number.
    """

    tags = dict(memory=0, stochastic=False, nice=False, reputation=True)

    threshold: float = 0.0

    def __post_init__(self) -> None:
        check_number(self, threshold=self.threshold)

    def cooperates(self, view: View) -> np.ndarray:
        scores = view.player.table.game.part(Reputation)  # type: ignore[union-attr]
        seen = view["target_reputation"]
        if scores is None:
            return seen == 1
        bar = self.threshold / (scores.scale + abs(self.threshold)) if scores.scale else self.threshold
        return seen >= np.float32(bar)


class Standing(ByReputation):
    """Cooperates with whoever is in good standing, and, to make up, with everybody while it is itself in bad standing.

    Names: Standing (Sugden 1986); contrite standing (Leimar & Hammerstein 2001).
    """

    tags = dict(memory=0, stochastic=False, nice=False, reputation=True)
    needs = ("target_reputation", "own_reputation")

    def cooperates(self, view: View) -> np.ndarray:
        return (view["target_reputation"] > 0) | (view["own_reputation"] <= 0)


class LeadingEight(ByReputation):
    """Cooperates with the good, as all of the leading eight do, and, as L1 or L2, with everybody while it is bad.

    norm   "L1" to "L8"; the verdicts that go with it are Norm(norm)'s

    Names: The leading eight (Ohtsuki & Iwasa 2004). ValueError for another norm.
    """

    tags = dict(memory=0, stochastic=False, nice=False, reputation=True)
    needs = ("target_reputation", "own_reputation")

    norm: str = "L3"

    def __post_init__(self) -> None:
        if self.norm not in LEADING_EIGHT:
            raise ValueError("LeadingEight: " + unknown("norm", self.norm, LEADING_EIGHT))

    def reset(self, player: Player) -> None:
        super().reset(player)
        if player.table.game.part(Norm) is None:  # type: ignore[union-attr]
            raise ValueError(f"{self.name} needs reputations that are good or bad, as under Norm(); here are scores")

    def cooperates(self, view: View) -> np.ndarray:
        good = view["target_reputation"] == 1
        return good | (view["own_reputation"] != 1) if self.norm in ("L1", "L2") else good


class ShunDefectors(Pairwise):
    """Selects one of those who were not last seen to defect, refuses suitors who were, and is tit for tat in play.

    Chance decides among them, and among all where all are known to defect. It needs PartnerSelection() that
    shows last actions.

    Names: what learners come to do in Anastassacos, Hailes & Musolesi (AAAI 2020).
    """

    tags = dict(memory=1, stochastic=True, nice=True, retaliatory=True, forgiving=True, selects=True)

    def reset(self, player: Player) -> None:
        super().reset(player)
        if not sees(player, "select", "peers_actions"):
            raise ValueError(f"{self.name} needs to select partners by what they did, as under PartnerSelection()")

    def cooperates(self, view: View) -> np.ndarray:
        return view.other != DEFECT

    def elsewhere(self, view: View) -> np.ndarray:
        if view.kind == "consent":
            return np.where(newest(view, "suitor_actions", 1)[:, 0] == DEFECT, 0, 1)
        if view.kind != "select":
            return view.legal.argmax(axis=1)
        peers = len(view.choices)
        shunned = np.zeros_like(view.legal)
        shunned[:, :peers] = newest(view, "peers_actions", peers) == DEFECT
        wanted = view.legal & ~shunned
        wanted = np.where(wanted.any(axis=1, keepdims=True), wanted, view.legal)
        up_to = wanted.cumsum(axis=1)
        return (up_to > (view.uniform() * up_to[:, -1]).astype(int)[:, None]).argmax(axis=1)


class OutForTat(Pairwise):
    """Cooperates with everybody, and leaves whoever defected on it.

    It needs Exit().

    Names: Out for tat (Hayashi & Yamagishi 1998); CC-stay, leave otherwise (Izquierdo, Izquierdo & Vega-Redondo 2010).
    """

    tags = dict(memory=1, stochastic=False, nice=True, retaliatory=False, forgiving=True, selects=True)

    def reset(self, player: Player) -> None:
        super().reset(player)
        if "exit" not in player.table.kinds:
            raise ValueError(f"{self.name} needs a game in which one can leave, with Exit()")

    def cooperates(self, view: View) -> np.ndarray:
        return np.ones(view.n, bool)

    def elsewhere(self, view: View) -> np.ndarray:
        if view.kind != "exit":
            return view.legal.argmax(axis=1)
        return np.where(view.other == DEFECT, 1, 0)


def newest(view: View, name: str, agents: int) -> np.ndarray:
    """The last action of each of so many agents, ints [n, agents]."""
    return view[name].reshape(view.n, agents, -1)[:, :, 0]
