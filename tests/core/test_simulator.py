"""The Simulator at its edges: ends of episodes, lasting state, seats empty, threads, refusals in one sentence."""

import numpy as np
import pytest

import marl_sim as ms


def dilemma(*mechanisms, **given):
    return ms.Society(ms.PrisonersDilemma(), *mechanisms, **given)


def start(game, worlds=1, seed=0, **given):
    sim = ms.Simulator(game, num_envs=worlds, seed=seed, **given)
    sim.reset()
    return sim


def all_choose(sim, action):
    return np.where(sim.acting, action, 0)


# ---------------------------------------------------------------- ends


def test_fixed_rounds_terminate_and_lasting_state_is_renewed():
    sim = start(dilemma(ms.Reputation(), horizon=ms.Fixed(2)))
    sim.step(all_choose(sim, 1))
    assert sim.state["standing"].tolist() == [[[-1.0, -1.0]]]
    step = sim.step(all_choose(sim, 1))
    assert step.terminated.all()
    assert not step.truncated.any()
    assert sim.state["standing"].tolist() == [[[0.0, 0.0]]]
    assert (sim.state["recent"] == 2).all()
    assert step.tallies["reputation"].tolist() == [[-2.0, -2.0]]


def test_a_stopped_clock_truncates_and_lasting_state_goes_on():
    sim = start(dilemma(ms.Reputation(), horizon=ms.Continuing(2)))
    sim.step(all_choose(sim, 1))
    step = sim.step(all_choose(sim, 1))
    assert step.truncated.all()
    assert not step.terminated.any()
    assert sim.state["standing"].tolist() == [[[-2.0, -2.0]]]
    assert (sim.state["recent"] == 1).all()
    assert (sim.state["round"] == 0).all()


def test_final_obs_is_what_would_have_been_seen_and_obs_is_of_the_new_episode():
    game = dilemma(horizon=ms.Fixed(1))
    sim = start(game)
    play = game.layout.block("play")
    step = sim.step(all_choose(sim, 1))
    assert step.terminated.all()
    assert step.final_obs[0, 0, play].tolist() == [0, 1, 0, 0, 1, 0]  # both defected
    assert step.obs[0, 0, play].tolist() == [0, 0, 1, 0, 0, 1]  # nothing known


def test_worlds_end_on_their_own():
    sim = start(dilemma(ms.PartnerSelection(), n_agents=4, horizon=ms.Geometric(0.6)), 64)
    lengths, apart = [], False
    began = np.zeros(64)
    for t in range(200):
        step = sim.step(np.where(sim.acting, sim.legal.argmax(2), 0))
        ended = step.terminated
        lengths += list(t + 1 - began[ended])
        began[ended] = t + 1
        apart |= 0 < ended.sum() < 64
    assert apart
    assert np.mean(lengths) == pytest.approx(2 / 0.4, rel=0.1)  # two stages a round, 1 / (1 - 0.6) rounds
    assert set(np.unique(step.stage)) <= {0, 1}


def end_game_after(rounds):
    @ms.rule
    def stop(round, last, over):
        if round[0] + 1 >= last:
            over[0] = 1

    class Stop(ms.Mechanism):
        last: int = rounds

        def reactions(self, game):
            return {"after:play": stop}

    return Stop()


@pytest.mark.parametrize("mechanisms", [(), (ms.PartnerSelection(), ms.Punishment(), ms.Reputation())])
def test_a_game_over_in_the_middle_of_a_round(mechanisms):
    game = dilemma(*mechanisms, end_game_after(2), n_agents=4, horizon=ms.Fixed(50))
    sim = start(game, 3, settled=True)
    plays = 0
    for _ in range(40):
        was_play = game.stages[int(sim.stage[0])].kind == "play"
        step = sim.step(np.where(sim.acting, sim.legal.argmax(2), 0))
        plays += was_play
        assert step.terminated.all() == (was_play and plays % 2 == 0)
        assert step.round_over.all() >= step.terminated.all()
    assert plays > 8


@pytest.mark.parametrize("n", [2, 3, 5])
@pytest.mark.parametrize("encounters", ["together", "in turn"])
def test_every_size_plays(n, encounters):
    parts = (ms.PartnerSelection(), ms.Punishment(by="partner"), ms.Reputation())
    sim = start(dilemma(*parts, n_agents=n, encounters=encounters, horizon=ms.Fixed(2)), 4)
    ended = 0
    for _ in range(100):
        ended += sim.step(np.where(sim.acting, sim.legal.argmax(2), 0)).terminated.sum()
    assert ended > 0


