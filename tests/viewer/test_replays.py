"""Time runs both ways; replays lead where they led, and say so where they cannot; branches change what was changed."""

import zlib

import numpy as np
import pytest
from drawn_moments import moment

import marl_sim as ms
from marl_sim.viewer import replays
from marl_sim.viewer.branches import branch
from marl_sim.viewer.minds import Table, by_chance
from marl_sim.viewer.replays import MAGIC, Replay, ReplayError, first_difference, state_hash
from marl_sim.viewer.timeline import EVERY, Timeline


@pytest.fixture
def line():
    return moment("society", 2 * EVERY + 30, seed=3).timeline


@pytest.fixture
def file(line, tmp_path):
    return Replay.of(line, ["a", "b", "c", "d", "e"], {"by": "test"}).save(tmp_path / "x.replay")


@pytest.mark.parametrize("name", ["society", "common_pool", "mac_spgg"])
def test_every_moment_is_the_same_again(name):
    game = ms.make(name, box=True) if name == "common_pool" else ms.make(name)
    line, minds = Timeline(game, 7), Table(game)
    seen = []
    for _ in range(3 * EVERY):
        seen.append((state_hash(line.simulator), line.chronicle.totals.copy(), line.chronicle.over))
        line.play(minds.decide(line.simulator))
    for t in (0, 3 * EVERY - 1, EVERY, EVERY - 1, EVERY + 1, 5, 6, 2 * EVERY + 40):
        line.seek(t)
        assert (state_hash(line.simulator), line.chronicle.over) == (seen[t][0], seen[t][2])
        assert line.chronicle.totals == pytest.approx(seen[t][1]) and line.chronicle.steps == t
    line.seek(10**9)
    assert line.at == len(line) == 3 * EVERY
    assert not line.forward()


def test_a_frame_that_ends_an_episode_is_the_same_when_time_turns_back():
    line = moment("safe_interruptibility", 0).timeline
    minds = Table(line.game)
    while line.at < 4 * EVERY:
        line.play(minds.decide(line.simulator))
    for t in range(0, 4 * EVERY + 1, EVERY):
        line.seek(4 * EVERY)
        line.seek(t)
        once = line.scene().obs.copy()
        line.seek(max(0, t - 3))
        line.seek(t)
        assert (line.scene().obs == once).all()


def test_going_on_from_the_past_gives_up_what_came_after(line):
    line.seek(10)
    line.play(by_chance(line.simulator))
    assert len(line) == line.at == 11
    line.seek(3)
    line.seek(11)
    with pytest.raises(ms.IllegalAction):
        line.play(np.full(line.game.n_agents, 99))
    assert len(line) == line.at == 11


def test_world_seven_is_world_seven_of_many():
    game = ms.make("society")
    many = ms.Simulator(game, 8, seed=3)
    many.reset()
    line, minds = Timeline(game, 3, world=7), Table(game)
    for _ in range(60):
        actions = minds.decide(line.simulator)
        others = many.legal.argmax(-1)
        others[7] = actions
        line.play(actions)
        many.step(others)
        assert (many.obs[7] == line.simulator.obs[0]).all()


def test_a_replay_comes_back_whole_and_small(line, file):
    replay = Replay.load(file)
    assert (replay.game, replay.seed, replay.world) == (line.game, 3, 0)
    assert (replay.actions == np.array(line.actions)).all()
    assert replay.minds == tuple("abcde") and replay.notes == {"by": "test"}
    again = replay.timeline()
    again.seek(len(again))
    assert state_hash(again.simulator) == state_hash(line.simulator)
    assert file.stat().st_size < 1000 + len(line) * line.game.n_agents / 2


def test_replays_of_every_registered_game(tmp_path):
    for name in ("off_switch", "public_goods", "institution_choice"):
        show = moment(name, 25)
        assert first_difference(show.replay(), Replay.load(show.replay().save(tmp_path / "x.replay"))) is None
    game = ms.make("common_pool", box=True)
    show = moment(game, 12)
    assert (Replay.load(show.replay().save(tmp_path / "y.replay")).actions == show.replay().actions).all()


