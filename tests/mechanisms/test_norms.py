"""Binary reputations: every norm against its printed table, errors, views, and who is judged by what."""

import itertools

import numpy as np
import pytest

import marl_sim as ms
from marl_sim.mechanisms.norms import LEADING_EIGHT, NAMED

PROFILES = np.array(list(itertools.product((0, 1), repeat=4)))  # reputation of 0 and of 1, cooperates 0 and 1

# Ohtsuki & Iwasa: verdicts on (donor, recipient, action) for L1..L8, in the columns GGC GGD BGC BGD GBD GBC BBC BBD
LEADING = {
    "L1": "G B G B G G G B",
    "L2": "G B G B G B G B",
    "L3": "G B G B G G G G",
    "L4": "G B G B G G B G",
    "L5": "G B G B G B G G",
    "L6": "G B G B G B B G",
    "L7": "G B G B G G B B",
    "L8": "G B G B G B B B",
}
CELLS = ["GGC", "GGD", "BGC", "BGD", "GBD", "GBC", "BBC", "BBD"]


def society(norm, n_agents=2, **options):
    options = dict(error=0.0) | options
    return ms.Society(ms.DonationGame(), ms.Norm(norm=norm, **options), n_agents=n_agents, horizon=ms.Continuing(1000))


def after_one_play(table, norm):
    """New reputations [16, 2] of both players for each of PROFILES."""
    t = table(society(norm), num_envs=16)
    t.sim.state["standing"][:, 0] = PROFILES[:, :2]
    t.round(play=1 - PROFILES[:, 2:])
    return t.sim.state["standing"][:, 0].copy()


@pytest.mark.parametrize("number", range(16))
def test_a_norm_by_number_is_its_four_bits(table, number):
    bits = f"{number:04b}"  # (D, bad), (D, good), (C, bad), (C, good)
    wanted = [
        [int(bits[2 * act + other]) for act, other in ((p[2], p[1]), (p[3], p[0]))] for p in PROFILES
    ]  # fmt: skip
    assert after_one_play(table, number).tolist() == wanted


@pytest.mark.parametrize("name", LEADING)
def test_the_leading_eight_are_as_printed(table, name):
    verdict = dict(zip(CELLS, LEADING[name].split(), strict=True))

    def new(own, other, act):
        return int(verdict["BG"[own] + "BG"[other] + "DC"[act]] == "G")

    wanted = [[new(p[0], p[1], p[2]), new(p[1], p[0], p[3])] for p in PROFILES]
    assert after_one_play(table, name).tolist() == wanted


def test_names_stand_for_their_numbers():
    assert NAMED == {"shunning": 1, "image score": 3, "stern judging": 9, "simple standing": 11}
    for name, number in (*NAMED.items(), ("L3", 11), ("L6", 9)):  # simple standing and stern judging lead, too
        assert (ms.Norm(norm=name).verdicts == ms.Norm(norm=number).verdicts).all()
    distinct = {ms.Norm(norm=name).verdicts.tobytes() for name in LEADING_EIGHT}
    assert len(distinct) == 8


def test_verdicts_are_turned_round_at_the_rate_of_errors(table, near):
    worlds = 20000
    t = table(society("image score", error=0.1), num_envs=worlds)
    t.round(play=0)
    bad = t.sim.state["standing"][:, 0] == 0
    near(bad.sum(), 2 * worlds, 0.1)
    near(bad.all(1).sum(), worlds, 0.01)  # independent of one another


def test_private_judges_go_by_their_own_views_and_err_each_for_itself(table, near):
    t = table(society("stern judging", private=True))
    t.sim.state["standing"][0] = [[1, 0], [1, 1]]  # agent 0 thinks badly of agent 1
    t.round(play=0)  # both cooperate: with a bad one this is bad
    assert t.sim.state["standing"][0].tolist() == [[0, 1], [1, 1]]
    worlds = 20000
    t = table(society("image score", private=True, error=0.1), num_envs=worlds)
    t.round(play=0)
    bad = t.sim.state["standing"] == 0
    near(bad.sum(), 4 * worlds, 0.1)
    near(bad[:, :, 0].all(1).sum(), worlds, 0.01)


def test_of_several_encounters_one_drawn_uniformly_is_judged(table, near):
    worlds = 20000
    norm = ms.Norm(norm="shunning", error=0.0)  # good only if it cooperates with the good
    t = table(ms.Society(ms.PrisonersDilemma(), ms.PartnerSelection(), norm, n_agents=5), num_envs=worlds)
    t.step(select=np.zeros((worlds, 5), dtype=int))  # 0 meets 1 as host, and 1, 2, 3, 4 as their guest
    t.sim.state["standing"][:, 0] = [0, 1, 0, 0, 0]
    t.round(play=0)
    standing = t.sim.state["standing"][:, 0]
    near(standing[:, 0].sum(), worlds, 2 / 5)
    assert (standing[:, 1:] == 0).all()  # all theirs were with the bad


def test_verdicts_go_by_what_a_play_looked_like_in_any_order_of_composition(table):
    noise, norm = ms.Noise(perception=0.5), ms.Norm(norm="image score", error=0.0)
    ends = []
    for parts in ((noise, norm), (norm, noise)):
        t = table(ms.Society(ms.DonationGame(), *parts, n_agents=4), num_envs=50)
        t.round(play=0)
        assert (t.sim.state["standing"][:, 0] == 1 - t.sim.state["defected"]).all()
        ends.append(t.sim.state["standing"].copy())
    assert (ends[0] == ends[1]).all()
    assert 0 < ends[0].mean() < 1


@pytest.mark.parametrize("lasting", [True, False])
def test_reputations_last_or_start_afresh(table, lasting):
    game = ms.Society(
        ms.DonationGame(), ms.Norm(norm=0, error=0.0, lasting=lasting), n_agents=2, horizon=ms.Continuing(2)
    )
    t = table(game)
    t.round(play=0)
    last = t.round(play=0).step
    assert last.truncated.all()
    assert last.tallies["reputation"].tolist() == [[0.0, 0.0]]
    assert (t.sim.state["standing"] == (0 if lasting else 1)).all()


def test_players_see_binary_reputations(table):
    game = society("stern judging", n_agents=2, seen_in=("play",))
    t = table(game)
    t.sim.state["standing"][0, 0] = [0, 1]
    t.round(play=0)  # 0 was good to the good, 1 was good to the bad
    assert t.sim.state["standing"][0, 0].tolist() == [1, 0]
    assert t.sees("target_reputation").tolist() == [[1, 0], [0, 1]]  # one-hot of bad, good
    assert t.sees("own_reputation").tolist() == [[0, 1], [1, 0]]
    alone = society("stern judging", own=False)
    assert "own_reputation" not in [slot.name for slot in alone.layout.slots]
    tabular = ms.Society(ms.DonationGame(sees=()), ms.Norm(own=False), n_agents=4, encode="index")
    assert tabular.layout.levels("play") == (2,)


def test_wrong_options_are_refused(refused):
    refused(lambda: ms.Norm(norm="stern juding"), "'stern juding'", "did you mean 'stern judging'")
    refused(lambda: ms.Norm(norm=16), "16", "0 to 15")
    refused(lambda: ms.Norm(norm=True), "True")
    refused(lambda: ms.Norm(error=1.1), "error", "1.1", "from 0 to 1")
    refused(lambda: ms.Norm(initial=2), "initial", "2")
    refused(lambda: ms.Norm(seen_in=("paly",)), "seen_in", "paly")
    both = (ms.Reputation(), ms.Norm())
    refused(lambda: ms.Society(ms.DonationGame(), *both, n_agents=3), "standing")
