"""What every solution by backward induction keeps: by brute force over histories, the normal form, the simulator."""

import itertools
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_games import mac

import marl_sim as ms
from marl_sim.theory import normal_form, spne
from marl_sim.theory.certificates.turns import ends
from marl_sim.theory.sequences import moves

GAMES = [
    mac(3, 5, B=2.4, penalty=0.8),
    mac(3, 5, gamma=0.5, B=0, penalty=0),
    mac(4, 3, bonus="mean", B=0.7, scale="mean", penalty=1.0),
    mac(3, 4, bonus="const", B=1, penalty=0.5),
    ms.Group(ms.PublicGoods(order="fixed", levels=4), n_agents=3),
    ms.Group(ms.ThresholdPublicGoods(order="fixed", levels=5, refund=True), n_agents=3),
    ms.Group(ms.NPlayerStagHunt(order="fixed"), n_agents=4),
    ms.Society(ms.Centipede(iterations=3)),
    ms.Society(ms.Centipede(form="exponential", iterations=2)),
    ms.Society(ms.TrustGame(levels=4, shares=4)),
    ms.Society(ms.UltimatumGame(levels=4)),
    ms.Society(ms.DictatorGame(levels=4)),
    ms.Society(ms.GiftExchange(levels=4)),
]
NAMES = [type(game.dilemma).__name__ for game in GAMES]


@pytest.mark.parametrize("ties", ["high", "low"])
@pytest.mark.parametrize("game", GAMES, ids=NAMES)
def test_nobody_gains_by_deviating_once_at_any_state(game, ties):
    """By brute force over all histories: follow the policy from there, or do any one other thing first."""
    tree, found = moves(game), spne(game, ties=ties)

    def play_on(path, depth, state):
        while depth < len(tree.movers):
            choice = found.policy[tree.movers[depth]][state]
            path, state = (*path, choice), tree.after(depth, state, choice)
            depth = len(tree.movers) if type(state).__name__ == "Over" else depth + 1
        return tree.payoffs(path)

    def check(path, depth, state):
        mover, count = tree.movers[depth], 1
        kept = play_on(path, depth, state)[mover]
        for choice in tree.choices(depth, state):
            after = tree.after(depth, state, choice)
            last = depth + 1 == len(tree.movers) or type(after).__name__ == "Over"
            other = tree.payoffs((*path, choice)) if last else play_on((*path, choice), depth + 1, after)
            assert other[mover] <= kept, (path, choice)
            if not last:
                count += check((*path, choice), depth + 1, after)
        return count

    (root,) = tree.states(0)
    assert check((), 0, root) >= len(tree.movers)
    assert found.payoffs == play_on((), 0, root)


def all_paths(game):
    """Paths of all pure subgame-perfect equilibria, by enumerating what each subgame allows, history by history."""
    tree = moves(game)

    def of(path, depth, state):
        mover, found = tree.movers[depth], []
        for choice in tree.choices(depth, state):
            after = tree.after(depth, state, choice)
            last = depth + 1 == len(tree.movers) or type(after).__name__ == "Over"
            found.append([(*path, choice)] if last else of((*path, choice), depth + 1, after))
        kept = set()
        for picked in itertools.product(*found):  # one equilibrium of every subgame that follows
            worths = [tree.payoffs(end)[mover] for end in picked]
            kept |= {end for end, worth in zip(picked, worths) if worth == max(worths)}
        return sorted(kept, key=str)

    return of((), 0, next(iter(tree.states(0))))


@settings(max_examples=60)
@given(
    n=st.integers(2, 3),
    gamma=st.integers(0, 4),
    rho=st.integers(0, 6),
    B=st.integers(0, 6),
    penalty=st.integers(0, 4),
)
def test_unique_means_that_no_other_path_is_an_equilibrium(n, gamma, rho, B, penalty):
    game = mac(n, 2, rho=F(rho, 2), gamma=F(gamma, 2), B=F(min(B, 2 * n), 2), penalty=F(penalty, 2))
    paths = all_paths(game)
    for ties in ("high", "low"):
        found = spne(game, ties=ties)
        assert found.path in paths
        assert found.unique == (len(paths) == 1)
        assert found.unique or found.ties


@pytest.mark.parametrize("game", GAMES[:7], ids=NAMES[:7])
def test_every_path_pays_what_the_normal_form_says(game):
    """The same formulae, written for totals here and for profiles there."""
    form, tree, unit = normal_form(game, at_once=True), moves(game), game.dilemma.levels - 1
    for profile in form.profiles():
        path = tuple(F(str(game.dilemma.endowment)) * k / unit for k in profile)
        assert tree.payoffs(path) == tuple(form.payoff(profile)), profile


@pytest.mark.parametrize("game", GAMES[9:], ids=NAMES[9:])
def test_every_end_of_the_classics_pays_what_the_game_says(game):
    """Ends in the order of the game's own table, the answers of the ultimatum game being the other way round."""
    got = [tuple(map(float, moves(game).payoffs(path))) for path in ends(moves(game))]
    table = game.dilemma.payoffs[:, ::-1] if isinstance(game.dilemma, ms.UltimatumGame) else game.dilemma.payoffs
    want = [tuple(pay) for pay in table.reshape(-1, 2)]
    if isinstance(game.dilemma, ms.TrustGame):  # of nothing, all shares are one
        want = want[game.dilemma.shares - 1 :]
    assert got == [pytest.approx(pay) for pay in want]


def test_both_tie_breaks_may_follow_one_of_several_equilibrium_paths():
    """Who is indifferent could answer one deviation high and another low, which neither tie-break does."""
    game = mac(4, 1, rho=1, gamma=0.5, B=0, penalty=0)
    high, low = spne(game, ties="high"), spne(game, ties="low")
    assert high.path == low.path == (0, 0, 0, 0)
    assert len(all_paths(game)) > 1
    assert not high.unique
    assert not low.unique


@pytest.mark.parametrize("ties", ["high", "low"])
@pytest.mark.parametrize(
    "game", [game for game in GAMES if isinstance(game, ms.Group)], ids=lambda g: type(g.dilemma).__name__
)
def test_the_path_pays_in_the_simulator_what_it_should(game, ties):
    found = spne(game, ties=ties)
    unit = game.dilemma.levels - 1
    top = F(str(game.dilemma.endowment))
    sim = ms.Simulator(ms.Group(game.dilemma, n_agents=game.n_agents, horizon=ms.Fixed(1)), num_envs=1)
    sim.reset()
    total = np.zeros(game.n_agents)
    for mover, contribution in enumerate(found.path):
        actions = np.zeros((1, game.n_agents), dtype=int)
        actions[0, mover] = int(contribution / top * unit)
        total += sim.step(actions).reward[0]
    assert total.tolist() == pytest.approx([float(x) for x in found.payoffs])