def test_damaged_and_foreign_files_are_refused_in_one_sentence(file, tmp_path, monkeypatch):
    def refused(data, says):
        bad = tmp_path / "bad.replay"
        bad.write_bytes(data)
        with pytest.raises(ReplayError, match=says) as refusal:
            Replay.load(bad)
        assert "\n" not in str(refusal.value)

    good = file.read_bytes()
    for at in (len(MAGIC) + 5, len(good) // 2, len(good) - 1):
        broken = bytearray(good)
        broken[at] ^= 1
        refused(bytes(broken), "is damaged: its checksum does not match")
    refused(good[:-3], "is damaged")
    refused(b"", "is no replay")
    refused(b"PK\x03\x04" + good, "is no replay")
    refused(MAGIC + b"\x09" + good[len(MAGIC) + 1 :], "is of replay format 9; this version reads format 1")
    body = zlib.decompress(good[len(MAGIC) + 33 :])

    def packed(text):
        import hashlib

        data = zlib.compress(text)
        return MAGIC + b"\x01" + hashlib.sha256(data).digest() + data

    refused(
        packed(body.replace(b'"marl_sim": "' + ms.__version__.encode(), b'"marl_sim": "0.0.0')),
        "saved by marl_sim 0.0.0",
    )
    refused(packed(body.replace(b"PrisonersDilemma", b"PrisonersDilemmo")), "cannot be played here: there is no")
    refused(
        packed(body.replace(b"marl_sim.games.matrix:PrisonersDilemma", b"marl_sim.core.rng:GOLDEN")), "cannot be played"
    )
    refused(packed(body[:-7]), "cannot be played here")
    refused(packed(body.replace(b'"seed": 3', b'"seed": 4')), "cannot be played|ends in another state")
    refused(packed(b"[1, 2]\n"), "cannot be read")
    with pytest.raises(FileNotFoundError, match="there is no replay"):
        Replay.load(tmp_path / "nothing.replay")
    monkeypatch.setattr(replays, "LARGEST", 10)
    with pytest.raises(ReplayError):
        Replay.load(file)


def test_a_game_that_cannot_be_written_down_is_no_replay(tmp_path):
    class Mine(ms.PrisonersDilemma):
        pass

    with pytest.raises(ReplayError, match="by names and options"):
        moment(ms.Society(Mine(), n_agents=2), 3).replay().save(tmp_path / "x.replay")


def test_a_branch_differs_from_the_changed_step_on_and_nowhere_before(file):
    replay = Replay.load(file)
    same, replaced = branch(replay, 40)
    assert replaced == 0 and first_difference(replay, same) is None
    line = replay.timeline()
    t = next(t for t in range(40, 60) if (line.seek(t), (line.acting & (line.legal.sum(1) > 1)).any())[1])
    agent = int(np.flatnonzero(line.acting & (line.legal.sum(1) > 1))[0])
    did = int(replay.actions[t, agent])
    other = next(int(a) for a in np.flatnonzero(line.legal[agent]) if a != did)
    changed, _ = branch(replay, t, {agent: other})
    stage = line.game.stages[int(line.simulator.stage[0])]
    found = first_difference(replay, changed)
    assert (found.step, found.agent, found.one, found.other) == (t, agent, stage.choices[did], stage.choices[other])
    assert len(changed.actions) == len(replay.actions)
    assert changed.notes["branched_at"] == t
    back, _ = branch(changed, t, {agent: did})
    assert first_difference(back, replay) is None or first_difference(back, replay).step > t


def test_another_policy_in_a_seat_plays_from_the_branch_on(file):
    replay = Replay.load(file)
    other, _ = branch(replay, 50, policies={2: lambda seen, legal: int(np.flatnonzero(legal)[-1])})
    assert (other.actions[:50] == replay.actions[:50]).all()
    line = other.timeline()
    for t in range(len(other.actions)):
        if t >= 50 and line.acting[2]:
            assert other.actions[t, 2] == np.flatnonzero(line.legal[2])[-1]
        line.forward()


def test_wrong_branches_are_refused(file):
    replay = Replay.load(file)
    with pytest.raises(ReplayError, match="the replay has the steps 0 to"):
        branch(replay, 10**6)
    with pytest.raises(ValueError, match="there is no seat 9; the seats are 0 to 4"):
        branch(replay, 3, {9: 0})
    line = replay.timeline()
    decides = int(np.flatnonzero(line.acting)[0])
    with pytest.raises(ReplayError, match="cannot do 77 at step 0; it may do"):
        branch(replay, 0, {decides: 77})
    watchers = moment("direct_punishment", 3).replay()
    idle = int(np.flatnonzero(~watchers.timeline().acting)[0])
    with pytest.raises(ReplayError, match=f"agent_{idle} does not decide at step 0"):
        branch(watchers, 0, {idle: 0})


def test_only_the_same_game_can_be_compared(file):
    replay = Replay.load(file)
    with pytest.raises(ReplayError, match="only replays of the same game"):
        first_difference(replay, moment("stag_hunt", 4).replay())
    longer = moment("society", len(replay.actions) + 5, seed=3).replay()
    assert first_difference(replay, longer).step == len(replay.actions)
    assert first_difference(replay, moment("society", 5, seed=4).replay()).step == 0
