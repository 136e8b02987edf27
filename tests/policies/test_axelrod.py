"""Strategies of the Axelrod library in our seats, and ours against theirs of the same name, move by move."""

import importlib.util
import sys

import numpy as np
import pytest
from scripted_tables import PAIR, POLICIES, C, D, letters

import marl_sim as ms
from marl_sim.policies import Seats, View
from marl_sim.policies import axelrod as seat
from marl_sim.policies.axelrod import TWINS

needs_it = pytest.mark.skipif(
    importlib.util.find_spec("axelrod") is None, reason="the Axelrod library is missing: pip install axelrod"
)

THIRTY = (
    "TitForTat", "TitFor2Tats", "Grudger", "WinStayLoseShift", "Random", "GTFT", "FirstByJoss", "FirstByDowning",
    "FirstByTullock", "FirstByFeld", "FirstByGraaskamp", "FirstByNydegger", "FirstBySteinAndRapoport",
    "SecondByChampion",
    "SecondByBorufsen", "SecondByCave", "SecondByEatherley", "SecondByGetzler", "SecondByTester", "OmegaTFT", "Gradual",
    "ContriteTitForTat", "ZDExtort2", "ZDSet2", "Adaptive", "HardProber", "CollectiveStrategy", "BackStabber",
    "EvolvedLookerUp2_2_2", "EvolvedFSM16", "DoubleCrosser", "MetaHunter", "RiskyQLearner",
)  # fmt: skip
OPPONENTS = ("TitForTat", "Random", "Alternator")
STANDARD = ms.Society(
    ms.PrisonersDilemma(reward=3, temptation=5, sucker=0, punishment=1), horizon=ms.Continuing(100_000)
)


@needs_it
@pytest.mark.parametrize("ours", TWINS)
def test_ours_do_what_theirs_do(ours, monkeypatch):
    """Whatever the other does and however their own hands slip, with the same draws where they draw."""
    import axelrod as axl

    theirs, options = TWINS[ours]
    moves = (axl.Action.C, axl.Action.D)
    rng = np.random.default_rng(7)
    worlds, rounds = 60, 45
    temper = rng.choice([0.05, 0.3, 0.5, 0.8], size=(worlds, 1))
    other, slips = rng.random((worlds, rounds)) < temper, rng.random((worlds, rounds)) < 0.1
    draws = rng.random((rounds + 1, worlds))
    sim = ms.Simulator(STANDARD, worlds, seed=0)
    sim.reset()
    seats = Seats(sim, {0: ms.as_policy(ours)})
    monkeypatch.setattr(View, "uniform", lambda view: draws[view.turn[0]])
    wanted, done = np.empty((2, worlds, rounds), int)
    for t in range(rounds):
        actions = np.zeros((worlds, 2), int)
        seats.choose(actions)
        wanted[:, t] = actions[:, 0]
        actions[:, 0] ^= slips[:, t]
        actions[:, 1] = other[:, t]
        done[:, t] = actions[:, 0]
        seats.saw(sim.step(actions), actions)

    class Given(axl.RandomGenerator):
        def random(self, *_):
            return draws[self.turn, self.world]

    for world in range(worlds):
        player, opponent = getattr(axl, theirs)(**options), axl.MockPlayer()
        player.set_match_attributes(length=-1, game=axl.Game(r=3, s=0, t=5, p=1), noise=0.1)
        player._random = Given()
        player._random.world = world
        for t in range(rounds):
            player._random.turn = t
            move = moves.index(player.strategy(opponent))
            assert move == wanted[world, t], (letters(wanted[world, : t + 1]), letters(other[world, :t].astype(int)))
            own, his = moves[done[world, t]], moves[int(other[world, t])]
            player.update_history(own, his)
            opponent.update_history(his, own)


@needs_it
def test_contrite_tit_for_tat_is_theirs_where_no_hand_slips():
    import axelrod as axl

    rng, moves = np.random.default_rng(3), (axl.Action.C, axl.Action.D)
    for _ in range(30):
        other = [moves[k] for k in (rng.random(30) < 0.4).astype(int)]
        match = axl.Match((axl.ContriteTitForTat(), axl.MockPlayer(other)), turns=30)
        from scripted_tables import faced

        wanted = faced(POLICIES["ContriteTitForTat"](), None, [[moves.index(one) for one in other]])[0, :30]
        assert [moves.index(pair[0]) for pair in match.play()] == wanted.tolist()


# ---------------------------------------------------------------- theirs in our seats

NOISE, ROUNDS = 0.1, 60