@ms.rule
def nobody(n, acting):
    for i in range(n):
        acting[i] = 0


class Idle(ms.Mechanism):
    """A stage in which nobody ever acts."""

    def stages(self, game):
        return [ms.Stage("idle", ("wait", "see"), acting=nobody, phase=60)]


def test_a_stage_in_which_nobody_can_act_is_passed_over():
    sim = start(dilemma(Idle()))
    for _ in range(15):
        assert (sim.stage == 0).all()
        sim.step(all_choose(sim, 0))


def test_a_game_in_which_nobody_can_ever_act_is_refused():
    @ms.rule
    def lock(willing):
        for i in range(willing.size):
            willing[i] = 0

    @ms.rule
    def forever(over, clock, enough):
        over[0] = clock[0] = enough[0] = 0

    class Lock(ms.Mechanism):
        def reactions(self, game):
            return {"open": lock}

    sim = ms.Simulator(dilemma(Lock(), horizon=ms.Geometric(0.999999)))
    with pytest.raises(RuntimeError, match="nobody can act in 1000 stages in a row of Society"):
        sim.reset()
    with pytest.raises(ms.NotReset):
        sim.step(np.zeros((1, 2), dtype=int))


def test_settled_shows_standing_decisions_at_the_end_of_a_round():
    game = dilemma(ms.PartnerSelection(), ms.Reputation(), n_agents=3, horizon=ms.Fixed(3))
    sim = start(game, settled=True)
    step = sim.step(np.zeros((1, 3), dtype=int))
    assert not step.round_over.any()
    assert not step.settled.any()
    step = sim.step(np.ones((1, 3), dtype=int))
    assert step.round_over.all()
    assert step.settled.all()  # all chose, all played
    play = game.layout.block("play")
    assert step.settled_obs[0, 1, 0, play].tolist()[:3] == [0.0, 1.0, 0.0]  # the other's defection is known
    assert not step.settled_obs[0, 0][:, play].any()


# ---------------------------------------------------------------- memory


def test_memory_grows_with_the_worlds_and_no_faster():
    def held(worlds):
        sim = ms.Simulator("society", num_envs=worlds)
        return sum(sim.arrays[name].nbytes for name in sim._own) + sim._memory.nbytes

    assert held(4096) == pytest.approx(4 * held(1024), rel=1e-3)


# ---------------------------------------------------------------- refusals


def test_a_step_before_reset():
    with pytest.raises(ms.NotReset, match=r"call reset\(\) before step\(\)"):
        ms.Simulator(dilemma()).step(np.zeros((1, 2), dtype=int))


@pytest.mark.parametrize(
    "actions",
    [np.zeros(2, int), np.zeros((2, 2), int), np.zeros((1, 3), int), np.zeros((1, 2)), [[0.0, 1.0]], [["a", "b"]]],
)
def test_actions_of_the_wrong_kind(actions):
    sim = start(dilemma())
    before = sim.save()
    with pytest.raises(ValueError, match=r"actions must be integers of shape \(1, 2\); got "):
        sim.step(actions)
    assert all(np.array_equal(before[k], v) for k, v in sim.save().items())


@pytest.mark.parametrize("dtype", [np.int8, np.uint8, np.int32, np.uint32, np.int64, np.uint64])
def test_actions_of_any_whole_kind(dtype):
    sim = start(dilemma(), 3)
    assert sim.step(np.ones((3, 2), dtype=dtype)).reward.tolist() == [[1.0, 1.0]] * 3
    assert sim.step(np.ones((2, 3), dtype=dtype).T).reward.tolist() == [[1.0, 1.0]] * 3
    assert sim.step([[0, 1], [1, 1], [0, 0]]).reward.tolist() == [[0, 4], [1, 1], [3, 3]]


def test_an_illegal_action_says_who_where_what_and_what_is_legal():
    sim = start(dilemma(), 3)
    actions = np.zeros((3, 2), dtype=int)
    actions[2, 1] = 7
    sentence = r"agent_1 chose 7 in stage 'play' of world 2; it may choose 0 \(cooperate\) or 1 \(defect\)"
    with pytest.raises(ms.IllegalAction, match=sentence):
        sim.step(actions)
    idle = start(dilemma(n_agents=3))
    actions = np.ones((1, 3), dtype=int)
    with pytest.raises(ms.IllegalAction, match=r"where it does not act; it may only pass \(0\)"):
        idle.step(actions)


