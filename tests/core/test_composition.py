"""Games are put together or refused, in one sentence that names the option, its value and what is allowed."""

import pickle

import numpy as np
import pytest

import marl_sim as ms


@pytest.mark.parametrize(
    ("build", "sentence"),
    [
        (lambda: ms.Society(ms.PrisonersDilemma(), n_agents=1), "n_agents must be at least 2, .* got 1"),
        (lambda: ms.Society(ms.PrisonersDilemma(), n_agents=2.5), "n_agents must be a whole number .*; got 2.5"),
        (lambda: ms.Society(ms.PrisonersDilemma(), n_agents="two"), "n_agents must be a whole number .*; got 'two'"),
        (lambda: ms.Society(ms.Reputation()), "a society needs a dilemma first"),
        (lambda: ms.Society(ms.PrisonersDilemma(), "punishment"), "a mechanism was expected, such as .*; got 'punish"),
        (lambda: ms.Society(ms.PrisonersDilemma(), ms.Reputation(), ms.Reputation()), "Reputation is given twice"),
        (
            lambda: ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), ms.RandomMatching()),
            "only one mechanism can decide who meets whom; got PartnerSelection and RandomMatching",
        ),
        (lambda: ms.Society(ms.PrisonersDilemma(), encounters="sideways"), "encounters must be 'together' or"),
        (lambda: ms.Society(ms.PrisonersDilemma(), encode="binary"), "encode must be 'one_hot' or .*; got 'binary'"),
        (lambda: ms.Society(ms.PrisonersDilemma(), memory=0), "memory must be a whole number of at least 1; got 0"),
        (lambda: ms.PrisonersDilemma(temptation=2), "PrisonersDilemma needs temptation > reward .*; got temptation=2"),
        (lambda: ms.PrisonersDilemma(reward=float("nan")), "PrisonersDilemma: reward must be a finite number; got nan"),
        (lambda: ms.Punishment(fine=float("inf")), "Punishment: fine must be a finite number; got inf"),
        (lambda: ms.Punishment(fine="3"), "Punishment: fine must be a number; got '3'"),
        (lambda: ms.Punishment(witnesses=1.5), "Punishment: witnesses must be a whole number; got 1.5"),
        (lambda: ms.Punishment(by="everyone"), r"Punishment: unknown value for by: 'everyone' \(allowed: both"),
        (lambda: ms.PartnerSelection(consent=1), "PartnerSelection: consent must be True or False; got 1"),
        (lambda: ms.Reputation(seen_in="play"), "Reputation: seen_in must be a tuple of words; got 'play'"),
        (lambda: ms.Geometric(1.0), "Geometric: continuation must be from 0 to below 1; got 1.0"),
        (lambda: ms.Fixed(0), "Fixed: rounds must be at least 1; got 0"),
        (lambda: ms.make("prisoner_dilemma"), "unknown game 'prisoner_dilemma'; did you mean 'prisoners_dilemma'"),
        (lambda: ms.make("society", nois=0.1), "society: unknown option 'nois'; did you mean 'noise'"),
        (lambda: ms.Society(ms.PrisonersDilemma(), n_agents=3, graph=np.eye(3)), "graph must give every agent a neigh"),
        (lambda: ms.Society(ms.PrisonersDilemma(), n_agents=3, graph=np.eye(4)), r"array of shape \(3, 3\); got shape"),
    ],
)
def test_refusals(build, sentence):
    with pytest.raises(ValueError, match=sentence) as caught:
        build()
    assert "\n" not in str(caught.value)


def test_a_word_is_not_taken_for_a_misspelling_of_itself():
    for given in ("1", -1):
        with pytest.raises(ValueError, match=rf"unknown value for level: {given!r} \(allowed: 0, 1, 2\)"):
            ms.make("safe_interruptibility", level=given)


def test_unknown_options_of_a_part_are_refused_with_the_nearest():
    with pytest.raises(TypeError, match="Punishment: unknown option 'fines'; did you mean 'fine'"):
        ms.Punishment(fines=3)


class Misspelt(ms.Mechanism):
    def reactions(self, game):
        return {"aftr:play": []}


def test_an_event_that_never_comes_is_refused():
    with pytest.raises(ValueError, match="Misspelt: unknown event 'aftr:play'"):
        ms.Society(ms.PrisonersDilemma(), Misspelt())


@pytest.mark.parametrize("horizon", [10, "fixed"])
def test_a_horizon_that_is_none_is_refused(horizon):
    with pytest.raises(ValueError, match="horizon must be Fixed"):
        ms.Society(ms.PrisonersDilemma(), horizon=horizon)
    with pytest.raises(ValueError, match="give it as horizon="):
        ms.Society(ms.PrisonersDilemma(), ms.Fixed(10))


class OnlyOpening(ms.Mechanism):
    def stages(self, game):
        return [ms.Stage("vow", ("no", "yes"), opening=True)]


def test_a_game_without_a_stage_a_round_is_refused():
    with pytest.raises(ValueError, match="at least one stage that comes every round; got none from only_opening"):
        ms.Game(OnlyOpening(), n_agents=2)


def test_equal_arguments_make_equal_games():
    def build(edge=1):
        ring = np.roll(np.eye(40, dtype=int), edge, axis=1)
        return ms.Society(ms.PrisonersDilemma(), ms.Reputation(), n_agents=40, graph=ring + ring.T)

    assert build() == build()
    assert hash(build()) == hash(build())
    assert build() != build(2)  # although numpy shows both arrays alike
    assert pickle.loads(pickle.dumps(build())) == build()
    assert ms.Society(ms.PrisonersDilemma()) != ms.Society(ms.PrisonersDilemma(), horizon=ms.Fixed(3))


def test_a_networkx_graph_survives_pickling():
    networkx = pytest.importorskip("networkx")
    graph = networkx.connected_caveman_graph(2, 4)
    game = ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), n_agents=8, graph=graph)
    assert pickle.loads(pickle.dumps(game)) == game
    assert game.peers.shape[1] == max(dict(graph.degree).values())


def test_the_layout_tiles_the_observation():
    game = ms.make("society")
    covered = np.zeros(game.obs_dim, dtype=int)
    for slot in game.layout.slots:
        covered[slot.start : slot.stop] += 1
    assert (covered == 1).all()
    for kind in game.kinds:
        block = game.layout.block(kind)
        inside = [slot for slot in game.layout.slots if slot.kind == kind]
        assert sum(slot.stop - slot.start for slot in inside) == block.stop - block.start


def test_index_coding_gives_levels_and_one_hot_coding_gives_groups():
    one_hot, index = (
        ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), n_agents=4, encode=how) for how in ("one_hot", "index")
    )
    assert index.layout.levels("play") == (3, 3)
    assert one_hot.layout.levels("play") is None
    a, b = ms.Simulator(one_hot, 5), ms.Simulator(index, 5)
    a.reset(), b.reset()
    for t in range(30):
        for kind in one_hot.kinds:
            groups = a.obs[:, :, one_hot.layout.block(kind)].reshape(5, 4, -1, 3)
            here = groups.any((2, 3))
            numbers = b.obs[:, :, index.layout.block(kind)]
            assert (groups.argmax(3)[here] == numbers[here]).all()
        actions = np.where(a.acting, t % 2, 0)
        a.step(actions), b.step(actions)
