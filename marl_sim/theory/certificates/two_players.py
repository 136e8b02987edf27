"""Two players who choose at once: the named dilemmas, each by the order of its payoffs, and any table."""

from __future__ import annotations

from typing import Any

from ...core.game import Game
from ..backward import shown
from ..form import NormalForm, exact
from ..indices import DilemmaPayoffs, dilemma_payoffs
from ..payoffs import normal_form
from ..repeated import tit_for_tat_delta, win_stay_lose_shift_delta
from .common import holding, indices, patience, replicator, solved
from .record import Certificate, Fact, Finding, fact, finding
from .registry import certificate_of

PRISONERS_DILEMMA, STAG_HUNT, CHICKEN = "prisoner's dilemma", "stag hunt", "chicken"
HARMONY = "no dilemma: harmony, cooperating is dominant"
DONATION, PURE_COORDINATION, BATTLE = "donation game", "pure coordination", "battle of the sexes"

# What reward, temptation, sucker and punishment are called in the options of each class.
NAMES = {
    "PrisonersDilemma": ("reward", "temptation", "sucker", "punishment"),
    "Harmony": ("reward", "temptation", "sucker", "punishment"),
    "DonationGame": ("benefit - cost", "benefit", "-cost", "0"),
    "StagHunt": ("stag", "temptation", "alone", "hare"),
    "Chicken": ("both_swerve", "win", "swerve", "crash"),
    "PureCoordination": ("match", "mismatch", "mismatch", "match"),
}


def readings(four: DilemmaPayoffs, names: tuple[str, ...]) -> list[tuple[str, tuple[Fact, ...]]]:
    """The classes of symmetric games by the inequalities that define them; the first that holds has the game."""
    r, t, s, p = zip(names, (four.reward, four.temptation, four.sucker, four.punishment), strict=True)

    def is_(a: tuple[str, Any], relation: str, b: tuple[str, Any]) -> Fact:
        return fact(f"{a[0]} {relation} {b[0]}", a[1], b[1])

    defect = (is_(t, ">", r), is_(r, ">", p), is_(p, ">", s))
    alike = (is_(r, ">", t), is_(p, ">", s), is_(r, ">", p))
    deadlock = (is_(t, ">", r), is_(p, ">", s), is_(p, ">=", r))
    turns = fact(f"2 * {_bracket(r[0])} > {t[0]} + {_bracket(s[0])}", 2 * r[1], t[1] + s[1])
    return [
        (PRISONERS_DILEMMA, (*defect, turns)),
        ("prisoner's dilemma in which taking turns at exploiting each other pays no less", defect),
        (STAG_HUNT, (is_(r, ">", p), is_(p, ">=", t), is_(t, ">", s))),
        ("assurance game: to do the same is best, to cooperate better", alike),
        (CHICKEN, (is_(t, ">", r), is_(r, ">", s), is_(s, ">", p))),
        (HARMONY, (is_(r, ">", t), is_(s, ">", p), is_(r, ">", p))),
        (PURE_COORDINATION, (is_(r, "=", p), is_(t, "=", s), is_(r, ">", t))),
        ("no dilemma: deadlock, defecting is dominant and better for both", deadlock),
    ]


def _bracket(name: str) -> str:
    return f"({name})" if name.startswith("-") or " - " in name else name


def classify(form: NormalForm, names: tuple[str, ...] = ("R", "T", "S", "P")) -> tuple[str, tuple[Fact, ...]]:
    """The class of a symmetric two-by-two game and the inequalities that it is by; "" and none where it has no name."""
    assert form.own is not None
    c, d = (0, 1) if form.cooperate is None or form.defect is None else (form.cooperate, form.defect)
    four = DilemmaPayoffs(form.own(c, c), form.own(d, c), form.own(c, d), form.own(d, d))
    for kind, facts in readings(four, names):
        if holding(facts):
            trivial = {f"{name} = {name}" for name in names}
            return kind, tuple(one for one in facts if one.claim not in trivial)
    return "", ()


@certificate_of("MatrixGame")
def table(part: Any, game: Game) -> Certificate:
    """Any table of two players, by what it is rather than by what it is called."""
    form = normal_form(game)
    kind, facts = "", tuple[Fact, ...]()
    if form.symmetric and form.shape == (2, 2):
        kind, facts = classify(form, NAMES.get(type(part).__name__, ("R", "T", "S", "P")))
    elif form.shape == (2, 2):
        kind, facts = battle(form)
    if not kind:
        sums = {sum(form.payoff((a, b))) for a in range(form.shape[0]) for b in range(form.shape[1])}
        kind = f"a two-player game of {form.shape[0]} x {form.shape[1]} actions that has no name here"
        if len(sums) == 1:
            kind = "no dilemma: constant-sum, what one gains the other loses"
    return Certificate(form.name, kind, facts, (*solved(form), *about(form, game)))


