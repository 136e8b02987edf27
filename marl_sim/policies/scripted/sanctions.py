"""Strategies that punish, reward, and vote for institutions that allow it."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ...games.contributions import Contributions
from ...games.matrix import COOPERATE, DEFECT
from ..base import Policy
from ..player import Player
from ..view import View
from .groups import ConditionalCooperator, Contributor, UnconditionalContributor
from .pairs import check_number, check_share, check_whole, is_dilemma, sees, what_is_played


class Judge(Policy):
    """Base of those who judge: in pairs under Punishment(), in groups under PeerPunishment().

    generous             whether it cooperates, or gives everything; else it defects, or gives nothing
    severity             the part of the points that can be assigned which the worst deserves, in groups
    guilty(view)         in pairs: whom it punishes, bool [n]
    blame(own, other)    in groups: what the other deserves, 0 to 1, of what both gave (parts of the endowment)

    ValueError in one sentence where nobody can be punished.
    """

    tags: ClassVar[dict[str, Any]] = {}
    recalls: ClassVar[bool] = False
    generous: ClassVar[bool] = True
    kinds: ClassVar[tuple[str, ...]] = ("punish", "sanction")

    def reset(self, player: Player) -> None:
        game = player.table.game
        gives = game is not None and isinstance(game.parts[0], Contributions)
        if not (gives or is_dilemma(player)) or not set(self.kinds) & set(player.table.kinds):
            raise ValueError(
                f"{self.name} needs a dilemma and a stage of kind {' or '.join(self.kinds)} after it, as under "
                f"Punishment() or PeerPunishment(); {what_is_played(player)} as it is played has none"
            )

    def act(self, view: View) -> np.ndarray:
        if view.kind == "play":
            return self.plays(view)
        if view.kind == "punish":
            return np.where(self.guilty(view) & view.legal[:, 1], 1, 0)
        if view.kind == "sanction":
            return points(view, self.blame(*both_gave(view)))
        return view.legal.argmax(axis=1)

    def plays(self, view: View) -> np.ndarray:
        """What it does in play."""
        if view.box is not None:
            return np.full(view.n, view.box[1] if self.generous else 0.0)
        if view.player.table.in_pairs:
            return np.full(view.n, COOPERATE if self.generous else DEFECT)
        return np.full(view.n, len(view.choices) - 1 if self.generous else 0)

    def guilty(self, view: View) -> np.ndarray:
        """Whom it punishes, bool [n]."""
        return view["target_act"] == DEFECT

    def blame(self, own: np.ndarray, other: np.ndarray) -> np.ndarray:
        """How much the other deserves to be punished, 0 to 1, float [n]."""
        return np.maximum(0.0, own - other)


def both_gave(view: View) -> tuple[np.ndarray, np.ndarray]:
    """What oneself and the other gave this round, as parts of the endowment, float [n] each."""
    most = max(view._table.levels[f"{view.kind}:own_act"] - 1, 1)
    return view["own_act"] / most, view["target_act"] / most


def points(view: View, deserved: np.ndarray) -> np.ndarray:
    """The points that come nearest to what is deserved (0 to 1 of the most), as far as the budget goes."""
    wanted = np.floor(deserved * (len(view.choices) - 1) + 0.5).astype(np.int64)
    most = view.legal.shape[1] - 1 - view.legal[:, ::-1].argmax(axis=1)
    return np.minimum(wanted, most)


class AltruisticPunisher(Judge):
    """Cooperates, and punishes those who do not at its own cost: in groups, the more the less they gave than it did.

    severity   points for somebody who gave nothing, as a part of the most, 0 to 1

    Names: Altruistic punishment (Fehr & Gaechter 2002). ValueError for a severity outside 0 to 1.
    """

    tags = dict(memory=0, stochastic=False, nice=True, punisher=True)

    severity: float = 0.5

    def __post_init__(self) -> None:
        check_share(self, severity=self.severity)

    def blame(self, own: np.ndarray, other: np.ndarray) -> np.ndarray:
        return self.severity * np.maximum(0.0, own - other)


class AntisocialPunisher(Judge):
    """Does not cooperate, and punishes those who do: in groups, whoever gave more than it did.

    severity   points for somebody who gave everything, as a part of the most, 0 to 1

    Names: Antisocial punishment (Herrmann, Thoeni & Gaechter 2008). ValueError for a severity outside 0 to 1.
    """

    tags = dict(memory=0, stochastic=False, nice=False, punisher=True)
    generous = False

    severity: float = 0.5

    def __post_init__(self) -> None:
        check_share(self, severity=self.severity)

    def guilty(self, view: View) -> np.ndarray:
        return view["target_act"] == COOPERATE

    def blame(self, own: np.ndarray, other: np.ndarray) -> np.ndarray:
        return self.severity * np.maximum(0.0, other - own)


class SpitefulPunisher(Judge):
    """Does not cooperate, and punishes whoever did not either: it wants fewer rivals in its niche.

    severity   points for whoever gave nothing, as a part of the most, 0 to 1

    Names: Selfish punisher (Nakamaru & Iwasa 2006); hypocrite (Falk, Fehr & Fischbacher 2005). ValueError for a
    severity outside 0 to 1.
    """

    tags = dict(memory=0, stochastic=False, nice=False, punisher=True)
    generous = False

    severity: float = 0.5

    def __post_init__(self) -> None:
        check_share(self, severity=self.severity)

    def blame(self, own: np.ndarray, other: np.ndarray) -> np.ndarray:
        return self.severity * (1.0 - other)


class SecondOrderPunisher(Judge):
    """Cooperates, punishes defectors, and punishes cooperators whose reputation says that they do not.

    bar        the reputation, as it is seen, that a cooperator must exceed
    patience   judgements of its own before it looks at reputations

    Made for Punishment(by="both") with Reputation(cooperate=0, defect=0, seen_in=("punish",)), which tells how somebody
    has punished and nothing else. ValueError where reputations are not seen by judges, and for numbers out of range.

    Names: Second-order punishment (Boyd & Richerson 1992; the metanorm of Axelrod 1986).
    """

    tags = dict(memory=0, stochastic=False, nice=True, punisher=True, reputation=True)
    kinds = ("punish",)

    bar: float = 0.0
    patience: int = 10

    def __post_init__(self) -> None:
        check_number(self, bar=self.bar)
        check_whole(self, 0, patience=self.patience)

    def reset(self, player: Player) -> None:
        super().reset(player)
        if not sees(player, "punish", "target_reputation"):
            raise ValueError(f"{self.name} needs judges who see reputations, as with Reputation(seen_in=('punish',))")

    def guilty(self, view: View) -> np.ndarray:
        negligent = (view["target_reputation"] <= self.bar) & (view.turn >= self.patience)
        return super().guilty(view) | negligent


class RewardAndPunish(UnconditionalContributor):
    """Gives everything, punishes those who gave less, rewards those who gave as much, and votes for sanctions.

    part       of the endowment that it gives, 0 to 1
    severity   points for somebody who gave nothing, as a part of the most, 0 to 1
    kindness   points for somebody who gave at least what it did, as a part of the most, 0 to 1

    Names: Reciprocators of Sefton, Shupp & Walker (2007); high contributors of Guererk, Irlenbusch & Rockenbach (2006).
    ValueError for numbers outside 0 to 1.
    """

    tags = dict(memory=0, stochastic=False, nice=True, punisher=True, rewarder=True, voter=True, group=True)

    severity: float = 0.5
    kindness: float = 0.1

    def __post_init__(self) -> None:
        super().__post_init__()
        check_share(self, severity=self.severity, kindness=self.kindness)

    def elsewhere(self, view: View) -> np.ndarray:
        if view.kind == "vote":
            return np.ones(view.n, np.int64)
        if view.kind not in ("sanction", "reward"):
            return view.legal.argmax(axis=1)
        own, other = both_gave(view)
        deserved = self.severity * np.maximum(0.0, own - other)
        return points(view, deserved if view.kind == "sanction" else np.where(other >= own, self.kindness, 0.0))


class Voter(ConditionalCooperator):
    """Base of those who choose an institution by one of the numbers known of both: `goes_by` names the field.

    It gives what the others gave, and assigns no points. Where both are alike it stays where it was, without sanctions
    at first. ValueError in one sentence where nothing is voted on, or the field is not seen.
    """

    tags: ClassVar[dict[str, Any]] = {}
    keeps: ClassVar[dict[str, Any]] = dict(house=0)
    goes_by: ClassVar[str] = ""

    def reset(self, player: Player) -> None:
        Contributor.reset(self, player)
        if not sees(player, "vote", self.goes_by):
            raise ValueError(
                f"{self.name} needs a vote at which {self.goes_by} of both institutions are known, as under "
                f"Institutions(sees=({self.goes_by!r},))"
            )

    def elsewhere(self, view: View) -> np.ndarray:
        if view.kind != "vote":
            return view.legal.argmax(axis=1)
        free, sanctioning = view[self.goes_by].T
        house = np.where(free == sanctioning, view.kept["house"], sanctioning > free)
        view.kept["house"] = house
        return house


class IncomeVoter(Voter):
    """Goes where more was earned last round.

    slope   what it gives for each unit that the others give
    first   the part of its endowment that it gives where it knows of nobody

    Names: Imitation of the better paid (Guererk, Irlenbusch & Rockenbach 2006).
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, voter=True, group=True)
    goes_by = "incomes"


class ContributionVoter(Voter):
    """Goes where more was given last round.

    slope   what it gives for each unit that the others give
    first   the part of its endowment that it gives where it knows of nobody

    Names: a cooperator among those who vote with their feet (Guererk, Irlenbusch & Rockenbach 2006).
    """

    tags = dict(memory=float("inf"), stochastic=False, nice=True, voter=True, group=True)
    goes_by = "contributions"
