"""Groups who contribute to a common cause: linear and threshold public goods, and many players of two actions."""

from __future__ import annotations

import dataclasses
from fractions import Fraction
from typing import Any

from ...core.game import Game
from ...core.group import Group
from ..backward import shown
from ..form import NormalForm, exact
from ..payoffs import grid, normal_form
from .common import indices, order, patience, replicator, solved
from .record import Certificate, Fact, Finding, fact, finding
from .registry import certificate_of

PUBLIC_GOODS = "linear public goods dilemma"
PROVISION_POINT = "provision point"
N_PLAYER_PD, N_PLAYER_STAG_HUNT = "n-player prisoner's dilemma", "n-player stag hunt"
VOLUNTEERS = "volunteer's dilemma"
MAC_SPGG = "sequential public good with a bonus and a penalty"


def at_once(part: Any, game: Game) -> tuple[NormalForm | None, tuple[Finding, ...]]:
    """One round in normal form with what is solved of it; in order, its equilibrium path instead."""
    unseen = part.sees == "none" and part.order in ("fixed", "random")
    if part.order != "together" and not unseen:
        return None, order(game)
    note: tuple[Finding, ...] = ()
    if getattr(part, "box", False):
        part = dataclasses.replace(part, box=False)
        note = (finding("grid", f"any amount can be given; below, {part.levels} of them can"),)
    try:
        form = normal_form(Group(part, n_agents=game.n_agents, horizon=game.horizon))
    except ValueError as refusal:
        return None, (finding("equilibria", f"not enumerated: {refusal}"),)
    return form, (*note, *solved(form))


def beyond(form: NormalForm | None, game: Game) -> tuple[Finding, ...]:
    """Indices, dynamics and patience of a game in normal form."""
    if form is None or not form.symmetric:
        return ()
    evolving = replicator(form) if form.shape[0] == 2 else ()
    return (*indices(form), *evolving, *patience(form, game))


@certificate_of("PublicGoods")
def public_goods(part: Any, game: Game) -> Certificate:
    """A dilemma exactly if 1/n < MPCR < 1 (Ledyard 1995)."""
    n, multiplier = game.n_agents, exact(part.multiplier)
    share = multiplier / n
    facts = (
        fact("multiplier / n_agents < 1", share, 1),
        fact("multiplier / n_agents > 1 / n_agents", share, Fraction(1, n)),
    )
    kind = PUBLIC_GOODS
    if share > 1:
        kind = "no dilemma: contributing is dominant"
    elif share == 1:
        kind = "no dilemma: what one gives comes back to oneself, and everything is an equilibrium"
    elif multiplier < 1:
        kind = "no dilemma: contributing is dominated, and worse for all"
    elif multiplier == 1:
        kind = "no dilemma: contributing is dominated, and all together neither gain nor lose by it"
    form, found = at_once(part, game)
    window = finding(
        "MPCR", f"{shown(share)}; it is a dilemma between {shown(Fraction(1, n))} and 1", {"mpcr": share, "n": n}
    )
    return Certificate("", kind, facts, (window, *found, *beyond(form, game)))