def battle(form: NormalForm) -> tuple[str, tuple[Fact, ...]]:
    """Whether both would rather meet than not, the row player at its first action and the other at its second."""
    (first, second), (apart, other) = (
        (form.payoff((0, 0)), form.payoff((1, 1))),
        (form.payoff((0, 1)), form.payoff((1, 0))),
    )
    facts = (
        fact("row's payoff at (0, 0) > row's at (1, 1)", first[0], second[0]),
        fact("row's payoff at (1, 1) > row's where they are apart", second[0], max(apart[0], other[0])),
        fact("column's payoff at (1, 1) > column's at (0, 0)", second[1], first[1]),
        fact("column's payoff at (0, 0) > column's where they are apart", first[1], max(apart[1], other[1])),
    )
    return (BATTLE, facts) if holding(facts) else ("", ())


@certificate_of("BattleOfTheSexes")
def battle_of_the_sexes(part: Any, game: Game) -> Certificate:
    """Two equilibria, each the favourite of one."""
    form = normal_form(game)
    facts = (
        fact("favourite > other", part.favourite, part.other),
        fact("other > apart", part.other, part.apart),
    )
    assert battle(form)[0] == BATTLE
    return Certificate(form.name, BATTLE, facts, (*solved(form), *about(form, game)))


@certificate_of("DonationGame")
def donation(part: Any, game: Game) -> Certificate:
    """A prisoner's dilemma whose temptation is as great among defectors as among cooperators."""
    form = normal_form(game)
    kind, order = classify(form, NAMES["DonationGame"])
    benefit, cost = exact(part.benefit), exact(part.cost)
    facts = (
        fact("benefit > cost", benefit, cost),
        fact("cost > 0", cost, 0),
        *order,
        fact("T - R = P - S", *_switching(dilemma_payoffs(form))),
    )
    return Certificate(form.name, f"{DONATION}, a {kind}", facts, (*solved(form), *about(form, game)))


def _switching(four: DilemmaPayoffs) -> tuple[Any, Any]:
    return four.greed, four.fear


def about(form: NormalForm, game: Game) -> tuple[Finding, ...]:
    """What a symmetric game of cooperating and defecting says beyond one round of two."""
    if not form.symmetric or form.shape != (2, 2):
        return ()
    if form.cooperate is None:
        return replicator(form)
    four = dilemma_payoffs(form)
    return (
        *indices(form),
        *switching(four),
        *safer(form, four),
        *replicator(form),
        *patience(form, game),
        *plans(four),
    )


def switching(four: DilemmaPayoffs) -> tuple[Finding, ...]:
    """Equal gains from switching: a donation game in other words."""
    if four.greed != four.fear or four.greed <= 0:
        return ()
    benefit = four.temptation - four.punishment
    text = f"as a donation game of benefit {shown(benefit)} and cost {shown(four.greed)}"
    return (finding("gains from switching equal", text, {"benefit": benefit, "cost": four.greed}),)


def safer(form: NormalForm, four: DilemmaPayoffs) -> tuple[Finding, ...]:
    """Of two strict equilibria, the one that is best against a coin (Harsanyi & Selten 1988)."""
    if not (four.greed < 0 < four.fear):
        return ()
    assert form.cooperate is not None
    assert form.defect is not None
    stag, hare = form.actions[0][form.cooperate], form.actions[0][form.defect]
    if -four.greed == four.fear:
        return (
            finding("risk dominance", f"neither: {stag} loses {shown(four.fear)} where it fails, as does {hare}", None),
        )
    safe = hare if four.fear > -four.greed else stag
    why = f"{hare} loses {shown(-four.greed)} where it fails, {stag} {shown(four.fear)}"
    return (finding("risk dominance", f"{safe}: {why}", safe),)


def plans(four: DilemmaPayoffs) -> tuple[Finding, ...]:
    """Other plans that keep cooperation in a repeated prisoner's dilemma, by their least discount factors."""
    r, t, s, p = four.reward, four.temptation, four.sucker, four.punishment
    if not t > r > p > s:
        return ()
    found = (
        ("tit for tat", tit_for_tat_delta(t, r, p, s), "is a best reply to itself"),
        ("win-stay lose-shift", win_stay_lose_shift_delta(t, r, p), "is an equilibrium"),
    )
    return tuple(
        finding(
            name,
            f"{what} from a discount factor of {shown(least)} on" if least < 1 else f"{what} for no discount factor",
            least,
        )
        for name, least, what in found
    )
