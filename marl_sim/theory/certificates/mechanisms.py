"""What mechanisms laid on a dilemma do to its incentives, in numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from ...core.game import Game
from ..backward import shown
from ..form import exact
from ..indices import DilemmaPayoffs, dilemma_payoffs, peer_punishment, punishment_threshold
from ..payoffs import normal_form
from ..sequences import moves
from .record import Certificate, Finding, fact, finding
from .registry import certificate_of
from .two_players import readings

PAYS_NOTHING = "changes no payoff of a round"
NORMS = {"shunning": 1, "image score": 3, "stern judging": 9, "simple standing": 11}


def four_of(game: Game) -> DilemmaPayoffs | None:
    """Reward, temptation, sucker and punishment of the dilemma, where it has them."""
    try:
        return dilemma_payoffs(normal_form(game))
    except ValueError:
        return None


def most_gained(game: Game) -> Fraction | None:
    """The most that defecting can gain in a round, whatever the others do; None where that is not known.

    In the centipede: the most that stopping gains over going on to the end.
    """
    part: Any = game.dilemma  # type: ignore[attr-defined]
    if type(part).__name__ == "Centipede":
        tree = moves(game)
        end = tree.payoffs(("continue",) * len(tree.movers))
        return max(tree.payoffs(("continue",) * t + ("stop",))[i] - end[i] for t, i in enumerate(tree.movers))
    try:
        return punishment_threshold(normal_form(game), dominant=True)
    except ValueError:
        return None


# ---------------------------------------------------------------- punishment and reward


@certificate_of("Punishment")
def punishment(part: Any, game: Game) -> Certificate:
    """Whether the fines deter, and whether judges gain by punishing defectors and lose by punishing cooperators."""
    fine, just, unjust, cost = map(exact, (part.fine, part.just, part.unjust, part.cost))
    judges = (part.by != "witness") + (part.witnesses if part.by != "partner" else 0)
    gain = most_gained(game)
    credible = (fact("just - cost > 0", just - cost, 0), fact("unjust - cost < 0", unjust - cost, 0))
    known = () if gain is None else (fact("fine * judges > the most that defecting gains", fine * judges, gain),)
    willing, fair = (one.holds for one in credible)
    fair = fair or not part.antisocial
    if known and gain is not None and gain <= 0:
        kind = "there is nothing to deter: defecting gains nothing"
    elif known and not known[0].holds:
        kind = "does not deter: all fines together are no more than what defecting gains"
    elif not willing:
        kind = "deters only by a threat that is not credible in one round: punishing a defector does not pay the judge"
    elif not fair:
        kind = "does not tell defectors from cooperators: judges gain by punishing both"
    elif known:
        kind = "deters: judges gain by punishing defectors alone, and defecting no longer pays"
    else:
        kind = "is credible: judges gain by punishing defectors alone"
    who = {"partner": "the partner judges", "witness": "witnesses judge", "both": "partner and witnesses judge"}[
        part.by
    ]
    found = finding("judges", f"{judges} of each player in an encounter (on average): {who}", judges)
    return Certificate("", kind, (*known, *credible), (found,))


@certificate_of("PeerPunishment")
def peers_punish(part: Any, game: Game) -> Certificate:
    """Points that cost the punisher too: enough to deter, never credible in one round, credible with patience."""
    cost = fact("cost > 0", part.cost, 0)
    try:
        theory = peer_punishment(game)
    except ValueError as refusal:
        return Certificate("", "punishes with points", (cost,), (finding("not solved", str(refusal)),))
    able = fact("most that the others can take >= what free riding gains", theory.fine, theory.gain)
    if not able.holds:
        kind = "does not deter: all points of all others take less than free riding gains"
    elif cost.holds:
        kind = (
            "deters only by a threat that is not credible in one round: points cost the punisher, and gain it nothing"
        )
    else:
        kind = "deters: points are free, and enough of them outweigh what free riding gains"
    points = f"{theory.needed} point{'s' if theory.needed != 1 else ''}"
    each = f"{points} from each of the others outweigh free riding, at {shown(theory.cost)} to each"
    patient = f"credible from a discount factor of {shown(theory.patience)} on, if not punishing ends cooperation"
    found = (
        finding("needed", each, {"points": theory.needed, "cost": theory.cost}),
        finding("patience", patient, theory.patience),
    )
    return Certificate("", kind, (able, cost), found if able.holds else ())


@certificate_of("PeerReward")
def peers_reward(part: Any, game: Game) -> Certificate:
    """Points that cost the giver and please the receiver."""
    cost, effect = exact(part.cost), exact(part.effect)
    facts = [fact("cost > 0", cost, 0), fact("effect > cost", effect, cost)]
    gain = most_gained(game)
    if gain is not None:
        points = Fraction(part.points * (game.n_agents - 1))
        points = min(points, exact(part.budget) / cost) if part.budget and cost else points
        facts.append(fact("most that the others can give >= what free riding gains", effect * points, gain))
    kind = "rewards nobody in one round: points cost the giver, and gain it nothing"
    if not facts[0].holds:
        kind = "rewards at no cost: whoever gives points is indifferent"
    wealth = "creates" if effect > cost else "moves" if effect == cost else "destroys"
    return Certificate("", kind, tuple(facts), (finding("welfare", f"a point {wealth} wealth", effect - cost),))


@certificate_of("Institutions")
def institutions(part: Any, game: Game) -> Certificate:
    """The marginal return depends on how many share a house, so that few may have no dilemma."""
    multiplier = getattr(game.dilemma, "multiplier", None)  # type: ignore[attr-defined]
    if part.by != "feet" or multiplier is None:
        return Certificate("", f"{PAYS_NOTHING} by itself: it decides whether there are sanctions")
    n, factor = game.n_agents, exact(multiplier)
    shares = {m: factor / m for m in range(2, n + 1)}
    free = [m for m, share in shares.items() if share >= 1]
    text = ", ".join(f"{shown(share)} among {m}" for m, share in shares.items())
    facts = (fact("multiplier / 2 < 1", factor / 2, 1),)
    kind = "leaves the dilemma in every house of two or more, and adds sanctions to one"
    if free:
        kind = f"ends the dilemma in houses of up to {max(free)}, and adds sanctions to one house"
    return Certificate("", kind, facts, (finding("MPCR by house", text, {str(m): x for m, x in shares.items()}),))


# ---------------------------------------------------------------- errors, gifts, words


@certificate_of("Noise")
def noise(part: Any, game: Game) -> Certificate:
    """The game of intentions: each action is done with 1 - execution, the other with execution."""
    slip = exact(part.execution)
    four = four_of(game)
    facts = (fact("execution < 1/2", slip, Fraction(1, 2)),)
    form = normal_form(game) if four is not None else None
    if four is None or form is None or form.shape != (2, 2):
        return Certificate("", f"blurs what is done ({shown(slip)}) and seen ({part.perception:g})", facts)
    meant = _meant(four, slip)
    kind = next((name for name, order in readings(meant, ("R", "T", "S", "P")) if all(one.holds for one in order)), "")
    text = f"T = {shown(meant.temptation)}, R = {shown(meant.reward)}, P = {shown(meant.punishment)}, "
    text += f"S = {shown(meant.sucker)}"
    value = dict(T=meant.temptation, R=meant.reward, P=meant.punishment, S=meant.sucker, kind=kind)
    does = (
        f"leaves a game of intentions that is a {kind}" if kind else "leaves a game of intentions that has no name here"
    )
    return Certificate("", does, facts, (finding("intentions", text, value),))


def _meant(four: DilemmaPayoffs, slip: Fraction) -> DilemmaPayoffs:
    """Expected payoffs of meaning to cooperate or to defect."""
    table = {(0, 0): four.reward, (0, 1): four.sucker, (1, 0): four.temptation, (1, 1): four.punishment}

    def expected(a: int, b: int) -> Fraction:
        chance = {0: 1 - slip, 1: slip}
        return sum((chance[x] * chance[y] * table[a ^ x, b ^ y] for x in (0, 1) for y in (0, 1)), Fraction(0))

    return DilemmaPayoffs(expected(0, 0), expected(1, 0), expected(0, 1), expected(1, 1))


@certificate_of("Gift")
def gift(part: Any, game: Game) -> Certificate:
    """A gift costs its giver all of it, and is worth `multiplier` of it to the other."""
    facts = (
        fact("multiplier > 1", part.multiplier, 1),
        fact("most that can be given > 0", max(part.amounts), 0),
    )
    kind = "is given by nobody in one round: a gift costs all that it is"
    wealth = "creates" if facts[0].holds else "creates no"
    return Certificate("", kind, facts, (finding("welfare", f"giving {wealth} wealth", exact(part.multiplier) - 1),))


@certificate_of("Talk")
def talk(part: Any, game: Game) -> Certificate:
    """Words are free and bind nobody: what was an equilibrium is one, and where one action dominates no word helps."""
    gain = most_gained(game)
    four = four_of(game)
    kind = f"{PAYS_NOTHING}: words can coordinate, where there are several equilibria"
    if gain is not None and four is not None and four.greed > 0 and four.fear > 0:
        kind = f"{PAYS_NOTHING}: defecting gains whatever was said"
    return Certificate("", kind)


# ---------------------------------------------------------------- what others know, and whom one meets


@certificate_of("Reputation")
def reputation(part: Any, game: Game) -> Certificate:
    """A score is worth what others make of it."""
    return Certificate("", f"{PAYS_NOTHING}: a score is worth what others make of it later")


@certificate_of("Norm")
def norm(part: Any, game: Game) -> Certificate:
    """Whether to help the good alone is an equilibrium under a norm that looks at the act and the other's reputation.

    What one does decides one's own reputation until one's next encounter, in which a good one is helped: helping the
    good costs `cost` and brings (1 - 2 error) * benefit one encounter later, if the norm calls it good and its absence
    bad. Of the bad it brings nothing where the norm does not call helping them better than not.
    """
    known = NORMS.get(part.norm, part.norm)
    four = four_of(game)
    if part.private or not isinstance(known, int) or four is None or four.greed != four.fear or four.greed <= 0:
        return Certificate("", f"{PAYS_NOTHING}: a reputation is worth what others make of it later")
    cost, benefit = four.greed, four.temptation - four.punishment
    left_bad, left_good, helped_bad, helped_good = (known >> bit & 1 for bit in (3, 2, 1, 0))
    clear = 1 - 2 * exact(part.error)
    facts = (
        fact("verdict on helping the good > verdict on not helping them", helped_good, left_good),
        fact("verdict on helping the bad <= verdict on not helping them", helped_bad, left_bad),
        fact("(1 - 2 * error) * benefit > cost", clear * benefit, cost),
    )
    if not all(one.holds for one in facts):
        return Certificate("", "makes helping the good alone a strict equilibrium for no patience", facts)
    least = cost / (clear * benefit)
    kind = "makes helping the good alone a strict equilibrium of the patient"
    text = f"above a discount factor of {shown(least)}, from one of an agent's encounters to its next"
    return Certificate("", kind, facts, (finding("patience", text, least),))


def _worth(game: Game) -> tuple[Finding, ...]:
    """What one encounter more is worth."""
    four = four_of(game)
    if four is None:
        return ()
    r, t, s, p = map(shown, (four.reward, four.temptation, four.sucker, four.punishment))
    text = f"one more with a cooperator is worth {r} to a cooperator, {t} to a defector; with a defector {s} and {p}"
    value = dict(R=four.reward, T=four.temptation, S=four.sucker, P=four.punishment)
    return (finding("an encounter", text, value),)


@certificate_of("PartnerSelection")
def partner_selection(part: Any, game: Game) -> Certificate:
    """Being chosen is worth the encounter."""
    return Certificate("", f"{PAYS_NOTHING}: it lets agents meet those whom they would rather meet", (), _worth(game))


@certificate_of("Exit")
def leave(part: Any, game: Game) -> Certificate:
    """Being left costs the encounters that would have come."""
    return Certificate(
        "", f"{PAYS_NOTHING}: it lets agents leave those whom they would rather not meet", (), _worth(game)
    )