def transcript(strategies, opponents, noise):
    """Matches of all with all, as worlds of one game: [worlds, rounds, 2] as chosen and as done, and their seeds."""
    pairs = [(one, two) for one in strategies for two in opponents]
    parts = (ms.Noise(execution=noise),) if noise else ()
    game = ms.Society(ms.PrisonersDilemma(temptation=5), *parts, horizon=ms.Fixed(ROUNDS + 1))
    sim = ms.Simulator(game, len(pairs), seed=11)
    sim.reset()
    policies = [ms.as_policy(f"axelrod:{one}") for pair in pairs for one in pair]
    rows = [(np.array([k // 2]), np.array([k % 2])) for k in range(len(policies))]
    seats = Seats(sim, list(zip(policies, rows, strict=True)))
    chosen, done = np.empty((2, len(pairs), ROUNDS, 2), int)
    for t in range(ROUNDS):
        actions = np.zeros((len(pairs), 2), int)
        seats.choose(actions)
        chosen[:, t] = actions
        seats.saw(sim.step(actions), actions)
        done[:, t] = sim.state["did"][:, :, 0]
    seeds = [match.player._seed for player in seats.players for match in player.store["matches"].values()]
    return pairs, chosen, done, np.array(seeds).reshape(-1, 2)


@needs_it
@pytest.mark.parametrize("noise", [0, NOISE])
def test_a_match_here_is_a_match_there(noise):
    """axelrod.Match, given our seeds and our slips of the hand, plays what is played at our table."""
    import axelrod as axl

    pairs, chosen, done, seeds = transcript(THIRTY, OPPONENTS, noise)
    assert len(pairs) >= 30 * 3
    assert (chosen != done).any() == bool(noise)
    assert len(np.unique(seeds)) == seeds.size

    class Given(axl.RandomGenerator):
        """Hands out our seeds to players that draw, and our slips."""

        def random_seed_int(self):
            return int(self.seeds.pop(0))

        def random_flip(self, action, threshold):
            return action.flip() if self.slips.pop(0) else action

    attributes = dict(length=ROUNDS + 1, game=axl.Game(r=3, s=0, t=5, p=1), noise=noise)
    for world, names in enumerate(pairs):
        players = [getattr(axl, name)() for name in names]
        match = axl.Match(players, turns=ROUNDS, game=attributes["game"], noise=noise, match_attributes=attributes)
        match._random = Given()
        drawing = [axl.Classifiers["stochastic"](player) for player in players]
        match._random.seeds = [seed for seed, draws in zip(seeds[world], drawing, strict=True) if draws]
        match._random.slips = (chosen[world] != done[world]).reshape(-1).tolist()
        theirs = "".join(str(a) + str(b) for a, b in match.play())
        assert theirs == letters(done[world].reshape(-1)), names


@needs_it
def test_rows_are_alone_what_they_are_among_many_and_resume():
    game = ms.Society(ms.PrisonersDilemma(), ms.Noise(execution=0.1), n_agents=4, horizon=ms.Continuing(7))

    def play(num_envs, seed):
        sim = ms.Simulator(game, num_envs, seed=seed)
        sim.reset()
        return sim, Seats(sim, {0: ms.as_policy("axelrod:Random"), 1: ms.as_policy("axelrod:SecondByCave"),
                                2: ms.as_policy("axelrod:RiskyQLearner"), 3: POLICIES["Random"]()})  # fmt: skip

    def steps(sim, seats, count):
        found = []
        for _ in range(count):
            actions = np.zeros(sim.acting.shape, int)
            seats.choose(actions)
            seats.saw(sim.step(actions), actions)
            found.append(actions)
        return np.stack(found)

    crowd = steps(*play(5, (1, 2)), 30)
    np.testing.assert_array_equal(crowd[:, 5:7], steps(*play(2, (2,)), 30))
    sim, seats = play(5, (1, 2))
    for before in (18, 7, 3):
        steps(sim, seats, before)
        kept, memory = sim.save(), seats.state_dict()
        expected = steps(sim, seats, 20)
        for again in ((sim, seats), play(5, (1, 2))):  # back in time, and at another table
            again[0].load(kept)
            again[1].load_state_dict(memory)
            np.testing.assert_array_equal(steps(*again, 20), expected)


@needs_it
def test_names_objects_and_refusals(refused):
    import axelrod as axl

    assert ms.as_policy("axelrod:GTFT#p=0.1").strategy.p == 0.1
    assert ms.as_policy(axl.TitForTat()).name == "axelrod:Tit For Tat"
    assert ms.as_policy("axelrod:Random").clone() == ms.as_policy("axelrod:Random")
    refused(lambda: ms.as_policy("axelrod:TitForTatt"), "no strategy 'TitForTatt'", "did you mean 'TitForTat'")
    refused(lambda: ms.as_policy("axelrod:GTFT#q=0.1"), "option of axelrod:GTFT: 'q'", "p")
    refused(lambda: ms.as_policy("axelrod:MindReader"), "looks into the program")
    for game in ("trust", "public_goods", "battle_of_the_sexes", "matrix_game"):
        sim = ms.Simulator(game, 1)
        refused(lambda sim=sim: Seats(sim, {0: ms.as_policy("axelrod:TitForTat")}), "axelrod:Tit For Tat")


def test_where_the_library_is_missing_the_pip_command_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "axelrod", None)
    seat.library.cache_clear()
    for name in ("axelrod:TitForTat", "axelrod:GTFT#p=0.1"):
        with pytest.raises(ImportError, match=r"pip install axelrod$") as caught:
            ms.as_policy(name)
        assert "\n" not in str(caught.value)
    seat.library.cache_clear()


def test_every_dilemma_strategy_of_ours_is_compared():
    """But for those that need more than two who play, and contrite tit for tat, which is told apart above."""
    pairwise = {name for name, cls in POLICIES.items() if "forgiving" in cls.tags and not cls.tags.get("selects")}
    assert pairwise - {name.partition("#")[0] for name in TWINS} == {"ContriteTitForTat", "ZeroDeterminant"}
    assert {C, D} == {0, 1}
    assert PAIR.n_agents == 2