@pytest.mark.parametrize("worlds", [64, 4096])
def test_an_illegal_action_leaves_all_worlds_as_they_are(worlds, monkeypatch):
    monkeypatch.setattr("marl_sim.core.simulator.PARALLEL_ABOVE", 1e-6)
    sim = start(dilemma(n_agents=4), worlds, threads=2)
    before = sim.save()
    actions = np.zeros((worlds, 4), dtype=int)
    actions[-1, -1] = 9
    with pytest.raises(ms.IllegalAction, match=f"of world {worlds - 1};"):
        sim.step(actions)
    assert all(np.array_equal(before[k], v) for k, v in sim.save().items())


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"num_envs": 0}, "num_envs must be a whole number of at least 1; got 0"),
        ({"num_envs": 2.5}, "num_envs must be a whole number of at least 1; got 2.5"),
        ({"num_envs": True}, "num_envs must be a whole number of at least 1; got True"),
        ({"seed": -1}, r"seed must be a whole number from 0 to 2\*\*64 - 1"),
        ({"seed": 2**64}, r"seed must be a whole number from 0 to 2\*\*64 - 1"),
        ({"seed": []}, r"seed must be a whole number from 0 to 2\*\*64 - 1"),
        ({"seed": 1.5}, r"seed must be a whole number from 0 to 2\*\*64 - 1"),
        ({"seed": "abc"}, r"seed must be a whole number from 0 to 2\*\*64 - 1"),
        ({"threads": 0}, "threads must be a whole number of at least 1, or None"),
    ],
)
def test_wrong_arguments(given, sentence):
    with pytest.raises(ValueError, match=sentence):
        ms.Simulator(dilemma(), **given)


def test_reset_with_another_number_of_seeds():
    sim = start(dilemma(), seed=[1, 2])
    with pytest.raises(ValueError, match="as many seeds as the simulator has: 2; got 1"):
        sim.reset(seed=5)


def test_load_of_another_game_or_size():
    saved = start(dilemma(n_agents=4)).save()
    with pytest.raises(ValueError, match="the saved state is of another game or size: "):
        start(dilemma(n_agents=5)).load(saved)
    with pytest.raises(ValueError, match="the saved state is of another game or size: "):
        start(dilemma(n_agents=4), 2).load(saved)


def test_actions_that_cannot_be_written_to_are_read():
    """Broadcast actions, one for all, in a single world too."""
    for worlds in (1, 3):
        sim = ms.Simulator(ms.make("prisoners_dilemma"), num_envs=worlds)
        sim.reset()
        step = sim.step(np.broadcast_to(np.int64(1), (worlds, 2)))
        assert (step.reward == 1.0).all()


# ---------------------------------------------------------------- some worlds only


def test_worlds_may_wait_and_lose_nothing_by_it():
    """Stepped together, or each in its own time: the same worlds, paid the same; who waits is paid and ends nothing."""
    game = dilemma(ms.Punishment(by="both"), ms.Reputation(), n_agents=4, horizon=ms.Fixed(3))
    together, apart = (start(game, worlds=6, settled=True) for _ in range(2))
    rng, played, told = np.random.default_rng(0), np.zeros(6, int), []
    for _ in range(20):
        step = together.step(all_choose(together, 1))
        told.append([part.copy() for part in (step.obs, step.reward, step.terminated, step.settled)])
    while played.min() < 20:
        only = (rng.random(6) < 0.5) & (played < 20)
        before = apart.obs.copy(), apart.legal.copy(), apart.stage.copy()
        actions = np.where(only[:, None], all_choose(apart, 1), 99)  # nobody looks at what those who wait would do
        step = apart.step(actions, only)
        for now, then in zip((step.obs, step.legal, step.stage), before, strict=True):
            np.testing.assert_array_equal(now[~only], then[~only])
        idle = (step.reward, step.terminated, step.truncated, step.round_over, step.settled, *step.components.values())
        assert not any(part[~only].any() for part in idle)
        for w in np.flatnonzero(only):
            for now, want in zip((step.obs, step.reward, step.terminated, step.settled), told[played[w]], strict=True):
                np.testing.assert_array_equal(now[w], want[w])
        played += only


def test_who_plays_is_checked_and_nothing_is_played_where_one_action_is_wrong():
    sim = start(dilemma(), worlds=3)
    before = sim.save()
    with pytest.raises(ms.IllegalAction, match="world 2"):
        sim.step(np.array([[1, 1], [9, 9], [1, 7]]), np.array([True, False, True]))
    assert all((sim.save()[name] == kept).all() for name, kept in before.items())
    with pytest.raises(ValueError, match=r"only must be bool of shape \(3,\)"):
        sim.step(np.zeros((3, 2), int), np.array([True]))
