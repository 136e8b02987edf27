"""Members of a group assign points to one another: punishment and reward among peers."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from ..core.fields import Field, StateField, floats, ints
from ..core.game import Game
from ..core.part import Episode, at_least
from ..core.rng import shuffle
from ..core.rules import Rule, rule
from ..core.society import Mechanism
from ..core.stage import Stage

TARGETS = ("defectors", "cooperators")
ALMOST_ONE = 1 + 1e-9  # sums of tenths are not exact: a budget that they use up is not exceeded


@rule
def draw_turns(
    key: Any, n: Any, side: Any, judging_order: Any, received: Any, spent: Any, sanction_balance: Any
) -> None:
    """A new round: nobody has assigned points, and chance draws in what order agents decide about one another."""
    for i in range(n):
        judging_order[side, i] = i
        received[side, i] = 0
        spent[i] = 0.0
        sanction_balance[i] = 0.0
    shuffle(key, judging_order[side])


@rule
def judge_the_next(
    n: Any, side: Any, pass_number: Any, judging_order: Any, house: Any, sanctioning: Any, acting: Any, target: Any
) -> None:
    """In the p-th pass each decides about the p-th after it in the random order, if they live in one house."""
    for k in range(n):
        i, j = judging_order[side, k], judging_order[side, (k + pass_number) % n]
        if sanctioning[i] and house[i] == house[j]:
            acting[i] = 1
            target[i] = j


@rule
def within_budget(i: Any, spent: Any, cost: Any, budget: Any, out: Any) -> None:
    """No more points than can be paid for."""
    for points in range(1, out.size):
        if spent[i] + cost * points > budget * ALMOST_ONE:
            out[points] = 0


@rule
def assign(
    n: Any, side: Any, sign: Any, acting: Any, target: Any, action: Any, cost: Any, effect: Any, defected: Any,
    given: Any, received: Any, spent: Any, sanction_balance: Any, points_assigned: Any,
) -> None:  # fmt: skip
    """Points are counted; what they do comes when all have decided."""
    for i in range(n):
        if acting[i]:
            j, points = target[i], action[i]
            received[side, j] += points
            spent[i] += cost * points
            sanction_balance[i] -= cost * points
            sanction_balance[j] += sign * effect * points
            good = 0 if defected[j] else 1
            points_assigned[side, good] += points
            points_assigned[side, 2 + good] += 1
            if given[j] >= given[i]:
                points_assigned[side, 4] += points


@rule
def charge_punishers(n: Any, acting: Any, action: Any, cost: Any, punishing: Any) -> None:
    """Points are paid for at once."""
    for i in range(n):
        if acting[i]:
            punishing[i] -= cost * action[i]


@rule
def punish(n: Any, side: Any, received: Any, effect: Any, punished: Any) -> None:
    """The punished lose by every point that they were assigned."""
    for i in range(n):
        punished[i] -= effect * received[side, i]


@rule
def charge_rewarders(n: Any, acting: Any, action: Any, cost: Any, rewarding: Any) -> None:
    """Points are paid for at once."""
    for i in range(n):
        if acting[i]:
            rewarding[i] -= cost * action[i]


@rule
def reward(n: Any, side: Any, received: Any, effect: Any, rewarded: Any) -> None:
    """The rewarded gain by every point that they were assigned."""
    for i in range(n):
        rewarded[i] += effect * received[side, i]


@rule
def target_act(i: Any, target: Any, recent: Any, out: Any) -> None:
    """What the other was seen to do this round."""
    out[0] = recent[target[i], 0]


@rule
def own_act(i: Any, did: Any, out: Any) -> None:
    """What I did this round."""
    out[0] = did[i, 0]


@rule
def total_act(i: Any, n: Any, house: Any, recent: Any, out: Any) -> None:
    """What all in my house were seen to do this round, added up."""
    out[0] = 0
    for j in range(n):
        if house[j] == house[i]:
            out[0] += recent[j, 0]


@rule
def housemates(i: Any, n: Any, house: Any, out: Any) -> None:
    """How many live in my house, myself included."""
    out[0] = 0
    for j in range(n):
        if house[j] == house[i]:
            out[0] += 1


class Sanctions(Mechanism):
    """Base of the mechanisms by which each member of a group can do something to every other after play.

    points   the most points that one can assign to another in a round
    cost     what a point costs whoever assigns it
    effect   what a point takes from, or gives to, whom it is assigned to
    budget   the most that one can spend on points in a round, on all kinds of points together; 0: no limit

    There are n - 1 stages a round. Chance draws an order of the agents, new every round, and in the p-th stage each
    decides about the one p places after it, so that each decides about each once and no index comes first. A point is
    paid for when it is assigned; it takes effect when all have decided, so that nobody knows of others' points before.
    With institutions, points are assigned inside a house that has them.

    Observation   "target_act", "own_act" what the other and oneself did this round, "total_act" what all in one's house
                  did together, as numbers of actions (steps of what can be given); with institutions "members" of it
    Action        how many points, 0..points
    State         received [2, n_agents] points of this round by kind (0 punishment, 1 reward), judging_order [2,
                  n_agents], spent [n_agents] money for points, sanction_balance [n_agents] what a round's points of
                  both kinds have brought. Tally points_assigned [2, 5]: points on defectors, on cooperators, decisions
                  about defectors, about cooperators, points on those who gave no less than who assigned them
    Errors        fewer than 1 point, negative cost, effect or budget; a game in which nobody gives or takes
    """

    points: int = 10
    cost: float = 1.0
    effect: float = 3.0
    budget: float = 0.0
    on: ClassVar[tuple[str, ...]] = ("groups",)
    kind: ClassVar[str] = ""
    side: ClassVar[int] = 0  # row of the state that both kinds share
    sign: ClassVar[int] = 0
    charge: ClassVar[Rule]
    settle: ClassVar[Rule]

    def check(self) -> None:
        at_least(type(self).__name__, "points", self.points, 1)
        for name in ("cost", "effect", "budget"):
            at_least(type(self).__name__, name, getattr(self, name), 0)

    def fits(self, game: Game) -> None:
        name = type(self).__name__
        if not {"given", "defected", "recent"} <= set(game.state):
            played = type(game.parts[0]).__name__
            raise ValueError(f"{name} needs a game in which agents give or take, such as PublicGoods(); got {played}")
        if game.n_agents < 2:
            raise ValueError(f"{name} needs at least 2 agents; got {game.n_agents}")

    def state(self, game: Game) -> dict[str, StateField]:
        n = game.n_agents
        found = {"received": ints(2, n), "judging_order": ints(2, n), "spent": floats(n), "sanction_balance": floats(n)}
        return {name: field for name, field in found.items() if name not in game.state}  # one for both kinds

    def constants(self, game: Game) -> dict[str, Any]:
        alone = {  # without institutions: one house, with sanctions
            "house": np.zeros(game.n_agents, dtype=np.int32),
            "sanctioning": np.ones(game.n_agents, dtype=np.int32),
        }
        named = {name: value for name, value in alone.items() if name not in game.state}
        return named | {"side": self.side, "sign": self.sign}

    def stages(self, game: Game) -> list[Stage]:
        words = tuple("1 point" if points == 1 else f"{points} points" for points in range(self.points + 1))
        return [
            Stage(
                f"{self.kind} {p}",
                words,
                acting=judge_the_next,
                then=(assign, self.charge),
                legal=within_budget if self.budget else None,
                kind=self.kind,
                phase=70,
                constants={"pass_number": p},
            )
            for p in range(1, game.n_agents)
        ]

    def reactions(self, game: Game) -> dict[str, Rule | list[Rule]]:
        return {"deal": draw_turns, "round": self.settle}

    def fields(self, game: Game) -> dict[str, list[Field]]:
        n, acts, levels = game.n_agents, game.choices("play"), len(game.choices("play"))
        seen = [
            Field("target_act", 1, target_act, values=acts, words="what the other did this round"),
            Field("own_act", 1, own_act, values=acts, words="what oneself did"),
            Field("total_act", 1, total_act, n * (levels - 1) + 1, words="what all in one's house did together"),
        ]
        if "sanctioning" in game.state:
            seen.append(Field("members", 1, housemates, n + 1, words="how many live in one's house"))
        return {self.kind: seen}

    def tallies(self, game: Game) -> dict[str, tuple[int, ...] | StateField]:
        return {} if "points_assigned" in game.state else {"points_assigned": (2, 5)}

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        counts = episode.mean("points_assigned")
        points, decisions = counts[self.side, :2], counts[self.side, 2:4]
        found = {"points_assigned": float(counts[:, :2].sum()), f"{self.kind}_points": float(points.sum())}
        for name, given, times in zip(TARGETS, points, decisions, strict=True):
            found[f"{self.kind}_on_{name}"] = float(given / times) if times else 0.0
        just = points[0] if self.sign < 0 else points[1]
        found[f"{self.kind}_just_share"] = float(just / points.sum()) if points.sum() else 0.0
        return found


class PeerPunishment(Sanctions):
    """After contributing, every member may assign points to every other, at a cost, which cost the other more.

    Defaults: a point costs 1 and takes 3, as in Fehr & Gaechter (2002), where at most 10 can be assigned to one as
    commonly reported. Incomes may fall below zero.

    Reward     `punished` to whom the points were assigned, when all have decided; `punishing` to whoever assigned them
    Measures   sanction_points (an episode, of all), sanction_on_defectors and sanction_on_cooperators (mean points of a
               decision about one), sanction_just_share (share of points on defectors), sanction_antisocial_share (share
               of points on those who gave no less than the punisher: Herrmann, Thoeni & Gaechter 2008)
    Source     Fehr & Gaechter, "Altruistic punishment in humans" (Nature 2002)
    """

    rewards: ClassVar[tuple[str, ...]] = ("punished", "punishing")
    kind: ClassVar[str] = "sanction"
    side: ClassVar[int] = 0
    sign: ClassVar[int] = -1
    charge: ClassVar[Rule] = charge_punishers
    settle: ClassVar[Rule] = punish

    def measures(self, game: Game, episode: Episode) -> dict[str, float]:
        found, counts = super().measures(game, episode), episode.mean("points_assigned")[0]
        points = counts[:2].sum()
        return found | {"sanction_antisocial_share": float(counts[4] / points) if points else 0.0}


class PeerReward(Sanctions):
    """After contributing, every member may assign points to every other, at a cost, which the other gains by.

    Defaults: a point costs 1 and gives 1, a transfer, as commonly reported of Guererk, Irlenbusch & Rockenbach (2006);
    with an effect above the cost rewards create wealth.

    Reward     `rewarded` to whom the points were assigned, when all have decided; `rewarding` to whoever assigned them
    Measures   reward_points (an episode, of all), reward_on_defectors and reward_on_cooperators (mean points of a
               decision about one), reward_just_share (share of points on cooperators)
    Source     Sefton, Shupp & Walker, "The effect of rewards and sanctions in provision of public goods" (2007)
    """

    effect: float = 1.0
    rewards: ClassVar[tuple[str, ...]] = ("rewarded", "rewarding")
    kind: ClassVar[str] = "reward"
    side: ClassVar[int] = 1
    sign: ClassVar[int] = 1
    charge: ClassVar[Rule] = charge_rewarders
    settle: ClassVar[Rule] = reward
