"""Strategies of public goods and their kin: how much to give, by what the others gave."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...core.group import Group
from ...games.contributions import Contributions
from ...mechanisms.institutions import SANCTIONING, Institutions
from ..base import Policy
from ..player import Player
from ..view import View
from .pairs import check_share, sees, what_is_played


class Contributor(Policy):
    """Base of the strategies of games of giving: `share(view)` is the part of the endowment that each row gives.

    Of the amounts that can be given the nearest is. In other stages than play the first legal action is taken;
    `elsewhere(view)` may say otherwise. ValueError in one sentence for a game in which nobody contributes.
    """

    tags: ClassVar[dict[str, Any]] = {}
    recalls: ClassVar[bool] = False

    def reset(self, player: Player) -> None:
        game = player.table.game
        if not (isinstance(game, Group) and isinstance(game.dilemma, Contributions)):
            raise ValueError(
                f"{self.name} plays games in which a group contributes, such as PublicGoods(); "
                f"{what_is_played(player)} is none"
            )
        houses = game.part(Institutions)
        if houses is not None and houses.by == "feet" and sees(player, "vote", "size"):  # type: ignore[attr-defined]
            player.keep("members", game.n_agents)

    def act(self, view: View) -> np.ndarray:
        if view.kind != "play":
            if view.kind == "vote" and "members" in view.player.kept:
                count_members(view)
            return self.elsewhere(view)
        share = np.clip(self.share(view), 0.0, 1.0)
        if view.box is not None:
            return share * view.box[1]
        return np.floor(share * (len(view.choices) - 1) + 0.5).astype(np.int64)

    def share(self, view: View) -> np.ndarray:
        """The part of the endowment that each row gives, 0 to 1, float [n]."""
        raise NotImplementedError(f"{type(self).__name__} must define share(view)")

    def elsewhere(self, view: View) -> np.ndarray:
        """What it does in other stages than play."""
        return view.legal.argmax(axis=1)


def others_gave(view: View) -> np.ndarray:
    """The mean part of their endowments that the others gave, float [n], NaN where nothing is known.

    In turn: those who moved before, as far as they are seen. Else, last round, those whom it lived with.
    """
    steps = 1 if view.box is not None else len(view.choices) - 1
    found = np.full(view.n, np.nan)
    if "total_before" in view:
        own, total = view["own_before"] / steps, view["total_before"] / steps
        known = (own >= 0) & (own <= 1)
        members = view.kept["members"] if "members" in view.player.kept else np.full(view.n, view.player.table.n_agents)
        found = np.where(known & (members > 1), (total - own) / np.maximum(members - 1, 1), found)
    if "contributions" in view:
        given = view["contributions"].reshape(view.n, -1) / steps
        moved = (given >= 0) & (given <= 1) & (np.arange(given.shape[1]) < view["position"][:, None])
        mean = np.where(moved, given, 0.0).sum(axis=1) / np.maximum(moved.sum(axis=1), 1)
        return np.where(moved.any(axis=1), mean, found)
    if "total" in view:
        return np.where(view["position"] > 0, view["total"] / steps / np.maximum(view["position"], 1), found)
    if "last" in view:
        return np.where(view["position"] > 0, view["last"] / steps, found)
    return found


def count_members(view: View) -> None:
    """At the vote, keep in mind how many lived in one's house last round; before the first, all do."""
    n = view.player.table.n_agents
    lived = np.where(view.last == SANCTIONING, view["size"], n - view["size"])
    view.kept["members"] = np.where(view.turn > 0, lived, n)


class FreeRider(Contributor):
    """Gives nothing.

    Names: Free rider (Fischbacher, Gaechter & Fehr 2001).
    """

    tags = dict(memory=0, stochastic=False, nice=False, group=True)

    def share(self, view: View) -> np.ndarray:
        return np.zeros(view.n)


class UnconditionalContributor(Contributor):
    """Gives the same whatever the others give.

    part   of the endowment, 0 to 1

    Names: Unconditional cooperator (Fischbacher & Gaechter 2010). ValueError for a part outside 0 to 1.
    """

    tags = dict(memory=0, stochastic=False, nice=True, group=True)

    part: float = 1.0

    def __post_init__(self) -> None:
        check_share(self, part=self.part)

    def share(self, view: View) -> np.ndarray:
        return np.full(view.n, self.part)


class ConditionalCooperator(Contributor):
    """Gives what the others gave on average, or a part of it.

    slope   what it gives for each unit that the others give; below 1 it is biased in its own favour
    first   the part of its endowment that it gives where it knows of nobody

    Names: Conditional cooperator (Fischbacher, Gaechter & Fehr 2001; Keser & van Winden 2000). ValueError for a first
    outside 0 to 1 or a slope below 0.
    """

    tags = dict(memory=1, stochastic=False, nice=True, group=True)

    slope: float = 1.0
    first: float = 1.0

    def __post_init__(self) -> None:
        check_share(self, first=self.first)
        if not 0 <= self.slope < float("inf"):
            raise ValueError(f"{type(self).__name__}: slope must be a number of at least 0; got {self.slope!r}")

    def share(self, view: View) -> np.ndarray:
        others = others_gave(view)
        return np.where(np.isnan(others), self.first, self.slope * others)


class ThresholdCooperator(Contributor):
    """Gives everything where the others gave at least so much on average, and nothing otherwise.

    threshold   part of their endowments, 0 to 1; with 1 it is the tit for tat of groups that forgives nobody
    first       the part of its endowment that it gives where it knows of nobody

    Names: T_a (Boyd & Richerson 1988). ValueError for numbers outside 0 to 1.
    """

    tags = dict(memory=1, stochastic=False, nice=True, group=True)

    threshold: float = 0.5
    first: float = 1.0

    def __post_init__(self) -> None:
        check_share(self, threshold=self.threshold, first=self.first)

    def share(self, view: View) -> np.ndarray:
        others = others_gave(view)
        return np.where(np.isnan(others), self.first, others >= self.threshold - 1e-6)


class HumpShaped(Contributor):
    """Gives what the others gave on average up to a peak, and less and less where they gave more.

    peak    part of the endowment, above 0 and below 1
    first   the part of its endowment that it gives where it knows of nobody

    Names: Hump-shaped or triangle contributor (Fischbacher, Gaechter & Fehr 2001); the straight sides are ours.
    ValueError for numbers out of range.
    """

    tags = dict(memory=1, stochastic=False, nice=False, group=True)

    peak: float = 0.5
    first: float = 0.5

    def __post_init__(self) -> None:
        check_share(self, peak=self.peak, first=self.first)
        if self.peak in (0, 1):
            raise ValueError(f"HumpShaped: peak must be above 0 and below 1; got {self.peak!r}")

    def share(self, view: View) -> np.ndarray:
        others = others_gave(view)
        falling = self.peak * (1 - others) / (1 - self.peak)
        return np.where(np.isnan(others), self.first, np.minimum(others, falling))


class GroupGrim(Contributor):
    """Gives everything until somebody is known not to have done so, and never again.

    Names: Grim trigger (Friedman 1971), in groups.
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, group=True)
    keeps = dict(betrayed=False)

    def share(self, view: View) -> np.ndarray:
        betrayed = view.kept["betrayed"] | (others_gave(view) < 1 - 1e-6)
        view.kept["betrayed"] = betrayed
        return np.where(betrayed, 0.0, 1.0)
