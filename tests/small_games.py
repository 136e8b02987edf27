"""Games for the tests of theory, and what they are checked against: brute force, in the plainest words."""

import itertools
from fractions import Fraction

from hypothesis import strategies as st

import marl_sim as ms
from marl_sim.theory import NormalForm

PD = [[(3, 3), (0, 4)], [(4, 0), (1, 1)]]
PENNIES = [[(1, -1), (-1, 1)], [(-1, 1), (1, -1)]]
ROCK_PAPER_SCISSORS = [[(0, 0), (-1, 1), (1, -1)], [(1, -1), (0, 0), (-1, 1)], [(-1, 1), (1, -1), (0, 0)]]


def many(own, n, actions=("defect", "cooperate"), name="game"):
    """A symmetric game of n players, the last action cooperating."""
    return NormalForm([actions] * n, own=own, name=name, cooperate=len(actions) - 1, defect=0)


def volunteers(n, benefit=Fraction(2), cost=Fraction(1)):
    return many(lambda a, t: benefit * (a + t > 0) - cost * a, n, ("wait", "volunteer"))


def public_goods(n, multiplier, levels=3, endowment=Fraction(20)):
    step = endowment / (levels - 1)
    return many(
        lambda a, t: endowment - step * a + Fraction(multiplier) / n * step * (a + t), n, list(map(str, range(levels)))
    )


def stag_hunters(n, threshold, factor):
    return many(lambda a, t: (Fraction(factor) * (a + t) / n if a + t >= threshold else Fraction(0)) - a, n)


def mac(n=3, steps=20, **options):
    """MAC-SPGG-style contributions of 0, 1/steps, ..., 1 in a fixed order."""
    numbers = {name: float(x) if isinstance(x, Fraction) else x for name, x in options.items()}
    part = ms.MacSPGG(levels=steps + 1, order="fixed", **numbers)
    return ms.Group(part, n_agents=n, horizon=ms.Fixed(1))


def unaware(form):
    """The same game, with nothing known of its symmetry."""
    return NormalForm(form.actions, form.payoff, players=form.players, name=form.name)


def deviations(form, profile):
    """All (player, profile) that one player can make of a profile by itself."""
    for i in range(form.n):
        for a in range(form.shape[i]):
            yield i, (*profile[:i], a, *profile[i + 1 :])


def stays(form, profile):
    """Whether a profile is an equilibrium, by trying everything."""
    return all(form.payoff(other)[i] <= form.payoff(profile)[i] for i, other in deviations(form, profile))


def everything(form):
    return list(itertools.product(*(range(count) for count in form.shape)))


small = st.integers(-3, 3)  # few values, so that ties and degenerate games are common


@st.composite
def games(draw, players=(2, 3), most=3):
    """Any small game, with many ties."""
    shape = [draw(st.integers(1, most)) for _ in range(draw(st.integers(*players)))]
    table = {at: [draw(small) for _ in shape] for at in itertools.product(*map(range, shape))}
    return NormalForm([list(map(str, range(k))) for k in shape], lambda at: [Fraction(x) for x in table[at]])


@st.composite
def symmetric_games(draw, players=(2, 5), most=3):
    """Any small symmetric game of players who care for the sum of the others' actions."""
    n, count = draw(st.integers(*players)), draw(st.integers(2, most))
    table = [[Fraction(draw(small)) for _ in range((n - 1) * (count - 1) + 1)] for _ in range(count)]
    return many(lambda a, t: table[a][t], n, list(map(str, range(count))))