@certificate_of("ThresholdPublicGoods")
def provision_point(part: Any, game: Game) -> Certificate:
    """Whether the good is worth its threshold, whether all would give enough together, and whether one would alone."""
    n, threshold, value, endowment = game.n_agents, *map(exact, (part.threshold, part.value, part.endowment))
    step = Fraction(0) if part.box else grid(part)[1]
    needed, most = threshold, min(value, endowment)
    if step:
        needed, most = -(-threshold // step) * step, most // step * step
    name = "threshold" if needed == threshold else "threshold on the grid"
    worth = fact(f"n_agents * value > {name}", n * value, needed)
    enough = fact(f"n_agents * the most that one would give >= {name}", n * most, needed)
    alone = fact(f"{name} > endowment", needed, endowment)
    if not alone.holds:
        alone = fact(f"{name} >= value", needed, value)
    kind = f"{PROVISION_POINT} (in equilibrium just enough is given, or {'too little' if part.refund else 'nothing'})"
    if not worth.holds:
        kind = "no dilemma: the good is not worth its threshold"
    elif not enough.holds:
        kind = f"{PROVISION_POINT} (in equilibrium it is missed: nobody would give as much as is needed of each)"
    elif not alone.holds:
        kind = f"{PROVISION_POINT} (in equilibrium just enough is given: one alone would give it)"
    share = threshold / n
    fair = f"all give {shown(share)}: {'an' if share <= value else 'no'} equilibrium"
    if step and share % step:
        fair = f"{shown(share)} is no amount of the grid, whose step is {shown(step)}"
    form, found = at_once(part, game)
    facts = (worth, enough, alone)
    return Certificate("", kind, facts, (finding("fair shares", fair, share), *found, *beyond(form, game)))


@certificate_of("NPlayerPrisonersDilemma")
def n_player_prisoners_dilemma(part: Any, game: Game) -> Certificate:
    """To cooperate costs more than it brings oneself, and less than it brings all (Hamburger 1973)."""
    n, benefit, cost = game.n_agents, exact(part.benefit), exact(part.cost)
    facts = (fact("benefit > cost", benefit, cost), fact("cost > benefit / n_agents", cost, benefit / n))
    form, found = at_once(part, game)
    return Certificate("", N_PLAYER_PD, facts, (*found, *beyond(form, game)))


@certificate_of("NPlayerStagHunt")
def n_player_stag_hunt(part: Any, game: Game) -> Certificate:
    """Nobody hunts alone; with enough others it pays to be the last who is needed (Pacheco et al. 2009)."""
    n, factor, least = game.n_agents, exact(part.multiplier), part.threshold
    pivotal = fact("multiplier * threshold > n_agents", factor * least, n)
    facts = (fact("threshold > 1", least, 1), fact("multiplier > 1", factor, 1), pivotal)
    if not pivotal.holds:
        kind = f"{N_PLAYER_PD} (even the last hunter who is needed gains nothing by hunting)"
    elif factor >= n or least == n:
        kind = f"{N_PLAYER_STAG_HUNT} (all hunt, or nobody)"
    else:
        kind = f"{N_PLAYER_STAG_HUNT} (just {least} hunt, or nobody)"
    form, found = at_once(part, game)
    return Certificate("", kind, facts, (*found, *beyond(form, game)))


@certificate_of("VolunteersDilemma")
def volunteers_dilemma(part: Any, game: Game) -> Certificate:
    """One volunteer is worth it to everybody, herself included, and everybody would rather it were another."""
    n, benefit, cost = game.n_agents, exact(part.benefit), exact(part.cost)
    facts = (fact("benefit > cost", benefit, cost), fact("cost > 0", cost, 0))
    wait = float(cost / benefit) ** (1 / (n - 1))
    none = wait**n
    text = f"all wait with probability (cost / benefit)^(1 / (n - 1)) = {wait:.6g}; nobody volunteers with {none:.6g}"
    mixed = finding("alike", text, {"waits": wait, "nobody": none})
    form, found = at_once(part, game)
    return Certificate("", VOLUNTEERS, facts, (*found, mixed, *beyond(form, game)))


@certificate_of("MacSPGG")
def mac_spgg(part: Any, game: Game) -> Certificate:
    """The net cost of giving, and the two conditions that make giving everything the only path of an equilibrium."""
    n, endowment = game.n_agents, exact(part.endowment)
    net = exact(part.kappa) - exact(part.rho) / n
    of_mean = part.scale == "mean"
    facts = (
        fact("kappa > rho / n_agents", part.kappa, exact(part.rho) / n),
        fact("rho > kappa", part.rho, part.kappa),
        fact("B = endowment" if of_mean else "B = n_agents * endowment", part.B, endowment * (1 if of_mean else n)),
        fact("penalty > (kappa - rho / n_agents) * endowment", part.penalty, net * endowment),
    )
    form, found = at_once(part, game)
    return Certificate(
        "", _mac_kind(part, game, facts, found), facts, (*_trigger(part, net), *found, *beyond(form, game))
    )


def _mac_kind(part: Any, game: Game, facts: tuple[Fact, ...], found: tuple[Finding, ...]) -> str:
    """By the equilibrium itself where it is solved, whoever is indifferent."""
    if part.order == "together":
        return "public good with a penalty, given at once" if facts[0].holds else "no dilemma: contributing is dominant"
    everything = game.n_agents * exact(part.endowment)
    paths = [one.value for one in found if one.name.startswith("SPNE")]
    shares = sorted({sum(one["path"]) / everything for one in paths})
    if not shares:
        return (
            f"{MAC_SPGG} (as at once, since nobody sees what was given)"
            if part.sees == "none"
            else f"{MAC_SPGG} (not solved)"
        )
    if shares == [1] and all(one["unique"] for one in paths):
        return f"{MAC_SPGG} (everybody gives everything: the only equilibrium path)"
    given = " or ".join(shown(share) for share in shares)
    return f"{MAC_SPGG} (in equilibrium a share of {given} of everything is given)"


def _trigger(part: Any, net: Fraction) -> tuple[Finding, ...]:
    """The total from which on the bonus pays for giving by itself."""
    if part.bonus == "const" or part.gamma == 0 or part.order == "together":
        return (finding("trigger", "none: no bonus for one's own contribution", None),)
    theta = max(net / exact(part.gamma), Fraction(0))
    what = "given before one" if part.bonus == "prod" else "given on average before one"
    return (finding("trigger", f"from {shown(theta)} {what}, (kappa - rho / n) / gamma, giving pays by itself", theta),)
