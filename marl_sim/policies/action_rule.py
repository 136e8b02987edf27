"""Action rules of indirect reciprocity: whether to cooperate, from two binary reputations."""

from __future__ import annotations

import numpy as np

from ..games.matrix import COOPERATE, DEFECT
from .base import Policy
from .player import Player
from .scripted.pairs import check_dilemma, sees
from .view import View


class ActionRule(Policy):
    """One of the 16 rules that look at one's own and the other's binary reputation.

    rule     0 to 15; its bits, highest first, say whether to cooperate at (own, other's) reputation (bad, bad),
             (bad, good), (good, bad), (good, good): 0 never cooperates, 15 always, 5 with the good only, 10 with the
             bad only, ...
    epsilon  share of actions drawn at random, 0 to 1

    Rules 0, 5, 10 and 15 do not look at themselves, so they need not see their own reputation; all need to see the
    other's, as players see it under a Norm. In stages other than play the first legal action is taken.

    Source: Anastassacos, Garcia, Hailes & Musolesi, "Cooperation and reputation dynamics with reinforcement learning"
    (AAMAS 2021), after Nowak & Sigmund (1998) and Ohtsuki & Iwasa (2004). Raises ValueError for other rules.
    """

    tags = dict(memory=0, stochastic=False, nice=False, reputation=True)
    recalls = False

    rule: int = 5
    epsilon: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.rule, bool) or not isinstance(self.rule, int) or not 0 <= self.rule <= 15:
            raise ValueError(f"ActionRule: rule must be a whole number from 0 to 15; got {self.rule!r}")
        if not 0 <= self.epsilon <= 1:
            raise ValueError(f"ActionRule: epsilon must be from 0 to 1; got {self.epsilon!r}")

    @property
    def cooperates(self) -> np.ndarray:
        """Whether the rule cooperates, bool [own reputation, other's reputation], 0 bad and 1 good."""
        return np.array([[self.rule >> (3 - 2 * own - other) & 1 for other in (0, 1)] for own in (0, 1)], dtype=bool)

    @property
    def looks_at_itself(self) -> bool:
        """Whether what it does depends on its own reputation."""
        return bool((self.cooperates[0] != self.cooperates[1]).any())

    def reset(self, player: Player) -> None:
        check_dilemma(self, player)
        needs = ("target_reputation", "own_reputation") if self.looks_at_itself else ("target_reputation",)
        missing = [name for name in needs if not sees(player, "play", name)]
        if missing or player.table.levels.get("play:target_reputation") != 2:
            raise ValueError(f"{self.name} needs to see {' and '.join(needs)} in play, good or bad, as under Norm()")

    def act(self, view: View) -> np.ndarray:
        if view.kind != "play":
            return view.legal.argmax(axis=1)
        cooperates = self.cooperates
        own = view["own_reputation"] if self.looks_at_itself else 0
        actions = np.where(cooperates[own, view["target_reputation"]], COOPERATE, DEFECT)
        if self.epsilon:
            stray = view.uniform() < self.epsilon
            actions = np.where(stray, np.where(view.uniform() < 0.5, COOPERATE, DEFECT), actions)
        return actions
